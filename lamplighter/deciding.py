"""The engine, asked from a laptop: with the journal's memory where one is named, else for a steady fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamplighter.remembered import journal_at
from lamplighter.terminal import progress
from shared.model.facts import View
from shared.model.fleet import Cluster
from shared.model.memory import FleetMemory, Memory

if TYPE_CHECKING:
    from lamplighter.subject import Subject
    from shared.model.decisions import Decision, Plan
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


def plan_of(subject: Subject, known: Remembered | None) -> Plan:
    """What a tick would plan now."""
    from shared.policy.admit import admit  # noqa: PLC0415
    from shared.policy.decide import decide  # noqa: PLC0415
    from shared.policy.forecast import steady_plan  # noqa: PLC0415

    with progress("deciding ..."):
        if known is None:
            return steady_plan(subject.clusters, subject.policy, subject.now)
        facts = facts_of(subject, known)
        decisions: list[Decision] = []
        for cluster in subject.clusters:
            decisions.extend(decide(view_of(cluster, subject, known, facts), subject.policy, subject.now))
        return admit(decisions, facts, subject.policy, subject.now)


def facts_of(subject: Subject, known: Remembered | None) -> FleetFacts:
    from shared.policy.facts import fleet_facts, headcount  # noqa: PLC0415
    from shared.policy.forecast import expected_facts  # noqa: PLC0415

    if known is None:
        return expected_facts(subject.clusters, subject.policy)
    count = headcount(subject.clusters, subject.policy)
    return fleet_facts(count, known.memories.values(), known.fleet, subject.now)


def view_of(cluster: Cluster, subject: Subject, known: Remembered | None, facts: FleetFacts) -> View:
    """What the engine is shown of one cluster; a tick would take the same reading into memory first."""
    if known is None:
        return View(cluster, Memory(cluster.id, steady=True), fleet=facts)
    from shared.policy.remember import observe  # noqa: PLC0415

    policy = subject.policy
    memory = known.memories.get(cluster.id) or Memory(cluster.id)
    rules = policy.rules_for(cluster, policy.environment_of(cluster))
    return View(cluster, observe(memory, cluster, rules, subject.now), fleet=facts)
