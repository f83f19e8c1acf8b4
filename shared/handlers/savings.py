"""The week's realised saving: history and bills read, baselines kept, the rest pure.

A baseline is made once, in the week of adoption or later, and kept in the journal: history of before adoption need not
be read for ever. What still holds at a period's end is kept too, so that a cluster that sleeps for months goes on
earning without its stop being looked for in old history.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

from shared.app import App
from shared.costs import baseline, standing
from shared.costs.baseline import baselines
from shared.costs.past import pasts
from shared.costs.savings import Known, saved
from shared.model.billing import Bill, Period, Question
from shared.model.money import Prices
from shared.model.past import ClusterPast
from shared.model.savings import Baseline, SavingsWeek

log = logging.getLogger("lamplighter")

LOOK_BACK = timedelta(weeks=6)
"""Four weeks before an adoption in the week before, and one in which every cluster was put down at least once."""


def history_of(app: App, period: Period, kept: Kept | None = None) -> dict[str, ClusterPast]:
    """Every cluster that history knows in the weeks up to the period's end; after the last look nothing is known."""
    end = datetime.combine(period.end, time(), UTC)
    looked = app.journal.fleet().value.last_tick_at
    until = end if looked is None else min(end, looked)
    begin = datetime.combine(period.begin, time(), UTC) - LOOK_BACK
    before = kept.standing() if kept is not None else ()
    return pasts(app.journal.history(None, begin, end), until, before, begin)


def savings_of(
    app: App,
    bills: Iterable[Bill],
    period: Period,
    *,
    zone: str = "UTC",
    own_cost: Mapping[str, Decimal] | None = None,
    prices: Prices | None = None,
    costs: Iterable[Bill] = (),
) -> SavingsWeek:
    """Realised saving of whole days. `bills` answer `nodes_asked`; hours of the week are those of the policy's `zone`.

    Raises a CloudError when the journal does not answer.
    """
    there = ZoneInfo(zone)

    def local(at: datetime) -> datetime:
        return at.astimezone(there)

    kept = Kept(app)
    found = history_of(app, period, kept)
    for id_, past in found.items():
        if id_ not in kept.baselines and (made := baselines(past, local)):
            kept.baselines[id_] = made
    week = saved(found, period, Known(tuple(bills), local, kept.baselines, own_cost, prices or {}, tuple(costs)))
    kept.keep(found, period)
    return week


def own_cost(bills: Iterable[Bill], resource_group: str) -> Mapping[str, Decimal] | None:
    """Currency -> what the app's own resource group cost; None where it is not known, which is not 0.

    A group without any charge is one whose bill is not read: it lies in another subscription.
    """
    seen = tuple(bill for bill in bills if bill.question is Question.COSTS)
    if not resource_group or not seen or any(bill.missing for bill in seen):
        return None
    mine: dict[str, Decimal] = {}
    for bill in seen:
        for row in bill.rows:
            if row.resource_group == resource_group.casefold() and row.effective_cost is not None:
                mine[row.billing_currency] = mine.get(row.billing_currency, Decimal(0)) + row.effective_cost
    return mine or None


# --- kept between weeks ---


class Kept:
    """Baselines, and what still held at the end of the last period: documents of some clusters each.

    One document per subscription and eighth of its clusters, so that none grows beyond what a row may hold.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._shards = {_shard(item.value.cluster) for item in app.journal.memories(on_problem=log.error)}
        self.baselines: dict[str, Mapping[str, Baseline]] = {}
        for id_, document in self._documents("baseline"):
            try:
                self.baselines[id_] = baseline.from_document(id_, document)
            except (KeyError, ValueError, TypeError):
                log.warning("savings: the baseline of %s is not readable any more", id_)

    def standing(self) -> Iterator[ClusterPast]:
        """What held at the end of the last period, and the last moves."""
        for id_, document in self._documents("standing"):
            try:
                yield standing.from_document(id_, document)
            except (KeyError, ValueError, TypeError):
                log.warning("savings: what held %s is not readable any more", id_)

    def keep(self, found: Mapping[str, ClusterPast], period: Period) -> None:
        standings = {id_: document for id_, past in found.items() if (document := standing.to_document(past, period))}
        self._write("standing", standings)
        known = {id_: made for id_, made in self.baselines.items() if id_ in found}
        self._write("baseline", {id_: baseline.to_document(made) for id_, made in known.items()})

    def _documents(self, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for shard in sorted(self._shards):
            document = self._app.journal.prices(f"{name}~{shard}")
            if document is not None:
                yield from document[0].items()

    def _write(self, name: str, documents: Mapping[str, Any]) -> None:
        shards: dict[str, dict[str, Any]] = {shard: {} for shard in self._shards}
        for id_, document in documents.items():
            shards.setdefault(_shard(id_), {})[id_] = document
        for shard, some in shards.items():
            self._app.journal.put_prices(f"{name}~{shard}", some, self._app.clock())


def _shard(cluster: str) -> str:
    return f"{cluster.split('/')[2]}~{crc32(cluster.encode()) % 8}"
