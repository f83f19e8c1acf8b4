"""What may go now: the stop budget in its sliding window, the breaker, pacing per subscription and region."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.actions import StartCluster, StopCluster
from shared.model.decisions import Decision, Reason, Verdict
from shared.model.facts import FleetFacts
from shared.model.money import Money
from shared.policy.admit import admit, allowed
from shared.policy.bound import StopBudget
from shared.policy.facts import BURST, pace
from tests.policy.builders import HOUR, MINUTE, policy

NOW = datetime(2026, 12, 7, 18, 0, tzinfo=UTC)
FREE = policy()
TWO = policy(guards="stops: {at_most: 2, within: 1h}")


def stop(number: int, saving: int | None = None, verdict: Verdict = Verdict.ACT, lane=("s", "w")) -> Decision:
    about = f"/c{number:04d}"
    money = None if saving is None else Money(Decimal(saving), "USD")
    return Decision(
        f"stop{number}", about, about, StopCluster(about), verdict, Reason.OFF_HOURS, "stop: off", "r", "c",
        estimated_saving=money, lane=lane,
    )  # fmt: skip


def start(number: int) -> Decision:
    about = f"/c{number:04d}"
    return replace(stop(number), id=f"start{number}", action=StartCluster(about), reason=Reason.IN_HOURS)


CALM = FleetFacts()


def reasons(decisions, facts=CALM, rules=TWO) -> list[Reason]:
    return [one.reason for one in admit(decisions, facts, rules, NOW).decisions]


class TestBudget:
    def test_the_biggest_savings_go_first(self):
        plan = admit([stop(1, 1), stop(2, 9), stop(3), stop(4, 5)], FleetFacts(), TWO, NOW)
        assert [one.id for one in plan.admitted] == ["stop2", "stop4"]
        assert plan.decisions[0].reason is Reason.STOP_BUDGET
        assert "the stop budget of 2 within 1h is spent" in plan.decisions[0].message
        assert plan.decisions[0].not_before == NOW + HOUR
        assert plan.at == NOW

    def test_equal_savings_go_by_name_so_that_two_machines_agree(self):
        plan = admit([stop(3), stop(1), stop(2)], FleetFacts(), TWO, NOW)
        assert [one.id for one in plan.admitted] == ["stop1", "stop2"]

    @pytest.mark.parametrize(("ago", "goes"), [(59, 1), (60, 2)])
    def test_the_window_slides(self, ago, goes):
        facts = FleetFacts(recent_stops=(NOW - ago * MINUTE,))
        plan = admit([stop(1), stop(2), stop(3)], facts, TWO, NOW)
        assert len(plan.admitted) == goes
        if goes == 1:
            assert plan.decisions[2].not_before == NOW + MINUTE, "when the oldest one leaves the window"

    def test_a_share_is_of_what_rules_match_and_at_least_one(self):
        quarter = policy(guards="stops: {at_most: 25%, within: 1h}")
        many = [stop(number) for number in range(10)]
        for matched, goes in ((0, 1), (3, 1), (10, 2), (16, 4)):
            assert len(admit(many, FleetFacts(matched=matched), quarter, NOW).admitted) == goes
        assert "25 %" in admit(many, FleetFacts(matched=4), quarter, NOW).decisions[-1].message

    def test_what_is_in_the_queue_was_counted_when_it_was_sent(self):
        facts = FleetFacts(recent_stops=(NOW, NOW), queued=frozenset({"stop1"}))
        assert reasons([stop(1), stop(2)], facts) == [Reason.OFF_HOURS, Reason.STOP_BUDGET]

    def test_starts_are_no_stops(self):
        assert reasons([start(number) for number in range(5)]) == [Reason.IN_HOURS] * 5

    def test_what_is_only_planned_takes_no_place_from_what_is_done(self):
        """A rehearsed rule with big savings must not keep the real one from stopping anything."""
        planned = [stop(number, 100, Verdict.PLAN) for number in (1, 2)]
        plan = admit([*planned, stop(3, 1), stop(4, 1)], FleetFacts(), TWO, NOW)
        assert [one.id for one in plan.admitted] == ["stop3", "stop4"]
        assert [one.reason for one in plan.decisions[:2]] == [Reason.STOP_BUDGET] * 2

    def test_without_a_budget_all_go(self):
        assert reasons([stop(number) for number in range(50)], rules=FREE) == [Reason.OFF_HOURS] * 50

    def test_a_count_is_a_count(self):
        assert allowed(StopBudget(3, HOUR), 10) == 3
        assert allowed(StopBudget(Fraction(1, 4), HOUR), 10) == 2


class TestBreaker:
    OPEN = FleetFacts(breaker_open=True, breaker_reason="5 actions failed within 60 minutes")

    def test_it_holds_what_disrupts_and_nothing_else(self):
        assert reasons([start(1), stop(2)], self.OPEN) == [Reason.IN_HOURS, Reason.BREAKER]
        message = admit([stop(2)], self.OPEN, TWO, NOW).decisions[0].message
        assert message == "stop: off, but the breaker is open: 5 actions failed within 60 minutes"

    def test_half_open_lets_one_action_through(self):
        half = replace(self.OPEN, breaker_probe=True)
        assert reasons([stop(1, 1), stop(2, 9), stop(3, 5)], half) == [Reason.BREAKER, Reason.OFF_HOURS, Reason.BREAKER]

    def test_the_one_is_not_used_up_by_what_the_budget_holds(self):
        half = replace(self.OPEN, breaker_probe=True, recent_stops=(NOW, NOW))
        assert reasons([stop(1), start(2)], half) == [Reason.STOP_BUDGET, Reason.IN_HOURS]


class TestPacing:
    def test_each_subscription_and_region_has_a_pace_of_its_own(self):
        here = [stop(number, lane=("s", "w")) for number in range(BURST + 2)]
        there = stop(9999, lane=("s", "e"))
        plan = admit([*here, there], FleetFacts(), FREE, NOW)
        waits = [one.not_before for one in plan.decisions]
        assert waits[:BURST] == [None] * BURST
        # The first one after the burst still goes at once, then one a second.
        assert waits[BURST:] == [None, NOW + timedelta(seconds=1), None]

    def test_starts_leave_before_stops(self):
        many = [stop(number) for number in range(BURST + 5)] + [start(5000)]
        assert admit(many, FleetFacts(), FREE, NOW).decisions[-1].not_before is None

    def test_the_pace(self):
        assert [pace(at).total_seconds() for at in (0, BURST, BURST + 1, BURST + 90)] == [0, 0, 1, 90]


@st.composite
def decisions(draw):
    made = []
    for number in range(draw(st.integers(0, 12))):
        saving = draw(st.none() | st.integers(0, 50))
        one = draw(st.sampled_from([start(number), stop(number, saving), stop(number, saving, Verdict.PLAN)]))
        if draw(st.integers(0, 4)) == 0:
            verdict = draw(st.sampled_from([Verdict.NONE, Verdict.REFUSE, Verdict.DEFER]))
            action = None if verdict is Verdict.NONE else one.action
            one = replace(one, verdict=verdict, action=action, reason=Reason.AS_WISHED)
        made.append(one)
    return tuple(made)


facts = st.builds(
    FleetFacts,
    matched=st.integers(0, 40),
    recent_stops=st.lists(st.integers(0, 90).map(lambda ago: NOW - ago * MINUTE), max_size=5).map(
        lambda stops: tuple(sorted(stops))
    ),
    queued=st.frozensets(st.integers(0, 12).map(lambda number: f"stop{number}"), max_size=2),
    breaker_open=st.booleans(),
    breaker_probe=st.booleans(),
)
rules = st.sampled_from([FREE, TWO, policy(guards="stops: {at_most: 10%, within: 30m}")])


@given(decisions(), facts, rules)
@settings(max_examples=300, deadline=None)
def test_nothing_is_added_reordered_or_made_of_nothing(given_, seen, chosen):
    plan = admit(given_, seen, chosen, NOW)
    assert [one.id for one in plan.decisions] == [one.id for one in given_]
    for before, after in zip(given_, plan.decisions, strict=True):
        if before.verdict not in (Verdict.ACT, Verdict.PLAN) or before.action is None:
            assert after == before
        elif after.verdict is not before.verdict:
            assert (after.verdict, before.action.disruptive) == (Verdict.DEFER, True)
            assert after.reason in (Reason.STOP_BUDGET, Reason.BREAKER)
    assert plan == admit(given_, seen, chosen, NOW)


@given(decisions(), facts, rules)
@settings(max_examples=300, deadline=None)
def test_the_budget_is_never_exceeded_in_its_window(given_, seen, chosen):
    from shared.policy.bound import UNMATCHED

    budget = chosen.guards_for(UNMATCHED, None).stops
    fresh = [
        one for one in admit(given_, seen, chosen, NOW).admitted if one.action.disruptive and one.id not in seen.queued
    ]
    if budget is not None:
        before = sum(NOW - at < budget.within for at in seen.recent_stops)
        assert len(fresh) <= max(0, allowed(budget, seen.matched) - before)
    if seen.breaker_open:
        assert len(fresh) <= seen.breaker_probe


@given(decisions(), facts)
@settings(max_examples=300, deadline=None)
def test_what_saves_more_is_never_held_for_what_saves_less(given_, seen):
    plan = admit(given_, seen, TWO, NOW)
    amount = {one.id: one.estimated_saving.amount if one.estimated_saving else Decimal(0) for one in given_}
    going = [one for one in plan.admitted if one.action.disruptive and one.id not in seen.queued]
    held = [one for one, was in zip(plan.decisions, given_, strict=True)
            if was.verdict is Verdict.ACT and one.verdict is Verdict.DEFER]  # fmt: skip
    if going and held:
        assert min(amount[one.id] for one in going) >= max(amount[one.id] for one in held)


def test_an_environment_and_a_rule_may_have_a_stop_budget_of_their_own():
    """A value replaces: sandboxes stop all at once, a careful rule one an hour, and neither eats the file's budget."""
    from shared.clients.reading import cluster_from
    from shared.policy.document import read_policy
    from shared.policy.forecast import steady_plan

    text = """
version: 1
mode: act
timezone: Europe/Berlin
scope: all
environments:
  - {name: sandbox, match: {names: ["sbx-*"]}, guards: {stops: {at_most: 100%, within: 1h}}}
  - {name: dev, match: {names: ["*"]}}
schedules: {office: {running: [Mon-Fri 07:30-19:00]}}
rules:
  - {name: careful, match: {names: ["db-*"]}, hours: {schedule: office}, guards: {stops: {at_most: 1, within: 1h}}}
  - {name: office, match: {names: ["sbx-*", "web-*"]}, hours: {schedule: office}}
guards: {stops: {at_most: 2, within: 1h}}
"""
    group = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers"
    names = [f"{kind}-{number}" for kind in ("sbx", "web", "db") for number in range(4)]
    fleet = [
        cluster_from(
            {
                "id": f"{group}/Microsoft.ContainerService/managedClusters/{name}",
                "name": name,
                "location": "westeurope",
                "provisioningState": "Succeeded",
                "powerState": {"code": "Running"},
            }
        )
        for name in names
    ]

    plan = steady_plan(fleet, read_policy(text, "policy.yaml"), datetime(2026, 11, 23, 22, 0, tzinfo=UTC))

    stopped = [d.cluster.rpartition("/")[2] for d in plan.decisions if d.shown_action == "stop"]
    assert {kind: sum(name.startswith(kind) for name in stopped) for kind in ("sbx", "web", "db")} == {
        "sbx": 4,
        "web": 2,
        "db": 1,
    }
