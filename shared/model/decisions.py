"""What should happen and why: proposals, actions, decisions, plans.

A rule *proposes*, the arbiter *decides*, guards *refuse* or *defer*, admission *plans*. Everything is a value with a
reason that a person understands; `none` is a decision too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from hashlib import blake2s
from types import MappingProxyType
from typing import Any, ClassVar, Self

from shared.model.fleet import NodePool
from shared.model.memory import OpenAction, Wish
from shared.model.money import Money
from shared.model.relief import PoolSize

NO_EVIDENCE: Mapping[str, str] = MappingProxyType({})


class Voice(IntEnum):
    """Who speaks. The loudest voice that says anything decides; guards are asked afterwards and only refuse."""

    RULE = 1
    HOLD = 2
    PERSON = 3


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
    was_max: int | None = None
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
            *(GrowPool, ShrinkPool, RaisePool, LowerPool, SilenceAlerts, UnsilenceAlerts),
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


class Verdict(StrEnum):
    ACT = "act"
    """Admitted: goes to the queue in `act` mode."""
    PLAN = "plan"
    """Would be done, but the file or the rule says `mode: plan`."""
    NONE = "none"
    DEFER = "defer"
    """Wanted, but not now; the reason says what it waits for."""
    REFUSE = "refuse"
    """Wanted, but Lamplighter will not do it; the reason says why."""


class Reason(StrEnum):
    """Why. Each one is explained in docs/runbook.md and produced by a named test."""

    # to act
    OFF_HOURS = "off_hours"
    IN_HOURS = "in_hours"
    KEEP_ON = "keep_on"
    KEEP_OFF = "keep_off"
    RELEASED = "released"
    IDLE = "idle"
    EXPECTED = "expected"
    TTL = "ttl"
    FALL_BACK = "fall_back"
    TO_SPOT = "to_spot"
    SURPLUS = "surplus"
    HOME = "home"
    TIDY = "tidy"
    ALERT = "alert"
    ALERT_OVER = "alert_over"
    SILENCE = "silence"
    HEARD_AGAIN = "heard_again"
    UPGRADE = "upgrade"
    NODE_IMAGE = "node_image"
    REPAIR = "repair"
    TIER = "tier"
    MAINTENANCE_WINDOW = "maintenance_window"
    # nothing to do
    AS_WISHED = "as_wished"
    NO_RULE = "no_rule"
    NO_OPINION = "no_opinion"
    MANUAL_START = "manual_start"
    MANUAL_STOP = "manual_stop"
    BEFORE_ADOPTION = "before_adoption"
    PARKED = "parked"
    UNDER_WAY = "under_way"
    SUPERSEDED = "superseded"
    # refused
    PRODUCTION = "production"
    EXCLUDED = "excluded"
    UNREADABLE_TAG = "unreadable_tag"
    UNREADABLE_STATE = "unreadable_state"
    UNREADABLE_LOCKS = "unreadable_locks"
    UNREADABLE_POLICY = "unreadable_policy"
    LOCKED = "locked"
    NODE_PROVISIONING = "node_provisioning"
    AVAILABILITY_SET = "availability_set"
    SYSTEM_POOL = "system_pool"
    SPOT_POOL = "spot_pool"
    AUTOSCALER = "autoscaler"
    UNKNOWN_POOL = "unknown_pool"
    FLEET_MEMBER = "fleet_member"
    AUTO_UPGRADE = "auto_upgrade"
    TIER_NEEDED = "tier_needed"
    WRITE_ONLY_SECRETS = "write_only_secrets"
    UNLISTED_ERROR = "unlisted_error"
    ESCALATED = "escalated"
    # deferred
    HOLD = "hold"
    BUSY = "busy"
    CLUSTER_STOPPED = "cluster_stopped"
    FROZEN = "frozen"
    MIN_DOWNTIME = "min_downtime"
    MIN_UPTIME = "min_uptime"
    MIN_OFF = "min_off"
    WARNING_DUE = "warning_due"
    SILENCE_DUE = "silence_due"
    STOP_BUDGET = "stop_budget"
    BREAKER = "breaker"
    RETRY_LATER = "retry_later"
    NO_CAPACITY = "no_capacity"
    NO_ROOM = "no_room"
    UNDONE = "undone"
    WAITS_FOR = "waits_for"
    RING_WAITS = "ring_waits"
    RING_HALTED = "ring_halted"
    AT_ONCE = "at_once"
    NOT_OFFERED = "not_offered"
    UNHEALTHY = "unhealthy"
    SKEW = "skew"
    BLOCKED_BY_AKS = "blocked_by_aks"
    UNDRAINABLE = "undrainable"
    WINDOW_TOO_SHORT = "window_too_short"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What a rule itself found in the way of what it wants; guards are asked first."""

    reason: Reason
    sentence: str
    until: datetime | None = None
    """When it is over, aware UTC; None when nobody knows."""
    verdict: Verdict = Verdict.DEFER


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one rule or person says about one target at one moment."""

    rule: str
    pool: str | None
    voice: Voice
    wish: Wish | None
    due_at: datetime | None
    """The transition that made the wish true, aware UTC; ahead of now for a stop to announce. None: always was."""
    cause: str
    """Stable name of the occasion: the same occasion gives the same text, so one occasion acts once."""
    reason: Reason
    sentence: str
    """For people: why, without the name of the cluster."""
    until: datetime | None = None
    """When the wish is expected to change, aware UTC; None when nobody knows."""
    enforce: bool = False
    fingerprint: str = ""
    """Of the rule in its present wording; what adoption is bound to. Empty: needs no adoption."""
    once: bool = False
    """Only the transition matters: after it was served, no opinion (`inside: any`)."""
    mode: str = "act"
    """plan: decide and report only."""
    fleet_members: bool = False
    """The rule allows members of a Kubernetes Fleet Manager."""
    evidence: Mapping[str, str] = field(default_factory=lambda: NO_EVIDENCE)
    action: Action | None = None
    """For rules whose wish is not a power state; they arrive with their actions."""
    obstacle: Obstacle | None = None
    """With `action`: why it is not done now."""
    estimated_saving: Money | None = None
    ready_by: datetime | None = None
    """When people expect it to be up; later than that by 10 minutes is late."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A stop that is to be told before it may happen."""

    cause: str
    due_at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one target, and why. One per target a rule speaks for, one per cluster in any case."""

    id: str
    cluster: str
    target: str
    action: Action | None
    verdict: Verdict
    reason: Reason
    message: str
    rule: str | None
    cause: str
    evidence: Mapping[str, str] = field(default_factory=lambda: NO_EVIDENCE)
    estimated_saving: Money | None = None
    due_at: datetime | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    policy_hash: str = ""
    wish: Wish | None = None
    """What the loudest voice wants now, also where nothing is to be done."""
    ready_by: datetime | None = None
    until: datetime | None = None
    """When the wish is expected to change; what the estimate counts up to."""
    environment: str | None = None
    """Name of the policy's environment; None for a cluster that none matches."""
    lane: tuple[str, str] = ("", "")
    """(subscription, location): what Azure throttles together."""
    announce: Announcement | None = None
    agrees: bool = False
    """The target's power is as wished, while this decision is about something else."""

    @property
    def pool(self) -> str | None:
        return None if self.target == self.cluster else self.target.rpartition("/")[2]

    @property
    def shown_action(self) -> str:
        """The one word for tables and JSON: start, stop, none, defer, refuse."""
        if self.verdict in (Verdict.ACT, Verdict.PLAN) and self.action is not None:
            return self.action.verb
        return self.verdict.value


def decision_id(target: str, kind: str, cause: str, generation: int) -> str:
    """Same target, action, occasion and generation give the same id, on every machine and in every process."""
    return blake2s(f"{target}|{kind}|{cause}|{generation}".encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Plan:
    """One tick's outcome of deciding: what goes to the queue, what is told."""

    at: datetime
    decisions: tuple[Decision, ...]
    notices: tuple[Notice, ...] = ()

    @property
    def admitted(self) -> tuple[Decision, ...]:
        return tuple(d for d in self.decisions if d.verdict is Verdict.ACT and d.action is not None)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to people. Never an Action: telling fails or succeeds without touching a cluster."""

    kind: str
    """A reason routes can name: stop_soon, start_late, stop_stuck, poison, policy_unreadable, ..."""
    about: str
    """Lower-case cluster id, or 'fleet'."""
    cause: str
    """The transition it belongs to; one message per route, kind and cause lists everything that shares it."""
    sentence: str
    at: datetime
    resolved: bool = False
    """True: the matter is over; closes an earlier notice of the same kind, `about` and `cause`."""
    due_at: datetime | None = None
    """Of a stop to come: when, aware UTC."""
    keep_at_most: timedelta | None = None
    """Of a stop to come: how long a person may keep the cluster on from now; None where nothing limits it."""
