"""The app on a simulated Azure: real rooms, real SDKs, in-memory SQLite, virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lamplighter.simulator import SimulatorCredential, SimulatorTransport, World
from shared import app as composition
from shared.app import App
from shared.clients.azure import Cloud, endpoint_of
from shared.clients.journal import Journal
from shared.clients.notify import Sent
from shared.clients.queue_sqlite import SqliteQueue
from shared.clients.store_sqlite import SqliteStore
from shared.settings import read_settings

if TYPE_CHECKING:
    from tests.contract.functions_host import FunctionsHost

POLICY = """\
version: 1
mode: act
timezone: Europe/Berlin
scope: all
environments:
  - {name: dev, match: {tags: {environment: dev}}}
schedules:
  office: {running: [Mon-Fri 07:30-19:00]}
rules:
  - {name: nights, match: {environments: [dev]}, hours: {schedule: office, lead: 20m}}
notify:
  routes: [{to: [OPERATORS_CHANNEL]}]
"""
FLEET = {
    "now": "2026-11-23T09:00:00Z",  # a Monday, 10:00 in Berlin
    "graph_lag": 0,
    "clusters": [
        {"name": "web-dev", "tags": {"environment": "dev"}},
        {"name": "web-prod", "tags": {"environment": "prod"}},
    ],
}


@dataclass
class House:
    """The composed app, the world it acts on, and what its channel was sent."""

    world: World
    app: App
    sent: list[str] = field(default_factory=list)

    def wait(self, **duration: float) -> None:
        self.world.advance(timedelta(**duration))

    def phases(self, decision: str) -> list[str]:
        """What history says of one decision, in the order of time."""
        now = self.world.now()
        records = self.app.journal.history(None, now - timedelta(days=2), now + timedelta(days=1))
        return [record.phase for record in records if record.id == decision]


@pytest.fixture
def house() -> Iterator[House]:
    """The process's one app while the test lasts."""
    world = World.from_fleet(FLEET)
    sent: list[str] = []

    def channel(_addresses: object, title: str, body: str) -> Sent:
        sent.append(f"{title}\n{body}")
        return Sent(ok=True)

    app = App(
        settings=read_settings({"OPERATORS_CHANNEL": "json://127.0.0.1/SECRET"}),
        clock=world.now,
        cloud=Cloud(
            endpoint_of("AzurePublicCloud"), credential=SimulatorCredential(), transport=SimulatorTransport(world)
        ),
        journal=Journal(SqliteStore(":memory:")),
        queue=SqliteQueue(":memory:", world.now),
        policy_text=lambda: (POLICY, "policy.yaml"),
        notify=channel,
    )
    composition.use(app)
    yield House(world, app, sent)
    composition._current.clear()
    app.journal.close()
    app.queue.close()
    app.cloud.close()


@pytest.fixture
def no_app() -> Iterator[None]:
    """A process that has not composed its app yet, before and after the test."""
    composition._current.clear()
    yield
    for app in composition._current:
        app.journal.close()
        app.queue.close()
        app.cloud.close()
    composition._current.clear()


@pytest.fixture(scope="module")
def host() -> Iterator[FunctionsHost]:
    from tests.contract.functions_host import FunctionsHost

    with FunctionsHost(Path(__file__).parents[2]) as host:
        yield host


@pytest.fixture
def open_house(house: House, host: FunctionsHost) -> House:
    """With a gate for callers, a public address, and clusters that a tick has seen."""
    from tests.clients.entra_tokens import Login
    from tests.contract.http_calls import PUBLIC

    house.app = replace(house.app, gate=Login().gate(), settings=read_settings(PUBLIC))
    composition.use(house.app)
    assert host.timer("tick").ok
    return house
