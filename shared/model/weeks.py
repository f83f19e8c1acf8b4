"""ISO weeks, as finance counts them: Monday to Sunday, 52 or 53 a year. A week here is seven dates, not instants.

Azure bills by days of UTC, so a week of costs has seven of those whatever clocks do that week.
https://www.iso.org/iso-8601-date-and-time-format.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_TEXT = re.compile(r"(\d{4})-?[Ww](\d{1,2})", re.ASCII)
EARLIEST, LATEST = 2000, 2100


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """One ISO week. `year` is the ISO year: 2027-01-01 lies in 2026-W53."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Week:
        """
        >>> str(Week.of(date(2027, 1, 1)))
        '2026-W53'
        """
        year, number, _ = day.isocalendar()
        return cls(year, number)

    @classmethod
    def parse(cls, text: str) -> Week:
        """Raises ValueError with one sentence; a year of 52 weeks has no W53.

        >>> Week.parse("2025-W53")
        Traceback (most recent call last):
            ...
        ValueError: 2025 has 52 weeks, so there is no '2025-W53'; expected a week such as 2026-W47
        """
        found = _TEXT.fullmatch(text.strip())
        example = "expected a week such as 2026-W47"
        if found is None or not EARLIEST < int(found[1]) < LATEST:
            raise ValueError(f"'{text}' is no week; {example}")
        week = cls(int(found[1]), int(found[2]))
        most = weeks_in(week.year)
        if not 1 <= week.number <= most:
            raise ValueError(f"{week.year} has {most} weeks, so there is no '{text.strip()}'; {example}")
        return week

    @property
    def first(self) -> date:
        """Its Monday."""
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """Its Sunday."""
        return self.first + timedelta(days=6)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def days(self) -> Iterator[date]:
        """Monday first."""
        return (self.first + timedelta(days=number) for number in range(7))

    def back(self, weeks: int = 1) -> Week:
        """So many weeks earlier; a negative number is later."""
        return Week.of(self.first - timedelta(weeks=weeks))

    def __str__(self) -> str:
        return f"{self.year}-W{self.number:02}"


def weeks_in(year: int) -> int:
    """
    52 or 53: the 28th of December always lies in the last one.

    >>> weeks_in(2026), weeks_in(2025)
    (53, 52)
    """
    return date(year, 12, 28).isocalendar().week
