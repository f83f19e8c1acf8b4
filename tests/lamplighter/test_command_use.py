"""`plan` and `explain` read whether clusters are used, as a tick would: from Azure where a rule asks, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lamplighter.simulator import Fault, SpeedClock, World, serve

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = """
version: 1
mode: act
timezone: Europe/Berlin
scope: all
environments:
  - {name: dev, match: {names: ["*-dev"]}}
rules:
  - {name: sandboxes, match: {environments: [dev]}, idle: {after: 2h}}
guards: {warn_before_stop: 0m}
"""
FLEET = {"graph_lag": 0, "clusters": [{"name": name} for name in ("idle-dev", "used-dev", "late-dev", "shop-prod")]}
HERE = ("--policy", "idle.yaml", "--at", "2026-11-23T18:00Z")


@pytest.fixture
def world(room: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A simulated Azure that the command finds, and a policy with an idle rule."""
    (room / "idle.yaml").write_text(POLICY, encoding="utf-8")
    world = World.from_fleet(FLEET, now=NOW)
    world.uses("used-dev", NOW - HOUR / 2, NOW)
    world.uses("late-dev", NOW - 3 * HOUR, NOW - HOUR)
    with serve(world) as server:
        settings = {"LAMPLIGHTER_CLOUD": server.arm_url, "LAMPLIGHTER_CA_FILE": server.ca_file}
        for name, value in {**server.environment, **settings}.items():
            monkeypatch.setenv(name, value)
        yield world
    assert world.unknown == []


def rows(said) -> dict[str, tuple[str, str]]:
    assert said.code == 0, said.err
    return {one["cluster"].rpartition("/")[2]: (one["action"], one["message"]) for one in said.json["decisions"]}


def test_a_plan_tells_who_is_used_who_is_not_and_what_kept_it_on(run: Callable, world: World) -> None:
    """Without a journal it looks back as far as the wait: two hours of quiet are seen, one is not enough."""
    found = rows(run("plan", *HERE, "--json"))
    assert found["idle-dev"][0] == "stop"
    assert "idle since Mon 23 Nov 16:30; the rule waits 2h" in found["idle-dev"][1]
    assert found["used-dev"] == ("none", found["used-dev"][1])
    assert "in use (cpu " in found["used-dev"][1]
    assert "idle since Mon 23 Nov 18:05, stops Mon 23 Nov 20:05 unless it is used" in found["late-dev"][1]
    assert world.requests["POST get_batch"] == 2, "two kinds of call about three clusters, none about production"


def test_explain_asks_about_the_one_cluster(run: Callable, world: World) -> None:
    said = run("explain", "used-dev", *HERE)
    assert (said.code, said.err) == (0, "")
    assert "in use (cpu" in " ".join(said.out.split())
    assert world.requests["POST get_batch"] == 2
    assert world.requests["POST query_logs"] == 0, "its metrics say it all"


def test_signals_that_cannot_be_read_stop_nothing_and_say_why(run: Callable, world: World) -> None:
    world.inject(Fault.refuse("POST */metrics:getbatch", 403, "AuthorizationFailed", times=None))
    found = rows(run("plan", *HERE, "--json"))
    assert {action for action, _ in found.values()} == {"none"}
    assert "the role Monitoring Reader" in found["idle-dev"][1]


def test_a_fleet_of_a_file_is_asked_nothing(run: Callable, world: World, room: Path) -> None:
    (room / "some.yaml").write_text("clusters: [{name: idle-dev}]", encoding="utf-8")
    found = rows(run("plan", *HERE, "--fleet", "some.yaml", "--json"))
    assert "whether it is in use is unknown: its signals were not read" in found["idle-dev"][1]
    assert not world.requests


def test_where_no_rule_asks_nothing_is_read(run: Callable, world: World) -> None:
    assert run("plan", "--at", "2026-11-23T18:00Z", "--json").code == 0
    assert world.requests["POST get_batch"] == 0


def test_a_world_whose_clock_runs_was_measured_before_it_began(room: Path) -> None:
    """What `lamplighter simulate` serves: its clusters ran for weeks, though making it took a moment."""
    world = World.from_fleet(FLEET, clock=SpeedClock(NOW, 1000.0))
    cluster = world.cluster("idle-dev")
    assert world.usage.is_seen(cluster.key, cluster.log, NOW - 30 * 24 * HOUR)
