"""How a line of history, and an event of our own on its way out, lie in rows of the journal."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from shared.clients.rows import Section, digest, instant_text, key_of, partition_of, read_instant
from shared.clients.store import Row, Span
from shared.model.events import event_of
from shared.model.records import HistoryRecord

HISTORY_TABLE = "History"
OUTBOX_TABLE, OUTBOX = "Outbox", "outbox"

# At one instant of a fast clock a claim still comes before what became of it.
_PHASES = ("decided", "claimed", "accepted", "succeeded", "failed", "released")
_RECORD = Section("record")


# One tick writes some records of each of thousands of clusters, all of them at one instant: both are looked up.


@lru_cache(maxsize=64)
def _when(at: datetime) -> tuple[str, str, str]:
    """(day, time of day, the instant) as keys and documents have them."""
    text = instant_text(at)
    at = at.astimezone(UTC)
    return day_of(at), f"{at:%H%M%S%f}", text


@lru_cache(maxsize=64)
def _where(cluster: str) -> tuple[str, str]:
    """(partition, digest) of a lower-case id."""
    return partition_of(cluster), digest(cluster)


def day_of(at: datetime) -> str:
    return f"{at.year:04}{at:%m%d}"


def day_span(cluster: str, at: datetime) -> Span:
    return Span(partition=f"{day_of(at)}~{partition_of(cluster)}", where=("cluster", cluster))


def history_row(record: HistoryRecord) -> Row:
    cluster = record.cluster.lower()
    (day, time, at), (partition, whose) = _when(record.at), _where(cluster)
    document = {"at": at, "phase": record.phase, "id": record.id, "body": record.body}
    return Row(
        f"{day}~{partition}",
        f"{time}~{whose}~{key_of(record.id)}~{key_of(record.phase)}",
        {"cluster": cluster, **_RECORD.pack(document, f"the history of {cluster} at {at}")},
    )


def outbox_row(record: HistoryRecord) -> Row:
    row, event = history_row(record), event_of(record)
    return Row(OUTBOX, row.key if event is None else event.id, row.properties)


def read_record(row: Row) -> HistoryRecord:
    document = _RECORD.unpack(row.properties)
    return HistoryRecord(
        at=read_instant(document["at"]),
        cluster=str(row.properties["cluster"]),
        phase=document["phase"],
        id=document["id"],
        body=document["body"],
    )


def moment(record: HistoryRecord) -> tuple[datetime, str, int, str, str]:
    order = _PHASES.index(record.phase) if record.phase in _PHASES else len(_PHASES)
    return record.at, record.cluster, order, record.id, record.phase
