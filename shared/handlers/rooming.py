"""How many more nodes fit into a pool that is about to be made larger: cores of the quota, addresses of its subnets."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.app import App
from shared.clients.capacity import with_room
from shared.model.facts import Fact
from shared.model.fleet import Cluster
from shared.model.spot import PoolSight
from shared.policy import capacity_group


def room(app: App, cluster: Cluster, pool_name: str, now: datetime) -> Fact:
    """The fact Need.ROOM of one pool; what could not be read is its problem. Never raises for Azure's sake."""
    pool = cluster.pool(pool_name)
    if pool is None:
        return Fact(None, now, f"there is no pool {pool_name}")
    alone, bare = replace(cluster, pools=(pool,)), Fact((PoolSight(pool.name, now),), now)
    [sight] = with_room(app.cloud, [alone], {cluster.id: bare})[cluster.id].value
    if sight.room_problem is not None:
        return Fact(None, now, sight.room_problem)
    return Fact(capacity_group.room(sight, 0), now)
