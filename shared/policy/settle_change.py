"""How an open change that is no power state is settled: a size, a version, a tier.

    CLAIMED   lease over, seen to be done                  free       succeeded
    CLAIMED   lease over, in the middle of something       ACCEPTED   (adopted by observation)
    CLAIMED   lease over, settled and not done             free       released, or failed where its state says so
    ACCEPTED  seen to be done                              free       succeeded
    ACCEPTED  seen, Azure at work, done at once            free       succeeded: whoever wanted it watches on
    ACCEPTED  not done, the operation succeeded            free       reversed: somebody changed it since
    ACCEPTED  the operation failed, or nobody will tell    free       failed

The same caution as with power: nothing is concluded in the middle of something, and success is the observed state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.actions import Action
from shared.model.fleet import SETTLED, Cluster
from shared.model.memory import Memory, OpenAction, Phase
from shared.policy.aftermath import aftermath_of
from shared.policy.endings import Problem, after_failure, freed, without_failure
from shared.policy.goals import GOALS
from shared.policy.outcomes import OperationStatus, OperationVerdict, Outcome, Settled

PATIENCE = timedelta(hours=1)
"""How much longer than its deadline an operation is believed that says it runs, or says nothing that can be read."""


@dataclass(frozen=True, slots=True)
class Change:
    """An open change, and a fresh reading of its cluster."""

    memory: Memory
    open: OpenAction
    action: Action
    cluster: Cluster
    now: datetime

    @property
    def state(self) -> str:
        """Of what is changed: the pool where it is one, else the cluster."""
        pool = None if self.action.pool is None else self.cluster.pool(self.action.pool)
        return (self.cluster if pool is None else pool).provisioning_state.casefold()

    @property
    def there(self) -> bool | None:
        return GOALS[self.action.kind].there(self.action, self.cluster)

    @property
    def what(self) -> str:
        target = "cluster" if self.action.pool is None else f"pool {self.action.pool}"
        return f"{self.action.verb} of the {target}"

    def waits(self, sentence: str, *, ask: bool = False) -> Settled:
        return Settled(self.memory, Outcome.WAITING, sentence, self.open, ask)

    def ends(self, memory: Memory, outcome: Outcome, sentence: str) -> Settled:
        return Settled(memory, outcome, sentence, self.open)


def change_deadline(kind: str) -> timedelta:
    return GOALS[kind].deadline


def settle_change(change: Change, operation: OperationVerdict | None) -> Settled:
    """What became of it. `operation` is None until `ask_operation` was said."""
    if change.open.phase is Phase.CLAIMED:
        return _claimed(change)
    if change.state not in SETTLED:
        return _at_work(change)
    if change.there and change.state == "succeeded":
        return _succeeded(change, "is seen to be done")
    if change.open.operation is None:
        return _without_verdict(change, _deadline(change), "there is no operation to ask")
    if operation is None:
        return change.waits(f"{change.what} is not seen yet", ask=True)
    return _heard(change, operation)


def _claimed(change: Change) -> Settled:
    if change.now <= change.open.lease_until:
        return change.waits("the lease is not over")
    if change.state not in SETTLED:
        deadline = change.now + change_deadline(change.action.kind)
        adopted = replace(change.open, phase=Phase.ACCEPTED, operation=None, deadline=deadline)
        memory = aftermath_of(change.action).accepted(replace(change.memory, open=adopted), change.action, change.now)
        text = f"no answer was recorded, but {change.what} seems to be under way ({change.state})"
        return change.ends(memory, Outcome.ADOPTED, text)
    if change.there and change.state == "succeeded":
        return _succeeded(change, "is done, though no answer was recorded")
    if change.state != "succeeded":
        text = f"no answer was recorded, and it is {change.state}"
        return _failed(change, Problem(change.cluster.error_code or change.state, text))
    text = f"no answer was recorded, and nothing shows {change.what}"
    return change.ends(freed(change.memory), Outcome.RELEASED, text)


def _at_work(change: Change) -> Settled:
    if change.there and GOALS[change.action.kind].at_once(change.action):
        return _succeeded(change, "is under way, and its nodes are watched")
    return change.waits(f"{change.what}: {change.state or 'in no known state'}")


def _heard(change: Change, operation: OperationVerdict) -> Settled:
    match operation.status:
        case OperationStatus.SUCCEEDED if change.there is None or not GOALS[change.action.kind].lasting:
            return _succeeded(change, "succeeded by Azure's word")
        case OperationStatus.SUCCEEDED if change.there is False and change.now > change.open.lease_until:
            return change.ends(
                freed(change.memory), Outcome.REVERSED, f"{change.what} succeeded, and somebody changed it since"
            )
        case OperationStatus.FAILED | OperationStatus.CANCELED:
            code = operation.code or operation.status.value
            said = operation.message or f"the operation {operation.status}"
            return _failed(change, Problem(code, said, operation.capacity))
        case OperationStatus.GONE:
            return _without_verdict(change, _deadline(change), "Azure no longer knows the operation")
        case _:
            # SUCCEEDED may be newer than the reading; RUNNING and UNREADABLE may last.
            return _without_verdict(change, _deadline(change) + PATIENCE, f"the operation is {operation.status}")


def _deadline(change: Change) -> datetime:
    return change.open.deadline or change.open.lease_until


def _without_verdict(change: Change, until: datetime, why: str) -> Settled:
    """Nobody will say how it ended."""
    if change.now <= until:
        return change.waits(f"{change.what} is not seen yet; {why}")
    return _failed(change, Problem("NotSeen", f"{change.what} was not seen to be done; {why}"))


def _succeeded(change: Change, how: str) -> Settled:
    target = without_failure(change.memory.target(change.open.pool), change.open.kind)
    memory = aftermath_of(change.action).succeeded(freed(change.memory, target), change.action, change.now)
    return change.ends(memory, Outcome.SUCCEEDED, f"{change.what} {how}")


def _failed(change: Change, problem: Problem) -> Settled:
    memory = after_failure(change.memory, change.open, change.now, problem)
    memory = aftermath_of(change.action).failed(memory, change.action, change.now)
    return replace(change.ends(memory, Outcome.FAILED, f"{problem.code}: {problem.message}"), problem=problem)
