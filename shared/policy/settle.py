"""How an open action is settled by what is seen: the half of the claim protocol that needs no worker.

Of power here; every other change in settle_change.py.

    CLAIMED   lease over, on its way or there              ACCEPTED   (adopted by observation)
    CLAIMED   lease over, settled and unchanged            free       released
    CLAIMED   lease over, Failed or Canceled               free       failed
    CLAIMED   lease over, on its way back                  free       reversed
    ACCEPTED  goal seen; of a start, its nodes too         free       succeeded; settle_nodes.py
    ACCEPTED  settled elsewhere, the operation succeeded   free       reversed
    ACCEPTED  settled elsewhere, the operation failed      free       failed
    any       the cluster or pool is gone                  free       gone

Nothing is concluded from a reading in the middle of something, none from one that cannot be trusted, and no success
from what Azure answered: success is the observed state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from shared.model.actions import action_of
from shared.model.fleet import SETTLED, Cluster, NodePool, Power
from shared.model.memory import Memory, OpenAction, Phase, Wish
from shared.model.readiness import Nodes
from shared.policy.endings import Problem, after_failure, after_reversal, after_success, freed, size_problem
from shared.policy.goals import GOALS
from shared.policy.outcomes import OperationStatus, OperationVerdict, Outcome, Settled
from shared.policy.settle_change import Change, settle_change
from shared.policy.settle_nodes import Arrival, settle_nodes

# How long the goal may stay unseen before an action is called into question. Recorded: a cluster stops in 2 and starts
# in 4 minutes, a pool in 1 and 3; a drain held up by disruption budgets, and upgrades that AKS applies at the first
# start after a long stop, take many times that. Nothing acts at a deadline: it only begins the questions.
DEADLINES: Mapping[str, timedelta] = MappingProxyType(
    {
        "start_cluster": timedelta(minutes=60),
        "stop_cluster": timedelta(minutes=60),
        "start_pool": timedelta(minutes=45),
        "stop_pool": timedelta(minutes=45),
    }
)
LONGEST_DEADLINE = timedelta(minutes=60)
# How much longer an operation is believed to be under way, or an unreadable power state waited for, while the
# resource itself is settled: without an end, one lost record would block a cluster for good.
PATIENCE = timedelta(hours=1)

_ON_ITS_WAY = MappingProxyType({Wish.RUNNING: "starting", Wish.STOPPED: "stopping"})
_ON_ITS_WAY_BACK = MappingProxyType({Wish.RUNNING: "stopping", Wish.STOPPED: "starting"})


@dataclass(frozen=True, slots=True)
class _Case:
    memory: Memory
    open: OpenAction
    cluster: Cluster
    goal: Wish
    power: Power
    state: str
    pool: NodePool | None
    now: datetime
    nodes: Nodes | None

    @property
    def there(self) -> bool:
        return self.power is self.goal.power

    @property
    def what(self) -> str:
        return "cluster" if self.pool is None else f"pool {self.pool.name}"

    def waits(self, sentence: str, *, ask: bool = False) -> Settled:
        return Settled(self.memory, Outcome.WAITING, sentence, self.open, ask)

    def ends(self, memory: Memory, outcome: Outcome, sentence: str) -> Settled:
        return Settled(memory, outcome, sentence, self.open)


def settle(  # noqa: PLR0911 - one line for each thing that can be wrong with a reading
    memory: Memory,
    cluster: Cluster | None,
    now: datetime,
    operation: OperationVerdict | None = None,
    nodes: Nodes | None = None,
) -> Settled:
    """What became of the open action. `now` is taken before the reading, the reading before the operation's verdict.

    `cluster` is a fresh single GET, never a row of Resource Graph, which lags; None when that GET answered 404.
    `operation` is None until `ask_operation` was said. `nodes` is None where `readiness.to_ask` has nothing to ask, or
    whoever calls knows that a running cluster is a ready one. Never raises for data.
    """
    open_ = memory.open
    if open_ is None:
        return Settled(memory, Outcome.WAITING, "nothing is under way")
    if cluster is None:
        return Settled(freed(memory), Outcome.GONE, "the cluster is gone", open_)
    if cluster.problem is not None or not cluster.pools:
        return Settled(memory, Outcome.WAITING, cluster.problem or "the reading shows no pools", open_)
    pool = None if open_.pool is None else cluster.pool(open_.pool)
    if open_.pool is not None and pool is None:
        return Settled(freed(memory), Outcome.GONE, f"pool {open_.pool} is gone", open_)
    action = action_of(open_, memory.cluster)
    if action is None:
        return _foreign(memory, open_, now)
    if action.goal is None:
        return settle_change(Change(memory, open_, action, cluster, now), operation)
    state = (cluster if pool is None else pool).provisioning_state.casefold()
    case = _Case(memory, open_, cluster, action.goal, cluster.power_of(open_.pool), state, pool, now, nodes)
    return _claimed(case) if open_.phase is Phase.CLAIMED else _accepted(case, operation)


def deadline_of(kind: str, now: datetime) -> datetime:
    return now + (GOALS[kind].deadline if kind in GOALS else DEADLINES.get(kind, LONGEST_DEADLINE))


def _foreign(memory: Memory, open_: OpenAction, now: datetime) -> Settled:
    """A newer version opened it, and this one was put back: its goal is unknown here, so only time can close it."""
    if now <= (open_.deadline or open_.lease_until):
        return Settled(memory, Outcome.WAITING, f"{open_.kind} is not known to this version", open_)
    return Settled(freed(memory), Outcome.RELEASED, f"{open_.kind} is not known to this version; given up", open_)


def _claimed(case: _Case) -> Settled:
    """Nobody can write under this claim any more once its lease is over; what is seen then is all there is to know."""
    if case.now <= case.open.lease_until:
        return case.waits("the lease is not over")
    if case.state == _ON_ITS_WAY_BACK[case.goal]:
        # It was settled elsewhere when claimed; to be leaving the goal now, it must have been there.
        text = f"the {case.what} was {case.goal} for a moment, and somebody is changing it back"
        return case.ends(after_reversal(case.memory, case.open, case.cluster, case.now), Outcome.REVERSED, text)
    if case.there or case.state == _ON_ITS_WAY[case.goal]:
        deadline = deadline_of(case.open.kind, case.now)
        adopted = replace(case.open, phase=Phase.ACCEPTED, operation=None, deadline=deadline)
        text = f"no answer was recorded, but the {case.what} is {case.goal} or on its way"
        return case.ends(replace(case.memory, open=adopted), Outcome.ADOPTED, text)
    if case.state not in SETTLED:
        return case.waits(f"no answer was recorded, and the {case.what} is {case.state or 'in no known state'}")
    return _elsewhere(case)


def _elsewhere(case: _Case) -> Settled:
    """Settled, no answer, and the goal is not there: either nothing happened, or it failed."""
    if case.power is Power.UNKNOWN and case.now <= case.open.lease_until + PATIENCE:
        return case.waits(f"no answer was recorded, and the power state of the {case.what} cannot be read")
    if case.state != "succeeded":
        text = f"no answer was recorded, and the {case.what} is {case.power}, {case.state}"
        return _failed(case, Problem(case.cluster.error_code or case.state, text))
    text = f"no answer was recorded, and the {case.what} is unchanged"
    return case.ends(freed(case.memory), Outcome.RELEASED, text)


def _accepted(case: _Case, operation: OperationVerdict | None) -> Settled:
    if case.state not in SETTLED:
        return case.waits(f"the {case.what} is {case.state or 'in no known state'}")
    # A start that left the state Failed is no success; a stop that did is down all the same, and owed a start.
    if case.there and (case.state == "succeeded" or case.goal is Wish.STOPPED):
        return _arrived(case)
    if case.open.operation is None:
        return _without_verdict(case, _deadline(case), "there is no operation to ask")
    if operation is None:
        ask = case.state != "succeeded" or case.now > case.open.lease_until
        return case.waits(f"the {case.what} is not {case.goal} yet", ask=ask)
    return _heard(case, operation)


def _heard(case: _Case, operation: OperationVerdict) -> Settled:
    match operation.status:
        case OperationStatus.SUCCEEDED if case.there:
            return _arrived(case)
        case OperationStatus.SUCCEEDED if case.now > case.open.lease_until and case.power is not Power.UNKNOWN:
            text = f"the operation succeeded, but the {case.what} is {case.power}: somebody changed it back"
            return _reversed(case, text)
        case OperationStatus.FAILED | OperationStatus.CANCELED:
            return _not_done(case, operation)
        case OperationStatus.GONE:
            return _without_verdict(case, _deadline(case), "Azure no longer knows the operation")
        case _:
            # SUCCEEDED may be newer than the reading; RUNNING and UNREADABLE may last.
            return _without_verdict(case, _deadline(case) + PATIENCE, f"the operation is {operation.status}")


def _deadline(case: _Case) -> datetime:
    return case.open.deadline or case.open.lease_until


def _not_done(case: _Case, operation: OperationVerdict) -> Settled:
    """Failed, or ended by somebody's later operation: that is a person's word against a stop, none against a start."""
    ended = operation.status is OperationStatus.CANCELED or "preempted" in operation.code.casefold()
    if ended and case.goal is Wish.STOPPED and case.power is Power.RUNNING:
        return _reversed(case, f"somebody ended our stop, and the {case.what} runs")
    code = operation.code or operation.status.value
    return _failed(case, Problem(code, operation.message or f"the operation {operation.status}", operation.capacity))


def _without_verdict(case: _Case, until: datetime, why: str) -> Settled:
    """Nobody will say how it ended. In doubt the target runs: a start is tried again, a stop is not."""
    if case.now <= until:
        return case.waits(f"the {case.what} is not {case.goal} yet; {why}")
    if case.goal is Wish.STOPPED and case.power is Power.RUNNING and case.state == "succeeded":
        return _reversed(case, f"the {case.what} runs and {why}: taken as somebody's start")
    return _failed(case, Problem("NotSeen", f"the {case.what} is {case.power}, {case.state}; {why}"))


def _arrived(case: _Case) -> Settled:
    """The power is there, which is all of a stop, and of a start the half."""
    if case.goal is Wish.STOPPED or case.nodes is None:
        memory = after_success(case.memory, case.open, case.pool, case.now)
        done = case.ends(memory, Outcome.SUCCEEDED, f"the {case.what} is {case.goal}")
    else:
        done = settle_nodes(Arrival(case.memory, case.open, case.cluster, case.pool, case.now), case.nodes)
    if case.goal is Wish.STOPPED or case.pool is None or done.outcome is not Outcome.SUCCEEDED:
        return done
    return replace(done, size=size_problem(case.memory.target(case.open.pool), case.pool))


def _reversed(case: _Case, sentence: str) -> Settled:
    return case.ends(after_reversal(case.memory, case.open, case.cluster, case.now), Outcome.REVERSED, sentence)


def _failed(case: _Case, problem: Problem) -> Settled:
    memory = after_failure(case.memory, case.open, case.now, problem)
    return replace(case.ends(memory, Outcome.FAILED, f"{problem.code}: {problem.message}"), problem=problem)
