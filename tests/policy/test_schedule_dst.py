"""The nights on which clocks change, in every kind of zone there is, in local time and in UTC.

Random dates are no test of such nights: they meet one in a hundred. Here every drawn window lies around a real
transition, taken from a table that is read from the zones themselves.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.policy.schedule import Schedule, hours, instant, windows_between
from shared.policy.windows import DAYS, DateRange, parse_window

at = datetime.fromisoformat
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ZONES = """
Africa/Cairo Africa/Casablanca Africa/El_Aaiun Africa/Tripoli America/Adak America/Anchorage America/Asuncion
America/Chicago America/Denver America/Godthab America/Halifax America/Havana America/Los_Angeles America/Mexico_City
America/Miquelon America/New_York America/Port-au-Prince America/Santiago America/Sao_Paulo America/Scoresbysund
America/St_Johns America/Thule Antarctica/Casey Antarctica/Macquarie Antarctica/Troll Asia/Amman Asia/Beirut
Asia/Damascus Asia/Gaza Asia/Hovd Asia/Jerusalem Asia/Pyongyang Asia/Tehran Asia/Ulaanbaatar Atlantic/Azores
Atlantic/Bermuda Atlantic/Stanley Australia/Adelaide Australia/Lord_Howe Australia/Sydney Europe/Berlin Europe/Chisinau
Europe/Dublin Europe/Istanbul Europe/Lisbon Europe/London Europe/Moscow Pacific/Apia Pacific/Auckland Pacific/Chatham
Pacific/Easter Pacific/Fakaofo Pacific/Fiji Pacific/Norfolk
""".split()
NO_CHANGES = ["Asia/Kolkata", "Asia/Tokyo", "Asia/Kathmandu", "UTC", "America/Phoenix"]


def transitions(name):
    """Every instant since 2010 at which the zone's offset changes, to the minute."""
    zone, day, found = ZoneInfo(name), at("2010-01-01T00:00Z"), []

    def offset(moment):
        return moment.astimezone(zone).utcoffset()

    while day.year < 2032:
        low, high = day, day + DAY
        if offset(low) != offset(high):
            while high - low > MINUTE:
                middle = low + (high - low) / 2
                middle = middle.replace(second=0, microsecond=0)
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append(high)
        day += DAY
    return found


TABLE = [(zone, moment) for zone in ZONES for moment in transitions(zone)]


def shift(zone, moment):
    """By how much the wall clock jumps."""
    before, after = (then.astimezone(ZoneInfo(zone)).utcoffset() for then in (moment - MINUTE, moment))
    return after - before


def weekly(zone, *texts, name="test"):
    return Schedule(name, zone, tuple(parse_window(text) for text in texts))


def found(schedule, begin, days=1, lead=timedelta(0)):
    """Windows that begin in those local days: in local time with offsets, and in UTC."""
    zone = ZoneInfo(schedule.zone)
    first = at(begin).replace(tzinfo=zone)
    windows = windows_between((schedule,), first, at(begin).replace(tzinfo=zone) + days * DAY, lead)
    windows = [window for window in windows if window.begin >= first]
    local = [" to ".join(f"{edge.astimezone(zone):%a %H:%M%z}" for edge in window) for window in windows]
    return local, [" to ".join(f"{edge:%H:%M}" for edge in window) for window in windows]


def test_the_table_has_every_kind_of_change():
    assert len(ZONES) >= 40
    assert len(TABLE) > 1000
    jumps = {shift(zone, moment) for zone, moment in TABLE}
    assert {HOUR, -HOUR, HOUR / 2, -HOUR / 2, 2 * HOUR, -2 * HOUR, DAY} <= jumps
    at_midnight = [zone for zone, moment in TABLE if moment.astimezone(ZoneInfo(zone)).hour in {0, 1, 23}]
    assert {"America/Havana", "Asia/Beirut", "America/Santiago"} <= set(at_midnight)
    assert not any(transitions(zone) for zone in NO_CHANGES)


class TestCivilFacts:
    """One per kind of change: what a person there would expect of the wall clock, and what it is in UTC."""

    def test_the_night_that_made_others_restart_a_cluster(self):
        """New York, 1 November 2026: 02:00 EDT becomes 01:00 EST. A window on the wall clock alone runs until 01:30,
        stops, runs again from the second 01:00, and stops again. Here it ends once, at the second 01:30.
        """
        local, utc = found(weekly("America/New_York", "Sun 00:00-01:30"), "2026-11-01T00:00")
        assert local == ["Sun 00:00-0400 to Sun 01:30-0500"]
        assert utc == ["04:00 to 06:30"]

    def test_a_begin_that_comes_twice_takes_the_first(self):
        local, utc = found(weekly("America/New_York", "Sun 01:30-09:00"), "2026-11-01T00:00")
        assert local == ["Sun 01:30-0400 to Sun 09:00-0500"]
        assert utc == ["05:30 to 14:00"]

    def test_an_end_on_the_very_minute_that_comes_back_takes_the_second(self):
        """Berlin, 25 October 2026: 03:00 CEST becomes 02:00 CET, so 02:00 comes twice and 03:00 once."""
        berlin = "Europe/Berlin"
        assert found(weekly(berlin, "Sun 00:00-02:00"), "2026-10-25T00:00")[0] == ["Sun 00:00+0200 to Sun 02:00+0100"]
        assert found(weekly(berlin, "Sun 00:00-03:00"), "2026-10-25T00:00")[0] == ["Sun 00:00+0200 to Sun 03:00+0100"]
        assert found(weekly(berlin, "Sun 02:00-03:00"), "2026-10-25T00:00")[1] == ["00:00 to 02:00"]

    def test_a_begin_that_is_skipped_is_the_first_instant_after(self):
        """Berlin, 29 March 2026: 02:00 CET becomes 03:00 CEST at 01:00 UTC."""
        local, utc = found(weekly("Europe/Berlin", "Sun 02:30-09:00"), "2026-03-29T00:00")
        assert local == ["Sun 03:00+0200 to Sun 09:00+0200"]
        assert utc == ["01:00 to 07:00"]

    def test_an_end_that_is_skipped_is_the_first_instant_after(self):
        local, utc = found(weekly("Europe/Berlin", "Sun 00:30-02:30"), "2026-03-29T00:00")
        assert local == ["Sun 00:30+0100 to Sun 03:00+0200"]
        assert utc == ["23:30 to 01:00"]

    @pytest.mark.parametrize("text", ["Sun 02:00-03:00", "Sun 02:10-02:50", "Sun 02:30-03:00"])
    def test_a_window_inside_the_gap_is_no_window(self, text):
        """Its two ends meet: nothing is started for no time at all, and nothing is stopped after it."""
        assert found(weekly("Europe/Berlin", text), "2026-03-29T00:00") == ([], [])
        night = at("2026-03-29T00:30Z")
        assert hours((weekly("Europe/Berlin", text),), night).until > night + 6 * DAY

    def test_a_window_inside_the_gap_is_no_window_with_a_lead_either(self):
        """The lead belongs to a window; where there is none there is nothing to be early for."""
        assert found(weekly("Europe/Berlin", "Sun 02:00-03:00"), "2026-03-29T00:00", lead=HOUR) == ([], [])

    def test_an_overnight_window_is_an_hour_shorter_or_longer(self):
        night = weekly("Europe/Berlin", "Sat 22:00-04:00")
        assert found(night, "2026-03-28T12:00")[1] == ["21:00 to 02:00"]
        assert found(night, "2026-10-24T12:00")[1] == ["20:00 to 03:00"]

    def test_london_goes_back_at_one(self):
        local, utc = found(weekly("Europe/London", "Sun 01:15-01:45"), "2026-10-25T00:00")
        assert local == ["Sun 01:15+0100 to Sun 01:45+0000"]
        assert utc == ["00:15 to 01:45"]

    def test_lord_howe_moves_by_half_an_hour(self):
        """5 April 2026: 02:00 becomes 01:30. 4 October 2026: 02:00 becomes 02:30."""
        howe = "Australia/Lord_Howe"
        local, utc = found(weekly(howe, "Sun 01:00-01:45"), "2026-04-05T00:00")
        assert (local, utc) == (["Sun 01:00+1100 to Sun 01:45+1030"], ["14:00 to 15:15"])
        local, utc = found(weekly(howe, "Sun 02:15-04:00"), "2026-10-04T00:00")
        assert (local, utc) == (["Sun 02:30+1100 to Sun 04:00+1100"], ["15:30 to 17:00"])

    def test_havana_skips_midnight(self):
        """8 March 2026: 00:00 becomes 01:00. The end of Saturday and the begin of Sunday are one instant."""
        havana = "America/Havana"
        assert found(weekly(havana, "Sat 20:00-24:00"), "2026-03-07T12:00")[0] == ["Sat 20:00-0500 to Sun 01:00-0400"]
        assert found(weekly(havana, "Sun 00:00-06:00"), "2026-03-07T12:00")[0] == ["Sun 01:00-0400 to Sun 06:00-0400"]
        both = weekly(havana, "Sat 20:00-24:00", "Sun 00:00-06:00")
        assert found(both, "2026-03-07T12:00") == (["Sat 20:00-0500 to Sun 06:00-0400"], ["01:00 to 10:00"])

    def test_havana_has_two_midnights(self):
        """1 November 2026: 01:00 becomes 00:00. Saturday's 24:00 is the second midnight, Sunday's 00:00 the first:
        the windows overlap by an hour, and are one.
        """
        havana = "America/Havana"
        assert found(weekly(havana, "Sat 20:00-24:00"), "2026-10-31T12:00")[0] == ["Sat 20:00-0400 to Sun 00:00-0500"]
        assert found(weekly(havana, "Sun 00:00-06:00"), "2026-10-31T12:00")[0] == ["Sun 00:00-0400 to Sun 06:00-0500"]
        both = weekly(havana, "Sat 20:00-24:00", "Sun 00:00-06:00")
        assert found(both, "2026-10-31T12:00") == (["Sat 20:00-0400 to Sun 06:00-0500"], ["00:00 to 11:00"])

    def test_beirut_lives_its_last_hour_of_saturday_twice(self):
        """25 October 2026 00:00 becomes 24 October 23:00: a day that goes back to the day before."""
        local, utc = found(weekly("Asia/Beirut", "Sat 23:30-24:00"), "2026-10-24T12:00")
        assert local == ["Sat 23:30+0300 to Sun 00:00+0200"]
        assert utc == ["20:30 to 22:00"]

    def test_apia_has_no_30_december_2011(self):
        """Samoa crossed the date line: Thursday the 29th was followed by Saturday the 31st."""
        apia = "Pacific/Apia"
        assert found(weekly(apia, "Fri 09:00-17:00"), "2011-12-29T00:00", days=2) == ([], [])
        local, utc = found(weekly(apia, "Thu 22:00-04:00"), "2011-12-29T00:00")
        assert (local, utc) == (["Thu 22:00-1000 to Sat 00:00+1400"], ["08:00 to 10:00"])
        local, utc = found(weekly(apia, "Fri 18:00 - Sat 06:00"), "2011-12-29T00:00", days=2)
        assert (local, utc) == (["Sat 00:00+1400 to Sat 06:00+1400"], ["10:00 to 16:00"])

    def test_troll_moves_by_two_hours(self):
        """29 March 2026: 01:00 becomes 03:00. 25 October 2026: 03:00 becomes 01:00."""
        troll = "Antarctica/Troll"
        assert found(weekly(troll, "Sun 01:30-02:30"), "2026-03-29T00:00") == ([], [])
        local, utc = found(weekly(troll, "Sun 01:30-02:30"), "2026-10-25T00:00")
        assert (local, utc) == (["Sun 01:30+0200 to Sun 02:30+0000"], ["23:30 to 02:30"])

    def test_casablanca_changes_for_ramadan(self):
        """15 February 2026: 03:00 becomes 02:00; 22 March 2026: 02:00 becomes 03:00. The law has no season."""
        casablanca = "Africa/Casablanca"
        assert found(weekly(casablanca, "Sun 00:00-02:30"), "2026-02-15T00:00")[1] == ["23:00 to 02:30"]
        assert found(weekly(casablanca, "Sun 02:30-06:00"), "2026-03-22T00:00")[1] == ["02:00 to 05:00"]

    def test_st_johns_once_changed_a_minute_after_midnight(self):
        """7 November 2010: 00:01 became 23:01 of the day before."""
        local, utc = found(weekly("America/St_Johns", "Sat 23:30-24:00"), "2010-11-06T12:00")
        assert local == ["Sat 23:30-0230 to Sun 00:00-0330"]
        assert utc == ["02:00 to 03:30"]

    def test_a_range_obeys_the_same_law(self):
        one = Schedule("x", "Europe/Berlin", (DateRange(at("2026-10-25T02:30"), at("2026-10-25T02:45")),))
        assert found(one, "2026-10-25T00:00") == (["Sun 02:30+0200 to Sun 02:45+0100"], ["00:30 to 01:45"])
        gone = Schedule("x", "Europe/Berlin", (DateRange(at("2026-03-29T02:00"), at("2026-03-29T03:00")),))
        assert found(gone, "2026-03-29T00:00") == ([], [])

    @pytest.mark.parametrize("zone", NO_CHANGES)
    def test_where_clocks_never_change_a_day_is_a_day(self, zone):
        office = weekly(zone, "Mon-Fri 09:30-18:45")
        year = windows_between((office,), at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z"))
        assert {window.end - window.begin for window in year} == {timedelta(hours=9, minutes=15)}
        assert {later.begin - earlier.begin for earlier, later in pairwise(year)} == {DAY, 3 * DAY}


def moments_of(wall, zone, around):
    """What a patient person with a clock of that zone notes down: the minutes at which it shows `wall`, and the first
    minute at which it shows a later time. No arithmetic with zones, nothing of the code under test.
    """
    clock = ZoneInfo(zone)
    showing = [(minute, minute.astimezone(clock).replace(tzinfo=None)) for minute in around]
    return [minute for minute, shown in showing if shown == wall], [
        minute for minute, shown in showing if shown > wall
    ][0]


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(TABLE), st.integers(-200, 200))
@example(("Pacific/Apia", at("2011-12-30T10:00Z")), 0)
def test_every_wall_time_around_a_change_becomes_the_instant_that_the_law_says(change, minutes):
    """Shown once: that minute. Shown twice: a begin takes the first, an end the second. Never: the first minute after."""
    zone, moment = change
    wall = (moment + minutes * MINUTE - shift(zone, moment) / 2).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if abs(shift(zone, moment)) < DAY:
        wall = (moment.replace(tzinfo=None) + moment.astimezone(ZoneInfo(zone)).utcoffset()) + minutes * MINUTE
    minutes_around = [moment + step * MINUTE for step in range(-30 * 60, 30 * 60)]
    shown, after = moments_of(wall, zone, minutes_around)
    assert instant(wall, zone, ends=False) == (shown[0] if shown else after)
    assert instant(wall, zone, ends=True) == (shown[-1] if shown else after)


@st.composite
def nights(draw):
    """A real change, and one to three windows of that zone that begin or end near it."""
    zone, moment = draw(st.sampled_from(TABLE))
    wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    texts = []
    for _ in range(draw(st.integers(1, 3))):
        begin = wall + draw(st.integers(-20, 12)) * 15 * MINUTE
        end = begin + draw(st.one_of(st.integers(1, 12), st.integers(1, 90))) * 15 * MINUTE
        days = {DAYS[begin.weekday()], *draw(st.lists(st.sampled_from(DAYS), max_size=2))}
        texts.append(f"{','.join(sorted(days))} {begin:%H:%M}-{end:%H:%M}")
    return zone, moment, texts


leads = st.sampled_from([timedelta(0), 20 * MINUTE, HOUR, 5 * HOUR])


def ticks(moment, hours_around=36):
    return [moment + step * 15 * MINUTE for step in range(-4 * hours_around, 4 * hours_around)]


@settings(deadline=None, max_examples=150)
@given(nights(), leads)
def test_ticks_through_the_night_see_the_windows_and_nothing_else(night, lead):
    """Inside is membership, transitions are edges, and windows are sorted, disjoint and not empty."""
    zone, moment, texts = night
    one = (weekly(zone, *texts),)
    windows = windows_between(one, moment - 10 * DAY, moment + 10 * DAY, lead)
    assert all(window.begin < window.end for window in windows)
    assert all(earlier.end < later.begin for earlier, later in pairwise(windows))
    edges = [edge for window in windows for edge in window]
    for now in ticks(moment):
        said = hours(one, now, lead)
        assert said.inside == any(window.begin <= now < window.end for window in windows)
        assert said.since == max(edge for edge in edges if edge <= now)
        assert said.until == min(edge for edge in edges if edge > now)


@settings(deadline=None, max_examples=150)
@given(nights())
def test_no_night_flaps(night):
    """A window starts once and stops once, whatever the clock does: never more windows than days that have one."""
    zone, moment, texts = night
    one = weekly(zone, texts[0])
    levels = [hours((one,), now).inside for now in ticks(moment)]
    changes = [later for earlier, later in pairwise(levels) if earlier != later]
    clock = ZoneInfo(zone)
    first, last = ((moment + step).astimezone(clock).date() for step in (-60 * HOUR, 36 * HOUR))
    begun = sum(one.windows[0].begins_on(first + step * DAY) for step in range((last - first).days + 1))
    assert changes.count(True) <= begun
    assert changes.count(False) <= begun
    assert all(one.until - one.since >= 15 * MINUTE for one in map(lambda now: hours((one,), now), ticks(moment, 6)))


@settings(deadline=None, max_examples=150)
@given(nights())
def test_nobody_is_stopped_while_the_wall_clock_says_work(night):
    """Where the law and a naive look at the clock differ, it is towards running, and only within the change itself."""
    zone, moment, texts = night
    one = weekly(zone, *texts)
    clock = ZoneInfo(zone)
    for now in ticks(moment):
        wall = now.astimezone(clock).replace(tzinfo=None)
        spans = [
            window.starting(wall.date() + step * DAY)
            for window in one.windows
            for step in (-1, 0)
            if window.begins_on(wall.date() + step * DAY)
        ]
        naive = any(begin <= wall < end for begin, end in spans)
        inside = hours((one,), now).inside
        assert inside or not naive
        assert inside == naive or abs(now - moment) <= abs(shift(zone, moment))


@settings(deadline=None, max_examples=100)
@given(nights(), nights(), leads, leads)
def test_two_zones_are_their_union_and_a_longer_lead_never_runs_less(night, other, lead, more):
    """Two sites share a cluster on the night one of them changes its clocks."""
    zone, moment, texts = night
    pair = (weekly(zone, *texts, name="a"), weekly(other[0], *other[2], name="b"))
    for now in ticks(moment, 12):
        together = hours(pair, now, lead).inside
        assert together == any(hours((one,), now, lead).inside for one in pair)
        assert hours(pair, now, lead + more).inside or not together
