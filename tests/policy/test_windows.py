"""The text of one window: what people write, what it means, and what they are told when it means nothing."""

import calendar
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy.windows import DAYS, LAST, DateRange, Weekday, parse_window

MONDAY = date(2026, 11, 2)
"""A Monday; the days after it follow in order."""


wall = datetime.fromisoformat


def days_of(text):
    """Names of the weekdays on which the window begins in an ordinary week."""
    window = parse_window(text)
    return " ".join(name for step, name in enumerate(DAYS) if window.begins_on(MONDAY + timedelta(days=step)))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon-Fri 07:30-19:00", "Mon Tue Wed Thu Fri"),
        ("Mon,Wed,Fri 08:00-12:00", "Mon Wed Fri"),
        ("Mon, Wed , Fri 08:00-12:00", "Mon Wed Fri"),
        ("Mon-Tue,Sat 08:00-12:00", "Mon Tue Sat"),
        ("Sun 08:00-12:00", "Sun"),
        ("Mon-Mon 08:00-12:00", "Mon"),
        ("Sun-Sat 00:00-24:00", "Mon Tue Wed Thu Fri Sat Sun"),
        ("Mon-Sun 00:00-24:00", "Mon Tue Wed Thu Fri Sat Sun"),
        ("mon-FRI 7:30 - 19:00", "Mon Tue Wed Thu Fri"),
        ("Monday-Thursday 07:30-19:00", "Mon Tue Wed Thu"),
        ("Mon\u2013Fri 07:30\u201319:00", "Mon Tue Wed Thu Fri"),
        ("  Mon - Fri   07:30-19:00 ", "Mon Tue Wed Thu Fri"),
    ],
)
def test_days_are_a_range_a_list_or_both(text, days):
    assert days_of(text) == days


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Sat-Mon 09:00-17:00", "Mon Sat Sun"),
        ("Sun-Fri 08:00-20:00", "Mon Tue Wed Thu Fri Sun"),
        ("Fri-Tue 08:00-20:00", "Mon Tue Fri Sat Sun"),
        ("Thu-Wed 08:00-20:00", "Mon Tue Wed Thu Fri Sat Sun"),
    ],
)
def test_sharp_edge_8_a_range_runs_across_the_end_of_the_week(text, days):
    """kube-downscaler read Sun-Fri backwards, found no day in it, and put workloads to sleep that people were using."""
    assert days_of(text) == days


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("Mon 07:30-19:00", "2026-11-02T07:30", "2026-11-02T19:00"),
        ("Mon 22:00-04:00", "2026-11-02T22:00", "2026-11-03T04:00"),
        ("Mon 22:00-00:00", "2026-11-02T22:00", "2026-11-03T00:00"),
        ("Mon 20:00-24:00", "2026-11-02T20:00", "2026-11-03T00:00"),
        ("Mon 00:00-24:00", "2026-11-02T00:00", "2026-11-03T00:00"),
        ("Mon 18:00 - Tue 06:00", "2026-11-02T18:00", "2026-11-03T06:00"),
        ("Mon 18:00-Tue 06:00", "2026-11-02T18:00", "2026-11-03T06:00"),
        ("Mon 18:00 - Mon 20:00", "2026-11-02T18:00", "2026-11-02T20:00"),
        ("Mon 18:00 - Mon 24:00", "2026-11-02T18:00", "2026-11-03T00:00"),
        ("Mon 08:00 - Sun 24:00", "2026-11-02T08:00", "2026-11-09T00:00"),
        ("1st Mon 18:00 - Sun 06:00", "2026-11-02T18:00", "2026-11-08T06:00"),
    ],
)
def test_sharp_edge_4_a_window_may_end_on_a_later_day(text, begin, end):
    """AWS wants begin before end, so a night takes two periods, and six issues ask why."""
    assert [at.isoformat(timespec="minutes") for at in parse_window(text).starting(MONDAY)] == [begin, end]


def test_one_continuous_window_across_the_weekend_begins_on_friday_only():
    window = parse_window("Fri 18:00 - Mon 06:00")
    assert days_of("Fri 18:00 - Mon 06:00") == "Fri"
    assert window.starting(date(2026, 11, 6)) == (wall("2026-11-06T18:00"), wall("2026-11-09T06:00"))


@pytest.mark.parametrize("year", range(2024, 2035))
@pytest.mark.parametrize("day", range(7))
def test_sharp_edge_6_nth_weekday_is_right_in_every_month(year, day):
    """AWS took the nth weekday a week early until 3.0.5. The other opinion here is a printed calendar's."""
    for month in range(1, 13):
        printed = [week[day] for week in calendar.monthcalendar(year, month) if week[day]]
        dates = [date(year, month, number) for number in range(1, calendar.monthrange(year, month)[1] + 1)]
        for nth, word in enumerate(("1st", "2nd", "3rd", "4th", "5th", "last")):
            window = parse_window(f"{word} {DAYS[day]} 20:00-24:00")
            wanted = printed[-1:] if word == "last" else printed[nth : nth + 1]
            assert [found.day for found in dates if window.begins_on(found)] == wanted, (month, word)


def test_a_month_without_a_fifth_friday_has_no_window():
    window = parse_window("5th Fri 20:00-24:00")
    assert not any(window.begins_on(date(2026, 2, number)) for number in range(1, 29))
    assert window.begins_on(date(2026, 1, 30))


def test_nth_days_may_be_listed():
    window = parse_window("2nd Tue,LAST Fri,sun 20:00-24:00")
    assert window.days == (Weekday(1, 2), Weekday(4, LAST), Weekday(6))
    assert [number for number in range(1, 31) if window.begins_on(date(2026, 11, number))] == [1, 8, 10, 15, 22, 27, 29]


def test_windows_are_equal_when_they_mean_the_same():
    """A reworded policy is the same policy: memory of what was served must survive a change of spelling."""
    one, other = parse_window("Mon-Wed 07:30-19:00"), parse_window("wed, tue,MON 7:30 - 19:00")
    assert one == other
    assert hash(one) == hash(other)
    assert str(other) == "wed, tue,MON 7:30 - 19:00"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected days, then two times, such as 'Mon-Fri 07:30-19:00'"),
        ("always", "expected days, then two times"),
        ("07:30-19:00", "expected days, then two times"),
        ("Mon-Fri", "expected days, then two times"),
        ("Mon-Fri 7-19", "expected days, then two times"),
        ("Mon-Fri 07.30-19.00", "expected days, then two times"),
        ("Mon-Fri 07:30", "expected days, then two times"),
        ("Mon-Fri 07:30-19:00:00", "expected days, then two times"),
        ("Mon-Fri 07:30-19:00, Sat 09:00-12:00", "expected days, then two times"),
        ("Mon-Fri 07:30am-07:00pm", "expected days, then two times"),
        ("Mon-Fri 0\u0667:30-19:00", "expected days, then two times"),
        ("Mon-Fry 07:30-19:00", "'Fry' is no day, expected one of Mon, Tue, Wed, Thu, Fri, Sat, Sun, such as"),
        ("Mo-Fr 07:30-19:00", "'Mo' is no day"),
        ("Mon,,Tue 07:30-19:00", "'' is no day"),
        ("Mon-Fri-Sun 07:30-19:00", "'Fri-Sun' is no day"),
        ("2nd 07:30-19:00", "'' is no day"),
        ("2nd Tue-Thu 07:30-19:00", "'Tue-Thu' is no day"),
        ("6th Tue 07:30-19:00", "'6th Tue' is no day"),
        ("weekdays 07:30-19:00", "'weekdays' is no day"),
        ("Fri 18:00 - Sta 06:00", "'Sta' is no day"),
        ("Mon-Fri 25:00-26:00", "'25:00' is no time of day, expected 00:00 to 24:00"),
        ("Mon-Fri 07:60-19:00", "'07:60' is no time of day"),
        ("Mon-Fri 07:30-24:01", "'24:01' is no time of day"),
        ("Mon-Fri 24:00-06:00", "24:00 is only an end"),
        ("Fri 24:00 - Sun 06:00", "24:00 is only an end"),
        ("Mon-Fri 08:00-08:00", "it ends when it begins, expected a whole day as 00:00-24:00"),
        ("Mon-Fri 00:00-00:00", "it ends when it begins, expected a whole day as 00:00-24:00"),
        ("Mon-Fri 18:00 - Sat 06:00", "expected one day before the first time, such as 'Fri 18:00 - Sat 06:00'"),
        ("Fri,Fri 18:00 - Sat 06:00", "expected one day before the first time"),
        ("Fri 18:00 - Fri 06:00", "it does not end after it begins, expected a later time or another day"),
        ("Fri 18:00 - Fri 18:00", "it does not end after it begins"),
    ],
)
def test_what_is_no_window_is_refused_in_one_sentence(text, complaint):
    with pytest.raises(ValueError, match="is not a weekly window") as refusal:
        parse_window(text)
    sentence = str(refusal.value)
    assert sentence.startswith(f"'{text.strip()}' is not a weekly window: ")
    assert complaint in sentence
    assert "\n" not in sentence
    example = sentence.rpartition("such as ")[2].strip("'")
    assert parse_window(example).days, "the example that people are given must itself be a window"


@given(st.text(alphabet="MonTueFriSat 0123456789:-,2ndlast\n", max_size=40))
def test_any_text_is_a_window_or_a_sentence(text):
    """A typing error is never a traceback, and what is understood never lasts longer than a week."""
    try:
        window = parse_window(text)
    except ValueError as refusal:
        sentence = str(refusal)
        assert sentence.startswith(f"'{' '.join(text.split())}' is not a weekly window: ")
        assert "\n" not in sentence
    else:
        begin, end = window.starting(MONDAY)
        assert timedelta(0) < end - begin <= timedelta(days=7)


@given(st.lists(st.sampled_from(DAYS), min_size=1), st.times(), st.times())
def test_every_list_of_days_and_times_reads_back(days, begin, end):
    """What is written is what begins and ends, to the minute; an end before its begin is on the next day."""
    begin, end = (at.replace(second=0, microsecond=0) for at in (begin, end))
    text = f"{','.join(days)} {begin:%H:%M}-{end:%H:%M}"
    if begin == end:
        with pytest.raises(ValueError, match="it ends when it begins"):
            parse_window(text)
        return
    window = parse_window(text)
    assert (window.begin, window.end, window.later) == (begin, end, int(end < begin))
    assert days_of(text) == " ".join(name for name in DAYS if name in days)


def test_24_00_and_overnight_to_00_00_are_the_same_window():
    assert parse_window("Tue 20:00-24:00") == parse_window("Tue 20:00-00:00")
    assert parse_window("Tue 20:00-24:00").end == time(0, 0)


class TestDateRange:
    def test_reads_as_it_is_written(self):
        assert str(DateRange(wall("2026-12-05T08:00"), wall("2026-12-06T20:00"))) == (
            "2026-12-05T08:00 to 2026-12-06T20:00"
        )

    @pytest.mark.parametrize(
        ("begin", "end", "complaint"),
        [
            (
                wall("2026-12-06T00:00"),
                wall("2026-12-05T00:00"),
                "'2026-12-06T00:00 to 2026-12-05T00:00' does not end after",
            ),
            (wall("2026-12-05T00:00"), wall("2026-12-05T00:00"), "does not end after it begins"),
            (wall("2026-12-05T00:00Z"), wall("2026-12-06T00:00"), "'2026-12-05T00:00:00+00:00' has an offset"),
            (wall("2026-12-05T00:00"), wall("2026-12-06T00:00Z"), "has an offset; expected a time local"),
            (wall("1969-12-31T00:00"), wall("2026-12-06T00:00"), "'1969-12-31T00:00:00' is out of range"),
            (wall("2026-12-05T00:00"), wall("9999-12-31T00:00"), "expected a year from 1970 to 9998"),
        ],
    )
    def test_what_is_no_range_is_refused_with_an_example(self, begin, end, complaint):
        with pytest.raises(ValueError, match=r"such as \{from: 2026-12-05T08:00, to: 2026-12-06T20:00\}") as refusal:
            DateRange(begin, end)
        assert complaint in str(refusal.value)
