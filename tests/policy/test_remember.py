"""The fold into memory: what is seen, whose doing it was, what was served, what is on record."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.decisions import Announcement, Decision, Reason, Verdict
from shared.model.fleet import Power
from shared.model.memory import Adoption, Memory, OpenAction, Owed, Phase, SavedSize, Seen, Served, Warned, Wish
from shared.policy.remember import (
    LAG,
    LOCK_FIRST,
    LOCK_LONGEST,
    REVERSALS_KEPT,
    believed,
    conclude,
    locked,
    newly_announced,
    observe,
    with_holds,
)
from tests.policy.builders import (
    BATCH,
    DAY,
    HOUR,
    LONG_AGO,
    MINUTE,
    OFFICE,
    adopted,
    at,
    cluster,
    decided,
    keep_on,
    policy,
    pool,
    stopped,
    view,
    with_pool,
    with_target,
)

NOON = at("Mon 12:00")
SECOND = timedelta(seconds=1)
RULES = policy(OFFICE)
POOLS = policy(BATCH)
SIZE = SavedSize(3, None, None, autoscaling=False, at=LONG_AGO)


def open_action(kind: str, pool_name: str | None = None) -> OpenAction:
    return OpenAction("x", kind, pool_name, Phase.ACCEPTED, "c", "r", "off_hours", NOON, NOON)


class TestObserve:
    def test_a_first_look(self):
        memory = observe(Memory(cluster().id), cluster(), RULES.rules, NOON)
        seen = memory.target(None)
        assert (memory.first_seen_at, memory.busy_since) == (NOON, None)
        assert seen.seen == Seen(Power.RUNNING, NOON)
        assert (seen.seen.since, seen.ran_at) == (None, NOON)
        assert seen.adopted["office-hours"].at == NOON

    def test_a_calm_cluster_folds_to_itself(self):
        """So that ten thousand rows are not written every five minutes for nothing."""
        memory = observe(Memory(cluster().id), cluster(), RULES.rules, NOON)
        assert observe(memory, cluster(), RULES.rules, NOON + HOUR) is memory

    def test_running_is_noted_once_a_day(self):
        memory = observe(Memory(cluster().id), cluster(), RULES.rules, NOON)
        assert observe(memory, cluster(), RULES.rules, NOON + DAY - SECOND) is memory
        assert observe(memory, cluster(), RULES.rules, NOON + DAY).target(None).ran_at == NOON + DAY

    def test_running_is_noted_after_each_adoption(self):
        """Else what runs all the time would count as parked the evening after an edit."""
        memory = observe(Memory(cluster().id), cluster(), RULES.rules, NOON)
        edited = policy(OFFICE.replace("office}", "office, lead: 5m}"))
        later = observe(memory, cluster(), edited.rules, NOON + HOUR).target(None)
        assert later.ran_at == later.adopted["office-hours"].at == NOON + HOUR

    @pytest.mark.parametrize("strange", [stopped(problem="unreadable"), cluster(power=Power.UNKNOWN)])
    def test_unknown_is_no_observation(self, strange):
        memory = observe(Memory(cluster().id), cluster(), RULES.rules, NOON)
        assert observe(memory, strange, RULES.rules, NOON + HOUR).targets == memory.targets

    @pytest.mark.parametrize("state", ["Starting", "Stopping"])
    def test_what_is_on_its_way_is_no_observation(self, state):
        memory = observe(Memory(cluster().id), stopped(), RULES.rules, NOON)
        moving = observe(memory, cluster(provisioning_state=state), RULES.rules, NOON + HOUR)
        assert moving.target(None).seen.power is Power.STOPPED

    def test_a_change_is_noticed_when_it_is_seen(self):
        memory = observe(Memory(cluster().id), stopped(), RULES.rules, NOON)
        assert observe(memory, cluster(), RULES.rules, NOON + HOUR).target(None).seen == Seen(
            Power.RUNNING, NOON + HOUR, NOON + HOUR
        )

    def test_busy_since_the_first_look_at_it(self):
        memory = observe(Memory(cluster().id), cluster(provisioning_state="Upgrading"), (), NOON)
        assert memory.busy_since == NOON
        again = observe(memory, cluster(provisioning_state="Upgrading"), (), NOON + HOUR)
        assert again.busy_since == NOON
        assert observe(again, cluster(), (), NOON + DAY).busy_since is None

    def test_rules_that_only_plan_are_not_adopted_and_gone_ones_are_forgotten(self):
        planned = policy(OFFICE.replace("hours:", "mode: plan, hours:"))
        memory = observe(Memory(cluster().id), cluster(), RULES.rules, NOON)
        assert observe(memory, cluster(), planned.rules, NOON + HOUR).target(None).adopted == {}

    def test_pools_are_watched_where_a_rule_speaks_for_them(self):
        memory = observe(Memory(cluster().id), with_pool(pool("Batch"), pool("web")), POOLS.rules, NOON)
        assert set(memory.targets) == {"", "batch"}
        assert "batch" in memory.target("BATCH").adopted
        assert memory.target(None).adopted == {}, "a rule of pools is not the cluster's"

    def test_a_pool_in_a_stopped_cluster_says_nothing(self):
        memory = observe(Memory(cluster().id), with_pool(), POOLS.rules, NOON)
        down = with_pool(pool(power=Power.STOPPED), power=Power.STOPPED)
        assert observe(memory, down, POOLS.rules, NOON + HOUR).target("batch").seen.power is Power.RUNNING

    def test_a_pool_that_we_owe_is_watched_though_no_rule_names_it(self):
        memory = with_target(Memory(cluster().id), "batch", owed=Owed("batch", LONG_AGO), saved=SIZE)
        seen = observe(memory, with_pool(pool(power=Power.STOPPED)), (), NOON)
        assert seen.target("batch").seen.power is Power.STOPPED
        gone = observe(memory, cluster(), (), NOON)
        assert gone.target("batch").saved == SIZE, "a pool that is not listed keeps what we know of it"


class TestWhoseDoing:
    def down(self, **target) -> Memory:
        """Stopped by us an hour before noon, and seen so."""
        done = NOON - HOUR
        known = {"seen": Seen(Power.STOPPED, done, done), "stopped_at": done, "owed": Owed("office-hours", done)}
        return adopted(RULES, stopped(), **(known | target))

    def test_a_start_that_was_not_ours_is_a_reversal_and_pays_the_debt(self):
        memory = observe(self.down(), cluster(), RULES.rules, NOON).target(None)
        assert (memory.reversals, memory.owed) == ((NOON,), None)

    def test_our_own_start_is_none(self):
        ours = replace(self.down(), open=open_action("start_cluster"))
        seen = observe(ours, cluster(), RULES.rules, NOON).target(None)
        assert (seen.reversals, seen.owed) == ((), Owed("office-hours", NOON - HOUR))

    def test_our_own_start_that_was_settled_before_it_was_seen_here(self):
        settled = self.down(started_at=NOON - MINUTE)
        assert observe(settled, cluster(), RULES.rules, NOON).target(None).reversals == ()

    def test_only_the_last_thing_that_we_did_can_be_undone(self):
        """We stopped it, started it, a person stopped it: their next start undoes nothing of ours."""
        theirs = self.down(started_at=NOON - 30 * MINUTE, owed=None)
        assert observe(theirs, cluster(), RULES.rules, NOON).target(None).reversals == ()

    def test_what_we_did_twice_between_two_looks_can_be(self):
        """Seen down at ten, started and stopped again by us, and then somebody started it."""
        seen = Seen(Power.STOPPED, NOON - 3 * HOUR, NOON - 3 * HOUR)
        again = self.down(seen=seen, started_at=NOON - 2 * HOUR)
        assert observe(again, cluster(), RULES.rules, NOON).target(None).reversals == (NOON,)

    def test_while_we_stop_a_start_is_not_ours(self):
        other = replace(self.down(), open=open_action("stop_cluster"))
        assert observe(other, cluster(), RULES.rules, NOON).target(None).reversals == (NOON,)

    def test_a_pools_action_is_not_the_clusters(self):
        other = replace(self.down(), open=open_action("start_pool", "batch"))
        assert observe(other, cluster(), RULES.rules, NOON).target(None).reversals == (NOON,)

    def test_a_stop_by_hand_after_our_start_is_a_reversal_too(self):
        up = adopted(RULES, cluster(), seen=Seen(Power.RUNNING, NOON - HOUR, NOON - HOUR), started_at=NOON - HOUR)
        assert observe(up, stopped(), RULES.rules, NOON).target(None).reversals == (NOON,)

    def test_changes_among_people_are_none(self):
        up = adopted(RULES, cluster(), seen=Seen(Power.RUNNING, NOON - HOUR))
        assert observe(up, stopped(), RULES.rules, NOON).target(None).reversals == ()

    def test_only_the_recent_ones_are_kept(self):
        memory = self.down(reversals=tuple(NOON - n * DAY for n in range(20, 10, -1)))
        assert len(observe(memory, cluster(), RULES.rules, NOON).target(None).reversals) == REVERSALS_KEPT

    def test_a_busy_cluster_pays_nothing_yet(self):
        memory = observe(self.down(), cluster(provisioning_state="Updating"), RULES.rules, NOON)
        assert memory.target(None).owed is not None

    def test_what_we_started_ourselves_keeps_its_debt_until_its_size_is_back(self):
        """The claim protocol compares sizes; here a debt ends only where somebody else started it."""
        up = with_target(
            adopted(POOLS, with_pool()), "batch", owed=Owed("batch", LONG_AGO), saved=SIZE, started_at=LONG_AGO + HOUR
        )
        assert observe(up, with_pool(), POOLS.rules, NOON).target("batch").saved == SIZE


class TestBelieved:
    """Resource Graph may show minutes-old pictures; what a fresh reading showed is believed for a while."""

    @pytest.mark.parametrize(("ago", "believes"), [(LAG - SECOND, True), (LAG, False)])
    def test_after_our_stop(self, ago, believes):
        memory = adopted(RULES, cluster(), stopped_at=NOON - ago)
        assert (believed(cluster(), memory, NOON).power is Power.STOPPED) is believes

    def test_after_our_start(self):
        memory = adopted(RULES, stopped(), stopped_at=NOON - 5 * MINUTE, started_at=NOON - MINUTE)
        assert believed(stopped(), memory, NOON).power is Power.RUNNING

    def test_the_later_of_two(self):
        memory = adopted(RULES, cluster(), stopped_at=NOON - MINUTE, started_at=NOON - 5 * MINUTE)
        assert believed(cluster(), memory, NOON).power is Power.STOPPED

    def test_pools(self):
        memory = with_target(Memory(cluster().id), "batch", stopped_at=NOON - MINUTE)
        seen = believed(with_pool(pool("Batch"), pool("web")), memory, NOON)
        assert (seen.power, seen.power_of("batch"), seen.power_of("web")) == (
            Power.RUNNING, Power.STOPPED, Power.RUNNING,
        )  # fmt: skip

    def test_nothing_to_correct(self):
        seen = with_pool()
        assert believed(seen, adopted(POOLS, seen), NOON) is seen


class TestHolds:
    def test_nothing_changes_nothing(self):
        memory = Memory(cluster().id)
        assert with_holds(memory, (), NOON) is memory

    def test_what_is_over_is_dropped_and_tags_are_as_they_are_now(self):
        over, kept = keep_on(LONG_AGO, NOON), keep_on(LONG_AGO, NOON + SECOND)
        old_tag, tag = keep_on(LONG_AGO, NOON + DAY, source="tag"), keep_on(NOON, NOON + 2 * DAY, source="tag")
        memory = Memory(cluster().id, holds=(over, kept, old_tag))
        assert with_holds(memory, (tag,), NOON).holds == (kept, tag)


def said(reason=Reason.AS_WISHED, wish=Wish.RUNNING, due=None, announce=None, target="c") -> Decision:
    return Decision(
        "id", "c", target, None, Verdict.NONE, reason, "m", "r", "cause", due_at=due, wish=wish, announce=announce
    )


class TestConclude:
    def test_what_agrees_is_served(self):
        memory = conclude(Memory("c"), [said()], NOON)
        assert memory.target(None).served == Served(Wish.RUNNING, NOON)

    def test_and_stays_as_it_is_while_it_says_the_same(self):
        memory = conclude(Memory("c"), [said(due=NOON)], NOON)
        assert conclude(memory, [said(due=NOON)], NOON + HOUR) is memory
        assert conclude(memory, [said(due=NOON + HOUR)], NOON + HOUR).target(None).served.through == NOON + HOUR
        assert conclude(memory, [said(wish=Wish.STOPPED)], NOON + HOUR).target(None).served.wish is Wish.STOPPED

    @pytest.mark.parametrize("reason", [Reason.MANUAL_START, Reason.UNDER_WAY, Reason.CLUSTER_STOPPED, Reason.NO_RULE])
    def test_nothing_else_is_served(self, reason):
        assert conclude(Memory("c"), [said(reason)], NOON) == Memory("c")

    def test_a_warning_is_on_record_from_when_it_is_told(self):
        soon = said(announce=Announcement("stop", NOON + HOUR, "outside office"))
        memory = conclude(Memory("c"), [soon], NOON)
        assert memory.target(None).warned == Warned("stop", NOON, NOON + HOUR)
        assert conclude(memory, [soon], NOON + MINUTE) is memory
        assert newly_announced(Memory("c"), [soon]) == (soon,)
        assert newly_announced(memory, [soon]) == ()

    def test_what_nobody_was_told_is_not_on_record(self):
        """A hint of Event Grid looks at one cluster and tells nobody: a stop must not follow from that."""
        soon = said(announce=Announcement("stop", NOON + HOUR, "outside office"))
        assert conclude(Memory("c"), [soon], NOON, told=False).target(None).warned is None

    def test_each_pool_is_remembered_by_itself(self):
        memory = conclude(Memory("c"), [said(Reason.NO_RULE), said(target="c/agentpools/batch")], NOON)
        assert list(memory.targets) == ["batch"]


class TestLocked:
    def refused(self):
        memory = adopted(RULES, cluster(), warned=Warned("office-hours:stopped:2026-12-07T18:00:00Z", NOON, NOON))
        locks = (("keep", "ReadOnly"),)
        return memory, decided(view(cluster(), memory, locks=locks), RULES, at("Mon 19:00"))

    def test_a_lock_is_looked_for_again_after_an_hour_and_then_twice_as_long(self):
        memory, decision = self.refused()
        waits = []
        for _ in range(7):
            memory = locked(memory, decision, NOON)
            waits.append(memory.target(None).failure.retry_at - NOON)
        assert waits[:3] == [LOCK_FIRST, 2 * LOCK_FIRST, 4 * LOCK_FIRST]
        assert waits[-1] == LOCK_LONGEST
        assert memory.target(None).failure.message == "locked by keep (ReadOnly)"

    def test_a_failure_of_another_kind_does_not_count(self):
        memory, decision = self.refused()
        memory = with_target(locked(memory, decision, NOON), failure=replace(
            locked(memory, decision, NOON).target(None).failure, kind="start_cluster", count=5))  # fmt: skip
        assert locked(memory, decision, NOON).target(None).failure.count == 1


def test_an_adoption_is_kept_while_the_wording_stays():
    first = observe(Memory(cluster().id), cluster(), RULES.rules, NOON)
    two = policy(OFFICE, "  - {name: second, match: {environments: [dev]}, hours: {schedule: late}}")
    later = observe(first, cluster(), two.rules, NOON + HOUR).target(None).adopted
    assert later["office-hours"] == Adoption(RULES.rules[0].fingerprint, NOON)
    assert later["second"].at == NOON + HOUR
