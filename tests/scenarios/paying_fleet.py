"""A small fleet that costs money, lived through twice: once with Lamplighter, once without.

Four weeks before adoption and some weeks after it. What is claimed is read from history and bills, as deployed; what is
true is the difference between the two meters, which know nothing of each other.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from lamplighter.rehearsal import Rehearsal
from lamplighter.simulator import World
from lamplighter.simulator.charges import Reservation
from lamplighter.simulator.demand import Habit
from shared.handlers.asking import costs_asked, nodes_asked
from shared.handlers.billing import bills_for
from shared.handlers.savings import savings_of
from shared.model.billing import Period, Question
from shared.model.savings import SavingsWeek
from shared.model.weeks import Week

SUB = "11111111-1111-1111-1111-111111111111"
BEGAN = datetime(2026, 9, 28, 0, 0, tzinfo=UTC)
"""A Monday; Berlin leaves daylight saving time on the fourth Sunday after it."""
WEEK, DAY, HOUR = timedelta(weeks=1), timedelta(days=1), timedelta(hours=1)
ADOPTED = BEGAN + 4 * WEEK
SPOT_TOO = bool(os.environ.get("LAMPLIGHTER_SOAK"))
"""A cluster on spot is looked at every minute: too long for every day."""
WEEKDAYS = frozenset(range(5))

POLICY = """
version: 1
mode: {mode}
timezone: UTC
scope: all
environments:
  - {{name: prod, production: true, match: {{tags: {{environment: prod}}}}}}
  - {{name: dev, match: {{tags: {{environment: dev}}}}}}
schedules:
  office: {{running: [Mon-Fri 07:00-19:00]}}
rules:
  - name: nights
    match: {{tags: {{hours: office}}}}
    hours: {{schedule: office, lead: 20m}}
  - name: on-spot
    match: {{tags: {{spot: "yes"}}}}
    spot:
      groups: [{{name: work, spot: ["spot*"], fallback: ondemand, nodes: {{min: 4, max: 8}}, surplus: 1}}]
  - name: sandboxes
    match: {{tags: {{hours: none}}}}
    idle: {{after: 2h}}
  - name: tiers
    match: {{tags: {{hours: always}}}}
    tier: {{nonproduction: Free}}
guards: {{stops: {{at_most: 100%, within: 1h}}, warn_before_stop: 0m}}
"""


def busy(at: datetime) -> int:
    """Nodes that office work needs."""
    return 5 if at.weekday() < 5 and 7 <= at.hour < 18 else 2


def fleet() -> dict[str, Any]:
    def cluster(name: str, environment: str, hours: str, *pools: dict[str, Any], **more: Any) -> dict[str, Any]:
        tags = {"environment": environment, "hours": hours}
        system = {"name": "system", "mode": "System", "count": 1}
        return {"name": name, "resource_group": "rg", "tags": tags, "pools": [system, *pools], **more}

    scaled = {"name": "work", "count": 2, "min": 2, "max": 8, "size": "Standard_D8s_v5"}
    document = {
        "seed": 3,
        "graph_lag": 30,
        "clusters": [
            cluster("shop", "prod", "always", {"name": "work", "count": 2}),
            cluster("web", "dev", "office", scaled),
            cluster("api", "dev", "office", {"name": "work", "count": 3}, tier="Standard"),
            cluster("old", "dev", "office", {"name": "work", "count": 2}),
            cluster("ops", "dev", "always", tier="Standard"),
            cluster("box", "dev", "none", {"name": "work", "count": 3, "size": "Standard_E8s_v5"}),
        ],
    }
    if SPOT_TOO:
        pools = [
            {"name": "ondemand", "count": 4, "size": "Standard_F8s_v2"},
            {"name": "spot1", "count": 0, "priority": "Spot", "size": "Standard_F8s_v2"},
        ]
        grid = cluster("grid", "dev", "office", *pools)
        grid["tags"]["spot"] = "yes"
        document["clusters"].append(grid)
        # Once a week the market takes all spot nodes but one for an hour, at ten in the morning of a Wednesday.
        room = [1 if hour % 168 == 58 else 50 for hour in range(24 * 7 * 12)]
        place = {"location": "westeurope", "size": "Standard_F8s_v2", "priority": "Spot", "gap": 3600, "room": room}
        document["market"] = {"needed": {"grid": 4}, "rooms": [place]}
    return document


@dataclass
class Lived:
    """A world that was lived through, and how much it was charged."""

    world: World

    def charged(self, begin: date, end: date) -> Decimal:
        self.world.meter.lag = timedelta(0)
        return sum((one.amount for one in self.world.meter.charges(self.world, begin, end)), Decimal(0))


def new_world(leaves_off: datetime | None, began: datetime, change: Callable[[World], None] | None = None) -> World:
    world = World.from_fleet(fleet(), now=began)
    world.demand.pools["web", "work"] = busy
    world.meter.reservations.append(Reservation("westeurope", "Standard_D4s_v5", 7))
    # Somebody has been stopping this one by hand for years, and leaves it to Lamplighter once that acts.
    for verb, hour in (("stop", 19), ("start", 6)):
        world.demand.habits.append(Habit("old", verb, WEEKDAYS, hour, leaves_off))
    for day in range(70):
        at = BEGAN + day * DAY
        if at.weekday() in (1, 3):
            world.uses("box", at + 9 * HOUR, at + 12 * HOUR)
    if change is not None:
        change(world)
    return world


def without(weeks: int, change: Callable[[World], None] | None = None, *, began: datetime = BEGAN) -> Lived:
    """The same weeks with nobody but people and the platform."""
    found = new_world(None, began, change)
    while found.now() < ADOPTED + weeks * WEEK + DAY:
        found.advance(HOUR)
    return Lived(found)


@dataclass
class Told:
    """What Lamplighter says it saved, week by week, and the world in which it worked."""

    lived: Lived
    planned: SavingsWeek
    """The last week before adoption, in which Lamplighter only looked."""
    weeks: list[SavingsWeek]
    rehearsal: Rehearsal


def with_lamplighter(
    weeks: int,
    change: Callable[[World], None] | None = None,
    *,
    policy: str = POLICY,
    began: datetime = BEGAN,
) -> Told:
    """Plan mode up to adoption, then act mode; the digest's figures are asked for on the day after each week."""
    found = new_world(ADOPTED + 12 * HOUR, began, change)
    rehearsal = Rehearsal(found, policy.format(mode="plan"), tick_every=HOUR)
    rehearsal.run(ADOPTED)
    planned = asked(rehearsal, Period((ADOPTED - WEEK).date(), ADOPTED.date()))
    rehearsal.policy = policy.format(mode="act")
    rehearsal.tick_every = timedelta(minutes=20)
    told = []
    for number in range(weeks):
        begin = ADOPTED + number * WEEK
        rehearsal.run(begin + WEEK + DAY)
        period = Period(begin.date(), (begin + WEEK).date())
        told.append(asked(rehearsal, period))
    return Told(Lived(found), planned, told, rehearsal)


def asked(rehearsal: Rehearsal, period: Period) -> SavingsWeek:
    """As the digest's handler asks."""
    week = Week.of(period.begin)
    wanted = (*nodes_asked([SUB], week), *costs_asked([SUB], week, 4))
    while (got := bills_for(rehearsal.app, wanted)).again_after is not None:
        rehearsal.run_for(got.again_after)
    costs = [bill for bill in got.bills if bill.question is Question.COSTS]
    return savings_of(rehearsal.app, [one for one in got.bills if one not in costs], period, own_cost={}, costs=costs)
