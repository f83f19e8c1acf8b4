"""`spot`: a group of spot pools with an on-demand pool that stands in for them, and gives back when it is safe.

The rule never wishes a power state. For each group it says what the next step is, or why there is none; the step
belongs to one pool, and the group's other pools say that they wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.model.actions import GrowPool, ResizePool, ShrinkPool
from shared.model.decisions import Obstacle, Proposal, Reason, Voice
from shared.model.facts import Fact, Need, View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory
from shared.model.spot import GroupPast, PoolSight
from shared.policy.bound import BoundRule
from shared.policy.capacity import Rest, Step, next_step
from shared.policy.capacity_group import Group, Terms
from shared.policy.capacity_infer import inferred
from shared.policy.capacity_memory import after_drain, after_failed_drain, after_move, after_refusal, watched
from shared.policy.durations import Duration
from shared.policy.match import fits

KEY = "spot"


class Nodes(BaseModel):
    """How many nodes the workload has; equal values mean a fixed number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min: Annotated[int, Field(ge=1, le=1000, description="Never fewer ready nodes than this.", examples=[3])]
    max: Annotated[int, Field(ge=1, le=1000, description="Stood in for up to this many.", examples=[12])]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"{self.min} to {self.max} is no range; expected max at least min, "
                             "such as {min: 3, max: 12}")  # fmt: skip
        return self


class CapacityGroup(BaseModel):
    """Pools that stand in for each other: the workload may run on any of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=63, description="What people call it.", examples=["web"])]
    spot: Annotated[
        list[str],
        Field(min_length=1, description="Globs of spot pools, the preferred ones first.", examples=[["spot*"]]),
    ]
    fallback: Annotated[str, Field(min_length=1, description="The on-demand pool.", examples=["ondemand"])]
    nodes: Annotated[Nodes, Field(description="How many nodes it takes.", examples=[{"min": 3, "max": 12}])]
    surplus: Annotated[
        Annotated[int, Field(ge=0, le=1000)] | Literal["auto"],
        Field(description="Spot nodes to spare; auto: as many as are worth their price.", examples=["auto"]),
    ] = "auto"
    on_demand_floor: Annotated[
        int, Field(ge=0, le=1000, description="On-demand nodes that always stay.", examples=[1])
    ] = 0


class Block(BaseModel):
    """Back on on-demand within minutes of an eviction, home on spot when it is safe, never to and fro."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: Annotated[
        Annotated[list[CapacityGroup], Field(min_length=1)] | Literal["auto"],
        Field(
            description="The groups, each in the clusters that have its pools; auto: inferred, and shown by plan.",
            examples=[[{"name": "web", "spot": ["spot*"], "fallback": "ondemand", "nodes": {"min": 3, "max": 12}}]],
        ),
    ]
    nodes: Annotated[
        Nodes | None,
        Field(
            description="Of inferred groups; without it, as many as each has while all is calm.",
            examples=[{"min": 3, "max": 12}],
        ),
    ] = None
    return_after: Annotated[
        Duration | Literal["auto"],
        Field(
            union_mode="left_to_right",
            description="Spot carries all for this long before on-demand goes; auto: as long as a fallback takes.",
            examples=["30m"],
        ),
    ] = "auto"
    moves_per_day: Annotated[
        int, Field(ge=0, le=10_000, description="Moves to spot in 24 hours; falling back is free.", examples=[12])
    ] = 12
    moves_per_hour: Annotated[int, Field(ge=0, le=1000, description="The same in one hour.", examples=[4])] = 4

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.groups == "auto":
            return self
        if self.nodes is not None:
            raise ValueError("nodes is for inferred groups; expected groups: auto, or nodes in each group")
        names = [group.name.casefold() for group in self.groups]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two groups are called '{twice}'; expected a name of its own for each")
        return self


def needs(view: View, rule: BoundRule, now: datetime) -> frozenset[Need]:
    """A reading of the pools, where the cluster runs, is not on its way up or down, and has one of the groups."""
    del now
    up = view.cluster.power is Power.RUNNING and not view.cluster.is_moving(None)
    here = up and any(True for _ in _found(rule, view.cluster))
    return frozenset({Need.CAPACITY}) if here else frozenset()


def propose(view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]:
    """For each group one proposal per pool: one of them with the step that is due, if there is one."""
    groups = tuple(_found(rule, view.cluster))
    if not groups:
        return (_nowhere(rule, view.cluster),)
    return tuple(proposal for found in groups for proposal in _of_group(view, rule, found, now))


def learned(view: View, rule: BoundRule, now: datetime) -> Memory:
    """The memory with the reading in `view` folded into the pasts of the rule's groups; without one, as it is."""
    memory, mine = view.memory, f"{rule.name}/"
    if Need.CAPACITY not in view.facts:
        return memory
    pasts = {found.key: _group(view, rule, found, now).past for found in _found(rule, view.cluster)}
    others = {key: past for key, past in memory.groups.items() if not key.startswith(mine)}
    return memory if pasts == memory.groups else replace(memory, groups={**others, **pasts})


def may_move(view: View, rule: BoundRule, now: datetime) -> tuple[bool, bool]:
    """Whether a group has a next step, so that it is worth asking how much room there is; and whether one takes more
    nodes, so that Azure's advice is worth asking for.
    """
    found = (one for one in _found(rule, view.cluster) if not one.stopped)
    steps = [next_step(_group(view, rule, one, now)) for one in found]
    due = [step for step in steps if isinstance(step, Step)]
    return bool(due), any(step.raises for step in due)


def accepted(memory: Memory, action: ResizePool, now: datetime) -> Memory:
    """Memory after Azure took the resize; it is swapped in together with the claim's answer."""
    if not action.group:
        return memory
    size = action.count if action.count is not None else action.min_count
    past, raised = memory.groups.get(action.group, GroupPast()), isinstance(action, GrowPool)
    moved = after_move(past, action.pool or "", size or 0, now, raised=raised, chosen=not action.urgent)
    return replace(memory, groups={**memory.groups, action.group: moved})


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


@dataclass(frozen=True, slots=True)
class _Found:
    """A group in a cluster that has it."""

    key: str
    entry: CapacityGroup
    spots: tuple[NodePool, ...]
    fallback: NodePool

    @property
    def stopped(self) -> str:
        off = [pool.name for pool in (*self.spots, self.fallback) if pool.power is Power.STOPPED]
        return ", ".join(off)


def moves(rule: BoundRule, cluster: Cluster) -> frozenset[str]:
    """Lower-case names of the pools whose size the rule decides about."""
    pools = (pool for found in _found(rule, cluster) for pool in (*found.spots, found.fallback))
    return frozenset(pool.name.casefold() for pool in pools)


def _found(rule: BoundRule, cluster: Cluster) -> Iterator[_Found]:
    """The rule's groups whose pools are here. A glob means spot pools only, a fallback is on demand."""
    for entry in _entries(rule.block, cluster):
        fallback = cluster.pool(entry.fallback)
        able = [pool for pool in cluster.pools if pool.priority.casefold() == "spot"]
        order = dict.fromkeys(pool.name for glob in entry.spot for pool in able if fits(pool.name, (glob,)))
        spots = tuple(pool for name in order for pool in able if pool.name == name)
        if spots and fallback is not None and fallback.priority.casefold() != "spot":
            yield _Found(f"{rule.name}/{entry.name}", entry, spots, fallback)


def _nowhere(rule: BoundRule, cluster: Cluster) -> Proposal:
    """Why none of the groups is here: a misspelt pool would go unnoticed otherwise."""
    block: Block = rule.block
    if block.groups == "auto":
        why = "no group can be inferred: that takes a spot pool and one on-demand user pool that can stand in for it"
    else:
        why = "; ".join(f"group {entry.name} is not here: {_lacking(entry, cluster)}" for entry in block.groups)
    return Proposal(
        rule=rule.name,
        pool=None,
        voice=Voice.RULE,
        wish=None,
        due_at=None,
        cause=f"{rule.name}:nowhere",
        reason=Reason.AS_WISHED,
        sentence=why,
        fingerprint=rule.fingerprint,
        mode=rule.mode,
    )


def _lacking(entry: CapacityGroup, cluster: Cluster) -> str:
    fallback = cluster.pool(entry.fallback)
    if fallback is None:
        return f"the cluster has no pool {entry.fallback}"
    if fallback.priority.casefold() == "spot":
        return f"{entry.fallback} is a spot pool itself"
    return f"no spot pool is called {' or '.join(entry.spot)}"


def _entries(block: Block, cluster: Cluster) -> Iterator[CapacityGroup]:
    if block.groups != "auto":
        yield from block.groups
        return
    for one in inferred(cluster):
        nodes = block.nodes or _ANY_NUMBER
        yield CapacityGroup.model_construct(name=one.name, spot=list(one.spots), fallback=one.fallback, nodes=nodes)


_ANY_NUMBER = Nodes(min=1, max=1000)


def _of_group(view: View, rule: BoundRule, found: _Found, now: datetime) -> Iterator[Proposal]:
    if found.stopped:
        due: Step | Rest = Rest(f"left alone while a pool of the group is stopped ({found.stopped})")
    else:
        due = next_step(_group(view, rule, found, now))
    for pool in (*found.spots, found.fallback):
        yield _proposal(rule, found, due, pool, view.cluster)


def _proposal(rule: BoundRule, found: _Found, due: Step | Rest, pool: NodePool, cluster: Cluster) -> Proposal:
    name = pool.name.casefold()
    wanted = due if isinstance(due, Step) else due.held
    step = wanted if wanted is not None and wanted.pool.name.casefold() == name else None
    said = due if step is None else step
    # A raise is named without its instant: a fresh look that finds one more eviction must not make another one of it.
    named = None if step is None or step.raises else step.since
    since = "" if named is None else f":{named:%Y-%m-%dT%H:%M:%SZ}"
    what = "watched" if step is None else step.why.value
    return Proposal(
        rule=rule.name,
        pool=name,
        voice=Voice.RULE,
        wish=None,
        due_at=None,
        cause=f"{found.key}:{what}{since}",
        reason=Reason.AS_WISHED if step is None else Reason(step.why.value),
        sentence=f"group {found.entry.name if step else _shown(rule.block, found)}: {said.sentence}",
        fingerprint=rule.fingerprint,
        mode=rule.mode,
        action=None if step is None else _action(cluster, found, pool, step),
        obstacle=None if step is None else _obstacle(due),
    )


def _obstacle(due: Step | Rest) -> Obstacle | None:
    if isinstance(due, Step) or due.reason is None:
        return None
    return Obstacle(due.reason, due.sentence, due.until)


def _shown(block: Block, found: _Found) -> str:
    if block.groups != "auto":
        return found.entry.name
    spots = ", ".join(pool.name for pool in found.spots)
    return f"{found.entry.name} (inferred: {spots}, with {found.fallback.name} to fall back on)"


def _action(cluster: Cluster, found: _Found, pool: NodePool, step: Step) -> ResizePool:
    """An autoscaled pool keeps its autoscaler: its bounds move, the upper one only where it stands in the way."""
    kind = GrowPool if step.raises else ShrinkPool
    sight, key, urgent = step.pool, found.key, not step.chosen
    if not sight.autoscaling:
        again = step.raises and (sight.wanted or 0) >= step.size
        return kind(cluster.id, pool.name, count=step.size, group=key, urgent=urgent, again=again)
    highest = max(step.size, sight.max_count or 0)
    return kind(cluster.id, pool.name, min_count=step.size, max_count=highest, group=key, urgent=urgent)


def _group(view: View, rule: BoundRule, found: _Found, now: datetime) -> Group:
    fact = view.facts.get(Need.CAPACITY)
    *spots_, fallback = (_bounded(_sight(pool, fact, now), found) for pool in (*found.spots, found.fallback))
    spots = tuple(spots_)
    terms = _terms(rule.block, found.entry)
    past = watched(view.memory.groups.get(found.key, GroupPast()), terms, spots, fallback, now)
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


def _bounded(sight: PoolSight, found: _Found) -> PoolSight:
    """Where nobody said how many nodes a group takes, the bounds that people gave its pools are kept."""
    if found.entry.nodes is not _ANY_NUMBER or not sight.autoscaling or sight.max_count is None:
        return sight
    return replace(sight, highest=min(sight.highest, sight.max_count))


def _terms(block: Block, entry: CapacityGroup) -> Terms:
    return Terms(
        name=entry.name,
        lowest=entry.nodes.min,
        highest=entry.nodes.max,
        surplus=None if entry.surplus == "auto" else entry.surplus,
        floor=entry.on_demand_floor,
        return_after=block.return_after if isinstance(block.return_after, timedelta) else None,
        moves_per_hour=block.moves_per_hour,
        moves_per_day=block.moves_per_day,
    )
