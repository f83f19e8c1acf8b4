"""Where sent digests are kept: a blob container, or a folder on a laptop. What lies there is never changed.

Every write is put-if-absent, so of two workers one is first and both go on with what the first one wrote. The container
of the templates is immutable besides: https://learn.microsoft.com/azure/storage/blobs/immutable-storage-overview
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from shared.clients import answers
from shared.clients.azure import Cloud
from shared.errors import LamplighterError


class Archive(Protocol):
    """Paths are relative, with `/`. Both methods raise a LamplighterError when the store does not answer."""

    def put(self, path: str, content: bytes, media: str) -> bool:
        """Keep it; False, and nothing changed, when something lies there already."""
        ...

    def get(self, path: str) -> bytes | None:
        """What lies there; None when nothing does."""
        ...


class FolderArchive:
    """A folder; it comes into being with the first file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, path: str, content: bytes, media: str) -> bool:  # noqa: ARG002 - a file has no media type
        file = self._folder / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as new:
                new.write(content)
        except FileExistsError:
            return False
        except OSError as error:
            raise LamplighterError(f"{file} can't be written ({error.strerror})") from None
        return True

    def get(self, path: str) -> bytes | None:
        file = self._folder / path
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LamplighterError(f"{file} can't be read ({error.strerror})") from None


class BlobArchive:
    """A blob container that is there already."""

    def __init__(self, url: str, cloud: Cloud) -> None:
        self._url = url
        self._cloud = cloud

    def put(self, path: str, content: bytes, media: str) -> bool:
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415 - a digest alone pays for these
        from azure.storage.blob import ContentSettings  # noqa: PLC0415

        with answers.answering(f"archiving {path}"):
            try:
                self._blob(path).upload_blob(content, overwrite=False, content_settings=ContentSettings(media))
            except ResourceExistsError:
                return False
        return True

    def get(self, path: str) -> bytes | None:
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - as above

        with answers.answering(f"reading {path} from the archive"):
            try:
                return bytes(self._blob(path).download_blob().readall())
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", "") == "ContainerNotFound":
                    raise
                return None

    def _blob(self, path: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - the SDK is not imported up here
        from azure.storage.blob import BlobClient  # noqa: PLC0415 - as above

        from shared.clients.emulator import storage_credential  # noqa: PLC0415

        parts = urlsplit(self._url)
        service, _, container = self._url.rpartition("/")
        return BlobClient(
            service if parts.path.strip("/") else self._url,
            container,
            path,
            credential=storage_credential(self._url, self._cloud),
            transport=self._cloud.transport,
            retry_total=2,
        )


def archive_at(where: str, cloud: Cloud) -> Archive | None:
    """The archive that a setting names; None for ''."""
    if not where:
        return None
    return BlobArchive(where, cloud) if "://" in where else FolderArchive(Path(where))
