"""Cost Management: POST {scope}/providers/Microsoft.CostManagement/query and /forecast, for subscriptions, resource
groups and management groups.

    world.costs.agreement = "PAYG"             it calls the cost PreTaxCost and knows no Cost
    world.costs.denied.add(subscription)       403 there
    world.costs.empty_is_204                   nothing billed: no content, as seen; False: an empty table
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from statistics import mean
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from lamplighter.simulator.cost_query import Query, answer, bad, group_of, read_query
from lamplighter.simulator.cost_quota import CostQuota
from lamplighter.simulator.refusals import Refusal
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.charges import Charge
    from lamplighter.simulator.world import World

PAGE, PAGE_AT_MOST = 1000, 5000
ENOUGH_DAYS = 14
"""Fewer days of history, and there is no forecast."""


@dataclass(slots=True)
class Costs:
    """How Cost Management is disposed in this world."""

    agreement: str = "EA"
    denied: set[str] = field(default_factory=set)
    empty_is_204: bool = True
    quota: CostQuota = field(default_factory=CostQuota)


def query_costs(world: World, request: Request) -> Response:
    """One page; `nextLink` wants the same body again."""
    scope, subscriptions = _scope(world, request)
    query = read_query(request.json(), world.costs.agreement, by_resource=scope.startswith("subscriptions/"))
    months = (query.end - query.begin).days // 31 + 1
    headers = world.costs.quota.take(scope, months, world.now())
    columns, rows = answer(query, _charges(world, query.begin, query.end, scope, subscriptions), _currency(world))
    if not rows and world.costs.empty_is_204:
        return reply(204, headers=headers)
    begin = _offset(request)
    size = min(int(request.query.get("$top", PAGE)), PAGE_AT_MOST)
    more = _link(request, begin + size) if begin + size < len(rows) else None
    return reply(200, _result(request, columns, rows[begin : begin + size], more), headers)


def forecast_costs(world: World, request: Request) -> Response:
    """Billed days as they were, days to come as the mean of that weekday in four weeks."""
    scope, subscriptions = _scope(world, request)
    body = request.json()
    query = read_query(body, world.costs.agreement, by_resource=True)
    headers = world.costs.quota.take(scope, 1, world.now())
    today = (world.now() - world.meter.lag).date()
    days = _by_day(world, query, today, scope, subscriptions)
    past = [day for day in days if day < today]
    if len(past) < ENOUGH_DAYS:
        raise Refusal(424, "FailedDependency", "Bad training data: not enough history for a forecast.", headers)
    rows: list[list[Any]] = []
    day = query.begin
    while day < query.end:
        if day < today and body.get("includeActualCost"):
            rows.append([float(days.get(day, Decimal(0))), int(f"{day:%Y%m%d}"), "Actual", _currency(world)])
        elif day >= today:
            same = [float(days[one]) for one in past[-28:] if one.weekday() == day.weekday()]
            rows.append([mean(same or [0.0]), int(f"{day:%Y%m%d}"), "Forecast", _currency(world)])
        day += timedelta(days=1)
    names = ((query.cost, "Number"), ("UsageDate", "Number"), ("CostStatus", "String"), ("Currency", "String"))
    columns = [{"name": name, "type": kind} for name, kind in names]
    return reply(200, _result(request, columns, rows, None), headers)


def _by_day(world: World, query: Query, today: date, scope: str, subscriptions: frozenset[str]) -> dict[date, Decimal]:
    days: defaultdict[date, Decimal] = defaultdict(Decimal)
    for charge in _charges(world, min(query.begin, today - timedelta(days=60)), query.end, scope, subscriptions):
        days[charge.day] += charge.amount
    return dict(sorted(days.items()))


def _charges(world: World, begin: date, end: date, scope: str, subscriptions: frozenset[str]) -> Iterator[Charge]:
    group = scope.split("/")[3] if "/resourcegroups/" in scope else None
    for charge in world.meter.charges(world, begin, end):
        if charge.subscription in subscriptions and group in (None, group_of(charge.resource)):
            yield charge


def _scope(world: World, request: Request) -> tuple[str, frozenset[str]]:
    """The scope in lower case and the subscriptions in it; Refusal where the caller has no business."""
    scope = request.key[1:].rpartition("/providers/microsoft.costmanagement/")[0]
    parts = scope.split("/")
    if parts[0] == "subscriptions":
        found = frozenset({parts[1]} & set(world.subscriptions))
    else:
        name = parts[3]
        found = frozenset(
            key
            for key, one in world.subscriptions.items()
            if name in {group.lower() for group in one.management_groups}
        )
    if not found or found & world.costs.denied or parts[-1] in world.costs.denied:
        text = f"The client does not have authorization to perform action 'query' over scope '/{scope}'."
        raise Refusal(403, "RBACAccessDenied", text)
    return scope, found


def _currency(world: World) -> str:
    return world.meter.tariff.currency


def _stamp(request: Request) -> str:
    return hashlib.blake2s(request.body, digest_size=4).hexdigest()


def _link(request: Request, offset: int) -> str:
    query = {**request.query, "$skiptoken": f"{_stamp(request)}-{offset}"}
    return f"{request.url}?{urlencode(query)}"


def _offset(request: Request) -> int:
    token = request.query.get("$skiptoken")
    if token is None:
        return 0
    stamp, _, offset = token.partition("-")
    if stamp != _stamp(request):
        raise bad("the skip token belongs to another query.")
    return int(offset)


def _result(request: Request, columns: list[dict[str, str]], rows: list[list[Any]], link: str | None) -> dict[str, Any]:
    name = _stamp(request)
    return {
        "id": f"{request.path.lstrip('/')}/{name}",
        "name": name,
        "type": "Microsoft.CostManagement/query",
        "location": None,
        "sku": None,
        "eTag": None,
        "properties": {"nextLink": link, "columns": columns, "rows": rows},
    }
