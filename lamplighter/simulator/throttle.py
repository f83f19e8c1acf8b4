"""Token buckets on the world's clock: the resource provider's, ARM's and Resource Graph's.

From: https://learn.microsoft.com/azure/aks/quotas-skus-regions,
https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling and
https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple


class Limit(NamedTuple):
    """`size` tokens, `refill` a second."""

    size: float
    refill: float


ARM_LIMITS = {"reads": Limit(250, 25), "writes": Limit(200, 10), "deletes": Limit(200, 10)}
LIST_SUBSCRIPTION = Limit(500, 1)
LIST_GROUP = Limit(60, 1)
GET_CLUSTER = Limit(60, 1)
PUT_CLUSTER = Limit(20, 1 / 60)
PUT_POOL = Limit(20, 1 / 60)
GET_OPERATION = Limit(200, 2)
OTHER = Limit(60, 1)
GRAPH_QUERIES = 15
GRAPH_WINDOW = timedelta(seconds=5)


@dataclass(slots=True)
class Throttle:
    """Every bucket of the world. `is_on` False lets everything through, still counting nothing."""

    is_on: bool = True
    graph_is_on: bool = True
    _buckets: dict[tuple[str, ...], tuple[float, datetime]] = field(default_factory=dict)
    _graph: tuple[datetime, int] | None = None

    def take(self, key: tuple[str, ...], limit: Limit, now: datetime) -> tuple[int, int]:
        """`(remaining, 0)`, or `(0, seconds to wait)` when the bucket is empty."""
        if not self.is_on:
            return int(limit.size), 0
        left, at = self._buckets.get(key, (limit.size, now))
        left = min(limit.size, left + (now - at).total_seconds() * limit.refill)
        if left < 1:
            self._buckets[key] = (left, now)
            return 0, max(1, math.ceil((1 - left) / limit.refill))
        self._buckets[key] = (left - 1, now)
        return int(left - 1), 0

    def take_graph(self, now: datetime) -> tuple[int, int]:
        """`(remaining in this window, seconds until it resets)`; remaining is -1 when the query is one too many."""
        if not (self.is_on and self.graph_is_on):
            return GRAPH_QUERIES - 1, int(GRAPH_WINDOW.total_seconds())
        began, used = self._graph or (now, 0)
        if now - began >= GRAPH_WINDOW:
            began, used = now, 0
        used = min(used + 1, GRAPH_QUERIES + 1)
        self._graph = (began, used)
        return GRAPH_QUERIES - used, max(1, math.ceil((began + GRAPH_WINDOW - now).total_seconds()))
