"""When a change that is no power state is done, as a fresh reading shows it. One line per kind.

Success is what is seen, never what Azure answered; a reading that does not tell leaves the word to the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from shared.model.decisions import ResizePool
from shared.model.fleet import Cluster


@dataclass(frozen=True, slots=True)
class Goal:
    """What a kind of change is to bring about."""

    there: Callable[[Any, Cluster], bool | None]
    """(action, fresh reading) -> whether it is as the action wants it; None: the reading does not tell."""
    deadline: timedelta
    """How long it may stay unseen before it is called into question; nothing acts then, questions begin."""
    lasting: bool = True
    """False: seen once and gone again is success too, such as a state that was mended."""


def resized(action: ResizePool, cluster: Cluster) -> bool | None:
    pool = cluster.pool(action.pool or "")
    return None if pool is None else action.seen_in(pool)


GOALS: Mapping[str, Goal] = MappingProxyType(
    {
        # A node takes some minutes to come; one that leaves is drained first, and disruption budgets hold it up.
        "grow_pool": Goal(resized, timedelta(minutes=30)),
        "shrink_pool": Goal(resized, timedelta(minutes=60)),
        "raise_pool": Goal(resized, timedelta(minutes=30)),
        "lower_pool": Goal(resized, timedelta(minutes=60)),
    }
)
