"""Clusters that are not to be touched, or not just now, each with its reason on record."""

import pytest

from lamplighter.simulator import Fault
from tests.scenarios.stage import DAY, HOUR, MINUTE, Story, dev, policy


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"node_provisioning": "Auto"}, "node_provisioning"),
        ({"sku": "Automatic", "node_provisioning": "Auto"}, "node_provisioning"),
        ({"pools": [{"name": "old", "mode": "System", "count": 2, "type": "AvailabilitySet"}]}, "availability_set"),
        ({"fleet": "platform"}, "fleet_member"),
        ({"power": "none"}, "unreadable_state"),
        ({"state": "Updating"}, "busy"),
        ({"pools": [{"name": "sys", "mode": "System"}, {"name": "p", "state": "Upgrading"}]}, "busy"),
        ({"state": "Failed"}, "busy"),
    ],
)
def test_what_cannot_or_must_not_be_stopped_is_refused_before_the_call(more, reason):
    with Story(dev("web", **more), dev("other")) as story:
        story.until("Mon 20:00")
        assert story.writes("web") == []
        assert reason in story.reasons("web")
        assert story.times("stop", "other") == ["Mon 19:00"], "the others are none the worse for it"
        assert story.world.requests["POST stop_cluster"] <= 1


def test_a_fleet_member_is_stopped_where_the_policy_allows_it():
    guards = "\nguards: {stops: {at_most: 100%, within: 1h}, fleet_members: allow}\n"
    with Story(dev("web", fleet="platform"), policy=policy(guards=guards)) as story:
        story.until("Tue 08:00")
        assert story.times("stop") == ["Mon 19:00"]
        assert story.times("start") == ["Tue 07:10"]


def test_a_cluster_that_was_down_before_us_is_parked_not_started():
    """Nobody misses what was never seen running since the rule was adopted."""
    with Story(dev("attic", power="Stopped"), dev("web")) as story:
        story.later(2 * DAY)
        assert story.writes("attic") == []
        assert story.reason("attic") == "as_wished" or "parked" in story.reasons("attic")
        assert "parked" in story.reasons("attic")
        assert story.told("attic") == [], "and nobody is told that it is late"


def test_a_parked_cluster_that_somebody_starts_joins_the_others():
    with Story(dev("attic", power="Stopped")) as story:
        story.until("Mon 12:00")
        story.world.person_starts("attic")
        story.until("Tue 08:00")
        assert story.times("stop") == ["Mon 19:00"]
        assert story.times("start") == ["Tue 07:10"]


@pytest.mark.parametrize("level", ["ReadOnly", "CanNotDelete"])
def test_a_lock_is_found_when_about_to_act_remembered_and_on_record(level):
    """Locks are not in Resource Graph: the stop is planned, its lock found, and it is not planned again every tick."""
    with Story(dev("web", lock=level)) as story:
        story.until("Mon 22:00")
        assert story.writes() == []
        assert story.reason("web") == "locked"
        asked = story.world.requests["GET list_locks"]
        assert 1 <= asked <= 3, "asked again after an hour, then two, not every five minutes"
        assert len(story.rehearsal.outcomes) == asked


def test_a_lock_that_is_taken_away_is_noticed_the_same_evening():
    with Story(dev("web", lock="ReadOnly")) as story:
        story.until("Mon 19:10")
        story.world.locks.clear()
        story.until("Mon 20:30")
        assert story.times("stop") == ["Mon 20:00"]


def test_locks_that_cannot_be_read_count_as_locks_and_people_hear_of_it():
    """The role lacks the right to read locks: nothing stops, it is asked ever more rarely, and somebody can mend it."""
    with Story(dev("web")) as story:
        story.world.inject(Fault.forbidden("GET */providers/microsoft.authorization/locks"))
        story.until("Tue 06:00")
        assert story.writes() == []
        assert story.reason("web") == "unreadable_locks"
        assert len(story.rehearsal.outcomes) <= 7
        assert story.told("web", "locks could not be read")


def test_a_freeze_holds_stops_and_lets_starts_go_on():
    more = """
freezes:
  - {name: launch, from: 2026-11-23T18:00, to: 2026-11-24T20:00, match: {environments: [dev]}, hold: [stop]}
"""
    with Story(dev("web"), policy=policy(more=more), tick_every=15 * MINUTE) as story:
        story.until("Tue 19:30")
        assert story.writes() == []
        assert "frozen" in story.reasons("web")
        story.until("Tue 21:00")
        assert len(story.writes("web", "stop")) == 1


def test_azures_own_work_defers_the_stop_and_a_conflict_is_later_not_failed():
    with Story(dev("web")) as story:
        story.until("Mon 18:40")
        story.world.foreign_operation("web", state="Upgrading", lasts=HOUR)
        story.until("Mon 20:30")
        [stop] = story.writes("web", "stop")
        assert stop.at > story.at("2026-11-23 19:40")
        assert story.history("web", "failed") == []
        assert "busy" in story.reasons("web")


def test_a_pool_that_failed_keeps_its_cluster_from_stopping_but_not_from_starting():
    pools = [{"name": "sys", "mode": "System"}, {"name": "batch", "state": "Failed"}]
    with Story(dev("web", pools=pools)) as story:
        story.until("Mon 20:00")
        assert story.writes() == []
    with Story(dev("web", pools=[{"name": "sys", "mode": "System"}])) as story:
        story.until("Mon 22:00")
        story.world.cluster("web").pools[0].state = "Failed"
        story.until("Tue 08:00")
        assert story.times("start") == ["Tue 07:10"]


def test_just_started_it_is_not_stopped_before_min_uptime_is_over():
    """Started by hand at 18:50: the stop of 19:00 waits until 19:20."""
    with Story(dev("web")) as story:
        story.until("Mon 12:00")
        story.world.person_stops("web")
        story.until("Mon 18:50")
        story.world.person_starts("web")
        story.until("Mon 21:00")
        [stop] = story.writes("web", "stop")
        assert story.at("2026-11-23 19:20") <= stop.at <= story.at("2026-11-23 19:45"), "and is warned of"


def test_just_stopped_it_is_not_started_before_min_downtime_is_over():
    """A wake minutes after the stop waits: AKS asks for 15 to 30 minutes between the two."""
    from shared.model.memory import Wish

    with Story(dev("web")) as story:
        story.until("Mon 19:10")
        story.say("web", Wish.RUNNING, 4 * HOUR, source="wake")
        story.until("Mon 20:30")
        [start] = story.writes("web", "start")
        assert start.at >= story.at("2026-11-23 19:30")


def test_a_subscription_that_cannot_be_read_is_told_and_is_not_an_empty_one():
    more_scope = policy().replace("scope: all", "scope: {subscriptions: [11111111-1111-1111-1111-111111111111]}")
    with Story(dev("web"), policy=more_scope) as story:
        story.until("Mon 12:00")
        story.world.inject(Fault.forbidden("POST */microsoft.resourcegraph/*"))
        story.until("Mon 20:00")
        assert story.writes() == []
        assert len(story.told("part of the fleet cannot be read")) == 1
        assert story.app.journal.fleet().value.cluster_count == 1
        assert story.app.journal.fleet().value.breaker_open_at is None, "what is missing is unknown, not gone"
