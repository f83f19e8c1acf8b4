"""How many nodes more than needed are worth their price: spot that stands by, in another pool than the one at risk."""

from __future__ import annotations

from shared.policy.capacity_group import Group


def wanted_surplus(group: Group) -> int:
    """Nodes. A fixed number is taken as it is; else one for each node that is worth insuring, or none.

    A pool goes as a whole, so a node to spare helps only elsewhere, and only against what the fullest pool would take
    with it. One such node costs its spot price all the time, and saves one missing node for the time of a fallback as
    often as that pool is lost. While no price is known the wish stays as it was.
    """
    if group.terms.surplus is not None:
        return group.terms.surplus
    elsewhere = [pool for pool in group.readable() if not group.past.pool(pool.name).preempted]
    filled = [pool for pool in elsewhere if group.steady(pool)]
    if not filled or len(elsewhere) < 2:
        return 0
    fullest = max(filled, key=lambda pool: (group.steady(pool), pool.name))
    shares = [share for pool in elsewhere if pool is not fullest and (share := group.share(pool)) is not None]
    if not shares:
        return group.past.surplus
    if group.risk(fullest) <= min(shares):
        return 0
    return min(group.steady(fullest), group.on_spot)
