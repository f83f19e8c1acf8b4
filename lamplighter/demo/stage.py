"""The demo's stage: a world, its TLS server, and the app on it as Azure would run it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from lamplighter.demo import chapters
from lamplighter.demo.story import BEGIN, Scene
from lamplighter.rehearsal import MINUTE, Rehearsal
from lamplighter.simulator import Server, World, serve
from shared.clients.azure import Cloud, endpoint_of

if TYPE_CHECKING:
    from azure.core.pipeline.transport import RequestsTransport

SETTINGS = {"LAMPLIGHTER_PUBLIC_URL": "https://lamplighter.example.com", "FINANCE_CHANNEL": "json://127.0.0.1/finance"}
"""Where the links in warnings lead, and a channel that this process itself takes the place of."""


def fleet_document() -> object:
    from ruamel.yaml import YAML  # noqa: PLC0415 - the demo only

    return YAML(typ="safe", pure=True).load(files(__package__).joinpath("fleet.yaml").read_text(encoding="utf-8"))


def policy_text() -> str:
    return files(__package__).joinpath("policy.yaml").read_text(encoding="utf-8")


@contextmanager
def stage() -> Iterator[Rehearsal]:
    """Everything real but Azure: azure-identity fetches tokens, the SDKs speak TLS, retries and polling are theirs."""
    world = World.from_fleet(fleet_document(), now=BEGIN)
    with serve(world) as server, _identity_of(server):
        cloud = Cloud(endpoint_of(server.arm_url), ca_file=server.ca_file, transport=_transport(world, server.ca_file))
        with Rehearsal(world, policy_text(), cloud=cloud, environ=SETTINGS) as rehearsal:
            chapters.before(rehearsal)
            yield rehearsal


def _transport(world: World, ca_file: str) -> RequestsTransport:
    """The app's own, but what it waits for passes in the world's time."""
    from shared.clients.pipeline import transport  # noqa: PLC0415 - the SDKs take a while

    made = transport(ca_file)
    made.sleep = world.sleep  # azure-core waits through its transport
    return made


@contextmanager
def _identity_of(server: Server) -> Iterator[None]:
    """The variables that App Service sets for a managed identity, for this process and this time only."""
    before = {name: os.environ.get(name) for name in server.environment}
    os.environ.update(server.environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def play(rehearsal: Rehearsal, scenes: tuple[Scene, ...]) -> Iterator[Scene | None]:
    """Runs from scene to scene; yields each scene as it is played, and None after every quarter of an hour."""
    world = rehearsal.world
    waiting = list(scenes)
    while True:
        while waiting and waiting[0].at <= world.now():
            scene = waiting.pop(0)
            scene.play(rehearsal)
            yield scene
        rehearsal.run(min(world.now() + 15 * MINUTE, waiting[0].at if waiting else world.now() + 15 * MINUTE))
        yield None
