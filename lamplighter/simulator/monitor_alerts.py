"""Alerts of Azure Monitor: raised from the world's own metrics, posted to an action group's webhook, told by the graph.

    monitor.needs("web", "user1", nodes, at)         so many nodes' worth of pods want to run there from then on
    monitor.queues["orders"] = [(at, messages), ...] the length of a queue over time
    monitor.watch(AlertRule(...))                    evaluated every minute
    monitor.webhook = body -> status                 where alerts go; what fails is sent again as Azure sends it again

A metric alert fires after five bad minutes, is one alert until it resolves, and resolves after three good ones. Alert
processing rules that are in force where it fires keep it from the webhook, not from the graph.
From: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-overview#stateful-alerts and
https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#webhook
"""

from __future__ import annotations

import heapq
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lamplighter.simulator import silences
from lamplighter.simulator.resources import RUNNING, Cluster, Pool

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

MINUTE = timedelta(minutes=1)
BAD, GOOD = 5, 3
"""Minutes until it fires, and until it resolves."""
DELAY = timedelta(seconds=20)
AGAIN = tuple(timedelta(seconds=one) for one in (5, 20, 40, 60, 60))
RETRIED = frozenset({408, 429, 503, 504})
PENDING, UNAVAILABLE, QUEUE = "pending", "unavailable", "queue"
NAMESPACE = uuid.UUID("6a0c0d2e-6d5c-4d0e-8f0e-0c8a5d1d7e21")
Webhook = Callable[[bytes], int]


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One metric alert rule. `cluster` is a name or id, for PENDING and UNAVAILABLE; `queue` a name in `queues`."""

    name: str
    condition: str
    cluster: str = ""
    pool: str = ""
    queue: str = ""
    severity: int = 2


@dataclass(slots=True)
class Instance:
    """One alert: from when it fired until it was resolved."""

    id: str
    rule: AlertRule
    target: str
    fired_at: datetime
    resolved_at: datetime | None = None


@dataclass(slots=True)
class _State:
    bad: int = 0
    good: int = 0
    instance: Instance | None = None


@dataclass(slots=True)
class Monitor:
    """`twice`: every message is delivered again. `lose` and `late` name the conditions whose messages never arrive, or
    arrive a quarter of an hour later."""

    webhook: Webhook | None = None
    twice: bool = False
    lose: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    rules: list[AlertRule] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    delivered: list[tuple[datetime, str, str, int]] = field(default_factory=list)
    """(instant, rule, condition, status) of every attempt."""
    suppressed: list[tuple[datetime, str, str]] = field(default_factory=list)
    """(instant, rule, condition) of what a processing rule kept back."""
    demand: dict[tuple[str, str], list[tuple[datetime, int]]] = field(default_factory=dict)
    queues: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)
    silences: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Lower-case id -> the alert processing rule as it was put."""
    published: list[dict[str, Any]] = field(default_factory=list)
    """What a custom topic of Event Grid was sent."""
    evaluated_at: datetime | None = None
    _states: dict[str, _State] = field(default_factory=dict)
    _outbox: list[tuple[datetime, int, int, str, str, bytes]] = field(default_factory=list)
    _sent: int = 0
    _busy: bool = False

    def watch(self, world: World, *rules: AlertRule) -> None:
        self.rules += rules
        self.evaluated_at = self.evaluated_at or world.now()

    def needs(self, world: World, cluster: str, pool: str, nodes: int, at: datetime | None = None) -> None:
        """From `at` on (else from now) so many nodes' worth of pods want to run in a pool."""
        key = (world.cluster(cluster).key, pool.lower())
        self.demand.setdefault(key, []).append((at or world.now(), nodes))

    # -- time

    def next_at(self) -> datetime | None:
        """When it evaluates or delivers next; None when nothing is watched."""
        due = [self._outbox[0][0]] if self._outbox else []
        if self.rules and self.evaluated_at is not None:
            due.append(self.evaluated_at + MINUTE)
        return min(due, default=None)

    def happen(self, world: World, now: datetime) -> bool:
        """Let the first thing happen that is due; False when none is."""
        at = self.next_at()
        if self._busy or at is None or at > now:
            return False  # whoever hears of an alert asks this world, which is about to go on
        self._busy = True
        try:
            if self._outbox and self._outbox[0][0] <= at:
                self._deliver(heapq.heappop(self._outbox))
            else:
                self.evaluated_at = at
                self._evaluate(world, at)
        finally:
            self._busy = False
        return True

    def _evaluate(self, world: World, at: datetime) -> None:
        self._scale(world, at)
        for rule in self.rules:
            state = self._states.setdefault(rule.name, _State())
            bad = self.is_bad(world, rule, at)
            state.bad, state.good = (state.bad + 1, 0) if bad else (0, state.good + 1)
            if state.instance is None and state.bad >= BAD:
                key = str(uuid.uuid5(NAMESPACE, f"{world.seed}|{rule.name}|{at.isoformat()}"))
                target = self._target(world, rule)
                scope = "/".join(target.split("/")[:3])
                id_ = f"{scope}/providers/Microsoft.AlertsManagement/alerts/{key}"
                state.instance = Instance(id_, rule, target, at)
                self.instances.append(state.instance)
                self._post(state.instance, "Fired", at)
            elif state.instance is not None and state.good >= GOOD:
                instance, state.instance = state.instance, None
                instance.resolved_at = at
                self._post(instance, "Resolved", at)

    def _scale(self, world: World, at: datetime) -> None:
        """The cluster autoscaler: a pool has as many nodes as are needed, inside its bounds."""
        for key, name in self.demand:
            cluster = world.clusters.get(key)
            pool = None if cluster is None else cluster.pool(name)
            if cluster is None or pool is None or not _is_up(cluster, pool) or not pool.value("enableAutoScaling"):
                continue
            low, high = int(pool.value("minCount")), int(pool.value("maxCount"))
            wanted = min(max(self.wanted(key, name, at), low), high)
            if wanted != pool.value("count"):
                world.platform_moves(cluster.id, pool.name, wanted)

    # -- metrics

    def wanted(self, key: str, pool: str, at: datetime) -> int:
        return _value(self.demand.get((key, pool.lower()), []), at)

    def is_bad(self, world: World, rule: AlertRule, at: datetime) -> bool:
        """Whether its condition holds: pods wait, the cluster does not answer, messages wait."""
        if rule.condition == QUEUE:
            return _value(self.queues.get(rule.queue, []), at) > 0
        cluster = world.cluster(rule.cluster)
        if rule.condition == UNAVAILABLE:
            return cluster.power != RUNNING or cluster.state in ("Starting", "Stopping")
        pool = cluster.pool(rule.pool)
        if pool is None or not _is_up(cluster, pool):
            return False
        return self.wanted(cluster.key, rule.pool, at) > int(pool.value("count") or 0)

    def _target(self, world: World, rule: AlertRule) -> str:
        if rule.condition == QUEUE:
            scope = next(iter(world.subscriptions))
            return f"/subscriptions/{scope}/resourcegroups/rg/providers/microsoft.servicebus/namespaces/{rule.queue}"
        return world.cluster(rule.cluster).key

    # -- delivery

    def _post(self, instance: Instance, condition: str, at: datetime) -> None:
        if silences.silenced(self.silences.values(), instance.target, at):
            self.suppressed.append((at, instance.rule.name, condition))
            return
        if condition in self.lose:
            return
        body = json.dumps(common_alert(instance, condition)).encode()
        due = at + DELAY + (15 * MINUTE if condition in self.late else timedelta(0))
        for extra in (timedelta(0), 25 * timedelta(seconds=1)) if self.twice else (timedelta(0),):
            self._send(due + extra, 0, instance.rule.name, condition, body)

    def _send(self, at: datetime, attempt: int, name: str, condition: str, body: bytes) -> None:
        self._sent += 1
        heapq.heappush(self._outbox, (at, self._sent, attempt, name, condition, body))

    def _deliver(self, message: tuple[datetime, int, int, str, str, bytes]) -> None:
        at, _, attempt, name, condition, body = message
        if self.webhook is None:
            return
        status = self.webhook(body)
        self.delivered.append((at, name, condition, status))
        if status in RETRIED and attempt < len(AGAIN):
            self._send(at + AGAIN[attempt], attempt + 1, name, condition, body)


def _is_up(cluster: Cluster, pool: Pool) -> bool:
    return cluster.power == RUNNING and pool.power == RUNNING and cluster.is_settled and pool.is_settled


def _value(points: list[tuple[datetime, int]], at: datetime) -> int:
    return next((value for begin, value in sorted(points, reverse=True) if begin <= at), 0)


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def common_alert(instance: Instance, condition: str) -> dict[str, Any]:
    """The message in the common alert schema, as action groups post it."""
    rule, name = instance.rule, instance.target.rpartition("/")[2]
    essentials = {
        "alertId": instance.id,
        "alertRule": rule.name,
        "severity": f"Sev{rule.severity}",
        "signalType": "Metric",
        "monitorCondition": condition,
        "monitoringService": "Platform",
        "alertTargetIDs": [instance.target],
        "configurationItems": [name],
        "originAlertId": f"{name}_{rule.name}",
        "firedDateTime": _instant(instance.fired_at),
        "description": "",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    if condition == "Resolved" and instance.resolved_at is not None:
        essentials["resolvedDateTime"] = _instant(instance.resolved_at)
    criterion = {"metricName": rule.condition, "operator": "GreaterThan", "threshold": "0", "dimensions": []}
    context = {"conditionType": "SingleResourceMultipleMetricCriteria", "condition": {"allOf": [criterion]}}
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": essentials, "alertContext": context},
    }


def alert_row(instance: Instance) -> dict[str, Any]:
    """The alert in the table AlertsManagementResources."""
    over = instance.resolved_at
    essentials = {
        "alertRule": instance.rule.name,
        "severity": f"Sev{instance.rule.severity}",
        "signalType": "Metric",
        "monitorCondition": "Fired" if over is None else "Resolved",
        "monitorConditionResolvedDateTime": None if over is None else _instant(over),
        "startDateTime": _instant(instance.fired_at),
        "targetResource": instance.target,
        "alertState": "New",
    }
    return {
        "id": instance.id,
        "name": instance.id.rpartition("/")[2],
        "type": "Microsoft.AlertsManagement/alerts",
        "properties": {"essentials": essentials},
    }
