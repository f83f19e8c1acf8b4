"""Guards: each one on and off at its boundary. They only refuse or defer; zero switches a time guard off."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.actions import StartCluster
from shared.model.decisions import Decision, Reason, Verdict
from shared.model.fleet import Cluster, Power
from shared.model.memory import Failure, Memory, Owed, Seen, Warned, Wish
from shared.policy.bench import Bench
from shared.policy.guards import first_objection
from shared.policy.voices import hear
from tests.policy.builders import (
    BATCH,
    DAY,
    HOUR,
    LONG_AGO,
    MINUTE,
    OFFICE,
    SYSTEM,
    adopted,
    at,
    cluster,
    decided,
    keep_off,
    policy,
    pool,
    served,
    stopped,
    view,
    with_pool,
    with_target,
)

SECOND = timedelta(seconds=1)
EVENING = at("Mon 19:00")
MORNING = at("Tue 07:30")
HUB = "/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/fleets/hub"


def stop(
    about: Cluster | None = None, now=EVENING, rules=None, pool_name=None, *, locks=None, fleet=None, **target
) -> Decision:
    """A stop that the clock wants, warned of in time; `target` is what is remembered besides."""
    rules = rules or policy(OFFICE)
    about = about or cluster()
    memory = adopted(rules, about)
    warned = Warned(f"{'batch' if pool_name else 'office-hours'}:stopped:2026-12-07T18:00:00Z", LONG_AGO, EVENING)
    memory = with_target(memory, pool_name, **{"warned": warned, **target})
    return decided(view(about, memory, locks=locks, **(fleet or {})), rules, now, pool_name)


def start(about: Cluster | None = None, now=MORNING, rules=None, *, locks=None, fleet=None, **target) -> Decision:
    rules = rules or policy(OFFICE)
    about = about or stopped()
    memory = with_target(adopted(rules, about, served=served(Wish.STOPPED, EVENING)), None, **target)
    return decided(view(about, memory, locks=locks, **(fleet or {})), rules, now)


def outcome(decision: Decision) -> tuple[Verdict, Reason]:
    return decision.verdict, decision.reason


STOPS = (Verdict.ACT, Reason.OFF_HOURS)
STARTS = (Verdict.ACT, Reason.IN_HOURS)


def test_nothing_in_the_way():
    assert outcome(stop()) == STOPS
    assert outcome(start()) == STARTS


class TestProduction:
    NAMED = "  - {name: office-hours, match: {environments: [prod]}, hours: {schedule: office}}"

    def test_a_rule_that_names_production_may_start_and_never_stop(self):
        rules = policy(self.NAMED)
        assert outcome(stop(cluster(env="prod"), rules=rules)) == (Verdict.REFUSE, Reason.PRODUCTION)
        assert outcome(start(stopped(env="prod"), rules=rules)) == STARTS

    def test_what_no_environment_matches_is_production(self):
        memory = Memory(cluster().id, holds=(keep_off(LONG_AGO, at("Fri 12:00")),))
        decision = decided(view(cluster(env=None), memory), policy(), EVENING)
        assert outcome(decision) == (Verdict.REFUSE, Reason.PRODUCTION)
        assert "no environment matches it" in decision.message

    def test_production_comes_first_among_reasons(self):
        """People read what will never work before what is only late."""
        seen = cluster(env="prod", provisioning_state="Updating", node_provisioning="Auto")
        assert stop(seen, rules=policy(self.NAMED)).reason is Reason.PRODUCTION


class TestReadable:
    @pytest.mark.parametrize(
        "seen",
        [
            cluster(problem="one of its node pools has no name"),
            cluster(power=Power.UNKNOWN),
            cluster(provisioning_state=""),
        ],
    )
    @pytest.mark.parametrize("now", [EVENING, MORNING])
    def test_what_is_not_understood_is_not_touched(self, seen, now):
        rules = policy(OFFICE)
        memory = with_target(adopted(rules, seen), served=None)
        decision = decided(view(seen, memory), rules, now)
        assert decision.action is None or decision.verdict is Verdict.REFUSE
        assert decision.verdict in (Verdict.REFUSE, Verdict.NONE)

    def test_a_reading_with_a_problem_is_not_taken_for_agreement(self):
        """Nothing was seen, so nothing is served: unknown is no observation."""
        decision = decided(view(cluster(problem="unreadable")), policy(OFFICE), at("Mon 12:00"))
        assert outcome(decision) == (Verdict.REFUSE, Reason.UNREADABLE_STATE)
        assert decision.message == "unreadable"

    def test_no_action_of_any_kind_passes_on_a_reading_that_cannot_be_trusted(self):
        seen, rules = cluster(problem="unreadable"), policy(OFFICE)
        bench = Bench(view(seen), rules, hear(view(seen), rules, EVENING), EVENING)
        case = bench.case(StartCluster(seen.id), bench.hearing.proposals[0])
        assert first_objection(case).sentence == "unreadable"

    def test_a_pool_whose_power_is_unknown(self):
        seen = with_pool(pool(power=Power.UNKNOWN))
        assert stop(seen, rules=policy(BATCH), pool_name="batch").reason is Reason.UNREADABLE_STATE


class TestSupported:
    @pytest.mark.parametrize("mode", ["Auto", "auto"])
    def test_node_auto_provisioning_is_refused_before_the_call(self, mode):
        decision = stop(cluster(node_provisioning=mode))
        assert outcome(decision) == (Verdict.REFUSE, Reason.NODE_PROVISIONING)
        assert "credential" in decision.message
        assert outcome(stop(cluster(node_provisioning="Manual"))) == STOPS

    @pytest.mark.parametrize("kind", ["AvailabilitySet", "VirtualMachines"])
    def test_only_scale_sets_stop(self, kind):
        decision = stop(with_pool(pool("old", kind=kind)))
        assert outcome(decision) == (Verdict.REFUSE, Reason.AVAILABILITY_SET)
        assert f"old ({kind})" in decision.message

    @pytest.mark.parametrize("kind", ["VirtualMachineScaleSets", "virtualmachinescalesets", None])
    def test_scale_sets_however_they_are_spelled(self, kind):
        assert outcome(stop(with_pool(pool(kind=kind)))) == STOPS

    @pytest.mark.parametrize(("mode", "reason"), [("System", Reason.SYSTEM_POOL), (None, Reason.SYSTEM_POOL)])
    def test_only_user_pools_stop(self, mode, reason):
        decision = stop(with_pool(pool(mode=mode)), rules=policy(BATCH), pool_name="batch")
        assert outcome(decision) == (Verdict.REFUSE, reason)

    def test_a_user_pool_stops_beside_a_strange_one(self):
        seen = with_pool(pool(), pool("old", kind="VirtualMachines"))
        assert outcome(stop(seen, rules=policy(BATCH), pool_name="batch")) == STOPS

    def test_a_pool_that_is_not_there(self):
        memory = Memory(cluster().id, holds=(keep_off(LONG_AGO, at("Fri 12:00"), pool="batch"),))
        decision = decided(view(cluster(), memory), policy(), EVENING, "batch")
        assert outcome(decision) == (Verdict.REFUSE, Reason.UNKNOWN_POOL)


class TestFleetMember:
    def test_refused_unless_the_policy_allows_it(self):
        decision = stop(cluster(fleet=HUB))
        assert outcome(decision) == (Verdict.REFUSE, Reason.FLEET_MEMBER)
        assert "hub" in decision.message
        assert outcome(stop(cluster(fleet=HUB), rules=policy(OFFICE, guards="fleet_members: allow"))) == STOPS

    def test_what_we_stopped_before_it_became_a_member_we_still_start(self):
        assert start(stopped(fleet=HUB)).reason is Reason.FLEET_MEMBER
        assert outcome(start(stopped(fleet=HUB), owed=Owed("office-hours", EVENING))) == STARTS


class TestLocks:
    def test_any_lock_holds_a_stop_and_only_read_only_a_start(self):
        assert outcome(stop(locks=(("keep", "CanNotDelete"),))) == (Verdict.REFUSE, Reason.LOCKED)
        assert outcome(start(locks=(("keep", "CanNotDelete"),))) == STARTS
        assert outcome(start(locks=(("keep", "ReadOnly"),))) == (Verdict.REFUSE, Reason.LOCKED)
        assert "keep (ReadOnly)" in start(locks=(("keep", "ReadOnly"),)).message
        assert outcome(stop(locks=())) == STOPS

    def test_unreadable_locks_hold_a_stop_and_not_a_start(self):
        assert outcome(stop(locks="403")) == (Verdict.REFUSE, Reason.UNREADABLE_LOCKS)
        assert outcome(start(locks="403")) == STARTS

    def test_a_lock_that_was_found_holds_until_it_is_worth_looking_again(self):
        found = Failure("stop_cluster", "locked", "locked by keep (ReadOnly)", EVENING, 1, EVENING + HOUR)
        assert outcome(stop(failure=found)) == (Verdict.REFUSE, Reason.LOCKED)
        assert stop(failure=found).message.endswith("locked by keep (ReadOnly)")
        assert outcome(stop(failure=found, locks=())) != (Verdict.REFUSE, Reason.LOCKED), "a fresh look decides"
        assert stop(failure=found, now=EVENING + HOUR).reason is not Reason.LOCKED
        assert outcome(stop(failure=replace(found, kind="start_cluster"))) == STOPS


class TestFleetWide:
    def test_an_unreadable_policy_only_starts(self):
        assert outcome(stop(fleet={"policy_readable": False})) == (Verdict.DEFER, Reason.UNREADABLE_POLICY)
        assert outcome(start(fleet={"policy_readable": False})) == STARTS

    def test_a_hold_stops_stops_and_with_all_starts_too(self):
        held = {"hold_by": "ana", "hold_reason": "incident"}
        decision = stop(fleet=held)
        assert outcome(decision) == (Verdict.DEFER, Reason.HOLD)
        assert decision.message.endswith("emergency hold by ana: incident")
        assert outcome(start(fleet=held)) == STARTS
        assert outcome(start(fleet={"hold_by": "ana", "hold_all": True})) == (Verdict.DEFER, Reason.HOLD)


class TestFreezes:
    EXTRA = "freezes:\n  - {name: quarter, from: 2026-12-07T19:00, to: 2026-12-07T21:00, hold: [%s]%s}\n"

    @pytest.mark.parametrize(
        ("now", "frozen"),
        [("Mon 19:00", True), ("Mon 20:59", True), ("Mon 21:00", False)],
    )
    def test_in_its_time(self, now, frozen):
        rules = policy(OFFICE, extra=self.EXTRA % ("stop", ""))
        decision = stop(rules=rules, now=at(now))
        assert outcome(decision) == ((Verdict.DEFER, Reason.FROZEN) if frozen else STOPS)
        if frozen:
            assert decision.not_before == at("Mon 21:00")
            assert "frozen by quarter until Mon 7 Dec 21:00" in decision.message

    @pytest.mark.parametrize(
        ("hold", "match", "frozen"),
        [
            ("start", "", False),
            ("upgrade, move, scale", "", False),
            ("upgrade, stop", "", True),
            ("stop", ", match: {environments: [dev]}", True),
            ("stop", ", match: {environments: [staging]}", False),
            ("stop", ", match: {names: [we*]}", True),
        ],
    )
    def test_of_what_it_names_for_what_it_matches(self, hold, match, frozen):
        rules = policy(OFFICE, extra=self.EXTRA % (hold, match))
        assert (stop(rules=rules).reason is Reason.FROZEN) is frozen


class TestBusy:
    @pytest.mark.parametrize(
        "state", ["Updating", "Upgrading", "Scaling", "Deleting", "SomethingNew", "Failed", "Canceled"]
    )
    def test_a_stop_wants_everything_succeeded(self, state):
        assert outcome(stop(cluster(provisioning_state=state))) == (Verdict.DEFER, Reason.BUSY)
        assert outcome(stop(with_pool(pool(provisioning_state=state)))) == (Verdict.DEFER, Reason.BUSY)

    @pytest.mark.parametrize(("state", "goes"), [("Failed", True), ("canceled", True), ("Updating", False)])
    def test_a_start_may_mend_what_failed(self, state, goes):
        assert outcome(start(stopped(provisioning_state=state))) == (STARTS if goes else (Verdict.DEFER, Reason.BUSY))

    def test_a_pool_that_does_not_say_counts_as_its_cluster(self):
        assert outcome(stop(with_pool(pool(provisioning_state="")))) == STOPS

    @pytest.mark.parametrize("state", ["Starting", "Stopping"])
    def test_what_is_on_its_way_agrees_with_nobody_yet(self, state):
        """A start that fails shows Running for a while."""
        decision = decided(view(cluster(provisioning_state=state)), policy(OFFICE), at("Mon 12:00"))
        assert outcome(decision) == (Verdict.NONE, Reason.UNDER_WAY)

    def test_a_pool_in_a_stopped_cluster_waits_for_it(self):
        seen = stopped(pools=(SYSTEM, pool()))
        memory = adopted(policy(BATCH), seen)
        decision = decided(view(seen, memory), policy(BATCH), at("Mon 12:00"), "batch")
        assert outcome(decision) == (Verdict.DEFER, Reason.CLUSTER_STOPPED)


class TestLater:
    def test_azure_asked_us_to_come_back_later(self):
        rules = policy(OFFICE)
        memory = replace(adopted(rules, stopped()), not_before=MORNING + MINUTE)
        early = decided(view(stopped(), memory), rules, MORNING)
        assert (outcome(early), early.not_before) == ((Verdict.DEFER, Reason.RETRY_LATER), MORNING + MINUTE)
        assert outcome(decided(view(stopped(), memory), rules, MORNING + MINUTE)) == STARTS

    def test_what_failed_waits_for_its_next_try(self):
        failed = Failure("start_cluster", "Quota", "no cores", MORNING, 2, MORNING + 10 * MINUTE)
        early = start(failure=failed, now=MORNING + 10 * MINUTE - SECOND)
        assert outcome(early) == (Verdict.DEFER, Reason.RETRY_LATER)
        assert "failed 2 times (Quota)" in early.message
        assert "failed once (Quota)" in start(failure=replace(failed, count=1)).message
        assert outcome(start(failure=failed, now=MORNING + 10 * MINUTE)) == STARTS

    def test_a_failed_stop_does_not_hold_back_a_start(self):
        failed = Failure("stop_cluster", "x", "x", MORNING, 9, MORNING + DAY)
        assert outcome(start(failure=failed)) == STARTS

    def test_after_a_start_that_found_no_capacity_what_is_up_stays_up(self):
        until = EVENING + DAY
        assert outcome(stop(no_stop_until=until)) == (Verdict.DEFER, Reason.NO_CAPACITY)
        assert outcome(stop(no_stop_until=EVENING)) == STOPS
        assert outcome(start(no_stop_until=until)) == STARTS

    def test_back_off_when_somebody_keeps_undoing_us(self):
        """Another controller at work, or a very patient person."""
        thrice = tuple(EVENING - hours * HOUR for hours in (30, 20, 1))
        decision = stop(reversals=thrice)
        assert outcome(decision) == (Verdict.DEFER, Reason.UNDONE)
        assert decision.not_before == EVENING - HOUR + DAY
        assert outcome(stop(reversals=thrice[:2])) == STOPS
        assert outcome(start(reversals=thrice)) == STARTS


class TestDwell:
    @pytest.mark.parametrize(("ago", "waits"), [(30 * MINUTE - SECOND, True), (30 * MINUTE, False)])
    def test_min_uptime(self, ago, waits):
        wanted = (Verdict.DEFER, Reason.MIN_UPTIME) if waits else STOPS
        assert outcome(stop(started_at=EVENING - ago)) == wanted
        seen = Seen(Power.RUNNING, EVENING - ago, EVENING - ago)
        assert outcome(stop(seen=seen)) == wanted, "a person's start counts too"

    @pytest.mark.parametrize(("ago", "waits"), [(30 * MINUTE - SECOND, True), (30 * MINUTE, False)])
    def test_min_downtime(self, ago, waits):
        """AKS asks for a pause between stop and start."""
        wanted = (Verdict.DEFER, Reason.MIN_DOWNTIME) if waits else STARTS
        assert outcome(start(stopped_at=MORNING - ago)) == wanted
        assert outcome(start(seen=Seen(Power.STOPPED, MORNING - ago, MORNING - ago))) == wanted

    def test_a_start_that_failed_is_no_stop(self):
        """Its back-off is all the wait there is: people wait for it."""
        failed = Failure("start_cluster", "x", "x", MORNING - 10 * MINUTE, 1, MORNING - MINUTE)
        down = Seen(Power.STOPPED, MORNING - MINUTE, MORNING - MINUTE)
        assert outcome(start(failure=failed, seen=down)) == STARTS

    @pytest.mark.parametrize(("now", "waits"), [("Tue 05:30", False), ("Tue 05:31", True)])
    def test_nothing_is_stopped_for_less_than_min_off(self, now, waits):
        decision = stop(now=at(now))
        assert outcome(decision) == ((Verdict.DEFER, Reason.MIN_OFF) if waits else STOPS)
        if waits:
            assert "only 1h59m until it is needed again, less than min_off 2h" in decision.message

    def test_min_off_counts_to_the_first_of_several_rules(self):
        early = "  - {name: early-birds, match: {environments: [dev]}, hours: {schedule: early}}"
        rules = policy(OFFICE, early)
        memory = with_target(
            adopted(rules, cluster()), warned=Warned("office-hours:stopped:2026-12-07T18:00:00Z", LONG_AGO, EVENING)
        )
        assert outcome(decided(view(cluster(), memory), rules, at("Tue 04:00"))) == STOPS
        assert decided(view(cluster(), memory), rules, at("Tue 04:01")).reason is Reason.MIN_OFF

    @pytest.mark.parametrize(
        ("guards", "target"),
        [
            ("min_uptime: 0m", {"started_at": EVENING}),
            ("min_off: 0m", {}),
            ("warn_before_stop: 0m", {"warned": None}),
        ],
    )
    def test_zero_switches_a_time_guard_off(self, guards, target):
        now = at("Tue 07:00") if "min_off" in guards else EVENING
        assert outcome(stop(rules=policy(OFFICE, guards=guards), now=now, **target)) == STOPS
        assert outcome(stop(now=now, **target)) != STOPS

    def test_zero_min_downtime(self):
        assert outcome(start(rules=policy(OFFICE, guards="min_downtime: 0m"), stopped_at=MORNING)) == STARTS


class TestOverrides:
    """File, then environment, then rule: a value replaces."""

    RULE = "  - {name: office-hours, match: {environments: [%s]}, guards: {min_uptime: 2h}, hours: {schedule: office}}"

    def test_a_rule_overrides_the_file(self):
        rules = policy(self.RULE % "dev", guards="min_uptime: 10m")
        assert stop(rules=rules, started_at=EVENING - HOUR).reason is Reason.MIN_UPTIME
        assert outcome(stop(rules=policy(OFFICE, guards="min_uptime: 10m"), started_at=EVENING - HOUR)) == STOPS

    def test_a_rules_own_warning_time_is_when_people_are_told(self):
        own = "  - {name: office-hours, match: {environments: [dev]}, guards: {warn_before_stop: 1h}, hours: {schedule: office}}"
        rules = policy(own)
        memory = adopted(rules, cluster())
        assert decided(view(cluster(), memory), rules, at("Mon 17:55")).announce is None
        assert decided(view(cluster(), memory), rules, at("Mon 18:00")).announce.due_at == EVENING

    def test_of_two_rules_the_one_that_stops_it_says_how_long_before(self):
        rule = "  - {name: %s, match: {environments: [dev]}, guards: {warn_before_stop: %s}, hours: {schedule: office}}"
        rules = policy(rule % ("slow", "1h"), rule % ("quick", "0m"))
        memory = adopted(rules, cluster())
        assert decided(view(cluster(), memory), rules, at("Mon 18:00")).announce.due_at == EVENING

    @pytest.mark.parametrize(
        ("now", "due"),
        [
            (at("Mon 18:43") - SECOND, None),
            (at("Mon 18:43"), EVENING),
            (at("Mon 18:47"), EVENING),
            (at("Mon 18:47") + SECOND, at("Mon 19:02") + SECOND),
        ],
    )
    def test_a_timer_that_is_two_minutes_off_is_not_late(self, now, due):
        memory = adopted(policy(OFFICE), cluster())
        announce = decided(view(cluster(), memory), policy(OFFICE), now).announce
        assert (announce and announce.due_at) == due

    def test_a_rule_that_warns_nobody_announces_nothing(self):
        own = "  - {name: office-hours, match: {environments: [dev]}, guards: {warn_before_stop: 0m}, hours: {schedule: office}}"
        rules = policy(own)
        memory = adopted(rules, cluster())
        assert decided(view(cluster(), memory), rules, at("Mon 18:50")).announce is None
        assert outcome(decided(view(cluster(), memory), rules, EVENING)) == STOPS


class TestWarning:
    def test_a_stop_without_its_warning_on_record_waits_and_announces(self):
        decision = stop(warned=None)
        assert outcome(decision) == (Verdict.DEFER, Reason.WARNING_DUE)
        assert decision.announce.due_at == decision.not_before == EVENING + 15 * MINUTE

    def test_yesterdays_warning_is_none(self):
        old = Warned("office-hours:stopped:2026-12-06T18:00:00Z", LONG_AGO, LONG_AGO)
        assert stop(warned=old).reason is Reason.WARNING_DUE

    @pytest.mark.parametrize(("due", "goes"), [(EVENING, True), (EVENING + SECOND, False)])
    def test_it_stops_when_it_was_said_to(self, due, goes):
        said = Warned("office-hours:stopped:2026-12-07T18:00:00Z", LONG_AGO, due)
        decision = stop(warned=said)
        assert outcome(decision) == (STOPS if goes else (Verdict.DEFER, Reason.WARNING_DUE))
        if not goes:
            assert decision.not_before == due

    def test_a_start_needs_none(self):
        assert outcome(start(warned=None)) == STARTS

    def test_in_plan_mode_nobody_is_told(self):
        rules = policy(OFFICE, mode="plan")
        memory = adopted(rules, cluster())
        ahead = decided(view(cluster(), memory), rules, at("Mon 18:50"))
        then = decided(view(cluster(), memory), rules, EVENING)
        assert (ahead.announce, then.announce, then.verdict) == (None, None, Verdict.PLAN)

    def test_what_a_guard_will_refuse_is_not_announced(self):
        """A message about a stop that never comes teaches people to ignore messages."""
        rules = policy(OFFICE)
        ahead = at("Mon 18:50")
        nap = cluster(node_provisioning="Auto")
        assert decided(view(nap, adopted(rules, nap)), rules, ahead).announce is None
        busy = cluster(provisioning_state="Updating")
        assert decided(view(busy, adopted(rules, busy)), rules, ahead).announce is not None, "that passes"

    def test_what_the_law_will_not_do_is_not_announced(self):
        late = "  - {name: late-shift, match: {environments: [dev]}, hours: {schedule: late}}"
        rules = policy(OFFICE, late)
        memory = adopted(rules, cluster())
        assert decided(view(cluster(), memory), rules, at("Mon 18:50")).announce is None, "the late shift holds it up"
        assert decided(view(cluster(), memory), rules, at("Mon 21:50")).announce is not None
        fresh = replace(adopted(policy(OFFICE), cluster()), targets={})
        assert decided(view(cluster(), fresh), policy(OFFICE), at("Mon 18:50")).announce is None, "not adopted"
