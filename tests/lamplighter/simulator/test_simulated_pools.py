"""Node pools in the simulated Azure, driven by the unmodified management SDK."""

from __future__ import annotations

from datetime import timedelta

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError

GROUP = "rg-web"


def put(sdk, pool, name, **kwargs):
    return sdk.agent_pools.begin_create_or_update(GROUP, "web", name, pool, **kwargs)


def get(sdk, name):
    return sdk.agent_pools.get(GROUP, "web", name)


def stop(sdk, name, **kwargs):
    """Mind `polling=False` wherever the time between matters: a poller polls in a thread of its own, at once."""
    pool = get(sdk, name)
    pool.power_state = {"code": "Stopped"}
    return put(sdk, pool, name, **kwargs)


def test_a_stopping_pool_reads_stopped_and_empty_at_once(world, sdk):
    """As recorded: who saves the size during a stop saves 0."""
    stop(sdk, "batch", polling=False)
    pool = get(sdk, "batch")
    assert (pool.count, pool.power_state.code, pool.provisioning_state) == (0, "Stopped", "Stopping")
    world.advance(timedelta(seconds=47))
    assert get(sdk, "batch").provisioning_state == "Succeeded"


def test_a_start_sent_with_count_0_brings_the_earlier_size_back(world, sdk):
    stop(sdk, "batch").result()
    pool = get(sdk, "batch")
    assert pool.count == 0
    pool.power_state = {"code": "Running"}
    put(sdk, pool, "batch", polling=False)
    pool = get(sdk, "batch")
    assert (pool.count, pool.power_state.code, pool.provisioning_state) == (2, "Running", "Starting")


def test_the_put_is_conditional_on_the_etag(world, sdk):
    pool = get(sdk, "batch")
    world.person_scales("web", "batch", 5)
    world.advance(timedelta(minutes=5))
    pool.power_state = {"code": "Stopped"}
    with pytest.raises(ResourceModifiedError) as caught:
        put(sdk, pool, "batch", etag=pool.e_tag, match_condition=MatchConditions.IfNotModified)
    assert caught.value.error.code == "PreconditionFailed"
    assert world.writes() == []
    fresh = get(sdk, "batch")
    fresh.power_state = {"code": "Stopped"}
    put(sdk, fresh, "batch", etag=fresh.e_tag, match_condition=MatchConditions.IfNotModified).result()
    assert world.pool("web", "batch").power == "Stopped"


def test_a_partial_put_loses_what_it_leaves_out(world, sdk):
    """Labels vanish with `{"powerState": ...}` alone; what can't change anyway stays."""
    put(sdk, {"properties": {"powerState": {"code": "Stopped"}, "mode": "User"}}, "batch").result()
    pool = get(sdk, "batch")
    assert pool.node_labels is None
    assert pool.vm_size == "Standard_D4s_v5"


def test_get_modify_put_drops_nothing(world, sdk):
    world.pool("web", "batch").properties["somethingNew"] = {"from": "2031"}
    before = dict(world.pool("web", "batch").properties)
    stop(sdk, "batch").result()
    after = world.pool("web", "batch").properties
    assert {name: after.get(name) for name in before} == {**before, "count": 0}


def test_system_pools_and_pools_of_auto_provisioned_clusters_are_refused(world, sdk):
    with pytest.raises(ResourceExistsError, match="System"):
        stop(sdk, "system")
    world.cluster("web").properties["nodeProvisioningProfile"] = {"mode": "Auto"}
    with pytest.raises(ResourceExistsError, match="nodeProvisioningProfile"):
        stop(sdk, "batch")


def test_an_autoscaled_pool_cannot_be_scaled_by_hand(world, sdk):
    pool = get(sdk, "auto")
    pool.count = 4
    with pytest.raises(ResourceExistsError, match="Cannot scale cluster autoscaler enabled node pool"):
        put(sdk, pool, "auto")
    pool = get(sdk, "auto")
    pool.count, pool.enable_auto_scaling = 0, False
    with pytest.raises(HttpResponseError, match="must be empty when autoscaling is off"):
        put(sdk, pool, "auto")
    pool.min_count = pool.max_count = None
    put(sdk, pool, "auto").result()
    assert get(sdk, "auto").count == 0


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("system", {"count": 0}, "between 1 and 1000"),
        ("batch", {"count": 1001}, "between 0 and 1000"),
        ("batch", {"vm_size": "Standard_D8s_v5"}, "properties.vmSize"),
        ("auto", {"min_count": 6}, "minCount <= maxCount"),
        ("auto", {"min_count": 3}, "between minCount 3 and maxCount 5"),
    ],
)
def test_impossible_sizes_are_refused(world, sdk, name, change, words):
    pool = get(sdk, name)
    for key, value in change.items():
        setattr(pool, key, value)
    with pytest.raises(HttpResponseError, match=words):
        put(sdk, pool, name)


def test_two_pools_may_change_at_once_and_one_may_not_twice(world, sdk):
    stop(sdk, "batch", polling=False)
    stop(sdk, "auto", polling=False)
    with pytest.raises(ResourceExistsError, match=r"Another agentpool operation \(batch - Stopping\)"):
        stop(sdk, "batch")


def test_a_spot_pool_keeps_its_label_and_taint(make_world):
    world = make_world({"name": "web", "pools": [{"name": "spot", "priority": "Spot", "count": 1}]})
    world.person_changes_pool("web", "spot", count=2, nodeLabels={"a": "b"}, nodeTaints=[])
    properties = world.pool("web", "spot").properties
    assert properties["nodeLabels"] == {"a": "b", "kubernetes.azure.com/scalesetpriority": "spot"}
    assert properties["nodeTaints"] == ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"]


def test_an_eviction_moves_the_size_without_an_operation(world, sdk):
    etag = get(sdk, "batch").e_tag
    world.platform_moves("web", "batch", 1)
    pool = get(sdk, "batch")
    assert (pool.count, pool.e_tag, pool.provisioning_state) == (1, etag, "Succeeded")
    assert (world.audit, world.events) == ([], [])


def test_a_pool_list_carries_a_next_link_to_an_empty_page(world, ask):
    first = ask("GET", f"{world.cluster('web').id}/agentPools?api-version=2026-08-01").json()
    assert [pool["name"] for pool in first["value"]] == ["system", "batch", "auto"]
    assert ask("GET", first["nextLink"]).json() == {"value": []}


def test_pools_come_and_go(world, sdk):
    put(sdk, {"properties": {"count": 1, "mode": "User", "vmSize": "Standard_D2s_v5"}}, "extra").result()
    assert get(sdk, "extra").provisioning_state == "Succeeded"
    sdk.agent_pools.begin_delete(GROUP, "web", "extra").result()
    assert world.cluster("web").pool("extra") is None
    with pytest.raises(ResourceExistsError, match="at least one system"):
        sdk.agent_pools.begin_delete(GROUP, "web", "system")
