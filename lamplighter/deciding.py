"""The engine, asked from a laptop: with the journal's memory where one is named, else for a steady fleet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lamplighter.fleet_source import laptop_settings
from lamplighter.remembered import journal_at
from lamplighter.terminal import progress
from shared.model.facts import NO_PRICES, View
from shared.model.fleet import Cluster
from shared.model.memory import FleetMemory, Memory
from shared.model.money import Prices

if TYPE_CHECKING:
    from lamplighter.subject import Subject
    from shared.model.decisions import Plan
    from shared.model.facts import FleetFacts


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the journal held when it was asked."""

    memories: dict[str, Memory]
    fleet: FleetMemory


def recall(url: str | None) -> Remembered | None:
    """None where no journal is named: everything then counts as adopted long ago."""
    if not url:
        return None
    with progress("reading the journal ..."), journal_at(url) as journal:
        memories = {stored.value.cluster: stored.value for stored in journal.memories(lambda _: None)}
        return Remembered(memories, journal.fleet().value)


def views_of(subject: Subject, known: Remembered | None, prices: Prices = NO_PRICES) -> tuple[View, ...]:
    """What the engine is shown of each cluster."""
    facts = facts_of(subject, known)
    return tuple(view_of(cluster, subject, known, facts, prices) for cluster in subject.clusters)


def plan_of(subject: Subject, known: Remembered | None, views: Iterable[View]) -> Plan:
    """What a tick would plan now."""
    from shared.policy.forecast import plan_for  # noqa: PLC0415

    shown = tuple(views)
    facts = shown[0].fleet if shown else facts_of(subject, known)
    with progress("deciding ..."):
        return plan_for(shown, facts, subject.policy, subject.now)


def facts_of(subject: Subject, known: Remembered | None) -> FleetFacts:
    from lamplighter.ring_sight import with_rings  # noqa: PLC0415
    from shared.policy.facts import fleet_facts, headcount  # noqa: PLC0415
    from shared.policy.forecast import expected_facts  # noqa: PLC0415

    if known is None:
        return with_rings(expected_facts(subject.clusters, subject.policy), subject, known)
    count = headcount(subject.clusters, subject.policy)
    return with_rings(fleet_facts(count, known.memories.values(), known.fleet, subject.now), subject, known)


def view_of(
    cluster: Cluster, subject: Subject, known: Remembered | None, facts: FleetFacts, prices: Prices = NO_PRICES
) -> View:
    """What the engine is shown of one cluster: as in a tick, this reading is taken into memory first."""
    if known is None:
        return View(cluster, Memory(cluster.id, steady=True), fleet=facts, prices=prices)
    from shared.policy import remember  # noqa: PLC0415
    from shared.policy.voices import owner_of, tag_holds  # noqa: PLC0415

    policy, now = subject.policy, subject.now
    memory = known.memories.get(cluster.id) or Memory(cluster.id)
    cluster = remember.believed(cluster, memory, now)
    owner = owner_of(cluster, policy)
    memory = remember.observe(memory, cluster, owner.rules, now)
    memory = remember.with_holds(memory, tag_holds(owner.tags, now, memory.holds), now)
    return View(cluster, memory, fleet=facts, prices=prices)


class Kept:
    """Prices of this one run; the app keeps them in the journal."""

    def __init__(self) -> None:
        self._documents: dict[str, tuple[Mapping[str, Any], datetime]] = {}

    def prices(self, key: str) -> tuple[Mapping[str, Any], datetime] | None:
        return self._documents.get(key)

    def put_prices(self, key: str, document: Mapping[str, Any], at: datetime) -> None:
        self._documents[key] = (document, at)


def prices_of(clusters: Iterable[Cluster], now: datetime) -> Prices:
    """List prices from Azure; what cannot be had is unknown, and its saving too."""
    from shared.clients.azure import Cloud  # noqa: PLC0415
    from shared.clients.market import list_prices  # noqa: PLC0415

    with progress("reading list prices ..."), Cloud.connect(laptop_settings()) as cloud:
        return list_prices(cloud, clusters, Kept(), now)
