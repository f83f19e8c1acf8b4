"""Whether nodes are ready, through the real SDK against the simulated Monitor."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lamplighter.simulator import Fault, SimulatorCredential, SimulatorTransport, World, monitor_metrics
from shared.clients import fleet, metrics
from shared.clients.azure import Cloud, endpoint_of
from shared.clients.pipeline import Patience
from shared.model.fleet import Scope
from shared.model.samples import Window

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
METRICS = "POST */metrics:getbatch"


def a_world(*clusters) -> World:
    """At NOW, two hours after it began."""
    document = {"throttle": False, "graph_lag": 0, "spread": 0, "clusters": list(clusters)}
    world = World.from_fleet(document, now=NOW - timedelta(hours=2))
    world.advance(timedelta(hours=2))
    return world


def asked(world: World, begin: datetime = NOW):
    """Cluster name -> what was measured of its nodes from `begin` until now."""
    cloud = Cloud(
        endpoint_of("AzurePublicCloud"), credential=SimulatorCredential(), transport=SimulatorTransport(world)
    )
    with cloud:
        clusters = fleet.inventory(cloud, Scope(), world.now()).clusters
        world.requests.clear()
        found = metrics.conditions(cloud, clusters, Window(begin, world.now()), Patience(5.0))
    assert world.unknown == []
    return {id_.rpartition("/")[2]: measure for id_, measure in found.items()}


def test_each_node_has_a_line_for_the_status_that_it_has():
    world = a_world({"name": "web", "power": "Stopped"})
    world.readiness.later[world.cluster("web").key] = 2 * MINUTE
    world.person_starts("web")
    world.advance(15 * MINUTE)
    found = asked(world)["web"]
    assert {(one.part, one.name.rpartition("vmss")[2]) for one in found.series} == {
        (status, f"{number:06}") for status in ("true", "false") for number in range(3)
    }
    for one in found.series:
        minutes = [at for at, _ in one.points]
        assert (minutes[0], minutes[-1]) == (
            (NOW + 6 * MINUTE, NOW + 11 * MINUTE) if one.part == "true" else (NOW + 4 * MINUTE, NOW + 5 * MINUTE)
        ), "started for 3 min 12 s, ready two minutes later, and the newest three minutes are on their way"
    assert found.grain == MINUTE


def test_fifty_clusters_of_a_region_are_one_call():
    assert len(asked(world := a_world({"name": "c", "count": 51}), NOW - 5 * MINUTE)) == 51
    assert dict(world.requests) == {"POST get_batch": 2}


def test_a_cluster_without_a_line_has_no_node_if_its_pods_are_measured():
    """Nodes that never joined, and metrics that never came, look the same at first."""
    world = a_world({"name": "bare", "power": "Stopped"}, {"name": "dark", "power": "Stopped"}, {"name": "fine"})
    world.readiness.never.add(world.cluster("bare").key)
    world.usage.darken(world.cluster("dark"), NOW - MINUTE, NOW + timedelta(hours=1))
    for name in ("bare", "dark"):
        world.person_starts(name)
    world.advance(20 * MINUTE)
    found = asked(world)
    assert {name: (bool(one.series), one.others_came_in) for name, one in found.items()} == {
        "bare": (False, True),
        "dark": (False, False),
        "fine": (True, False),
    }
    assert world.requests["POST get_batch"] == 3, "the two without a line are asked for more"


def test_nodes_that_work_are_there_though_their_condition_is_not_measured(monkeypatch):
    """Then nothing says that there are none: the metric itself is what is missing."""
    world = a_world({"name": "web"})
    lines = monitor_metrics.METRICS["kube_node_status_condition"]
    monkeypatch.setitem(
        monitor_metrics.METRICS, "kube_node_status_condition", replace(lines, lines=lambda *_: iter(()))
    )
    found = asked(world, NOW - 30 * MINUTE)["web"]
    assert (found.series, found.others_came_in) == ((), False)


@pytest.mark.parametrize(
    ("fault", "refused", "said"),
    [
        (Fault.forbidden(METRICS, "read"), True, "Monitoring Reader"),
        (Fault.refuse(METRICS, 400, "BadRequest", times=None), True, "BadRequest"),
        (Fault.refuse(METRICS, 429, "TooManyRequests", times=None), False, "TooManyRequests"),
        (Fault.refuse(METRICS, 404, "ResourceNotFound", times=None), False, "ResourceNotFound"),
    ],
)
def test_what_cannot_be_read_says_why_and_whether_asking_again_helps(fault, refused, said):
    world = a_world({"name": "web"})
    world.inject(fault)
    found = asked(world, NOW - 5 * MINUTE)["web"]
    assert (found.series, found.refused) == ((), refused)
    assert said in found.problem
