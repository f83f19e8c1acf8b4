"""An autoscaler's maximum that a group had to raise, and how it gets back to what people had set. Pure.

A minimum cannot be held above the maximum, so a raise may take that along. What we set goes back once the nodes are
given up, never below what still runs; what somebody set since is theirs, and stays.
"""

from __future__ import annotations

from dataclasses import replace

from shared.model.actions import GrowPool, ResizePool
from shared.model.spot import GroupPast, PoolPast, PoolSight
from shared.policy.capacity_group import Group, held


def seen(past: PoolPast, sight: PoolSight, *, lately: bool) -> PoolPast:
    """The past with the maximum that is there now; right after a raise of ours a reading may not show it yet."""
    if lately or not past.raised_to or sight.max_count == past.raised_to:
        return past
    back = past.theirs is not None and sight.max_count == past.theirs
    return replace(past, theirs=None, raised_to=0 if back or not sight.autoscaling else past.raised_to)


def after_resize(past: GroupPast, action: ResizePool) -> GroupPast:
    """The past after Azure accepted new bounds."""
    name, top = (action.pool or "").casefold(), action.max_count
    known = past.pool(name)
    if top is None or action.was_max is None:
        return past
    ours = known.theirs is not None and action.was_max == known.raised_to
    if isinstance(action, GrowPool):
        if top <= action.was_max:
            return past
        one = replace(known, theirs=known.theirs if ours else action.was_max, raised_to=top)
    elif ours and known.theirs is not None and top > known.theirs:
        one = replace(known, raised_to=top)
    else:
        one = replace(known, theirs=None, raised_to=0)
    return past if one == known else replace(past, pools={**past.pools, name: one})


def lowered(group: Group, pool: PoolSight, size: int) -> int:
    """The maximum to set with a smaller minimum: people's, or as near to it as what runs allows."""
    past, top = group.past.pool(pool.name), pool.max_count or 0
    if past.theirs is None or top != past.raised_to:
        return max(size, top)
    return min(top, max(size, past.theirs, pool.wanted or 0, pool.ready or 0))


def is_left_over(group: Group, pool: PoolSight) -> bool:
    """Whether nothing but the maximum is still as we set it, and it could be as people had it."""
    theirs = group.past.pool(pool.name).theirs
    return theirs is not None and pool.autoscaling and lowered(group, pool, held(pool)) == theirs != pool.max_count


def told(group: Group, pool: PoolSight, size: int) -> str:
    """What happens to the maximum, to follow what happens to the minimum; '' where nothing is to be said."""
    past, top = group.past.pool(pool.name), pool.max_count
    if not pool.autoscaling or not past.raised_to:
        return ""
    if past.theirs is None:
        return f"; somebody set its maximum to {top} since we raised it to {past.raised_to}, so that stays"
    new = lowered(group, pool, size)
    if new == top:
        return ""
    where = "where it was" if new == past.theirs else f"towards the {past.theirs} it was, {new} nodes still run"
    return f"; its maximum goes back from {top} to {new}, {where}"
