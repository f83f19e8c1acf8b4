"""Prices of node-hours from a bill, and which freed hours a commitment would have paid for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shared.costs.baseline import baselines, expected, from_document, hour_of_week, to_document
from shared.costs.commitments import Unused, family_of
from shared.costs.exports import read_export
from shared.costs.node_rates import node_rates, pool_of
from shared.model.billing import Basis, Bill, Period, Question, Source
from shared.model.costs import CostRow
from shared.model.past import ClusterPast
from shared.model.savings import Confidence
from tests.costs.saving_worlds import ADOPTED, DAY, HOUR, WEEK, Story, bill, cluster, pool, row

DAY_1 = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        (".../virtualmachinescalesets/aks-agentpool-42850074-vmss", "agentpool"),
        (".../virtualmachinescalesets/aks-nodepool1-12345678-vmss", "nodepool1"),
        (".../virtualmachinescalesets/aksnpwin", "npwin"),
        (".../virtualmachines/aks-gpu-12345678-vm3", "gpu"),
        (".../disks/aks-agentpool-42850074-vmss", None),
        (".../virtualmachinescalesets/web", None),
        ("", None),
    ],
)
def test_a_pool_is_told_by_the_name_that_aks_gives_its_machines(resource, name):
    assert pool_of(resource) == name


@pytest.mark.parametrize(
    ("size", "family"),
    [
        ("Standard_D4s_v5", ("ds5", 4)),
        ("D4s v5", ("ds5", 4)),
        ("Standard_E96ias_v4", ("eias4", 96)),
        ("Standard_E8-4s_v5", ("es5", 8)),
        ("D2 v2/DS2 v2", None),
        ("Standard_D13_v2", None),
        ("Compute Savings Plan 1 Year", None),
        ("", None),
    ],
)
def test_a_family_is_known_by_sizes_whose_names_tell_their_cores(size, family):
    assert family_of(size) == family


def past(name: str = "web") -> ClusterPast:
    return Story(name).looks(ADOPTED, pool()).past(ADOPTED + DAY)


def rates(*rows: CostRow, names: Iterable[str] = ("web",)):
    return node_rates([bill(*rows)], {cluster(name): past(name) for name in names})


def test_the_rate_of_a_day_is_cost_by_hours_of_that_day():
    found = rates(row(DAY_1, "3", "10"), row(DAY_1, "3", "20"), row(DAY_1 + timedelta(days=1), "9", "10"))
    key = (cluster(), "work")
    assert found.rate(key, "Standard", DAY_1, ("", "")).amount == Decimal("0.2")
    assert found.rate(key, "Standard", DAY_1 + timedelta(days=5), ("", "")).amount == Decimal("0.9")
    assert found.rate(key, "Standard", DAY_1 - timedelta(days=5), ("", "")).amount == Decimal("0.2")
    assert found.rate(key, "Dynamic", DAY_1, ("westeurope", "Standard_D4s_v5")) is None


def test_machines_of_a_cluster_that_history_does_not_know_price_nothing():
    found = rates(row(DAY_1, "3", "10", name="stranger"))
    assert found.rate((cluster(), "work"), "Standard", DAY_1, ("westeurope", "Standard_D4s_v5")) is None


@pytest.mark.parametrize("hours", ["0", "-3"])
def test_hours_that_are_none_are_no_divisor(hours):
    assert rates(row(DAY_1, "3", hours)).rate((cluster(), "work"), "Standard", DAY_1, ("", "")) is None


def test_figures_are_not_taken_for_node_hours_unless_they_are_an_export():
    of_everything = row(DAY_1, "30", "10")
    bills = [bill(of_everything, question=Question.COSTS)]
    assert node_rates(bills, {cluster(): past()}).rate((cluster(), "work"), "Standard", DAY_1, ("", "")) is None


def test_committed_hours_are_a_share_of_regular_ones():
    found = rates(row(DAY_1, "3", "10"), row(DAY_1, "3", "30", pricing_category="Committed"))
    assert found.committed_share((cluster(), "work")) == Decimal("0.75")
    assert found.committed_share((cluster("x"), "work")) == 0


def unused(meter: str, hours: str, cost: str = "1", region: str = "westeurope") -> Unused:
    found = Unused()
    more = {"commitment_discount_status": "Unused", "meter": meter, "region": region}
    found.add(row(DAY_1, cost, hours, resource_id="", resource_group="", **more))
    return found


def test_what_is_taken_is_used_up():
    left = unused("D8s v5", "3")
    here = ("West Europe", "Standard_D4s_v5")
    assert left.take(DAY_1, here, Decimal(4), Decimal("0.2")) == 4
    assert left.take(DAY_1, here, Decimal(4), Decimal("0.2")) == 2
    assert left.take(DAY_1, here, Decimal(4), Decimal("0.2")) == 0


def test_another_day_another_region_another_family_is_not_covered():
    left = unused("D8s v5", "3")
    assert left.take(DAY_1 + timedelta(days=1), ("westeurope", "Standard_D4s_v5"), Decimal(4), Decimal(1)) == 0
    assert left.take(DAY_1, ("northeurope", "Standard_D4s_v5"), Decimal(4), Decimal(1)) == 0
    assert left.take(DAY_1, ("westeurope", "Standard_D4as_v5"), Decimal(4), Decimal(1)) == 0
    assert left.take(DAY_1, ("westeurope", "odd"), Decimal(4), Decimal(1)) == 0


def test_a_commitment_without_a_size_covers_anything_up_to_four_times_its_cost():
    left = unused("Compute Savings Plan", "24", cost="1")
    assert left.take(DAY_1, ("westeurope", "odd"), Decimal(100), Decimal(2)) == 2
    assert left.take(DAY_1, ("westeurope", "odd"), Decimal(100), Decimal(2)) == 0


def test_looking_does_not_use_up_what_was_read():
    left = unused("D4s v5", "3")
    assert left.copy().take(DAY_1, ("westeurope", "Standard_D4s_v5"), Decimal(9), Decimal(1)) == 3
    assert left.take(DAY_1, ("westeurope", "Standard_D4s_v5"), Decimal(9), Decimal(1)) == 3


# --- baselines ---


def same(at: datetime) -> datetime:
    return at


def test_an_hour_that_was_half_observed_is_unknown():
    story = Story().looks(ADOPTED - HOUR - timedelta(minutes=30), pool()).adopted()
    base = baselines(story.past(ADOPTED + HOUR), same)["work"]
    assert base.nodes == {167: (Decimal(4),)}
    assert expected(base, 166) == (None, Confidence.MINIMUM)


def test_an_hour_in_which_it_changed_counts_with_its_mean():
    story = Story().looks(ADOPTED - 2 * HOUR, pool()).looks(ADOPTED - timedelta(minutes=30), pool(count=2)).adopted()
    nodes = baselines(story.past(ADOPTED + HOUR), same)["work"].nodes
    # Five minutes between two looks count with the smaller number.
    assert nodes[167] == ((Decimal(4) * 25 + Decimal(2) * 35) / 60,)


def test_only_four_weeks_before_adoption_count():
    story = Story().looks(ADOPTED - 9 * WEEK, pool()).adopted()
    base = baselines(story.past(ADOPTED + 3 * WEEK), same)["work"]
    assert {len(values) for values in base.nodes.values()} == {4}
    assert expected(base, 0) == (4, Confidence.MEASURED)


def test_a_cluster_that_is_not_adopted_has_no_baseline():
    assert baselines(Story().looks(ADOPTED, pool()).past(ADOPTED + WEEK), same) == {}


def test_a_baseline_survives_the_journal():
    story = Story().looks(ADOPTED - WEEK, pool(count=3)).adopted()
    made = baselines(story.past(ADOPTED + HOUR), same)
    assert from_document(cluster(), to_document(made)) == made
    for broken in ({"work": ["x"]}, {"work": ["2026-11-02T00:00:00+00:00", []]}, {"work": ["?", {}]}):
        with pytest.raises((KeyError, ValueError, TypeError)):
            from_document(cluster(), broken)


def test_the_week_begins_on_monday():
    assert hour_of_week(datetime(2026, 11, 2, 0, 30, tzinfo=UTC), same) == 0
    assert hour_of_week(datetime(2026, 11, 8, 23, 0, tzinfo=UTC), same) == 167


# --- real files ---


REFERENCE = os.environ.get("LAMPLIGHTER_REFERENCE")


@pytest.mark.skipif(not REFERENCE, reason="LAMPLIGHTER_REFERENCE names no reference data")
@pytest.mark.reference
def test_a_real_amortised_export_prices_the_nodes_of_a_real_cluster():
    reference = Path(REFERENCE or ".") / "data"
    lines = (
        (reference / "costs" / "finops_toolkit_EA_AmortizedCost_Small.csv").read_text(encoding="utf-8").splitlines(True)
    )
    rows = tuple(one for one in read_export(lines, "x", amortised=True) if isinstance(one, CostRow))
    statuses = {one.pricing_category: one.commitment_discount_status for one in rows}
    assert statuses == {"Committed": "Used", "Standard": ""}
    id_ = "/subscriptions/9ec51cfd-5ca7-4d76-8101-dd0a4abc5674/resourcegroups/analyticsengine/x/analyticsengine"
    known = ClusterPast(id_, "mc_analyticsengine_analyticsengine_eastus", "eastus")
    period = Period(date(2023, 9, 1), date(2023, 10, 1))
    found = node_rates(
        [Bill("x", period, Basis.AMORTISED, datetime(2023, 10, 9, tzinfo=UTC), rows, source=Source.EXPORT)],
        {id_: known},
    )
    rate = found.rate((id_, "agentpool"), "Committed", date(2023, 9, 22), ("", ""))
    assert (rate.amount, rate.currency) == (Decimal("0.061644"), "USD")
    # Data transfer of a scale set is in gigabytes, and no hour of a node.
    assert found.rate((id_, "agentpool"), "Standard", date(2023, 9, 17), ("", "")) is None
