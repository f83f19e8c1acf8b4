"""How many more nodes fit into a pool that is about to be made larger: cores of the quota, addresses of its subnet."""

from __future__ import annotations

from datetime import datetime

from shared.app import App
from shared.clients.room import free_addresses, nodes_left, quotas
from shared.model.facts import Fact
from shared.model.fleet import Cluster, NodePool
from shared.policy.capacity_group import addresses_per_node

PATIENCE_SECONDS = 10.0
MOST = 1000
"""Nodes of a pool: https://learn.microsoft.com/azure/aks/quotas-skus-regions"""


def room(app: App, cluster: Cluster, pool_name: str, now: datetime) -> Fact:
    """The fact Need.ROOM of one pool; what could not be read is its problem. Never raises for Azure's sake."""
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - azure-core is imported at the first call

    pool = cluster.pool(pool_name)
    if pool is None:
        return Fact(None, now, f"there is no pool {pool_name}")
    patience = Patience(PATIENCE_SECONDS)
    place = (cluster.subscription, cluster.location.replace(" ", "").casefold())
    usages = quotas(app.cloud, [place], patience).get(place)
    if usages is None:
        return Fact(None, now, f"the quota in {place[1]} could not be read")
    left = [MOST]
    if (cores := nodes_left(usages, pool.vm_size or "", spot=False)) is not None:
        left.append(cores)
    if pool.subnet is not None:
        addresses = free_addresses(app.cloud, [pool.subnet], patience).get(pool.subnet.casefold())
        if addresses is None:
            return Fact(None, now, f"the free addresses of subnet {pool.subnet.rpartition('/')[2]} could not be read")
        left.append(addresses // _per_node(cluster, pool))
    return Fact(min(left), now)


def _per_node(cluster: Cluster, pool: NodePool) -> int:
    """Pods with a subnet of their own take no addresses of the nodes'."""
    plugin = None if pool.pod_subnet is not None else cluster.network_plugin
    return addresses_per_node(plugin, cluster.network_mode, pool.max_pods)
