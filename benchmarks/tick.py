"""One tick in plan mode over TLS, from a hundred clusters to a hundred thousand, as ratios to a floor of the same run.

    .venv/bin/python benchmarks/tick.py [--quick] [--sizes 100,1000] [--runs 3]

The simulator serves a mixed fleet (benchmarks/fleet.py) from a process of its own, its pages written beforehand.
Every line is a fresh process that has imported, parsed its policy and fetched its token before the watch starts, and
is the best of its runs: whatever else a machine does can only add.

floor      `requests` + `json` read the very pages the app reads of its clusters, and do nothing with them.
no journal Observe, decide, admit: the fleet as it would be in the steady state. Memory is neither read nor written.
first      The deployed handler on an empty SQLite journal: every cluster is new, every row is written.
steady     The same five minutes later: memory is read, next to nothing is written.
change     The same after office hours ended: half of the fleet is decided anew, and put on record.

The quota of Resource Graph (15 queries in 5 seconds) is off in these lines; what it adds is said below them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.fleet import POLICY, fleet  # noqa: E402 - a script puts its project on the path first

SIZES = (100, 1000, 10_000, 100_000)
QUICK = (100, 1000)
BEGIN, MINUTES = "2026-11-23T10:{:02}:00+00:00", range(5, 60, 5)
OFFICE_ENDED = "2026-11-23T18:05:00+00:00"

AIMED_SIZE = 10_000
FLOORS, SECONDS, MEGABYTES, REQUESTS = 4.0, 2.0, 120.0, 10
QUERIES, WINDOW = 15, 5
# From: https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests


@dataclass(frozen=True)
class Line:
    """The best of some runs of one measurement."""

    size: int
    what: str
    wall: float
    cpu: float
    rss: float
    requests: int
    planned: int


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def simulator(folder: Path, size: int) -> Iterator[dict[str, str]]:
    """The simulator in a process of its own; what it prints when it is ready."""
    path = folder / "fleet.json"
    path.write_text(json.dumps(fleet(size, BEGIN.format(0))), encoding="utf-8")
    command = [sys.executable, "-m", "lamplighter", "simulate", "--fleet", str(path), "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield json.loads(server.stdout.readline() if server.stdout else "")
        finally:
            server.terminate()


def measured(what: str, ready: dict[str, str], **given: Any) -> dict[str, Any]:
    """The figures of one fresh process."""
    done = subprocess.run(
        [sys.executable, "benchmarks/measured.py"],
        cwd=ROOT,
        input=json.dumps({"what": what, **ready, **given}),
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the measured process {what} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def best(size: int, what: str, runs: list[dict[str, Any]]) -> Line:
    odd = next((run for run in runs if run["clusters"] != size), None)
    if odd is not None:
        raise SystemExit(f"{what}: saw {odd['clusters']} of {size} clusters")
    least = {name: min(run[name] for run in runs) for name in ("wall", "cpu", "rss", "requests")}
    return Line(size, what, planned=runs[-1].get("planned", 0), **least)


def lines_of(size: int, runs: int) -> list[Line]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say(f"{size:,} clusters: the simulator takes them in ...")
        with simulator(folder, size) as ready:
            return list(_lines(size, runs, ready, folder))


def _lines(size: int, runs: int, ready: dict[str, str], folder: Path) -> Iterator[Line]:
    from shared.clients.fleet import CLUSTERS

    say(f"{size:,} clusters: pages are written ...")
    measured("floor", ready, query=CLUSTERS)
    say(f"{size:,} clusters: measuring ...")
    yield best(size, "floor", [measured("floor", ready, query=CLUSTERS) for _ in range(runs)])
    yield best(size, "no journal", [measured("plan", ready, policy=POLICY, at=BEGIN.format(0)) for _ in range(runs)])

    def tick(run: int, at: str) -> dict[str, Any]:
        files = {"journal": str(folder / f"journal-{run}.sqlite"), "queue": str(folder / f"queue-{run}.sqlite")}
        return measured("tick", ready, policy=POLICY, at=at, **files)

    yield best(size, "first", [tick(run, BEGIN.format(0)) for run in range(runs)])
    yield best(size, "steady", [tick(run, BEGIN.format(MINUTES[0])) for run in range(runs)])
    yield best(size, "change", [tick(run, OFFICE_ENDED) for run in range(runs)])


def show(lines: list[Line]) -> None:
    floor = lines[0]
    for line in lines:
        print(
            f"{line.size if line is floor else '':>8,}" if line is floor else f"{'':>8}",
            f"{line.what:<11}{line.wall:>8.2f}{line.wall / floor.wall:>7.1f}",
            f"{line.cpu:>7.2f}{line.cpu / floor.cpu:>7.1f}",
            f"{line.rss:>8.0f}{line.rss / floor.rss:>7.1f}",
            f"{line.requests:>8}{line.requests / floor.requests:>7.1f}",
            f"{line.planned or '':>9}",
        )
    sys.stdout.flush()


def aims(table: dict[int, list[Line]]) -> Iterator[tuple[str, str, bool]]:
    """(what is aimed at, what came out, whether it is met)"""
    if AIMED_SIZE in table:
        by = {line.what: line for line in table[AIMED_SIZE]}
        floor, bare = by["floor"], by["no journal"]
        ratio = bare.wall / floor.wall
        yield f"{AIMED_SIZE:,} without journal: within {FLOORS:g}x of the floor", f"{ratio:.1f}x", ratio <= FLOORS
        text = f"{AIMED_SIZE:,} without journal: {REQUESTS} requests"
        yield text, f"{bare.requests} (one asks for members of Fleet Managers)", bare.requests <= REQUESTS
        for what in ("first", "steady", "change"):
            line = by[what]
            yield f"{AIMED_SIZE:,} {what}: under {SECONDS:g} s", f"{line.wall:.2f} s", line.wall < SECONDS
            yield f"{AIMED_SIZE:,} {what}: under {MEGABYTES:g} MB", f"{line.rss:.0f} MB", line.rss < MEGABYTES
    if {10_000, 100_000} <= table.keys():
        for less, more in zip(table[10_000], table[100_000], strict=True):
            ratio = more.cpu / less.cpu
            yield f"100,000 {more.what}: linear in CPU (10x)", f"{ratio:.1f}x", ratio <= 11.5


def quota(line: Line) -> str:
    """What the quota of Resource Graph would add to a tick that makes these requests."""
    waits = (line.requests - 1) // QUERIES
    return f"{line.size:>8,}: {line.requests} queries, up to {waits * WINDOW} s of waiting"


def main() -> None:
    parser = argparse.ArgumentParser(description="One tick in plan mode over TLS, as ratios to a floor.")
    parser.add_argument("--sizes", help="numbers of clusters, such as 100,1000 (default 100 to 100,000)")
    parser.add_argument("--quick", action="store_true", help="100 and 1,000 clusters, one run each")
    parser.add_argument("--runs", type=int, help="fresh processes per line (default 5; 2 from 50,000 clusters on)")
    chosen = parser.parse_args()
    sizes = QUICK if chosen.quick else SIZES
    if chosen.sizes:
        sizes = tuple(sorted(int(one) for one in chosen.sizes.split(",")))

    print(f"Python {sys.version.split()[0]}; x: ratio to the floor of the same fleet\n")
    print(
        f"{'clusters':>8} {'':<11}{'wall s':>8}{'x':>7} {'CPU s':>7}{'x':>7} {'peak MB':>8}{'x':>7} {'requests':>8}{'x':>7} {'planned':>9}"
    )
    table: dict[int, list[Line]] = {}
    for size in sizes:
        runs = chosen.runs or (1 if chosen.quick else 5 if size < 50_000 else 2)
        table[size] = lines_of(size, runs)
        show(table[size])

    print("\naims")
    for aim, found, met in aims(table):
        print(f"  {aim:<52}{found:>10}  {'met' if met else 'MISSED'}")
    print(
        f"\nquota of Resource Graph ({QUERIES} queries in {WINDOW} s), not in the lines above; a function has 4 minutes"
    )
    for size in sizes:
        print(f"  {quota(table[size][1])}")


if __name__ == "__main__":
    main()
