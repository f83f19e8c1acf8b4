"""What the values of settings look like: each reader gives the clean value, or None for what was not expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

NAMED_CLOUDS = ("AzurePublicCloud", "AzureUSGovernment", "AzureChinaCloud")
UUID = r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_HOLDS = {"": "", "off": "", "on": "on", "all": "all"}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def plain(text: str) -> str | None:
    return text


def matching(pattern: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)

    def read(text: str) -> str | None:
        return text if compiled.fullmatch(text) else None

    return read


def policy(text: str) -> str | None:
    return https(text) if "://" in text else text


def https(text: str) -> str | None:
    """An https URL without user, query or fragment: a key or a shared access signature would be a stored credential."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        return None
    # Azurite, the storage emulator, speaks plain http on this machine.
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return None
    return text.rstrip("/")


def storage(service: str) -> Callable[[str], str | None]:
    others = {"table", "queue", "blob", "file", "dfs"} - {service}

    def read(text: str) -> str | None:
        if text.startswith("sqlite:"):
            return text if text.startswith("sqlite:///") and len(text) > len("sqlite:///") else None
        url = https(text)
        # Named accounts only: the emulator and private names say nothing about the service.
        return None if url is None or others & set((urlsplit(url).hostname or "").split(".")[1:2]) else url

    return read


def container(text: str) -> str | None:
    """A container is one name below the account: the emulator puts the account's name before it."""
    if "://" not in text:
        return text
    url = https(text)
    return url if url and urlsplit(url).path.strip("/") else None


def blobs(text: str) -> str | None:
    url = storage("blob")(text)
    return url if url and url.startswith("http") and urlsplit(url).path.strip("/") else None


def cloud(text: str) -> str | None:
    for name in NAMED_CLOUDS:
        if text.casefold() == name.casefold():
            return name
    url = https(text)
    return url if url and url.startswith("https:") and not urlsplit(url).path else None


def tenant(text: str) -> str | None:
    """Not `common` or `organizations`: a token of any tenant would then do."""
    return text.casefold() if re.fullmatch(UUID, text) else None


def audience(text: str) -> str | None:
    if re.fullmatch(UUID, text):
        return text.casefold()
    return text if re.fullmatch(r"(api|https)://[\x21-\x7e]{1,240}", text) else None


def one_of(*words: str) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        return text.casefold() if text.casefold() in words else None

    return read


def hold(text: str) -> str | None:
    return _HOLDS.get(text.casefold())
