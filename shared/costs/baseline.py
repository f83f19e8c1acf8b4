"""How many nodes would have run without Lamplighter: what ran at that hour of the week before it was adopted.

Up to four weeks before adoption, the hours of which are known, give as many values for an hour of the week; the lower
median of them is what would have run. Others who stopped the cluster at night are in these values, and so is the
autoscaler. Hours of the week are local, because people and schedules are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median_low

from shared.costs.past import spans_in
from shared.model.past import ClusterPast, PoolSpan
from shared.model.savings import Baseline, Confidence

WEEKS = 4
HOUR = timedelta(hours=1)
KNOWN_ENOUGH = timedelta(minutes=54)
"""An hour of which less was observed is unknown."""

_ONE = Decimal(1)

Local = Callable[[datetime], datetime]
"""An instant as people there read it."""


def hour_of_week(at: datetime, local: Local) -> int:
    """Monday 00:00 to 01:00 local time is 0."""
    there = local(at)
    return there.weekday() * 24 + there.hour


def hour_of(at: datetime) -> datetime:
    """When its UTC hour begins."""
    return at.replace(minute=0, second=0, microsecond=0)


def baselines(past: ClusterPast, local: Local) -> dict[str, Baseline]:
    """Pool -> what it had in the weeks before adoption; nothing while it is not adopted."""
    if past.adopted_at is None:
        return {}
    before = past.adopted_at
    begin = before - WEEKS * 7 * 24 * HOUR
    return {
        name: Baseline(past.cluster, name, before, _by_hour(spans_in(spans, begin, before), local))
        for name, spans in past.pools.items()
    }


def _by_hour(spans: Iterable[PoolSpan], local: Local) -> dict[int, tuple[Decimal, ...]]:
    found: defaultdict[int, list[Decimal]] = defaultdict(list)
    known: defaultdict[datetime, timedelta] = defaultdict(timedelta)
    node_time: defaultdict[datetime, timedelta] = defaultdict(timedelta)
    for span in spans:
        hour, whole = hour_of(span.begin), Decimal(span.fewest)
        while hour < span.end:
            after = hour + HOUR
            if span.begin <= hour and after <= span.end:
                found[hour_of_week(hour, local)].append(whole)
            else:
                length = min(span.end, after) - max(span.begin, hour)
                known[hour] += length
                node_time[hour] += length * span.fewest
            hour = after
    for hour, length in sorted(known.items()):
        if length >= KNOWN_ENOUGH:
            found[hour_of_week(hour, local)].append(ratio(node_time[hour], length))
    return {hour: tuple(values) for hour, values in found.items()}


def expected(baseline: Baseline | None, hour: int) -> tuple[Decimal | None, Confidence]:
    """Nodes at that hour of the week, and how sure; None without a baseline for it."""
    values = baseline.nodes.get(hour, ()) if baseline is not None else ()
    if not values:
        return None, Confidence.MINIMUM
    return median_low(values), Confidence.MEASURED if len(values) >= WEEKS else Confidence.PARTLY


def ratio(a: timedelta, b: timedelta) -> Decimal:
    """How many times b goes into a, to the microsecond."""
    if a == b:
        return _ONE
    return Decimal(a // timedelta(microseconds=1)) / Decimal(b // timedelta(microseconds=1))


def to_document(found: Mapping[str, Baseline]) -> dict[str, list[object]]:
    """Pool -> [before, {hour: [nodes, ...]}], as JSON."""
    return {
        name: [one.before.isoformat(), {str(h): [str(value) for value in nodes] for h, nodes in one.nodes.items()}]
        for name, one in found.items()
    }


def from_document(cluster: str, document: Mapping[str, list[object]]) -> dict[str, Baseline]:
    """Raises KeyError, ValueError or TypeError for what `to_document` did not write."""
    return {name: _read(cluster, name, *entry) for name, entry in document.items()}


def _read(cluster: str, name: str, before: object, nodes: object) -> Baseline:
    if not isinstance(nodes, Mapping):
        msg = f"the baseline of {name} has no hours"
        raise TypeError(msg)
    hours = {int(hour): tuple(Decimal(value) for value in values) for hour, values in nodes.items()}
    return Baseline(cluster, name, datetime.fromisoformat(str(before)), hours)
