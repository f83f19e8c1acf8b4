"""What is written down: append-only history, and the messages that were told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

NO_BODY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One thing that happened. Writing the same record twice leaves one row."""

    at: datetime
    """Aware UTC."""
    cluster: str
    """Lower-case cluster id, or 'fleet'."""
    phase: str
    """decided | claimed | accepted | succeeded | failed | released | observed | snapshot | hold | told | ..."""
    id: str
    """Decision id, or another stable name of the occasion."""
    body: Mapping[str, Any] = field(default_factory=lambda: NO_BODY)
    """JSON values only; small. No secret, no personal data beyond an owner's name that a person typed."""


@dataclass(frozen=True, slots=True)
class Link:
    """A way to put stops off that a message carried: for exactly the clusters it listed, and once.

    Whoever has the token may use it, so only its digest is kept.
    """

    digest: str
    """SHA-256 of the token, in hex."""
    clusters: tuple[str, ...]
    """Lower-case cluster ids."""
    sentences: tuple[str, ...]
    """What stops when, as the message said it."""
    zone: str
    """IANA name of the zone in which its page tells times."""
    due_at: datetime
    """When the last of the stops is due, aware UTC."""
    expires_at: datetime
    keep_at_most: timedelta | None = None
    """How long a person may keep all of them on from now; None is no limit."""
    used_at: datetime | None = None
    """When somebody used it; from then on `until` stands."""
    until: datetime | None = None
    """Until when the clusters were asked to be kept on."""
    done: bool = False
    """The wish is on record for every cluster; a use that broke off in between is finished by the next one."""


@dataclass(frozen=True, slots=True)
class Told:
    """That a channel was told about a matter: how `notify` keeps itself from repeating."""

    key: str
    """route~kind~cause"""
    digest: str
    """Of the list in the message; a change is told anew."""
    at: datetime
    about: tuple[str, ...]
    open: bool
    """False once the closing message went out."""
