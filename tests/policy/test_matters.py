"""What people hear: stops to come, and matters that stand until they are over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.fleet import Power
from shared.model.memory import Failure, Memory, OpenAction, Owed, Phase, Wish
from shared.policy.decide import decide
from shared.policy.endings import NODES_NOT_READY, Problem, after_failure, bare, with_nodes
from shared.policy.matters import matters, with_matters
from shared.policy.remember import observe
from shared.reports.notice import compose
from tests.policy.builders import (
    BATCH,
    DAY,
    LONG_AGO,
    MINUTE,
    OFFICE,
    SYSTEM,
    Life,
    adopted,
    at,
    cluster,
    policy,
    pool,
    served,
    stopped,
    view,
    with_pool,
    with_target,
)

RULES = policy(OFFICE)
ZONE = "Europe/Berlin"
MORNING, LATE = at("Tue 07:30"), at("Tue 07:40")
DOWN = {"served": served(Wish.STOPPED, at("Mon 19:00"))}


def told(seen, memory, now, rules=RULES):
    """(kind, sentence, resolved) of every notice."""
    decisions = decide(view(seen, memory), rules, now)
    standing, notices = matters(memory, seen, decisions, ZONE, now)
    return standing, [(one.kind, one.sentence, one.resolved) for one in notices]


class TestStopSoon:
    def test_once_with_the_time_where_people_are(self):
        life = Life(cluster(), RULES)
        life.until(at("Mon 18:50"), at("Mon 12:00"))
        assert [(one.kind, one.sentence) for one in life.notices] == [
            ("stop_soon", "web stops Mon 7 Dec 19:00 (Europe/Berlin): outside office until Tue 8 Dec 07:30")
        ]

    def test_a_pool_is_told_by_its_name(self):
        life = Life(with_pool(), policy(BATCH))
        life.until(at("Mon 18:50"), at("Mon 12:00"))
        assert life.notices[0].sentence.startswith("web/batch stops ")


class TestStartLate:
    def test_ten_minutes_after_people_expect_it(self):
        failing = {**DOWN, "failure": Failure("start_cluster", "Quota", "no cores", MORNING, 1, MORNING + DAY)}
        memory = adopted(RULES, stopped(), **failing)
        assert told(stopped(), memory, LATE - timedelta(seconds=1)) == ((), [])
        standing, notices = told(stopped(), memory, LATE)
        assert [kind for kind, _, _ in notices] == ["start_late"]
        assert notices[0][1].startswith("web is not up yet: start wanted (inside office")
        assert standing == ("start_late|office-hours:running:2026-12-08T06:30:00Z",)

    def test_told_once_and_closed_when_it_is_up(self):
        memory = with_matters(
            adopted(RULES, cluster(), **DOWN), ("start_late|office-hours:running:2026-12-08T06:30:00Z",)
        )
        assert told(stopped(), memory, LATE)[1] == []
        assert told(cluster(), memory, LATE) == ((), [("start_late", "over", True)])

    def test_on_its_way_is_not_up(self):
        open_ = OpenAction("x", "start_cluster", None, Phase.ACCEPTED, "c", "r", "in_hours", MORNING, MORNING)
        memory = replace(adopted(RULES, stopped(), **DOWN), open=open_)
        starting = cluster(provisioning_state="Starting")
        assert [kind for kind, _, _ in told(starting, memory, LATE)[1]] == ["start_late"]

    def test_a_lead_that_runs_is_not_late(self):
        led = policy(OFFICE.replace("office}", "office, lead: 30m}"))
        memory = adopted(led, stopped(), **DOWN)
        assert told(stopped(), memory, at("Tue 07:20"), led)[1] == []
        assert told(stopped(), memory, LATE, led)[1] != []

    @pytest.mark.parametrize(
        "target",
        [{"served": served(Wish.RUNNING, MORNING)}, {"ran_at": None}],
        ids=["stopped by hand", "parked"],
    )
    def test_what_is_down_for_a_reason_is_not_late(self, target):
        assert told(stopped(), adopted(RULES, stopped(), **target), LATE) == ((), [])

    def test_nor_is_what_was_adopted_after_its_window_began(self):
        assert told(stopped(), adopted(RULES, stopped(), MORNING + MINUTE), LATE) == ((), [])

    def test_nobody_waits_for_a_plan(self):
        planned = policy(OFFICE, mode="plan")
        refused = stopped(node_provisioning="Auto")
        assert told(refused, Memory(refused.id), LATE, planned) == ((), [])

    def test_pools_of_a_stopped_cluster_are_not_told_each_by_itself(self):
        rules = policy(BATCH)
        seen = stopped(pools=(SYSTEM, pool()))
        assert told(seen, adopted(rules, seen), LATE, rules) == ((), [])

    def test_two_late_pools_are_one_message_that_names_both(self):
        rules = policy(BATCH)
        down = with_pool(pool("batch1", power=Power.STOPPED), pool("batch2", power=Power.STOPPED))
        standing, notices = told(down, adopted(rules, down), LATE, rules)
        assert len(standing) == len(notices) == 1
        assert "web/batch1 is not up yet" in notices[0][1]
        assert "web/batch2 is not up yet" in notices[0][1]

    def test_kept_on_by_a_person_nobody_waits_for_a_window(self):
        life = Life(stopped(tags={"lamplighter-keep-on-until": "2026-12-08"}), policy(), Memory(cluster().id))
        life.fleet = replace(life.fleet, hold_by="ana", hold_all=True)
        life.until(at("Tue 12:00"), at("Tue 08:00"))
        assert life.notices == []


class TestStanding:
    def test_a_tag_that_cannot_be_read(self):
        tagged = cluster(tags={"lamplighter-exclude": "maybe"})
        standing, notices = told(tagged, Memory(tagged.id), MORNING)
        assert standing == ("unreadable_tag|cluster",)
        assert "expected true or false" in notices[0][1]
        assert told(cluster(), with_matters(Memory(cluster().id), standing), MORNING)[1] == [
            ("unreadable_tag", "over", True)
        ]

    def test_undone_again_and_again_and_no_capacity(self):
        evening = at("Mon 19:00")
        undone = adopted(RULES, cluster(), reversals=(evening, evening, evening))
        assert told(cluster(), undone, evening)[1][0][0] == "undone"
        kept = adopted(RULES, cluster(), no_stop_until=evening + DAY)
        assert told(cluster(), kept, evening)[1][0][0] == "no_capacity"

    @pytest.mark.parametrize(("count", "code", "kinds"), [(1, "x", []), (2, "x", ["action_failed"]), (9, "locked", [])])
    def test_an_action_that_failed_twice(self, count, code, kinds):
        """A lock is somebody's will, not a failure."""
        failure = Failure("stop_cluster", code, "not allowed", LONG_AGO, count, LONG_AGO)
        standing, notices = told(cluster(), adopted(RULES, cluster(), failure=failure), at("Mon 12:00"))
        assert [kind for kind, _, _ in notices] == kinds
        if kinds:
            assert notices[0][1] == "web: stop cluster failed 2 times: not allowed"
            assert standing == ("action_failed|stop_cluster",)

    @pytest.mark.parametrize(
        ("code", "count", "told_of_it"),
        [("UnsatisfiablePDB", 1, True), ("TooManyRequestsReceived", 1, False), ("TooManyRequestsReceived", 2, True)],
    )
    def test_an_upgrade_that_azure_did_not_begin(self, code, count, told_of_it):
        """At once where only people can change it; a throttle passes. The title holds for a first one, too."""
        failure = Failure("upgrade_control_plane", code, "no", LONG_AGO, count, LONG_AGO)
        memory = adopted(RULES, cluster(), setbacks={failure.kind: failure})
        _, notices = matters(memory, cluster(), decide(view(cluster(), memory), RULES, MORNING), ZONE, MORNING)
        titles = [compose(one.kind, [one]).title for one in notices]
        assert titles == (["Lamplighter: web (rg) has an action that failed"] if told_of_it else [])

    @pytest.mark.parametrize(("minutes", "stuck"), [(59, False), (60, True)])
    @pytest.mark.parametrize("state", ["Stopping", "Updating"])
    def test_stopping_for_over_an_hour_is_told_and_left_alone(self, minutes, stuck, state):
        now = at("Mon 20:00")
        moving = cluster(provisioning_state=state)
        memory = replace(adopted(RULES, moving), busy_since=now - minutes * MINUTE)
        kinds = [kind for kind, _, _ in told(moving, memory, now)[1] if kind == "stop_stuck"]
        assert kinds == (["stop_stuck"] if stuck and state == "Stopping" else [])

    def test_a_stop_that_is_not_ours_is_told_from_the_second_look_on(self):
        moving = cluster(provisioning_state="Stopping")
        assert told(moving, Memory(moving.id), at("Mon 12:00"))[1] == []


def test_what_stood_is_remembered():
    assert with_matters(Memory("c"), ("a|b",)).matters == ("a|b",)


def test_a_pool_that_is_owed_and_fails_is_told():
    rules = policy()
    failure = Failure("start_pool", "Quota", "no cores", LONG_AGO, 3, MORNING + DAY)
    memory = with_target(Memory(cluster().id), "batch", owed=Owed("batch", LONG_AGO), failure=failure)
    down = with_pool(pool(power=Power.STOPPED))
    assert told(down, memory, MORNING, rules)[1] == [
        ("action_failed", "web/batch: start pool failed 3 times: no cores", False)
    ]


class TestNodesLate:
    BARE = Failure(
        "start_cluster",
        NODES_NOT_READY,
        "pool system has 0 of 3 nodes ready, 20 minutes after it was up",
        MORNING,
        1,
        MORNING + 5 * MINUTE,
    )

    def test_told_the_first_time_since_nothing_is_tried_again(self):
        memory = adopted(RULES, cluster(), served=served(Wish.RUNNING, MORNING), setbacks={NODES_NOT_READY: self.BARE})
        standing, notices = told(cluster(), memory, LATE)
        sentence = "web runs, but pool system has 0 of 3 nodes ready, 20 minutes after it was up"
        assert (standing, notices) == (("nodes_late|cluster",), [("nodes_late", sentence, False)])
        (decision,) = decide(view(cluster(), memory), RULES, LATE)
        assert decision.action is None

    def test_over_once_the_nodes_are_there(self):
        memory = with_matters(adopted(RULES, cluster(), setbacks={NODES_NOT_READY: self.BARE}), ("nodes_late|cluster",))
        assert bare(memory) == ("",)
        assert told(cluster(), memory, LATE)[1] == []
        came = with_nodes(memory, ("",))
        assert bare(came) == ()
        assert told(cluster(), came, LATE) == ((), [("nodes_late", "over", True)])

    def test_over_once_it_is_down(self):
        memory = adopted(RULES, cluster(), setbacks={NODES_NOT_READY: self.BARE})
        assert observe(memory, cluster(), RULES.rules, LATE).target(None).setbacks == {NODES_NOT_READY: self.BARE}
        assert observe(memory, stopped(), RULES.rules, LATE).target(None).setbacks == {}

    def test_a_pool_without_nodes_is_over_once_its_cluster_is_down(self):
        rules, seen = policy(BATCH), with_pool()
        memory = with_target(adopted(rules, seen), "batch", setbacks={NODES_NOT_READY: self.BARE})
        assert observe(memory, seen, rules.rules, LATE).target("batch").setbacks == {NODES_NOT_READY: self.BARE}
        down = replace(seen, power=Power.STOPPED)
        assert observe(memory, down, rules.rules, LATE).target("batch").setbacks == {}

    def test_a_stop_that_fails_meanwhile_does_not_end_it(self):
        memory = adopted(RULES, cluster(), setbacks={NODES_NOT_READY: self.BARE})
        stop = OpenAction("x", "stop_cluster", None, Phase.ACCEPTED, "c", "r", "off_hours", LATE, LATE)
        after = after_failure(replace(memory, open=stop), stop, LATE, Problem("Locked", "no"))
        assert told(cluster(), after, LATE)[0] == ("nodes_late|cluster",)

    def test_each_target_is_over_by_itself(self):
        late = {NODES_NOT_READY: self.BARE}
        memory = with_target(adopted(RULES, cluster(), setbacks=late), "batch", setbacks=late)
        assert bare(with_nodes(memory, ("batch",))) == ("",)
        assert bare(with_nodes(memory, bare(memory))) == ()

    def test_a_failure_of_another_kind_is_not_taken_for_it(self):
        other = replace(self.BARE, code="AllocationFailed")
        memory = adopted(RULES, cluster(), failure=other)
        assert with_nodes(memory, ("",)) == memory
        assert bare(memory) == ()
