"""What Azure billed, asked of Cost Management: one grouped question at a time, page by page, patiently.

https://learn.microsoft.com/azure/cost-management-billing/costs/manage-automation - every month of data that is asked
about costs one of the tenant's query units (`shared/costs/quota.py`). A 429 has no Retry-After but headers of its own
(`answers.wait_of`), so the SDK's retries are off and whoever asks comes back later. `nextLink` wants the same body
POSTed again, which the SDK does not do. No content (204) means that nothing was billed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.clients import answers
from shared.clients.azure import Cloud
from shared.clients.cost_rows import Table, cost_rows, forecast_days, totals
from shared.errors import CloudError, NoReply, Refused
from shared.model.billing import Basis, Bill, Forecast, Period, Question

CLIENT_TYPE = {"ClientType": "Lamplighter"}
"""Without it a caller shares the bucket of everybody who has none."""
PAGES_AT_MOST = 200
ROWS_A_PAGE = 5000
TYPES: Mapping[Basis, str] = {Basis.AMORTISED: "AmortizedCost", Basis.ACTUAL: "ActualCost"}
MACHINES = {"dimensions": {"name": "MeterCategory", "operator": "In", "values": ["Virtual Machines"]}}
UNUSED = {
    "dimensions": {"name": "ChargeType", "operator": "In", "values": ["UnusedReservation", "UnusedSavingsPlan"]},
}
COST, PRE_TAX_COST = "Cost", "PreTaxCost"
# Codes with which an agreement says that it does not know a metric.
_OTHER_METRIC = frozenset({"badrequest", "invalidqueryparameter", "invalidaggregation", "billingmetricnotsupported"})


BILL = "bill."
"""How the names of bills in the journal begin."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about one scope: what is asked at a time, and what is remembered of it between invocations."""

    scope: str
    """Lower case, no leading slash."""
    period: Period
    question: Question
    basis: Basis = Basis.AMORTISED
    with_total: bool = True
    """Of COSTS: also what the scope states without any grouping, for a week that is tied out."""

    @property
    def units(self) -> int:
        """Query units that it costs: one per month of data begun, for the rows and again for the total."""
        months = (self.period.end - self.period.begin).days // 31 + 1
        return months * (2 if self.question is Question.COSTS and self.with_total else 1)

    @property
    def key(self) -> str:
        """Its name in the journal, where bills stand in the order of their first days."""
        scope = self.scope.replace("/", ".")
        total = "" if self.with_total else ".rows"
        return f"{BILL}{self.period.begin}.{self.period.end}.{scope}.{self.question}.{self.basis}{total}"


def subscription_scope(subscription: str) -> str:
    """A scope as bills name it, such as subscriptions/0a1b..."""
    return f"subscriptions/{subscription.casefold()}"


def bill(cloud: Cloud, asked: Asked, now: datetime) -> Bill:
    """The answer, whole or not at all. Raises a CloudError; Throttled says how long to wait."""
    doing = f"reading what {asked.scope} cost"
    rows = []
    unused = "Unused" if asked.question is Question.UNUSED else ""
    for table in _tables(cloud, asked.scope, asked.basis, _dataset(asked), asked.period):
        rows += cost_rows(table, asked.basis, unused)
    strange = next((row for row in rows if row.charge_period_start not in asked.period), None)
    if strange is not None:
        raise NoReply(f"{doing}: asked about {asked.period}, the answer tells of {strange.charge_period_start}")
    stated: Mapping[str, Decimal] = {}
    if asked.question is Question.COSTS and asked.with_total:
        stated = totals(_tables(cloud, asked.scope, asked.basis, {}, asked.period))
    return Bill(asked.scope, asked.period, asked.basis, now, tuple(rows), stated, asked.question)


def missing(asked: Asked, problem: str, now: datetime) -> Bill:
    """The bill that could not be had: a sentence in its place, and nothing else."""
    return Bill(asked.scope, asked.period, asked.basis, now, question=asked.question, problem=problem)


def forecast(cloud: Cloud, scope: str, period: Period, now: datetime, basis: Basis = Basis.AMORTISED) -> Forecast:
    """What Cost Management expects; with a problem where it has too little history. Raises a CloudError.

    https://learn.microsoft.com/rest/api/cost-management/forecast/usage - actual days come along, marked as such.
    """
    doing = f"reading the forecast of {scope}"
    body = {
        **_definition(basis, {"granularity": "Daily"}, period, COST),
        "includeActualCost": True,
        "includeFreshPartialCost": False,
    }
    client = cloud.costs

    def first(**options: Any) -> Any:
        return client.forecast.usage(scope, body, **options)  # type: ignore[call-overload]  # a dict is accepted

    try:
        tables = tuple(_paged(cloud, first, body, doing))
    except CloudError as error:
        if error.status == 424:
            return Forecast(scope, period, now, problem=f"{scope} has too little history for a forecast")
        raise
    days = forecast_days(tables)
    return Forecast(scope, period, now, days, None if days else f"{scope} has too little history for a forecast")


# --- asking ---


def _dataset(asked: Asked) -> dict[str, Any]:
    daily: dict[str, Any] = {"granularity": "Daily"}
    if asked.question is Question.NODES:
        return {**daily, "grouping": _groups("ResourceId", "PricingModel"), "filter": MACHINES, "hours": True}
    if asked.question is Question.UNUSED:
        return {**daily, "grouping": _groups("ResourceLocation", "Meter"), "filter": UNUSED, "hours": True}
    return {**daily, "grouping": _groups("ResourceId", "MeterCategory")}


def _groups(*names: str) -> list[dict[str, str]]:
    return [{"type": "Dimension", "name": name} for name in names]


def _definition(basis: Basis, dataset: Mapping[str, Any], period: Period, metric: str) -> dict[str, Any]:
    last = period.end - timedelta(days=1)
    sums = {"totalCost": {"name": metric, "function": "Sum"}}
    if dataset.get("hours"):
        sums["hours"] = {"name": "UsageQuantity", "function": "Sum"}
    return {
        "type": TYPES[basis],
        "timeframe": "Custom",
        "timePeriod": {"from": f"{period.begin}T00:00:00Z", "to": f"{last}T23:59:59Z"},
        "dataset": {**{name: value for name, value in dataset.items() if name != "hours"}, "aggregation": sums},
    }


def _tables(cloud: Cloud, scope: str, basis: Basis, dataset: Mapping[str, Any], period: Period) -> tuple[Table, ...]:
    """All pages. Agreements differ in what they call the cost: the second name is tried when the first is refused."""
    try:
        return _asked(cloud, scope, _definition(basis, dataset, period, COST))
    except Refused as refused:
        if refused.code.casefold() not in _OTHER_METRIC:
            raise
        try:
            return _asked(cloud, scope, _definition(basis, dataset, period, PRE_TAX_COST))
        except Refused:
            raise refused from None


def _asked(cloud: Cloud, scope: str, body: Mapping[str, Any]) -> tuple[Table, ...]:
    client = cloud.costs

    def first(**options: Any) -> Any:
        return client.query.usage(scope, dict(body), params={"$top": ROWS_A_PAGE}, **options)  # type: ignore[call-overload]  # as above

    return tuple(_paged(cloud, first, body, f"reading what {scope} cost"))


def _paged(cloud: Cloud, first: Any, body: Mapping[str, Any], doing: str) -> Iterator[Table]:
    options: dict[str, Any] = {"retry_total": 0, "headers": dict(CLIENT_TYPE)}
    with answers.answering(doing):
        result = first(**options)
    page = None if result is None else result.properties
    seen: set[str] = set()
    while page is not None:
        columns = [dict(column) for column in page.get("columns") or ()]
        yield Table(columns, page.get("rows") or (), doing)
        link = str(page.get("nextLink") or "")
        if not link:
            return
        if link in seen or len(seen) >= PAGES_AT_MOST:
            raise NoReply(f"{doing}: the answer has no last page")
        seen.add(link)
        page = _next_page(cloud, link, body, doing)


def _next_page(cloud: Cloud, link: str, body: Mapping[str, Any], doing: str) -> Mapping[str, Any] | None:
    """The page behind `nextLink`, asked for with the same body; None when there is nothing more (204)."""
    answer = cloud.call("POST", link, doing, body=dict(body), headers=CLIENT_TYPE, retries=0)
    if answer.document is None:
        return None
    properties = answer.document.get("properties") if isinstance(answer.document, Mapping) else None
    if not isinstance(properties, Mapping):
        raise NoReply(f"{doing}: a page of the answer has no properties")
    return properties
