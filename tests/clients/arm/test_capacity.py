"""What is seen of capacity groups: a few calls for all of them, and unknown where a part could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lamplighter.simulator import Fault, SimulatorCredential, SimulatorTransport, World
from shared.clients.azure import Cloud, endpoint_of
from shared.clients.capacity import capacity, with_room, with_scores
from shared.clients.fleet import inventory, some
from shared.clients.market import list_prices
from shared.model.facts import Fact
from shared.model.fleet import Scope
from shared.policy.capacity_group import room
from tests.clients.arm.test_market import Broken, Kept

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
SIZE = "Standard_D4s_v5"
MINUTE = timedelta(minutes=1)
SUBNET = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/nodes"
FLAT = {"networkPlugin": "azure"}


def pools(**more):
    return [
        {"name": "system", "mode": "System", "count": 2, "size": SIZE},
        {"name": "spot1", "priority": "Spot", "count": 3, "size": SIZE, "zones": [1], **more},
        {"name": "ondemand", "count": 1, "size": SIZE, **more},
    ]


def market(**more):
    spot = {"location": "westeurope", "size": SIZE, "zone": "1", "eviction_rate": "5-10", "price": 0.05, "score": "Low"}
    room = {"location": "westeurope", "size": SIZE, "zone": "1", "gap": 600, "room": [4, 0]}
    return {"rooms": [room], "spot": [spot], **more}


class Azure:
    """A simulated Azure, and one look at all of its pools."""

    def __init__(self, *clusters: dict, **market_: object) -> None:
        made = list(clusters) or [{"name": "web", "pools": pools()}]
        document = {"graph_lag": 0, "spread": 0, "clusters": made, "market": market(**market_)}
        self.world = World.from_fleet(document, now=NOW)
        self.cache = Kept()
        self.cloud = Cloud(
            endpoint_of("AzurePublicCloud"), credential=SimulatorCredential(), transport=SimulatorTransport(self.world)
        )

    def look(self, cache: object = None) -> dict[str, Fact]:
        now = self.world.now()
        self.clusters = inventory(self.cloud, Scope(), now).clusters
        prices = list_prices(self.cloud, self.clusters, self.cache, now)
        return dict(capacity(self.cloud, self.clusters, prices, cache or self.cache, now))

    def one(self, pool: str):
        [fact] = self.look().values()
        return next(sight for sight in fact.value if sight.name == pool)


@pytest.fixture
def azure() -> Iterator[Azure]:
    made = Azure()
    yield made
    assert made.world.unknown == []
    made.cloud.close()


def test_a_pool_is_seen_with_its_nodes_its_price_and_its_risk(azure):
    seen = azure.one("spot1")
    assert (seen.ready, seen.wanted, seen.starting, seen.zone) == (3, 3, 0, "1")
    assert (seen.price, seen.eviction_rate, seen.is_spot, seen.problem, seen.doubt) == (0.05, "5-10", True, None, None)
    ondemand = azure.one("ondemand")
    assert ondemand.price == pytest.approx(0.2304)
    assert (ondemand.eviction_rate, ondemand.is_spot) == (None, False)


def test_an_eviction_is_seen_in_the_nodes_and_told_by_the_log(azure):
    azure.world.advance(11 * MINUTE)
    seen = azure.one("spot1")
    assert (seen.ready, seen.wanted) == (0, 3)
    assert seen.evictions == (NOW + 10 * MINUTE,) * 3


def test_nodes_on_their_way_and_nodes_that_azure_refused(azure):
    azure.world.person_scales("web", "ondemand", 3)
    assert (azure.one("ondemand").ready, azure.one("ondemand").starting) == (1, 2)
    azure.world.advance(11 * MINUTE)
    azure.world.person_scales("web", "spot1", 2)
    azure.world.advance(5 * MINUTE)
    assert azure.one("spot1").failed_at == NOW + 11 * MINUTE


def test_a_whole_fleet_costs_a_few_calls():
    azure = Azure(
        *({"name": f"c{number}", "resource_group": f"g{number % 7}", "pools": pools()} for number in range(120))
    )
    azure.world.requests.clear()
    facts = azure.look()
    assert sum(sight.ready for fact in facts.values() for sight in fact.value if sight.is_spot) <= 4 * 120
    assert all(fact.known for fact in facts.values())
    # members, clusters, nodes, offers; one log; one page of list prices
    assert azure.world.requests == {
        "POST query_resources": 4,
        "GET list_activity": 1,
        "GET list_retail_prices": 1,
    }


def test_nodes_that_may_not_be_seen_are_unknown_and_not_none(azure):
    azure.world.cluster("web").properties["nodeResourceGroup"] = "elsewhere"
    clusters = inventory(azure.cloud, Scope(), NOW).clusters
    azure.world.cluster("web").properties["nodeResourceGroup"] = "another"
    [fact] = capacity(azure.cloud, clusters, {}, azure.cache, NOW).values()
    assert not fact.known
    assert "none of its nodes can be seen" in str(fact.problem)


def test_a_query_that_fails_leaves_everything_unknown(azure):
    azure.look()
    azure.world.inject(Fault.forbidden("*resources*"))
    [fact] = capacity(azure.cloud, azure.clusters, {}, azure.cache, NOW).values()
    assert (fact.known, fact.value) == (False, ())


def test_a_log_that_cannot_be_read_is_a_doubt_only(azure):
    azure.world.inject(Fault.forbidden("*eventtypes*"))
    seen = azure.one("spot1")
    assert (seen.ready, seen.problem) == (3, None)
    assert "Microsoft.Insights/eventtypes/values/read" in str(seen.doubt)


def test_a_node_of_which_azure_says_nothing_makes_its_pool_unknown(cloud, wire):
    row = {"id": _scale_set("spot1"), "ready": 0, "starting": 0, "silent": 2}
    azure = Azure()
    azure.look()
    group = azure.clusters[0].node_resource_group
    rows = [{**row, "id": row["id"].replace("GROUP", str(group).casefold())}]
    rows.append({**rows[0], "id": rows[0]["id"].replace("spot1", "system"), "ready": 2, "silent": 0})
    rows.append({**rows[0], "id": rows[0]["id"].replace("spot1", "ondemand"), "ready": None})
    wire.script = lambda sent: (
        (200, {"data": rows if "computeresources" in sent.text else []})
        if sent.method == "POST"
        else (200, {"value": []})
    )
    [fact] = capacity(cloud, azure.clusters, {}, Kept(), NOW).values()
    problems = {sight.name: sight.problem for sight in fact.value}
    assert problems == {
        "system": None,
        "spot1": "Azure does not say whether its nodes run",
        "ondemand": "Azure does not say whether its nodes run",
    }


def _scale_set(pool: str) -> str:
    return (
        "/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/GROUP/providers/microsoft.compute/"
        f"virtualmachinescalesets/aks-{pool}-12345678-vmss"
    )


def test_offers_are_kept_for_an_hour_and_a_broken_journal_costs_no_look(azure):
    azure.look()
    azure.world.market.rates["westeurope", SIZE.lower()] = "20+"
    azure.world.advance(timedelta(minutes=59))
    assert azure.one("spot1").eviction_rate == "5-10"
    azure.world.advance(2 * MINUTE)
    assert azure.one("spot1").eviction_rate == "20+"
    [fact] = azure.look(Broken()).values()
    assert fact.known


class TestRoom:
    def test_quota_and_addresses_are_asked_for_in_one_call_each(self):
        there = {"properties": {"vnetSubnetID": SUBNET, "maxPods": 30}}
        quota = [{"location": "westeurope", "name": name, "limit": 22} for name in ("lowPriorityCores", "cores")]
        azure = Azure(
            {"name": "web", "pools": pools(**there), "properties": {"networkProfile": FLAT}},
            quota=quota,
            subnets=[{"id": SUBNET, "addresses": 251}],
        )
        azure.world.requests.clear()
        facts = azure.look()
        [fact] = with_room(azure.cloud, azure.clusters, facts).values()
        spot, ondemand = (next(s for s in fact.value if s.name == name) for name in ("spot1", "ondemand"))
        assert (spot.quota_left, ondemand.quota_left) == ((22 - 12) // 4, (22 - 12) // 4)
        assert (spot.addresses_left, spot.addresses_per_node) == (251 - 4 * 31, 31)
        assert azure.world.requests["GET list_usages"] == azure.world.requests["GET list_network_usages"] == 1

    @pytest.mark.parametrize(
        ("path", "why"),
        [
            ("*locations/*usages*", "the quota for Standard_D4s_v5 in westeurope could not be read"),
            ("*virtualnetworks*usages*", "the free addresses of subnet nodes could not be read"),
        ],
    )
    def test_what_cannot_be_read_is_named_and_is_not_free(self, path, why):
        there = {"properties": {"vnetSubnetID": SUBNET}}
        azure = Azure(
            {"name": "web", "pools": pools(**there), "properties": {"networkProfile": FLAT}},
            subnets=[{"id": SUBNET, "addresses": 251}],
        )
        facts = azure.look()
        assert {sight.room_problem for sight in facts[azure.clusters[0].id].value} == {None}, "nobody asked"
        azure.world.inject(Fault.forbidden(path))
        [fact] = with_room(azure.cloud, azure.clusters, facts).values()
        assert {sight.room_problem for sight in fact.value if sight.name != "system"} == {why}
        [sight] = [sight for sight in fact.value if sight.name == "system"]
        assert (sight.room_problem is None) is ("virtualnetworks" in path), "its network is AKS's own"

    def test_a_network_plugin_that_is_not_told_is_no_small_one(self):
        there = {"properties": {"vnetSubnetID": SUBNET}}
        azure = Azure({"name": "web", "pools": pools(**there)}, subnets=[{"id": SUBNET, "addresses": 251}])
        facts = azure.look()
        strange = [replace(one, network_plugin=None) for one in azure.clusters]
        [fact] = with_room(azure.cloud, strange, facts).values()
        told = {sight.name: sight.room_problem for sight in fact.value}
        assert told["ondemand"] == "how many addresses a node takes could not be read"

    def test_a_subnet_of_pods_gives_every_node_sixteen_addresses(self):
        there = {"properties": {"vnetSubnetID": SUBNET, "podSubnetID": SUBNET + "2", "maxPods": 30}}
        azure = Azure(
            {"name": "web", "pools": pools(**there), "properties": {"networkProfile": FLAT}},
            subnets=[{"id": SUBNET, "addresses": 251}, {"id": SUBNET + "2", "addresses": 40}],
        )
        facts = azure.look()
        [fact] = with_room(azure.cloud, azure.clusters, facts).values()
        sight = next(one for one in fact.value if one.name == "ondemand")
        assert (sight.pod_addresses_left, sight.room_problem, room(sight, 0)) == (40, None, 2)

    def test_pods_in_a_subnet_of_their_own_take_none_of_the_nodes(self):
        there = {"properties": {"vnetSubnetID": SUBNET, "podSubnetID": SUBNET + "2", "maxPods": 30}}
        azure = Azure({"name": "web", "pools": pools(**there), "properties": {"networkProfile": FLAT}})
        facts = azure.look()
        [fact] = with_room(azure.cloud, azure.clusters, facts).values()
        assert {sight.addresses_per_node for sight in fact.value if sight.name != "system"} == {1}


def test_a_thousand_clusters_are_a_few_calls_and_none_for_a_pool():
    """What `pulse` asks every minute: the clusters by their ids, their nodes, one log; prices were kept."""
    azure = Azure(*({"name": f"web{number}", "pools": pools()} for number in range(1000)))
    azure.look()
    azure.world.requests.clear()
    now = azure.world.now()
    seen = some(azure.cloud, sorted(one.id for one in azure.clusters), now).clusters
    prices = list_prices(azure.cloud, seen, azure.cache, now)
    facts = capacity(azure.cloud, seen, prices, azure.cache, now)
    assert {sight.ready for fact in facts.values() for sight in fact.value if sight.name == "ondemand"} == {1}
    assert len(facts) == 1000
    assert set(azure.world.requests) == {"POST query_resources", "GET list_activity"}
    assert sum(azure.world.requests.values()) <= 15
    azure.cloud.close()


class TestScores:
    def test_advice_is_kept_for_half_an_hour(self, azure):
        facts = azure.look()
        for _ in range(2):
            [fact] = with_scores(azure.cloud, azure.clusters, facts, azure.cache, NOW).values()
        assert {sight.name: sight.score for sight in fact.value} == {"system": None, "spot1": "Low", "ondemand": None}
        assert azure.world.requests["POST score_placement"] == 1
        with_scores(azure.cloud, azure.clusters, facts, azure.cache, NOW + 30 * MINUTE)
        assert azure.world.requests["POST score_placement"] == 2

    def test_no_advice_is_no_trouble_and_not_asked_for_again_at_once(self, azure):
        facts = azure.look()
        azure.world.inject(Fault.forbidden("*placementscores*"))
        for _ in range(2):
            [fact] = with_scores(azure.cloud, azure.clusters, facts, azure.cache, NOW).values()
        assert {sight.score for sight in fact.value} == {None}
        assert azure.world.faults[0].struck == 1
