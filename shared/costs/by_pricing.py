"""Machines of a query told by how they were paid for: on demand, as spot, under a commitment.

A query takes two groupings, so what everything cost is asked by resource and service, and machines once more by
resource and pricing. Both are about the same charges, day by day: where they agree, the one is put in the place of
the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from shared.model.billing import Bill, Question
from shared.model.costs import CostRow, RowProblem
from shared.model.digest import ZERO

MACHINES = "virtual machines"
AGREE = Decimal("0.01")
"""Both are sums of the same rows; they were read some seconds apart."""

_Key = tuple[str, date, str]


def by_pricing(rows: Iterable[CostRow | RowProblem], bills: Iterable[Bill]) -> Iterator[CostRow | RowProblem]:
    """The rows, those of machines in as many parts as `bills` of nodes tell; the parts of a row are exactly the row."""
    parts: defaultdict[_Key, list[CostRow]] = defaultdict(list)
    for bill in bills:
        if bill.question is Question.NODES:
            for part in bill.rows:
                parts[_key(part)].append(part)
    for row in rows:
        if isinstance(row, RowProblem) or row.service_name.casefold() != MACHINES or row.pricing_category:
            yield row
        else:
            yield from _split(row, parts.get(_key(row), ()))


def _split(row: CostRow, parts: Iterable[CostRow]) -> Iterator[CostRow]:
    amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    for part in parts:
        if part.effective_cost is not None and part.pricing_category:
            amounts[part.pricing_category] += part.effective_cost
    whole = row.effective_cost
    rest = None if whole is None else whole - sum(amounts.values(), ZERO)
    if not amounts or rest is None or abs(rest) > AGREE:
        yield row
        return
    largest = max(amounts, key=lambda one: (abs(amounts[one]), one))
    amounts[largest] += rest
    for pricing, amount in sorted(amounts.items()):
        yield replace(row, effective_cost=amount, pricing_category=pricing)


def _key(row: CostRow) -> _Key:
    return row.resource_id, row.charge_period_start, row.billing_currency
