"""Rings as a laptop sees them: what the journal remembers of them, folded over the fleet as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from lamplighter.fleet_source import laptop_settings
from lamplighter.terminal import progress
from shared.errors import CloudError, InputError

if TYPE_CHECKING:
    from lamplighter.deciding import Remembered
    from lamplighter.subject import Subject
    from shared.model.facts import FleetFacts
    from shared.model.fleet import Cluster
    from shared.model.upgrades import Rings
    from shared.model.versions import Releases
    from shared.policy.bound import BoundRule
    from shared.policy.rings import Member
    from shared.policy.upgrading import Step


def with_rings(facts: FleetFacts, subject: Subject, known: Remembered | None) -> FleetFacts:
    """The facts with rings and versions, where the policy has rules of rings."""
    from shared.policy.ring_fold import fleet_rings, ring_rules  # noqa: PLC0415
    from shared.policy.voices import owner_of  # noqa: PLC0415

    policy = subject.policy
    if not ring_rules(policy):
        return facts
    memories = {} if known is None else known.memories
    before = {} if known is None else known.fleet.rings
    seen = ((one, owner_of(one, policy), memories.get(one.id)) for one in subject.clusters)
    rings = fleet_rings(before, policy, seen, subject.now, whole=not subject.inventory.problems)
    return replace(facts, rings=rings, releases=releases_of(subject))


def releases_of(subject: Subject) -> Mapping[str, Releases]:
    """Lower-case region -> its versions: as Azure says, else, and for a file, after the published calendar."""
    from shared.policy.support_dates import calendar_releases  # noqa: PLC0415

    regions = {one.location.casefold(): one.subscription for one in subject.clusters if one.location}
    found = dict.fromkeys(regions, calendar_releases(subject.now.date()))
    if subject.from_file:
        return found
    from shared.clients.azure import Cloud  # noqa: PLC0415
    from shared.clients.upgrading import releases_document, releases_from  # noqa: PLC0415

    with progress("reading Kubernetes versions ..."), Cloud.connect(laptop_settings()) as cloud:
        for region, subscription in regions.items():
            with suppress(CloudError):
                found[region] = releases_from(releases_document(cloud, subscription, region))
    return found


@dataclass(frozen=True, slots=True)
class ClusterSight:
    cluster: Cluster
    ring: str
    step: Step
    sentence: str
    at: datetime | None
    """Not before this; None where nobody can say."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One rule and what it sees."""

    rule: BoundRule
    rings: Rings
    members: tuple[Member, ...]
    clusters: tuple[ClusterSight, ...]


def looked_at(subject: Subject, known: Remembered | None, only: str | None) -> Iterable[Sight]:
    """Every rule of rings of the policy, or only that one, with its clusters as the engine sees them."""
    from lamplighter.deciding import facts_of  # noqa: PLC0415
    from shared.policy.ring_fold import ring_rules  # noqa: PLC0415

    rules = {one.name: one for one in ring_rules(subject.policy)}
    if only is not None and only not in rules:
        raise InputError(f"--rule {only!r} is no rule of upgrades: expected one of {', '.join(rules) or 'none'}")
    facts = facts_of(subject, known)
    for name in rules if only is None else [only]:
        yield _sight(rules[name], subject, known, facts)


def _sight(rule: BoundRule, subject: Subject, known: Remembered | None, facts: FleetFacts) -> Sight:
    from lamplighter.deciding import view_of  # noqa: PLC0415
    from shared.model.upgrades import UpgradePast  # noqa: PLC0415
    from shared.policy.ring_dates import next_at  # noqa: PLC0415
    from shared.policy.rings import Member  # noqa: PLC0415
    from shared.policy.rules.upgrades import sentence_of  # noqa: PLC0415
    from shared.policy.upgrading import step_of, waits_of  # noqa: PLC0415

    mine = [(view_of(one, subject, known, facts), own) for one, own in spoken_for(rule, subject)]
    members = tuple(
        # Whoever is not remembered is asked whether it can move at all.
        Member(
            view.cluster.id,
            view.cluster.name,
            own.environment,
            view.memory.upgrade or UpgradePast(waits=waits_of(view, own, subject.now)),
        )
        for view, own in mine
    )
    found = []
    for view, own in mine:
        cluster = view.cluster
        step = step_of(view, own, subject.now)
        when = next_at(own, step, members, facts.rings[rule.name], subject.now)
        found.append(ClusterSight(cluster, own.environment, step, sentence_of(own, step), when))
    found.sort(key=lambda one: (rule.block.rings.index(one.ring), one.cluster.name))
    return Sight(rule, facts.rings[rule.name], members, tuple(found))


def spoken_for(rule: BoundRule, subject: Subject) -> Iterable[tuple[Cluster, BoundRule]]:
    """The clusters of its rings, each with the rule as it stands where the cluster is."""
    from shared.policy.voices import owner_of  # noqa: PLC0415

    for cluster in subject.clusters:
        for own in owner_of(cluster, subject.policy).rules:
            if own.name == rule.name and own.environment in own.block.rings:
                yield cluster, own
