"""The simulated Monitor: what it refuses, and traces of use."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from lamplighter.simulator import Request, UnknownRequest, World, handle
from lamplighter.simulator.identity import token
from shared.clients import logs

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
METRICS = {
    "api-version": "2024-02-01",
    "metricnamespace": "Microsoft.ContainerService/managedClusters",
    "metricnames": "node_cpu_usage_percentage",
    "aggregation": "average",
    "filter": "nodepool eq '*' and node eq '*'",
    "starttime": "2026-11-23T11:00:00Z",
    "endtime": "2026-11-23T12:00:00Z",
    "interval": "PT5M",
    "top": "100",
}
QUESTION = logs.LogQuestion(NOON - timedelta(days=1), NOON - timedelta(hours=1), NOON, "^(kube-system)$", "^(x)$")
QUERY = logs.query(("pods",), QUESTION)


@pytest.fixture
def fleet() -> World:
    clusters = [{"name": "web"}, {"name": "far", "location": "eastus"}]
    return World.from_fleet({"clusters": clusters}, now=NOON)


def asked(world: World, url: str, body: object, audience: str, **query: str):
    parameters = "&".join(f"{name}={value}" for name, value in query.items())
    headers = {"Authorization": f"Bearer {token('t', audience)[0]}"}
    return handle(world, Request.read("POST", f"{url}?{parameters}", headers, json.dumps(body).encode()))


def batch(world: World, *names: str, host: str = "https://westeurope.metrics.monitor.azure.com", **change: str):
    url = f"{host}/subscriptions/{SUBSCRIPTION}/metrics:getBatch"
    ids = {"resourceids": [world.cluster(name).id if name in {"web", "far"} else name for name in names]}
    return asked(world, url, ids, "https://metrics.monitor.azure.com", **{**METRICS, **change})


def ask_logs(world: World, query: str, audience: str = "https://api.loganalytics.io"):
    return asked(world, f"https://api.loganalytics.io/v1{world.cluster('web').id}/query", {"query": query}, audience)


def points(answer) -> list[float]:
    return [point["average"] for one in answer.json()["values"][0]["value"][0]["timeseries"] for point in one["data"]
            if "average" in point]  # fmt: skip


def test_use_shows_in_the_metrics_of_its_time_only(fleet):
    fleet.uses("web", NOON - timedelta(minutes=30), NOON - timedelta(minutes=20))
    assert sum(value > 30 for value in points(batch(fleet, "web"))) == 2


@pytest.mark.parametrize(
    ("names", "change", "status", "said"),
    [
        (("web", "far"), {}, 400, "westeurope"),
        (("far",), {}, 400, "westeurope"),
        (("web", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/x/managedClusters/gone"), {}, 404, "gone"),
        (("web",) * 51, {}, 400, "1 to 50"),
        ((), {}, 400, "1 to 50"),
        (("web",), {"api-version": "2018-01-01"}, 400, "api-version"),
        (("web",), {"metricnamespace": "Microsoft.Compute/virtualMachines"}, 400, "namespace"),
        (("web",), {"metricnames": "Percentage CPU"}, 400, "percentage cpu"),
        (("web",), {"interval": "PT7M"}, 400, "interval"),
        (("web",), {"filter": "nodepool = apps"}, 400, "filter"),
        (("web",), {"filter": "phase eq '*'"}, 400, "the filter may name node, nodepool"),
        (("web",), {"aggregation": "total"}, 400, "aggregation"),
        (("web",), {"starttime": "yesterday"}, 400, "yesterday"),
    ],
)
def test_a_batch_that_the_service_would_not_take_is_refused(fleet, names, change, status, said):
    answer = batch(fleet, *names, **change)
    assert answer.status == status
    assert said in answer.json()["error"]["message"]


def test_series_beyond_top_are_left_out_without_a_word(fleet):
    """As the service does; ten where `top` is not named."""
    whole, cut = batch(fleet, "web"), batch(fleet, "web", top="2")
    sizes = [len(one.json()["values"][0]["value"][0]["timeseries"]) for one in (whole, cut)]
    assert sizes == [3, 2]
    assert cut.status == 200


def test_the_newest_minutes_have_not_come_in(fleet):
    last = [one["data"][-1]["timeStamp"] for one in batch(fleet, "web").json()["values"][0]["value"][0]["timeseries"]]
    assert set(last) == {"2026-11-23T11:50:00.000000Z"}


def test_nothing_is_measured_while_a_cluster_is_off(fleet):
    fleet.person_stops("web")
    fleet.advance(timedelta(hours=2))
    answer = batch(fleet, "web", starttime="2026-11-23T13:00:00Z", endtime="2026-11-23T14:00:00Z")
    assert points(answer) == []


def test_only_the_shipped_queries_are_answered(fleet):
    """No engine runs them: a query that was changed in one word would otherwise be answered wrongly."""
    fleet.usage.collect(fleet.cluster("web"), "KubePodInventory")
    assert ask_logs(fleet, QUERY).status == 200
    union = logs.query(logs.SOURCES, QUESTION)
    assert ask_logs(fleet, union).status == 200
    for changed in (
        QUERY.replace("max(", "min("),
        "KubePodInventory | take 1",
        "",
        f"{QUERY}\n| take 1",
        logs.body("pods"),
        f"union isfuzzy=true ({logs.body('pods')})",
        union.replace("AKSAuditAdmin\n", "AKSAudit\n"),
        QUERY.replace("let finish = datetime(2026-11-23T12:00:00Z);\n", ""),
        QUERY.replace("datetime(2026-11-23T12:00:00Z)", "now()"),
        QUERY.replace("datetime(2026-11-23T12:00:00Z)", "datetime(soon)"),
    ):
        assert changed not in (QUERY, union)
        answer = ask_logs(fleet, changed)
        assert (answer.status, answer.json()["error"]["code"]) == (400, "BadArgumentError")


def test_a_token_for_another_service_is_not_taken(fleet):
    assert ask_logs(fleet, QUERY, "https://management.azure.com").status == 401
    url = f"https://westeurope.metrics.monitor.azure.com/subscriptions/{SUBSCRIPTION}/metrics:getBatch"
    assert asked(fleet, url, {}, "https://api.loganalytics.io", **METRICS).status == 401


def test_logs_have_a_quota_of_their_own(fleet):
    """200 in 30 seconds, which does not use up Resource Manager's."""
    fleet.usage.collect(fleet.cluster("web"), "KubePodInventory")
    statuses = [ask_logs(fleet, QUERY).status for _ in range(201)]
    assert statuses == [200] * 200 + [429]
    fleet.advance(timedelta(seconds=30))
    assert ask_logs(fleet, QUERY).status == 200


def test_an_unknown_request_to_monitor_is_loud(fleet):
    with pytest.raises(UnknownRequest):
        asked(fleet, "https://api.loganalytics.io/v1/workspaces/x/query", {}, "https://api.loganalytics.io")
    assert fleet.unknown == ["POST https://api.loganalytics.io/v1/workspaces/x/query"]


def test_a_trace_is_read(fleet):
    """The last use lasts until the world's present."""
    lines = [
        "time,cluster,active", "2026-11-23T10:00:00+01:00,web,1", "2026-11-23T09:30:00Z,web,1",
        "2026-11-23T10:00:00Z,web,0", "2026-11-23T11:00:00Z,far,true",
    ]  # fmt: skip
    assert fleet.usage.read(fleet, lines) == 2
    assert [one[:2] for one in fleet.usage.spans(fleet.cluster("web").key, "cpu")] == [
        (NOON - timedelta(hours=3), NOON - timedelta(hours=2))
    ]
    assert [one[:2] for one in fleet.usage.spans(fleet.cluster("far").key, "writes")] == [
        (NOON - timedelta(hours=1), NOON)
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-11-23T10:00:00,web,1", "no offset"),
        ("soon,web,1", "soon"),
        ("2026-11-23T10:00:00Z,gone,1", "line 2: no cluster is called 'gone';"),
        ("2026-11-23T10:00:00Z,web,maybe", "neither 1 nor 0"),
        ("2026-11-23T10:00:00Z,web", "line 2"),
    ],
)
def test_a_wrong_line_of_a_trace_is_told_with_its_number(fleet, line, said):
    with pytest.raises(ValueError, match=r"usage trace, line 2: .*; expected for example 2026") as told:
        fleet.usage.read(fleet, ["time,cluster,active", line])
    assert said in str(told.value)


def test_a_use_that_ends_before_it_begins_is_refused(fleet):
    with pytest.raises(ValueError, match="no stretch of time"):
        fleet.uses("web", NOON, NOON)
    with pytest.raises(ValueError, match="'gpu' is no kind of use"):
        fleet.uses("web", NOON, NOON + timedelta(hours=1), ("gpu",))
