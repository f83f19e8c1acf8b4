"""The market that judges the spot rule is fair, and the rule does what its page promises on the trace that ships."""

import io
import json
import os
import subprocess
import sys
import tarfile
from operator import add
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))

from spot_market import PAPER, Market, Score, optimum, play  # noqa: E402 - scripts, not a package
from spot_policies import EvenSpread, Rule, SpotHedge  # noqa: E402
from spot_traces import windows  # noqa: E402

ALWAYS, NEVER = [4] * 400, [0] * 400


class OnDemand:
    def act(self, market: Market) -> None:
        market.ask(None, 3 - len(market.on_demand))


def test_on_demand_alone_is_always_there_at_its_full_price():
    assert play([[NEVER]], PAPER, OnDemand) == Score(100, 100, 0, 0)


def test_spot_that_never_goes_costs_a_third():
    score = play([[ALWAYS]], PAPER, EvenSpread)
    assert (score.available, round(score.cost, 6)) == (100, round(100 / 3, 6))


def test_an_eviction_costs_its_blind_turn_and_a_cold_start():
    """Two zones, one goes at turn 200: seen a turn later, ready four turns after that."""
    goes = [4] * 200 + [0] * 200
    score = play([[goes, ALWAYS]], PAPER, Rule)
    assert round(score.missing * 396 / 100) == 5


def test_an_omniscient_moves_ahead_of_the_eviction():
    """Three nodes for 396 turns on spot, and one cold start of four turns for each when they change zones."""
    goes, comes = [4] * 200 + [0] * 200, [0] * 150 + [4] * 250
    assert optimum([[goes, comes]], PAPER) == pytest.approx(100 * 3 * (396 + 4) / (396 * 3 * 3))
    assert optimum([[NEVER]], PAPER) == pytest.approx(100)


def test_the_bound_is_never_above_the_plan():
    one_each = [[1] * 400, [1] * 400, [1] * 400]
    assert optimum([one_each], PAPER, shared=False) < optimum([one_each], PAPER)


def test_the_rule_beats_its_peer_on_the_trace_that_ships():
    days = windows(None, 2)["synthetic"]
    ours, peer = play(days, PAPER, Rule), play(days, PAPER, SpotHedge)
    assert ours.available >= peer.available
    assert optimum(days, PAPER) <= ours.cost < peer.cost


def test_one_means_available_in_one_archive_and_gone_in_the_other(tmp_path):
    (tmp_path / "plain").mkdir()
    plain = {"metadata": {"gap_seconds": 600}, "data": [1] * 144 + [0] * 144}
    (tmp_path / "plain" / "zone.json").write_text(json.dumps(plain), encoding="utf-8")
    with tarfile.open(tmp_path / "x_real_traces.tar.gz", "w:gz") as archive:
        body = json.dumps({"metadata": {"gap_seconds": 600}, "data": [1] * 277 + [0] * 277}).encode()
        info = tarfile.TarInfo("real/ddl=search+task=48+overhead=0.02/real/us_k80_8/traces/random_start/0.json")
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))

    found = windows(tmp_path, 2)

    assert {day[0][0] for day in found["plain"]} == {1}
    first, second = found["cant-be-late 8 zones"]
    assert (first[0][0], second[0][-1]) == (0, 16)


class Peeking:
    def act(self, market: Market) -> None:
        market.ask(0, market.window[0][market.turn + 1] - len(market.spot[0]))


def asked_before_they_part(policy) -> list[list[tuple[int | None, int]]]:
    """What is asked for in two markets that have the first 200 turns in common. The policy is handed the market itself,
    its future included.
    """
    past = [[4] * 150 + [0] * 50, [0] * 60 + [2] * 140]
    asked: list[list[tuple[int | None, int]]] = []
    for come in ([[4] * 9, [0] * 9], [[0] * 9, [4] * 9]):
        market, acting, told = Market([*map(add, past, come)], PAPER, Random(0)), policy(), []
        plain = market.ask
        market.ask = lambda zone, more, told=told, plain=plain: (told.append((zone, more)), plain(zone, more))[1]
        for _ in range(200):
            acting.act(market)
            market.play()
        asked.append(told)
    return asked


def test_no_turn_to_come_changes_what_the_rule_does():
    one, two = asked_before_they_part(Rule)
    assert one == two != []
    one, two = asked_before_they_part(Peeking)
    assert one != two, "a policy that looks ahead is found out"


def test_it_runs_and_says_what_is_met():
    env = {key: value for key, value in os.environ.items() if key != "LAMPLIGHTER_REFERENCE"}
    command = [sys.executable, "benchmarks/spot.py", "--windows", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("within 5 points of the optimum") == 2
