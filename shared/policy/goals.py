"""When a change that is no power state is done, as a fresh reading shows it. One line per kind.

Success is what is seen, never what Azure answered; a reading that does not tell leaves the word to the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from shared.model.actions import (
    Action,
    Reconcile,
    ResizePool,
    SetTier,
    UpgradeControlPlane,
    UpgradeNodeImage,
    UpgradePool,
)
from shared.model.fleet import Cluster
from shared.model.versions import Version
from shared.policy.versions import image_release


def never(action: Action) -> bool:
    del action
    return False


@dataclass(frozen=True, slots=True)
class Goal:
    """What a kind of change is to bring about."""

    there: Callable[[Any, Cluster], bool | None]
    """(action, fresh reading) -> whether it is as the action wants it; None: the reading does not tell."""
    deadline: timedelta
    """How long it may stay unseen before it is called into question; nothing acts then, questions begin."""
    lasting: bool = True
    """False: seen once and gone again is success too, such as a state that was mended."""
    at_once: Callable[[Any], bool] = never
    """Whether this action is done as soon as it is seen, though Azure still works on it."""


def watched_on(action: ResizePool) -> bool:
    """Of a capacity group: once Azure holds the size, the group watches the nodes come, and other pools may move."""
    return bool(action.group)


def resized(action: ResizePool, cluster: Cluster) -> bool | None:
    pool = cluster.pool(action.pool or "")
    return None if pool is None else action.seen_in(pool)


def control_plane_upgraded(action: UpgradeControlPlane, cluster: Cluster) -> bool | None:
    found, to = Version.read(cluster.current_version), Version.read(action.to)
    return None if found is None or to is None else found >= to


def pool_upgraded(action: UpgradePool, cluster: Cluster) -> bool | None:
    pool, to = cluster.pool(action.pool or ""), Version.read(action.to)
    found = None if pool is None else Version.read(pool.version)
    return None if found is None or to is None else found >= to


def image_upgraded(action: UpgradeNodeImage, cluster: Cluster) -> bool | None:
    pool, to = cluster.pool(action.pool or ""), image_release(action.to)
    found = None if pool is None else image_release(pool.image)
    return None if found is None or to is None else found >= to


def reconciled(action: Reconcile, cluster: Cluster) -> bool | None:
    """It is enough that it is well: the state is asked for besides."""
    return action.pool is None or cluster.pool(action.pool) is not None


def tier_set(action: SetTier, cluster: Cluster) -> bool | None:
    return None if not cluster.tier else cluster.tier.casefold() == action.to.casefold()


def configured(action: Action, cluster: Cluster) -> bool | None:
    """Azure answers such a write when it is done, and no reading of the cluster shows it."""
    del action, cluster
    return True


GOALS: Mapping[str, Goal] = MappingProxyType(
    {
        # A node takes some minutes to come; one that leaves is drained first, and disruption budgets hold it up.
        "grow_pool": Goal(resized, timedelta(minutes=30), at_once=watched_on),
        "shrink_pool": Goal(resized, timedelta(minutes=60)),
        "raise_pool": Goal(resized, timedelta(minutes=30)),
        "lower_pool": Goal(resized, timedelta(minutes=60)),
        # AKS waits half an hour for each node that does not drain; a large pool takes a night.
        "upgrade_control_plane": Goal(control_plane_upgraded, timedelta(hours=2)),
        "upgrade_pool": Goal(pool_upgraded, timedelta(hours=8)),
        "upgrade_node_image": Goal(image_upgraded, timedelta(hours=8)),
        "reconcile": Goal(reconciled, timedelta(hours=1), lasting=False),
        "set_tier": Goal(tier_set, timedelta(minutes=30)),
        "silence_alerts": Goal(configured, timedelta(minutes=10), lasting=False),
        "unsilence_alerts": Goal(configured, timedelta(minutes=10), lasting=False),
        "put_maintenance": Goal(configured, timedelta(minutes=10), lasting=False),
    }
)
