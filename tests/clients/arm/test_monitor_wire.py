"""What is sent to Monitor in each cloud, and answers that the simulator does not give."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from shared.clients import signals
from shared.clients.azure import Cloud, endpoint_of
from shared.model.fleet import Cluster, Power
from shared.model.samples import Window
from shared.model.signals import Use
from shared.policy.signals import Signals

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
MINUTES = [NOW - timedelta(minutes=number) for number in range(60, 0, -1)]
NODE = {"nodepool": "apps", "node": "n0"}


@pytest.fixture
def web(cluster_id) -> Cluster:
    return Cluster(cluster_id, "web-dev", "web-rg", SUBSCRIPTION, "westeurope", Power.RUNNING)


def series(name: str, **points) -> dict:
    """One series of one value; `points` may name another one for a minute, or dimensions."""
    pods = name == "kube_pod_status_phase"
    dimensions = {"namespace": "kube-system", "phase": "Running"} if pods else NODE
    step, key = (1, "total") if pods else (5, "average")
    return {
        "metadatavalues": [{"name": {"value": key}, "value": value} for key, value in dimensions.items()],
        "data": [{"timeStamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", key: points.get("value", 3.0)} for at in MINUTES[::step]],
    }


def answer(cluster_id: str, sent, **changes) -> tuple:
    """Quiet metrics for what was asked, with changes to a metric's entry."""
    entries = []
    for name in sent.query["metricnames"].split(","):
        entry = {
            "id": f"{cluster_id}/providers/Microsoft.Insights/metrics/{name}",
            "name": {"value": name},
            "timeseries": [series(name)],
            "errorCode": "Success",
        }
        entries.append(entry | changes.get(name, {}))
    return 200, {"values": [{"resourceid": cluster_id.upper(), "value": entries}]}


def look(cloud, web, settings=None):
    window = Window(NOW - timedelta(minutes=30), NOW)
    return signals.activity(cloud, [web], settings or Signals(logs="ignored"), window, NOW)[web.id].value


@pytest.mark.parametrize(
    "expected",
    [
        (
            "AzurePublicCloud",
            ("https://westeurope.metrics.monitor.azure.com", "https://api.loganalytics.io"),
            {"https://metrics.monitor.azure.com/.default", "https://api.loganalytics.io/.default"},
        ),
        (
            "AzureUSGovernment",
            ("https://westeurope.metrics.monitor.azure.us", "https://api.loganalytics.us"),
            {"https://metrics.monitor.azure.us/.default", "https://api.loganalytics.us/.default"},
        ),
        (
            "AzureChinaCloud",
            ("https://westeurope.metrics.monitor.azure.cn", "https://api.loganalytics.azure.cn"),
            {"https://metrics.monitor.azure.cn/.default", "https://api.loganalytics.azure.cn/.default"},
        ),
        (
            "https://127.0.0.1:8443",
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
            {"https://127.0.0.1:8443/.default"},
        ),
    ],
)
def test_each_cloud_has_its_hosts_and_audiences(wire, transport, credential, web, expected):
    name, hosts, audiences = expected
    columns = [{"name": one, "type": "string"} for one in ("recorded_at", "active_at", "amount", "source")]
    nothing = (200, {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": []}]})
    wire.script = lambda sent: answer(web.id, sent) if sent.path.endswith("getBatch") else nothing
    with Cloud(endpoint_of(name), credential=credential, transport=transport) as cloud:
        assert look(cloud, web, Signals()).use is Use.IDLE
    assert {sent.url.partition("?")[0] for sent in wire.sent} == {
        f"{hosts[0]}/subscriptions/{SUBSCRIPTION}/metrics:getBatch",
        f"{hosts[1]}/v1{web.id}/query",
    }
    assert set(credential.scopes) == audiences


def test_what_is_asked_of_metrics(cloud, wire, web):
    """`top` is 10 where it is not named, and the service stops there without a word."""
    wire.script = lambda sent: answer(web.id, sent)
    look(cloud, web)
    nodes, pods = sorted((sent.query for sent in wire.sent), key=lambda query: query["aggregation"])
    assert all(sent.body == {"resourceids": [web.id]} for sent in wire.sent)
    assert (nodes["starttime"], nodes["endtime"], nodes["interval"], nodes["top"]) == (
        "2026-11-23T17:00:00Z", "2026-11-23T18:00:00Z", "PT5M", "5000",
    )  # fmt: skip
    assert nodes["filter"] == "nodepool eq '*' and node eq '*'"
    assert (pods["starttime"], pods["interval"], pods["aggregation"]) == ("2026-11-23T17:25:00Z", "PT1M", "total")
    assert pods["filter"] == "namespace eq '*' and phase eq 'Running' or phase eq 'Pending'"


def test_what_is_asked_of_logs_takes_no_name_from_the_workspace(cloud, wire, web):
    """Who wrote is nobody's business here: the query counts accounts, and the server is given half a minute."""
    wire.script = lambda sent: answer(web.id, sent) if sent.path.endswith("getBatch") else (404, {})
    look(cloud, web, Signals())
    sent = wire.sent[-1]
    assert sent.headers["Prefer"] == "wait=30"
    assert sent.body["timespan"] == "2026-11-22T18:00:00.000Z/2026-11-23T18:00:00.000Z"
    assert "let begin = datetime(2026-11-23T17:30:00Z);" in sent.body["query"]
    made = re.findall(r"summarize (.*)", sent.body["query"])
    assert len(made) == 3
    assert not any("username)" in one.replace("dcountif(username, work)", "") for one in made)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {
                "node_cpu_usage_percentage": {
                    "errorCode": "InternalError",
                    "errorMessage": "Try later.",
                    "timeseries": [],
                }
            },
            "node_cpu_usage_percentage could not be read: InternalError Try later.",
        ),
        (
            {"node_network_in_bytes": {"timeseries": [series("node_network_in_bytes")] * 5000}},
            "node_network_in_bytes has more than 5000 series, so some may be missing",
        ),
        ({"kube_pod_status_phase": {"timeseries": []}}, "no metrics since Mon 23 Nov 17:30 or longer"),
    ],
)
def test_trouble_with_one_metric_is_unknown(cloud, wire, web, change, sentence):
    wire.script = lambda sent: answer(web.id, sent, **change)
    found = look(cloud, web)
    assert (found.use, found.sentence) == (Use.UNKNOWN, sentence)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"values": [{}]}', b'{"values": null}', b"[]", b""])
def test_an_answer_that_can_not_be_read_is_unknown(cloud, wire, web, body):
    wire.script = lambda _sent: (200, body)
    found = look(cloud, web)
    assert found.use is Use.UNKNOWN
    assert "Azure's answer could not be read" in found.sentence


def test_a_cluster_that_the_answer_leaves_out_is_unknown(cloud, wire, web):
    wire.script = lambda _sent: (200, {"values": []})
    assert look(cloud, web).sentence == "no metrics since Mon 23 Nov 17:30 or longer"


def test_a_missing_column_is_no_missing_table(cloud, wire, web):
    """Both are SEM0100. A query that went wrong is unknown; only an absent table means that nobody collects."""
    inner = {"code": "SEM0100", "message": "'where' operator: Failed to resolve scalar expression named 'PodStatus'"}
    error = {"code": "BadArgumentError", "message": "no", "innererror": {"code": "SemanticError", "innererror": inner}}
    wire.script = lambda sent: answer(web.id, sent) if sent.path.endswith("getBatch") else (400, {"error": error})
    found = look(cloud, web, Signals())
    assert found.use is Use.UNKNOWN
    assert "400 BadArgumentError" in found.sentence
