"""How a capacity group's past grows: each reading folded in once, each move of ours written down. Pure.

A pool is *active* until it loses or refuses nodes, then *preempted* until nodes stand in it again. Losses and hours
fade with a half-life, so that a bad week is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.spot import NO_DRAINS, Drain, GroupPast, Move, PoolPast, PoolSight
from shared.policy import capacity_maximum
from shared.policy.capacity_group import LEAVING, LONGEST_PAUSE, STALE, Group, Terms, held
from shared.policy.capacity_surplus import wanted_surplus

HALF_LIFE = timedelta(days=3)
MOVES_KEPT = timedelta(days=1)
OURS_FOR = timedelta(minutes=15)
"""A size that changes this soon after our own move is taken to be ours."""
SHORTEST, LONGEST = 30.0, 1800.0
"""Seconds: what a fallback is believed to take, whatever was measured."""
FIRST_DRAIN, LONGEST_DRAIN = timedelta(minutes=30), timedelta(hours=24)


def watched(
    past: GroupPast, terms: Terms, spots: tuple[PoolSight, ...], fallback: PoolSight, now: datetime
) -> GroupPast:
    """The past with these sights in it. A sight that is in there already, or is unknown, adds nothing."""
    at = max(pool.at for pool in (*spots, fallback))
    if past.read_at is not None and at <= past.read_at:
        broken = past.stable_since is not None and Group(terms, spots, fallback, past, now).problem is not None
        return replace(past, stable_since=None) if broken else past
    group = Group(terms, spots, fallback, past, now)
    step = _Step(at, timedelta(0) if past.read_at is None else at - past.read_at, group)
    pools = {pool.name.casefold(): step.pool(pool) for pool in group.pools}
    seconds = _measured(past, pools, at)
    moves = tuple(move for move in past.moves if now - move.at < MOVES_KEPT)
    done = replace(past, read_at=at, pools=pools, fallback_seconds=seconds, moves=moves)
    after = replace(group, past=done)
    done = replace(done, carried=_carried(past, after))
    after = replace(after, past=done)
    done = replace(done, surplus=wanted_surplus(after))
    return replace(done, stable_since=_stable(replace(after, past=done), gap=step.elapsed > STALE))


KEPT_FOR = timedelta(minutes=5)
"""A past that only grew older is written down this often."""


def tells_more(before: Mapping[str, GroupPast], after: Mapping[str, GroupPast]) -> bool:
    """Whether the pasts differ in more than the time that has passed, or for long enough to be written down."""
    if before.keys() != after.keys():
        return True
    return any(_differs(before[key], past) for key, past in after.items())


def _differs(before: GroupPast, after: GroupPast) -> bool:
    if before.read_at is None or after.read_at is None or after.read_at - before.read_at >= KEPT_FOR:
        return before != after
    return _ageless(before) != _ageless(after)


def _ageless(past: GroupPast) -> GroupPast:
    pools = {name: replace(one, hours=0.0, losses=0.0) for name, one in past.pools.items()}
    return replace(past, read_at=None, pools=pools)


@dataclass(frozen=True, slots=True)
class _Step:
    """From one reading to the next."""

    at: datetime
    elapsed: timedelta
    group: Group

    def pool(self, sight: PoolSight) -> PoolPast:
        past = self.group.past.pool(sight.name)
        if self.group.unknown(sight):
            return past
        fade = 0.5 ** (self.elapsed / HALF_LIFE)
        stood = min(self.elapsed, STALE) / timedelta(hours=1) if sight.ready and past.ready else 0.0
        past = replace(past, hours=past.hours * fade + stood, losses=past.losses * fade)
        past = self._lost(past, sight)
        past = self._refused(past, sight)
        ready = sight.ready or 0
        if past.asked_at is not None and ready >= past.asked:
            past = replace(past, asked_at=None)
        quiet = past.lost_at is None or self.at - past.lost_at >= LEAVING
        if ready and quiet and past.preempted and (past.retry_at is None or self.at >= past.retry_at):
            past = replace(past, preempted=False, tries=0, retry_at=None)
        raised = self.group.moved(sight, raised=True)
        past = capacity_maximum.seen(past, sight, lately=raised is not None and self.at - raised < OURS_FOR)
        return replace(past, ready=ready, held=held(sight), read=True)

    def _lost(self, past: PoolPast, sight: PoolSight) -> PoolPast:
        """Evictions that were told, or nodes gone that Azure still wants or that its autoscaler did not give up."""
        seen = past.counted_at
        told = [at for at in sight.evictions if at <= self.at and (seen is None or at > seen)]
        missing = (sight.wanted or 0) > (sight.ready or 0) + sight.starting
        # After a gap, such as a night off, a smaller number tells nothing.
        gone = sight.is_spot and past.ready > (sight.ready or 0) and missing and self.elapsed <= STALE
        if not told and not gone:
            return past
        lost_at = max(told, default=self.at)
        burst = past.lost_at is not None and lost_at - past.lost_at < LEAVING
        return replace(
            past,
            losses=past.losses + (0 if burst else 1),
            lost_at=lost_at,
            counted_at=max(lost_at, seen or lost_at),
            preempted=True,
            tries=0,
            retry_at=self.at + self.group.fallback_time,
            asked_at=None,
        )

    def _refused(self, past: PoolPast, sight: PoolSight) -> PoolPast:
        """Told by Azure, or nodes that have not come in twice the usual time: for longer each time in a row."""
        at, seen = sight.failed_at, past.counted_at
        told = at is not None and at <= self.at and (seen is None or at > seen)
        if told and at is not None:
            past = replace(past, counted_at=at)
        elif past.asked_at is None or self.at - past.asked_at <= 2 * self.group.fallback_time:
            return past
        if not told and (sight.ready or 0) >= past.asked:
            return past
        return _left_alone(past, self.group.past, self.at)


def _left_alone(past: PoolPast, group: GroupPast, at: datetime) -> PoolPast:
    tries = past.tries + 1
    pause = min(timedelta(seconds=group.fallback_seconds) * (1 << min(tries - 1, 16)), LONGEST_PAUSE)
    return replace(past, preempted=True, tries=tries, retry_at=at + pause, asked_at=None)


def _measured(past: GroupPast, pools: dict[str, PoolPast], at: datetime) -> float:
    """Nodes that we asked for and that all came tell how long that takes; newer ones count half."""
    seconds = past.fallback_seconds
    for name, after in pools.items():
        before = past.pool(name)
        if before.asked_at is not None and after.asked_at is None and after.ready >= before.asked:
            seconds = (seconds + (at - before.asked_at).total_seconds()) / 2
    return min(max(seconds, SHORTEST), LONGEST)


def _carried(before: GroupPast, group: Group) -> int:
    """What the workload takes: at first what stands, from then on as others change it. Nodes of ours are no demand.

    A fixed pool tells by its count that somebody made it larger or smaller; an autoscaled one has more than its minimum
    where more is needed, and less than before where it is not. What was lost is not what is no longer needed.
    """
    terms, carried = group.terms, before.carried
    if terms.lowest == terms.highest:
        return terms.lowest
    calm = group.problem is None and not any(group.past.pool(pool.name).preempted for pool in group.spots)
    calm = calm and all((pool.wanted or 0) <= (pool.ready or 0) for pool in group.pools)
    total = sum(pool.ready or 0 for pool in group.pools)
    if not carried:
        # What stands after moves of ours is partly theirs.
        carried = (terms.lowest if group.past.moves else total) if calm else 0
    elif any(pool.autoscaling for pool in group.spots):
        wants = any(pool.autoscaling and (pool.ready or 0) > held(pool) for pool in group.pools)
        carried = max(carried, total) if wants and group.problem is None else carried
        carried = min(carried, total) if calm else carried
    else:
        carried += sum(_by_others(before, group, pool) for pool in group.spots)
    return min(max(carried, terms.lowest), terms.highest) if carried else 0


def _by_others(before: GroupPast, group: Group, pool: PoolSight) -> int:
    """By how much somebody else resized a fixed pool since the last reading."""
    past, now = before.pool(pool.name), group.past.pool(pool.name)
    gap = before.read_at is None or pool.at - before.read_at > STALE
    if gap or now.preempted or group.problem is not None or not past.read:
        return 0
    change = held(pool) - past.held
    ours = group.moved(pool, raised=change > 0)
    return 0 if ours is not None and group.now - ours < OURS_FOR else change


def peoples(past: GroupPast, fallback: PoolSight, now: datetime) -> int | None:
    """On-demand nodes that stand without a move of ours: at first all, then as others change the pool's size.

    What AKS gives up late after a move of ours is no change of theirs: only a size below theirs is.
    """
    before = past.pool(fallback.name)
    if fallback.problem is not None or fallback.wanted is None:
        return past.kept
    size = held(fallback)
    if past.kept is None or size < past.kept:
        return size
    name = fallback.name.casefold()
    ours = any(move.raised and move.pool == name and now - move.at < OURS_FOR for move in past.moves)
    return past.kept if ours or not before.read else past.kept + max(0, size - before.held)


def _stable(group: Group, *, gap: bool) -> datetime | None:
    whole = group.problem is None and sum(map(group.steady, group.spots)) >= group.on_spot
    if not whole:
        return None
    since = group.past.stable_since
    return group.past.read_at if since is None or gap else since


def after_move(past: GroupPast, pool: str, size: int, at: datetime, *, raised: bool, chosen: bool) -> GroupPast:
    """The past after Azure accepted that `pool` is held at `size`."""
    name = pool.casefold()
    known = past.pool(name)
    asked = replace(known, asked_at=at, asked=size) if raised else replace(known, asked_at=None, asked=0)
    moves = (*(move for move in past.moves if at - move.at < MOVES_KEPT), Move(at, name, raised, chosen))
    return replace(past, pools={**past.pools, name: asked}, moves=moves)


def after_drain(past: GroupPast, pool: str) -> GroupPast:
    """The past after a shrink that was seen to be done."""
    left = {key: one for key, one in past.drains.items() if key != pool.casefold()}
    return past if len(left) == len(past.drains) else replace(past, drains=left or NO_DRAINS)


def after_refusal(past: GroupPast, pool: str, at: datetime) -> GroupPast:
    """The past after Azure refused `pool` nodes: as when it is told of later, and then counted once."""
    name = pool.casefold()
    alone = replace(_left_alone(past.pool(name), past, at), counted_at=at)
    return replace(past, pools={**past.pools, name: alone})


def after_failed_drain(past: GroupPast, pool: str, at: datetime) -> GroupPast:
    """The past after a shrink that Azure could not finish: left alone for half an hour, doubling up to a day.

    What a disruption budget forbids today it forbids in five minutes too; on-demand costs money meanwhile, not pods.
    """
    name = pool.casefold()
    before = past.drains.get(name)
    count = 1 if before is None else before.count + 1
    pause = min(FIRST_DRAIN * (1 << min(count - 1, 16)), LONGEST_DRAIN)
    return replace(past, drains={**past.drains, name: Drain(count, at + pause)})
