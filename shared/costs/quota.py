"""The query units of Cost Management that we allow ourselves: half of what a tenant has, the rest is for others.

A tenant has 12 units in 10 seconds, 60 a minute, 600 an hour, for all that ask in it.
https://learn.microsoft.com/azure/cost-management-billing/costs/manage-automation#data-latency-and-rate-limits
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

LIMITS: Mapping[timedelta, int] = MappingProxyType(
    {timedelta(seconds=10): 6, timedelta(minutes=1): 30, timedelta(hours=1): 300}
)
LONGEST = max(LIMITS)
NO_WAIT = timedelta(0)


@dataclass(frozen=True, slots=True)
class Quota:
    """What was spent when, oldest first, and what Azure itself said about waiting. All instants aware UTC."""

    spent: tuple[tuple[datetime, int], ...] = ()
    not_before: datetime | None = None

    def wait(self, units: int, now: datetime) -> timedelta:
        """How long until `units` more may be spent; 0 for now. More than a window holds may go when it is empty."""
        waits = [NO_WAIT if self.not_before is None else self.not_before - now]
        for window, limit in LIMITS.items():
            left = limit - units
            used = 0
            for at, one in reversed(self.spent):
                if now - at >= window:
                    break
                used += one
                if used > left:
                    waits.append(at + window - now)
                    break
        return max(NO_WAIT, *waits)

    def after(self, units: int, now: datetime) -> Quota:
        recent = tuple((at, one) for at, one in self.spent if now - at < LONGEST)
        return replace(self, spent=(*recent, (now, units)))

    def told(self, wait: timedelta, now: datetime) -> Quota:
        """Azure said to wait."""
        until = now + wait
        return replace(self, not_before=until if self.not_before is None else max(self.not_before, until))
