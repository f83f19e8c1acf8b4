"""What should happen and why: proposals, decisions, plans, notices. Actions are in actions.py.

A rule *proposes*, the arbiter *decides*, guards *refuse* or *defer*, admission *plans*. Everything is a value with a
reason that a person understands; `none` is a decision too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from hashlib import blake2s
from types import MappingProxyType

from shared.model.actions import Action
from shared.model.memory import Wish
from shared.model.money import Money

NO_EVIDENCE: Mapping[str, str] = MappingProxyType({})


class Voice(IntEnum):
    """Who speaks. The loudest voice that says anything decides; guards are asked afterwards and only refuse."""

    RULE = 1
    HOLD = 2
    PERSON = 3


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
    rules: tuple[str, ...] = ()
    """Names of all rules in force for the cluster, also of those that are silent."""

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
