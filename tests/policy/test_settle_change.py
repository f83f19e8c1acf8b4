"""A change that is no power state, from its claim to its end: what is seen decides, and nothing is concluded on doubt."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.actions import ACTIONS, Action, GrowPool, ShrinkPool, StartPool, action_of
from shared.model.decisions import Decision, Reason, Verdict, decision_id
from shared.model.fleet import Power
from shared.model.memory import Memory, Phase
from shared.policy import claim as protocol
from shared.policy.outcomes import OperationStatus, OperationVerdict, Outcome
from shared.policy.settle import settle
from tests.policy.builders import at, pool, with_pool

NOW = at("Mon 12:00")
MINUTE = timedelta(minutes=1)
CLUSTER = with_pool()
NEW = Memory(CLUSTER.id)
GROW = GrowPool(CLUSTER.id, "batch", count=5, group="web/web")
URL = "https://management.azure.com/operations/1"


def decided(action: Action, memory: Memory) -> Decision:
    id_ = decision_id(action.target, action.kind, "more", memory.generation)
    return Decision(id_, CLUSTER.id, action.target, action, Verdict.ACT, Reason.FALL_BACK, "more", "web", "more")


def claimed(action: Action = GROW, memory: Memory = NEW) -> Memory:
    after = protocol.claim(memory, decided(action, memory), NOW)
    assert isinstance(after, Memory)
    return after


def accepted(action: Action = GROW) -> Memory:
    return protocol.accepted(claimed(action), NOW, URL)


def seen(state="Succeeded", **size):
    return with_pool(pool(provisioning_state=state, **size))


def answer(status, code="", message="", capacity=False):
    return OperationVerdict(OperationStatus(status), code, message, capacity)


def test_an_action_comes_back_from_memory_as_it_was_claimed():
    bounds = ShrinkPool(CLUSTER.id, "batch", min_count=0, max_count=4, group="web/web", urgent=False)
    for action in (GROW, bounds, StartPool(CLUSTER.id, "batch")):
        assert action_of(claimed(action).open, CLUSTER.id) == action


def test_an_action_said_in_a_newer_way_is_not_guessed_at():
    memory = claimed()
    assert action_of(replace(memory.open, body={"count": 5, "colour": "blue"}), CLUSTER.id) is None
    assert action_of(replace(memory.open, kind="paint_pool"), CLUSTER.id) is None


def test_the_size_that_is_seen_settles_it():
    done = settle(accepted(), seen(count=5), NOW + 5 * MINUTE)
    assert done.outcome is Outcome.SUCCEEDED
    assert (done.memory.open, done.memory.generation) == (None, 1)


@pytest.mark.parametrize("reading", [seen("Scaling", count=5), seen("Updating", count=3)])
def test_nothing_is_concluded_in_the_middle_of_something(reading):
    alone = accepted(GrowPool(CLUSTER.id, "batch", count=5))
    assert settle(alone, reading, NOW + 200 * MINUTE).outcome is Outcome.WAITING


def test_a_raise_of_a_capacity_group_is_done_once_azure_holds_the_size():
    """Its nodes are watched by the group, so that another pool of it need not wait for them."""
    assert settle(accepted(), seen("Scaling", count=5), NOW + MINUTE).outcome is Outcome.SUCCEEDED
    assert settle(accepted(), seen("Scaling", count=3), NOW + MINUTE).outcome is Outcome.WAITING
    lowered = accepted(ShrinkPool(CLUSTER.id, "batch", count=1, group="web/web"))
    assert settle(lowered, seen("Scaling", count=1), NOW + MINUTE).outcome is Outcome.WAITING


def test_another_size_asks_the_operation_and_believes_its_failure():
    waiting = settle(accepted(), seen(count=3), NOW + 5 * MINUTE)
    assert (waiting.outcome, waiting.ask_operation) == (Outcome.WAITING, True)
    failed = settle(accepted(), seen("Failed", count=3), NOW, answer("failed", "AllocationFailed", "no room", True))
    assert failed.outcome is Outcome.FAILED
    setback = failed.memory.target("batch").failure_of("grow_pool")
    assert (setback.code, setback.count, setback.retry_at) == ("AllocationFailed", 1, NOW + 5 * MINUTE)
    assert failed.memory.target("batch").failure is None, "a start of the pool is not held back by it"
    assert failed.memory.target("batch").no_stop_until is None


def test_a_success_ends_the_count_of_failures():
    once = settle(accepted(), seen("Failed", count=3), NOW, answer("failed", "AllocationFailed")).memory
    twice = protocol.failed(claimed(memory=once), NOW, "AllocationFailed", "no room", True)
    assert twice.target("batch").failure_of("grow_pool").count == 2
    done = settle(protocol.accepted(claimed(memory=twice), NOW, URL), seen(count=5), NOW + MINUTE).memory
    assert done.target("batch").failure_of("grow_pool") is None


def test_what_somebody_changed_since_is_left_and_is_no_failure():
    late = NOW + protocol.LEASE + MINUTE
    ended = settle(accepted(), seen(count=7), late, answer("succeeded"))
    assert (ended.outcome, ended.memory.open) == (Outcome.REVERSED, None)
    assert ended.memory.target("batch").failure_of("grow_pool") is None


def test_a_success_that_is_not_seen_yet_is_waited_for():
    assert settle(accepted(), seen(count=3), NOW + MINUTE, answer("succeeded")).outcome is Outcome.WAITING


@pytest.mark.parametrize(("status", "patience"), [("gone", 0), ("running", 60), ("unreadable", 60)])
def test_nobody_waits_for_ever(status, patience):
    memory = accepted()
    limit = memory.open.deadline + patience * MINUTE
    assert settle(memory, seen(count=3), limit, answer(status)).outcome is Outcome.WAITING
    assert settle(memory, seen(count=3), limit + MINUTE, answer(status)).outcome is Outcome.FAILED


def test_without_an_operation_only_looking_is_left():
    memory = protocol.accepted(claimed(), NOW, None)
    assert settle(memory, seen(count=3), NOW + MINUTE).ask_operation is False
    assert settle(memory, seen(count=3), memory.open.deadline + MINUTE).outcome is Outcome.FAILED


LATE = NOW + protocol.LEASE + MINUTE


@pytest.mark.parametrize(
    ("reading", "outcome"),
    [
        (seen("Scaling", count=3), Outcome.ADOPTED),
        (seen(count=5), Outcome.SUCCEEDED),
        (seen(count=3), Outcome.RELEASED),
        (seen("Failed", count=3), Outcome.FAILED),
    ],
)
def test_a_lost_reply_is_found_out_by_looking(reading, outcome):
    assert settle(claimed(), reading, NOW + MINUTE).outcome is Outcome.WAITING
    ended = settle(claimed(), reading, LATE)
    assert ended.outcome is outcome
    if outcome is Outcome.ADOPTED:
        assert ended.memory.open.phase is Phase.ACCEPTED


def test_an_accepted_move_is_remembered_by_its_group():
    moved = accepted().groups["web/web"].moves
    assert [(move.pool, move.raised) for move in moved] == [("batch", True)]
    adopted = settle(claimed(), seen("Scaling", count=3), LATE).memory
    assert len(adopted.groups["web/web"].moves) == 1


def test_a_drain_that_failed_is_remembered_by_its_group():
    shrink = ShrinkPool(CLUSTER.id, "batch", count=1, group="web/web")
    failed = settle(accepted(shrink), seen("Failed"), NOW, answer("failed", "PodDrainFailure", "a budget holds it"))
    assert failed.memory.groups["web/web"].drains["batch"].count == 1


def test_an_autoscaled_pool_is_judged_by_its_bounds():
    bounds = GrowPool(CLUSTER.id, "batch", min_count=3, max_count=9)
    fits = {"autoscaling": True, "min_count": 3, "max_count": 9}
    assert bounds.seen_in(pool(count=5, **fits)) is True
    assert bounds.seen_in(pool(count=5, **(fits | {"max_count": 8}))) is False
    assert bounds.seen_in(pool(count=5, autoscaling=False)) is False
    assert bounds.seen_in(pool(count=5, autoscaling=None)) is None
    assert GROW.seen_in(pool(count=None)) is None
    assert GROW.seen_in(pool(count=5, autoscaling=True)) is False


def test_a_pool_that_is_gone_and_a_power_state_are_not_its_business():
    gone = settle(accepted(), with_pool(pool("other")), NOW)
    assert gone.outcome is Outcome.GONE
    assert all(kind.goal is None or kind.goal.power is not Power.UNKNOWN for kind in ACTIONS.values())
