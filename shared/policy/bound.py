"""The policy as values that can be asked: what document.py makes of policy.yaml, names resolved, times as instants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from shared.model.memory import Wish
from shared.policy.calendars import Calendar
from shared.policy.match import Matcher
from shared.policy.schedule import Schedule
from shared.policy.windows import WeeklyTime


@dataclass(frozen=True, slots=True)
class StopBudget:
    """At most so many stops in any stretch of `within`. A share is of the clusters that rules match, at least one."""

    at_most: int | Fraction
    within: timedelta


@dataclass(frozen=True, slots=True)
class BreakerLimit:
    """So many failed actions in any stretch of `within` open the breaker."""

    failures: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Guards:
    """The guards in force for one cluster and rule: file, then environment, then rule; a value replaces."""

    min_downtime: timedelta = timedelta(minutes=30)
    min_uptime: timedelta = timedelta(minutes=30)
    min_off: timedelta = timedelta(hours=2)
    manual_hold: timedelta = timedelta(hours=12)
    warn_before_stop: timedelta = timedelta(minutes=15)
    keep_on_at_most: timedelta = timedelta(hours=72)
    fleet_members: bool = False
    """True: members of an Azure Kubernetes Fleet Manager may be stopped and started."""
    silence_alerts: bool = False
    """True: an alert processing rule is set before a stop of a cluster, and removed with its start."""
    stops: StopBudget | None = None
    breaker: BreakerLimit = BreakerLimit(5, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Environment:
    """`name` is None for a cluster that no entry matches, which is production."""

    name: str | None
    production: bool


UNMATCHED = Environment(None, production=True)


NO_GUARDS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class BoundRule:
    """One entry of `rules`, with its schedule names resolved. Compared by identity, as the policy is."""

    name: str
    kind: str
    """hours, ...: the block's key."""
    block: Any
    """The rule's own pydantic Block."""
    schedules: tuple[Schedule, ...] = ()
    calendar: Calendar | None = None
    """The one that the block names itself; schedules have their own."""
    zone: str = "UTC"
    """IANA name of the policy's zone."""
    match: Matcher | None = None
    """None: everything outside production."""
    unless: Matcher | None = None
    """The entry's `except`."""
    mode: str = "act"
    """act | plan; never more than the file's."""
    guards: Mapping[str, Any] = field(default_factory=lambda: NO_GUARDS)
    """Only the guards this rule sets itself."""
    environment: str = ""
    """Where the cluster is that it speaks about; set only for rules that ask, by `Policy.placed`."""
    inherited: tuple[str, ...] = ()
    """Keys of the block that the environment gives; `environment` is set then."""
    freezes: tuple[Freeze, ...] = ()
    """Those that hold what it does; set where `environment` is."""
    fingerprint: str = ""
    """Digest of block, schedules and calendars: what adoption is bound to."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """Nothing of what `hold` names happens in [begin, end) to what matches; aware UTC."""

    name: str
    begin: datetime
    end: datetime
    hold: frozenset[str]
    match: Matcher | None = None


@dataclass(frozen=True, slots=True)
class KeepException:
    """A person's hold that is written in the policy. `cluster` is a name, a glob of names, or a whole id."""

    cluster: str
    wish: Wish
    until: datetime
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class DigestAudience:
    """Who is told what a week cost; without `match` and `unless` the whole scope."""

    name: str
    to: tuple[str, ...]
    match: Matcher | None = None
    unless: Matcher | None = None
    """The entry's `except`."""

    @property
    def is_everything(self) -> bool:
        return self.match is None and self.unless is None


@dataclass(frozen=True, slots=True)
class DigestPlan:
    """The `digest` section: when, to whom, and which tag names a team."""

    weekly: WeeklyTime
    audiences: tuple[DigestAudience, ...]
    team_tag: str = "team"


@dataclass(frozen=True, slots=True)
class Route:
    """Where messages go: names of app settings that hold a channel's address, never the address itself."""

    to: tuple[str, ...]
    match: Matcher | None = None
    unless: Matcher | None = None
    """The entry's `except`."""
    reasons: frozenset[str] | None = None
    """None: everything."""
