"""What Lamplighter remembers of a cluster: one value per cluster, read into the view, written back by compare-and-swap.

Nothing here is the truth about Azure: it says what we saw, what we did and what we owe.
All instants are aware UTC. Mappings are never changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from shared.model.activity import Activity
from shared.model.fleet import Power
from shared.model.relief import Relief
from shared.model.repair import Ailment
from shared.model.spot import GroupPast
from shared.model.upgrades import NO_RINGS, Rings, UpgradePast

T = TypeVar("T")


class Wish(StrEnum):
    """What somebody wants of a target. No opinion is `None`, never a third wish."""

    RUNNING = "running"
    STOPPED = "stopped"

    @property
    def power(self) -> Power:
        return Power.RUNNING if self is Wish.RUNNING else Power.STOPPED


class Phase(StrEnum):
    """How far an open action got."""

    CLAIMED = "claimed"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Served:
    """The wish that last agreed with what was seen, and until when it did."""

    wish: Wish
    through: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """Power as last observed. `since` is when we noticed the last change; None while we never saw one."""

    power: Power
    at: datetime
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Adoption:
    """When `act` mode first saw this rule, in this wording, for this target."""

    fingerprint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Owed:
    """We stopped it, so we owe a start when what held it down disappears."""

    rule: str
    since: datetime


@dataclass(frozen=True, slots=True)
class SavedSize:
    """A pool's size before we stopped it. Never overwritten while it is owed, never 0, never read during a stop."""

    count: int
    min_count: int | None
    max_count: int | None
    autoscaling: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failures of one kind of action on a target, since the last success."""

    kind: str
    code: str
    message: str
    at: datetime
    count: int
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Warned:
    """A stop that people were told about: which transition, when it was put on record, when the stop is due."""

    cause: str
    at: datetime
    due_at: datetime


NO_ADOPTIONS: Mapping[str, Adoption] = MappingProxyType({})
NO_SETBACKS: Mapping[str, Failure] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TargetMemory:
    """What is remembered of one target: the cluster itself, or one of its pools."""

    adopted: Mapping[str, Adoption] = field(default_factory=lambda: NO_ADOPTIONS)
    """rule name -> adoption"""
    served: Served | None = None
    seen: Seen | None = None
    ran_at: datetime | None = None
    """Last time it was seen running."""
    owed: Owed | None = None
    saved: SavedSize | None = None
    failure: Failure | None = None
    no_stop_until: datetime | None = None
    """After a start that failed for capacity: what is up stays up."""
    warned: Warned | None = None
    started_at: datetime | None = None
    """Our last start that was seen to bring it up, whether or not its nodes came."""
    stopped_at: datetime | None = None
    """Our last stop that was seen to succeed."""
    reversals: tuple[datetime, ...] = ()
    """When somebody undid what we did, newest last; only the recent ones are kept."""
    start_seconds: tuple[int, ...] = ()
    """How long our recent starts took from the claim until the nodes were ready, newest last; until it was seen
    running where Azure did not say whether they were."""
    setbacks: Mapping[str, Failure] = field(default_factory=lambda: NO_SETBACKS)
    """kind -> the last failures of what is no power action; `failure` is theirs alone. And nodes that did not come with
    a start, by the code of that: see policy/endings.py."""

    def failure_of(self, kind: str) -> Failure | None:
        """The last failures of that kind of action; None since its last success."""
        if self.failure is not None and self.failure.kind == kind:
            return self.failure
        return self.setbacks.get(kind)


@dataclass(frozen=True, slots=True)
class PersonHold:
    """A person's word: keep it on, or keep it off, until then."""

    wish: Wish
    first_seen_at: datetime
    until: datetime
    source: str
    """command | wake | tag | exception"""
    owner: str = ""
    reason: str = ""
    pool: str | None = None


NO_BODY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OpenAction:
    """The one write that is under way on a cluster: CLAIMED before the call, ACCEPTED after it."""

    id: str
    kind: str
    pool: str | None
    phase: Phase
    cause: str
    rule: str
    reason: str
    claimed_at: datetime
    lease_until: datetime
    deadline: datetime | None = None
    """ACCEPTED only: when the goal should have been seen."""
    operation: str | None = None
    """ACCEPTED only: URL of the asynchronous operation, whole."""
    body: Mapping[str, Any] = field(default_factory=lambda: NO_BODY)
    """What the action says beyond its target: a size, a version. See actions.action_of."""
    seen_at: datetime | None = None
    """ACCEPTED start only: when it was first seen running, while its nodes are waited for."""


NO_TARGET = TargetMemory()
NO_TARGETS: Mapping[str, TargetMemory] = MappingProxyType({})
NO_GROUPS: Mapping[str, GroupPast] = MappingProxyType({})
NO_AILMENTS: Mapping[str, Ailment] = MappingProxyType({})
NO_RELIEFS: Mapping[str, Relief] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered of one cluster. `generation` counts its settled actions."""

    cluster: str
    generation: int = 0
    open: OpenAction | None = None
    not_before: datetime | None = None
    """A write answered busy or throttled: no new one before this."""
    targets: Mapping[str, TargetMemory] = field(default_factory=lambda: NO_TARGETS)
    """'' is the cluster, else the pool's lower-case name."""
    holds: tuple[PersonHold, ...] = ()
    first_seen_at: datetime | None = None
    busy_since: datetime | None = None
    """Since when the cluster has been in one unsettled state without a break."""
    matters: tuple[str, ...] = ()
    """Standing matters people were told about, as `kind|cause`; one that is over is told as resolved."""
    queued_id: str = ""
    """The stop that a tick last sent to the queue, so that the stop budget counts it until it is claimed."""
    queued_at: datetime | None = None
    decided: str = ""
    """Digest of the last decisions that history recorded; a change is recorded anew."""
    snapshot: str = ""
    """Digest of what history last recorded of sizes and tiers; a change is recorded anew."""
    activity: Activity | None = None
    """What is learned of its use; None where no idle rule speaks for it."""
    groups: Mapping[str, GroupPast] = field(default_factory=lambda: NO_GROUPS)
    """Capacity groups, as `rule/group`."""
    upgrade: UpgradePast | None = None
    """What is remembered of its upgrades; None where no rule of rings speaks for it."""
    ailments: Mapping[str, Ailment] = field(default_factory=lambda: NO_AILMENTS)
    """What stands in the state Failed: '' is the cluster, else the pool's lower-case name."""
    empty_since: datetime | None = None
    """Since when it has been running without a node, without a break in what was seen."""
    silenced_until: datetime | None = None
    """Until when its alert processing rule keeps its alerts from people; None where there is none of ours."""
    reliefs: Mapping[str, Relief] = field(default_factory=lambda: NO_RELIEFS)
    """What alerts made us do: '' is the cluster that was woken, else the pool's lower-case name."""
    fleet: str = ""
    """Fleet Manager it was last seen to be a member of, lower-case id; '' for none. A fresh GET does not tell."""
    steady: bool = False
    """True where no journal was read: everything counts as adopted long ago and seen running. Never stored."""

    def target(self, pool: str | None) -> TargetMemory:
        return self.targets.get("" if pool is None else pool.casefold(), NO_TARGET)

    def with_target(self, pool: str | None, target: TargetMemory) -> Mapping[str, TargetMemory]:
        """The targets with one of them replaced, as a new mapping."""
        return {**self.targets, "" if pool is None else pool.casefold(): target}


@dataclass(frozen=True, slots=True)
class FleetMemory:
    """What is remembered of the fleet as a whole, in one row."""

    hold_by: str = ""
    """Who called the emergency hold; empty means none is in force."""
    hold_reason: str = ""
    hold_at: datetime | None = None
    hold_all: bool = False
    """True: starts wait too."""
    breaker_open_at: datetime | None = None
    breaker_reason: str = ""
    breaker_probe_at: datetime | None = None
    """Half-open: when the one probing action was let through."""
    breaker_probe_id: str = ""
    """Id of that decision: the only disruptive one that may be carried out while the breaker is open."""
    cluster_count: int | None = None
    production_count: int | None = None
    failures: tuple[datetime, ...] = ()
    """Instants of recent failed actions in the fleet."""
    good_policy: str = ""
    """Text of the last policy that could be read; it stays in force for starting."""
    good_policy_hash: str = ""
    last_tick_at: datetime | None = None
    rings: Mapping[str, Rings] = field(default_factory=lambda: NO_RINGS)
    """Rule name -> what its rings have proven, and what halts them."""


@dataclass(frozen=True, slots=True)
class Stored(Generic[T]):
    """A value with the tag that a compare-and-swap needs; `etag` None means the row does not exist yet."""

    value: T
    etag: str | None
