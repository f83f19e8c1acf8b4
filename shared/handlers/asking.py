"""Which questions a digest asks Cost Management about which days, so that the next week has few of them to ask again.

What a tenant may ask is little: every month of data that is asked about, or part of one, costs a unit, and an answer
about days that are closed is kept for ever. So the week is asked about alone, and the one before it, which has become
final; older weeks in blocks of four that lie on a grid of their own, not on the week's. In a new week one block at
most is new. Per subscription that is 5 to 6 units a week, and 8 to 14 in the first one: docs/decisions/0080.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from shared.clients.billing import Asked, subscription_scope
from shared.model.billing import Period, Question
from shared.model.weeks import Week

BLOCK = 4
"""Weeks: 28 days are one unit, as a day is."""
PRICES_BACK = 4
"""Weeks: a pool that is down has its price in the past."""


def period_of(week: Week) -> Period:
    return Period(week.first, week.last + timedelta(days=1))


def before(week: Week, back: int) -> tuple[Period, ...]:
    """The weeks before, newest first: at least `back` of them, since a block is asked about whole."""
    this = _number(week)
    found: dict[Period, None] = {period_of(week.back()): None}
    for number in range(this - 2, this - back - 1, -1):
        first = number - number % BLOCK
        is_over = first + BLOCK - 1 <= this - 2
        begin = _week(first if is_over else number).first
        found[Period(begin, begin + timedelta(weeks=BLOCK if is_over else 1))] = None
    return tuple(found)


def costs_asked(subscriptions: Iterable[str], week: Week, back: int) -> Iterator[Asked]:
    """What everything cost. The week itself first, and with the total that it must tie out to: it is told soonest."""
    scopes = [subscription_scope(one) for one in sorted(set(subscriptions))]
    for scope in scopes:
        yield Asked(scope, period_of(week), Question.COSTS)
    for period in before(week, back):
        for scope in scopes:
            yield Asked(scope, period, Question.COSTS, with_total=False)


def nodes_asked(subscriptions: Iterable[str], week: Week) -> tuple[Asked, ...]:
    """The questions whose answers price a week's savings."""
    scopes = [subscription_scope(one) for one in sorted(set(subscriptions))]
    periods = (period_of(week), *before(week, PRICES_BACK))
    nodes = [Asked(scope, period, Question.NODES) for period in periods for scope in scopes]
    return (*nodes, *(Asked(scope, period_of(week), Question.UNUSED) for scope in scopes))


def _number(week: Week) -> int:
    """Weeks since the first Monday of the calendar: 0001-01-01 was one."""
    return (week.first.toordinal() - 1) // 7


def _week(number: int) -> Week:
    return Week.of(date.fromordinal(7 * number + 1))
