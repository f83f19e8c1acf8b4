"""The world of the claim model: which steps a state allows, computed with the functions under test.

Who steps: workers that take messages, a tick that looks and settles and enqueues, Azure, people, and time. What costs
one of the faults left: crashes, lost and doubled messages, lost replies, refusals, failing, aborted and forgotten
operations, a person's start, stop or update, the schedule changing its mind, a tick that writes the row for its own ends.
"""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from shared.model.actions import power_action
from shared.model.decisions import Decision, Reason, Verdict
from shared.model.memory import Memory, Served, Wish
from shared.model.readiness import Nodes
from shared.policy import claim as protocol
from shared.policy.claim import Dropped, OperationStatus, OperationVerdict, Outcome
from shared.policy.endings import goal_of
from shared.policy.readiness import to_ask
from tests.faults.claim_rows import GENERATION, ID, NOW, UNIT, WISHES, WORDS, WRONG_SIZE, Cloud, Rows, other

QUEUE = 2
OURS, TOUCHED, LOST = 2, 1, 0


class Violation(AssertionError):
    """A law of the protocol was broken; the message tells how it came to it."""


class State(NamedTuple):
    """A message, or an accepted id, is goal * 2 + (1 if it is of an older generation)."""

    faults: int
    wish: Wish
    cloud: int
    row: int
    accepted: int
    """Bits: ids that Azure accepted."""
    queue: tuple[int, ...]
    workers: tuple[tuple[Any, ...], ...]
    """
    ("P", row, behind)                 decided, about to swap this claimed row in
    ("H", row, behind, claim)          holds a claim: OURS, TOUCHED (ours, but the row was written since), LOST
    ("F", row, behind, claim, age)     its write is in flight
    ("R", row, behind, claim, reply)   answered, about to record it
    """
    looker: tuple[int, ...]
    """(cloud, age): a tick that has read and not swapped yet."""


class Step(NamedTuple):
    rank: int | None
    """Place in the order of a run without faults; None: such a run leaves it out."""
    label: str
    after: State


@dataclass
class World:
    """`pool` None: the target is the cluster. The four functions may be replaced by broken ones.

    `nodes`: what may be seen of the nodes of a start that is up, each time anew; none where nobody asks.
    """

    pool: str | None = None
    workers: int = 2
    nodes: tuple[Nodes | None, ...] = (None,)
    claim: Any = protocol.claim
    may_write: Any = protocol.may_write
    settle: Any = protocol.settle
    save_size: Any = protocol.save_size
    memo: dict = field(default_factory=dict)

    def __post_init__(self):
        self.rows = Rows(self.pool)
        self.clouds, self.cloud_numbers = [], {}

    def start(self, faults, power, wish):
        row, _ = self.rows.number(Memory(ID, GENERATION))
        return State(faults, wish, self.cloud_number(Cloud(power)), row, 0, (), ((),) * self.workers, ())

    def cloud_number(self, cloud):
        found = self.cloud_numbers.get(cloud)
        if found is None:
            found = self.cloud_numbers[cloud] = len(self.clouds)
            self.clouds.append(cloud)
        return found

    def once(self, function, *key):
        place = (function.__name__, key)
        found = self.memo.get(place)
        if found is None:
            found = self.memo[place] = function(*key)
        return found

    def successors(self, state):
        """Every step that may come next. Raises Violation where a step would break a law."""
        steps = []
        for number, worker in enumerate(state.workers):
            if number and worker == state.workers[number - 1]:
                continue  # two workers in one state are one case
            steps += self._work(state, number, worker)
        steps += self._tick(state)
        steps += self._azure(state)
        if state.faults:
            poorer = state._replace(faults=state.faults - 1)
            steps += self._accidents(poorer)
            steps += self._people(poorer)
        steps += self._time(state)
        return steps

    def converged(self, state):
        """The wish is true, or a person's change is respected; nothing is open or under way."""
        memory, cloud = self.rows.memories[state.row], self.clouds[state.cloud]
        served = memory.target(self.pool).served
        agreed = cloud.power is state.wish or (served is not None and served.wish is state.wish)
        rests = agreed or self.cannot_stop(state.wish, cloud)
        return rests and memory.open is None and cloud.op is None and not any(state.workers)

    # ---- the protocol's functions, each called once per distinct input

    def needed(self, wish, row, cloud_number):
        """A small decide(): act iff it differs, is settled, is not a person's doing, and nothing says later.

        Unlike the real one it does not look at the open action: claim() has to.
        """
        memory, cloud = self.rows.memories[row], self.clouds[cloud_number]
        target = memory.target(self.pool)
        served, failure = target.served, target.failure
        return (
            cloud.settled
            and cloud.power is not wish
            and (served is None or served.wish is not wish)
            and not self.cannot_stop(wish, cloud)
            and (failure is None or failure.kind != power_action(ID, self.pool, wish).kind)
            and memory.not_before is None
        )

    def cannot_stop(self, wish, cloud):
        """A pool that is not Succeeded cannot be stopped; Azure would refuse, so decide() does."""
        return self.pool is not None and wish is Wish.STOPPED and cloud.failed

    def claimed(self, message, wish, row, cloud_number):
        """The claimed row, or -1: what act does from reading the row to the swap."""
        goal, behind = WISHES[message // 2], message % 2
        if goal is not wish or not self.once(self.needed, wish, row, cloud_number):
            return -1
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
        memory = self.claim(self.rows.memories[row], decision, NOW)
        if isinstance(memory, Memory) and self.pool is not None and goal is Wish.STOPPED:
            memory = self.save_size(memory, self.clouds[cloud_number].reading(self.pool).pool(self.pool), NOW)
        return -1 if isinstance(memory, Dropped) else self.rows.number(memory)[0]

    def writable(self, row):
        memory = self.rows.memories[row]
        return self.may_write(memory, memory.open.id, NOW)

    def recorded(self, row, reply):
        memory = self.rows.memories[row]
        match reply:
            case "there":
                after = protocol.already_there(memory, NOW)
            case "busy":
                after = protocol.postponed(memory, NOW, NOW + UNIT)
            case "quota":
                after = protocol.failed(memory, NOW, "AksCapacityHeavyUsage", "no room", capacity=True)
            case _:
                after = protocol.accepted(memory, NOW, "url" if reply == "accepted" else None)
        return self.rows.number(after)

    def looked(self, row, seen, record, age, which):
        """(row, growth, outcome): what a tick makes of an open row and a reading taken `age` units ago."""
        memory, now, cloud = self.rows.memories[row], NOW - age * UNIT, self.clouds[seen]
        nodes = self.nodes[which] if self.asks(row, seen) else None
        result = self.settle(memory, cloud.reading(self.pool), now, None, nodes)
        if result.ask_operation:
            verdict = OperationVerdict(OperationStatus(record))
            result = self.settle(memory, cloud.reading(self.pool), now, verdict, nodes)
        if result.memory is memory:
            return row, 0, result.outcome
        if result.outcome is Outcome.SUCCEEDED and not (cloud.settled and cloud.power is goal_of(memory.open)):
            raise Violation("a success was recorded that nobody saw")
        return *self.rows.number(result.memory), result.outcome

    def asks(self, row, seen):
        return to_ask(self.rows.memories[row].open, self.clouds[seen].reading(self.pool))

    def observed(self, wish, row, cloud_number):
        """What remember does with a free row: a wish that is true is served; a debt that is paid is forgotten."""
        memory, cloud = self.rows.memories[row], self.clouds[cloud_number]
        if not cloud.settled or cloud.failed:
            return row
        target = memory.target(self.pool)
        if cloud.power is wish:
            target = replace(target, served=Served(wish, NOW))
        if cloud.power is Wish.RUNNING:
            pool = None if self.pool is None else cloud.reading(self.pool).pool(self.pool)
            target = replace(target, owed=None) if pool is None else protocol.repaid(target, pool)
        return self.rows.number(replace(memory, targets=memory.with_target(self.pool, target)))[0]

    def later(self, row):
        return self.rows.number(self.rows.memories[row], NOW + UNIT)[0]

    def flipped(self, row):
        """Another transition came: what was served before it no longer speaks."""
        memory = self.rows.memories[row]
        target = replace(memory.target(self.pool), served=None)
        return self.rows.number(replace(memory, targets=memory.with_target(self.pool, target)))[0]

    # ---- steps

    def swapped(self, state, row, growth, writer=-1, becomes=()):
        """The state after a swap of the row: everybody else who had read it before loses the swap."""
        closed = self.rows.memories[state.row].open is not None and self.rows.memories[row].open is None
        if growth != closed:
            raise Violation(f"the generation grew by {growth}")
        workers = []
        for number, worker in enumerate(state.workers):
            if number == writer:
                workers.append(becomes)
            elif not worker or worker[0] in "PR":
                workers.append(())
            elif row == state.row:
                workers.append((*worker[:3], min(worker[3], TOUCHED), *worker[4:]))
            elif growth:
                workers.append((worker[0], worker[1], 1, LOST, *worker[4:]))
            else:
                workers.append((*worker[:3], LOST, *worker[4:]))
        state = state._replace(row=row, workers=tuple(sorted(workers)), looker=())
        if not growth:
            return state
        older = ((state.accepted & 0b0101) | (state.accepted & 0b1010) >> 1) << 1
        return state._replace(accepted=older, queue=tuple(sorted(message | 1 for message in state.queue)))

    def _with(self, state, number, worker):
        workers = (*state.workers[:number], worker, *state.workers[number + 1 :])
        return state._replace(workers=tuple(sorted(workers)))

    def _work(self, state, number, worker):
        if not worker:
            return self._receive(state, number)
        match worker[0]:
            case "P":
                claimed = self.swapped(state, worker[1], 0, number, ("H", *worker[1:], OURS))
                return [Step(1, "claims", claimed)]
            case "H" if not self.once(self.writable, worker[1]):
                return [Step(1, "may not write any more", self._with(state, number, ()))]
            case "H":
                self._check_send(state, number, worker)
                return [Step(1, "sends its write", self._with(state, number, ("F", *worker[1:], 0)))]
            case "F":
                return self._arrive(state, number, worker)
            case _:
                row, growth = self.once(self.recorded, worker[1], worker[4])
                return [Step(1, f"records '{worker[4]}'", self.swapped(state, row, growth, number))]

    def _receive(self, state, number):
        steps = []
        for message in set(state.queue):
            row = self.once(self.claimed, message, state.wish, state.row, state.cloud)
            taken = self._with(state, number, () if row < 0 else ("P", row, message % 2))
            steps.append(Step(6, f"takes message {message}", taken._replace(queue=without(state.queue, message))))
        return steps

    def _check_send(self, state, number, worker):
        if worker[3] == LOST:
            raise Violation("a write is sent by a worker whose claim is over")
        if any(twin and twin[0] == "F" for place, twin in enumerate(state.workers) if place != number):
            raise Violation("two writes of ours are in flight")
        op = self.clouds[state.cloud].op
        if op is not None and op[1]:
            raise Violation("a write is sent while our last one is under way")

    def _arrive(self, state, number, worker):
        cloud, copy = self.clouds[state.cloud], self.rows.memories[worker[1]]
        goal = goal_of(copy.open)
        if cloud.op is not None:
            return self._reply(state, number, worker, "busy")
        if cloud.power is goal:
            return self._reply(state, number, worker, "there")
        bit = 1 << (WISHES.index(goal) * 2 + worker[2])
        if state.accepted & bit:
            raise Violation("one id is accepted twice")
        if worker[3] == LOST:
            raise Violation("a write arrives after its claim was over")
        size, saved = cloud.size, copy.target(self.pool).saved
        if goal is Wish.RUNNING and self.pool is not None:
            # Started without its size, a pool that we stopped comes back with another one.
            size = saved.count if saved is not None else WRONG_SIZE if cloud.owing else size
        begun = replace(cloud, op=(goal, True, 0), record="running", touched=False, failed_once=False, size=size)
        taken = state._replace(cloud=self.cloud_number(begun), accepted=state.accepted | bit)
        steps = self._reply(taken, number, worker, "accepted")
        if state.faults:
            poorer = state._replace(faults=state.faults - 1)
            steps += self._reply(taken._replace(faults=poorer.faults), number, worker, "accepted, no url")
            steps += self._reply(poorer, number, worker, "quota")
        return steps

    def _reply(self, state, number, worker, reply):
        answered = ("R", *worker[1:4], reply) if worker[3] == OURS else ()
        steps = [Step(1, f"is answered '{reply}'", self._with(state, number, answered))]
        if state.faults and answered:
            lost = self._with(state, number, ())._replace(faults=state.faults - 1)
            steps.append(Step(None, f"never hears '{reply}'", lost))
        return steps

    def _tick(self, state):
        if self.rows.memories[state.row].open is not None:
            if state.looker:
                return self._settle(state, *state.looker, 2)
            looks = Step(None, "a tick looks", state._replace(looker=(state.cloud, 0)))
            return [looks, *self._settle(state, state.cloud, 0, 4)]
        steps = []
        row = self.once(self.observed, state.wish, state.row, state.cloud)
        if row != state.row:
            steps.append(Step(5, "a tick observes", self.swapped(state, row, 0)))
        message = WISHES.index(state.wish) * 2
        needed = self.once(self.needed, state.wish, state.row, state.cloud)
        if needed and message not in state.queue and len(state.queue) < QUEUE:
            queue = tuple(sorted((*state.queue, message)))
            steps.append(Step(7, "a tick enqueues", state._replace(queue=queue)))
        return steps

    def _settle(self, state, seen, age, rank):
        """Whatever is seen of the nodes; a run without faults sees the first each time."""
        kinds = range(len(self.nodes) if self.once(self.asks, state.row, seen) else 1)
        return [step for which in kinds for step in self._settled(state, (seen, age, which), None if which else rank)]

    def _settled(self, state, look, rank):
        cloud, (seen, age, which) = self.clouds[state.cloud], look
        row, growth, outcome = self.once(self.looked, state.row, seen, cloud.record, age, which)
        if row == state.row:
            return [Step(rank, "a tick saw nothing new", state._replace(looker=()))] if state.looker else []
        goal = goal_of(self.rows.memories[state.row].open)
        accepted = state.accepted & (1 << (WISHES.index(goal) * 2))
        if outcome is Outcome.RELEASED and accepted and not (cloud.touched or cloud.failed_once):
            raise Violation("a write that took effect is said never to have happened")
        if outcome is Outcome.REVERSED and not cloud.touched:
            raise Violation("a person is blamed for what nobody did")
        stopped = cloud.owing and self.clouds[seen].power is Wish.STOPPED
        if growth and stopped and self.rows.memories[row].target(self.pool).owed is None:
            raise Violation("we stopped it, and nobody remembers that we owe a start")
        return [Step(rank, f"a tick settles: {outcome}", self.swapped(state, row, growth))]

    def _azure(self, state):
        cloud = self.clouds[state.cloud]
        if cloud.op is None:
            return []
        if cloud.op[2] < 2:
            return [self._becomes(state, 3, "Azure shows the operation", cloud.shown(self.pool is not None))]
        return [self._becomes(state, 3, "the operation ends", cloud.ended(cloud.op[0] or cloud.power, "succeeded"))]

    def _becomes(self, state, rank, label, cloud):
        return Step(rank, label, state._replace(cloud=self.cloud_number(cloud)))

    def _accidents(self, state):
        steps = []
        for number, worker in enumerate(state.workers):
            if worker:
                steps.append(Step(None, "a worker crashes", self._with(state, number, ())))
        for message in set(state.queue):
            lost = state._replace(queue=without(state.queue, message))
            steps.append(Step(None, f"message {message} is lost", lost))
            if len(state.queue) < QUEUE:
                twice = state._replace(queue=tuple(sorted((*state.queue, message))))
                steps.append(Step(None, f"message {message} comes twice", twice))
        if any(state.workers) or state.looker:
            steps.append(Step(None, "a tick writes the row", self.swapped(state, state.row, 0)))
        cloud = self.clouds[state.cloud]
        if cloud.op is not None and cloud.op[1] and cloud.op[2] == 2:
            steps += [
                self._becomes(state, None, f"the operation fails, {power}", cloud.ended(power, "failed"))
                for power in WISHES
            ]
        if cloud.op is None and cloud.record not in ("", "gone", "running"):
            steps += [
                self._becomes(state, None, f"the operation's record is {record}", replace(cloud, record=record))
                for record in ("gone", "running")
            ]
        return steps

    def _people(self, state):
        cloud, flip = self.clouds[state.cloud], other(state.wish)
        workers = [(w[0], self.once(self.flipped, w[1]), *w[2:]) if w else w for w in state.workers]
        row = self.once(self.flipped, state.row)
        after = state._replace(wish=flip, row=row, workers=tuple(sorted(workers)), looker=())
        steps = [Step(None, f"the schedule now says {flip}", after)]
        if cloud.op is None:
            steps += [
                self._becomes(state, None, f"somebody begins {WORDS[goal]}", cloud.begun(goal))
                for goal in (other(cloud.power), None)
            ]
        elif cloud.op[1] and cloud.op[2] == 2:
            aborted = replace(cloud.ended(other(cloud.op[0]), "canceled"), touched=True)
            steps.append(self._becomes(state, None, "somebody aborts the operation", aborted))
        return steps

    def _time(self, state):
        """One unit. A write in flight and an accepted operation that does not show yet last at most one."""
        cloud = self.clouds[state.cloud]
        if (cloud.op is not None and cloud.op[2] == 1) or any(w and w[0] == "F" and w[4] for w in state.workers):
            return []
        if cloud.op is not None and cloud.op[2] == 0:
            cloud = replace(cloud, op=(*cloud.op[:2], 1))
        workers = []
        for worker in state.workers:
            aged = (worker[0], self.once(self.later, worker[1]), *worker[2:]) if worker else worker
            workers.append((*aged[:4], 1) if worker and worker[0] == "F" else aged)
        looker = (state.looker[0], 1) if state.looker and state.looker[1] == 0 else ()
        after = state._replace(
            cloud=self.cloud_number(cloud),
            row=self.once(self.later, state.row),
            workers=tuple(sorted(workers)),
            looker=looker,
        )
        return [Step(8, "time passes", after)]


def without(queue, message):
    place = queue.index(message)
    return queue[:place] + queue[place + 1 :]
