"""What a cheaper tier saved: hours in which the cluster ran, at what its control plane was billed before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.costs import standing
from shared.costs.past import pasts
from shared.model.billing import Bill, Period, Question
from shared.model.costs import CostRow
from shared.model.savings import SavingKind, SavingsWeek
from tests.costs.saving_worlds import ADOPTED, DAY, HOUR, MINUTE, PERIOD, SUB, WEEK, Story, bill, cluster, pool, week

RULE = "free-tier"
BEFORE = ADOPTED.date() - DAY


def billed(day: date, cost: str, name: str = "web", **more: Any) -> CostRow:
    known = {"resource_id": cluster(name), "resource_group": "rg", "service_name": "Azure Kubernetes Service"}
    return CostRow(day, None, Decimal(cost), more.pop("currency", "EUR"), **{**known, **more})


PAID = bill(billed(BEFORE, "2.4"), question=Question.COSTS)
"""0.10 EUR an hour."""


def standard(name: str = "web", weeks: int = 4) -> Story:
    return Story(name).looks(ADOPTED - weeks * WEEK, pool(), tier="Standard").adopted()


def lowered(story: Story, at=ADOPTED, took: timedelta = 5 * MINUTE) -> Story:
    story.record(at, "accepted", "tier-1", kind="set_tier", rule=RULE)
    story.record(at + took, "succeeded", "tier-1", kind="set_tier", rule=RULE)
    return story.looks(at + took + 15 * MINUTE, pool(), tier="Free")


def told(*stories: Story, costs: Iterable[Bill] = (PAID,), **known: Any) -> SavingsWeek:
    return week(*stories, costs=tuple(costs), **known)


def test_each_hour_in_which_it_ran_earns_what_its_control_plane_was_billed():
    found = told(lowered(standard(), at=ADOPTED + DAY - 5 * MINUTE))

    (saving,) = found.savings
    assert (saving.kind, saving.rule, saving.gross, saving.node_hours) == (SavingKind.TIER, RULE, Decimal("14.4"), 144)
    assert {(row.pool, row.decision, row.committed_hours) for row in found.ledger} == {("", "tier-1", 0)}
    assert len(found.ledger) == 144


def test_a_control_plane_that_is_stopped_would_not_have_been_billed():
    story = lowered(standard(), took=timedelta(0))
    story.stops(ADOPTED + DAY, ADOPTED + DAY).looks(ADOPTED + DAY + 5 * MINUTE, pool(), power="Stopped", tier="Free")

    tier = [one for one in told(story).savings if one.kind is SavingKind.TIER]
    assert [one.node_hours for one in tier] == [24]


def test_who_raises_it_again_ends_it_and_a_late_inventory_does_not():
    story = standard()
    story.record(ADOPTED, "accepted", "tier-1", kind="set_tier", rule=RULE)
    story.record(ADOPTED, "succeeded", "tier-1", kind="set_tier", rule=RULE)
    story.looks(ADOPTED + 2 * MINUTE, pool(), tier="Standard").looks(ADOPTED + 20 * MINUTE, pool(), tier="Free")
    assert told(story).savings[0].node_hours == 168

    story.looks(ADOPTED + DAY, pool(), tier="Standard")
    (saving,) = told(story).savings
    assert 23 <= saving.node_hours <= 24


def test_without_a_bill_of_before_it_has_the_price_of_its_like_or_is_an_estimate():
    like = standard("api")
    costs = bill(billed(BEFORE, "2.4", "api"), question=Question.COSTS)
    found = told(lowered(standard()), like, costs=[costs])
    assert {one.cluster: one.gross for one in found.savings} == {cluster("web"): Decimal("16.791667")}

    free = Story("api").looks(ADOPTED - 4 * WEEK, pool(), tier="Free").adopted()
    found = told(lowered(standard()), free, costs=[costs])
    assert found.savings == ()
    assert [one.why for one in found.avoided] == [
        "no bill that could be read tells what an hour of the tier Standard cost"
    ]
    assert found.avoided[0].amount is None, "no list price of nodes is one of a control plane"


@pytest.mark.parametrize(
    "rows",
    [
        [billed(BEFORE, "2.4"), billed(BEFORE, "2.4", currency="USD")],
        [billed(BEFORE, "-2.4")],
        [billed(BEFORE, "2.4", service_name="Microsoft Defender for Cloud", resource_id="")],
        [billed(ADOPTED.date() + DAY, "2.4")],
    ],
    ids=["two currencies", "a refund", "another resource", "after the change"],
)
def test_what_is_no_price_of_the_tier_before_earns_nothing(rows):
    assert told(lowered(standard()), costs=[bill(*rows, question=Question.COSTS)]).savings == ()


def test_a_day_on_which_it_ran_for_some_hours_tells_the_price_of_an_hour():
    story = Story().looks(ADOPTED - 4 * WEEK, pool(), tier="Standard").adopted(ADOPTED - DAY)
    story.stops(ADOPTED - DAY + 10 * HOUR, ADOPTED - DAY + 10 * HOUR)
    story.starts(ADOPTED, ADOPTED, "start-2").looks(ADOPTED + 1 * MINUTE, pool(), tier="Standard")
    costs = bill(billed(BEFORE, "1.0"), question=Question.COSTS)

    tier = [one for one in told(lowered(story, at=ADOPTED + 2 * MINUTE), costs=[costs]).savings
            if one.kind is SavingKind.TIER]  # fmt: skip
    assert round(tier[0].gross / tier[0].node_hours, 4) == Decimal("0.1")


def test_a_tier_that_was_unknown_before_earns_nothing():
    unknown = Story().looks(ADOPTED - WEEK, pool()).adopted()
    assert told(lowered(unknown)).savings == ()


def test_what_holds_is_handed_on_and_goes_on_earning():
    """Its decision is long past what is read of history."""
    past = lowered(standard()).past(ADOPTED + WEEK)
    document = standing.to_document(past, PERIOD)
    assert document is not None
    assert [one["before"] for one in document["tiered"]] == ["Standard"]

    begin = ADOPTED + 9 * WEEK
    later = Story().looks(begin, pool(), tier="Free")
    before = standing.from_document(cluster(), document)
    (tiered,) = pasts(later.records, begin + WEEK, [before], begin)[cluster()].tiered
    assert (tiered.before, tiered.end, tiered.rule) == ("Standard", begin + WEEK, RULE)
    assert standing.to_document(later.past(begin + WEEK), Period(begin.date(), (begin + WEEK).date())) is None
    assert SUB in cluster()
