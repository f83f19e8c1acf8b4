"""Instants as people write them in a policy or a tag: with an offset, or local to a zone; a bare date means all of it.

2026-12-18T18:00          local; a space may stand for the T, and seconds may follow
2026-12-18T18:00+01:00    an instant; Z is UTC
2026-12-18                the day: it begins at 00:00 and ends at 24:00
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.policy.schedule import instant

_WRITTEN = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:(?:T|t| +)(?P<time>\d{2}:\d{2})(?P<second>:\d{2})? ?(?P<offset>[zZ]|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """What was written, before a zone makes an instant of it."""

    at: datetime
    """Naive wall clock, or aware where an offset was written; 00:00 of a bare date."""
    is_date: bool = False

    @property
    def end(self) -> datetime:
        """Naive or aware like `at`: of a bare date the midnight after it."""
        return self.at + timedelta(days=1) if self.is_date else self.at

    def begins(self, zone: str) -> datetime:
        """As a begin, aware UTC: 00:00 of a bare date; of a time that comes twice the first."""
        return _instant(self.at, zone, ends=False)

    def ends(self, zone: str) -> datetime:
        """As an end, aware UTC: 24:00 of a bare date; of a time that comes twice the second."""
        return _instant(self.end, zone, ends=True)

    def until(self, zone: str) -> datetime:
        """As the end of being kept off, aware UTC: like `ends`, but of a time that comes twice the first.

        What was off runs again from then on, and in doubt it runs.
        """
        return _instant(self.end, zone, ends=False)


def parse_moment(text: str) -> Moment:
    """Raises ValueError with one sentence.

    >>> parse_moment("2026-12-18").ends("Europe/Berlin").isoformat()
    '2026-12-18T23:00:00+00:00'
    >>> parse_moment("18.12.2026")
    Traceback (most recent call last):
        ...
    ValueError: '18.12.2026' is no point in time; expected a date and a time, such as 2026-12-18T18:00, \
2026-12-18T18:00+01:00 or 2026-12-18
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise _refused(text, "is no point in time")
    try:
        at = _read(found)
    except ValueError as error:
        raise _refused(text, f"is no point in time: {error}") from None
    if not 1970 <= at.year <= 9998:
        raise _refused(text, "is out of range")
    return Moment(at, is_date=found["time"] is None)


def _read(found: re.Match[str]) -> datetime:
    clock, offset = found["time"] or "00:00", (found["offset"] or "").upper()
    whole_day = clock == "24:00" and found["second"] in (None, ":00")
    at = datetime.fromisoformat(f"{found['date']}T{'00:00' if whole_day else clock}{found['second'] or ''}{offset}")
    return at + timedelta(days=1) if whole_day else at


def _refused(text: str, problem: str) -> ValueError:
    return ValueError(
        f"'{text}' {problem}; expected a date and a time, "
        "such as 2026-12-18T18:00, 2026-12-18T18:00+01:00 or 2026-12-18"
    )


def _instant(at: datetime, zone: str, *, ends: bool) -> datetime:
    return instant(at, zone, ends=ends) if at.tzinfo is None else at.astimezone(UTC)
