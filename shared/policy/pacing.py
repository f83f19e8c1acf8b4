"""When writes to pools may leave: 20 at once, then one a minute, per subscription and region.

From: https://learn.microsoft.com/azure/aks/quotas-skus-regions, PUT agent pool. What is needed to keep a minimum is
counted and never held back: should Azure refuse it for the rate, it says when to come again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from shared.model.actions import ResizePool
from shared.model.decisions import Decision
from shared.model.memory import Memory

PUTS_AT_ONCE = 20
MINUTE = timedelta(minutes=1)
REFILLED = PUTS_AT_ONCE * MINUTE

Lane = tuple[str, str]


def recent_moves(memories: Iterable[Memory], now: datetime) -> Mapping[str, tuple[datetime, ...]]:
    """Lower-case cluster id -> when its pools were resized lately, as far as that still counts."""
    found = {}
    for memory in memories:
        times = [move.at for past in memory.groups.values() for move in past.moves if now - move.at < REFILLED]
        if times:
            found[memory.cluster] = tuple(sorted(times))
    return found


class Puts:
    """Hands out places in each lane's bucket, in the order in which it is asked."""

    def __init__(self, given: Iterable[Decision], moves: Mapping[str, tuple[datetime, ...]], now: datetime) -> None:
        lanes = {decision.cluster: decision.lane for decision in given}
        self._now = now
        self._times: dict[Lane, list[datetime]] = {}
        for cluster, times in moves.items():
            if cluster in lanes:
                self._times.setdefault(lanes[cluster], []).extend(times)
        self._left: dict[Lane, float] = {}

    def wait(self, decision: Decision) -> timedelta:
        """How long a resize has to wait for its place; nothing for anything else."""
        if not isinstance(decision.action, ResizePool):
            return timedelta(0)
        left = self._left.setdefault(decision.lane, self._level(decision.lane))
        self._left[decision.lane] = left - 1
        return timedelta(0) if decision.action.urgent else max(timedelta(0), (1 - left) * MINUTE)

    def _level(self, lane: Lane) -> float:
        level, before = float(PUTS_AT_ONCE), None
        for at in [*sorted(self._times.get(lane, ())), self._now]:
            if before is not None:
                level = min(PUTS_AT_ONCE, level - 1 + (at - before) / MINUTE)
            before = at
        return level
