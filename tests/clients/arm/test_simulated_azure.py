"""Stops and starts through the real SDKs against the simulated AKS: its states, conflicts, etags and signed URLs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lamplighter.simulator import Fault, SimulatorCredential, SimulatorTransport, World, serve
from shared.clients import clusters, fleet
from shared.clients.azure import Cloud, endpoint_of
from shared.clients.clusters import Lock
from shared.errors import Busy, Forbidden, NoCapacity, NoReply, Refused, Throttled
from shared.model.fleet import Power, Scope
from shared.model.memory import SavedSize

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
FLEET = {
    "throttle": False,
    "clusters": [
        {
            "name": "web",
            "resource_group": "rg-web",
            "pools": [
                {"name": "system", "mode": "System", "count": 3},
                {"name": "batch", "count": 5},
                {"name": "spot", "priority": "Spot", "count": 4, "min": 2, "max": 9},
            ],
        },
        {"name": "locked", "lock": "ReadOnly"},
        {"name": "nap", "node_provisioning": "Auto"},
    ],
}


@pytest.fixture
def world():
    world = World.from_fleet(FLEET, now=NOW)
    yield world
    assert world.unknown == []


@pytest.fixture
def azure(world):
    with Cloud(
        endpoint_of("AzurePublicCloud"), credential=SimulatorCredential(), transport=SimulatorTransport(world)
    ) as cloud:
        yield cloud


@pytest.fixture
def web(world) -> str:
    return world.cluster("web").key


def test_a_cluster_goes_down_and_comes_back(world, azure, web):
    for act, power in ((clusters.stop, Power.STOPPED), (clusters.start, Power.RUNNING)):
        url = act(azure, web).operation
        assert url is not None
        assert not clusters.get(azure, web).is_settled
        assert clusters.operation(azure, web, url).status == "running"
        world.advance(timedelta(minutes=20))
        assert clusters.operation(azure, web, url).status == "succeeded"
        read = clusters.get(azure, web)
        assert (read.power, read.is_settled) == (power, True)
    assert len(world.writes()) == 2


def test_a_second_stop_is_busy_whether_under_way_or_done(world, azure, web):
    """Azure answers 409 to both; only reading again tells which, so neither is a failure."""
    clusters.stop(azure, web)
    for _ in range(2):
        with pytest.raises(Busy):
            clusters.stop(azure, web)
        world.advance(timedelta(minutes=20))
    assert len(world.writes()) == 1


@pytest.mark.parametrize(
    ("pool", "saved"),
    [("batch", SavedSize(5, None, None, False, NOW)), ("spot", SavedSize(4, 2, 9, True, NOW))],
)
def test_a_pool_comes_back_as_large_as_it_was(world, azure, web, pool, saved):
    before = dict(world.pool("web", pool).properties)
    assert clusters.pool_size(azure, web, pool, NOW) == saved
    clusters.stop_pool(azure, web, pool)
    read = clusters.get(azure, web).pool(pool)
    assert read is not None
    assert (read.power, read.count, read.is_settled) == (Power.STOPPED, 0, False)
    assert clusters.pool_size(azure, web, pool, NOW) is None
    world.advance(timedelta(minutes=10))
    assert clusters.pool_size(azure, web, pool, NOW) is None
    assert clusters.stop_pool(azure, web, pool).already
    clusters.start_pool(azure, web, pool, saved)
    world.advance(timedelta(minutes=10))
    assert clusters.pool_size(azure, web, pool, NOW) == saved
    after = world.pool("web", pool).properties
    assert {name: after.get(name) for name in before} == before
    assert [write.pool for write in world.writes()] == [pool, pool]


def test_a_system_pool_and_a_nap_cluster_are_refused_by_azure_too(world, azure, web):
    """Policy refuses them before the call; should one get through, nothing happens."""
    for act in (
        lambda: clusters.stop_pool(azure, web, "system"),
        lambda: clusters.stop(azure, world.cluster("nap").key),
    ):
        with pytest.raises((Busy, Refused)):
            act()
    assert world.writes() == []


def test_a_lock_is_seen_before_and_refuses_if_not(world, azure, web):
    locked = world.cluster("locked").key
    world.add_lock("/subscriptions/11111111-1111-1111-1111-111111111111", "CanNotDelete", "everywhere")
    assert clusters.locks(azure, locked) == (Lock("everywhere", "CanNotDelete"), Lock("lock", "ReadOnly"))
    assert clusters.locks(azure, web) == (Lock("everywhere", "CanNotDelete"),)
    with pytest.raises(Refused, match="409 ScopeLocked"):
        clusters.stop(azure, locked)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.conflict("POST */stop"), Busy),
        (Fault.throttled("POST */stop", retry_after=600), Throttled),
        (Fault.throttled("POST */stop", retry_after=None), Throttled),
        (Fault.refuse("POST */stop", 400, "AksCapacityHeavyUsage"), NoCapacity),
        (Fault.forbidden("POST */stop", "Microsoft.ContainerService/managedClusters/stop/action"), Forbidden),
        (Fault.refused("POST */stop"), NoReply),
        (Fault.lost_reply("POST */stop", effect=False), NoReply),
        (Fault.timeout("POST */stop", effect=False), NoReply),
        (Fault.unavailable("POST */stop"), NoReply),
    ],
)
def test_what_goes_wrong_is_named_and_sent_once(world, azure, web, fault, kind):
    world.inject(fault)
    with pytest.raises(kind):
        clusters.stop(azure, web)
    assert fault.struck == 1
    assert world.writes() == []


@pytest.mark.parametrize("fault", [Fault.lost_reply("POST */stop"), Fault.timeout("POST */stop")])
def test_a_lost_reply_leaves_the_truth_to_the_next_reading(world, azure, web, fault):
    """202 never arrived, but the cluster stops: exactly one write, and a GET shows it."""
    world.inject(fault)
    with pytest.raises(NoReply):
        clusters.stop(azure, web)
    assert len(world.writes()) == 1
    read = clusters.get(azure, web)
    assert read.power is Power.STOPPED or not read.is_settled


def test_a_start_that_fails_for_want_of_room_is_told_by_its_operation(world, azure, web):
    url = clusters.stop(azure, web).operation
    world.advance(timedelta(minutes=30))
    assert clusters.operation(azure, web, str(url)).status == "succeeded"
    world.inject(Fault.operation_fails("POST */start", "AksCapacityHeavyUsage"))
    url = clusters.start(azure, web).operation
    world.advance(timedelta(minutes=30))
    state = clusters.operation(azure, web, str(url))
    assert (state.status, state.code, state.no_capacity) == ("failed", "AksCapacityHeavyUsage", True)
    assert clusters.get(azure, web).error_code == "AksCapacityHeavyUsage"


def test_the_whole_way_over_tls_with_a_managed_identity(world, web, monkeypatch):
    """Real sockets, a certificate of the simulator's own, azure-identity's App Service flow: nothing of ours is special."""
    with serve(world) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", server.identity_header)
        with Cloud(endpoint_of(server.arm_url), ca_file=str(server.ca_file)) as cloud:
            read = fleet.inventory(cloud, Scope(), NOW)
            assert (len(read.clusters), read.problems) == (3, ())
            url = clusters.stop(cloud, web).operation
            assert url is not None
            assert clusters.operation(cloud, web, url).status == "running"
