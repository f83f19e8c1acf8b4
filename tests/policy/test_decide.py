"""The decision itself: production, pools, ids, nights when the clocks change, and properties over any world."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings

from shared.model.actions import GrowPool, SetTier
from shared.model.decisions import Decision, Reason, Verdict, decision_id
from shared.model.facts import View
from shared.model.fleet import Power
from shared.model.memory import Memory, Warned, Wish
from shared.model.money import ListPrice, Money
from shared.policy.decide import _in_turn, decide
from shared.policy.document import Policy, read_policy
from shared.policy.forecast import transitions
from shared.policy.remember import conclude, observe
from shared.policy.voices import hear, heard, owner_of
from tests.policy.builders import (
    BATCH,
    DAY,
    HEAD,
    LONG_AGO,
    OFFICE,
    Life,
    adopted,
    at,
    cluster,
    decided,
    keep_on,
    policy,
    pool,
    reasons,
    stopped,
    view,
    with_pool,
    with_target,
)
from tests.policy.worlds import cases

EVENING = at("Mon 19:00")
UNWARNED = "warn_before_stop: 0m"


def production_is_never_disrupted(seen: View, rules: Policy, now: datetime) -> None:
    """Whatever the policy says: production, and what nobody matched, is started at most."""
    views = [seen]
    if not rules.environment_of(seen.cluster).production:
        views = [replace(seen, cluster=replace(seen.cluster, tags=tags)) for tags in ({"environment": "prod"}, {})]
    for one in views:
        if not rules.environment_of(one.cluster).production:
            continue
        for decision in going(one, rules, now):
            assert decision.action.in_production
            assert not decision.action.disruptive


def every_target_gets_one_answer_the_same_each_time(seen: View, rules: Policy, now: datetime) -> None:
    decisions = decide(seen, rules, now)
    assert decisions == decide(seen, rules, now, owner_of(seen.cluster, rules))
    assert decisions[0].target == seen.cluster.id
    named = [decision.target for decision in decisions]
    assert len(set(named)) == len(named)
    assert named[1:] == sorted(named[1:])
    spoken_for = {one.pool for one in hear(seen, rules, now).proposals if one.pool is not None}
    assert spoken_for <= {decision.pool for decision in decisions}
    assert all(decision.message and decision.policy_hash == rules.hash for decision in decisions)


def what_is_not_understood_is_not_touched(seen: View, rules: Policy, now: datetime) -> None:
    for decision in going(seen, rules, now):
        assert seen.cluster.problem is None
        assert seen.cluster.provisioning_state
        assert Power.UNKNOWN not in (seen.cluster.power, seen.cluster.power_of(decision.pool))
        assert not owner_of(seen.cluster, rules).problems
        assert not owner_of(seen.cluster, rules).tags.exclude
        assert decision.action.goal.power is not seen.cluster.power_of(decision.pool)


def no_stop_goes_without_its_warning_on_record(seen: View, rules: Policy, now: datetime) -> None:
    for decision in going(seen, rules, now):
        if decision.verdict is not Verdict.ACT or not decision.action.disruptive or seen.memory.steady:
            continue
        speaker = next((rule for rule in rules.rules if rule.name == decision.rule), None)
        if rules.guards_for(rules.environment_of(seen.cluster), speaker).warn_before_stop:
            warned = seen.memory.target(decision.pool).warned
            assert warned.cause.startswith(decision.cause)
            assert warned.due_at <= now


def what_was_done_is_not_done_again(seen: View, rules: Policy, now: datetime) -> None:
    memory = observe(seen.memory, seen.cluster, owner_of(seen.cluster, rules).rules, now)
    decisions = decide(replace(seen, memory=memory), rules, now)
    about, done = seen.cluster, [one for one in decisions if goes(one)]
    for one in done:
        power = one.action.goal.power
        pools = tuple(replace(p, power=power) if one.pool in (None, p.name.casefold()) else p for p in about.pools)
        about = replace(about, power=power if one.pool is None else about.power, pools=pools)
    later = replace(seen, cluster=about, memory=conclude(memory, decisions, now))
    assert {one.target for one in done}.isdisjoint(one.target for one in going(later, rules, now))


def one_write_at_a_time(seen: View, rules: Policy, now: datetime) -> None:
    assert sum(one.verdict is Verdict.ACT for one in decide(seen, rules, now)) <= 1


def goes(decision: Decision) -> bool:
    return decision.action is not None and decision.verdict in (Verdict.ACT, Verdict.PLAN)


def going(seen: View, rules: Policy, now: datetime) -> list[Decision]:
    return [decision for decision in decide(seen, rules, now) if goes(decision)]


@given(cases())
@settings(
    max_examples=10_000 if os.environ.get("LAMPLIGHTER_SOAK") else 400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_whatever_azure_a_journal_a_policy_or_an_owner_may_say(case):
    production_is_never_disrupted(*case)
    every_target_gets_one_answer_the_same_each_time(*case)
    what_is_not_understood_is_not_touched(*case)
    no_stop_goes_without_its_warning_on_record(*case)
    what_was_done_is_not_done_again(*case)
    one_write_at_a_time(*case)


class TestProductionInCode:
    def test_a_rule_without_match_is_about_everything_else(self):
        rules = policy("  - {name: all, hours: {schedule: never, enforce: true}}", guards=UNWARNED)
        assert decided(view(cluster()), rules, EVENING).verdict is Verdict.ACT
        assert decided(view(cluster(env="prod")), rules, EVENING).reason is Reason.PRODUCTION
        assert decided(view(cluster(env=None)), rules, EVENING).reason is Reason.PRODUCTION

    def test_a_glob_does_not_name_production(self):
        rules = policy("  - {name: all, match: {environments: ['*']}, hours: {schedule: never, enforce: true}}")
        decision = decided(view(cluster(env="prod")), rules, EVENING)
        assert (decision.verdict, decision.reason) == (Verdict.NONE, Reason.PRODUCTION)
        assert decision.message == "production (prod); no rule speaks for it"


class TestPools:
    RULES = policy(BATCH, guards=UNWARNED)

    def test_pools_stop_and_start_one_at_a_time(self):
        life = Life(with_pool(pool("batch1"), pool("batch2"), pool("web")), policy(BATCH))
        life.until(at("Tue 08:00"), at("Mon 18:00"))
        assert life.did == [
            ("Mon 19:00", "stop batch1"),
            ("Mon 19:05", "stop batch2"),
            ("Tue 07:30", "start batch1"),
            ("Tue 07:35", "start batch2"),
        ]
        assert life.said("stop_soon") == ["Mon 18:45", "Mon 18:45"], "each pool is told by its name"

    def test_the_second_says_what_it_waits_for(self):
        seen = with_pool(pool("batch1"), pool("batch2"))
        decisions = decide(view(seen, adopted(self.RULES, seen)), self.RULES, EVENING)
        assert reasons(decisions) == [
            (None, Verdict.NONE, Reason.NO_RULE),
            ("batch1", Verdict.ACT, Reason.OFF_HOURS),
            ("batch2", Verdict.DEFER, Reason.WAITS_FOR),
        ]
        assert decisions[2].message == "waits for stop of batch1"
        assert decisions[0].message == "no rule speaks for the cluster as a whole"

    def test_a_fallback_does_not_wait_for_the_clusters_tier(self):
        """Lower levels go first, whoever they belong to: nodes that are missing now before what can be done any day."""
        seen = with_pool()
        tier = SetTier(seen.id, to="Free")
        grow = GrowPool(seen.id, "batch", count=5, urgent=True)
        said = [
            Decision("1", seen.id, seen.id, tier, Verdict.ACT, Reason.TIER, "tier", "sla", "tier"),
            Decision("2", seen.id, grow.target, grow, Verdict.ACT, Reason.FALL_BACK, "grow", "web", "more"),
        ]
        assert [(d.verdict, d.reason) for d in _in_turn(said)] == [
            (Verdict.DEFER, Reason.WAITS_FOR),
            (Verdict.ACT, Reason.FALL_BACK),
        ]
        assert _in_turn(said)[0].message == "waits for grow of batch"
        assert _in_turn([said[0], replace(said[1], verdict=Verdict.DEFER)])[0].verdict is Verdict.ACT

    def test_a_cluster_that_stops_takes_its_pools_along(self):
        rules = policy(OFFICE, BATCH, guards=UNWARNED)
        seen = with_pool()
        decisions = decide(view(seen, adopted(rules, seen)), rules, EVENING)
        assert reasons(decisions) == [
            (None, Verdict.ACT, Reason.OFF_HOURS),
            ("batch", Verdict.NONE, Reason.SUPERSEDED),
        ]
        assert decisions[1].action is None

    def test_a_stop_that_is_only_planned_supersedes_nothing_that_is_done(self):
        planned = OFFICE.replace("hours:", "mode: plan, hours:")
        rules = policy(planned, BATCH, guards=UNWARNED)
        seen = with_pool()
        decisions = decide(view(seen, adopted(rules, seen)), rules, EVENING)
        assert [one.verdict for one in decisions] == [Verdict.PLAN, Verdict.ACT]

    def test_in_a_plan_the_pools_of_a_cluster_that_stops_are_superseded_too(self):
        rules = policy(OFFICE, BATCH, mode="plan")
        assert reasons(decide(view(with_pool()), rules, EVENING))[1][2] is Reason.SUPERSEDED

    def test_in_a_plan_every_pool_is_shown(self):
        rules = policy(BATCH, mode="plan")
        decisions = decide(view(with_pool(pool("batch1"), pool("batch2"))), rules, EVENING)
        assert [one.verdict for one in decisions[1:]] == [Verdict.PLAN, Verdict.PLAN]

    def test_system_pools_are_left_alone_by_a_glob_that_names_them(self):
        rules = policy(BATCH.replace("batch*", "*"), guards=UNWARNED)
        seen = with_pool()
        decisions = decide(view(seen, adopted(rules, seen)), rules, EVENING)
        assert reasons(decisions)[1:] == [
            ("batch", Verdict.ACT, Reason.OFF_HOURS),
            ("system", Verdict.REFUSE, Reason.SYSTEM_POOL),
        ]

    def test_pool_names_are_compared_without_case(self):
        seen = with_pool(pool("Batch"))
        decision = decided(view(seen, adopted(self.RULES, seen)), self.RULES, EVENING, "batch")
        assert decision.target.endswith("/agentpools/batch")
        assert decision.verdict is Verdict.ACT

    def test_a_cluster_without_such_pools_has_no_rule(self):
        assert reasons(decide(view(cluster()), self.RULES, EVENING)) == [(None, Verdict.NONE, Reason.NO_RULE)]
        assert decide(view(cluster()), self.RULES, EVENING)[0].message == "no rule speaks for it"


class TestIds:
    """The same occasion has the same id on every machine, in every process, in every version: queues outlive them."""

    def test_golden(self):
        assert decision_id("/c", "stop_cluster", "office:stopped:2026-12-07T18:00:00Z", 0) == (
            "af54680376dd9709e432308a2d88ff41"
        )

    def test_golden_of_whole_decisions(self):
        rules = policy(OFFICE, guards=UNWARNED)
        stop = decided(view(cluster(), adopted(rules, cluster())), rules, EVENING)
        assert (stop.cause, stop.id) == (
            "office-hours:stopped:2026-12-07T18:00:00Z",
            "e19be5b1c8cd2404c631a0758511dbaf",
        )
        start = decided(view(stopped(), adopted(rules, stopped())), rules, at("Tue 07:30"))
        assert (start.cause, start.id) == (
            "office-hours:running:2026-12-08T06:30:00Z",
            "d5b8fdfc782c14f534f8e5c4872133f3",
        )

    def test_another_process_with_another_hash_seed_agrees(self):
        code = (
            "from tests.policy.builders import *\n"
            "rules = policy(OFFICE, BATCH, guards='warn_before_stop: 0m')\n"
            "seen = with_pool()\n"
            "print([d.id for d in decide(view(seen, adopted(rules, seen)), rules, at('Mon 19:00'))])\n"
        )
        said = {
            subprocess.run(
                [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PATH": ""}, check=True, capture_output=True
            ).stdout
            for seed in ("1", "2")
        }
        assert len(said) == 1

    def test_each_occasion_each_target_and_each_generation_has_its_own(self):
        rules = policy(BATCH, guards=UNWARNED)
        seen = with_pool(pool("batch1"), pool("batch2"))
        memory = adopted(rules, seen)
        ids = [
            one.id
            for generation in (0, 1)
            for now in (EVENING, at("Tue 19:00"))
            for one in decide(view(seen, replace(memory, generation=generation)), rules, now)
            if one.action is not None
        ]
        assert len(set(ids)) == len(ids) == 8

    def test_a_tick_later_it_is_still_the_same(self):
        rules = policy(OFFICE, guards=UNWARNED)
        memory = adopted(rules, cluster())
        assert (
            len({decided(view(cluster(), memory), rules, EVENING + n * timedelta(minutes=5)).id for n in range(9)}) == 1
        )


PRICES = {("westeurope", "standard_d4s_v5"): ListPrice(Money(Decimal("0.20"), "USD"))}


class TestEstimates:
    def saving(self, seen, now=EVENING, rules=None, pool_name=None, prices=None):
        rules = rules or policy(OFFICE, guards=UNWARNED)
        known = replace(view(seen, adopted(rules, seen)), prices=PRICES if prices is None else prices)
        return decided(known, rules, now, pool_name).estimated_saving

    def test_a_stop_saves_until_it_is_needed_again(self):
        """Three nodes at 0.20 from 19:00 to 7:30."""
        assert self.saving(cluster()) == Money(Decimal("0.6") * Decimal("12.5"), "USD")

    def test_of_a_pool_its_own_nodes(self):
        rules = policy(BATCH, guards=UNWARNED)
        assert self.saving(with_pool(pool(count=1)), rules=rules, pool_name="batch").amount == Decimal("2.5")

    def test_unknown_is_never_free(self):
        assert self.saving(cluster(), prices={}) is None
        assert self.saving(cluster(tier=None)) is None
        assert self.saving(with_pool(pool(count=None)), rules=policy(BATCH, guards=UNWARNED), pool_name="batch") is None

    def test_a_start_saves_nothing(self):
        assert self.saving(stopped(), at("Tue 07:30")) is None

    def test_what_never_runs_again_has_no_end_to_count_to(self):
        never = OFFICE.replace("schedule: office", "schedule: never, enforce: true")
        assert self.saving(cluster(), rules=policy(never, guards=UNWARNED)) is None


# Zone, the night, local hours, then starts and stops in UTC.
NIGHTS = [
    ("Europe/Berlin", "2026-03-29", "01:30-03:30", ["2026-03-29T00:30"], ["2026-03-29T01:30"]),
    ("Europe/Berlin", "2026-03-29", "02:15-02:45", [], []),
    ("Europe/Berlin", "2026-10-25", "01:30-02:30", ["2026-10-24T23:30"], ["2026-10-25T01:30"]),
    ("Europe/Berlin", "2026-10-25", "02:30-04:00", ["2026-10-25T00:30"], ["2026-10-25T03:00"]),
    ("America/New_York", "2026-11-01", "01:15-01:45", ["2026-11-01T05:15"], ["2026-11-01T06:45"]),
    ("Australia/Lord_Howe", "2026-10-04", "01:00-02:15", ["2026-10-03T14:30"], ["2026-10-03T15:30"]),
    ("Australia/Lord_Howe", "2026-04-05", "01:45-03:00", ["2026-04-04T14:45"], ["2026-04-04T16:30"]),
    ("Asia/Kolkata", "2026-03-29", "02:00-04:00", ["2026-03-28T20:30"], ["2026-03-28T22:30"]),
]


class TestNightsWhenTheClocksChange:
    def rules(self, zone: str, hours: str) -> Policy:
        head = HEAD.format(mode="act").replace(
            "office: {running: [Mon-Fri 07:30-19:00]}", f"office: {{running: [Sun {hours}]}}"
        )
        return read_policy(f"{head}rules:\n{OFFICE}\nguards: {{min_off: 0m}}\n".replace("Europe/Berlin", zone), "p")

    @pytest.mark.parametrize(("zone", "night", "hours", "starts", "stops"), NIGHTS)
    def test_one_start_and_one_stop_by_forecast_and_by_ticks(self, zone, night, hours, starts, stops):
        """A window is a pair of instants: it cannot flap, whatever the wall clock does."""
        rules = self.rules(zone, hours)
        noon = datetime.fromisoformat(night).replace(tzinfo=ZoneInfo(zone)) - timedelta(hours=12)
        begin = noon.astimezone(UTC)
        said = transitions(stopped(), rules, begin, 2)
        shown = {verb: [f"{one.at:%Y-%m-%dT%H:%M}" for one in said if one.action == verb] for verb in ("start", "stop")}
        assert shown == {"start": starts, "stop": stops}
        memory = adopted(rules, stopped())
        life = Life(stopped(), read_policy_with_no_dwell(rules), memory)
        done = []
        for minute in range(0, 2 * 24 * 60, 5):
            now = begin + timedelta(minutes=minute)
            count = len(life.did)
            life.tick(now)
            done += [(life.did[-1][1], f"{now:%Y-%m-%dT%H:%M}")] if len(life.did) > count else []
        assert done == [("start", one) for one in starts] + [("stop", one) for one in stops]

    @pytest.mark.parametrize(
        ("night", "begins", "ends"), [("2026-03-29", "05:30", "17:00"), ("2026-10-25", "06:30", "18:00")]
    )
    def test_office_hours_keep_to_the_wall(self, night, begins, ends):
        """7:30 in Berlin is another hour in UTC before the change than after it, and the same on the wall."""
        after = datetime.fromisoformat(night).replace(tzinfo=UTC) + DAY
        said = transitions(cluster(), policy(OFFICE), after, 1)
        assert [f"{one.at:%H:%M}" for one in said] == [begins, ends]
        wall = [f"{one.at.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" for one in said]
        assert wall == ["07:30", "19:00"]


def read_policy_with_no_dwell(rules: Policy) -> Policy:
    """The same without waiting times, which forecasts of single windows are not about."""
    object.__setattr__(rules, "guards", {**rules.guards, "min_uptime": timedelta(0), "warn_before_stop": timedelta(0)})
    rules._guards.clear()
    return rules


def test_the_message_of_a_decision_is_for_people():
    rules = policy(OFFICE, guards=UNWARNED)
    decision = decided(view(cluster(), adopted(rules, cluster())), rules, EVENING)
    assert decision.message == "stop: outside office until Tue 8 Dec 07:30"
    assert (decision.until, decision.expires_at) == (at("Tue 07:30"), EVENING + timedelta(minutes=15))
    start = decided(view(stopped(), adopted(rules, stopped())), rules, at("Tue 07:30"))
    assert start.expires_at == at("Tue 08:30")


def test_a_late_start_is_expected_by_the_windows_begin_not_by_its_lead():
    rules = policy(OFFICE.replace("office}", "office, lead: 20m}"))
    decision = decided(view(stopped(), adopted(rules, stopped())), rules, at("Tue 07:10"))
    assert (decision.ready_by, decision.due_at) == (at("Tue 07:30"), at("Tue 07:10"))
    planned = policy(OFFICE.replace("office}", "office, lead: 20m}"), mode="plan")
    assert decided(view(stopped()), planned, at("Tue 07:10")).ready_by is None, "nobody waits for a plan"


def test_a_warning_stands_until_another_occasion():
    rules = policy(OFFICE)
    memory = with_target(adopted(rules, cluster()), warned=Warned("x", LONG_AGO, LONG_AGO))
    ahead = decided(view(cluster(), memory), rules, at("Mon 18:50"))
    concluded = conclude(memory, [ahead], at("Mon 18:50"))
    assert concluded.target(None).warned.due_at == at("Mon 19:05")
    assert conclude(concluded, [ahead], at("Mon 18:55")) is concluded


def test_hearing_and_heard_are_what_decide_uses():
    """`explain` shows voices: they must be the ones that decided."""
    rules = policy(OFFICE)
    memory = Memory(cluster().id, holds=(keep_on(at("Mon 18:00"), at("Tue 12:00")),))
    seen = view(cluster(), memory)
    chorus = heard(hear(seen, rules, at("Mon 22:00")).proposals)
    decision = decided(seen, rules, at("Mon 22:00"))
    assert (chorus[0].rule, chorus[0].wish) == (decision.rule, decision.wish) == ("command", Wish.RUNNING)
