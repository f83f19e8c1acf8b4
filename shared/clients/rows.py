"""How values lie in rows: keys, instants, and sections of JSON that are compressed and split when they are large.

A small section is plain compact JSON, readable in any table explorer. One over 1 KB is compressed with zlib, and cut
into properties `name`, `name_1`, ... when a property can't hold it. Nothing is ever shortened: what does not fit is
refused, loudly.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2s
from typing import Any

from shared.clients.store import Row
from shared.errors import LamplighterError, Refused

PLAIN_CHARACTERS = 1024
PROPERTY_BYTES = 64 * 1024
SECTION_PROPERTIES = 14
"""A row of Azure Tables holds 1 MiB in all: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model"""

_SAFE_KEY = re.compile(r"[A-Za-z0-9._-]{1,128}")
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)(?:/|$)")


class UnreadableRow(LamplighterError):
    """A row of the journal that this version does not understand; the sentence names it."""


BROKEN = (KeyError, ValueError, TypeError, AttributeError, IndexError, zlib.error)
"""What reading a damaged row raises; `json.JSONDecodeError` and `UnicodeDecodeError` are ValueErrors."""


def unreadable(table: str, row: Row, error: Exception) -> UnreadableRow:
    cluster = row.properties.get("cluster")
    about = f" (of {cluster})" if isinstance(cluster, str) else ""
    return UnreadableRow(
        f"the journal's {table} row {row.partition} {row.key}{about} can't be read: {type(error).__name__} {error}; "
        "expected a row written by Lamplighter: delete the row and what it remembers is learnt anew"
    )


# --- keys ---


def digest(text: str) -> str:
    r"""32 hex digits: a key for any text. Keys of tables can hold neither / \ # ? nor control characters.

    https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#characters-disallowed-in-key-fields
    """
    return blake2s(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def key_of(text: str) -> str:
    """The text itself where a key can hold it, else its digest."""
    return text if _SAFE_KEY.fullmatch(text) else digest(text)


def partition_of(cluster: str) -> str:
    """The subscription in a lower-case cluster id; `fleet`, and what is no ARM id, stand for themselves."""
    found = _SUBSCRIPTION.match(cluster)
    return key_of(found[1] if found else cluster)


# --- instants ---


# Clusters of one tick share their instants: writing and reading each once saves time and memory.
@lru_cache(maxsize=4096)
def instant_text(at: datetime) -> str:
    """ISO 8601 in UTC with `Z`, to the microsecond. Raises ValueError for an instant without a zone."""
    if at.tzinfo is None:
        msg = f"{at.isoformat()} has no time zone: instants are aware UTC, such as 2026-03-02T08:00:00Z"
        raise ValueError(msg)
    return at.astimezone(UTC).isoformat()[:-6] + "Z"


@lru_cache(maxsize=4096)
def read_instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        msg = f"{text!r} has no time zone"
        raise ValueError(msg)
    return at


def read_maybe(text: str | None) -> datetime | None:
    return None if text is None else read_instant(text)


def read_length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


# --- sections ---


def _plain(value: object) -> object:
    """JSON for the few values that slip into a record's body; whatever else there is, is a mistake of the writer."""
    match value:
        case Mapping():
            return dict(value)
        case datetime():
            return instant_text(value)
        case date() | Decimal():
            return str(value)
        case set() | frozenset():
            return sorted(value)
        case _:
            msg = f"{type(value).__name__} {value!r} can't be written as JSON"
            raise TypeError(msg)


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode
_decode = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class Section:
    """A named piece of JSON in a row."""

    name: str

    def pack(self, document: Any, what: str) -> dict[str, str | bytes]:
        """Properties that hold the document. `what` names it if it is too large, which raises Refused."""
        text = _encode(document)
        if len(text) <= PLAIN_CHARACTERS:
            return {self.name: text}
        data = zlib.compress(text.encode("ascii"))
        pieces = [data[start : start + PROPERTY_BYTES] for start in range(0, len(data), PROPERTY_BYTES)]
        if len(pieces) > SECTION_PROPERTIES:
            most = SECTION_PROPERTIES * PROPERTY_BYTES // 1024
            raise Refused(
                f"{what} takes {len(data) // 1024} KiB compressed; a row of the journal holds at most {most} KiB, "
                "so nothing was written",
                code="RowTooLarge",
            )
        return {self._property(number): piece for number, piece in enumerate(pieces)}

    def unpack(self, properties: Mapping[str, str | bytes]) -> Any:
        """The document, or None when the row has no such section. Raises one of BROKEN."""
        first = properties.get(self.name)
        if first is None or isinstance(first, str):
            return None if first is None else _decode(first)
        pieces = [first]
        while isinstance(piece := properties.get(self._property(len(pieces))), bytes):
            pieces.append(piece)
        return _decode(zlib.decompress(b"".join(pieces)).decode("ascii"))

    def _property(self, number: int) -> str:
        return f"{self.name}_{number}" if number else self.name
