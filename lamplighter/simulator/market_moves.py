"""What moves by itself: room for nodes changes, nodes are evicted or become ready, counts and autoscalers follow."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.market_nodes import grow, set_nodes, shrink, watch
from lamplighter.simulator.resources import RUNNING, Cluster, Node, Pool
from lamplighter.simulator.spot_market import EVICTED, SHOWN_LATER, UNNEEDED, LogEntry, Place, is_spot, same_place, tell

if TYPE_CHECKING:
    from lamplighter.simulator.world import World


def happen(world: World, at: datetime, what: str, about: Any) -> None:
    """One thing that was due."""
    if what == "room":
        _room(world, about, at)
        return
    cluster = world.clusters.get(about[0])
    pool = None if cluster is None else cluster.pool(about[1])
    if cluster is None or pool is None or pool.nodes is None:
        return
    match what:
        case "ready" if any(node.number == about[2] for node in pool.nodes):
            world.touch(cluster, at)
            came = tuple(replace(node, ready=True) if node.number == about[2] else node for node in pool.nodes)
            set_nodes(world, cluster, pool, came, at)
        case "count" if not pool.value("enableAutoScaling") and pool.is_settled:
            world.touch(cluster, at)
            pool.properties["count"] = len(pool.nodes)
        case "autoscaler":
            _autoscale(world, cluster, pool, at)
            watch(world, cluster, pool, at)


def _room(world: World, about: tuple[Place, int], at: datetime) -> None:
    place, room = about
    assert world.market.room is not None  # noqa: S101 - a tape opens the market
    world.market.room[place] = room
    here = list(same_place(world, place))
    if place.spot and len(here) > room:
        source = random.Random(f"{world.market.seed}|{place}|{at}")
        for cluster, pool, node in source.sample(here, len(here) - room):
            evict(world, cluster, pool, node, at)


def evict(world: World, cluster: Cluster, pool: Pool, node: Node, at: datetime) -> None:
    """Azure takes a spot node back, seconds after it said so."""
    world.touch(cluster, at)
    left = tuple(one for one in pool.nodes or () if one.number != node.number)
    set_nodes(world, cluster, pool, left, at)
    tell(world, (cluster, pool), LogEntry(at, EVICTED, "Succeeded", resource=f"/virtualMachines/{node.number}"))
    world.market.schedule(at + SHOWN_LATER, "count", (cluster.key, pool.name))


def _autoscale(world: World, cluster: Cluster, pool: Pool, at: datetime) -> None:
    """Its minimum is asked for again and again; what nothing needs goes after ten minutes, as far as the minimum."""
    if not pool.value("enableAutoScaling") or pool.power != RUNNING or not pool.is_settled:
        return
    least, most = int(pool.value("minCount") or 0), int(pool.value("maxCount") or 0)
    have, key = len(pool.nodes or ()), (cluster.key, pool.name)
    wanted = max(least, min(most, _load(world, cluster, pool)))
    if have < wanted:
        world.market.idle_since.pop(key, None)
        world.touch(cluster, at)
        pool.properties["count"] = wanted
        grow(world, cluster, pool, wanted, at)
    elif have > wanted:
        since = world.market.idle_since.setdefault(key, at)
        if at - since >= UNNEEDED:
            world.market.idle_since.pop(key, None)
            shrink(world, cluster, pool, wanted, at)
            pool.properties["count"] = wanted
    else:
        world.market.idle_since.pop(key, None)


def _load(world: World, cluster: Cluster, pool: Pool) -> int:
    """Nodes of this pool that the workload fills: spot first. Where nobody said what it needs, what it has."""
    needed = world.market.needed.get(cluster.key)
    if needed is None:
        return len(pool.nodes or ())
    pools = sorted((one for one in cluster.pools if one.value("mode") == "User"), key=lambda one: not is_spot(one))
    left = needed
    for one in pools:
        ready = sum(node.ready for node in one.nodes or ())
        if one is pool:
            return min(left, max(ready, 0))
        left = max(0, left - ready)
    return 0
