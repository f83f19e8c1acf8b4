"""The body of a Cost Management query against charges: filter, group, add up, as columns and rows.

https://learn.microsoft.com/rest/api/cost-management/query/usage - at most two groupings and two aggregations, ids and
group names in lower case, dates as numbers, the currency last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from lamplighter.simulator.charges import Charge
from lamplighter.simulator.refusals import Refusal

LONGEST = timedelta(days=366)
TYPES = ("Usage", "ActualCost", "AmortizedCost")
COSTS = ("Cost", "PreTaxCost")
SPELLED = {"EA": "Cost", "MCA": "Cost", "PAYG": "PreTaxCost"}
"""What each kind of agreement calls the cost."""


def meter_of(charge: Charge) -> str:
    """`D4s v5`, for Standard_D4s_v5; other meters are called like their category."""
    name = charge.size.removeprefix("Standard_").replace("_", " ")
    return (f"{name} Spot" if charge.pricing == "Spot" else name) or charge.category


DIMENSIONS: dict[str, Callable[[Charge], str]] = {
    "resourceid": lambda charge: charge.resource.lower(),
    "resourcegroupname": lambda charge: group_of(charge.resource),
    "resourcegroup": lambda charge: group_of(charge.resource),
    "subscriptionid": lambda charge: charge.subscription,
    "metercategory": lambda charge: charge.category,
    "meter": meter_of,
    "servicename": lambda charge: charge.category,
    "pricingmodel": lambda charge: charge.pricing,
    "chargetype": lambda charge: charge.charge,
    "resourcelocation": lambda charge: charge.region,
}


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was checked."""

    amortised: bool
    begin: date
    end: date
    """The day after the last."""
    daily: bool
    cost: str
    quantity: bool
    groups: tuple[str, ...]
    """Names as they were sent; a tag's with `tag:` before it."""
    condition: Callable[[Charge], bool]


def bad(message: str) -> Refusal:
    return Refusal(400, "BadRequest", f"Invalid query definition: {message}")


def read_query(body: Mapping[str, Any], agreement: str, *, by_resource: bool) -> Query:
    """Refusal 400 for what the service refuses too; `by_resource` False above a subscription."""
    if body.get("type") not in TYPES or body.get("timeframe") != "Custom":
        raise bad("type must be ActualCost or AmortizedCost, and timeframe Custom.")
    begin, end = _period(body.get("timePeriod") or {})
    dataset = body.get("dataset") or {}
    sums = [str(one.get("name")) for one in (dataset.get("aggregation") or {}).values()]
    costs = [name for name in sums if name in COSTS]
    if not 1 <= len(sums) <= 2 or len(costs) != 1 or set(sums) - {*COSTS, "UsageQuantity"}:
        raise bad("expected one or two aggregations, of a cost and of UsageQuantity.")
    if costs[0] != SPELLED[agreement]:
        raise bad(f"{costs[0]} is not supported for this agreement type.")
    groups = tuple(_group(one) for one in dataset.get("grouping") or ())
    if len(groups) > 2:
        raise bad("up to 2 grouping clauses are supported.")
    if "resourceid" in {name.lower() for name in groups} and not by_resource:
        raise bad("ResourceId is not supported for this scope.")
    daily = {"daily": True, "none": False}.get(str(dataset.get("granularity", "None")).lower())
    if daily is None:
        raise bad("granularity must be Daily or None.")
    condition = _condition(dataset["filter"]) if dataset.get("filter") else _always
    amortised = body["type"] == "AmortizedCost"
    return Query(amortised, begin, end, daily, costs[0], "UsageQuantity" in sums, groups, condition)


def answer(query: Query, charges: Iterable[Charge], currency: str) -> tuple[list[dict[str, str]], list[list[Any]]]:
    """(columns, rows), in a stable order."""
    found: dict[tuple[Any, ...], list[Decimal]] = {}
    for charge in charges:
        if not query.condition(charge):
            continue
        day = int(f"{charge.day:%Y%m%d}") if query.daily else 0
        key = (day, *(_value(charge, name) for name in query.groups))
        line = found.setdefault(key, [Decimal(0), Decimal(0)])
        line[0] += charge.amount if query.amortised or charge.actual is None else charge.actual
        line[1] += charge.hours
    names = [query.cost, *(["UsageQuantity"] if query.quantity else []), *(["UsageDate"] if query.daily else [])]
    columns = [{"name": name, "type": "Number"} for name in names]
    columns += [{"name": name.removeprefix("tag:"), "type": "String"} for name in (*query.groups, "Currency")]
    rows: list[list[Any]] = []
    for key, (cost, hours) in sorted(found.items()):
        quantity = (float(hours),) if query.quantity else ()
        dated = key if query.daily else key[1:]
        rows.append([float(cost), *quantity, *dated, currency])
    return columns, rows


def group_of(resource: str) -> str:
    parts = resource.lower().split("/")
    return parts[4] if len(parts) > 4 and parts[3] == "resourcegroups" else ""


def _period(period: Mapping[str, Any]) -> tuple[date, date]:
    try:
        begin, last = (datetime.fromisoformat(str(period[name])).date() for name in ("from", "to"))
    except (KeyError, ValueError):
        raise bad("timePeriod needs from and to.") from None
    if not begin <= last <= begin + LONGEST:
        raise bad("the time period must not be longer than one year.")
    return begin, last + timedelta(days=1)


def _group(one: Mapping[str, Any]) -> str:
    name, kind = str(one.get("name")), one.get("type")
    if kind == "TagKey":
        return f"tag:{name}"
    if kind != "Dimension" or name.lower() not in DIMENSIONS:
        raise bad(f"{name} is not a valid dimension.")
    return name


def _value(charge: Charge, name: str) -> str:
    if name.startswith("tag:"):
        return dict(charge.tags).get(name[4:], "")
    return DIMENSIONS[name.lower()](charge)


def _always(_charge: Charge) -> bool:
    return True


def _condition(found: Mapping[str, Any]) -> Callable[[Charge], bool]:
    if len(found) != 1:
        raise bad("a filter is one of and, or, dimensions, tags.")
    kind, value = next(iter(found.items()))
    if kind in ("and", "or"):
        parts = [_condition(one) for one in value]
        together = all if kind == "and" else any
        return lambda charge: together(part(charge) for part in parts)
    name, wanted = str(value.get("name")), {str(one).lower() for one in value.get("values") or ()}
    if kind == "tags":
        return lambda charge: dict(charge.tags).get(name, "").lower() in wanted
    if kind != "dimensions" or value.get("operator") != "In" or name.lower() not in DIMENSIONS:
        raise bad(f"{name} can't be filtered by.")
    read = DIMENSIONS[name.lower()]
    return lambda charge: read(charge).lower() in wanted
