"""The grammar of one window: the text of a weekly window, and a range between two dates.

Text and wall clock only. A window here has no zone and no calendar; `schedule.py` turns it into instants.

    Mon-Fri 07:30-19:00                on each of these days; days are a range, a list, or both ("Mon-Wed,Sat")
    Mon-Fri 22:00-04:00                overnight: belongs to the day on which it begins
    Sat-Mon 09:00-17:00                a range of days may run across the week's end
    Fri 18:00 - Sat 06:00              one continuous window from one day to another
    2nd Tue 20:00-24:00                1st to 5th, or last, weekday of the month; 24:00 is the end of the day
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, NoReturn

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LAST = -1
EVERY = 0

_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAYS = {name: number for names in (DAYS, _LONG) for number, name in enumerate(map(str.casefold, names))}
_NTH = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "last": LAST}
_DAY_MINUTES = 24 * 60
_EN_DASH = "\u2013"  # what word processors and chat clients make of a hyphen

_TIME = r"[0-9]{1,2}:[0-9]{2}"
_ON_DAYS = re.compile(rf"(?P<days>[^:]*[^:\s]) (?P<begin>{_TIME}) ?- ?(?P<end>{_TIME})")
_FROM_TO = re.compile(rf"(?P<first>[^:]*[^:\s]) (?P<begin>{_TIME}) ?- ?(?P<last>[a-zA-Z]+) (?P<end>{_TIME})")
_MOMENT = re.compile(rf"(?P<day>[A-Za-z]+) (?P<at>{_TIME})")
_RANGE = re.compile(r"(\S+?) ?- ?(\S+)")


class Weekday(NamedTuple):
    """A day on which a window begins."""

    day: int
    """0 is Monday."""
    nth: int = EVERY
    """1 to 5: the nth such day of its month; LAST: its last; EVERY: all of them."""

    def falls_on(self, day: date) -> bool:
        """Whether that date is such a day.

        >>> Weekday(1, nth=2).falls_on(date(2026, 12, 8))  # the second Tuesday of December 2026
        True
        """
        if day.weekday() != self.day:
            return False
        match self.nth:
            case 0:
                return True
            case -1:
                return (day + timedelta(days=7)).month != day.month
            case nth:
                return (day.day - 1) // 7 + 1 == nth


@dataclass(frozen=True, slots=True)
class WeeklyWindow:
    """A window that comes back, in wall-clock time. Equal when the same times are meant, however they were written."""

    days: tuple[Weekday, ...]
    """The days on which it begins, sorted."""
    begin: time
    end: time
    later: int
    """Days from the day on which it begins to the day of `end`; 24:00 is 00:00 one day later. 0 to 7."""
    text: str = field(default="", compare=False)
    """As it was written."""

    def __str__(self) -> str:
        return self.text

    def begins_on(self, day: date) -> bool:
        """Whether a window begins on that local date."""
        return any(weekday.falls_on(day) for weekday in self.days)

    def starting(self, day: date) -> tuple[datetime, datetime]:
        """Begin and end of the window that begins on `day`: naive wall-clock times.

        >>> window = parse_window("Fri 18:00 - Sat 06:00")
        >>> [at.isoformat() for at in window.starting(date(2026, 12, 4))]
        ['2026-12-04T18:00:00', '2026-12-05T06:00:00']
        """
        return datetime.combine(day, self.begin), datetime.combine(day + timedelta(days=self.later), self.end)


@dataclass(frozen=True, slots=True)
class DateRange:
    """One window between two naive wall-clock times, `[begin, end)`.

    Raises ValueError when a time carries an offset, the years are not 1970 to 9998, or it does not end after it begins.
    """

    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        example = "such as {from: 2026-12-05T08:00, to: 2026-12-06T20:00}"
        for at in (self.begin, self.end):
            if at.tzinfo is not None:
                raise ValueError(f"'{at.isoformat()}' has an offset; expected a time local to the schedule, {example}")
            if not 1970 <= at.year <= 9998:
                raise ValueError(f"'{at.isoformat()}' is out of range; expected a year from 1970 to 9998, {example}")
        if self.begin >= self.end:
            raise ValueError(f"'{self}' does not end after it begins; expected a range {example}")

    def __str__(self) -> str:
        return f"{self.begin.isoformat(timespec='minutes')} to {self.end.isoformat(timespec='minutes')}"


def parse_window(text: str) -> WeeklyWindow:
    """Read the text of a weekly window. Case and spaces do not matter; names of days may be short or whole.

    Raises ValueError with one sentence that quotes the text and shows a good one.

    >>> window = parse_window("Mon-Fri 22:00-04:00")
    >>> window.begin, window.end, window.later
    (datetime.time(22, 0), datetime.time(4, 0), 1)
    >>> parse_window("Mon-Fry 07:30-19:00")
    Traceback (most recent call last):
        ...
    ValueError: 'Mon-Fry 07:30-19:00' is not a weekly window: 'Fry' is no day, expected one of Mon, Tue, Wed, Thu, \
Fri, Sat, Sun, such as 'Mon-Fri 07:30-19:00'
    """
    plain = " ".join(text.replace(_EN_DASH, "-").split())
    if (found := _FROM_TO.fullmatch(plain)) is not None:
        return _from_to(text, found)
    if (found := _ON_DAYS.fullmatch(plain)) is not None:
        return _on_days(text, found)
    return _refuse(text, "expected days, then two times", "Mon-Fri 07:30-19:00")


class WeeklyTime(NamedTuple):
    """A moment of the week, in wall-clock time."""

    day: int
    """0 is Monday."""
    at: time


def parse_weekly_time(text: str) -> WeeklyTime:
    """Read a day and a time. Raises ValueError with one sentence that quotes the text and shows a good one.

    >>> parse_weekly_time("Mon 08:00")
    WeeklyTime(day=0, at=datetime.time(8, 0))
    """
    found = _MOMENT.fullmatch(" ".join(text.split()))
    day = _WEEKDAYS.get(found["day"].casefold()) if found else None
    hour, minute = map(int, found["at"].split(":")) if found else (24, 0)
    if day is None or hour > 23 or minute > 59:
        raise ValueError(
            f"'{' '.join(text.split())}' is no time of the week; expected a day and a time, such as Mon 08:00"
        )
    return WeeklyTime(day, time(hour, minute))


def _on_days(text: str, found: re.Match[str]) -> WeeklyWindow:
    days = {weekday for item in found["days"].split(",") for weekday in _days(text, item.strip())}
    begin, end = _begin(text, found["begin"]), _minutes(text, found["end"])
    if begin == end:
        _refuse(text, "it ends when it begins, expected a whole day as 00:00-24:00", "Mon-Fri 00:00-24:00")
    if end < begin:
        end += _DAY_MINUTES
    return _window(text, days, begin, end)


def _from_to(text: str, found: re.Match[str]) -> WeeklyWindow:
    days = [] if "," in found["first"] else _days(text, found["first"])
    if len(days) != 1:
        _refuse(text, "expected one day before the first time", "Fri 18:00 - Sat 06:00")
    last = _days(text, found["last"])[0].day
    begin, end = _begin(text, found["begin"]), _minutes(text, found["end"])
    end += (last - days[0].day) % 7 * _DAY_MINUTES
    if end <= begin:
        _refuse(text, "it does not end after it begins, expected a later time or another day", "Fri 18:00 - Sat 06:00")
    return _window(text, set(days), begin, end)


def _window(text: str, days: set[Weekday], begin: int, end: int) -> WeeklyWindow:
    later, end = divmod(end, _DAY_MINUTES)
    return WeeklyWindow(tuple(sorted(days)), time(*divmod(begin, 60)), time(*divmod(end, 60)), later, text)


def _days(text: str, item: str) -> list[Weekday]:
    """The days of one item of the list: 'Mon', 'Sat-Mon', '2nd Tue' or 'last Fri'."""
    nth, _, day = item.partition(" ")
    if nth.casefold() in _NTH:
        return [Weekday(_day(text, day), _NTH[nth.casefold()])]
    if (found := _RANGE.fullmatch(item)) is not None:
        first, last = (_day(text, name) for name in found.groups())
        return [Weekday((first + step) % 7) for step in range((last - first) % 7 + 1)]
    return [Weekday(_day(text, item))]


def _day(text: str, name: str) -> int:
    number = _WEEKDAYS.get(name.casefold())
    if number is None:
        _refuse(text, f"'{name}' is no day, expected one of {', '.join(DAYS)}", "Mon-Fri 07:30-19:00")
    return number


def _begin(text: str, clock: str) -> int:
    minutes = _minutes(text, clock)
    if minutes == _DAY_MINUTES:
        _refuse(text, "24:00 is only an end, expected 00:00 of the next day as a begin", "Sat 00:00-06:00")
    return minutes


def _minutes(text: str, clock: str) -> int:
    """Minutes from midnight, 0 to 1440."""
    hours, minutes = map(int, clock.split(":"))
    if minutes > 59 or hours * 60 + minutes > _DAY_MINUTES:
        _refuse(text, f"'{clock}' is no time of day, expected 00:00 to 24:00", "Mon-Fri 07:30-19:00")
    return hours * 60 + minutes


def _refuse(text: str, problem: str, example: str) -> NoReturn:
    raise ValueError(f"'{' '.join(text.split())}' is not a weekly window: {problem}, such as '{example}'")
