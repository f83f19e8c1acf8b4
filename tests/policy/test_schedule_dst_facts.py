"""One civil fact per kind of night on which clocks change: what the wall clock of a person there shows, and UTC."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from shared.policy.schedule import Schedule, hours, windows_between
from shared.policy.windows import DateRange, parse_window

at = datetime.fromisoformat
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def weekly(zone, *texts):
    return Schedule("test", zone, tuple(parse_window(text) for text in texts))


def found(schedule, begin, days=1, lead=timedelta(0)):
    """Windows that begin in those local days: in local time with offsets, and in UTC."""
    zone = ZoneInfo(schedule.zone)
    first = at(begin).replace(tzinfo=zone).astimezone(UTC)
    windows = windows_between((schedule,), first, first + days * DAY, lead)
    windows = [window for window in windows if window.begin >= first]
    local = [" to ".join(f"{edge.astimezone(zone):%a %H:%M%z}" for edge in window) for window in windows]
    return local, [" to ".join(f"{edge:%H:%M}" for edge in window) for window in windows]


def test_the_night_that_made_others_restart_a_cluster():
    """New York, 1 November 2026: 02:00 EDT becomes 01:00 EST. A window on the wall clock alone runs until 01:30,
    stops, runs again from the second 01:00, and stops again. Here it ends once, at the second 01:30.
    """
    local, utc = found(weekly("America/New_York", "Sun 00:00-01:30"), "2026-11-01T00:00")
    assert local == ["Sun 00:00-0400 to Sun 01:30-0500"]
    assert utc == ["04:00 to 06:30"]


def test_a_begin_that_comes_twice_takes_the_first():
    local, utc = found(weekly("America/New_York", "Sun 01:30-09:00"), "2026-11-01T00:00")
    assert local == ["Sun 01:30-0400 to Sun 09:00-0500"]
    assert utc == ["05:30 to 14:00"]


def test_an_end_on_the_very_minute_that_comes_back_takes_the_second():
    """Berlin, 25 October 2026: 03:00 CEST becomes 02:00 CET, so 02:00 comes twice and 03:00 once."""
    berlin = "Europe/Berlin"
    assert found(weekly(berlin, "Sun 00:00-02:00"), "2026-10-25T00:00")[0] == ["Sun 00:00+0200 to Sun 02:00+0100"]
    assert found(weekly(berlin, "Sun 00:00-03:00"), "2026-10-25T00:00")[0] == ["Sun 00:00+0200 to Sun 03:00+0100"]
    assert found(weekly(berlin, "Sun 02:00-03:00"), "2026-10-25T00:00")[1] == ["00:00 to 02:00"]


def test_a_begin_that_is_skipped_is_the_first_instant_after():
    """Berlin, 29 March 2026: 02:00 CET becomes 03:00 CEST at 01:00 UTC."""
    local, utc = found(weekly("Europe/Berlin", "Sun 02:30-09:00"), "2026-03-29T00:00")
    assert local == ["Sun 03:00+0200 to Sun 09:00+0200"]
    assert utc == ["01:00 to 07:00"]


def test_an_end_that_is_skipped_is_the_first_instant_after():
    local, utc = found(weekly("Europe/Berlin", "Sun 00:30-02:30"), "2026-03-29T00:00")
    assert local == ["Sun 00:30+0100 to Sun 03:00+0200"]
    assert utc == ["23:30 to 01:00"]


@pytest.mark.parametrize("text", ["Sun 02:00-03:00", "Sun 02:10-02:50", "Sun 02:30-03:00"])
def test_a_window_inside_the_gap_is_no_window(text):
    """Its two ends meet: nothing is started for no time at all, and nothing is stopped after it."""
    assert found(weekly("Europe/Berlin", text), "2026-03-29T00:00") == ([], [])
    night = at("2026-03-29T00:30Z")
    assert hours((weekly("Europe/Berlin", text),), night).until > night + 6 * DAY


def test_a_window_inside_the_gap_is_no_window_with_a_lead_either():
    """The lead belongs to a window; where there is none there is nothing to be early for."""
    assert found(weekly("Europe/Berlin", "Sun 02:00-03:00"), "2026-03-29T00:00", lead=HOUR) == ([], [])


def test_an_overnight_window_is_an_hour_shorter_or_longer():
    night = weekly("Europe/Berlin", "Sat 22:00-04:00")
    assert found(night, "2026-03-28T12:00")[1] == ["21:00 to 02:00"]
    assert found(night, "2026-10-24T12:00")[1] == ["20:00 to 03:00"]


def test_london_goes_back_at_one():
    local, utc = found(weekly("Europe/London", "Sun 01:15-01:45"), "2026-10-25T00:00")
    assert local == ["Sun 01:15+0100 to Sun 01:45+0000"]
    assert utc == ["00:15 to 01:45"]


def test_lord_howe_moves_by_half_an_hour():
    """5 April 2026: 02:00 becomes 01:30. 4 October 2026: 02:00 becomes 02:30."""
    howe = "Australia/Lord_Howe"
    local, utc = found(weekly(howe, "Sun 01:00-01:45"), "2026-04-05T00:00")
    assert (local, utc) == (["Sun 01:00+1100 to Sun 01:45+1030"], ["14:00 to 15:15"])
    local, utc = found(weekly(howe, "Sun 02:15-04:00"), "2026-10-04T00:00")
    assert (local, utc) == (["Sun 02:30+1100 to Sun 04:00+1100"], ["15:30 to 17:00"])


def test_havana_skips_midnight():
    """8 March 2026: 00:00 becomes 01:00. The end of Saturday and the begin of Sunday are one instant."""
    havana = "America/Havana"
    assert found(weekly(havana, "Sat 20:00-24:00"), "2026-03-07T12:00")[0] == ["Sat 20:00-0500 to Sun 01:00-0400"]
    assert found(weekly(havana, "Sun 00:00-06:00"), "2026-03-07T12:00")[0] == ["Sun 01:00-0400 to Sun 06:00-0400"]
    both = weekly(havana, "Sat 20:00-24:00", "Sun 00:00-06:00")
    assert found(both, "2026-03-07T12:00") == (["Sat 20:00-0500 to Sun 06:00-0400"], ["01:00 to 10:00"])


def test_havana_has_two_midnights():
    """1 November 2026: 01:00 becomes 00:00. Saturday's 24:00 is the second midnight, Sunday's 00:00 the first:
    the windows overlap by an hour, and are one.
    """
    havana = "America/Havana"
    assert found(weekly(havana, "Sat 20:00-24:00"), "2026-10-31T12:00")[0] == ["Sat 20:00-0400 to Sun 00:00-0500"]
    assert found(weekly(havana, "Sun 00:00-06:00"), "2026-10-31T12:00")[0] == ["Sun 00:00-0400 to Sun 06:00-0500"]
    both = weekly(havana, "Sat 20:00-24:00", "Sun 00:00-06:00")
    assert found(both, "2026-10-31T12:00") == (["Sat 20:00-0400 to Sun 06:00-0500"], ["00:00 to 11:00"])


def test_beirut_lives_its_last_hour_of_saturday_twice():
    """25 October 2026 00:00 becomes 24 October 23:00: a day that goes back to the day before."""
    local, utc = found(weekly("Asia/Beirut", "Sat 23:30-24:00"), "2026-10-24T12:00")
    assert local == ["Sat 23:30+0300 to Sun 00:00+0200"]
    assert utc == ["20:30 to 22:00"]


def test_apia_has_no_30_december_2011():
    """Samoa crossed the date line: Thursday the 29th was followed by Saturday the 31st."""
    apia = "Pacific/Apia"
    assert found(weekly(apia, "Fri 09:00-17:00"), "2011-12-29T00:00", days=2) == ([], [])
    local, utc = found(weekly(apia, "Thu 22:00-04:00"), "2011-12-29T00:00")
    assert (local, utc) == (["Thu 22:00-1000 to Sat 00:00+1400"], ["08:00 to 10:00"])
    local, utc = found(weekly(apia, "Fri 18:00 - Sat 06:00"), "2011-12-29T00:00", days=2)
    assert (local, utc) == (["Sat 00:00+1400 to Sat 06:00+1400"], ["10:00 to 16:00"])


def test_troll_moves_by_two_hours():
    """29 March 2026: 01:00 becomes 03:00. 25 October 2026: 03:00 becomes 01:00."""
    troll = "Antarctica/Troll"
    assert found(weekly(troll, "Sun 01:30-02:30"), "2026-03-29T00:00") == ([], [])
    local, utc = found(weekly(troll, "Sun 01:30-02:30"), "2026-10-25T00:00")
    assert (local, utc) == (["Sun 01:30+0200 to Sun 02:30+0000"], ["23:30 to 02:30"])


def test_casablanca_changes_for_ramadan():
    """15 February 2026: 03:00 becomes 02:00; 22 March 2026: 02:00 becomes 03:00. The law has no season."""
    casablanca = "Africa/Casablanca"
    assert found(weekly(casablanca, "Sun 00:00-02:30"), "2026-02-15T00:00")[1] == ["23:00 to 02:30"]
    assert found(weekly(casablanca, "Sun 02:30-06:00"), "2026-03-22T00:00")[1] == ["02:00 to 05:00"]


def test_st_johns_once_changed_a_minute_after_midnight():
    """7 November 2010: 00:01 became 23:01 of the day before."""
    local, utc = found(weekly("America/St_Johns", "Sat 23:30-24:00"), "2010-11-06T12:00")
    assert local == ["Sat 23:30-0230 to Sun 00:00-0330"]
    assert utc == ["02:00 to 03:30"]


def test_a_range_obeys_the_same_law():
    one = Schedule("x", "Europe/Berlin", (DateRange(at("2026-10-25T02:30"), at("2026-10-25T02:45")),))
    assert found(one, "2026-10-25T00:00") == (["Sun 02:30+0200 to Sun 02:45+0100"], ["00:30 to 01:45"])
    gone = Schedule("x", "Europe/Berlin", (DateRange(at("2026-03-29T02:00"), at("2026-03-29T03:00")),))
    assert found(gone, "2026-03-29T00:00") == ([], [])


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Tokyo", "Asia/Kathmandu", "UTC", "America/Phoenix"])
def test_where_clocks_never_change_a_day_is_a_day(zone):
    office = weekly(zone, "Mon-Fri 09:30-18:45")
    year = windows_between((office,), at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z"))
    assert {window.end - window.begin for window in year} == {timedelta(hours=9, minutes=15)}
    assert {later.begin - earlier.begin for earlier, later in pairwise(year)} == {DAY, 3 * DAY}
