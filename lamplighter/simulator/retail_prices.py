"""Azure Retail Prices: GET /api/retail/prices, open to everybody, with a price table of the simulator's own.

Prices are made up in proportion to cores, so that a demo has sums to show; nothing else in the house knows them.
Shape and rules from https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices: filter
values are compared with case, and one size has meters for Linux, Windows, spot and low priority.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from lamplighter.simulator.refusals import Refusal
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

PATH = "/api/retail/prices"
ROWS_A_PAGE = 100
PER_CORE = {"B": 0.0416, "D": 0.048, "E": 0.063, "F": 0.0425, "L": 0.078, "M": 0.1, "N": 0.35}
"""USD per core and hour by family: the size of real list prices, and no more than that."""
DEARER = {"westeurope": 1.2, "germanywestcentral": 1.2, "northeurope": 1.115, "swedencentral": 1.06, "eastus": 1.0}
SPOT_SHARE = 0.185
"""A spot node costs this share of the list price: the median that was measured in Azure is about 1 / 5.4."""

_TERM = re.compile(r"(\w+) eq '([^']*)'")
_FILTER = re.compile(r"[\w\s()]*(?:\w+ eq '[^']*'[\w\s()]*)*")
_SIZE = re.compile(r"Standard_([A-Z])[A-Za-z]*?(\d+)[A-Za-z0-9_\-]*")


def list_price(region: str, size: str) -> float | None:
    """USD an hour of a Linux node; None for a size or region that the table does not have."""
    found = _SIZE.fullmatch(size)
    if found is None or found[1] not in PER_CORE or not re.fullmatch(r"[a-z0-9]+", region):
        return None
    return round(PER_CORE[found[1]] * int(found[2]) * DEARER.get(region, 1.1), 4)


def spot_price(world: World, region: str, size: str) -> float | None:
    """The same as a spot node: what the market says, else the usual share."""
    listed = list_price(region, size)
    return world.market.prices.get((region, size.lower()), None if listed is None else round(listed * SPOT_SHARE, 6))


def list_retail_prices(world: World, request: Request) -> Response:
    """One page of the meters of the sizes and the region in `$filter`; Refusal 400 for another kind of filter."""
    text = request.query.get("$filter", "")
    terms: dict[str, list[str]] = {}
    for name, value in _TERM.findall(text):
        terms.setdefault(name, []).append(value)
    if not _FILTER.fullmatch(text) or "armRegionName" not in terms or "armSkuName" not in terms:
        raise Refusal(400, "BadRequest", f"Invalid OData parameters supplied: {text!r}")
    matches = terms.get("serviceName") == ["Virtual Machines"] and terms.get("priceType") == ["Consumption"]
    sizes = terms["armSkuName"] if matches else []
    items = [item for size in sizes for item in _meters(world, terms["armRegionName"][0], size)]
    begin = int(request.query.get("$skip", "0"))
    end = begin + ROWS_A_PAGE
    more = f"{request.url}?{urlencode({**request.query, '$skip': end})}" if end < len(items) else None
    page = {"BillingCurrency": "USD", "Items": items[begin:end], "NextPageLink": more, "Count": len(items[begin:end])}
    return reply(200, page)


def _meters(world: World, region: str, size: str) -> Iterator[dict[str, Any]]:
    """The meters of one size; none for a size or region that the table does not have, such as one in other letters."""
    linux, spot = list_price(region, size), spot_price(world, region, size)
    if linux is None or spot is None:
        return
    short = size.removeprefix("Standard_").replace("_", " ")
    product = f"Virtual Machines {short[0]} Series"
    yield _meter(region, size, product, short, linux)
    yield _meter(region, size, product, f"{short} Spot", spot)
    yield _meter(region, size, product, f"{short} Low Priority", round(linux * 0.2, 4))
    yield _meter(region, size, f"{product} Windows", short, round(linux * 1.8, 4))
    yield _meter(region, size, f"{product} Windows", f"{short} Spot", round(linux * 0.4, 4))


def _meter(region: str, size: str, product: str, sku: str, price: float) -> dict[str, Any]:
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": region,
        "location": region,
        "effectiveStartDate": "2026-01-01T00:00:00Z",
        "meterName": sku,
        "productName": product,
        "skuName": sku,
        "serviceName": "Virtual Machines",
        "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": size,
    }
