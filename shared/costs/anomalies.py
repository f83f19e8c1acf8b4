"""Days that cost unusually much, judged by the days before them alone.

The level is the median of the last five days, each freed of its weekday; a weekday's share is the median of how that
weekday stood to the week before it, over eight weeks. What is left, as a logarithm, is how unusual a day is: +0.41 is
half as much again. Medians shrug off a day of billing lag and the surge that follows it. A heavier library measured no
better on a real series (benchmarks/anomalies.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import exp, log
from statistics import median

LEVEL_DAYS = 5
WEEKS = 8
LEAST_DAYS = 28
"""Fewer days before it say nothing about weekdays: then a day is unknown, not usual."""
UNUSUAL = 0.31
"""From here on a day is told: about one a month on the series that was measured."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One day that cost more, or less, than the days before it let expect."""

    on: date
    amount: Decimal
    expected: Decimal
    score: float
    """Logarithm of amount / expected."""


def score(days: Sequence[date], amounts: Sequence[float], index: int) -> float | None:
    """How unusual day `index` is, from the days before it; None when they are too few, or an amount is not positive.

    `days` are in order, one a day; a missing day is simply not there.
    """
    expected = _expected(days, amounts, index)
    return None if expected is None or amounts[index] <= 0 else log(amounts[index]) - expected


def _expected(days: Sequence[date], amounts: Sequence[float], index: int) -> float | None:
    begin = max(0, index - 7 * WEEKS)
    past = [i for i in range(begin, index) if amounts[i] > 0]
    if len(past) < LEAST_DAYS:
        return None
    shares: defaultdict[int, list[float]] = defaultdict(list)
    for position in range(7, len(past)):
        i = past[position]
        week = median(amounts[j] for j in past[position - 7 : position])
        shares[days[i].weekday()].append(log(amounts[i]) - log(week))
    weekday = {day: median(values) for day, values in shares.items()}
    level = median(log(amounts[i]) - weekday.get(days[i].weekday(), 0.0) for i in past[-LEVEL_DAYS:])
    return level + weekday.get(days[index].weekday(), 0.0)


def anomalies(
    costs: Sequence[tuple[date, Decimal]], least: Decimal, threshold: float = UNUSUAL, since: date = date.min
) -> tuple[Anomaly, ...]:
    """The unusual days from `since` on, among `costs` (in order, one currency), that lie `least` or more from what was
    expected. Days that are still provisional are the caller's to leave out.
    """
    days, amounts = [day for day, _ in costs], [float(amount) for _, amount in costs]
    found = []
    for index, (day, amount) in enumerate(costs):
        value = score(days, amounts, index) if day >= since else None
        if value is None or abs(value) < threshold:
            continue
        expected = Decimal(str(round(amounts[index] / exp(value), 2)))
        if abs(amount - expected) >= least:
            found.append(Anomaly(day, amount, expected, round(value, 3)))
    return tuple(found)
