"""Events of the subscription's topic, in both schemas, and the records a test asserts on."""

from __future__ import annotations

from datetime import timedelta

from lamplighter.simulator import Fault

STOP = "Microsoft.ContainerService/managedClusters/stop/action"


def test_a_stop_is_announced_when_accepted_and_when_over(world, sdk):
    heard = []
    world.on_event = heard.append
    sdk.managed_clusters.begin_stop("rg-web", "web", polling=False)
    world.advance(timedelta(minutes=3))
    assert [(event.kind, event.status) for event in heard] == [
        ("Microsoft.Resources.ResourceActionSuccess", "Accepted"),
        ("Microsoft.Resources.ResourceActionSuccess", "Succeeded"),
    ]
    assert len({event.id for event in heard}) == 2
    assert heard == world.events


def test_both_schemas_name_the_cluster_and_the_operation(world, sdk):
    sdk.managed_clusters.begin_stop("rg-web", "web", polling=False)
    event = world.events[0]
    grid, cloud = event.event_grid(), event.cloud_event()
    assert grid["data"] == cloud["data"]
    assert grid["data"]["resourceUri"] == grid["subject"] == cloud["subject"] == world.cluster("web").id
    assert grid["data"]["operationName"] == STOP
    assert grid["eventType"] == cloud["type"] == "Microsoft.Resources.ResourceActionSuccess"
    assert grid["eventTime"] == cloud["time"] == "2026-11-23T12:00:00.000000Z"
    assert grid["topic"] == cloud["source"] == "/subscriptions/11111111-1111-1111-1111-111111111111"
    assert (cloud["specversion"], grid["metadataVersion"]) == ("1.0", "1")


def test_failures_cancels_and_writes_have_kinds_of_their_own(world, sdk):
    world.inject(Fault.operation_fails("POST */stop"), Fault.operation_hangs("POST */stop"))
    sdk.managed_clusters.begin_stop("rg-web", "web", polling=False)
    world.advance(timedelta(minutes=3))
    sdk.managed_clusters.begin_stop("rg-web", "web", polling=False)
    sdk.managed_clusters.begin_abort_latest_operation("rg-web", "web", polling=False)
    world.advance(timedelta(minutes=3))
    world.person_changes_pool("web", "batch", powerState={"code": "Stopped"})
    kinds = [
        event.kind.removeprefix("Microsoft.Resources.Resource") for event in world.events if event.status != "Accepted"
    ]
    assert kinds == ["ActionFailure", "ActionCancel", "ActionSuccess"]
    assert world.events[-1].kind == "Microsoft.Resources.ResourceWriteSuccess"
    assert world.events[-1].data()["resourceUri"].endswith("/agentPools/batch")


def test_the_audit_keeps_body_and_correlation(world, ask):
    ask("PATCH", world.cluster("web").id, {"tags": {"a": "b"}}, x_ms_client_request_id="c-1")
    (write,) = world.writes()
    assert (write.method, write.body, write.correlation, write.at) == (
        "PATCH",
        {"tags": {"a": "b"}},
        "c-1",
        world.now(),
    )


def test_power_is_on_from_the_accepted_start_to_the_succeeded_stop(world):
    began = world.now()
    world.person_stops("web")
    world.advance(timedelta(hours=1))
    started = world.person_starts("web").began_at
    (first, second) = world.power_intervals("web")
    assert first == (began, began + timedelta(seconds=94.8))
    assert second == (started, None)
    assert world.power_intervals("web", "batch") == [first, second]
