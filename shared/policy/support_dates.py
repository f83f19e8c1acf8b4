"""Until when AKS supports a minor version: its published calendar, for where Azure is not asked, and for dates ahead.

From: https://learn.microsoft.com/azure/aks/supported-kubernetes-versions (release calendar, read 2026-08). Months are
all that is published: general availability counts from the first day, support ends with the last, where no date
is given. A version that is not listed is unknown, never out of support.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import NamedTuple

from shared.model.versions import Line, Release, Releases

AS_OF = date(2026, 8, 21)


class _Entry(NamedTuple):
    """General availability and end of long-term support as (year, month); the end of support as a date."""

    begins: tuple[int, int]
    ends_on: date
    lts: tuple[int, int]


_CALENDAR: Mapping[int, _Entry] = MappingProxyType(
    {
        29: _Entry((2024, 3), date(2025, 3, 31), (2026, 4)),
        30: _Entry((2024, 7), date(2025, 8, 22), (2026, 7)),
        31: _Entry((2024, 11), date(2025, 11, 1), (2026, 11)),
        32: _Entry((2025, 4), date(2026, 3, 31), (2027, 3)),
        33: _Entry((2025, 6), date(2026, 7, 31), (2027, 7)),
        34: _Entry((2025, 11), date(2026, 11, 30), (2027, 11)),
        35: _Entry((2026, 3), date(2027, 3, 31), (2028, 3)),
        36: _Entry((2026, 6), date(2027, 6, 30), (2028, 6)),
        37: _Entry((2026, 10), date(2027, 10, 31), (2028, 10)),
    }
)


def support_ends_on(line: Line, *, lts: bool) -> date | None:
    """The last day of support; None where the calendar does not know the version.

    >>> support_ends_on(Line(1, 34), lts=False), support_ends_on(Line(1, 34), lts=True)
    (datetime.date(2026, 11, 30), datetime.date(2027, 11, 30))
    """
    known = _CALENDAR.get(line.minor) if line.major == 1 else None
    if known is None:
        return None
    return _last_day(*known.lts) if lts else known.ends_on


def older_than_calendar(line: Line) -> bool:
    """Whether it is older than everything the calendar lists, and so long out of support."""
    return line < Line(1, min(_CALENDAR))


def calendar_releases(on: date) -> Releases:
    """The minor versions that are generally available and supported on that date, without their patches."""
    lines = [
        Release(Line(1, minor), official=on <= entry.ends_on, lts=True)
        for minor, entry in _CALENDAR.items()
        if date(*entry.begins, 1) <= on <= _last_day(*entry.lts)
    ]
    return Releases(tuple(sorted(lines, key=lambda one: one.line)), assumed=True)


def _last_day(year: int, month: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)
