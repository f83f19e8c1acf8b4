"""Fleet files and dumps -> worlds; mistakes in them in one sentence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lamplighter.simulator import VirtualClock, World
from lamplighter.simulator.fleet_file import __doc__ as grammar
from lamplighter.simulator.fleet_file import read_fleet
from lamplighter.simulator.resource_bodies import cluster_body

ID = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/RG/providers/Microsoft.ContainerService/managedClusters/Web"
POOLS = [
    {
        "name": "system",
        "mode": "System",
        "count": 3,
        "powerState": {"code": "Running"},
        "provisioningState": "Succeeded",
        "type": "VirtualMachineScaleSets",
    },
    {
        "name": "batch",
        "mode": "User",
        "count": 0,
        "powerState": {"code": "Stopped"},
        "provisioningState": "Succeeded",
        "minCount": None,
    },
]


def test_the_documented_example_is_a_fleet(tmp_path):
    """What the docstring shows must load as it stands."""
    example = "\n".join(line[4:] for line in grammar.splitlines() if line.startswith("    "))
    file = tmp_path / "fleet.yaml"
    file.write_text(example.replace("count: 1000 ", "count: 3 "))
    world = World.from_fleet(read_fleet(file))
    assert world.now() == datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert [cluster.name for cluster in world.clusters.values()] == ["web-dev-00001", "web-dev-00002", "web-dev-00003"]
    cluster = world.cluster("web-dev-00001")
    assert cluster.uses_node_provisioning
    assert cluster.error == {"code": "AllocationFailed", "message": "Provisioning failed with AllocationFailed."}
    assert {lock.level for lock in world.locks if lock.covers(cluster.key)} == {"CanNotDelete", "ReadOnly"}
    assert [member.fleet for member in world.members] == ["platform"] * 3
    pools = {pool["name"]: pool for pool in cluster_body(cluster)["properties"]["agentPoolProfiles"]}
    assert (pools["spot"]["enableAutoScaling"], pools["spot"]["minCount"], pools["spot"]["maxCount"]) == (True, 0, 10)
    assert pools["spot"]["nodeTaints"] == ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"]
    assert (pools["batch"]["count"], pools["batch"]["powerState"]["code"]) == (0, "Stopped")


@pytest.mark.parametrize("form", ["az aks list", "az graph query", "arm"])
def test_what_azure_prints_is_a_fleet(form):
    properties = {
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
        "agentPoolProfiles": POOLS,
        "kubernetesVersion": "1.33",
        "nodeResourceGroup": "custom-nodes",
        "disableLocalAccounts": True,
    }
    row = {
        "id": ID,
        "name": "Web",
        "location": "francecentral",
        "tags": {"environment": "dev"},
        "sku": {"name": "Base", "tier": "Standard"},
    }
    flat = [{**row, **properties, "resourceGroup": "RG", "type": "Microsoft.ContainerService/ManagedClusters"}]
    nested = [
        {**row, "properties": properties, "type": "microsoft.containerservice/managedclusters", "subscriptionId": "4"}
    ]
    document = {"az aks list": flat, "az graph query": {"data": nested}, "arm": {"value": nested}}[form]
    cluster = World.from_fleet(json.loads(json.dumps(document))).cluster("web")
    body = cluster_body(cluster)
    assert body["id"].lower() == ID.lower()
    assert (body["tags"], body["sku"]["tier"]) == ({"environment": "dev"}, "Standard")
    assert body["properties"]["nodeResourceGroup"] == "custom-nodes"
    assert body["properties"]["disableLocalAccounts"] is True
    assert [
        (pool["name"], pool["count"], pool["powerState"]["code"]) for pool in body["properties"]["agentPoolProfiles"]
    ] == [
        ("system", 3, "Running"),
        ("batch", 0, "Stopped"),
    ]


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"clusters": [{"nmae": "web"}]}, "clusters: unknown key 'nmae'; known are name, "),
        ({"clusters": [{"tags": {}}]}, "clusters: an entry has no name"),
        ({"clusters": ["web"]}, "clusters: expected a mapping with keys such as name"),
        (
            {"clusters": [{"name": "web", "subscription": "prod"}]},
            "subscription 'prod' is not listed under subscriptions; known are dev",
        ),
        ({"clusters": [{"name": "web"}, {"name": "WEB", "resource_group": "rg-web"}]}, "is described twice"),
        ({"clusters": [{"name": "web", "pools": [{"count": 1}]}]}, "an entry has no 'name'"),
        ({"clusters": [{"name": "web", "tags": ["a"]}]}, "a value has the wrong shape"),
        ({"fleet": []}, "fleet file: unknown key 'fleet'"),
        ("web", "fleet file: expected a mapping"),
        ([{"name": "web"}], "an entry has no id"),
        ({"data": "x"}, "expected a list of clusters"),
        ([{"id": "/subscriptions/x/managedClusters/web"}], "is not the id of a cluster"),
    ],
)
def test_mistakes_are_told_in_one_sentence(document, sentence):
    with pytest.raises(ValueError, match=sentence.replace("[", r"\[")) as caught:
        World.from_fleet(document)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_neither_json_nor_yaml_says_so(tmp_path):
    file = tmp_path / "fleet.yaml"
    file.write_text("clusters: [\n  - {")
    with pytest.raises(ValueError, match="neither JSON nor YAML"):
        read_fleet(file)
    file.write_text('[{"id": 1}]')
    assert read_fleet(file) == [{"id": 1}]


def test_the_same_seed_gives_the_same_world():
    def ends(seed: int) -> list[datetime | None]:
        world = World.from_fleet({"seed": seed, "clusters": [{"name": "a"}, {"name": "b"}]})
        return [world.person_stops(name).ends_at for name in ("a", "b")]

    assert ends(1) == ends(1)
    assert ends(1) != ends(2)


def test_the_clock_only_moves_forward():
    clock = VirtualClock(datetime(2026, 11, 23, tzinfo=UTC))
    clock.set(datetime(2026, 11, 24, tzinfo=UTC))
    with pytest.raises(ValueError, match="only moves forward"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="with an offset"):
        VirtualClock(datetime(2026, 11, 23))  # noqa: DTZ001 - the mistake itself


@pytest.mark.reference
def test_the_official_examples_are_fleets(reference: Path):
    for name in ("ManagedClustersList", "ManagedClustersListByResourceGroup"):
        example = json.loads((reference / "data" / "aks-examples" / f"{name}.json").read_text())
        world = World.from_fleet(example["responses"]["200"]["body"])
        assert [cluster.name for cluster in world.clusters.values()] == ["clustername1"]
