"""What a state of the claim model consists of: Azure's truth about one target, and the row we remember of it.

Rows are real memories in a standard form: instants relative to NOW, the generation always the same. So there are a few
hundred of them, however long the world runs.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.model.actions import power_action
from shared.model.decisions import decision_id
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
    """Azure's truth about the target; the last three are ghosts that only the laws look at."""

    power: Wish
    failed: bool = False
    """The provisioning state is Failed (or Canceled, which is treated alike)."""
    op: tuple | None = None
    """(goal, ours, age): age 0 and 1 = accepted, not shown yet; 2 = shown as Starting, Stopping, Updating (no goal)."""
    record: str = ""
    """What our last operation says of itself."""
    size: int = SIZE
    owing: bool = False
    """We stopped it, and nobody has started it since."""
    touched: bool = False
    """Somebody else acted since our last write was accepted."""
    failed_once: bool = False
    """Our last operation failed."""

    @property
    def settled(self):
        return self.op is None or self.op[2] < 2

    def begun(self, goal):
        """Somebody else's operation, shown at once."""
        return replace(self, op=(goal, False, 2), touched=True)

    def shown(self, at_once):
        """A pool's power changes with the first sight of the operation, a cluster's at its end."""
        goal, ours, _ = self.op
        return replace(self, op=(goal, ours, 2), power=goal if at_once and goal else self.power)

    def ended(self, power, record):
        goal, ours, _ = self.op
        stopped_by_us = ours and goal is Wish.STOPPED
        return replace(
            self,
            op=None,
            power=power,
            failed=record != "succeeded",
            record=record if ours else self.record,
            owing=power is Wish.STOPPED and (self.owing or stopped_by_us),
            failed_once=self.failed_once or (ours and record != "succeeded"),
        )

    def reading(self, pool):
        """The fresh GET: of a cluster that is the target itself, or in which the pool is."""
        state = "Failed" if self.failed else "Succeeded"
        if not self.settled:
            state = WORDS[self.op[0]]
        running = self.power is Wish.RUNNING and self.settled
        power, whole = self.power.power, pool is None
        nodes = NodePool(
            pool or "system",
            power=Power.RUNNING if whole else power,
            provisioning_state="Succeeded" if whole else state,
            count=self.size if running or whole else 0,
            autoscaling=False,
        )
        cluster = Cluster(ID, "c", "g", "s", pools=(nodes,))
        if whole:
            return replace(cluster, power=power, provisioning_state=state)
        return replace(cluster, power=Power.RUNNING, provisioning_state="Succeeded")


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
                None if open_.seen_at is None else left(open_.seen_at - shift, -2),
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
            kind, phase, lease, deadline, operation, seen_at = open_key
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
                seen_at=None if seen_at is None else NOW + seen_at * UNIT,
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
