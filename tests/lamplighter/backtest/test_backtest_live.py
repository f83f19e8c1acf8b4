"""The last days of a real fleet, through the real SDK against the simulated Monitor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lamplighter.backtest.history import Trace, history
from lamplighter.backtest.live_history import read_live
from lamplighter.backtest.replay import replay
from lamplighter.backtest.standard import standard_policy
from lamplighter.simulator import Fault, SimulatorCredential, SimulatorTransport, World
from shared.clients import fleet
from shared.clients.azure import Cloud, endpoint_of
from shared.model.fleet import Scope

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
POOLS = [{"name": "system", "mode": "System", "count": 2}, {"name": "apps", "count": 2}]


def a_world() -> World:
    clusters = [{"name": "web", "pools": POOLS, "tags": {"environment": "dev"}}, {"name": "api", "pools": POOLS}]
    document = {"throttle": False, "graph_lag": 0, "clusters": clusters}
    return World.from_fleet(document, now=NOW)


def live(world: World, days: int = 1) -> dict[str, Trace]:
    told: list[float] = []
    cloud = Cloud(
        endpoint_of("AzurePublicCloud"), credential=SimulatorCredential(), transport=SimulatorTransport(world)
    )
    with cloud:
        seen = fleet.inventory(cloud, Scope(), NOW).clusters
        found = read_live(cloud, seen, days, NOW, told.append)
    assert world.unknown == []
    assert told[-1] == 1.0
    return {trace.cluster.name: trace for trace in found.traces}


def hours(trace: Trace) -> list[tuple[float, float]]:
    """Needs, in hours before NOW."""
    end = NOW.timestamp()
    return [((end - one) / 3600, (end - other) / 3600) for one, other in trace.busy]


def test_what_was_used_yesterday_was_needed() -> None:
    world = a_world()
    world.uses("web", NOW - 20 * HOUR, NOW - 17 * HOUR)
    found = live(world)
    ((begin, end),) = hours(found["web"])
    assert 20 <= begin <= 20.25
    assert 16.75 <= end <= 17
    assert found["api"].busy == ()
    assert dict(found["web"].cluster.tags) == {"environment": "dev"}, "policies match by tags"
    assert found["web"].end - found["web"].begin == 86_400


def test_a_use_that_ends_within_a_slot_ends_there() -> None:
    """Slots are a quarter of an hour; what comes after the last grain that was worked in is not needed time."""
    world = a_world()
    world.uses("web", NOW - 20 * HOUR, NOW - 17 * HOUR - timedelta(minutes=13), ("cpu",))
    ((_, end),) = hours(live(world)["web"])
    assert end == 17 + 10 / 60


def test_what_cannot_be_read_is_unknown_and_stops_nothing() -> None:
    world = a_world()
    world.inject(Fault.refuse("POST */metrics:getbatch", 403, "AuthorizationFailed", times=None))
    found = live(world)["web"]
    assert found.busy == ()
    assert found.unknown == ((found.begin, found.end),)
    (lived,) = replay(history("live", [found]), standard_policy("idle", "UTC"))
    assert lived.done == ()
