"""What a way of running clusters came to: hours on, cold starts, needed time covered, minutes people waited."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from lamplighter.backtest.history import DAY, Interval, Trace, shared_seconds

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Ran:
    """How one cluster ran: `up` is when people could use it, `billed` when it cost money; in order and apart."""

    up: tuple[Interval, ...]
    billed: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one cluster or, added up, of several. All times in seconds."""

    there: int
    """How long the cluster was there: what always-on costs."""
    billed: int
    needed: int
    covered: int
    """Of `needed`: while it was up."""
    cold_starts: int
    """Needs that found it off, or were interrupted by its going off."""
    late: int
    """That people waited, or that it was off while they needed it and did not wait."""
    stops: int

    def __add__(self, other: Measured) -> Measured:
        return Measured(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def hours_on(self) -> float:
        return self.billed / HOUR

    @property
    def hours_saved(self) -> float:
        return (self.there - self.billed) / HOUR

    @property
    def share_saved(self) -> float:
        return (self.there - self.billed) / self.there

    @property
    def cold_starts_a_day(self) -> float:
        """A cluster."""
        return self.cold_starts / (self.there / DAY)

    @property
    def share_covered(self) -> float | None:
        """None where nobody needed anything."""
        return self.covered / self.needed if self.needed else None

    @property
    def late_minutes_a_day(self) -> float:
        """A cluster."""
        return self.late / 60 / (self.there / DAY)


def measured(trace: Trace, ran: Ran, *, waits: bool) -> Measured:
    """`waits`: work that finds it off waits until it is up, however short it is; else it is lost meanwhile."""
    cold = late = 0
    for begin, end, comes_up in _off(trace, ran.up):
        met = _meeting(trace.busy, begin, end)
        if not met:
            continue
        cold += len(met)
        if waits:
            late += (end if comes_up else trace.end) - max(met[0][0], begin)
        else:
            late += shared_seconds(met, ((begin, end),))
    return Measured(
        there=trace.end - trace.begin,
        billed=sum(end - begin for begin, end in ran.billed),
        needed=trace.busy_seconds,
        covered=shared_seconds(trace.busy, ran.up),
        cold_starts=cold,
        late=late,
        stops=sum(end < trace.end for _, end in ran.billed),
    )


def total(measures: Iterable[Measured]) -> Measured:
    return sum(measures, Measured(0, 0, 0, 0, 0, 0, 0))


def _off(trace: Trace, up: Sequence[Interval]) -> Iterable[tuple[int, int, bool]]:
    """(begin, end, comes up at its end) of the times between."""
    at = trace.begin
    for begin, end in up:
        if at < begin:
            yield at, begin, True
        at = end
    if at < trace.end:
        yield at, trace.end, False


def _meeting(busy: Sequence[Interval], begin: int, end: int) -> Sequence[Interval]:
    """The needs that reach into [begin, end)."""
    first = bisect_right(busy, begin, key=itemgetter(1))
    return busy[first : bisect_left(busy, end, key=itemgetter(0))]
