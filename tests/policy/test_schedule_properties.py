"""Properties of schedules, whatever the windows, zones, calendars and leads."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.policy.calendars import Calendar
from shared.policy.schedule import HORIZON, Schedule, hours, windows_between
from shared.policy.windows import DAYS, parse_window

at = datetime.fromisoformat
DAY = timedelta(days=1)
GERMANY = Calendar("germany", "DE")

texts = st.builds(
    lambda days, nth, begin, length: (
        f"{','.join(f'{nth} {day}'.strip() for day in days)} {begin // 60:02}:{begin % 60:02}-"
        f"{(begin + length) // 60 % 24:02}:{(begin + length) % 60:02}"
    ),
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=5, unique=True),
    st.sampled_from(["", "", "", "2nd", "last"]),
    st.integers(0, 1439),
    st.integers(1, 1439),
)
schedules = st.builds(
    lambda parts, zone, shut: Schedule("drawn", zone, tuple(map(parse_window, parts)), shut),
    st.lists(texts, max_size=3),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"]),
    st.sampled_from([None, GERMANY]),
)
moments = st.datetimes(at("2025-01-01T00:00"), at("2028-12-31T00:00"), timezones=st.just(UTC))
leads = st.timedeltas(timedelta(0), timedelta(hours=4))


@settings(deadline=None)
@given(st.lists(schedules, max_size=3).map(tuple), moments, st.timedeltas(timedelta(0), 21 * DAY), leads)
def test_windows_are_sorted_disjoint_whole_and_asked_for(chosen, begin, length, lead):
    found = windows_between(chosen, begin, begin + length, lead)
    assert all(window.begin < window.end for window in found)
    assert all(earlier.end < later.begin for earlier, later in pairwise(found))
    assert all(window.begin < begin + length and begin < window.end for window in found)


@settings(deadline=None)
@given(st.lists(schedules, max_size=3).map(tuple), moments, leads)
def test_hours_and_windows_agree(chosen, now, lead):
    """The level now, its transition and the next one are those of the windows around it."""
    said = hours(chosen, now, lead)
    around = windows_between(chosen, now - 60 * DAY, now + 60 * DAY, lead)
    edges = [edge for window in around for edge in window if abs(edge - now) < 60 * DAY]
    assert said.inside == any(window.begin <= now < window.end for window in around)
    assert [edge for edge in edges if edge <= now][-1:] == (
        [said.since] if said.since and now - said.since < 60 * DAY else []
    )
    assert [edge for edge in edges if edge > now][:1] == (
        [said.until] if said.until and said.until - now < 60 * DAY else []
    )


@settings(deadline=None)
@given(st.lists(schedules, max_size=3).map(tuple), moments, leads)
def test_a_union_is_each_of_its_schedules_in_any_order(chosen, now, lead):
    together = hours(chosen, now, lead)
    assert together == hours(chosen[::-1], now, lead)
    assert together.inside == any(hours((one,), now, lead).inside for one in chosen)


@settings(deadline=None)
@given(st.lists(schedules, max_size=3).map(tuple), moments, leads, leads)
def test_a_longer_lead_never_runs_less(chosen, now, lead, more):
    shorter, longer = hours(chosen, now, lead), hours(chosen, now, lead + more)
    assert longer.inside or not shorter.inside
    for window in windows_between(chosen, now, now + 7 * DAY, lead):
        around = windows_between(chosen, window.begin, window.end, lead + more)
        assert any(wider.begin <= window.begin and window.end <= wider.end for wider in around)


@settings(deadline=None)
@given(schedules, moments)
def test_what_was_asked_does_not_change_what_is(one, now):
    """A window is the same window whether a week or a year around it was asked for."""
    near, far = windows_between((one,), now, now + DAY), windows_between((one,), now - 50 * DAY, now + 50 * DAY)
    clear = [window for window in near if abs(window.begin - now) < HORIZON and abs(window.end - now) < HORIZON]
    assert set(clear) <= set(far)
