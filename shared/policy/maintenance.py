"""AKS's own maintenance configurations, made from a schedule: when AKS may do what it does by itself. Pure.

A configuration holds one fixed offset from UTC and one kind of day, so it is made for the next window that comes: the
offset is the zone's at that moment, and once the clocks change before the next one, it is made anew. What a
configuration cannot say (several weekdays, a range of dates) is left out, never widened: AKS then has fewer windows.

From: https://learn.microsoft.com/azure/aks/planned-maintenance (at least four hours, at most a day; best effort)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2s
from typing import Any
from zoneinfo import ZoneInfo

from shared.policy.bound import Freeze
from shared.policy.schedule import Schedule, windows_between
from shared.policy.windows import DAYS, EVERY, LAST, Weekday, WeeklyWindow

NAMES = ("aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule")
"""Fixed by AKS. `default`, for AKS's own weekly releases, is left to whoever set it."""
LEAST_HOURS, MOST_HOURS = 4, 24
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKS = {1: "First", 2: "Second", 3: "Third", 4: "Fourth", LAST: "Last"}
_HORIZON = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Made:
    """A configuration's `maintenanceWindow`, or why there is none."""

    window: Mapping[str, Any] | None
    problem: str = ""

    @property
    def text(self) -> str:
        """The same window gives the same text."""
        return "" if self.window is None else json.dumps(self.window, sort_keys=True, separators=(",", ":"))


def maintenance_window(schedule: Schedule, now: datetime, freezes: Iterable[Freeze] = ()) -> Made:
    """The window for the next time that the schedule opens; `now` is aware UTC.

    `freezes` are those that hold upgrades: their days are not allowed, as closed days of the calendar are not.
    """
    fit = [window for window in schedule.windows if isinstance(window, WeeklyWindow) and _sayable(window)]
    if not fit:
        return Made(None, f"AKS has no words for the windows of {schedule.name}: it knows every day, one weekday,"
                          " or the first to fourth or last weekday of a month, for 4 to 24 hours")  # fmt: skip
    chosen = fit[0]
    alone = Schedule(schedule.name, schedule.zone, (chosen,), schedule.calendar)
    ahead = [one for one in windows_between((alone,), now, now + _HORIZON) if one.begin >= now]
    if not ahead:
        return Made(None, f"{schedule.name} does not open within a year")
    zone = ZoneInfo(schedule.zone)
    begin = ahead[0].begin.astimezone(zone)
    said: dict[str, Any] = {
        "durationHours": min(int((ahead[0].end - ahead[0].begin).total_seconds() // 3600), MOST_HOURS),
        "schedule": _schedule(chosen),
        "startDate": f"{begin.year}-01-01",
        "startTime": f"{chosen.begin:%H:%M}",
        "utcOffset": _offset(begin),
    }
    closed = _not_allowed(schedule, date(begin.year, 1, 1), tuple(freezes), zone)
    if closed:
        said["notAllowedDates"] = [{"start": f"{first}", "end": f"{last}"} for first, last in closed]
    return Made(said)


def _sayable(window: WeeklyWindow) -> bool:
    every_day = len(window.days) == len(DAYS) and all(day.nth == EVERY for day in window.days)
    alone = len(window.days) == 1 and (window.days[0].nth == EVERY or window.days[0].nth in _WEEKS)
    hours = (window.end.hour - window.begin.hour) + 24 * window.later
    minutes = hours * 60 + window.end.minute - window.begin.minute
    return (every_day or alone) and minutes >= LEAST_HOURS * 60


def _schedule(window: WeeklyWindow) -> dict[str, Any]:
    if len(window.days) > 1:
        return {"daily": {"intervalDays": 1}}
    (day,) = window.days
    return _on(day)


def _on(day: Weekday) -> dict[str, Any]:
    name = _DAY_NAMES[day.day]
    if day.nth == EVERY:
        return {"weekly": {"dayOfWeek": name, "intervalWeeks": 1}}
    return {"relativeMonthly": {"dayOfWeek": name, "intervalMonths": 1, "weekIndex": _WEEKS[day.nth]}}


def _offset(at: datetime) -> str:
    """As AKS writes it.

    >>> _offset(datetime(2026, 7, 1, tzinfo=ZoneInfo("Asia/Kolkata")))
    '+05:30'
    """
    minutes = int((at.utcoffset() or timedelta(0)).total_seconds() // 60)
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"


def _not_allowed(
    schedule: Schedule, begin: date, freezes: tuple[Freeze, ...], zone: ZoneInfo
) -> list[tuple[date, date]]:
    """Closed days and frozen ones, this year's and next year's: so the answer does not move with every day."""
    last = date(begin.year + 1, 12, 31)
    days = {day for day in _days(begin, last) if schedule.calendar is not None and schedule.calendar.closed_on(day)}
    for freeze in freezes:
        first, final = freeze.begin.astimezone(zone).date(), (freeze.end - timedelta(seconds=1)).astimezone(zone).date()
        days |= {day for day in _days(first, final) if begin <= day <= last}
    ranges: list[tuple[date, date]] = []
    for day in sorted(days):
        if ranges and day - ranges[-1][1] == timedelta(days=1):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def digest_of(window: str) -> str:
    """What a configuration is remembered by."""
    return blake2s(window.encode(), digest_size=8).hexdigest()
