"""What alerts made us do comes to an end: when all of them are resolved, and at the end of their time in any case.

It ends where it began: the size that was on record before the first step. Unless somebody changed it since: then it is
left as it is, and told. The end needs no rule: one that is gone from the policy ends what it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.actions import LowerPool, RaisePool
from shared.model.decisions import Notice, Proposal, Reason, Voice
from shared.model.facts import View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory
from shared.model.relief import NO_RELIEF, PoolSize, Relief, Step
from shared.policy import alerting
from shared.policy.bound import BoundRule

LAG = timedelta(minutes=10)
"""Resource Graph may still show the size from before our change: https://learn.microsoft.com/azure/governance/resource-graph/overview"""


def in_force(view: View, relief: Relief, rules: Iterable[BoundRule], now: datetime) -> bool:
    """Whether one of its steps still stands: its time is not over, and an alert of its rule fires or may fire."""
    known = {rule.name: rule for rule in rules if rule.kind == alerting.KEY}
    for name, step in relief.steps.items():
        rule = known.get(name)
        if rule is None or now >= step.until:
            continue
        alerts = alerting.firing(view, rule)
        if alerts is None or alerts:
            return True
    return False


def due(view: View, rules: tuple[BoundRule, ...], now: datetime, mode: str) -> Iterator[Proposal]:
    """For each pool that is to go back: how. A pool that somebody changed since is not touched."""
    for name, relief in view.memory.reliefs.items():
        pool = view.cluster.pool(name) if name else None
        if pool is None or relief.before is None or in_force(view, relief, rules, now):
            continue
        if _in_use(pool, relief.before) and any(now < step.until for step in relief.steps.values()):
            continue
        # A stopped pool shows no size; it is put back once it runs.
        size = PoolSize.of(pool)
        if pool.power is Power.RUNNING and size is not None and size != relief.before and _is_ours(relief, size):
            yield _back(view.cluster, pool, relief, (relief.before, size), mode)


def _is_ours(relief: Relief, size: PoolSize) -> bool:
    return size in (relief.now, relief.tried)


def _in_use(pool: NodePool, before: PoolSize) -> bool:
    """The autoscaler needs more nodes than it could have before: to take them would make pods wait again, and the alert
    fire again. They stay until it lets go of them, and at most for their time."""
    return before.max_count is not None and pool.count is not None and pool.count > before.max_count


def _back(cluster: Cluster, pool: NodePool, relief: Relief, sizes: tuple[PoolSize, PoolSize], mode: str) -> Proposal:
    before, now = sizes
    kind = LowerPool if _rank(before) < _rank(now) else RaisePool
    # A step that failed is off the record, and what it left in Azure still goes back.
    began = min((step.at for step in relief.steps.values()), default=relief.changed_at or alerting.LONG_AGO)
    return Proposal(
        rule=", ".join(relief.steps) or alerting.KEY,
        pool=pool.name.casefold(),
        voice=Voice.RULE,
        wish=None,
        due_at=None,
        cause=f"relief-over:{began:%Y-%m-%dT%H:%M:%SZ}:{pool.name.casefold()}",
        reason=Reason.ALERT_OVER,
        sentence=f"what an alert asked for is over; back from {now} to {before}, as before",
        mode=mode,
        action=kind.between((cluster.id, pool.name), now, before, restores=True),
    )


def _rank(size: PoolSize) -> tuple[int, int]:
    return (size.count, size.count) if size.count is not None else (size.max_count or 0, size.min_count or 0)


# --- what a look teaches


def kept(view: View, now: datetime) -> Memory:
    """The memory with reliefs closed that somebody ended or changed, and old ones forgotten; the same where none is."""
    memory, cluster = view.memory, view.cluster
    if not memory.reliefs or cluster.problem is not None:
        return memory
    reliefs = {name: _seen(cluster, memory, name, relief, now) for name, relief in memory.reliefs.items()}
    left = {name: relief for name, relief in reliefs.items() if relief is not None}
    return memory if left == memory.reliefs else replace(memory, reliefs=left)


def _seen(cluster: Cluster, memory: Memory, name: str, relief: Relief, now: datetime) -> Relief | None:
    if not relief.is_open:
        latest = max((step.until for step in relief.steps.values()), default=now - alerting.KEPT)
        return relief if now - latest < alerting.KEPT else None
    if not name or memory.open is not None or relief.before is None:
        return relief
    pool = cluster.pool(name)
    if pool is None:
        return None
    size = PoolSize.of(pool) if cluster.power is pool.power is Power.RUNNING else None
    fresh = relief.changed_at is not None and now - relief.changed_at < LAG
    if size is None or fresh or not cluster.is_settled or cluster.is_moving(name):
        return relief
    if size == relief.before or _is_ours(relief, size):
        return closed(relief) if size == relief.before else relief
    left = f"pool {pool.name} had {relief.before}, we made it {relief.now} for an alert, and now it has {size}"
    return replace(closed(relief), left=f"{left}: somebody changed it since, so it is left as it is")


def closed(relief: Relief) -> Relief:
    """Ended; the steps stay, so that the same alerts do not act again."""
    return replace(relief, before=None, now=None, tried=None, replaced=None, woken=False)


def told(before: Memory, after: Memory, cluster: Cluster, now: datetime) -> tuple[Notice, ...]:
    """What people hear of pools that were left as somebody set them."""
    return tuple(
        Notice("alert_left", cluster.id, f"{name}:{relief.changed_at}", f"{cluster.name}: {relief.left}", now)
        for name, relief in after.reliefs.items()
        if relief.left and before.reliefs.get(name, NO_RELIEF).left != relief.left
    )


# --- what our own actions leave


def accepted(memory: Memory, action: RaisePool | LowerPool, now: datetime) -> Memory:
    """Azure took it. What was before is on record from the claim on: the action itself carries it."""
    name = (action.pool or "").casefold()
    relief = memory.reliefs.get(name, NO_RELIEF)
    if action.restores:
        return memory
    was = action.was
    step = Step(now, now + timedelta(seconds=action.lasting), action.alert)
    # What a person set since the step before is what it goes back to, and people hear of it.
    ours = relief.before is None or _is_ours(relief, was)
    opened = replace(
        relief,
        steps={**relief.steps, action.rule: step},
        before=relief.before if relief.before is not None and ours else was,
        now=action.size,
        tried=None,
        replaced=relief.steps.get(action.rule),
        changed_at=now,
        left="" if ours else f"pool {name} had {relief.before}, somebody made it {was}: it goes back to that",
    )
    return replace(memory, reliefs={**memory.reliefs, name: opened})


def succeeded(memory: Memory, action: RaisePool | LowerPool, now: datetime) -> Memory:
    """Seen to be done: a restored pool is as before, and nothing is owed to it."""
    name = (action.pool or "").casefold()
    relief = memory.reliefs.get(name)
    if action.restores:
        if relief is None:
            return memory
        return replace(memory, reliefs={**memory.reliefs, name: replace(closed(relief), changed_at=now)})
    step = None if relief is None else relief.steps.get(action.rule)
    if relief is None or step is None or step.alert != action.alert or relief.now is None:
        # No answer was recorded, and it is done all the same.
        return accepted(memory, action, now)
    return replace(memory, reliefs={**memory.reliefs, name: replace(relief, changed_at=now)})


def failed(memory: Memory, action: RaisePool | LowerPool, now: datetime) -> Memory:
    """Not done: the step before it stands again, and the alert may ask again once the back-off is over."""
    name = (action.pool or "").casefold()
    relief = memory.reliefs.get(name)
    step = None if relief is None else relief.steps.get(action.rule)
    if action.restores or relief is None or step is None or step.alert != action.alert:
        return memory  # refused before anything began
    steps: Mapping[str, Step] = {rule: one for rule, one in relief.steps.items() if rule != action.rule}
    if relief.replaced is not None:
        steps = {**steps, action.rule: relief.replaced}
    undone = replace(relief, steps=steps, now=action.was, tried=action.size, replaced=None, changed_at=now)
    return replace(memory, reliefs={**memory.reliefs, name: undone})
