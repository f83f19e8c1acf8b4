"""How Cost Management throttles: query units of the tenant, and queries of a scope, each told in headers of its own.

https://learn.microsoft.com/azure/cost-management-billing/costs/manage-automation#data-latency-and-rate-limits: 12 units
in 10 seconds, 60 a minute, 600 an hour, one unit per month of data. Field reports add about four queries a minute for
one scope, and that a 429 carries no Retry-After.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lamplighter.simulator.refusals import Refusal

TENANT = ((timedelta(seconds=10), 12), (timedelta(minutes=1), 60), (timedelta(hours=1), 600))
SCOPE = ((timedelta(minutes=1), 4),)
HEADER = "x-ms-ratelimit-microsoft.costmanagement-"


@dataclass(slots=True)
class CostQuota:
    """Sliding windows on the world's clock. `is_on` False lets everything through."""

    is_on: bool = True
    spent: dict[str, list[tuple[datetime, int]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, scope: str, units: int, now: datetime) -> dict[str, str]:
        """Headers of a reply; Refusal 429 when it is one too many."""
        if not self.is_on:
            return {}
        tenant = self._wait("", units, TENANT, now)
        entity = self._wait(scope, 1, SCOPE, now)
        if tenant or entity:
            waits = {"qpu": tenant, "entity": entity}
            headers = {f"{HEADER}{name}-retry-after": str(wait) for name, wait in waits.items() if wait}
            raise Refusal(429, "429", "Too many requests. Please retry.", headers)
        self.spent[""].append((now, units))
        self.spent[scope].append((now, 1))
        left = self._left(now)
        return {f"{HEADER}qpu-consumed": str(units), f"{HEADER}qpu-remaining": left}

    def _wait(self, key: str, units: int, limits: tuple[tuple[timedelta, int], ...], now: datetime) -> int:
        """Seconds until it fits; 0 when it does."""
        longest = 0
        for window, limit in limits:
            recent = [(at, one) for at, one in self.spent[key] if now - at < window]
            over = sum(one for _, one in recent) + units - limit
            for at, one in recent:
                if over <= 0:
                    break
                over -= one
                longest = max(longest, math.ceil((at + window - now).total_seconds()))
        return longest

    def _left(self, now: datetime) -> str:
        names = ("QueriesPer10Sec", "QueriesPerMin", "QueriesPerHour")
        left = []
        for name, (window, limit) in zip(names, TENANT, strict=True):
            used = sum(one for at, one in self.spent[""] if now - at < window)
            left.append(f"{name}:{limit - used}")
        return ",".join(reversed(left))
