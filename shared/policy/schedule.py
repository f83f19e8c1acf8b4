"""When a schedule says running: the only room that knows zones and turns wall clocks into instants.

Everything that leaves this room is aware UTC, intervals are `[begin, end)`, and arithmetic happens in UTC. Several
schedules, each in its own zone and with its own calendar, are asked as one tuple and mean their union.

A window is a pair of instants, so it cannot flap on the night the clocks change: a begin that the clock skips moves to
the first instant after the gap, a begin that comes twice takes the first, an end that comes twice takes the second.
Nothing here reads a clock: `now` is an argument.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.policy.calendars import Calendar
from shared.policy.windows import DateRange, WeeklyWindow

HORIZON = timedelta(days=400)
"""How far a transition is looked for: a year, with room for a yearly window that wanders by a month."""

# Most questions are answered within a week or so; monthly windows need more; the rest is looked for up to the horizon.
_REACHES = (timedelta(days=8), timedelta(days=45), HORIZON)
# No weekly window lasts longer than seven days; the rest is for the distance between a local date and the UTC one.
_LONGEST = timedelta(days=10)
_NO_LEAD = timedelta(0)

# Abbreviations mean several places at once or stand still all year: what people may have meant by the usual ones.
_MEANT = {
    "BST": "Europe/London", "CET": "Europe/Berlin", "CEST": "Europe/Berlin", "CST": "America/Chicago",
    "CST6CDT": "America/Chicago", "EET": "Europe/Helsinki", "EDT": "America/New_York", "EST": "America/New_York",
    "EST5EDT": "America/New_York", "GMT": "Europe/London or UTC", "HST": "Pacific/Honolulu",
    "IST": "Asia/Kolkata, Europe/Dublin or Asia/Jerusalem", "JST": "Asia/Tokyo", "MET": "Europe/Berlin",
    "MST": "America/Denver or America/Phoenix", "MST7MDT": "America/Denver", "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles", "PST8PDT": "America/Los_Angeles", "WET": "Europe/Lisbon", "Z": "UTC",
}  # fmt: skip


class Window(NamedTuple):
    """Running from `begin` until `end`: `[begin, end)`, aware UTC."""

    begin: datetime
    end: datetime


class Hours(NamedTuple):
    """What schedules say at one instant. Both instants are aware UTC."""

    inside: bool
    since: datetime | None
    """The transition that made this so; None when there was none within HORIZON."""
    until: datetime | None
    """The next transition; None when there is none within HORIZON."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows in one zone. Raises ValueError for a zone that `check_zone` refuses."""

    name: str
    zone: str
    windows: tuple[WeeklyWindow | DateRange, ...]
    calendar: Calendar | None = None
    """A window that would begin on a closed day does not exist; one that runs into a closed day does."""

    def __post_init__(self) -> None:
        check_zone(self.zone)

    def __hash__(self) -> int:
        # Names are all but unique, and every cluster of every tick looks its hours up: hashing windows would cost more.
        return hash(self.name)


def hours(schedules: tuple[Schedule, ...], now: datetime, lead: timedelta = _NO_LEAD) -> Hours:
    """Whether `now` lies in a window, since when and until when. Remembered, so asking again is free.

    `now` is aware; `lead` moves every begin that much earlier. Raises ValueError for a naive `now` or a negative lead.

    >>> from shared.policy.windows import parse_window
    >>> office = Schedule("office", "Europe/Berlin", (parse_window("Mon-Fri 07:30-19:00"),))
    >>> friday_night = datetime(2026, 12, 4, 22, 0, tzinfo=UTC)
    >>> [str(fact) for fact in hours((office,), friday_night, lead=timedelta(minutes=20))]
    ['False', '2026-12-04 18:00:00+00:00', '2026-12-07 06:10:00+00:00']
    """
    # Two instants of an overlap are equal in Python unless they are UTC: the memory must not mix them up.
    return _hours(schedules, now if now.tzinfo is UTC else _utc(now), lead)


def windows_between(
    schedules: tuple[Schedule, ...], begin: datetime, end: datetime, lead: timedelta = _NO_LEAD
) -> tuple[Window, ...]:
    """The windows that intersect `[begin, end)`, sorted and disjoint, whole: they may begin before and end after it.

    Windows that touch or overlap, lead included, are one. An edge that lies more than HORIZON outside the interval is
    given as lying HORIZON outside. Raises ValueError for naive instants or a negative lead.

    >>> from shared.policy.windows import parse_window
    >>> night = Schedule("night", "America/New_York", (parse_window("Mon-Fri 22:00-04:00"),))
    >>> saturday = datetime(2026, 10, 31, 0, 0, tzinfo=UTC)
    >>> [(str(w.begin), str(w.end)) for w in windows_between((night,), saturday, saturday + timedelta(days=2))]
    [('2026-10-31 02:00:00+00:00', '2026-10-31 08:00:00+00:00')]
    """
    begin, end = _utc(begin), _utc(end)
    if begin >= end:
        return ()
    for reach in _REACHES:
        low, high = begin - reach, end + reach
        met = [window for window in _merged(schedules, lead, low, high) if window.begin < end and begin < window.end]
        if not met or (low < met[0].begin and met[-1].end < high):
            return tuple(met)
    return tuple(Window(max(window.begin, low), min(window.end, high)) for window in met)


def closed_days(calendar: Calendar, begin: date, days: int) -> tuple[tuple[date, str], ...]:
    """The closed local dates among `days` days from `begin` on, each with its reason.

    >>> closed_days(Calendar("berlin", "DE", "BE"), date(2026, 12, 20), 14)[0]
    (datetime.date(2026, 12, 25), 'Christmas Day')
    """
    dates = (begin + timedelta(days=day) for day in range(days))
    return tuple((day, reason) for day in dates if (reason := calendar.closed_on(day)) is not None)


def instant(local: datetime, zone: str, *, ends: bool) -> datetime:
    """The instant, aware UTC, of a naive wall-clock time in a zone.

    A time that the clock skips is the first instant after the gap. Of a time that comes twice, a begin takes the first
    and an end (`ends`) the second. From: https://peps.python.org/pep-0495/

    >>> instant(datetime(2026, 3, 29, 2, 30), "Europe/Berlin", ends=False).isoformat()  # skipped
    '2026-03-29T01:00:00+00:00'
    >>> instant(datetime(2026, 10, 25, 2, 30), "Europe/Berlin", ends=False).isoformat()  # comes twice
    '2026-10-25T00:30:00+00:00'
    >>> instant(datetime(2026, 10, 25, 2, 30), "Europe/Berlin", ends=True).isoformat()
    '2026-10-25T01:30:00+00:00'
    """
    there = _zone(zone)
    first = local.replace(tzinfo=there, fold=0).astimezone(UTC)
    second = local.replace(tzinfo=there, fold=1).astimezone(UTC)
    if first <= second:
        return second if ends else first
    # A gap: Python reads the time with the offsets before and after it, which lie on either side of the transition.
    skipped, reached = second.replace(microsecond=0), first.replace(microsecond=0)
    while reached - skipped > timedelta(seconds=1):
        middle = (skipped + (reached - skipped) / 2).replace(microsecond=0)
        if middle.astimezone(there).replace(tzinfo=None) < local:
            skipped = middle
        else:
            reached = middle
    return reached


@lru_cache(maxsize=1024)
def check_zone(name: str) -> None:
    """Raise ValueError, with near misses, unless that is an IANA name with an area, such as Europe/Berlin, or UTC.

    The list is that of the `tzdata` package, so that the laptop and the cloud agree whatever their systems bring.

    >>> check_zone("CET")
    Traceback (most recent call last):
        ...
    ValueError: time zone 'CET' is an abbreviation, which can mean several places or stand still all year; expected \
an IANA name such as Europe/Berlin; did you mean Europe/Berlin?
    """
    if name == "UTC" or ("/" in name and name in _zone_names()):
        return
    if name in _MEANT or ("/" not in name and name.isupper()):
        problem = "is an abbreviation, which can mean several places or stand still all year"
    else:
        problem = "is an old alias" if name in _zone_names() else "is not known"
    raise ValueError(f"time zone '{name}' {problem}; expected an IANA name such as Europe/Berlin{_near_zone(name)}")


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    from importlib.resources import files  # noqa: PLC0415 - a cold start without a policy does not need it

    # From: https://tzdata.readthedocs.io (the file `zones`: one name a line)
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


def _near_zone(name: str) -> str:
    if name.upper() in _MEANT:
        return f"; did you mean {_MEANT[name.upper()]}?"
    from difflib import get_close_matches  # noqa: PLC0415 - only on the way to an error

    asked = name.casefold().replace(" ", "_")
    known = {zone.casefold(): zone for zone in sorted(_zone_names()) if "/" in zone}
    cities = {zone.rpartition("/")[2]: zone for zone in known}
    close = [asked] if asked in known else get_close_matches(asked, known, cutoff=0.75)
    close = close or [cities[city] for city in get_close_matches(asked.rpartition("/")[2], cities, cutoff=0.75)]
    return f"; did you mean {' or '.join(known[zone] for zone in close)}?" if close else ""


@cache
def _zone(name: str) -> ZoneInfo:
    # zoneinfo itself keeps only eight.
    return ZoneInfo(name)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"'{at.isoformat()}' has no offset; expected an aware instant such as 2026-12-05T08:00Z")
    return at.astimezone(UTC)


@lru_cache(maxsize=8192)
def _hours(schedules: tuple[Schedule, ...], now: datetime, lead: timedelta) -> Hours:
    for reach in _REACHES:
        low, high = now - reach, now + reach
        windows = _merged(schedules, lead, low, high)
        edges = [edge for window in windows for edge in window if low < edge < high]
        since = max((edge for edge in edges if edge <= now), default=None)
        until = min((edge for edge in edges if edge > now), default=None)
        if since is not None and until is not None:
            break
    return Hours(any(window.begin <= now < window.end for window in windows), since, until)


def _merged(schedules: tuple[Schedule, ...], lead: timedelta, low: datetime, high: datetime) -> list[Window]:
    """Windows of the union that meet `[low, high]`, sorted. Edges strictly between the two are the true ones."""
    if lead < _NO_LEAD:
        raise ValueError(f"a lead of {lead} is negative; expected a duration such as 20m")
    led = (Window(window.begin - lead, window.end) for one in schedules for window in _expanded(one, low, high + lead))
    merged: list[Window] = []
    for window in sorted(led):
        if merged and window.begin <= merged[-1].end:
            merged[-1] = Window(merged[-1].begin, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return merged


def _expanded(schedule: Schedule, low: datetime, high: datetime) -> Iterator[Window]:
    """At least the windows of one schedule that meet `[low, high]`."""
    yield from _ranges(schedule)
    if any(isinstance(window, WeeklyWindow) for window in schedule.windows):
        first, last = (low - _LONGEST).date(), (high + _LONGEST).date()
        for month in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
            yield from _weekly(schedule, month)


@lru_cache(maxsize=1024)
def _ranges(schedule: Schedule) -> tuple[Window, ...]:
    local = (window for window in schedule.windows if isinstance(window, DateRange))
    opened = (window for window in local if not _closed(schedule, window.begin.date()))
    return tuple(_windows(schedule, ((window.begin, window.end) for window in opened)))


@lru_cache(maxsize=4096)
def _weekly(schedule: Schedule, month: int) -> tuple[Window, ...]:
    """The weekly windows that begin in one local month, counted from January of year 0."""
    first = date(month // 12, month % 12 + 1, 1)
    days = (first + timedelta(days=day) for day in range(monthrange(first.year, first.month)[1]))
    weekly = [window for window in schedule.windows if isinstance(window, WeeklyWindow)]
    begun = ((day, window) for day in days for window in weekly if window.begins_on(day))
    opened = (window.starting(day) for day, window in begun if not _closed(schedule, day))
    return tuple(_windows(schedule, opened))


def _closed(schedule: Schedule, day: date) -> bool:
    return schedule.calendar is not None and schedule.calendar.closed_on(day) is not None


def _windows(schedule: Schedule, local: Iterable[tuple[datetime, datetime]]) -> Iterator[Window]:
    """Each pair of wall-clock times as instants. One whose ends meet, in a gap, is no window."""
    for begins, ends in local:
        window = Window(instant(begins, schedule.zone, ends=False), instant(ends, schedule.zone, ends=True))
        if window.begin < window.end:
            yield window


ALWAYS = Schedule("always", "UTC", (DateRange(datetime(1970, 1, 1), datetime(9998, 1, 1)),))  # noqa: DTZ001 - wall time
NEVER = Schedule("never", "UTC", ())
