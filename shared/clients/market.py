"""List prices of VM sizes, from the public Azure Retail Prices API; whatever goes wrong, the price is unknown.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
No identity is needed and none is sent. Since version 2023-01-01-preview filter values are compared *with* case, so a
size is asked for as Azure spells it. Currency is USD: others are only for reference there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol
from urllib.parse import urlsplit

from shared.clients.azure import Cloud
from shared.errors import CloudError, Refused
from shared.model.fleet import Cluster, Power
from shared.model.money import ListPrice, Money, Prices

API_VERSION = "2023-01-01-preview"
FRESH = timedelta(days=1)
AFTER_FAILURE = timedelta(hours=1)
SIZES_A_QUERY = 15
"""Keeps the URL well below 2,000 characters."""
PAGES_AT_MOST = 20
CURRENCY = "USD"

_SIZE = re.compile(r"[A-Za-z0-9_]{3,64}")
_REGION = re.compile(r"[a-z0-9]{3,32}")


class Cache(Protocol):
    """Where answers are kept for a day: the journal, or a dict in a test's clothing."""

    def prices(self, key: str) -> tuple[Mapping[str, Any], datetime] | None: ...

    def put_prices(self, key: str, document: Mapping[str, Any], at: datetime) -> None: ...


def list_prices(cloud: Cloud, clusters: Iterable[Cluster], cache: Cache, now: datetime) -> Prices:
    """Prices of every size that the running pools use. `now` is aware UTC.

    One query per region and 15 sizes, once a day; "there is no such price" is kept for a day as well, a failure for an
    hour. Never raises: a price that could not be had is absent.
    """
    found: dict[tuple[str, str], ListPrice] = {}
    reachable = True
    for region, sizes in sorted(_wanted(clusters).items()):
        known, may_ask = _cached(cache, region, now)
        if may_ask and reachable and any(size.casefold() not in known for size in sizes):
            try:
                known = _fetched(cloud, region, sorted(sizes))
                _keep(cache, region, known, now)
            except CloudError:
                reachable = False
                _keep(cache, region, known, now, failed=True)
        found |= {(region, size): price for size, price in known.items() if price != ListPrice()}
    return found


def _wanted(clusters: Iterable[Cluster]) -> dict[str, set[str]]:
    """Region -> sizes, as spelled; only what can be asked for without a risk to the query."""
    wanted: dict[str, set[str]] = {}
    for cluster in clusters:
        region = cluster.location.replace(" ", "").casefold()
        if cluster.power is not Power.RUNNING or not _REGION.fullmatch(region):
            continue
        for pool in cluster.pools:
            if pool.power is Power.RUNNING and pool.vm_size and _SIZE.fullmatch(pool.vm_size):
                wanted.setdefault(region, set()).add(pool.vm_size)
    return wanted


def _fetched(cloud: Cloud, region: str, sizes: list[str]) -> dict[str, ListPrice]:
    """Every size asked for, by its lower-case name, unknown ones as an empty ListPrice; raises CloudError."""
    found = dict.fromkeys((size.casefold() for size in sizes), ListPrice())
    for start in range(0, len(sizes), SIZES_A_QUERY):
        known = prices_in(_items(cloud, region, sizes[start : start + SIZES_A_QUERY]))
        found |= {size: price for (_, size), price in known.items() if size in found}
    return found


def prices_in(items: Iterable[Mapping[str, Any]]) -> Prices:
    """(region, lower-case size) -> its prices, of items as the API answers; only Linux machines count."""
    offers: dict[tuple[str, str], dict[str, list[Mapping[str, Any]]]] = {}
    for item in items:
        kind, size = _kind(item), item.get("armSkuName")
        if kind and size:
            where = (str(item.get("armRegionName")).casefold(), str(size).casefold())
            offers.setdefault(where, {}).setdefault(kind, []).append(item)
    return {
        where: ListPrice(_price(kinds.get("on_demand", [])), _price(kinds.get("spot", [])))
        for where, kinds in offers.items()
    }


def _items(cloud: Cloud, region: str, sizes: list[str]) -> Iterator[Mapping[str, Any]]:
    any_size = " or ".join(f"armSkuName eq '{size}'" for size in sizes)
    query = (
        f"serviceName eq 'Virtual Machines' and armRegionName eq '{region}' and priceType eq 'Consumption' "
        f"and ({any_size})"
    )
    doing = f"reading list prices of {region}"
    url = f"{cloud.endpoint.prices}/api/retail/prices"
    params = {"api-version": API_VERSION, "currencyCode": f"'{CURRENCY}'", "$filter": query}
    for _ in range(PAGES_AT_MOST):
        page = cloud.fetch(url, doing, params=params).document
        if not isinstance(page, Mapping) or not isinstance(page.get("Items"), list):
            raise Refused(f"{doing}: the answer has no list of items")
        yield from page["Items"]
        url, params = page.get("NextPageLink") or "", {}
        if not url:
            return
        if urlsplit(url).hostname != urlsplit(cloud.endpoint.prices).hostname:
            raise Refused(f"{doing}: the next page is on another host")
    raise Refused(f"{doing}: more than {PAGES_AT_MOST} pages")


def _kind(item: Mapping[str, Any]) -> str | None:
    """Spot, on_demand, or None for what an AKS Linux node never pays: Windows, low priority, cloud services, plans."""
    product, sku = str(item.get("productName")), f"{item.get('skuName')} {item.get('meterName')}"
    if item.get("type") != "Consumption" or item.get("unitOfMeasure") != "1 Hour":
        return None
    if product.endswith("Windows") or "Low Priority" in sku or "Cloud" in product or "Dedicated Host" in product:
        return None
    return "spot" if "Spot" in sku else "on_demand"


def _price(items: list[Mapping[str, Any]]) -> Money | None:
    """The latest price; None when there is none, when two of that date differ, or when it says 0."""
    latest = max((str(item.get("effectiveStartDate")) for item in items), default="")
    said = {str(item.get("retailPrice")) for item in items if str(item.get("effectiveStartDate")) == latest}
    currencies = {item.get("currencyCode") for item in items}
    try:
        amounts = {Decimal(text) for text in said}
    except InvalidOperation:
        return None
    if len(amounts) != 1 or currencies != {CURRENCY}:
        return None
    amount = amounts.pop()
    return Money(amount, CURRENCY) if amount.is_finite() and amount > 0 else None


# --- the cache: {"sizes": {size: {"on_demand": "0.23", "spot": null}}, "failed": false} ---


def _cached(cache: Cache, region: str, now: datetime) -> tuple[dict[str, ListPrice], bool]:
    """Fresh prices by lower-case size, and whether the API may be asked for the others."""
    try:
        kept = cache.prices(_key(region))
    except CloudError:
        return {}, True
    if kept is None:
        return {}, True
    document, at = kept
    sizes = document.get("sizes") or {}
    known = {size: ListPrice(_money(one, "on_demand"), _money(one, "spot")) for size, one in sizes.items()}
    if document.get("failed"):
        return ({}, True) if now - at >= AFTER_FAILURE else (known, False)
    return ({}, True) if now - at >= FRESH else (known, True)


def _keep(cache: Cache, region: str, known: Mapping[str, ListPrice], now: datetime, *, failed: bool = False) -> None:
    sizes = {size: {"on_demand": _text(one.on_demand), "spot": _text(one.spot)} for size, one in sorted(known.items())}
    try:
        cache.put_prices(_key(region), {"sizes": sizes, "failed": failed}, now)
    except CloudError:
        return  # The next tick asks again: a price is worth no failed tick.


def _key(region: str) -> str:
    return f"list~{region}"


def _text(money: Money | None) -> str | None:
    return None if money is None else str(money.amount)


def _money(entry: Mapping[str, Any], kind: str) -> Money | None:
    text = entry.get(kind)
    return None if text is None else Money(Decimal(text), CURRENCY)
