"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy.durations import LONGEST, parse_duration, show_duration


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90s", 1.5), ("30m", 30), ("2h", 120), ("1.5h", 90), ("7d", 10080), ("2w", 20160), ("1h30m", 90), ("0m", 0)],
)
def test_what_people_write(text, minutes):
    assert parse_duration(text) == timedelta(minutes=minutes)


def test_a_duration_is_one_already():
    assert parse_duration(timedelta(hours=1)) == timedelta(hours=1)


@pytest.mark.parametrize("value", ["30", 30, "", "m", "1 h", "-1h", "1h-30m", "30M", "1y", None, True, "1h\n", "٣h"])
def test_anything_else_is_refused_with_an_example(value):
    """A number without a unit meant seconds to one reader and minutes to the next."""
    with pytest.raises(ValueError, match="expected a number with a unit, such as 30m"):
        parse_duration(value)


@pytest.mark.parametrize("text", ["3661d", "99999999999w", "9" * 400 + "h"])
def test_ten_years_are_the_most(text):
    with pytest.raises(ValueError, match="longer than ten years"):
        parse_duration(text)


@given(st.integers(0, int(LONGEST.total_seconds())))
def test_what_is_shown_is_read_back(seconds):
    value = timedelta(seconds=seconds)
    assert parse_duration(show_duration(value)) == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (timedelta(0), "0m"),
        (timedelta(seconds=45), "45s"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(days=3), "3d"),
        (timedelta(days=1, hours=2, minutes=3, seconds=4), "1d2h3m4s"),
    ],
)
def test_the_shortest_spelling(value, shown):
    assert show_duration(value) == shown
