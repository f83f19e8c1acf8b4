"""Who plays the market of spot_market.py: the peers as published, and the rule as it ships.

Even Spread, Round Robin and SpotHedge follow Mao et al., EuroSys'25 (https://arxiv.org/abs/2411.01438), written anew.
The rule is asked through `decide` and `admit`, with the memory it would have; nothing of it is repeated here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from spot_market import TURN, Market

from shared.model.actions import GrowPool, ResizePool
from shared.model.facts import Fact, FleetFacts, Need, View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory
from shared.model.spot import PoolSight
from shared.policy.admit import admit
from shared.policy.decide import decide
from shared.policy.document import Policy as Document
from shared.policy.document import read_policy
from shared.policy.rules import spot

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CLUSTER = "/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/managedclusters/c"
POLICY = """
version: 1
mode: act
timezone: Etc/UTC
scope: all
environments: [{{name: dev, match: {{names: ["*"]}}}}]
rules:
  - name: web
    spot:
      groups: [{{name: web, spot: ["spot*"], fallback: ondemand, nodes: {{min: {nodes}, max: {nodes}}}}}]
      {more}
"""
MANY = "moves_per_hour: 1000\n      moves_per_day: 10000"
WRITES_A_TURN = 6


class EvenSpread:
    """So many in each zone, asked for again in place."""

    def act(self, market: Market) -> None:
        for zone in range(market.zones):
            share = len(range(zone, market.rules.nodes, market.zones))
            market.ask(zone, max(0, share - len(market.spot[zone])))


class RoundRobin:
    """Whatever is missing is asked for in the next zone."""

    next = 0

    def act(self, market: Market) -> None:
        for _ in range(market.rules.nodes - sum(map(len, market.spot))):
            market.ask(self.next % market.zones, 1)
            self.next += 1


class SpotHedge:
    """Spread over zones that did not fail last, one node to spare, on-demand for what is not ready on spot."""

    extra = 1

    def __init__(self) -> None:
        self.failed: set[int] = set()
        self.fell_back, self.covered = -99, 0

    def act(self, market: Market) -> None:
        for zone in range(market.zones):
            if market.evicted[zone] or market.refused[zone]:
                self.failed.add(zone)
            elif market.spot[zone]:
                self.failed.discard(zone)
        target = market.rules.nodes + self.extra
        ready = sum(map(market.ready, market.spot))
        wanted = self._on_demand(market, target - ready)
        if market.zones - len(self.failed) <= min(1, market.zones - 3):
            self.failed.clear()
        filled = [len(nodes) for nodes in market.spot]
        for _ in range(target - sum(filled)):
            active = [zone for zone in range(market.zones) if zone not in self.failed]
            zone = market.rng.choice([zone for zone in active if not filled[zone]] or active or [0])
            filled[zone] += 1
            market.ask(zone, 1)
        market.ask(None, max(0, wanted - len(market.on_demand)))
        market.give_up(None, max(0, len(market.on_demand) - wanted))

    def _on_demand(self, market: Market, missing: int) -> int:
        if missing > 0:
            self.fell_back, self.covered = market.turn, min(market.rules.nodes, missing)
            return self.covered
        return self.covered if market.turn - self.fell_back < market.rules.cold else 0


def policy_of(nodes: int, more: str) -> Document:
    return read_policy(POLICY.format(nodes=nodes, more=more), "benchmark.yaml")


class Rule:
    """`more`: lines of the block beside its groups."""

    def __init__(self, more: str = MANY, nodes: int = 3) -> None:
        self.policy = policy_of(nodes, more)
        self.rule = self.policy.rules[0]
        self.memory = Memory(CLUSTER)
        self.writes = 0
        self.evictions: dict[int, datetime] = {}
        self.refusals: dict[int, datetime] = {}

    def act(self, market: Market) -> None:
        now = BEGIN + timedelta(seconds=TURN) * market.turn
        for zone in range(market.zones):
            if market.evicted[zone]:
                self.evictions[zone] = now
            if market.refused[zone]:
                self.refusals[zone] = now
        for _ in range(WRITES_A_TURN):
            view = self._view(market, now)
            self.memory = spot.learned(view, self.rule, now)
            view = replace(view, memory=self.memory)
            admitted = admit(decide(view, self.policy, now), FleetFacts(), self.policy, now).admitted
            if not admitted:
                return
            for decision in admitted:
                if isinstance(decision.action, ResizePool):
                    self._do(market, decision.action, now)

    def _do(self, market: Market, action: ResizePool, now: datetime) -> None:
        zone = None if action.pool == "ondemand" else int(str(action.pool).removeprefix("spot"))
        have = len(market.on_demand if zone is None else market.spot[zone])
        size = action.count or 0
        if isinstance(action, GrowPool):
            market.ask(zone, size - have)
        else:
            market.give_up(zone, have - size)
        memory = spot.accepted(self.memory, action, now)
        self.memory = replace(memory, generation=memory.generation + 1)
        self.writes += 1

    def _view(self, market: Market, now: datetime) -> View:
        sights = [self._sight(market, zone, now) for zone in range(market.zones)]
        wanted, ready = len(market.on_demand), market.ready(market.on_demand)
        sights.append(PoolSight("ondemand", now, ready, wanted, wanted - ready, price=market.rules.ratio))
        pools = tuple(_pool(sight) for sight in sights)
        cluster = Cluster(CLUSTER, "c", "g", "s", "r", Power.RUNNING, "Succeeded", pools=pools)
        return View(cluster, self.memory, facts={Need.CAPACITY: Fact(tuple(sights), now)})

    def _sight(self, market: Market, zone: int, now: datetime) -> PoolSight:
        wanted, ready = len(market.spot[zone]), market.ready(market.spot[zone])
        evicted = self.evictions.get(zone)
        return PoolSight(
            f"spot{zone}",
            now,
            ready,
            wanted,
            wanted - ready,
            is_spot=True,
            price=1.0,
            evictions=() if evicted is None else (evicted,),
            failed_at=self.refusals.get(zone),
        )


def _pool(sight: PoolSight) -> NodePool:
    return NodePool(
        sight.name,
        mode="User",
        kind="VirtualMachineScaleSets",
        count=sight.wanted,
        autoscaling=False,
        priority="Spot" if sight.is_spot else "Regular",
        os_type="Linux",
        power=Power.RUNNING,
        provisioning_state="Succeeded",
    )
