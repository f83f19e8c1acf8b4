"""A small fleet and the real SDK on top of it, in process: waiting moves the world's clock."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.mgmt.containerservice import ContainerServiceClient

from lamplighter.simulator import Request, Response, SimulatorCredential, SimulatorTransport, World, handle

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
FLEET: dict[str, Any] = {
    "spread": 0,
    "graph_lag": [60, 120],
    "subscriptions": [{"id": SUBSCRIPTION, "name": "dev", "management_groups": ["nonprod"]}],
    "clusters": [
        {
            "name": "web",
            "tags": {"environment": "dev"},
            "pools": [
                {"name": "system", "mode": "System", "count": 3},
                {"name": "batch", "count": 2, "properties": {"nodeLabels": {"team": "web"}}},
                {"name": "auto", "count": 2, "min": 1, "max": 5},
            ],
        }
    ],
}


@pytest.fixture
def make_world() -> Callable[..., World]:
    """`make_world(cluster, ...)`: the small fleet, or one cluster per dict given."""

    def make(*clusters: dict[str, Any], **top: Any) -> World:
        document = {**FLEET, **top}
        if clusters:
            document["clusters"] = list(clusters)
        return World.from_fleet(document, now=NOON)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def sdk(world: World) -> Iterator[ContainerServiceClient]:
    with ContainerServiceClient(SimulatorCredential(), SUBSCRIPTION, transport=SimulatorTransport(world)) as client:
        yield client


@pytest.fixture
def ask(world: World) -> Callable[..., Response]:
    """`ask("GET", path, body=None, **headers)`: one raw request."""

    def send(method: str, url: str, body: Any = None, **headers: str) -> Response:
        sent = {"authorization": "Bearer t", **{name.replace("_", "-"): value for name, value in headers.items()}}
        raw = b"" if body is None else json.dumps(body).encode()
        return handle(world, Request.read(method, url, sent, raw, "https://management.azure.com"))

    return send


@pytest.fixture
def reference() -> Path:
    """The folder of reference data; skips visibly where it is absent."""
    folder = os.environ.get("LAMPLIGHTER_REFERENCE")
    if not folder:
        pytest.skip("LAMPLIGHTER_REFERENCE does not name the folder with the reference data")
    return Path(folder)
