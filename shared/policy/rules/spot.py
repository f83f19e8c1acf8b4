"""`spot`: a group of spot pools with an on-demand pool that stands in for them, and gives back when it is safe.

The rule never wishes a power state. For each group it says what the next step is, or why there is none; the step
belongs to one pool, and the group's other pools say that they wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.actions import GrowPool, ResizePool, ShrinkPool
from shared.model.decisions import Obstacle, Proposal, Reason
from shared.model.facts import Fact, Need, View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory
from shared.model.spot import GroupPast, PoolSight
from shared.policy.bound import BoundRule
from shared.policy.capacity import Rest, Step, next_step
from shared.policy.capacity_block import Block, CapacityGroup
from shared.policy.capacity_found import Found, groups_in, lacking
from shared.policy.capacity_group import Group, Terms
from shared.policy.capacity_maximum import after_resize
from shared.policy.capacity_memory import after_drain, after_failed_drain, after_move, after_refusal, peoples, watched
from shared.policy.saying import said

KEY = "spot"


def needs(view: View, rule: BoundRule, now: datetime) -> frozenset[Need]:
    """A reading of the pools, where the cluster runs, is not on its way up or down, and has one of the groups."""
    del now
    up = view.cluster.power is Power.RUNNING and not view.cluster.is_moving(None)
    here = up and any(True for _ in groups_in(rule, view.cluster))
    return frozenset({Need.CAPACITY}) if here else frozenset()


def propose(view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]:
    """For each group one proposal per pool: one of them with the step that is due, if there is one."""
    groups = tuple(standings(view, rule, now))
    if not groups:
        return (_nowhere(rule, view.cluster),)
    return tuple(proposal for one in groups for proposal in _of_group(rule, one, view.cluster))


def learned(view: View, rule: BoundRule, now: datetime) -> Memory:
    """The memory with the reading in `view` folded into the pasts of the rule's groups; without one, as it is."""
    memory, mine = view.memory, f"{rule.name}/"
    if Need.CAPACITY not in view.facts:
        return memory
    pasts = {found.key: _group(view, rule, found, now).past for found in groups_in(rule, view.cluster)}
    others = {key: past for key, past in memory.groups.items() if not key.startswith(mine)}
    return memory if pasts == memory.groups else replace(memory, groups={**others, **pasts})


def may_move(view: View, rule: BoundRule, now: datetime) -> tuple[bool, bool]:
    """Whether a group has a next step, so that it is worth asking how much room there is; and whether one takes more
    nodes, so that Azure's advice is worth asking for.
    """
    due = [one.due for one in standings(view, rule, now) if isinstance(one.due, Step)]
    return bool(due), any(step.raises for step in due)


def accepted(memory: Memory, action: ResizePool, now: datetime) -> Memory:
    """Memory after Azure took the resize; it is swapped in together with the claim's answer."""
    if not action.group:
        return memory
    size = action.count if action.count is not None else action.min_count
    past, raised = memory.groups.get(action.group, GroupPast()), isinstance(action, GrowPool)
    moved = after_move(past, action.pool or "", size or 0, now, raised=raised, chosen=not action.urgent)
    return replace(memory, groups={**memory.groups, action.group: after_resize(moved, action)})


def refused(memory: Memory, action: GrowPool, now: datetime) -> Memory:
    """Memory after a raise that failed: that pool is left alone for a while, and another one asked."""
    if not action.group:
        return memory
    past = memory.groups.get(action.group, GroupPast())
    return replace(memory, groups={**memory.groups, action.group: after_refusal(past, action.pool or "", now)})


def drained(memory: Memory, action: ShrinkPool, now: datetime) -> Memory:
    """Memory after a shrink that was seen to be done: earlier failures of it count no more."""
    del now
    past = memory.groups.get(action.group)
    if past is None:
        return memory
    return replace(memory, groups={**memory.groups, action.group: after_drain(past, action.pool or "")})


def not_drained(memory: Memory, action: ShrinkPool, now: datetime) -> Memory:
    """Memory after a shrink that failed: it is not tried again for a while."""
    if not action.group:
        return memory
    past = memory.groups.get(action.group, GroupPast())
    return replace(memory, groups={**memory.groups, action.group: after_failed_drain(past, action.pool or "", now)})


def moves(rule: BoundRule, cluster: Cluster) -> frozenset[str]:
    """Lower-case names of the pools whose size the rule decides about."""
    pools = (pool for found in groups_in(rule, cluster) for pool in found.pools)
    return frozenset(pool.name.casefold() for pool in pools)


def _nowhere(rule: BoundRule, cluster: Cluster) -> Proposal:
    """Why none of the groups is here: a misspelt pool would go unnoticed otherwise."""
    block: Block = rule.block
    if block.groups == "auto":
        why = "no group can be inferred: that takes a spot pool and one on-demand user pool that can stand in for it"
    else:
        why = "; ".join(f"group {entry.name} is not here: {lacking(entry, cluster)}" for entry in block.groups)
    return said(rule, None, why, f"{rule.name}:nowhere", Reason.AS_WISHED)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a group of a cluster stands, and what comes next."""

    found: Found
    group: Group
    due: Step | Rest


def standings(view: View, rule: BoundRule, now: datetime) -> Iterator[Standing]:
    """Each of the rule's groups that is here."""
    for found in groups_in(rule, view.cluster):
        group = _group(view, rule, found, now)
        off = Rest(f"left alone while a pool of the group is stopped ({found.stopped})")
        yield Standing(found, group, off if found.stopped else next_step(group))


def _of_group(rule: BoundRule, standing: Standing, cluster: Cluster) -> Iterator[Proposal]:
    for pool in standing.found.pools:
        yield _proposal(rule, standing, pool, cluster)


def _proposal(rule: BoundRule, standing: Standing, pool: NodePool, cluster: Cluster) -> Proposal:
    found, due, name = standing.found, standing.due, pool.name.casefold()
    wanted = due if isinstance(due, Step) else due.held
    step = wanted if wanted is not None and wanted.pool.name.casefold() == name else None
    told = due if step is None else step
    # A raise is named without its instant: a fresh look that finds one more eviction must not make another one of it.
    named = None if step is None or step.raises else step.since
    since = "" if named is None else f":{named:%Y-%m-%dT%H:%M:%SZ}"
    what = "watched" if step is None else step.why.value
    text = f"group {found.entry.name if step else _shown(found)}: {told.sentence}"
    reason = Reason.AS_WISHED if step is None else Reason(step.why.value)
    proposal = said(rule, name, text, f"{found.key}:{what}{since}", reason)
    if step is None:
        return proposal
    return replace(proposal, action=_action(cluster, found, pool, step), obstacle=_obstacle(due))


def _obstacle(due: Step | Rest) -> Obstacle | None:
    if isinstance(due, Step) or due.reason is None:
        return None
    return Obstacle(due.reason, due.sentence, due.until)


def _shown(found: Found) -> str:
    if not found.inferred:
        return found.entry.name
    spots = ", ".join(pool.name for pool in found.spots)
    return f"{found.entry.name} (inferred: {spots}, with {found.fallback.name} to fall back on)"


def _action(cluster: Cluster, found: Found, pool: NodePool, step: Step) -> ResizePool:
    """An autoscaled pool keeps its autoscaler: its bounds move, the upper one only where it stands in the way."""
    kind = GrowPool if step.raises else ShrinkPool
    sight, key, urgent = step.pool, found.key, not step.chosen
    if not sight.autoscaling:
        again = step.raises and (sight.wanted or 0) >= step.size
        return kind(cluster.id, pool.name, count=step.size, group=key, urgent=urgent, again=again)
    top = max(step.size, sight.max_count or 0) if step.top is None else step.top
    return kind(
        cluster.id,
        pool.name,
        min_count=step.size,
        max_count=top,
        group=key,
        urgent=urgent,
        was_max=sight.max_count,
    )


def _group(view: View, rule: BoundRule, found: Found, now: datetime) -> Group:
    fact = view.facts.get(Need.CAPACITY)
    *spots_, fallback = (_bounded(_sight(pool, fact, now), found) for pool in found.pools)
    spots = tuple(spots_)
    past = view.memory.groups.get(found.key, GroupPast())
    kept = peoples(past, fallback, now) if found.inferred else None
    if past.carried and kept is not None and past.kept is not None:
        past = replace(past, carried=past.carried + kept - past.kept)
    terms = _terms(rule, found.entry, kept or 0)
    if found.bounded and not any(pool.wanted for pool in spots):
        terms = replace(terms, lowest=kept or 0)  # an empty pool that nobody speaks of is no workload
    past = replace(watched(past, terms, spots, fallback, now), kept=kept)
    return Group(terms, spots, fallback, past, now)


def _sight(pool: NodePool, fact: Fact | None, now: datetime) -> PoolSight:
    """What was read of the pool; whatever is missing is unknown, never nothing."""
    if fact is None:
        return PoolSight(pool.name, now, problem="its nodes were not read")
    seen = next((one for one in fact.value or () if one.name.casefold() == pool.name.casefold()), None)
    if seen is None:
        return PoolSight(pool.name, fact.at, problem=fact.problem or "its nodes are missing in what was read")
    sight: PoolSight = seen if fact.known or seen.problem else replace(seen, problem=fact.problem)
    return sight


def _bounded(sight: PoolSight, found: Found) -> PoolSight:
    if not found.bounded or not sight.autoscaling or sight.max_count is None:
        return sight
    return replace(sight, highest=min(sight.highest, sight.max_count))


def _terms(rule: BoundRule, entry: CapacityGroup, kept: int) -> Terms:
    """`kept`: on-demand nodes that are people's, on top of the group's own."""
    block: Block = rule.block
    return Terms(
        name=entry.name,
        lowest=entry.nodes.min + kept,
        highest=entry.nodes.max + kept,
        surplus=None if entry.surplus == "auto" else entry.surplus,
        floor=entry.on_demand_floor + kept,
        return_after=block.return_after if isinstance(block.return_after, timedelta) else None,
        moves_per_hour=block.moves_per_hour,
        moves_per_day=block.moves_per_day,
        zone=rule.zone,
    )
