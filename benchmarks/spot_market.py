"""A market of spot nodes played from recorded capacity, its bill, and what an omniscient would have paid.

One turn is 30 seconds: a policy acts on what it sees, then the market takes what is more than its capacity. A node is
ready `cold` turns after it was asked for; it is billed from then on too. What the market took or refused is seen
`blind` turns later. The first `cold` turns count for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

TURN = 30
Window = Sequence[Sequence[int]]
"""Zone by zone, how many nodes it has room for at each turn."""


@dataclass(frozen=True)
class Protocol_:  # noqa: N801 - `Protocol` is taken
    """Times in turns; `ratio` is the on-demand price over the spot price."""

    name: str
    cold: int
    blind: int
    ratio: float
    nodes: int = 3


PAPER = Protocol_("SpotHedge's protocol: 120 s cold start, seen a tick later, on-demand 3 x spot", 4, 1, 3.0)
AKS = Protocol_("AKS's figures: 240 s cold start, seen 60 s later, on-demand 5.4 x spot", 8, 2, 5.4)


@dataclass
class Node:
    born: int
    gone: int | None = None


@dataclass
class Market:
    window: Window
    rules: Protocol_
    rng: Random
    turn: int = 0
    spot: list[list[Node]] = field(default_factory=list)
    on_demand: list[Node] = field(default_factory=list)
    evicted: list[int] = field(default_factory=list)
    """Zone by zone: nodes that were seen to be evicted since the last turn."""
    refused: list[int] = field(default_factory=list)
    counted: int = 0
    enough: int = 0
    none: int = 0
    missing: int = 0
    bill: float = 0.0

    def __post_init__(self) -> None:
        self.spot = [[] for _ in self.window]
        self.evicted, self.refused = [0] * self.zones, [0] * self.zones

    @property
    def zones(self) -> int:
        return len(self.window)

    def ready(self, nodes: list[Node]) -> int:
        """As seen after the last turn: what is gone is seen a little longer."""
        return sum(self.turn - 1 - node.born >= self.rules.cold for node in nodes)

    def ask(self, zone: int | None, count: int) -> None:
        """`zone` None is on demand, which always has room."""
        nodes = self.on_demand if zone is None else self.spot[zone]
        nodes.extend(Node(self.turn) for _ in range(count))

    def give_up(self, zone: int | None, count: int) -> None:
        """The youngest go first: who stands is worth more than who comes."""
        nodes = self.on_demand if zone is None else self.spot[zone]
        for _ in range(count):
            nodes.pop()

    def play(self) -> None:
        for zone, nodes in enumerate(self.spot):
            alive = [node for node in nodes if node.gone is None]
            for node in alive[self.window[zone][self.turn] :]:
                node.gone = self.turn
        self._count()
        for zone, nodes in enumerate(self.spot):
            seen = [n for n in nodes if n.gone is not None and self.turn - n.gone >= self.rules.blind - 1]
            self.refused[zone] = sum(node.gone == node.born for node in seen)
            self.evicted[zone] = len(seen) - self.refused[zone]
            self.spot[zone] = [node for node in nodes if node not in seen] if seen else nodes
        self.turn += 1

    def _count(self) -> None:
        if self.turn < self.rules.cold:
            return
        alive = [node for nodes in self.spot for node in nodes if node.gone is None]
        ready = sum(self.turn - node.born >= self.rules.cold for node in (*alive, *self.on_demand))
        self.counted += 1
        self.enough += ready >= self.rules.nodes
        self.none += ready == 0
        self.missing += max(0, self.rules.nodes - ready)
        self.bill += len(alive) + self.rules.ratio * len(self.on_demand)


class Policy(Protocol):
    def act(self, market: Market) -> None: ...


@dataclass(frozen=True)
class Score:
    """In percent; the cost of that of on-demand alone."""

    available: float
    cost: float
    missing: float
    none: float
    writes: float = 0.0
    """Resizes a day."""

    @property
    def judged(self) -> float:
        """Cost, and ten times what the missing nodes would have cost on demand."""
        return self.cost + 10 * self.missing


def play(windows: Sequence[Window], rules: Protocol_, policy: Callable[[], Policy]) -> Score:
    """The mean over windows; each begins with nothing and an empty memory."""
    scores = [_play_one(window, rules, policy(), number) for number, window in enumerate(windows)]
    return Score(*(sum(values) / len(scores) for values in zip(*map(_figures, scores), strict=True)))


def _figures(score: Score) -> tuple[float, ...]:
    return score.available, score.cost, score.missing, score.none, score.writes


def _play_one(window: Window, rules: Protocol_, policy: Policy, number: int) -> Score:
    market = Market(window, rules, Random(number))
    for _ in range(len(window[0])):
        policy.act(market)
        market.play()
    turns, wanted = market.counted, market.counted * rules.nodes
    return Score(
        100 * market.enough / turns,
        100 * market.bill / (wanted * rules.ratio),
        100 * market.missing / wanted,
        100 * market.none / turns,
        getattr(policy, "writes", 0) * 86400 / TURN / len(window[0]),
    )


def optimum(windows: Sequence[Window], rules: Protocol_, *, shared: bool = True) -> float:
    """The least cost, in percent of on-demand, at which all nodes are always ready, knowing the future.

    Exact for one node: the shortest path over (turn, where it stands), a change paying its cold start. Node k uses a
    zone only while that has room for k, so all of them together are a plan that could be carried out: the optimum is
    at most this. With `shared` False each node may use any zone with room for one: it is at least that.
    """
    costs = []
    for window in windows:
        total = sum(_one_node(window, rules, node if shared else 1) for node in range(1, rules.nodes + 1))
        costs.append(100 * total / ((len(window[0]) - rules.cold) * rules.nodes * rules.ratio))
    return sum(costs) / len(costs)


def _one_node(window: Window, rules: Protocol_, room: int) -> float:
    never, zones, cold = float("inf"), len(window), rules.cold
    best: list[float] = []
    ages = [0] * zones
    for turn in range(len(window[0])):
        ages = [age + 1 if window[zone][turn] >= room else 0 for zone, age in enumerate(ages)]
        if turn < cold:
            continue
        cheapest = min(best, default=None)
        now = []
        for place in range(zones + 1):
            price = 1.0 if place < zones else rules.ratio
            if place < zones and ages[place] <= cold:
                now.append(never)
            elif cheapest is None:
                now.append(price)  # nobody's first cold start counts
            else:
                now.append(min(best[place], cheapest + cold * price) + price)
        best = now
    return min(best)
