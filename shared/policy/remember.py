"""The fold that turns what is seen and decided into memory. Pure: memory in, memory out.

`observe` runs before deciding (what is seen, adoption, tags' first day), `conclude` after it (what was served, what was
announced). Nothing here writes; the handler compares and swaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.decisions import Decision, Reason, Verdict
from shared.model.fleet import Cluster, Power
from shared.model.memory import Adoption, Memory, OpenAction, PersonHold, Seen, Served, TargetMemory, Wish, Warned
from shared.policy.bound import BoundRule
from shared.policy.match import fits

REVERSALS_KEPT = 8


def observe(memory: Memory, cluster: Cluster, rules: Iterable[BoundRule], now: datetime) -> Memory:
    """Memory with this reading taken in: power of each target, adoption of rules in `act` mode, busy time.

    An unreadable cluster leaves the memory as it was: unknown is no observation.
    """
    if cluster.problem is not None:
        return memory
    acting = tuple(rule for rule in rules if rule.mode == "act")
    targets = dict(memory.targets)
    for pool in _targets(memory, cluster, acting):
        key = "" if pool is None else pool
        targets[key] = _observe_target(memory, cluster, pool, acting, now)
    busy = None if cluster.is_settled else (memory.busy_since or now)
    return replace(
        memory, targets=targets, first_seen_at=memory.first_seen_at or now, busy_since=busy, snapshot=memory.snapshot
    )


def _targets(memory: Memory, cluster: Cluster, rules: Iterable[BoundRule]) -> list[str | None]:
    """The cluster, and each pool that a rule speaks for or that we owe something."""
    globs = tuple(glob for rule in rules for glob in getattr(rule.block, "pools", None) or ())
    spoken_for = [p.name.casefold() for p in cluster.pools if globs and fits(p.name, globs)]
    owed = [name for name, target in memory.targets.items() if name and (target.owed or target.saved)]
    return [None, *dict.fromkeys([*spoken_for, *(name for name in owed if cluster.pool(name) is not None)])]


def _observe_target(
    memory: Memory, cluster: Cluster, pool: str | None, rules: tuple[BoundRule, ...], now: datetime
) -> TargetMemory:
    target = memory.target(pool)
    power = cluster.power_of(pool)
    # A pool inside a stopped cluster says nothing about anybody's wish for the pool.
    if power is not Power.UNKNOWN and (pool is None or cluster.power is Power.RUNNING):
        target = _noticed(target, power, memory.open, pool, now)
    return replace(target, adopted=_adopted(target.adopted, rules, pool, now))


def _noticed(target: TargetMemory, power: Power, open_: OpenAction | None, pool: str | None, now: datetime) -> TargetMemory:
    seen = target.seen
    changed = seen is not None and seen.power is not power
    since = now if changed else (seen.since if seen is not None else None)
    undone = changed and not _ours(target, power, open_, pool) and _reverses_us(target, power)
    running = power is Power.RUNNING
    return replace(
        target,
        seen=Seen(power, now, since),
        ran_at=now if running else target.ran_at,
        owed=None if running and target.saved is None else target.owed,
        reversals=(*target.reversals, now)[-REVERSALS_KEPT:] if undone else target.reversals,
    )


def _ours(target: TargetMemory, power: Power, open_: OpenAction | None, pool: str | None) -> bool:
    """Whether the change to `power` is one we are making, or made since the last look."""
    if open_ is not None and open_.pool == pool:
        return open_.kind.startswith("start" if power is Power.RUNNING else "stop")
    done = target.started_at if power is Power.RUNNING else target.stopped_at
    return done is not None and target.seen is not None and done >= target.seen.at


def _reverses_us(target: TargetMemory, power: Power) -> bool:
    ours = (target.stopped_at, target.started_at) if power is Power.RUNNING else (target.started_at, target.stopped_at)
    last, other = ours
    return last is not None and (other is None or other < last)


def _adopted(
    adopted: Mapping[str, Adoption], rules: Iterable[BoundRule], pool: str | None, now: datetime
) -> Mapping[str, Adoption]:
    """A new rule, a changed one, a new cluster and a lost journal are the same case: adopted now."""
    mine = [rule for rule in rules if (getattr(rule.block, "pools", None) is None) == (pool is None)]
    return {
        rule.name: known
        if (known := adopted.get(rule.name)) is not None and known.fingerprint == rule.fingerprint
        else Adoption(rule.fingerprint, now)
        for rule in mine
    }


def with_holds(memory: Memory, tag_holds: tuple[PersonHold, ...], now: datetime) -> Memory:
    """Holds that are over are dropped; the owner's tag is kept with the day it was first seen."""
    commands = tuple(hold for hold in memory.holds if hold.source != "tag" and hold.until > now)
    return replace(memory, holds=(*commands, *tag_holds))


def conclude(memory: Memory, decisions: Iterable[Decision], now: datetime) -> Memory:
    """Memory after deciding: wishes that agree with what is seen are served, announced stops are on record."""
    targets = dict(memory.targets)
    for decision in decisions:
        key = decision.pool or ""
        target = targets.get(key, TargetMemory())
        if decision.reason is Reason.AS_WISHED and decision.wish is not None:
            target = replace(target, served=Served(decision.wish, now))
        if decision.announce is not None:
            target = replace(target, warned=_warned(target.warned, decision, now))
        if target != targets.get(key):
            targets[key] = target
    return replace(memory, targets=targets)


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


def would_act(decision: Decision) -> bool:
    return decision.verdict in (Verdict.ACT, Verdict.PLAN) and decision.action is not None


LATE_AFTER = timedelta(minutes=10)
STUCK_AFTER = timedelta(hours=1)


def wants_running(decision: Decision) -> bool:
    return decision.wish is Wish.RUNNING
