"""What goes wrong on purpose: each fault, as the unmodified SDK sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from lamplighter.simulator import Fault, NoReply, UnknownRequest

GROUP = "rg-web"


def stop(sdk, **kwargs):
    return sdk.managed_clusters.begin_stop(GROUP, "web", polling=False, **kwargs)


def test_a_lost_reply_leaves_the_effect(world, sdk):
    world.inject(Fault.lost_reply("POST */stop"))
    with pytest.raises(ServiceResponseError):
        stop(sdk, retry_total=0)
    assert world.cluster("web").state == "Stopping"
    assert len(world.writes()) == 1


def test_a_connection_that_never_was_has_no_effect(world, sdk):
    world.inject(Fault.refused("POST */stop"), Fault.lost_reply("POST */stop", effect=False))
    for kind in (ServiceRequestError, ServiceResponseError):
        with pytest.raises(kind):
            stop(sdk, retry_total=0)
    assert world.writes() == []
    stop(sdk, retry_total=0)
    assert len(world.writes()) == 1


def test_a_timeout_takes_the_callers_patience_in_world_time(world, sdk):
    world.inject(Fault.timeout("POST */stop"))
    began = world.now()
    with pytest.raises(ServiceResponseTimeoutError):
        stop(sdk, retry_total=0, read_timeout=60)
    assert world.now() - began == timedelta(seconds=60)
    assert world.cluster("web").state == "Stopping"


def test_the_sdk_sleeps_an_uncapped_retry_after_in_world_time(world, sdk):
    """600 s of Retry-After pass in a blink; the POST is sent twice."""
    world.inject(Fault.throttled("POST */stop", retry_after=600))
    began = world.now()
    stop(sdk)
    assert world.now() - began == timedelta(seconds=600)
    assert len(world.writes()) == 1


def test_a_429_without_retry_after_is_raised_at_once(world, sdk):
    world.inject(Fault.throttled("POST */stop", retry_after=None))
    with pytest.raises(HttpResponseError) as caught:
        stop(sdk)
    assert (caught.value.status_code, caught.value.error.code) == (429, "Throttled")


@pytest.mark.parametrize("status", [500, 503])
def test_an_unavailable_service_is_asked_again(world, sdk, status):
    world.inject(Fault.unavailable("GET */managedclusters/web", status, times=2))
    assert sdk.managed_clusters.get(GROUP, "web").name == "web"


def test_faults_wait_their_turn_and_are_spent(world, sdk):
    fault = Fault.conflict("POST */stop", "Upgrading", skip=1)
    world.inject(fault)
    stop(sdk)
    world.advance(timedelta(minutes=3))
    world.person_starts("web")
    world.advance(timedelta(minutes=5))
    with pytest.raises(ResourceExistsError, match=r"\(Upgrading\) is in progress"):
        stop(sdk, retry_total=0)
    stop(sdk)
    assert fault.struck == 1


def test_rights_may_be_missing_for_good(world, sdk):
    world.inject(Fault.forbidden("POST */stop", "Microsoft.ContainerService/managedClusters/stop/action"))
    for _ in range(2):
        with pytest.raises(HttpResponseError) as caught:
            stop(sdk)
        assert (caught.value.status_code, caught.value.error.code) == (403, "AuthorizationFailed")


def test_a_fault_of_an_operation_is_not_spent_on_a_refused_request(world, sdk):
    fault = Fault.operation_fails("POST */start")
    world.inject(fault)
    with pytest.raises(ResourceExistsError):
        sdk.managed_clusters.begin_start(GROUP, "web", polling=False)
    assert fault.struck == 0


def test_a_slow_answer_moves_the_clock(world, sdk):
    world.inject(Fault.slow("GET *", 12))
    began = world.now()
    sdk.managed_clusters.get(GROUP, "web")
    assert world.now() - began == timedelta(seconds=12)


def test_an_operation_may_take_its_time(world, sdk):
    world.inject(Fault.operation_slow("POST */stop", 3 * 3600))
    stop(sdk)
    world.advance(timedelta(hours=2, minutes=59))
    assert world.cluster("web").state == "Stopping"
    world.advance(timedelta(minutes=2))
    assert world.cluster("web").power == "Stopped"


def test_an_unknown_url_is_a_failed_test_and_not_a_200(world, ask):
    with pytest.raises(UnknownRequest, match=r"GET https://management\.azure\.com/subscriptions/s/nonsense"):
        ask("GET", "/subscriptions/s/nonsense")
    with pytest.raises(UnknownRequest):
        ask("PUT", "/subscriptions")
    assert len(world.unknown) == 2


def test_a_request_without_a_token_is_refused(ask):
    assert ask("GET", "/subscriptions", authorization="").status == 401


def test_a_crash_right_after_the_effect_can_be_played(world, sdk):
    def die(write):
        raise KeyboardInterrupt(write.action)

    world.on_write = die
    with pytest.raises(KeyboardInterrupt):
        stop(sdk)
    world.on_write = None
    world.advance(timedelta(minutes=3))
    assert world.cluster("web").power == "Stopped"


def test_the_wire_breaks_for_raw_callers_too(world, ask):
    world.inject(Fault.lost_reply("GET *"))
    with pytest.raises(NoReply):
        ask("GET", "/subscriptions")
