"""What spot costs now and how often it is taken back: Resource Graph's table SpotResources, kept for an hour.

From: https://learn.microsoft.com/azure/virtual-machines/spot-vms#azure-resource-graph. Sizes are lower case there; the
rate is a bucket in percent per hour over 28 days; prices are USD. Whatever goes wrong is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from shared.clients.azure import Cloud
from shared.clients.graph import pages
from shared.clients.market import CURRENCY, Cache
from shared.errors import CloudError
from shared.model.money import Money

if TYPE_CHECKING:
    from shared.clients.pipeline import Patience

OFFERS = """\
spotresources
| where type in~ ('microsoft.compute/skuspotevictionrate/location', \
'microsoft.compute/skuspotpricehistory/ostype/location')
| where location =~ '{region}' and tostring(sku.name) in~ ({sizes})
| project id, size = tolower(tostring(sku.name)), rate = tostring(properties.evictionRate), \
os = tolower(tostring(properties.osType)), price = properties.spotPrices[0].priceUSD
| order by id asc"""
FRESH = timedelta(hours=1)
AFTER_FAILURE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SpotOffer:
    """`rate` is a bucket such as 5-10."""

    price: Money | None = None
    rate: str | None = None


Offers = Mapping[tuple[str, str], SpotOffer]
"""(region, lower-case size)"""


def spot_offers(
    cloud: Cloud, sizes: Iterable[tuple[str, str]], cache: Cache, now: datetime, patience: Patience
) -> Offers:
    """Offers for (region, size) pairs. One query per region and hour. Never raises; unknown ones are absent."""
    regions: dict[str, set[str]] = {}
    for region, size in sizes:
        if region.isalnum() and size.replace("_", "").replace("-", "").isalnum():
            regions.setdefault(region.casefold(), set()).add(size.casefold())
    found: dict[tuple[str, str], SpotOffer] = {}
    for region, names in sorted(regions.items()):
        known, may_ask = _kept(cache, region, now)
        if may_ask and not names <= known.keys():
            known = _asked(cloud, region, names | known.keys(), patience)
            _keep(cache, region, known, now)
        found |= {(region, size): known[size] for size in names if known.get(size, SpotOffer()) != SpotOffer()}
    return found


def offers_in(rows: Iterable[Mapping[str, Any]]) -> Offers:
    """Offers of whole rows of SpotResources, as `az graph query` prints them; the newest price of Linux counts."""
    found: dict[tuple[str, str], SpotOffer] = {}
    for row in rows:
        said, sku = row.get("properties"), row.get("sku")
        if not isinstance(said, Mapping) or not isinstance(sku, Mapping) or not row.get("location"):
            continue
        where = (str(row["location"]).replace(" ", "").casefold(), str(sku.get("name")).casefold())
        before, prices = found.get(where, SpotOffer()), said.get("spotPrices")
        newest = prices[0] if isinstance(prices, list) and prices and isinstance(prices[0], Mapping) else {}
        linux = str(said.get("osType")).casefold() == "linux"
        price = _money(newest.get("priceUSD")) if linux else None
        rate = str(said["evictionRate"]) if said.get("evictionRate") else None
        found[where] = SpotOffer(price or before.price, rate or before.rate)
    return found


def _asked(cloud: Cloud, region: str, sizes: set[str], patience: Patience) -> dict[str, SpotOffer]:
    """Every size asked for, unknown ones as an empty offer; nothing at all when it could not be read."""
    query = OFFERS.format(region=region, sizes=", ".join(f"'{size}'" for size in sorted(sizes)))
    rates: dict[str, str] = {}
    prices: dict[str, Money] = {}
    try:
        for rows in pages(cloud, query, {}, f"reading spot prices and eviction rates of {region}", patience):
            for row in rows:
                size, price = str(row.get("size")), _money(row.get("price"))
                if row.get("rate"):
                    rates[size] = str(row["rate"])
                if price is not None and row.get("os") == "linux":
                    prices[size] = price
    except CloudError:
        return {}
    return {size: SpotOffer(prices.get(size), rates.get(size)) for size in sizes}


def _money(value: Any) -> Money | None:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return Money(amount, CURRENCY) if amount.is_finite() and amount > 0 else None


def _kept(cache: Cache, region: str, now: datetime) -> tuple[dict[str, SpotOffer], bool]:
    """What is kept, and whether Resource Graph may be asked for the others."""
    try:
        kept = cache.prices(f"spot~{region}")
    except CloudError:
        return {}, True
    if kept is None:
        return {}, True
    document, at = kept
    sizes = document.get("sizes") or {}
    known = {size: SpotOffer(_money(one.get("price")), one.get("rate")) for size, one in sizes.items()}
    age = now - at
    if not known:
        return {}, age >= AFTER_FAILURE
    return ({}, True) if age >= FRESH else (known, True)


def _keep(cache: Cache, region: str, known: Mapping[str, SpotOffer], now: datetime) -> None:
    sizes = {
        size: {"price": None if one.price is None else str(one.price.amount), "rate": one.rate}
        for size, one in sorted(known.items())
    }
    try:
        cache.put_prices(f"spot~{region}", {"sizes": sizes}, now)
    except CloudError:
        return  # as with list prices: the next look asks again
