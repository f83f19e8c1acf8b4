"""`lamplighter history CLUSTER`: what was decided, done, seen and told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamplighter import options
from lamplighter.terminal import console, print_json, table

if TYPE_CHECKING:
    from shared.model.records import HistoryRecord

WEEK = timedelta(days=7)
FLEET = "fleet"
_INSTANTS = ("since", "until")
STYLES = {"succeeded": "green", "failed": "red", "reversed": "yellow", "hold": "cyan", "decided": "", "snapshot": "dim"}


def command(
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="Name or id of a cluster, or 'fleet'.")],
    *,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="2d, 2026-12-24 or an instant. Default: a week.")
    ] = None,
    journal: options.JournalUrl = None,
    at: options.At = None,
    zone: Annotated[
        str | None, typer.Option("--zone", metavar="ZONE", help="IANA zone of the times shown. Default: the policy's.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """What was decided about a cluster, done to it, seen of it and told about it."""
    from lamplighter.find import one_cluster  # noqa: PLC0415
    from lamplighter.remembered import journal_at, known_clusters, zone_in_force  # noqa: PLC0415

    now = options.moment(at)
    begin = options.since(since, now, WEEK)
    place = None if zone is None else options.zone(zone)
    with journal_at(journal) as opened:
        wanted = cluster.strip().casefold()
        about = wanted if wanted == FLEET else one_cluster(known_clusters(opened), cluster, "the journal").id
        records = tuple(opened.history(about, begin, now + timedelta(seconds=1)))
        place = place or zone_in_force(opened)
    if as_json:
        print_json({"cluster": about, "since": begin, "records": [_document(one) for one in records]})
        return
    _show(about, records, place)


def _document(one: HistoryRecord) -> dict[str, Any]:
    return {"at": one.at, "cluster": one.cluster, "phase": one.phase, "id": one.id, "body": dict(one.body)}


def _show(about: str, records: Iterable[HistoryRecord], zone: str) -> None:
    from rich.text import Text  # noqa: PLC0415

    from shared.policy.spoken import spoken  # noqa: PLC0415

    out = console()
    out.print(f"{about.rpartition('/')[2]} ({zone})", style="bold")
    rows = table("at", "what", "details*")
    for one in records:
        rows.add_row(
            spoken(one.at, zone), Text(one.phase, style=STYLES.get(one.phase, "")), sentence(one.phase, one.body, zone)
        )
    if rows.row_count:
        out.print(rows)
    else:
        out.print("Nothing is on record in that time.")


def sentence(phase: str, body: Mapping[str, Any], zone: str = "UTC") -> str:
    """The body of a record in words: its own message where it has one."""
    body = {**body, **{name: _when(str(body[name]), zone) for name in _INSTANTS if body.get(name)}}
    told = _WORDS.get(phase)
    if told is not None:
        return told(body)
    said = str(body["message"]) if body.get("message") else ""
    kind = str(body.get("kind", "")).replace("_", " ")
    if said or kind:
        return ": ".join(part for part in (kind, said) if part)
    return ", ".join(f"{key} {value}" for key, value in body.items() if value not in (None, ""))


def _when(text: str, zone: str) -> str:
    """An instant as people say it; anything else as it is."""
    from shared.policy.spoken import spoken  # noqa: PLC0415

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if at.tzinfo is None else spoken(at, zone)


def _snapshot(body: Mapping[str, Any]) -> str:
    if body.get("absent"):
        return "not in the inventory"
    sizes = ", ".join(f"{pool.get('name')} {_number(pool.get('count'))}" for pool in body.get("pools") or [])
    return f"{str(body.get('power', '')).lower()}; nodes: {sizes or 'none'}"


def _decided(body: Mapping[str, Any]) -> str:
    return f"{body.get('action')} ({body.get('reason')}): {body.get('message')}"


def _adopted(body: Mapping[str, Any]) -> str:
    of = f" for pool {body['pool']}" if body.get("pool") else ""
    return f"rule {body.get('rule')} acts from now on{of}"


def _gap(body: Mapping[str, Any]) -> str:
    return f"nobody looked since {body.get('since')}"


def _observed(body: Mapping[str, Any]) -> str:
    power = str(body.get("power", "")).lower()
    return f"{body['pool']}: {power}" if body.get("pool") else power


def _told(body: Mapping[str, Any]) -> str:
    return f"{str(body.get('kind')).replace('_', ' ')}, to {body.get('channel')} ({body.get('occasion')})"


def _word(body: Mapping[str, Any]) -> str:
    """What a person said: of one cluster, or of the whole fleet."""
    why = f": {body['reason']}" if body.get("reason") else ""
    if "by" in body:
        what = "resumed" if not why else "everything held" if body.get("all") else "stops held"
        return f"{what} by {body['by']}{why}"
    if body.get("wish") is None:
        return f"taken back by {body.get('owner')}"
    kept = "kept on" if body["wish"] == "running" else "kept off"
    who = f", by {body['owner']}" if body.get("owner") else ""
    return f"{kept} until {body.get('until')}{who}{why}"


def _number(value: object) -> str:
    return "?" if value is None else str(value)


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {"snapshot": _snapshot, "decided": _decided, "observed": _observed, "told": _told, "hold": _word}
    | {"adopted": _adopted, "gap": _gap}
)
