"""History and bills as plain values, for tests of what is claimed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.costs.past import pasts
from shared.costs.savings import Known, saved
from shared.model.billing import Basis, Bill, Period, Question
from shared.model.costs import CostRow
from shared.model.past import ClusterPast
from shared.model.records import HistoryRecord
from shared.model.savings import SavingsWeek

MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
ADOPTED = datetime(2026, 11, 2, tzinfo=UTC)
"""A Monday."""
PERIOD = Period(date(2026, 11, 2), date(2026, 11, 9))
SUB = "11111111-1111-1111-1111-111111111111"


def cluster(name: str = "web") -> str:
    return f"/subscriptions/{SUB}/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/{name}"


def pool(name: str = "work", count: int | None = 4, **more: Any) -> dict[str, Any]:
    body = {"name": name, "vm_size": "Standard_D4s_v5", "priority": "Regular", "count": count, "power": "Running"}
    return {**body, "min": None, "max": None, "autoscaling": False, "surge": None, **more}


class Story:
    """Records of one cluster, in the order in which they are told. The fleet was looked at every five minutes."""

    tick: timedelta | None = 5 * MINUTE

    def __init__(self, name: str = "web") -> None:
        self.id = cluster(name)
        self.name = name
        self.records: list[HistoryRecord] = []
        self.looked: datetime | None = None

    def record(self, at: datetime, phase: str, id_: str = "x", **body: Any) -> Story:
        self.records.append(HistoryRecord(at, self.id, phase, id_, body))
        return self

    def looks(self, at: datetime, *pools: Mapping[str, Any], power: str = "Running", **more: Any) -> Story:
        before = at - self.tick if self.tick is not None and self.looked is not None else self.looked
        since = {} if before is None else {"since": before.isoformat()}
        about = {"node_resource_group": f"MC_{self.name}", "location": "westeurope", "tags": {"team": "shop"}}
        self.looked = at
        return self.record(at, "snapshot", power=power, pools=list(pools), **{**about, **since, **more})

    def adopted(self, at: datetime = ADOPTED) -> Story:
        return self.record(at, "adopted", rule="nights")

    def stops(self, taken: datetime, done: datetime, id_: str = "stop-1", **body: Any) -> Story:
        kind = "stop_pool" if "pool" in body else "stop_cluster"
        self.record(taken, "accepted", id_, kind=kind, rule="nights", **body)
        return self.record(done, "succeeded", id_, kind=kind, rule="nights", reason="off_hours", **body)

    def starts(self, taken: datetime, done: datetime, id_: str = "start-1", **body: Any) -> Story:
        kind = "start_pool" if "pool" in body else "start_cluster"
        self.record(taken, "accepted", id_, kind=kind, rule="nights", **body)
        return self.record(done, "succeeded", id_, kind=kind, rule="nights", reason="in_hours", **body)

    def past(self, until: datetime, *others: HistoryRecord) -> ClusterPast:
        records = sorted((*self.records, *others), key=lambda record: record.at)
        return pasts(records, until)[self.id]


class Sparse(Story):
    """The same, but nobody looked between what is told."""

    tick = None


def steady(name: str = "web", weeks: int = 4, *pools: Mapping[str, Any]) -> Story:
    """It ran all the time, the same, for that many weeks before adoption."""
    shown = pools or (pool(),)
    story = Story(name).looks(ADOPTED - weeks * WEEK, *shown)
    return story.adopted()


def vmss(name: str = "web", pool: str = "work") -> str:
    group = f"/subscriptions/{SUB}/resourcegroups/mc_{name}"
    return f"{group}/providers/microsoft.compute/virtualmachinescalesets/aks-{pool}-12345678-vmss"


def row(day: date, cost: str, hours: str, **more: Any) -> CostRow:
    name, of = more.pop("name", "web"), more.pop("pool", "work")
    known = {"resource_id": vmss(name, of), "resource_group": f"mc_{name}", "pricing_category": "Standard"}
    return CostRow(
        day, None, Decimal(cost), more.pop("currency", "EUR"), consumed_quantity=Decimal(hours), **{**known, **more}
    )


def bill(*rows: CostRow, question: Question = Question.NODES, problem: str | None = None) -> Bill:
    at = datetime(2026, 11, 12, tzinfo=UTC)
    return Bill(f"subscriptions/{SUB}", PERIOD, Basis.AMORTISED, at, rows, question=question, problem=problem)


PRICED = bill(row(date(2026, 11, 1), "19.2", "96"))
"""0.20 EUR an hour."""


def week(
    *stories: Story, bills: Iterable[Bill] = (PRICED,), until: datetime | None = None, **known: Any
) -> SavingsWeek:
    records = sorted((record for story in stories for record in story.records), key=lambda record: record.at)
    found = pasts(records, until or ADOPTED + WEEK)
    zone = known.pop("local", lambda at: at)
    return saved(found, PERIOD, Known(tuple(bills), zone, known.pop("baselines", {}), **known))
