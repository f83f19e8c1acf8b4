"""Which nodes a start is to bring, what the metric of their condition shows of them, and what becomes of the start."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory, OpenAction, Owed, Phase, SavedSize, TargetMemory, Wish
from shared.model.readiness import Nodes, Readiness
from shared.model.samples import Measure, Series
from shared.policy import readiness as reading
from shared.policy.endings import NODES_NOT_READY
from shared.policy.outcomes import OperationStatus, OperationVerdict, Outcome
from shared.policy.settle import settle
from shared.policy.settle_nodes import NODES_WITHIN, UNKNOWN_WITHIN

MINUTE = timedelta(minutes=1)
CLAIMED = datetime(2026, 12, 7, 7, 10, 20, tzinfo=UTC)
UP = CLAIMED + 4 * MINUTE
SYSTEM = NodePool("system", "System", power=Power.RUNNING, provisioning_state="Succeeded", count=2, autoscaling=False)
WORK = replace(SYSTEM, name="Work", mode="User", count=1)
READY, COMING, UNKNOWN = Readiness


def cluster(*pools: NodePool, state: str = "Succeeded", power: Power = Power.RUNNING) -> Cluster:
    return Cluster(
        "/c", "c", "g", "s", "westeurope", power=power, provisioning_state=state, pools=pools or (SYSTEM, WORK)
    )


def line(node: str, values: str, status: str = "true") -> Series:
    """One character a minute from the one after the claim: `1` all of it, `/` half, `0` not, `.` not measured."""
    begin = CLAIMED.replace(second=0)
    worth = {"1": 1.0, "/": 0.5, "0": 0.0}
    points = ((begin + number * MINUTE, worth[text]) for number, text in enumerate(values, 1) if text != ".")
    return Series(status, f"aks-{node}", tuple(points))


def nodes(*series: Series, seen: Cluster | None = None, pool: str | None = None, **measure) -> Nodes:
    return reading.readiness(seen or cluster(), pool, Measure(series, MINUTE, **measure), CLAIMED)


ALL = (line("system-1-vmss0", "..111"), line("system-1-vmss1", "..111"), line("work-1-vmss0", "...11"))

# -- which nodes


@pytest.mark.parametrize(
    ("pool", "count"),
    [
        (SYSTEM, 2),
        (replace(WORK, count=0), 0),
        (replace(WORK, count=None, kind="VirtualMachines"), 1),
        (replace(SYSTEM, count=0, kind="VirtualMachines"), 1),
        (replace(WORK, autoscaling=True, count=7, min_count=3, max_count=9), 3),
        (replace(WORK, autoscaling=True, count=7, min_count=0, max_count=9), 0),
        (replace(WORK, autoscaling=True, count=7), 0),
        (replace(SYSTEM, autoscaling=True, count=7, min_count=None, max_count=9), 1),
        (replace(WORK, priority="Spot", count=4), 0),
        (replace(WORK, power=Power.STOPPED, count=4), 0),
        (replace(WORK, power=Power.UNKNOWN, count=4), 4),
        (replace(WORK, provisioning_state="Failed", count=4), 4),
    ],
)
def test_a_start_owes_the_nodes_that_are_certain_to_come(pool, count):
    assert reading.wanted(cluster(pool), None) == ({pool.name.casefold(): count} if count else {})


def test_the_start_of_a_pool_owes_that_pools_nodes():
    assert reading.wanted(cluster(), "WORK") == {"work": 1}
    assert reading.wanted(cluster(), "gone") == {}


# -- what the metric shows


def test_ready_is_since_the_last_node_was_ready_for_a_whole_minute():
    found = nodes(*ALL)
    assert (found.state, found.sentence) == (READY, "3 nodes are ready")
    assert found.since == CLAIMED.replace(second=0) + 4 * MINUTE


def test_half_a_minute_is_not_ready():
    found = nodes(*ALL[:2], line("work-1-vmss0", "..//"))
    assert (found.state, found.sentence) == (COMING, "pool work has 0 of 1 nodes ready")


def test_a_node_without_a_line_is_not_ready():
    """A lost node is missing from the metric; it does not turn false there."""
    assert nodes(ALL[0], ALL[2]).sentence == "pool system has 1 of 2 nodes ready"


def test_a_node_that_says_no_is_not_ready_and_statuses_have_no_case():
    lines = (line("system-1-vmss0", "11", "True"), line("system-1-vmss1", "11", "False"), line("work-1-vmss0", "11"))
    assert nodes(*lines).state is COMING
    assert nodes(*lines, line("system-1-vmss2", "11", "TRUE")).state is READY


def test_lines_that_come_in_a_minute_later_do_not_hold_it_back():
    assert nodes(line("system-1-vmss0", "1111"), line("system-1-vmss1", "11.."), line("work-1-vmss0", "111.")).since
    assert nodes(line("system-1-vmss0", "11111"), line("system-1-vmss1", "11..."), line("work-1-vmss0", "111..")).state


def test_what_was_ready_and_is_no_more_is_not_ready():
    assert nodes(*ALL[:2], line("work-1-vmss0", "11000")).state is COMING


def test_a_break_begins_the_time_anew():
    found = nodes(line("system-1-vmss0", "11011"), line("system-1-vmss1", "11111"), line("work-1-vmss0", "11111"))
    assert found.since == CLAIMED.replace(second=0) + 4 * MINUTE


def test_nothing_before_the_start_counts():
    early = Series("true", "aks-work-1-vmss0", ((CLAIMED - 5 * MINUTE, 1.0),))
    assert nodes(early).state is UNKNOWN
    within = Series("true", "aks-work-1-vmss0", ((CLAIMED.replace(second=0), 1.0),))
    assert nodes(within, pool="work").since == CLAIMED, "the minute in which it began, not before"


def test_no_line_at_all_is_unknown_unless_other_things_are_measured():
    assert nodes().state is UNKNOWN
    found = nodes(others_came_in=True)
    assert (found.state, found.sentence) == (
        COMING,
        "pool system has 0 of 2 nodes ready, pool work has 0 of 1 nodes ready",
    )


def test_a_metric_that_cannot_be_read_is_unknown_and_says_why():
    assert nodes(problem="Azure did not answer") == Nodes(UNKNOWN, "Azure did not answer")
    assert nodes(problem="no right", refused=True).final


def test_a_failed_pool_is_named_with_its_error():
    failed = replace(SYSTEM, provisioning_state="Failed", error_code="AllocationFailed")
    found = nodes(others_came_in=True, seen=cluster(failed))
    assert found.sentence == "pool system has 0 of 2 nodes ready (Failed, AllocationFailed)"


def test_nodes_of_windows_pools_and_of_single_machines_are_told_by_name():
    windows = replace(WORK, name="win1", os_type="Windows", count=1)
    single = replace(SYSTEM, name="vms", kind="VirtualMachines", count=None)
    seen = cluster(windows, single)
    lines = (line("vms-12345678-vms0", "11"), Series("true", "akswin1000001", line("x", "11").points))
    assert nodes(*lines, seen=seen).state is READY


def test_nodes_that_no_pool_can_be_told_of_are_unknown_not_missing():
    found = nodes(Series("true", "node-a", line("x", "11").points), Series("true", "aks-other-1-vmss0", ()))
    assert (found.state, found.sentence) == (UNKNOWN, "its nodes have names that do not tell their pools")


@given(st.lists(st.text("1/0.", min_size=6, max_size=6), min_size=3, max_size=3), st.data())
def test_a_minute_more_that_a_node_is_ready_never_makes_a_start_less_ready(rows, data):
    """What was ready stays so. Since when may move: a late line can show that the minute between was a break."""
    names = ("system-1-vmss0", "system-1-vmss1", "work-1-vmss0")
    before = nodes(*(line(name, row) for name, row in zip(names, rows, strict=True)))
    which, minute = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 5))
    if rows[which][minute] == ".":
        return  # a minute more that is measured may be the newest
    rows[which] = rows[which][:minute] + "1" + rows[which][minute + 1 :]
    after = nodes(*(line(name, row) for name, row in zip(names, rows, strict=True)))
    assert before.state is not READY or after.state is READY


# -- who is asked


@pytest.mark.parametrize(
    ("open_", "seen", "asked"),
    [
        ({}, cluster(), True),
        ({"phase": Phase.CLAIMED}, cluster(), False),
        ({"kind": "stop_cluster"}, cluster(), False),
        ({"kind": "grow_pool", "pool": "work"}, cluster(), False),
        ({}, cluster(power=Power.STOPPED), False),
        ({}, cluster(state="Starting"), False),
        ({}, cluster(state="Failed"), True),
        ({}, cluster(replace(SYSTEM, priority="Spot")), False),
        ({"kind": "start_pool", "pool": "work"}, cluster(), True),
        ({"kind": "start_pool", "pool": "work"}, cluster(SYSTEM, replace(WORK, provisioning_state="Starting")), False),
        ({"kind": "start_pool", "pool": "gone"}, cluster(), False),
    ],
)
def test_only_a_start_that_is_up_is_asked_for_its_nodes(open_, seen, asked):
    doing = {"kind": "start_cluster", "pool": None, "phase": Phase.ACCEPTED, **open_}
    assert reading.to_ask(started(**doing).open, seen) is asked
    assert not reading.to_ask(None, seen)


# -- what becomes of the start


def started(kind: str = "start_cluster", pool: str | None = None, phase=Phase.ACCEPTED, target=None, **changes):
    open_ = OpenAction("1", kind, pool, phase, "c", "r", "in_hours", CLAIMED, CLAIMED + 10 * MINUTE)
    open_ = replace(open_, deadline=CLAIMED + 60 * MINUTE, **changes)
    memory = Memory("/c", 3, open_)
    return memory if target is None else replace(memory, targets=memory.with_target(pool, target))


THERE = Nodes(READY, "3 nodes are ready", since=CLAIMED + 5 * MINUTE)
LATE = Nodes(COMING, "pool system has 0 of 2 nodes ready")
DARK = Nodes(UNKNOWN, "no metric of its nodes has come in")


def test_a_start_succeeds_when_its_nodes_are_ready_and_took_until_then():
    result = settle(started(target=TargetMemory(owed=Owed("r", CLAIMED))), cluster(), UP + 5 * MINUTE, nodes=THERE)
    target = result.memory.target(None)
    assert (result.outcome, result.ready_at) == (Outcome.SUCCEEDED, THERE.since)
    assert result.sentence == "the cluster is running, and its 3 nodes are ready"
    assert target.start_seconds == (300,)
    assert (target.owed, target.started_at, result.memory.open) == (None, UP + 5 * MINUTE, None)


def test_while_nodes_come_the_start_is_open_and_remembers_since_when_it_is_up():
    first = settle(started(), cluster(), UP, nodes=LATE)
    assert (first.outcome, first.memory.open.seen_at, first.memory.generation) == (Outcome.WAITING, UP, 3)
    assert first.sentence == (
        "the cluster is running, and its nodes are waited for: pool system has 0 of 2 nodes ready"
    )
    again = settle(first.memory, cluster(), UP + NODES_WITHIN, nodes=LATE)
    assert again.memory is first.memory, "nothing new, nothing to write"


def test_nodes_that_do_not_come_are_a_failure_that_is_not_tried_again():
    memory = started(target=TargetMemory(owed=Owed("r", CLAIMED), start_seconds=(300,)), seen_at=UP)
    result = settle(memory, cluster(), UP + NODES_WITHIN + MINUTE, nodes=LATE)
    target = result.memory.target(None)
    assert result.outcome is Outcome.FAILED
    assert result.problem.code == target.setbacks[NODES_NOT_READY].code == NODES_NOT_READY
    assert result.sentence == (
        "the cluster is running, but pool system has 0 of 2 nodes ready, 20 minutes after it was up"
    )
    assert target.setbacks[NODES_NOT_READY].message.startswith("pool system has 0 of 2")
    assert target.start_seconds == (300,), "how long a start takes is not learned from one that did not"
    assert (target.served.wish, target.owed) == (Wish.RUNNING, None), (
        "it is up: nobody starts it again, nothing is owed"
    )
    assert target.started_at == UP + NODES_WITHIN + MINUTE
    assert result.memory.open is None


def test_unknown_is_waited_for_and_then_told_as_unknown():
    waiting = settle(started(seen_at=UP), cluster(), UP + UNKNOWN_WITHIN, nodes=DARK)
    assert waiting.outcome is Outcome.WAITING
    result = settle(started(seen_at=UP), cluster(), UP + UNKNOWN_WITHIN + MINUTE, nodes=DARK)
    assert result.outcome is Outcome.SUCCEEDED
    assert result.sentence == (
        "the cluster is running; whether its nodes are ready is unknown: no metric of its nodes has come in"
    )
    assert result.memory.target(None).start_seconds == (240,), "until it was seen up, not until the waiting was over"


def test_what_no_look_will_tell_is_not_waited_for():
    result = settle(started(), cluster(), UP, nodes=replace(DARK, final=True))
    assert (result.outcome, result.memory.target(None).start_seconds) == (Outcome.SUCCEEDED, (240,))


def test_where_the_nodes_are_unknown_a_failed_system_pool_is_a_failure():
    failed = replace(SYSTEM, provisioning_state="Failed", error_code="AllocationFailed")
    result = settle(started(), cluster(failed, WORK), UP, nodes=replace(DARK, final=True))
    assert result.outcome is Outcome.FAILED
    assert result.sentence == (
        "the cluster is running, but pool system (Failed, AllocationFailed) did not come up, and whether it has nodes "
        "is unknown: no metric of its nodes has come in"
    )
    user = replace(WORK, provisioning_state="Failed")
    assert settle(started(), cluster(SYSTEM, user), UP, nodes=replace(DARK, final=True)).outcome is Outcome.SUCCEEDED


def test_ready_nodes_count_more_than_what_a_pool_says_of_itself():
    failed = replace(SYSTEM, provisioning_state="Failed")
    assert settle(started(), cluster(failed, WORK), UP, nodes=THERE).outcome is Outcome.SUCCEEDED


def test_a_start_that_left_the_state_failed_is_asked_of_its_operation_first():
    seen = cluster(state="Failed")
    memory = started(operation="https://x")
    assert settle(memory, seen, UP, nodes=THERE).ask_operation
    done = OperationVerdict(OperationStatus.SUCCEEDED)
    assert settle(memory, seen, UP, done, LATE).outcome is Outcome.WAITING
    assert settle(memory, seen, UP, done, THERE).outcome is Outcome.SUCCEEDED
    gone = OperationVerdict(OperationStatus.FAILED, "AllocationFailed", "no room")
    assert settle(memory, seen, UP, gone, THERE).problem.code == "AllocationFailed"


def test_somebody_who_stops_it_while_its_nodes_come_is_respected():
    memory = started(seen_at=UP, operation="https://x")
    seen, later = cluster(power=Power.STOPPED), CLAIMED + 12 * MINUTE
    result = settle(memory, seen, later, OperationVerdict(OperationStatus.SUCCEEDED))
    assert result.outcome is Outcome.REVERSED


def test_the_size_of_a_pool_that_came_back_is_compared_as_ever():
    saved = TargetMemory(saved=SavedSize(5, None, None, autoscaling=False, at=CLAIMED), owed=Owed("r", CLAIMED))
    memory = started("start_pool", "work", target=saved)
    result = settle(memory, cluster(), UP, nodes=replace(THERE, sentence="1 node is ready"))
    assert result.sentence == "the pool Work is running, and its 1 node is ready"
    assert result.size == "pool Work had 5 nodes before we stopped it, now 1 nodes"
    assert result.memory.target("work").owed is not None


@given(st.sampled_from(Readiness), st.booleans(), st.integers(0, 90))
def test_a_start_that_is_up_ends_whatever_is_known_of_its_nodes(state, final, minutes):
    """Never open for longer than its nodes may take; while it is, nothing changed but since when it is up."""
    found = Nodes(state, "text", CLAIMED + MINUTE if state is READY else None, final)
    result = settle(started(seen_at=UP), cluster(), UP + minutes * MINUTE, nodes=found)
    waits = result.outcome is Outcome.WAITING
    assert waits or result.memory.open is None
    assert not (waits and minutes * MINUTE > NODES_WITHIN)
    assert (result.outcome is Outcome.FAILED) == (state is COMING and minutes * MINUTE > NODES_WITHIN)
