"""What will happen, by the same `decide` that acts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.decisions import Verdict
from shared.model.fleet import Power
from shared.policy.document import read_policy
from shared.policy.forecast import calendar, expected_facts, steady_plan, transitions
from tests.policy.builders import (
    BATCH,
    HEAD,
    MINUTE,
    OFFICE,
    Life,
    adopted,
    at,
    cluster,
    local,
    policy,
    pool,
    stopped,
    with_pool,
)

RULES = policy(OFFICE)
MONDAY = at("Mon 00:00")


def said(found) -> list[tuple[str, str]]:
    return [
        (local(one.at), one.action + (" " + one.target.rpartition("/")[2] if "agentpools" in one.target else ""))
        for one in found
    ]


def test_a_week():
    week = said(transitions(cluster(), RULES, MONDAY, 7))
    days = ["Mon", "Tue", "Wed", "Thu", "Fri"]
    assert week == [(f"{day} {clock}", verb) for day in days for clock, verb in (("07:30", "start"), ("19:00", "stop"))]


def test_each_says_why():
    first = transitions(cluster(), RULES, MONDAY, 1)[0]
    assert (first.rule, first.reason, first.message) == (
        "office-hours", "in_hours", "start: inside office until Mon 7 Dec 19:00",
    )  # fmt: skip


@pytest.mark.parametrize("seen", [cluster(), stopped(), cluster(provisioning_state="Updating")])
def test_what_happens_to_run_today_is_no_matter(seen):
    assert said(transitions(seen, RULES, at("Tue 12:00"), 1)) == [("Tue 19:00", "stop"), ("Wed 07:30", "start")]


@pytest.mark.parametrize("begin", ["Tue 05:29", "Tue 05:31", "Tue 07:29"])
def test_shortly_before_its_hours_it_is_down_though_nobody_would_stop_it_then(begin):
    """Between 5:30 and 7:30 a stop is not worth it any more; the calendar of a Tokyo office began there, without its start."""
    assert said(transitions(cluster(), RULES, at(begin), 1))[0] == ("Tue 07:30", "start")


def test_a_transition_at_the_very_begin_counts_and_at_the_very_end_does_not():
    assert said(transitions(cluster(), RULES, at("Mon 19:00"), 1)) == [("Mon 19:00", "stop"), ("Tue 07:30", "start")]


@pytest.mark.parametrize(
    "seen",
    [
        cluster(env="prod"),
        cluster(env=None),
        cluster(tags={"lamplighter-exclude": "true"}),
        cluster(node_provisioning="Auto"),
    ],
)
def test_what_will_be_refused_is_no_transition(seen):
    assert transitions(seen, RULES, MONDAY, 7) == ()


def test_pools_by_themselves():
    found = transitions(with_pool(pool("batch1"), pool("batch2")), policy(BATCH), MONDAY, 1)
    assert said(found) == [
        ("Mon 07:30", "start batch1"),
        ("Mon 07:30", "start batch2"),
        ("Mon 19:00", "stop batch1"),
        ("Mon 19:00", "stop batch2"),
    ]


def test_pools_go_down_with_their_cluster_and_come_back_with_it():
    both = policy(OFFICE, BATCH.replace("office", "early"))
    assert said(transitions(with_pool(), both, MONDAY, 1)) == [
        ("Mon 07:30", "start"),
        ("Mon 07:30", "start batch"),  # on Friday it was stopped on its own
        ("Mon 15:00", "stop batch"),
        ("Mon 19:00", "stop"),
    ]
    late = policy(OFFICE, BATCH.replace("office", "late"))
    assert said(transitions(with_pool(), late, MONDAY, 1)) == [
        ("Mon 07:30", "start"),  # and the pool with it
        ("Mon 07:30", "stop batch"),
        ("Mon 12:00", "start batch"),
        ("Mon 19:00", "stop"),
    ]


def test_a_freeze_moves_a_stop_to_its_end():
    extra = "freezes:\n  - {name: q, from: 2026-12-07T18:00, to: 2026-12-07T22:00, hold: [stop]}\n"
    assert said(transitions(cluster(), policy(OFFICE, extra=extra), MONDAY, 1))[-1] == ("Mon 22:00", "stop")


def test_min_uptime_moves_a_stop():
    short = HEAD.format(mode="act").replace("07:30-19:00", "07:30-07:40") + f"rules:\n{OFFICE}\n"
    assert said(transitions(cluster(), read_policy(short, "p"), MONDAY, 1)) == [
        ("Mon 07:30", "start"),
        ("Mon 08:00", "stop"),
    ]


def test_a_gap_shorter_than_min_off_is_no_stop():
    lunch = HEAD.format(mode="act").replace("[Mon-Fri 07:30-19:00]", '["Mon 08:00-12:00", "Mon 13:00-17:00"]')
    rules = read_policy(f"{lunch}rules:\n{OFFICE}\n", "p")
    assert said(transitions(cluster(), rules, MONDAY, 1)) == [("Mon 08:00", "start"), ("Mon 17:00", "stop")]


def test_a_keep_on_tag_ends_where_its_longest_time_does():
    """Seen first when the forecast begins: three days, whatever the tag says."""
    tagged = cluster(tags={"lamplighter-keep-on-until": "2026-12-20"})
    found = said(transitions(tagged, RULES, at("Mon 00:00"), 7))
    assert found[:3] == [("Thu 00:00", "stop"), ("Thu 07:30", "start"), ("Thu 19:00", "stop")]


def test_a_keep_off_tag_and_then_the_rule():
    tagged = cluster(tags={"lamplighter-keep-off-until": "2026-12-08T12:00"})
    found = said(transitions(tagged, RULES, at("Mon 00:00"), 2))
    assert found == [("Tue 12:00", "start"), ("Tue 19:00", "stop")]


@pytest.mark.parametrize("schedule", ["always", "never"])
def test_a_schedule_without_transitions(schedule):
    rules = policy(OFFICE.replace("schedule: office", f"schedule: {schedule}"))
    assert transitions(cluster(), rules, MONDAY, 30) == ()


def test_the_calendar_of_a_fleet_has_one_entry_per_cluster():
    found = list(calendar([cluster("a"), cluster("b", env="prod")], RULES, MONDAY, 1))
    assert [len(one) for one in found] == [2, 0]


def test_a_big_fleet_starts_earlier():
    """The last of 170 starts leaves two minutes after the first, and has to be up in time too."""
    fleet = [cluster(f"c{number}") for number in range(170)]
    assert next(iter(calendar(fleet, RULES, MONDAY, 1)))[0].at == at("Mon 07:30") - 2 * MINUTE
    assert expected_facts(fleet, RULES).matched == 170


def test_a_steady_plan():
    fleet = [cluster("a"), stopped("b"), cluster("p", env="prod"), cluster("u", env=None)]
    plan = steady_plan(fleet, RULES, at("Mon 22:00"))
    assert [(one.cluster.rpartition("/")[2], one.shown_action) for one in plan.decisions] == [
        ("a", "stop"), ("b", "none"), ("p", "none"), ("u", "none"),
    ]  # fmt: skip
    by_day = steady_plan(fleet, RULES, at("Mon 12:00"))
    assert [one.shown_action for one in by_day.decisions] == ["none", "start", "none", "none"]


def test_a_steady_plan_of_a_policy_that_only_plans_shows_the_same():
    assert steady_plan([cluster()], policy(OFFICE, mode="plan"), at("Mon 22:00")).decisions[0].verdict is Verdict.PLAN


def test_inside_any_shows_its_starts():
    rules = policy(OFFICE.replace("office}", "office, inside: any}"))
    assert said(transitions(cluster(), rules, at("Mon 12:00"), 1)) == [("Mon 19:00", "stop"), ("Tue 07:30", "start")]


SCHEDULES = st.sampled_from(["office", "early", "late", "bangalore", "[office, bangalore]"])
MORE = st.sampled_from(["", ", lead: 25m", ", inside: any"])


@given(SCHEDULES, MORE, st.integers(0, 6 * 24 * 12 - 1))
@settings(max_examples=60, deadline=None)
def test_a_calendar_says_what_ticks_then_do(schedule, more, start):
    """A day of ticks, every five minutes, in a world that obeys at once, does exactly what was foretold."""
    rules = policy(OFFICE.replace("schedule: office", f"schedule: {schedule}{more}"))
    begin = MONDAY + start * 5 * MINUTE
    found = said(transitions(cluster(), rules, begin, 1))
    # Steady state just before: what the rules want there, with everything adopted long ago and warned in time.
    before = transitions(cluster(), rules, begin - 7 * 24 * 60 * MINUTE, 7)
    state = Power.STOPPED if before and before[-1].action == "stop" else Power.RUNNING
    seen = cluster() if state is Power.RUNNING else stopped()
    life = Life(seen, rules, adopted(rules, seen))
    life.until(begin - 5 * MINUTE, begin - 60 * MINUTE)
    life.did.clear()
    if life.seen.power is not state:
        return  # the hour before was used to stop or start what the week before had not settled
    life.until(begin + 24 * 60 * MINUTE - 5 * MINUTE)
    assert life.did == found
