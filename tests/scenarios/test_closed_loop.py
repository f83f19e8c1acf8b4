"""What is claimed against what is true: the difference between two meters, with and without Lamplighter."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest

from shared.model.savings import SavingKind
from tests.scenarios.paying_fleet import ADOPTED, SPOT_TOO, WEEK, with_lamplighter, without

SOAK = bool(os.environ.get("LAMPLIGHTER_SOAK"))
WEEKS = 4 if SOAK else 1
BEFORE = 4 if SOAK else 2
EUR = "EUR"


@pytest.fixture(scope="module")
def lives():
    began = ADOPTED - BEFORE * WEEK
    told = with_lamplighter(WEEKS, began=began)
    yield told, without(WEEKS, began=began)
    told.rehearsal.close()


def test_the_claim_is_a_lower_bound_and_a_close_one(lives):
    told, other = lives
    for number, week in enumerate(told.weeks):
        begin, end = (ADOPTED + number * WEEK).date(), (ADOPTED + (number + 1) * WEEK).date()
        true = other.charged(begin, end) - told.lived.charged(begin, end)
        claimed = week.before_own_cost(EUR)
        assert true > 100
        assert claimed <= true * Decimal("1.01"), (number, claimed, true)
        assert claimed >= true * Decimal("0.90"), (number, claimed, true)


def test_every_rule_at_work_has_its_part_and_production_has_none(lives):
    told, _ = lives
    rules = {(one.cluster.rpartition("/")[2], one.rule) for week in told.weeks for one in week.savings if one.gross > 0}
    spot = {("grid", "nights"), ("grid", "on-spot")} if SPOT_TOO else set()
    assert rules == {("web", "nights"), ("api", "nights"), ("box", "sandboxes"), ("ops", "tiers")} | spot


def test_what_others_had_stopped_earns_nothing(lives):
    told, _ = lives
    assert len(told.lived.world.writes(cluster="old")) >= 9, "Lamplighter stops and starts it now"
    assert not [row for week in told.weeks for row in week.ledger if row.cluster.endswith("/old")]


def test_no_node_hour_is_claimed_twice(lives):
    told, _ = lives
    rows = [row for week in told.weeks for row in week.ledger]
    assert len({row.key for row in rows}) == len(rows)
    hours: dict[tuple, Decimal] = {}
    for row in rows:
        hours[row.cluster, row.pool, row.hour] = (
            hours.get((row.cluster, row.pool, row.hour), Decimal(0)) + row.node_hours
        )
    assert max(hours.values()) <= 5


def test_hours_under_the_reservation_are_freed_and_not_saved(lives):
    told, _ = lives
    freed = sum(week.commitment_hours_freed() for week in told.weeks)
    assert freed > 0
    for week in told.weeks:
        for row in week.ledger:
            if row.kind is SavingKind.OFF:
                assert row.amount == (row.node_hours - row.committed_hours) * row.rate


def test_a_week_without_actions_claims_exactly_nothing(lives):
    told, _ = lives
    week = told.planned
    assert (week.savings, week.ledger, week.avoided, week.before_own_cost(EUR)) == ((), (), (), 0)
    assert min(write.at for write in told.lived.world.writes()) >= ADOPTED
