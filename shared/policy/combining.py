"""From measurements to one word about a cluster's use, and which of them kept it on. Pure.

    any of them shows use                            ACTIVE, whatever the others say
    else one is missing, has a gap or was refused    UNKNOWN, with the reason
    else all of them are complete and quiet          IDLE

CPU alone is a bad signal: 85 % of the VM-hours of a hosting provider's business VMs are below 5 %.
From: http://gwa.ewi.tudelft.nl/datasets/gwa-t-12-bitbrains
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from types import MappingProxyType

from shared.model.facts import Fact
from shared.model.samples import LogEntry, Measure, Observed, Series, Window
from shared.model.signals import Signal, Use
from shared.policy.grains import GRAIN, a_minute, coverage, grid, pods, present
from shared.policy.signals import Signals, pattern
from shared.policy.spoken import spoken

LOG_DELAY = timedelta(minutes=20)
"""Records arrive up to 15 minutes late. From: https://learn.microsoft.com/azure/aks/monitor-apiserver"""

NO_EVIDENCE: Mapping[str, str] = MappingProxyType({})
_Points = tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one source says about the window."""

    source: str
    use: Use
    text: str
    active_at: datetime | None = None
    through: datetime | None = None
    """Up to where it is known without a gap; None where it is not."""
    optional: bool = False
    """Unknown because nobody collects it, and it is not required."""


@dataclass(frozen=True, slots=True)
class _Gauge:
    """How a metric of nodes is read."""

    source: str
    limit: float
    read: Callable[[Series], _Points]
    shown: Callable[[float], str]


def combine(observed: Observed, settings: Signals, window: Window, now: datetime) -> Fact:
    """The fact `Need.ACTIVITY` of one cluster. Its value is a Signal in any case; its problem says why it is unknown.

    The Signal's end is where the last measured grain ends: metrics come a few minutes late. An active one says since
    when everything is quiet again, if that is so. A log that was not asked for is not missed.
    """
    if window.begin >= window.end:
        return unknown("it has only just been started", window, now)
    findings = tuple(_findings(observed, settings, window, now))
    evidence = {finding.source: finding.text for finding in findings}
    active = [finding for finding in findings if finding.use is Use.ACTIVE]
    asked = [finding for finding in findings if not finding.optional]
    through = min((finding.through for finding in asked if finding.through), default=window.end)
    known = all(finding.through for finding in asked)
    if active:
        last = max(finding.active_at for finding in active if finding.active_at)
        # Where some source has a gap, the others only vouch for their own use.
        end = through if known else min(last, window.end)
        quiet = max(last, window.begin) if known and last < end else None
        return Fact(Signal(Use.ACTIVE, window.begin, end, last, _sentence(active), evidence, quiet), now)
    if not known:
        missing = dict.fromkeys(finding.text for finding in asked if not finding.through)
        return unknown("; ".join(missing), window, now, evidence)
    silent = [finding for finding in asked if finding.use is Use.IDLE]
    return Fact(Signal(Use.IDLE, window.begin, through, None, _sentence(silent), evidence), now)


def unknown(why: str, window: Window, now: datetime, evidence: Mapping[str, str] = NO_EVIDENCE) -> Fact:
    """A fact that nothing may be concluded from."""
    return Fact(Signal(Use.UNKNOWN, window.begin, window.end, sentence=why, evidence=evidence), now, why)


def _sentence(findings: list[_Finding]) -> str:
    return "; ".join(f"{finding.source} {finding.text}" for finding in findings)


def _findings(observed: Observed, settings: Signals, window: Window, now: datetime) -> Iterator[_Finding]:
    cpu = _Gauge("cpu", settings.cpu_percent, lambda series: series.points, _percent)
    network = _Gauge("network", settings.network_bytes, a_minute, _bytes)
    yield _gauged(cpu, observed.cpu, observed.pools, window, now)
    yield _gauged(network, observed.network, observed.pools, window, now)
    if settings.pods != "ignored":
        yield _pods(observed.pods, settings, window, now)
    if settings.logs == "ignored":
        return
    required = settings.logs == "required"
    if observed.jobs is not None and settings.pods != "ignored":
        yield _logged("jobs", "{} pod{} ran at {}", observed.jobs, window, required=required)
    if observed.writes is not None:
        yield _logged("writes", "of {} account{}, last at {}", observed.writes, window, required=required)


def _gauged(gauge: _Gauge, measure: Measure, pools: tuple[str, ...], window: Window, now: datetime) -> _Finding:
    """Over the limit in some grain, on some node? The newest such grain is told, with its busiest pool."""
    if measure.problem is not None:
        return _Finding(gauge.source, Use.UNKNOWN, measure.problem)
    grains = frozenset(grid(window, measure.grain))
    inside = [
        (at, value, series.part) for series in measure.series for at, value in gauge.read(series)
        if at in grains
    ]  # fmt: skip
    whole = coverage(present(measure.series, measure.grain), window, measure.grain, now)
    gap = whole.gap or _silent(measure, pools, window, now)
    through = whole.through if gap is None else None
    loud = [entry for entry in inside if entry[1] > gauge.limit]
    if loud:
        at, value, pool = max(loud)
        end = min(at + measure.grain, window.end)
        return _Finding(gauge.source, Use.ACTIVE, f"{gauge.shown(value)} on pool {pool}", end, through)
    if gap is not None:
        return _Finding(gauge.source, Use.UNKNOWN, gap)
    most = max((value for _, value, _ in inside), default=0.0)
    return _Finding(gauge.source, Use.IDLE, f"at most {gauge.shown(most)}", None, whole.through)


def _silent(measure: Measure, pools: tuple[str, ...], window: Window, now: datetime) -> str | None:
    """A pool that has nodes and is not measured: never, or no longer. One that came up meanwhile is measured since."""
    for pool in pools:
        seen = present((one for one in measure.series if one.part.casefold() == pool), measure.grain)
        if not seen:
            return f"no metrics from pool {pool}"
        began = min(seen)
        covered = coverage(seen, replace(window, begin=max(began, window.begin)), measure.grain, now)
        if covered.gap is not None and not covered.early:
            return f"{covered.gap} from pool {pool}"
    return None


def _percent(value: float) -> str:
    return f"{value:.0f} %"


def _bytes(value: float) -> str:
    return f"{value / 1e6:.1f} MB a minute"


def _pods(measure: Measure, settings: Signals, window: Window, now: datetime) -> _Finding:
    """Pods outside system namespaces: did their number change, or does any run?"""
    if measure.problem is not None:
        return _Finding("pods", Use.UNKNOWN, measure.problem)
    system = re.compile(pattern(settings.system_namespaces))
    namespaces = sorted({one.part for one in measure.series if not system.match(one.part)})
    levels = pods(measure, namespaces)
    grain = max(measure.grain, GRAIN)
    whole = coverage(levels.keys(), window, grain, now)
    grains = frozenset(grid(window, grain))
    found = _running(levels) if settings.pods == "running" else _changes(levels)
    inside = [(at, text) for at, text in found if at in grains]
    if inside:
        at, text = inside[-1]
        end = min(at + grain, window.end)
        return _Finding("pods", Use.ACTIVE, text, end, whole.through)
    if whole.gap is not None:
        return _Finding("pods", Use.UNKNOWN, whole.gap)
    last = levels[max(levels)]
    running = ", ".join(f"{number} in {name}" for name, number in last.items() if number)
    return _Finding("pods", Use.IDLE, f"unchanged ({running or 'none of anybody'})", None, whole.through)


def _running(levels: Mapping[datetime, Mapping[str, int]]) -> Iterator[tuple[datetime, str]]:
    for at, level in levels.items():
        running = [f"{number} in {name}" for name, number in level.items() if number]
        if running:
            yield at, f"{', '.join(running)}"


def _changes(levels: Mapping[datetime, Mapping[str, int]]) -> Iterator[tuple[datetime, str]]:
    for (_, before), (at, after) in pairwise(levels.items()):
        changed = [f"{before[name]} to {after[name]} in {name}" for name in after if before[name] != after[name]]
        if changed:
            yield at, f"from {', '.join(changed)}"


def _logged(source: str, said: str, entry: LogEntry, window: Window, *, required: bool) -> _Finding:
    if entry.active_at is not None:
        at = min(entry.active_at, window.end)
        text = said.format(entry.amount, "" if entry.amount == 1 else "s", spoken(at, window.zone))
        return _Finding(source, Use.ACTIVE, text, at, window.end)
    if entry.problem is not None:
        return _Finding(source, Use.UNKNOWN, entry.problem, optional=entry.absent and not required)
    if entry.recorded_at is None or entry.recorded_at < window.end - LOG_DELAY:
        since = window.begin if entry.recorded_at is None else entry.recorded_at
        return _Finding(source, Use.UNKNOWN, f"no record of {source} since {spoken(since, window.zone)}")
    return _Finding(source, Use.IDLE, "none", None, window.end)
