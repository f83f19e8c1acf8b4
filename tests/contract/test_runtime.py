"""Our functions inside Microsoft's own Python worker: indexing and binding, invocations, failures.

The published `azure-functions-runtime` is what runs on Python 3.13 in Azure; below 3.13 there is no such package, and
these tests skip.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if sys.version_info < (3, 13):
    pytest.skip("azure-functions-runtime, the worker as a package, exists from Python 3.13 on", allow_module_level=True)

from shared import app as composition
from shared.errors import InputError
from tests.contract.functions_host import FunctionsHost

if TYPE_CHECKING:
    from tests.contract.conftest import House
    from tests.contract.functions_host import Loaded

ROOT = Path(__file__).parents[2]


def test_the_worker_indexes_every_function(host: FunctionsHost) -> None:
    timers_and_messages = {"tick", "pulse", "tell", "digest", "digest_goes_on", "sweep", "act", "look", "poison"}
    assert set(host.functions) == timers_and_messages | {
        "keep_on",
        "keep_off",
        "wake",
        "postpone",
        "alert",
        "alert_by_key",
    }


def test_the_worker_tells_the_host_these_bindings(host: FunctionsHost) -> None:
    def trigger(name: str) -> dict[str, object]:
        loaded: Loaded = host.functions[name]
        return {key: value for key, value in loaded.trigger.items() if key not in {"name", "direction"}}

    assert trigger("tick") == {
        "type": "timerTrigger",
        "schedule": "%LAMPLIGHTER_TICK_SCHEDULE%",
        "runOnStartup": False,
        "useMonitor": True,
    }
    for name in ("pulse", "tell", "digest", "sweep"):
        assert trigger(name) == {
            "type": "timerTrigger",
            "schedule": f"%LAMPLIGHTER_{name.upper()}_SCHEDULE%",
            "runOnStartup": False,
            "useMonitor": False,
        }
    assert trigger("act") == {
        "type": "queueTrigger",
        "queueName": "lamplighter-act",
        "connection": "AzureWebJobsStorage",
    }
    assert trigger("poison") == {**trigger("act"), "queueName": "lamplighter-act-poison"}
    assert trigger("digest_goes_on") == {**trigger("act"), "queueName": "lamplighter-digest"}
    assert trigger("look") == {"type": "eventGridTrigger"}
    for name in ("keep_on", "keep_off", "wake", "postpone"):
        route = f"clusters/{name.replace('_', '-')}"
        # Anonymous to the platform, which has no say here; and every method, so that a wrong one is told, not unknown.
        assert trigger(name) == {"type": "httpTrigger", "authLevel": "ANONYMOUS", "route": route}


def test_no_function_retries_in_the_worker(host: FunctionsHost) -> None:
    """The queue counts its own tries and a tick is its own retry; a retry inside the worker would double both."""
    assert not any(one.retries for one in host.functions.values())


@pytest.mark.parametrize("body", ["no json", "[1, 2]", "null", '"text"', "{"])
def test_a_message_that_is_no_decision_fails_and_so_ends_as_poison(
    host: FunctionsHost, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    """A normal return would delete it without a trace."""
    outcome = host.message("act", body, dequeue_count=4)
    assert not outcome.ok
    assert "is not a JSON object" in outcome.error
    [line] = [one.getMessage() for one in caplog.records if one.name == "lamplighter"]
    assert line.endswith("attempt 4: not a JSON object")


# --- invocations, over the composed app


def stop_of_the_evening(host: FunctionsHost, house: House) -> dict[str, Any]:
    """Monday, seen running at 10:05, warned at 19:10 and due at 19:25 in Berlin: the queued message."""
    for hours in (0, 9, 0):
        house.wait(hours=hours, minutes=5)
        assert host.timer("tick").ok
    house.wait(minutes=10)
    assert house.app.queue.receive("act", visibility=timedelta()) == ()
    assert host.timer("tick").ok
    [received] = house.app.queue.receive("act")
    house.app.queue.delete(received)
    return received.message


def test_timer_queue_and_timer_again_stop_a_cluster_and_see_it_stopped(host: FunctionsHost, house: House) -> None:
    message = stop_of_the_evening(host, house)
    assert host.message("act", message).ok
    assert [(one.cluster.rpartition("/")[2], one.action) for one in house.world.writes()] == [
        ("web-dev", "Microsoft.ContainerService/managedClusters/stop/action")
    ]
    house.wait(minutes=10)
    assert host.timer("pulse").ok
    assert house.phases(message["id"])[-3:] == ["claimed", "accepted", "succeeded"]
    assert host.timer("tell").ok
    assert len(house.sent) == 1
    assert "web-dev" in house.sent[0]


def test_a_message_delivered_twice_acts_once(host: FunctionsHost, house: House) -> None:
    """Queues deliver at least once; the second finds the claim of the first and is dropped, which is no failure."""
    message = stop_of_the_evening(host, house)
    assert host.message("act", message).ok
    assert host.message("act", message, dequeue_count=2).ok
    assert len(house.world.writes()) == 1


def test_a_tick_that_is_past_due_catches_up_and_says_so(
    host: FunctionsHost, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The host was down from 10:05 to 19:05: the missed transition is still one, with its warning first."""
    assert host.timer("tick").ok
    house.wait(hours=9, minutes=5)
    assert host.timer("tick", past_due=True).ok
    assert "tick: late, the host missed its time; deciding by what is true now" in caplog.messages
    house.wait(minutes=15)
    assert host.timer("tick").ok
    assert [one.message["action"] for one in house.app.queue.receive("act")] == ["stop_cluster"]


def test_later_is_a_normal_return_and_a_new_delayed_message(host: FunctionsHost, house: House) -> None:
    """Raising would count towards poison, and five busy answers would lose the decision."""
    message = stop_of_the_evening(host, house)
    soon = house.world.now() + timedelta(minutes=10)
    paced = {**message, "not_before": soon.isoformat(), "expires_at": (soon + timedelta(minutes=15)).isoformat()}
    for attempt in (1, 2, 3):
        assert host.message("act", paced, dequeue_count=attempt).ok
    assert house.world.writes() == []
    assert house.app.queue.receive("act") == ()
    house.wait(minutes=10)
    assert len(house.app.queue.receive("act")) == 3


@pytest.mark.parametrize("schema", ["event_grid", "cloud_event"])
def test_an_event_in_either_schema_is_a_hint_to_look_sooner(host: FunctionsHost, house: House, schema: str) -> None:
    """AKS has no power event of its own; the subscription's says that our stop ended, a minute before `pulse` would."""
    message = stop_of_the_evening(host, house)
    assert host.message("act", message).ok
    house.wait(minutes=10)
    ended = house.world.events[-1]
    assert ended.kind == "Microsoft.Resources.ResourceActionSuccess"
    outcome = host.event("look", getattr(ended, schema)())
    assert outcome.ok, outcome.error
    assert house.phases(message["id"])[-1] == "succeeded"


@pytest.mark.parametrize("schema", ["event_grid", "cloud_event"])
def test_duplicate_stale_and_foreign_events_change_nothing(host: FunctionsHost, house: House, schema: str) -> None:
    """Event Grid delivers at least once, in no order, and a subscription's topic tells of everything in it."""
    message = stop_of_the_evening(host, house)
    assert host.message("act", message).ok
    house.wait(minutes=10)
    ended = getattr(house.world.events[-1], schema)()
    assert host.event("look", ended).ok
    before = house.app.journal.memory(message["cluster"])
    foreign = {**ended, "subject": "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Web/sites/a"}
    foreign["data"] = {**ended["data"], "resourceUri": foreign["subject"]}
    for event in (ended, getattr(house.world.events[0], schema)(), foreign):
        assert host.event("look", event).ok
    after = house.app.journal.memory(message["cluster"]).value
    assert (after.open, after.generation, after.target(None).served) == (
        before.value.open,
        before.value.generation,
        before.value.target(None).served,
    )
    assert len(house.world.writes()) == 1


def test_a_poisoned_message_is_recorded_and_told_once(host: FunctionsHost, house: House) -> None:
    message = stop_of_the_evening(host, house)
    assert host.message("poison", message, dequeue_count=1).ok
    assert "poisoned" in house.phases(message["id"])
    assert host.timer("tell").ok
    assert [one for one in house.sent if "could not be handled" in one]
    count = len(house.sent)
    assert host.timer("tell").ok
    assert len(house.sent) == count


def test_bytes_that_are_no_text_are_told_too(host: FunctionsHost, house: House) -> None:
    assert host.message("poison", b"\xff\xfe not utf-8").ok
    assert host.timer("tell").ok
    assert len(house.sent) == 1


def test_a_failure_that_people_can_mend_is_one_sentence(
    host: FunctionsHost, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A tick without any readable policy fails at the host, so that an alert on failures sees it."""

    def gone() -> tuple[str, str]:
        raise InputError("policy.yaml can't be read (No such file); expected a policy file")

    composition.use(replace(house.app, policy_text=gone))
    outcome = host.timer("tick")
    assert not outcome.ok
    assert outcome.error == "InputError: policy.yaml can't be read (No such file); expected a policy file"
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == [
        "tick: policy.yaml can't be read (No such file); expected a policy file"
    ]


def test_an_unexpected_error_names_its_decision_and_comes_back_as_the_next_attempt(
    host: FunctionsHost, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The host counts failures: the fifth sets the message aside. An accident of one minute is over by then."""
    message = stop_of_the_evening(host, house)

    def broken() -> datetime:
        raise OverflowError("a clock that broke")

    composition.use(replace(house.app, clock=broken))
    outcome = host.message("act", message, dequeue_count=3)
    assert not outcome.ok
    assert outcome.error == "OverflowError: a clock that broke"
    assert f"act: decision {message['id']}, attempt 3: unexpected OverflowError" in caplog.messages
    composition.use(house.app)
    assert host.message("act", message, dequeue_count=4).ok
    assert len(house.world.writes()) == 1


def test_a_message_that_names_no_decision_fails(host: FunctionsHost, house: House) -> None:
    assert not host.message("act", {"hello": "world"}).ok


@pytest.mark.usefixtures("no_app")
def test_missing_settings_fail_the_invocation_and_are_read_again_by_the_next(
    host: FunctionsHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every function stays visible, and says what it lacks; an import error would have made all six vanish."""
    for name in [name for name in os.environ if name.startswith("LAMPLIGHTER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FUNCTIONS_WORKER_RUNTIME", "python")
    outcome = host.timer("pulse")
    assert not outcome.ok
    assert outcome.error.startswith("InputError: LAMPLIGHTER_JOURNAL is not set: expected the https URL of ")
    monkeypatch.setenv("LAMPLIGHTER_JOURNAL", f"sqlite:///{tmp_path}/journal.sqlite")
    monkeypatch.setenv("LAMPLIGHTER_QUEUE", f"sqlite:///{tmp_path}/queue.sqlite")
    assert host.timer("pulse").ok


@pytest.mark.usefixtures("house")
@pytest.mark.reference
@pytest.mark.parametrize("schema", ["event-grid-schema", "cloud-events-schema"])
def test_every_published_sample_of_an_event_passes(host: FunctionsHost, schema: str) -> None:
    """Microsoft's own samples, odd dates and all: a failing function makes Event Grid deliver again for a day."""
    named = os.environ.get("LAMPLIGHTER_REFERENCE")
    if not named:
        pytest.skip("LAMPLIGHTER_REFERENCE names no folder of reference data")
    samples = sorted((Path(named) / "data" / "events" / schema).glob("*.json"))
    assert samples
    for sample in samples:
        said = json.loads(sample.read_text(encoding="utf-8"))
        for event in said if isinstance(said, list) else [said]:
            outcome = host.event("look", event)
            assert outcome.ok, f"{sample.name}: {outcome.error}"
