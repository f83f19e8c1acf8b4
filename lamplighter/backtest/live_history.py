"""History of a real fleet: what Azure Monitor still knows of the last days, read as the app reads it every few minutes.

Metrics only: they are kept for 93 days, and logs of that time would cost a query for every cluster and day.
From: https://learn.microsoft.com/azure/azure-monitor/essentials/data-platform-metrics
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lamplighter.backtest.history import History, Interval, Trace, history, merged
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.samples import Measure, Observed, Series, Window
from shared.model.signals import Signal, Use

if TYPE_CHECKING:
    from shared.clients.azure import Cloud
    from shared.policy.signals import Signals

LONGEST = 90
"""Days."""
CALL = timedelta(hours=12)
"""What one call reads: the longest time of which the service still gives grains of 5 minutes."""
SLOT = timedelta(minutes=15)
"""What one word of use is about."""
CONTEXT = timedelta(hours=1)
"""How much further back a slot is read: counters show themselves only over many points."""
PATIENCE_SECONDS = 120.0


def read_live(
    cloud: Cloud, clusters: Iterable[Cluster], days: int, now: datetime, progress: Callable[[float], object]
) -> History:
    """One trace for each cluster, from `days` before `now` (aware UTC). What was not measured is unknown: while it was
    off, in a gap, where reading was refused. Raises InputError where there is no cluster; never for Azure's sake.
    """
    from shared.clients import metrics  # noqa: PLC0415  # the Azure SDKs take a while to load
    from shared.clients.pipeline import Patience  # noqa: PLC0415
    from shared.policy.signals import Signals  # noqa: PLC0415

    known = {one.id: one for one in clusters if metrics.is_region(one.location.casefold())}
    end = now.replace(minute=0, second=0, microsecond=0)
    begin, settings = end - timedelta(days=days), Signals(logs="ignored")
    use: dict[str, dict[Use, list[Interval]]] = {id_: {one: [] for one in Use} for id_ in known}
    at = begin
    while at < end and known:
        window = Window(at - CONTEXT, min(at + CALL - CONTEXT, end))
        for id_, measures in metrics.measured(cloud, known.values(), window, Patience(PATIENCE_SECONDS)).items():
            for word, interval in _words(measures, Window(at, window.end), settings, now):
                use[id_][word].append(interval)
        at = window.end
        progress((at - begin) / (end - begin))
    whole = int(begin.timestamp()), int(end.timestamp())
    traces = [
        Trace(_running(known[id_]), *whole, merged(said[Use.ACTIVE]), merged(said[Use.UNKNOWN]))
        for id_, said in use.items()
    ]
    return history("the fleet", traces)


def _words(
    measures: Mapping[str, Measure], window: Window, settings: Signals, now: datetime
) -> Iterator[tuple[Use, Interval]]:
    """What the slots of a window were: active up to where it became quiet, idle, or unknown."""
    from shared.clients import metrics  # noqa: PLC0415
    from shared.policy.combining import combine  # noqa: PLC0415

    at = window.begin
    while at < window.end:
        slot = Window(at, min(at + SLOT, window.end))
        cpu, network, pods = (_cut(measures[name], slot) for name in (metrics.CPU, metrics.NETWORK, metrics.PODS))
        signal: Signal = combine(Observed((), cpu, network, pods), settings, slot, now).value
        end = signal.quiet_at if signal.use is Use.ACTIVE and signal.quiet_at is not None else slot.end
        yield signal.use, (int(slot.begin.timestamp()), int(end.timestamp()))
        at = slot.end


def _cut(measure: Measure, slot: Window) -> Measure:
    """Only what bears on the slot: a look of the app reads no more either."""
    series = (_part(one, slot.begin - CONTEXT, slot.end) for one in measure.series)
    return replace(measure, series=tuple(one for one in series if one.points))


def _part(series: Series, begin: datetime, end: datetime) -> Series:
    first, last = (bisect_left(series.points, at, key=lambda point: point[0]) for at in (begin, end))
    return replace(series, points=series.points[first:last])


def _running(cluster: Cluster) -> Cluster:
    """As it is counted in a replay: up, settled and whole."""
    pool = NodePool("system", mode="System", count=1, power=Power.RUNNING, provisioning_state="Succeeded")
    return replace(
        cluster, power=Power.RUNNING, provisioning_state="Succeeded", pools=(pool,), error_code=None, problem=None
    )
