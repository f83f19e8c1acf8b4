"""List prices from the Retail Prices API: the right meter, asked for once a day, and unknown when in doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import requests

from lamplighter.simulator import SimulatorCredential, SimulatorTransport, World
from shared.clients.azure import Cloud, endpoint_of
from shared.clients.fleet import inventory
from shared.clients.market import list_prices
from shared.costs.prices import hourly_price
from shared.errors import NoReply
from shared.model.fleet import Cluster, NodePool, Power, Scope
from shared.model.money import ListPrice, Money

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
SIZE = "Standard_D4s_v5"


class Kept:
    """A cache in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[dict, datetime]] = {}

    def prices(self, key):
        return self.rows.get(key)

    def put_prices(self, key, document, at):
        self.rows[key] = (document, at)


class Broken:
    """A journal that does not answer."""

    def prices(self, key):
        raise NoReply("the journal is away")

    def put_prices(self, key, document, at):
        raise NoReply("the journal is away")


def cluster(*sizes: str, location: str = "westeurope", **change) -> Cluster:
    pools = tuple(NodePool(f"p{n}", vm_size=size, count=1, power=Power.RUNNING) for n, size in enumerate(sizes))
    return Cluster("/c", "c", "g", "s", location=location, power=change.get("power", Power.RUNNING), pools=pools)


def item(price: object, size: str = SIZE, **change: object) -> dict[str, object]:
    return {
        "currencyCode": "USD",
        "retailPrice": price,
        "effectiveStartDate": "2026-01-01T00:00:00Z",
        "productName": "Virtual Machines Dsv5 Series",
        "skuName": "D4s v5",
        "meterName": "D4s v5",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "armSkuName": size,
        **change,
    }


SPOT = {"skuName": "D4s v5 Spot", "meterName": "D4s v5 Spot"}


def page(*items: dict[str, object], following: str | None = None) -> tuple[int, dict[str, object]]:
    return 200, {"BillingCurrency": "USD", "Items": list(items), "NextPageLink": following, "Count": len(items)}


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def test_linux_on_demand_and_spot_are_picked_from_all_the_meters_of_a_size(cloud, wire):
    """One size has meters for Windows, low priority, cloud services and dedicated hosts beside the two we mean."""
    wire.say(
        page(
            item(0.41, productName="Virtual Machines Dsv5 Series Windows"),
            item(0.046, skuName="D4s v5 Low Priority", meterName="D4s v5 Low Priority"),
            item(0.5, productName="Dsv5 Series Cloud Services"),
            item(5.06, productName="DSv5 Series Dedicated Host"),
            item(900, type="Reservation"),
            item(0.19, unitOfMeasure="1 Month"),
            item(0.23),
            item(0.9, size="Standard_D4s_v5_other"),
            following="https://prices.azure.com:443/api/retail/prices?$skip=100",
        ),
        page(item(0.042504, **SPOT)),
    )
    assert list_prices(cloud, [cluster(SIZE)], Kept(), NOW) == {
        ("westeurope", "standard_d4s_v5"): ListPrice(usd("0.23"), usd("0.042504"))
    }
    first, second = wire.sent
    assert (first.method, first.path) == ("GET", "/api/retail/prices")
    assert first.url.startswith("https://prices.azure.com/")
    assert first.query == {
        "api-version": "2023-01-01-preview",
        "currencyCode": "'USD'",
        "$filter": "serviceName eq 'Virtual Machines' and armRegionName eq 'westeurope' and "
        f"priceType eq 'Consumption' and (armSkuName eq '{SIZE}')",
    }
    assert "$skip=100" in second.url
    assert all("Authorization" not in sent.headers for sent in wire.sent)


def test_one_query_per_region_and_day(cloud, wire):
    kept = Kept()
    clusters = [cluster(SIZE, "Standard_B2s"), cluster(SIZE), cluster(SIZE, location="North Europe")]
    wire.say(page(item(0.21)), page(item(0.23), item(0.05, size="Standard_B2s")))
    found = list_prices(cloud, clusters, kept, NOW)
    assert sorted(found) == [
        ("northeurope", "standard_d4s_v5"),
        ("westeurope", "standard_b2s"),
        ("westeurope", "standard_d4s_v5"),
    ]
    assert list_prices(cloud, clusters, kept, NOW + timedelta(hours=23)) == found
    assert len(wire.sent) == 2
    wire.say(page(item(0.22)), page(item(0.24)))
    assert list_prices(cloud, clusters, kept, NOW + timedelta(hours=24))[
        "westeurope", "standard_d4s_v5"
    ].on_demand == usd("0.24")


def test_no_such_price_is_remembered_too(cloud, wire):
    """An empty answer that is not kept is asked for again on every tick (Cloud Custodian's re-query storm)."""
    kept = Kept()
    wire.say(page())
    assert list_prices(cloud, [cluster("Standard_Odd")], kept, NOW) == {}
    assert list_prices(cloud, [cluster("Standard_Odd")], kept, NOW + timedelta(hours=1)) == {}
    assert len(wire.sent) == 1


def test_many_sizes_are_asked_for_in_short_urls(cloud, wire):
    wire.script = lambda _: page()
    list_prices(cloud, [cluster(*(f"Standard_E{n}as_v5" for n in range(40)))], Kept(), NOW)
    assert len(wire.sent) == 3
    assert max(len(sent.url) for sent in wire.sent) < 2000


@pytest.mark.parametrize(
    "items",
    [
        [],
        [item(0)],
        [item(0.23), item(0.25)],
        [item(0.23, currencyCode="EUR")],
        [item(None)],
        [item("NaN")],
        [item(-1)],
    ],
)
def test_a_price_in_doubt_is_unknown_and_never_zero(cloud, wire, items):
    wire.say(page(*items))
    assert list_prices(cloud, [cluster(SIZE)], Kept(), NOW) == {}


def test_the_latest_price_of_several_counts(cloud, wire):
    wire.say(page(item(0.25, effectiveStartDate="2026-08-01T00:00:00Z"), item(0.23)))
    assert list_prices(cloud, [cluster(SIZE)], Kept(), NOW)["westeurope", "standard_d4s_v5"].on_demand == usd("0.25")


@pytest.mark.parametrize(
    "reply",
    [
        (500, None),
        (429, None, {"Retry-After": "600"}),
        (200, {"Items": None}),
        (200, b"<html>"),
        requests.ConnectionError("no route"),
        page(following="https://evil.example/api/retail/prices"),
    ],
)
def test_whatever_goes_wrong_the_price_is_unknown_and_the_tick_goes_on(cloud, wire, transport, reply):
    kept = Kept()
    wire.say(reply)
    both = [cluster(SIZE), cluster(SIZE, location="northeurope")]
    assert list_prices(cloud, both, kept, NOW) == {}
    assert list_prices(cloud, [cluster(SIZE, location="northeurope")], kept, NOW + timedelta(minutes=5)) == {}
    assert (len(wire.sent), transport.slept) == (1, [])
    wire.say(page(item(0.21)))
    assert len(list_prices(cloud, [cluster(SIZE, location="northeurope")], kept, NOW + timedelta(hours=1))) == 1


def test_a_journal_that_is_away_costs_no_price(cloud, wire):
    wire.say(page(item(0.23)))
    assert len(list_prices(cloud, [cluster(SIZE)], Broken(), NOW)) == 1


@pytest.mark.parametrize(
    "one",
    [
        cluster("x' or armSkuName ne '"),
        cluster(SIZE, location="west'europe"),
        cluster(SIZE, power=Power.STOPPED),
        cluster(),
    ],
)
def test_nothing_is_asked_for_what_could_not_be_priced(cloud, wire, one):
    assert list_prices(cloud, [one], Kept(), NOW) == {}
    assert wire.sent == []


def test_a_simulated_fleet_can_be_priced():
    """The same code, prices included, against the simulated Azure."""
    pools = [
        {"name": "system", "mode": "System", "count": 3, "size": SIZE},
        {"name": "spot", "priority": "Spot", "count": 2, "size": SIZE},
    ]
    world = World.from_fleet({"clusters": [{"name": "web", "pools": pools, "tier": "Standard"}]}, now=NOW)
    endpoint = endpoint_of("https://localhost:8443")
    with Cloud(endpoint, credential=SimulatorCredential(), transport=SimulatorTransport(world)) as cloud:
        [web] = inventory(cloud, Scope(), NOW).clusters
        prices = list_prices(cloud, [web], Kept(), NOW)
    price = hourly_price(web, prices)
    listed = prices["westeurope", "standard_d4s_v5"]
    assert listed.on_demand is not None
    assert listed.spot is not None
    assert price is not None
    assert price.amount == 3 * listed.on_demand.amount + 2 * listed.spot.amount + Decimal("0.10")
    assert world.unknown == []


def test_the_simulator_compares_sizes_with_case_and_refuses_odd_filters():
    """As Azure does since 2023: a size in other letters has no price."""
    world = World.from_fleet({"clusters": []}, now=NOW)
    with Cloud(endpoint_of("https://localhost:8443"), transport=SimulatorTransport(world)) as cloud:
        assert list_prices(cloud, [cluster("standard_d4s_v5")], Kept(), NOW) == {}
        for odd in ("", "contains(armSkuName, 'D4')", "armSkuName eq 'x'"):
            with pytest.raises(Exception, match="400 BadRequest"):
                cloud.fetch("https://localhost:8443/api/retail/prices", "asking", params={"$filter": odd})
