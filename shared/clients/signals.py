"""Whether somebody or something uses a cluster: metrics of many at once, logs only of those that the metrics call idle.

Here measurements are fetched; `shared.policy.combining` says what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from shared.clients import logs, metrics
from shared.clients.azure import Cloud
from shared.model.facts import Fact
from shared.model.fleet import Cluster, Power
from shared.model.samples import LogEntry, Measure, Observed, Window
from shared.model.signals import Use
from shared.policy.combining import LOG_DELAY, combine, unknown
from shared.policy.signals import Signals, pattern

if TYPE_CHECKING:
    from shared.clients.pipeline import Patience

PATIENCE_SECONDS = 45.0
"""How long one look at a fleet may sleep over refused calls."""
LOGS_A_LOOK = 2 * logs.QUERIES_A_BURST
"""Clusters whose logs one look asks for: that is one wait of 30 s. The others have their turn in a later look."""
LACKING_FOR = timedelta(hours=12)
COLLECTED_WITHIN = timedelta(days=1)
NO_STARTS: Mapping[str, datetime] = MappingProxyType({})
_A_TURN = 300


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the fleet."""

    cloud: Cloud
    settings: Callable[[str], Signals]
    windows: Mapping[str, Window]
    now: datetime
    lacking: MutableMapping[str, datetime]
    patience: Patience

    def believed(self, entry: LogEntry, id_: str) -> LogEntry:
        """That nobody collects shows once records had time to come: after a weekend off the last day has none."""
        started = self.windows[id_].started_at
        return _NOT_YET if entry.absent and started is not None and self.now - started < LOG_DELAY else entry

    def combined(self, observed: Observed, id_: str) -> Fact:
        return combine(observed, self.settings(id_), self.windows[id_], self.now)


def activity(
    cloud: Cloud,
    clusters: Iterable[Cluster],
    settings: Signals | Mapping[str, Signals],
    window: Window,
    now: datetime,
    *,
    started: Mapping[str, datetime] = NO_STARTS,
    lacking: MutableMapping[str, datetime] | None = None,
) -> Mapping[str, Fact]:
    """Lower-case cluster id -> fact `Need.ACTIVITY`: its value is a Signal, its problem the reason why it is unknown.

    Asks about these clusters only. `settings` are one for all, or by cluster id. `window` and `now` are aware UTC; the
    window usually ends now. `started` says when clusters were last started, where that is known: before, nothing is
    missed. `lacking` remembers for half a day whose logs nobody collects, so that they are not asked again: hand in the
    same one each time. Never raises for Azure's sake; one cluster's trouble is its own.
    """
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - azure-core is imported at the first call

    asked = {cluster.id: cluster for cluster in clusters}
    windows = {id_: window.since(started.get(id_)) for id_ in asked}
    of = (lambda _: settings) if isinstance(settings, Signals) else settings.__getitem__
    look = _Look(cloud, of, windows, now, {} if lacking is None else lacking, Patience(PATIENCE_SECONDS))
    facts = {id_: unknown(why, windows[id_], now) for id_, one in asked.items() if (why := _unasked(one))}
    observed = _observed(look, [one for id_, one in asked.items() if id_ not in facts], window)
    facts |= {id_: look.combined(one, id_) for id_, one in observed.items()}
    quiet = {id_: one for id_, one in observed.items() if _is_quiet(facts[id_]) and of(id_).logs != "ignored"}
    return facts | _with_logs(look, quiet)


def _is_quiet(fact: Fact) -> bool:
    """Whether the metrics end quietly, so that the logs decide: idle, or idle again."""
    return fact.value.use is Use.IDLE or fact.value.quiet_at is not None


def _unasked(cluster: Cluster) -> str | None:
    """Why there is nothing to ask; '' never."""
    if cluster.power is not Power.RUNNING:
        return f"it is {cluster.power.lower()}, and only running clusters are measured"
    if not metrics.is_region(cluster.location.casefold()):
        return f"its location {cluster.location!r} is no region, such as westeurope"
    return None


def _observed(look: _Look, clusters: list[Cluster], window: Window) -> dict[str, Observed]:
    found = metrics.measured(look.cloud, clusters, window, look.patience) if clusters else {}
    return {cluster.id: _of(cluster, found[cluster.id]) for cluster in clusters}


def _of(cluster: Cluster, measures: Mapping[str, Measure]) -> Observed:
    pools = (pool for pool in cluster.pools if pool.power is Power.RUNNING and pool.count and pool.is_settled)
    names = tuple(pool.name.casefold() for pool in pools)
    return Observed(names, measures[metrics.CPU], measures[metrics.NETWORK], measures[metrics.PODS])


def _with_logs(look: _Look, observed: Mapping[str, Observed]) -> dict[str, Fact]:
    """The facts of clusters whose metrics end quietly, once their logs were asked."""
    lacking = {id_ for id_ in observed if look.lacking.get(id_, look.now) > look.now}
    turn = _turn(sorted(observed.keys() - lacking), look.now)
    questions = {id_: _question(look.settings(id_), look.windows[id_]) for id_ in turn}
    found = logs.logged(look.cloud, questions, look.patience) if questions else {}
    found = {
        id_: logs.Logged(look.believed(one.jobs, id_), look.believed(one.writes, id_)) for id_, one in found.items()
    }
    look.lacking.update({id_: look.now + LACKING_FOR for id_, entries in found.items() if entries.absent})
    facts = {}
    for id_, one in observed.items():
        entries = logs.ABSENT if id_ in lacking else found.get(id_, _LATER)
        facts[id_] = look.combined(replace(one, jobs=entries.jobs, writes=entries.writes), id_)
    return facts


_NOT_YET = LogEntry(problem="it was started minutes ago, and its logs may still come")
_LATER = logs.Logged(*[LogEntry(problem="its logs have their turn in a later look")] * 2)


def _turn(ids: list[str], now: datetime) -> list[str]:
    """So many of them, others at the next tick."""
    first = int(now.timestamp()) // _A_TURN * LOGS_A_LOOK
    return [ids[(first + number) % len(ids)] for number in range(min(LOGS_A_LOOK, len(ids)))]


def _question(settings: Signals, window: Window) -> logs.LogQuestion:
    """Records come late, so that work is looked for at least so far back."""
    return logs.LogQuestion(
        window.end - COLLECTED_WITHIN,
        min(window.begin, window.end - LOG_DELAY),
        window.end,
        pattern(settings.system_namespaces),
        pattern(settings.service_accounts),
    )
