"""The journal: what Lamplighter remembers, what happened, what people were told. Nouns in, nouns out.

    table     partition                key
    Memory    subscription             digest of the lower-case id
    History   yyyymmdd~subscription    time~digest of the id~occasion~phase
    Notices   pending | told           digest of what the notice, or the telling, is about
    Fleet     fleet                    fleet
    Fleet     places                   name of a rule of rings
    Fleet     digest                   next-run
    Prices    prices                   name of the document
    Links     links                    digest of the token
    Inbox     subscription             digest of an alert's id and condition
    Outbox    outbox                   id of an event of our own

Rows carry the database's etag: every change of a memory is a compare-and-swap. History is only ever added to, and
adding the same record twice leaves one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import Any, TypeVar

from shared.clients.rows import (
    BROKEN,
    Section,
    UnreadableRow,
    digest,
    instant_text,
    key_of,
    read_instant,
    unreadable,
)
from shared.clients.rows_alert import INBOX_TABLE, alert_row, read_alert_row
from shared.clients.rows_history import (
    HISTORY_TABLE,
    OUTBOX,
    OUTBOX_TABLE,
    day_of,
    day_span,
    history_row,
    moment,
    outbox_row,
    read_record,
)
from shared.clients.rows_link import LINKS, LINKS_TABLE, link_row, read_link
from shared.clients.rows_memory import FLEET, fleet_row, memory_place, memory_row, read_fleet, read_memory
from shared.clients.rows_next_run import DIGEST, NEXT_RUN, next_run_row, read_next_run
from shared.clients.rows_notice import NOTICES_TABLE, PENDING, TOLD, notice_row, read_notice, read_told, told_row
from shared.clients.rows_places import PLACES, places_row, read_places
from shared.clients.store import Row, Span, Store
from shared.errors import Superseded
from shared.model.alerts import Alert
from shared.model.decisions import Notice
from shared.model.events import HALTING, event_of
from shared.model.memory import FleetMemory, Memory, Stored
from shared.model.places import Places
from shared.model.records import HistoryRecord, Link, Told

T = TypeVar("T")

MEMORY_TABLE, FLEET_TABLE, PRICES_TABLE = "Memory", "Fleet", "Prices"
PRICES = "prices"

DAYS_READ_ONE_BY_ONE = 100
"""Up to here the days of one cluster are read partition by partition; beyond, one long scan asks less often."""

ROWS_AT_ONCE = 1000
"""How many rows are held to be written: enough to fill transactions, few enough to fit beside a large fleet."""

_PRICES = Section("prices")


class Journal:
    """All that is written and read back, over any Store.

    Every method raises NoReply, Throttled, Forbidden or Refused when the store does not answer, and
    `rows.UnreadableRow` for a row that this version does not understand.
    """

    def __init__(self, store: Store, *, outbox: bool = False) -> None:
        """`outbox`: what is an event of our own is put up for publishing too."""
        self._store = store
        self._outbox = outbox

    def close(self) -> None:
        self._store.close()

    # --- memory ---

    def memories(self, on_problem: Callable[[str], None] | None = None) -> Iterator[Stored[Memory]]:
        """All that is remembered, in one scan, ordered by subscription.

        A row that can't be read is left out and told to `on_problem` in a sentence; without one it raises.
        Its cluster then looks new, and the first swap of it loses: nothing is done to it until somebody looks.
        """
        return self._each(MEMORY_TABLE, read_memory, on_problem)

    def memory(self, cluster_id: str) -> Stored[Memory]:
        """What is remembered of one cluster; a blank memory with etag None when there is nothing."""
        row = self._store.get(MEMORY_TABLE, *memory_place(cluster_id))
        if row is None:
            return Stored(Memory(cluster_id.lower()), None)
        return _read(MEMORY_TABLE, row, read_memory)

    def swap(self, memory: Memory, etag: str | None) -> str:
        """Write it if nobody did since `etag`; returns the new etag. Raises Superseded when somebody did."""
        return self._store.swap(MEMORY_TABLE, memory_row(memory, etag))

    def swap_many(self, items: Iterable[Stored[Memory]]) -> tuple[str, ...]:
        """Write many, each for itself; returns the lower-case cluster ids of those that somebody else wrote first."""
        rows = (memory_row(item.value, item.etag) for item in items)
        lost: list[str] = []
        while some := list(islice(rows, ROWS_AT_ONCE)):
            lost += [str(row.properties["cluster"]) for row in self._store.swap_all(MEMORY_TABLE, some)]
        return tuple(lost)

    # --- history ---

    def append(self, records: Iterable[HistoryRecord]) -> None:
        """Write down what happened. The same record twice leaves one row: safe to repeat after a crash."""
        left = iter(records)
        while some := list(islice(left, ROWS_AT_ONCE)):
            self._put_up(some)
            self._store.put_all(HISTORY_TABLE, list(map(history_row, some)))

    def history(self, cluster: str | None, since: datetime, until: datetime) -> Iterator[HistoryRecord]:
        """What happened in [since, until), aware UTC, in time order; of one cluster (or 'fleet'), or of all."""
        begin, end = since.astimezone(UTC), until.astimezone(UTC)
        days = (end.date() - begin.date()).days + 1
        if cluster is not None and days <= DAYS_READ_ONE_BY_ONE:
            spans = [day_span(cluster.lower(), begin + timedelta(days=number)) for number in range(max(days, 0))]
        else:
            where = None if cluster is None else ("cluster", cluster.lower())
            spans = [Span(partition_from=day_of(begin), partition_to=f"{day_of(end)}~~", where=where)]
        rows = (row for span in spans for row in self._store.scan(HISTORY_TABLE, span))
        # Partitions of one day follow each other, so only one day is ever held.
        for _, one_day in groupby(rows, key=lambda row: row.partition[:8]):
            records = [_read(HISTORY_TABLE, row, read_record).value for row in one_day]
            records.sort(key=moment)
            yield from (record for record in records if begin <= record.at < end)

    # --- the fleet ---

    def fleet(self) -> Stored[FleetMemory]:
        """What is remembered of the fleet; blank with etag None before the first tick."""
        row = self._store.get(FLEET_TABLE, FLEET, FLEET)
        return Stored(FleetMemory(), None) if row is None else _read(FLEET_TABLE, row, read_fleet)

    def swap_fleet(self, fleet: FleetMemory, etag: str | None) -> str:
        """Write it if nobody did since `etag`; returns the new etag. Raises Superseded when somebody did."""
        return self._store.swap(FLEET_TABLE, fleet_row(fleet, etag))

    def places(self, rule: str) -> Stored[Places]:
        """Who holds a place of a rule of rings; nobody, with etag None, before the first."""
        row = self._store.get(FLEET_TABLE, PLACES, key_of(rule))
        return Stored(Places(rule), None) if row is None else _read(FLEET_TABLE, row, read_places)

    def swap_places(self, places: Places, etag: str | None) -> str:
        """Write it if nobody did since `etag`; returns the new etag. Raises Superseded when somebody did."""
        return self._store.swap(FLEET_TABLE, places_row(places, etag))

    # --- the digest ---

    def next_run(self) -> datetime | None:
        """When a digest that waits for its bills goes on (aware UTC); None while none waits."""
        row = self._store.get(FLEET_TABLE, DIGEST, NEXT_RUN)
        return None if row is None else _read(FLEET_TABLE, row, read_next_run).value

    def put_next_run(self, at: datetime) -> None:
        """Whatever was there: the last writer wins."""
        self._store.put_all(FLEET_TABLE, [next_run_row(at)])

    def forget_next_run(self) -> None:
        """None waits any more. Twice is no error."""
        self._store.delete_all(FLEET_TABLE, [Row(DIGEST, NEXT_RUN)])

    # --- telling people ---

    def post(self, notices: Iterable[Notice]) -> None:
        """Put notices up for telling. One that is pending (same kind, about, cause, resolved) stays as it is."""
        some = list(notices)
        halts = (one for one in some if one.kind in HALTING and not one.resolved)
        self._put_up(HistoryRecord(one.at, one.about, "halted", f"{one.kind}:{one.cause}") for one in halts)
        self._store.swap_all(NOTICES_TABLE, map(notice_row, some))

    def notices(self) -> Iterator[Notice]:
        """What waits to be told, in no particular order."""
        for row in self._store.scan(NOTICES_TABLE, Span(partition=PENDING)):
            yield _read(NOTICES_TABLE, row, read_notice).value

    def clear(self, notices: Iterable[Notice]) -> None:
        """They were told: take them down. Clearing twice is no error."""
        self._store.delete_all(NOTICES_TABLE, map(notice_row, notices))

    def told(self, key: str) -> Stored[Told | None]:
        """What a route was last told about a matter; value and etag None when nothing was."""
        row = self._store.get(NOTICES_TABLE, TOLD, digest(key))
        return Stored(None, None) if row is None else _read(NOTICES_TABLE, row, read_told)

    def put_told(self, told: Told, etag: str | None) -> str:
        """Write it if nobody did since `etag`; returns the new etag. Raises Superseded when somebody did."""
        return self._store.swap(NOTICES_TABLE, told_row(told, etag))

    # --- links in messages ---

    def link(self, digest: str) -> Stored[Link | None]:
        """The link whose token has this digest (64 hex digits); value and etag None when there is none."""
        row = self._store.get(LINKS_TABLE, LINKS, key_of(digest))
        return Stored(None, None) if row is None else _read(LINKS_TABLE, row, read_link)

    def put_link(self, link: Link, etag: str | None) -> str:
        """Make it (etag None), or mark it used: whoever swaps first has used it, the others get Superseded."""
        return self._store.swap(LINKS_TABLE, link_row(link, etag))

    def forget_links(self, before: datetime) -> None:
        """Delete the links that expired before then (aware UTC)."""
        rows = self._store.scan(LINKS_TABLE, Span(partition=LINKS))
        over = [row for row in rows if _read(LINKS_TABLE, row, read_link).value.expires_at < before]
        self._store.delete_all(LINKS_TABLE, over)

    # --- events of our own ---

    def _put_up(self, records: Iterable[HistoryRecord]) -> None:
        """Before what they tell of is on record: an event may be told twice, and is never lost."""
        if self._outbox:
            rows = [outbox_row(record) for record in records if event_of(record) is not None]
            if rows:
                self._store.put_all(OUTBOX_TABLE, rows)

    def outbox(self) -> Iterator[HistoryRecord]:
        """What waits to be published, in no particular order; what cannot be read is passed over."""
        for row in self._store.scan(OUTBOX_TABLE, Span(partition=OUTBOX)):
            try:
                yield read_record(row)
            except BROKEN:
                continue

    def published(self, records: Iterable[HistoryRecord]) -> None:
        """They were taken: take them down. Twice is no error."""
        self._store.delete_all(OUTBOX_TABLE, map(outbox_row, records))

    # --- alerts ---

    def receive(self, alert: Alert) -> bool:
        """Put it into the inbox; False when the same message lay there already, which stays as it was."""
        try:
            self._store.swap(INBOX_TABLE, alert_row(alert))
        except Superseded:
            return False
        return True

    def alerts(self, on_problem: Callable[[str], None] | None = None) -> Iterator[Alert]:
        """All messages of the inbox; one that can't be read is told to `on_problem`, or raises without one."""
        return (one.value for one in self._each(INBOX_TABLE, read_alert_row, on_problem))

    def forget_alerts(self, before: datetime) -> None:
        """Delete the messages received before then (aware UTC). What cannot be read may be a newer version's."""
        self._store.delete_all(INBOX_TABLE, [row for row in self._store.scan(INBOX_TABLE) if _is_old(row, before)])

    # --- what need not be kept ---

    def forget_history(self, before: datetime, most: int) -> int:
        """Delete records of the days before that of `before` (aware UTC), oldest first, at most so many; how many."""
        rows = self._store.scan(HISTORY_TABLE, Span(partition_to=day_of(before)))
        return self._forget(HISTORY_TABLE, islice(rows, most))

    def forget_told(self, before: datetime, most: int) -> int:
        """Delete what routes were told about matters that were closed before then; how many."""
        rows = self._store.scan(NOTICES_TABLE, Span(partition=TOLD))
        return self._forget(NOTICES_TABLE, islice((row for row in rows if _is_over(row, before)), most))

    def forget_memory(self, clusters: Iterable[str]) -> int:
        """Delete what is remembered of clusters that are no more; how many."""
        return self._forget(MEMORY_TABLE, (Row(*memory_place(cluster)) for cluster in clusters))

    def forget_prices(self, first: str, last: str, most: int) -> int:
        """Delete cached documents whose names lie in [first, last), at most so many; how many."""
        rows = self._store.scan(PRICES_TABLE, Span(partition=PRICES, key_from=first, key_to=last))
        return self._forget(PRICES_TABLE, (Row(*row.place) for row in islice(rows, most)))

    def _forget(self, table: str, rows: Iterable[Row]) -> int:
        """Read whole before the first is deleted: a scan does not stand still while rows go."""
        over = list(rows)
        self._store.delete_all(table, over)
        return len(over)

    def _each(
        self, table: str, read: Callable[[Row], T], on_problem: Callable[[str], None] | None
    ) -> Iterator[Stored[T]]:
        """All of a table; a row that can't be read is told to `on_problem`, or raises without one."""
        for row in self._store.scan(table):
            try:
                yield _read(table, row, read)
            except UnreadableRow as problem:
                if on_problem is None:
                    raise
                on_problem(str(problem))

    # --- small cached documents ---

    def prices(self, key: str) -> tuple[Mapping[str, Any], datetime] | None:
        """A cached document and when it was fetched (aware UTC), or None. Its owner decides when it is too old."""
        row = self._store.get(PRICES_TABLE, PRICES, key_of(key))
        return None if row is None else _read(PRICES_TABLE, row, _read_prices).value

    def put_prices(self, key: str, document: Mapping[str, Any], at: datetime) -> None:
        """Cache a document (JSON values, at most 896 KiB compressed), whatever was there. The last writer wins."""
        properties = _PRICES.pack({"document": document, "at": instant_text(at)}, f"the price document {key}")
        self._store.put_all(PRICES_TABLE, [Row(PRICES, key_of(key), properties)])


def _read(table: str, row: Row, read: Callable[[Row], T]) -> Stored[T]:
    try:
        return Stored(read(row), row.etag)
    except BROKEN as error:
        raise unreadable(table, row, error) from error


def _is_over(row: Row, before: datetime) -> bool:
    """What cannot be read may be a newer version's."""
    try:
        told = read_told(row)
    except BROKEN:
        return False
    return not told.open and told.at < before


def _is_old(row: Row, before: datetime) -> bool:
    try:
        alert = read_alert_row(row)
    except BROKEN:
        return False
    return (alert.received_at or alert.fired_at) < before


def _read_prices(row: Row) -> tuple[Mapping[str, Any], datetime]:
    document = _PRICES.unpack(row.properties)
    return document["document"], read_instant(document["at"])
