"""Versions, upgrades, repair, tier and maintenance through the real SDK: what is read, what is sent, what is refused."""

from __future__ import annotations

import json

import pytest

from shared.clients import upgrading
from shared.clients.clusters import Accepted
from shared.errors import Refused, Unsent
from shared.model.actions import PutMaintenance, Reconcile, SetTier, UpgradeControlPlane, UpgradeNodeImage, UpgradePool
from shared.model.fleet import Cluster, NodePool
from shared.model.versions import Line, Offer, Version
from tests.clients.arm.test_clusters import SIGNED, pool_document


def cluster_document(cluster_id: str, **more):
    properties = {
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
        "kubernetesVersion": "1.34.2",
        "currentKubernetesVersion": "1.34.2",
        "agentPoolProfiles": [
            {"name": "system", "mode": "System", "provisioningState": "Succeeded", "orchestratorVersion": "1.34.2", "nodeImageVersion": "AKSUbuntu-202610.20.0"}
        ],
        "aPropertyOfTheFuture": {"deep": [1, 2]},
    }  # fmt: skip
    body = {
        "id": cluster_id,
        "name": "web-dev",
        "location": "westeurope",
        "sku": {"name": "Base", "tier": "Standard"},
        "identity": {"type": "SystemAssigned"},
        "eTag": "abc",
        "properties": {**properties, **more.pop("properties", {})},
    }
    return {**body, **more}


def seen(cluster_id: str, *pools: str) -> Cluster:
    return Cluster(cluster_id, "web-dev", "web-rg", cluster_id.split("/")[2], pools=tuple(map(NodePool, pools)))


def test_offers_are_numbers_previews_are_told_apart_and_absence_is_an_empty_offer(cloud, wire, cluster_id):
    offered = [
        {"kubernetesVersion": "1.35.10"},
        {"kubernetesVersion": "1.35.9"},
        {"kubernetesVersion": "1.36.0", "isPreview": True},
    ]
    body = {"controlPlaneProfile": {"kubernetesVersion": "1.34.2", "upgrades": offered},
            "agentPoolProfiles": [{"name": "System", "upgrades": None}, {"name": "apps"}]}  # fmt: skip
    wire.say((200, {"properties": body}), (200, {"properties": {"latestNodeImageVersion": "AKSUbuntu-202611.3.0"}}))
    found = upgrading.offers(cloud, seen(cluster_id, "System"), images=True)

    assert found.control_plane == (
        Offer(Version(1, 35, 9)), Offer(Version(1, 35, 10)), Offer(Version(1, 36, 0), preview=True),
    )  # fmt: skip
    assert found.pools == {"system": (), "apps": ()}
    assert found.images == {"system": "AKSUbuntu-202611.3.0"}
    assert wire.sent[1].path.endswith("/agentPools/System/upgradeProfiles/default")


def test_releases_of_a_region_tell_previews_and_long_term_support_apart(cloud, wire, cluster_id):
    values = [
        {"version": "1.36", "isPreview": True, "patchVersions": {"1.36.0": {"upgrades": []}}},
        {"version": "1.33", "capabilities": {"supportPlan": ["AKSLongTermSupport"]}, "patchVersions": {"1.33.8": {}}},
        {"version": "1.34", "capabilities": {"supportPlan": ["KubernetesOfficial", "AKSLongTermSupport"]},
         "patchVersions": {"1.34.10": {}, "1.34.9": {}}},
        {"version": "newest"}, "?",
    ]  # fmt: skip
    wire.say((200, {"values": values}))
    found = upgrading.releases_from(upgrading.releases_document(cloud, cluster_id.split("/")[2], "westeurope"))

    assert [(str(one.line), one.preview, one.official, one.lts) for one in found.lines] == [
        ("1.33", False, False, True), ("1.34", False, True, True), ("1.36", True, True, False),
    ]  # fmt: skip
    assert found.of(Line(1, 34)).patches == (Version(1, 34, 9), Version(1, 34, 10))


def test_a_control_plane_is_upgraded_alone_and_the_rest_goes_back_as_it_came(cloud, wire, cluster_id):
    wire.say((200, cluster_document(cluster_id)), (200, cluster_document(cluster_id), {"azure-asyncoperation": SIGNED}))
    assert upgrading.upgrade_control_plane(cloud, UpgradeControlPlane(cluster_id, to="1.35.1")) == Accepted(SIGNED)
    sent = wire.sent[1]

    assert (sent.method, sent.headers["if-match"]) == ("PUT", '"abc"')
    properties = sent.body["properties"]
    assert properties["kubernetesVersion"] == "1.35.1"
    assert properties["aPropertyOfTheFuture"] == {"deep": [1, 2]}
    (profile,) = properties["agentPoolProfiles"]
    assert (profile["orchestratorVersion"], "nodeImageVersion" in profile) == ("1.34.2", False)


def test_what_is_there_already_is_not_sent(cloud, wire, cluster_id):
    there = cluster_document(cluster_id, properties={"currentKubernetesVersion": "1.35.1"})
    wire.say((200, there))
    action = UpgradeControlPlane(cluster_id, to="1.35.1")
    assert upgrading.upgrade_control_plane(cloud, action) == Accepted(None, already=True)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"identity": None, "properties": {"servicePrincipalProfile": {"clientId": "7c9e"}}}, "service principal"),
        ({"properties": {"windowsProfile": {"adminUsername": "azureuser"},
                         "agentPoolProfiles": [{"name": "win", "osType": "Windows"}]}}, "password"),
        ({"properties": {"aadProfile": {"serverAppID": "7c9e"}}}, "directory"),
    ],
)  # fmt: skip
def test_a_body_whose_secrets_azure_does_not_show_is_never_written_back(cloud, wire, cluster_id, more, what):
    document = cluster_document(cluster_id, **json.loads(json.dumps(more)))
    document["properties"]["provisioningState"] = "Failed"
    for write, action in (
        (upgrading.reconcile, Reconcile(cluster_id)),
        (upgrading.set_tier, SetTier(cluster_id, to="Free")),
        (upgrading.upgrade_control_plane, UpgradeControlPlane(cluster_id, to="1.35.1")),
    ):
        wire.say((200, document))
        with pytest.raises(Refused, match=what) as refused:
            write(cloud, action)
        assert refused.value.code == "WriteOnlySecrets"
    assert {one.method for one in wire.sent} == {"GET"}


@pytest.mark.parametrize(
    "more",
    [{"properties": {"servicePrincipalProfile": {"clientId": "msi"}}},
     {"properties": {"servicePrincipalProfile": {"clientId": "7c9e"}}},
     {"properties": {"windowsProfile": {"adminUsername": "azureuser"}}}],
)  # fmt: skip
def test_managed_identities_and_unused_profiles_hold_no_secret(cluster_id, more):
    assert upgrading.hidden_secret(cluster_document(cluster_id, **more)) == ""


def test_a_tier_changes_and_nothing_else(cloud, wire, cluster_id):
    wire.say((200, cluster_document(cluster_id)), (200, cluster_document(cluster_id)))
    upgrading.set_tier(cloud, SetTier(cluster_id, to="Free"))
    assert wire.sent[1].body["sku"] == {"name": "Base", "tier": "Free"}
    assert wire.sent[1].body["properties"]["kubernetesVersion"] == "1.34.2"


def test_a_failed_cluster_is_written_back_as_it_was_read(cloud, wire, cluster_id):
    failed = cluster_document(cluster_id, properties={"provisioningState": "Failed"})
    wire.say((200, failed), (200, failed, {"azure-asyncoperation": SIGNED}))
    assert upgrading.reconcile(cloud, Reconcile(cluster_id)) == Accepted(SIGNED)
    assert wire.sent[1].body["properties"]["kubernetesVersion"] == "1.34.2"


def test_what_is_well_is_not_reconciled(cloud, wire, cluster_id):
    wire.say((200, cluster_document(cluster_id)), (200, pool_document()))
    assert upgrading.reconcile(cloud, Reconcile(cluster_id)).already
    assert upgrading.reconcile(cloud, Reconcile(cluster_id, "batch")).already


def test_a_pool_gets_its_version_and_the_policys_surge(cloud, wire, cluster_id):
    fixed = pool_document(scaleSetPriority="Regular", upgradeSettings={"maxSurge": "10%", "drainTimeoutInMinutes": 45})
    wire.say((200, fixed), (200, fixed))
    upgrading.upgrade_pool(cloud, UpgradePool(cluster_id, "batch", "1.35.1", "33%"))
    properties = wire.sent[1].body["properties"]
    assert properties["orchestratorVersion"] == "1.35.1"
    assert properties["upgradeSettings"] == {"maxSurge": "33%", "drainTimeoutInMinutes": 45}


def test_a_spot_pool_is_rolled_without_surge(cloud, wire, cluster_id):
    wire.say((200, pool_document()), (200, pool_document()))
    upgrading.upgrade_pool(cloud, UpgradePool(cluster_id, "batch", "1.35.1", "33%"))
    assert "33%" not in wire.sent[1].text


def test_a_node_image_is_renewed_by_a_post(cloud, wire, cluster_id):
    wire.say((202, b"", {"azure-asyncoperation": SIGNED}))
    assert upgrading.upgrade_node_image(cloud, UpgradeNodeImage(cluster_id, "batch", "x")) == Accepted(SIGNED)
    assert (wire.sent[0].method, wire.sent[0].path.rpartition("/")[2]) == ("POST", "upgradeNodeImageVersion")


WINDOW = {
    "durationHours": 4,
    "schedule": {"weekly": {"dayOfWeek": "Tuesday", "intervalWeeks": 1}},
    "startTime": "20:00",
}
TEXT = json.dumps(WINDOW, sort_keys=True, separators=(",", ":"))
NAME = "aksManagedAutoUpgradeSchedule"


def of_azure(**window):
    return {"properties": {"maintenanceWindow": {**window, "whatAzureAdds": 1, "utcOffset": None}}}


@pytest.mark.parametrize(
    "there",
    [(404, {"error": {"code": "ResourceNotFound"}}), (200, of_azure(**{**WINDOW, "startTime": "19:00"}))],
)
def test_a_maintenance_configuration_that_is_ours_or_not_there_is_written_whole(cloud, wire, cluster_id, there):
    wire.say(there, (200, of_azure(**WINDOW)))
    asked = []
    action = PutMaintenance(cluster_id, name=NAME, window=TEXT)
    assert upgrading.put_maintenance(cloud, action, lambda text: not asked.append(text)) == Accepted(None)
    assert [one.method for one in wire.sent] == ["GET", "PUT"]
    assert wire.sent[1].body == {"properties": {"maintenanceWindow": WINDOW}}
    assert [json.loads(text)["startTime"] for text in asked] == ["19:00"] * (there[0] == 200)


def test_a_maintenance_configuration_of_somebody_else_is_left(cloud, wire, cluster_id):
    wire.say((200, of_azure(**{**WINDOW, "durationHours": 8})))
    with pytest.raises(Unsent, match="made or changed by somebody else, so it is left as it is"):
        upgrading.put_maintenance(cloud, PutMaintenance(cluster_id, name=NAME, window=TEXT), lambda _: False)
    assert [one.method for one in wire.sent] == ["GET"]


def test_a_maintenance_configuration_that_is_as_it_should_be_is_not_written(cloud, wire, cluster_id):
    wire.say((200, of_azure(**WINDOW)))
    action = PutMaintenance(cluster_id, name=NAME, window=TEXT)
    assert upgrading.put_maintenance(cloud, action, lambda _: False).already
    assert [one.method for one in wire.sent] == ["GET"]


def test_a_cluster_without_an_etag_is_not_written(cloud, wire, cluster_id):
    """Whatever somebody changed between our reading and our writing would be lost."""
    bare = cluster_document(cluster_id)
    bare = {name: value for name, value in bare.items() if name != "eTag"}
    wire.say((200, bare))
    with pytest.raises(Unsent, match="Azure gave no etag"):
        upgrading.upgrade_control_plane(cloud, UpgradeControlPlane(cluster_id, to="1.35.1"))
    assert [one.method for one in wire.sent] == ["GET"]
