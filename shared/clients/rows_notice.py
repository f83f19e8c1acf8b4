"""How a notice that waits, and what a route was told, lie in rows of the journal."""

from __future__ import annotations

from typing import Any

from shared.clients.rows import Section, digest, instant_text, read_instant, read_length, read_maybe
from shared.clients.store import Row
from shared.model.decisions import Notice
from shared.model.records import Told

NOTICES_TABLE = "Notices"
PENDING, TOLD = "pending", "told"

_NOTICE, _TOLD = map(Section, ("notice", "told"))


def notice_row(notice: Notice) -> Row:
    # Not the instant: every tick finds the same matter again.
    matter = "|".join((notice.kind, notice.about, notice.cause, str(notice.resolved)))
    document: dict[str, Any] = {
        "kind": notice.kind,
        "about": notice.about,
        "cause": notice.cause,
        "sentence": notice.sentence,
        "at": instant_text(notice.at),
        "resolved": notice.resolved,
    }
    if notice.due_at is not None:
        document["due_at"] = instant_text(notice.due_at)
    if notice.keep_at_most is not None:
        document["keep_at_most"] = notice.keep_at_most.total_seconds()
    return Row(PENDING, digest(matter), _NOTICE.pack(document, f"the notice {notice.kind} about {notice.about}"))


def read_notice(row: Row) -> Notice:
    document = _NOTICE.unpack(row.properties)
    return Notice(
        kind=document["kind"],
        about=document["about"],
        cause=document["cause"],
        sentence=document["sentence"],
        at=read_instant(document["at"]),
        resolved=document["resolved"],
        due_at=read_maybe(document.get("due_at")),
        keep_at_most=read_length(document.get("keep_at_most")),
    )


def told_row(told: Told, etag: str | None) -> Row:
    document = {
        "key": told.key,
        "digest": told.digest,
        "at": instant_text(told.at),
        "about": told.about,
        "open": told.open,
    }
    return Row(TOLD, digest(told.key), _TOLD.pack(document, f"what was told about {told.key}"), etag)


def read_told(row: Row) -> Told:
    document = _TOLD.unpack(row.properties)
    return Told(
        key=document["key"],
        digest=document["digest"],
        at=read_instant(document["at"]),
        about=tuple(document["about"]),
        open=document["open"],
    )
