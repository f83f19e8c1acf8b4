"""The fleet in figures: one pure fold over clusters, memories and the fleet row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.facts import FleetFacts
from shared.model.fleet import Cluster
from shared.model.memory import FleetMemory, Memory
from shared.policy.bound import Environment
from shared.policy.document import Policy
from shared.policy.pacing import recent_moves

# AKS lets 60 calls of the kind of stop and start go at once per subscription and region, then one a second;
# some of that is left to people. From: https://learn.microsoft.com/azure/aks/quotas-skus-regions
BURST = 50
PER_SECOND = 1
STOP_EXPIRES = timedelta(minutes=15)
"""A message to stop is void after this and decided anew."""
PROBE_AFTER = timedelta(minutes=30)
# Clusters appear and vanish every day; a jump is a policy, a scope or an inventory gone wrong.
JUMP_SHARE = 0.25
JUMP_AT_LEAST = 4


@dataclass(frozen=True, slots=True)
class Headcount:
    """How many clusters there are, how many of them are production, how many rules match outside it."""

    clusters: int
    production: int
    matched: int
    lanes: Mapping[tuple[str, str], int]


def headcount(clusters: Iterable[Cluster], policy: Policy) -> Headcount:
    pairs = ((cluster, policy.environment_of(cluster)) for cluster in clusters)
    return counted(
        (cluster, environment, bool(policy.rules_for(cluster, environment))) for cluster, environment in pairs
    )


def counted(known: Iterable[tuple[Cluster, Environment, bool]]) -> Headcount:
    """The same of clusters whose environment is known, and whether rules match them."""
    total = production = matched = 0
    lanes: Counter[tuple[str, str]] = Counter()
    for cluster, environment, ruled in known:
        total += 1
        production += environment.production
        matched += ruled and not environment.production
        if ruled:
            lanes[cluster.subscription, cluster.location] += 1
    return Headcount(total, production, matched, lanes)


def fleet_facts(
    count: Headcount, memories: Iterable[Memory], fleet: FleetMemory, now: datetime, *, policy_readable: bool = True
) -> FleetFacts:
    """FleetFacts for this tick. The breaker's state is in `fleet`, moved by `breaker`."""
    remembered = tuple(memories)
    return FleetFacts(
        hold_by=fleet.hold_by,
        hold_all=fleet.hold_all,
        hold_reason=fleet.hold_reason,
        breaker_open=fleet.breaker_open_at is not None,
        breaker_reason=fleet.breaker_reason,
        breaker_probe=_may_probe(fleet, now),
        policy_readable=policy_readable,
        matched=count.matched,
        recent_stops=recent_stops(remembered, now),
        stops_of={one.cluster: stops for one in remembered if (stops := recent_stops((one,), now))},
        moves=recent_moves(remembered, now),
        queued=frozenset(memory.queued_id for memory in remembered if _in_queue(memory, now)),
        rings=fleet.rings,
        queue_lead={lane: pace(number) for lane, number in count.lanes.items() if number > BURST},
    )


def pace(position: int) -> timedelta:
    """How much later than the first the call at this position (from 0) may leave its subscription and region."""
    return timedelta(seconds=max(0, position - BURST) / PER_SECOND)


def recent_stops(
    memories: Iterable[Memory], now: datetime, within: timedelta = timedelta(days=1)
) -> tuple[datetime, ...]:
    """Instants of stops of whole clusters or pools, done or under way, oldest first."""
    stops = []
    for memory in memories:
        if memory.open is not None and memory.open.kind.startswith("stop"):
            stops.append(memory.open.claimed_at)
        elif memory.queued_at is not None and _in_queue(memory, now):
            stops.append(memory.queued_at)
        stops.extend(
            target.stopped_at
            for target in memory.targets.values()
            if target.stopped_at is not None and now - target.stopped_at < within
        )
    return tuple(sorted(stops))


def _in_queue(memory: Memory, now: datetime) -> bool:
    """Sent, not claimed, not settled, and not so old that the message has expired."""
    if memory.open is not None or memory.queued_at is None or now - memory.queued_at >= STOP_EXPIRES:
        return False
    return all(t.stopped_at is None or t.stopped_at < memory.queued_at for t in memory.targets.values())


def _may_probe(fleet: FleetMemory, now: datetime) -> bool:
    since = fleet.breaker_probe_at or fleet.breaker_open_at
    return since is not None and now - since >= PROBE_AFTER


def jump(fleet: FleetMemory, count: Headcount) -> str:
    """Why the fleet's size or its production count looks wrong compared with the last tick; '' when it does not."""
    for word, before, after in (
        ("clusters", fleet.cluster_count, count.clusters),
        ("production clusters", fleet.production_count, count.production),
    ):
        if before is None:
            continue
        moved = abs(after - before)
        if moved >= JUMP_AT_LEAST and moved > JUMP_SHARE * max(before, 1):
            return f"{word} went from {before} to {after} between two looks"
    return ""
