"""What stands in the way of making a pool larger or smaller for an alert, checked before Azure is asked. Pure.

A pool that Azure refuses to grow is left Failed, so room is looked for first; unknown is never room.
"""

from __future__ import annotations

from datetime import timedelta

from shared.model.actions import RaisePool, ScalePool
from shared.model.decisions import Reason, Verdict
from shared.model.facts import Need, View
from shared.model.fleet import NodePool
from shared.policy.durations import parse_duration, show_duration

Obstacle = tuple[Verdict, Reason, str]


def obstacle(view: View, action: ScalePool) -> Obstacle | None:
    """The first thing that stands in the way of the step; None: nothing does. The way back is always open."""
    pool = view.cluster.pool(action.pool or "")
    if pool is None or action.restores:
        return None
    if (pool.mode or "").casefold() != "user":
        what = f"a {pool.mode} pool" if pool.mode else "a pool of unknown mode"
        return Verdict.REFUSE, Reason.SYSTEM_POOL, f"{pool.name} is {what}; alerts change only User pools"
    if pool.priority.casefold() == "spot":
        text = f"{pool.name} is a spot pool: its size is what the market gives; name an on-demand pool"
        return Verdict.REFUSE, Reason.SPOT_POOL, text
    if not isinstance(action, RaisePool):
        return None
    return _autoscaler(view, pool, action) or _room(view, pool, action)


def _autoscaler(view: View, pool: NodePool, action: RaisePool) -> Obstacle | None:
    """Nodes that may come when it is over again help nobody. Known only of a fresh reading, which `act` has.

    https://learn.microsoft.com/azure/aks/cluster-autoscaler#cluster-autoscaler-profile-settings
    """
    delay = _delay(view.cluster.autoscaler.get("max-node-provision-time", ""))
    if not pool.autoscaling or delay is None or action.lasting > delay.total_seconds():
        return None
    text = f"the cluster's autoscaler gives a node {show_duration(delay)} to come, and by then this is over again"
    return Verdict.REFUSE, Reason.AUTOSCALER, text


def _delay(text: str) -> timedelta | None:
    """Go's way of writing a duration; None for what is none."""
    try:
        return parse_duration(text)
    except ValueError:
        return None


def _room(view: View, pool: NodePool, action: RaisePool) -> Obstacle | None:
    """Only when about to act: the tick does not ask, as with locks."""
    fact = view.facts.get(Need.ROOM)
    size = action.size
    more = (size.max_count if size.count is None else size.count) or 0
    more -= pool.count or 0
    if fact is None or more <= 0:
        return None
    if not fact.known:
        return Verdict.DEFER, Reason.NO_ROOM, f"how much room there is could not be read: {fact.problem}"
    if fact.value < more:
        text = f"quota and subnet have room for {fact.value} more nodes in pool {pool.name}, and it may take {more}"
        return Verdict.DEFER, Reason.NO_ROOM, text
    return None
