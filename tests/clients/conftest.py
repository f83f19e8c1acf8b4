"""Azurite, and each store and queue in all its forms: the contract suites run on every one of them."""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer

import pytest

from shared.clients.queue_sqlite import SqliteQueue
from shared.clients.queue_storage import StorageQueue
from shared.clients.store_sqlite import SqliteStore
from shared.clients.store_tables import TablesStore

# Azurite's well-known account; a secret of nobody.
# https://learn.microsoft.com/azure/storage/common/storage-connect-azurite#well-known-storage-account-and-key
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
READY_SECONDS = 30


@dataclass(frozen=True)
class Azurite:
    """A running emulator, of this test process alone."""

    tables: str
    queues: str
    blobs: str
    key: str = KEY

    @property
    def credential(self):
        from azure.core.credentials import AzureNamedKeyCredential

        return AzureNamedKeyCredential(ACCOUNT, KEY)

    def store(self, transport=None) -> TablesStore:
        """Tables that no other test has."""
        return TablesStore.connect(self.tables, self.credential, prefix=f"t{secrets.token_hex(6)}", transport=transport)

    def queue(self, transport=None) -> StorageQueue:
        """Queues that no other test has."""
        return StorageQueue.connect(
            self.queues, self.credential, prefix=f"t{secrets.token_hex(6)}-", transport=transport
        )


class Clock:
    """A clock that tests set forward."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    installer = _installer()
    problem = installer.install()
    if problem:
        if os.environ.get("CI", "").casefold() in ("", "0", "false"):
            pytest.skip(problem)
        pytest.fail(problem)
    command = [str(installer.node()), str(installer.MAIN), "--skipApiVersionCheck", "--disableTelemetry"]
    ports = ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"]
    with (
        tempfile.TemporaryDirectory() as place,
        subprocess.Popen(
            [*command, "--silent", "--inMemoryPersistence", *ports], cwd=place, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        try:
            yield _addresses(process)
        finally:
            process.kill()


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "azurite"])
def store(request: pytest.FixtureRequest, tmp_path: Path):
    match request.param:
        case "sqlite-memory":
            made = SqliteStore(":memory:")
        case "sqlite-file":
            made = SqliteStore(tmp_path / "journal.sqlite")
        case _:
            made = request.getfixturevalue("azurite").store()
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "azurite"])
def queue(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock):
    match request.param:
        case "sqlite-memory":
            made = SqliteQueue(":memory:", clock)
        case "sqlite-file":
            made = SqliteQueue(tmp_path / "queue.sqlite", clock)
        case _:
            made = request.getfixturevalue("azurite").queue()
    yield made
    made.close()


@pytest.fixture
def local_queue(clock: Clock) -> Iterator[SqliteQueue]:
    made = SqliteQueue(":memory:", clock)
    yield made
    made.close()


def _installer():
    place = Path(__file__).resolve().parent.parent / "azurite_install.py"
    spec = importlib.util.spec_from_file_location("azurite_install", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _addresses(process: subprocess.Popen[str]) -> Azurite:
    """Reads what Azurite prints until all its services listen, on ports it chose itself."""
    found: dict[str, str] = {}
    deadline = Timer(READY_SECONDS, process.kill)
    deadline.start()
    try:
        for line in process.stdout:
            if listening := re.search(r"Azurite (\w+) service is successfully listening at (\S+)", line):
                found[listening[1]] = f"{listening[2]}/{ACCOUNT}"
            if {"Queue", "Table", "Blob"} <= found.keys():
                return Azurite(tables=found["Table"], queues=found["Queue"], blobs=found["Blob"])
    finally:
        deadline.cancel()
    pytest.fail(f"Azurite did not come up within {READY_SECONDS} seconds")
