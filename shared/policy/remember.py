"""The fold that turns what is seen and decided into memory. Pure: memory in, memory out.

`believed` and `observe` run before deciding (what is seen, adoption), `conclude` after it (what was served, what was
announced). A calm fleet folds to itself, so that it is not written again every tick. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from shared.model.altering import altered
from shared.model.decisions import Decision, Reason
from shared.model.fleet import UNKNOWN_FLEET, Cluster, Power
from shared.model.memory import (
    Adoption,
    Failure,
    Memory,
    OpenAction,
    PersonHold,
    Seen,
    Served,
    TargetMemory,
    Warned,
)
from shared.policy.bound import BoundRule
from shared.policy.endings import MESSAGE_LENGTH, not_bare, with_failure
from shared.policy.match import fits

REVERSALS_KEPT = 8
LAG = timedelta(minutes=10)
"""Resource Graph is eventually consistent: after an action of ours was seen to end, an older picture may follow.
https://learn.microsoft.com/azure/governance/resource-graph/overview"""
LOCK_FIRST, LOCK_LONGEST = timedelta(hours=1), timedelta(hours=24)
UNREAD_FIRST = timedelta(minutes=15)
FIRST_WAITS = {Reason.LOCKED: LOCK_FIRST, Reason.NO_ROOM: timedelta(minutes=5)}
RAN_EVERY = timedelta(days=1)


def believed(cluster: Cluster, memory: Memory, now: datetime) -> Cluster:
    """The cluster with power states corrected that contradict what a fresh reading showed minutes ago."""
    sure = {name: power for name, target in memory.targets.items() if (power := _sure(target, now)) is not None}
    if not sure:
        return cluster
    pools = tuple(
        pool if (power := sure.get(pool.name.casefold(), pool.power)) is pool.power else altered(pool, power=power)
        for pool in cluster.pools
    )
    return altered(cluster, power=sure.get("", cluster.power), pools=pools)


def _sure(target: TargetMemory, now: datetime) -> Power | None:
    stopped, started = target.stopped_at, target.started_at
    if stopped is not None and now - stopped < LAG and (started is None or started < stopped):
        return Power.STOPPED
    if started is not None and now - started < LAG and (stopped is None or stopped < started):
        return Power.RUNNING
    return None


def observe(memory: Memory, cluster: Cluster, rules: Iterable[BoundRule], now: datetime) -> Memory:
    """Memory with this reading taken in: power of each target, adoption of rules in `act` mode, busy time.

    An unreadable cluster leaves the memory as it was: unknown is no observation.
    """
    if cluster.problem is not None:
        return memory
    acting = tuple([rule for rule in rules if rule.mode == "act"])
    changed = {}
    for pool in _targets(memory, cluster, acting):
        target = _observe_target(memory, cluster, pool, acting, now)
        if target is not memory.target(pool):
            changed[pool or ""] = target
    busy = None if cluster.is_settled else (memory.busy_since or now)
    empty = (memory.empty_since or now) if _is_empty(cluster) else None
    # Memberships that could not be read this time are no news.
    fleet = memory.fleet if cluster.fleet == UNKNOWN_FLEET else cluster.fleet or ""
    calm = (busy, empty, fleet) == (memory.busy_since, memory.empty_since, memory.fleet)
    if not changed and memory.first_seen_at is not None and calm:
        return memory
    targets = {**memory.targets, **changed} if changed else memory.targets
    first = memory.first_seen_at or now
    return altered(memory, targets=targets, first_seen_at=first, busy_since=busy, empty_since=empty, fleet=fleet)


def _is_empty(cluster: Cluster) -> bool:
    """It runs, and no pool of it has a node: AKS stops such a cluster after a month."""
    if cluster.power is not Power.RUNNING or not cluster.pools or not cluster.is_settled:
        return False
    return all(pool.power is Power.STOPPED or pool.count == 0 for pool in cluster.pools)


def _targets(memory: Memory, cluster: Cluster, rules: Iterable[BoundRule]) -> list[str | None]:
    """The cluster, and each pool that a rule speaks for or that we owe something."""
    globs = tuple([glob for rule in rules for glob in _pools_of(rule) or ()])
    spoken_for = [p.name.casefold() for p in cluster.pools if fits(p.name, globs)] if globs else []
    owed = [name for name, target in memory.targets.items() if name and (target.owed or target.saved)]
    return [None, *dict.fromkeys([*spoken_for, *(name for name in owed if cluster.pool(name) is not None)])]


def _observe_target(
    memory: Memory, cluster: Cluster, pool: str | None, rules: tuple[BoundRule, ...], now: datetime
) -> TargetMemory:
    target = memory.target(pool)
    adopted = _adopted(target.adopted, rules, pool, now)
    if adopted is not target.adopted:
        target = altered(target, adopted=adopted)
    power = cluster.power_of(pool)
    # On its way it says nothing yet: a start that fails shows Running for a while. And a pool inside a stopped cluster
    # says nothing about anybody's wish for the pool.
    in_stopped = pool is not None and cluster.power is not Power.RUNNING
    if power is Power.UNKNOWN or cluster.is_moving(pool) or in_stopped:
        return not_bare(target) if in_stopped and cluster.power is Power.STOPPED else target
    target = _noticed(target, power, memory.open, pool, now)
    if power is Power.STOPPED:
        target = not_bare(target)
    # Up, without us being at it: somebody gave what we owed, in the size they chose.
    ours = target.started_at is not None and target.owed is not None and target.started_at >= target.owed.since
    up = power is Power.RUNNING and memory.open is None and cluster.is_settled and not ours
    return altered(target, owed=None, saved=None) if up and (target.owed or target.saved) else target


def _noticed(
    target: TargetMemory, power: Power, open_: OpenAction | None, pool: str | None, now: datetime
) -> TargetMemory:
    seen = target.seen
    if power is Power.RUNNING and _ran_long_ago(target, now):
        target = altered(target, ran_at=now)
    if seen is None:
        return altered(target, seen=Seen(power, now))
    if seen.power is power:
        return target
    undone = not _is_ours(power, open_, pool) and _reverses_us(target, power)
    return altered(
        target,
        seen=Seen(power, now, now),
        reversals=(*target.reversals, now)[-REVERSALS_KEPT:] if undone else target.reversals,
    )


def _ran_long_ago(target: TargetMemory, now: datetime) -> bool:
    """Written anew only where it tells something: once a day, and once after each adoption."""
    ran = target.ran_at
    return ran is None or now - ran >= RAN_EVERY or any(ran < adoption.at for adoption in target.adopted.values())


def _is_ours(power: Power, open_: OpenAction | None, pool: str | None) -> bool:
    """Whether the change to `power` is one that we are making."""
    if open_ is None or open_.pool != pool:
        return False
    return open_.kind.startswith("start" if power is Power.RUNNING else "stop")


def _reverses_us(target: TargetMemory, power: Power) -> bool:
    """Whether the last thing that we did was the opposite."""
    ours = (target.stopped_at, target.started_at) if power is Power.RUNNING else (target.started_at, target.stopped_at)
    last, other = ours
    return last is not None and (other is None or other < last)


def _adopted(
    adopted: Mapping[str, Adoption], rules: Iterable[BoundRule], pool: str | None, now: datetime
) -> Mapping[str, Adoption]:
    """A new rule, a changed one, a new cluster and a lost journal are the same case: adopted now."""
    mine = [rule for rule in rules if (_pools_of(rule) is None) == (pool is None)]
    if len(mine) == len(adopted) and all(_as_adopted(rule, adopted) for rule in mine):
        return adopted
    return {
        rule.name: adopted[rule.name] if _as_adopted(rule, adopted) else Adoption(rule.fingerprint, now)
        for rule in mine
    }


@lru_cache(maxsize=256)
def _pools_of(rule: BoundRule) -> tuple[str, ...] | None:
    """Globs of the pools that it speaks for; None for a rule about clusters."""
    globs: tuple[str, ...] | None = getattr(rule.block, "pools", None)
    return globs


def _as_adopted(rule: BoundRule, adopted: Mapping[str, Adoption]) -> bool:
    known = adopted.get(rule.name)
    return known is not None and known.fingerprint == rule.fingerprint


def with_holds(memory: Memory, tag_holds: tuple[PersonHold, ...], now: datetime) -> Memory:
    """Holds that are over are dropped; the owner's tag is kept with the day it was first seen."""
    if not memory.holds and not tag_holds:
        return memory
    commands = tuple([hold for hold in memory.holds if hold.source != "tag" and hold.until > now])
    holds = (*commands, *tag_holds)
    return memory if holds == memory.holds else altered(memory, holds=holds)


def conclude(memory: Memory, decisions: Iterable[Decision], now: datetime, *, told: bool = True) -> Memory:
    """Memory after deciding: wishes that agree with what is seen are served, announced stops are on record.

    `told` is False where nobody is told: what was not said is not on record.
    """
    changed = {}
    for decision in decisions:
        if not _agrees(decision) and decision.announce is None:
            continue
        target = memory.target(decision.pool)
        served = _served(target.served, decision, now)
        warned = _warned(target.warned, decision, now) if told else target.warned
        if served is not target.served or warned is not target.warned:
            changed[decision.pool or ""] = altered(target, served=served, warned=warned)
    return altered(memory, targets={**memory.targets, **changed}) if changed else memory


def _served(known: Served | None, decision: Decision, now: datetime) -> Served | None:
    """Kept as it is while it says the same of the same transition."""
    if not _agrees(decision) or decision.wish is None:
        return known
    due = decision.due_at
    same = known is not None and known.wish is decision.wish and (due is None or due <= known.through)
    return known if same else Served(decision.wish, now)


def _agrees(decision: Decision) -> bool:
    return decision.agrees or decision.reason is Reason.AS_WISHED


def _warned(known: Warned | None, decision: Decision, now: datetime) -> Warned | None:
    announce = decision.announce
    if announce is None or (known is not None and known.cause == announce.cause):
        return known
    return Warned(announce.cause, now, announce.due_at)


def newly_announced(before: Memory, decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """The decisions whose announcement is not on record yet."""
    return tuple(
        decision
        for decision in decisions
        if decision.announce is not None
        and ((warned := before.target(decision.pool).warned) is None or warned.cause != decision.announce.cause)
    )


def locked(memory: Memory, refused: Decision, now: datetime) -> Memory:
    """Memory after a lock was found when about to act, or could not be looked for: looked again later, ever later.

    A lock is looked for again after an hour, locks that could not be read after a quarter of one.
    """
    assert refused.action is not None  # noqa: S101 - a lock stands in the way of something
    target, kind, code = memory.target(refused.pool), refused.action.kind, refused.reason.value
    before = target.failure_of(kind)
    again = before is not None and before.code == code
    count = before.count + 1 if again and before is not None else 1
    first = FIRST_WAITS.get(refused.reason, UNREAD_FIRST)
    wait = min(first * 2 ** min(count - 1, 8), LOCK_LONGEST)
    _, _, why = refused.message.rpartition(", but ")
    failure = Failure(kind, code, why[:MESSAGE_LENGTH], now, count, now + wait)
    return altered(memory, targets=memory.with_target(refused.pool, with_failure(target, failure)))
