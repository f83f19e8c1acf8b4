"""AKS's own windows made from a schedule: its offset follows the clocks, its forbidden days the calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.policy.bound import Freeze
from shared.policy.calendars import Calendar
from shared.policy.maintenance import digest_of, maintenance_window
from shared.policy.schedule import Schedule
from shared.policy.windows import DateRange, parse_window

WINTER, SUMMER = datetime(2026, 2, 2, 12, 0, tzinfo=UTC), datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def made(*texts: str, zone: str = BERLIN, now: datetime = WINTER, calendar=None, freezes=()):
    schedule = Schedule("patching", zone, tuple(map(parse_window, texts)), calendar)
    return maintenance_window(schedule, now, freezes)


@pytest.mark.parametrize(
    ("text", "schedule", "hours"),
    [
        ("Tue 20:00-24:00", {"weekly": {"dayOfWeek": "Tuesday", "intervalWeeks": 1}}, 4),
        ("2nd Tue 20:00-02:30", {"relativeMonthly": {"dayOfWeek": "Tuesday", "intervalMonths": 1, "weekIndex": "Second"}}, 6),
        ("last Fri 18:00-23:00", {"relativeMonthly": {"dayOfWeek": "Friday", "intervalMonths": 1, "weekIndex": "Last"}}, 5),
        ("Mon-Sun 00:00-06:00", {"daily": {"intervalDays": 1}}, 6),
        ("Sat 08:00 - Mon 08:00", {"weekly": {"dayOfWeek": "Saturday", "intervalWeeks": 1}}, 24),
    ],
)  # fmt: skip
def test_what_aks_has_words_for(text, schedule, hours):
    window = made(text).window

    assert (window["schedule"], window["durationHours"]) == (schedule, hours)
    assert window["startTime"] == f"{parse_window(text).begin:%H:%M}"


@pytest.mark.parametrize("text", ["Mon-Fri 20:00-24:00", "Tue 20:00-22:00", "5th Tue 20:00-24:00"])
def test_what_it_has_no_words_for_is_left_out_never_widened(text):
    found = made(text)

    assert found.window is None
    assert "AKS has no words" in found.problem


def test_of_several_windows_the_first_that_fits_is_taken():
    assert made("Mon-Fri 20:00-24:00", "Sat 08:00-16:00").window["schedule"]["weekly"]["dayOfWeek"] == "Saturday"


def test_a_range_of_dates_is_no_maintenance_window():
    schedule = Schedule("once", BERLIN, (DateRange(datetime(2026, 12, 5, 8), datetime(2026, 12, 6, 8)),))  # noqa: DTZ001
    assert maintenance_window(schedule, WINTER).window is None


@pytest.mark.parametrize(
    ("zone", "now", "offset"),
    [
        (BERLIN, WINTER, "+01:00"),
        (BERLIN, SUMMER, "+02:00"),
        ("Asia/Kolkata", WINTER, "+05:30"),
        ("America/St_Johns", SUMMER, "-02:30"),
        ("Australia/Lord_Howe", WINTER, "+11:00"),
        ("Australia/Lord_Howe", SUMMER, "+10:30"),
    ],
)
def test_the_offset_is_the_zones_at_the_next_window(zone, now, offset):
    """Sharp edge 10: a fixed offset is wrong for half of the year."""
    assert made("Tue 20:00-24:00", zone=zone, now=now).window["utcOffset"] == offset


def test_it_is_made_anew_as_soon_as_the_next_window_lies_behind_the_change():
    """Clocks change on Sunday 29 March 2026; the last window of winter is on Tuesday the 24th."""
    before = made("Tue 20:00-24:00", now=datetime(2026, 3, 24, 12, 0, tzinfo=UTC))
    after = made("Tue 20:00-24:00", now=datetime(2026, 3, 25, 12, 0, tzinfo=UTC))

    assert (before.window["utcOffset"], after.window["utcOffset"]) == ("+01:00", "+02:00")
    assert digest_of(before.text) != digest_of(after.text)


def test_days_of_the_calendar_and_of_freezes_are_not_allowed():
    calendar = Calendar("berlin", "DE", "BE")
    frozen = Freeze("quarter-end", datetime(2026, 12, 28, tzinfo=UTC), datetime(2027, 1, 4, 5, 0, tzinfo=UTC),
                    frozenset({"upgrade"}))  # fmt: skip
    dates = made("Tue 20:00-24:00", calendar=calendar, freezes=[frozen]).window["notAllowedDates"]

    assert {"start": "2026-12-25", "end": "2026-12-26"} in dates
    assert {"start": "2026-12-28", "end": "2027-01-04"} in dates


def test_the_answer_stays_the_same_from_day_to_day():
    calendar = Calendar("berlin", "DE", "BE")
    texts = {made("Tue 20:00-24:00", calendar=calendar, now=WINTER.replace(day=day)).text for day in range(3, 28)}
    assert len(texts) == 1
