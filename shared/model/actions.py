"""What can be done to a target: one class per kind of action. Each knows its level, whether it disrupts, and whether
production allows it. A new kind is a class here, its place in ACTIONS, and a line in three more tables
(docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from types import MappingProxyType
from typing import Any, ClassVar, Self

from shared.model.fleet import NodePool
from shared.model.memory import OpenAction, Wish
from shared.model.relief import PoolSize


class Level(IntEnum):
    """Lower goes first; the other actions of that cluster wait."""

    POWER = 1
    REPAIR = 2
    RAISE = 3
    VERSION = 4
    LOWER = 5
    TIER = 6
    SIDE = 7


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is done to one target. Subclasses say what, how disruptive, and whether production allows it."""

    kind: ClassVar[str]
    verb: ClassVar[str]
    """The short word users see: start, stop, ..."""
    level: ClassVar[Level]
    disruptive: ClassVar[bool]
    in_production: ClassVar[bool]
    goal: ClassVar[Wish | None] = None

    cluster: str
    pool: str | None = None

    @property
    def target(self) -> str:
        return self.cluster if self.pool is None else f"{self.cluster}/agentpools/{self.pool.casefold()}"

    def frozen_by(self, words: frozenset[str]) -> bool:
        """Whether a freeze that holds `words` holds this."""
        return self.verb in words

    @property
    def body(self) -> Mapping[str, Any]:
        """What it says beyond its target, as JSON; what is as usual is left out."""
        own = (one for one in fields(self) if one.name not in ("cluster", "pool"))
        return {one.name: value for one in own if (value := getattr(self, one.name)) != one.default}


@dataclass(frozen=True, slots=True)
class StartCluster(Action):
    kind = "start_cluster"
    verb = "start"
    level = Level.POWER
    disruptive = False
    in_production = True
    goal = Wish.RUNNING


@dataclass(frozen=True, slots=True)
class StopCluster(Action):
    kind = "stop_cluster"
    verb = "stop"
    level = Level.POWER
    disruptive = True
    in_production = False
    goal = Wish.STOPPED


@dataclass(frozen=True, slots=True)
class StartPool(Action):
    kind = "start_pool"
    verb = "start"
    level = Level.POWER
    disruptive = False
    in_production = True
    goal = Wish.RUNNING


@dataclass(frozen=True, slots=True)
class StopPool(Action):
    kind = "stop_pool"
    verb = "stop"
    level = Level.POWER
    disruptive = True
    in_production = False
    goal = Wish.STOPPED


@dataclass(frozen=True, slots=True)
class ResizePool(Action):
    """A pool held at another size: a fixed one by `count`, an autoscaled one by its bounds. The other is None."""

    count: int | None = None
    min_count: int | None = None
    max_count: int | None = None
    group: str = ""
    """The capacity group it is part of, as Memory.groups names it."""
    urgent: bool = False
    """Needed to keep the minimum: no budget and no freeze of moves holds it back."""
    again: bool = False
    """Azure says that it has that size, and its nodes are gone: it is asked all the same."""
    was_max: int | None = None
    """The autoscaler's maximum as decided on; None: there was none, or it is kept."""

    def seen_in(self, pool: NodePool) -> bool | None:
        """Whether the pool has that size; None: the reading does not tell.

        An autoscaled pool moves between its bounds by itself: they are compared, not the count.
        """
        if self.count is not None:
            return None if pool.count is None else pool.count == self.count and not pool.autoscaling
        if pool.min_count is None or pool.max_count is None:
            return False if pool.autoscaling is False else None
        return (pool.min_count, pool.max_count) == (self.min_count, self.max_count)

    def frozen_by(self, words: frozenset[str]) -> bool:
        return "move" in words and not self.urgent


@dataclass(frozen=True, slots=True)
class GrowPool(ResizePool):
    kind = "grow_pool"
    verb = "grow"
    level = Level.RAISE
    disruptive = False
    in_production = True


@dataclass(frozen=True, slots=True)
class ShrinkPool(ResizePool):
    kind = "shrink_pool"
    verb = "shrink"
    level = Level.LOWER
    disruptive = True
    in_production = False


@dataclass(frozen=True, slots=True)
class ScalePool(ResizePool):
    """A pool held at another size for an alert, and back again. `was_*` is its size as decided on; the write checks it,
    and from the claim on it is on record what to go back to."""

    was_count: int | None = None
    was_min: int | None = None
    rule: str = ""
    alert: str = ""
    """Id of the alert that asks for it."""
    lasting: float = 0.0
    """Seconds after which it ends in any case."""
    restores: bool = False
    """Back to what was before an alert."""

    @classmethod
    def between(cls, target: tuple[str, str], was: PoolSize, size: PoolSize, **more: Any) -> Self:
        """From one size to another. `target` is (cluster id, pool)."""
        return cls(
            *target,
            count=size.count,
            min_count=size.min_count,
            max_count=size.max_count,
            was_count=was.count,
            was_min=was.min_count,
            was_max=was.max_count,
            **more,
        )

    @property
    def was(self) -> PoolSize:
        return PoolSize(self.was_count, self.was_min, self.was_max)

    @property
    def size(self) -> PoolSize:
        return PoolSize(self.count, self.min_count, self.max_count)

    def frozen_by(self, words: frozenset[str]) -> bool:
        return "scale" in words


@dataclass(frozen=True, slots=True)
class RaisePool(ScalePool):
    kind = "raise_pool"
    verb = "raise"
    level = Level.RAISE
    disruptive = False
    in_production = True


@dataclass(frozen=True, slots=True)
class LowerPool(ScalePool):
    kind = "lower_pool"
    verb = "lower"
    level = Level.LOWER
    disruptive = True
    in_production = False


@dataclass(frozen=True, slots=True)
class UpgradeControlPlane(Action):
    """The control plane alone, to a version. It cannot be rolled back."""

    kind = "upgrade_control_plane"
    verb = "upgrade"
    level = Level.VERSION
    disruptive = True
    in_production = False

    to: str = ""


@dataclass(frozen=True, slots=True)
class UpgradePool(Action):
    """The nodes of one pool, to a version that its control plane runs. It cannot be rolled back."""

    kind = "upgrade_pool"
    verb = "upgrade"
    level = Level.VERSION
    disruptive = True
    in_production = False

    to: str = ""
    surge: str = ""
    """What becomes its `maxSurge`; '' leaves that as it is."""


@dataclass(frozen=True, slots=True)
class UpgradeNodeImage(Action):
    """The nodes of one pool, to the newest image of their version; AKS offers no other."""

    kind = "upgrade_node_image"
    verb = "upgrade"
    level = Level.VERSION
    disruptive = True
    in_production = False

    to: str = ""


@dataclass(frozen=True, slots=True)
class Reconcile(Action):
    """What was read is written back, so that AKS works off what it left Failed."""

    kind = "reconcile"
    verb = "repair"
    level = Level.REPAIR
    disruptive = True
    in_production = False


@dataclass(frozen=True, slots=True)
class SetTier(Action):
    """Another price tier of the control plane."""

    kind = "set_tier"
    verb = "tier"
    level = Level.TIER
    disruptive = True
    in_production = False

    to: str = ""
    """Free | Standard | Premium"""


@dataclass(frozen=True, slots=True)
class PutMaintenance(Action):
    """One of AKS's own maintenance configurations: when AKS may do what it does by itself."""

    kind = "put_maintenance"
    verb = "maintenance"
    level = Level.SIDE
    disruptive = False
    in_production = False

    name: str = ""
    window: str = ""
    """`maintenanceWindow` of the request, as JSON."""


@dataclass(frozen=True, slots=True)
class SilenceAlerts(Action):
    """An alert processing rule for what is about to sleep; over by itself. Instants as ISO 8601 with an offset."""

    kind = "silence_alerts"
    verb = "silence"
    level = Level.SIDE
    disruptive = False
    in_production = True

    begins: str = ""
    until: str = ""
    nodes: str = ""
    """Lower-case id of the resource group of its nodes; '' where it is not known."""


@dataclass(frozen=True, slots=True)
class UnsilenceAlerts(Action):
    """The rule goes with the start."""

    kind = "unsilence_alerts"
    verb = "unsilence"
    level = Level.SIDE
    disruptive = False
    in_production = True


ACTIONS: Mapping[str, type[Action]] = MappingProxyType(
    {
        kind.kind: kind
        for kind in (
            *(StartCluster, StopCluster, StartPool, StopPool),
            *(GrowPool, ShrinkPool, RaisePool, LowerPool),
            *(UpgradeControlPlane, UpgradePool, UpgradeNodeImage),
            *(Reconcile, SetTier, PutMaintenance, SilenceAlerts, UnsilenceAlerts),
        )
    }
)
"""Every kind that can be claimed and settled. What is not here is never written to Azure."""


def action_of(open_: OpenAction, cluster: str) -> Action | None:
    """The action that is under way; None for a kind, or a way of saying it, that this version does not know."""
    kind = ACTIONS.get(open_.kind)
    known = set() if kind is None else {one.name for one in fields(kind)}
    if kind is None or not known.issuperset(open_.body):
        return None
    return kind(cluster, open_.pool, **open_.body)


def power_action(cluster: str, pool: str | None, wish: Wish) -> Action:
    """The action that brings a cluster (`pool` None) or pool to `wish`."""
    if pool is None:
        return StartCluster(cluster) if wish is Wish.RUNNING else StopCluster(cluster)
    return StartPool(cluster, pool) if wish is Wish.RUNNING else StopPool(cluster, pool)
