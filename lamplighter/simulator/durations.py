"""How long things take: drawn from what was recorded, with a seed, so that a world repeats itself exactly."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

# Seconds from startTime to endTime of recorded operations.
# From: Azure/azure-cli, recordings test_aks_stop_and_start.yaml and test_aks_nodepool_stop_and_start.yaml (MIT).
RECORDED: dict[str, tuple[float, ...]] = {
    "stop": (94.8,),
    "start": (192.4,),
    "pool-stop": (46.8,),
    "pool-start": (117.6,),
    "pool-create": (103.0,),
    "create": (288.6, 198.2),
}
# Nothing was recorded for these; plausible guesses.
GUESSED: dict[str, tuple[float, ...]] = {
    "update": (40.0,),
    "tags": (15.0,),
    "upgrade": (600.0,),
    # For each wave of nodes: one comes, the old one is drained, and goes.
    "pool-upgrade": (300.0,),
    "pool-image": (300.0,),
    "pool-update": (45.0,),
    "pool-scale": (90.0,),
    "pool-delete": (90.0,),
    "delete": (180.0,),
    "abort": (30.0,),
    "foreign": (600.0,),
}


@dataclass(slots=True)
class Durations:
    """`spread` 0 gives exactly what was recorded; the default varies it between four fifths and twice."""

    seed: int = 0
    spread: float = 1.0
    factor: float = 1.0

    def draw(self, kind: str, key: str, count: int) -> timedelta:
        """The same kind, resource and running number give the same duration."""
        source = random.Random(f"{self.seed}|{kind}|{key}|{count}")
        recorded = source.choice(RECORDED.get(kind) or GUESSED[kind])
        stretch = 1.0 + self.spread * (source.triangular(0.8, 2.0, 1.0) - 1.0)
        return timedelta(seconds=round(recorded * self.factor * stretch, 3))
