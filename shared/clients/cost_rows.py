"""A reply of Cost Management read by the names of its columns: rows are positional, and their order is not promised.

https://learn.microsoft.com/rest/api/cost-management/query/usage - dates are numbers such as 20261123, ids come in any
case, the currency is a column of its own, and the cost column is Cost or PreTaxCost, as the agreement has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.errors import NoReply
from shared.model.billing import Basis, ForecastDay
from shared.model.costs import CostRow

COST_COLUMNS = ("cost", "pretaxcost")
"""Not the columns in USD: the currency column beside them is that of the bill."""
PRICING: Mapping[str, str] = {
    "ondemand": "Standard",
    "reservation": "Committed",
    "savingsplan": "Committed",
    "spot": "Dynamic",
}
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)")


class Table:
    """Columns and rows of one page; raises NoReply for a page whose shape says nothing."""

    def __init__(self, columns: Iterable[Any], rows: Iterable[Sequence[Any]], doing: str) -> None:
        self.doing = doing
        self._at = {str(_named(column)).casefold(): index for index, column in enumerate(columns)}
        self.rows = tuple(rows)
        if self.rows and not any(name in self._at for name in COST_COLUMNS):
            raise NoReply(f"{doing}: the answer has no cost column, but {', '.join(self._at) or 'none'}")
        self._cost = next((name for name in COST_COLUMNS if name in self._at), "")
        if self.rows and any(len(row) < len(self._at) for row in self.rows):
            raise NoReply(f"{doing}: a row of the answer is shorter than its columns")

    def text(self, row: Sequence[Any], *names: str) -> str:
        """The first of these columns that is there; '' without one, or without a value."""
        for name in names:
            index = self._at.get(name)
            if index is not None:
                return "" if row[index] is None else str(row[index])
        return ""

    def amount(self, row: Sequence[Any]) -> Decimal:
        return self._decimal(row[self._at[self._cost]])

    def quantity(self, row: Sequence[Any]) -> Decimal | None:
        index = self._at.get("usagequantity")
        return None if index is None or row[index] is None else self._decimal(row[index])

    def day(self, row: Sequence[Any]) -> date:
        """UsageDate as a number, or an ISO instant."""
        text = self.text(row, "usagedate", "date")
        try:
            return datetime.fromisoformat(text.removesuffix(".0")).date()
        except ValueError:
            raise NoReply(f"{self.doing}: {text!r} in the answer is no date") from None

    def _decimal(self, value: Any) -> Decimal:
        # repr() of a float is the shortest text that gives the same float: what the JSON said, up to 17 digits.
        try:
            found = Decimal(repr(value) if isinstance(value, float) else str(value))
        except InvalidOperation:
            found = Decimal("NaN")
        if not found.is_finite():
            raise NoReply(f"{self.doing}: {value!r} in the answer is no amount")
        return found


def _named(column: Any) -> Any:
    return column.get("name") if isinstance(column, Mapping) else column


def cost_rows(table: Table, basis: Basis, status: str = "") -> list[CostRow]:
    """Rows of any question. What was not asked for is ''; `status` is that of commitments, where it was asked for."""
    found = []
    for row in table.rows:
        amount = table.amount(row)
        resource = table.text(row, "resourceid").casefold()
        pricing = table.text(row, "pricingmodel")
        category = "Committed" if status else PRICING.get(pricing.replace(" ", "").casefold(), pricing)
        found.append(
            CostRow(
                charge_period_start=table.day(row),
                billed_cost=amount if basis is Basis.ACTUAL else None,
                effective_cost=amount if basis is Basis.AMORTISED else None,
                billing_currency=table.text(row, "currency").upper(),
                resource_id=resource,
                resource_group=table.text(row, "resourcegroupname", "resourcegroup").casefold() or _group_of(resource),
                sub_account_id=table.text(row, "subscriptionid").casefold() or _subscription_of(resource),
                region=table.text(row, "resourcelocation").replace(" ", "").casefold(),
                service_name=table.text(row, "metercategory", "servicename"),
                meter=table.text(row, "meter"),
                pricing_category=category,
                commitment_discount_status=status or ("Used" if category == "Committed" else ""),
                consumed_quantity=table.quantity(row),
            )
        )
    return found


def totals(tables: Iterable[Table]) -> dict[str, Decimal]:
    """Currency -> sum; a currency that is not named stays '', never guessed."""
    found: dict[str, Decimal] = {}
    for table in tables:
        for row in table.rows:
            currency = table.text(row, "currency").upper()
            found[currency] = found.get(currency, Decimal(0)) + table.amount(row)
    return found


def forecast_days(tables: Iterable[Table]) -> tuple[ForecastDay, ...]:
    return tuple(
        ForecastDay(
            table.day(row),
            table.amount(row),
            table.text(row, "currency").upper(),
            table.text(row, "coststatus").casefold() == "actual",
        )
        for table in tables
        for row in table.rows
    )


def _group_of(resource: str) -> str:
    parts = resource.split("/")
    return parts[4] if len(parts) > 4 and parts[3] == "resourcegroups" else ""


def _subscription_of(resource: str) -> str:
    found = _SUBSCRIPTION.match(resource)
    return found[1] if found else ""
