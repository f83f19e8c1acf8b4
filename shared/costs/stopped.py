"""When a cluster did not run, and by whose decision: spans of its history as hours of days and weeks.

Days are days of UTC, 24 hours each. Time that was not observed counts as running: what is told is at least true.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from shared.model.digest import ZERO
from shared.model.past import ClusterPast, PoolSpan
from shared.model.weeks import Week

DAY = timedelta(days=1)
HOURS = Decimal(24)
_Span = tuple[datetime, datetime]


def stopped_hours(past: ClusterPast, days: Iterable[date]) -> dict[date, Decimal]:
    """Hours of each day in which every pool that was observed had no node; days with none are left out."""
    found = {}
    for day in days:
        begin = datetime.combine(day, time(), UTC)
        hours = _hours(_all_down(past.pools, (begin, begin + DAY)))
        if hours:
            found[day] = hours
    return found


def running_hours(past: ClusterPast, day: date, spans: Iterable[tuple[datetime, datetime]]) -> Decimal:
    """Hours of a day, within these spans, in which it was seen and had a node."""
    begin = datetime.combine(day, time(), UTC)
    within = _union(part for span in spans if (part := _clipped(span, (begin, begin + DAY))) is not None)
    seen = _union(
        part
        for pool in past.pools.values()
        for span in pool
        if span.nodes and (part := _clipped((span.begin, span.end), (begin, begin + DAY))) is not None
    )
    return _hours(_both(within, seen))


def held_hours(past: ClusterPast, week: Week) -> dict[str, Decimal]:
    """Rule -> hours of the week in which a decision of its kept the whole cluster, or a pool of it, down."""
    begin = datetime.combine(week.first, time(), UTC)
    spans: defaultdict[str, list[_Span]] = defaultdict(list)
    for held in past.held:
        span = _clipped((held.begin, held.end), (begin, begin + 7 * DAY))
        if span is not None:
            spans[held.rule].append(span)
    return {rule: _hours(_union(found)) for rule, found in spans.items()}


def _all_down(pools: Mapping[str, tuple[PoolSpan, ...]], within: _Span) -> list[_Span]:
    down: list[_Span] | None = None
    for spans in pools.values():
        seen = [(span, part) for span in spans if (part := _clipped((span.begin, span.end), within)) is not None]
        if not seen:
            continue  # a pool that was not there on that day
        off = _union(part for span, part in seen if span.nodes == 0)
        down = off if down is None else _both(down, off)
    return down or []


def _clipped(span: _Span, within: _Span) -> _Span | None:
    begin, end = max(span[0], within[0]), min(span[1], within[1])
    return (begin, end) if begin < end else None


def _union(spans: Iterable[_Span]) -> list[_Span]:
    merged: list[_Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _both(one: Iterable[_Span], other: Iterable[_Span]) -> list[_Span]:
    others = list(other)
    return [part for span in one for second in others if (part := _clipped(span, second)) is not None]


def _hours(spans: Iterable[_Span]) -> Decimal:
    seconds = sum(((end - begin).total_seconds() for begin, end in spans), 0.0)
    return Decimal(round(seconds)) / 3600 if seconds else ZERO
