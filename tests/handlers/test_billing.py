"""Bills gathered over invocations: throttling storms, scopes that may not be read, and what was read is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from lamplighter.rehearsal import Rehearsal
from lamplighter.simulator import Fault, World
from shared.clients.billing import Asked, subscription_scope
from shared.costs import quota
from shared.handlers.billing import GIVE_UP_AFTER, Collected, bills_for
from shared.model.billing import Bill, Period, Question

BEGAN = datetime(2026, 11, 9, 0, 0, tzinfo=UTC)
WEEK = Period(date(2026, 11, 9), date(2026, 11, 16))
SUBS = [f"0000000{n}-0000-0000-0000-000000000000" for n in range(6)]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = "version: 1\nmode: plan\nscope: all\n"


def asked(number: int = 0, question: Question = Question.COSTS) -> Asked:
    return Asked(subscription_scope(SUBS[number]), WEEK, question)


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    clusters = [{"name": f"web-{n}", "subscription": sub, "resource_group": "rg"} for n, sub in enumerate(SUBS)]
    subscriptions = [{"id": sub, "name": f"s{n}"} for n, sub in enumerate(SUBS)]
    world = World.from_fleet({"subscriptions": subscriptions, "clusters": clusters}, now=BEGAN)
    with Rehearsal(world, POLICY) as rehearsal:
        world.advance(8 * DAY)
        yield rehearsal


def queries(stage: Rehearsal) -> int:
    return stage.world.requests["POST query_costs"]


def all_of_them(stage: Rehearsal, *wanted: Asked, at_most: int = 100) -> tuple[Bill, ...]:
    """As a handler does it that comes back when told to."""
    for _ in range(at_most):
        found = bills_for(stage.app, wanted)
        if found.again_after is None:
            return found.bills
        stage.world.advance(found.again_after)
    raise AssertionError("the bills never came")


def test_the_bill_ties_out_to_what_cost_management_states(stage):
    (bill,) = all_of_them(stage, asked())
    assert not bill.missing
    total = sum((row.effective_cost for row in bill.rows), Decimal(0))
    assert abs(total - bill.totals["EUR"]) < Decimal("0.005")
    assert {row.charge_period_start for row in bill.rows} == set(WEEK.days)


def test_what_was_read_is_not_asked_for_again(stage):
    first = all_of_them(stage, asked())
    before = queries(stage)
    assert all_of_them(stage, asked()) == first
    assert queries(stage) == before


def test_provisional_days_are_read_again_the_next_day_and_closed_ones_never(stage):
    (first,) = all_of_them(stage, asked())
    stage.world.advance(DAY)
    (second,) = all_of_them(stage, asked())
    assert second.read_at > first.read_at
    stage.world.advance(5 * DAY)
    (final,) = all_of_them(stage, asked())
    stage.world.advance(300 * DAY)
    assert all_of_them(stage, asked()) == (final,)


def test_a_scope_that_may_not_be_read_is_missing_with_a_sentence_and_no_row(stage):
    stage.world.costs.denied.add(SUBS[1])
    good, bad, other = all_of_them(stage, asked(0), asked(1), asked(2))
    assert bad.missing
    assert (bad.scope, bad.rows, bad.totals) == (subscription_scope(SUBS[1]), (), {})
    assert "RBACAccessDenied" in bad.problem
    for bill, number in ((good, 0), (other, 2)):
        assert not bill.missing
        assert {row.sub_account_id for row in bill.rows} == {SUBS[number]}


def test_a_missing_scope_is_tried_again_the_next_day(stage):
    stage.world.costs.denied.add(SUBS[0])
    assert all_of_them(stage, asked())[0].missing
    stage.world.costs.denied.clear()
    assert all_of_them(stage, asked())[0].missing
    stage.world.advance(DAY)
    assert not all_of_them(stage, asked())[0].missing


def test_short_waits_for_the_quota_are_slept_and_longer_ones_handed_back(stage):
    wanted = [asked(n, question) for n in range(6) for question in Question]
    found = bills_for(stage.app, wanted)
    assert len(found.bills) == 18
    assert found.again_after is None
    assert stage.world.requests["POST query_costs"] == 24


def test_many_scopes_take_several_invocations_and_none_is_asked_twice(stage):
    weeks = [
        Period(date(2026, 1, 1) + timedelta(days=7 * n), date(2026, 1, 8) + timedelta(days=7 * n)) for n in range(8)
    ]
    wanted = [Asked(subscription_scope(sub), week, Question.COSTS) for sub in SUBS for week in weeks]
    rounds = 1
    while (found := bills_for(stage.app, wanted)).again_after is not None:
        rounds += 1
        stage.world.advance(found.again_after)
    assert rounds > 1
    assert len(found.bills) == 48
    assert all(bill.totals == {} and not bill.missing for bill in found.bills)


def storm(times: int | None, wait: int = 53) -> Fault:
    headers = {"x-ms-ratelimit-microsoft.costmanagement-entity-retry-after": str(wait)}
    return Fault.refuse("POST */query", 429, "429", "Too many requests. Please retry.", times=times, headers=headers)


def test_a_storm_is_waited_out_as_long_as_azure_says(stage):
    stage.world.inject(storm(times=3, wait=200))
    found = bills_for(stage.app, [asked(0), asked(1)])
    assert found == Collected((), timedelta(seconds=200))
    before = queries(stage)
    stage.world.advance(timedelta(seconds=100))
    assert bills_for(stage.app, [asked(0)]).again_after == timedelta(seconds=100)
    assert queries(stage) == before
    assert [bill.missing for bill in all_of_them(stage, asked(0), asked(1))] == [False, False]


def test_a_storm_without_end_leaves_a_missing_bill_after_half_a_day(stage):
    stage.world.inject(storm(times=None, wait=600))
    began = stage.world.now()
    (bill,) = all_of_them(stage, asked())
    assert bill.missing
    assert "did not answer for 12 hours" in bill.problem
    assert GIVE_UP_AFTER <= stage.world.now() - began < GIVE_UP_AFTER + HOUR


def test_what_was_read_since_the_digest_was_due_is_not_read_again_however_long_the_others_take(stage):
    due = stage.world.now()
    bills_for(stage.app, [asked(0)], due)
    stage.world.advance(40 * HOUR)
    before = queries(stage)
    assert bills_for(stage.app, [asked(0)], due).bills[0].read_at == due
    assert queries(stage) == before
    bills_for(stage.app, [asked(0)], stage.world.now())
    assert queries(stage) == before + 2


def test_a_question_that_has_not_had_its_turn_waits_as_long_as_others_are_answered(stage, monkeypatch):
    """A tenant with so many subscriptions that its quota takes more than half a day: late, and nothing is missing."""
    monkeypatch.setattr(quota, "LIMITS", {timedelta(hours=8): 2})
    began = stage.world.now()
    bills = all_of_them(stage, *map(asked, range(4)))
    assert stage.world.now() - began > 2 * GIVE_UP_AFTER
    assert [bill.missing for bill in bills] == [False] * 4


def test_a_scope_that_never_answers_holds_up_no_other(stage):
    stage.world.inject(Fault.unavailable(f"POST /subscriptions/{SUBS[0]}/*/query", times=None))
    found = bills_for(stage.app, [asked(0), asked(1), asked(2)])
    assert [bill.scope for bill in found.bills] == [subscription_scope(SUBS[1]), subscription_scope(SUBS[2])]
    assert found.again_after is not None
    assert [bill.missing for bill in all_of_them(stage, asked(0), asked(1), at_most=1000)] == [True, False]


def test_a_bill_that_the_journal_garbled_is_read_anew(stage):
    all_of_them(stage, asked())
    stage.app.journal.put_prices(asked().key, {"parts": 1, "lines": "?"}, stage.world.now())
    assert not all_of_them(stage, asked())[0].missing


def test_a_large_bill_is_kept_in_parts(stage, monkeypatch):
    from shared.clients import rows_bill

    monkeypatch.setattr(rows_bill, "ROWS_A_PART", 5)
    (bill,) = all_of_them(stage, asked())
    assert len(bill.rows) > 10
    before = queries(stage)
    (kept,) = all_of_them(stage, asked())
    assert queries(stage) == before
    assert sorted(kept.rows, key=str) == sorted(bill.rows, key=str)
    assert (kept.totals, kept.read_at, kept.question) == (bill.totals, bill.read_at, bill.question)


@pytest.mark.parametrize("how", ["lost", "of another reading"])
def test_parts_that_do_not_belong_together_are_no_bill(stage, monkeypatch, how):
    """A worker that dies between two parts leaves no smaller bill, and no mixture."""
    from shared.clients import rows_bill

    monkeypatch.setattr(rows_bill, "ROWS_A_PART", 5)
    (bill,) = all_of_them(stage, asked())
    key = f"{asked().key}.1"
    document, at = stage.app.journal.prices(key)
    broken = {"lines": []} if how == "lost" else {**document, "read_at": "2026-01-01T00:00:00+00:00"}
    stage.app.journal.put_prices(key, broken, at)
    before = queries(stage)
    (again,) = all_of_them(stage, asked())
    assert queries(stage) > before
    assert sorted(again.rows, key=str) == sorted(bill.rows, key=str)
