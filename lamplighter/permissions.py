"""What the app's identity needs in Azure, from the policy's own rules: each action with its reason, and nothing else.

Names from https://learn.microsoft.com/azure/role-based-access-control/permissions/containers
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.policy.bound import BoundRule
from shared.policy.document import Policy

AKS = "Microsoft.ContainerService"
CLUSTERS = f"{AKS}/managedClusters"
NEVER = ("listClusterAdminCredential", "listClusterUserCredential", "runCommand", "/delete", "roleAssignments/write")
"""No policy leads to these."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One action of a custom role. `only` names the rule that wants it; '' where every installation does."""

    action: str
    reason: str
    only: str = ""


READING = (
    Permission(f"{CLUSTERS}/read", "the inventory, and one cluster afresh"),
    Permission(f"{CLUSTERS}/agentPools/read", "a pool's size before it is stopped"),
    Permission(f"{AKS}/fleets/members/read", "members of a Kubernetes Fleet Manager are left alone"),
    Permission("Microsoft.Resources/subscriptions/read", "tells a scope that cannot be read from one without clusters"),
    Permission("Microsoft.Resources/subscriptions/resourceGroups/read", "the inventory by group"),
    Permission("Microsoft.Management/managementGroups/read", "scopes that are management groups"),
)
MEASURING = (
    Permission("Microsoft.Insights/metrics/read", "whether anybody uses a cluster: its platform metrics"),
    Permission("Microsoft.OperationalInsights/workspaces/query/read", "whether anybody uses it: logs, where collected"),
    Permission("Microsoft.OperationalInsights/workspaces/query/KubePodInventory/read", "the last jobs that ran"),
    Permission("Microsoft.OperationalInsights/workspaces/query/AKSAuditAdmin/read", "the last write by somebody"),
    Permission("Microsoft.OperationalInsights/workspaces/query/AzureDiagnostics/read", "the same, in the older table"),
)
FOLLOWING = (
    Permission("Microsoft.Authorization/locks/read", "a locked cluster is not touched"),
    Permission(f"{AKS}/locations/operations/read", "how a start or stop ended"),
    Permission(f"{AKS}/locations/operationresults/read", "how a start or stop ended"),
)


def permissions(policy: Policy) -> tuple[Permission, ...]:
    """Reading only while nothing may act; otherwise what the acting rules need, each once, in a stable order."""
    acting = [rule for rule in policy.rules if rule.mode == "act"]
    reading = (*READING, *MEASURING) if any(rule.kind == "idle" for rule in policy.rules) else READING
    if policy.mode != "act" or not acting:
        return reading
    wanted = {p.action: p for rule in acting for p in _of_rule(rule)}
    return (*reading, *FOLLOWING, *wanted.values())


def _of_rule(rule: BoundRule) -> tuple[Permission, ...]:
    if rule.kind == "hours" and rule.block.pools is not None:
        return (
            Permission(f"{CLUSTERS}/agentPools/write", "stops and starts node pools", rule.name),
            Permission(
                "Microsoft.Network/virtualNetworks/subnets/join/action",
                "AKS asks for it when a pool in a subnet of your own is written",
                rule.name,
            ),
        )
    starts = Permission(f"{CLUSTERS}/start/action", "starts clusters", rule.name)
    stops = Permission(f"{CLUSTERS}/stop/action", "stops clusters", rule.name)
    # What it stopped it owes a start, whatever `only` says.
    return (starts,) if rule.kind == "hours" and rule.block.only == "start" else (starts, stops)
