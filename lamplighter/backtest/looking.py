"""One look at one cluster, as a tick takes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lamplighter.backtest.life import Life
from shared.model.decisions import Decision, Proposal
from shared.model.facts import Fact, FleetFacts, Need, View
from shared.model.signals import Signal, Use
from shared.policy import remember
from shared.policy.decide import decide_heard
from shared.policy.document import Policy
from shared.policy.learning import RECORD_EVERY
from shared.policy.rules import idle, learn, needs_of
from shared.policy.voices import Owner, hear, tag_holds

LOOKBACK = 30 * 60
"""Seconds that one reading of signals reaches back, as in the app."""
GRAIN = 5 * 60
"""Seconds that signals are summed over."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was shown to the engine, who said what about it, and what it decided."""

    owner: Owner
    policy: Policy
    view: View
    said: tuple[Proposal, ...]
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
    view = taught(with_facts(View(life.seen, memory, fleet=facts), owner, life, when), owner, now)
    hearing = hear(view, policy, now, owner)
    decisions = decide_heard(view, policy, now, hearing)
    life.memory = remember.conclude(view.memory, decisions, now, told=told)
    return Look(owner, policy, view, hearing.proposals, decisions)


def catch_up(life: Life, owner: Owner, missed: range) -> None:
    """What the ticks between two looks learned, at which nobody's mind changed. `missed`: their Unix seconds."""
    if not missed or life.up_since is None or all(rule.kind != idle.KEY for rule in owner.rules):
        return
    # The first of them may see another use than was seen before it, and those after it see the same.
    _taught_at(missed[0], life, owner)
    rest, known = missed[1:], life.memory.activity
    if known is not None and known.through is not None and not life.trace.unknown:
        rest = _recorded(rest, int(known.through.timestamp()))
    for at in rest:
        _taught_at(at, life, owner)


def _taught_at(at: int, life: Life, owner: Owner) -> None:
    """What the look of one tick learned."""
    when = Moment.of(at)
    life.memory = taught(with_facts(View(life.seen, life.memory), owner, life, when), owner, when.now).memory


def _recorded(missed: range, through: int) -> range:
    """A use that lasts is written now and then, and all that was written together is as if it was written at once."""
    if not missed:
        return missed
    every = int(RECORD_EVERY.total_seconds())
    first = max(missed.start, -(-(through + every) // missed.step) * missed.step)
    last = first + (missed[-1] - first) // every * every
    return range(last, last + 1) if first <= missed[-1] else range(0)


def taught(view: View, owner: Owner, now: datetime) -> View:
    """The view with what its signals teach in its memory."""
    return view.with_memory(learn(view, owner.rules, now))


def with_facts(view: View, owner: Owner, life: Life, when: Moment) -> View:
    """The view with what its rules ask for, as far as a history tells."""
    asked = Need.ACTIVITY in needs_of(view, owner.rules, when.now)
    return View(view.cluster, view.memory, {Need.ACTIVITY: activity(life, when)}, view.fleet) if asked else view


def activity(life: Life, when: Moment) -> Fact:
    """What the signals of a cluster show at that moment: the past only, and nothing while it was off."""
    at, since = when.at, life.up_since
    if since is None or since >= at:
        return _unknown("it is not up" if since is None else "it has only just been started", when)
    # What lies between two looks is all alike, else there would have been a look.
    through = life.memory.activity.through if life.memory.activity is not None else None
    begin = max(min(at - LOOKBACK, at if through is None else int(through.timestamp())), since)
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
