"""The nights on which clocks change, in every kind of zone there is, in local time and in UTC.

Random dates are no test of such nights: they meet one in a hundred. Here every drawn window lies around a real
transition, taken from a table that is read from the zones themselves.
"""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.policy.schedule import Schedule, hours, instant, windows_between
from shared.policy.windows import DAYS, parse_window

at = datetime.fromisoformat
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Tripoli",
    "America/Adak",
    "America/Anchorage",
    "America/Asuncion",
    "America/Chicago",
    "America/Denver",
    "America/Godthab",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/Miquelon",
    "America/New_York",
    "America/Port-au-Prince",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "America/Thule",
    "Antarctica/Casey",
    "Antarctica/Macquarie",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Damascus",
    "Asia/Gaza",
    "Asia/Hovd",
    "Asia/Jerusalem",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Asia/Ulaanbaatar",
    "Atlantic/Azores",
    "Atlantic/Bermuda",
    "Atlantic/Stanley",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Chisinau",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Fakaofo",
    "Pacific/Fiji",
    "Pacific/Norfolk",
]


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


def test_the_table_has_every_kind_of_change():
    assert len(ZONES) >= 40
    assert len(TABLE) > 1000
    jumps = {shift(zone, moment) for zone, moment in TABLE}
    assert {HOUR, -HOUR, HOUR / 2, -HOUR / 2, 2 * HOUR, -2 * HOUR, DAY} <= jumps
    at_midnight = [zone for zone, moment in TABLE if moment.astimezone(ZoneInfo(zone)).hour in {0, 1, 23}]
    assert {"America/Havana", "Asia/Beirut", "America/Santiago"} <= set(at_midnight)


def moments_of(wall, zone, around):
    """What a patient person with a clock of that zone notes down: the minutes at which it shows `wall`, and the first
    minute at which it shows a later time. No arithmetic with zones, nothing of the code under test.
    """
    clock = ZoneInfo(zone)
    showing = [(minute, minute.astimezone(clock).replace(tzinfo=None)) for minute in around]
    return [minute for minute, shown in showing if shown == wall], next(
        minute for minute, shown in showing if shown > wall
    )


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(TABLE), st.integers(-200, 200))
@example(("Pacific/Apia", at("2011-12-30T10:00Z")), 0)
def test_every_wall_time_around_a_change_becomes_the_instant_that_the_law_says(change, minutes):
    """Shown once: that minute. Shown twice: a begin takes the first, an end the second. Never: the first minute after."""
    zone, moment = change
    wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + minutes * MINUTE
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
