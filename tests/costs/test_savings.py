"""Realised saving: what earns, what does not, and what is taken off."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from shared.model.billing import Question
from shared.model.money import ListPrice, Money
from shared.model.savings import Confidence, SavingKind
from tests.costs.saving_worlds import (
    ADOPTED,
    DAY,
    HOUR,
    MINUTE,
    PRICED,
    WEEK,
    Story,
    bill,
    pool,
    row,
    steady,
    week,
)

EUR = "EUR"
NIGHT = ADOPTED + 19 * HOUR


def one_night(story: Story, hours: int = 10) -> Story:
    """Stopped on Monday at 19:00 by us, started again, seen each time."""
    story.stops(NIGHT - 2 * MINUTE, NIGHT)
    story.looks(NIGHT + MINUTE, pool(power="Stopped"), power="Stopped")
    story.starts(NIGHT + hours * HOUR, NIGHT + hours * HOUR + 3 * MINUTE)
    return story.looks(NIGHT + hours * HOUR + 5 * MINUTE, pool())


def test_a_night_earns_what_its_nodes_were_billed_for_when_they_ran():
    found = week(one_night(steady()))
    (saving,) = found.savings
    assert (saving.gross, saving.node_hours, saving.net) == (8, 40, 8)
    assert (saving.kind, saving.rule, saving.confidence) == (SavingKind.OFF, "nights", Confidence.MEASURED)
    assert len(found.ledger) == 10
    assert {line.node_hours for line in found.ledger} == {4}
    assert found.before_own_cost(EUR) == 8
    assert "lower bound" in found.method


def test_a_week_in_which_nothing_was_done_claims_exactly_nothing():
    found = week(steady())
    assert (found.savings, found.ledger, found.avoided, found.problems) == ((), (), (), ())
    assert found.before_own_cost(EUR) == 0


def test_a_cluster_that_others_stopped_every_night_earns_nothing():
    story = Story().looks(ADOPTED - 4 * WEEK, pool())
    for day in range(28):
        evening = ADOPTED - 4 * WEEK + day * DAY + 18 * HOUR
        story.looks(evening, pool(power="Stopped"), power="Stopped").looks(evening + 12 * HOUR, pool())
    found = week(one_night(story.adopted()))
    assert (found.ledger, found.gross(EUR)) == ((), 0)
    # It was started an hour before people used to, and the next evening nobody stopped it.
    assert found.savings[0].wake_ups == 4 * (1 + 11) * Decimal("0.2")


def test_two_nights_of_four_by_hand_are_enough_to_earn_nothing_there():
    """The lower median: what ran in two weeks of four did not surely run."""
    story = Story().looks(ADOPTED - 4 * WEEK, pool())
    for number in (0, 2):
        monday = ADOPTED - 4 * WEEK + number * WEEK + 18 * HOUR
        story.looks(monday, pool(power="Stopped"), power="Stopped").looks(monday + 14 * HOUR, pool())
    assert week(one_night(story.adopted())).ledger == ()


def test_the_autoscaler_would_have_shrunk_it_too():
    story = Story().looks(ADOPTED - 4 * WEEK, pool(autoscaling=True, min=1, max=9))
    for day in range(28):
        evening = ADOPTED - 4 * WEEK + day * DAY + 18 * HOUR
        night = pool(count=1, autoscaling=True, min=1, max=9)
        story.looks(evening, night).looks(evening + 14 * HOUR, pool(autoscaling=True, min=1, max=9))
    (saving,) = week(one_night(story.adopted())).savings
    assert saving.node_hours == 10


def test_never_more_than_ran_when_the_stop_was_taken():
    story = steady().looks(ADOPTED + HOUR, pool(count=1))
    story.stops(NIGHT, NIGHT).looks(NIGHT, pool(power="Stopped"), power="Stopped")
    (saving,) = week(story, until=NIGHT + 10 * HOUR).savings
    assert saving.node_hours == 10


def test_without_a_baseline_an_autoscaled_pool_counts_with_its_minimum_and_the_rest_apart():
    scaled = {"autoscaling": True, "min": 1, "max": 9}
    story = Story().looks(ADOPTED, pool(**scaled)).adopted().stops(NIGHT, NIGHT)
    prices = {("westeurope", "standard_d4s_v5"): ListPrice(Money(Decimal("0.25"), "USD"))}
    found = week(story, until=NIGHT + 10 * HOUR, prices=prices)
    (saving,) = found.savings
    assert (saving.node_hours, saving.confidence) == (10, Confidence.MINIMUM)
    (avoided,) = found.avoided
    assert (avoided.node_hours, avoided.amount) == (30, Money(Decimal("7.5"), "USD"))
    assert "minimum" in avoided.why


def test_without_a_baseline_a_pool_of_fixed_size_counts_with_that_size():
    story = Story().looks(ADOPTED, pool()).adopted().stops(NIGHT, NIGHT)
    found = week(story, until=NIGHT + 10 * HOUR)
    assert [(one.node_hours, one.confidence) for one in found.savings] == [(40, Confidence.MINIMUM)]
    assert found.avoided == ()


def test_fewer_weeks_before_adoption_are_said_so():
    (saving,) = week(one_night(steady(weeks=2))).savings
    assert (saving.node_hours, saving.confidence) == (40, Confidence.PARTLY)


def test_hours_that_nobody_looked_at_earn_nothing_and_are_counted():
    from shared.costs.past import pasts
    from shared.costs.savings import Known, saved
    from shared.model.records import HistoryRecord
    from tests.costs.saving_worlds import PERIOD

    story = one_night(steady())
    gap = HistoryRecord(NIGHT + 8 * HOUR, "fleet", "gap", "g", {"since": (NIGHT + 2 * HOUR).isoformat()})
    records = sorted([*story.records, gap], key=lambda record: record.at)
    found = saved(pasts(records, ADOPTED + WEEK), PERIOD, Known((PRICED,), lambda at: at, {}))
    (saving,) = found.savings
    assert (saving.node_hours, saving.unknown_hours) == (16, 6)


def test_hours_after_the_last_look_earn_nothing():
    story = steady().stops(NIGHT, NIGHT)
    (saving,) = week(story, until=NIGHT + 3 * HOUR).savings
    assert saving.node_hours == 12


def test_only_hours_of_the_period_count():
    story = steady().stops(ADOPTED + 6 * DAY + 20 * HOUR, ADOPTED + 6 * DAY + 20 * HOUR)
    (saving,) = week(story, until=ADOPTED + 9 * DAY).savings
    assert saving.node_hours == 16


def test_a_node_hour_is_claimed_by_the_decision_that_took_it_down_first():
    pools = (pool("system", 1), pool())
    story = steady("web", 4, *pools).stops(NIGHT, NIGHT, "pool-stop", pool="work")
    story.stops(NIGHT + 2 * HOUR, NIGHT + 2 * HOUR, "cluster-stop")
    found = week(
        story, until=NIGHT + 4 * HOUR, bills=[PRICED, bill(row(date(2026, 11, 1), "2.4", "24", pool="system"))]
    )
    claimed = {}
    for line in found.ledger:
        claimed[line.pool, line.decision] = claimed.get((line.pool, line.decision), 0) + line.node_hours
    assert claimed == {("work", "pool-stop"): 16, ("system", "cluster-stop"): 2}


# --- prices ---


def test_without_a_bill_nothing_is_realised_and_the_estimate_stands_apart():
    prices = {("westeurope", "standard_d4s_v5"): ListPrice(Money(Decimal("0.25"), "USD"))}
    found = week(one_night(steady()), bills=[bill(problem="403")], prices=prices)
    assert found.before_own_cost(EUR) == 0
    assert [one.amount for one in found.avoided] == [Money(Decimal(10), "USD")]
    assert found.problems[0] == "403"
    assert "40.0 hours under the rule nights are unknown" in found.problems[1]


def test_a_price_that_nobody_knows_is_not_invented_for_the_estimate_either():
    (avoided,) = week(one_night(steady()), bills=[]).avoided
    assert avoided.amount is None


def test_the_price_is_that_of_the_nearest_day_on_which_it_ran():
    bills = [
        bill(
            row(date(2026, 10, 20), "10", "10"),
            row(date(2026, 10, 30), "20", "10"),
            row(date(2026, 11, 20), "90", "10"),
        )
    ]
    assert week(one_night(steady()), bills=bills).savings[0].gross == 80


def test_a_pool_that_never_ran_on_demand_has_the_price_of_its_like():
    pools = [steady("api"), one_night(steady())]
    bills = [bill(row(date(2026, 11, 1), "30", "100", name="api"))]
    assert week(*pools, bills=bills).savings[0].gross == 12


def test_two_currencies_on_one_day_are_no_price():
    bills = [bill(row(date(2026, 11, 1), "10", "10"), row(date(2026, 11, 1), "10", "10", currency="USD"))]
    assert week(one_night(steady()), bills=bills).savings == ()


def test_two_currencies_are_never_added_up():
    bills = [bill(row(date(2026, 11, 1), "10", "10"), row(date(2026, 11, 1), "20", "10", name="api", currency="USD"))]
    found = week(one_night(steady()), one_night(steady("api")), bills=bills, own_cost={"EUR": Decimal(5)})
    assert found.currencies == ("EUR", "USD")
    assert (found.gross("EUR"), found.gross("USD")) == (40, 80)
    assert (found.net("EUR"), found.net("USD")) == (35, 80)


def test_a_refund_is_no_price():
    bills = [bill(row(date(2026, 11, 2), "-50", "10"), row(date(2026, 11, 1), "2", "10"))]
    assert week(one_night(steady()), bills=bills).savings[0].gross == 8


def test_data_transfer_on_a_scale_set_does_not_count_as_hours():
    transfer = row(date(2026, 11, 1), "50", "3", service_name="Bandwidth", unit="1 GB")
    machine = row(date(2026, 11, 1), "2", "10", service_name="Virtual Machines", unit="1 Hour")
    assert week(one_night(steady()), bills=[bill(transfer, machine)]).savings[0].gross == 8


def test_own_cost_is_taken_off_and_unknown_own_cost_leaves_no_net():
    assert week(one_night(steady()), own_cost={EUR: Decimal("1.5")}).net(EUR) == Decimal("6.5")
    assert week(one_night(steady())).net(EUR) is None


# --- commitments ---


def unused(
    hours: str, meter: str = "D4s v5", cost: str = "1", region: str = "westeurope", day: date = date(2026, 11, 2)
):
    more = {"resource_id": "", "resource_group": "", "pricing_category": "Committed"}
    line = row(day, cost, hours, commitment_discount_status="Unused", region=region, meter=meter, **more)
    return bill(line, question=Question.UNUSED)


def test_hours_that_a_reservation_would_have_covered_are_freed_outside_the_total():
    """Five hours of the night lie on Monday: 20 node-hours, of which 8 are covered."""
    found = week(one_night(steady()), bills=[PRICED, unused("8")])
    (saving,) = found.savings
    assert (saving.gross, saving.node_hours, saving.commitment_hours_freed) == (Decimal("6.4"), 32, 8)
    assert found.commitment_hours_freed() == 8


@pytest.mark.parametrize(
    ("meter", "region", "freed"),
    [
        ("D8s v5", "westeurope", 16),
        ("E4s v5", "westeurope", 0),
        ("D4s v5", "northeurope", 0),
        ("D4 v5", "westeurope", 0),
    ],
)
def test_a_reservation_covers_its_family_in_its_region(meter, region, freed):
    found = week(one_night(steady()), bills=[PRICED, unused("8", meter, region=region)])
    assert found.commitment_hours_freed() == freed


def test_a_commitment_of_unknown_size_is_put_against_anything_at_four_times_its_cost():
    found = week(one_night(steady()), bills=[PRICED, unused("1", "Compute Savings Plan", cost="0.4")])
    assert found.savings[0].gross == 8 - Decimal("1.6")


def test_the_dearest_hours_of_the_day_are_put_against_a_commitment_first():
    cheap, dear = one_night(steady()), one_night(steady("api"))
    bills = [PRICED, bill(row(date(2026, 11, 1), "40", "100", name="api")), unused("20")]
    found = {
        one.cluster.rpartition("/")[2]: one.commitment_hours_freed for one in week(cheap, dear, bills=bills).savings
    }
    assert found == {"api": 20, "web": 0}


def test_commitments_on_a_bill_that_is_not_read_count_by_the_share_they_covered():
    bills = [bill(row(date(2026, 11, 1), "2", "10"), row(date(2026, 11, 1), "4", "30", pricing_category="Committed"))]
    (saving,) = week(one_night(steady()), bills=bills).savings
    assert (saving.commitment_hours_freed, saving.gross) == (30, 2)


# --- what is taken off ---


def test_nodes_that_a_start_brings_before_they_are_needed_are_taken_off():
    story = Story().looks(ADOPTED - 4 * WEEK, pool(autoscaling=True, min=1, max=9))
    for day in range(28):
        evening = ADOPTED - 4 * WEEK + day * DAY + 18 * HOUR
        low, high = pool(count=1, autoscaling=True, min=1, max=9), pool(autoscaling=True, min=1, max=9)
        story.looks(evening, low).looks(evening + 14 * HOUR, high)
    (saving,) = week(one_night(story.adopted())).savings
    assert saving.wake_ups == 3 * Decimal("0.2")
    assert saving.net == saving.gross - saving.wake_ups


def test_a_start_hours_before_people_used_to_come_is_taken_off_until_they_would_have_come():
    """By hand it ran from 06:00 to 18:00; we start it at 02:00."""
    story = Story().looks(ADOPTED - 4 * WEEK, pool(power="Stopped"), power="Stopped")
    for day in range(28):
        morning = ADOPTED - 4 * WEEK + day * DAY + 6 * HOUR
        story.looks(morning, pool()).looks(morning + 12 * HOUR, pool(power="Stopped"), power="Stopped")
    night = ADOPTED + DAY + 2 * HOUR
    story.adopted().looks(ADOPTED + 6 * HOUR, pool()).stops(ADOPTED + 18 * HOUR, ADOPTED + 18 * HOUR)
    story.starts(night, night + 3 * MINUTE).looks(night + 5 * MINUTE, pool())
    found = week(story, until=night + 9 * HOUR)
    (saving,) = found.savings
    assert saving.gross == 0
    assert saving.wake_ups == pytest.approx(4 * (4 + Decimal(5) / 60) * Decimal("0.2"), abs=Decimal("0.1"))


def test_more_nodes_than_before_while_people_work_are_not_a_starts_doing():
    story = one_night(steady()).looks(NIGHT + 13 * HOUR, pool(count=9))
    (saving,) = week(story).savings
    assert saving.wake_ups == 0


def test_surge_nodes_of_our_upgrades_are_taken_off():
    story = steady("web", 4, pool(surge="2"))
    story.record(NIGHT, "accepted", "u", kind="upgrade_node_image", pool="work", rule="rings")
    story.record(NIGHT + HOUR, "succeeded", "u", kind="upgrade_node_image", pool="work", rule="rings")
    (saving,) = week(story).savings
    assert (saving.kind, saving.gross, saving.surge, saving.net) == (
        SavingKind.UPGRADE,
        0,
        Decimal("0.4"),
        Decimal("-0.4"),
    )


def test_extra_nodes_that_no_bill_prices_are_told():
    story = steady("web", 4, pool(surge="2"))
    story.record(NIGHT, "accepted", "u", kind="upgrade_pool", pool="work", rule="rings")
    story.record(NIGHT + HOUR, "succeeded", "u", kind="upgrade_pool", pool="work", rule="rings")
    assert "extra nodes of work" in week(story, bills=[]).problems[0]


# --- spot ---

SPOT_PRICED = bill(
    row(date(2026, 11, 1), "19.2", "96", pool="ondemand"),
    row(date(2026, 11, 3), "0.96", "24", pool="spot", pricing_category="Dynamic"),
)
"""0.20 on demand, 0.04 as spot."""


def groups(on_demand: int, spot: int) -> tuple[dict, dict]:
    return pool("ondemand", on_demand), pool("spot", spot, priority="Spot")


def on_spot(spot: int, left: int = 1) -> Story:
    """Six on demand before; from Monday noon on one of them is left, and so many spot nodes are there."""
    noon = ADOPTED + 12 * HOUR
    story = steady("web", 4, *groups(6, 0))
    story.record(noon, "succeeded", "grow-1", kind="grow_pool", pool="spot", rule="spot", group="spot/web")
    story.record(noon, "succeeded", "shrink-1", kind="shrink_pool", pool="ondemand", rule="spot", group="spot/web")
    return story.looks(noon, *groups(left, spot))


def test_spot_earns_the_billed_difference_for_the_nodes_it_replaced():
    (saving,) = week(on_spot(5), bills=[SPOT_PRICED], until=ADOPTED + 22 * HOUR).savings
    assert (saving.kind, saving.node_hours, saving.gross, saving.surplus) == (
        SavingKind.SPOT,
        50,
        50 * Decimal("0.16"),
        0,
    )


def test_spot_nodes_beyond_what_they_replaced_are_surplus():
    (saving,) = week(on_spot(7), bills=[SPOT_PRICED], until=ADOPTED + 22 * HOUR).savings
    assert (saving.node_hours, saving.surplus) == (50, 20 * Decimal("0.04"))


def test_nodes_that_nothing_replaced_earn_nothing():
    """Demand fell, or spot was taken away: that is no saving."""
    (saving,) = week(on_spot(2), bills=[SPOT_PRICED], until=ADOPTED + 22 * HOUR).savings
    assert saving.node_hours == 20


def test_a_spot_price_that_no_bill_tells_earns_nothing():
    found = week(on_spot(5), bills=[PRICED], until=ADOPTED + 22 * HOUR)
    assert found.before_own_cost(EUR) == 0
    assert found.avoided[0].node_hours == 50


def test_a_group_at_night_is_the_stops_and_not_the_moves():
    """What would have run at night is six nodes on demand, since spot stood in for them."""
    story = on_spot(5).stops(NIGHT, NIGHT)
    found = week(story, bills=[SPOT_PRICED], until=NIGHT + 2 * HOUR)
    by_kind = {one.kind: one for one in found.savings}
    assert by_kind[SavingKind.SPOT].node_hours == 35
    assert by_kind[SavingKind.OFF].node_hours == 12
    assert by_kind[SavingKind.OFF].gross == 12 * Decimal("0.2")


def test_no_hour_of_a_group_is_claimed_by_two():
    found = week(on_spot(5).stops(NIGHT, NIGHT), bills=[SPOT_PRICED], until=NIGHT + 2 * HOUR)
    assert len({line.key for line in found.ledger}) == len(found.ledger)
    hours: dict = {}
    for line in found.ledger:
        hours[line.pool, line.hour] = hours.get((line.pool, line.hour), 0) + line.node_hours
    assert max(hours.values()) <= 6


# --- hours of the week are local ---


def test_the_hour_of_the_week_is_that_of_the_people_there():
    """Across the end of summer time, what people do at 20:00 is compared with what they did at 20:00."""
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")

    def local(at: datetime) -> datetime:
        return at.astimezone(berlin)

    story = Story().looks(ADOPTED - 4 * WEEK, pool())
    for day in range(28):
        at = (ADOPTED + (day - 28) * DAY).astimezone(berlin).replace(hour=20, minute=0)
        evening = at.astimezone(UTC)
        story.looks(evening, pool(power="Stopped"), power="Stopped").looks(evening + 10 * HOUR, pool())
    story.adopted()
    evening = datetime(2026, 11, 3, 18, tzinfo=UTC)
    story.stops(evening, evening)
    found = week(story, until=evening + 3 * HOUR, local=local)
    assert {line.hour for line in found.ledger} == {evening}
    assert week(story, until=evening + 3 * HOUR, local=lambda at: at + timedelta(0)).savings == ()
