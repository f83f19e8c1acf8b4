"""How long starts take, as observed: what a start is to leave ahead so that the nodes are ready in time. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

USUAL = timedelta(minutes=6)
"""While too few starts were seen. Recorded: 4 to 5 minutes from the call until the nodes were ready."""
ENOUGH = 5
"""Starts from which on what was observed counts: fewer say nothing of the slow ones."""
KEPT = 20
"""Starts that are remembered, newest last: some weeks of working days, so that a change of pools shows."""
LONGEST = timedelta(hours=1)
"""A start that was noticed late, or had to wait for capacity, moves no window by more than this."""
_SHARE = 0.9


def with_start(seconds: tuple[int, ...], took: timedelta) -> tuple[int, ...]:
    """Remembered starts with one more; only the newest KEPT."""
    return (*seconds, max(0, round(took.total_seconds())))[-KEPT:]


def observed_start_time(seconds: Sequence[int]) -> timedelta | None:
    """Nine starts of ten were ready within this: nearest rank, whole minutes; None while fewer than ENOUGH were seen.

    >>> str(observed_start_time([240, 250, 270, 300, 610, 255, 260, 245, 265, 280]))
    '0:05:00'
    >>> observed_start_time([240, 250]) is None
    True
    """
    if len(seconds) < ENOUGH:
        return None
    slow = sorted(seconds)[math.ceil(_SHARE * len(seconds)) - 1]
    # Whole minutes: most clusters then share a moment, and a second more or less does not move it.
    return min(timedelta(minutes=math.ceil(slow / 60)), LONGEST)


def start_time(seconds: Sequence[int]) -> timedelta:
    """What to expect of the next start: what was observed, else USUAL."""
    observed = observed_start_time(seconds)
    return USUAL if observed is None else observed
