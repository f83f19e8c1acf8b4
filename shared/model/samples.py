"""What was measured of a cluster's use, before anybody says what it means. All instants are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch [begin, end) that is asked about."""

    begin: datetime
    end: datetime
    started_at: datetime | None = None
    """When the cluster was last started, if that is known: nothing is measured until its nodes are up."""
    zone: str = "UTC"
    """IANA name of the zone that people are told its times in."""

    def since(self, started_at: datetime | None) -> Window:
        """The same stretch of a cluster that was started then; begin equals end when that was after the end."""
        begin = self.begin if started_at is None else min(max(self.begin, started_at), self.end)
        return replace(self, begin=begin, started_at=started_at)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart. `points` are (begin of the grain, value), in order; what is missing was not measured."""

    part: str
    """The node pool, or the namespace."""
    name: str
    """The node, or the phase of the pods."""
    points: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """All lines of one metric of one cluster, or the reason why it could not be read."""

    series: tuple[Series, ...] = ()
    grain: timedelta = timedelta(minutes=5)
    problem: str | None = None
    refused: bool = False
    """The problem is a right that is missing: asking again does not help."""
    others_came_in: bool = False
    """It has no lines, and another metric of the cluster has: there was nothing to measure."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What the logs of one kind hold in the window, or the reason why they could not be read."""

    recorded_at: datetime | None = None
    """The newest record of any kind; None: nothing at all was recorded."""
    active_at: datetime | None = None
    """The newest record of somebody's work."""
    amount: int = 0
    """Pods, or writers."""
    problem: str | None = None
    absent: bool = False
    """Nobody collects this for the cluster: no workspace, no table."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that was measured of one cluster. A log of None was not asked for."""

    pools: tuple[str, ...]
    """Lower-case names of the pools whose nodes ought to be measured."""
    cpu: Measure
    """Percent of a node, mean of the grain."""
    network: Measure
    """Bytes that a node received; Azure says neither whether in a minute, nor since it booted."""
    pods: Measure
    """Pods of a namespace in a phase."""
    jobs: LogEntry | None = None
    writes: LogEntry | None = None
