"""What Resource Graph shows of nodes and of spot: the tables ComputeResources and SpotResources.

From: https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources and
https://learn.microsoft.com/azure/virtual-machines/spot-vms#azure-resource-graph
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.resources import RUNNING, Cluster, Node, Pool, node_group
from lamplighter.simulator.retail_prices import list_price, spot_price
from lamplighter.simulator.spot_market import is_spot, scale_set

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

INSTANCE = "microsoft.compute/virtualmachinescalesets/virtualmachines"
RATE = "microsoft.compute/skuspotevictionrate/location"
PRICE = "microsoft.compute/skuspotpricehistory/ostype/location"


def instance_rows(world: World, scope: frozenset[str]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """`(body, subscription, group)` of every node, as far as Resource Graph has heard of it."""
    for cluster in world.graph.rows(world.clusters):
        if cluster.subscription.lower() in scope and cluster.power == RUNNING:
            for pool in cluster.pools:
                if pool.power == RUNNING:
                    for node in _nodes(pool):
                        yield _instance(cluster, pool, node), cluster.subscription, node_group(cluster)


def _nodes(pool: Pool) -> tuple[Node, ...]:
    if pool.nodes is not None:
        return pool.nodes
    return tuple(Node(number, "", ready=True) for number in range(int(pool.value("count") or 0)))


def _instance(cluster: Cluster, pool: Pool, node: Node) -> dict[str, Any]:
    state, power = ("Succeeded", "running") if node.ready else ("Creating", "starting")
    view = {"powerState": {"code": f"PowerState/{power}", "displayStatus": f"VM {power}"}}
    return {
        "id": f"{scale_set(cluster, pool)}/virtualMachines/{node.number}",
        "name": f"aks-{pool.name}-vmss_{node.number}",
        "type": INSTANCE,
        "location": cluster.location,
        "sku": {"name": pool.value("vmSize"), "tier": "Standard"},
        "zones": [node.zone] if node.zone else None,
        "tags": {"aks-managed-poolName": pool.name},
        "properties": {
            "provisioningState": state,
            "priority": "Spot" if is_spot(pool) else "Regular",
            "extended": {"instanceView": view},
        },
    }


def spot_rows(world: World) -> Iterator[dict[str, Any]]:
    """Eviction rates and prices of the sizes in use, in their regions. Names of sizes are lower case there."""
    sizes = {
        (cluster.location, str(pool.value("vmSize"))) for cluster in world.clusters.values() for pool in cluster.pools
    }
    for location, size in sorted(sizes):
        key, place = (location, size.lower()), f"/skus/{size.lower()}/locations/{location}"
        common = {"location": location, "sku": {"name": size.lower()}}
        rate = world.market.rates.get(key, "0-5")
        yield {
            "id": f"/spot{place}/rate",
            "name": size.lower(),
            "type": RATE,
            "properties": {"evictionRate": rate},
            **common,
        }
        price = spot_price(world, location, size)
        if list_price(location, size) is not None and price is not None:
            history = [{"priceUSD": price, "effectiveDate": "2026-11-01T00:00:00Z"}]
            properties = {"osType": "linux", "spotPrices": history}
            yield {"id": f"/spot{place}/price", "name": size.lower(), "type": PRICE, "properties": properties, **common}
            windows = {"osType": "windows", "spotPrices": [{"priceUSD": round(price * 2.2, 6)}]}
            yield {"id": f"/spot{place}/windows", "name": size.lower(), "type": PRICE, "properties": windows, **common}
