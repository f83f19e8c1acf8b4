"""A bill as a document of the journal, in parts that fit a row: what was read is not asked for again.

    {"scope", "period": [begin, end], "basis", "question", "read_at", "totals", "problem", "parts": 2,
     "lines": [[[resource, group, subscription, service, meter, region, pricing, status, currency],
                [[day, amount, hours], ...]], ...]}

A resource's names are written once, its days as numbers from the period's begin. Only what a query answers is kept:
exports are files already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from shared.model.billing import Basis, Bill, Period, Question
from shared.model.costs import CostRow

ROWS_A_PART = 20_000
"""About 200 KB compressed; a document of the journal may be 896 KiB."""


def bill_documents(bill: Bill) -> Iterator[dict[str, Any]]:
    """At least one; the first says how many there are."""
    parts = max(1, -(-len(bill.rows) // ROWS_A_PART))
    head = {
        "scope": bill.scope,
        "period": [bill.period.begin.isoformat(), bill.period.end.isoformat()],
        "basis": bill.basis.value,
        "question": bill.question.value,
        "read_at": bill.read_at.isoformat(),
        "totals": {currency: str(amount) for currency, amount in bill.totals.items()},
        "problem": bill.problem,
        "parts": parts,
    }
    rows = iter(bill.rows)
    for part in range(parts):
        lines = _lines(islice(rows, ROWS_A_PART), bill)
        yield {**(head if part == 0 else {"read_at": head["read_at"]}), "lines": lines}


def read_bill(documents: Sequence[Mapping[str, Any]]) -> Bill:
    """The bill of these parts, in order. Raises KeyError, ValueError or TypeError for what was not written above."""
    head = documents[0]
    if len(documents) != head["parts"] or any(one["read_at"] != head["read_at"] for one in documents):
        msg = "the parts of a bill are not of one reading"
        raise ValueError(msg)
    period = Period(*map(date.fromisoformat, head["period"]))
    basis = Basis(head["basis"])
    rows = [row for document in documents for row in _rows(document["lines"], period.begin, basis)]
    return Bill(
        scope=head["scope"],
        period=period,
        basis=basis,
        read_at=datetime.fromisoformat(head["read_at"]),
        rows=tuple(rows),
        totals={currency: Decimal(amount) for currency, amount in head["totals"].items()},
        question=Question(head["question"]),
        problem=head["problem"],
    )


def _lines(rows: Iterable[CostRow], bill: Bill) -> list[Any]:
    lines: dict[tuple[str, ...], list[Any]] = {}
    for row in rows:
        names = (
            row.resource_id,
            row.resource_group,
            row.sub_account_id,
            row.service_name,
            row.meter,
            row.region,
            row.pricing_category,
            row.commitment_discount_status,
            row.billing_currency,
        )
        amount = row.effective_cost if bill.basis is Basis.AMORTISED else row.billed_cost
        day = (row.charge_period_start - bill.period.begin).days
        lines.setdefault(names, []).append([day, _text(amount), _text(row.consumed_quantity)])
    return [[list(names), days] for names, days in lines.items()]


def _rows(lines: Iterable[Any], begin: date, basis: Basis) -> Iterator[CostRow]:
    for names, days in lines:
        resource, group, subscription, service, meter, region, pricing, status, currency = names
        for day, text, hours in days:
            amount = _decimal(text)
            yield CostRow(
                charge_period_start=begin + timedelta(days=day),
                billed_cost=amount if basis is Basis.ACTUAL else None,
                effective_cost=amount if basis is Basis.AMORTISED else None,
                billing_currency=currency,
                resource_id=resource,
                resource_group=group,
                sub_account_id=subscription,
                region=region,
                service_name=service,
                meter=meter,
                pricing_category=pricing,
                commitment_discount_status=status,
                consumed_quantity=_decimal(hours),
            )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
