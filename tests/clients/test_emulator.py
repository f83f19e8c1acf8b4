"""Core Tools on a laptop: the same settings, with Azurite where Azure's storage would be."""

from __future__ import annotations

import secrets

import pytest

from lamplighter.simulator import SimulatorCredential
from shared.app import journal_at, queue_at
from shared.clients.azure import Cloud, endpoint_of
from shared.clients.emulator import storage_credential
from shared.model.memory import FleetMemory
from shared.settings import read_settings


@pytest.fixture
def cloud():
    with Cloud(endpoint_of("AzurePublicCloud"), credential=SimulatorCredential()) as made:
        yield made


def test_the_local_settings_reach_azurite(azurite, cloud) -> None:
    """A token must not travel over plain http, and azure-core refuses to send one: Azurite gets its own key."""
    settings = read_settings(
        {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "LAMPLIGHTER_JOURNAL": azurite.tables,
            "LAMPLIGHTER_QUEUE": azurite.queues,
            "LAMPLIGHTER_TABLE_PREFIX": f"t{secrets.token_hex(6)}",
        }
    )
    journal, queue = journal_at(settings, cloud), queue_at(settings, cloud)
    journal.swap_fleet(FleetMemory(hold_by="somebody"), None)
    assert journal.fleet().value.hold_by == "somebody"
    said = f"hint-{secrets.token_hex(6)}"
    queue.send({"id": said}, queue=said)
    [received] = queue.receive(said)
    assert received.message == {"id": said}
    journal.close()
    queue.close()


def test_in_azure_it_is_the_identity_and_never_a_key(cloud) -> None:
    for url in ("https://myaccount.table.core.windows.net", "https://myaccount.queue.core.usgovcloudapi.net"):
        assert storage_credential(url, cloud) is cloud.credential
