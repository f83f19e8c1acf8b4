"""The words of the demo's story: its week, its scenes, its chapters. The chapters themselves are in `chapters/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lamplighter.rehearsal import Rehearsal

BEGIN = datetime(2026, 10, 22, 6, 0, tzinfo=UTC)
END = BEGIN + timedelta(days=7)
ZONE = "Europe/Vienna"


class Scene(NamedTuple):
    """At that instant (aware UTC) this happens; the line is for the screen."""

    at: datetime
    line: str
    play: Callable[[Rehearsal], object]


def nothing(_: Rehearsal) -> None:
    """Of a chapter that needs no past."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One thread of the story: what people and Azure do, never what Lamplighter makes of it."""

    scenes: tuple[Scene, ...]
    before: Callable[[Rehearsal], object] = nothing
    """What happened before the week began."""
