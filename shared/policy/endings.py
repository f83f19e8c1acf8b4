"""How an open action ends in memory: the row is free, its generation one higher, and the target remembers how it went.

Also what follows from it: when to try again, and how long to leave alone what somebody keeps undoing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from shared.model.actions import ACTIONS, Level
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Failure, Memory, OpenAction, Owed, Phase, SavedSize, Served, TargetMemory, Wish
from shared.policy.start_times import with_start

FIRST_RETRY = timedelta(minutes=5)
# People wait for a start, so it is tried often; nobody waits for a stop.
LONGEST_RETRY: Mapping[Wish, timedelta] = MappingProxyType(
    {Wish.RUNNING: timedelta(minutes=30), Wish.STOPPED: timedelta(hours=6)}
)
# A region that had no room once may have none tomorrow: what is up stays up for a week.
NO_STOP_AFTER_NO_CAPACITY = timedelta(days=7)

REVERSALS_KEPT = 8
REVERSALS_WITHIN = timedelta(days=7)
REVERSALS_TO_BACK_OFF = 3
FIRST_PAUSE = timedelta(hours=24)
LONGEST_PAUSE = timedelta(days=7)

NODES_NOT_READY = "NodesNotReady"
"""Code of the setback that a start leaves whose nodes did not come. It stands while the target runs without them,
whatever becomes of a stop meanwhile."""

# A row holds at most 64 KiB a property; Azure's texts can be pages.
MESSAGE_LENGTH = 400


@dataclass(frozen=True, slots=True)
class Problem:
    """Why Azure did not do it: its code, its text, and whether room or quota was missing."""

    code: str
    message: str
    capacity: bool = False


def goal_of(open_: OpenAction) -> Wish | None:
    """The power state an open action is to bring about; None for any other change, and for a kind that this version
    does not know."""
    action = ACTIONS.get(open_.kind)
    return None if action is None else action.goal


def is_starting(memory: Memory) -> bool:
    """Whether a start of ours of the cluster is not done yet: it may run already, and its nodes be on their way."""
    open_ = memory.open
    return open_ is not None and open_.pool is None and goal_of(open_) is Wish.RUNNING


def claimed(memory: Memory) -> OpenAction:
    """The open action. Raises ValueError unless it is CLAIMED: an answer belongs to a claim that is still ours."""
    open_ = memory.open
    if open_ is None or open_.phase is not Phase.CLAIMED:
        raise ValueError(f"{memory.cluster} has no claim to answer; expected the memory that claim() returned")
    return open_


def freed(memory: Memory, target: TargetMemory | None = None, not_before: datetime | None = None) -> Memory:
    """Free, generation + 1, with the target's new memory if there is one. `not_before` holds for the whole cluster."""
    targets = memory.targets
    if memory.open is not None and target is not None:
        targets = memory.with_target(memory.open.pool, target)
    return replace(memory, open=None, generation=memory.generation + 1, not_before=not_before, targets=targets)


def after_success(
    memory: Memory, open_: OpenAction, pool: NodePool | None, now: datetime, ready_at: datetime | None = None
) -> Memory:
    """Free after the goal was seen. A stop is owed a start; a start pays, for a pool once its size is back too.

    `ready_at`: when what was started was ready, if that was before `now`; starts to come are begun ahead by that.
    """
    target = memory.target(open_.pool)
    if goal_of(open_) is Wish.STOPPED:
        served = Served(Wish.STOPPED, now)
        done = replace(target, served=served, stopped_at=now, owed=Owed(open_.rule, now), failure=None)
        return freed(memory, not_bare(done))
    took = with_start(target.start_seconds, (ready_at or now) - open_.claimed_at)
    return freed(memory, not_bare(replace(_up(target, pool, now), start_seconds=took)))


def after_bare_start(
    memory: Memory, open_: OpenAction, pool: NodePool | None, now: datetime, problem: Problem
) -> Memory:
    """Free after a start whose nodes did not come: it is up, so nothing is tried again, and nothing is learned of how
    long starts take."""
    target = _up(memory.target(open_.pool), pool, now)
    late = Failure(open_.kind, problem.code, problem.message[:MESSAGE_LENGTH], now, count=1, retry_at=now)
    return freed(memory, replace(target, setbacks={**target.setbacks, problem.code: late}))


def bare(memory: Memory) -> tuple[str, ...]:
    """The targets that run without their nodes: '' for the cluster, else a pool's lower-case name."""
    return tuple([name for name, one in memory.targets.items() if _is_bare(one)])


def _is_bare(target: TargetMemory) -> bool:
    return NODES_NOT_READY in target.setbacks


def not_bare(target: TargetMemory) -> TargetMemory:
    """After its nodes came, or it went down."""
    return _without_setback(target, NODES_NOT_READY)


def with_nodes(memory: Memory, names: Iterable[str]) -> Memory:
    """The nodes of those targets came after all."""
    return replace(memory, targets={**memory.targets, **{name: not_bare(memory.targets[name]) for name in names}})


def _up(target: TargetMemory, pool: NodePool | None, now: datetime) -> TargetMemory:
    started = replace(target, served=Served(Wish.RUNNING, now), started_at=now, failure=None)
    return replace(started, owed=None) if pool is None else repaid(started, pool)


def after_failure(memory: Memory, open_: OpenAction, now: datetime, problem: Problem) -> Memory:
    """Free after Azure refused or could not. Tries of one kind in a row count up; a success resets them."""
    target = memory.target(open_.pool)
    before = target.failure_of(open_.kind)
    count = 1 if before is None else before.count + 1
    failure = Failure(
        kind=open_.kind,
        code=problem.code,
        message=problem.message[:MESSAGE_LENGTH],
        at=now,
        count=count,
        retry_at=now + retry_after(_awaited(open_), count),
    )
    if problem.capacity and goal_of(open_) is Wish.RUNNING:
        target = replace(target, no_stop_until=now + NO_STOP_AFTER_NO_CAPACITY)
    return freed(memory, with_failure(target, failure))


def _awaited(open_: OpenAction) -> Wish:
    """Whether somebody waits for it, as for a start: capacity that is wanted is tried again as often as that."""
    action = ACTIONS.get(open_.kind)
    awaited = action is not None and (action.goal is Wish.RUNNING or action.level is Level.RAISE)
    return Wish.RUNNING if awaited else Wish.STOPPED


def with_failure(target: TargetMemory, failure: Failure) -> TargetMemory:
    """The last failures of each kind are remembered by themselves; power has one memory for start and stop."""
    if _is_change(failure.kind):
        return replace(target, setbacks={**target.setbacks, failure.kind: failure})
    return replace(target, failure=failure)


def without_failure(target: TargetMemory, kind: str) -> TargetMemory:
    """After a success of that kind."""
    if not _is_change(kind):
        return replace(target, failure=None)
    return _without_setback(target, kind)


def _without_setback(target: TargetMemory, kind: str) -> TargetMemory:
    if kind not in target.setbacks:
        return target
    return replace(target, setbacks={name: one for name, one in target.setbacks.items() if name != kind})


def _is_change(kind: str) -> bool:
    action = ACTIONS.get(kind)
    return action is not None and action.goal is None


def after_reversal(memory: Memory, open_: OpenAction, seen: Cluster, now: datetime) -> Memory:
    """Free after somebody undid it. The goal counts as served, so what is seen now is that person's wish.

    While what we stopped is not all the way back, a pool in its size, we still owe it: their start may fail.
    """
    goal = goal_of(open_) or Wish.STOPPED
    target = replace(with_reversal(memory.target(open_.pool), now), served=Served(goal, now), failure=None)
    pool = None if open_.pool is None else seen.pool(open_.pool)
    if goal is Wish.RUNNING:
        target = replace(target, owed=None)
    elif pool is not None:
        target = repaid(replace(target, owed=target.owed or Owed(open_.rule, now)), pool)
    else:
        back = seen.power is Power.RUNNING
        target = replace(target, owed=None if back else target.owed or Owed(open_.rule, now))
    return freed(memory, target)


def retry_after(goal: Wish, count: int) -> timedelta:
    """Wait after the `count`-th failure in a row: five minutes, doubling, up to half an hour (start) or six (stop).

    >>> [retry_after(Wish.RUNNING, n).total_seconds() / 60 for n in (1, 2, 3, 4, 99)]
    [5.0, 10.0, 20.0, 30.0, 30.0]
    """
    return min(FIRST_RETRY * (1 << min(count - 1, 16)), LONGEST_RETRY[goal])


def repaid(target: TargetMemory, pool: NodePool) -> TargetMemory:
    """Nothing is owed any more once the pool runs, settled, in the size we saved; until then both debts stand."""
    return target if size_problem(target, pool) else replace(target, owed=None, saved=None)


def size_problem(target: TargetMemory, pool: NodePool) -> str:
    """What differs from the saved size, in one sentence; '' when it is back, or nothing was saved.

    The count of an autoscaled pool is the autoscaler's business: its bounds are compared.
    """
    saved = target.saved
    if pool.power is not Power.RUNNING or pool.provisioning_state.casefold() != "succeeded":
        return f"pool {pool.name} is not running and settled, so its size cannot be compared"
    if saved is None:
        return ""
    if saved.autoscaling:
        wanted, found = _bounds(saved), _bounds(pool)
        return "" if wanted == found else f"pool {pool.name} was autoscaled {wanted} before we stopped it, now {found}"
    if pool.autoscaling or pool.count != saved.count:
        found = f"autoscaled {_bounds(pool)}" if pool.autoscaling else f"{pool.count} nodes"
        return f"pool {pool.name} had {saved.count} nodes before we stopped it, now {found}"
    return ""


def _bounds(size: SavedSize | NodePool) -> str:
    return f"{size.min_count} to {size.max_count}" if size.autoscaling else f"off at {size.count} nodes"


def with_reversal(target: TargetMemory, now: datetime) -> TargetMemory:
    """Remembers that somebody undid what we did; only the newest few are kept."""
    return replace(target, reversals=(*target.reversals, now)[-REVERSALS_KEPT:])


def undone(target: TargetMemory, now: datetime) -> datetime | None:
    """Until when a target is left alone because somebody keeps undoing us; None when it is not.

    Three reversals within seven days give 24 hours. Each further one, up to seven days after such a pause,
    doubles the next pause, up to seven days. Instants are aware UTC.
    """
    pause: timedelta | None = None
    until: datetime | None = None
    for number, at in enumerate(target.reversals):
        lately = sum(at - REVERSALS_WITHIN <= earlier for earlier in target.reversals[: number + 1])
        if pause is not None and until is not None and at < until + REVERSALS_WITHIN:
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            pause = FIRST_PAUSE if lately >= REVERSALS_TO_BACK_OFF else None
        until = None if pause is None else at + pause
    return until if until is not None and until > now else None
