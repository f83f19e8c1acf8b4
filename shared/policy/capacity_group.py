"""A capacity group at one moment: what was said of it, seen of it and remembered, and what follows from that alone.

Nothing here decides. A pool counts as *leaving* for a while after an eviction, whatever it still shows: nodes of one
size in one zone go together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.spot import GroupPast, PoolSight
from shared.policy.spoken import spoken

LEAVING = timedelta(minutes=5)
"""Of co-interruptions in one size and zone more than 92 % fall within 3 minutes (Spot-and-Scoot, 2026)."""
STALE = timedelta(minutes=10)
"""A reading older than this is unknown."""
LAG = timedelta(minutes=3)
"""So long Resource Graph may not show what was done."""
LONGEST_PAUSE = timedelta(minutes=20)
"""The longest that a pool without room is left unasked, and that `return_after: auto` waits."""

# A node missing for an hour is worth this many node-hours of the fallback. A judgement: it prices the surplus.
WORTH = 10.0
ADVICE = {"High": 0.5, "Low": 2.0}
"""What Azure's placement score makes of the hazard: it orders pools that could be asked, and forbids none."""
# Where nothing was observed, a pool is expected to lose its nodes once in six hours; this evidence weighs six hours.
# From: https://learn.microsoft.com/azure/virtual-machines/spot-vms, whose eviction rate is a share per hour
PRIOR_HOURS = 6.0
_PRIOR_LOSSES = 1.0
_BUCKETS = {"0-5": 0.025, "5-10": 0.075, "10-15": 0.125, "15-20": 0.175, "20+": 0.25}


@dataclass(frozen=True, slots=True)
class Terms:
    """What the policy says of one group."""

    name: str
    lowest: int
    highest: int
    surplus: int | None = None
    """None: as many as their price is worth."""
    floor: int = 0
    """On-demand nodes that are always kept."""
    return_after: timedelta | None = None
    """None: half as long as a fallback takes, twice that for each further fallback of the last hour."""
    moves_per_hour: int = 4
    moves_per_day: int = 12
    zone: str = "UTC"
    """IANA name of the zone that times are told in."""


@dataclass(frozen=True, slots=True)
class Group:
    """`past` has the sights in it already (capacity_memory.watched)."""

    terms: Terms
    spots: tuple[PoolSight, ...]
    """In the order of preference."""
    fallback: PoolSight
    past: GroupPast
    now: datetime

    @property
    def pools(self) -> tuple[PoolSight, ...]:
        return (*self.spots, self.fallback)

    @property
    def problem(self) -> str | None:
        """Why this group is not known as a whole: then nothing of it is ever lowered."""
        told = (self.unknown(pool) or pool.doubt for pool in self.pools)
        return next((found for found in told if found), None)

    @property
    def cramped(self) -> str | None:
        """Why it is not known how many nodes more fit, where that was asked: then nothing is done by choice."""
        told = (f"{pool.name}: {pool.room_problem}" for pool in self.pools if pool.room_problem is not None)
        return next(told, None)

    def unknown(self, pool: PoolSight) -> str | None:
        if pool.problem is not None:
            return f"{pool.name}: {pool.problem}"
        if pool.ready is None or pool.wanted is None or (pool.autoscaling and pool.min_count is None):
            return f"{pool.name}: its size could not be read"
        if self.now - pool.at > STALE:
            return f"{pool.name}: last read {spoken(pool.at, self.terms.zone)}"
        return None

    def leaving(self, pool: PoolSight) -> bool:
        lost_at = self.past.pool(pool.name).lost_at
        return pool.is_spot and lost_at is not None and self.now - lost_at < LEAVING

    def overdue(self, pool: PoolSight) -> bool:
        """What we asked it for has not come in twice the usual time."""
        past = self.past.pool(pool.name)
        return past.asked_at is not None and self.now - past.asked_at > 2 * self.fallback_time

    def steady(self, pool: PoolSight) -> int:
        """Nodes that are ready and expected to stay. What is unknown is taken to be as it was."""
        if self.unknown(pool):
            return self.past.pool(pool.name).ready
        return 0 if self.leaving(pool) else pool.ready or 0

    def coming(self, pool: PoolSight) -> int:
        """Nodes that are ready or believed to become so."""
        steady, past = self.steady(pool), self.past.pool(pool.name)
        if self.unknown(pool):
            return max(steady, held(pool))
        if self.leaving(pool) or self.overdue(pool) or (past.preempted and past.asked_at is None):
            return steady
        if past.asked_at is None:
            return steady + pool.starting
        # What was asked a moment ago is not in the reading yet; later, what Azure does not hold was taken back.
        believed = past.asked if self.now - past.asked_at < LAG else min(past.asked, held(pool))
        return max(steady + pool.starting, believed)

    @property
    def fallback_time(self) -> timedelta:
        return timedelta(seconds=self.past.fallback_seconds)

    @property
    def demand(self) -> int:
        """Nodes that the workload needs: the minimum, or what it had when all was calm."""
        return min(max(self.terms.lowest, self.past.carried), self.terms.highest)

    @property
    def on_spot(self) -> int:
        """What spot should carry: all but the on-demand nodes that are always kept."""
        return max(0, self.demand - self.terms.floor)

    @property
    def return_after(self) -> timedelta:
        """How long spot has to carry everything before on-demand is given up."""
        if self.terms.return_after is not None:
            return self.terms.return_after
        bursts = self._fallbacks(timedelta(hours=1))
        return min(self.fallback_time / 2 * (1 << min(max(bursts - 1, 0), 8)), LONGEST_PAUSE)

    def _fallbacks(self, within: timedelta) -> int:
        """How often nodes went missing lately; raises that belong together count once."""
        count, last = 0, None
        for move in self.past.moves:
            if move.raised and not move.chosen and self.now - move.at < within:
                count += last is None or move.at - last >= LEAVING
                last = move.at
        return count

    def hazard(self, pool: PoolSight) -> float:
        """Losses per hour to expect: Azure's bucket or a prior, and what was observed. Never 0."""
        past = self.past.pool(pool.name)
        rate = _BUCKETS.get((pool.eviction_rate or "").strip().rstrip("%").strip(), _PRIOR_LOSSES / PRIOR_HOURS)
        observed = (rate * PRIOR_HOURS + past.losses) / (PRIOR_HOURS + past.hours)
        return observed * ADVICE.get(pool.score or "", 1.0)

    def risk(self, pool: PoolSight) -> float:
        """What losing one node costs per hour, in node-hours of the fallback: hazard x time to replace x worth."""
        return self.hazard(pool) * self.past.fallback_seconds / 3600 * WORTH

    def share(self, pool: PoolSight) -> float | None:
        """Its price over the fallback's; None while either is unknown."""
        mine, theirs = known_price(pool.price), known_price(self.fallback.price)
        return None if mine is None or theirs is None else mine / theirs

    def moves(self, within: timedelta) -> int:
        """Moves of the last `within` that we chose."""
        return sum(m.chosen and m.raised and self.now - m.at < within for m in self.past.moves)

    def moved(self, pool: PoolSight, *, raised: bool) -> datetime | None:
        """When we last moved that pool in that direction."""
        name = pool.name.casefold()
        return max((m.at for m in self.past.moves if m.pool == name and m.raised is raised), default=None)

    def readable(self) -> Iterator[PoolSight]:
        return (pool for pool in self.spots if self.unknown(pool) is None)


def held(pool: PoolSight) -> int:
    """The size that the policy holds a pool at: the autoscaler's minimum, or the count."""
    return (pool.min_count if pool.autoscaling else pool.wanted) or 0


def room(pool: PoolSight, have: int) -> int:
    """Nodes that it can take on top of `have`: bounds, quota, addresses. `room_problem` tells what is unknown."""
    limits = [pool.highest - have]
    if pool.quota_left is not None:
        limits.append(pool.quota_left)
    if pool.addresses_left is not None:
        limits.append(pool.addresses_left // max(1, pool.addresses_per_node))
    if pool.pod_addresses_left is not None:
        limits.append(pool.pod_addresses_left // PODS_AT_FIRST)
    return max(0, min(limits))


def known_price(price: float | None) -> float | None:
    """None for what is no price: missing, not a number, infinite, zero or less."""
    return None if price is None or not math.isfinite(price) or price <= 0 else price


PODS_AT_FIRST = 16
"""Addresses of a subnet for pods that a node takes before it is ready, in blocks or one by one.
https://learn.microsoft.com/azure/aks/concepts-network-azure-cni-pod-subnet"""


def addresses_per_node(plugin: str | None, mode: str | None, max_pods: int | None) -> int:
    """Addresses of its subnet that one node takes, by network mode.

    From: https://learn.microsoft.com/azure/aks/concepts-network-ip-address-planning

    >>> [addresses_per_node(*one) for one in (("azure", None, 30), ("azure", "overlay", 250), ("kubenet", None, 110))]
    [31, 1, 1]
    """
    flat = (plugin or "").casefold() == "azure" and (mode or "").casefold() != "overlay"
    return 1 + (max_pods if max_pods is not None else 30) if flat else 1
