"""Azure's JSON becomes the model, whichever door it came through; what Azure did not say stays unknown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.clients.reading import Reader, cluster_from, clusters_from, pool_from, saved_size
from shared.errors import InputError
from shared.model.fleet import NodePool, Power
from shared.model.memory import SavedSize

ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/Web-RG"
    "/providers/Microsoft.ContainerService/managedClusters/Web-Dev"
)
POOL = {
    "name": "batch",
    "mode": "User",
    "type": "VirtualMachineScaleSets",
    "vmSize": "Standard_D4s_v5",
    "count": 3,
    "minCount": 1,
    "maxCount": 9,
    "enableAutoScaling": True,
    "scaleSetPriority": "Spot",
    "osType": "Linux",
    "powerState": {"code": "Running"},
    "provisioningState": "Succeeded",
}
INNER = {
    "powerState": {"code": "Running"},
    "provisioningState": "Succeeded",
    "kubernetesVersion": "1.34.2",
    "nodeProvisioningProfile": {"mode": "Auto"},
    "nodeResourceGroup": "MC_web",
    "status": {"provisioningError": {"code": "AllocationFailed", "message": "no room"}},
    "agentPoolProfiles": [POOL],
}
OUTER = {"id": ID, "name": "Web-Dev", "location": "westeurope", "tags": {"Team": "web"}, "sku": {"tier": "Standard"}}
ROW = {
    "id": ID,
    "name": "Web-Dev",
    "location": "westeurope",
    "tags": {"Team": "web"},
    "tier": "Standard",
    "power": "Running",
    "state": "Succeeded",
    "version": "1.34.2",
    "nodeProvisioning": "Auto",
    "nodeResourceGroup": "MC_web",
    "errorCode": "AllocationFailed",
    "pools": [POOL],
}


def test_every_door_gives_the_same_cluster():
    """A plan from `az aks list` and a plan from Azure must not differ because the JSON is nested differently."""
    arm = cluster_from({**OUTER, "properties": INNER})
    assert arm == cluster_from({**OUTER, **INNER, "resourceGroup": "Web-RG"}) == cluster_from(ROW)
    assert arm.id == ID.lower()
    assert (arm.name, arm.resource_group, arm.subscription) == (
        "Web-Dev",
        "web-rg",
        "00000000-0000-0000-0000-000000000001",
    )
    assert (arm.location, arm.power, arm.provisioning_state, arm.kubernetes_version) == (
        "westeurope",
        Power.RUNNING,
        "Succeeded",
        "1.34.2",
    )
    assert (arm.tier, arm.node_provisioning, arm.node_resource_group) == ("Standard", "Auto", "MC_web")
    assert (arm.tags, arm.error_code, arm.fleet, arm.problem) == ({"Team": "web"}, "AllocationFailed", None, None)
    assert arm.pools == (
        NodePool(
            "batch",
            "User",
            "VirtualMachineScaleSets",
            "Standard_D4s_v5",
            3,
            1,
            9,
            True,
            "Spot",
            "Linux",
            Power.RUNNING,
            "Succeeded",
        ),
    )


@pytest.mark.parametrize("state", [{}, {"powerState": None}, {"powerState": {}}, {"powerState": {"code": "Dozing"}}])
def test_a_power_state_that_is_absent_or_new_is_unknown_and_says_so(state):
    """Old clusters come without powerState. Unknown must not read as running, nor as stopped."""
    cluster = cluster_from({**OUTER, "provisioningState": "Succeeded", **state})
    assert cluster.power is Power.UNKNOWN
    assert cluster.problem == "Azure did not say whether it is running"


def test_a_cluster_that_is_being_created_may_keep_its_power_to_itself():
    cluster = cluster_from({**OUTER, "properties": {"provisioningState": "Creating"}})
    assert (cluster.power, cluster.problem, cluster.is_settled) == (Power.UNKNOWN, None, False)


def test_an_empty_cluster_document_is_read_without_guessing():
    cluster = cluster_from({"id": ID})
    assert (cluster.name, cluster.pools, cluster.tags, cluster.tier, cluster.location) == ("web-dev", (), {}, None, "")
    assert cluster.provisioning_state == ""
    assert not cluster.is_settled


@pytest.mark.parametrize("pools", ["none", {"batch": 1}, ["batch"]])
def test_pools_that_are_no_list_of_objects_make_the_reading_untrusted(pools):
    problem = cluster_from({**OUTER, **INNER, "agentPoolProfiles": pools}).problem
    assert problem is not None
    assert "node pools could not be read" in problem


def test_a_pool_without_a_name_makes_the_reading_untrusted():
    assert cluster_from({**ROW, "pools": [{"count": 1}]}).problem == "one of its node pools has no name"


def test_a_pool_without_numbers_has_none_not_zero():
    """Unknown is never zero: a count that is missing must not look like an empty pool."""
    pool = pool_from({"name": "x"})
    assert (pool.count, pool.min_count, pool.max_count, pool.autoscaling, pool.power) == (
        None,
        None,
        None,
        None,
        Power.UNKNOWN,
    )
    assert pool.priority == "Regular"


def test_a_pool_of_single_virtual_machines_keeps_its_numbers_in_lists():
    """Such a pool may mix sizes; then there is a count, and no one size to price it by."""
    manual = {"manual": [{"size": "Standard_D2s_v5", "count": 2}, {"size": "Standard_D4s_v5", "count": 1}]}
    pool = pool_from({"name": "vms", "type": "VirtualMachines", "virtualMachinesProfile": {"scale": manual}})
    assert (pool.count, pool.vm_size, pool.min_count, pool.autoscaling) == (3, None, None, False)
    auto = {"autoscale": [{"size": "Standard_D2s_v5", "minCount": 1, "maxCount": 5}]}
    inner = {
        "type": "VirtualMachines",
        "virtualMachinesProfile": {"scale": auto},
        "virtualMachineNodesStatus": [{"size": "Standard_D2s_v5", "count": 4}],
    }
    pool = pool_from(
        {"name": "vms", "type": "Microsoft.ContainerService/managedClusters/agentPools", "properties": inner}
    )
    assert (pool.count, pool.vm_size, pool.min_count, pool.max_count, pool.autoscaling) == (
        4,
        "Standard_D2s_v5",
        1,
        5,
        True,
    )
    pool = pool_from({"name": "vms", "type": "VirtualMachines"})
    assert (pool.count, pool.vm_size, pool.min_count, pool.max_count, pool.autoscaling) == (None,) * 5


def test_equal_pools_of_a_fleet_are_kept_once():
    reader = Reader()
    first, second = reader.row(ROW), reader.row({**ROW, "id": ID + "2"})
    assert first.pools[0] is second.pools[0]


def test_tag_values_that_are_no_text_become_text():
    assert cluster_from({**ROW, "tags": {"a": None, "b": 1, "c": "x"}}).tags == {"a": "", "b": "1", "c": "x"}


@pytest.mark.parametrize("document", [{}, {"id": None}, {"id": "/subscriptions/1/resourceGroups/g"}, [], "x"])
def test_what_is_no_cluster_is_refused_in_a_sentence(document):
    with pytest.raises(InputError, match=r"id|object"):
        cluster_from(document)


def test_a_fleet_file_may_be_a_list_or_what_az_graph_and_the_api_print():
    other = {**ROW, "id": ID + "-2"}
    bucket = {"id": "/subscriptions/1/x", "type": "Microsoft.Storage/storageAccounts"}
    for document in ([other, ROW, ROW], {"data": [other, ROW], "count": 2}, {"value": [bucket, ROW, other]}):
        assert [cluster.id for cluster in clusters_from(document, "fleet.json")] == [ID.lower(), ID.lower() + "-2"]
    assert clusters_from([], "fleet.json") == ()


@pytest.mark.parametrize("document", [{}, "x", None, {"value": 3}, {"id": ID}])
def test_a_file_that_holds_no_list_is_refused_with_its_name(document):
    with pytest.raises(InputError, match=r"fleet\.json: expected a JSON list of clusters"):
        clusters_from(document, "fleet.json")


def test_a_bad_entry_of_a_fleet_file_is_named_by_its_place():
    with pytest.raises(InputError, match=r"fleet\.json: entry 2: .* is not the id of a cluster"):
        clusters_from([ROW, {"id": "x"}], "fleet.json")


AT = datetime(2026, 11, 23, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "size"),
    [
        ({}, SavedSize(3, 1, 9, True, AT)),
        ({"enableAutoScaling": False, "minCount": None, "maxCount": None}, SavedSize(3, None, None, False, AT)),
        ({"provisioningState": "Stopping", "powerState": {"code": "Running"}}, None),
        ({"powerState": {"code": "Stopped"}}, None),
        ({"count": 0}, None),
        ({"count": None}, None),
    ],
)
def test_a_size_is_saved_only_from_a_running_settled_pool_with_nodes(change, size):
    """A pool reads count 0 the moment its stop is accepted; saving that would start it with nothing."""
    assert saved_size(pool_from({**POOL, **change}), AT) == size


@pytest.mark.reference
def test_every_official_example_is_read(reference: Path):
    """Shapes as Microsoft publishes them, not as we think they are."""
    clusters, pools = {}, {}
    for path in sorted((reference / "aks-examples").glob("*.json")):
        document = json.loads(path.read_text())
        for answer in document.get("responses", {}).values():
            body = answer.get("body") or {}
            for one in body.get("value", [body]) if isinstance(body, dict) else []:
                kind = str(one.get("type", "")).casefold()
                if kind == "microsoft.containerservice/managedclusters":
                    clusters[path.stem] = cluster_from(one)
                elif path.stem.startswith("AgentPools") and "provisioningState" in one.get("properties", {}):
                    pools[path.stem] = pool_from(one)
    assert set(clusters) == {
        "ManagedClustersGet",
        "ManagedClustersList",
        "ManagedClustersListByResourceGroup",
        "ManagedClustersCreate_Update",
    }
    # None of these says powerState: absent is a shape of its own.
    assert all(cluster.pools and cluster.power is Power.UNKNOWN for cluster in clusters.values())
    assert len(pools) == 9
    assert all(pool.name and pool.provisioning_state for pool in pools.values())
    assert pools["AgentPoolsCreate_Spot"].priority == "Spot"
    assert pools["AgentPools_Update"].autoscaling is True
    assert (pools["AgentPools_Stop"].power, pools["AgentPools_Stop"].count) == (Power.STOPPED, 0)
    virtual = pools["AgentPoolsCreate_TypeVirtualMachines_Autoscale"]
    assert (virtual.kind, virtual.autoscaling, virtual.min_count, virtual.max_count) == ("VirtualMachines", True, 1, 5)
    assert saved_size(pools["AgentPools_Stop"], AT) is None


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"tags": "x"}, "tags"),
        ({"tags": ["a"]}, "tags"),
        ({"provisioningState": 5}, "state"),
        ({"agentPoolProfiles": None}, "node pools"),
        ({"agentPoolProfiles": [{"name": "np", "provisioningState": None}]}, "np"),
        ({"agentPoolProfiles": [{"name": "np", "type": None}]}, "np"),
        ({"agentPoolProfiles": [{"name": "np", "powerState": "x"}]}, "np"),
        ({"agentPoolProfiles": [{"name": ["np"]}]}, "shape"),
        ({"nodeProvisioningProfile": "Auto"}, "shape"),
    ],
)
def test_what_cannot_be_read_of_one_cluster_is_said_and_costs_no_other(changed, word):
    """Unknown is never idle: such a cluster is left alone, and the fleet around it is read all the same."""
    group = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers"
    whole = {
        "id": f"{group}/Microsoft.ContainerService/managedClusters/web",
        "name": "web",
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
    }

    odd = cluster_from({**whole, **changed})

    assert odd.problem is not None
    assert word in odd.problem
    assert cluster_from(whole).problem is None
