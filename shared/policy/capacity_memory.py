"""How a capacity group's past grows: each reading folded in once, each move of ours written down. Pure.

A pool is *active* until it loses or refuses nodes, then *preempted* until nodes stand in it again. Losses and hours
fade with a half-life, so that a bad week is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.spot import NO_DRAINS, Drain, GroupPast, Move, PoolPast, PoolSight
from shared.policy.capacity_group import LEAVING, LONGEST_PAUSE, STALE, Group, Terms, held
from shared.policy.capacity_surplus import wanted_surplus

HALF_LIFE = timedelta(days=3)
MOVES_KEPT = timedelta(days=1)
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
    done = replace(done, carried=_carried(after))
    after = replace(after, past=done)
    done = replace(done, surplus=wanted_surplus(after))
    return replace(done, stable_since=_stable(replace(after, past=done), gap=step.elapsed > STALE))


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
        return replace(past, ready=ready)

    def _lost(self, past: PoolPast, sight: PoolSight) -> PoolPast:
        """Evictions that were told, or nodes gone that Azure still wants or that its autoscaler did not give up."""
        seen = past.counted_at
        told = [at for at in sight.evictions if at <= self.at and (seen is None or at > seen)]
        missing = (sight.wanted or 0) > (sight.ready or 0) + sight.starting
        gone = sight.is_spot and past.ready > (sight.ready or 0) and missing
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
        tries = past.tries + 1
        pause = min(self.group.fallback_time * (1 << min(tries - 1, 16)), LONGEST_PAUSE)
        return replace(past, preempted=True, tries=tries, retry_at=self.at + pause, asked_at=None)


def _measured(past: GroupPast, pools: dict[str, PoolPast], at: datetime) -> float:
    """Nodes that we asked for and that all came tell how long that takes; newer ones count half."""
    seconds = past.fallback_seconds
    for name, after in pools.items():
        before = past.pool(name)
        if before.asked_at is not None and after.asked_at is None and after.ready >= before.asked:
            seconds = (seconds + (at - before.asked_at).total_seconds()) / 2
    return min(max(seconds, SHORTEST), LONGEST)


def _carried(group: Group) -> int:
    """What the workload has while nothing is missing and nothing stands in for it; else as it was."""
    terms, past = group.terms, group.past
    if terms.lowest == terms.highest:
        return terms.lowest
    calm = group.problem is None and held(group.fallback) <= terms.floor
    calm = calm and not any(group.leaving(pool) for pool in group.spots)
    calm = calm and all((pool.wanted or 0) <= (pool.ready or 0) for pool in group.pools)
    if not calm:
        return past.carried
    total = sum(pool.ready or 0 for pool in group.pools) - past.surplus
    return min(max(total, terms.lowest), terms.highest)


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
    drains = past.drains if raised else {key: one for key, one in past.drains.items() if key != name} or NO_DRAINS
    return replace(past, pools={**past.pools, name: asked}, moves=moves, drains=drains)


def after_failed_drain(past: GroupPast, pool: str, at: datetime) -> GroupPast:
    """The past after a shrink that Azure could not finish: left alone for half an hour, doubling up to a day.

    What a disruption budget forbids today it forbids in five minutes too; on-demand costs money meanwhile, not pods.
    """
    name = pool.casefold()
    before = past.drains.get(name)
    count = 1 if before is None else before.count + 1
    pause = min(FIRST_DRAIN * (1 << min(count - 1, 16)), LONGEST_DRAIN)
    return replace(past, drains={**past.drains, name: Drain(count, at + pause)})
