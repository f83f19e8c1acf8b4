"""Clusters in the simulated Azure, driven by the unmodified management SDK."""

from __future__ import annotations

from datetime import timedelta

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from lamplighter.simulator import Fault

GROUP = "rg-web"


def test_a_stop_takes_as_long_as_the_recorded_one_and_its_polling_costs_no_time(world, sdk):
    """95 s in the recording; the SDK polls every 30 s, so it knows after 120 s (and after a poll at once)."""
    began = world.now()
    sdk.managed_clusters.begin_stop(GROUP, "web").result()
    cluster = sdk.managed_clusters.get(GROUP, "web")
    assert cluster.power_state.code == "Stopped"
    assert {pool.power_state.code for pool in cluster.agent_pool_profiles} == {"Stopped"}
    assert timedelta(seconds=90) <= world.now() - began <= timedelta(seconds=150)
    ((on, off),) = world.power_intervals("web")
    assert (on, off - began) == (began, timedelta(seconds=94.8))


def test_while_stopping_the_power_state_still_says_running(world, sdk):
    sdk.managed_clusters.begin_stop(GROUP, "web", polling=False)
    cluster = sdk.managed_clusters.get(GROUP, "web")
    assert (cluster.provisioning_state, cluster.power_state.code) == ("Stopping", "Running")
    world.advance(timedelta(seconds=95))
    cluster = sdk.managed_clusters.get(GROUP, "web")
    assert (cluster.provisioning_state, cluster.power_state.code) == ("Succeeded", "Stopped")


def test_a_start_succeeds_although_every_poll_carries_an_error(world, sdk, ask):
    """NotLatestOperation in the recording, in the last poll too: only the status counts."""
    sdk.managed_clusters.begin_stop(GROUP, "web").result()
    accepted = ask("POST", f"{world.cluster('web').id}/start")
    poll = accepted.headers["azure-asyncoperation"]
    assert ask("GET", poll).json()["error"]["code"] == "NotLatestOperation"
    world.advance(timedelta(minutes=4))
    over = ask("GET", poll).json()
    assert (over["status"], over["error"]["code"]) == ("Succeeded", "NotLatestOperation")
    assert ask("GET", accepted.headers["location"]).status == 204
    assert sdk.managed_clusters.get(GROUP, "web").power_state.code == "Running"


def test_the_202_has_no_body_and_no_retry_after(world, ask):
    accepted = ask("POST", f"{world.cluster('web').id}/stop")
    assert (accepted.status, accepted.body) == (202, b"")
    assert "Retry-After" not in accepted.headers


def test_an_operation_url_must_be_used_whole(world, ask):
    """Real ones are signed; a client that rebuilds the URL from the id is told so."""
    url = ask("POST", f"{world.cluster('web').id}/stop").headers["azure-asyncoperation"]
    assert len(url) > 2500
    assert ask("GET", url.partition("&t=")[0]).status == 403
    assert ask("GET", url).json()["status"] == "InProgress"


def _conflict(call) -> HttpResponseError:
    with pytest.raises(ResourceExistsError) as caught:
        call()
    assert caught.value.error.code == "OperationNotAllowed"
    return caught.value


def test_conflicts_answer_with_the_documented_texts(world, sdk):
    clusters = sdk.managed_clusters
    running = _conflict(lambda: clusters.begin_start(GROUP, "web", polling=False))
    assert "Provisioning State(Succeeded) and Power State(Running), starting cannot be performed" in str(running)
    clusters.begin_stop(GROUP, "web", polling=False)
    again = _conflict(lambda: clusters.begin_stop(GROUP, "web", polling=False))
    assert "Another operation (Stopping) is in progress" in str(again)
    early = _conflict(lambda: clusters.begin_start(GROUP, "web", polling=False))
    assert "Provisioning State(Stopping) and Power State(Running), starting cannot be performed" in str(early)
    world.advance(timedelta(minutes=2))
    stopped = _conflict(lambda: clusters.begin_stop(GROUP, "web", polling=False))
    assert "managed cluster is not currently running, stopping cannot be performed" in str(stopped)
    assert "elapsed time is '00:02:00'" in str(stopped)


def test_a_busy_pool_keeps_its_cluster_from_stopping(world, sdk):
    world.foreign_operation("web", pool="batch", state="Upgrading")
    busy = _conflict(lambda: sdk.managed_clusters.begin_stop(GROUP, "web", polling=False))
    assert "Another agentpool operation (batch - Upgrading) is in progress" in str(busy)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "web", "node_provisioning": "Auto"}, "nodeProvisioningProfile.mode 'Auto'"),
        ({"name": "web", "sku": "Automatic"}, "nodeProvisioningProfile.mode 'Auto'"),
        ({"name": "web", "pools": [{"name": "s", "mode": "System", "type": "AvailabilitySet"}]}, "Scale Sets"),
    ],
)
def test_some_clusters_can_never_be_stopped(make_world, entry, words):
    world = make_world(entry)
    with pytest.raises(Exception, match=words) as caught:
        world.person_stops("web")
    assert caught.value.code == "OperationNotAllowed"
    assert world.audit == []


def test_a_stopped_cluster_takes_neither_tags_nor_pools(world, sdk):
    sdk.managed_clusters.begin_stop(GROUP, "web").result()
    _conflict(lambda: sdk.managed_clusters.begin_update_tags(GROUP, "web", {"tags": {"a": "b"}}, polling=False))
    pool = sdk.agent_pools.get(GROUP, "web", "batch")
    _conflict(lambda: sdk.agent_pools.begin_create_or_update(GROUP, "web", "batch", pool, polling=False))


def test_tags_are_replaced_and_the_cluster_is_busy_meanwhile(world, sdk):
    sdk.managed_clusters.begin_update_tags(GROUP, "web", {"tags": {"owner": "ann"}}, polling=False)
    assert sdk.managed_clusters.get(GROUP, "web").provisioning_state == "Updating"
    world.advance(timedelta(minutes=1))
    cluster = sdk.managed_clusters.get(GROUP, "web")
    assert (cluster.tags, cluster.provisioning_state) == ({"owner": "ann"}, "Succeeded")


def test_a_start_that_finds_no_capacity_leaves_the_cluster_failed_and_down(world, sdk):
    sdk.managed_clusters.begin_stop(GROUP, "web").result()
    world.inject(Fault.operation_fails("POST */start", "AllocationFailed", "No capacity in westeurope."))
    with pytest.raises(HttpResponseError) as caught:
        sdk.managed_clusters.begin_start(GROUP, "web").result()
    assert caught.value.error.code == "AllocationFailed"
    cluster = sdk.managed_clusters.get(GROUP, "web")
    assert (cluster.provisioning_state, cluster.power_state.code) == ("Failed", "Stopped")
    assert cluster.status.provisioning_error.code == "AllocationFailed"
    sdk.managed_clusters.begin_start(GROUP, "web").result()
    assert sdk.managed_clusters.get(GROUP, "web").provisioning_state == "Succeeded"


def test_an_operation_may_never_end_until_it_is_aborted(world, sdk):
    world.inject(Fault.operation_hangs("POST */stop"))
    sdk.managed_clusters.begin_stop(GROUP, "web", polling=False)
    world.advance(timedelta(hours=30))
    assert sdk.managed_clusters.get(GROUP, "web").provisioning_state == "Stopping"
    sdk.managed_clusters.begin_abort_latest_operation(GROUP, "web").result()
    cluster = sdk.managed_clusters.get(GROUP, "web")
    assert (cluster.provisioning_state, cluster.power_state.code) == ("Canceled", "Running")
    with pytest.raises(ResourceExistsError):
        sdk.managed_clusters.begin_abort_latest_operation(GROUP, "web", polling=False)


def test_every_cluster_operation_changes_all_etags_and_a_pool_operation_only_its_own(world, sdk):
    def etags():
        pools = {pool.name: pool.e_tag for pool in sdk.agent_pools.list(GROUP, "web")}
        return sdk.managed_clusters.get(GROUP, "web").e_tag, pools

    cluster, pools = etags()
    sdk.managed_clusters.begin_update_tags(GROUP, "web", {"tags": {}}).result()
    later, later_pools = etags()
    assert later != cluster
    assert not set(pools.values()) & set(later_pools.values())
    world.person_scales("web", "batch", 4)
    world.advance(timedelta(minutes=5))
    last, last_pools = etags()
    assert last == later
    assert {name for name in pools if last_pools[name] != later_pools[name]} == {"batch"}


def test_a_whole_cluster_put_loses_what_the_caller_leaves_out(world, sdk):
    world.cluster("web").properties["disableLocalAccounts"] = True
    cluster = sdk.managed_clusters.get(GROUP, "web")
    cluster.disable_local_accounts = None
    cluster.tags = None
    sdk.managed_clusters.begin_create_or_update(GROUP, "web", cluster).result()
    after = sdk.managed_clusters.get(GROUP, "web")
    assert (after.disable_local_accounts, after.tags) == (False, None)
    assert after.node_resource_group == "MC_rg-web_web_westeurope"


def test_what_is_not_there_is_a_404_that_says_what(world, sdk):
    with pytest.raises(ResourceNotFoundError) as caught:
        sdk.managed_clusters.get(GROUP, "nobody")
    assert caught.value.error.code == "ResourceNotFound"
    with pytest.raises(ResourceNotFoundError) as caught:
        sdk.managed_clusters.get("rg-none", "web")
    assert caught.value.error.code == "ResourceGroupNotFound"


def test_lists_page_and_end_with_an_empty_page(make_world, ask, world):
    world.page_size = 1
    for name in ("a", "b"):
        found = make_world({"name": name}).cluster(name)
        world.clusters[found.key] = found
    sizes, url = (
        [],
        f"/subscriptions/{world.cluster('web').subscription}/providers/Microsoft.ContainerService/managedClusters?api-version=2099-01-01",
    )
    while url:
        page = ask("GET", url).json()
        sizes.append(len(page["value"]))
        url = page.get("nextLink")
    assert sizes == [1, 1, 1, 0]


def test_locks_are_inherited_and_read_only_forbids_even_a_stop(world, sdk, ask):
    cluster = world.cluster("web")
    world.add_lock(f"/subscriptions/{cluster.subscription}", "CanNotDelete", "keep")
    locks = ask("GET", f"{cluster.id}/providers/Microsoft.Authorization/locks?api-version=2020-05-01").json()["value"]
    assert [(lock["name"], lock["properties"]["level"]) for lock in locks] == [("keep", "CanNotDelete")]
    sdk.managed_clusters.begin_stop(GROUP, "web").result()
    world.add_lock(f"/subscriptions/{cluster.subscription}/resourceGroups/{GROUP}", "ReadOnly")
    with pytest.raises(ResourceExistsError) as caught:
        sdk.managed_clusters.begin_start(GROUP, "web", polling=False)
    assert caught.value.error.code == "ScopeLocked"
    with pytest.raises(ResourceExistsError):
        sdk.managed_clusters.begin_delete(GROUP, "web", polling=False)
    assert [write.action.rpartition("/")[0] for write in world.writes()] == [
        "Microsoft.ContainerService/managedClusters/stop"
    ]


def test_a_deleted_cluster_is_gone_when_the_delete_is_over(world, sdk):
    sdk.managed_clusters.begin_delete(GROUP, "web").result()
    assert list(sdk.managed_clusters.list()) == []
    with pytest.raises(KeyError):
        world.cluster("web")


def test_pools_that_were_stopped_by_themselves_stay_down_when_their_cluster_starts(world, sdk):
    world.person_changes_pool("web", "batch", powerState={"code": "Stopped"})
    world.advance(timedelta(minutes=2))
    sdk.managed_clusters.begin_stop(GROUP, "web").result()
    sdk.managed_clusters.begin_start(GROUP, "web").result()
    power = {pool.name: pool.power_state.code for pool in sdk.agent_pools.list(GROUP, "web")}
    assert power == {"system": "Running", "batch": "Stopped", "auto": "Running"}


def test_a_person_at_work_is_on_record_under_another_name(world):
    world.person_stops("web")
    world.advance(timedelta(minutes=5))
    world.person_starts("web", actor="ann")
    assert [(write.actor, write.action) for write in world.writes(None, "web")] == [
        ("person", "Microsoft.ContainerService/managedClusters/stop/action"),
        ("ann", "Microsoft.ContainerService/managedClusters/start/action"),
    ]
    assert world.writes() == []
