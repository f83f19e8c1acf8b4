"""A fleet in memory and nothing else: clusters that take their time, people, lost messages, missed and odd readings.

No SDK and no journal: the pure functions of the deployed path, called in its order, some ten thousand times a second.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from shared.model.decisions import Decision, Verdict
from shared.model.facts import FleetFacts, View
from shared.model.fleet import Cluster, Power
from shared.model.memory import FleetMemory, Memory, OpenAction, PersonHold, Wish
from shared.policy import claim as protocol
from shared.policy import matters, remember
from shared.policy.admit import admit
from shared.policy.decide import decide
from shared.policy.document import Policy
from shared.policy.facts import fleet_facts, headcount
from shared.policy.schedule import Hours, hours
from shared.policy.voices import Owner, owner_of, tag_holds

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TICK = 10 * MINUTE


@dataclass
class Chances:
    """How often, per cluster and tick."""

    person_starts: float = 0.001
    person_stops: float = 0.001
    person_keeps_on: float = 0.0005
    unreadable: float = 0.005
    busy: float = 0.002
    lost: float = 0.1
    """Of messages, and of replies to writes."""
    fails: float = 0.05
    missed: float = 0.05
    """Of ticks."""


QUIET = Chances(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass
class Thing:
    """One cluster as it really is, and what is known of it."""

    real: Cluster
    memory: Memory
    owner: Owner
    going_to: Power | None = None
    settles_at: datetime | None = None
    by_hand_at: datetime | None = None
    """When a person started it after we had seen it down outside its hours; that start is to be respected."""
    agreed_down: bool = False


@dataclass
class TinyWorld:
    rules: Policy
    things: list[Thing]
    random: Random
    now: datetime
    chances: Chances = field(default_factory=Chances)
    done: Counter[tuple[str, str, datetime]] = field(default_factory=Counter)
    """(cluster, verb, begin of the window) -> successes"""
    people: Counter[tuple[str, datetime]] = field(default_factory=Counter)
    """(cluster, begin of the window) -> what people did to it"""
    stops: deque[datetime] = field(default_factory=deque)
    writes: list[tuple[datetime, str, str]] = field(default_factory=list)
    warned: set[tuple[str, str]] = field(default_factory=set)
    cluster_ticks: int = 0
    most_stops: int = 0
    """The most stops that Azure took within an hour."""
    plan: tuple[Decision, ...] = ()

    @classmethod
    def of(cls, rules: Policy, clusters: list[Cluster], now: datetime, seed: int) -> TinyWorld:
        things = [Thing(one, Memory(one.id), owner_of(one, rules)) for one in clusters]
        return cls(rules, things, Random(seed), now)

    def run(self, until: datetime) -> None:
        while self.now < until:
            self.live()
            if self.random.random() >= self.chances.missed:
                self.tick()
            self.now += TICK

    def hours_of(self, thing: Thing) -> Hours | None:
        rules = [rule for rule in thing.owner.rules if rule.schedules]
        return hours(rules[0].schedules, self.now) if rules else None

    # --- what happens whether we look or not ---

    def live(self) -> None:
        chances, draw = self.chances, self.random.random
        for thing in self.things:
            if thing.settles_at is not None and thing.settles_at <= self.now:
                self._settled(thing)
            if thing.settles_at is not None:
                continue
            if thing.real.power is Power.STOPPED and draw() < chances.person_starts:
                thing.by_hand_at = self.now if thing.agreed_down else None
                self._set(thing, Power.RUNNING)
                self._note_person(thing)
            elif thing.real.power is Power.RUNNING and draw() < chances.person_stops:
                self._set(thing, Power.STOPPED)
                self._note_person(thing)
            elif draw() < chances.person_keeps_on:
                until = self.now + self.random.choice((HOUR, 5 * HOUR, 30 * HOUR))
                said = PersonHold(Wish.RUNNING, self.now, until, "command", "ana", "demo")
                thing.memory = replace(thing.memory, holds=(said,))
                thing.by_hand_at = None  # from now on it runs by that word, and no longer than that
                self._note_person(thing)
            elif draw() < chances.busy:
                thing.real = replace(thing.real, provisioning_state="Updating")
                thing.going_to, thing.settles_at = thing.real.power, self.now + 3 * TICK

    def _note_person(self, thing: Thing) -> None:
        thing.agreed_down = False
        state = self.hours_of(thing)
        if state is not None and state.since is not None:
            self.people[thing.real.id, state.since] += 1

    def _settled(self, thing: Thing) -> None:
        assert thing.going_to is not None
        self._set(thing, thing.going_to)
        thing.going_to = thing.settles_at = None

    def _set(self, thing: Thing, power: Power) -> None:
        pools = tuple(replace(one, power=power) for one in thing.real.pools)
        thing.real = replace(thing.real, power=power, provisioning_state="Succeeded", pools=pools)
        if power is Power.STOPPED:
            thing.by_hand_at = None

    # --- the deployed path ---

    def tick(self) -> None:
        for thing in self.things:
            self._settle_open(thing)
        facts = self._facts()
        decisions: list[Decision] = []
        by_id = {}
        for thing in self.things:
            decisions += self._decide(thing, facts)
            by_id[thing.real.id] = thing
        self.cluster_ticks += len(self.things)
        plan = admit(decisions, facts, self.rules, self.now)
        self.plan = plan.decisions
        for decision in plan.admitted:
            if self.random.random() >= self.chances.lost:
                self._act(by_id[decision.cluster], decision, facts)

    def _facts(self) -> FleetFacts:
        count = headcount((thing.real for thing in self.things), self.rules)
        return fleet_facts(count, (thing.memory for thing in self.things), FleetMemory(), self.now)

    def _decide(self, thing: Thing, facts: FleetFacts) -> tuple[Decision, ...]:
        seen, now = thing.real, self.now
        if self.random.random() < self.chances.unreadable:
            odd = self.random.choice(({"power": Power.UNKNOWN}, {"problem": "unreadable"}, {"provisioning_state": ""}))
            seen = replace(seen, **odd)
        seen = remember.believed(seen, thing.memory, now)
        memory = remember.observe(thing.memory, seen, thing.owner.rules, now)
        memory = remember.with_holds(memory, tag_holds(thing.owner.tags, now, memory.holds), now)
        decisions = decide(View(seen, memory, fleet=facts), self.rules, now, thing.owner)
        standing, notices = matters.matters(memory, seen, decisions, thing.owner.zone, now)
        self.warned.update((one.about, one.cause) for one in notices if one.kind == "stop_soon")
        thing.memory = matters.with_matters(remember.conclude(memory, decisions, now), standing)
        served = thing.memory.target(None).served
        thing.agreed_down = served is not None and served.wish is Wish.STOPPED and seen.power is Power.STOPPED
        return decisions

    def _act(self, thing: Thing, decision: Decision, facts: FleetFacts) -> None:
        """What `act` does with a message: read afresh, decide again, claim, write; a reply may be lost."""
        carried = FleetFacts(queue_lead=facts.queue_lead)
        again = decide(View(thing.real, thing.memory, fleet=carried), self.rules, self.now, thing.owner)
        agreed = next((one for one in again if one.id == decision.id and one.verdict is Verdict.ACT), None)
        claimed = None if agreed is None else protocol.claim(thing.memory, agreed, self.now)
        if not isinstance(claimed, Memory) or claimed.open is None or agreed is None or agreed.action is None:
            return
        self._check(thing, agreed, claimed.open)
        thing.memory = claimed
        self.writes.append((self.now, thing.real.id, agreed.action.verb))
        if self.random.random() < self.chances.fails:
            thing.memory = protocol.failed(claimed, self.now, "Oops", "it failed")
            return
        goal = agreed.action.goal
        assert goal is not None
        if goal is Wish.STOPPED:
            self._count_stop()
        thing.going_to = goal.power
        thing.settles_at = self.now + self.random.choice((MINUTE, TICK, 2 * TICK))
        doing = "Starting" if goal is Wish.RUNNING else "Stopping"
        thing.real = replace(thing.real, provisioning_state=doing)
        if self.random.random() >= self.chances.lost:
            thing.memory = protocol.accepted(claimed, self.now, None)

    def _settle_open(self, thing: Thing) -> None:
        open_ = thing.memory.open
        if open_ is None:
            return
        result = protocol.settle(thing.memory, thing.real, self.now)
        thing.memory = result.memory
        if result.outcome is protocol.Outcome.SUCCEEDED:
            state = self.hours_of(thing)
            if state is not None and state.since is not None:
                self.done[thing.real.id, open_.kind.partition("_")[0], state.since] += 1

    # --- what must never happen ---

    def _check(self, thing: Thing, decision: Decision, open_: OpenAction) -> None:
        """Right before a write."""
        real, owner = thing.real, thing.owner
        assert decision.action is not None
        assert real.is_settled, f"{real.name} is busy and was written to"
        assert not owner.tags.exclude
        assert not owner.problems
        if not decision.action.disruptive:
            return
        assert not owner.environment.production, f"{real.name} is production and was stopped"
        assert real.node_provisioning != "Auto"
        assert real.fleet is None
        warned = thing.memory.target(None).warned
        assert warned is not None
        assert warned.due_at <= self.now
        assert (real.id, warned.cause) in self.warned, f"{real.name} stops, and nobody was told"
        if thing.by_hand_at is not None and not open_.cause.startswith("command"):
            state = self.hours_of(thing)
            assert state is not None
            hold = self.rules.guards_for(owner.environment, owner.rules[0]).manual_hold
            crossed = state.since is not None and state.since >= thing.by_hand_at
            assert crossed or self.now - thing.by_hand_at >= hold, f"{real.name}: a start by hand was not respected"

    def _count_stop(self) -> None:
        self.stops.append(self.now)
        while self.now - self.stops[0] >= HOUR:
            self.stops.popleft()
        self.most_stops = max(self.most_stops, len(self.stops))
