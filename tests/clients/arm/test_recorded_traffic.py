"""Traffic recorded between the Azure CLI and real AKS, played to our clients: what we send, what we conclude.

Two recordings: stop and start of a cluster (2023), stop and start of a pool (2025). The api-version of their requests
was rewritten by the recorder; everything else is as it was on the wire.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from shared.clients import clusters
from shared.clients.clusters import Accepted, OperationState
from shared.errors import NotFound
from shared.model.fleet import Power

pytestmark = pytest.mark.reference

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
ARM = "https://management.azure.com"
ROOT = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/clitest000001/providers/Microsoft.ContainerService/managedClusters/"
ID = (ROOT + "cliakstest000002").lower()


class Tape:
    """The entries of some steps of a recording, answered by method and path, each path in its recorded order."""

    def __init__(self, path: Path, *steps: str) -> None:
        self.entries = [entry for entry in json.loads(path.read_text()) if entry["step"] in steps]

    def answer(self, sent: Any) -> tuple[int, Any, dict[str, str]]:
        for number, entry in enumerate(self.entries):
            if (entry["method"], entry["path"].casefold()) == (sent.method, sent.path.casefold()):
                del self.entries[number]
                return entry["status"], entry["response_body"], entry["response_headers"]
        raise AssertionError(f"the recording has no (further) {sent.method} {sent.path}")

    def find(self, method: str, status: int | None = None) -> dict[str, Any]:
        return next(one for one in self.entries if one["method"] == method and status in (None, one["status"]))


@pytest.fixture
def recordings(reference: Path) -> Path:
    return reference / "recordings"


def operation_states(cloud, accepted: Accepted, count: int) -> list[OperationState]:
    return [clusters.operation(cloud, ID, str(accepted.operation)) for _ in range(count)]


@pytest.mark.parametrize(("verb", "polls"), [("stop", 5), ("start", 8)])
def test_a_cluster_stops_and_starts(cloud, wire, recordings, verb, polls):
    """Every poll of the start, the last one too, carries the error NotLatestOperation; it succeeded nevertheless."""
    tape = Tape(recordings / "aks_cluster_stop_start.json", f"aks {verb}")
    recorded = tape.find("POST")
    wire.script = tape.answer
    accepted = getattr(clusters, verb)(cloud, ID)
    assert accepted == Accepted(recorded["response_headers"]["azure-asyncoperation"])
    assert [state.status for state in operation_states(cloud, accepted, polls)] == ["running"] * (polls - 1) + [
        "succeeded"
    ]
    post, *asked = wire.sent
    assert (post.method, post.path, post.body) == ("POST", f"{ROOT}cliakstest000002/{verb}", None)
    assert post.path.casefold() == recorded["path"].casefold()
    assert post.query == {"api-version": "2026-08-01"}
    assert {one.url for one in asked} == {accepted.operation}


def test_the_cluster_before_the_stop_is_read(cloud, wire, recordings):
    wire.script = Tape(recordings / "aks_cluster_stop_start.json", "aks stop").answer
    cluster = clusters.get(cloud, ID)
    assert (cluster.name, cluster.location, cluster.power, cluster.is_settled, cluster.problem) == (
        "cliakstest000002",
        "westus2",
        Power.RUNNING,
        True,
        None,
    )
    assert [(pool.mode, pool.kind, pool.count) for pool in cluster.pools] == [("System", "VirtualMachineScaleSets", 3)]


def test_the_result_url_tells_nothing_after_the_end(cloud, wire, recordings):
    """After Succeeded the Location URL answers 204 with a new Location: no status, so no conclusion."""
    tape = Tape(recordings / "aks_cluster_stop_start.json", "aks stop")
    result = tape.find("GET", 204)
    wire.script = tape.answer
    url = f"{ARM}{result['path']}?{urlencode(result['query'])}"
    assert clusters.operation(cloud, ID, url) == OperationState("gone")


def test_a_pool_stops(cloud, wire, recordings):
    """Azure says Stopped and count 0 at once, while it still stops: the size must come from before."""
    tape = Tape(recordings / "aks_nodepool_stop_start.json", "aks nodepool stop")
    put = tape.find("PUT")
    sizes = Tape(recordings / "aks_nodepool_stop_start.json", "aks nodepool stop")
    wire.script = sizes.answer
    before = clusters.pool_size(cloud, ID, "c000003", NOW)
    assert before is not None
    assert (before.count, before.autoscaling) == (2, False)
    wire.script = tape.answer
    accepted = clusters.stop_pool(cloud, ID, "c000003")
    assert accepted == Accepted(put["response_headers"]["azure-asyncoperation"])
    sent = wire.sent[-1]
    assert (sent.method, sent.path.casefold(), sent.body) == ("PUT", put["path"].casefold(), put["request_body"])
    assert put["response_body"]["properties"]["count"] == 0
    assert [state.status for state in operation_states(cloud, accepted, 3)] == ["running", "running", "succeeded"]
    assert clusters.pool_size(cloud, ID, "c000003", NOW) is None


def test_a_pool_starts(cloud, wire, recordings):
    """Sent with count 0, it came back with 2 nodes; with a saved size, that is what we send."""
    tape = Tape(recordings / "aks_nodepool_stop_start.json", "aks nodepool start")
    put = tape.find("PUT")
    wire.script = tape.answer
    accepted = clusters.start_pool(cloud, ID, "c000003", None)
    assert (wire.sent[-1].path.casefold(), wire.sent[-1].body) == (put["path"].casefold(), put["request_body"])
    assert [state.status for state in operation_states(cloud, accepted, 4)] == ["running"] * 3 + ["succeeded"]
    after = clusters.pool_size(cloud, ID, "c000003", NOW)
    assert after is not None
    assert after.count == 2


def test_a_cluster_that_is_not_there_is_not_found(cloud, wire, recordings):
    wire.script = Tape(recordings / "aks_nodepool_stop_start.json", "aks create").answer
    with pytest.raises(NotFound, match="reading cliakstest000002: Azure answered 404 ResourceNotFound"):
        clusters.get(cloud, ID)
