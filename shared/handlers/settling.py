"""Open actions: look at the cluster, ask the operation where that is needed, and let the protocol conclude."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.app import App
from shared.clients import clusters
from shared.errors import CloudError, NotFound, Superseded
from shared.handlers import readying, records
from shared.model.actions import ACTIONS
from shared.model.decisions import Notice
from shared.model.fleet import Cluster
from shared.model.memory import Memory, OpenAction, Stored
from shared.model.readiness import Nodes
from shared.model.records import HistoryRecord
from shared.policy.outcomes import OperationStatus, OperationVerdict, Outcome, Settled
from shared.policy.readiness import to_ask
from shared.policy.settle import settle
from shared.telemetry import measured

ENDS = frozenset({Outcome.SUCCEEDED, Outcome.REVERSED, Outcome.FAILED, Outcome.RELEASED, Outcome.GONE})
AT_ONCE = 120
"""Fresh readings in one invocation: ARM lets 25 reads a second through, and a function lives 4 minutes.
https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling"""


@dataclass(frozen=True, slots=True)
class Ended:
    """What one open action came to, with the memory as it is stored now."""

    stored: Stored[Memory]
    settled: Settled
    cluster: Cluster | None


def settle_open(app: App, open_ones: Iterable[Stored[Memory]], now: datetime) -> tuple[Ended, ...]:
    """The oldest open actions first, those that only wait for nodes last: when those came, their metric still tells.
    Each by itself, so that one cluster's trouble stays its own."""
    first = sorted(open_ones, key=lambda stored: _turn(stored.value.open, now))
    looks = [look for stored in first[:AT_ONCE] if (look := _looked(app, stored)) is not None]
    nodes = readying.nodes_of(app, [start for look in looks if (start := _start(look)) is not None], now)
    ended = [one for look in looks if (one := _settle_one(app, look, nodes, now)) is not None]
    done = [one for one in ended if one.settled.outcome is not Outcome.WAITING]
    if done:
        measured("ended", {"counts": dict(Counter(_outcome(one) for one in done))})
    app.journal.append(_history(done, now))
    app.journal.post(notice for one in done for notice in _notices(one, now))
    return tuple(ended)


def _turn(open_: OpenAction | None, now: datetime) -> tuple[bool, datetime]:
    return (False, now) if open_ is None else (open_.seen_at is not None, open_.claimed_at)


def _looked(app: App, stored: Stored[Memory]) -> tuple[Stored[Memory], Cluster | None] | None:
    """With the fresh reading, None in it for a cluster that is gone; None where it could not be read."""
    try:
        return stored, clusters.get(app.cloud, stored.value.cluster)
    except NotFound:
        return stored, None
    except CloudError:
        return None  # unknown now; the next pulse looks again


def _start(look: tuple[Stored[Memory], Cluster | None]) -> readying.Start | None:
    """The start whose nodes decide now."""
    stored, cluster = look
    open_ = stored.value.open
    if cluster is None or open_ is None or not to_ask(open_, cluster):
        return None
    return readying.Start(cluster, open_.pool, open_.claimed_at)


def _settle_one(
    app: App, look: tuple[Stored[Memory], Cluster | None], nodes: Mapping[readying.Target, Nodes], now: datetime
) -> Ended | None:
    stored, cluster = look
    memory = stored.value
    ready = None if memory.open is None else nodes.get((memory.cluster, memory.open.pool))
    result = settle(memory, cluster, now, nodes=ready)
    if result.ask_operation:
        result = settle(memory, cluster, now, _verdict(app, memory), ready)
    if result.memory is memory:
        return Ended(stored, result, cluster)
    try:
        return Ended(Stored(result.memory, app.journal.swap(result.memory, stored.etag)), result, cluster)
    except Superseded:
        return None


def _verdict(app: App, memory: Memory) -> OperationVerdict:
    url = memory.open.operation if memory.open is not None else None
    if not url:
        return OperationVerdict(OperationStatus.GONE)
    try:
        state = clusters.operation(app.cloud, memory.cluster, url)
    except CloudError:
        return OperationVerdict(OperationStatus.UNREADABLE)
    return OperationVerdict(OperationStatus(state.status), state.code, state.message, state.no_capacity)


def _outcome(one: Ended) -> str:
    """`start_cluster succeeded`: what was asked for, and what it came to."""
    return f"{one.settled.action.kind if one.settled.action is not None else 'action'} {one.settled.outcome.value}"


def _history(ended: Iterable[Ended], now: datetime) -> list[HistoryRecord]:
    return [records.settled(one.settled, one.stored.value.cluster, now) for one in ended]


def _notices(one: Ended, now: datetime) -> list[Notice]:
    settled, about = one.settled, one.stored.value.cluster
    if settled.size and settled.action is not None:
        return [Notice("size_differs", about, settled.action.id, settled.size, now)]
    return []


def tally(ended: Iterable[Ended], now: datetime) -> tuple[int, tuple[datetime, ...]]:
    """(how many disruptive actions succeeded, when actions of any kind failed): what the breaker counts.

    It holds only disruptive actions, so only such a one can show that it may close: mornings are full of starts.
    """
    seen = tuple(ended)
    good = sum(one.settled.outcome is Outcome.SUCCEEDED and _is_disruptive(one) for one in seen)
    return good, tuple(now for one in seen if one.settled.outcome is Outcome.FAILED)


def _is_disruptive(one: Ended) -> bool:
    kind = ACTIONS.get(one.settled.action.kind) if one.settled.action is not None else None
    return kind is not None and kind.disruptive


def with_ended(stored: dict[str, Stored[Memory]], ended: Iterable[Ended]) -> dict[str, Stored[Memory]]:
    return stored | {one.stored.value.cluster: one.stored for one in ended}


def fresh_over(clusters_seen: Iterable[Cluster], ended: Iterable[Ended]) -> tuple[Cluster, ...]:
    """The inventory, with what was read freshly in place of what Resource Graph said."""
    fresh = {one.stored.value.cluster: one.cluster for one in ended if one.cluster is not None}
    return tuple(replace(fresh[seen.id], fleet=seen.fleet) if seen.id in fresh else seen for seen in clusters_seen)
