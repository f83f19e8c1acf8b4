"""ISO weeks: the 53rd, the year's end, and texts that are none."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.weeks import Week, weeks_in


def test_the_first_of_january_may_lie_in_the_year_before():
    assert Week.of(date(2027, 1, 1)) == Week(2026, 53)
    assert Week(2026, 53).first == date(2026, 12, 28)
    assert Week(2026, 53).last == date(2027, 1, 3)


def test_the_week_before_the_first_of_a_year_is_the_53rd_of_a_long_one():
    assert Week(2027, 1).back() == Week(2026, 53)
    assert Week(2026, 1).back() == Week(2025, 52)
    assert Week(2026, 53).back(-1) == Week(2027, 1)


def test_weeks_are_ordered_across_years():
    assert Week(2026, 53) < Week(2027, 1)


@pytest.mark.parametrize("text", ["2026-W47", "2026w47", "2026W47", " 2026-W47 "])
def test_a_week_is_read_however_it_is_written(text):
    assert str(Week.parse(text)) == "2026-W47"


@pytest.mark.parametrize(
    "text", ["", "47", "2026-47", "2026-W", "2026-W00", "2026-W54", "1815-W10", "W47", "2026-W4\uff17"]
)
def test_a_text_that_is_no_week_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="expected a week such as 2026-W47"):
        Week.parse(text)


def test_a_year_of_52_weeks_has_no_53rd():
    with pytest.raises(ValueError, match="2025 has 52 weeks"):
        Week.parse("2025-W53")


@given(st.dates(date(2001, 1, 1), date(2099, 12, 31)))
def test_every_day_lies_in_exactly_its_week(day):
    week = Week.of(day)

    assert day in week
    assert day not in week.back()
    assert day not in week.back(-1)
    assert next(week.days()) == week.first
    assert week.first.weekday() == 0
    assert week.last - week.first == timedelta(days=6)
    assert Week.parse(str(week)) == week
    assert 1 <= week.number <= weeks_in(week.year)
