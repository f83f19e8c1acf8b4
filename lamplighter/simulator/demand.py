"""How much work there is: the autoscaler's and people's habits, by the hour of the week.

    world.demand.pools["web", "user"] = lambda at: 5 if 7 <= at.hour < 18 else 2
    world.demand.habits.append(Habit("web", "stop", weekdays, hour=20))     somebody stops it by hand every evening

The autoscaler looks every ten minutes and moves a pool that runs to what is needed, within its bounds. No operation, no
event: as the platform does it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from lamplighter.simulator.refusals import Refusal
from lamplighter.simulator.resources import RUNNING, STOPPED, Cluster

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

EVERY = timedelta(minutes=10)


class Habit(NamedTuple):
    """What somebody does by hand on some days at some hour, until they leave off."""

    cluster: str
    verb: str
    """start | stop"""
    days: frozenset[int]
    """Monday is 0."""
    hour: int
    """UTC"""
    until: datetime | None = None


@dataclass(slots=True)
class Demand:
    """By lower-case names of cluster and pool: nodes that the work of an instant needs."""

    pools: dict[tuple[str, str], Callable[[datetime], int]] = field(default_factory=dict)
    habits: list[Habit] = field(default_factory=list)
    next_at: datetime | None = None

    def due(self, now: datetime) -> datetime | None:
        """The next look that is due; None when there is none yet, or nothing to look at."""
        if not self.pools and not self.habits:
            return None
        if self.next_at is None:
            self.next_at = now
        return self.next_at if self.next_at <= now else None

    def look(self, world: World, at: datetime) -> None:
        """The autoscaler and people, at `at`."""
        self.next_at = at + EVERY
        for (cluster, pool), needed in self.pools.items():
            found = _named(world, cluster)
            if found is not None:
                _scale(world, found, pool, needed(at), at)
        for habit in self.habits:
            if at.minute == 0 and at.hour == habit.hour and at.weekday() in habit.days:
                _by_hand(world, habit, at)


def _named(world: World, name: str) -> Cluster | None:
    return next((one for one in world.clusters.values() if one.name.lower() == name), None)


def _scale(world: World, cluster: Cluster, name: str, needed: int, at: datetime) -> None:
    pool = cluster.pool(name)
    if pool is None or cluster.power == STOPPED or not cluster.is_settled or pool.power != RUNNING:
        return
    if not pool.is_settled or not pool.value("enableAutoScaling"):
        return
    wanted = max(int(pool.value("minCount") or 0), min(needed, int(pool.value("maxCount") or 0)))
    if wanted != pool.value("count"):
        world.touch(cluster, at)
        pool.properties["count"] = wanted


def _by_hand(world: World, habit: Habit, at: datetime) -> None:
    """What Azure refuses, such as stopping what is stopped, people shrug at."""
    if habit.until is not None and at >= habit.until:
        return
    try:
        (world.person_stops if habit.verb == "stop" else world.person_starts)(habit.cluster)
    except Refusal:
        return
