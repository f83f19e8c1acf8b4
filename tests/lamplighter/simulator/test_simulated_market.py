"""The market of nodes: evictions, refusals, quota, addresses and autoscalers, as a client sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lamplighter.simulator import World
from tests.lamplighter.simulator.conftest import NOON, SUBSCRIPTION

SIZE = "Standard_D4s_v5"
MINUTE = timedelta(minutes=1)
SUBNET = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/nodes"


def pool(name: str, count: int = 0, **more):
    return {"name": name, "count": count, "size": SIZE, **more}


def market(*rooms: list[int], gap: int = 600, **more):
    places = [
        {"location": "westeurope", "size": SIZE, "zone": str(number), "gap": gap, "room": room}
        for number, room in enumerate(rooms, 1)
    ]
    return {"rooms": places, **more}


def spot_world(market: dict, *pools: dict, **more) -> World:
    mine = pools or (
        pool("spot1", 3, priority="Spot", zones=[1]),
        pool("spot2", 0, priority="Spot", zones=[2]),
        pool("ondemand"),
    )
    cluster = {"name": "web", "pools": [pool("system", 2, mode="System"), *mine], **more}
    return World.from_fleet({"spread": 0, "graph_lag": 60, "clusters": [cluster], "market": market}, now=NOON)


def nodes(world: World, name: str) -> tuple[int, int]:
    """(ready, all)"""
    found = world.pool("web", name).nodes or ()
    return sum(node.ready for node in found), len(found)


def test_without_a_market_nothing_is_followed():
    world = World.from_fleet({"clusters": [{"name": "web", "pools": [pool("spot1", 3, priority="Spot")]}]}, now=NOON)
    assert world.pool("web", "spot1").nodes is None


def test_an_evicted_pool_looks_healthy_and_its_count_comes_down_later():
    world = spot_world(market([3, 0], [3, 3]))
    world.advance(10 * MINUTE)
    found = world.pool("web", "spot1")
    assert (nodes(world, "spot1"), found.value("count"), found.state) == ((0, 0), 3, "Succeeded")
    assert [entry.operation.rpartition("/")[0].rpartition("/")[2] for entry in world.market.log] == ["evictSpotVM"] * 3
    assert world.writes(None) == []
    world.advance(6 * MINUTE)
    assert found.value("count") == 0


def test_only_as_many_go_as_have_no_room_whosever_they_are():
    world = spot_world(
        market([5, 5, 4]), pool("spot1", 3, priority="Spot", zones=[1]), pool("other", 2, priority="Spot", zones=[1])
    )
    world.advance(21 * MINUTE)
    assert nodes(world, "spot1")[1] + nodes(world, "other")[1] == 4


def test_a_pool_grows_in_four_minutes_and_its_operation_with_it():
    world = spot_world(market([3], [3]))
    world.person_scales("web", "spot2", 3)
    world.advance(3 * MINUTE)
    assert (nodes(world, "spot2"), world.pool("web", "spot2").state) == ((0, 3), "Scaling")
    world.advance(2 * MINUTE)
    assert (nodes(world, "spot2"), world.pool("web", "spot2").state) == ((3, 3), "Succeeded")


def test_what_has_no_room_fails_and_keeps_what_came():
    world = spot_world(market([3], [2]))
    world.person_scales("web", "spot2", 3)
    world.advance(6 * MINUTE)
    found = world.pool("web", "spot2")
    assert (nodes(world, "spot2"), found.state, found.value("count")) == ((2, 2), "Failed", 2)
    assert found.error is not None
    assert found.error["code"] == "AllocationFailed"
    assert [entry.code for entry in world.market.log] == ["AllocationFailed"]


def test_quota_of_spot_is_one_for_all_sizes():
    world = spot_world(market([3], [9], quota=[{"location": "westeurope", "name": "lowPriorityCores", "limit": 17}]))
    world.person_scales("web", "spot2", 3)
    world.advance(6 * MINUTE)
    assert nodes(world, "spot2") == (1, 1)
    assert world.market.log[-1].code == "QuotaExceeded"


@pytest.mark.parametrize(("mode", "fit"), [("overlay", 3), (None, 1)])
def test_a_node_takes_one_address_or_one_for_each_pod_too(mode, fit):
    network = {"networkPlugin": "azure", "networkPluginMode": mode}
    there = {"properties": {"vnetSubnetID": SUBNET, "maxPods": 30}}
    world = spot_world(
        market([9], subnets=[{"id": SUBNET, "addresses": 60}]),
        pool("spot1", 0, priority="Spot", zones=[1], **there),
        properties={"networkProfile": network},
    )
    world.person_scales("web", "spot1", 3)
    world.advance(6 * MINUTE)
    assert nodes(world, "spot1") == (fit, fit)


def test_a_pool_made_smaller_is_drained_first():
    world = spot_world(market([3], [3]))
    world.person_scales("web", "spot1", 1)
    assert nodes(world, "spot1") == (3, 3)
    world.advance(3 * MINUTE)
    assert nodes(world, "spot1") == (1, 1)


def test_an_autoscaler_asks_again_until_there_is_room_and_gives_up_what_nothing_needs():
    pools = (pool("spot1", 2, priority="Spot", zones=[1], min=2, max=5), pool("ondemand", 3, min=0, max=5))
    world = spot_world(market([2, 0, 0, 2], needed={}), *pools)
    world.advance(29 * MINUTE)
    assert nodes(world, "spot1") == (0, 0)
    assert world.pool("web", "spot1").value("count") == 2
    world.advance(10 * MINUTE)
    assert nodes(world, "spot1") == (2, 2)
    assert nodes(world, "ondemand") == (3, 3)
    world.market.needed[world.cluster("web").key] = 2
    world.advance(12 * MINUTE)
    assert nodes(world, "ondemand") == (0, 0)


def test_stopped_pools_have_no_nodes_and_come_back_with_them():
    world = spot_world(market([3], [3]))
    world.person_stops("web")
    world.advance(10 * MINUTE)
    assert nodes(world, "spot1") == (0, 0)
    world.person_starts("web")
    world.advance(20 * MINUTE)
    assert nodes(world, "spot1") == (3, 3)


def test_resource_graph_shows_nodes_a_minute_late():
    world = spot_world(market([3, 0], [3, 3]))

    def rows() -> int:
        return sum("spot1" in row.values["id"] for row in _table(world))

    assert rows() == 3
    world.advance(10 * MINUTE + timedelta(seconds=30))
    assert rows() == 3
    world.advance(MINUTE)
    assert rows() == 0


def _table(world: World):
    from lamplighter.simulator.resource_graph import table_rows

    return table_rows(world, "computeresources", frozenset(world.subscriptions))


def test_the_activity_log_knows_four_filters_only():
    from lamplighter.simulator import Request, handle

    world = spot_world(market([3, 0], [3, 3]))
    world.advance(12 * MINUTE)
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values"
    times = "eventTimestamp ge '2026-11-23T12:00:00Z' and eventTimestamp le '2026-11-23T13:00:00Z'"

    def asked(text: str):
        from urllib.parse import quote

        url = f"{path}?api-version=2015-04-01&%24filter={quote(text)}"
        sent = {"authorization": "Bearer t"}
        return handle(world, Request.read("GET", url, sent, b"", "https://management.azure.com"))

    assert len(asked(times).json()["value"]) == 3
    assert len(asked(f"{times} and resourceProvider eq 'Microsoft.Compute'").json()["value"]) == 3
    assert asked(f"{times} and resourceGroupName eq 'elsewhere'").json()["value"] == []
    assert asked(f"{times} and operations eq 'evict'").status == 400


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"rooms": [{"location": "westeurope", "size": SIZE}]}, "has no 'room'"),
        ({"room": []}, "unknown key 'room'"),
        ({"rooms": 7}, "wrong shape"),
    ],
)
def test_a_broken_market_is_told_in_a_sentence(broken, said):
    with pytest.raises(ValueError, match=said):
        World.from_fleet({"clusters": [{"name": "web"}], "market": broken}, now=NOON)
