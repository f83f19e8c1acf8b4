"""When schedules say running, on days when no clock changes: windows, unions, calendars, leads and what is in sight."""

import calendar
import doctest
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.policy import calendars, schedule, windows
from shared.policy.calendars import Calendar
from shared.policy.schedule import (
    ALWAYS,
    HORIZON,
    NEVER,
    Hours,
    Schedule,
    Window,
    closed_days,
    hours,
    instant,
    windows_between,
)
from shared.policy.windows import DateRange, parse_window

at = datetime.fromisoformat
NOTHING = timedelta(0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

BERLIN = Calendar(
    "berlin",
    "DE",
    "BE",
    closed=((date(2026, 12, 24), date(2026, 12, 24)), (date(2026, 12, 27), date(2026, 12, 31))),
    open=frozenset({date(2026, 5, 1)}),
)


def weekly(*texts, zone="Europe/Berlin", name="test", shut=None):
    return Schedule(name, zone, tuple(parse_window(text) for text in texts), shut)


def ranges(*pairs, zone="Europe/Berlin", shut=None):
    return Schedule("ranges", zone, tuple(DateRange(at(begin), at(end)) for begin, end in pairs), shut)


def shown(found, zone="UTC"):
    """Windows as text in one zone, to be read and compared."""
    return [" to ".join(f"{edge.astimezone(ZoneInfo(zone)):%a %d %H:%M}" for edge in window) for window in found]


def week(*schedules, begin="2026-11-16T00:00Z", days=7, lead=NOTHING, zone="Europe/Berlin"):
    return shown(windows_between(schedules, at(begin), at(begin) + days * DAY, lead), zone)


OFFICE = weekly("Mon-Fri 07:30-19:00", name="office", shut=BERLIN)
BANGALORE = weekly("Mon-Fri 09:30-18:45", name="bangalore", zone="Asia/Kolkata")
NIGHT = weekly("Mon-Fri 22:00-04:00", name="night-batch", zone="America/New_York")


@pytest.mark.parametrize("room", [calendars, schedule, windows])
def test_the_examples_in_the_docstrings_run(room):
    ran = doctest.testmod(room)
    assert ran.attempted > 0
    assert ran.failed == 0


class TestEdges:
    """Intervals are [begin, end): the begin is inside, the end is not."""

    @pytest.mark.parametrize(
        ("now", "expected"),
        [
            ("2026-11-16T06:29:59.999999Z", Hours(False, at("2026-11-13T18:00Z"), at("2026-11-16T06:30Z"))),
            ("2026-11-16T06:30Z", Hours(True, at("2026-11-16T06:30Z"), at("2026-11-16T18:00Z"))),
            ("2026-11-16T17:59:59.999999Z", Hours(True, at("2026-11-16T06:30Z"), at("2026-11-16T18:00Z"))),
            ("2026-11-16T18:00Z", Hours(False, at("2026-11-16T18:00Z"), at("2026-11-17T06:30Z"))),
        ],
    )
    def test_the_begin_is_inside_and_the_end_is_not(self, now, expected):
        assert hours((OFFICE,), at(now)) == expected

    def test_a_late_look_sees_the_same_transition(self):
        """Sharp edge 3: c7n acts in the exact hour only. Here three days late is as good as at once."""
        assert hours((OFFICE,), at("2026-11-15T23:00Z")).since == at("2026-11-13T18:00Z")

    def test_an_interval_that_touches_a_window_does_not_meet_it(self):
        begin, end = at("2026-11-16T06:30Z"), at("2026-11-16T18:00Z")
        assert windows_between((OFFICE,), end, end + HOUR) == ()
        assert windows_between((OFFICE,), begin - HOUR, begin) == ()
        assert windows_between((OFFICE,), begin, begin + timedelta(microseconds=1)) == (Window(begin, end),)
        assert windows_between((OFFICE,), end - timedelta(microseconds=1), end) == (Window(begin, end),)

    def test_an_empty_interval_meets_nothing(self):
        noon = at("2026-11-16T12:00Z")
        assert windows_between((OFFICE,), noon, noon) == ()
        assert windows_between((OFFICE,), noon, noon - DAY) == ()


class TestWeeks:
    def test_weekday_date_and_hour_are_local(self):
        """Sharp edge 1: Monday 07:30 in Auckland is Sunday in UTC. AWS took the weekday from UTC."""
        auckland = weekly("Mon 07:30-19:00", zone="Pacific/Auckland")
        assert week(auckland, begin="2026-11-17T00:00Z", zone="UTC") == ["Sun 22 18:30 to Mon 23 06:00"]
        assert week(auckland, begin="2026-11-17T00:00Z", zone="Pacific/Auckland") == ["Mon 23 07:30 to Mon 23 19:00"]

    def test_an_overnight_window_belongs_to_the_day_on_which_it_begins(self):
        """Friday's night runs into Saturday; Sunday's, which would run into Monday, does not exist."""
        assert week(NIGHT, begin="2026-11-20T12:00Z", days=4, zone="America/New_York") == [
            "Fri 20 22:00 to Sat 21 04:00",
            "Mon 23 22:00 to Tue 24 04:00",
        ]

    def test_midnight_ends_nothing(self):
        """Sharp edge 5: one-sided periods stopped at midnight. Two windows that touch at 24:00 are one."""
        assert week(weekly("Tue 20:00-24:00", "Wed 00:00-02:00")) == ["Tue 17 20:00 to Wed 18 02:00"]

    def test_one_continuous_window_over_several_days(self):
        assert week(weekly("Fri 18:00 - Mon 06:00"), begin="2026-11-19T00:00Z", days=7) == [
            "Fri 20 18:00 to Mon 23 06:00",
        ]

    def test_a_week_long_window_that_meets_itself_never_ends(self):
        whole = weekly("Wed 12:00 - Tue 24:00", "Wed 00:00-12:00")
        assert hours((whole,), at("2026-11-16T12:00Z")) == Hours(True, None, None)

    def test_last_friday_and_second_tuesday(self):
        """Patch Tuesday of November 2026 is the 10th, its last Friday the 27th, whose 24:00 is Saturday."""
        patch = weekly("2nd Tue 20:00-24:00", "last Fri 20:00-24:00")
        assert week(patch, begin="2026-11-01T00:00Z", days=30) == [
            "Tue 10 20:00 to Wed 11 00:00",
            "Fri 27 20:00 to Sat 28 00:00",
        ]

    def test_nth_weekday_through_ten_years(self):
        """Sharp edge 6, by instants: 120 second Tuesdays and 120 last Fridays, none early, none missing."""
        patch = weekly("2nd Tue 20:00-24:00", "last Fri 20:00-24:00", zone="UTC")
        expected = []
        for year in range(2025, 2035):
            for month in range(1, 13):
                printed = calendar.monthcalendar(year, month)
                tuesday = [row[1] for row in printed if row[1]][1]
                friday = [row[4] for row in printed if row[4]][-1]
                expected += [datetime(year, month, day, 20, tzinfo=UTC) for day in (tuesday, friday)]
        found = windows_between((patch,), at("2025-01-01T00:00Z"), at("2035-01-01T00:00Z"))
        assert [window.begin for window in found] == expected
        assert {window.end - window.begin for window in found} == {timedelta(hours=4)}

    def test_leap_day_and_turn_of_the_year(self):
        thursday = weekly("Tue 22:00-04:00", "Thu 22:00-04:00", zone="UTC")
        assert week(thursday, begin="2028-02-28T00:00Z", days=2, zone="UTC") == ["Tue 29 22:00 to Wed 01 04:00"]
        assert week(thursday, begin="2026-12-31T12:00Z", days=1, zone="UTC") == ["Thu 31 22:00 to Fri 01 04:00"]

    def test_a_week_is_seven_local_days_and_not_168_hours(self):
        """Sharp edge 2: turndown repeats every 168 hours, and is an hour off after the clocks change."""
        monday = weekly("Mon 09:00-10:00", zone="America/New_York")
        found = windows_between((monday,), at("2026-03-02T00:00Z"), at("2026-03-16T00:00Z"))
        assert [window.begin.hour for window in found] == [14, 13]
        assert shown(found, "America/New_York") == ["Mon 02 09:00 to Mon 02 10:00", "Mon 09 09:00 to Mon 09 10:00"]


class TestUnion:
    def test_two_sites_share_a_cluster(self):
        """Bangalore works 04:00-13:15 UTC, Berlin 06:30-18:00 UTC: one long window."""
        assert week(OFFICE, BANGALORE, days=1, zone="UTC") == ["Mon 16 04:00 to Mon 16 18:00"]

    def test_each_keeps_its_own_calendar(self):
        """On Christmas Day Berlin is closed, and Bangalore, which has no calendar here, is not."""
        assert week(OFFICE, BANGALORE, begin="2026-12-25T00:00Z", days=1, zone="UTC") == [
            "Fri 25 04:00 to Fri 25 13:15"
        ]

    def test_sharp_edge_11_an_overlap_is_running(self):
        """kube-downscaler let downtime win where uptime overlapped it. Here nothing can be less than its parts."""
        assert week(weekly("Mon 08:00-12:00", "Mon 10:00-11:00"), days=1) == ["Mon 16 08:00 to Mon 16 12:00"]

    def test_windows_that_touch_are_one_and_one_minute_apart_are_two(self):
        assert week(weekly("Mon 08:00-12:00", "Mon 12:00-13:00"), days=1) == ["Mon 16 08:00 to Mon 16 13:00"]
        assert week(weekly("Mon 08:00-12:00", "Mon 12:01-13:00"), days=1) == [
            "Mon 16 08:00 to Mon 16 12:00",
            "Mon 16 12:01 to Mon 16 13:00",
        ]

    def test_no_schedule_and_never_say_the_same(self):
        noon = at("2026-11-16T12:00Z")
        assert hours((), noon) == hours((NEVER,), noon) == Hours(False, None, None)

    def test_always_is_always(self):
        assert hours((ALWAYS,), at("2026-11-16T12:00Z")) == Hours(True, None, None)
        assert hours((OFFICE, ALWAYS), at("2026-11-15T12:00Z"), timedelta(hours=1)) == Hours(True, None, None)
        assert hours((OFFICE, NEVER), at("2026-11-16T12:00Z")) == hours((OFFICE,), at("2026-11-16T12:00Z"))


class TestLead:
    def test_lead_moves_the_begin_only(self):
        assert week(OFFICE, days=1, lead=timedelta(minutes=20)) == ["Mon 16 07:10 to Mon 16 19:00"]
        assert hours((OFFICE,), at("2026-11-16T06:10Z"), timedelta(minutes=20)).inside
        assert not hours((OFFICE,), at("2026-11-16T06:10Z")).inside

    def test_a_lead_that_fills_the_gap_makes_one_window(self):
        """Nobody gains from a stop at 12:00 when the start for 13:00 comes at 12:00."""
        split = weekly("Mon 08:00-12:00", "Mon 13:00-17:00")
        assert week(split, days=1, lead=timedelta(minutes=59)) == [
            "Mon 16 07:01 to Mon 16 12:00",
            "Mon 16 12:01 to Mon 16 17:00",
        ]
        assert week(split, days=1, lead=HOUR) == ["Mon 16 07:00 to Mon 16 17:00"]

    def test_a_long_lead_reaches_far_before_its_window(self):
        """A window that begins after everything asked for still counts when its lead begins before."""
        release = ranges(("2026-12-05T08:00", "2026-12-06T20:00"), zone="UTC")
        assert week(release, begin="2026-11-16T00:00Z", days=1, lead=timedelta(days=19), zone="UTC") == [
            "Mon 16 08:00 to Sun 06 20:00",
        ]
        monthly = weekly("2nd Tue 20:00-24:00", zone="UTC")
        assert hours((monthly,), at("2026-11-16T12:00Z"), timedelta(days=23)).inside

    def test_the_lead_of_a_monday_may_begin_on_a_closed_sunday(self):
        """The window exists because Monday is open; when it must be started is another matter."""
        early = weekly("Mon 00:10-12:00", shut=Calendar("x", closed=((date(2026, 11, 15), date(2026, 11, 15)),)))
        assert week(early, begin="2026-11-15T12:00Z", days=1, lead=timedelta(minutes=20)) == [
            "Sun 15 23:50 to Mon 16 12:00",
        ]

    def test_a_negative_lead_is_refused(self):
        with pytest.raises(
            ValueError, match=r"a lead of -1 day, 23:59:00 is negative; expected a duration such as 20m"
        ):
            hours((OFFICE,), at("2026-11-16T12:00Z"), timedelta(minutes=-1))


class TestClosedDays:
    def test_a_window_that_would_begin_on_a_closed_day_does_not_exist(self):
        """Christmas 2026 in Berlin: the 24th is closed by the policy, the 25th is a holiday, then a weekend."""
        assert week(OFFICE, begin="2026-12-21T00:00Z", days=14) == [
            "Mon 21 07:30 to Mon 21 19:00",
            "Tue 22 07:30 to Tue 22 19:00",
            "Wed 23 07:30 to Wed 23 19:00",
        ]
        assert hours((OFFICE,), at("2026-12-25T12:00Z")) == Hours(
            False, at("2026-12-23T18:00Z"), at("2027-01-04T06:30Z")
        )

    def test_a_window_that_runs_into_a_closed_day_exists(self):
        """Thursday's night shift ends on Good Friday; Good Friday's own night does not take place."""
        night = weekly("Mon-Fri 22:00-04:00", shut=Calendar("de", "DE"))
        assert week(night, begin="2026-04-02T12:00Z", days=4) == ["Thu 02 22:00 to Fri 03 04:00"]

    def test_a_long_window_over_a_holiday_is_not_cut(self):
        over = weekly("Thu 18:00 - Mon 06:00", shut=Calendar("de", "DE"))
        assert week(over, begin="2026-04-02T12:00Z", days=4) == ["Thu 02 18:00 to Mon 06 06:00"]

    def test_an_open_holiday_is_a_day_of_work(self):
        assert week(OFFICE, begin="2026-05-01T00:00Z", days=1) == ["Fri 01 07:30 to Fri 01 19:00"]

    def test_a_closed_day_is_a_local_date(self):
        """In Auckland 25 December begins on the 24th in UTC; the office of the 24th is still open then."""
        auckland = weekly("Mon-Sun 09:00-17:00", zone="Pacific/Auckland", shut=Calendar("nz", "NZ"))
        assert week(auckland, begin="2026-12-23T12:00Z", days=3, zone="Pacific/Auckland") == [
            "Thu 24 09:00 to Thu 24 17:00",
        ]

    def test_a_range_that_would_begin_on_a_closed_day_does_not_exist_either(self):
        pair = ("2026-12-25T08:00", "2026-12-26T20:00")
        assert week(ranges(pair, shut=BERLIN), begin="2026-12-24T00:00Z", days=4) == []
        assert week(ranges(pair), begin="2026-12-24T00:00Z", days=4) == ["Fri 25 08:00 to Sat 26 20:00"]

    def test_closed_days_are_listed_with_their_reason(self):
        assert closed_days(BERLIN, date(2026, 12, 23), 5) == (
            (date(2026, 12, 24), "closed"),
            (date(2026, 12, 25), "Christmas Day"),
            (date(2026, 12, 26), "Second Day of Christmas"),
            (date(2026, 12, 27), "closed"),
        )
        assert closed_days(BERLIN, date(2026, 12, 25), 0) == ()


class TestSight:
    def test_a_range_months_away_is_seen(self):
        release = ranges(("2026-12-05T08:00", "2026-12-06T20:00"))
        begin, end = at("2026-12-05T07:00Z"), at("2026-12-06T19:00Z")
        assert hours((release,), begin - 300 * DAY) == Hours(False, None, begin)
        assert hours((release,), begin) == Hours(True, begin, end)
        assert hours((release,), end + 300 * DAY) == Hours(False, end, None)

    def test_beyond_the_horizon_nothing_is_in_sight(self):
        release = ranges(("2026-12-05T08:00", "2026-12-06T20:00"), zone="UTC")
        begin = at("2026-12-05T08:00Z")
        assert hours((release,), begin - HORIZON) == Hours(False, None, None)
        assert hours((release,), begin - HORIZON + timedelta(seconds=1)) == Hours(False, None, begin)

    def test_a_yearly_gap_is_bridged(self):
        """5th Friday of a month: the next one can be three months away."""
        fifth = weekly("5th Fri 20:00-24:00", zone="UTC")
        assert hours((fifth,), at("2026-06-01T00:00Z")) == Hours(
            False, at("2026-05-30T00:00Z"), at("2026-07-31T20:00Z")
        )

    def test_windows_are_given_whole(self):
        long = ranges(("2026-06-01T00:00", "2026-12-31T00:00"), zone="UTC")
        noon = at("2026-11-16T12:00Z")
        assert windows_between((long,), noon, noon + DAY) == (Window(at("2026-06-01T00:00Z"), at("2026-12-31T00:00Z")),)

    def test_a_window_without_an_edge_in_sight_is_cut_at_the_horizon_and_never_at_what_was_asked(self):
        """A calendar that lists starts and stops of these seven days must list none for `always`."""
        begin, end = at("2026-11-16T00:00Z"), at("2026-11-23T00:00Z")
        expected = (Window(begin - HORIZON, end + HORIZON),)
        assert windows_between((ALWAYS,), begin, end) == expected
        assert windows_between((weekly("Mon-Sun 00:00-24:00"),), begin, end) == expected

    def test_a_chain_of_days_is_followed_back_to_its_begin(self):
        """Around the clock but for two closed days: 100 days lie between, and the window has its true ends."""
        shut = tuple((day, day) for day in (date(2026, 8, 10), date(2026, 11, 18)))
        whole = weekly("Mon-Sun 00:00-24:00", zone="UTC", shut=Calendar("x", closed=shut))
        expected = Window(at("2026-08-11T00:00Z"), at("2026-11-18T00:00Z"))
        now = at("2026-11-16T12:00Z")
        assert windows_between((whole,), now, now + HOUR) == (expected,)
        assert hours((whole,), now) == Hours(True, *expected)

    def test_a_long_window_from_another_month_is_met(self):
        """Near its end on 5 December, a week that began in November; two months of lead for a day in July."""
        last = weekly("last Mon 00:00 - Sun 24:00", zone="UTC")
        assert week(last, begin="2026-12-05T00:00Z", days=1, zone="UTC") == ["Mon 30 00:00 to Mon 07 00:00"]
        fifth = weekly("5th Fri 20:00-24:00", zone="UTC")
        lead = timedelta(days=60)
        assert week(fifth, begin="2026-06-05T00:00Z", days=1, lead=lead, zone="UTC") == ["Mon 01 20:00 to Sat 01 00:00"]

    def test_one_edge_in_sight(self):
        since_march = ranges(("2026-03-01T00:00", "2040-01-01T00:00"), zone="UTC")
        now = at("2026-11-16T12:00Z")
        assert hours((since_march,), now) == Hours(True, at("2026-03-01T00:00Z"), None)
        assert windows_between((since_march,), now, now + DAY) == (
            Window(at("2026-03-01T00:00Z"), now + DAY + HORIZON),
        )


class TestInstants:
    def test_a_naive_instant_is_refused(self):
        with pytest.raises(ValueError, match=r"'2026-11-16T12:00:00' has no offset; expected an aware instant such as"):
            hours((OFFICE,), at("2026-11-16T12:00"))
        with pytest.raises(ValueError, match="has no offset"):
            windows_between((OFFICE,), at("2026-11-16T12:00"), at("2026-11-17T12:00Z"))

    def test_answers_are_utc_whatever_zone_asks(self):
        asked = datetime(2026, 11, 16, 12, tzinfo=ZoneInfo("Asia/Tokyo"))
        said = hours((BANGALORE,), asked)
        assert said == hours((BANGALORE,), asked.astimezone(UTC))
        assert said.since.tzinfo is UTC
        assert said.until.tzinfo is UTC

    def test_the_second_half_past_two_is_not_answered_with_the_memory_of_the_first(self):
        """Python calls the two 02:30 of 25 October equal as long as they are in one zone; they are an hour apart."""
        berlin = ZoneInfo("Europe/Berlin")
        first, second = (datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=berlin) for fold in (0, 1))
        early = weekly("Sun 00:00-02:15")
        assert hours((early,), first).inside
        assert not hours((early,), second).inside

    def test_instants_without_a_change_of_clocks(self):
        for ends in (False, True):
            assert instant(at("2026-11-16T12:00:00.000001"), "Asia/Kolkata", ends=ends) == at(
                "2026-11-16T06:30:00.000001Z"
            )


class TestValues:
    def test_schedules_are_values_and_a_name_is_not_enough(self):
        """An edited policy keeps the names: its answers must not come from the memory of the old one."""
        old, same, new = weekly("Mon 08:00-12:00"), weekly("mon 8:00-12:00"), weekly("Mon 08:00-13:00")
        noon = at("2026-11-16T11:30Z")
        assert old == same
        assert hash(old) == hash(same)
        assert old != new
        assert not hours((old,), noon).inside
        assert hours((new,), noon).inside

    def test_asking_again_is_free(self):
        """10,000 clusters share a few schedules: what was worked out once is handed out, the same object."""
        now = at("2026-11-16T12:00Z")
        assert hours((OFFICE, BANGALORE), now) is hours((OFFICE, BANGALORE), now)
