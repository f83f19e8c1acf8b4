"""When a reading of Resource Graph is not believed at once: it says another power than we knew. Pure.

Resource Graph is eventually consistent, and nobody says how late it is. Taken at its word, an old picture turns our own
stop into somebody's start: the debt of a start would be forgotten, a pool's saved size with it.
https://learn.microsoft.com/azure/governance/resource-graph/overview
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.model.fleet import Cluster, Power
from shared.model.memory import Memory, TargetMemory


def in_doubt(cluster: Cluster, memory: Memory) -> bool:
    """Whether a fresh reading should confirm this one. An open action is settled by fresh readings anyway."""
    if memory.open is not None or cluster.problem is not None:
        return False
    for name, target in memory.targets.items():
        power = cluster.power_of(name or None)
        if power is Power.UNKNOWN or cluster.is_moving(name or None) or (name and cluster.power is not Power.RUNNING):
            continue  # no observation: nothing is concluded from it
        known = last_known(target)
        if known is not None and known is not power:
            return True
    return False


def last_known(target: TargetMemory) -> Power | None:
    """The power that was noticed, or that an action of ours was seen to bring about, last; None: nothing was yet."""
    known: tuple[datetime, Power] | None = None
    if target.seen is not None:
        known = (target.seen.at, target.seen.power)
    for at, power in ((target.stopped_at, Power.STOPPED), (target.started_at, Power.RUNNING)):
        if at is not None and (known is None or at > known[0]):
            known = (at, power)
    return None if known is None else known[1]


def unconfirmed(cluster: Cluster) -> Cluster:
    """The reading as it is when nobody could look: unknown, so nothing is done and nothing is remembered of it."""
    why = "Azure's inventory says that its power changed, and it could not be read afresh"
    return replace(cluster, power=Power.UNKNOWN, problem=why)
