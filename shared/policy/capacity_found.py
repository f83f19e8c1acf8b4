"""The capacity groups that a cluster has: those of the policy whose pools are here, or the inferred ones. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.model.fleet import Cluster, NodePool, Power
from shared.policy.bound import BoundRule
from shared.policy.capacity_block import ANY_NUMBER, Block, CapacityGroup
from shared.policy.capacity_infer import inferred
from shared.policy.match import fits


@dataclass(frozen=True, slots=True)
class Found:
    """A group in a cluster that has it."""

    key: str
    entry: CapacityGroup
    inferred: bool
    spots: tuple[NodePool, ...]
    fallback: NodePool

    @property
    def pools(self) -> tuple[NodePool, ...]:
        return (*self.spots, self.fallback)

    @property
    def bounded(self) -> bool:
        """Nobody said how many nodes it takes: the bounds that people gave its pools are kept."""
        return self.entry.nodes is ANY_NUMBER

    @property
    def stopped(self) -> str:
        """Names of its pools that are off; '' where none is."""
        off = [pool.name for pool in self.pools if pool.power is Power.STOPPED]
        return ", ".join(off)


def groups_in(rule: BoundRule, cluster: Cluster) -> Iterator[Found]:
    """The rule's groups whose pools are here. A glob means spot pools only, a fallback is on demand."""
    for entry in _entries(rule.block, cluster):
        fallback = cluster.pool(entry.fallback)
        able = [pool for pool in cluster.pools if pool.priority.casefold() == "spot"]
        order = dict.fromkeys(pool.name for glob in entry.spot for pool in able if fits(pool.name, (glob,)))
        spots = tuple(pool for name in order for pool in able if pool.name == name)
        if spots and fallback is not None and fallback.priority.casefold() != "spot":
            yield Found(f"{rule.name}/{entry.name}", entry, rule.block.groups == "auto", spots, fallback)


def lacking(entry: CapacityGroup, cluster: Cluster) -> str:
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
        nodes = block.nodes or ANY_NUMBER
        yield CapacityGroup.model_construct(name=one.name, spot=list(one.spots), fallback=one.fallback, nodes=nodes)
