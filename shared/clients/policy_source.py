"""Where the policy's text comes from: a file of the package, or a blob that the app's identity may read.

From a blob, a merge alone changes what happens. It is fetched with its ETag, so an unchanged one costs one small call.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.clients import answers
from shared.clients.azure import Cloud
from shared.errors import InputError

BYTES_AT_MOST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PolicyText:
    """The text, and where it came from: the name that errors show. `etag` is None for a file."""

    text: str
    source: str
    etag: str | None = None


def read(location: str, cloud: Cloud | None, cached: PolicyText | None = None) -> PolicyText:
    """Read the policy from `location`, a path or the https URL of a blob. Pass the last one as `cached`.

    Raises InputError when it is not there or no text, CloudError when the blob could not be read.
    """
    if "://" in location:
        if cloud is None:
            raise InputError(f"{location} is a blob, and reading it needs Azure; expected a path, such as policy.yaml")
        return _blob(location, cloud, cached)
    try:
        data = Path(location).read_bytes()
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise InputError(f"{location} can't be read ({reason}); expected a policy file, such as policy.yaml") from None
    return PolicyText(_text(data, location), location)


def _text(data: bytes, source: str) -> str:
    if len(data) > BYTES_AT_MOST:
        raise InputError(f"{source} is larger than {BYTES_AT_MOST // 1024} KiB; that is no policy file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InputError(f"{source} is not UTF-8 text (byte {problem.start}); expected YAML") from None


def _blob(url: str, cloud: Cloud, cached: PolicyText | None) -> PolicyText:
    from azure.core import MatchConditions  # noqa: PLC0415 - only a policy in a blob pays for these
    from azure.core.exceptions import HttpResponseError  # noqa: PLC0415
    from azure.storage.blob import BlobClient  # noqa: PLC0415

    known = cached if cached is not None and cached.source == url and cached.etag else None
    unless: dict[str, Any] = {"etag": known.etag, "match_condition": MatchConditions.IfModified} if known else {}
    client = BlobClient.from_blob_url(url, credential=cloud.credential, transport=cloud.transport, retry_total=2)
    with answers.answering(f"reading the policy {url}"):
        try:
            download = client.download_blob(offset=0, length=BYTES_AT_MOST + 1, **unless)
            data = download.readall()
        except HttpResponseError as error:
            if known is None or error.status_code != 304:
                raise
            return known
    return PolicyText(_text(data, url), url, download.properties.etag)
