"""The market of nodes: room per region, size, zone and priority over time, and what that does to scale sets.

Nodes of a pool are followed one by one in clusters with a spot pool, once the world has a market (`market` in a fleet
file); elsewhere a pool has as many nodes as its `count`. What takes more than there is room for goes: spot nodes are
evicted at once, new ones are refused. An evicted pool looks healthy: its state stays Succeeded, its `count` comes down
later by itself, and nothing of it shows in the cluster's own resource group.
From: https://learn.microsoft.com/azure/aks/spot-node-pool and field reports of evicted pools
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from lamplighter.simulator.resources import Cluster, Node, Pool, node_group

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

EVICTED = "Microsoft.Compute/virtualMachineScaleSets/evictSpotVM/action"
SCALED = "Microsoft.Compute/virtualMachineScaleSets/write"
NO_ROOM = "AllocationFailed"
NO_QUOTA = "QuotaExceeded"
NO_ADDRESS = "SubnetIsFull"
SHOWN_LATER = timedelta(minutes=5)
"""After an eviction a pool's `count` says this long what it was."""
AUTOSCALER = timedelta(minutes=1)
UNNEEDED = timedelta(minutes=10)
"""After this long an autoscaler gives up a node that nothing needs."""
_CORES = re.compile(r"_[A-Za-z]+(\d+)")


class Place(NamedTuple):
    """What shares its room: region, lower-case size, zone ('' = regional), spot or not."""

    location: str
    size: str
    zone: str
    spot: bool


class LogEntry(NamedTuple):
    """One entry of the Activity Log. `resource` is what stands behind the scale set's id, until it is told."""

    at: datetime
    operation: str
    status: str
    code: str = ""
    resource: str = ""
    subscription: str = ""
    group: str = ""


@dataclass(slots=True)
class Market:
    """`room` None: there is no market, and every pool has what it asks for."""

    room: dict[Place, int] | None = None
    quota: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(subscription, region, name such as lowPriorityCores), lower case -> limit of cores."""
    subnets: dict[str, int] = field(default_factory=dict)
    """Lower-case subnet id -> addresses."""
    scores: dict[Place, str] = field(default_factory=dict)
    rates: dict[tuple[str, str], str] = field(default_factory=dict)
    """(region, lower-case size) -> eviction rate bucket."""
    prices: dict[tuple[str, str], float] = field(default_factory=dict)
    """(region, lower-case size) -> USD an hour of a spot node, instead of the usual share of the list price."""
    needed: dict[str, int] = field(default_factory=dict)
    """Cluster key -> nodes that its workload takes; autoscalers give up what is beyond."""
    node_start: timedelta = timedelta(seconds=240)
    log: list[LogEntry] = field(default_factory=list)
    sizes: dict[tuple[str, str], list[tuple[datetime, int, int]]] = field(default_factory=dict)
    """(cluster key, pool) -> (instant, ready nodes, nodes), on change."""
    idle_since: dict[tuple[str, str], datetime] = field(default_factory=dict)
    seed: int = 0
    _due: list[tuple[datetime, int, str, Any]] = field(default_factory=list)
    _count: int = 0

    @property
    def is_open(self) -> bool:
        return self.room is not None

    def schedule(self, at: datetime, what: str, about: Any) -> None:
        self._count += 1
        heapq.heappush(self._due, (at, self._count, what, about))

    def next_at(self) -> datetime | None:
        return self._due[0][0] if self._due else None

    def tape(self, place: Place, begin: datetime, gap: timedelta, room: Sequence[int]) -> None:
        """Play a recording of room, one value every `gap` from `begin` (aware UTC) on."""
        if self.room is None:
            self.room = {}
        last = None
        for number, value in enumerate(room):
            if value != last:
                self.schedule(begin + number * gap, "room", (place, value))
            last = value

    def take(self, now: datetime) -> tuple[datetime, str, Any] | None:
        """The next thing that is due, taken out; None when nothing is."""
        if not self._due or self._due[0][0] > now:
            return None
        at, _, what, about = heapq.heappop(self._due)
        return at, what, about


def is_followed(world: World, cluster: Cluster) -> bool:
    return world.market.is_open and any(is_spot(pool) for pool in cluster.pools)


def is_spot(pool: Pool) -> bool:
    return str(pool.value("scaleSetPriority") or "").lower() == "spot"


def cores_of(size: str) -> int:
    found = _CORES.search(size)
    return int(found[1]) if found else 1


def scale_set(cluster: Cluster, pool: Pool) -> str:
    """The id of its scale set, as Resource Graph spells it."""
    return (
        f"/subscriptions/{cluster.subscription}/resourceGroups/{node_group(cluster)}/providers/Microsoft.Compute/"
        f"virtualMachineScaleSets/aks-{pool.name}-{14000000 + len(cluster.name)}-vmss"
    )


def zones_of(pool: Pool) -> tuple[str, ...]:
    return tuple(str(zone) for zone in pool.value("availabilityZones") or ()) or ("",)


def place_of(cluster: Cluster, pool: Pool, zone: str) -> Place:
    return Place(cluster.location, str(pool.value("vmSize")).lower(), zone, is_spot(pool))


def same_place(world: World, place: Place) -> Iterator[tuple[Cluster, Pool, Node]]:
    for cluster in world.clusters.values():
        if cluster.location == place.location and is_followed(world, cluster):
            for pool in cluster.pools:
                for node in pool.nodes or ():
                    if place_of(cluster, pool, node.zone) == place:
                        yield cluster, pool, node


def tell(world: World, about: tuple[Cluster, Pool], entry: LogEntry) -> None:
    """Write an entry into the Activity Log, in the resource group of the pool's nodes."""
    cluster, pool = about
    resource = scale_set(cluster, pool) + entry.resource
    where = {"subscription": cluster.subscription, "group": node_group(cluster), "resource": resource}
    world.market.log.append(entry._replace(**where))
