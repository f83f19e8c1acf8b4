"""From an alert's POST to the write that Azure accepted, as a ratio to a floor of the same run.

    .venv/bin/python benchmarks/alert.py [--runs 30]

The deployed code path on the simulated Azure, in process and in real time: the payload is checked and recorded, the
cluster is looked at and decided, a message is queued, and `act` reads the cluster, its locks, quota and room afresh,
decides again, claims, and writes the pool. Nobody waits for a timer.

floor      The two calls that nobody can do without: the SDK reads the pool and writes it.
app        All of it, from the bytes of the POST until Azure accepted the write.
answer     Until the action group has its answer, which it waits ten seconds for.

In Azure the queue adds how long its trigger sleeps between two looks, and a cold instance its start
(benchmarks/cold_start.py); neither is in here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from lamplighter.rehearsal import Rehearsal  # noqa: E402 - a script puts its project on the path first
from lamplighter.simulator import World  # noqa: E402 - as above
from lamplighter.simulator.monitor_alerts import PENDING, AlertRule, Instance, common_alert  # noqa: E402 - as above
from shared.clients import clusters  # noqa: E402 - as above

AIMED = 12.0
POLICY = """
version: 1
mode: act
timezone: Europe/Berlin
scope: all
environments: [{name: dev, match: {names: ["*"]}}]
rules:
  - {name: pods, match: {environments: [dev]},
     on_alert: {alert: "pending*", do: scale, pools: [user1], by: 1, max: 1000, for: 2h, cooldown: 0m}}
"""
POOLS = [
    {"name": "system", "mode": "System", "count": 2},
    {"name": "user1", "count": 3, "autoscaling": True, "min": 3, "max": 10},
]
FLEET = {"now": "2026-11-23T09:00:00Z", "clusters": [{"name": "web", "pools": POOLS}]}


def larger(pool: dict) -> None:
    pool.update(minCount=4, count=4)


def measured(runs: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of the floor, of the answer, and until the accepted write, of each run."""
    floor, answer, whole = [], [], []
    for number in range(runs):
        world = World.from_fleet(FLEET)
        with Rehearsal(world, POLICY) as rehearsal:
            rehearsal.tick()
            cluster = world.cluster("web")
            rule = AlertRule("pending-pods", PENDING, cluster="web", pool="user1")
            scope = "/".join(cluster.key.split("/")[:3])
            id_ = f"{scope}/providers/Microsoft.AlertsManagement/alerts/{number}"
            body = json.dumps(common_alert(Instance(id_, rule, cluster.key, world.now()), "Fired")).encode()
            begun = time.perf_counter()
            status = rehearsal.report(body)
            answer.append(time.perf_counter() - begun)
            rehearsal.deliver()
            whole.append(time.perf_counter() - begun)
            if (status, [one.pool for one in world.writes()]) != (200, ["user1"]):
                raise SystemExit(
                    f"the alert was answered {status} and led to {len(world.writes())} writes; expected one"
                )
        world = World.from_fleet(FLEET)
        with Rehearsal(world, POLICY) as rehearsal:
            rehearsal.tick()
            key = world.cluster("web").key
            begun = time.perf_counter()
            clusters.put_pool(rehearsal.app.cloud, (key, "user1"), "writing", lambda _: False, larger)
            floor.append(time.perf_counter() - begun)
    return floor, answer, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    floor, answer, whole = measured(parser.parse_args().runs)
    base = statistics.median(floor)
    print(f"{'':<10}{'median ms':>10}{'best ms':>9}{'x floor':>9}")
    for name, times in (("floor", floor), ("answer", answer), ("app", whole)):
        median = statistics.median(times)
        print(f"{name:<10}{median * 1000:>10.1f}{min(times) * 1000:>9.1f}{median / base:>9.1f}")
    ratio = statistics.median(whole) / base
    word = "within" if ratio <= AIMED else "MISSED:"
    print(f"\nPOST to accepted write: {ratio:.1f} times the floor, {word} the bound of {AIMED:.0f}.")


if __name__ == "__main__":
    main()
