"""Cost exports, line by line: Iterable[str] -> CostRow | RowProblem. A broken row is reported and never stops the rest.

The whole file is never held: 2 GB of it pass in the memory of one row.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from shared.costs.dialects import AMOUNTS, NEEDED, positions
from shared.errors import InputError
from shared.model.costs import NO_TAGS, CostRow, RowProblem

_ABSENT = frozenset({"", "null", "none"})
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_CATEGORIES = {
    "usage": "Usage",
    "purchase": "Purchase",
    "tax": "Tax",
    "credit": "Credit",
    "adjustment": "Adjustment",
    "refund": "Refund",
    "unusedreservation": "Usage",
    "unusedsavingsplan": "Usage",
    "roundingadjustment": "Adjustment",
}
_PRICING = {
    "ondemand": "Standard",
    "standard": "Standard",
    "reservation": "Committed",
    "savingsplan": "Committed",
    "committed": "Committed",
    "spot": "Dynamic",
    "dynamic": "Dynamic",
}


def read_export(lines: Iterable[str], source: str, *, amortised: bool = False) -> Iterator[CostRow | RowProblem]:
    """Rows in the order of the file. `lines` are text, line ends and a byte order mark included.

    `amortised` says what a column that is only called cost means; FOCUS names both itself. Raises InputError for a
    file without a usable header: then nothing in it can be trusted.
    """
    reader = csv.reader(lines)
    header = next(reader, None)
    if header is None:
        raise InputError(f"{source} is empty; expected a cost export with a header line")
    columns = positions(header)
    missing = [name for name in NEEDED if name not in columns]
    if missing or not any(name in columns for name in AMOUNTS):
        raise InputError(
            f"{source}: the header names no {'date' if missing else 'cost'}; expected an export of Cost Management, "
            "with columns such as Date and CostInBillingCurrency, or FOCUS"
        )
    return _rows(reader, columns, amortised=amortised)


def _rows(
    reader: Iterator[list[str]], columns: Mapping[str, int], *, amortised: bool
) -> Iterator[CostRow | RowProblem]:
    line = 2
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield RowProblem(line, f"not readable as CSV: {error}")
            continue
        finally:
            at, line = line, getattr(reader, "line_num", line) + 1
        if any(cell.strip() for cell in cells):
            yield _row(cells, columns, at, amortised=amortised)


def _row(cells: Sequence[str], columns: Mapping[str, int], line: int, *, amortised: bool) -> CostRow | RowProblem:
    def text(name: str) -> str:
        index = columns.get(name)
        value = cells[index].strip() if index is not None and index < len(cells) else ""
        return "" if value.casefold() in _ABSENT else value

    try:
        cost, billed, effective = (_amount(text(name), name) for name in AMOUNTS)
        day = _day(text("date"))
        quantity = _amount(text("quantity"), "quantity")
    except ValueError as error:
        return RowProblem(line, str(error))
    if cost is billed is effective is None:
        return RowProblem(line, "the row has no amount")
    tags, problem = _tags(text("tags"))
    if problem:
        return RowProblem(line, problem)
    resource = text("resource").casefold()
    return CostRow(
        charge_period_start=day,
        billed_cost=billed if billed is not None else (None if amortised else cost),
        effective_cost=effective if effective is not None else (cost if amortised else None),
        billing_currency=text("currency").upper(),
        resource_id=resource,
        resource_group=text("group").casefold() or _group_of(resource),
        sub_account_id=text("subscription").casefold(),
        region=text("region").replace(" ", "").casefold(),
        service_name=text("service"),
        meter=text("meter"),
        charge_category=_CATEGORIES.get(_letters(text("category")), text("category")) or "Usage",
        pricing_category=_PRICING.get(_letters(text("pricing")), text("pricing")),
        commitment_discount_status=_status(text("status"), text("category"), text("pricing")),
        consumed_quantity=quantity,
        unit=text("unit"),
        tags=tags,
    )


def _status(status: str, category: str, pricing: str) -> str:
    """FOCUS says it; the others say it in the charge type, and by a pricing model that is a commitment's."""
    if status:
        return status
    if _letters(category).startswith("unused"):
        return "Unused"
    return "Used" if _PRICING.get(_letters(pricing)) == "Committed" else ""


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.casefold())


def _amount(text: str, name: str) -> Decimal | None:
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{name} {text!r} is no number") from None
    if not amount.is_finite():
        raise ValueError(f"{name} {text!r} is no amount")
    return amount


def _day(text: str) -> date:
    """ISO, with or without a time, or month/day/year as Enterprise Agreements write it."""
    american = _AMERICAN.match(text)
    try:
        if american is not None:
            month, day, year = map(int, american.groups())
            return date(year, month, day)
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise ValueError(f"date {text!r} is none; expected 2026-11-23 or 11/23/2026") from None


def _tags(text: str) -> tuple[Mapping[str, str], str]:
    """Tags as JSON, with or without the outer braces, which Enterprise Agreements leave out; and what is wrong."""
    if not text:
        return NO_TAGS, ""
    body = text if text.startswith("{") else "{" + text + "}"
    try:
        found = json.loads(body)
    except ValueError:
        return NO_TAGS, f"tags {text[:60]!r} are not JSON"
    return {str(name): "" if value is None else str(value) for name, value in found.items()}, ""


def _group_of(resource: str) -> str:
    parts = resource.split("/")
    return parts[4] if len(parts) > 4 and parts[3] == "resourcegroups" else ""
