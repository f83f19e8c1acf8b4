"""The fleet as Resource Graph tells it: whole and in order, or with a sentence about what is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from lamplighter.simulator import Fault, SimulatorCredential, SimulatorTransport, World
from shared.clients import clusters, fleet
from shared.clients.azure import Cloud, endpoint_of
from shared.model.fleet import Power, Scope

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
SUB = "00000000-0000-0000-0000-00000000000{}"


EVERYTHING = Scope()


def row(name: str, sub: int = 1, **more: object) -> dict[str, object]:
    id_ = f"/subscriptions/{SUB.format(sub)}/resourceGroups/RG/providers/Microsoft.ContainerService/managedClusters/{name}"
    return {
        "id": id_,
        "name": name,
        "location": "westeurope",
        "tags": None,
        "power": "Running",
        "state": "Succeeded",
        "pools": [],
        **more,
    }


def page(*rows: dict[str, object], token: str | None = None, truncated: str = "false") -> dict[str, object]:
    body: dict[str, object] = {
        "totalRecords": len(rows),
        "count": len(rows),
        "data": list(rows),
        "resultTruncated": truncated,
    }
    return body | ({"$skipToken": token} if token else {})


NO_MEMBERS = (200, page())


def names(found) -> list[str]:
    return [cluster.name for cluster in found.clusters]


# --- the requests


def test_one_query_a_page_with_only_the_columns_in_use(cloud, wire):
    wire.say(NO_MEMBERS, (200, page(row("b"), token="next")), (200, page(row("a"))))
    found = fleet.inventory(cloud, EVERYTHING, NOW)
    assert (names(found), found.problems, found.at) == (["a", "b"], (), NOW)
    members, first, second = wire.sent
    for sent in (members, first, second):
        assert (sent.method, sent.path) == ("POST", "/providers/Microsoft.ResourceGraph/resources")
        assert sent.query == {"api-version": "2024-04-01"}
    assert first.body == {"query": fleet.CLUSTERS, "options": {"resultFormat": "objectArray", "$top": 1000}}
    assert second.body["options"] == {"resultFormat": "objectArray", "$top": 1000, "$skipToken": "next"}
    assert second.body["query"] == fleet.CLUSTERS
    assert "aksresources" in members.body["query"]
    assert fleet.CLUSTERS.splitlines()[-1] == "| order by id asc"


def test_an_empty_page_in_the_middle_ends_nothing(cloud, wire):
    """Real lists have empty pages that carry a next link."""
    wire.say(NO_MEMBERS, (200, page(row("a"), token="1")), (200, page(token="2")), (200, page(row("c"))))
    assert names(fleet.inventory(cloud, EVERYTHING, NOW)) == ["a", "c"]


def test_subscriptions_are_asked_for_three_hundred_at_a_time_and_groups_one_by_one(cloud, wire):
    many = tuple(f"sub-{number:03}" for number in range(301))
    listed = {"value": [{"subscriptionId": one} for one in many]}

    def answer(sent):
        if sent.path == "/subscriptions":
            return 200, listed
        return (200, page(row("a"))) if "managementGroups" in (sent.body or {}) else NO_MEMBERS

    wire.script = answer
    found = fleet.inventory(cloud, Scope(many, ("nonprod", "dev")), NOW)
    assert (names(found), found.problems) == (["a"], ())
    queries = [sent.body for sent in wire.sent if sent.body and sent.body["query"] == fleet.CLUSTERS]
    assert [len(query.get("subscriptions", ())) for query in queries] == [300, 1, 0, 0]
    assert [query.get("managementGroups") for query in queries] == [None, None, ["dev"], ["nonprod"]]


def test_a_cluster_in_two_scopes_is_one_cluster(cloud, wire):
    wire.say(NO_MEMBERS, (200, page(row("a"))), (200, page(row("a"))))
    assert names(fleet.inventory(cloud, Scope((SUB.format(1),), ("dev",)), NOW)) == ["a"]


# --- what is missing is said


def test_an_answer_that_was_cut_short_is_a_problem(cloud, wire):
    wire.say(NO_MEMBERS, (200, page(row("a"), truncated="true")))
    found = fleet.inventory(cloud, EVERYTHING, NOW)
    assert names(found) == ["a"]
    [problem] = found.problems
    assert problem == (
        "reading the clusters of everything the identity can read: Resource Graph cut its answer short, "
        "so rows may be missing"
    )


def test_the_same_page_again_and_again_ends(cloud, wire):
    wire.say(NO_MEMBERS, (200, page(row("a"), token="1")), (200, page(row("a"), token="1")))
    [problem] = fleet.inventory(cloud, EVERYTHING, NOW).problems
    assert "the same page twice" in problem


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((403, {"error": {"code": "AuthorizationFailed", "message": "no access"}}), "403 AuthorizationFailed: no access; give"),
        ((400, {"error": {"code": "BadRequest", "message": "bad"}}), "400 BadRequest: bad; give the app's identity the role Reader"),
        ((200, {"data": None}), "no list of rows"),
        ((200, b"oops"), "not JSON"),
        ((200, None), "no list of rows"),
        (requests.ReadTimeout("60 s"), "the connection broke"),
    ],
)  # fmt: skip
def test_an_unreadable_scope_is_a_sentence_never_an_empty_fleet(cloud, wire, reply, said):
    """A throttled or failed read that looks like "no clusters" has emptied fleets elsewhere."""
    wire.script = lambda sent: NO_MEMBERS if sent.body["query"] == fleet.MEMBERS else reply
    found = fleet.inventory(cloud, Scope((SUB.format(1),)), NOW)
    assert found.clusters == ()
    [problem] = found.problems
    assert problem.startswith(f"reading the clusters of subscription {SUB.format(1)}: ")
    assert said in problem


def test_what_was_read_before_a_failure_is_kept_and_the_rest_is_named(cloud, wire):
    wire.script = lambda sent: (
        NO_MEMBERS
        if sent.body["query"] == fleet.MEMBERS
        else (403, None)
        if "$skipToken" in sent.body["options"]
        else (200, page(row("a"), token="1"))
    )
    found = fleet.inventory(cloud, EVERYTHING, NOW)
    assert names(found) == ["a"]
    assert len(found.problems) == 1


def test_a_subscription_that_shows_nothing_is_asked_about(cloud, wire):
    """Resource Graph leaves out a subscription one may not read, without a word."""
    wire.say(
        NO_MEMBERS,
        (200, page(row("a", 1))),
        (
            200,
            {
                "value": [{"subscriptionId": SUB.format(1)}],
                "nextLink": "https://management.azure.com/subscriptions?t=2",
            },
        ),
        (200, {"value": [{"subscriptionId": SUB.format(3)}]}),
    )
    found = fleet.inventory(cloud, Scope((SUB.format(1), SUB.format(2), SUB.format(3))), NOW)
    assert names(found) == ["a"]
    assert found.problems == (
        f"subscription {SUB.format(2)} can't be read: give the app's identity the role Reader there",
    )


def test_a_tenant_without_clusters_is_only_empty_when_something_can_be_read(cloud, wire):
    wire.say(NO_MEMBERS, (200, page()), (200, {"value": []}))
    assert fleet.inventory(cloud, EVERYTHING, NOW).problems == (
        "no subscription can be read: give the app's identity the role Reader on one",
    )
    wire.say(NO_MEMBERS, (200, page()), (200, {"value": [{"subscriptionId": SUB.format(1)}]}))
    assert fleet.inventory(cloud, EVERYTHING, NOW).problems == ()


def test_a_row_that_is_no_cluster_is_a_sentence_and_the_others_are_read(cloud, wire):
    wire.say(NO_MEMBERS, (200, page({"id": "/x"}, row("a"))))
    found = fleet.inventory(cloud, EVERYTHING, NOW)
    assert names(found) == ["a"]
    assert "'/x' is not the id of a cluster" in found.problems[0]


# --- throttling


def test_the_quota_is_waited_for_instead_of_overrun(cloud, wire, transport):
    empty = {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:05"}
    wire.say(NO_MEMBERS, (200, page(row("a"), token="1"), empty), (200, page(row("b"))))
    assert names(fleet.inventory(cloud, EVERYTHING, NOW)) == ["a", "b"]
    assert transport.slept == [5]


@pytest.mark.parametrize("headers", [{"Retry-After": "4"}, {"x-ms-user-quota-resets-after": "00:00:04"}])
def test_a_throttled_query_is_repeated_after_the_wait_that_azure_asks_for(cloud, wire, transport, headers):
    """It is a POST, which azure-core would not repeat on a 429 without Retry-After; this one only reads."""
    throttled = (429, {"error": {"code": "RateLimiting", "message": "slow down"}}, headers)
    wire.say(NO_MEMBERS, throttled, (200, page(row("a"))))
    assert names(fleet.inventory(cloud, EVERYTHING, NOW)) == ["a"]
    assert transport.slept == [4]


def test_all_waiting_of_one_inventory_together_is_limited(cloud, wire, transport):
    """A function lives four minutes: patience is shared by the pages, and what was not read is said."""
    throttled = (429, {"error": {"code": "RateLimiting", "message": "slow down"}}, {"Retry-After": "40"})
    wire.say(
        NO_MEMBERS, throttled, (200, page(row("a"), token="1")), throttled, (200, page(row("b"), token="2")), throttled
    )
    found = fleet.inventory(cloud, EVERYTHING, NOW)
    assert names(found) == ["a", "b"]
    assert transport.slept == [40, 40]
    assert "429 RateLimiting" in found.problems[0]


# --- Fleet Manager


def test_members_of_a_fleet_manager_carry_its_id(cloud, wire):
    """The member names the cluster in its own letters; the Fleet Manager may live in another subscription."""
    member = {
        "id": f"/subscriptions/{SUB.format(9)}/resourceGroups/F/providers/Microsoft.ContainerService/fleets/Platform/members/m",
        "cluster": str(row("A")["id"]).upper(),
    }
    wire.say((200, page(member)), (200, page(row("a"), row("b"))))
    a, b = fleet.inventory(cloud, Scope((SUB.format(1),)), NOW).clusters
    assert (
        a.fleet
        == f"/subscriptions/{SUB.format(9)}/resourcegroups/f/providers/microsoft.containerservice/fleets/platform"
    )
    assert b.fleet is None
    assert "subscriptions" not in wire.sent[0].body


def test_unreadable_memberships_make_every_cluster_a_possible_member(cloud, wire):
    """Unknown is never "no": a member must not be stopped because its Fleet Manager could not be asked."""
    wire.say(
        (400, {"error": {"code": "BadRequest", "message": "Table aksresources is unknown"}}), (200, page(row("a")))
    )
    found = fleet.inventory(cloud, EVERYTHING, NOW)
    assert [cluster.fleet for cluster in found.clusters] == [fleet.UNKNOWN_FLEET]
    assert found.problems[0].startswith("reading which clusters are members of a Fleet Manager: ")


# --- against the simulated Azure

FLEET = {
    "subscriptions": [
        {"id": SUB.format(1), "name": "dev", "management_groups": ["nonprod"]},
        {"id": SUB.format(2), "name": "empty", "management_groups": ["nonprod", "bare"]},
    ],
    "clusters": [
        {
            "name": "web",
            "count": 2300,
            "tags": {"environment": "dev"},
            "pools": [{"name": "system", "mode": "System", "count": 3}, {"name": "spot", "priority": "Spot", "count": 2, "min": 0, "max": 9}],
        },
        {"name": "nap", "node_provisioning": "Auto", "tier": "Standard", "fleet": "platform"},
        {"name": "off", "power": "Stopped"},
        {"name": "quiet", "power": "none"},
        {"name": "broken", "error": "AllocationFailed"},
        {"name": "busy", "state": "Upgrading"},
    ],
}  # fmt: skip


@pytest.fixture
def world() -> World:
    return World.from_fleet(FLEET, now=NOW)


@pytest.fixture
def simulated(world):
    with Cloud(
        endpoint_of("AzurePublicCloud"), credential=SimulatorCredential(), transport=SimulatorTransport(world)
    ) as cloud:
        yield cloud


def test_a_fleet_of_several_pages_is_read_whole_and_as_a_fresh_get_tells_it(world, simulated):
    found = fleet.inventory(simulated, EVERYTHING, NOW)
    assert (len(found.clusters), found.problems) == (2305, ())
    assert [cluster.id for cluster in found.clusters] == sorted(world.clusters)
    assert world.requests["POST query_resources"] == 4
    by_name = {cluster.name: cluster for cluster in found.clusters}
    for name in ("web-00001", "off", "quiet", "broken", "busy"):
        assert clusters.get(simulated, by_name[name].id) == by_name[name]
    assert by_name["nap"].node_provisioning == "Auto"
    assert (by_name["nap"].fleet or "").endswith("/fleets/platform")
    assert (by_name["off"].power, by_name["quiet"].power) == (Power.STOPPED, Power.UNKNOWN)
    assert by_name["quiet"].problem is not None
    assert by_name["broken"].error_code == "AllocationFailed"
    assert not by_name["busy"].is_settled


def test_a_stop_shows_in_the_inventory_once_resource_graph_catches_up(world, simulated):
    target = world.cluster("nap").key
    world.cluster("nap").properties.pop("nodeProvisioningProfile")
    accepted = clusters.stop(simulated, target)
    world.advance(timedelta(minutes=10))
    assert clusters.operation(simulated, target, str(accepted.operation)).status == "succeeded"
    read = {cluster.id: cluster for cluster in fleet.inventory(simulated, EVERYTHING, NOW).clusters}
    assert read[target].power is Power.STOPPED


def test_scopes_narrow_the_fleet_and_unreadable_ones_are_named(world, simulated):
    stranger = SUB.format(7)
    found = fleet.inventory(simulated, Scope((SUB.format(1), SUB.format(2), stranger), ("bare",)), NOW)
    assert len(found.clusters) == 2305
    assert found.problems == (f"subscription {stranger} can't be read: give the app's identity the role Reader there",)
    found = fleet.inventory(simulated, Scope((), ("nonprod", "nowhere")), NOW)
    assert len(found.clusters) == 2305
    [problem] = found.problems
    assert problem.startswith("reading the clusters of management group nowhere: ")
    assert "give the app's identity the role Reader" in problem
    assert world.unknown == []


def test_a_lost_reply_from_resource_graph_is_asked_for_again(world, simulated):
    world.inject(Fault.lost_reply("POST */microsoft.resourcegraph/*"))
    found = fleet.inventory(simulated, EVERYTHING, NOW)
    assert (len(found.clusters), found.problems) == (2305, ())


@pytest.mark.parametrize("status", [403, 404])
def test_a_management_group_that_shows_nothing_and_can_not_be_read_is_named(cloud, wire, status):
    wire.say(NO_MEMBERS, (200, page()), (status, {"error": {"code": "AuthorizationFailed", "message": "no"}}))
    assert fleet.inventory(cloud, Scope((), ("nonprod",)), NOW).problems == (
        "management group nonprod can't be read: give the app's identity the role Reader on it, and check its name",
    )
    assert wire.sent[-1].path == "/providers/Microsoft.Management/managementGroups/nonprod"


def test_a_management_group_without_clusters_is_simply_empty(cloud, wire):
    wire.say(NO_MEMBERS, (200, page()), (200, {"name": "nonprod"}))
    assert fleet.inventory(cloud, Scope((), ("nonprod",)), NOW).problems == ()
