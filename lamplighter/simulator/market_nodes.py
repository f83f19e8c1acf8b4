"""Nodes of followed pools come and go: what an operation asks for, as far as market, quota and subnet have room."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from lamplighter.simulator.operations import FAILED, SUCCEEDED, Operation
from lamplighter.simulator.resources import RUNNING, Cluster, Node, Pool, provisioning_error
from lamplighter.simulator.spot_market import (
    AUTOSCALER,
    NO_ADDRESS,
    NO_QUOTA,
    NO_ROOM,
    SCALED,
    LogEntry,
    cores_of,
    is_followed,
    is_spot,
    place_of,
    same_place,
    tell,
    zones_of,
)

if TYPE_CHECKING:
    from lamplighter.simulator.world import World


def follow(world: World, cluster: Cluster, at: datetime) -> None:
    """Bring the nodes of a cluster's pools in line with what was just done to them. Called after every operation."""
    if not is_followed(world, cluster):
        return
    for pool in cluster.pools:
        if pool.power != RUNNING or cluster.power != RUNNING:
            if pool.nodes is not None:
                set_nodes(world, cluster, pool, (), at)
            pool.nodes = None
        elif pool.nodes is None:
            count = int(pool.value("count") or 0)
            nodes = tuple(Node(number, _zone(pool, number), ready=True) for number in range(count))
            set_nodes(world, cluster, pool, nodes, at)
            if pool.value("enableAutoScaling"):
                watch(world, cluster, pool, at)


def _zone(pool: Pool, number: int) -> str:
    zones = zones_of(pool)
    return zones[number % len(zones)]


def watch(world: World, cluster: Cluster, pool: Pool, at: datetime) -> None:
    world.market.schedule(at + AUTOSCALER, "autoscaler", (cluster.key, pool.name))


def set_nodes(world: World, cluster: Cluster, pool: Pool, nodes: tuple[Node, ...], at: datetime) -> None:
    pool.nodes = nodes
    ready = sum(node.ready for node in nodes)
    log = world.market.sizes.setdefault((cluster.key, pool.name), [])
    if not log or log[-1][1:] != (ready, len(nodes)):
        log.append((at, ready, len(nodes)))


def grow(world: World, cluster: Cluster, pool: Pool, size: int, at: datetime) -> str:
    """Nodes up to `size`, as far as there is room; '' or the code of what was in the way."""
    have = pool.nodes or ()
    code, ready_at = "", at + world.market.node_start
    number = max((node.number for node in have), default=-1)
    while len(have) < size:
        zone = _zone(pool, len(have))
        code = _objection(world, cluster, pool, zone)
        if code:
            break
        number += 1
        have = (*have, Node(number, zone, ready=False))
        pool.nodes = have
        world.market.schedule(ready_at, "ready", (cluster.key, pool.name, number))
    set_nodes(world, cluster, pool, have, at)
    if code:
        tell(world, (cluster, pool), LogEntry(at, SCALED, "Failed", code))
    return code


def _objection(world: World, cluster: Cluster, pool: Pool, zone: str) -> str:
    place = place_of(cluster, pool, zone)
    room = (world.market.room or {}).get(place)
    if room is not None and sum(1 for _ in same_place(world, place)) >= room:
        return NO_ROOM
    for name in ("lowPriorityCores",) if place.spot else ("cores",):
        limit = world.market.quota.get((cluster.subscription.lower(), cluster.location, name.lower()))
        if (
            limit is not None
            and used_cores(world, cluster.subscription, cluster.location, spot=place.spot) + cores_of(place.size)
            > limit
        ):
            return NO_QUOTA
    subnet = str(pool.value("vnetSubnetID") or "").lower()
    limit = world.market.subnets.get(subnet)
    if limit is not None and used_addresses(world, subnet) + addresses(cluster, pool) > limit:
        return NO_ADDRESS
    return ""


def used_cores(world: World, subscription: str, location: str, *, spot: bool) -> int:
    total = 0
    for cluster in world.clusters.values():
        if cluster.subscription.lower() == subscription.lower() and cluster.location == location:
            for pool in cluster.pools:
                if is_spot(pool) is spot and pool.power == RUNNING:
                    total += nodes_shown(pool) * cores_of(str(pool.value("vmSize")))
    return total


def nodes_shown(pool: Pool) -> int:
    return len(pool.nodes) if pool.nodes is not None else int(pool.value("count") or 0)


def addresses(cluster: Cluster, pool: Pool) -> int:
    """Addresses of its subnet that one node takes."""
    profile = cluster.properties.get("networkProfile") or {"networkPlugin": "azure", "networkPluginMode": "overlay"}
    flat = profile.get("networkPlugin") == "azure" and profile.get("networkPluginMode") != "overlay"
    return 1 + int(pool.value("maxPods") or 30) if flat else 1


def used_addresses(world: World, subnet: str) -> int:
    return sum(
        nodes_shown(pool) * addresses(cluster, pool)
        for cluster in world.clusters.values()
        for pool in cluster.pools
        if str(pool.value("vnetSubnetID") or "").lower() == subnet and pool.power == RUNNING
    )


def resized(world: World, cluster: Cluster, pool: Pool, operation: Operation) -> None:
    """A pool was given another count: nodes begin to come now, and go when the operation has drained them."""
    if pool.nodes is None or pool.value("enableAutoScaling") or not is_followed(world, cluster):
        return
    size, ready_at = int(pool.value("count") or 0), operation.began_at + world.market.node_start
    if size <= len(pool.nodes):
        return
    code = grow(world, cluster, pool, size, operation.began_at)
    if code and operation.fate == SUCCEEDED:
        operation.fate, operation.error = FAILED, provisioning_error(code)
    elif not code:
        operation.ends_at = ready_at
        world.operations.schedule(operation)


def ended(world: World, cluster: Cluster, pool: Pool, at: datetime) -> None:
    """An operation on a pool is over: its nodes are what it says, or it says what they are."""
    follow(world, cluster, at)
    if pool.nodes is None or pool.power != RUNNING or pool.value("enableAutoScaling"):
        return
    if pool.state == FAILED:
        pool.properties["count"] = len(pool.nodes)
    elif len(pool.nodes) > int(pool.value("count") or 0):
        shrink(world, cluster, pool, int(pool.value("count") or 0), at)


def shrink(world: World, cluster: Cluster, pool: Pool, size: int, at: datetime) -> None:
    """The youngest nodes go, drained."""
    world.touch(cluster, at)
    set_nodes(world, cluster, pool, (pool.nodes or ())[:size], at)
