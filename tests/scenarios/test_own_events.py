"""What Lamplighter publishes of itself: a day as a custom topic of Event Grid hears it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lamplighter.remembered import change_fleet
from lamplighter.simulator import Fault
from shared.errors import InputError
from shared.handlers.outgoing import outgoing
from shared.model.decisions import Notice
from shared.model.events import event_of
from shared.model.records import HistoryRecord
from tests.scenarios.stage import HOUR, MINUTE, MONDAY, RULE, Story, dev, policy, prod

TOPIC = "https://evgt-lamplighter.westeurope-1.eventgrid.azure.net/api/events"
EVENTS = {"LAMPLIGHTER_EVENTS_TOPIC": TOPIC}
PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
SHOWN = json.loads(re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0])


def story(*clusters, rules: str = RULE, **more) -> Story:
    return Story(*(clusters or (dev("web"),)), policy=policy(rules, **more), environ=EVENTS)


def shape(event: dict) -> dict:
    """Fields and their types, without values."""
    return {name: shape(one) if isinstance(one, dict) else type(one).__name__ for name, one in event.items()}


def types(told: Story) -> list[str]:
    return [one["type"] for one in told.world.monitor.published]


def test_a_day_is_planned_stopped_planned_started():
    with story() as told:
        told.until("Tue 08:00")
        sent = told.world.monitor.published
        order = sorted(sent, key=lambda one: one["time"])
        assert [one["type"] for one in order] == [
            "Lamplighter.Planned",
            "Lamplighter.Stopped",
            "Lamplighter.Planned",
            "Lamplighter.Started",
        ]
        stopped = order[1]
        assert (stopped["source"], stopped["subject"], stopped["specversion"]) == (
            "/lamplighter",
            told.id_of("web"),
            "1.0",
        )
        assert (stopped["data"]["kind"], stopped["data"]["reason"]) == ("stop_cluster", "off_hours")
        assert stopped["data"]["rule"] == "dev-hours"
        assert shape(stopped) == shape(SHOWN), "the event that the page shows"
        assert len({one["id"] for one in sent}) == len(sent) == 4
        assert list(told.journal.outbox()) == []


def test_a_topic_that_does_not_answer_loses_nothing():
    with story() as told:
        told.world.inject(Fault.refuse("POST /api/events*", 500, "InternalServerError", times=None))
        told.until("Mon 23:00")
        assert types(told) == []
        assert len(list(told.journal.outbox())) == 2
        told.world.faults.clear()
        told.later(10 * MINUTE)
        assert sorted(types(told)) == ["Lamplighter.Planned", "Lamplighter.Stopped"]


def test_people_who_cannot_be_told_keep_no_event_back():
    def lost() -> tuple[str, str]:
        raise InputError("the policy is gone")

    with story() as told:
        told.world.inject(Fault.refuse("POST /api/events*", 500, "InternalServerError", times=None))
        told.until("Mon 23:00")
        told.world.faults.clear()
        told.journal.post([Notice("poison", "fleet", "x", "a message is poison", told.world.now())])
        change_fleet(told.journal, lambda row: replace(row, good_policy="", good_policy_hash=""))
        with pytest.raises(InputError, match="gone"):
            outgoing(replace(told.app, policy_text=lost, cache={}))
        assert sorted(types(told)) == ["Lamplighter.Planned", "Lamplighter.Stopped"]


def test_what_is_refused_and_what_is_halted_is_told_and_nobody_is_named():
    everywhere = "\nrules:\n  - {name: all, match: {environments: [prod, dev]}, hours: {schedule: office}}\n"
    with story(prod("web"), rules=everywhere) as told:
        told.until("Mon 22:00")
        assert types(told) == ["Lamplighter.Refused"]
        assert told.world.monitor.published[0]["data"]["reason"] == "production"
    with story(*[dev(f"c{n}") for n in range(8)]) as told:
        told.world.inject(Fault.refuse("POST */stop", 400, "BadRequest", times=None))
        told.until("Mon 21:00")
        halted = [one for one in told.world.monitor.published if one["type"] == "Lamplighter.Halted"]
        assert [(one["subject"], one["data"]["occasion"].partition(":")[0]) for one in halted] == [
            ("fleet", "breaker_open")
        ]
        assert all("message" not in one["data"] for one in told.world.monitor.published)


def test_without_a_topic_nothing_is_put_up():
    with Story(dev("web")) as told:
        told.until("Mon 23:00")
        assert (types(told), list(told.journal.outbox())) == ([], [])


def test_resizes_of_groups_upgrades_and_scaling_have_names_of_their_own():
    def of(kind: str, reason: str = "x") -> str | None:
        record = HistoryRecord(MONDAY, "/c", "succeeded", "1", {"kind": kind, "reason": reason})
        event = event_of(record)
        return None if event is None else event.type

    assert of("grow_pool", "fall_back") == "Lamplighter.FellBack"
    assert of("shrink_pool", "home") == "Lamplighter.Returned"
    assert of("upgrade_control_plane") == "Lamplighter.Upgraded"
    assert of("raise_pool", "alert") == "Lamplighter.Scaled"
    assert of("silence_alerts") is None
    assert event_of(HistoryRecord(MONDAY, "/c", "decided", "1", {"verdict": "none"})) is None
    assert event_of(HistoryRecord(MONDAY + HOUR, "/c", "observed", "1")) is None
