"""The claim protocol, arrow by arrow: what memory says after each answer of Azure, and after each way of hearing none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shared.model.actions import ACTIONS, StopCluster, power_action
from shared.model.decisions import Decision, Reason, Verdict, decision_id
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory, Owed, Phase, SavedSize, Served, TargetMemory, Wish
from shared.policy import claim as protocol
from shared.policy.claim import (
    Dropped,
    DropReason,
    OperationStatus,
    OperationVerdict,
    Outcome,
    accepted,
    already_there,
    claim,
    failed,
    may_write,
    postponed,
    repaid,
    save_size,
    settle,
    size_problem,
    undone,
    with_reversal,
)
from shared.policy.goals import GOALS
from shared.policy.settle import DEADLINES, PATIENCE

NOW = datetime(2026, 12, 7, 18, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LEASE_OVER = NOW + timedelta(minutes=10, seconds=1)
ID = "/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/managedclusters/c"
URL = "https://management.azure.com/subscriptions/s/operations/1?api-version=2017-08-31"
UP, DOWN = Wish.RUNNING, Wish.STOPPED


def decision(goal, pool=None, generation=0, **changes):
    action = power_action(ID, pool, goal)
    made = Decision(
        id=decision_id(action.target, action.kind, "office:19:00", generation),
        cluster=ID,
        target=action.target,
        action=action,
        verdict=Verdict.ACT,
        reason=Reason.OFF_HOURS,
        message="off hours",
        rule="office",
        cause="office:19:00",
    )
    return replace(made, **changes)


def claimed(goal, pool=None, target=None, **changes):
    memory = Memory(ID, **changes)
    if target is not None:
        memory = replace(memory, targets=memory.with_target(pool, target))
    taken = claim(memory, decision(goal, pool, memory.generation), NOW)
    assert isinstance(taken, Memory)
    return taken


def under_way(goal, pool=None, operation=URL, target=None):
    return accepted(claimed(goal, pool, target), NOW, operation)


def seen(power, state="Succeeded", **changes):
    return Cluster(ID, "c", "g", "s", power=power, provisioning_state=state, pools=(NodePool("system"),), **changes)


def pool_seen(power, state="Succeeded", **changes):
    batch = NodePool("Batch", power=power, provisioning_state=state, **{"count": 5, "autoscaling": False, **changes})
    return Cluster(
        ID, "c", "g", "s", power=Power.RUNNING, provisioning_state="Succeeded", pools=(NodePool("system"), batch)
    )


def verdict(status, **changes):
    return OperationVerdict(OperationStatus(status), **changes)


RUNNING, STOPPED, UNKNOWN = Power.RUNNING, Power.STOPPED, Power.UNKNOWN
FIVE = SavedSize(5, None, None, autoscaling=False, at=NOW)


# ---- claim


def test_a_claim_says_what_is_done_why_and_until_when():
    memory = claimed(DOWN, "Batch", generation=7)
    open_ = memory.open
    assert (open_.kind, open_.pool, open_.phase, open_.rule, open_.reason) == (
        "stop_pool",
        "Batch",
        Phase.CLAIMED,
        "office",
        "off_hours",
    )
    assert open_.lease_until - open_.claimed_at == timedelta(minutes=10)
    assert memory.generation == 7


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verdict": Verdict.PLAN}, DropReason.NO_ACTION),
        ({"action": None}, DropReason.NO_ACTION),
        ({"id": "of another generation"}, DropReason.STALE),
        ({"expires_at": NOW}, DropReason.EXPIRED),
        ({"not_before": NOW + MINUTE}, DropReason.TOO_EARLY),
    ],
)
def test_a_message_that_is_not_to_be_acted_on_is_dropped(changes, reason):
    dropped = claim(Memory(ID), decision(DOWN, **changes), NOW)
    assert isinstance(dropped, Dropped)
    assert dropped.reason is reason
    assert dropped.sentence


def test_a_message_waits_for_the_later_of_its_own_and_the_clusters_not_before():
    memory = Memory(ID, not_before=NOW + 5 * MINUTE)
    dropped = claim(memory, decision(DOWN, not_before=NOW + MINUTE), NOW)
    assert dropped.until == NOW + 5 * MINUTE
    assert claim(memory, decision(DOWN, not_before=NOW + MINUTE), NOW + 5 * MINUTE).not_before is None


def test_a_message_of_an_older_generation_is_dropped():
    """A duplicate that comes after the action was settled must not act again."""
    assert claim(Memory(ID, generation=1), decision(DOWN, generation=0), NOW).reason is DropReason.STALE


@pytest.mark.parametrize(("again", "said"), [(DOWN, "this very decision"), (UP, "stop cluster")])
def test_an_open_row_drops_every_message(again, said):
    dropped = claim(claimed(DOWN), decision(again), NOW + HOUR)
    assert dropped.reason is DropReason.UNDER_WAY
    assert dropped.sentence.startswith(said)


def test_a_decision_cannot_be_brought_to_another_clusters_row():
    with pytest.raises(ValueError, match="another"):
        claim(Memory("another"), decision(DOWN), NOW)


def test_a_write_needs_its_lease_and_a_quiet_end_of_it():
    """Ten minutes: four for the function, one for the write, five for Azure's readings to show it."""
    memory = claimed(DOWN)
    id_ = memory.open.id
    assert may_write(memory, id_, NOW + protocol.FUNCTION_TIMEOUT)
    assert not may_write(memory, id_, NOW + protocol.FUNCTION_TIMEOUT + timedelta(seconds=1))
    assert not may_write(memory, "another", NOW)
    assert not may_write(Memory(ID), id_, NOW)
    assert not may_write(accepted(memory, NOW, URL), id_, NOW)


# ---- the answers


def test_accepted_is_under_way_and_no_success():
    memory = under_way(DOWN)
    assert (memory.open.phase, memory.open.operation, memory.open.deadline) == (Phase.ACCEPTED, URL, NOW + HOUR)
    assert memory.generation == 0
    assert memory.target(None) == TargetMemory()


def test_already_there_is_served_and_owes_nothing():
    """Somebody else stopped it: it is not ours to start."""
    memory = already_there(claimed(DOWN), NOW)
    assert (memory.open, memory.generation) == (None, 1)
    assert memory.target(None) == TargetMemory(served=Served(DOWN, NOW))


def test_already_there_of_a_kind_from_a_newer_version_only_frees_the_row():
    memory = claimed(DOWN)
    memory = replace(memory, open=replace(memory.open, kind="paint_pool"))
    assert already_there(memory, NOW) == Memory(ID, generation=1)


def test_busy_and_throttled_are_later_not_failed():
    """Peers count a 409 as a failure; it is somebody else at work."""
    memory = postponed(claimed(DOWN), NOW, NOW + 17 * MINUTE)
    assert memory == Memory(ID, generation=1, not_before=NOW + 17 * MINUTE)
    assert postponed(claimed(DOWN), NOW, NOW - DAY).not_before == NOW


def test_a_failing_start_is_tried_at_least_every_half_hour():
    waits, memory, now = [], Memory(ID), NOW
    for generation in range(6):
        taken = claim(memory, decision(UP, generation=generation), now)
        memory = failed(taken, now, "InternalError", "no")
        waits.append((memory.target(None).failure.retry_at - now) / MINUTE)
        now = memory.target(None).failure.retry_at
    assert waits == [5, 10, 20, 30, 30, 30]
    assert memory.generation == 6


def test_a_failing_stop_backs_off_to_six_hours():
    memory, waits = Memory(ID), []
    for generation in range(9):
        memory = failed(claim(memory, decision(DOWN, generation=generation), NOW), NOW, "AuthorizationFailed", "no")
        waits.append(memory.target(None).failure.retry_at - NOW)
    assert waits[0] == 5 * MINUTE
    assert all(later in (2 * sooner, 6 * HOUR) for sooner, later in pairwise(waits))
    assert waits[-1] == 6 * HOUR


def test_failures_of_stops_do_not_delay_a_start():
    stopped = failed(claimed(DOWN), NOW, "AuthorizationFailed", "no")
    started = failed(claim(stopped, decision(UP, generation=1), NOW), NOW, "AuthorizationFailed", "no")
    assert started.target(None).failure.count == 1


def test_after_a_start_without_capacity_nothing_is_stopped_for_a_week_even_once_it_started():
    memory = failed(claimed(UP), NOW, "AksCapacityHeavyUsage", "x" * 9999, capacity=True)
    assert memory.target(None).no_stop_until == NOW + 7 * DAY
    assert len(memory.target(None).failure.message) == 400
    memory = accepted(claim(memory, decision(UP, generation=1), NOW), NOW, URL)
    done = settle(memory, seen(RUNNING), NOW + MINUTE).memory
    assert done.target(None).failure is None
    assert done.target(None).no_stop_until == NOW + 7 * DAY


def test_a_stop_that_met_a_quota_may_be_tried_again():
    assert failed(claimed(DOWN), NOW, "QuotaExceeded", "no", capacity=True).target(None).no_stop_until is None


@pytest.mark.parametrize("memory", [Memory(ID), under_way(DOWN)])
def test_an_answer_belongs_to_a_claim(memory):
    with pytest.raises(ValueError, match="no claim"):
        accepted(memory, NOW, URL)


# ---- settling a claim that got no answer


def test_until_its_lease_is_over_a_claim_is_left_to_its_worker():
    memory = claimed(DOWN)
    result = settle(memory, seen(STOPPED), NOW + protocol.LEASE)
    assert (result.outcome, result.memory) == (Outcome.WAITING, memory)


@pytest.mark.parametrize("reading", [seen(RUNNING, "Stopping"), seen(STOPPED, "Stopping"), seen(STOPPED)])
def test_a_lost_reply_is_found_by_looking(reading):
    result = settle(claimed(DOWN), reading, LEASE_OVER)
    assert result.outcome is Outcome.ADOPTED
    assert (result.memory.open.phase, result.memory.open.operation) == (Phase.ACCEPTED, None)
    assert result.memory.generation == 0


def test_a_crash_before_the_write_costs_one_lease():
    result = settle(claimed(DOWN), seen(RUNNING), LEASE_OVER)
    assert result.outcome is Outcome.RELEASED
    assert result.memory == Memory(ID, generation=1)


def test_without_an_answer_a_failed_state_counts_as_our_failure():
    result = settle(claimed(UP), seen(STOPPED, "Failed", error_code="AllocationFailed"), LEASE_OVER)
    assert result.outcome is Outcome.FAILED
    assert result.memory.target(None).failure.code == "AllocationFailed"


def test_while_somebody_works_on_it_nothing_is_concluded():
    memory = claimed(DOWN)
    for state in ("Upgrading", ""):
        assert settle(memory, seen(RUNNING, state), LEASE_OVER + DAY).memory is memory


def test_a_person_who_starts_it_right_after_our_lost_stop_is_respected():
    """It was up when we claimed; to be starting now it must have been down meanwhile. If their start fails, we owe one."""
    result = settle(claimed(DOWN), seen(STOPPED, "Starting"), LEASE_OVER)
    target = result.memory.target(None)
    assert result.outcome is Outcome.REVERSED
    assert (target.served, target.reversals) == (Served(DOWN, LEASE_OVER), (LEASE_OVER,))
    assert target.owed == Owed("office", LEASE_OVER)


def test_an_unreadable_power_state_is_waited_for_but_not_for_ever():
    memory = claimed(DOWN)
    assert settle(memory, seen(UNKNOWN), LEASE_OVER).outcome is Outcome.WAITING
    assert settle(memory, seen(UNKNOWN), LEASE_OVER + PATIENCE).outcome is Outcome.RELEASED


# ---- settling what was accepted


def test_success_is_the_observed_state():
    memory = under_way(DOWN)
    assert settle(memory, seen(RUNNING, "Stopping"), NOW + MINUTE).outcome is Outcome.WAITING
    result = settle(memory, seen(STOPPED), NOW + 2 * MINUTE)
    target = result.memory.target(None)
    assert result.outcome is Outcome.SUCCEEDED
    assert result.action == memory.open
    assert (result.memory.open, result.memory.generation) == (None, 1)
    assert target.served == Served(DOWN, NOW + 2 * MINUTE)
    assert target.stopped_at == NOW + 2 * MINUTE
    assert target.owed == Owed("office", NOW + 2 * MINUTE)


def test_a_start_pays_what_we_owe():
    result = settle(under_way(UP, target=TargetMemory(owed=Owed("office", NOW))), seen(RUNNING), NOW + 4 * MINUTE)
    target = result.memory.target(None)
    assert (target.owed, target.started_at, target.served.wish) == (None, NOW + 4 * MINUTE, UP)


def test_a_start_that_left_the_state_failed_is_no_success():
    memory = under_way(UP)
    reading = seen(RUNNING, "Failed")
    asked = settle(memory, reading, NOW + 3 * MINUTE)
    assert (asked.outcome, asked.ask_operation) == (Outcome.WAITING, True)
    no = settle(memory, reading, NOW + 3 * MINUTE, verdict("failed", code="VMExtensionProvisioningError", message="no"))
    assert no.outcome is Outcome.FAILED
    assert no.problem.code == "VMExtensionProvisioningError"
    assert no.memory.target(None).failure.retry_at == NOW + 8 * MINUTE
    assert settle(memory, reading, NOW + 3 * MINUTE, verdict("succeeded")).outcome is Outcome.SUCCEEDED


def test_a_stop_that_left_the_state_failed_is_down_all_the_same_and_owed_a_start():
    result = settle(under_way(DOWN), seen(STOPPED, "Failed"), NOW + MINUTE)
    assert result.outcome is Outcome.SUCCEEDED
    assert result.memory.target(None).owed is not None


def test_right_after_the_202_the_old_state_proves_nothing():
    """Azure may show Running, Succeeded for a while before it shows Stopping."""
    memory = under_way(DOWN)
    early = settle(memory, seen(RUNNING), NOW + MINUTE)
    assert (early.outcome, early.ask_operation) == (Outcome.WAITING, False)
    assert settle(memory, seen(RUNNING, "Failed"), NOW + MINUTE, verdict("succeeded")).outcome is Outcome.WAITING


def test_somebody_who_starts_what_we_stopped_is_respected():
    memory = under_way(DOWN)
    assert settle(memory, seen(RUNNING), LEASE_OVER).ask_operation
    result = settle(memory, seen(RUNNING), LEASE_OVER, verdict("succeeded"))
    target = result.memory.target(None)
    assert result.outcome is Outcome.REVERSED
    assert (target.served, target.owed, target.reversals) == (Served(DOWN, LEASE_OVER), None, (LEASE_OVER,))


def test_somebody_who_stops_what_we_started_is_respected():
    memory = under_way(UP, target=TargetMemory(owed=Owed("office", NOW)))
    target = settle(memory, seen(STOPPED), LEASE_OVER, verdict("succeeded")).memory.target(None)
    assert (target.served.wish, target.owed) == (UP, None)


@pytest.mark.parametrize(
    "ended",
    [
        verdict("canceled"),
        verdict("failed", code="AKSOperationPreempted"),
        verdict("failed", code="OperationPreempted"),
    ],
)
def test_a_stop_that_somebody_ended_is_not_repeated_but_a_start_is(ended):
    assert settle(under_way(DOWN), seen(RUNNING, "Canceled"), NOW + MINUTE, ended).outcome is Outcome.REVERSED
    start = settle(under_way(UP), seen(STOPPED, "Canceled"), NOW + MINUTE, ended)
    assert start.outcome is Outcome.FAILED
    assert start.memory.target(None).failure.code == (ended.code or "canceled")


def test_capacity_missing_in_the_operation_keeps_what_is_up():
    no_room = verdict("failed", code="AllocationFailed", message="no room", capacity=True)
    result = settle(under_way(UP), seen(STOPPED, "Failed"), NOW + MINUTE, no_room)
    assert result.memory.target(None).no_stop_until == NOW + MINUTE + 7 * DAY


@pytest.mark.parametrize("status", ["running", "unreadable"])
def test_an_operation_without_an_end_is_believed_for_an_hour_beyond_the_deadline(status):
    """Else a lost record would keep a cluster from being started for good."""
    memory, limit = under_way(UP), NOW + HOUR + PATIENCE
    assert settle(memory, seen(STOPPED), limit, verdict(status)).outcome is Outcome.WAITING
    late = settle(memory, seen(STOPPED), limit + MINUTE, verdict(status))
    assert (late.outcome, late.problem.code) == (Outcome.FAILED, "NotSeen")


def test_while_it_is_still_stopping_it_is_never_given_up():
    assert settle(under_way(DOWN), seen(RUNNING, "Stopping"), NOW + 30 * DAY).outcome is Outcome.WAITING


@pytest.mark.parametrize(("operation", "heard"), [(None, None), (URL, verdict("gone"))])
def test_in_doubt_a_start_is_tried_again_and_a_stop_is_not(operation, heard):
    late = NOW + HOUR + MINUTE
    start, stop = under_way(UP, operation=operation), under_way(DOWN, operation=operation)
    assert settle(start, seen(STOPPED), NOW + HOUR, heard).outcome is Outcome.WAITING
    assert settle(start, seen(STOPPED), late, heard).outcome is Outcome.FAILED
    assert settle(stop, seen(RUNNING), late, heard).outcome is Outcome.REVERSED
    assert settle(stop, seen(RUNNING, "Failed"), late, heard).outcome is Outcome.FAILED
    assert settle(stop, seen(UNKNOWN), late, heard).outcome is Outcome.FAILED


def test_an_operation_that_succeeded_is_no_success_while_the_power_state_cannot_be_read():
    memory = under_way(DOWN)
    assert settle(memory, seen(UNKNOWN), NOW + HOUR, verdict("succeeded")).outcome is Outcome.WAITING
    assert settle(memory, seen(UNKNOWN), NOW + 3 * HOUR, verdict("succeeded")).outcome is Outcome.FAILED


@pytest.mark.parametrize("reading", [seen(STOPPED, problem="it could not be read"), replace(seen(STOPPED), pools=())])
def test_a_reading_that_cannot_be_trusted_settles_nothing(reading):
    memory = under_way(DOWN)
    assert settle(memory, reading, NOW + DAY).memory is memory


def test_what_is_gone_holds_nothing_open():
    cluster = settle(under_way(DOWN), None, NOW + MINUTE)
    assert (cluster.outcome, cluster.memory.open, cluster.memory.generation) == (Outcome.GONE, None, 1)
    pool = settle(under_way(DOWN, "gone"), pool_seen(RUNNING), NOW + MINUTE)
    assert (pool.outcome, pool.memory.open) == (Outcome.GONE, None)


def test_nothing_open_is_nothing_to_settle():
    result = settle(Memory(ID), seen(RUNNING), NOW)
    assert (result.outcome, result.memory, result.action) == (Outcome.WAITING, Memory(ID), None)


@pytest.mark.parametrize("memory", [claimed(DOWN), under_way(DOWN)])
def test_after_going_back_to_an_older_version_unknown_actions_end_with_their_time(memory):
    memory = replace(memory, open=replace(memory.open, kind="paint_pool"))
    assert settle(memory, seen(RUNNING), NOW + MINUTE).outcome is Outcome.WAITING
    late = settle(memory, seen(RUNNING), NOW + 2 * HOUR)
    assert (late.outcome, late.memory) == (Outcome.RELEASED, Memory(ID, generation=1))


def test_an_adopted_action_of_a_kind_without_a_deadline_ends_with_its_lease():
    memory = under_way(UP, operation=None)
    memory = replace(memory, open=replace(memory.open, deadline=None))
    assert settle(memory, seen(STOPPED), LEASE_OVER).outcome is Outcome.FAILED


def test_every_kind_of_action_has_a_deadline_and_a_goal():
    power = {name for name, kind in ACTIONS.items() if kind.goal is not None}
    assert set(DEADLINES) == power
    assert set(GOALS) == set(ACTIONS) - power


# ---- pools and their sizes


def test_a_pools_size_is_on_record_before_it_is_stopped():
    memory = save_size(claimed(DOWN, "batch"), pool_seen(RUNNING).pool("batch"), NOW)
    assert memory.target("batch").saved == FIVE
    assert memory.open is not None


def test_a_size_that_is_owed_is_not_overwritten():
    """Peers lost sizes when a second pass saved what the first had left."""
    target = TargetMemory(saved=FIVE, owed=Owed("office", NOW))
    memory = Memory(ID, targets={"batch": target})
    assert save_size(memory, pool_seen(RUNNING, count=2).pool("batch"), NOW) is memory


def test_a_size_that_was_saved_for_a_stop_that_never_happened_is_read_again():
    memory = Memory(ID, targets={"batch": TargetMemory(saved=FIVE)})
    assert save_size(memory, pool_seen(RUNNING, count=8).pool("batch"), NOW).target("batch").saved.count == 8


@pytest.mark.parametrize(
    "pool",
    [
        NodePool("batch", power=STOPPED, provisioning_state="Stopping", count=0),
        NodePool("batch", power=RUNNING, provisioning_state="Stopping", count=5),
        NodePool("batch", power=RUNNING, provisioning_state="", count=5),
        NodePool("batch", power=STOPPED, provisioning_state="Succeeded", count=5),
        NodePool("batch", power=RUNNING, provisioning_state="Succeeded", count=0),
        NodePool("batch", power=RUNNING, provisioning_state="Succeeded", count=None),
    ],
)
def test_a_pool_whose_size_cannot_be_known_is_not_stopped(pool):
    """Recorded: a pool that stops reports Stopped and count 0 at once."""
    dropped = save_size(Memory(ID), pool, NOW)
    assert isinstance(dropped, Dropped)
    assert dropped.reason is DropReason.SIZE_UNKNOWN
    assert "batch" in dropped.sentence


def test_a_pool_start_is_checked_for_its_size():
    owing = TargetMemory(saved=FIVE, owed=Owed("office", NOW))
    memory = under_way(UP, "batch", target=owing)
    back = settle(memory, pool_seen(RUNNING), NOW + 3 * MINUTE)
    assert (back.outcome, back.size) == (Outcome.SUCCEEDED, "")
    assert (back.memory.target("batch").owed, back.memory.target("batch").saved) == (None, None)
    other = settle(memory, pool_seen(RUNNING, count=2), NOW + 3 * MINUTE)
    assert other.outcome is Outcome.SUCCEEDED
    assert other.size == "pool Batch had 5 nodes before we stopped it, now 2 nodes"
    assert other.memory.target("batch").saved == FIVE
    assert other.memory.target("batch").owed is not None


def test_a_pool_that_a_person_starts_in_its_size_is_paid_and_else_stays_owed():
    """Also when we never came to see our stop succeed."""
    memory = under_way(DOWN, "batch", target=TargetMemory(saved=FIVE))
    paid = settle(memory, pool_seen(RUNNING), LEASE_OVER, verdict("succeeded")).memory.target("batch")
    assert (paid.owed, paid.saved) == (None, None)
    smaller = settle(memory, pool_seen(RUNNING, count=2), LEASE_OVER, verdict("succeeded")).memory.target("batch")
    assert (smaller.owed, smaller.saved) == (Owed("office", LEASE_OVER), FIVE)


def test_a_pool_on_its_way_counts_as_adopted_though_its_power_changed_at_once():
    result = settle(claimed(DOWN, "batch"), pool_seen(STOPPED, "Stopping"), LEASE_OVER)
    assert result.outcome is Outcome.ADOPTED


@pytest.mark.parametrize(
    ("saved", "pool", "differs"),
    [
        (None, {}, ""),
        (FIVE, {"count": 5}, ""),
        (FIVE, {"count": 6}, "had 5 nodes before we stopped it, now 6 nodes"),
        (FIVE, {"autoscaling": True, "min_count": 1, "max_count": 9}, "now autoscaled 1 to 9"),
        (
            SavedSize(5, 1, 9, autoscaling=True, at=NOW),
            {"autoscaling": True, "min_count": 1, "max_count": 9, "count": 3},
            "",
        ),
        (
            SavedSize(5, 1, 9, autoscaling=True, at=NOW),
            {"autoscaling": True, "min_count": 1, "max_count": 4},
            "now 1 to 4",
        ),
        (SavedSize(5, 1, 9, autoscaling=True, at=NOW), {"count": 5}, "now off at 5 nodes"),
    ],
)
def test_sizes_are_compared_as_people_mean_them(saved, pool, differs):
    problem = size_problem(TargetMemory(saved=saved), pool_seen(RUNNING, **pool).pool("batch"))
    assert differs in problem
    assert bool(problem) == bool(differs)


def test_a_pool_that_is_not_up_repays_nothing():
    owing = TargetMemory(saved=FIVE, owed=Owed("office", NOW))
    assert repaid(owing, pool_seen(RUNNING, "Starting").pool("batch")) is owing
    assert "not running" in size_problem(TargetMemory(), pool_seen(STOPPED).pool("batch"))


# ---- being undone


def reversals(*days):
    target = TargetMemory()
    for day in days:
        target = with_reversal(target, NOW + day * DAY)
    return target


@pytest.mark.parametrize(
    ("days", "pause"),
    [
        ((), None),
        ((0, 1), None),
        ((0, 4, 8), None),
        ((0, 1, 7), 1),
        ((0, 1, 2, 4), 2),
        ((0, 1, 2, 4, 7), 4),
        ((0, 1, 2, 4, 7, 12), 7),
        ((0, 1, 2, 4, 7, 12, 20), 7),
        ((0, 1, 2, 30), None),
    ],
)
def test_who_keeps_undoing_us_is_left_alone_for_longer_and_longer(days, pause):
    target = reversals(*days)
    at = NOW + (days[-1] if days else 0) * DAY
    assert undone(target, at) == (None if pause is None else at + pause * DAY)


def test_a_pause_ends():
    assert undone(reversals(0, 1, 2), NOW + 3 * DAY - MINUTE) == NOW + 3 * DAY
    assert undone(reversals(0, 1, 2), NOW + 3 * DAY) is None


def test_only_the_newest_reversals_are_kept():
    assert len(reversals(*range(50)).reversals) == 8


def test_actions_name_their_target_in_lower_case():
    """Ids compare without case, so the same decision has one id however a pool is spelled."""
    assert StopCluster(ID).target == ID
    assert decision(DOWN, "Batch").id == decision(DOWN, "batch").id
