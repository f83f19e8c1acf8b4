"""What is remembered of one target, the cluster or a pool of it, as JSON and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import intern
from typing import Any

from shared.clients.rows import instant_text, read_instant, read_maybe
from shared.model.fleet import Power
from shared.model.memory import Adoption, Failure, Owed, SavedSize, Seen, Served, TargetMemory, Warned, Wish

Document = dict[str, Any]

WISHES = {wish.value: wish for wish in Wish}
_POWERS = {power.value: power for power in Power}
_NOBODY = TargetMemory().adopted
_NO_SETBACKS = TargetMemory().setbacks


def write_target(target: TargetMemory) -> Document:
    """Raises ValueError for an instant without a zone."""
    document: Document = {}
    if target.adopted:
        document["adopted"] = {rule: _write_adoption(adoption) for rule, adoption in target.adopted.items()}
    for name, write in _TARGET_PARTS:
        if (part := getattr(target, name)) is not None:
            document[name] = write(part)
    if target.reversals:
        document["reversals"] = [instant_text(at) for at in target.reversals]
    if target.start_seconds:
        document["start_seconds"] = list(target.start_seconds)
    if target.setbacks:
        document["setbacks"] = {kind: _write_failure(failure) for kind, failure in target.setbacks.items()}
    return document


def _write_adoption(adoption: Adoption) -> Document:
    return {"fingerprint": adoption.fingerprint, "at": instant_text(adoption.at)}


def _write_served(served: Served) -> Document:
    return {"wish": served.wish.value, "through": instant_text(served.through)}


def _write_seen(seen: Seen) -> Document:
    document = {"power": seen.power.value, "at": instant_text(seen.at)}
    if seen.since is not None:
        document["since"] = instant_text(seen.since)
    return document


def _write_owed(owed: Owed) -> Document:
    return {"rule": owed.rule, "since": instant_text(owed.since)}


def _write_warned(warned: Warned) -> Document:
    return {"cause": warned.cause, "at": instant_text(warned.at), "due_at": instant_text(warned.due_at)}


def _write_saved(saved: SavedSize) -> Document:
    return {
        "count": saved.count,
        "min_count": saved.min_count,
        "max_count": saved.max_count,
        "autoscaling": saved.autoscaling,
        "at": instant_text(saved.at),
    }


def _write_failure(failure: Failure) -> Document:
    return {
        "kind": failure.kind,
        "code": failure.code,
        "message": failure.message,
        "at": instant_text(failure.at),
        "count": failure.count,
        "retry_at": instant_text(failure.retry_at),
    }


_TARGET_PARTS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("served", _write_served),
    ("seen", _write_seen),
    ("ran_at", instant_text),
    ("owed", _write_owed),
    ("saved", _write_saved),
    ("failure", _write_failure),
    ("no_stop_until", instant_text),
    ("warned", _write_warned),
    ("started_at", instant_text),
    ("stopped_at", instant_text),
)


def read_target(document: Document) -> TargetMemory:
    """Raises one of rows.BROKEN for a document that is damaged."""
    get = document.get
    adopted, served, seen, owed = get("adopted"), get("served"), get("seen"), get("owed")
    saved, failure, warned = get("saved"), get("failure"), get("warned")
    return TargetMemory(
        adopted=_read_adopted(adopted) if adopted else _NOBODY,
        served=None if served is None else Served(WISHES[served["wish"]], read_instant(served["through"])),
        seen=None
        if seen is None
        else Seen(_POWERS[seen["power"]], read_instant(seen["at"]), read_maybe(seen.get("since"))),
        ran_at=read_maybe(get("ran_at")),
        owed=None if owed is None else Owed(intern(owed["rule"]), read_instant(owed["since"])),
        saved=None if saved is None else _read_saved(saved),
        failure=None if failure is None else _read_failure(failure),
        no_stop_until=read_maybe(get("no_stop_until")),
        warned=None
        if warned is None
        else Warned(warned["cause"], read_instant(warned["at"]), read_instant(warned["due_at"])),
        started_at=read_maybe(get("started_at")),
        stopped_at=read_maybe(get("stopped_at")),
        reversals=tuple(map(read_instant, get("reversals", ()))),
        start_seconds=tuple(get("start_seconds", ())),
        setbacks=_read_setbacks(setbacks) if (setbacks := get("setbacks")) else _NO_SETBACKS,
    )


def _read_setbacks(documents: Document) -> Mapping[str, Failure]:
    return {intern(kind): _read_failure(document) for kind, document in documents.items()}


def _read_adopted(document: Document) -> Mapping[str, Adoption]:
    return {
        intern(rule): Adoption(intern(adoption["fingerprint"]), read_instant(adoption["at"]))
        for rule, adoption in document.items()
    }


def _read_saved(document: Document) -> SavedSize:
    return SavedSize(
        count=document["count"],
        min_count=document["min_count"],
        max_count=document["max_count"],
        autoscaling=document["autoscaling"],
        at=read_instant(document["at"]),
    )


def _read_failure(document: Document) -> Failure:
    return Failure(
        kind=intern(document["kind"]),
        code=intern(document["code"]),
        message=document["message"],
        at=read_instant(document["at"]),
        count=document["count"],
        retry_at=read_instant(document["retry_at"]),
    )
