"""Days of clusters that nobody plans: used or not, seen or not, on the deployed code path from metrics to the stop."""

from __future__ import annotations

from datetime import datetime, timedelta

from lamplighter.simulator import Fault
from shared.model.memory import Wish
from tests.scenarios.stage import HOUR, MINUTE, Story, dev, policy

METRICS = "POST */metrics:getbatch"
QUICK = "after: 1h, grace: 0m"


def idle(block: str) -> str:
    rule = f"rules: [{{name: sandboxes, match: {{environments: [dev]}}, idle: {{{block}}}}}]\n"
    return policy(rule, "", mode="act")


def uses(story: Story, begin: str, lasting: timedelta, *kinds: str) -> datetime:
    """Somebody works on web from that time on; returns when they stop."""
    since = story.at(begin)
    story.world.uses("web", since, since + lasting, *((kinds,) if kinds else ()))
    return since + lasting


def test_an_hour_after_the_last_use_it_stops_and_people_were_told_before():
    """Used until 11:00. Metrics are sums over 5 minutes, so it is quiet from 11:05 on: told at 11:50, off at 12:05."""
    with Story(dev("web"), policy=idle(QUICK)) as story:
        uses(story, "Mon 08:00", 3 * HOUR)
        story.until("Mon 11:45")
        assert story.told("web stops") == []
        story.until("Mon 11:56")
        [warning] = story.told("web stops")
        assert "Mon 23 Nov 12:05 (Europe/Berlin): idle since Mon 23 Nov 11:05" in warning
        story.until("Mon 20:00")
        assert story.times("stop") == ["Mon 12:05"]
        assert "idle" in story.reasons("web")


def test_use_after_the_warning_is_answer_enough():
    """Nobody has to press anything: whoever goes on working is seen, and the hour begins anew."""
    with Story(dev("web"), policy=idle(QUICK)) as story:
        uses(story, "Mon 08:00", 3 * HOUR)
        uses(story, "Mon 11:52", 10 * MINUTE)
        story.until("Mon 12:50")
        assert story.times("stop") == []
        story.until("Mon 16:00")
        assert story.times("stop") == ["Mon 13:10"]
        assert len(story.told("web stops")) == 2


def test_what_cannot_be_seen_is_left_on_and_no_clock_runs_meanwhile():
    """Metrics are refused from 8:30 to 17:00; then half an hour of them can be read again, and the wait is an hour."""
    with Story(dev("web"), policy=idle(QUICK)) as story:
        story.until("Mon 08:30")
        story.world.inject(Fault.refuse(METRICS, 403, "AuthorizationFailed", times=None))
        story.until("Mon 17:00")
        assert story.times("stop") == []
        assert story.is_on("web")
        story.world.faults.clear()
        story.until("Mon 20:00")
        assert story.times("stop") == ["Mon 17:30"]
        assert "idle since Mon 23 Nov 16:30" in story.told("web stops")[0]


def test_a_job_that_only_the_logs_show_keeps_it_on():
    with Story(dev("web", logs=["KubePodInventory", "AKSAuditAdmin"]), policy=idle(QUICK)) as story:
        uses(story, "Mon 08:00", 7 * HOUR, "jobs")
        story.until("Mon 15:00")
        assert story.times("stop") == []
        story.until("Mon 18:00")
        assert story.times("stop") == ["Mon 16:00"]


def test_a_new_cluster_is_left_alone_for_its_grace():
    with Story(dev("web"), policy=idle("after: 1h, grace: 6h")) as story:
        story.until("Mon 23:00")
        assert story.times("stop") == ["Mon 14:00"]
        assert "new: left alone for 6h" in story.told("web stops")[0]


def test_a_tag_that_names_any_year_is_heard_for_as_long_as_the_policy_lets_it():
    """Then its cluster is looked at like any other, and what nobody uses is stopped."""
    forever = {"lamplighter-keep-on-until": "2099-01-01"}
    text = idle(QUICK).replace("guards: {", "guards: {keep_on_at_most: 4h, ")
    with Story(dev("web", tags=forever), policy=text) as story:
        story.until("Mon 11:55")
        assert story.times("stop") == []
        assert len(story.told("web stops Mon 23 Nov 12:00")) == 1
        story.until("Mon 14:00")
        assert story.times("stop") == ["Mon 12:00"]


def test_a_wait_counts_windows_in_a_row():
    """Ten minutes, and nine windows of five: three quarters of an hour, begun anew by every use between."""
    with Story(dev("web"), policy=idle("after: 10m, windows: 9, grace: 0m")) as story:
        for begin in ("Mon 08:00", "Mon 08:40", "Mon 09:20"):
            uses(story, begin, 5 * MINUTE)
        story.until("Mon 12:00")
        assert story.times("stop") == ["Mon 10:15"]


def test_its_time_ends_in_use_or_not_and_whoever_wakes_it_has_as_long_again():
    """Four hours from its start, with a warning and its name in it; then ana wakes it, keeps it on, and it ends again."""
    with Story(dev("web", power="Stopped"), policy=idle("after: 2h, grace: 0m, ttl: 4h")) as story:
        story.until("Mon 09:00")
        story.say("web", Wish.RUNNING, 1 * HOUR, "wake")
        uses(story, "Mon 09:10", 20 * HOUR)
        story.until("Mon 14:00")
        [stop] = story.times("stop")
        assert "Mon 13:00" <= stop <= "Mon 13:10"
        [warning] = story.told("web stops")
        assert "ttl 4h after its start" in warning
        assert "`lamplighter wake web`" in warning
        story.say("web", Wish.RUNNING, 6 * HOUR, "wake")
        story.until("Mon 19:30")
        assert story.is_on("web"), "a person is louder than the time of a rule"
        story.until("Tue 00:00")
        assert len(story.times("stop")) == 2
        assert story.times("stop")[1] >= "Mon 20:00"
