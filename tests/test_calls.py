"""Every call that the code can make to Azure, found in its text, has its action in the role's table; and the reverse.

A new SDK operation or a new path of Resource Manager in shared/clients fails here until the table below says which action
it needs, and lamplighter/permissions.py grants it to those whose policy wants it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from lamplighter.permissions import TABLE
from shared.policy.rules import RULES

CLIENTS = Path(__file__).parents[1] / "shared" / "clients"
AKS = "Microsoft.ContainerService"
CLUSTERS = f"{AKS}/managedClusters"
GROUPS = {"managed_clusters", "agent_pools", "maintenance_configurations", "query", "forecast", "machines"}
"""Operation groups of the SDKs that speak to Resource Manager."""

OPERATIONS = {
    "managed_clusters.get": f"{CLUSTERS}/read",
    "managed_clusters.get_upgrade_profile": f"{CLUSTERS}/upgradeProfiles/read",
    "managed_clusters.list_kubernetes_versions": f"{AKS}/locations/kubernetesVersions/read",
    "agent_pools.get": f"{CLUSTERS}/agentPools/read",
    "agent_pools.get_upgrade_profile": f"{CLUSTERS}/agentPools/upgradeProfiles/read",
    "maintenance_configurations.get": f"{CLUSTERS}/maintenanceConfigurations/read",
    "query.usage": "Microsoft.CostManagement/query/action",
    "forecast.usage": "Microsoft.CostManagement/forecast/action",
}
# Names that only writes have, whatever variable holds the group -> the actions that one of them needs.
WRITES = {
    "begin_start": (f"{CLUSTERS}/start/action",),
    "begin_stop": (f"{CLUSTERS}/stop/action",),
    "begin_create_or_update": (f"{CLUSTERS}/write", f"{CLUSTERS}/agentPools/write"),
    "begin_upgrade_node_image_version": (f"{CLUSTERS}/agentPools/upgradeNodeImageVersion/action",),
    "create_or_update": (f"{CLUSTERS}/maintenanceConfigurations/write",),
}
# Provider and type in a path -> the actions that asking for it needs; () where the SDK asks, or where it is no call.
PATHS = {
    "microsoft.resourcegraph/resources": (f"{CLUSTERS}/read",),
    "microsoft.authorization/locks": ("Microsoft.Authorization/locks/read",),
    "microsoft.management/managementgroups": ("Microsoft.Management/managementGroups/read",),
    "microsoft.insights/eventtypes": ("Microsoft.Insights/eventtypes/values/read",),
    "microsoft.compute/locations": (
        "Microsoft.Compute/locations/usages/read",
        "Microsoft.Compute/locations/placementScores/generate/action",
    ),
    "microsoft.alertsmanagement/alerts": ("Microsoft.AlertsManagement/alerts/read",),
    "microsoft.compute/virtualmachinescalesets": (),
    "microsoft.containerservice/managedclusters": (),
}
# Methods of raw calls that change something -> the actions; the address of what they change is built from parts.
RAW = {
    "PUT": ("Microsoft.AlertsManagement/actionRules/write",),
    "DELETE": ("Microsoft.AlertsManagement/actionRules/delete",),
}
"""An alert processing rule that Lamplighter made is the one thing it takes away again."""
IMPLIED = {  # granted without a call of ours that names them, and why
    "Microsoft.Network/virtualNetworks/subnets/join/action",  # AKS asks for it in our name
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",  # as above
    f"{AKS}/locations/operations/read",  # the address of an operation comes from Azure's answer
    f"{AKS}/locations/operationresults/read",  # as above
    "Microsoft.Insights/metrics/read",  # the metrics service asks for it
    "Microsoft.CostManagement/query/read",  # which of the two Azure asks for is documented both ways
    "Microsoft.CostManagement/forecast/read",  # as above
}
# What Resource Graph shows to nobody who may not read it, by the table or type that a query names.
SHOWN = {
    "managedclusters": f"{CLUSTERS}/read",
    "fleets/members": f"{AKS}/fleets/members/read",
    "resourcecontainers": "Microsoft.Resources/subscriptions/resourceGroups/read",
    "publicipaddresses": "Microsoft.Network/publicIPAddresses/read",
    "disks": "Microsoft.Compute/disks/read",
    "scale sets and their nodes": "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read",
    "scale sets": "Microsoft.Compute/virtualMachineScaleSets/read",
    "alert processing rules": "Microsoft.AlertsManagement/actionRules/read",
    "subnets": "Microsoft.Network/virtualNetworks/usages/read",
}
COMING = {
    "Microsoft.Insights/eventtypes/values/read": "spot",
    "Microsoft.Compute/locations/placementScores/generate/action": "spot",
    "Microsoft.Compute/locations/usages/read": "spot",
    "Microsoft.AlertsManagement/alerts/read": "on_alert",
    "Microsoft.AlertsManagement/actionRules/read": "on_alert",
    "Microsoft.AlertsManagement/actionRules/write": "on_alert",
    "Microsoft.AlertsManagement/actionRules/delete": "on_alert",
}
"""Actions that a rule brings along with itself."""
GRANTED = {action for action, _, _ in TABLE}


def trees() -> list[tuple[str, ast.Module]]:
    return [(file.name, ast.parse(file.read_text(encoding="utf-8"))) for file in sorted(CLIENTS.rglob("*.py"))]


def attributes() -> set[tuple[str, str]]:
    """(what stands before the dot, what after it) of everything that the clients name."""
    return {
        (node.value.attr if isinstance(node.value, ast.Attribute) else "", node.attr)
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }


def operations() -> set[str]:
    """`group.operation` of every SDK call that reads."""
    return {f"{group}.{name}" for group, name in attributes() if group in GROUPS and name not in WRITES}


def writes() -> set[str]:
    """Names of operations that write. An SDK's long ones begin with `begin_`."""
    return {name for _, name in attributes() if name.startswith("begin_") or name in WRITES}


def paths() -> dict[str, str]:
    """Provider and type of every path of a provider in the clients -> where it stands."""
    found = {}
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 300:
                for one in re.findall(r"providers/(microsoft(?:\\)?\.\w+/\w+)", node.value, re.IGNORECASE):
                    found[one.replace("\\", "").casefold()] = name
    return found


def test_every_operation_of_an_sdk_is_known_and_granted():
    for one in operations():
        assert one in OPERATIONS, f"{one} is called: say here which action it needs, and grant it in permissions.py"
        assert OPERATIONS[one] in GRANTED, f"{one} needs {OPERATIONS[one]}"
    for one in writes():
        assert one in WRITES, f"{one} is called: say here which action it needs, and grant it in permissions.py"
        assert set(WRITES[one]) <= GRANTED, f"{one} needs {WRITES[one]}"
    assert {"begin_start", "begin_stop"} <= writes(), "the search finds what there is"


def test_no_operation_deletes_lists_credentials_or_runs_a_command():
    for one in operations() | writes():
        assert not re.search(r"delete|credential|run_command|rotate|reset", one), one


def test_every_path_of_a_provider_is_known_and_granted():
    """Clients that no registered rule asks yet need no grant yet."""
    registered = {rule.KEY for rule in RULES}
    for one, file in paths().items():
        assert one in PATHS, f"{file} names {one}: say here which action it needs, and grant it in permissions.py"
        wanted = {action for action in PATHS[one] if COMING.get(action, "") in {"", *registered}}
        assert wanted <= GRANTED, f"{file}: {one} needs {sorted(wanted - GRANTED)}"


def raw() -> dict[str, set[str]]:
    """Method of `cloud.call("METHOD", ...)` -> files in which it stands."""
    found: dict[str, set[str]] = {}
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "call":
                method = node.args[0] if node.args else None
                assert isinstance(method, ast.Constant), f"{name}: a call whose method cannot be read here"
                found.setdefault(method.value, set()).add(name)
    return found


def test_raw_calls_change_silences_and_nothing_else():
    changing = {method: files for method, files in raw().items() if method not in ("GET", "POST")}
    assert set(changing) <= set(RAW)
    assert all(files == {"silences.py"} for files in changing.values()), changing
    assert {action for method in changing for action in RAW[method]} <= GRANTED


def test_nothing_is_granted_that_no_call_needs():
    reached = {OPERATIONS[one] for one in operations()} | IMPLIED | set(SHOWN.values())
    reached |= {action for one in writes() for action in WRITES[one]}
    reached |= {action for one in paths() for action in PATHS[one]}
    reached |= {action for method in raw() for action in RAW.get(method, ())}
    reached |= {action for action in GRANTED if action.startswith("Microsoft.OperationalInsights/workspaces/query/")}
    reached |= {"Microsoft.Resources/subscriptions/read"}  # GET /subscriptions, which is no provider's
    assert GRANTED - reached == set()
