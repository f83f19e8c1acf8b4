"""Recorded AKS traffic, replayed against the simulator: it answers what Azure answered.

The recordings (Azure/azure-cli, MIT) are read where LAMPLIGHTER_REFERENCE points; they are not part of this project.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lamplighter.simulator import Fault, Request, World, handle

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
CHOSEN = ("vmSize", "osDiskSizeGB", "osDiskType", "maxPods")
NAMES = ("azure-asyncoperation", "location", "retry-after")


def _world(entries: list[dict[str, Any]], location: str) -> World:
    document = {
        "spread": 0,
        "subscriptions": [{"id": SUBSCRIPTION, "name": "clitest"}],
        "groups": [{"name": "clitest000001", "location": location}],
    }
    return World.from_fleet(document, now=datetime.fromisoformat(entries[0]["recorded_at"]))


def _lasted(entries: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds that each recorded operation took, by its id."""
    found = {}
    for entry in entries:
        body = entry["response_body"]
        if isinstance(body, dict) and "endTime" in body:
            begin, end = (datetime.fromisoformat(f"{body[key][:26].rstrip('Z')}Z") for key in ("startTime", "endTime"))
            found[body["name"]] = (end - begin).total_seconds()
    return found


def _facts(body: Any) -> Any:
    """What a client decides on."""
    if not isinstance(body, dict):
        return None
    if "status" in body:
        return body["status"], "endTime" in body, (body.get("error") or {}).get("code")
    if "error" in body:
        return body["error"]["code"]
    if "value" in body:
        return [_facts(one) for one in body["value"]]
    properties = body.get("properties", {})
    pools = [_pool(pool) for pool in properties.get("agentPoolProfiles", [])]
    return (
        body["id"],
        body["type"],
        properties.get("provisioningState"),
        properties.get("powerState"),
        properties.get("count"),
        pools,
    )


def _pool(pool: dict[str, Any]) -> tuple[Any, ...]:
    return pool["name"], pool["count"], pool["provisioningState"], pool["powerState"], pool["mode"], pool["type"]


def _choose(world: World, entry: dict[str, Any]) -> None:
    """The region chooses the machine where the caller names none: make the same choice."""
    if entry["status"] != 201:
        return
    theirs = entry["response_body"]["properties"]
    for cluster in world.clusters.values():
        for profile in [*theirs.get("agentPoolProfiles", []), {**theirs, "name": entry["response_body"]["name"]}]:
            pool = cluster.pool(profile["name"])
            if pool is not None:
                pool.properties = {**pool.properties, **{name: profile[name] for name in CHOSEN if name in profile}}


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "location"), [("aks_cluster_stop_start", "westus2"), ("aks_nodepool_stop_start", "westcentralus")]
)
def test_it_answers_what_azure_answered(reference: Path, name: str, location: str):
    entries = json.loads((reference / "data" / "recordings" / f"{name}.json").read_text())
    world, lasted = _world(entries, location), _lasted(entries)
    urls: dict[str, str] = {}
    for entry in entries:
        world.advance(max(datetime.fromisoformat(entry["recorded_at"]), world.now()) - world.now())
        theirs = entry["response_headers"].get("azure-asyncoperation", "")
        operation = theirs.rpartition("/")[2].partition("?")[0]
        if operation:
            world.faults = [Fault.operation_slow("*", lasted.get(operation, 60.0))]
        query = "&".join(f"{key}={value}" for key, value in entry["query"].items())
        url = urls.get(
            entry["path"].rpartition("/providers/")[2], f"https://management.azure.com{entry['path']}?{query}"
        )
        body = b"" if entry["request_body"] is None else json.dumps(entry["request_body"]).encode()
        answer = handle(world, Request.read(entry["method"], url, {"authorization": "Bearer t"}, body))
        ours = json.loads(answer.body) if answer.body else None
        what = f"{entry['step']}: {entry['method']} {entry['path']}"
        assert (answer.status, _facts(ours)) == (entry["status"], _facts(entry["response_body"])), what
        _choose(world, entry)
        seen = {header.lower() for header in answer.headers}
        assert {header for header in NAMES if header in seen} == {
            one for one in NAMES if one in entry["response_headers"]
        }, what
        for header in ("azure-asyncoperation", "location"):
            if header in entry["response_headers"]:
                path = entry["response_headers"][header].partition("?")[0]
                urls[path.rpartition("/providers/")[2]] = answer.headers[header]
    assert world.unknown == []
