"""History's records -> what a cluster was: nodes by pool, tags, and which decision kept it down when.

Between two looks that differ both numbers are kept: what ran is the larger one, what would have run the smaller, so
that a saving is never too large. Our own starts count from when Azure took them, our stops from when they were seen to
succeed. What was not looked at is in no span.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from math import ceil
from typing import Any

from shared.costs.tier_past import TierFold
from shared.model.past import ClusterPast, Held, Moved, PoolSpan, Started, Surged
from shared.model.records import HistoryRecord

FLEET = "fleet"
_STARTS, _STOPS = frozenset({"start_cluster", "start_pool"}), frozenset({"stop_cluster", "stop_pool"})
_MOVES = frozenset({"grow_pool", "shrink_pool"})
_SURGES = frozenset({"upgrade_pool", "upgrade_node_image"})
_SURGE_SHARE = 0.33
"""Where history does not know a pool's own: more than AKS takes unasked, so that a saving is never too large."""


@dataclass(slots=True)
class _Pool:
    """A pool as last seen; `nodes` are billed ones, None while unknown."""

    nodes: int | None = None
    size: str = ""
    priority: str = "Regular"
    least: int | None = None
    surge: str = ""
    since: datetime | None = None
    kept: int | None = None
    """Nodes when it last had some: what a start brings back."""
    spans: list[PoolSpan] = field(default_factory=list)

    def becomes(self, nodes: int | None, at: datetime, looked: datetime) -> None:
        """`looked` is the latest instant at which it was surely as it was before."""
        if nodes == self.nodes:
            return
        before, sure = self.nodes, min(max(looked, self.since or looked), at)
        self.cut(sure)
        if before is not None and nodes is not None:
            self._put(sure, at, max(before, nodes), min(before, nodes))
        self.nodes, self.since = nodes, at
        if nodes:
            self.kept = nodes

    def cut(self, at: datetime) -> None:
        """What was true until then, put down."""
        if self.nodes is not None and self.since is not None:
            self._put(self.since, at, self.nodes, self.nodes)
        self.since = at

    def _put(self, begin: datetime, end: datetime, nodes: int, fewest: int) -> None:
        if begin >= end:
            return
        span = PoolSpan(begin, end, nodes, fewest, self.size, self.priority, self.least)
        last = self.spans[-1] if self.spans else None
        if last is not None and last.end == begin and replace(last, begin=begin, end=end) == span:
            self.spans[-1] = replace(last, end=end)
        else:
            self.spans.append(span)


@dataclass(slots=True)
class _Down:
    """A stop of ours that holds, or that Azure took and that was not seen to succeed yet."""

    pool: str | None
    decision: str
    rule: str
    reason: str
    nodes: Mapping[str, int]
    begin: datetime | None = None


@dataclass(slots=True)
class _Cluster:
    id: str
    node_resource_group: str = ""
    location: str = ""
    adopted_at: datetime | None = None
    tags: list[tuple[datetime, Mapping[str, str]]] = field(default_factory=list)
    pools: dict[str, _Pool] = field(default_factory=dict)
    down: dict[str | None, _Down] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    started: list[Started] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    surged: list[Surged] = field(default_factory=list)
    tier: TierFold = field(default_factory=TierFold)
    accepted: dict[str, datetime] = field(default_factory=dict)
    before: dict[str, Mapping[str, int]] = field(default_factory=dict)
    """Decision -> nodes when its stop was taken, as an earlier reading knew them."""

    def take(self, record: HistoryRecord) -> None:
        body, kind = record.body, str(record.body.get("kind", ""))
        self.tier.take(record)
        match record.phase:
            case "snapshot":
                self._seen(record)
            case "adopted":
                self.adopted_at = self.adopted_at or record.at
            case "accepted":
                self.accepted[record.id] = record.at
                if kind in _STOPS:
                    self._stopping(record)
                elif kind in _STARTS:
                    self._starting(record)
            case "succeeded" if kind in _STOPS:
                self._stopped(record)
            case "succeeded" if kind in _MOVES:
                self.moved.append(
                    Moved(record.at, _name(body) or "", record.id, _rule(body), str(body.get("group", "")))
                )
            case "succeeded" | "failed" if kind in _SURGES:
                self._upgraded(record)
            case "failed" if kind in _STARTS and not body.get("runs"):
                self._down_again(record)

    # -- what was seen

    def _seen(self, record: HistoryRecord) -> None:
        body, at = record.body, record.at
        looked = _instant(body.get("since")) or at
        if body.get("absent") or body.get("problem"):
            self.unknown(looked)
            return
        self.node_resource_group = str(body.get("node_resource_group") or "").casefold() or self.node_resource_group
        self.location = str(body.get("location") or "") or self.location
        tags = body.get("tags")
        if isinstance(tags, Mapping) and (not self.tags or self.tags[-1][1] != tags):
            self.tags.append((at, dict(tags)))
        power = str(body.get("power", ""))
        seen = set()
        for one in body.get("pools") or ():
            name = str(one.get("name", "")).casefold()
            seen.add(name)
            self._pool_seen(name, one, power, (at, looked))
        for name in self.pools.keys() - seen:
            self.pools[name].becomes(0, at, looked)
        if power == "Running":
            self._up(None, looked)

    def _pool_seen(self, name: str, one: Mapping[str, Any], power: str, when: tuple[datetime, datetime]) -> None:
        at, looked = when
        pool = self.pools.setdefault(name, _Pool())
        about = (str(one.get("vm_size") or ""), str(one.get("priority") or "Regular"))
        least = one.get("min") if one.get("autoscaling") else None
        if (pool.size, pool.priority, pool.least) != (*about, least):
            pool.cut(at)
            (pool.size, pool.priority), pool.least = about, least
        pool.surge = str(one.get("surge") or "")
        running = one.get("power") == "Running"
        if power == "Stopped":
            pool.becomes(0, at, looked)
        elif power != "Running" or one.get("power") not in ("Running", "Stopped") or one.get("count") is None:
            pool.becomes(None, looked, looked)
        elif running:
            pool.becomes(int(one["count"]), at, looked)
            self._up(name, looked)
        elif not one.get("moving"):
            pool.becomes(0, at, looked)

    def unknown(self, at: datetime) -> None:
        """From then on nothing is known, and nothing that we stopped is known to be down."""
        for pool in self.pools.values():
            pool.becomes(None, max(at, pool.since or at), at)
        for down in list(self.down):
            self._up(down, at)

    def unseen(self, begin: datetime, end: datetime) -> None:
        """Nobody looked in [begin, end): unknown then, and as it was when the looks go on."""
        for pool in self.pools.values():
            pool.cut(begin)
            pool.since = max(end, pool.since or end)

    # -- what we did

    def _stopping(self, record: HistoryRecord) -> None:
        scope = _name(record.body)
        names = self.pools if scope is None else (scope,)
        nodes = {name: pool.nodes for name in names if (pool := self.pools.get(name)) and pool.nodes is not None}
        body, nodes = record.body, {**self.before.get(record.id, {}), **nodes}
        self.down[scope] = _Down(scope, record.id, _rule(body), str(body.get("reason", "")), nodes)

    def _stopped(self, record: HistoryRecord) -> None:
        scope, at = _name(record.body), record.at
        down = self.down.get(scope)
        if down is None or down.decision != record.id:
            return  # It was taken before history begins, so nobody knows what it had.
        down.begin, down.reason = at, str(record.body.get("reason", "")) or down.reason
        for name in self.pools if scope is None else (scope,):
            if name in self.pools:
                self.pools[name].becomes(0, at, at)

    def _starting(self, record: HistoryRecord) -> None:
        scope, at = _name(record.body), record.at
        before = self.down.get(scope)
        self._up(scope, at)
        if before is not None:
            self.down[scope] = _Down(scope, before.decision, before.rule, before.reason, before.nodes)
        self.started.append(Started(scope, at, record.id, _rule(record.body)))
        for name in self.pools if scope is None else (scope,):
            pool = self.pools.get(name)
            if pool is not None and (scope is not None or self._was_on(name, before)):
                pool.becomes(pool.kept, at, at)

    def _was_on(self, name: str, before: _Down | None) -> bool:
        """A pool that was stopped by itself does not come up with its cluster."""
        return before is None or before.nodes.get(name, 0) > 0

    def _down_again(self, record: HistoryRecord) -> None:
        """A start that failed: what it was to end goes on."""
        scope, at = _name(record.body), record.at
        down = self.down.get(scope)
        if down is not None and down.begin is None:
            down.begin = at
            for name in self.pools if scope is None else (scope,):
                if name in self.pools:
                    self.pools[name].becomes(0, at, at)

    def _up(self, scope: str | None, at: datetime) -> None:
        """It runs, whoever started it: no decision holds it any more."""
        down = self.down.get(scope)
        if down is None or down.begin is None or (scope is not None and None in self.down and self._held(None)):
            return
        if down.begin < at:
            self.held.append(Held(scope, down.begin, at, down.decision, down.rule, down.reason, down.nodes))
        del self.down[scope]

    def _held(self, scope: str | None) -> bool:
        down = self.down.get(scope)
        return down is not None and down.begin is not None

    def _upgraded(self, record: HistoryRecord) -> None:
        begin, name = self.accepted.get(record.id), _name(record.body)
        pool = self.pools.get(name or "")
        if begin is None or pool is None or name is None:
            return
        extra = _surge(pool.surge, pool.kept or 1)
        self.surged.append(Surged(name, begin, record.at, extra, _rule(record.body)))

    def past(self, until: datetime) -> ClusterPast:
        for pool in self.pools.values():
            pool.cut(until)
        for scope in list(self.down):
            down = self.down[scope]
            if down.begin is not None and down.begin < until:
                held = Held(scope, down.begin, until, down.decision, down.rule, down.reason, down.nodes)
                self.held.append(held)
        return ClusterPast(
            self.id,
            self.node_resource_group,
            self.location,
            tuple(self.tags),
            {name: tuple(pool.spans) for name, pool in self.pools.items()},
            tuple(sorted(self.held, key=lambda held: held.begin)),
            tuple(self.started),
            tuple(self.moved),
            tuple(self.surged),
            self.adopted_at,
            tuple(self.tier.tiers),
            self.tier.tiered(until),
        )


def pasts(
    records: Iterable[HistoryRecord], until: datetime, before: Iterable[ClusterPast] = (), begin: datetime | None = None
) -> dict[str, ClusterPast]:
    """Lower-case cluster id -> its past up to `until` (aware UTC: when the fleet was last looked at).

    `records` are in the order of time from `begin` on, those about the fleet among them; `before` is what an earlier
    reading knew of what held.
    """
    clusters = {past.cluster: _carrying_on(past, begin or until) for past in before}
    # At one instant, that nobody looked before it comes first: what is seen then was not so all the time.
    for at, together in groupby(records, key=lambda record: record.at):
        if at > until:
            break
        for record in sorted(together, key=lambda record: record.cluster != FLEET):
            if record.cluster == FLEET:
                _gap(record, clusters.values())
            else:
                clusters.setdefault(record.cluster, _Cluster(record.cluster)).take(record)
    return {id_: cluster.past(until) for id_, cluster in clusters.items()}


def _carrying_on(past: ClusterPast, begin: datetime) -> _Cluster:
    moved = [one for one in past.moved if one.at < begin]
    cluster = _Cluster(past.cluster, moved=moved, before={one.decision: one.nodes for one in past.held})
    cluster.tier.carry_on(past.tiered)
    for one in (held for held in past.held if held.begin < begin):
        cluster.down[one.pool] = _Down(one.pool, one.decision, one.rule, one.reason, one.nodes, one.begin)
    return cluster


def _gap(record: HistoryRecord, clusters: Iterable[_Cluster]) -> None:
    since = _instant(record.body.get("since"))
    if record.phase == "gap" and since is not None:
        for cluster in clusters:
            cluster.unseen(since, record.at)


def _surge(text: str, nodes: int) -> int:
    """Nodes that `maxSurge` adds: a count, or a share of the pool, rounded up."""
    if text.isdigit():
        return int(text)
    share = float(text[:-1]) / 100 if text.endswith("%") and text[:-1].isdigit() else _SURGE_SHARE
    return max(1, ceil(share * nodes))


def _name(body: Mapping[str, Any]) -> str | None:
    pool = body.get("pool")
    return None if pool in (None, "") else str(pool).casefold()


def _rule(body: Mapping[str, Any]) -> str:
    return str(body.get("rule") or "")


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def spans_in(spans: Iterable[PoolSpan], begin: datetime, end: datetime) -> Iterator[PoolSpan]:
    """The parts of spans that lie in [begin, end)."""
    for span in spans:
        a, b = max(span.begin, begin), min(span.end, end)
        if a < b:
            yield replace(span, begin=a, end=b)
