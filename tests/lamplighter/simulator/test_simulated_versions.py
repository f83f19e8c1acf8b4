"""Versions, rolls and maintenance configurations of the simulated Azure: what it shows, and what it refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lamplighter.simulator import World
from lamplighter.simulator.operations import Call
from lamplighter.simulator.pool_verbs import put
from lamplighter.simulator.refusals import Refusal
from lamplighter.simulator.resources import Pool
from lamplighter.simulator.versions import Catalog, check_control_plane, image_name, waves

FLEET = {
    "spread": 0,
    "clusters": [{"name": "web", "kubernetes_version": "1.34", "pools": [
        {"name": "system", "mode": "System", "count": 2}, {"name": "apps", "count": 10}, {"name": "spot", "priority": "Spot", "count": 8},
    ]}],
}  # fmt: skip


def upgrade(world: World, pool: str, to: str):
    found = world.cluster("web")
    body = {"properties": {**world.pool("web", pool).properties, "orchestratorVersion": to}}
    return put(world, found, pool, Call("PUT", f"{found.id}/agentPools/{pool}", "person", body))


def test_offers_go_one_minor_version_up_and_two_with_long_term_support():
    catalog = Catalog()

    assert [version for version, _ in catalog.offers("1.34.2", lts=False)] == ["1.34.4", "1.35.1"]
    assert ("1.36.0", False) in catalog.offers("1.34.2", lts=True)
    assert ("1.37.0", True) in catalog.offers("1.36.0", lts=False)
    catalog.add("1.35.10")
    catalog.add("1.35.9")
    assert catalog.minors["1.35"].patches == ["1.35.1", "1.35.9", "1.35.10"]


@pytest.mark.parametrize(
    ("to", "code"),
    [("1.36.0", "OperationNotAllowed"), ("1.33.8", "OperationNotAllowed"), ("1.99.0", "K8sVersionNotSupported")],
)
def test_a_control_plane_skips_no_minor_version_and_never_goes_down(to, code):
    world = World.from_fleet(FLEET)
    with pytest.raises(Refusal) as refused:
        check_control_plane(world, world.cluster("web"), to, [])
    assert refused.value.code == code


def test_with_a_channel_on_a_control_plane_is_not_upgraded_alone():
    world = World.from_fleet(FLEET)
    world.cluster("web").properties["autoUpgradeProfile"] = {"upgradeChannel": "stable"}
    with pytest.raises(Refusal, match="auto-upgrade"):
        check_control_plane(world, world.cluster("web"), "1.35.1", [])


def test_pools_that_are_sent_with_another_version_are_refused():
    world = World.from_fleet(FLEET)
    profiles = [{"name": "apps", "orchestratorVersion": "1.35.1"}]
    with pytest.raises(Refusal) as refused:
        check_control_plane(world, world.cluster("web"), "1.35.1", profiles)
    assert refused.value.code == "NotAllAgentPoolOrchestratorVersionSpecifiedAndUnchanged"


def test_no_pool_runs_ahead_of_its_control_plane():
    world = World.from_fleet(FLEET)
    with pytest.raises(Refusal) as refused:
        upgrade(world, "apps", "1.35.1")
    assert refused.value.code == "NodePoolMcVersionIncompatible"


def test_a_roll_takes_wave_after_wave_and_tells_when_it_begins_and_ends():
    world = World.from_fleet(FLEET)
    world.cluster("web").properties["currentKubernetesVersion"] = "1.34.4"
    operation = upgrade(world, "apps", "1.34.4")

    assert world.pool("web", "apps").state == "Upgrading"
    assert operation.ends_at - operation.began_at == 10 * timedelta(seconds=300), "ten nodes, one more at a time"
    world.advance(timedelta(hours=2))
    kinds = [event.kind for event in world.events if "Rolling" in event.kind]
    assert kinds == ["NodePoolRollingStarted", "NodePoolRollingSucceeded"]
    assert {event.event_grid()["topic"] for event in world.events if "Rolling" in event.kind} == {
        world.cluster("web").id
    }


def test_waves_follow_the_surge():
    pool = Pool("apps", {"count": 10})
    assert waves(pool) == 10
    pool.properties["upgradeSettings"] = {"maxSurge": "33%"}
    assert waves(pool) == 3
    pool.properties["scaleSetPriority"] = "Spot"
    assert waves(pool) == 1


def test_a_roll_that_fails_leaves_the_nodes_on_the_old_version():
    world = World.from_fleet(FLEET)
    world.cluster("web").properties["currentKubernetesVersion"] = "1.34.4"
    operation = upgrade(world, "apps", "1.34.4")
    world.end_operation(operation, "Failed")
    pool = world.pool("web", "apps")

    assert (pool.state, pool.version, pool.properties["orchestratorVersion"]) == ("Failed", "1.34.2", "1.34.4")
    assert [event.kind for event in world.events if "Rolling" in event.kind][-1] == "NodePoolRollingFailed"
    upgrade(world, "apps", "1.34.4")
    world.advance(timedelta(hours=2))
    assert (pool.state, pool.version) == ("Succeeded", "1.34.4")


def test_a_release_is_told_to_every_cluster():
    world = World.from_fleet(FLEET)
    world.release("1.36.2")

    (event,) = world.events
    assert event.event_grid()["eventType"] == "Microsoft.ContainerService.NewKubernetesVersionAvailable"
    assert event.cloud_event()["data"]["latestSupportedKubernetesVersion"] == "1.36.2"


def test_images_have_the_family_of_their_system():
    assert image_name(Pool("w", {"osType": "Windows"}), "202611.3.0").startswith("AKSWindows")
