"""Machines of a query, told by how they were paid for; nothing is lost between the two answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from shared.costs.by_pricing import by_pricing
from shared.model.billing import Question
from shared.model.costs import CostRow, RowProblem
from tests.costs.saving_worlds import bill, row, vmss

DAY = date(2026, 11, 3)


def machines(cost: str, **more: str) -> CostRow:
    return CostRow(
        DAY, None, Decimal(cost), "EUR", **{"resource_id": vmss(), "service_name": "Virtual Machines", **more}
    )


def paid(cost: str, pricing: str, **more: str) -> CostRow:
    return row(DAY, cost, "24", pricing_category=pricing, **more)


def parts(rows, *nodes, question=Question.NODES):
    return [(one.pricing_category, one.effective_cost) for one in by_pricing(rows, [bill(*nodes, question=question)])]


def test_a_row_of_machines_becomes_one_for_each_way_of_paying_and_stays_the_same_sum():
    found = parts([machines("10.005")], paid("7", "Standard"), paid("2", "Dynamic"), paid("1", "Committed"))

    assert found == [("Committed", 1), ("Dynamic", 2), ("Standard", Decimal("7.005"))]


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        [paid("7", "Standard")],
        [paid("10", "Standard", currency="USD")],
        [paid("10", "Standard", pool="other")],
        [replace(paid("10", "Standard"), charge_period_start=date(2026, 11, 4))],
        [replace(paid("10", "Standard"), effective_cost=None)],
    ],
    ids=["nothing", "less", "another currency", "another pool", "another day", "no amount"],
)
def test_what_does_not_agree_is_left_as_it_is(nodes):
    assert parts([machines("10")], *nodes) == [("", 10)]


def test_everything_else_passes_by():
    problem = RowProblem(3, "no amount")
    disk, export = machines("1", service_name="Storage"), machines("2", pricing_category="Standard")
    rows = [problem, disk, export, replace(machines("3"), effective_cost=None)]

    assert list(by_pricing(rows, [bill(paid("1", "Dynamic"), paid("2", "Dynamic"))])) == rows
    assert parts([machines("10")], paid("10", "Dynamic"), question=Question.COSTS) == [("", 10)]
