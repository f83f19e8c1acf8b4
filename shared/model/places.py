"""The places of a rule of rings: who may begin an upgrade, held for as long as it takes to write that down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

NOBODY: Mapping[str, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Places:
    """One row of the journal, changed by compare-and-swap only."""

    rule: str
    held: Mapping[str, datetime] = field(default_factory=lambda: NOBODY)
    """Lower-case cluster id -> until when (aware UTC); by then its own memory says that it is being upgraded."""
