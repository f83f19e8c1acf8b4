"""`lamplighter spot`: who could run on spot, and who never."""

import json
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


CSV = """\
region,product,sku,kind,usd_per_hour
westeurope,Virtual Machines Dsv5 Series,D4s v5,ondemand,0.23
westeurope,Virtual Machines Dsv5 Series,D4s v5,lowpriority,0.04
westeurope,Virtual Machines Dsv5 Series Windows,D4s v5,ondemand,0.41
westeurope,Virtual Machines Dsv5 Series,D4s v5,spot,0.0425
"""
LISTED = {
    "armRegionName": "westeurope", "armSkuName": "Standard_D4s_v5", "currencyCode": "USD", "type": "Consumption",
    "unitOfMeasure": "1 Hour", "effectiveStartDate": "2026-11-01T00:00:00Z", "skuName": "D4s v5", "meterName": "D4s v5",
    "productName": "Virtual Machines Dsv5 Series", "retailPrice": 0.23,
}  # fmt: skip
SPOT = {**LISTED, "skuName": "D4s v5 Spot", "meterName": "D4s v5 Spot", "retailPrice": 0.05}
LOW = {**LISTED, "skuName": "D4s v5 Low Priority", "meterName": "D4s v5 Low Priority", "retailPrice": 0.01}
WINDOWS = {**LISTED, "productName": "Virtual Machines Dsv5 Series Windows", "retailPrice": 0.41}
PLACE = {"location": "westeurope", "sku": {"name": "standard_d4s_v5"}}
ROWS = [
    {**PLACE, "type": "microsoft.compute/skuspotevictionrate/location", "properties": {"evictionRate": "5-10"}},
    {**PLACE, "type": "microsoft.compute/skuspotpricehistory/ostype/location",
     "properties": {"osType": "windows", "spotPrices": [{"priceUSD": 0.2}]}},
    {**PLACE, "type": "microsoft.compute/skuspotpricehistory/ostype/location",
     "properties": {"osType": "linux", "spotPrices": [{"priceUSD": 0.04}, {"priceUSD": 0.09}]}},
    {"location": "westeurope"},
]  # fmt: skip
APPS = "clusters:\n  - {name: web-dev, pools: [{name: system, mode: System, count: 2}, {name: apps, count: 4}]}\n"


def told_of_files(run, room, **files):
    (room / "apps.yaml").write_text(APPS, encoding="utf-8")
    words = []
    for name, text in files.items():
        (room / name).write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
        words += ["--prices", name]
    said = run("spot", "--fleet", "apps.yaml", *words, "--json")
    [apps] = [row for row in said.json["pools"] if row["pool"] == "apps"]
    return apps, run("spot", "--fleet", "apps.yaml", *words)


def test_a_table_of_prices_without_a_network(run, room):
    apps, shown = told_of_files(run, room, table=CSV)
    assert (apps["verdict"], apps["on_demand"]["amount"], apps["spot"]["amount"]) == ("could", "0.23", "0.0425")
    assert apps["estimated_saving_a_month"]["amount"] == str(Decimal("0.1875") * 730 * 4)
    assert "how often nodes are taken back is unknown for some pools" in shown.err


def test_what_the_api_and_resource_graph_answered(run, room):
    """Neither Low Priority nor Windows; the market's own price before the listed one; the bucket as a risk."""
    apps, shown = told_of_files(run, room, items={"Items": [LISTED, SPOT, LOW, WINDOWS]}, rows={"data": ROWS})
    assert (apps["on_demand"]["amount"], apps["spot"]["amount"], apps["eviction_rate"]) == ("0.23", "0.04", "5-10")
    assert "every 10 to 20 hours" in apps["why"]
    assert shown.err == ""


def test_pages_in_a_list_and_a_price_that_is_told_twice(run, room):
    apps, _ = told_of_files(run, room, items=[{"Items": [LISTED]}, {"Items": [SPOT]}])
    assert apps["verdict"] == "could"
    twice = CSV + "westeurope,Virtual Machines Dsv5 Series,D4s v5,spot,0.05\n"
    apps, shown = told_of_files(run, room, table=twice)
    assert (apps["verdict"], apps["estimated_saving_a_month"]) == ("unknown", None)
    assert "the prices of 1 pool are unknown, and nothing is recommended" in shown.err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("region,sku,kind\n", "has no column usd_per_hour"),
        ("{", "this is no JSON"),
        ('{"Items": []}', "holds no price of a virtual machine"),
        ("[1, 2]", "holds no price of a virtual machine"),
    ],
)
def test_a_file_that_holds_no_prices_is_one_sentence(run, room, text, why):
    (room / "bad").write_text(text, encoding="utf-8")
    said = run("spot", "--fleet", "fleet.yaml", "--prices", "bad")
    assert (said.code, said.out) == (2, "")
    assert why in said.err
    assert len(said.err.splitlines()) == 1


def test_prices_that_are_not_there_are_one_sentence(run, room):
    for name in ("nowhere.json", "."):
        said = run("spot", "--fleet", "fleet.yaml", "--prices", name)
        assert (said.code, len(said.err.splitlines())) == (2, 1)


def test_what_is_printed_for_workloads_and_policies_is_yaml_that_works():
    from ruamel.yaml import YAML

    from lamplighter.commands.spot import WORKLOAD
    from tests.policy.builders import policy

    blocks = [part for part in WORKLOAD.split("\n\n") if part.startswith("  ")]
    pod, rules = (YAML(typ="safe").load(block) for block in blocks)
    assert pod["tolerations"][0]["effect"] == "NoSchedule"
    [term] = pod["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    [wanted] = term["preference"]["matchExpressions"]
    assert (wanted["key"], wanted["values"]) == (pod["tolerations"][0]["key"], [pod["tolerations"][0]["value"]])
    assert [rule.name for rule in policy(blocks[1]).rules] == [rules[0]["name"]]


def test_bad_input_is_one_sentence(run):
    told_ = run("spot", "--fleet", "nowhere.json")
    assert (told_.code, told_.out) == (2, "")
    assert "no such file" in told_.err
