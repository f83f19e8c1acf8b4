"""What the app's identity needs in Azure, from the policy's own rules: each action with its reason, and nothing else.

One table. A row says which action, why, and who in a policy wants it; a new call to Azure is a new row.
Names from https://learn.microsoft.com/azure/role-based-access-control/permissions/containers
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.policy.bound import BoundRule
from shared.policy.document import Policy

AKS = "Microsoft.ContainerService"
CLUSTERS = f"{AKS}/managedClusters"
SCALE_SETS = "Microsoft.Compute/virtualMachineScaleSets"
LOGS = "Microsoft.OperationalInsights/workspaces/query"
NEVER = (
    *("listClusterAdminCredential", "listClusterUserCredential", "runCommand", "roleAssignments/write"),
    *("managedClusters/delete", "agentPools/delete", "resourceGroups/delete"),
)
"""No policy leads to these."""

Wanting = Callable[[Policy], tuple[str, ...]]
"""Who wants it: names of rules, EVERYBODY for every installation, () for nobody."""
EVERYBODY = ("",)


@dataclass(frozen=True, slots=True)
class Permission:
    """One action of a custom role. `only` names the rules that want it; '' where every installation does."""

    action: str
    reason: str
    only: str = ""


def always(_: Policy) -> tuple[str, ...]:
    return EVERYBODY


def acting(policy: Policy) -> tuple[str, ...]:
    """As soon as any rule may act."""
    return EVERYBODY if _acting(policy) else ()


def of_kind(*kinds: str) -> Wanting:
    """Rules of these kinds, in whatever mode: they look before they act."""
    return lambda policy: tuple(rule.name for rule in policy.rules if rule.kind in kinds)


def acts(does: Callable[[BoundRule], bool]) -> Wanting:
    """Rules that may act and do this."""
    return lambda policy: tuple(rule.name for rule in _acting(policy) if does(rule))


def telling_costs(policy: Policy) -> tuple[str, ...]:
    """As soon as anybody is told what a week cost."""
    return ("digest",) if policy.digest is not None else ()


def alerts_do(what: str) -> Callable[[BoundRule], bool]:
    return lambda rule: rule.kind == "on_alert" and rule.block.do == what


def starts_clusters(rule: BoundRule) -> bool:
    return rule.kind == "idle" or alerts_do("wake")(rule) or (rule.kind == "hours" and rule.block.pools is None)


def stops_clusters(rule: BoundRule) -> bool:
    return starts_clusters(rule) and not (rule.kind == "hours" and rule.block.only == "start")


def starts_pools(rule: BoundRule) -> bool:
    return rule.kind == "hours" and rule.block.pools is not None


def asks_metrics(policy: Policy) -> tuple[str, ...]:
    """Who asks whether anybody is there, and who starts: a start is done when its nodes are ready."""
    starting = acts(lambda rule: wakes_clusters(rule) or starts_pools(rule))(policy)
    return tuple(dict.fromkeys((*of_kind("idle")(policy), *starting)))


def silences(policy: Policy) -> tuple[str, ...]:
    """Where the guard `silence_alerts` asks for it, and something may act."""
    return EVERYBODY if _acting(policy) and policy.asks("silence_alerts") else ()


def writes_pools(rule: BoundRule) -> bool:
    return rule.kind in ("spot", "upgrades", "repair") or starts_pools(rule) or alerts_do("scale")(rule)


def wakes_clusters(rule: BoundRule) -> bool:
    """Who upgrades also wakes what sleeps in its window."""
    return rule.kind == "upgrades" or starts_clusters(rule)


def writes_clusters(rule: BoundRule) -> bool:
    return rule.kind in ("upgrades", "repair", "tier")


def renews_images(rule: BoundRule) -> bool:
    return rule.kind == "upgrades" and rule.block.node_images_every is not None


def writes_maintenance(rule: BoundRule) -> bool:
    return rule.kind == "upgrades" and rule.block.maintenance


def asks_for_spot(rule: BoundRule) -> bool:
    return rule.kind == "spot"


def asks_for_room(policy: Policy) -> tuple[str, ...]:
    """Who asks before growing whether quota and subnet have room: capacity groups also while they only plan."""
    return (*of_kind("spot", "upgrades")(policy), *acts(alerts_do("scale"))(policy))


TABLE: tuple[tuple[str, str, Wanting], ...] = (
    (f"{CLUSTERS}/read", "the inventory, and one cluster afresh", always),
    (f"{CLUSTERS}/agentPools/read", "a pool's size before it is stopped", always),
    (f"{AKS}/fleets/members/read", "members of a Kubernetes Fleet Manager are left alone", always),
    ("Microsoft.Resources/subscriptions/read", "tells a scope that cannot be read from one without clusters", always),
    ("Microsoft.Resources/subscriptions/resourceGroups/read", "the inventory by group", always),
    ("Microsoft.Management/managementGroups/read", "scopes that are management groups", always),
    ("Microsoft.Insights/metrics/read", "whether anybody uses a cluster, whether its nodes are ready", asks_metrics),
    (f"{LOGS}/read", "whether anybody uses it: logs, where collected", of_kind("idle")),
    (f"{LOGS}/KubePodInventory/read", "the last jobs that ran", of_kind("idle")),
    (f"{LOGS}/AKSAuditAdmin/read", "the last write by somebody", of_kind("idle")),
    (f"{LOGS}/AzureDiagnostics/read", "the same, in the older table", of_kind("idle")),
    ("Microsoft.CostManagement/query/read", "what the weeks cost", telling_costs),
    ("Microsoft.CostManagement/query/action", "the same question, which is a POST", telling_costs),
    ("Microsoft.CostManagement/forecast/read", "what the month will cost", telling_costs),
    ("Microsoft.CostManagement/forecast/action", "the same question, which is a POST", telling_costs),
    ("Microsoft.Compute/disks/read", "disks that are attached to nothing", telling_costs),
    ("Microsoft.Network/publicIPAddresses/read", "public addresses that are attached to nothing", telling_costs),
    (f"{CLUSTERS}/upgradeProfiles/read", "what AKS offers a cluster", of_kind("upgrades")),
    (f"{CLUSTERS}/agentPools/upgradeProfiles/read", "the newest node image of a pool", of_kind("upgrades")),
    (f"{AKS}/locations/kubernetesVersions/read", "the Kubernetes versions of a region", of_kind("upgrades")),
    ("Microsoft.AlertsManagement/alerts/read", "whether an alert still fires", of_kind("on_alert")),
    ("Microsoft.Compute/locations/usages/read", "room in the quota for more nodes", asks_for_room),
    ("Microsoft.Network/virtualNetworks/usages/read", "room in the subnet for more nodes", asks_for_room),
    ("Microsoft.AlertsManagement/actionRules/read", "which alert processing rules are ours", silences),
    ("Microsoft.AlertsManagement/actionRules/write", "keeps the alerts of a planned stop from people", silences),
    ("Microsoft.AlertsManagement/actionRules/delete", "and lets them through again with the start", silences),
    (f"{SCALE_SETS}/virtualMachines/read", "which nodes stand, for capacity groups", of_kind("spot")),
    ("Microsoft.Insights/eventtypes/values/read", "evictions, from the Activity Log", of_kind("spot")),
    (
        "Microsoft.Compute/locations/placementScores/generate/action",
        "Azure's advice where spot finds room; without it, none is taken",
        acts(asks_for_spot),
    ),
    ("Microsoft.Authorization/locks/read", "a locked cluster is not touched", acting),
    (f"{AKS}/locations/operations/read", "how an accepted action ended", acting),
    (f"{AKS}/locations/operationresults/read", "how an accepted action ended", acting),
    # What was stopped is owed a start, whatever `only` says: who stops also starts.
    (f"{CLUSTERS}/start/action", "starts clusters", acts(wakes_clusters)),
    (f"{CLUSTERS}/stop/action", "stops clusters", acts(stops_clusters)),
    (f"{CLUSTERS}/agentPools/write", "stops, starts, resizes and upgrades node pools", acts(writes_pools)),
    (
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "AKS asks for it when a pool in a subnet of your own is written",
        acts(writes_pools),
    ),
    (f"{CLUSTERS}/write", "upgrades control planes, mends what Failed, sets tiers", acts(writes_clusters)),
    (
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        "AKS asks for it when a cluster with an identity of your own is written",
        acts(writes_clusters),
    ),
    (f"{CLUSTERS}/agentPools/upgradeNodeImageVersion/action", "renews node images", acts(renews_images)),
    (f"{CLUSTERS}/maintenanceConfigurations/read", "one that somebody else wrote is left", acts(writes_maintenance)),
    (f"{CLUSTERS}/maintenanceConfigurations/write", "AKS's own windows follow a schedule", acts(writes_maintenance)),
)


def permissions(policy: Policy) -> tuple[Permission, ...]:
    """What this policy needs, each action once, in the order of the table; while nothing may act, reading only."""
    wanted = ((action, reason, by(policy)) for action, reason, by in TABLE)
    return tuple(Permission(action, reason, ", ".join(by)) for action, reason, by in wanted if by)


def role(policy: Policy) -> dict[str, object]:
    """The role as infra/actions.json holds it, where the template reads it."""
    needed = permissions(policy)
    return {
        "actions": [one.action for one in needed],
        "because": {one.action: one.reason + (f" ({one.only})" if one.only else "") for one in needed},
    }


def lacking(policy: Policy, granted: frozenset[str]) -> tuple[Permission, ...]:
    """What the policy needs and a role does not grant. Names of actions compare case-insensitively."""
    folded = {action.casefold() for action in granted}
    return tuple(one for one in permissions(policy) if one.action.casefold() not in folded)


def _acting(policy: Policy) -> tuple[BoundRule, ...]:
    return tuple(rule for rule in policy.rules if rule.mode == "act") if policy.mode == "act" else ()
