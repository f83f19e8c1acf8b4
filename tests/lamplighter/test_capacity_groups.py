"""plan and explain: how capacity groups stand, what comes next, and why."""

from datetime import timedelta

import pytest

from lamplighter.simulator import Fault, World, serve

POLICY = """\
version: 1
mode: act
timezone: Europe/Vienna
scope: all
environments:
  - {name: dev, match: {tags: {environment: dev}}}
rules:
  - {name: shop-on-spot, match: {environments: [dev]}, spot: {groups: auto, nodes: {min: 3, max: 3}}}
"""
FLEET = """\
now: 2026-12-21T08:00:00Z
clusters:
  - name: shop-dev
    tags: {environment: dev}
    pools:
      - {name: system, mode: System, count: 2}
      - {name: spot1, priority: Spot, count: %d, zones: [1]}
      - {name: spot2, priority: Spot, count: 0, zones: [2]}
      - {name: ondemand, count: 0}
"""
AT = ("--at", "2026-12-21T09:00:00+01:00")
FILES = ("--policy", "groups.yaml", "--fleet", "shop.yaml")


@pytest.fixture
def shop(room, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def made(spot1: int):
        (room / "groups.yaml").write_text(POLICY, encoding="utf-8")
        (room / "shop.yaml").write_text(FLEET % spot1, encoding="utf-8")

    return made


@pytest.mark.parametrize("command", [("plan",), ("explain", "shop-dev")])
def test_a_calm_group_is_shown_with_its_nodes(run, shop, command):
    shop(3)
    said = run(*command, *FILES, *AT)
    assert "ondemand (inferred)  spot1 3, spot2 0, ondemand 0       3  rest" in said.out
    assert "3 nodes ready on spot, 0 on demand, 3 needed" in said.out
    assert "those that it counts are taken for ready" in said.out


@pytest.mark.parametrize("command", [("plan",), ("explain", "shop-dev")])
def test_the_next_step_and_why(run, shop, command):
    shop(1)
    [group] = run(*command, *FILES, *AT, "--json").json["groups"]
    assert (group["group"], group["inferred"], group["needed"]) == ("ondemand", True, 3)
    assert group["next"] == {"step": "fall_back", "pool": "ondemand", "size": 2, "held_by": None}
    assert group["sentence"] == "2 of 3 nodes are missing: not enough nodes are ready"
    assert group["pools"][0] == {
        "name": "spot1", "spot": True, "ready": 1, "wanted": 1, "min": None, "max": None, "problem": None,
    }  # fmt: skip
    assert "ondemand to 2" in run(*command, *FILES, *AT).out


def test_a_plan_does_not_tell_of_each_pool_twice(run, shop):
    shop(3)
    assert "no opinion" not in run("plan", *FILES, *AT).out


def test_without_groups_there_is_no_such_table(run):
    said = run("plan", "--fleet", "fleet.yaml", *AT)
    assert "Capacity groups" not in said.out
    assert run("plan", "--fleet", "fleet.yaml", *AT, "--json").json["groups"] == []


def test_from_azure_the_nodes_themselves_are_read(run, room, monkeypatch):
    """An evicted pool still counts three nodes; none of them is ready."""
    pools = [
        {"name": "system", "mode": "System", "count": 2},
        {"name": "spot1", "priority": "Spot", "count": 3, "zones": [1]},
        {"name": "ondemand", "count": 0},
    ]
    rooms = [{"location": "westeurope", "size": "Standard_D4s_v5", "zone": "1", "gap": 600, "room": [4, 0, 0, 0]}]
    web = {"name": "web", "tags": {"environment": "dev"}, "pools": pools}
    world = World.from_fleet({"graph_lag": 0, "spread": 0, "clusters": [web], "market": {"rooms": rooms}})
    world.advance(timedelta(minutes=13))
    (room / "groups.yaml").write_text(POLICY, encoding="utf-8")
    with serve(world) as server:
        for name, value in {
            **server.environment,
            "LAMPLIGHTER_CLOUD": server.arm_url,
            "LAMPLIGHTER_CA_FILE": server.ca_file,
        }.items():
            monkeypatch.setenv(name, value)
        at = ("--at", world.now().isoformat())
        [seen] = run("plan", "--policy", "groups.yaml", *at, "--json").json["groups"]
        shown = run("explain", "web", "--policy", "groups.yaml", *at).out
        world.inject(Fault.forbidden("*eventtypes*"))
        [blind] = run("plan", "--policy", "groups.yaml", *at, "--json").json["groups"]
    assert seen["next"] == {"step": "fall_back", "pool": "ondemand", "size": 3, "held_by": None}
    assert seen["pools"][0]["ready"] == 0
    assert seen["sentence"].startswith("3 of 3 nodes are missing: spot1 lost nodes")
    assert "taken for ready" not in shown
    assert "Microsoft.Insights/eventtypes/values/read" in blind["pools"][0]["problem"]
