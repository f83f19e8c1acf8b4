"""When clusters were needed. Instants are whole seconds of Unix time (UTC), intervals `[begin, end)`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.errors import InputError
from shared.model.fleet import NO_TAGS, Cluster, NodePool, Power

DAY = 86_400
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Trace:
    """One cluster from its first to its last known moment."""

    cluster: Cluster
    """As it was at `begin`: running and settled."""
    begin: int
    end: int
    busy: tuple[Interval, ...]
    """When it was needed: in order, apart from each other, none empty, all within [begin, end)."""
    unknown: tuple[Interval, ...] = ()
    """When nothing is known of its use."""

    @property
    def busy_seconds(self) -> int:
        return sum(end - begin for begin, end in self.busy)


@dataclass(frozen=True, slots=True)
class History:
    """Several traces; `begin` and `end` are the earliest and the latest of theirs."""

    source: str
    traces: tuple[Trace, ...]
    zone: str | None = None
    """IANA name of the place it is from, where that is known."""

    @property
    def begin(self) -> int:
        return min(trace.begin for trace in self.traces)

    @property
    def end(self) -> int:
        return max(trace.end for trace in self.traces)

    def between(self, begin: int, end: int) -> History:
        """Only what lies in [begin, end). Raises InputError when nothing does."""
        cut = [_between(trace, max(begin, trace.begin), min(end, trace.end)) for trace in self.traces]
        return history(self.source, [trace for trace in cut if trace.begin < trace.end], self.zone)

    def last(self, days: int) -> History:
        return self.between(self.end - days * DAY, self.end)


def history(source: str, traces: Iterable[Trace], zone: str | None = None) -> History:
    """Raises InputError for one without a cluster."""
    known = tuple(sorted(traces, key=lambda trace: trace.cluster.id))
    if not known:
        raise InputError(f"{source} tells of no cluster: expected at least one that was there for a while")
    return History(source, known, zone)


def _between(trace: Trace, begin: int, end: int) -> Trace:
    return replace(
        trace, begin=begin, end=end, busy=cut(trace.busy, begin, end), unknown=cut(trace.unknown, begin, end)
    )


def cut(intervals: Iterable[Interval], begin: int, end: int) -> tuple[Interval, ...]:
    """The parts of `intervals` that lie in [begin, end)."""
    clipped = ((max(one, begin), min(other, end)) for one, other in intervals)
    return tuple((one, other) for one, other in clipped if one < other)


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The union: in order and apart; empty ones are dropped.

    >>> merged([(5, 9), (1, 3), (3, 4), (7, 12), (20, 20)])
    ((1, 4), (5, 12))
    """
    found: list[Interval] = []
    for begin, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return tuple(found)


def shared_seconds(some: Sequence[Interval], others: Sequence[Interval]) -> int:
    """Seconds in both; each in order and apart.

    >>> shared_seconds([(0, 10), (20, 30)], [(5, 25)])
    10
    """
    total = number = 0
    for begin, end in some:
        while number < len(others) and others[number][1] <= begin:
            number += 1
        at = number
        while at < len(others) and others[at][0] < end:
            total += min(end, others[at][1]) - max(begin, others[at][0])
            at += 1
    return total


def at(intervals: Sequence[Interval], moment: int) -> Interval | None:
    """The interval that holds `moment`; `intervals` in order and apart."""
    place = bisect_right(intervals, (moment, 1 << 62)) - 1
    return intervals[place] if place >= 0 and moment < intervals[place][1] else None


def history_cluster(name: str, tags: Mapping[str, str] = NO_TAGS, **where: str) -> Cluster:
    """A running cluster as the engine sees it. `where`: subscription, resource_group, location, if they are known."""
    subscription = where.get("subscription") or "history"
    group = where.get("resource_group") or "history"
    id_ = (
        f"/subscriptions/{subscription}/resourcegroups/{group}"
        f"/providers/microsoft.containerservice/managedclusters/{name}"
    )
    pool = NodePool("system", mode="System", count=1, power=Power.RUNNING, provisioning_state="Succeeded")
    return Cluster(
        id=id_.casefold(),
        name=name,
        resource_group=group,
        subscription=subscription.casefold(),
        location=where.get("location", ""),
        power=Power.RUNNING,
        provisioning_state="Succeeded",
        tags=tags,
        pools=(pool,),
    )
