"""The numbers of a backtest, worked out by hand: one cluster, one or two days, times in minutes from midnight."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamplighter.backtest.alternatives import alternative
from lamplighter.backtest.history import Trace, history, history_cluster, merged, shared_seconds
from lamplighter.backtest.limits import Limits
from lamplighter.backtest.measure import Measured, Ran, measured, total
from lamplighter.backtest.weighing import Weight, over_least, weights
from shared.policy.document import read_policy

MONDAY = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
LIMITS = Limits(start_takes=6 * 60, stop_takes=3 * 60, rest=30 * 60)
DAY = 24 * 60


def trace(*busy: tuple[int, int], days: int = 1) -> Trace:
    whole = tuple((MONDAY + 60 * begin, MONDAY + 60 * end) for begin, end in busy)
    return Trace(history_cluster("web"), MONDAY, MONDAY + days * 86400, whole)


def ran(name: str, one: Trace) -> tuple[list[tuple[float, float]], list[tuple[float, float]], Measured]:
    """When it was up and when it was paid for, in minutes, and what that comes to."""
    way = alternative(name, "UTC")
    result = way.run(one, LIMITS)
    up, billed = ([((a - MONDAY) / 60, (b - MONDAY) / 60) for a, b in part] for part in (result.up, result.billed))
    return up, billed, measured(one, result, waits=way.waits)


def test_always_on_is_what_everything_is_compared_with() -> None:
    _, _, found = ran("always-on", trace((600, 660)))
    assert (found.hours_on, found.hours_saved, found.cold_starts, found.share_covered, found.late) == (24, 0, 0, 1, 0)


def test_an_idle_timeout() -> None:
    """Up since midnight, quiet: off at 0:30. Needed at 10:00, up at 10:06; the hour of work ends at 11:06, off 11:36."""
    up, billed, found = ran("30m", trace((600, 660)))
    assert up == [(0, 30), (606, 696)]
    assert billed == [(0, 33), (600, 699)]
    assert found.hours_on == pytest.approx((33 + 99) / 60)
    assert (found.cold_starts, found.late / 60, found.covered / 60) == (1, 6, 54)


def test_a_need_right_after_a_stop_waits_until_it_may_start_again() -> None:
    """Off at 0:30, done at 0:33, rests until 1:03, up at 1:09: whoever came at 0:40 waited 29 minutes."""
    up, _, found = ran("30m", trace((40, 50)))
    assert up == [(0, 30), (69, 109)]
    assert (found.cold_starts, found.late / 60) == (1, 29)


def test_work_within_the_timeout_keeps_it_on() -> None:
    up, _, found = ran("1h", trace((30, 40), (95, 100)))
    assert up == [(0, 160)]
    assert found.cold_starts == 0


def test_office_hours_are_ready_at_eight_and_woken_by_nobody() -> None:
    """Monday: 12 hours up; work from 7:00 to 9:00 and from 21:00 to 22:00 finds it off for two of three hours."""
    up, billed, found = ran("12x5", trace((420, 540), (1260, 1320)))
    assert up == [(480, 1200)]
    assert billed == [(474, 1203)]
    assert (found.cold_starts, found.late / 60, found.share_covered) == (2, 120, pytest.approx(1 / 3))


def test_the_weekend_is_off() -> None:
    up, _, _ = ran("12x5", trace(days=7))
    assert [begin // DAY for begin, _ in up] == [0, 1, 2, 3, 4]


def test_the_clairvoyant_is_never_late_and_never_on_for_nothing() -> None:
    """It stops at once, is back at 10:00 sharp, stays on through a gap of 20 minutes, and stops for good."""
    up, billed, found = ran("optimum", trace((600, 660), (680, 700)))
    assert up == [(600, 700)]
    assert billed == [(0, 3), (594, 703)]
    assert (found.cold_starts, found.late, found.share_covered) == (0, 0, 1)


def test_the_clairvoyant_cannot_stop_for_less_than_aks_takes() -> None:
    """38 minutes: three to stop, 30 to rest, six to start do not fit; 39 do."""
    assert ran("optimum", trace((600, 660), (698, 700)))[0] == [(600, 700)]
    assert ran("optimum", trace((600, 660), (699, 701)))[0] == [(600, 660), (699, 701)]


@given(st.lists(st.tuples(st.integers(0, 4 * DAY), st.integers(1, 600)), max_size=12))
@settings(max_examples=80, deadline=None)
def test_nobody_covers_everything_with_less_than_the_clairvoyant(needs: list[tuple[int, int]]) -> None:
    busy = merged((begin, min(begin + length, 4 * DAY)) for begin, length in needs)
    one = trace(*busy, days=4)
    _, billed, best = ran("optimum", one)
    assert best.covered == best.needed
    assert best.late == 0
    assert all(off - on >= 0 for on, off in billed)
    for name in ("always-on", "10m", "30m", "2h", "12x5"):
        up, paid, found = ran(name, one)
        assert shared_seconds(*[merged((int(60 * a), int(60 * b)) for a, b in part) for part in (up, paid)]) == sum(
            int(60 * b) - int(60 * a) for a, b in up
        ), "what is up is paid for"
        if found.covered == found.needed:
            assert found.billed >= best.billed


class TestMeasured:
    def test_going_off_under_somebody_is_a_cold_start(self) -> None:
        one = trace((600, 660))
        up = ((MONDAY, MONDAY + 630 * 60), (MONDAY + 640 * 60, one.end))
        found = measured(one, Ran(up, up), waits=True)
        assert (found.cold_starts, found.late / 60, found.covered / 60) == (1, 10, 50)

    def test_who_is_never_served_waits_to_the_end(self) -> None:
        one = trace((600, 660))
        off = Ran(((MONDAY, MONDAY + 60),), ((MONDAY, MONDAY + 60),))
        assert measured(one, off, waits=True).late / 60 == DAY - 600
        assert measured(one, off, waits=False).late / 60 == 60

    def test_nothing_needed_is_nothing_missed(self) -> None:
        found = measured(trace(), Ran((), ()), waits=True)
        assert (found.share_covered, found.cold_starts, found.share_saved) == (None, 0, 1)

    def test_a_fleet_is_the_sum_of_its_clusters(self) -> None:
        one = measured(trace((600, 660)), Ran((), ()), waits=False)
        both = total([one, one])
        assert (both.needed, both.cold_starts) == (2 * one.needed, 2)
        assert both.cold_starts_a_day == one.cold_starts_a_day == 1


POLICY = """\
version: 1
environments:
  - {name: dev, match: {names: ["*"]}}
rules:
  - {name: web, match: {names: [web]}, idle: {after: 3h, starting_cost: STARTING, waiting_cost: 1h}}
"""


def weight(one: Trace, starting: str = "30m") -> Weight:
    policy = read_policy(POLICY.replace("STARTING", starting), "policy.yaml")
    return weights(history("by hand", [one]), policy, LIMITS)[0]


class TestBill:
    def test_it_is_hours_on_and_what_stops_and_cold_starts_cost(self) -> None:
        """Least: 3 min and a stop, 6 min, an hour, 3 min and a stop. A timeout: 132 minutes, two stops, one wait."""
        one = trace((600, 660))
        found = weight(one)
        assert (found.starting, found.waiting, found.least) == (0.5, 1.0, pytest.approx(72 / 60 + 2 * 0.5))
        _, _, timeout = ran("30m", one)
        assert timeout.stops == 2
        assert found.bill(timeout) == pytest.approx(132 / 60 + 2 * 0.5 + 1)
        assert over_least([timeout], [found]) == pytest.approx(4.2 / 2.2)

    def test_a_fleet_pays_the_sum_of_the_bills(self) -> None:
        """Not the mean of the ratios: a cluster that nobody needs would make every fleet look bad."""
        used, unused = trace((600, 660)), trace()
        _, _, found = ran("always-on", used)
        assert over_least([found, found], [weight(used), weight(unused)]) == pytest.approx(48 / (2.2 + 0.55))

    def test_a_stop_that_costs_more_than_it_saves_is_not_made(self) -> None:
        """Nine hours off do not pay for ten: on all day. What the rule does not say is 6 and 24 minutes."""
        assert weight(trace((0, 540), (900, 1440)), "10h").least == 24
        assert weight(trace((0, 540)), "20h").least == 24, "nor one at the end"
        other = Trace(history_cluster("other"), MONDAY, MONDAY + 86400, ())
        assert weights(history("by hand", [other]), read_policy(POLICY.replace("STARTING", "1h"), "p"), LIMITS) == (
            Weight(0.1, 0.4, pytest.approx(0.15)),
        )

    @given(
        st.lists(st.tuples(st.integers(0, 2 * DAY), st.integers(1, 600)), max_size=8),
        st.sampled_from(["0m", "6m", "1h", "5h"]),
    )
    @settings(max_examples=60, deadline=None)
    def test_nobody_serves_all_in_time_for_less_than_the_least(self, needs: list[tuple[int, int]], cost: str) -> None:
        one = trace(*merged((begin, min(begin + length, 2 * DAY)) for begin, length in needs), days=2)
        found = weight(one, cost)
        for name in ("always-on", "optimum", "10m", "30m", "2h", "12x5"):
            _, _, way = ran(name, one)
            if way.covered == way.needed:
                assert found.bill(way) >= found.least - 1e-9
