"""The simulated world: its state, its clock, who else is at work in it, and the record of what happened."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lamplighter.simulator import cluster_verbs, endings, market_moves, pool_verbs
from lamplighter.simulator.clock import Clock, VirtualClock
from lamplighter.simulator.cost_routes import Costs
from lamplighter.simulator.demand import Demand
from lamplighter.simulator.durations import Durations
from lamplighter.simulator.events import ClusterEvent, ResourceEvent
from lamplighter.simulator.faults import Fault
from lamplighter.simulator.graph_history import GraphHistory
from lamplighter.simulator.locks import Lock
from lamplighter.simulator.meter import Meter
from lamplighter.simulator.monitor_alerts import Monitor
from lamplighter.simulator.node_readiness import NodeReadiness
from lamplighter.simulator.operations import FAILED, SUCCEEDED, Call, Operation, Operations, Write
from lamplighter.simulator.resources import Cluster, Pool, provisioning_error
from lamplighter.simulator.spot_market import Market
from lamplighter.simulator.throttle import Throttle
from lamplighter.simulator.usage import KINDS, Usage
from lamplighter.simulator.versions import Catalog, waves
from lamplighter.simulator.wire import Request

NAMESPACE = uuid.UUID("8d5ee4a2-3f0c-4f0e-9a3c-5d1f6f2b7a10")
TENANT = "99999999-9999-9999-9999-999999999999"
ROLLS = frozenset({"pool-upgrade", "pool-image"})
GRAPH_LAG = (timedelta(seconds=60), timedelta(seconds=120))


@dataclass(slots=True)
class Subscription:
    """`groups` maps the lower-case name of a resource group to `(name, location, tags)`."""

    id: str
    name: str
    management_groups: tuple[str, ...] = ()
    groups: dict[str, tuple[str, str, dict[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """A cluster's membership in an Azure Kubernetes Fleet Manager; `cluster` is the lower-case cluster id."""

    subscription: str
    group: str
    fleet: str
    cluster: str
    name: str


@dataclass(slots=True)
class World:
    """Everything there is. One lock: requests are served one after another, like the actions of a test."""

    clock: Clock
    tenant: str = TENANT
    seed: int = 0
    graph: GraphHistory = field(default_factory=lambda: GraphHistory(GRAPH_LAG))
    durations: Durations = field(default_factory=Durations)
    throttle: Throttle = field(default_factory=Throttle)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    locks: list[Lock] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    catalog: Catalog = field(default_factory=Catalog)
    """Kubernetes versions and node images that every region has."""
    usage: Usage = field(default_factory=Usage)
    readiness: NodeReadiness = field(default_factory=NodeReadiness)
    """When nodes are ready after a start."""
    demand: Demand = field(default_factory=Demand)
    """How many nodes the work needs, and what people do by hand at their hours."""
    meter: Meter = field(default_factory=Meter)
    """What everything is billed."""
    costs: Costs = field(default_factory=Costs)
    """How Cost Management tells of it, and when it refuses."""
    market: Market = field(default_factory=Market)
    monitor: Monitor = field(default_factory=Monitor)
    """Alert rules, what they raised, alert processing rules."""
    operations: Operations = field(default_factory=Operations)
    audit: list[Write] = field(default_factory=list)
    """Every accepted write, by whomever."""
    events: list[ResourceEvent | ClusterEvent] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    """How often each kind of request came: `GET cluster`, `POST graph`, ..."""
    unknown: list[str] = field(default_factory=list)
    """Requests that this world has no answer for; a test may assert that it is empty."""
    on_event: Callable[[ResourceEvent | ClusterEvent], None] | None = None
    on_write: Callable[[Write], None] | None = None
    """Called when a write has been accepted, before its reply is sent: a test may raise here to play a crash."""
    page_size: int = 100
    empty_last_page: bool = True
    """Full last pages of ARM lists are followed by an empty one (recorded traffic)."""
    signed_operations: bool = True
    """Operation URLs carry a signature of about 3 kB, and polling without it is refused."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    fate: Fault | None = None
    caches: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def from_fleet(cls, document: Any, *, now: datetime | None = None, clock: Clock | None = None) -> World:
        """The world that a fleet document describes (see `fleet_file`); ValueError in one sentence for a bad one.

        `now` (aware UTC) starts a VirtualClock; without it and without `clock`, `2026-11-23T07:00:00Z`.
        """
        from lamplighter.simulator.fleet_file import build_world  # noqa: PLC0415 - the file knows the world it builds

        return build_world(document, now=now, clock=clock)

    # -- time

    def now(self) -> datetime:
        return self.clock.now()

    def advance(self, by: timedelta) -> datetime:
        """Move the clock (VirtualClock only) and let happen what is due."""
        if not isinstance(self.clock, VirtualClock):
            raise TypeError("This world's clock runs by itself and can't be advanced")
        self.clock.advance(by)
        self.settle()
        return self.now()

    def sleep(self, seconds: float) -> None:
        """Wait in world time: moves a VirtualClock, waits on the others."""
        self.clock.sleep(seconds)
        self.settle()

    def settle(self) -> datetime:
        """Let everything happen whose time has come; returns now."""
        with self.lock:
            now = self.now()
            while (look := self.demand.due(now)) is not None:
                self._happens(look)
                self.demand.look(self, look)
            self._happens(now)
            self.graph.settle(now)
            return now

    def _happens(self, now: datetime) -> None:
        while self._next_thing(now):
            pass

    def _next_thing(self, now: datetime) -> bool:
        """Let the one thing happen that is due first; False when nothing is."""
        ends_at, due_at = self.operations.next_end(), self.market.next_at()
        alerts_at = self.monitor.next_at()
        if alerts_at is not None and alerts_at <= now and alerts_at <= min(ends_at or now, due_at or now):
            return self.monitor.happen(self, now)
        if due_at is not None and due_at <= now and (ends_at is None or due_at < ends_at):
            thing = self.market.take(now)
            if thing is not None:
                market_moves.happen(self, *thing)
            return True
        operation = self.operations.due(now)
        if operation is None:
            return due_at is not None and due_at <= now
        endings.finish(self, operation, operation.fate, operation.ends_at or now)
        return True

    def next_event(self) -> datetime | None:
        """When the next operation may end or the market next moves (aware UTC); None when nothing is under way."""
        return min((at for at in (self.operations.next_end(), self.market.next_at()) if at is not None), default=None)

    # -- looking

    def cluster(self, name: str) -> Cluster:
        """By name or id, without case; KeyError when there is none, or more than one of that name."""
        self.settle()
        wanted = name.lower()
        if wanted in self.clusters:
            return self.clusters[wanted]
        found = [cluster for cluster in self.clusters.values() if cluster.name.lower() == wanted]
        if len(found) != 1:
            msg = f"{len(found)} clusters are called {name!r}" if found else f"no cluster is called {name!r}"
            raise KeyError(msg)
        return found[0]

    def pool(self, cluster: str, pool: str) -> Pool:
        """A node pool by its cluster's name or id; KeyError when there is none."""
        found = self.cluster(cluster).pool(pool)
        if found is None:
            msg = f"{cluster!r} has no node pool {pool!r}"
            raise KeyError(msg)
        return found

    def writes(self, actor: str | None = "app", cluster: str | None = None) -> list[Write]:
        """Accepted writes by one actor (None: anybody), of one cluster (None: all)."""
        key = None if cluster is None else self.cluster(cluster).key
        return [
            write
            for write in self.audit
            if (actor is None or write.actor == actor) and (key is None or write.cluster == key)
        ]

    def power_intervals(self, cluster: str, pool: str | None = None) -> list[tuple[datetime, datetime | None]]:
        """`[on, off)` instants of a cluster or one of its pools; `off` is None while it is on.

        Something is on from the moment a start is accepted until its stop has succeeded: that is how it is billed.
        """
        log = self.cluster(cluster).log if pool is None else self.pool(cluster, pool).log
        return [(on, off) for on, off in log.intervals if on is not None]

    # -- what goes wrong, what is forbidden

    def inject(self, *faults: Fault) -> None:
        """Add faults; the first that matches a request strikes."""
        self.faults.extend(faults)

    def take_fault(self, request: Request, *, on_operation: bool) -> Fault | None:
        """The fault that strikes this request, if any. One that waits for an operation counts only when it is used."""
        for fault in self.faults:
            if fault.on_operation == on_operation and not fault.is_spent and fault.hits(request):
                if not on_operation:
                    fault.struck += 1
                return fault
        return None

    def add_lock(self, scope: str, level: str, name: str = "lock") -> Lock:
        """`scope` is an id, or a cluster's name; `level` is CanNotDelete or ReadOnly."""
        key = scope.lower().rstrip("/") if scope.startswith("/") else self.cluster(scope).key
        lock = Lock(key, level, name)
        self.locks.append(lock)
        return lock

    # -- writing

    def touch(self, cluster: Cluster, at: datetime) -> None:
        """Say that a cluster is about to change."""
        exists = cluster.key in self.clusters
        self.meter.note(cluster, at, exists=exists)
        self.graph.remember(cluster.key, cluster if exists else None, at)

    def begin(self, kind: str, cluster: Cluster, pool: Pool | None, call: Call, action: str) -> Operation:
        """Accept a write, checked and applied by a verb: an operation that ends later, its record and its event."""
        now = self.now()
        count = len(self.operations.by_id)
        resource = cluster.id if pool is None else f"{cluster.id}/agentPools/{pool.name}"
        key = str(uuid.uuid5(NAMESPACE, f"{self.seed}|{count}|{resource}|{kind}"))
        correlation = call.correlation or str(uuid.uuid5(NAMESPACE, f"correlation|{key}"))
        write = Write(
            now, call.method, call.path, call.actor, call.body, correlation, cluster.key,
            None if pool is None else pool.name, resource, f"Microsoft.ContainerService/{action}", key,
        )  # fmt: skip
        rolled = 1 if pool is None or kind not in ROLLS else waves(pool)
        ends_at: datetime | None = now + self.durations.draw(kind, resource.lower(), count) * rolled
        operation = Operation(key, kind, cluster.key, write.pool, cluster.location, now, ends_at, write)
        self._apply_fate(operation)
        self.operations.add(operation)
        self.audit.append(write)
        self.emit(write, "Accepted", now)
        if self.on_write is not None:
            self.on_write(write)
        return operation

    def _apply_fate(self, operation: Operation) -> None:
        fault, self.fate = self.fate, None
        if fault is None:
            return
        fault.struck += 1
        match fault.kind:
            case "operation-hangs":
                operation.ends_at = None
            case "operation-slow":
                operation.ends_at = operation.began_at + timedelta(seconds=fault.seconds)
            case _:
                operation.fate, operation.error = FAILED, provisioning_error(fault.code, fault.message)

    def emit(self, write: Write, status: str, at: datetime) -> None:
        """Record an event, and hand it to `on_event`."""
        key = str(uuid.uuid5(NAMESPACE, f"event|{self.seed}|{len(self.events)}|{write.operation}|{status}"))
        event = ResourceEvent(key, at, status, write, self.tenant)
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def roll(self, cluster: Cluster, pool: Pool, status: str, at: datetime) -> None:
        """Tell that a pool is being rolled: Started, Succeeded or Failed."""
        self.publish(cluster, f"NodePoolRolling{status}", {"nodePoolName": pool.name}, at)

    def publish(self, cluster: Cluster, kind: str, data: dict[str, Any], at: datetime) -> None:
        """An event of a cluster's own Event Grid topic."""
        key = uuid.uuid5(NAMESPACE, f"aks|{self.seed}|{len(self.events)}|{cluster.key}|{kind}").hex
        event = ClusterEvent(key, at, kind, cluster.id, cluster.name, data)
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def release(self, patch: str, *, preview: bool = False) -> None:
        """A Kubernetes version appears everywhere, and every cluster's topic tells."""
        with self.lock:
            self.catalog.add(patch, preview=preview)
            stable = [one for one in self.catalog.minors.values() if not one.preview]
            data = {"latestSupportedKubernetesVersion": stable[-1].patches[-1]}
            for cluster in self.clusters.values():
                self.publish(cluster, "NewKubernetesVersionAvailable", data, self.now())

    # -- somebody else at work

    def uses(self, cluster: str, begin: datetime, end: datetime, kinds: tuple[str, ...] = KINDS) -> None:
        """The cluster is used in [begin, end), aware UTC: metrics and logs show it. More in `usage`."""
        self.usage.add(self.cluster(cluster).key, begin, end, kinds)

    def person_starts(self, cluster: str, *, actor: str = "person") -> Operation:
        """Somebody starts a cluster by hand; Refusal when Azure would refuse."""
        found = self.cluster(cluster)
        return cluster_verbs.start(self, found, Call("POST", f"{found.id}/start", actor))

    def person_stops(self, cluster: str, *, actor: str = "person") -> Operation:
        """Somebody stops a cluster by hand; Refusal when Azure would refuse."""
        found = self.cluster(cluster)
        return cluster_verbs.stop(self, found, Call("POST", f"{found.id}/stop", actor))

    def person_changes_pool(self, cluster: str, pool: str, *, actor: str = "person", **properties: Any) -> Operation:
        """Somebody PUTs a pool with some properties changed: `count=3`, `powerState={"code": "Stopped"}`, ..."""
        found = self.cluster(cluster)
        changed = self.pool(cluster, pool)
        body = {"properties": {**changed.properties, **properties}}
        return pool_verbs.put(self, found, pool, Call("PUT", f"{found.id}/agentPools/{changed.name}", actor, body))

    def person_scales(self, cluster: str, pool: str, count: int) -> Operation:
        """Somebody scales a pool by hand, the autoscaler of which is off."""
        return self.person_changes_pool(cluster, pool, count=count)

    def person_tags(self, cluster: str, tags: dict[str, str], *, at_once: bool = True) -> None:
        """Somebody replaces a cluster's tags; `at_once` spares the world the operation that this is."""
        found = self.cluster(cluster)
        if at_once:
            self.touch(found, self.now())
            found.tags, found.revision = dict(tags), found.revision + 1
        else:
            cluster_verbs.set_tags(self, found, dict(tags), Call("PATCH", found.id, "person", {"tags": tags}))

    def foreign_operation(
        self, cluster: str, pool: str | None = None, state: str = "Updating", lasts: timedelta | None = None
    ) -> Operation:
        """Another tool or the platform keeps a cluster or pool busy; for good when `lasts` is None."""
        found = self.cluster(cluster)
        target = found if pool is None else self.pool(cluster, pool)
        self.touch(found, self.now())
        target.state = state
        changed = None if pool is None else self.pool(cluster, pool)
        operation = self.begin("foreign", found, changed, Call("PUT", found.id, "foreign"), "managedClusters/write")
        operation.ends_at = None if lasts is None else operation.began_at + lasts
        self.operations.schedule(operation)
        target.operation = operation.id
        return operation

    def end_operation(self, operation: Operation, status: str = SUCCEEDED) -> None:
        """End an operation now, as one that hangs."""
        endings.finish(self, operation, status, self.now())

    def platform_moves(self, cluster: str, pool: str, count: int) -> None:
        """An eviction or the autoscaler changes a pool's size: no operation, no event, no new etag."""
        found = self.cluster(cluster)
        self.touch(found, self.now())
        self.pool(cluster, pool).properties["count"] = count
