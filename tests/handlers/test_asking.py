"""Which questions a digest asks: the same days again and again cost a tenant's quota nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.clients.billing import Asked, subscription_scope
from shared.costs.quota import Quota
from shared.handlers.asking import before, costs_asked, nodes_asked, period_of
from shared.model.billing import Question
from shared.model.weeks import Week

BACK = 8
SUB = "0000000a-0000-0000-0000-000000000000"
W47 = Week(2026, 47)


def asked(week: Week, *subscriptions: str) -> list[Asked]:
    return [*costs_asked(subscriptions, week, BACK), *nodes_asked(subscriptions, week)]


@pytest.mark.parametrize("number", range(4))
def test_the_weeks_before_are_covered_once_without_a_gap(number):
    """Whatever place of the grid the week has."""
    week = W47.back(-number)
    periods = before(week, BACK)
    days = [day for period in periods for day in period.days]

    assert periods[0] == period_of(week.back())
    assert len(days) == len(set(days))
    assert set(days) >= {day for back in range(1, BACK + 1) for day in week.back(back).days()}
    assert max(days) == week.back().last
    assert all(period.end - period.begin in (timedelta(weeks=1), timedelta(weeks=4)) for period in periods)


def test_the_week_comes_first_and_is_the_only_one_with_a_total():
    found = asked(W47, "b", "a")

    assert [(one.scope, one.period) for one in found[:2]] == [
        (subscription_scope(one), period_of(W47)) for one in ("a", "b")
    ]
    assert {one.period for one in found if one.question is Question.COSTS and one.with_total} == {period_of(W47)}
    assert {one.period for one in found if one.question is Question.UNUSED} == {period_of(W47)}


def test_in_a_new_week_few_questions_are_new():
    """Of one subscription, in units of the tenant's quota; the week before is asked for again, since it is final now."""
    kept: set[str] = set()
    spent = []
    for number in range(13):
        week = W47.back(-number)
        new = {one.key: one.units for one in asked(week, SUB) if one.key not in kept}
        spent.append(sum(new.values()))
        provisional = {one.key for one in asked(week, SUB) if one.period == period_of(week)}
        kept |= {key for key in new if key not in provisional or Question.NODES in key}

    assert spent[0] <= 14
    assert max(spent[1:]) == 7
    assert sum(spent[1:]) / 12 <= 5.5


def test_a_thousand_subscriptions_are_read_within_a_day_on_half_of_the_tenants_quota():
    """Beyond that exports are the source: docs/decisions/0080."""
    began = now = datetime(2026, 11, 30, 7, tzinfo=UTC)
    quota = Quota()
    subscriptions = [f"{number:04}" for number in range(1000)]
    kept = {one.key for one in asked(W47, *subscriptions) if one.period != period_of(W47)}
    for one in asked(W47.back(-1), *subscriptions):
        if one.key not in kept:
            now += quota.wait(one.units, now)
            quota = quota.after(one.units, now)

    assert timedelta(hours=14) < now - began < timedelta(hours=24)
    spent = [(at, units) for at, units in quota.spent if now - at < timedelta(hours=1)]
    assert sum(units for _, units in spent) <= 300
    assert before(W47, BACK)[0].begin == date(2026, 11, 9)
