"""The deployed engine in virtual time: `decide` and `admit` as they are, over every cluster of a history.

Between two events nothing changes its mind, so nothing is asked: events are the ends of starts and stops, the needs of
the history, and what decisions themselves say of when they may turn out otherwise (`until`, `not_before`, warnings).
Asking at every tick instead gives the same actions, only slower; a test holds that. What happens is known only when it
happens: cutting the history off later than t changes nothing before t.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from lamplighter.backtest.budgets import counted_for, shares_apart, would_stop
from lamplighter.backtest.edges import edges
from lamplighter.backtest.history import History, Interval, Trace
from lamplighter.backtest.life import Life
from lamplighter.backtest.limits import MINUTE, Limits
from lamplighter.backtest.looking import Look, Moment, catch_up, look, with_facts
from shared.model.decisions import Decision, Reason, Verdict
from shared.model.facts import FleetFacts, View
from shared.model.memory import FleetMemory, Memory, PersonHold, Wish
from shared.policy import claim as protocol
from shared.policy.admit import admit
from shared.policy.decide import decide
from shared.policy.document import Policy
from shared.policy.facts import STOP_EXPIRES, fleet_facts, headcount
from shared.policy.voices import Owner, longest_keep_on, owner_of

PULSE_SECOND = 15
"""Of each minute: when the app looks how open actions ended."""
KEPT_ON = timedelta(hours=12)
"""How long people say they need it; they say so again as long as they are there."""


@dataclass(frozen=True, slots=True)
class Done:
    """One start or stop. `at` is Unix seconds."""

    at: int
    cluster: str
    verb: str
    reason: str


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of one cluster: `up` is when people could use it, `billed` when it cost money."""

    trace: Trace
    up: tuple[Interval, ...]
    billed: tuple[Interval, ...]
    done: tuple[Done, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """How the history is replayed."""

    limits: Limits = field(default_factory=Limits)
    people: bool = True
    """Somebody who needs a cluster that is off wakes it, keeps it on as long as needed, and answers warnings."""
    every_tick: bool = False
    """Ask at every tick, whether anything can have changed or not."""


class _Kind(IntEnum):
    """What happens; at one instant in this order."""

    ARRIVED = 0
    SETTLE = 1
    NEEDED = 2
    NEEDED_NO_MORE = 3
    ACT = 4
    ADMIT = 5
    LOOK = 6
    LET_GO = 7


def replay(
    history: History, policy: Policy, terms: Terms = Terms(), progress: Callable[[float], object] | None = None
) -> tuple[Lived, ...]:
    """One result per trace, in their order. `progress` is told the share that is done, now and then.

    The policy acts, whatever its mode; every rule is adopted at the begin of a trace, when its cluster is running.
    """
    return _Replay(history, acting(policy), terms).run(progress or (lambda _: None))


def acting(policy: Policy) -> Policy:
    """The policy as if its file said `mode: act`; in a file that says so, rules that only plan still do."""
    if policy.mode == "act":
        return policy
    return replace(policy, mode="act", rules=tuple(replace(rule, mode="act") for rule in policy.rules))


class _Replay:
    def __init__(self, history: History, policy: Policy, terms: Terms) -> None:
        self._history, self._policy, self._terms = history, policy, terms
        self._limits = terms.limits
        self._lives = [Life(trace, people=terms.people) for trace in history.traces]
        self._owners: list[Owner] = [owner_of(trace.cluster, policy) for trace in history.traces]
        self._count = headcount((trace.cluster for trace in history.traces), policy)
        self._facts = self._fleet((), datetime.fromtimestamp(history.begin, UTC))
        self._apart = shares_apart(policy)
        self._counted_for = counted_for(policy, terms.limits)
        self._place = {trace.cluster.id: number for number, trace in enumerate(history.traces)}
        self._events: list[tuple[int, _Kind, int, str]] = []
        self._happens = {
            _Kind.ARRIVED: self._arrived,
            _Kind.SETTLE: self._settle,
            _Kind.NEEDED: self._needed,
            _Kind.NEEDED_NO_MORE: self._needed_no_more,
        }
        self._done: list[list[Done]] = [[] for _ in history.traces]

    def _fleet(self, memories: Iterable[Memory], now: datetime) -> FleetFacts:
        return fleet_facts(self._count, memories, FleetMemory(), now)

    def run(self, progress: Callable[[float], object]) -> tuple[Lived, ...]:
        for number, life in enumerate(self._lives):
            self._look_at(number, life.trace.begin)
            for gap, _ in life.trace.unknown:
                self._look_at(number, gap + 1)
            self._next_need(number)
        begin, end = self._history.begin, self._history.end
        day = begin
        while self._events:
            at = self._events[0][0]
            if at >= day:
                progress((at - begin) / (end - begin))
                day = at + 86_400
            self._instant(Moment.of(at))
        for life in self._lives:
            life.ends()
        return tuple(
            Lived(life.trace, tuple(life.up), tuple(life.billed), tuple(done))
            for life, done in zip(self._lives, self._done, strict=True)
        )

    # --- events ---

    def _push(self, at: int, kind: _Kind, number: int, id_: str = "") -> None:
        if at < self._lives[number].trace.end:
            heapq.heappush(self._events, (at, kind, number, id_))

    def _look_at(self, number: int, at: int) -> None:
        """At the first tick from `at` on."""
        self._look_exactly(number, self._limits.next_tick(at))

    def _look_exactly(self, number: int, at: int) -> None:
        self._look_then(number, at, self._lives[number].looks)

    def _look_then(self, number: int, at: int, among: set[int]) -> None:
        if at not in among:
            among.add(at)
            self._push(at, _Kind.LOOK, number)

    def _next_need(self, number: int) -> None:
        life = self._lives[number]
        if life.need < len(life.trace.busy):
            self._push(life.trace.busy[life.need][0], _Kind.NEEDED, number)

    def _instant(self, when: Moment) -> None:
        """Everything that happens at one moment."""
        looks, waiting, leaving = [], [], []
        while self._events and self._events[0][0] == when.at:
            _, kind, number, id_ = heapq.heappop(self._events)
            if kind is _Kind.LOOK:
                if self._lives[number].is_due(when.at):
                    looks.append(number)
            elif kind is _Kind.ADMIT:
                waiting.append(number)
            elif kind is _Kind.LET_GO:
                leaving.append(number)
            elif kind is _Kind.ACT:
                self._act(number, id_, when)
            else:
                self._happens[kind](number, when)
        if looks or waiting:
            self._look(looks, waiting, when)
        for number in leaving:
            self._let_go(number, when)

    def _arrived(self, number: int, when: Moment) -> None:
        """A start or stop is done: the next pulse or tick notices."""
        life, at = self._lives[number], when.at
        life.arrives(at)
        if at < life.busy_until:
            self._push(life.busy_until, _Kind.NEEDED_NO_MORE, number)
        pulse = -(-(at - PULSE_SECOND) // MINUTE) * MINUTE + PULSE_SECOND
        self._push(min(pulse, self._limits.next_tick(at)), _Kind.SETTLE, number)

    def _settle(self, number: int, when: Moment) -> None:
        life = self._lives[number]
        ended = protocol.settle(life.memory, life.seen, when.now)
        assert ended.outcome is protocol.Outcome.SUCCEEDED, ended.sentence  # noqa: S101 - Azure obeys in a replay
        life.memory = ended.memory
        self._look_at(number, when.at)

    def _needed(self, number: int, when: Moment) -> None:
        """Somebody needs it. Where it is off, they wake it, if there are people: a hint that may start it at once."""
        life, at = self._lives[number], when.at
        _, end = life.trace.busy[life.need]
        life.need += 1
        self._catch_up(number, at)  # up to here it was quiet
        life.need_begins(at, end)
        self._next_need(number)
        if life.up_since is not None:
            self._push(life.busy_until, _Kind.NEEDED_NO_MORE, number)
            self._look_at(number, at + 1)
        elif life.people:
            self._keep_on(number, when)
            self._look_exactly(number, at)

    def _needed_no_more(self, number: int, when: Moment) -> None:
        life = self._lives[number]
        if not life.needed(when.at):
            if life.said_until is not None:
                self._push(self._limits.next_tick(when.at), _Kind.LET_GO, number)
            # Signals are sums over grains: the next tick still sees this one in use.
            self._look_at(number, self._limits.next_tick(when.at) + 1)

    def _let_go(self, number: int, when: Moment) -> None:
        """Whoever kept it on is done; this tick still saw their word."""
        life = self._lives[number]
        if life.said_until is not None and not life.needed(when.at):
            self._catch_up(number, when.at + 1)
            life.said_until = None
            life.memory = replace(life.memory, holds=())
            self._look_at(number, when.at + 1)

    # --- the arrow: decide, admit, act ---

    def _look(self, numbers: Sequence[int], waiting: Sequence[int], when: Moment) -> None:
        """At `numbers`. Who waits for a budget is only admitted again: what was decided about them holds."""
        ticks = when.at % self._limits.tick == 0
        looks = {number: self._decide(number, when, told=ticks) for number in numbers}
        among = list(dict.fromkeys((*numbers, *waiting)))
        asks = ticks and any(would_stop(one) for number in among for one in self._lives[number].decided)
        if asks and self._apart:
            among = [number for number, life in enumerate(self._lives) if life.there(when.at)]
        unknown = [number for number in among if not self._lives[number].decided]
        looks |= {number: self._decide(number, when, told=ticks) for number in unknown}
        decided = (one for number in among for one in self._lives[number].decided)
        decisions = [one for one in decided if ticks or not _stops(one)]
        facts = self._fleet(self._stopped_lately(when.at), when.now) if asks else self._facts
        plan = admit(decisions, facts, self._policy, when.now)
        for decision in plan.admitted:
            if decision.id not in facts.queued:
                self._send(decision, when)
        if self._terms.every_tick:
            for number in numbers:
                self._look_at(number, when.at + 1)
            return
        for number in {self._place[one.cluster] for one in plan.decisions if one.reason is Reason.STOP_BUDGET}:
            self._push(self._limits.next_tick(when.at + 1), _Kind.ADMIT, number)
        made = {decision.id: decision for decision in plan.decisions}
        for number, one in looks.items():
            said = [made.get(decision.id, decision) for decision in one.decisions]
            self._look_again(number, edges(one, said, self._limits, when.now))
            if not ticks and any(_stops(decision) or decision.announce is not None for decision in said):
                self._look_at(number, when.at + 1)  # a hint starts and raises; the rest is for a tick

    def _stopped_lately(self, at: int) -> Iterator[Memory]:
        """Of whom a stop may count."""
        return (life.memory for life in self._lives if at < life.counts_until or self._terms.every_tick)

    def _decide(self, number: int, when: Moment, *, told: bool) -> Look:
        """As a tick does; whoever works there answers a warning, and goes on saying so."""
        life, owner = self._lives[number], self._owners[number]
        self._catch_up(number, when.at)
        working = life.people and life.needed(when.at)
        if working and life.said_until is not None:
            self._keep_on(number, when)
        seen = look(life, owner, self._policy, self._facts, when, told=told)
        if working and told and any(decision.announce is not None for decision in seen.decisions):
            self._keep_on(number, when)
            self._look_at(number, when.at + 1)
        life.looked, life.decided = when.at, seen.decisions
        return seen

    def _catch_up(self, number: int, at: int) -> None:
        """What the ticks before `at` learned at which nothing else could change."""
        life = self._lives[number]
        missed = self._limits.next_tick(max(life.looked, life.up_since or 0) + 1)
        catch_up(life, self._owners[number], range(missed, at, self._limits.tick))
        life.looked = max(life.looked, at - 1)

    def _look_again(self, number: int, edges_: Iterable[int]) -> None:
        """What a look says of when the next may see something else replaces what the look before it said."""
        life = self._lives[number]
        life.edges.clear()
        for edge in edges_:
            self._look_then(number, self._limits.next_tick(edge), life.edges)
        if life.said_until is not None:
            self._look_then(number, self._limits.next_tick(life.said_until), life.edges)

    def _keep_on(self, number: int, when: Moment) -> None:
        """Somebody wakes it or keeps it on, as long as the policy lets them; in good time they say so again."""
        life = self._lives[number]
        if life.said_until is not None and when.at < life.said_until:
            return
        lasting = min(KEPT_ON, longest_keep_on(self._policy, self._owners[number]) or KEPT_ON)
        hold = PersonHold(Wish.RUNNING, when.now, when.now + lasting, "wake", reason="needed")
        life.memory = replace(life.memory, holds=(hold,))
        life.said_until = when.at + int(lasting.total_seconds()) * 3 // 4
        self._look_then(number, self._limits.next_tick(life.said_until), life.edges)

    def _send(self, decision: Decision, when: Moment) -> None:
        number = self._place[decision.cluster]
        if decision.not_before is None or decision.not_before <= when.now:
            self._act(number, decision.id, when)
            return
        life = self._lives[number]
        if _stops(decision):
            life.counts_until = max(life.counts_until, int((decision.not_before + STOP_EXPIRES).timestamp()))
            life.memory = replace(life.memory, queued_id=decision.id, queued_at=decision.not_before)
        self._push(int(decision.not_before.timestamp()), _Kind.ACT, number, decision.id)

    def _act(self, number: int, id_: str, when: Moment) -> None:
        """Decides again on what is there now, claims, and does it."""
        life, owner, now = self._lives[number], self._owners[number], when.now
        self._catch_up(number, when.at)
        view = with_facts(View(life.seen, life.memory, fleet=self._facts), owner, life, when)
        again = decide(view, self._policy, now, owner)
        found = next((one for one in again if one.id == id_ and one.verdict is Verdict.ACT), None)
        claimed = None if found is None else protocol.claim(life.memory, found, now)
        if found is None or found.action is None or not isinstance(claimed, Memory):
            return
        life.memory, life.decided = protocol.accepted(claimed, now, None), ()
        if found.action.disruptive:
            life.stops(when.at)
            life.counts_until = max(life.counts_until, when.at + self._counted_for)
            if life.people and life.needed(when.at):
                self._keep_on(number, when)  # stopped under somebody's hands: they want it back
        else:
            life.starts(when.at)
        takes = self._limits.stop_takes if found.action.disruptive else self._limits.start_takes
        self._done[number].append(Done(when.at, found.cluster, found.action.verb, found.reason.value))
        self._push(when.at + takes, _Kind.ARRIVED, number)


def _stops(decision: Decision) -> bool:
    return decision.action is not None and decision.action.disruptive
