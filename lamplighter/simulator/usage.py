"""When each cluster is used, and what is measured and collected of it: what metrics and logs are made from.

    world.uses("web", begin, end)                            somebody works; `kinds` picks the signals that show it
    world.usage.read(world, lines)                           the same from a trace: CSV `time,cluster,active`
    world.usage.darken(world.cluster("web"), begin, end)     nothing is measured or collected then
    world.usage.collect(world.cluster("web"), *COLLECTABLE)  a workspace has these tables; by default there is none
    world.usage.partial.add(world.cluster("web").key)        its log queries are answered in part

Stopped clusters are not measured. What ran when the world began ran for the whole history before.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lamplighter.simulator.resources import Cluster, PowerLog
    from lamplighter.simulator.world import World

KINDS = ("cpu", "network", "pods", "jobs", "writes")
COLLECTABLE = ("KubePodInventory", "AKSAuditAdmin", "AzureDiagnostics")
HISTORY = timedelta(days=93)
"""As long as the service keeps metrics. https://learn.microsoft.com/azure/azure-monitor/metrics/data-platform-metrics"""
FIRST_METRICS = timedelta(minutes=5)
_HEADER = ("time", "cluster", "active")
_YES, _NO = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})


class Stretch(NamedTuple):
    begin: datetime
    end: datetime
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Collected:
    """The tables that a cluster's workspace has, and those of them on the Basic plan."""

    tables: frozenset[str] = frozenset()
    basic: frozenset[str] = frozenset()


@dataclass(slots=True)
class Usage:
    """By lower-case cluster id."""

    began_at: datetime | None = None
    metric_lag: timedelta = timedelta(minutes=3)
    log_lag: timedelta = timedelta(minutes=5)
    counters: bool = False
    """Received bytes since the node booted, instead of in a minute."""
    partial: set[str] = field(default_factory=set)
    used: dict[str, list[Stretch]] = field(default_factory=dict)
    dark: dict[str, list[Stretch]] = field(default_factory=dict)
    collected: dict[str, Collected] = field(default_factory=dict)

    def add(self, key: str, begin: datetime, end: datetime, kinds: Iterable[str] = KINDS) -> None:
        """ValueError unless begin is before end, both with an offset, and the kinds are known."""
        wrong = sorted(set(kinds) - set(KINDS))
        if wrong:
            msg = f"{wrong[0]!r} is no kind of use; expected some of {', '.join(KINDS)}"
            raise ValueError(msg)
        self.used.setdefault(key, []).append(_stretch(begin, end, frozenset(kinds)))

    def darken(self, cluster: Cluster, begin: datetime, end: datetime) -> None:
        self.dark.setdefault(cluster.key, []).append(_stretch(begin, end))

    def collect(self, cluster: Cluster, *tables: str, basic: Iterable[str] = ()) -> None:
        self.collected[cluster.key] = Collected(frozenset(tables), frozenset(basic))

    def read(self, world: World, lines: Iterable[str]) -> int:
        """A trace, CSV with a header `time,cluster,active`: from that time on it is used (1) or not (0).

        Times are ISO 8601 with an offset, clusters names or ids. A use lasts until the cluster's next line; the last
        one until the world's present if that is later. Returns how many uses were read. ValueError in one sentence.
        """
        changes: dict[str, list[tuple[datetime, bool]]] = {}
        rows = csv.DictReader(lines)
        if missing := [name for name in _HEADER if name not in (rows.fieldnames or ())]:
            msg = f"usage trace, line 1: the header lacks {', '.join(missing)}; expected {','.join(_HEADER)}"
            raise ValueError(msg)
        for number, row in enumerate(rows, start=2):
            try:
                at, key, active = _instant(row["time"]), world.cluster(row["cluster"]).key, _truth(row["active"])
            except (KeyError, ValueError, AttributeError) as problem:
                why = problem.args[0] if problem.args else problem  # a KeyError puts quotes around its text
                msg = f"usage trace, line {number}: {why}; expected for example 2026-11-23T07:30:00Z,web-dev,1"
                raise ValueError(msg) from problem
            changes.setdefault(key, []).append((at, active))
        return sum(self._follow(key, sorted(some), world.now()) for key, some in changes.items())

    def _follow(self, key: str, changes: list[tuple[datetime, bool]], now: datetime) -> int:
        count, since = 0, None
        for at, active in [*changes, (now, False)]:
            if active and since is None:
                since = at
            elif not active and since is not None and at > since:
                self.add(key, since, at)
                count, since = count + 1, None
        return count

    def share(self, key: str, kind: str, begin: datetime, end: datetime) -> float:
        """How much of [begin, end) is used, 0 to 1. Uses of one cluster are taken not to overlap."""
        overlaps = (
            (min(one.end, end) - max(one.begin, begin)) / (end - begin)
            for one in self.used.get(key, ())
            if kind in one.kinds and one.begin < end and one.end > begin
        )
        return min(1.0, sum(overlaps))

    def spans(self, key: str, kind: str) -> list[Stretch]:
        return [one for one in self.used.get(key, ()) if kind in one.kinds]

    def is_seen(self, key: str, log: PowerLog, at: datetime) -> bool:
        """Whether something is on and measured at that time."""
        if self.is_dark(key, at):
            return False
        return any(on is not None and self._on(on) <= at and (off is None or at < off) for on, off in log.intervals)

    def is_dark(self, key: str, at: datetime) -> bool:
        return any(one.begin <= at < one.end for one in self.dark.get(key, ()))

    def _on(self, on: datetime) -> datetime:
        return on - HISTORY if on == self.began_at else on + FIRST_METRICS


def _stretch(begin: datetime, end: datetime, kinds: frozenset[str] = frozenset()) -> Stretch:
    if begin.tzinfo is None or end.tzinfo is None or begin >= end:
        msg = f"{begin.isoformat()} to {end.isoformat()} is no stretch of time; expected two instants, in order"
        raise ValueError(msg)
    return Stretch(begin.astimezone(UTC), end.astimezone(UTC), kinds)


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _YES | _NO:
        msg = f"{text!r} is neither 1 nor 0"
        raise ValueError(msg)
    return word in _YES


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text.strip())
    if at.tzinfo is None:
        msg = f"{text!r} has no offset"
        raise ValueError(msg)
    return at.astimezone(UTC)
