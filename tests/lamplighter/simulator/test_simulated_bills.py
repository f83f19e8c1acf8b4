"""The simulated meter and its Cost Management: every second billed once, and told as Azure tells it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from lamplighter.simulator import SimulatorAdapter, World
from lamplighter.simulator.belongings import leave_disk
from lamplighter.simulator.charges import Reservation
from lamplighter.simulator.meter import vmss_of
from lamplighter.simulator.resource_graph import PlainRow, table_rows

MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SUB = "11111111-1111-1111-1111-111111111111"
D4 = Decimal("0.0447") * 4


def world(*clusters: dict[str, Any], **top: Any) -> World:
    found = World.from_fleet({"graph_lag": 0, "spread": 0, **top, "clusters": list(clusters)}, now=MONDAY)
    found.meter.lag = timedelta(0)
    return found


def web(**more: Any) -> dict[str, Any]:
    pools = [{"name": "system", "mode": "System", "count": 2}]
    return {"name": "web", "resource_group": "rg", "tags": {"team": "shop"}, "pools": pools, **more}


def hours(world: World, pricing: str = "OnDemand", resource: str | None = None) -> Decimal:
    charges = world.meter.charges(world, date(2026, 11, 1), date(2026, 12, 31))
    found = (one.hours for one in charges if one.pricing == pricing and resource in (None, one.resource))
    return round(sum(found, Decimal(0)), 9)


def lasted(operation: Any) -> Decimal:
    """Hours, to the microsecond."""
    return Decimal((operation.ended_at - operation.began_at) // timedelta(microseconds=1)) / 3_600_000_000


def test_nodes_are_billed_by_the_second_and_by_the_day():
    w = world(web())
    w.advance(30 * HOUR)
    days = {c.day: (c.hours, c.amount) for c in w.meter.charges(w, date(2026, 11, 23), date(2026, 12, 1)) if c.hours}
    assert days == {date(2026, 11, 23): (48, 48 * D4), date(2026, 11, 24): (12, 12 * D4)}


def test_a_stopped_cluster_is_billed_until_the_stop_has_succeeded_and_from_when_its_start_is_accepted():
    w = world(web())
    w.advance(HOUR)
    stop = w.person_stops("web")
    w.advance(10 * HOUR)
    w.person_starts("web")
    w.advance(HOUR)
    assert hours(w) == round(2 * (2 + lasted(stop)), 9)


def test_a_stopped_cluster_still_pays_for_its_load_balancer_address_and_volumes():
    w = world(web(power="Stopped", tier="Standard"))
    w.advance(DAY)
    paid = {c.category: c.amount for c in w.meter.charges(w, MONDAY.date(), date(2026, 11, 25))}
    assert set(paid) == {"Load Balancer", "Virtual Network", "Storage"}
    assert paid["Load Balancer"] == 24 * Decimal("0.0231")


def test_a_tier_is_billed_on_the_cluster_itself():
    w = world(web(tier="Standard"))
    w.advance(DAY)
    (tier,) = (c for c in w.meter.charges(w, MONDAY.date(), date(2026, 11, 24)) if "Kubernetes" in c.category)
    assert (tier.resource, tier.amount) == (w.cluster("web").id, 24 * Decimal("0.0926"))
    assert dict(tier.tags) == {"team": "shop"}


def test_a_stopping_pool_is_billed_until_it_has_stopped():
    w = world(web(pools=[{"name": "system", "mode": "System", "count": 1}, {"name": "batch", "count": 4}]))
    stop = w.person_changes_pool("web", "batch", powerState={"code": "Stopped"})
    w.advance(5 * HOUR)
    assert hours(w, resource=vmss_of(w.cluster("web"), "batch")) == round(4 * lasted(stop), 9)


def test_a_pool_that_the_autoscaler_resizes_is_billed_for_what_it_has():
    w = world(web())
    w.advance(HOUR)
    w.platform_moves("web", "system", 5)
    w.advance(HOUR)
    w.platform_moves("web", "system", 1)
    w.advance(HOUR)
    assert hours(w) == 2 + 5 + 1


def test_spot_nodes_have_a_meter_of_their_own():
    w = world(
        web(pools=[{"name": "system", "mode": "System", "count": 1}, {"name": "s", "count": 3, "priority": "Spot"}])
    )
    w.advance(2 * HOUR)
    (spot,) = (c for c in w.meter.charges(w, MONDAY.date(), date(2026, 11, 24)) if c.pricing == "Spot")
    assert (spot.hours, spot.amount) == (6, 6 * D4 * Decimal("0.2143"))


def test_a_reservation_covers_whatever_runs_and_is_billed_when_nothing_does():
    w = world(web(), {**web(), "name": "api"})
    w.meter.reservations.append(Reservation("westeurope", "Standard_D4s_v5", 3))
    w.advance(HOUR)
    assert (hours(w), hours(w, "Reservation")) == (1, 3)
    w.person_stops("web")
    w.person_stops("api")
    w.advance(10 * HOUR)
    unused = [c for c in w.meter.charges(w, MONDAY.date(), date(2026, 11, 24)) if c.charge == "UnusedReservation"]
    assert {(c.resource, c.subscription, c.size) for c in unused} == {("", SUB, "Standard_D4s_v5")}
    assert hours(w, "Reservation") == 3 * 11
    assert round(sum(c.amount for c in unused), 9) == round(sum(c.hours for c in unused) * D4 * Decimal("0.61"), 9)


def test_a_deleted_cluster_keeps_what_it_cost_and_costs_nothing_more():
    w = world(web())
    w.advance(HOUR)
    from lamplighter.simulator.cluster_verbs import delete
    from lamplighter.simulator.operations import Call

    gone = delete(w, w.cluster("web"), Call("DELETE", "x", "person"))
    w.advance(DAY)
    assert hours(w) == round(2 * (1 + lasted(gone)), 9)


def test_what_people_left_behind_is_billed_from_then_on_and_shown_attached_to_nothing():
    w = world(web(), billing={"lag_hours": 0, "left": [{"cluster": "web", "address": "old"}]})
    w.advance(DAY)
    disk = leave_disk(w, "web", "pvc-old", gb=100, group="rg-data")
    w.advance(DAY)
    billed = {
        c.resource.rpartition("/")[2]: c.amount for c in w.meter.charges(w, date(2026, 11, 24), date(2026, 11, 25))
    }
    assert (billed["old"], billed["pvc-old"]) == (Decimal("0.0046") * 24, Decimal("0.000104") * 100 * 24)
    shown = {row.values["id"]: row for row in table_rows(w, "resources", frozenset({SUB}), "... microsoft.compute/disks")
             if isinstance(row, PlainRow)}  # fmt: skip
    assert shown[disk].values["properties"] == {
        "diskState": "Unattached", "LastOwnershipUpdateTime": "2026-11-24T00:00:00Z",
    }  # fmt: skip
    assert [row.values["properties"]["diskState"] for key, row in shown.items() if key != disk] == ["Attached"]
    w.person_stops("web")
    w.advance(HOUR)
    shown = table_rows(w, "resources", frozenset({SUB}), "microsoft.compute/disks")
    states = [row.values["properties"]["diskState"] for row in shown if isinstance(row, PlainRow)]
    assert states == ["Unattached", "Unattached"]
    assert len(table_rows(w, "resources", frozenset({SUB}), "| summarize count()")) == 1, "nobody asked for disks"


def test_a_fleet_may_have_been_billed_long_before_the_world_begins():
    since = {"since": "2026-11-16", "left": [{"cluster": "web", "disk": "old"}]}
    w = world(web(), billing={"lag_hours": 0, **since})
    days = [c.day for c in w.meter.charges(w, date(2026, 1, 1), date(2026, 12, 1)) if c.resource.endswith("/old")]
    assert days == [date(2026, 11, day) for day in range(16, 23)]
    assert hours(w) == 7 * 24 * 2


def test_nothing_is_told_before_the_lag_is_over():
    w = world(web())
    w.meter.lag = 12 * HOUR
    w.advance(15 * HOUR)
    assert hours(w) == 2 * 3


def test_other_charges_come_every_day_and_a_refund_once():
    w = world()
    w.meter.also(SUB, "", "Support", "1.5")
    w.meter.also(SUB, "/subscriptions/x/resourceGroups/y/z", "Storage", "-9", only_on=date(2026, 11, 24))
    w.advance(2 * DAY)
    assert sorted(c.amount for c in w.meter.charges(w, MONDAY.date(), date(2026, 11, 30))) == [
        Decimal(-9), Decimal("1.5"), Decimal("1.5"),
    ]  # fmt: skip


# --- Cost Management ---


def body(*groups: str, quantity: bool = False, **more: Any) -> dict[str, Any]:
    sums = {"totalCost": {"name": more.pop("cost", "Cost"), "function": "Sum"}}
    if quantity:
        sums["q"] = {"name": "UsageQuantity", "function": "Sum"}
    dataset = {"granularity": more.pop("granularity", "Daily"), "aggregation": sums}
    dataset["grouping"] = [{"type": "Dimension", "name": name} for name in groups]
    if "filter" in more:
        dataset["filter"] = more.pop("filter")
    period = {"from": "2026-11-23T00:00:00Z", "to": more.pop("to", "2026-11-24T23:59:59Z")}
    return {"type": "AmortizedCost", "timeframe": "Custom", "timePeriod": period, "dataset": dataset, **more}


def post(w: World, sent: dict[str, Any], url: str = "", **params: Any) -> requests.Response:
    session = requests.Session()
    session.mount("https://", SimulatorAdapter(w))
    url = url or f"https://management.azure.com/subscriptions/{SUB}/providers/Microsoft.CostManagement/query"
    return session.post(url, json=sent, params=params, headers={"Authorization": "Bearer x"})


@pytest.fixture
def billed() -> World:
    w = world(web(), subscriptions=[{"id": SUB, "name": "dev", "management_groups": ["platform"]}])
    w.advance(2 * DAY)
    return w


def test_an_answer_has_columns_and_rows_as_azure_has_them(billed):
    found = post(
        billed,
        body(
            "ResourceId",
            "PricingModel",
            quantity=True,
            filter={"dimensions": {"name": "MeterCategory", "operator": "In", "values": ["Virtual Machines"]}},
        ),
    ).json()["properties"]
    assert [c["name"] for c in found["columns"]] == [
        "Cost",
        "UsageQuantity",
        "UsageDate",
        "ResourceId",
        "PricingModel",
        "Currency",
    ]
    assert [row[1:] for row in found["rows"]] == [
        [48.0, day, vmss_of(billed.cluster("web"), "system").lower(), "OnDemand", "EUR"] for day in (20261123, 20261124)
    ]


def test_the_total_is_the_sum_of_the_rows(billed):
    rows = post(billed, body("ResourceId", "MeterCategory")).json()["properties"]["rows"]
    ((total, currency),) = post(billed, body(granularity="None")).json()["properties"]["rows"]
    assert (round(sum(row[0] for row in rows), 9), currency) == (round(total, 9), "EUR")


def test_pages_are_posted_with_the_same_body(billed):
    sent = body("ResourceId")
    first = post(billed, sent, **{"$top": 3}).json()["properties"]
    assert len(first["rows"]) == 3
    assert post(billed, sent, first["nextLink"]).json()["properties"]["rows"][0] not in first["rows"]
    assert post(billed, body("MeterCategory"), first["nextLink"]).status_code == 400


def test_nothing_billed_is_no_content(billed):
    sent = {**body(), "timePeriod": {"from": "2026-10-01T00:00:00Z", "to": "2026-10-07T00:00:00Z"}}
    assert post(billed, sent).status_code == 204


@pytest.mark.parametrize(
    "sent",
    [
        body("ResourceId", "MeterCategory", "PricingModel"),
        body(cost="PreTaxCost"),
        body("Colour"),
        body(to="2027-12-30T00:00:00Z"),
        body(granularity="Hourly"),
        {**body(), "timeframe": "Whenever"},
        {**body(), "timePeriod": {}},
    ],
)
def test_what_azure_refuses_is_refused(billed, sent):
    assert post(billed, sent).json()["error"]["code"] == "BadRequest"


def test_a_management_group_adds_up_its_subscriptions_without_resources(billed):
    url = "https://management.azure.com/providers/Microsoft.Management/managementGroups/Platform/providers/Microsoft.CostManagement/query"
    assert post(billed, body("ResourceId"), url).status_code == 400
    rows = post(billed, body("ResourceGroupName", "SubscriptionId"), url).json()["properties"]["rows"]
    assert {(row[2], row[3]) for row in rows} == {("mc_rg_web_westeurope", SUB)}


def test_a_scope_without_permission_answers_403(billed):
    billed.costs.denied.add(SUB)
    assert post(billed, body()).status_code == 403


def test_the_fifth_query_of_a_scope_in_a_minute_is_throttled_without_retry_after(billed):
    for _ in range(4):
        assert post(billed, body()).status_code == 200
    refused = post(billed, body())
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    assert refused.headers["x-ms-ratelimit-microsoft.costmanagement-entity-retry-after"] == "60"
    billed.advance(timedelta(seconds=60))
    assert post(billed, body()).status_code == 200


def test_a_tenant_has_twelve_units_in_ten_seconds(billed):
    answer = post(billed, body(to="2027-11-01T00:00:00Z"))
    assert answer.headers["x-ms-ratelimit-microsoft.costmanagement-qpu-consumed"] == "12"
    refused = post(billed, body())
    assert refused.headers["x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after"] == "10"


def test_a_forecast_needs_two_weeks_of_history(billed):
    sent = {**body(to="2026-12-31T00:00:00Z"), "includeActualCost": True}
    url = f"https://management.azure.com/subscriptions/{SUB}/providers/Microsoft.CostManagement/forecast"
    assert post(billed, sent, url).status_code == 424
    billed.advance(14 * DAY)
    rows = post(billed, sent, url).json()["properties"]["rows"]
    assert [row[2] for row in rows].count("Actual") == 16
    assert rows[-1][1:] == [20261231, "Forecast", "EUR"]
    assert rows[-1][0] == pytest.approx(rows[0][0])


BILLED = {
    "currency": "USD",
    "agreement": "payg",
    "lag_hours": 0,
    "reservations": [{"location": "westeurope", "size": "Standard_D4s_v5", "nodes": 1}],
    "others": [
        {"subscription": "dev", "category": "Support", "amount": 2},
        {"subscription": SUB, "resource": "/x", "category": "Storage", "amount": -1, "on": "2026-11-23"},
    ],
}


def test_a_fleet_file_says_how_it_is_billed():
    w = world(web(), billing=BILLED)
    w.meter.lag = timedelta(0)
    w.advance(DAY)
    ((cost, currency),) = post(w, body(granularity="None", cost="PreTaxCost")).json()["properties"]["rows"]
    assert currency == "USD"
    assert cost == pytest.approx(float(sum(c.amount for c in w.meter.charges(w, MONDAY.date(), date(2026, 11, 30)))))
    assert hours(w, "Reservation") == hours(w) == 24
    assert {
        c.category: c.amount for c in w.meter.charges(w, MONDAY.date(), date(2026, 11, 24)) if c.amount in (2, -1)
    } == {
        "Support": 2,
        "Storage": -1,
    }


@pytest.mark.parametrize(
    ("billing", "says"),
    [
        ({"agreement": "friends"}, "unknown agreement"),
        ({"price": 3}, "unknown key"),
        ({"reservations": [{}]}, "location"),
    ],
)
def test_a_bad_billing_section_is_told(billing, says):
    with pytest.raises(ValueError, match=says):
        world(web(), billing=billing)
