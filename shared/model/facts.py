"""What a rule may look at: facts that were asked for, the fleet in figures, and the view that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from shared.model.fleet import Cluster
from shared.model.memory import Memory
from shared.model.money import Prices
from shared.model.upgrades import NO_RINGS, Rings
from shared.model.versions import Releases

NO_PRICES: Prices = MappingProxyType({})


class Need(StrEnum):
    """A fact that costs a call and is fetched only where a rule, or acting, asks for it."""

    LOCKS = "locks"
    """tuple[(name, level), ...]: the locks that reach the cluster. Not in Resource Graph, so only `act` asks."""
    ACTIVITY = "activity"
    """signals.Signal: whether somebody or something uses the cluster."""
    CAPACITY = "capacity"
    """tuple[spot.PoolSight, ...]: what the pools of capacity groups have and could have."""
    SURGE = "surge"
    """tuple[spot.PoolSight, ...]: what quota and subnets have left for the surge of an upgrade, and nothing else."""
    UPGRADES = "upgrades"
    """versions.UpgradeOffers: the versions and node images that Azure offers a cluster."""
    ALERTS = "alerts"
    """tuple[alerts.Occurrence, ...]: what the inbox holds about the cluster, or about none that is known."""
    ROOM = "room"
    """int: nodes that quota and subnet still have room for in the pool to be made larger. Only `act` asks."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A value, or the reason why it is unknown. Unknown is never idle, never zero, never free."""

    value: Any
    at: datetime
    problem: str | None = None

    @property
    def known(self) -> bool:
        return self.problem is None


NO_LEAD: Mapping[tuple[str, str], timedelta] = MappingProxyType({})
NO_STOPS: Mapping[str, tuple[datetime, ...]] = MappingProxyType({})
NO_FACTS: Mapping[Need, Fact] = MappingProxyType({})
NO_RELEASES: Mapping[str, Releases] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FleetFacts:
    """The fleet in figures: one pure fold over memories and the fleet row. The defaults are a calm fleet."""

    hold_by: str = ""
    hold_all: bool = False
    hold_reason: str = ""
    breaker_open: bool = False
    breaker_reason: str = ""
    breaker_probe: bool = False
    """Half-open: one disruptive action may go."""
    policy_readable: bool = True
    matched: int = 0
    """Clusters that at least one rule matches outside production: what a stop budget in percent is a share of."""
    recent_stops: tuple[datetime, ...] = ()
    """When stops were claimed or seen to succeed lately, oldest first; what the stop budget counts."""
    stops_of: Mapping[str, tuple[datetime, ...]] = field(default_factory=lambda: NO_STOPS)
    """The same by lower-case cluster id, for budgets of an environment or a rule."""
    moves: Mapping[str, tuple[datetime, ...]] = field(default_factory=lambda: NO_STOPS)
    """When pools were resized lately, by lower-case cluster id: what the pace of writes to pools is counted from."""
    queued: frozenset[str] = frozenset()
    """Ids of stops that are in the queue: counted already."""
    queue_lead: Mapping[tuple[str, str], timedelta] = field(default_factory=lambda: NO_LEAD)
    """(subscription, location) -> how much longer the last start of a full queue takes to leave than the first."""
    rings: Mapping[str, Rings] = field(default_factory=lambda: NO_RINGS)
    """Rule name -> what its rings have proven, and what halts them."""
    releases: Mapping[str, Releases] = field(default_factory=lambda: NO_RELEASES)
    """Lower-case region -> the Kubernetes versions it has; a region that is absent is unknown."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything that may be looked at when deciding about one cluster."""

    cluster: Cluster
    memory: Memory
    facts: Mapping[Need, Fact] = field(default_factory=lambda: NO_FACTS)
    fleet: FleetFacts = FleetFacts()
    prices: Prices = field(default_factory=lambda: NO_PRICES)
    """List prices; what is absent is unknown."""

    def with_memory(self, memory: Memory) -> View:
        """The same look with that memory; itself where it has it already. Several times a look: without `replace`."""
        return self if memory is self.memory else View(self.cluster, memory, self.facts, self.fleet, self.prices)
