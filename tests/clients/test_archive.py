"""What was sent stays as it was sent: one contract for the folder of a laptop and for a blob container."""

import secrets
from pathlib import Path

import pytest

from shared.clients.archive import BlobArchive, FolderArchive, archive_at
from shared.clients.azure import Cloud, endpoint_of
from shared.errors import LamplighterError


@pytest.fixture(params=["folder", "azurite"])
def archive(request: pytest.FixtureRequest, tmp_path: Path):
    if request.param == "folder":
        yield FolderArchive(tmp_path / "digests")
        return
    url = f"{request.getfixturevalue('azurite').blobs}/d{secrets.token_hex(6)}"
    from azure.storage.blob import ContainerClient

    from shared.clients.emulator import storage_credential

    cloud = Cloud(endpoint_of("AzurePublicCloud"))
    with ContainerClient.from_container_url(url, storage_credential(url, cloud)) as container:
        container.create_container()
    with cloud:
        yield BlobArchive(url, cloud)


def test_what_is_put_is_there(archive):
    assert archive.put("2026-W47/finance/data.csv", b"a,b\r\n", "text/csv") is True
    assert archive.get("2026-W47/finance/data.csv") == b"a,b\r\n"


def test_what_is_there_is_never_changed(archive):
    archive.put("2026-W47/finance/record.json", b"first", "application/json")

    assert archive.put("2026-W47/finance/record.json", b"second", "application/json") is False
    assert archive.get("2026-W47/finance/record.json") == b"first"


def test_what_is_not_there_is_none(archive):
    assert archive.get("2026-W47/finance/record.json") is None


def test_a_container_that_is_not_there_is_an_error_and_no_empty_archive(azurite):
    cloud = Cloud(endpoint_of("AzurePublicCloud"))
    with cloud, pytest.raises(LamplighterError, match="reading 2026-W47/x from the archive"):
        BlobArchive(f"{azurite.blobs}/nowhere", cloud).get("2026-W47/x")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    archive = FolderArchive(tmp_path / "file")

    with pytest.raises(LamplighterError, match="can't be written"):
        archive.put("a/b", b"", "text/csv")
    with pytest.raises(LamplighterError, match="can't be read"):
        archive.get("a")


def test_a_setting_names_the_archive(tmp_path):
    cloud = Cloud(endpoint_of("AzurePublicCloud"))

    assert archive_at("", cloud) is None
    assert isinstance(archive_at(str(tmp_path), cloud), FolderArchive)
    assert isinstance(archive_at("https://a.blob.core.windows.net/digests", cloud), BlobArchive)
