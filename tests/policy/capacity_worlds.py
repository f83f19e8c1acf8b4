"""A capacity group in a market that tests script: pools, what is seen of them, and the rule asked turn by turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from shared.model.actions import GrowPool, ResizePool
from shared.model.decisions import Decision, Verdict
from shared.model.facts import Fact, FleetFacts, Need, View
from shared.model.fleet import Cluster, NodePool
from shared.model.memory import Memory
from shared.model.spot import GroupPast, PoolPast, PoolSight
from shared.policy.admit import admit
from shared.policy.capacity_group import Group, Terms
from shared.policy.capacity_memory import watched
from shared.policy.decide import decide
from shared.policy.document import Policy
from shared.policy.rules import spot
from tests.policy.builders import SYSTEM, cluster, policy, pool

BEGIN = datetime(2026, 12, 7, 9, 0, tzinfo=UTC)
TURN = timedelta(seconds=30)
START = 4
"""Turns until a node is ready."""
FREE_OF_DRIFT = ", moves_per_hour: 1000, moves_per_day: 10000"
WEB = '{name: web, spot: ["spot*"], fallback: ondemand, nodes: {min: 3, max: 3}}'


def rules(group: str = WEB, more: str = "", **kwargs: Any) -> Policy:
    """`more`: further keys of the block, such as ', return_after: 10m'."""
    match = kwargs.pop("match", "{environments: [dev]}")
    return policy(f"  - {{name: web-on-spot, match: {match}, spot: {{groups: [{group}]{more}}}}}", **kwargs)


def sight(name: str = "spot1", ready: int | None = 0, now: datetime = BEGIN, **more: Any) -> PoolSight:
    wanted = more.pop("wanted", ready)
    known = {"is_spot": name.startswith("spot"), "price": 1.0 if name.startswith("spot") else 5.0}
    return PoolSight(name, now, ready, wanted, **(known | more))


def on_demand(ready: int | None = 0, now: datetime = BEGIN, **more: Any) -> PoolSight:
    return sight("ondemand", ready, now, **more)


def group(*spots: PoolSight, fallback: PoolSight | None = None, now: datetime = BEGIN, **more: Any) -> Group:
    """As the rule sees it: the sights are folded into `past`; the other keys are fields of Terms."""
    past = more.pop("past", GroupPast())
    terms = Terms("web", **({"lowest": 3, "highest": 3, "zone": "Europe/Berlin"} | more))
    back = fallback or on_demand(now=now)
    return Group(terms, spots, back, watched(past, terms, spots, back, now), now)


def node_pool(one: PoolSight) -> NodePool:
    priority = "Spot" if one.is_spot else "Regular"
    sizes = {"min_count": one.min_count, "max_count": one.max_count, "autoscaling": one.autoscaling}
    return pool(one.name, count=one.wanted, priority=priority, **sizes)


def cluster_of(sights: Mapping[str, PoolSight], **more: Any) -> Cluster:
    return cluster(pools=(SYSTEM, *map(node_pool, sights.values())), **more)


def view_of(sights: Mapping[str, PoolSight], memory: Memory | None = None, **more: Any) -> View:
    """`fact`: instead of the sights; `fleet`: fields of FleetFacts; the rest is the cluster's."""
    fact = more.pop("fact", Fact(tuple(sights.values()), max(one.at for one in sights.values())))
    fleet = FleetFacts(**more.pop("fleet", {}))
    seen = cluster_of(sights, **more)
    return View(seen, memory or Memory(seen.id), facts={} if fact is None else {Need.CAPACITY: fact}, fleet=fleet)


def resized(spot: int, on_demand: int, *, group: str = "", stable: bool = False) -> Decision:
    """The decision that resizes a pool of a group of three nodes with that many ready ones."""
    known = rules(WEB.replace("}}", f"}}{group}}}"), more=", return_after: 30m")
    sights = {"spot1": sight("spot1", spot), "spot2": sight("spot2", 0), "ondemand": sight("ondemand", on_demand)}
    since = BEGIN - timedelta(hours=1) if stable else None
    past = GroupPast(BEGIN - TURN, stable_since=since, pools={"spot1": PoolPast(ready=spot)})
    seen = view_of(sights)
    decisions = decide(replace(seen, memory=Memory(seen.cluster.id, groups={"web-on-spot/web": past})), known, BEGIN)
    return next(one for one in decisions if one.action is not None)


@dataclass
class Story:
    """Pools in a market, the rule asked every turn and obeyed at once."""

    rules: Policy
    zones: int = 2
    turn: int = 0
    spot: list[list[int]] = field(default_factory=list)
    """Zone by zone the turns in which its nodes were asked for."""
    on_demand: list[int] = field(default_factory=list)
    memory: Memory | None = None
    done: list[tuple[int, str, int, bool, bool]] = field(default_factory=list)
    """(turn, pool, size before minus after, raised, urgent)"""
    decided: list[tuple[Decision, ...]] = field(default_factory=list)
    evicted: dict[int, datetime] = field(default_factory=dict)
    refused: dict[int, datetime] = field(default_factory=dict)
    blind: bool = False
    foretold: timedelta | None = None
    """Every reading holds evictions and refusals of so long after it."""
    cramped: bool = False
    """How much room there is cannot be read."""
    price: Any = 1.0

    def __post_init__(self) -> None:
        self.spot = self.spot or [[] for _ in range(self.zones)]

    @property
    def now(self) -> datetime:
        return BEGIN + self.turn * TURN

    def ready(self, nodes: list[int]) -> int:
        return sum(self.turn - born >= START for born in nodes)

    @property
    def all_ready(self) -> int:
        return sum(map(self.ready, (*self.spot, self.on_demand)))

    @property
    def all_nodes(self) -> int:
        return sum(map(len, (*self.spot, self.on_demand)))

    def sights(self) -> dict[str, PoolSight]:
        found = {}
        later = () if self.foretold is None else (self.now + self.foretold,)
        for zone, nodes in enumerate(self.spot):
            ready, evicted = self.ready(nodes), self.evicted.get(zone)
            found[f"spot{zone}"] = sight(
                f"spot{zone}",
                ready,
                self.now,
                wanted=len(nodes),
                starting=len(nodes) - ready,
                evictions=(*(() if evicted is None else (evicted,)), *later),
                failed_at=self.refused.get(zone, *later),
                price=self.price,
                problem="throttled" if self.blind else None,
                room_problem="the quota could not be read" if self.cramped else None,
            )
        ready = self.ready(self.on_demand)
        found["ondemand"] = on_demand(ready, self.now, wanted=len(self.on_demand), starting=len(self.on_demand) - ready)
        return found

    def market(self, room: tuple[int, ...]) -> None:
        """What is more than there is room for goes; then the turn is over."""
        for zone, most in enumerate(room):
            gone = self.spot[zone][most:]
            self.spot[zone] = self.spot[zone][:most]
            if any(born < self.turn for born in gone):
                self.evicted[zone] = self.now + TURN
            if any(born == self.turn for born in gone):
                self.refused[zone] = self.now + TURN
        self.turn += 1

    def act(self, again: int = 6) -> None:
        """The rule's decisions, one after another, as long as it has any for this turn."""
        for _ in range(again):
            view = view_of(self.sights(), self.memory)
            memory = spot.learned(view, self.rules.rules[0], self.now)
            decisions = decide(replace(view, memory=memory), self.rules, self.now)
            self.memory = memory
            self.decided.append(decisions)
            admitted = admit(decisions, FleetFacts(), self.rules, self.now).admitted
            if not admitted:
                return
            for decision in admitted:
                self._do(decision)

    def _do(self, decision: Decision) -> None:
        action = decision.action
        assert isinstance(action, ResizePool)
        assert action.count is not None
        assert self.memory is not None
        assert decision.verdict is Verdict.ACT
        nodes = self.on_demand if action.pool == "ondemand" else self.spot[int(str(action.pool)[4:])]
        before = len(nodes)
        if isinstance(action, GrowPool):
            nodes.extend([self.turn] * (action.count - before))
        else:
            del nodes[action.count :]
        self.done.append(
            (self.turn, str(action.pool), before - len(nodes), isinstance(action, GrowPool), action.urgent)
        )
        memory = spot.accepted(self.memory, action, self.now)
        self.memory = replace(memory, generation=memory.generation + 1)

    def play(self, rooms: list[tuple[int, ...]]) -> Story:
        for room in rooms:
            self.act()
            self.market(room)
        return self


def traces(zones: int = 2, longest: int = 240) -> st.SearchStrategy[list[tuple[int, ...]]]:
    """Room per zone and turn: stretches of all, some or none, as markets have them, not noise."""
    stretch = st.tuples(st.tuples(*[st.sampled_from([0, 0, 1, 2, 4, 4, 4])] * zones), st.integers(1, 60))
    return st.lists(stretch, min_size=1, max_size=12).map(
        lambda parts: [room for room, turns in parts for _ in range(turns)][:longest]
    )
