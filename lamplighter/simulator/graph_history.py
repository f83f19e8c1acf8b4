"""Resource Graph lags behind: what it shows of each cluster, and since when.

A change at `t` becomes visible at `t` + a lag drawn between two bounds. Until then the reading from before the change
is kept aside; nothing is copied for clusters that don't change.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from lamplighter.simulator.resources import Cluster


class GraphHistory:
    """`lag` is `(least, most)`. `generation` counts visible changes; `changed` lists their keys in that order."""

    def __init__(self, lag: tuple[timedelta, timedelta], seed: int = 0) -> None:
        self.lag = lag
        self.changed: list[str] = []
        self._shadows: dict[str, deque[tuple[datetime, Cluster | None]]] = {}
        self._due: list[tuple[datetime, int, str]] = []
        self._count = 0
        self._random = random.Random(f"{seed}|graph")
        self._rows: tuple[int, list[Cluster]] | None = None

    @property
    def generation(self) -> int:
        return len(self.changed)

    def remember(self, key: str, before: Cluster | None, now: datetime) -> None:
        """Called right before a change: `before` is the cluster as it is, None when it does not exist yet."""
        least, most = self.lag
        lag = least + (most - least) * self._random.random()
        if lag <= timedelta(0):
            self.changed.append(key)
            return
        self._rows = None  # it holds the cluster itself, which is about to change
        shadows = self._shadows.setdefault(key, deque())
        visible_at = max(now + lag, shadows[-1][0]) if shadows else now + lag
        shadows.append((visible_at, None if before is None else before.copy()))
        self._count += 1
        heapq.heappush(self._due, (visible_at, self._count, key))

    def settle(self, now: datetime) -> None:
        """Let become visible what is due."""
        while self._due and self._due[0][0] <= now:
            key = heapq.heappop(self._due)[2]
            shadows = self._shadows[key]
            shadows.popleft()
            if not shadows:
                del self._shadows[key]
            self.changed.append(key)

    def rows(self, live: Mapping[str, Cluster]) -> list[Cluster]:
        """The clusters as they are visible, in the order of their lower-case ids."""
        if self._rows is None or self._rows[0] != self.generation:
            self._rows = (self.generation, list(self._visible(live)))
        return self._rows[1]

    def _visible(self, live: Mapping[str, Cluster]) -> list[Cluster]:
        found = []
        for key in sorted(live.keys() | self._shadows.keys()):
            shadows = self._shadows.get(key)
            cluster = shadows[0][1] if shadows else live.get(key)
            if cluster is not None:
                found.append(cluster)
        return found
