"""A day that costs unusually much is found from the days before it, and nothing is made up without them."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.costs.anomalies import LEAST_DAYS, anomalies, score

BEGIN = date(2026, 1, 5)


def series(*, weeks: int = 12, weekday: int = 100, weekend: int = 60) -> list[tuple[date, Decimal]]:
    days = [BEGIN + timedelta(days=i) for i in range(7 * weeks)]
    return [(day, Decimal(weekend if day.weekday() >= 5 else weekday)) for day in days]


def test_a_weekend_is_no_anomaly():
    assert anomalies(series(), least=Decimal(1)) == ()


def test_a_saturday_that_costs_like_a_weekday_is_one():
    costs = series()
    saturday = next(i for i, (day, _) in enumerate(costs) if i > 60 and day.weekday() == 5)
    costs[saturday] = (costs[saturday][0], Decimal(100))

    (found,) = anomalies(costs, least=Decimal(1))

    assert (found.on, found.amount, found.expected) == (costs[saturday][0], Decimal(100), Decimal("60.0"))


def test_billing_lag_does_not_hide_the_day_after_it():
    """Half a day's rows arrive a day late: the short day and the long one are told, the ordinary ones after are not."""
    costs = series()
    costs[63] = (costs[63][0], Decimal(20))
    costs[64] = (costs[64][0], Decimal(180))

    assert [found.on for found in anomalies(costs, least=Decimal(1))] == [costs[63][0], costs[64][0]]


def test_the_first_weeks_say_nothing():
    days, amounts = [day for day, _ in series()], [500.0] * 84

    assert [score(days, amounts, i) for i in range(LEAST_DAYS)] == [None] * LEAST_DAYS


def test_small_money_is_not_worth_a_line():
    costs = series(weekday=1, weekend=1)
    costs[70] = (costs[70][0], Decimal(4))

    assert anomalies(costs, least=Decimal(10)) == ()
    assert len(anomalies(costs, least=Decimal(3))) == 1


@settings(max_examples=60)
@given(
    st.lists(st.floats(0, 10_000), min_size=60, max_size=90),
    st.integers(30, 59),
    st.lists(st.floats(0, 1e6), max_size=30),
)
def test_no_later_day_changes_what_an_earlier_one_is(amounts, index, later):
    days = [BEGIN + timedelta(days=i) for i in range(len(amounts) + len(later))]

    assert score(days, amounts, index) == score(days, [*amounts[: index + 1], *later, *amounts], index)
