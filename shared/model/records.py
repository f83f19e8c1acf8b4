"""What is written down: append-only history, and the messages that were told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
