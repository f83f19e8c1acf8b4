"""How operations end: what becomes true of the cluster or pool when one succeeds, fails or is canceled."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from lamplighter.simulator import market_nodes
from lamplighter.simulator.operations import FAILED, IN_PROGRESS, SUCCEEDED, Operation
from lamplighter.simulator.resources import RUNNING, STOPPED, Cluster, Pool

if TYPE_CHECKING:
    from lamplighter.simulator.world import World


def finish(world: World, operation: Operation, status: str, at: datetime) -> None:
    """End an operation at an instant. Does nothing when it is over already."""
    if operation.status != IN_PROGRESS:
        return
    operation.status, operation.ended_at = status, at
    cluster = world.clusters.get(operation.cluster)
    if cluster is not None:
        _change(world, cluster, operation, at)
    world.emit(operation.write, status, at)


def _change(world: World, cluster: Cluster, operation: Operation, at: datetime) -> None:
    world.touch(cluster, at)
    if operation.kind == "abort":
        aborted = world.operations.by_id[operation.before["aborts"]]
        finish(world, aborted, "Canceled", at)
        return
    if operation.pool is not None:
        pool = cluster.pool(operation.pool)
        if pool is not None:
            _settle(pool, operation)
            pool.revision += 1
            _end_of_pool(world, cluster, pool, operation, at)
            market_nodes.ended(world, cluster, pool, at)
        return
    _settle(cluster, operation)
    cluster.revision += 1
    _end_of_cluster(world, cluster, operation, at)
    market_nodes.follow(world, cluster, at)


def _settle(target: Cluster | Pool, operation: Operation) -> None:
    target.operation = None
    target.state = operation.status
    target.error = operation.error if operation.status == FAILED else None


def _end_of_cluster(world: World, cluster: Cluster, operation: Operation, at: datetime) -> None:
    worked = operation.status == SUCCEEDED
    match operation.kind:
        case "stop":
            _pools_follow(cluster, at, down=worked)
            if worked:
                cluster.power = STOPPED
                cluster.log.off(at)
        case "start":
            _pools_follow(cluster, at, down=not worked)
            _started(world, cluster, at, worked=worked)
        case "delete" if worked:
            cluster.log.off(at)
            del world.clusters[cluster.key]
        case "upgrade" if worked:
            cluster.properties["currentKubernetesVersion"] = operation.before["to"]
        case "create" | "update":
            for pool in cluster.busy_pools():
                if pool.operation is None:
                    pool.state = operation.status
        case _:
            pass


def _started(world: World, cluster: Cluster, at: datetime, *, worked: bool) -> None:
    if worked:
        for pool in cluster.pools:
            world.readiness.started(cluster, pool, at)
    else:
        cluster.power = STOPPED
        cluster.log.off(at)


def _pools_follow(cluster: Cluster, at: datetime, *, down: bool) -> None:
    """Pools go down and come up with their cluster; one that was stopped by itself stays stopped."""
    for pool in cluster.pools:
        if not pool.down_with_cluster:
            continue
        pool.state = "Succeeded"
        if down:
            pool.power = STOPPED
            pool.log.off(at)
        else:
            pool.power = RUNNING
            pool.down_with_cluster = False


def _end_of_pool(world: World, cluster: Cluster, pool: Pool, operation: Operation, at: datetime) -> None:
    worked = operation.status == SUCCEEDED
    match operation.kind:
        case "pool-stop" if worked:
            pool.log.off(at)
        case "pool-stop":
            pool.power = RUNNING
            pool.properties.update(pool.saved)
        case "pool-start" if not worked:
            pool.power = STOPPED
            pool.properties["count"] = 0
            pool.log.off(at)
        case "pool-start":
            pool.saved = {}
            world.readiness.started(cluster, pool, at)
        case "pool-delete" if worked:
            cluster.pools.remove(pool)
        case "pool-upgrade" if worked:
            pool.version = operation.before["to"]
            pool.properties["nodeImageVersion"] = operation.before["image"]
            world.roll(cluster, pool, "Succeeded", at)
        case "pool-image" if worked:
            pool.properties["nodeImageVersion"] = operation.before["image"]
            world.roll(cluster, pool, "Succeeded", at)
        case "pool-upgrade" | "pool-image":
            world.roll(cluster, pool, "Failed", at)
        case "pool-update" | "pool-scale" if not worked:
            pool.properties = dict(operation.before or pool.properties)
        case _:
            pass
