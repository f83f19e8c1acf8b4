"""Spot, claimed against true: the same evening with and without Lamplighter, on a market that takes nodes back."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from lamplighter.rehearsal import Rehearsal
from lamplighter.simulator import World
from shared.model.billing import Period
from shared.model.savings import SavingKind
from tests.scenarios.paying_fleet import DAY, HOUR, WEEK, Lived, asked

EUR = "EUR"
BEGAN = datetime(2026, 11, 2, tzinfo=UTC)
HOURS = 24 * 7 if os.environ.get("LAMPLIGHTER_SOAK") else 6
ADOPTED = BEGAN + WEEK + (timedelta(0) if HOURS > 24 else 18 * HOUR)
POLICY = """
version: 1
mode: {mode}
timezone: UTC
scope: all
environments:
  - {{name: dev, match: {{tags: {{environment: dev}}}}}}
"""
RULE = """
rules:
  - name: on-spot
    match: {environments: [dev]}
    spot:
      groups: [{name: work, spot: ["spot*"], fallback: ondemand, nodes: {min: 4, max: 8}, surplus: 1}]
"""
SIZE = "Standard_F8s_v2"


def new_world() -> World:
    """Four nodes of work. After two hours the market takes all spot nodes but one, and gives them back an hour later."""
    before = (ADOPTED - BEGAN) // HOUR
    room = [50] * (before + 2) + [1] + [50] * HOURS
    pools = [
        {"name": "system", "mode": "System", "count": 1},
        {"name": "ondemand", "count": 4, "size": SIZE},
        {"name": "spot1", "count": 0, "priority": "Spot", "size": SIZE},
    ]
    place = {"location": "westeurope", "size": SIZE, "priority": "Spot", "gap": 3600, "room": room}
    document = {
        "seed": 3,
        "graph_lag": 30,
        "clusters": [{"name": "grid", "resource_group": "rg", "tags": {"environment": "dev"}, "pools": pools}],
        "market": {"needed": {"grid": 4}, "rooms": [place]},
    }
    return World.from_fleet(document, now=BEGAN)


@pytest.fixture(scope="module")
def evening():
    world = new_world()
    with Rehearsal(world, POLICY.format(mode="plan"), tick_every=HOUR) as rehearsal:
        rehearsal.run(ADOPTED)
        rehearsal.policy, rehearsal.tick_every = POLICY.format(mode="act") + RULE, timedelta(minutes=5)
        rehearsal.run(ADOPTED + HOURS * HOUR)
        end = max(ADOPTED + DAY, ADOPTED + HOURS * HOUR).replace(hour=0)
        period = Period(ADOPTED.date(), end.date())
        world.meter.lag = timedelta(0)
        week = asked(rehearsal, period)
        other = new_world()
        while other.now() < ADOPTED + HOURS * HOUR:
            other.advance(HOUR)
        true = Lived(other).charged(period.begin, period.end) - Lived(world).charged(period.begin, period.end)
        yield rehearsal, week, true


def test_the_claim_is_a_lower_bound_and_a_close_one(evening):
    _, week, true = evening
    claimed = week.before_own_cost(EUR)
    assert true > 3
    assert claimed <= true * Decimal("1.01"), (claimed, true)
    assert claimed >= true * Decimal("0.90"), (claimed, true)


def test_nodes_were_taken_back_and_surplus_is_taken_off(evening):
    rehearsal, week, _ = evening
    (saving,) = week.savings
    assert (saving.kind, saving.rule) == (SavingKind.SPOT, "on-spot")
    assert saving.surplus > 0
    kinds = [record.body.get("reason") for record in _history(rehearsal) if record.phase == "succeeded"]
    assert {"to_spot", "home", "fall_back"} <= set(kinds)


def test_no_node_hour_is_claimed_twice(evening):
    _, week, _ = evening
    hours: dict[datetime, Decimal] = {}
    for row in week.ledger:
        assert row.pool == "ondemand"
        hours[row.hour] = hours.get(row.hour, Decimal(0)) + row.node_hours
    assert max(hours.values()) <= 4


def _history(rehearsal):
    return rehearsal.app.journal.history(None, ADOPTED, ADOPTED + 2 * WEEK)
