"""Bugs that others had, each as a test of ours. The numbers are those of the survey of peers, section 4.

edge  proven here, and at length in
1-10  tests/policy: test_schedule*, test_windows, test_calendars; tests/scenarios/test_ordinary_days
11    tests/policy/test_voices, tests/scenarios/test_people_at_work
12    tests/policy/test_tags, tests/scenarios/test_people_at_work
13    tests/policy/test_claim, tests/faults/test_claim_model, tests/scenarios/test_pools
14    tests/policy/test_transitions, tests/scenarios/test_people_at_work
15    tests/policy/test_document
16    tests/policy/test_tags
17    tests/scenarios/test_people_at_work (undone three times)
18-20 tests/policy/test_guards, tests/scenarios/test_unfit_clusters, tests/faults/test_azure_misbehaves
21-22 tests/clients/arm/test_clusters, tests/scenarios/test_pools
23-25 tests/scenarios/test_trouble, tests/faults
26    tests/policy/test_support (25 days without a node, 11 months stopped: told before Azure acts)
27    tests/scenarios/test_trouble
43-46 tests/scenarios/test_trouble, tests/handlers, tests/contract/test_runtime, tests/faults/test_kill_anywhere
47-48 tests/contract
49    tests/scenarios/test_trouble (a notice about a cluster that is gone)
28-42, 50, 51   spot, cost data, cards and alerts arrive with their rules
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import azure.functions as func
import pytest

from lamplighter.simulator import Fault
from shared.clients import clusters
from shared.errors import PolicyError
from shared.handlers.look import look
from shared.model.memory import SavedSize, Wish
from shared.policy.document import read_policy
from shared.policy.schedule import Schedule, hours, windows_between
from shared.policy.tags import read_tags
from shared.policy.windows import parse_window
from tests.scenarios.stage import DAY, HOUR, MINUTE, MONDAY, Story, dev, policy, prod, verb_of

ROOT = Path(__file__).parents[1]
SYSTEM = {"name": "system", "mode": "System", "count": 1}


def weekly(zone: str, *texts: str) -> tuple[Schedule, ...]:
    return (Schedule("test", zone, tuple(parse_window(text) for text in texts)),)


def local(zone: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def windows(schedules: tuple[Schedule, ...], begin: datetime, days: int) -> list[str]:
    zone = ZoneInfo(schedules[0].zone)
    found = windows_between(schedules, begin.astimezone(UTC), begin.astimezone(UTC) + days * DAY)
    return [f"{w.begin.astimezone(zone):%a %d %H:%M} to {w.end.astimezone(zone):%a %d %H:%M}" for w in found]


# -- time


def test_01_weekday_and_hour_come_from_the_same_local_instant():
    """Others took the weekday in UTC and the hour locally: in Auckland Monday 07:30 is Sunday in UTC."""
    office = weekly("Pacific/Auckland", "Mon-Fri 07:30-19:00")
    monday = local("Pacific/Auckland", "2026-11-23T07:30")
    assert monday.astimezone(UTC).strftime("%a") == "Sun"
    assert hours(office, monday.astimezone(UTC)).inside
    assert not hours(office, (monday + 5 * DAY).astimezone(UTC)).inside


def test_02_a_day_is_not_24_hours_and_a_late_run_moves_nothing():
    """Others added 24 hours to the last run: an hour off after the clocks changed, and late for good after a late run."""
    late = 3 * HOUR
    with Story(
        dev("web"), begin=datetime(2026, 10, 23, 12, tzinfo=ZoneInfo("Europe/Berlin")), tick_every=HOUR / 4
    ) as story:
        story.until("Fri 18:50").outage("Fri 22:00")
        story.later(4 * DAY)
        assert story.times("stop")[1:] == ["Mon 19:00", "Tue 19:00"]
        assert story.at("2026-10-23 22:00") - story.at("2026-10-23 19:00") == late


def test_03_what_is_true_now_counts_not_the_exact_hour():
    """Others acted only when now was that very hour, give or take a minute: a late run was a missed action."""
    with Story(dev("web")) as story:
        story.until("Mon 18:50").outage("Mon 21:37").until("Mon 22:30")
        assert story.times("stop") == ["Mon 21:37"]


def test_04_a_window_may_cross_midnight_and_belongs_to_the_day_it_begins_on():
    """Others asked for begin < end, so nights needed two periods, and nobody knew whose Friday night was."""
    night = weekly("Europe/Berlin", "Fri 22:00-04:00")
    assert windows(night, MONDAY, 7) == ["Fri 27 22:00 to Sat 28 04:00"]


def test_05_a_rule_with_one_side_does_nothing_at_midnight():
    """Others stopped at midnight what had only a begin. `only: start` never stops; 24:00 meets 00:00 without a gap."""
    rules = """
rules:
  - {name: up, match: {environments: [dev]}, hours: {schedule: office, only: start}}
"""
    with Story(dev("web"), policy=policy(rules), tick_every=30 * MINUTE) as story:
        story.later(2 * DAY)
        assert story.writes() == []
    through = weekly("Europe/Berlin", "Mon 08:00-24:00", "Tue 00:00-09:00")
    assert windows(through, MONDAY, 2) == ["Mon 23 08:00 to Tue 24 09:00"]


def test_06_the_second_tuesday_is_the_second_tuesday():
    """Others were a week early where the month begins on that weekday, and failed on the 29th of February."""
    patch = weekly("Europe/Berlin", "2nd Tue 20:00-24:00", "last Fri 20:00-24:00")
    september = windows(patch, local("Europe/Berlin", "2026-09-01T00:00"), 30)  # begins on a Tuesday
    assert september == ["Tue 08 20:00 to Wed 09 00:00", "Fri 25 20:00 to Sat 26 00:00"]
    february = windows(patch, local("Europe/Berlin", "2026-02-01T00:00"), 28)  # four weeks, to the day
    assert february == ["Tue 10 20:00 to Wed 11 00:00", "Fri 27 20:00 to Sat 28 00:00"]


def test_07_a_missing_time_is_one_instant_and_a_repeated_one_acts_once():
    """Others skipped what begins in the gap and fired twice in the overlap. Durations are counted in UTC."""
    gap = weekly("Europe/Berlin", "Sun 02:30-09:00")
    [window] = windows_between(gap, datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert window.begin == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert window.end - window.begin == 6 * HOUR
    twice = weekly("Europe/Berlin", "Sun 02:15-02:45")
    found = windows_between(twice, datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert [(w.begin.hour, w.end.hour) for w in found] == [(0, 1)], "one window, from the first to the second"


def test_08_a_range_across_the_weeks_end_is_not_its_opposite():
    """Others read Sun-Fri as Friday to Sunday, and killed what ran from Monday on."""
    week = weekly("Europe/Berlin", "Sun-Fri 08:00-18:00")
    assert [text[:3] for text in windows(week, MONDAY - DAY, 7)] == ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri"]


@pytest.mark.parametrize("name", ["America/Port-au-Prince", "Etc/GMT+5", "America/Argentina/ComodRivadavia"])
def test_09_every_iana_zone_is_understood(name):
    """Others matched zones with an expression of their own that knew neither digits nor hyphens."""
    assert read_policy(policy(zone=name), "policy.yaml").timezone == name


@pytest.mark.parametrize("name", ["IST", "ist", "EST", "CET", "Berlin", "UTC+1", "+01:00"])
def test_09_abbreviations_and_offsets_are_refused(name):
    """Others read `ist` as Dublin and `est` as New York."""
    with pytest.raises(PolicyError, match=re.escape(name)):
        read_policy(policy(zone=f'"{name}"'), "policy.yaml")


def test_10_the_zone_of_the_machine_means_nothing(monkeypatch):
    """Others leant on the app's time zone or on a fixed offset. Ours comes from the policy alone."""
    office = weekly("Europe/Berlin", "Mon-Fri 07:30-19:00")
    answers = []
    for zone in ("UTC", "Asia/Tokyo", "America/Los_Angeles"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        answers.append(hours(office, MONDAY.astimezone(UTC)))
        with Story(dev("web"), begin=MONDAY.replace(hour=18, minute=40)) as story:
            assert story.until("Mon 19:10").times("stop") == ["Mon 19:00"]
    monkeypatch.undo()
    time.tzset()
    assert len(set(answers)) == 1


# -- overrides and state


def test_11_where_wishes_collide_it_runs():
    """Others let downtime win over uptime."""
    schedules = """
schedules:
  office: {running: [Mon-Fri 07:30-19:00]}
  late: {running: [Mon-Fri 12:00-22:00]}
"""
    rules = """
rules:
  - {name: one, match: {environments: [dev]}, hours: {schedule: office}}
  - {name: two, match: {environments: [dev]}, hours: {schedule: late}}
"""
    with Story(dev("web"), policy=policy(rules, schedules)) as story:
        story.until("Tue 08:00")
        assert story.times("stop") == ["Mon 22:00"]
        assert story.times("start") == ["Tue 07:30"]


def test_12_false_is_false_and_nonsense_is_an_error():
    """Others took any text for true, "false" too."""
    assert read_tags({"lamplighter-exclude": "false"}, "UTC").exclude is False
    assert read_tags({"lamplighter-exclude": "false"}, "UTC").problems == ()
    assert read_tags({"lamplighter-exclude": "nope"}, "UTC").problems != ()


def test_13_a_size_that_is_owed_is_never_overwritten_nor_zero():
    """Others saved the size again on a second pass, when it was 0 already, and brought back nothing."""
    rules = """
rules:
  - {name: batch, match: {environments: [dev]}, hours: {schedule: office, pools: [batch]}}
"""
    pools = [SYSTEM, {"name": "batch", "count": 5}]
    with Story(dev("web", pools=pools), policy=policy(rules)) as story:
        story.world.inject(Fault.conflict("PUT */agentpools/batch"), Fault.lost_reply("PUT */agentpools/batch"))
        story.until("Tue 02:00")
        assert len(story.history("web", "claimed")) == 2, "a conflict and a lost reply are two passes"
        assert story.memory("web").target("batch").saved.count == 5
        story.until("Tue 08:00")
        assert story.world.pool("web", "batch").properties["count"] == 5


def test_14_our_own_start_is_nobodys_manual_start():
    """Others took their own start for a person's, and never stopped it again."""
    with Story(dev("web")) as story:
        story.until("Tue 22:00")
        assert story.times("stop") == ["Mon 19:00", "Tue 19:00"]
        assert "manual_start" not in story.reasons("web")


def test_15_the_same_policy_has_the_same_fingerprint_in_every_process():
    """Others hashed a set: another order in another process, and every action was repeated."""
    code = (
        "from shared.policy.document import read_policy; import sys;"
        "p = read_policy(sys.stdin.read(), 'p'); print(p.hash, [r.fingerprint for r in p.rules])"
    )
    text = policy()
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_16_we_never_write_a_tag_and_read_the_longest_one():
    """Others squeezed their state into tags: limits of length, races of read-modify-write, an operation each time."""
    web = dev("web", tags={"lamplighter-reason": "x" * 256, **{f"t{n}": "y" * 256 for n in range(40)}})
    with Story(web) as story:
        before = dict(story.world.cluster("web").tags)
        story.until("Tue 08:00")
        assert story.world.cluster("web").tags == before
        assert {verb_of(write) for write in story.world.audit} == {"stop", "start"}, "no other write, no tag"


def test_17_nobody_fights_another_controller():
    """Others scaled down 600 times what something else scaled up. A script that starts it at once costs one stop."""
    with Story(dev("web"), begin=MONDAY.replace(hour=18)) as story:
        for _ in range(70):
            story.later(10 * MINUTE)
            cluster = story.world.cluster("web")
            if cluster.power == "Stopped" and cluster.is_settled:
                story.world.person_starts("web", actor="another controller")
        assert len(story.writes(verb="stop")) <= 2


# -- AKS operations


@pytest.mark.parametrize("pool", [None, "batch"])
def test_18_in_the_middle_of_an_operation_we_wait(pool):
    """Others wrote and got 409. The cluster's state is asked, and that of every pool."""
    pools = [SYSTEM, {"name": "batch", "count": 2}]
    with Story(dev("web", pools=pools)) as story:
        story.until("Mon 18:50")
        story.world.foreign_operation("web", pool, lasts=2 * HOUR)
        story.until("Mon 20:45")
        assert story.world.requests["POST stop_cluster"] == 0, "not even tried"
        story.until("Mon 21:30")
        assert len(story.writes(verb="stop")) == 1


def test_18_a_conflict_is_later_not_failed():
    with Story(dev("web"), begin=MONDAY.replace(hour=18)) as story:
        story.world.inject(Fault.conflict("POST */stop", times=3))
        story.until("Mon 20:00")
        assert len(story.writes(verb="stop")) == 1
        assert story.history("web", "failed") == []
        assert len(story.history("web", "postponed")) == 3


def test_19_half_an_hour_between_stop_and_start():
    """Others started minutes after a stop, or stopped while the start was still under way."""
    with Story(dev("web"), begin=MONDAY.replace(hour=18)) as story:
        story.until("Mon 19:04")
        story.say("web", Wish.RUNNING, HOUR, source="wake")
        story.until("Tue 06:00")
        actions = story.writes()
        assert all(later.at - earlier.at >= 30 * MINUTE for earlier, later in pairwise(actions))
        assert len(actions) in (2, 3)


@pytest.mark.parametrize(
    "more",
    [
        {"node_provisioning": "Auto"},
        {"pools": [{**SYSTEM, "type": "AvailabilitySet"}]},
        {"pools": [SYSTEM, {"name": "batch", "state": "Failed"}]},
        {"fleet": "platform"},
    ],
)
def test_20_what_azure_would_refuse_is_refused_before_the_call(more):
    """Others sent the stop and read the error."""
    with Story(dev("web", **more), begin=MONDAY.replace(hour=18)) as story:
        story.until("Mon 20:00")
        assert story.world.requests["POST stop_cluster"] == 0


def test_21_a_count_outside_its_bounds_is_never_sent():
    """AKS leaves a pool Failed whose count is outside min and max. A size of 20 in bounds of 2 to 12 is sent as 12."""
    pools = [SYSTEM, {"name": "batch", "count": 4, "min": 2, "max": 12, "power": "Stopped"}]
    with Story(dev("web", pools=pools)) as story:
        saved = SavedSize(20, 2, 12, autoscaling=True, at=story.world.now())
        clusters.start_pool(story.app.cloud, story.id_of("web"), "batch", saved)
        [write] = story.writes()
        sent = write.body["properties"]
        assert sent["minCount"] <= sent["count"] <= sent["maxCount"]


def test_22_a_whole_put_loses_nothing_not_even_what_we_do_not_know():
    """Others sent a partial body, and Azure took what was missing for a wish."""
    batch = {"name": "batch", "count": 3, "properties": {"futureSwitch": {"mode": "On"}, "nodeLabels": {"a": "b"}}}
    rules = """
rules:
  - {name: batch, match: {environments: [dev]}, hours: {schedule: office, pools: [batch]}}
"""
    with Story(dev("web", pools=[SYSTEM, batch]), policy=policy(rules)) as story:
        story.until("Tue 08:00")
        assert len(story.writes()) == 2
        for write in story.writes():
            assert write.body["properties"]["futureSwitch"] == {"mode": "On"}
            assert write.body["properties"]["nodeLabels"] == {"a": "b"}
            assert "nodeImageVersion" not in write.body["properties"]


def test_23_a_stop_that_a_webhook_prevents_is_told_with_azures_words_and_not_hammered():
    """A webhook with wildcard rules makes every stop fail with ValidationError: people must read why."""
    words = "Stopping is blocked by a webhook with wildcard rules"
    with Story(dev("web"), begin=MONDAY.replace(hour=18)) as story:
        story.world.inject(Fault.refuse("POST */stop", 400, "ValidationError", words, times=None))
        story.until("Tue 05:00")
        tries = story.history("web", "failed")
        assert 2 <= len(tries) <= 8, "with growing patience"
        assert any("webhook" in text for text in story.told("web", "failed"))


def test_24_accepted_is_not_done():
    """Others reported a 202 as success. Here the operation fails afterwards, and history says so."""
    with Story(dev("web"), begin=MONDAY.replace(hour=18)) as story:
        story.world.inject(Fault.operation_fails("POST */stop", "InternalError"))
        story.until("Mon 19:04")
        assert [r.phase for r in story.history("web", "accepted", "failed", "succeeded")] == ["accepted", "failed"]
        assert story.world.cluster("web").power == "Running"
        assert story.memory("web").target(None).owed is None, "nothing is owed for what was not stopped"


def test_25_nobody_waits_for_a_long_operation():
    """Others polled inside the timer until the function timed out. Ours returns at once, whatever the operation takes."""
    with Story(dev("web"), begin=MONDAY.replace(hour=18)) as story:
        story.world.inject(Fault.operation_slow("POST */stop", 3000))
        story.until("Mon 19:00")
        before = story.world.now()
        story.rehearsal.minute()
        assert len(story.writes()) == 1
        assert story.world.now() - before < timedelta(seconds=5)
        story.until("Mon 20:00")
        assert [r.phase for r in story.history("web", "succeeded")] == ["succeeded"]


def test_26_what_the_platform_stops_by_itself_is_respected():
    """AKS stops a cluster without nodes after thirty days, by day. It is not started against the platform's word."""
    with Story(dev("web")) as story:
        story.until("Tue 11:00")
        story.world.person_stops("web", actor="platform")
        story.until("Tue 18:00")
        assert story.times("start") == ["Tue 07:10"]
        assert story.reason("web") == "manual_stop"


def test_27_a_first_start_that_takes_an_hour_is_late_not_failed():
    """A stopped cluster collects upgrades and applies them at its start: slow, and never a second start on top."""
    with Story(dev("web")) as story:
        story.world.inject(Fault.operation_slow("POST */start", 4200))
        story.until("Tue 10:00")
        assert story.times("start") == ["Tue 07:10"]
        assert len(story.told("web", "not up")) == 1
        assert story.history("web", "failed") == []
        assert story.is_on("web")


# -- functions, events, operations


def test_43_one_failing_cluster_does_not_fail_the_others():
    """Others ended the run at the first error."""
    with Story(dev("a-bad"), dev("web"), dev("z-bad"), begin=MONDAY.replace(hour=18)) as story:
        story.world.inject(Fault.forbidden("* */managedclusters/a-bad*"), Fault.unavailable("* */z-bad*", times=None))
        story.until("Mon 20:00")
        assert story.times("stop") == ["Mon 19:00"]
        assert len(story.writes("web")) == 1


def test_44_what_fails_is_seen_to_fail_and_nothing_is_lost():
    """Others logged the error and reported success, or let a message vanish after three tries."""
    with Story(dev("web")) as story:
        story.later(5 * MINUTE)
        story.app.queue.send({"nonsense": True})
        story.later(HOUR)
        assert len(story.rehearsal.failures) == 5, "each try is a failed invocation"
        assert story.history(None, "poisoned")
        assert story.told("set aside")


def test_45_events_come_twice_late_and_in_any_order():
    """An event is a hint: the cluster is read again, so an old one tells no lie."""
    with Story(dev("web")) as story:
        story.until("Tue 08:00")
        writes = len(story.writes())
        for event in [*reversed(story.world.events), *story.world.events]:
            body = event.event_grid()
            assert look(story.app, {"id": body["id"], "subject": body["subject"], "data": body["data"]}) == "looked"
        story.later(10 * MINUTE)
        assert len(story.writes()) == writes


def test_46_a_timer_that_is_past_due_does_not_stop_late_in_the_morning():
    """Others ran the evening's job when the host came back next morning."""
    with Story(dev("web")) as story:
        story.until("Mon 18:30").outage("Tue 08:15").until("Tue 12:00")
        assert story.writes() == []


def test_47_versions_are_pinned_and_nothing_updates_itself():
    """Others replaced their own code in the field, and whole fleets broke at once."""
    lines = [
        line
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if line and not line.lstrip().startswith("#")
    ]
    named = [line for line in lines if not line.startswith(" ")]
    assert named
    assert all("==" in line.partition(";")[0] for line in named)
    assert all(line.lstrip().startswith("--hash=sha256:") for line in lines if line.startswith(" "))
    deployed = [ROOT / "function_app.py", *(ROOT / "shared").rglob("*.py")]
    words = re.compile(r"^\s*(import|from) (pip|subprocess|urllib\.request|importlib\.metadata)\b", re.MULTILINE)
    assert [path.name for path in deployed if words.search(path.read_text(encoding="utf-8"))] == []


def fresh_function_app():
    """azure-functions lists the functions of an app once, so each who asks needs one of their own."""
    spec = importlib.util.spec_from_file_location("function_app_of_edge_48", ROOT / "function_app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_48_nothing_that_acts_answers_to_anonymous_callers(monkeypatch):
    """Others had HTTP endpoints that changed schedules for whoever found them; a function key is no identity either.
    Whatever ours has is asked here without a token, and with a made-up principal header: it says no, and does nothing.
    """
    with Story(dev("web")) as story:
        story.until("Mon 22:00")
        before = story.memory("web")
        monkeypatch.setattr("shared.app._current", [story.app])
        functions = fresh_function_app().app.get_functions()
        asked = 0
        for function in functions:
            if function.get_trigger().get_binding_name() != "httpTrigger":
                continue
            for method in ("GET", "POST"):
                request = func.HttpRequest(
                    method=method,
                    url=f"https://app/api/{function.get_function_name()}",
                    headers={"X-MS-CLIENT-PRINCIPAL": "e30=", "X-MS-CLIENT-PRINCIPAL-NAME": "owner"},
                    params={},
                    body=json.dumps({"cluster": story.id_of("web"), "for": "4h", "reason": "x"}).encode(),
                )
                asked += 1
                assert 400 <= function.get_user_function()(request).status_code < 500
        assert story.memory("web") == before
        kinds = {one.get_trigger().get_binding_name() for one in functions}
        assert kinds <= {"timerTrigger", "queueTrigger", "eventGridTrigger", "httpTrigger"}
        assert asked or "httpTrigger" not in kinds


def test_49_what_is_gone_is_not_talked_about_for_ever():
    """Others kept acting on an alert whose machine was deleted long ago."""
    with Story(dev("web", tags={"lamplighter-exclude": "perhaps"}), dev("api"), tick_every=HOUR / 4) as story:
        story.until("Mon 10:00")
        assert len(story.told("web", "perhaps")) == 1
        story.delete("web")
        story.later(3 * DAY)
        assert len(story.told("web", "perhaps")) == 1
        assert [notice for notice in story.journal.notices() if "web" in notice.about and not notice.resolved] == []


def test_production_is_never_stopped_whatever_else_is_true():
    """Not an edge of one peer, but of all of them: a keep-off tag, a schedule and a rule for everything included."""
    rules = """
rules:
  - {name: everything, hours: {schedule: never}}
"""
    asleep = {"environment": "PROD", "lamplighter-keep-off-until": "2026-12-24", "lamplighter-schedule": "never"}
    with Story(prod("shop") | {"tags": asleep}, dev("web"), policy=policy(rules)) as story:
        story.until("Wed 08:00")
        assert story.writes("shop") == []
        assert story.writes("web", "stop"), "what is not production is stopped by the same rule"
