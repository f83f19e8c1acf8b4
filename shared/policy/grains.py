"""Time cut into grains: what was measured in which, where measurements are missing, how fast a counter grows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

from shared.model.samples import Measure, Series, Window
from shared.policy.spoken import spoken

GRAIN = timedelta(minutes=5)
METRIC_DELAY = timedelta(minutes=10)
"""Metrics come minutes late: what is missing this close to now is not yet a gap."""
FIRST_METRICS = timedelta(minutes=15)
"""A started cluster's nodes and their agents may take that long to be measured."""
COUNTER_POINTS = 6
COUNTER_HEADROOM = 10

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Up to where a window is covered without a gap, or what is missing, for people."""

    through: datetime | None
    gap: str | None = None
    early: bool = False
    """Nothing could have been measured yet: no through, and no gap either."""


def floor(at: datetime, grain: timedelta) -> datetime:
    return at - (at - _EPOCH) % grain


def grid(window: Window, grain: timedelta) -> Iterator[datetime]:
    """Where the grains begin that the window holds; a last one that isn't over at the window's end is left out."""
    at = floor(window.begin, grain)
    while at + grain <= window.end:
        yield at
        at += grain


def coverage(present: Collection[datetime], window: Window, grain: timedelta, now: datetime) -> Coverage:
    """Whether every grain of the window was measured.

    Missing may be the first grains of a started cluster, and the last ones, whose measurements may be on their way.
    """
    awaited = [at for at in grid(window, grain) if at in present or not _excused(at, window)]
    while awaited and awaited[-1] not in present and awaited[-1] + grain > now - METRIC_DELAY:
        awaited.pop()
    missing = [at for at in awaited if at not in present]
    if not awaited:
        return Coverage(None, "no metrics yet of so short a time", early=True)
    if not missing:
        return Coverage(min(awaited[-1] + grain, window.end))
    if len(missing) == len(awaited):
        return Coverage(None, f"no metrics since {spoken(awaited[0], window.zone)} or longer")
    first = missing[0]
    back = next((at for at in awaited if at > first and at in present), None)
    began = spoken(first, window.zone)
    missed = f"since {began}" if back is None else f"from {began} to {spoken(back, window.zone)}"
    return Coverage(None, f"no metrics {missed}")


def _excused(at: datetime, window: Window) -> bool:
    return window.started_at is not None and at < window.started_at + FIRST_METRICS


def present(series: Iterable[Series], grain: timedelta) -> set[datetime]:
    """The grains in which at least one series was measured."""
    return {floor(at, grain) for one in series for at, _ in one.points}


def a_minute(series: Series) -> tuple[tuple[datetime, float], ...]:
    """Bytes a minute of what may be a rate already, or a counter since the node booted: Azure does not say.

    A counter only ever grows and is large beside its growth. Whatever could be either is read as a rate: that is more,
    and more activity never leads to an earlier stop.
    """
    points = series.points
    if len(points) < COUNTER_POINTS or any(after <= before for (_, before), (_, after) in pairwise(points)):
        return points
    growth = points[-1][1] - points[0][1]
    if points[0][1] < COUNTER_HEADROOM * growth:
        return points
    return tuple((at, (value - before) / ((at - was) / _MINUTE)) for (was, before), (at, value) in pairwise(points))


def pods(measure: Measure, namespaces: Collection[str]) -> Mapping[datetime, Mapping[str, int]]:
    """Grain of 5 minutes or longer -> namespace -> how many pods it had: the median, so that a late sample is no pod.

    Grains of which less than half was measured are left out; a namespace that was not measured beside others had none.
    """
    grain = max(measure.grain, GRAIN)
    seen: dict[datetime, dict[datetime, dict[str, float]]] = {}
    for series in measure.series:
        for at, value in series.points:
            levels = seen.setdefault(floor(at, grain), {}).setdefault(at, {})
            if series.part in namespaces:
                # Azure sums the samples of a grain, one a minute.
                levels[series.part] = levels.get(series.part, 0.0) + value / (measure.grain / _MINUTE)
    return {
        at: {name: round(median(levels.get(name, 0.0) for levels in seen[at].values())) for name in namespaces}
        for at in sorted(seen)
        if 2 * len(seen[at]) * measure.grain > grain
    }
