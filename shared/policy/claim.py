"""The protocol between queue and Azure, as transitions of one cluster's memory. One compare-and-swap per arrow.

    free      claim()                                    CLAIMED, with a lease
    CLAIMED   may_write(), then the one write, then      accepted() | already_there() | postponed() | failed()
    CLAIMED   no reply, 5xx, a crash                     nothing is written: settle() finds out by looking
    ACCEPTED  settle()                                   free

Each function takes a memory as it was read and returns the one to swap in. A swap that loses means somebody wrote
first: drop the message, a later tick converges. A worker that lost its claim loses its swap, so it can harm nothing
but by writing to Azure late; that is what `may_write` is for.

From: the protocol is checked exhaustively in tests/faults/test_claim_model.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.actions import action_of
from shared.model.altering import altered
from shared.model.decisions import Decision, Verdict, decision_id
from shared.model.fleet import NodePool, Power
from shared.model.memory import Memory, OpenAction, Phase, SavedSize, Served
from shared.policy.aftermath import aftermath_of
from shared.policy.endings import (
    Problem,
    after_failure,
    claimed,
    freed,
    goal_of,
    repaid,
    size_problem,
    undone,
    with_reversal,
    without_failure,
)
from shared.policy.outcomes import OperationStatus, OperationVerdict, Outcome, Settled
from shared.policy.settle import DEADLINES, deadline_of, settle
from shared.policy.spoken import spoken

__all__ = [
    "DEADLINES",
    "FUNCTION_TIMEOUT",
    "HTTP_TIMEOUT",
    "LEASE",
    "QUIET",
    "DropReason",
    "Dropped",
    "OperationStatus",
    "OperationVerdict",
    "Outcome",
    "Problem",
    "Settled",
    "accepted",
    "already_there",
    "being_written",
    "claim",
    "failed",
    "may_write",
    "postponed",
    "repaid",
    "save_size",
    "settle",
    "size_problem",
    "undone",
    "with_reversal",
]

FUNCTION_TIMEOUT = timedelta(minutes=4)
"""host.json's `functionTimeout`: no worker outlives it."""
HTTP_TIMEOUT = timedelta(seconds=60)
"""Of the one write."""
QUIET = timedelta(minutes=5)
"""At a lease's end: time for Azure's readings to show a late write, and for machines whose clocks differ."""
LEASE = FUNCTION_TIMEOUT + HTTP_TIMEOUT + QUIET


class DropReason(StrEnum):
    """Why a message is not acted on. None of them is an error: the next tick decides anew."""

    NO_ACTION = "no_action"
    UNDER_WAY = "under_way"
    STALE = "stale"
    EXPIRED = "expired"
    TOO_EARLY = "too_early"
    SIZE_UNKNOWN = "size_unknown"


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nothing is claimed and nothing is written."""

    reason: DropReason
    sentence: str
    until: datetime | None = None
    """TOO_EARLY only: when it may go; a message sent again must not arrive before."""


def claim(memory: Memory, decision: Decision, now: datetime, zone: str = "UTC") -> Memory | Dropped:
    """CLAIMED for `decision`, the one that the message carries, or why not.

    Before it: a fresh reading, its locks, and `decide` agreeing on both. After it: swap, `may_write`, the write.
    Why not is told in times of the zone. Raises ValueError when the row is another cluster's.
    """
    if decision.cluster != memory.cluster:
        raise ValueError(f"a decision about {decision.cluster} was brought to the row of {memory.cluster}")
    dropped = _objection(memory, decision, now, zone)
    if dropped is not None or decision.action is None:
        return dropped or Dropped(DropReason.NO_ACTION, "there is nothing to do")
    open_ = OpenAction(
        id=decision.id,
        kind=decision.action.kind,
        pool=decision.action.pool,
        phase=Phase.CLAIMED,
        cause=decision.cause,
        rule=decision.rule or "",
        reason=decision.reason.value,
        claimed_at=now,
        lease_until=now + LEASE,
        body=decision.action.body,
    )
    # From here on the stop budget counts the action itself, not the message that brought it.
    return altered(memory, open=open_, not_before=None, queued_id="", queued_at=None)


def _objection(memory: Memory, decision: Decision, now: datetime, zone: str) -> Dropped | None:
    action, open_ = decision.action, memory.open
    if action is None or decision.verdict is not Verdict.ACT:
        return Dropped(DropReason.NO_ACTION, f"the decision is {decision.shown_action}, not an admitted action")
    if open_ is not None:
        twin = "this very decision" if open_.id == decision.id else open_.kind.replace("_", " ")
        return Dropped(DropReason.UNDER_WAY, f"{twin} is under way since {spoken(open_.claimed_at, zone)}")
    if decision.id != decision_id(decision.target, action.kind, decision.cause, memory.generation):
        return Dropped(DropReason.STALE, f"decided before action {memory.generation} of this cluster was settled")
    if decision.expires_at is not None and decision.expires_at <= now:
        return Dropped(DropReason.EXPIRED, f"expired {spoken(decision.expires_at, zone)}")
    begin = max((at for at in (memory.not_before, decision.not_before) if at is not None), default=now)
    if begin > now:
        return Dropped(DropReason.TOO_EARLY, f"not before {spoken(begin, zone)}", begin)
    return None


def may_write(memory: Memory, decision_id: str, now: datetime) -> bool:
    """Whether the write may be sent at this moment: the claim is this decision's, and enough of its lease is left.

    Enough is one HTTP timeout and the quiet end: whatever the write does shows before anybody may conclude that it
    never happened. Ask with the clock read right before the write.
    """
    open_ = memory.open
    if open_ is None or open_.id != decision_id or open_.phase is not Phase.CLAIMED:
        return False
    return now + HTTP_TIMEOUT + QUIET <= open_.lease_until


def being_written(memory: Memory, now: datetime) -> bool:
    """A worker holds the claim and will write Azure's answer: what was noticed can wait for the next look."""
    open_ = memory.open
    return open_ is not None and open_.phase is Phase.CLAIMED and now <= open_.lease_until


def accepted(memory: Memory, now: datetime, operation: str | None) -> Memory:
    """Azure took it (200, 202, 204). `operation` is the whole URL to ask later. Success is only what is seen then."""
    open_ = claimed(memory)
    deadline = deadline_of(open_.kind, now)
    memory = altered(memory, open=altered(open_, phase=Phase.ACCEPTED, operation=operation, deadline=deadline))
    action = action_of(open_, memory.cluster)
    return memory if action is None else aftermath_of(action).accepted(memory, action, now)


def already_there(memory: Memory, now: datetime) -> Memory:
    """Free: the goal was reached without us. It counts as served; nothing is owed for what we did not do."""
    open_ = claimed(memory)
    target, goal = without_failure(memory.target(open_.pool), open_.kind), goal_of(open_)
    if goal is not None:
        target = altered(target, served=Served(goal, now))
    memory = freed(memory, target if target != memory.target(open_.pool) else None)
    action = action_of(open_, memory.cluster)
    return memory if action is None else aftermath_of(action).already(memory, action, now)


def postponed(memory: Memory, now: datetime, not_before: datetime) -> Memory:
    """Free: busy or throttled (409, 412, 429), which is "later", not "failed". Nothing of the cluster before then."""
    claimed(memory)
    return freed(memory, not_before=max(now, not_before))


def failed(memory: Memory, now: datetime, code: str, message: str, capacity: bool = False) -> Memory:
    """Free: quota, capacity, 403 or another 4xx. The failure counts up, and the target is left alone until `retry_at`.

    A start that found no capacity also keeps what is up from being stopped for a week.
    """
    open_ = claimed(memory)
    memory = after_failure(memory, open_, now, Problem(code, message, capacity))
    action = action_of(open_, memory.cluster)
    return memory if action is None else aftermath_of(action).failed(memory, action, now)


def save_size(memory: Memory, pool: NodePool, now: datetime) -> Memory | Dropped:
    """The pool's size on record, in the same swap as the claim of its stop; or why it must not be stopped.

    A size that is still owed is never overwritten; 0, an unknown count and the size of a pool that is not running
    and settled are never saved. A pool start sent without its size comes back with another one.
    """
    target = memory.target(pool.name)
    if target.saved is not None and target.owed is not None:
        return memory
    if pool.power is not Power.RUNNING or pool.provisioning_state.casefold() != "succeeded":
        state = pool.provisioning_state or "in no known state"
        text = f"pool {pool.name} is {pool.power}, {state}: not the moment to read its size"
        return Dropped(DropReason.SIZE_UNKNOWN, text)
    if not pool.count:
        known = "no nodes" if pool.count == 0 else "no known number of nodes"
        text = f"pool {pool.name} has {known}, so there is no size to come back to"
        return Dropped(DropReason.SIZE_UNKNOWN, text)
    size = SavedSize(pool.count, pool.min_count, pool.max_count, bool(pool.autoscaling), now)
    return altered(memory, targets=memory.with_target(pool.name, altered(target, saved=size)))
