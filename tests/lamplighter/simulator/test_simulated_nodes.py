"""When the simulated nodes are ready, and what a fleet file may say of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lamplighter.simulator import World

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OFF = [{"name": name, "power": "Stopped"} for name in ("web", "api", "old")]


def a_world(**top) -> World:
    return World.from_fleet({"spread": 0, "throttle": False, "clusters": OFF, **top}, now=NOON)


def nodes(world: World, name: str, at: datetime) -> tuple[int, int]:
    """(ready, joined) of its system pool."""
    return world.readiness.at(world, world.cluster(name), world.pool(name, "system"), at)


def test_nodes_are_ready_so_long_after_the_start_as_the_file_says():
    world = a_world(nodes={"after": 60, "later": {"api": 600}, "never": ["old"]})
    world.advance(MINUTE)
    for name in ("web", "api", "old"):
        world.person_starts(name)
    world.advance(30 * MINUTE)
    done = NOON + MINUTE + timedelta(seconds=192.4)
    assert nodes(world, "web", done - MINUTE) == (0, 0), "its machines boot"
    assert nodes(world, "web", done) == (0, 3)
    assert nodes(world, "web", done + MINUTE) == (3, 3)
    assert nodes(world, "api", done + 9 * MINUTE) == (0, 3)
    assert nodes(world, "api", done + 10 * MINUTE) == (3, 3)
    assert nodes(world, "old", world.now()) == (0, 0)
    world.readiness.join(world.cluster("old"), world.now())
    assert nodes(world, "old", world.now()) == (3, 3)


def test_what_ran_when_the_world_began_was_ready_before():
    world = World.from_fleet({"clusters": [{"name": "web"}]}, now=NOON)
    assert nodes(world, "web", NOON - MINUTE) == (3, 3)


def test_a_pool_that_is_started_by_itself_boots_too():
    pools = [{"name": "system", "mode": "System", "count": 1}, {"name": "work", "count": 2, "power": "Stopped"}]
    world = World.from_fleet({"spread": 0, "clusters": [{"name": "web", "pools": pools}]}, now=NOON)
    world.advance(MINUTE)
    world.person_changes_pool("web", "work", powerState={"code": "Running"})
    world.advance(10 * MINUTE)
    work = world.pool("web", "work")
    found = [world.readiness.at(world, world.cluster("web"), work, NOON + number * MINUTE) for number in (1, 2, 3, 4)]
    assert found == [(0, 0), (0, 0), (2, 2), (2, 2)]


def test_where_the_market_follows_nodes_they_are_what_it_says():
    pools = [{"name": "system", "mode": "System", "count": 3}, {"name": "spot", "priority": "Spot", "count": 1}]
    world = World.from_fleet(
        {"market": {}, "clusters": [{"name": "web", "power": "Stopped", "pools": pools}]}, now=NOON
    )
    world.advance(MINUTE)
    world.person_starts("web")
    world.advance(10 * MINUTE)
    assert nodes(world, "web", world.now()) == (3, 3)
    world.market.sizes[world.cluster("web").key, "system"].append((world.now(), 1, 2))
    assert nodes(world, "web", world.now()) == (1, 2)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"later": {"shop": 60}}, "nodes: no cluster is called 'shop'; expected the name of one cluster of this file"),
        ({"never": ["shop"]}, "nodes: no cluster is called 'shop'"),
        ({"never": "web"}, "nodes: expected names with seconds and a list of names, such as {later: {web: 900}"),
        ({"later": ["web"]}, "nodes: expected names with seconds and a list of names"),
        ({"later": {"web": "soon"}}, "nodes: later: web: 'soon' is no number of seconds below a day"),
        ({"after": -5}, "nodes: after: -5 is no number of seconds below a day; expected for example 900"),
        ({"soon": 1}, "nodes: unknown key 'soon'; known are after, later, never"),
    ],
)
def test_a_file_that_says_nonsense_of_nodes_is_told_so(entry, said):
    with pytest.raises(ValueError, match=said):
        a_world(nodes=entry)
