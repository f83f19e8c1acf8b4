"""Savings week by week: baselines and what still holds are kept, own cost is known or unknown, gaps cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from lamplighter.rehearsal import Rehearsal
from lamplighter.simulator import World
from shared.handlers import savings
from shared.handlers.savings import history_of, own_cost, savings_of
from shared.model.billing import Basis, Bill, Period
from shared.model.costs import CostRow
from tests.costs.saving_worlds import ADOPTED, DAY, HOUR, PERIOD, WEEK, Story, bill, pool, row, steady

POLICY = "version: 1\nmode: plan\nscope: all\n"
PRICED = bill(row(date(2026, 11, 1), "19.2", "96"))


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    world = World.from_fleet({"clusters": []}, now=ADOPTED)
    with Rehearsal(world, POLICY) as rehearsal:
        yield rehearsal


def told(stage: Rehearsal, *stories: Story) -> None:
    stage.app.journal.append(record for story in stories for record in story.records)


def looked(stage: Rehearsal, at: datetime) -> None:
    from dataclasses import replace

    row = stage.app.journal.fleet()
    stage.app.journal.swap_fleet(replace(row.value, last_tick_at=at), row.etag)


def later(number: int) -> Period:
    return Period(PERIOD.begin + timedelta(days=7 * number), PERIOD.end + timedelta(days=7 * number))


def test_a_cluster_that_sleeps_for_months_goes_on_earning(stage):
    """Its stop, its baseline and its price are long past what is read of history; week by week they are handed on."""
    story = Story()
    for week in range(4, 0, -1):
        story.looks(ADOPTED - week * WEEK, pool(), heartbeat=week)
    story.adopted().stops(ADOPTED + HOUR, ADOPTED + HOUR)
    down = pool(power="Stopped")
    for week in range(14):
        story.looks(ADOPTED + 2 * HOUR + week * WEEK, down, power="Stopped", heartbeat=week)
    told(stage, story)
    remember(stage, story)
    looked(stage, ADOPTED + 20 * WEEK)
    for week in range(13):
        found = savings_of(stage.app, [PRICED], later(week))
        hours = 167 if week == 0 else 168
        assert [(one.node_hours, one.gross) for one in found.savings] == [(4 * hours, 4 * hours * Decimal("0.2"))], week


def remember(stage: Rehearsal, *stories: Story) -> None:
    from shared.model.memory import Memory

    for story in stories:
        stage.app.journal.swap(Memory(story.id), None)


def test_nothing_is_claimed_beyond_the_last_look(stage):
    story = steady().stops(ADOPTED + HOUR, ADOPTED + HOUR)
    told(stage, story)
    looked(stage, ADOPTED + 3 * HOUR)
    (saving,) = savings_of(stage.app, [PRICED], PERIOD).savings
    assert saving.node_hours == 8


def test_a_baseline_that_the_journal_garbled_is_made_anew(stage):
    story = steady().stops(ADOPTED + HOUR, ADOPTED + HOUR)
    told(stage, story)
    remember(stage, story)
    first = savings_of(stage.app, [PRICED], PERIOD)
    for name in ("baseline", "standing"):
        shard = savings._shard(story.id)
        stage.app.journal.put_prices(f"{name}~{shard}", {story.id: {"work": [1], "held": 3}}, ADOPTED)
    assert savings_of(stage.app, [PRICED], PERIOD) == first


def test_history_tells_of_clusters_that_are_gone(stage):
    story = Story().looks(ADOPTED, pool())
    story.record(ADOPTED + DAY, "snapshot", absent=True, since=(ADOPTED + DAY).isoformat())
    told(stage, story)
    past = history_of(stage.app, PERIOD)[story.id]
    assert (past.node_resource_group, past.tags_on(date(2026, 11, 2))) == ("mc_web", {"team": "shop"})


def costs(*rows: CostRow, problem: str | None = None) -> Bill:
    return Bill("subscriptions/x", PERIOD, Basis.AMORTISED, datetime(2026, 11, 12, tzinfo=UTC), rows, problem=problem)


def test_own_cost_is_that_of_the_apps_resource_group_by_currency():
    mine = {"resource_group": "rg-lamplighter", "resource_id": "x"}
    rows = [row(date(2026, 11, 2), "1.5", "1", **mine), row(date(2026, 11, 3), "2", "1", currency="USD", **mine)]
    rows.append(row(date(2026, 11, 3), "90", "1"))
    assert own_cost([costs(*rows)], "RG-Lamplighter") == {"EUR": Decimal("1.5"), "USD": Decimal(2)}


@pytest.mark.parametrize(
    ("bills", "group"), [([], "rg"), ([costs(problem="403")], "rg"), ([costs()], ""), ([costs()], "rg")]
)
def test_own_cost_that_is_not_known_is_not_nothing(bills, group):
    assert own_cost(bills, group) is None
