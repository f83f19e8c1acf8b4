"""`lamplighter spot`: who could run on spot, and who never."""

from dataclasses import replace
from decimal import Decimal

import pytest

from lamplighter.simulator import World, serve
from lamplighter.spot_advice import RATES, advise, risk
from shared.clients.spot_offers import SpotOffer
from shared.model.fleet import Power
from shared.model.money import ListPrice, Money
from tests.policy.builders import SYSTEM, cluster, pool

SIZE = "standard_d4s_v5"
HERE = ("westeurope", SIZE)


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


PRICES = {HERE: ListPrice(usd("0.23"), usd("0.05"))}
OFFERS = {HERE: SpotOffer(usd("0.04"), "5-10")}


def apps(**more):
    return replace(pool("apps", count=4, priority="Regular", os_type="Linux", vm_size="Standard_D4s_v5"), **more)


def told(*pools, prices=PRICES, offers=OFFERS, **more):
    seen = replace(cluster(), location="westeurope", power=Power.RUNNING, pools=(SYSTEM, *pools), **more)
    return {one.pool.name: one for one in advise(seen, prices, offers)}


def test_a_pool_that_could_with_todays_price_its_saving_and_its_risk():
    found = told(apps())["apps"]
    assert (found.verdict, found.rate, found.spot) == ("could", "5-10", usd("0.04"))
    assert found.saving == usd(str(Decimal("0.19") * 730 * 4))
    assert "a node is taken back every 10 to 20 hours" in found.why
    assert "apps to fall back on" in found.why


def test_without_the_market_the_list_price_counts_and_the_risk_is_unknown():
    found = told(apps(), offers={})["apps"]
    assert (found.spot, found.rate) == (usd("0.05"), None)
    assert "not known" in found.why


def test_unknown_prices_are_no_recommendation():
    assert told(apps(), prices={}, offers={})["apps"].verdict == "unknown"
    dear = {HERE: ListPrice(usd("0.04"), usd("0.05"))}
    assert told(apps(), prices=dear, offers={})["apps"].verdict == "no"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mode": "System"}, "AKS keeps those off spot"),
        ({"os_type": "Windows"}, "only Linux"),
        ({"kind": "VirtualMachines"}, "no scale set"),
        ({"count": 1}, "a single node"),
        ({"count": 0}, "no nodes run"),
        ({"power": Power.STOPPED}, "no nodes run"),
    ],
)
def test_who_never(change, why):
    found = told(apps(**change))["apps"]
    assert (found.verdict, found.saving) == ("no", None)
    assert why in found.why


def test_system_pools_never_even_where_they_are_large():
    assert {one.verdict for one in told(apps()).values() if one.pool.mode == "System"} == {"no"}


def test_a_single_node_with_another_pool_to_fall_back_on_could():
    assert told(apps(count=1), apps(name="other"))["apps"].verdict == "could"


def test_spot_pools_say_what_they_fall_back_on():
    spot = apps(name="spot1", priority="Spot")
    assert told(spot, apps())["spot1"].why == "on spot already, with apps to fall back on"
    assert "name it in a group" in told(spot)["spot1"].why


def test_every_bucket_is_said_in_words():
    assert all("taken back every" in risk(bucket) for bucket in RATES)
    assert risk("strange") == risk(None)


def test_the_command_against_an_azure(run, room, monkeypatch):
    pools = [
        {"name": "system", "mode": "System", "count": 2},
        {"name": "apps", "count": 4},
        {"name": "win", "count": 2, "os": "Windows"},
    ]
    market = {"spot": [{"location": "westeurope", "size": "Standard_D4s_v5", "price": 0.04, "eviction_rate": "5-10"}]}
    world = World.from_fleet({"clusters": [{"name": "web-dev", "pools": pools}], "market": market})
    with serve(world) as server:
        for name, value in {
            **server.environment,
            "LAMPLIGHTER_CLOUD": server.arm_url,
            "LAMPLIGHTER_CA_FILE": server.ca_file,
        }.items():
            monkeypatch.setenv(name, value)
        shown, wanted = run("spot"), run("spot", "--json", "--all")
    assert (shown.code, shown.err) == (0, "")
    assert "1 could run on spot" in shown.out
    assert "preferredDuringSchedulingIgnoredDuringExecution" in shown.out
    rows = {row["pool"]: row for row in wanted.json["pools"]}
    assert {name: row["verdict"] for name, row in rows.items()} == {"system": "no", "apps": "could", "win": "no"}
    assert rows["apps"]["eviction_rate"] == "5-10"
    assert rows["apps"]["spot"] == {"amount": "0.04", "currency": "USD"}
    assert world.unknown == []


def test_bad_input_is_one_sentence(run):
    told_ = run("spot", "--fleet", "nowhere.json")
    assert (told_.code, told_.out) == (2, "")
    assert "no such file" in told_.err
