"""The share of Cost Management's query units that we allow ourselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.costs.quota import LIMITS, NO_WAIT, Quota

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_fresh_quota_waits_for_nothing():
    assert Quota().wait(6, NOW) == NO_WAIT


def test_a_full_window_says_when_it_has_room_again():
    quota = Quota().after(4, NOW).after(2, NOW + 3 * SECOND)
    assert quota.wait(1, NOW + 4 * SECOND) == 6 * SECOND
    assert quota.wait(4, NOW + 4 * SECOND) == 6 * SECOND
    assert quota.wait(5, NOW + 4 * SECOND) == 9 * SECOND
    assert quota.wait(1, NOW + 10 * SECOND) == NO_WAIT


def test_a_question_larger_than_a_window_goes_when_that_is_empty():
    quota = Quota().after(1, NOW)
    assert quota.wait(26, NOW) == 10 * SECOND
    assert quota.wait(26, NOW + 10 * SECOND) == NO_WAIT
    assert Quota().wait(400, NOW) == NO_WAIT


def test_what_azure_said_counts_until_it_is_over_and_is_never_shortened():
    quota = Quota().told(60 * SECOND, NOW).told(5 * SECOND, NOW)
    assert quota.wait(1, NOW + SECOND) == 59 * SECOND
    assert quota.wait(1, NOW + 61 * SECOND) == NO_WAIT


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 30)), max_size=80))
def test_no_window_is_ever_exceeded(asks):
    quota, now = Quota(), NOW
    spent: list[tuple[datetime, int]] = []
    for units, pause in asks:
        now += pause * SECOND
        now += quota.wait(units, now)
        quota = quota.after(units, now)
        spent.append((now, units))
        for window, limit in LIMITS.items():
            assert sum(one for at, one in spent if now - at < window) <= limit
