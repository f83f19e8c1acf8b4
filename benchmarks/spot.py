"""Spot pools with an on-demand fallback: availability and cost of the rule, its peers, and an omniscient.

    .venv/bin/python benchmarks/spot.py [--data FOLDER] [--windows 10] [--seed 0] [--cross] [--json]

Three ready nodes are wanted for 24 hours, in turns of 30 seconds, from seeded moments of each trace; on-demand always
has room. `available` is the share of turns with all three ready, `cost` that of three on-demand nodes, nodes on their
way included; `missing` is the share of node time that was short, `none` the share of turns with nothing at all, `a day`
the resizes per day. The rule is asked through `decide` and `admit`, each window with an empty memory.

`optimum` is what always having three would have cost somebody who knows the future: a plan that could be carried out,
and beside it a bound that no plan can beat. The second table has AKS's own figures.

`rule` is the block with its defaults, moves unlimited; `rule, 12 moves` as in policy.example.yaml: 12 moves a day, home
after 30 minutes. --cross chooses the constants of the rule on all other traces, for each trace, and prints both.

Traces: folders of --data (default $LAMPLIGHTER_REFERENCE/data/spot), and the synthetic one in benchmarks/data.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from spot_market import AKS, PAPER, Policy, Protocol_, Score, Window, optimum, play  # noqa: E402 - the path first
from spot_policies import EvenSpread, RoundRobin, Rule, SpotHedge  # noqa: E402
from spot_traces import windows  # noqa: E402

from shared.policy import capacity_group, capacity_memory  # noqa: E402

PUBLISHED = {"aws1": "52/29  93/39  100/45, optimum 40", "aws2": "32/20  82/33  99/58, optimum 38"}
"""available/cost of Even Spread, Round Robin, SkyServe. From: Mao et al., EuroSys'25, as its artifact shows them."""
LIMITED = "return_after: 30m\n      moves_per_day: 12"
PLAYERS: dict[str, Callable[[], Policy]] = {
    "even spread": EvenSpread,
    "round robin": RoundRobin,
    "spothedge": SpotHedge,
    "rule": Rule,
    "rule, 12 moves": lambda: Rule(LIMITED),
}
GRID = tuple(product((2, 5), (10, 20, 60), (10.0, 30.0)))
"""Minutes a pool counts as leaving, longest pause in minutes, worth of a missing node."""


def main() -> None:
    parser = argparse.ArgumentParser(description="The spot rule beside its peers on recorded spot capacity.")
    parser.add_argument("--data", type=Path, help="folder of traces")
    parser.add_argument("--windows", type=int, default=10, help="days per trace")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cross", action="store_true", help="choose the rule's constants on the other traces")
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    asked = parser.parse_args()
    traces = windows(_folder(asked.data), asked.windows, asked.seed)
    if asked.cross:
        _cross(traces)
        return
    figures: dict[str, Any] = {}
    for protocol in (PAPER, AKS):
        if not asked.json:
            _head(protocol)
        for name, days in traces.items():
            figures[f"{name} {protocol.cold}"] = _trace(name, days, protocol, quiet=asked.json)
    if asked.json:
        print(json.dumps(figures, indent=1))


def _folder(given: Path | None) -> Path | None:
    reference = os.environ.get("LAMPLIGHTER_REFERENCE")
    if given is None and reference:
        given = Path(reference) / "data" / "spot"
    if given is not None and not given.is_dir():
        raise SystemExit(f"--data {given} is no folder; expected one with traces, such as data/spot")
    return given


def _head(protocol: Protocol_) -> None:
    print(f"\n{protocol.name}")
    print(f"{'trace':<22} {'':<15} {'available':>9} {'cost':>6} {'missing':>8} {'none':>6} {'a day':>6}")


def _trace(name: str, days: list[Window], protocol: Protocol_, *, quiet: bool) -> dict[str, Any]:
    scores = {}
    for player, policy in PLAYERS.items():
        score = scores[player] = play(days, protocol, policy)
        if not quiet:
            _line(name if len(scores) == 1 else "", player, score)
    plan, bound = optimum(days, protocol), optimum(days, protocol, shared=False)
    ours, peer = scores["rule"], scores["spothedge"]
    verdict = {
        "availability at least SpotHedge's": ours.available >= peer.available,
        "cost below SpotHedge's": ours.cost < peer.cost,
        "within 5 points of the optimum": ours.cost <= plan + 5,
    }
    if not quiet:
        print(f"{'':<22} {'optimum':<15} {100:>9.2f} {plan:>6.1f}   bound {bound:.1f}")
        print(f"{'':<22} {'; '.join(f'{what}: {_word(met)}' for what, met in verdict.items())}")
        if protocol is PAPER and name in PUBLISHED:
            print(f"{'':<22} published: {PUBLISHED[name]}")
    return {player: vars(score) for player, score in scores.items()} | {"optimum": plan, "bound": bound} | verdict


def _word(met: bool) -> str:
    return "yes" if met else "MISSED"


def _line(name: str, player: str, score: Score) -> None:
    writes = f"{score.writes:>6.0f}" if score.writes else f"{'':>6}"
    figures = f"{score.available:>9.2f} {score.cost:>6.1f} {score.missing:>8.2f} {score.none:>6.2f} {writes}"
    print(f"{name:<22} {player:<15} {figures}", flush=True)


def _cross(traces: dict[str, list[Window]]) -> None:
    """Judged by cost plus ten times the missing nodes' on-demand price; half of the windows, to keep it short."""
    days = {name: found[:4] for name, found in traces.items()}
    judged: dict[tuple[float, ...], dict[str, Score]] = {}
    for constants in GRID:
        with _set(*constants):
            judged[constants] = {name: play(found, PAPER, Rule) for name, found in days.items()}
    shipped = (5, 20, 10.0)
    print(f"{'trace':<22} {'as shipped':>24} {'chosen on the others':>26}   constants")
    for name in days:
        best = min(GRID, key=lambda one: sum(s.judged for other, s in judged[one].items() if other != name))
        mine, theirs = judged[shipped][name], judged[best][name]
        print(f"{name:<22} {_brief(mine):>24} {_brief(theirs):>26}   {best}")


def _brief(score: Score) -> str:
    return f"{score.available:.2f} at {score.cost:.1f} = {score.judged:.1f}"


@contextmanager
def _set(leaving: float, pause: float, worth: float) -> Iterator[None]:
    values = {"LEAVING": timedelta(minutes=leaving), "LONGEST_PAUSE": timedelta(minutes=pause), "WORTH": worth}
    places = [(room, key) for room in (capacity_group, capacity_memory) for key in values if hasattr(room, key)]
    before = [getattr(room, key) for room, key in places]
    for room, key in places:
        setattr(room, key, values[key])
    yield
    for (room, key), value in zip(places, before, strict=True):
        setattr(room, key, value)


if __name__ == "__main__":
    main()
