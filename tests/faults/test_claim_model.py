"""The claim protocol, explored exhaustively: every order in which two workers, a tick, Azure, people and time can step.

The transitions are the real functions of shared.policy; only their terms are short (a lease of three units instead of
ten minutes), which keeps every order of events and bounds the number of states. A law that is broken anywhere fails the
test with the shortest way to it: an id accepted twice, a write without its claim, a journal that says what nobody saw,
a size or a debt that is lost, a state from which a run without faults does not reach the wish.
"""

import os
import time
from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from shared.model.decisions import decision_id
from shared.model.memory import Phase
from shared.model.readiness import Nodes, Readiness
from shared.policy import claim as protocol
from shared.policy import endings, settle_nodes
from shared.policy import settle as settling
from shared.policy.claim import OperationStatus, Outcome, Settled, claim, settle
from tests.faults.claim_rows import NOW, SIZE, UNIT, WISHES, left
from tests.faults.claim_world import Violation, World

LONG = pytest.mark.skipif(os.environ.get("LAMPLIGHTER_SOAK") != "1", reason="minutes long: make soak runs it")


@pytest.fixture(autouse=True)
def short_terms(monkeypatch):
    """The real terms, shrunk to units in the same order: timeout and quiet < lease, lease past a write's last effect."""
    monkeypatch.setattr(protocol, "HTTP_TIMEOUT", UNIT)
    monkeypatch.setattr(protocol, "QUIET", UNIT)
    monkeypatch.setattr(protocol, "LEASE", 3 * UNIT)
    monkeypatch.setattr(settling, "DEADLINES", {})
    monkeypatch.setattr(settling, "LONGEST_DEADLINE", 2 * UNIT)
    monkeypatch.setattr(settling, "PATIENCE", UNIT)
    monkeypatch.setattr(settle_nodes, "NODES_WITHIN", UNIT)
    monkeypatch.setattr(settle_nodes, "UNKNOWN_WITHIN", UNIT)
    monkeypatch.setattr(endings, "FIRST_RETRY", UNIT)
    monkeypatch.setattr(endings, "LONGEST_RETRY", dict.fromkeys(WISHES, UNIT))


@dataclass
class Explored:
    states: int
    steps: int
    seconds: float

    def __str__(self):
        return f"{self.states:,} states, {self.steps:,} steps, {self.seconds:.1f} s"


def explore(world, faults):
    """Breadth first from both powers and both wishes. Raises Violation with the shortest way to it."""
    began, taken = time.perf_counter(), 0
    parents = dict.fromkeys(world.start(faults, power, wish) for power in WISHES for wish in WISHES)
    frontier, calm = deque(parents), {}
    while frontier:
        state = frontier.popleft()
        try:
            check_sizes(world, state)
            steps = world.successors(state)
        except Violation as broken:
            raise Violation(f"{broken}\n{story(world, parents, state)}") from None
        taken += len(steps)
        for step in steps:
            if step.after not in parents:
                parents[step.after] = state
                frontier.append(step.after)
        if not world.converged(state):
            calm[state] = min((step for step in steps if step.rank is not None), key=lambda step: step.rank).after
    restless = never_calm(calm)
    if restless is not None:
        raise Violation(f"without faults it never comes to rest\n{story(world, parents, restless)}")
    return Explored(len(parents), taken, time.perf_counter() - began)


def check_sizes(world, state):
    saved = world.rows.memories[state.row].target(world.pool).saved
    if saved is not None and saved.count != SIZE:
        raise Violation(f"the size on record is {saved.count}, but it was {SIZE}")
    if world.clouds[state.cloud].size != SIZE:
        raise Violation(f"the pool comes back with {world.clouds[state.cloud].size} nodes instead of {SIZE}")


def never_calm(calm):
    """A state from which the run without faults goes round for ever; None when every such run comes to rest."""
    good = set()
    for state in calm:
        here, path = state, {}
        while here in calm and here not in good:
            if here in path:
                return here
            path[here] = True
            here = calm[here]
        good.update(path)
    return None


def story(world, parents, state):
    """The steps from a start to `state`, one a line."""
    path = [state]
    while parents[path[-1]] is not None:
        path.append(parents[path[-1]])
    lines = [show(world, path[-1])]
    for before, after in pairwise(reversed(path)):
        label = next(step.label for step in world.successors(before) if step.after == after)
        lines.append(f"{label:36} {show(world, after)}")
    return "\n".join(lines)


def show(world, state):
    open_ = world.rows.memories[state.row].open
    row = "free" if open_ is None else f"{open_.phase} {open_.kind} lease {left(open_.lease_until, -9)}"
    cloud = world.clouds[state.cloud]
    seen = f"{cloud.power}{' Failed' * cloud.failed} {cloud.op or ''} {cloud.record}"
    return f"wish {state.wish}, Azure {seen}, row {row}, queue {state.queue}, workers {state.workers}, {state.looker}"


@pytest.mark.parametrize(
    ("pool", "workers", "faults"),
    [
        pytest.param(None, 2, 1, id="cluster-two-workers-one-fault"),
        pytest.param("batch", 2, 1, id="pool-two-workers-one-fault"),
        pytest.param("batch", 1, 2, id="pool-one-worker-two-faults", marks=LONG),
        pytest.param(None, 1, 2, id="cluster-one-worker-two-faults", marks=LONG),
        pytest.param(None, 2, 2, id="cluster-two-workers-two-faults", marks=LONG),
        pytest.param("batch", 2, 2, id="pool-two-workers-two-faults", marks=LONG),
    ],
)
def test_no_order_of_events_breaks_a_law(pool, workers, faults):
    """Any crash, duplicate, lost message or reply, failure or person, at any moment, as many as there are faults."""
    explored = explore(World(pool=pool, workers=workers), faults)
    print(f"{pool or 'cluster'}, {workers} workers, {faults} faults: {explored}")  # noqa: T201 - the size of the proof
    assert explored.states > 50_000


READY = Nodes(Readiness.READY, "they are ready", NOW)
COMING = Nodes(Readiness.COMING, "they are coming")
UNKNOWN = Nodes(Readiness.UNKNOWN, "nobody knows")


@pytest.mark.parametrize(
    ("pool", "nodes"),
    [
        pytest.param(None, (COMING, READY, UNKNOWN), id="cluster"),
        pytest.param("batch", (COMING, READY, UNKNOWN), id="pool", marks=LONG),
        pytest.param(None, (READY, COMING, UNKNOWN), id="cluster-they-come", marks=LONG),
        pytest.param(None, (UNKNOWN,), id="cluster-unknown", marks=LONG),
    ],
)
def test_whatever_is_seen_of_nodes_breaks_no_law(pool, nodes):
    """Nodes that come, come late, and are seen or not: no start is sent twice, and each one ends though they never do."""
    explored = explore(World(pool=pool, workers=1, nodes=nodes), 1)
    print(f"{pool or 'cluster'}, nodes {len(nodes)}: {explored}")  # noqa: T201 - the size of the proof
    assert explored.states > 1_000


# ---- The checker can fail: each of these was, or might have been, somebody's protocol.


def claim_by_any_message(memory, decision, now):
    """Does not compare the id: a message of an older generation acts again."""
    return claim(memory, replace(decision, id=_current(memory, decision)), now)


def _current(memory, decision):
    return decision_id(decision.target, decision.action.kind, decision.cause, memory.generation)


def claim_over_an_open_row(memory, decision, now):
    return claim(replace(memory, open=None), decision, now)


def write_whenever(memory, decision_id, now):
    """Does not look at the lease again: a worker that slept writes what somebody else has done meanwhile."""
    return True


def write_to_the_last_moment(memory, decision_id, now):
    """Leaves no time for the write itself, nor for its effect to show."""
    return now <= memory.open.lease_until


def write_without_a_quiet_end(memory, decision_id, now):
    return now + protocol.HTTP_TIMEOUT <= memory.open.lease_until


def settle_on_the_202(memory, cluster, now, operation=None, nodes=None):
    """Accepted reported as success."""
    if memory.open.phase is Phase.ACCEPTED:
        return Settled(endings.after_success(memory, memory.open, None, now), Outcome.SUCCEEDED, "", memory.open)
    return settle(memory, cluster, now, operation)


def settle_before_the_lease_is_over(memory, cluster, now, operation=None, nodes=None):
    if memory.open.phase is Phase.CLAIMED:
        memory = replace(memory, open=replace(memory.open, lease_until=now - UNIT))
    return settle(memory, cluster, now, operation)


def settle_without_looking(memory, cluster, now, operation=None, nodes=None):
    """Takes a claim without an answer for one without an effect."""
    if memory.open.phase is Phase.CLAIMED and now > memory.open.lease_until:
        return Settled(endings.freed(memory), Outcome.RELEASED, "", memory.open)
    return settle(memory, cluster, now, operation)


def settle_never_a_claim(memory, cluster, now, operation=None, nodes=None):
    """Insert-if-absent: what was claimed once is nobody's business again, and a crash loses the action."""
    if memory.open.phase is Phase.CLAIMED:
        return Settled(memory, Outcome.WAITING, "", memory.open)
    return settle(memory, cluster, now, operation)


def settle_without_a_new_generation(memory, cluster, now, operation=None, nodes=None):
    result = settle(memory, cluster, now, operation)
    return replace(result, memory=replace(result.memory, generation=memory.generation))


def settle_in_the_middle_of_something(memory, cluster, now, operation=None, nodes=None):
    """Asks the operation while the reading still says Stopping: it may have ended in between."""
    resting = replace(
        cluster,
        provisioning_state="Succeeded",
        pools=tuple(replace(pool, provisioning_state="Succeeded") for pool in cluster.pools),
    )
    return settle(memory, resting, now, operation)


def settle_and_forget_the_debt(memory, cluster, now, operation=None, nodes=None):
    result = settle(memory, cluster, now, operation)
    pool = memory.open.pool
    target = replace(result.memory.target(pool), owed=None)
    if result.memory is memory:
        return result
    return replace(result, memory=replace(result.memory, targets=result.memory.with_target(pool, target)))


def settle_waiting_for_a_verdict_for_ever(memory, cluster, now, operation=None, nodes=None):
    """An operation that Azure forgot is never given up."""
    if operation is not None and operation.status is OperationStatus.GONE:
        return Settled(memory, Outcome.WAITING, "", memory.open)
    return settle(memory, cluster, now, operation)


def save_nothing(memory, pool, now):
    return memory


def settle_waiting_for_nodes_for_ever(memory, cluster, now, operation=None, nodes=None):
    if nodes is not None:
        return Settled(memory, Outcome.WAITING, "", memory.open)
    return settle(memory, cluster, now, operation)


def settle_and_start_again(memory, cluster, now, operation=None, nodes=None):
    """A start without nodes taken for one that did not happen, and the same id freed for it."""
    result = settle(memory, cluster, now, operation, nodes)
    if result.outcome is Outcome.FAILED and nodes is not None:
        return replace(result, memory=replace(result.memory, generation=memory.generation))
    return result


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (settle_waiting_for_nodes_for_ever, "never comes to rest"),
        (settle_and_start_again, "generation grew by 0"),
    ],
)
def test_a_broken_wait_for_nodes_is_caught(broken, law):
    with pytest.raises(Violation, match=law):
        explore(World(workers=1, nodes=(COMING,), settle=broken), 1)


@pytest.mark.parametrize(
    ("broken", "law", "faults"),
    [
        ({"claim": claim_by_any_message}, "one id is accepted twice", 2),
        ({"claim": claim_over_an_open_row}, "in flight|under way|claim is over", 1),
        ({"may_write": write_whenever}, "claim is over|in flight", 1),
        ({"may_write": write_to_the_last_moment}, "claim was over|claim is over|never to have happened", 1),
        ({"may_write": write_without_a_quiet_end}, "never to have happened|under way", 1),
        ({"settle": settle_on_the_202}, "that nobody saw", 0),
        ({"settle": settle_before_the_lease_is_over}, "claim is over|claim was over|in flight", 0),
        ({"settle": settle_without_looking}, "never to have happened", 1),
        ({"settle": settle_never_a_claim}, "never comes to rest", 1),
        ({"settle": settle_without_a_new_generation}, "generation grew by 0", 0),
        ({"settle": settle_in_the_middle_of_something}, "that nobody saw|nobody did", 1),
        ({"settle": settle_and_forget_the_debt}, "owe a start", 0),
        pytest.param({"settle": settle_waiting_for_a_verdict_for_ever}, "never comes to rest", 2, marks=LONG),
        ({"save_size": save_nothing}, "instead of 3", 1),
    ],
    ids=lambda value: next(iter(value.values())).__name__ if isinstance(value, dict) else None,
)
def test_a_broken_protocol_is_caught(broken, law, faults):
    """Else the proof above would prove nothing."""
    with pytest.raises(Violation, match=law):
        explore(World(pool="batch", workers=2 if faults < 2 else 1, **broken), faults)
