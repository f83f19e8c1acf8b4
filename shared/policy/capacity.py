"""What to do next about one capacity group: one step, or none and why. Pure; nothing here reads the future.

In this order, one at a time, because new capacity is ready before old is given up:

    fall back   nodes are missing: the on-demand pool is raised at once, whatever budgets say
    ask spot    spot should carry more than it does: the best pool is raised, active ones before those that were lost
    come home   spot has carried everything for `return_after`: on-demand goes back to its floor
    tidy up     spot nodes left over from an evacuated pool go

Nodes that only start on spot are hope: on-demand covers for them until they are ready. After one eviction the whole
pool counts as leaving and is replaced elsewhere. Unknown lowers nothing.

From: SpotHedge (Mao et al., EuroSys'25) for fallback and the memory of pools; "stay until preempted" from Can't Be
Late (Wu et al., NSDI'24). Unlike SpotHedge, nodes stay together in the pool with the least expected loss: pools are
all or none, so each further pool in use adds its own losses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.decisions import Reason
from shared.model.spot import PoolSight
from shared.policy import capacity_maximum
from shared.policy.capacity_group import Group, held, room
from shared.policy.durations import show_duration
from shared.policy.spoken import spoken

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Why(StrEnum):
    FALL_BACK = "fall_back"
    TO_SPOT = "to_spot"
    SURPLUS = "surplus"
    HOME = "home"
    TIDY = "tidy"


@dataclass(frozen=True, slots=True)
class Step:
    """Hold `pool` at `size`: its count, or its autoscaler's minimum."""

    pool: PoolSight
    size: int
    why: Why
    sentence: str
    chosen: bool
    """False: needed to keep the minimum; budgets and freezes of moves do not hold it back."""
    since: datetime | None = None
    """What made it due: part of the name of the occasion."""
    top: int | None = None
    """Its autoscaler's maximum; None: as it is, or as high as the minimum."""

    @property
    def raises(self) -> bool:
        return self.why in (Why.FALL_BACK, Why.TO_SPOT, Why.SURPLUS)


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do, or nothing that may be done, and why."""

    sentence: str
    held: Step | None = None
    """What would be done but for `reason`; then the sentence is what stands in its way."""
    reason: Reason | None = None
    until: datetime | None = None


def next_step(group: Group) -> Step | Rest:
    """The one step that is due now. Never raises for data."""
    missing = _missing(group)
    if missing > 0 and (step := _fall_back(group, missing)) is not None:
        return step
    asked = _ask_spot(group, forced=missing > 0)
    if isinstance(asked, Step):
        return asked
    problem = group.problem
    if problem is not None:
        return Rest(f"nothing is made smaller while a part is unknown: {problem}")
    lowered = _come_home(group) or _tidy(group)
    if isinstance(lowered, Step) and group.cramped is not None:
        return Rest(f"room to take them back is unknown: {group.cramped}", lowered, Reason.NO_ROOM)
    return lowered or asked or Rest(_calm(group))


def _missing(group: Group) -> int:
    """Nodes short, counting what is ready on spot and what is ready or on its way on demand; and the floor's."""
    stands_in = group.coming(group.fallback)
    short = group.demand - sum(map(group.steady, group.spots)) - stands_in
    return max(short, min(group.terms.floor, group.demand) - stands_in)


def _fall_back(group: Group, missing: int) -> Step | None:
    pool = group.fallback
    past = group.past.pool(pool.name)
    waits = past.retry_at is not None and past.preempted and group.now < past.retry_at
    if group.unknown(pool) or waits:
        return None
    have = group.coming(pool)
    add = min(missing, room(pool, have))
    if add <= 0:
        return None
    lost = [(pool.name, at) for pool in group.spots if (at := group.past.pool(pool.name).lost_at) is not None]
    name, since = max(lost, key=lambda one: one[1], default=("", None))
    cause = "not enough nodes are ready"
    if since is not None:
        cause = f"{name} lost nodes {spoken(since, group.terms.zone)}"
    text = f"{missing} of {group.demand} nodes are missing: {cause}"
    return Step(pool, max(have + add, held(pool)), Why.FALL_BACK, text, chosen=False, since=since)


def _ask_spot(group: Group, *, forced: bool) -> Step | Rest | None:
    coming = {pool.name: group.coming(pool) for pool in group.spots}
    total = sum(coming.values())
    missing = group.on_spot - total
    extra = group.on_spot + group.past.surplus - max(total, group.on_spot)
    if missing <= 0 and extra <= 0:
        return None
    pool = best_pool(group, spare=missing <= 0, forced=forced)
    blind = None if pool is not None else best_pool(group, spare=missing <= 0, forced=True)
    pool = pool or blind
    if pool is None:
        return Rest(_no_pool(group)) if missing > 0 else None
    spent = "" if forced else _spent(group)
    if spent:
        return Rest(spent)
    add = min(missing if missing > 0 else extra, room(pool, coming[pool.name]))
    size = max(coming[pool.name] + add, held(pool))
    if missing > 0:
        text = f"{pool.name} is asked for {add} of {group.on_spot} nodes"
        step = Step(pool, size, Why.TO_SPOT, text, not forced, group.past.pool(pool.name).counted_at)
    else:
        text = f"{add} more on {pool.name} are worth their price while a loss is that likely"
        step = Step(pool, size, Why.SURPLUS, text, chosen=True)
    if blind is None:
        return step
    return Rest(f"how many nodes there is room for is unknown: {blind.room_problem}", step, Reason.NO_ROOM)


def best_pool(group: Group, *, spare: bool = False, forced: bool = False) -> PoolSight | None:
    """Where spot nodes should come from: an active pool with room, the cheapest with its risk; else a lost one that
    has been left alone long enough. `spare`: only active ones, and not the fullest. `forced`: also where room is
    unknown, since trying gives nothing up.
    """
    able = [pool for pool in group.readable() if _may_grow(group, pool)]
    active = [pool for pool in able if not group.past.pool(pool.name).preempted]
    if spare:
        fullest = max(active, key=lambda pool: (group.steady(pool), pool.name), default=None)
        able = active = [pool for pool in active if pool is not fullest]
    roomy = [pool for pool in able if pool.room_problem is None]
    able = roomy or able if forced else roomy
    active = [pool for pool in active if pool in able]
    shares = [group.share(pool) for pool in able]
    known = all(share is not None for share in shares)
    cost = {
        pool.name: group.risk(pool) + (share if known and share is not None else 0)
        for pool, share in zip(able, shares, strict=True)
    }
    return min(active or able, key=lambda pool: cost[pool.name], default=None)


def _may_grow(group: Group, pool: PoolSight) -> bool:
    past = group.past.pool(pool.name)
    waits = past.asked_at is not None and not group.overdue(pool)
    if waits or group.leaving(pool) or room(pool, group.coming(pool)) <= 0:
        return False
    if past.preempted and past.retry_at is not None and group.now < past.retry_at:
        return False
    if pool.autoscaling and past.preempted and held(pool) > (pool.ready or 0):
        return False  # its autoscaler keeps asking
    lowered = group.moved(pool, raised=False)
    return lowered is None or group.now - lowered >= group.return_after


def _spent(group: Group) -> str:
    for limit, within, word in ((group.terms.moves_per_hour, HOUR, "hour"), (group.terms.moves_per_day, DAY, "day")):
        if group.moves(within) >= limit:
            return f"all {limit} moves of the {word} are spent; on-demand carries on"
    return ""


def _no_pool(group: Group) -> str:
    waiting = [at for pool in group.spots if (at := group.past.pool(pool.name).retry_at) is not None and at > group.now]
    when = f"; next asked {spoken(min(waiting), group.terms.zone)}" if waiting else ""
    return f"no spot pool has room{when}"


def _come_home(group: Group) -> Step | Rest | None:
    pool, since = group.fallback, group.past.stable_since
    size = max(group.terms.floor, group.demand - sum(map(group.steady, group.spots)))
    if held(pool) <= size:
        return _top_back(group)
    if since is None:
        return Rest("on-demand carries what spot does not")
    wait = _still_to_hold(group, since)
    if wait > timedelta(0):
        text = f"spot carries everything; on-demand goes when that has held for {show_duration(wait)} more"
        return Rest(text)
    return _lower(group, pool, size, Why.HOME)


def _top_back(group: Group) -> Step | Rest | None:
    """Where only the maximum is still ours: when on-demand was given up, too much ran for it to go all the way."""
    pool, since = group.fallback, group.past.stable_since
    if since is None or not capacity_maximum.is_left_over(group, pool) or _still_to_hold(group, since) > timedelta(0):
        return None
    return _lower(group, pool, held(pool), Why.HOME)


def _still_to_hold(group: Group, since: datetime) -> timedelta:
    """How much longer spot has to carry everything before anything is given up; zero or less: no longer."""
    begun = max(at for at in (since, _last_raise(group)) if at is not None)
    return group.return_after - (group.now - begun)


def _tidy(group: Group) -> Step | Rest | None:
    """The pool most at risk gives up what is beyond need and surplus; kept while on-demand is still up.

    An autoscaler that we told to keep more may again do with less: it removes only what is not used.
    """
    since = group.past.stable_since
    if since is None or any(group.leaving(pool) for pool in group.spots):
        return None
    if _still_to_hold(group, since) > timedelta(0):
        return None
    extra = sum(map(group.steady, group.spots)) - group.on_spot - group.past.surplus
    loose = sum(map(held, group.pools)) - group.terms.lowest - group.past.surplus
    for pool in sorted(group.spots, key=group.hazard, reverse=True):
        ours = not pool.autoscaling or held(pool) == group.past.pool(pool.name).asked
        more = min(loose if pool.autoscaling else extra, held(pool))
        if more > 0 and ours and held(pool) <= group.steady(pool):
            return _lower(group, pool, held(pool) - more, Why.TIDY)
    return None


def _last_raise(group: Group) -> datetime | None:
    return max((move.at for move in group.past.moves if move.raised), default=None)


def _lower(group: Group, pool: PoolSight, size: int, why: Why) -> Step | Rest:
    less = held(pool) - size
    if why is Why.HOME:
        text = f"spot has carried everything for {show_duration(group.return_after)}"
        text = f"{text}; {less} on-demand nodes can go" if less else text
    else:
        text = f"{less} spot nodes are left over"
    top = capacity_maximum.lowered(group, pool, size) if pool.autoscaling else None
    text += capacity_maximum.told(group, pool, size)
    step = Step(pool, size, why, text, chosen=True, since=group.past.stable_since, top=top)
    drain = group.past.drains.get(pool.name.casefold())
    if drain is None or group.now >= drain.retry_at:
        return step
    times = "once" if drain.count == 1 else f"{drain.count} times"
    told = f"{pool.name} could not be drained {times}; left alone until {spoken(drain.retry_at, group.terms.zone)}"
    return Rest(told, step, Reason.RETRY_LATER, drain.retry_at)


def _calm(group: Group) -> str:
    ready = sum(map(group.steady, group.spots))
    return f"{ready} nodes ready on spot, {group.steady(group.fallback)} on demand, {group.demand} needed"
