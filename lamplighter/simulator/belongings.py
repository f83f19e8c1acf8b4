"""Disks and public addresses in Resource Graph: those of clusters, and those that people left behind.

    leave_disk(world, "web-dev", "pvc-old", gb=512)       billed from now on, attached to nothing
    leave_address(world, "web-dev", "old-ingress")

A volume is attached while its cluster runs; when the cluster stops, it is attached to nothing, and waits.
From: https://learn.microsoft.com/azure/virtual-machines/disks-find-unattached-portal
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.meter import Left, address_of, node_group_id, vmss_of, volume_of
from lamplighter.simulator.resources import RUNNING, Cluster

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

DISKS, ADDRESSES = "microsoft.compute/disks", "microsoft.network/publicipaddresses"
MADE_BY_KUBERNETES = (("k8s-azure-created-by", "kubernetes-azure-dd"),)


def leave_disk(world: World, cluster: str, name: str, gb: int = 128, *, group: str = "") -> str:
    """A volume whose claim was deleted and whose policy is to retain; in `group` or the node resource group. Its id."""
    price = world.meter.tariff.disk_gb * gb
    return _leave(world, cluster, ("Microsoft.Compute/disks", name, group), ("Storage", price))


def leave_address(world: World, cluster: str, name: str, *, group: str = "") -> str:
    """An address whose service was deleted. Its id."""
    price = world.meter.tariff.public_ip
    return _leave(world, cluster, ("Microsoft.Network/publicIPAddresses", name, group), ("Virtual Network", price))


def _leave(world: World, cluster: str, what: tuple[str, str, str], price: tuple[str, Any]) -> str:
    found, (kind, name, group) = world.cluster(cluster), what
    place = f"/subscriptions/{found.subscription}/resourceGroups/{group}" if group else node_group_id(found)
    left = Left(
        found.subscription.casefold(),
        f"{place}/providers/{kind}/{name}",
        *price,
        world.now(),
        found.location,
        MADE_BY_KUBERNETES,
    )
    world.meter.left.append(left)
    world.graph.changed.append(left.resource.casefold())
    return left.resource


def asked_for(query: str) -> frozenset[str]:
    """The types that a query names."""
    asked = query.casefold()
    return frozenset(kind for kind in (DISKS, ADDRESSES) if kind in asked)


def rows(world: World, scope: frozenset[str], query: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    """(body, subscription, group) of those that the query asks for by type: they would treble every other answer."""
    wanted = asked_for(query)
    if not wanted:
        return
    for cluster in world.graph.rows(world.clusters):
        if cluster.subscription.casefold() in scope:
            yield from _of_cluster(cluster, wanted)
    for left in world.meter.left:
        parts = left.resource.split("/")
        if left.subscription in scope and f"{parts[6]}/{parts[7]}".casefold() in wanted:
            yield _body(left.resource, left.location, _loose(left.since), dict(left.tags)), parts[2], parts[4]


def _of_cluster(cluster: Cluster, wanted: frozenset[str]) -> Iterator[tuple[dict[str, Any], str, str]]:
    place = (cluster.subscription, node_group_id(cluster).rpartition("/")[2])
    tags = {**(cluster.tags or {}), **dict(MADE_BY_KUBERNETES)}
    if DISKS in wanted:
        runs = cluster.power == RUNNING and any(pool.power == RUNNING for pool in cluster.pools)
        node = f"{vmss_of(cluster, cluster.pools[0].name)}/virtualMachines/0" if cluster.pools else ""
        held = {"diskState": "Attached"} if runs else {"diskState": "Unattached"}
        yield _body(volume_of(cluster), cluster.location, held, tags, node if runs else ""), *place
    if ADDRESSES in wanted:
        front = f"{node_group_id(cluster)}/providers/Microsoft.Network/loadBalancers/kubernetes"
        used = {"ipConfiguration": {"id": f"{front}/frontendIPConfigurations/1"}}
        yield _body(address_of(cluster), cluster.location, used, tags), *place


def _loose(since: datetime) -> dict[str, Any]:
    return {"diskState": "Unattached", "LastOwnershipUpdateTime": since.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _body(
    resource: str, location: str, properties: dict[str, Any], tags: dict[str, str], by: str = ""
) -> dict[str, Any]:
    kind = "/".join(resource.split("/")[6:8])
    return {
        "id": resource,
        "name": resource.rpartition("/")[2],
        "type": kind,
        "location": location,
        "managedBy": by,
        "tags": tags,
        "properties": properties,
    }
