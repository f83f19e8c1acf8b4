"""What was seen of the fleet: clusters and their node pools, as Azure reports them.

Azure's own words are kept (`provisioning_state`, `power`), its spelling is not: ids are lower case, because ARM
compares them without case and different services spell the same id differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

NO_TAGS: Mapping[str, str] = MappingProxyType({})

UNKNOWN_FLEET = "unknown"
"""`Cluster.fleet` where memberships could not be read: it may be a member, so it is treated as one."""

MOVING = frozenset({"starting", "stopping"})
# A resource is settled when it says one of these; everything else, known or not, is busy.
# From: https://learn.microsoft.com/azure/aks/start-stop-cluster
SETTLED = frozenset({"succeeded", "failed", "canceled"})


class Power(StrEnum):
    """`powerState.code` of a cluster or pool; UNKNOWN when Azure did not say, or said something new."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    UNKNOWN = "Unknown"

    @classmethod
    def read(cls, code: object) -> Power:
        """Never raises: whatever is not Running or Stopped is UNKNOWN."""
        match str(code or "").casefold():
            case "running":
                return cls.RUNNING
            case "stopped":
                return cls.STOPPED
            case _:
                return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class NodePool:
    """One agent pool. `None` means Azure did not say."""

    name: str
    mode: str | None = None
    """System | User | Gateway"""
    kind: str | None = None
    """The API's `type`: VirtualMachineScaleSets | VirtualMachines | AvailabilitySet"""
    vm_size: str | None = None
    count: int | None = None
    """Nodes wanted. Never trust it while the pool is stopping or stopped: it reads 0 at once."""
    min_count: int | None = None
    max_count: int | None = None
    autoscaling: bool | None = None
    priority: str = "Regular"
    """Regular | Spot"""
    os_type: str | None = None
    power: Power = Power.UNKNOWN
    provisioning_state: str = ""
    version: str | None = None
    """Kubernetes version of its nodes: `currentOrchestratorVersion`, else what was asked for."""
    image: str | None = None
    """`nodeImageVersion`, such as AKSUbuntu-2204gen2containerd-202610.20.0."""
    max_surge: str | None = None
    """`upgradeSettings.maxSurge`: a count, or a share such as 10%."""
    error_code: str | None = None
    """Code of `status.provisioningError`, when the state is Failed."""
    zones: tuple[str, ...] = ()
    """Availability zones; empty for a regional pool."""
    subnet: str | None = None
    """Lower-case id of the subnet of its nodes; None where AKS made the network."""
    pod_subnet: str | None = None
    max_pods: int | None = None

    @property
    def is_settled(self) -> bool:
        return self.provisioning_state.casefold() in SETTLED


@dataclass(frozen=True, slots=True)
class Cluster:
    """One managed cluster, read at one moment."""

    id: str
    """Lower-case ARM id."""
    name: str
    resource_group: str
    subscription: str
    location: str = ""
    power: Power = Power.UNKNOWN
    provisioning_state: str = ""
    kubernetes_version: str | None = None
    tier: str | None = None
    """Free | Standard | Premium"""
    node_provisioning: str | None = None
    """`nodeProvisioningProfile.mode`: Auto means NAP, which can be neither stopped nor pool-stopped."""
    node_resource_group: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    pools: tuple[NodePool, ...] = ()
    fleet: str | None = None
    """Lower-case id of the Azure Kubernetes Fleet Manager it is a member of, or None."""
    error_code: str | None = None
    """Code of `status.provisioningError`, when the state is Failed."""
    problem: str | None = None
    """Why this reading cannot be trusted, in one sentence; None when it can."""
    current_version: str | None = None
    """`currentKubernetesVersion`: what the control plane runs, with its patch."""
    upgrade_channel: str | None = None
    """`autoUpgradeProfile.upgradeChannel`: rapid | stable | patch | node-image | none; AKS upgrades it by itself."""
    node_channel: str | None = None
    """`autoUpgradeProfile.nodeOSUpgradeChannel`: None | Unmanaged | NodeImage | SecurityPatch."""
    support_plan: str | None = None
    """KubernetesOfficial | AKSLongTermSupport"""
    cost_analysis: bool | None = None
    """Whether the cost analysis add-on is on, which the tier Free does not have."""
    network_plugin: str | None = None
    """azure | kubenet | none"""
    network_mode: str | None = None
    """overlay, or None"""
    autoscaler: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    """`autoScalerProfile` as AKS says it; empty where the reading does not tell, as the inventory's."""

    @property
    def is_settled(self) -> bool:
        """Neither the cluster nor one of its pools is in the middle of something."""
        return self.provisioning_state.casefold() in SETTLED and all(pool.is_settled for pool in self.pools)

    def pool(self, name: str) -> NodePool | None:
        """The pool of that name, compared without case; None when there is none."""
        wanted = name.casefold()
        return next((pool for pool in self.pools if pool.name.casefold() == wanted), None)

    def is_moving(self, pool: str | None) -> bool:
        """On its way up or down: what its power state says now may turn out otherwise."""
        if self.provisioning_state.casefold() in MOVING:
            return True
        found = None if pool is None else self.pool(pool)
        return found is not None and found.provisioning_state.casefold() in MOVING

    def power_of(self, pool: str | None) -> Power:
        """Power of the cluster (`None`) or of one of its pools; a pool that is not there is UNKNOWN."""
        if pool is None:
            return self.power
        found = self.pool(pool)
        return Power.UNKNOWN if found is None else found.power


def target_id(cluster_id: str, pool: str | None) -> str:
    """Lower-case id of what a decision is about: the cluster, or one node pool of it.

    >>> target_id("/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/managedclusters/c", "Batch")
    '/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/managedclusters/c/agentpools/batch'
    """
    return cluster_id if pool is None else f"{cluster_id}/agentpools/{pool.casefold()}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where clusters are looked for: the union of both, or everything the identity may read when both are empty."""

    subscriptions: tuple[str, ...] = ()
    """Lower-case GUIDs."""
    management_groups: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        return not self.subscriptions and not self.management_groups


@dataclass(frozen=True, slots=True)
class Inventory:
    """The fleet as one reading: clusters in a stable order, and what could not be read."""

    at: datetime
    """Aware UTC: when the reading was asked for. Resource Graph may lag behind it by minutes."""
    clusters: tuple[Cluster, ...]
    problems: tuple[str, ...] = ()
    """One sentence per scope or page that could not be read; empty means the fleet is whole."""
