"""The rings of every rule: one pure fold over clusters and memories at each tick; and what `act` asks once more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from shared.model.actions import ACTIONS, Level
from shared.model.decisions import Decision, Notice, Reason, Verdict
from shared.model.facts import FleetFacts
from shared.model.fleet import Cluster
from shared.model.memory import Memory
from shared.model.upgrades import NO_RINGS, Rings
from shared.policy.bound import BoundRule
from shared.policy.document import Policy
from shared.policy.rings import Member, folded, unforgiven
from shared.policy.upgrading import order_of
from shared.policy.voices import Owner

KIND = "upgrades"


def ring_rules(policy: Policy) -> tuple[BoundRule, ...]:
    return tuple(rule for rule in policy.rules if rule.kind == KIND)


def fleet_rings(
    before: Mapping[str, Rings],
    policy: Policy,
    known: Iterable[tuple[Cluster, Owner, Memory | None]],
    now: datetime,
    *,
    whole: bool,
) -> Mapping[str, Rings]:
    """Rule name -> its rings now. Rules that are gone are forgotten; each cluster counts for the first rule only."""
    rules = ring_rules(policy)
    if not rules:
        return NO_RINGS
    members: dict[str, list[Member]] = {rule.name: [] for rule in rules}
    open_ones: dict[str, set[str]] = {rule.name: set() for rule in rules}
    for cluster, owner, memory in known:
        rule = next((one for one in owner.rules if one.kind == KIND), None)
        if rule is None or rule.environment not in rule.block.rings:
            continue
        past = memory.upgrade if memory is not None and memory.upgrade is not None else None
        past = past if past is not None and past.rule == rule.name else None
        members[rule.name].append(Member(cluster.id, cluster.name, rule.environment, past))
        if memory is not None and _upgrades(memory):
            open_ones[rule.name].add(cluster.id)
    after = {}
    for rule in rules:
        rings = folded(before.get(rule.name, Rings()), order_of(rule), members[rule.name], now, whole=whole)
        after[rule.name] = replace(rings, begun=tuple(sorted({*rings.begun, *open_ones[rule.name]})))
    return after


def _upgrades(memory: Memory) -> bool:
    kind = ACTIONS.get(memory.open.kind) if memory.open is not None else None
    return kind is not None and kind.level is Level.VERSION


def halted_now(rule: BoundRule, rings: Rings, memories: Iterable[Memory]) -> str:
    """Why the rule's ring stands still by now, as the memories say; '' where it does not."""
    order = order_of(rule).rings
    for memory in memories:
        past = memory.upgrade
        if past is None or past.rule != rule.name or past.ring not in order:
            continue
        earlier = order.index(past.ring) <= order.index(rule.environment)
        if earlier and unforgiven(past, rings.released_at):
            return f"ring {past.ring} is halted"
    return ""


def half_way(rule: BoundRule, memories: Iterable[Memory]) -> frozenset[str]:
    """Lower-case ids of the rule's clusters whose upgrade is claimed, under way or not finished."""
    return frozenset(
        memory.cluster
        for memory in memories
        if memory.upgrade is not None
        and memory.upgrade.rule == rule.name
        and (memory.upgrade.begun_at is not None or _upgrades(memory))
    )


class Turns:
    """How many clusters of a rule may still begin their upgrade; what has begun goes on."""

    def __init__(self, policy: Policy, facts: FleetFacts) -> None:
        self._rules = {rule.name: rule for rule in ring_rules(policy)}
        self._begun = {name: set(facts.rings.get(name, Rings()).begun) for name in self._rules}

    def objection(self, decision: Decision) -> Decision | None:
        """The decision deferred, or None where it may go; then it counts."""
        rule = self._rules.get(decision.rule or "")
        if rule is None or decision.action is None or decision.action.level is not Level.VERSION:
            return None
        begun = self._begun[rule.name]
        if decision.cluster in begun or len(begun) < rule.block.at_once:
            begun.add(decision.cluster)
            return None
        some = "one cluster is" if len(begun) == 1 else f"{len(begun)} clusters are"
        text = f"{decision.message}, but {some} being upgraded, and at_once is {rule.block.at_once}"
        return replace(decision, verdict=Verdict.DEFER, reason=Reason.AT_ONCE, message=text)


def halt_cause(rule: str, rings: Rings) -> str:
    """The same halt gives the same text."""
    return "" if rings.halt is None else f"{rule}:{rings.halt.ring}:{rings.halt.at:%Y-%m-%dT%H:%M:%SZ}"


def halt_notices(before: Mapping[str, Rings], after: Mapping[str, Rings], now: datetime) -> list[Notice]:
    """People are told once that rings stand still, and how to end it."""
    told = []
    for name, rings in after.items():
        halt, known = rings.halt, before.get(name, Rings()).halt
        if halt is None or halt == known:
            continue
        if known is not None:
            over = f"{name}: an earlier ring stands still now"
            told.append(Notice("ring_halted", known.cluster, halt_cause(name, before[name]), over, now, resolved=True))
        text = (
            f"{name}: ring {halt.ring} and all later ones stand still, since {halt.why};"
            " look at it, then `lamplighter upgrades release` lets them go on"
        )
        told.append(Notice("ring_halted", halt.cluster, halt_cause(name, rings), text, now))
    return told
