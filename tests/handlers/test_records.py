"""What a tick puts on record for savings to come: sizes, adoptions, times without a look, clusters that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from lamplighter.simulator.cluster_verbs import delete
from lamplighter.simulator.operations import Call
from tests.scenarios.stage import DAY, HOUR, Story, dev, policy

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
POOLS = [
    {"name": "system", "mode": "System", "count": 2},
    {"name": "spot", "priority": "Spot", "count": 1, "min": 0, "max": 4},
]


@pytest.fixture
def story() -> Iterator[Story]:
    with Story(dev("web", tags={"team": "shop"}, pools=POOLS), begin=NOON, policy=policy(mode="plan")) as story:
        yield story


def snapshots(story: Story) -> list[dict]:
    return [record.body for record in story.history("web", "snapshot")]


def test_plan_mode_records_what_savings_will_need(story):
    story.later(10 * MINUTE)
    (body,) = snapshots(story)
    assert body["node_resource_group"] == "MC_rg_web_westeurope"
    assert (body["location"], body["tags"]["team"], body["power"]) == ("westeurope", "shop", "Running")
    spot = body["pools"][1]
    assert (spot["priority"], spot["count"], spot["min"], spot["max"]) == ("Spot", 1, 0, 4)
    assert "since" not in body, "nobody looked before"


def test_a_change_says_when_it_was_not_so_yet(story):
    story.later(10 * MINUTE)
    story.world.platform_moves("web", "spot", 3)
    story.later(10 * MINUTE)
    body = snapshots(story)[-1]
    at = story.history("web", "snapshot")[-1].at
    assert body["pools"][1]["count"] == 3
    assert at - datetime.fromisoformat(body["since"]) == 5 * MINUTE


def test_nothing_is_written_while_nothing_changes_but_once_a_week(story):
    story.later(6 * DAY)
    assert len(snapshots(story)) <= 2
    story.later(2 * DAY)
    assert len(snapshots(story)) == 2


def test_new_tags_are_put_on_record(story):
    story.later(10 * MINUTE)
    story.retag("web", team="data")
    story.later(10 * MINUTE)
    assert [body["tags"]["team"] for body in snapshots(story)] == ["shop", "data"]


def test_a_cluster_that_is_gone_is_put_on_record_once(story):
    story.later(10 * MINUTE)
    id_ = story.id_of("web")
    delete(story.world, story.world.cluster("web"), Call("DELETE", "x", "person"))
    story.later(HOUR)
    records = [
        r for r in story.journal.history(id_, NOON, NOON + DAY) if r.phase == "snapshot" and r.body.get("absent")
    ]
    assert len(records) == 1
    assert "since" in records[0].body


def test_a_time_without_looks_is_put_on_record(story):
    story.later(10 * MINUTE)
    story.world.advance(3 * HOUR)
    story.later(10 * MINUTE)
    (gap,) = story.history("fleet", "gap")
    assert gap.at - datetime.fromisoformat(gap.body["since"]) > 3 * HOUR
    story.later(HOUR)
    assert len(story.history("fleet", "gap")) == 1


def test_adoption_is_put_on_record_when_a_rule_begins_to_act(story):
    story.later(10 * MINUTE)
    assert story.history("web", "adopted") == []
    story.merge(policy())
    story.later(10 * MINUTE)
    (adopted,) = story.history("web", "adopted")
    assert adopted.body == {"rule": "dev-hours"}
    story.later(HOUR)
    assert len(story.history("web", "adopted")) == 1


def test_the_history_command_has_words_for_them(story):
    from lamplighter.commands.history import sentence

    assert sentence("snapshot", {"absent": True}) == "not in the inventory"
    assert sentence("gap", {"since": "2026-11-24T12:00:00+00:00"}).startswith("nobody looked since")
    assert sentence("adopted", {"rule": "nights", "pool": "batch"}) == "rule nights acts from now on for pool batch"
