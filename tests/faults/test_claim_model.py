"""The claim protocol, explored exhaustively: every order in which two workers, a tick, Azure, people and time can step.

The transitions are the real functions of shared.policy; only their terms are short (a lease of three units instead of
ten minutes), which keeps every order of events and bounds the number of states. A world in which an id is accepted
twice, a write leaves without its claim, the journal says what was not seen, a size or a debt is lost, or from which a
run without faults does not reach the wish, fails the test with the shortest way to it.
"""

import os
import time
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.model.decisions import Decision, Reason, Verdict, decision_id, power_action
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Failure, Memory, OpenAction, Owed, Phase, SavedSize, Served, TargetMemory, Wish
from shared.policy import claim as protocol
from shared.policy import endings
from shared.policy import settle as settling
from shared.policy.claim import Dropped, OperationStatus, OperationVerdict, Outcome

NOW = datetime(2026, 12, 7, 19, tzinfo=UTC)
UNIT = timedelta(minutes=1)
ID = "/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/managedclusters/c"
GENERATION = 5
SIZE, WRONG_SIZE = 3, 2
WISHES = (Wish.RUNNING, Wish.STOPPED)
QUEUE = 2
SOAK = bool(os.environ.get("LAMPLIGHTER_SOAK"))
WORDS = {Wish.RUNNING: "Starting", Wish.STOPPED: "Stopping", None: "Updating"}
STATUS = {name: OperationStatus(name) for name in ("running", "succeeded", "failed", "canceled", "gone")}


class Violation(AssertionError):
    """A law of the protocol was broken; the message tells how it came to it."""


@pytest.fixture(autouse=True)
def short_terms(monkeypatch):
    """The real terms, shrunk to units in the same order: timeout <= quiet < lease, back-off <= deadline."""
    monkeypatch.setattr(protocol, "HTTP_TIMEOUT", UNIT)
    monkeypatch.setattr(protocol, "QUIET", UNIT)
    monkeypatch.setattr(protocol, "LEASE", 3 * UNIT)
    monkeypatch.setattr(settling, "DEADLINES", {})
    monkeypatch.setattr(settling, "LONGEST_DEADLINE", 2 * UNIT)
    monkeypatch.setattr(settling, "PATIENCE", UNIT)
    monkeypatch.setattr(endings, "FIRST_RETRY", UNIT)
    monkeypatch.setattr(endings, "LONGEST_RETRY", dict.fromkeys(WISHES, UNIT))


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


@dataclass
class World:
    """Successors of a state, computed with the functions under test. A state is a flat tuple:

    (faults left, wish, cloud, row, accepted ids, queue, workers, looker); clouds and rows are numbers.
    A message or id is goal * 2 + (1 if it is of an older generation). Workers:
    ("P", claimed row)  about to swap     ("H", row, behind, valid)  holds its claim
    ("F", row, behind, valid, age)  write in flight     ("R", row, behind, reply)  answer about to be recorded
    """

    pool: str | None = None
    claim: object = staticmethod(protocol.claim)
    may_write: object = staticmethod(protocol.may_write)
    settle: object = staticmethod(protocol.settle)
    save_size: object = staticmethod(protocol.save_size)
    memo: dict = field(default_factory=dict)

    def __post_init__(self):
        self.rows = Rows(self.pool)
        self.clouds, self.cloud_numbers = [], {}

    # ---- values

    def cloud_number(self, cloud):
        found = self.cloud_numbers.get(cloud)
        if found is None:
            found = self.cloud_numbers[cloud] = len(self.clouds)
            self.clouds.append(cloud)
        return found

    def start(self, faults, power, wish):
        row, _ = self.rows.number(Memory(ID, GENERATION))
        return (faults, wish, self.cloud_number(Cloud(power)), row, 0, (), ((), ()), ())

    def reading(self, cloud):
        state = "Failed" if cloud.failed else "Succeeded"
        if not cloud.settled:
            state = WORDS[cloud.op[0]]
        power, alone = cloud.power.power, self.pool is None
        running = cloud.power is Wish.RUNNING and cloud.settled
        pool = NodePool(
            "batch",
            power=Power.RUNNING if alone else power,
            provisioning_state="Succeeded" if alone else state,
            count=cloud.size if running else 0,
            autoscaling=False,
        )
        return Cluster(
            ID,
            "c",
            "g",
            "s",
            power=power if alone else Power.RUNNING,
            provisioning_state=state if alone else "Succeeded",
            pools=(pool,),
        )

    def once(self, function, *key):
        found = self.memo.get((function, key))
        if found is None:
            found = self.memo[function, key] = function(*key)
        return found

    # ---- what the engine does with a reading

    def needed(self, wish, row, cloud_number):
        """A small decide(): act iff it differs, is settled, is not a person's doing, and no back-off runs."""
        memory, cloud = self.rows.memories[row], self.clouds[cloud_number]
        target = memory.target(self.pool)
        served, failure = target.served, target.failure
        return (
            memory.open is None
            and cloud.settled
            and cloud.power is not wish
            and (served is None or served.wish is not wish)
            and not self.cannot_stop(wish, cloud)
            and (failure is None or not failure.kind.startswith("stop" if wish is Wish.STOPPED else "start"))
            and memory.not_before is None
        )

    def cannot_stop(self, wish, cloud):
        """A pool that is not Succeeded cannot be stopped; Azure would refuse, so decide() does."""
        return self.pool is not None and wish is Wish.STOPPED and cloud.failed

    def try_claim(self, message, wish, row, cloud_number):
        """The claimed row, or -1: what act does from reading the row to the swap."""
        goal, behind = WISHES[message // 2], message % 2
        if goal is not wish or not self.once(self.needed, wish, row, cloud_number):
            return -1
        memory, cloud = self.rows.memories[row], self.reading(self.clouds[cloud_number])
        action = power_action(ID, self.pool, goal)
        decision = Decision(
            id=self.rows.id_of(goal, behind),
            cluster=ID,
            target=action.target,
            action=action,
            verdict=Verdict.ACT,
            reason=Reason.OFF_HOURS,
            message="",
            rule="office",
            cause=goal.value,
        )
        claimed = self.claim(memory, decision, NOW)
        if isinstance(claimed, Memory) and self.pool is not None and goal is Wish.STOPPED:
            claimed = self.save_size(claimed, cloud.pool(self.pool), NOW)
        if isinstance(claimed, Dropped):
            return -1
        return self.rows.number(claimed)[0]

    def answer(self, row, reply):
        memory = self.rows.memories[row]
        if reply in ("url", "no url"):
            return self.rows.number(protocol.accepted(memory, NOW, "url" if reply == "url" else None))
        if reply == "there":
            return self.rows.number(protocol.already_there(memory, NOW))
        if reply == "busy":
            return self.rows.number(protocol.postponed(memory, NOW, NOW + UNIT))
        return self.rows.number(protocol.failed(memory, NOW, "AksCapacityHeavyUsage", "no room", capacity=True))

    def look(self, row, seen, record, age):
        """(new row, growth, outcome): what a tick makes of an open row and a reading taken `age` units ago."""
        memory, now = self.rows.memories[row], NOW - age * UNIT
        cloud = self.clouds[seen]
        result = self.settle(memory, self.reading(cloud), now)
        if result.ask_operation:
            result = self.settle(memory, self.reading(cloud), now, OperationVerdict(STATUS[record]))
        if result.memory is memory:
            return row, 0, result.outcome
        if result.outcome is Outcome.SUCCEEDED and not (cloud.settled and cloud.power is settling.goal_of(memory.open)):
            raise Violation("a success was recorded that nobody saw")
        return *self.rows.number(result.memory), result.outcome

    def observe(self, wish, row, cloud_number):
        """What remember does on a tick: a wish that is true is served; a debt that is paid is forgotten."""
        memory, cloud = self.rows.memories[row], self.clouds[cloud_number]
        if memory.open is not None or not cloud.settled or cloud.failed:
            return row
        target = memory.target(self.pool)
        if cloud.power is wish:
            target = replace(target, served=Served(wish, NOW))
        if cloud.power is Wish.RUNNING:
            reading = self.reading(cloud)
            paid = replace(target, owed=None) if self.pool is None else protocol.repaid(target, reading.pool(self.pool))
            target = paid
        return self.rows.number(replace(memory, targets=memory.with_target(self.pool, target)))[0]

    def writable(self, row):
        memory = self.rows.memories[row]
        return memory.open is not None and self.may_write(memory, memory.open.id, NOW)

    def later(self, row):
        return self.rows.number(self.rows.memories[row], NOW + UNIT)[0]

    def flipped(self, row):
        """Another transition came: what was served before it no longer speaks."""
        memory = self.rows.memories[row]
        target = replace(memory.target(self.pool), served=None)
        return self.rows.number(replace(memory, targets=memory.with_target(self.pool, target)))[0]

    # ---- states

    def written(self, state, row, growth, writer=-1, becomes=()):
        """The state after a swap of the row: everybody else who had read it loses."""
        faults, wish, cloud, old, bits, queue, workers, _ = state
        was_open, is_open = self.rows.memories[old].open is not None, self.rows.memories[row].open is not None
        if growth != (was_open and not is_open):
            raise Violation(f"the generation grew by {growth}")
        if growth:
            bits = ((bits & 0b0101) | (bits & 0b1010) >> 1) << 1
            queue = tuple(sorted(message | 1 for message in queue))
        moved = []
        for number, worker in enumerate(workers):
            if number == writer:
                moved.append(becomes)
            elif not worker or worker[0] in "PR":
                moved.append(())
            else:
                moved.append((worker[0], worker[1], 1 if growth else worker[2], False, *worker[4:]))
        return (faults, wish, cloud, row, bits, queue, tuple(sorted(moved)), ())

    def successors(self, state):
        """(rank, label, next state): rank is the order of a run without faults; None for what such a run leaves out."""
        out = []
        self._workers(state, out)
        self._ticks(state, out)
        self._azure(state, out)
        if state[0] > 0:
            self._faults((state[0] - 1, *state[1:]), out)
        self._time(state, out)
        return out

    def _workers(self, state, out):
        faults, wish, cloud, row, bits, queue, workers, looker = state
        for number, worker in enumerate(workers):
            if number and worker == workers[number - 1]:
                continue
            if not worker:
                self._deliver(state, number, out)
            elif worker[0] == "P":
                after = self.written(state, worker[1], 0, number, ("H", worker[1], 0, True))
                out.append((1, "claims", after))
            elif worker[0] == "H":
                if not self.once(self.writable, worker[1]):
                    out.append((1, "may not write", self.with_worker(state, number, ())))
                else:
                    self._check_send(state, number, worker)
                    out.append((1, "sends the write", self.with_worker(state, number, ("F", *worker[1:], 0))))
            elif worker[0] == "F":
                self._arrive(state, number, worker, out)
            else:
                new, growth = self.once(self.answer, worker[1], worker[3])
                out.append((1, f"records {worker[3]}", self.written(state, new, growth, number)))

    def _deliver(self, state, number, out):
        faults, wish, cloud, row, _, queue, _, _ = state
        for message in set(queue):
            new = self.once(self.try_claim, message, wish, row, cloud)
            if new < 0 and faults == 0:
                becomes = ()
            else:
                becomes = () if new < 0 else ("P", new)
            place = queue.index(message)
            rest = queue[:place] + queue[place + 1 :]
            after = self.with_worker(state, number, becomes)
            out.append((6, f"takes message {message}", (*after[:5], rest, *after[6:])))

    def _check_send(self, state, number, worker):
        if not worker[3]:
            raise Violation("a write is sent by a worker whose claim is over")
        if any(other and other[0] == "F" for place, other in enumerate(state[6]) if place != number):
            raise Violation("two writes of ours are in flight")
        op = self.clouds[state[2]].op
        if op is not None and op[1]:
            raise Violation("a write is sent while our last one is under way")

    def _arrive(self, state, number, worker, out):
        faults, wish, cloud_number, row, bits, *_ = state
        cloud, copy = self.clouds[cloud_number], self.rows.memories[worker[1]]
        goal = settling.goal_of(copy.open)
        replied = ("R", worker[1], worker[2])
        if cloud.op is not None or cloud.power is goal:
            reply = "busy" if cloud.op is not None else "there"
            self._reply(state, number, worker, (*replied, reply), out)
            return
        bit = 1 << (WISHES.index(goal) * 2 + worker[2])
        if bits & bit:
            raise Violation("one id is accepted twice")
        if not worker[3]:
            raise Violation("a write arrives after its claim was over")
        saved = copy.target(self.pool).saved
        size = cloud.size
        if self.pool is not None and goal is Wish.RUNNING:
            size = saved.count if saved is not None else WRONG_SIZE if cloud.owing else cloud.size
        after = replace(cloud, op=(goal, True, 0), record="running", touched=False, size=size)
        accepted = (*state[:2], self.cloud_number(after), row, bits | bit, *state[5:])
        self._reply(accepted, number, worker, (*replied, "url"), out)
        if faults:
            costly = (faults - 1, *accepted[1:])
            out.append((None, "is accepted without URL", self.with_worker(costly, number, (*replied, "no url"))))
            refused = (faults - 1, *state[1:])
            out.append((None, "is refused for quota", self.with_worker(refused, number, (*replied, "quota"))))

    def _reply(self, state, number, worker, replied, out):
        if worker[3]:
            out.append((1, f"is answered {replied[3]}", self.with_worker(state, number, replied)))
        else:
            out.append((1, "is answered, too late", self.with_worker(state, number, ())))
        if state[0]:
            lost = self.with_worker((state[0] - 1, *state[1:]), number, ())
            out.append((None, "loses the reply", lost))

    def with_worker(self, state, number, worker):
        workers = tuple(sorted((*state[6][:number], worker, *state[6][number + 1 :])))
        return (*state[:6], workers, state[7])

    def _ticks(self, state, out):
        faults, wish, cloud, row, bits, queue, workers, looker = state
        if self.rows.memories[row].open is not None:
            if not looker:
                out.append((None, "a tick looks", (*state[:7], (cloud, 0))))
                self._settle(state, cloud, 0, 4, out)
            else:
                self._settle(state, *looker, 2, out)
            return
        seen = self.once(self.observe, wish, row, cloud)
        if seen != row:
            out.append((5, "observes", self.written(state, seen, 0)))
        if len(queue) < QUEUE and self.once(self.needed, wish, row, cloud):
            message = WISHES.index(wish) * 2
            if message not in queue:
                out.append((7, "enqueues", (*state[:5], tuple(sorted((*queue, message))), workers, looker)))

    def _settle(self, state, seen, age, rank, out):
        row, cloud = state[3], self.clouds[state[2]]
        new, growth, outcome = self.once(self.look, row, seen, cloud.record, age)
        if new == row:
            if rank == 2:
                out.append((2, "sees nothing new", (*state[:7], ())))
            return
        open_ = self.rows.memories[row].open
        accepted = state[4] & (1 << (WISHES.index(settling.goal_of(open_)) * 2))
        if outcome is Outcome.RELEASED and accepted and not (cloud.touched or cloud.record == "failed"):
            raise Violation("a write that took effect is said never to have happened")
        if outcome is Outcome.REVERSED and not cloud.touched:
            raise Violation("a person is blamed for what nobody did")
        after = self.written(state, new, growth)
        if growth and cloud.owing and self.clouds[seen].power is Wish.STOPPED:
            if self.rows.memories[new].target(self.pool).owed is None:
                raise Violation("we stopped it, and nobody remembers that we owe a start")
        out.append((rank, f"settles: {outcome}", after))

    def _azure(self, state, out):
        cloud = self.clouds[state[2]]
        if cloud.op is None:
            return
        goal, ours, age = cloud.op
        if age < 2:
            power = goal if self.pool is not None and goal is not None else cloud.power
            self._cloud(state, 3, "shows the operation", out, replace(cloud, op=(goal, ours, 2), power=power))
            return
        done = self._ended(cloud, goal or cloud.power, "succeeded" if ours else cloud.record, failed=False)
        self._cloud(state, 3, "ends the operation", out, done)

    def _ended(self, cloud, power, record, *, failed):
        goal, ours, _ = cloud.op
        owing = cloud.owing if power is Wish.STOPPED else False
        if ours and power is Wish.STOPPED and goal is Wish.STOPPED:
            owing = True
        record = cloud.record if cloud.record == "gone" and not ours else record
        return replace(cloud, op=None, power=power, record=record, failed=failed, owing=owing)

    def _cloud(self, state, rank, label, out, cloud):
        out.append((rank, label, (*state[:2], self.cloud_number(cloud), *state[3:])))

    def _faults(self, state, out):
        """What may go wrong, and what people do; each costs one of the faults left."""
        _, wish, cloud_number, row, bits, queue, workers, looker = state
        for number, worker in enumerate(workers):
            if worker:
                out.append((None, "crashes", self.with_worker(state, number, ())))
        for message in set(queue):
            place = queue.index(message)
            out.append((None, "loses a message", (*state[:5], queue[:place] + queue[place + 1 :], *state[6:])))
            if len(queue) < QUEUE:
                twice = tuple(sorted((*queue, message)))
                out.append((None, "delivers twice", (*state[:5], twice, *state[6:])))
        self._flip(state, out)
        cloud = self.clouds[cloud_number]
        if cloud.op is None:
            other = WISHES[1 - WISHES.index(cloud.power)]
            for goal in (other, None):
                label = f"somebody begins {WORDS[goal]}"
                self._cloud(state, None, label, out, replace(cloud, op=(goal, False, 2), touched=True))
        elif cloud.op[1] and cloud.op[2] == 2:
            goal = cloud.op[0]
            for power in WISHES:
                failed = self._ended(cloud, power, "failed", failed=True)
                self._cloud(state, None, f"the operation fails, {power}", out, failed)
            back = WISHES[1 - WISHES.index(goal)]
            ended = replace(self._ended(cloud, back, "canceled", failed=True), touched=True)
            self._cloud(state, None, "somebody aborts the operation", out, ended)
        if cloud.record and cloud.record not in ("gone", "running"):
            self._cloud(state, None, "Azure forgets the operation", out, replace(cloud, record="gone"))

    def _flip(self, state, out):
        faults, wish, cloud, row, bits, queue, workers, _ = state
        other = WISHES[1 - WISHES.index(wish)]
        moved = tuple(
            sorted((w[0], self.once(self.flipped, w[1]), *w[2:]) if w else w for w in workers),
        )
        after = (faults, other, cloud, self.once(self.flipped, row), bits, queue, moved, ())
        out.append((None, f"the schedule now says {other}", after))

    def _time(self, state, out):
        faults, wish, cloud_number, row, bits, queue, workers, looker = state
        cloud = self.clouds[cloud_number]
        if cloud.op is not None and cloud.op[2] < 2:
            if cloud.op[2] == 1:
                return
            cloud = replace(cloud, op=(*cloud.op[:2], 1))
        moved = []
        for worker in workers:
            aged = worker
            if worker:
                aged = (worker[0], self.once(self.later, worker[1]), *worker[2:])
                if worker[0] == "F":
                    if worker[4] == 1:
                        return
                    aged = (*aged[:4], 1)
            moved.append(aged)
        watching = (looker[0], looker[1] + 1) if looker and looker[1] < 1 else ()
        row = self.once(self.later, row)
        after = (faults, wish, self.cloud_number(cloud), row, bits, queue, tuple(sorted(moved)), watching)
        out.append((8, "time passes", after))

    def converged(self, state):
        """The wish is true, or a person's change is respected; nothing is open, under way or about to be."""
        memory, cloud = self.rows.memories[state[3]], self.clouds[state[2]]
        served = memory.target(self.pool).served
        agreed = cloud.power is state[1] or (served is not None and served.wish is state[1])
        agreed = agreed or self.cannot_stop(state[1], cloud)
        return agreed and memory.open is None and cloud.op is None and state[6] == ((), ())


@dataclass
class Explored:
    states: int
    transitions: int
    rows: int
    seconds: float


def explore(world, faults, at_most=10**9):
    """Breadth first from both powers and both wishes. Raises Violation with the shortest way to it."""
    began, parents, calm, transitions = time.perf_counter(), {}, {}, 0
    starts = [world.start(faults, power, wish) for power in WISHES for wish in WISHES]
    parents.update(dict.fromkeys(starts))
    frontier = deque(starts)
    while frontier and len(parents) < at_most:
        state = frontier.popleft()
        try:
            found = world.successors(state)
            check(world, state)
        except Violation as broken:
            raise Violation(f"{broken}\n{story(world, parents, state)}") from None
        transitions += len(found)
        for _, _, after in found:
            if after not in parents:
                parents[after] = state
                frontier.append(after)
        if not world.converged(state):
            calm[state] = min((step for step in found if step[0] is not None), key=lambda step: step[0])[2]
    stuck = never_calm(calm)
    if stuck is not None:
        raise Violation(f"without faults it never comes to rest\n{story(world, parents, stuck)}")
    return Explored(len(parents), transitions, len(world.rows.memories), time.perf_counter() - began)


def check(world, state):
    """What must be true of every state."""
    memory, cloud = world.rows.memories[state[3]], world.clouds[state[2]]
    target = memory.target(world.pool)
    if target.saved is not None and target.saved.count != SIZE:
        raise Violation(f"the size on record is {target.saved.count}, but it was {SIZE}")
    if cloud.size != SIZE:
        raise Violation(f"the pool was started with {cloud.size} nodes instead of {SIZE}")


def never_calm(calm):
    """A state from which the run without faults goes round for ever; None when each one ends in a converged state."""
    good = set()
    for state in calm:
        path, seen, here = [], set(), state
        while here in calm and here not in good:
            if here in seen:
                return here
            seen.add(here)
            path.append(here)
            here = calm[here]
        good.update(path)
    return None


def story(world, parents, state):
    """The steps from a start to `state`, one a line."""
    path = [state]
    while parents[path[-1]] is not None:
        path.append(parents[path[-1]])
    path.reverse()
    lines = [f"{show(world, path[0])}"]
    for before, after in zip(path, path[1:], strict=False):
        label = next(label for _, label, found in world.successors(before) if found == after)
        lines.append(f"{label:32} {show(world, after)}")
    return "\n".join(lines)


def show(world, state):
    faults, wish, cloud, row, bits, queue, workers, looker = state
    open_ = world.rows.memories[row].open
    held = "free" if open_ is None else f"{open_.phase} {open_.kind} lease {left(open_.lease_until, -9)}"
    return f"wish {wish}, {world.clouds[cloud]}, row: {held}, ids {bits:04b}, queue {queue}, workers {workers}, {looker}"
