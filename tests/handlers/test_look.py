"""Hints: duplicates, stale, foreign and malformed ones do nothing; none of them disrupts; a start may come sooner."""

import azure.functions as func
import pytest

from function_app import plain_event
from lamplighter.simulator import Fault
from shared.handlers.look import cluster_of, look
from shared.model.memory import Wish
from tests.scenarios.stage import DAY, HOUR, MINUTE, MONDAY, Story, dev, policy


def event_grid(event) -> dict:
    """As the host hands over an event of the Event Grid schema."""
    body = event.event_grid()
    return plain_event(
        func.EventGridEvent(
            id=body["id"],
            data=body["data"],
            topic=body["topic"],
            subject=body["subject"],
            event_type=body["eventType"],
            event_time=event.at,
            data_version=body["dataVersion"],
        )
    )


def cloud_event(event) -> dict:
    body = event.cloud_event()
    return plain_event(
        func.CloudEvent(
            id=body["id"],
            source=body["source"],
            type=body["type"],
            subject=body["subject"],
            time=event.at,
            data=body["data"],
            specversion=body["specversion"],
        )
    )


SCHEMAS = {"Event Grid": event_grid, "CloudEvents": cloud_event}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_both_schemas_name_the_same_cluster_and_carry_nobodys_name(schema):
    with Story(dev("web")) as story:
        story.world.person_stops("web")
        said = SCHEMAS[schema](story.world.events[-1])
        assert cluster_of(said) == story.id_of("web")
        assert not {"claims", "authorization", "httpRequest"} & set(said["data"])


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_hint_starts_sooner_what_is_wanted_anyway(schema):
    """At 07:10 Azure was busy with the cluster; the event that it is done brings it up before the next tick would."""
    with Story(dev("web"), tick_every=HOUR, hints=False) as story:
        story.until("Tue 07:05")
        story.world.foreign_operation("web", lasts=20 * MINUTE)
        story.world.advance(21 * MINUTE)
        assert look(story.app, SCHEMAS[schema](story.world.events[-1])) == "started"
        story.later(MINUTE)
        assert story.times("start") == ["Tue 07:26"]
        assert story.history("web", "decided")[-1].body["action"] == "start", "and history says why"


def test_what_a_hint_adopts_is_on_record():
    """A rule was merged; an event comes before the next tick. Savings compare with what was before the adoption."""
    with Story(dev("web"), tick_every=HOUR, hints=False) as story:
        story.until("Mon 12:05")
        assert [one.body["rule"] for one in story.history("web", "adopted")] == ["dev-hours"]
        story.merge(story.rehearsal.policy.replace("name: dev-hours", "name: renamed"))
        story.world.person_tags("web", {"environment": "dev", "x": "y"}, at_once=False)
        story.world.advance(2 * MINUTE)
        assert [look(story.app, event_grid(event)) for event in story.world.events][-1] == "looked"
        assert [one.body["rule"] for one in story.history("web", "adopted")] == ["dev-hours", "renamed"]
        story.later(2 * HOUR)
        assert len(story.history("web", "adopted")) == 2, "and it is no news to the next tick"


def test_a_hint_never_disrupts():
    """At 19:00 something happens to a cluster that is due to stop: only the tick stops it, within its budget."""
    with Story(dev("web"), hints=False) as story:
        story.until("Mon 18:59")
        story.world.advance(2 * MINUTE)
        story.world.person_tags("web", {"environment": "dev", "x": "y"}, at_once=False)
        for event in story.world.events:
            assert look(story.app, event_grid(event)) == "looked"
        assert story.app.queue.count("act") == 0
        assert story.writes() == []


def test_the_same_hint_three_times_and_an_old_one_do_nothing():
    with Story(dev("web")) as story:
        story.until("Tue 08:00")
        stop = story.world.events[0]
        before = len(story.history("web"))
        assert [look(story.app, event_grid(stop)) for _ in range(3)] == ["looked"] * 3
        assert len(story.history("web")) == before, "nothing new is learnt from yesterday's event"
        assert story.is_on("web")
        assert len(story.writes()) == 2


def test_hints_in_any_order_settle_an_action_once():
    with Story(dev("web"), hints=False, begin=MONDAY.replace(hour=18)) as story:
        story.until("Mon 19:01")
        story.world.advance(10 * MINUTE)
        accepted, succeeded = story.world.events[-2:]
        assert [look(story.app, event_grid(one)) for one in (succeeded, accepted, succeeded)] == [
            "settled",
            "looked",
            "looked",
        ]
        assert [r.phase for r in story.history("web", "succeeded")] == ["succeeded"]


def test_foreign_and_malformed_events_are_nobodys_business():
    with Story(dev("web"), dev("new")) as story:
        story.later(5 * MINUTE)
        vm = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm"
        other = story.id_of("web").replace("/web", "/unknown")
        for event, outcome in (
            ({}, "foreign"),
            ({"subject": None, "data": None, "source": 7}, "foreign"),
            ({"subject": vm, "data": {"resourceUri": vm}}, "foreign"),
            ({"subject": "", "data": {"resourceUri": ["a"]}}, "foreign"),
            ({"subject": other}, "unknown"),
            ({"subject": story.id_of("web").upper() + "/agentPools/batch"}, "looked"),
        ):
            assert look(story.app, event) == outcome, event
        assert story.writes() == []


def test_a_hint_about_a_cluster_that_is_gone_or_cannot_be_read():
    with Story(dev("web"), dev("api"), hints=False) as story:
        story.later(5 * MINUTE)
        event = {"subject": story.id_of("web")}
        story.delete("web")
        story.world.advance(HOUR)
        assert look(story.app, event) == "gone"
        story.world.inject(Fault.forbidden("GET */managedclusters/api"))
        assert look(story.app, {"subject": story.id_of("api")}) == "unreadable"


def test_a_hint_while_there_is_no_policy_is_no_failure():
    """Event Grid would deliver it again for a day."""
    with Story(dev("web")) as story:
        story.later(5 * MINUTE)
        story.merge("rules: [")
        assert look(story.app, {"subject": story.id_of("web")}) == "looked", "the last good policy is in force"
    with Story(dev("web")) as story:
        story.say("web", Wish.RUNNING, HOUR)
        story.merge("rules: [")
        assert look(story.app, {"subject": story.id_of("web")}) == "no policy"


def test_what_a_hint_notices_is_on_record():
    """On and off instants are what savings will be counted from: a hint that comes before the tick must not eat them."""
    with Story(dev("web")) as story:
        story.until("Mon 11:00")
        story.world.person_stops("web")
        story.until("Mon 12:00")
        seen = [(record.body["power"], story.local(record.at)) for record in story.history("web", "observed")]
        assert [power for power, _ in seen] == ["Running", "Stopped"]
        assert seen[1][1] < "Mon 11:05"


def test_plan_mode_hints_start_nothing():
    with Story(dev("web"), policy=policy(mode="plan")) as story:
        story.later(DAY)
        story.world.person_stops("web")
        story.later(DAY)
        assert story.writes() == []
