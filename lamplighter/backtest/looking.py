"""One look at one cluster, as a tick takes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lamplighter.backtest.life import Life
from shared.model.decisions import Decision
from shared.model.facts import NO_FACTS, Fact, FleetFacts, Need, View
from shared.model.signals import Signal, Use
from shared.policy import remember
from shared.policy.decide import decide
from shared.policy.document import Policy
from shared.policy.rules import BY_KEY, idle
from shared.policy.voices import Owner, tag_holds

LOOKBACK = 30 * 60
"""Seconds that one reading of signals reaches back, as in the app."""
GRAIN = 5 * 60
"""Seconds that signals are summed over."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was shown to the engine, and what it decided."""

    owner: Owner
    policy: Policy
    view: View
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant twice: Unix seconds for the replay, aware UTC for the engine."""

    at: int
    now: datetime

    @classmethod
    def of(cls, at: int) -> Moment:
        return cls(at, datetime.fromtimestamp(at, UTC))


def look(life: Life, owner: Owner, policy: Policy, facts: FleetFacts, when: Moment, *, told: bool) -> Look:
    """Observe, gather what rules need, learn, decide, conclude: the steps of a tick, in its order."""
    now = when.now
    memory = remember.observe(life.memory, life.seen, owner.rules, now)
    memory = remember.with_holds(memory, tag_holds(owner.tags, now, memory.holds), now)
    view = learned(with_facts(View(life.seen, memory, fleet=facts), owner, life, when), owner, now)
    decisions = decide(view, policy, now, owner)
    life.memory = remember.conclude(view.memory, decisions, now, told=told)
    return Look(owner, policy, view, decisions)


def catch_up(life: Life, owner: Owner, moments: Iterable[Moment]) -> None:
    """What ticks between two looks learned, at which nothing changed its mind; in the order of time."""
    if life.up_since is None or all(rule.kind != idle.KEY for rule in owner.rules):
        return
    for when in moments:
        view = learned(with_facts(View(life.seen, life.memory), owner, life, when), owner, when.now)
        life.memory = view.memory


def learned(view: View, owner: Owner, now: datetime) -> View:
    """The view with what an idle rule makes of the signals in its memory."""
    for rule in owner.rules:
        if rule.kind == idle.KEY:
            activity = idle.learned(view, rule, now)
            if activity is not view.memory.activity:
                view = replace(view, memory=replace(view.memory, activity=activity))
    return view


def with_facts(view: View, owner: Owner, life: Life, when: Moment) -> View:
    """The view with what its rules ask for, as far as a history tells."""
    asked = {need for rule in owner.rules for need in BY_KEY[rule.kind].needs(view, rule, when.now)}
    facts = {Need.ACTIVITY: activity(life, when)} if Need.ACTIVITY in asked else NO_FACTS
    return View(view.cluster, view.memory, facts, view.fleet, view.prices)


def activity(life: Life, when: Moment) -> Fact:
    """What the signals of a cluster show at that moment: the past only, and nothing while it was off."""
    at, since = when.at, life.up_since
    if since is None or since >= at:
        return _unknown("it is not up" if since is None else "it has only just been started", when)
    begin = max(at - LOOKBACK, since)
    if any(one < at and begin < other for one, other in life.trace.unknown):
        return _unknown("the history has a gap", when)
    last = next((min(end, at) for one, end in reversed(life.used) if one < at), None)
    if last is None or last <= begin:
        return Fact(Signal(Use.IDLE, instant(begin), when.now, sentence="nobody works on it"), when.now)
    # Metrics are sums over grains: one that was worked in is in use as a whole.
    quiet = -(-last // GRAIN) * GRAIN
    quiet_at = instant(quiet) if quiet < at else None
    seen = Signal(Use.ACTIVE, instant(begin), when.now, instant(last), "somebody works on it", quiet_at=quiet_at)
    return Fact(seen, when.now)


def _unknown(why: str, when: Moment) -> Fact:
    return Fact(Signal(Use.UNKNOWN, when.now, when.now, sentence=why), when.now, why)


def instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
