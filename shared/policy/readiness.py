"""Which nodes a start is to bring, and whether they are ready, as the platform metric of their condition shows. Pure.

`kube_node_status_condition` has a line per node and status of its condition Ready. A node that has no line in a minute
was not ready in it: lost nodes are missing from the metric, they do not turn false.
From: https://learn.microsoft.com/azure/aks/monitor-aks-reference, https://github.com/Azure/AKS/issues/2034
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from shared.model.fleet import SETTLED, Cluster, NodePool, Power
from shared.model.memory import OpenAction, Phase, Wish
from shared.model.readiness import Nodes, Readiness
from shared.model.samples import Measure, Series
from shared.policy.endings import goal_of

# A value is the mean of a minute's samples, 1 while the node is in that status.
_WHOLE_MINUTE = 0.99
_LAGGING = 2
"""The newest minutes whose lines may not all have come in yet."""
_LINUX = re.compile(r"aks-([a-z0-9]+)-\d+-vm")
_SUFFIX = 6
"""Characters after the pool's name in the name of a Windows node: akswin000001."""


def to_ask(open_: OpenAction | None, cluster: Cluster) -> bool:
    """Whether the nodes decide now: an accepted start whose power is there, of pools that bring nodes for certain."""
    if open_ is None or open_.phase is not Phase.ACCEPTED or goal_of(open_) is not Wish.RUNNING:
        return False
    pool = None if open_.pool is None else cluster.pool(open_.pool)
    state = (cluster if pool is None else pool).provisioning_state.casefold()
    is_up = cluster.power_of(open_.pool) is Power.RUNNING and state in SETTLED
    return is_up and bool(wanted(cluster, open_.pool))


def wanted(cluster: Cluster, pool: str | None) -> Mapping[str, int]:
    """Lower-case pool -> how many nodes a start of the cluster, or of that pool, must bring to be one.

    An autoscaled pool owes its lower bound, the rest is the autoscaler's business. Spot is not waited for: its nodes
    come when Azure has room. A pool that was stopped by itself stays so.
    """
    asked = cluster.pools if pool is None else tuple(one for one in (cluster.pool(pool),) if one is not None)
    needs = {one.name.casefold(): _owed(one) for one in asked if _is_waited_for(one)}
    return {name: count for name, count in needs.items() if count}


def _is_waited_for(pool: NodePool) -> bool:
    return pool.power is not Power.STOPPED and pool.priority.casefold() != "spot"


def _owed(pool: NodePool) -> int:
    is_system = (pool.mode or "").casefold() == "system"
    if pool.autoscaling:
        return max(pool.min_count or 0, int(is_system))
    # Pools of single machines do not say how many in `count`; a system pool has one at least.
    return pool.count or int(is_system or pool.count is None)


def readiness(cluster: Cluster, pool: str | None, measure: Measure, since: datetime) -> Nodes:
    """What the metric shows of the nodes that are `wanted`. `since`: aware UTC, when the start began; nothing before
    counts. A metric that has come in for other things while it has no node shows none."""
    if measure.problem is not None:
        return Nodes(Readiness.UNKNOWN, measure.problem, final=measure.refused)
    needs = wanted(cluster, pool)
    minutes = _ready_by_minute(measure.series, cluster.pools, since - measure.grain)
    if not minutes:
        if measure.others_came_in:
            return Nodes(Readiness.COMING, _lacking(cluster, needs, Counter()))
        return Nodes(Readiness.UNKNOWN, "no metric of its nodes has come in")
    begin = _begin(minutes, needs)
    if begin is not None:
        return Nodes(Readiness.READY, _all_ready(needs), since=max(begin, since))
    last = minutes[max(minutes)]
    if last[""]:
        return Nodes(Readiness.UNKNOWN, "its nodes have names that do not tell their pools")
    return Nodes(Readiness.COMING, _lacking(cluster, needs, last))


def _begin(minutes: Mapping[datetime, Counter[str]], needs: Mapping[str, int]) -> datetime | None:
    """The begin of the unbroken stretch up to the newest minutes; None when those are not enough."""
    begin = None
    for back, at in enumerate(sorted(minutes, reverse=True)):
        if _suffice(minutes[at], needs):
            begin = at
        elif begin is not None or back >= _LAGGING:
            break
    return begin


def _suffice(ready: Counter[str], needs: Mapping[str, int]) -> bool:
    return all(ready[name] >= count for name, count in needs.items())


def _ready_by_minute(
    series: Iterable[Series], pools: Iterable[NodePool], after: datetime
) -> dict[datetime, Counter[str]]:
    """Minute -> pool -> nodes that were ready all through it; '' counts those that no pool can be told of."""
    names = tuple(pool.name.casefold() for pool in pools)
    seen: dict[datetime, set[str]] = {}
    for one in series:
        is_ready = one.part.casefold() == "true"
        for at, value in one.points:
            if at > after:
                nodes = seen.setdefault(at, set())
                if is_ready and value >= _WHOLE_MINUTE:
                    nodes.add(one.name.casefold())
    return {at: Counter(_pool_of(node, names) for node in nodes) for at, nodes in seen.items()}


def _pool_of(node: str, pools: tuple[str, ...]) -> str:
    """The pool in a node's name; '' when it is none of these."""
    linux = _LINUX.match(node)
    if linux is not None:
        return linux[1] if linux[1] in pools else ""
    return next((name for name in pools if node.startswith(f"aks{name}") and len(node) == len(name) + 3 + _SUFFIX), "")


def _all_ready(needs: Mapping[str, int]) -> str:
    total = sum(needs.values())
    return f"{total} node{'s are' if total > 1 else ' is'} ready"


def _lacking(cluster: Cluster, needs: Mapping[str, int], ready: Counter[str]) -> str:
    """Each pool that lacks nodes, with what Azure says of it where that explains something."""
    told = []
    for name, count in needs.items():
        if ready[name] >= count:
            continue
        pool = cluster.pool(name)
        said = "" if pool is None or pool.provisioning_state.casefold() in ("succeeded", "") else state_of(pool)
        told.append(f"pool {name} has {ready[name]} of {count} nodes ready{said}")
    return ", ".join(told)


def state_of(pool: NodePool) -> str:
    """` (Failed, AllocationFailed)`"""
    return f" ({', '.join(filter(None, (pool.provisioning_state, pool.error_code)))})"
