"""What a state of the claim model consists of: Azure's truth about one target, and the row we remember of it.

Rows are real memories in a standard form: instants relative to NOW, the generation always the same. So there are a few
hundred of them, however long the world runs.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.model.decisions import decision_id, power_action
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Failure, Memory, OpenAction, Owed, SavedSize, Served, TargetMemory, Wish
from shared.policy import claim as protocol

NOW = datetime(2026, 12, 7, 19, tzinfo=UTC)
UNIT = timedelta(minutes=1)
ID = "/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/managedclusters/c"
GENERATION = 5
SIZE, WRONG_SIZE = 3, 2
WISHES = (Wish.RUNNING, Wish.STOPPED)
WORDS = {Wish.RUNNING: "Starting", Wish.STOPPED: "Stopping", None: "Updating"}


def other(wish):
    return WISHES[1 - WISHES.index(wish)]


@dataclass(frozen=True, slots=True)
class Cloud:
    """Azure's truth about the target, and two ghosts that only the invariants look at."""

    power: Wish
    failed: bool = False
    op: tuple | None = None
    """(goal or None, ours, age): age 0 and 1 = accepted, not shown yet; 2 = shown as Starting, Stopping or Updating."""
    record: str = ""
    """What our last operation says of itself."""
    size: int = SIZE
    owing: bool = False
    """We stopped it, and nobody has started it since."""
    touched: bool = False
    """Somebody else acted since our last write was accepted."""

    @property
    def settled(self):
        return self.op is None or self.op[2] < 2


def left(at, floor):
    return max(floor, (at - NOW) // UNIT)


class Rows:
    """Memories, each in a standard form relative to NOW, known by a number. Nothing that steers the protocol is dropped."""

    def __init__(self, pool):
        self.pool = pool
        self.numbers, self.memories = {}, []

    def number(self, memory, now=NOW):
        """Number of the standard form, and by how much the generation grew."""
        target, open_, shift = memory.target(self.pool), memory.open, now - NOW
        key = (
            None
            if open_ is None
            else (
                open_.kind,
                open_.phase,
                left(open_.lease_until - shift, -3),
                None if open_.deadline is None else left(open_.deadline - shift, -3),
                open_.operation,
            ),
            None if target.served is None else target.served.wish,
            target.owed is not None,
            None if target.saved is None else target.saved.count,
            None
            if target.failure is None or target.failure.retry_at - shift <= NOW
            else (target.failure.kind, left(target.failure.retry_at - shift, 0)),
            0 if memory.not_before is None else left(memory.not_before - shift, 0),
        )
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.memories)
            self.memories.append(self._build(key))
        return found, memory.generation - GENERATION

    def _build(self, key):
        open_key, served, owed, saved, failure, not_before = key
        open_ = None
        if open_key is not None:
            kind, phase, lease, deadline, operation = open_key
            lease_until = NOW + lease * UNIT
            goal = Wish.STOPPED if kind.startswith("stop") else Wish.RUNNING
            open_ = OpenAction(
                id=self.id_of(goal, 0),
                kind=kind,
                pool=self.pool,
                phase=phase,
                cause=goal.value,
                rule="office",
                reason="",
                claimed_at=lease_until - protocol.LEASE,
                lease_until=lease_until,
                deadline=None if deadline is None else NOW + deadline * UNIT,
                operation=operation,
            )
        target = TargetMemory(
            served=None if served is None else Served(served, NOW),
            owed=Owed("office", NOW) if owed else None,
            saved=None if saved is None else SavedSize(saved, None, None, autoscaling=False, at=NOW),
            failure=None if failure is None else Failure(failure[0], "", "", NOW, 1, NOW + failure[1] * UNIT),
        )
        memory = Memory(ID, GENERATION, open_, NOW + not_before * UNIT if not_before else None)
        return replace(memory, targets=memory.with_target(self.pool, target))

    def id_of(self, goal, behind):
        action = power_action(ID, self.pool, goal)
        return decision_id(action.target, action.kind, goal.value, GENERATION - behind)


