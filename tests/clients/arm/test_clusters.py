"""One cluster through the real SDK: what leaves us, and what we conclude from what comes back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.clients import clusters
from shared.clients.clusters import Accepted, Lock, OperationState
from shared.errors import Busy, CloudError, Forbidden, InputError, NoReply, NotFound, Refused
from shared.model.fleet import Power
from shared.model.memory import SavedSize

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
SIGNED = (
    "https://management.azure.com/subscriptions/00000000-0000-0000-0000-000000000001/providers"
    "/Microsoft.ContainerService/locations/westeurope/operations/7e61138b?api-version=2025-03-01&t=638&c=MII%2BAb&s=x%3D&h=y"
)
BASE = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/web-rg/providers/Microsoft.ContainerService"


def pool_document(**change: object) -> dict[str, object]:
    properties: dict[str, object] = {
        "eTag": "abc",
        "count": 3,
        "vmSize": "Standard_D4s_v5",
        "type": "VirtualMachineScaleSets",
        "mode": "User",
        "enableAutoScaling": True,
        "minCount": 2,
        "maxCount": 9,
        "powerState": {"code": "Running"},
        "provisioningState": "Succeeded",
        "currentOrchestratorVersion": "1.34.2",
        "orchestratorVersion": "1.34",
        "nodeImageVersion": "AKSUbuntu-2204gen2containerd-202506.16.0",
        "nodeLabels": {"team": "web"},
        "nodeTaints": ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"],
        "scaleSetPriority": "Spot",
        "aPropertyOfTheFuture": {"deep": [1, 2]},
        **change,
    }
    return {
        "id": "/x",
        "name": "batch",
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "properties": properties,
    }


def test_a_cluster_is_read_fresh_with_its_pools(cloud, wire, cluster_id):
    pool = {"name": "system", "mode": "System", **pool_document()["properties"]}
    wire.say((200, {"id": cluster_id, "name": "Web-Dev", "location": "westeurope", "sku": {"tier": "Free"}, "properties": {
        "powerState": {"code": "Running"}, "provisioningState": "Succeeded", "agentPoolProfiles": [pool]}}))  # fmt: skip
    cluster = clusters.get(cloud, cluster_id)
    assert (cluster.id, cluster.name, cluster.power, cluster.fleet) == (cluster_id, "Web-Dev", Power.RUNNING, None)
    assert [(one.name, one.count) for one in cluster.pools] == [("system", 3)]
    assert wire.sent[0].path == f"{BASE}/managedClusters/web-dev"
    assert wire.sent[0].headers["Authorization"] == "Bearer the-token"


def test_an_answer_without_an_id_is_no_reading(cloud, wire, cluster_id):
    wire.say((200, {}))
    with pytest.raises(NoReply, match="reading web-dev: "):
        clusters.get(cloud, cluster_id)


def test_a_read_waits_as_long_as_azure_asks_and_then_succeeds(cloud, wire, transport, cluster_id):
    wire.say((429, {"error": {"code": "Throttled"}}, {"Retry-After": "7"}), (200, {"id": cluster_id}))
    assert clusters.get(cloud, cluster_id).id == cluster_id
    assert transport.slept == [7]


def test_a_read_does_not_sleep_longer_than_a_function_may_live(cloud, wire, transport, cluster_id):
    """azure-core would sleep a Retry-After of ten minutes whole; the host ends a function after four."""
    wire.say((429, {"error": {"code": "Throttled"}}, {"Retry-After": "600"}))
    with pytest.raises(CloudError):
        clusters.get(cloud, cluster_id)
    assert transport.slept == []


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_an_accepted_write_hands_back_its_operation_whole(cloud, wire, cluster_id, verb):
    """Operation URLs are signed: a client that rebuilds them without their query can't ask."""
    wire.say((202, None, {"azure-asyncoperation": SIGNED, "location": "https://management.azure.com/other"}))
    assert getattr(clusters, verb)(cloud, cluster_id) == Accepted(SIGNED)
    [sent] = wire.sent
    assert (sent.method, sent.path, sent.body) == ("POST", f"{BASE}/managedClusters/web-dev/{verb}", None)
    assert sent.query == {"api-version": "2026-08-01"}


def test_no_content_means_that_the_goal_was_there(cloud, wire, cluster_id):
    """202 and 204 are both legal answers to a start."""
    wire.say((204, None))
    assert clusters.start(cloud, cluster_id) == Accepted(None, already=True)


def test_an_accepted_write_without_an_operation_is_still_accepted(cloud, wire, cluster_id):
    wire.say((202, None))
    assert clusters.stop(cloud, cluster_id) == Accepted(None, already=False)


@pytest.mark.parametrize("bad", ["", "web-dev", "/subscriptions/1/resourceGroups/g", "/a/b/c/d/e/f/storage/h"])
def test_an_id_that_is_no_cluster_is_refused_before_any_call(cloud, wire, bad):
    with pytest.raises(InputError, match="is not the id of a cluster"):
        clusters.stop(cloud, bad)
    assert wire.sent == []


# --- pools


def test_stopping_a_pool_drops_nothing_and_pins_no_image(cloud, wire, cluster_id):
    """Peers sent partial bodies (labels lost) or the whole image version (nodes pinned to it)."""
    read = pool_document()
    wire.say(
        (200, read), (200, pool_document(powerState={"code": "Stopped"}, count=0), {"azure-asyncoperation": SIGNED})
    )
    assert clusters.stop_pool(cloud, cluster_id, "batch") == Accepted(SIGNED)
    get, put = wire.sent
    assert (get.method, put.method) == ("GET", "PUT")
    assert put.path == get.path == f"{BASE}/managedClusters/web-dev/agentPools/batch"
    assert put.headers["if-match"] == '"abc"'
    expected = dict(read["properties"])
    for ours in ("eTag", "provisioningState", "currentOrchestratorVersion", "nodeImageVersion"):
        del expected[ours]
    assert put.body["properties"] == {**expected, "powerState": {"code": "Stopped"}}


def test_a_pool_that_was_changed_in_between_is_left_alone(cloud, wire, cluster_id):
    wire.say((200, pool_document()), (412, {"error": {"code": "PreconditionFailed", "message": "etag"}}))
    with pytest.raises(Busy, match="stopping pool batch of web-dev"):
        clusters.stop_pool(cloud, cluster_id, "batch")
    assert len(wire.sent) == 2


STOPPED = {"powerState": {"code": "Stopped"}, "count": 0}


@pytest.mark.parametrize(
    ("size", "sent"),
    [
        (SavedSize(4, 2, 9, True, NOW), {"count": 4, "minCount": 2, "maxCount": 9, "enableAutoScaling": True}),
        (SavedSize(12, 2, 9, True, NOW), {"count": 9, "minCount": 2, "maxCount": 9, "enableAutoScaling": True}),
        (SavedSize(1, 2, 9, True, NOW), {"count": 2, "minCount": 2, "maxCount": 9, "enableAutoScaling": True}),
        (SavedSize(4, None, None, False, NOW), {"count": 4, "enableAutoScaling": False}),
    ],
)
def test_a_pool_starts_at_its_saved_size(cloud, wire, cluster_id, size, sent):
    """A count outside min and max leaves the cluster Failed (AKS#2120); min and max without autoscaler are refused."""
    wire.say((200, pool_document(**STOPPED)), (200, pool_document(), {"azure-asyncoperation": SIGNED}))
    assert clusters.start_pool(cloud, cluster_id, "batch", size) == Accepted(SIGNED)
    properties = wire.sent[1].body["properties"]
    sizes = {
        name: properties[name] for name in ("count", "minCount", "maxCount", "enableAutoScaling") if name in properties
    }
    assert sizes == sent
    assert properties["powerState"] == {"code": "Running"}


def test_without_a_saved_size_a_pool_starts_as_azure_remembers_it(cloud, wire, cluster_id):
    wire.say((200, pool_document(**STOPPED)), (200, pool_document()))
    assert clusters.start_pool(cloud, cluster_id, "batch", None) == Accepted(None)
    assert wire.sent[1].body["properties"]["count"] == 0


def test_a_pool_of_single_machines_keeps_its_profile(cloud, wire, cluster_id):
    profile = {"scale": {"manual": [{"size": "Standard_D2s_v5", "count": 2}]}}
    read = pool_document(**STOPPED, type="VirtualMachines", virtualMachinesProfile=profile)
    wire.say((200, read), (200, pool_document()))
    clusters.start_pool(cloud, cluster_id, "batch", SavedSize(7, None, None, False, NOW))
    properties = wire.sent[1].body["properties"]
    assert (properties["count"], properties["virtualMachinesProfile"]) == (0, profile)


@pytest.mark.parametrize(("verb", "power"), [("start", "Running"), ("stop", "Stopped")])
def test_a_pool_that_is_there_already_is_not_written(cloud, wire, cluster_id, verb, power):
    wire.say((200, pool_document(powerState={"code": power})))
    act = {"start": lambda: clusters.start_pool(cloud, cluster_id, "batch", None), "stop": lambda: clusters.stop_pool(cloud, cluster_id, "batch")}[verb]  # fmt: skip
    assert act() == Accepted(None, already=True)
    assert [one.method for one in wire.sent] == ["GET"]


def test_a_pool_that_is_gone_is_not_found(cloud, wire, cluster_id):
    wire.say((404, {"error": {"code": "NotFound", "message": "Could not find the agent pool"}}))
    with pytest.raises(NotFound, match="reading pool batch of web-dev"):
        clusters.stop_pool(cloud, cluster_id, "batch")


@pytest.mark.parametrize(
    ("change", "size"),
    [
        ({}, SavedSize(3, 2, 9, True, NOW)),
        ({"enableAutoScaling": False, "minCount": None, "maxCount": None}, SavedSize(3, None, None, False, NOW)),
        ({"provisioningState": "Stopping", "count": 0}, None),
        (STOPPED, None),
    ],
)
def test_the_size_to_save_is_read_fresh_and_never_during_a_stop(cloud, wire, cluster_id, change, size):
    wire.say((200, pool_document(**change)))
    assert clusters.pool_size(cloud, cluster_id, "batch", NOW) == size


# --- operations


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, {"status": "InProgress"}, OperationState("running")),
        (200, {"status": "InProgress", "error": {"code": "NotLatestOperation"}}, OperationState("running")),
        (200, {"status": "Succeeded", "error": {"code": "NotLatestOperation"}}, OperationState("succeeded")),
        (200, {"status": "Failed", "error": {"code": "ZonalAllocationFailed", "message": "no room"}}, OperationState("failed", "ZonalAllocationFailed", "no room")),
        (200, {"status": "Canceled"}, OperationState("failed", "Canceled")),
        (202, {"status": "Accepted"}, OperationState("running")),
        (204, None, OperationState("gone")),
    ],
)  # fmt: skip
def test_an_operation_is_judged_by_its_status(cloud, wire, cluster_id, *, status, body, state):
    """A cluster start that succeeded carries the error NotLatestOperation to the end (recorded traffic)."""
    wire.say((status, body))
    assert clusters.operation(cloud, cluster_id, SIGNED) == state
    assert wire.sent[0].url == SIGNED


def test_an_operation_that_azure_forgot_is_gone(cloud, wire, cluster_id):
    wire.say((404, {"error": {"code": "NotFound", "message": "no such operation"}}))
    assert clusters.operation(cloud, cluster_id, SIGNED).status == "gone"


def test_an_operation_that_failed_for_want_of_room_says_so():
    assert OperationState("failed", "AksCapacityHeavyUsage").no_capacity
    assert not OperationState("failed", "PodDrainFailure").no_capacity
    assert not OperationState("succeeded", "AksCapacityHeavyUsage").no_capacity


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/subscriptions/x",
        "https://management.azure.com.evil.example/x",
        "https://management.azure.com@evil.example/x",
        "http://management.azure.com/x",
        "//evil.example/x",
    ],
)
def test_a_token_never_travels_to_another_host(cloud, wire, credential, cluster_id, url):
    """The URL comes from a header and lay in the journal: whoever writes there must not be handed our token."""
    with pytest.raises(Refused, match="no token is sent there"):
        clusters.operation(cloud, cluster_id, url)
    assert wire.sent == []


# --- locks


def test_locks_are_asked_for_at_and_above_the_cluster(cloud, wire, cluster_id):
    def lock(name: str, level: str) -> dict[str, object]:
        return {"name": name, "properties": {"level": level}}

    following = "https://management.azure.com/next?token=2"
    wire.say(
        (200, {"value": [lock("no-touch", "ReadOnly")], "nextLink": following}),
        (200, {"value": [lock("keep", "CanNotDelete")]}),
    )
    assert clusters.locks(cloud, cluster_id) == (Lock("keep", "CanNotDelete"), Lock("no-touch", "ReadOnly"))
    assert wire.sent[0].path == f"{cluster_id}/providers/Microsoft.Authorization/locks"
    assert wire.sent[0].query == {"api-version": "2016-09-01", "$filter": "atScope()"}
    assert wire.sent[1].url == following


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((403, {"error": {"code": "AuthorizationFailed", "message": "no"}}), Forbidden),
        ((200, {}), NoReply),
        ((200, None), NoReply),
    ],
)
def test_unreadable_locks_are_never_no_locks(cloud, wire, cluster_id, reply, kind):
    wire.say(reply)
    with pytest.raises(kind, match="reading the locks of web-dev"):
        clusters.locks(cloud, cluster_id)
