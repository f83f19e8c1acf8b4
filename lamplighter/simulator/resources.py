"""Clusters and node pools as state; how they are shown is in resource_bodies.py.

Only what differs from the service's defaults is kept, so that 100,000 clusters fit in memory. Nested values are
replaced, never changed in place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

SETTLED = frozenset({"Succeeded", "Failed", "Canceled"})
RUNNING, STOPPED = "Running", "Stopped"
VERSION = "1.34"
PATCHES = {"1.33": 8, "1.34": 2, "1.35": 1, "1.36": 0}
"""The patch that a minor version stands for where a fleet file names no other."""

POOL_DEFAULTS: dict[str, Any] = {
    "count": 1,
    "vmSize": "Standard_D4s_v5",
    "osDiskSizeGB": 128,
    "osDiskType": "Managed",
    "kubeletDiskType": "OS",
    "maxPods": 250,
    "type": "VirtualMachineScaleSets",
    "enableAutoScaling": False,
    "scaleDownMode": "Delete",
    "orchestratorVersion": VERSION,
    "enableNodePublicIP": False,
    "mode": "User",
    "enableEncryptionAtHost": False,
    "enableUltraSSD": False,
    "osType": "Linux",
    "osSKU": "Ubuntu",
    "upgradeSettings": {"maxSurge": "10%", "maxUnavailable": "0"},
    "enableFIPS": False,
    "securityProfile": {"enableVTPM": False, "enableSecureBoot": False},
}
CLUSTER_DEFAULTS: dict[str, Any] = {
    "kubernetesVersion": VERSION,
    "enableRBAC": True,
    "supportPlan": "KubernetesOfficial",
    "networkProfile": {
        "networkPlugin": "azure",
        "networkPluginMode": "overlay",
        "networkDataplane": "azure",
        "loadBalancerSku": "standard",
        "podCidr": "10.244.0.0/16",
        "serviceCidr": "10.0.0.0/16",
        "dnsServiceIP": "10.0.0.10",
        "outboundType": "loadBalancer",
    },
    "maxAgentPools": 100,
    "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage"},
    "disableLocalAccounts": False,
    "securityProfile": {},
    "oidcIssuerProfile": {"enabled": False},
    "workloadAutoScalerProfile": {},
}
# What the service answers and no caller may set. From the SDK's models: properties with visibility ["read"].
POOL_READ_ONLY = frozenset(
    {"eTag", "provisioningState", "powerState", "currentOrchestratorVersion", "status", "creationData", "name"}
)
CLUSTER_READ_ONLY = frozenset(
    {
        "provisioningState",
        "powerState",
        "currentKubernetesVersion",
        "fqdn",
        "azurePortalFQDN",
        "privateFQDN",
        "maxAgentPools",
        "resourceUID",
        "status",
        "nodeResourceGroup",
        "dnsPrefix",
    }
)
CLUSTER_TYPE = "Microsoft.ContainerService/ManagedClusters"
POOL_TYPE = "Microsoft.ContainerService/managedClusters/agentPools"


def etag(seed: str, revision: int) -> str:
    return hashlib.blake2s(f"{seed}|{revision}".encode(), digest_size=16).hexdigest()


def provisioning_error(code: str, message: str = "") -> dict[str, str]:
    return {"code": code, "message": message or f"Provisioning failed with {code}."}


@dataclass(slots=True)
class PowerLog:
    """When something was on: `[on, off)` instants, aware UTC; the last `off` is None while it is on."""

    intervals: list[list[datetime | None]] = field(default_factory=list)

    def on(self, at: datetime) -> None:
        if not self.intervals or self.intervals[-1][1] is not None:
            self.intervals.append([at, None])

    def off(self, at: datetime) -> None:
        if self.intervals and self.intervals[-1][1] is None:
            self.intervals[-1][1] = at


@dataclass(frozen=True, slots=True)
class Node:
    """One instance of a pool's scale set."""

    number: int
    zone: str
    ready: bool


@dataclass(slots=True)
class Pool:
    """One agent pool. `properties` are those a caller may set, less the defaults."""

    name: str
    properties: dict[str, Any]
    state: str = "Succeeded"
    power: str = RUNNING
    revision: int = 0
    saved: dict[str, Any] = field(default_factory=dict)
    """Size before it was stopped, as the service remembers it."""
    error: dict[str, str] | None = None
    operation: str | None = None
    down_with_cluster: bool = False
    """True: it is down because its cluster is, and comes up with it."""
    nodes: tuple[Node, ...] | None = None
    """None: not followed one by one; it has as many as `count`."""
    version: str = ""
    """What its nodes run; '' is what `orchestratorVersion` says."""
    log: PowerLog = field(default_factory=PowerLog)

    def value(self, name: str) -> Any:
        return self.properties.get(name, POOL_DEFAULTS.get(name))

    @property
    def is_settled(self) -> bool:
        return self.state in SETTLED

    def copy(self) -> Pool:
        """A reading that later changes don't touch."""
        return Pool(
            self.name,
            dict(self.properties),
            self.state,
            self.power,
            self.revision,
            self.saved,
            self.error,
            nodes=self.nodes,
            version=self.version,
        )


@dataclass(slots=True)
class Cluster:
    """One managed cluster. Ids compare case-insensitively: `key` is the lower-case one."""

    subscription: str
    group: str
    name: str
    location: str = "westeurope"
    tags: dict[str, str] | None = None
    sku: dict[str, str] = field(default_factory=lambda: {"name": "Base", "tier": "Free"})
    identity: dict[str, Any] | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    pools: list[Pool] = field(default_factory=list)
    state: str = "Succeeded"
    power: str | None = RUNNING
    """None: the service does not say, as for old clusters."""
    revision: int = 0
    error: dict[str, str] | None = None
    operation: str | None = None
    """Id of the operation under way on the cluster itself."""
    changed_at: datetime | None = None
    """When its last operation began."""
    maintenance: dict[str, Any] = field(default_factory=dict)
    """Maintenance configurations by name: their `properties`."""
    log: PowerLog = field(default_factory=PowerLog)

    @property
    def id(self) -> str:
        # The service answers with a lower-case "resourcegroups" segment, whatever was asked for (recorded traffic).
        return (
            f"/subscriptions/{self.subscription}/resourcegroups/{self.group}"
            f"/providers/Microsoft.ContainerService/managedClusters/{self.name}"
        )

    @property
    def key(self) -> str:
        return self.id.lower()

    @property
    def is_settled(self) -> bool:
        return self.state in SETTLED

    @property
    def etag(self) -> str:
        return etag(self.key, self.revision)

    @property
    def uses_node_provisioning(self) -> bool:
        profile = self.properties.get("nodeProvisioningProfile") or {}
        return str(profile.get("mode", "")).lower() == "auto" or self.sku.get("name") == "Automatic"

    def pool(self, name: str) -> Pool | None:
        wanted = name.lower()
        return next((pool for pool in self.pools if pool.name.lower() == wanted), None)

    def busy_pools(self) -> Iterator[Pool]:
        return (pool for pool in self.pools if not pool.is_settled)

    def pool_etag(self, pool: Pool) -> str:
        # A cluster operation changes the etags of its pools, a pool operation only its own.
        # https://learn.microsoft.com/azure/aks/use-etags
        return etag(f"{self.key}/{pool.name.lower()}/{self.revision}", pool.revision)

    def copy(self) -> Cluster:
        """A reading that later changes don't touch."""
        return Cluster(
            self.subscription,
            self.group,
            self.name,
            self.location,
            self.tags,
            self.sku,
            self.identity,
            dict(self.properties),
            [pool.copy() for pool in self.pools],
            self.state,
            self.power,
            self.revision,
            self.error,
        )


def current_version(cluster: Cluster) -> str:
    """What the control plane runs, with its patch: 1.34 began as 1.34.2 here."""
    version = str(cluster.properties.get("kubernetesVersion") or VERSION)
    running = cluster.properties.get("currentKubernetesVersion")
    return str(running or (version if version.count(".") > 1 else f"{version}.{PATCHES.get(version, 2)}"))


def pool_version(pool: Pool) -> str:
    """What the nodes of a pool run, with its patch."""
    version = pool.version or str(pool.properties.get("orchestratorVersion") or VERSION)
    return version if version.count(".") > 1 else f"{version}.{PATCHES.get(version, 2)}"


def node_group(cluster: Cluster) -> Any:
    """The resource group of its nodes."""
    named = cluster.properties.get("nodeResourceGroup")
    return named or f"MC_{cluster.group}_{cluster.name}_{cluster.location}"
