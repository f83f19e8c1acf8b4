"""Real export files in every dialect parse, and their totals are plain sums of the file."""

import csv
import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costs.dialects import canonical, positions
from shared.costs.exports import read_export
from shared.errors import InputError
from shared.model.costs import CostRow, RowProblem

REFERENCE = os.environ.get("LAMPLIGHTER_REFERENCE")
COSTS = Path(REFERENCE or ".") / "data" / "costs"
needs_reference = pytest.mark.skipif(not REFERENCE, reason="LAMPLIGHTER_REFERENCE names no reference data")

HEADER = "Date,CostInBillingCurrency,BillingCurrency,ResourceId,Tags\n"
VMSS = "/subscriptions/S/resourceGroups/MC_rg_web/providers/Microsoft.Compute/virtualMachineScaleSets/aks-np"


def rows(text, **options):
    return list(read_export(text.splitlines(keepends=True), "export.csv", **options))


def plain_sum(name, column):
    with (COSTS / name).open(encoding="utf-8-sig", newline="") as file:
        return sum((Decimal(row[column]) for row in csv.DictReader(file) if row[column]), Decimal(0))


def read(name, **options):
    with (COSTS / name).open(encoding="utf-8", newline="") as file:
        return list(read_export(file, name, **options))


def test_an_enterprise_row_is_read_whole():
    (row,) = rows(HEADER + f'11/02/2026,1.25,eur,{VMSS},"""team"": ""web"""\n')

    assert row == CostRow(
        charge_period_start=date(2026, 11, 2),
        billed_cost=Decimal("1.25"),
        effective_cost=None,
        billing_currency="EUR",
        resource_id=VMSS.lower(),
        resource_group="mc_rg_web",
        tags={"team": "web"},
    )


def test_the_same_column_means_effective_cost_in_an_amortised_export():
    (row,) = rows(HEADER + "2026-11-02,1.25,EUR,,\n", amortised=True)

    assert (row.billed_cost, row.effective_cost) == (None, Decimal("1.25"))


def test_a_refund_stays_negative():
    (row,) = rows(HEADER + "2026-11-02,-7.10,EUR,,\n")

    assert row.billed_cost == Decimal("-7.10")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2026-11-02,12 EUR,EUR,,\n", "cost '12 EUR' is no number"),
        ("2026-11-02,NaN,EUR,,\n", "cost 'NaN' is no amount"),
        ("2026-13-02,1,EUR,,\n", "date '2026-13-02' is none; expected 2026-11-23 or 11/23/2026"),
        ("2026-11-02,,EUR,,\n", "the row has no amount"),
        ('2026-11-02,1,EUR,,"{""team"": web"\n', "tags '{\"team\": web' are not JSON"),
    ],
)
def test_a_broken_row_is_reported_and_the_next_is_read(line, message):
    broken, good = rows(HEADER + line + "2026-11-03,2,EUR,,\n")

    assert broken == RowProblem(2, message)
    assert good.billed_cost == Decimal(2)


def test_a_row_that_spans_lines_is_counted_by_its_first():
    text = HEADER + '2026-11-02,1,EUR,,"""note"": ""a\\nb"""\n' + '2026-11-02,1,EUR,"x\ny",\n' + "2026-11-02,no,EUR,,\n"

    assert [row.line for row in rows(text) if isinstance(row, RowProblem)] == [5]


@pytest.mark.parametrize("text", ["", "Name,Colour\nx,y\n", "Date,Colour\n2026-11-02,red\n", "\n"])
def test_a_file_that_is_no_export_is_one_sentence(text):
    with pytest.raises(InputError) as refused:
        rows(text)

    assert "export.csv" in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader(text):
    for row in read_export((HEADER + text).splitlines(keepends=True), "export.csv"):
        assert isinstance(row, CostRow | RowProblem)


def test_a_german_header_is_known_by_its_english_name():
    found = positions(["Ressourcengruppe (ResourceGroup)", "PreTaxCost (PreTaxCost)", "UsageDateTime (UsageDateTime)"])

    assert found == {"group": 0, "cost": 1, "date": 2}
    assert canonical("costInBillingCurrency") == canonical("CostInBillingCurrency")


@needs_reference
@pytest.mark.reference
@pytest.mark.parametrize("name", sorted(path.name for path in COSTS.glob("opencost_headers_*.csv")))
def test_every_dialect_of_header_is_understood(name):
    (row,) = read(name)

    if name.endswith("_BOM.csv"):
        assert row == RowProblem(2, "the row has no amount")
    else:
        assert row.billed_cost is not None
        assert row.charge_period_start.year in (2021, 2022)


@needs_reference
@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "column", "amortised"),
    [
        ("finops_toolkit_EA_ActualCost_Small.csv", "Cost", False),
        ("finops_toolkit_EA_AmortizedCost_Small.csv", "Cost", True),
        ("opencost_azure_billing_template.csv", "costinbillingcurrency", False),
        ("focus_1.0_sample_1000rows.csv", "BilledCost", False),
        ("focus_1.0_sample_1000rows.csv", "EffectiveCost", True),
    ],
)
def test_totals_equal_a_plain_sum_of_the_file(name, column, amortised):
    found = read(name, amortised=amortised)
    problems = [row for row in found if isinstance(row, RowProblem)]
    amounts = (row.effective_cost if amortised else row.billed_cost for row in found if isinstance(row, CostRow))

    assert problems == []
    assert sum((amount for amount in amounts if amount is not None), Decimal(0)) == plain_sum(name, column)


@needs_reference
@pytest.mark.reference
def test_tags_without_their_braces_are_read():
    (row,) = read("opencost_azure_billing_missing_brackets.csv")

    assert row.tags["creationSource"] == "aks-aks-nodepool1-12345678-vmss"
