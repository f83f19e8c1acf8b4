"""Node-hours that did not run because of a decision, hour by hour, before anything is priced.

A node-hour is claimed once: by the decision that took its pool down first and still held it down. What would have run
is the baseline of that hour of the week, never more than ran when the stop was taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from shared.costs.baseline import HOUR, Local, expected, hour_of, hour_of_week, ratio
from shared.costs.past import spans_in
from shared.model.past import ClusterPast, Held, PoolSpan
from shared.model.savings import Baseline, Confidence

ZERO = Decimal(0)
SPOT = "spot"
LATEST = 24 * HOUR
"""So long after a start what runs may be its doing."""
Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Judged:
    """One cluster, with what its pools had before Lamplighter."""

    past: ClusterPast
    baselines: Mapping[str, Baseline]
    local: Local

    @property
    def groups(self) -> dict[tuple[str, str], frozenset[str]]:
        """(rule, capacity group) -> the pools that were moved for it."""
        found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for move in self.past.moved:
            found[move.rule, move.group].add(move.pool)
        return {key: frozenset(pools) for key, pools in found.items()}

    def is_spot(self, pool: str) -> bool:
        spans = self.past.pools.get(pool, ())
        return bool(spans) and spans[-1].priority.casefold() == SPOT

    def size(self, pool: str) -> str:
        spans = self.past.pools.get(pool, ())
        return spans[-1].vm_size if spans else ""

    def wanted(self, pool: str, at: datetime) -> tuple[Decimal | None, Confidence]:
        """What the baseline says of the hour of `at`; None without one."""
        return expected(self.baselines.get(pool), hour_of_week(at, self.local))


@dataclass(slots=True)
class Claim:
    """A part of an hour of a pool, claimed by one decision."""

    pool: str
    hour: datetime
    decision: str
    rule: str
    hours: Decimal = ZERO
    confidence: Confidence = Confidence.MEASURED


@dataclass(slots=True)
class Off:
    """What stops of one cluster freed."""

    claims: dict[tuple[str, datetime, str], Claim] = field(default_factory=dict)
    beyond: defaultdict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """(rule, pool) -> node-hours that ran before the stop beyond what is claimed, where there is no baseline."""
    unknown: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """rule -> pool-hours that nobody looked at"""


def off_claims(judged: Judged, begin: datetime, end: datetime) -> Off:
    """What our stops freed in [begin, end), whole UTC hours."""
    found = Off()
    for pool, spans in judged.past.pools.items():
        for held, stretch in _own(judged.past.held, pool, begin, end):
            _claim(judged, pool, (held, stretch), spans, found)
    return found


def _own(held: Iterable[Held], pool: str, begin: datetime, end: datetime) -> Iterator[tuple[Held, Stretch]]:
    """Each decision with the time that is its own: what an earlier one holds is not claimed again."""
    taken = begin
    for one in sorted((one for one in held if one.pool in (None, pool)), key=lambda one: one.begin):
        a, b = max(one.begin, taken), min(one.end, end)
        if a < b:
            yield one, (a, b)
            taken = b


def _claim(judged: Judged, pool: str, own: tuple[Held, Stretch], spans: Iterable[PoolSpan], found: Off) -> None:
    held, (begin, end) = own
    seen = timedelta(0)
    known = tuple(spans)
    least = _least(known, held.begin)
    for span in spans_in(known, begin, end):
        seen += span.end - span.begin
        for hour, length in by_hour(span.begin, span.end):
            cap = _cap(judged, held, pool, hour)
            if cap is None:
                seen -= length
                continue
            wanted, confidence = judged.wanted(pool, hour)
            floor = wanted if wanted is not None else (cap if least is None else Decimal(least))
            freed = max(ZERO, min(floor, cap) - span.nodes) * ratio(length, HOUR)
            if freed:
                key = (pool, hour, held.decision)
                claim = found.claims.setdefault(key, Claim(pool, hour, held.decision, held.rule))
                claim.hours += freed
                claim.confidence = least_sure(claim.confidence, confidence)
            if wanted is None and cap > floor:
                found.beyond[held.rule, pool] += (cap - floor) * ratio(length, HOUR)
    found.unknown[held.rule] += ratio(end - begin - seen, HOUR)


def _cap(judged: Judged, held: Held, pool: str, hour: datetime) -> Decimal | None:
    """What ran when the stop was taken; for an on-demand pool also the spot nodes that stood in for it."""
    count = held.nodes.get(pool)
    if count is None:
        return None
    cap = Decimal(count)
    if judged.is_spot(pool):
        return cap
    for pools in judged.groups.values():
        if pool in pools:
            cap += sum((extra_spot(judged, one, held.nodes.get(one, 0), hour) for one in pools), ZERO)
    return cap


def extra_spot(judged: Judged, pool: str, nodes: int, hour: datetime) -> Decimal:
    """Spot nodes beyond those that the pool had before Lamplighter; 0 for an on-demand pool."""
    if not judged.is_spot(pool):
        return ZERO
    wanted, _ = judged.wanted(pool, hour)
    return max(ZERO, nodes - (wanted or ZERO))


def _least(spans: Iterable[PoolSpan], at: datetime) -> int | None:
    """The autoscaler's minimum when it was last seen to run before `at`; None for a fixed size."""
    ran = [span for span in spans if span.begin < at and span.nodes > 0]
    return ran[-1].least if ran else None


def extra_after_starts(judged: Judged, begin: datetime, end: datetime) -> Iterator[tuple[str, str, datetime, Decimal]]:
    """(rule, pool, hour, node-hours) beyond what would have run after each of our starts.

    In its first hour whatever is too much; later, up to a day, where nothing would have run at all. More nodes than
    before in hours in which people always worked are people's, not a start's.
    """
    for pool, spans in judged.past.pools.items():
        if _stands_in(judged, pool):
            continue
        starts = [one for one in judged.past.started if one.pool in (None, pool)]
        for number, started in enumerate(starts):
            after = starts[number + 1].at if number + 1 < len(starts) else end
            first, last = max(started.at, begin), min(started.at + LATEST, after, end)
            for span in spans_in(spans, first, last):
                for hour, length in by_hour(span.begin, span.end):
                    wanted, _ = judged.wanted(pool, hour)
                    would = Decimal(span.least or span.nodes) if wanted is None else wanted
                    if would and hour >= started.at + HOUR:
                        continue
                    extra = max(ZERO, span.nodes - would) * ratio(length, HOUR)
                    if extra:
                        yield started.rule, pool, hour, extra


def _stands_in(judged: Judged, pool: str) -> bool:
    """A spot pool of a capacity group: what it has too much is told as surplus."""
    return judged.is_spot(pool) and any(pool in pools for pools in judged.groups.values())


def by_hour(begin: datetime, end: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """The UTC hours of [begin, end), each with how much of it lies in there."""
    hour = hour_of(begin)
    while hour < end:
        yield hour, min(end, hour + HOUR) - max(begin, hour)
        hour += HOUR


_SURE = (Confidence.MEASURED, Confidence.PARTLY, Confidence.MINIMUM)


def least_sure(a: Confidence, b: Confidence) -> Confidence:
    return max(a, b, key=_SURE.index)
