"""Two hundred thousand cluster-ticks over two weeks and a DST change; two million with LAMPLIGHTER_SOAK=1."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from shared.model.decisions import Reason, Verdict
from shared.model.fleet import Cluster, Power
from shared.policy.document import Policy, read_policy
from tests.policy.builders import cluster
from tests.scenarios.tiny_world import QUIET, TinyWorld

SOAK = bool(os.environ.get("LAMPLIGHTER_SOAK"))
SEEDS = range(10) if SOAK else range(1)
DAYS = 14
# Berlin's clocks go back on 25 October 2026, New York's on 1 November.
BEGIN = datetime(2026, 10, 19, 6, 0, tzinfo=UTC)

POLICY = """
version: 1
mode: act
timezone: Europe/Berlin
scope: all
environments:
  - {name: prod, production: true, match: {tags: {environment: prod}}}
  - {name: dev, match: {tags: {environment: dev}}}
schedules:
  office: {running: [Mon-Fri 07:30-19:00]}
  new-york: {timezone: America/New_York, running: [Mon-Fri 22:00-04:00]}
rules:
  - {name: office-hours, match: {tags: {site: berlin}}, hours: {schedule: office}}
  - {name: nights, match: {tags: {site: new-york}}, hours: {schedule: new-york}}
  - {name: everything, except: {tags: {site: [berlin, new-york]}}, hours: {schedule: office}}
guards: {manual_hold: 6h, stops: {at_most: 20, within: 1h}}
"""
BUDGET = 20


@pytest.fixture(scope="module")
def rules() -> Policy:
    return read_policy(POLICY, "policy.yaml")


def fleet() -> list[Cluster]:
    """Fifty that are managed, in two zones, and a few that must never be touched."""
    managed = [
        cluster(f"{site}-{number}", tags={"site": site})
        for site, count in (("berlin", 35), ("new-york", 15))
        for number in range(count)
    ]
    protected = [
        cluster("shop", env="prod"),
        cluster("mystery", env=None),
        cluster("hands-off", tags={"lamplighter-exclude": "true"}),
        cluster("typo", tags={"lamplighter-exclud": "true"}),
        cluster("nap", node_provisioning="Auto"),
        cluster("member", fleet="/subscriptions/s/fleets/hub"),
    ]
    return managed + protected


@pytest.mark.parametrize("seed", SEEDS)
def test_weeks_of_ordinary_trouble(rules, seed):
    """People start, stop and keep on; ticks are missed, readings odd, messages and replies lost, actions fail.

    Nothing protected is stopped, every stop was announced, starts by hand are respected (checked before each write);
    no window sees a second start or stop that no person caused; the budget holds; left alone, everything converges.
    """
    world = TinyWorld.of(rules, fleet(), BEGIN, seed)
    world.run(BEGIN + timedelta(days=DAYS))
    assert world.cluster_ticks > 0.9 * DAYS * 144 * len(world.things)
    assert len(world.writes) > 10 * DAYS * len(world.things) / 14, "a world in which nothing happens proves nothing"
    for (about, verb, since), times in world.done.items():
        people = world.people[about, since]
        assert times <= 1 + people, (
            f"{about}: {times} times {verb} in the window of {since}, people did {people} things"
        )
    assert world.most_stops <= BUDGET
    touched = {about.rpartition("/")[2] for _, about, verb in world.writes if verb == "stop"}
    assert touched.isdisjoint({"shop", "mystery", "hands-off", "typo", "nap", "member"})
    converges(world)


def converges(world: TinyWorld) -> None:
    """Four days without people and accidents: everything is as its hours want it, but what somebody kept undoing."""
    world.chances = QUIET
    world.run(world.now + timedelta(days=4, hours=5))
    excused = {Reason.UNDONE, Reason.NO_CAPACITY}
    by_id = {one.cluster: one for one in world.plan}
    for thing in world.things[:50]:
        decision, state = by_id[thing.real.id], world.hours_of(thing)
        if decision.reason in excused:
            continue
        wanted = Power.RUNNING if state.inside else Power.STOPPED
        assert thing.real.power is wanted, f"{thing.real.name}: {decision.message}"
        assert decision.verdict is Verdict.NONE, f"{thing.real.name}: {decision.message}"
        assert thing.memory.open is None


@pytest.mark.parametrize("seed", SEEDS)
def test_without_people_and_accidents_each_window_has_one_start_and_one_stop(rules, seed):
    world = TinyWorld.of(rules, fleet()[:50], BEGIN, seed)
    world.chances = QUIET
    world.run(BEGIN + timedelta(days=7))
    assert set(world.done.values()) == {1}
    berlin = [key for key in world.done if "berlin-0" in key[0]]
    assert sorted(verb for _, verb, _ in berlin) == ["start"] * 4 + ["stop"] * 5


def test_the_same_seed_is_the_same_story(rules):
    first, second = (TinyWorld.of(rules, fleet(), BEGIN, 7) for _ in range(2))
    for world in (first, second):
        world.run(BEGIN + timedelta(days=1))
    assert first.writes == second.writes
