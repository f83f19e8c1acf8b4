"""Plain values for tests of what alerts make us do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.model.alerts import Occurrence, Signal
from shared.model.decisions import Decision
from shared.model.facts import Fact, Need, View
from shared.model.fleet import Cluster
from shared.model.memory import Memory
from shared.model.relief import PoolSize, Relief, Step
from shared.policy.decide import decide
from shared.policy.document import Policy
from tests.policy.builders import HOUR, SYSTEM, adopted, at, cluster, policy, pool, view

NOON = at("Mon 12:00")
QUEUE = "/subscriptions/s/resourcegroups/rg/providers/microsoft.servicebus/namespaces/orders"
SCALE = "alert: 'pending*', do: scale, pools: ['user*'], by: 2, max: 12, for: 2h"
WAKE = "alert: orders, target: '*/namespaces/orders', do: wake, for: 1h"


def rules(block: str = SCALE, *more: str, match: str = "environments: [dev]", **about: Any) -> Policy:
    return policy(f"  - {{name: r, match: {{{match}}}, on_alert: {{{block}}}}}", *more, **about)


def alert(id_: str = "1", fired_at: datetime = NOON, **more: Any) -> Occurrence:
    known = {
        "rule": "pending-pods",
        "signal": Signal.METRIC,
        "resolved_at": None,
        "severity": 2,
        "targets": (cluster().id,),
        "clusters": (),
    }
    return Occurrence(id=f"/alerts/{id_}", fired_at=fired_at, **(known | more))


def orders(id_: str = "q", fired_at: datetime = NOON, **more: Any) -> Occurrence:
    return alert(id_, fired_at, **({"rule": "orders", "targets": (QUEUE,)} | more))


def scaled(low: int | None = 3, high: int | None = 10, count: int | None = 3, **more: Any):
    """A user pool, autoscaled unless `low` is None."""
    return pool("user1", count=count, min_count=low, max_count=high, autoscaling=low is not None, **more)


def fixed(count: int | None = 3, **more: Any):
    return scaled(None, None, count, **more)


def with_pools(*pools: Any, **more: Any) -> Cluster:
    return cluster(pools=(SYSTEM, *pools), **more)


def relief(before: PoolSize, now: PoolSize, begun: datetime = NOON, **more: Any) -> Relief:
    step = Step(begun, begun + 2 * HOUR, "/alerts/1")
    return replace(Relief({"r": step}, before, now, begun), **more)


def look(
    seen: Cluster, *alerts: Occurrence, memory: Memory | None = None, rules_: Policy | None = None, room: Any = None,
    problem: str | None = None, **fleet: Any,
) -> View:  # fmt: skip
    facts = {Need.ALERTS: Fact(alerts, NOON, problem)}
    if room is not None:
        facts[Need.ROOM] = Fact(None, NOON, room) if isinstance(room, str) else Fact(room, NOON)
    known = memory or adopted(rules_ or rules(), seen)
    return replace(view(seen, known, **fleet), facts=facts)


def with_relief(seen: Cluster, one: Relief, name: str = "user1", rules_: Policy | None = None) -> Memory:
    return replace(adopted(rules_ or rules(), seen), reliefs={name: one})


def of_pool(view_: View, rules_: Policy | None = None, now: datetime = NOON, name: str | None = "user1") -> Decision:
    return next(one for one in decide(view_, rules_ or rules(), now) if one.pool == name)
