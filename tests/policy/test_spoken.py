"""Instants and lengths as people say them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.policy.spoken import local_date, spoken, spoken_length

NEW_YEAR = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "said", "day"),
    [
        ("Europe/Berlin", "Fri 1 Jan 00:30", date(2027, 1, 1)),
        ("America/New_York", "Thu 31 Dec 18:30", date(2026, 12, 31)),
        ("Asia/Kolkata", "Fri 1 Jan 05:00", date(2027, 1, 1)),
    ],
)
def test_weekday_date_and_hour_come_from_the_same_local_instant(zone, said, day):
    """A peer took the weekday in UTC and the hour in local time."""
    assert spoken(NEW_YEAR, zone) == said
    assert local_date(NEW_YEAR, zone) == day


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "0 minutes"), (1, "1 minute"), (40, "40 minutes"), (60, "1 hour"), (105, "1 h 45 min")]
)
def test_lengths_to_the_minute(minutes, said):
    assert spoken_length(timedelta(minutes=minutes)) == said
