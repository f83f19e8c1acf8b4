"""A start whose power is there, and whose nodes decide: ready, on their way, or not to be known.

ready                                          free       succeeded
on their way                                   ACCEPTED   (waits, and remembers since when)
not there NODES_WITHIN after it was up         free       failed: it runs, people are told, nothing is tried again
unknown for good, or UNKNOWN_WITHIN long       free       succeeded, readiness unknown
the same, and a system pool is Failed          free       failed, as above
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.fleet import Cluster, NodePool
from shared.model.memory import Memory, OpenAction
from shared.model.readiness import Nodes, Readiness
from shared.policy.endings import NODES_NOT_READY, Problem, after_bare_start, after_success
from shared.policy.outcomes import Outcome, Settled
from shared.policy.readiness import state_of
from shared.policy.spoken import spoken_length

NODES_WITHIN = timedelta(minutes=20)
"""How long after it was up nodes may take. AKS begins to repair a node that is not ready after ten minutes: this leaves
it as long again. https://learn.microsoft.com/azure/aks/node-auto-repair"""
UNKNOWN_WITHIN = timedelta(minutes=10)
"""How long metrics are waited for: they come in some three minutes after what they measure."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A start that is seen running, settled or as good as settled."""

    memory: Memory
    open: OpenAction
    cluster: Cluster
    pool: NodePool | None
    now: datetime

    @property
    def seen_at(self) -> datetime:
        return self.open.seen_at or self.now

    @property
    def what(self) -> str:
        return "cluster" if self.pool is None else f"pool {self.pool.name}"

    def settled(self, memory: Memory, outcome: Outcome, sentence: str) -> Settled:
        return Settled(memory, outcome, f"the {self.what} is running{sentence}", self.open)


def settle_nodes(arrival: Arrival, nodes: Nodes) -> Settled:
    """What became of a start that is up. The nodes were read after `now` was taken."""
    waited = arrival.now - arrival.seen_at
    match nodes.state:
        case Readiness.READY:
            return _succeeded(arrival, f", and its {nodes.sentence}", nodes.since)
        case Readiness.COMING if waited > NODES_WITHIN:
            return _failed(arrival, f"{nodes.sentence}, {spoken_length(NODES_WITHIN)} after it was up")
        case Readiness.UNKNOWN if nodes.final or waited > UNKNOWN_WITHIN:
            return _unknown(arrival, nodes)
        case _:
            return _waits(arrival, nodes)


def _waits(arrival: Arrival, nodes: Nodes) -> Settled:
    memory = arrival.memory
    if arrival.open.seen_at is None:
        memory = replace(memory, open=replace(arrival.open, seen_at=arrival.now))
    return arrival.settled(memory, Outcome.WAITING, f", and its nodes are waited for: {nodes.sentence}")


def _unknown(arrival: Arrival, nodes: Nodes) -> Settled:
    """Azure does not say how its nodes are; what it says of their pools counts all the more."""
    asked = arrival.cluster.pools if arrival.pool is None else (arrival.pool,)
    broken = [pool for pool in asked if _is_system(pool) and pool.provisioning_state.casefold() == "failed"]
    if broken:
        said = ", ".join(f"pool {pool.name}{state_of(pool)}" for pool in broken)
        return _failed(arrival, f"{said} did not come up, and whether it has nodes is unknown: {nodes.sentence}")
    return _succeeded(arrival, f"; whether its nodes are ready is unknown: {nodes.sentence}", arrival.seen_at)


def _is_system(pool: NodePool) -> bool:
    return (pool.mode or "").casefold() == "system"


def _succeeded(arrival: Arrival, sentence: str, at: datetime | None) -> Settled:
    memory = after_success(arrival.memory, arrival.open, arrival.pool, arrival.now, at)
    return replace(arrival.settled(memory, Outcome.SUCCEEDED, sentence), ready_at=at)


def _failed(arrival: Arrival, why: str) -> Settled:
    problem = Problem(NODES_NOT_READY, why)
    memory = after_bare_start(arrival.memory, arrival.open, arrival.pool, arrival.now, problem)
    return replace(arrival.settled(memory, Outcome.FAILED, f", but {why}"), problem=problem)
