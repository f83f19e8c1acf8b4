"""What people and Azure do in the demo's week. Nothing here knows what Lamplighter will make of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lamplighter.simulator import Fault, World

BEGIN = datetime(2026, 10, 22, 6, 0, tzinfo=UTC)
END = BEGIN + timedelta(days=7)
ZONE = "Europe/Vienna"


class Scene(NamedTuple):
    """At that instant (aware UTC) this happens; the line is for the screen."""

    at: datetime
    line: str
    play: Callable[[World], object]


def scenes() -> tuple[Scene, ...]:
    """In time order."""
    return tuple(
        sorted(
            (
                Scene(
                    datetime(2026, 10, 22, 16, 40, tzinfo=UTC),
                    "Azure patches the nodes of import-dev for two hours",
                    lambda world: world.foreign_operation("import-dev", state="Updating", lasts=timedelta(hours=2)),
                ),
                Scene(
                    datetime(2026, 10, 22, 20, 0, tzinfo=UTC),
                    "northeurope runs out of capacity for gpu-dev until the morning after",
                    lambda world: world.inject(Fault.operation_fails("POST */gpu-dev/start", times=2)),
                ),
                Scene(
                    datetime(2026, 10, 24, 8, 0, tzinfo=UTC),
                    "on Saturday morning somebody starts data-dev by hand",
                    lambda world: world.person_starts("data-dev"),
                ),
                Scene(
                    datetime(2026, 10, 27, 9, 30, tzinfo=UTC),
                    "on Tuesday somebody stops web-dev by hand, at half past ten",
                    lambda world: world.person_stops("web-dev"),
                ),
                Scene(
                    datetime(2026, 10, 27, 17, 55, tzinfo=UTC),
                    "a reply of Azure gets lost on the way: portal-dev was told to stop and nobody heard the answer",
                    lambda world: world.inject(Fault.lost_reply("POST */portal-dev/stop")),
                ),
            ),
            key=lambda scene: scene.at,
        )
    )
