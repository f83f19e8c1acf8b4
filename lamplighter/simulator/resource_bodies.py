"""Clusters and node pools as the JSON that the resource provider and Resource Graph show of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamplighter.simulator.resources import (
    CLUSTER_DEFAULTS,
    CLUSTER_TYPE,
    POOL_DEFAULTS,
    POOL_TYPE,
    Cluster,
    Pool,
    current_version,
    node_group,
    pool_version,
)


def pool_properties(cluster: Cluster, pool: Pool, *, with_etag: bool = True) -> dict[str, Any]:
    """`properties` of a pool as the provider shows them; Resource Graph leaves the etag out."""
    shown = {**POOL_DEFAULTS, **pool.properties}
    shown["provisioningState"] = pool.state
    shown["powerState"] = {"code": pool.power}
    shown["currentOrchestratorVersion"] = pool_version(pool)
    shown.setdefault("nodeImageVersion", "AKSUbuntu-2204gen2containerd-202610.20.0")
    if pool.error is not None:
        shown["status"] = {"provisioningError": pool.error}
    if with_etag:
        shown["eTag"] = cluster.pool_etag(pool)
    return {name: value for name, value in shown.items() if value is not None}


def pool_body(cluster: Cluster, pool: Pool) -> dict[str, Any]:
    """A pool as its own resource."""
    return {
        "id": f"{cluster.id}/agentPools/{pool.name}",
        "name": pool.name,
        "type": POOL_TYPE,
        "properties": pool_properties(cluster, pool),
    }


def _power(cluster: Cluster) -> Any:
    return None if cluster.power is None else {"code": cluster.power}


def _status(cluster: Cluster) -> Any:
    return None if cluster.error is None else {"provisioningError": cluster.error}


def _fqdn(cluster: Cluster) -> Any:
    return cluster.properties.get("fqdn") or f"{cluster.name}.hcp.{cluster.location}.azmk8s.io"


def _profiles(cluster: Cluster, *, with_etag: bool = False) -> list[dict[str, Any]]:
    return [{"name": pool.name, **pool_properties(cluster, pool, with_etag=with_etag)} for pool in cluster.pools]


_SHOWN: dict[str, Callable[[Cluster], Any]] = {
    "provisioningState": lambda cluster: cluster.state,
    "powerState": _power,
    "agentPoolProfiles": _profiles,
    "status": _status,
    "currentKubernetesVersion": current_version,
    "nodeResourceGroup": node_group,
    "dnsPrefix": lambda cluster: cluster.properties.get("dnsPrefix") or cluster.name,
    "fqdn": _fqdn,
}


def cluster_property(cluster: Cluster, name: str) -> Any:
    """One entry of a cluster's `properties` as Resource Graph shows it; None when it is absent."""
    shown = _SHOWN.get(name)
    return cluster.properties.get(name, CLUSTER_DEFAULTS.get(name)) if shown is None else shown(cluster)


def cluster_properties(cluster: Cluster, *, with_etag: bool = False) -> dict[str, Any]:
    """The whole of `properties`."""
    shown = {**CLUSTER_DEFAULTS, **cluster.properties}
    shown.update({name: value(cluster) for name, value in _SHOWN.items()})
    if with_etag:
        shown["agentPoolProfiles"] = _profiles(cluster, with_etag=True)
    return {name: value for name, value in shown.items() if value is not None}


def cluster_body(cluster: Cluster) -> dict[str, Any]:
    """A cluster as the provider shows it."""
    body: dict[str, Any] = {
        "id": cluster.id,
        "location": cluster.location,
        "name": cluster.name,
        "type": CLUSTER_TYPE,
        "properties": cluster_properties(cluster, with_etag=True),
        "sku": cluster.sku,
        "eTag": cluster.etag,
    }
    if cluster.tags is not None:
        body["tags"] = cluster.tags
    if cluster.identity is not None:
        body["identity"] = cluster.identity
    return body
