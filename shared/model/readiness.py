"""Whether the nodes that a start is to bring are ready."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Readiness(StrEnum):
    """What is known of the nodes."""

    READY = "ready"
    COMING = "coming"
    """Known not to be ready yet."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of one start, as they were seen last."""

    state: Readiness
    sentence: str
    """Which pool has how many, or why that is unknown; it goes on after "the cluster is running, ..."."""
    since: datetime | None = None
    """READY only: aware UTC, since when without a break."""
    final: bool = False
    """UNKNOWN only: a later look will not tell either, as where the right to look is missing."""
