"""What was seen of a cluster's use: active, idle or unknown, with the evidence. Unknown is never idle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

NO_EVIDENCE: Mapping[str, str] = MappingProxyType({})


class Use(StrEnum):
    ACTIVE = "active"
    IDLE = "idle"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Signal:
    """One cluster's use during [begin, end), aware UTC, all sources combined."""

    use: Use
    begin: datetime
    end: datetime
    last_active_at: datetime | None = None
    """The newest moment at which somebody or something used it, as far as the sources tell."""
    sentence: str = ""
    """What kept it on, or why nothing is known, for people: "cpu 41 % on pool apps", "no metrics since 18:20"."""
    evidence: Mapping[str, str] = field(default_factory=lambda: NO_EVIDENCE)
    """source -> what it said: cpu, network, pods, writes"""
    quiet_at: datetime | None = None
    """Of an ACTIVE signal: since when, up to `end`, every source is known to be quiet again; None where none says."""
