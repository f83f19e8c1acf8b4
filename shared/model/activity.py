"""What is remembered of a cluster's activity: when needs begin, how long it stays quiet, what waiting has cost so far.

A *need* is a time in which somebody uses the cluster, a *quiet spell* the time between two needs, a *departure* a spell
longer than break-even. Bytes hold the statistics: 10,000 clusters stay small, and a row keeps them as they are.
All instants are aware UTC; durations are hours as float, since they are averaged.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

HOURS = 168
PLACES = 4
"""How far a session is along: the first need after a departure, the second, the third to fifth, later ones."""
EDGES = tuple(2 ** (step / 4) / 60 for step in range(54))
"""Borders of the bins of a quiet spell, in hours: 1 minute to a week, four bins for each doubling."""
BINS = len(EDGES) + 1

_NO_HOURS = bytes(4 * 2 * HOURS)
_NO_SPELLS = bytes(4 * PLACES * BINS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEVER = -(2**63)
_HEAD = struct.Struct("<BBqqqqqIIdd")
_VERSION = 2
SIZE = _HEAD.size + len(_NO_HOURS) + len(_NO_SPELLS)
"""Bytes of a written Activity."""


class Stretch(StrEnum):
    """What a stretch of time was. Unknown is never idle."""

    ACTIVE = "active"
    IDLE = "idle"
    """It ran and nobody needed it."""
    OFF = "off"
    UNKNOWN = "unknown"


_USES = tuple(Stretch)


@dataclass(frozen=True, slots=True)
class Activity:
    """One cluster's activity up to `through`. Only `shared.policy.learning` makes new ones."""

    use: Stretch = Stretch.UNKNOWN
    since: datetime | None = None
    """Since when it has been used like that, without a break in what is known."""
    through: datetime | None = None
    """Everything before this is accounted for."""
    first_at: datetime | None = None
    """When it was observed for the first time."""
    quiet_at: datetime | None = None
    """End of the last need, while no new one has begun and the time since then is known."""
    promised: datetime | None = None
    """No stop before this: more activity never leads to an earlier stop."""
    place: int = 0
    """Needs since the last departure."""
    departures: int = 0
    spent: float = 0.0
    """Hours that the present quiet spell has cost: running idle, starting, waiting."""
    credit: float = 0.0
    """Twice what the clairvoyant would have paid, less what was paid."""
    hours: bytes = _NO_HOURS
    """(HOURS, 2) float32: for each hour of the week in the policy's zone, from Monday 00:00: how often it began quiet,
    and how often a need began in it then; older weeks count less."""
    spells: bytes = _NO_SPELLS
    """(PLACES, BINS) float32: how often a quiet spell was that long at that place in a session."""

    def to_bytes(self) -> bytes:
        """SIZE bytes, little-endian; `from_bytes` gives back an equal value."""
        instants = (self.since, self.through, self.first_at, self.quiet_at, self.promised)
        counts = (self.place, self.departures, self.spent, self.credit)
        head = _HEAD.pack(_VERSION, _USES.index(self.use), *map(_ticks, instants), *counts)
        return head + self.hours + self.spells

    @classmethod
    def from_bytes(cls, data: bytes) -> Activity:
        """Raises ValueError for anything but what `to_bytes` wrote."""
        if len(data) != SIZE or data[0] != _VERSION or data[1] >= len(_USES):
            raise ValueError(f"expected {SIZE} bytes of activity in version {_VERSION}, got {len(data)}")
        _, use, since, through, first_at, quiet_at, promised, *counts = _HEAD.unpack_from(data)
        place, departures, spent, credit = counts
        middle = _HEAD.size + len(_NO_HOURS)
        return cls(
            use=_USES[use],
            since=_instant(since),
            through=_instant(through),
            first_at=_instant(first_at),
            quiet_at=_instant(quiet_at),
            promised=_instant(promised),
            place=place,
            departures=departures,
            spent=spent,
            credit=credit,
            hours=data[_HEAD.size : middle],
            spells=data[middle:],
        )


def floats(packed: bytes) -> array[float]:
    """The float32 values of `hours` or `spells`, row after row."""
    values = array("f")
    values.frombytes(packed)
    return values


def _ticks(at: datetime | None) -> int:
    return _NEVER if at is None else (at - _EPOCH) // _MICROSECOND


def _instant(ticks: int) -> datetime | None:
    return None if ticks == _NEVER else _EPOCH + ticks * _MICROSECOND
