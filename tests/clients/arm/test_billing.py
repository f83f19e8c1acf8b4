"""Bills from Cost Management: what is asked, what is made of the answer, and what of a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from shared.clients import billing
from shared.clients.billing import Asked, subscription_scope
from shared.errors import Forbidden, NoReply, Refused, Throttled
from shared.model.billing import Basis, Period, Question

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
WEEK = Period(date(2026, 11, 16), date(2026, 11, 23))
SCOPE = subscription_scope("00000000-0000-0000-0000-00000000000A")
COSTS, NODES = Asked(SCOPE, WEEK, Question.COSTS), Asked(SCOPE, WEEK, Question.NODES)
VMSS = "/subscriptions/00000000-0000-0000-0000-00000000000A/resourceGroups/MC_Web/providers/Microsoft.Compute/virtualMachineScaleSets/aks-user-1-vmss"
NEXT = "https://management.azure.com/subscriptions/x/providers/Microsoft.CostManagement/query?api-version=2025-03-01&$skiptoken=AQAA"


def page(columns: list[str], rows: list[list[Any]], link: str | None = None) -> dict[str, Any]:
    named = [{"name": name, "type": "String"} for name in columns]
    return {"id": "x", "name": "x", "properties": {"nextLink": link, "columns": named, "rows": rows}}


DAILY = ["Cost", "UsageDate", "ResourceId", "MeterCategory", "Currency"]
TOTAL = ["Cost", "Currency"]


def test_the_question_is_grouped_and_covers_whole_days(cloud, wire):
    wire.say((200, page(DAILY, [])), (200, page(TOTAL, [])))
    billing.bill(cloud, COSTS, NOW)
    asked, total = wire.sent
    assert asked.path == "/subscriptions/00000000-0000-0000-0000-00000000000a/providers/Microsoft.CostManagement/query"
    assert asked.query == {"api-version": "2025-03-01", "$top": "5000"}
    assert asked.headers["ClientType"] == "Lamplighter"
    assert asked.body == {
        "type": "AmortizedCost",
        "timeframe": "Custom",
        "timePeriod": {"from": "2026-11-16T00:00:00Z", "to": "2026-11-22T23:59:59Z"},
        "dataset": {
            "granularity": "Daily",
            "grouping": [
                {"type": "Dimension", "name": "ResourceId"},
                {"type": "Dimension", "name": "MeterCategory"},
            ],
            "aggregation": {"totalCost": {"name": "Cost", "function": "Sum"}},
        },
    }
    assert total.body["dataset"] == {"aggregation": {"totalCost": {"name": "Cost", "function": "Sum"}}}


def test_a_week_that_is_not_tied_out_is_asked_about_once(cloud, wire):
    wire.say((200, page(DAILY, [[2.5, 20261117, VMSS, "Storage", "EUR"]])))
    bill = billing.bill(cloud, replace(COSTS, with_total=False), NOW)
    assert (len(wire.sent), len(bill.rows), bill.totals) == (1, 1, {})
    assert (COSTS.units, replace(COSTS, with_total=False).units) == (2, 1)


def test_columns_are_read_by_name_wherever_they_stand(cloud, wire):
    columns = ["Currency", "MeterCategory", "UsageDate", "ResourceId", "PreTaxCost"]
    wire.say((200, page(columns, [["eur", "Virtual Machines", 20261118, VMSS, 1.1]])), (200, page(TOTAL, [])))
    (row,) = billing.bill(cloud, COSTS, NOW).rows
    assert (row.effective_cost, row.billed_cost) == (Decimal("1.1"), None)
    assert row.billing_currency == "EUR"
    assert row.charge_period_start == date(2026, 11, 18)
    assert row.resource_id == VMSS.lower()
    assert row.resource_group == "mc_web"
    assert row.sub_account_id == "00000000-0000-0000-0000-00000000000a"
    assert row.service_name == "Virtual Machines"


def test_every_page_is_posted_with_the_same_body(cloud, wire):
    wire.say(
        (200, page(DAILY, [[1, 20261116, VMSS, "Storage", "USD"]], NEXT)),
        (200, page(DAILY, [[2, 20261117, VMSS, "Storage", "USD"]])),
        (200, page(TOTAL, [[3, "USD"]])),
    )
    bill = billing.bill(cloud, COSTS, NOW)
    first, second, _ = wire.sent
    assert (second.method, second.url) == ("POST", NEXT)
    assert second.body == first.body
    assert second.headers["ClientType"] == "Lamplighter"
    assert [row.effective_cost for row in bill.rows] == [1, 2]
    assert bill.totals == {"USD": Decimal(3)}


def test_no_content_means_that_nothing_was_billed(cloud, wire):
    wire.say((204, None), (204, None))
    bill = billing.bill(cloud, COSTS, NOW)
    assert (bill.rows, bill.totals, bill.missing) == ((), {}, False)


def test_a_later_page_may_be_no_content(cloud, wire):
    wire.say((200, page(DAILY, [[1, 20261116, "", "", "USD"]], NEXT)), (204, None), (204, None))
    assert len(billing.bill(cloud, COSTS, NOW).rows) == 1


def test_currencies_stay_apart_and_refunds_stay_negative(cloud, wire):
    rows = [[10.5, 20261116, VMSS, "Storage", "EUR"], [-2.25, 20261116, "", "", "USD"]]
    wire.say((200, page(DAILY, rows)), (200, page(TOTAL, [[10.5, "EUR"], [-2.25, "USD"]])))
    bill = billing.bill(cloud, COSTS, NOW)
    assert bill.totals == {"EUR": Decimal("10.5"), "USD": Decimal("-2.25")}
    assert [row.effective_cost for row in bill.rows] == [Decimal("10.5"), Decimal("-2.25")]


def test_an_agreement_that_knows_no_cost_is_asked_for_pre_tax_cost(cloud, wire):
    no = (400, {"error": {"code": "BadRequest", "message": "Invalid query definition: Cost is not supported"}})
    columns = ["PreTaxCost", "UsageDate", "ResourceId", "MeterCategory", "Currency"]
    wire.say(
        no,
        (200, page(columns, [[1, 20261116, VMSS, "Storage", "USD"]])),
        no,
        (200, page(["PreTaxCost", "Currency"], [[1, "USD"]])),
    )
    bill = billing.bill(cloud, COSTS, NOW)
    assert wire.sent[1].body["dataset"]["aggregation"]["totalCost"]["name"] == "PreTaxCost"
    assert bill.totals == {"USD": 1}


def test_a_question_refused_under_both_names_says_what_azure_said_first(cloud, wire):
    wire.say(
        (400, {"error": {"code": "BadRequest", "message": "Management group too large"}}),
        (400, {"error": {"code": "BadRequest", "message": "no PreTaxCost"}}),
    )
    with pytest.raises(Refused, match="too large"):
        billing.bill(cloud, COSTS, NOW)


def test_hours_of_nodes_come_by_pricing(cloud, wire):
    columns = ["Cost", "UsageQuantity", "UsageDate", "ResourceId", "PricingModel", "Currency"]
    rows = [
        [4.8, 20.5, 20261116, VMSS, "OnDemand", "EUR"],
        [0.9, 24, 20261116, VMSS, "Spot", "EUR"],
        [1.0, 3, 20261116, VMSS, "Reservation", "EUR"],
        [1.1, 2, 20261116, VMSS, "SavingsPlan", "EUR"],
    ]
    wire.say((200, page(columns, rows)))
    bill = billing.bill(cloud, NODES, NOW)
    dataset = wire.sent[0].body["dataset"]
    assert dataset["aggregation"]["hours"] == {"name": "UsageQuantity", "function": "Sum"}
    assert [group["name"] for group in dataset["grouping"]] == ["ResourceId", "PricingModel"]
    assert set(dataset) == {"granularity", "grouping", "aggregation", "filter"}
    assert [(r.pricing_category, r.commitment_discount_status, r.consumed_quantity) for r in bill.rows] == [
        ("Standard", "", Decimal("20.5")),
        ("Dynamic", "", 24),
        ("Committed", "Used", 3),
        ("Committed", "Used", 2),
    ]
    assert bill.totals == {}


def test_unused_commitments_come_by_region_and_meter(cloud, wire):
    columns = ["Cost", "UsageQuantity", "UsageDate", "ResourceLocation", "Meter", "Currency"]
    wire.say((200, page(columns, [[2.0, 7, 20261116, "West Europe", "D4s v5", "EUR"]])))
    (row,) = billing.bill(cloud, Asked(SCOPE, WEEK, Question.UNUSED), NOW).rows
    assert (row.commitment_discount_status, row.region, row.meter) == ("Unused", "westeurope", "D4s v5")
    assert (row.consumed_quantity, row.effective_cost) == (7, 2)
    asked = wire.sent[0].body["dataset"]["filter"]["dimensions"]
    assert asked["values"] == ["UnusedReservation", "UnusedSavingsPlan"]


def test_actual_cost_is_what_was_billed(cloud, wire):
    wire.say((200, page(DAILY, [[1, 20261116, VMSS, "Storage", "USD"]])), (204, None))
    (row,) = billing.bill(cloud, Asked(SCOPE, WEEK, Question.COSTS, Basis.ACTUAL), NOW).rows
    assert (row.billed_cost, row.effective_cost) == (1, None)
    assert wire.sent[0].body["type"] == "ActualCost"


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ms-ratelimit-microsoft.costmanagement-entity-retry-after": "53"}, 53),
        (
            {
                "x-ms-ratelimit-microsoft.costmanagement-entity-retry-after": "0",
                "X-MS-Ratelimit-Microsoft.CostManagement-QPU-Retry-After": "12",
                "x-ms-ratelimit-microsoft.costmanagement-tenant-retry-after": "40",
                "x-ms-ratelimit-microsoft.costmanagement-clienttype-retry-after": "7",
            },
            40,
        ),
        ({"x-ms-ratelimit-microsoft.consumption-retry-after": "30"}, 30),
        ({"x-ms-ratelimit-microsoft.costmanagement-qpu-consumed": "900"}, 60),
        ({"Retry-After": "17"}, 17),
        ({}, 60),
    ],
)
def test_throttling_says_how_long_and_nothing_is_slept(cloud, wire, transport, headers, seconds):
    wire.say((429, {"error": {"code": "429", "message": "Too many requests. Please retry."}}, headers))
    with pytest.raises(Throttled) as caught:
        billing.bill(cloud, COSTS, NOW)
    assert caught.value.retry_after == timedelta(seconds=seconds)
    assert len(wire.sent) == 1
    assert transport.slept == []


def test_throttling_on_a_later_page_is_no_smaller_bill(cloud, wire, transport):
    wire.say((200, page(DAILY, [[1, 20261116, VMSS, "x", "USD"]], NEXT)), (429, None, {"Retry-After": "9"}))
    with pytest.raises(Throttled):
        billing.bill(cloud, COSTS, NOW)
    assert transport.slept == []


def test_a_scope_without_permission_is_forbidden(cloud, wire):
    wire.say((403, {"error": {"code": "RBACAccessDenied", "message": "The client does not have authorization"}}))
    with pytest.raises(Forbidden, match=r"reading what subscriptions/.* cost: .*RBACAccessDenied"):
        billing.bill(cloud, COSTS, NOW)


@pytest.mark.parametrize(
    "reply",
    [
        (503, None),
        requests.ConnectionError("cut"),
        (200, b"<html>"),
        (200, page(["UsageDate", "Currency"], [[20261116, "USD"]])),
        (200, page(DAILY, [["many", 20261116, VMSS, "x", "USD"]])),
        (200, page(DAILY, [[float("nan"), 20261116, VMSS, "x", "USD"]])),
        (200, page(DAILY, [[None, 20261116, VMSS, "x", "USD"]])),
        (200, page(DAILY, [[1, "soon", VMSS, "x", "USD"]])),
        (200, page(DAILY, [[1, 20261116]])),
        (200, page(DAILY, [[1, 20261115, VMSS, "x", "USD"]])),
    ],
)
def test_an_answer_that_can_not_be_read_is_no_answer(cloud, wire, reply):
    """Not 0, and not the part that could be read."""
    wire.say(reply)
    with pytest.raises(NoReply):
        billing.bill(cloud, COSTS, NOW)


def test_pages_that_go_in_circles_end(cloud, wire):
    wire.script = lambda _: (200, page(DAILY, [], NEXT))
    with pytest.raises(NoReply, match="no last page"):
        billing.bill(cloud, COSTS, NOW)
    assert len(wire.sent) == 2


def test_a_next_page_elsewhere_gets_no_token(cloud, wire):
    wire.say((200, page(DAILY, [], "https://elsewhere.example/next")))
    with pytest.raises(Refused, match="no token is sent there"):
        billing.bill(cloud, COSTS, NOW)


def test_a_page_without_properties_is_no_page(cloud, wire):
    wire.say((200, page(DAILY, [], NEXT)), (200, []))
    with pytest.raises(NoReply):
        billing.bill(cloud, COSTS, NOW)


# --- forecast ---

AHEAD = Period(date(2026, 11, 1), date(2026, 12, 1))


def test_a_forecast_tells_billed_days_from_expected_ones(cloud, wire):
    columns = ["Cost", "UsageDate", "CostStatus", "Currency"]
    wire.say((200, page(columns, [[10, 20261122, "Actual", "EUR"], [11.5, 20261123, "Forecast", "EUR"]])))
    found = billing.forecast(cloud, SCOPE, AHEAD, NOW)
    assert [(day.on.day, day.amount, day.currency, day.actual) for day in found.days] == [
        (22, 10, "EUR", True),
        (23, Decimal("11.5"), "EUR", False),
    ]
    assert found.problem is None
    assert wire.sent[0].path.endswith("/providers/Microsoft.CostManagement/forecast")
    assert wire.sent[0].body["includeActualCost"] is True
    assert wire.sent[0].headers["ClientType"] == "Lamplighter"


@pytest.mark.parametrize(
    "reply", [(204, None), (424, {"error": {"code": "FailedDependency", "message": "Bad training data"}})]
)
def test_too_little_history_is_no_forecast_of_zero(cloud, wire, reply):
    wire.say(reply)
    found = billing.forecast(cloud, SCOPE, AHEAD, NOW)
    assert found.days == ()
    assert "too little history" in found.problem


def test_a_throttled_forecast_says_so(cloud, wire):
    wire.say((429, None, {"x-ms-ratelimit-microsoft.costmanagement-client-retry-after": "5"}))
    with pytest.raises(Throttled):
        billing.forecast(cloud, SCOPE, AHEAD, NOW)


# --- recorded ---


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "rows", "total"),
    [("cost_query_by_resource_group", 14, "17.819825"), ("cost_query_by_resource", 1, "0.16403")],
)
def test_recorded_answers_of_azure_are_read(reference, name, rows, total):
    """Recorded in 2019 without dates: their totals are read as the tie-out reads totals."""
    import json

    from shared.clients.cost_rows import Table, totals

    reply = json.loads((reference / "recordings" / f"{name}.json").read_text())[1]["response_body"]
    table = Table(reply["properties"]["columns"], reply["properties"]["rows"], "reading a recording")
    assert len(table.rows) == rows
    assert totals([table]) == {"USD": Decimal(total)}
    with pytest.raises(NoReply, match="no date"):
        table.day(table.rows[0])


@pytest.mark.reference
def test_published_examples_are_read(reference):
    import json

    from shared.clients.cost_rows import Table, forecast_days

    folder = reference / "aks-examples" / "cost-management"
    seen = 0
    for path in folder.glob("*Forecast.json"):
        body = json.loads(path.read_text())["responses"]["200"]["body"]["properties"]
        days = forecast_days([Table(body["columns"], body["rows"], path.name)])
        assert len(days) == len(body["rows"])
        assert {day.currency for day in days} == {"USD"}
        seen += 1
    assert seen == 2
