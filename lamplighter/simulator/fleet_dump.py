"""What `az aks list -o json` and `az graph query -o json` print -> clusters.

The first flattens `properties` into the cluster, the second keeps it (or what the query projected); ARM's own
`{"value": [...]}` is read as well. Shapes: https://learn.microsoft.com/cli/azure/aks#az-aks-list and
https://learn.microsoft.com/cli/azure/graph#az-graph-query
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lamplighter.simulator.resources import CLUSTER_READ_ONLY, POOL_READ_ONLY, RUNNING, STOPPED, Cluster, Pool

# Top-level keys of a flattened cluster that are no properties.
_ENVELOPE = frozenset(
    {
        "id", "name", "type", "location", "tags", "sku", "identity", "eTag", "resourceGroup", "subscriptionId",
        "tenantId", "kind", "plan", "zones", "managedBy", "extendedLocation", "systemData", "properties",
    }
)  # fmt: skip
_KEPT = frozenset(
    {"nodeResourceGroup", "dnsPrefix", "fqdn", "azurePortalFQDN", "privateFQDN", "currentKubernetesVersion"}
)


def is_dump(document: Any) -> bool:
    """Whether a document looks like something Azure printed rather than a fleet file."""
    return isinstance(document, list) or (isinstance(document, dict) and ("data" in document or "value" in document))


def clusters_of_dump(document: Any) -> Iterator[Cluster]:
    """Clusters in the order given; ValueError in one sentence for an entry that is none."""
    rows = document if isinstance(document, list) else document.get("data", document.get("value"))
    if not isinstance(rows, list):
        msg = f"fleet dump: expected a list of clusters, and got {type(rows).__name__}"
        raise ValueError(msg)  # noqa: TRY004 - a bad file, told like every other mistake in it
    for row in rows:
        if isinstance(row, dict) and "managedclusters" in str(row.get("type", row.get("id", ""))).lower():
            yield _cluster(row)
        elif not (isinstance(row, dict) and row.get("id")):
            msg = f"fleet dump: an entry has no id: {str(row)[:80]}; expected /subscriptions/.../managedClusters/name"
            raise ValueError(msg)


def _cluster(row: dict[str, Any]) -> Cluster:
    parts = str(row.get("id", "")).strip("/").split("/")
    if len(parts) != 8:
        msg = f"fleet dump: {row.get('id')!r} is not the id of a cluster, /subscriptions/.../managedClusters/name"
        raise ValueError(msg)
    properties = row.get("properties")
    if not isinstance(properties, dict):
        properties = {name: value for name, value in row.items() if name not in _ENVELOPE}
    kept = {
        name: value
        for name, value in properties.items()
        if value is not None and (name in _KEPT or name not in CLUSTER_READ_ONLY | {"agentPoolProfiles"})
    }
    power = _code(properties.get("powerState"))
    cluster = Cluster(
        parts[1], parts[3], parts[7], str(row.get("location") or "westeurope"), row.get("tags"),
        dict(row.get("sku") or {"name": "Base", "tier": "Free"}), row.get("identity"), kept,
        state=str(properties.get("provisioningState") or "Succeeded"), power=power,
        error=(properties.get("status") or {}).get("provisioningError"),
    )  # fmt: skip
    cluster.pools = [_pool(profile, cluster) for profile in properties.get("agentPoolProfiles") or ()]
    return cluster


def _code(state: Any) -> str | None:
    """`{"code": "Running"}`, or the bare word, as some queries project it."""
    if isinstance(state, dict):
        state = state.get("code")
    return None if state is None else str(state)


def _pool(profile: dict[str, Any], cluster: Cluster) -> Pool:
    kept = {name: value for name, value in profile.items() if name not in POOL_READ_ONLY and value is not None}
    # The CLI prints the API's `type` and `mode` as they are, but calls the pool's `type` `typePropertiesType` at times.
    kept.setdefault("type", kept.pop("typePropertiesType", "VirtualMachineScaleSets"))
    pool = Pool(str(profile.get("name")), kept, str(profile.get("provisioningState") or "Succeeded"))
    pool.power = _code(profile.get("powerState")) or cluster.power or RUNNING
    pool.error = (profile.get("status") or {}).get("provisioningError")
    if pool.power == STOPPED:
        pool.down_with_cluster = cluster.power == STOPPED and bool(kept.get("count"))
        pool.saved = {"count": kept.get("minCount") or 1}
    return pool
