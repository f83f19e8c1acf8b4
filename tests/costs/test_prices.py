"""Estimates at list price: every part known, or no number at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from shared.costs.prices import estimated_saving, hourly_price, pool_prices, price_key
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.money import ListPrice, Money


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


SYSTEM = NodePool("System", vm_size="Standard_D4s_v5", count=3, os_type="Linux", power=Power.RUNNING)
SPOT = NodePool("spot", vm_size="Standard_D8s_v5", count=2, priority="Spot", os_type="Linux", power=Power.RUNNING)
CLUSTER = Cluster(
    "/c", "c", "g", "s", location="West Europe", power=Power.RUNNING, tier="Standard", pools=(SYSTEM, SPOT)
)
PRICES = {
    ("westeurope", "standard_d4s_v5"): ListPrice(usd("0.23"), usd("0.0425")),
    ("westeurope", "standard_d8s_v5"): ListPrice(usd("0.46"), usd("0.085")),
}


def with_pool(**change) -> Cluster:
    return replace(CLUSTER, pools=(replace(SYSTEM, **change), SPOT))


def test_a_running_cluster_costs_its_nodes_and_its_tier():
    """3 x 0.23 on demand, 2 x 0.085 on spot, 0.10 for the Standard tier."""
    assert hourly_price(CLUSTER, PRICES) == usd("0.96")
    assert pool_prices(CLUSTER, PRICES) == {"system": usd("0.69"), "spot": usd("0.170")}


@pytest.mark.parametrize(("tier", "fee"), [("Free", "0"), ("standard", "0.10"), ("Premium", "0.60")])
def test_tiers_have_their_price(tier, fee):
    assert hourly_price(replace(CLUSTER, tier=tier), PRICES) == usd("0.86") + usd(fee)


def test_a_stopped_pool_adds_nothing():
    """Its count reads 0 anyway; what it costs when it runs is not known from this reading."""
    stopped = with_pool(power=Power.STOPPED, count=0)
    assert hourly_price(stopped, PRICES) == usd("0.270")
    assert pool_prices(stopped, PRICES) == {"spot": usd("0.170")}


@pytest.mark.parametrize(
    "cluster",
    [
        replace(CLUSTER, power=Power.STOPPED),
        replace(CLUSTER, power=Power.UNKNOWN),
        replace(CLUSTER, tier=None),
        replace(CLUSTER, tier="Platinum"),
        replace(CLUSTER, location="mars"),
        with_pool(count=None),
        with_pool(vm_size=None),
        with_pool(vm_size="Standard_X1"),
        with_pool(os_type="Windows"),
        with_pool(os_type=None),
        with_pool(power=Power.UNKNOWN),
    ],
)
def test_one_unknown_part_makes_the_whole_unknown(cluster):
    """A sum that silently leaves a pool out would promise too small a saving; Windows at Linux price too."""
    assert hourly_price(cluster, PRICES) is None


def test_a_spot_pool_is_never_priced_on_demand():
    """OpenCost and Infracost did: spot nodes at pay-as-you-go price, five times too much."""
    without = {**PRICES, ("westeurope", "standard_d8s_v5"): ListPrice(on_demand=usd("0.46"))}
    assert hourly_price(CLUSTER, without) is None
    assert pool_prices(CLUSTER, without) == {"system": usd("0.69")}


def test_two_currencies_are_never_added():
    euros = {key: ListPrice(Money(Decimal(1), "EUR"), Money(Decimal(1), "EUR")) for key in PRICES}
    assert hourly_price(CLUSTER, euros) is None


def test_no_nodes_cost_nothing_and_are_known():
    assert hourly_price(with_pool(count=0), PRICES) == usd("0.270")


@pytest.mark.parametrize(
    ("hourly", "hours", "saving"),
    [
        (usd("0.96"), timedelta(hours=12, minutes=30), usd("12.00")),
        (usd("0.96"), timedelta(0), usd("0")),
        (usd("0.96"), timedelta(hours=-1), None),
        (usd("0.96"), None, None),
        (None, timedelta(hours=1), None),
    ],
)
def test_a_saving_is_the_price_for_that_long(hourly, hours, saving):
    assert estimated_saving(hourly, hours) == saving


def test_regions_and_sizes_compare_without_case_and_spaces():
    assert price_key("West Europe", "STANDARD_D4S_V5") == price_key("westeurope", "Standard_D4s_v5")
