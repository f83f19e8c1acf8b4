"""What history says of a cluster over some weeks: its nodes, its tags, and when which decision kept it down.

Folded from the journal's records (`shared/costs/past.py`). Time that was not observed is in no span: unknown, not 0.
All instants are aware UTC; spans are `[begin, end)`, in order, and don't overlap within one pool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

NO_TAGS: Mapping[str, str] = MappingProxyType({})
NO_NODES: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PoolSpan:
    """A time in which a pool had so many billed nodes."""

    begin: datetime
    end: datetime
    nodes: int
    """0 while it, or its cluster, was stopped. Between two looks that differ: the larger number."""
    fewest: int
    """The smaller one; the same where it is sure."""
    vm_size: str = ""
    priority: str = "Regular"
    """Regular | Spot"""
    least: int | None = None
    """The autoscaler's minimum; None for a pool of fixed size."""


@dataclass(frozen=True, slots=True)
class Held:
    """A time in which one of our decisions kept something down: from its success to whatever brought it up again."""

    pool: str | None
    """Lower-case name; None is the whole cluster."""
    begin: datetime
    end: datetime
    decision: str
    rule: str
    reason: str
    nodes: Mapping[str, int] = field(default_factory=lambda: NO_NODES)
    """Pool -> what it had when Azure took the stop. A pool whose nodes were unknown is absent."""


@dataclass(frozen=True, slots=True)
class Started:
    """A start of ours: when Azure took it."""

    pool: str | None
    at: datetime
    decision: str
    rule: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A resize of ours within a capacity group, that was seen to succeed."""

    at: datetime
    pool: str
    decision: str
    rule: str
    group: str


@dataclass(frozen=True, slots=True)
class Surged:
    """An upgrade of ours: in that time a pool had up to so many nodes more than its size says."""

    pool: str
    begin: datetime
    end: datetime
    nodes: int
    rule: str


@dataclass(frozen=True, slots=True)
class Tiered:
    """A time in which a decision of ours kept the control plane on a cheaper tier."""

    begin: datetime
    end: datetime
    decision: str
    rule: str
    before: str
    """The tier that it had before: Standard | Premium."""


@dataclass(frozen=True, slots=True)
class ClusterPast:
    """One cluster, also one that is gone by now: bills of deleted clusters still find their owner."""

    cluster: str
    """Lower-case id."""
    node_resource_group: str = ""
    """Lower case; '' where history does not say."""
    location: str = ""
    tags: tuple[tuple[datetime, Mapping[str, str]], ...] = ()
    """Since when it had which tags, oldest first."""
    pools: Mapping[str, tuple[PoolSpan, ...]] = field(default_factory=lambda: MappingProxyType({}))
    held: tuple[Held, ...] = ()
    started: tuple[Started, ...] = ()
    moved: tuple[Moved, ...] = ()
    surged: tuple[Surged, ...] = ()
    adopted_at: datetime | None = None
    """When `act` mode first saw a rule for it; None where history does not say."""
    tiers: tuple[tuple[datetime, str], ...] = ()
    """Since when it was seen on which tier, oldest first."""
    tiered: tuple[Tiered, ...] = ()

    def tags_on(self, day: date) -> Mapping[str, str]:
        """Those it had at the end of that day (UTC), or the oldest known; empty when history knows none."""
        found = [tags for at, tags in self.tags if at.date() <= day]
        return found[-1] if found else (self.tags[0][1] if self.tags else NO_TAGS)

    def tier_on(self, day: date) -> str:
        """The one it had all that day (UTC), as far as it was seen; '' where history does not say, or it changed."""
        before = [tier for at, tier in self.tiers if at.date() < day]
        changed = any(at.date() == day for at, _ in self.tiers)
        return "" if changed or not before else before[-1]
