"""One tick in plan mode over TLS, from a hundred clusters to a hundred thousand, as ratios to a floor of the same run.

    .venv/bin/python benchmarks/tick.py [--quick] [--sizes 100,1000] [--runs 3] [--quota]

The simulator serves a mixed fleet (benchmarks/fleet.py) from a process of its own, its pages written beforehand.
Every line is a fresh process that has imported, parsed its policy and fetched its token before the watch starts, and
is the best of its runs: whatever else a machine does can only add.

floor      `requests` + `json` read the very pages the app reads of its clusters, and do nothing with them.
no journal Observe, decide, admit: the fleet as it would be in the steady state. Memory is neither read nor written.
first      The deployed handler on an empty SQLite journal: every cluster is new, every row is written, and list prices
           are asked for, one request per region.
steady     The same five minutes later: memory is read, next to nothing is written.
change     The same after office hours ended: half of the fleet is decided anew, and put on record.

The quota of Resource Graph (15 queries in 5 seconds) is off in these lines, unless --quota; what it adds is said below.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.fleet import POLICY, fleet  # noqa: E402 - a script puts its project on the path first
from shared.clients.fleet import CLUSTERS, PATIENCE_SECONDS  # noqa: E402 - as above
from shared.clients.graph import ROWS_A_PAGE  # noqa: E402 - as above

SIZES = (100, 1000, 10_000, 100_000)
QUICK = (100, 1000)
FIRST, NEXT = "2026-11-23T10:00:00+00:00", "2026-11-23T10:05:00+00:00"
OFFICE_ENDED = "2026-11-23T18:05:00+00:00"

AIMED_SIZE, LARGEST = 10_000, 100_000
FLOORS, SECONDS, MEGABYTES, REQUESTS, LINEAR = 4.0, 2.0, 120.0, 10, 11.5
QUERIES, WINDOW = 15, 5
# From: https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests

HEADS = (
    f"{'clusters':>8} {'':<10}{'wall s':>8}{'x':>6}{'CPU s':>8}{'x':>6}{'peak MB':>9}{'x':>6}{'requests':>10}{'x':>6}"
)


@dataclass(frozen=True)
class Line:
    """The best of some runs of one measurement."""

    size: int
    what: str
    wall: float
    cpu: float
    rss: float
    requests: int
    planned: int | None


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def simulator(folder: Path, size: int, *, quota: bool) -> Iterator[dict[str, str]]:
    """The simulator in a process of its own; what it prints when it is ready."""
    path = folder / "fleet.json"
    path.write_text(json.dumps(fleet(size, FIRST, quota=quota)), encoding="utf-8")
    command = [sys.executable, "-m", "lamplighter", "simulate", "--fleet", str(path), "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield json.loads(server.stdout.readline() if server.stdout else "")
        finally:
            server.terminate()


def measured(ready: dict[str, str], what: str, **given: Any) -> dict[str, Any]:
    """The figures of one fresh process."""
    done = subprocess.run(
        [sys.executable, "benchmarks/measured.py"],
        cwd=ROOT,
        input=json.dumps({"what": what, "query": CLUSTERS, "policy": POLICY, **ready, **given}),
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
    return Line(size, what, planned=runs[-1].get("planned"), **least)


def lines_of(size: int, runs: int, *, quota: bool) -> list[Line]:
    numbers = range(1, runs + 1)
    with tempfile.TemporaryDirectory() as name:
        say(f"{size:,} clusters: the simulator takes them in ...")
        with simulator(Path(name), size, quota=quota) as ready:
            run = partial(measured, ready)
            say(f"{size:,} clusters: it writes its pages ...")
            run("floor")
            rounds = [_round(run, Path(name), number, f"{size:,} clusters, run {number}/{runs}") for number in numbers]
    return [best(size, what, [one[what] for one in rounds]) for what in rounds[0]]


def _round(run: Any, folder: Path, number: int, doing: str) -> dict[str, dict[str, Any]]:
    """Every measurement once, one after the other: whatever slows the machine for a while slows them all."""
    files = {name: str(folder / f"{name}-{number}.sqlite") for name in ("journal", "queue")}
    say(f"{doing}: floor, no journal ...")
    found = {"floor": run("floor"), "no journal": run("plan", at=FIRST)}
    for what, at in (("first", FIRST), ("steady", NEXT), ("change", OFFICE_ENDED)):
        say(f"{doing}: {what} ...")
        found[what] = run("tick", at=at, **files)
    return found


def show(lines: list[Line]) -> None:
    floor = lines[0]
    for line in lines:
        size = f"{line.size:,}" if line is floor else ""
        print(
            f"{size:>8} {line.what:<10}",
            f"{line.wall:>8.3f}{line.wall / floor.wall:>6.1f}",
            f"{line.cpu:>8.3f}{line.cpu / floor.cpu:>6.1f}",
            f"{line.rss:>9.0f}{line.rss / floor.rss:>6.1f}",
            f"{line.requests:>10}{line.requests / floor.requests:>6.1f}",
            "" if line.planned is None else f"{line.planned:>12,} stops and starts planned",
            sep="",
        )
    sys.stdout.flush()


def aims(table: dict[int, list[Line]]) -> Iterator[tuple[str, str, bool]]:
    """(what is aimed at, what came out, whether it is met)"""
    if AIMED_SIZE in table:
        by = {line.what: line for line in table[AIMED_SIZE]}
        floor, bare, size = by["floor"], by["no journal"], f"{AIMED_SIZE:,}"
        ratio = bare.wall / floor.wall
        yield f"{size} without journal: within {FLOORS:g}x of the floor", f"{ratio:.1f}x", ratio <= FLOORS
        yield f"{size} without journal: {REQUESTS} requests", f"{bare.requests}", bare.requests <= REQUESTS
        for what in ("first", "steady", "change"):
            line = by[what]
            yield f"{size} with journal, {what}: under {SECONDS:g} s", f"{line.wall:.2f} s", line.wall < SECONDS
            yield f"{size} with journal, {what}: under {MEGABYTES:g} MB", f"{line.rss:.0f} MB", line.rss < MEGABYTES
    if AIMED_SIZE in table and LARGEST in table:
        for less, more in zip(table[AIMED_SIZE], table[LARGEST], strict=True):
            ratio = more.cpu / less.cpu
            yield (
                f"{LARGEST:,} {more.what}: CPU at most {LINEAR:g}x that of {less.size:,}",
                f"{ratio:.1f}x",
                ratio <= LINEAR,
            )


def footnotes(table: dict[int, list[Line]]) -> None:
    print(
        "\nOne of the requests asks which clusters are members of a Fleet Manager: a table of its own, which Resource"
    )
    print(
        "Graph's reference does not list among those that can be joined. Its answer is what keeps members from a stop."
    )
    print(f"\nWhat Resource Graph's quota adds ({QUERIES} queries in {WINDOW} s), not in the lines above; a tick waits")
    print(f"{PATIENCE_SECONDS:g} s in all and then says what is missing, a function lives 4 minutes:")
    for size, lines in table.items():
        queries = lines[1].requests
        print(f"  {size:>9,} clusters, {queries:>3} queries: {(queries - 1) // QUERIES * WINDOW:>3} s")
    most = int((PATIENCE_SECONDS // WINDOW + 1) * QUERIES - 1) * ROWS_A_PAGE
    print(f"  {most:>9,} clusters are the most that one tick reads")
    load = os.getloadavg()[0]
    print(
        f"\nLoad average {load:.1f} on {os.cpu_count()} processors at the end; when it is high, trust CPU before wall."
    )


def sizes_in(text: str) -> tuple[int, ...]:
    sizes = tuple(sorted(int(one) for one in text.split(",")))
    if sizes[0] < 1:
        raise ValueError
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description="One tick in plan mode over TLS, as ratios to a floor.")
    parser.add_argument("--sizes", type=sizes_in, default=SIZES, help="clusters, such as 100,1000 (to 100,000)")
    parser.add_argument("--quick", action="store_true", help="100 and 1,000 clusters, one run each")
    parser.add_argument("--runs", type=int, help="fresh processes per line (default 5; 2 from 50,000 clusters on)")
    parser.add_argument("--quota", action="store_true", help="with Resource Graph's quota: its waiting is in the lines")
    chosen = parser.parse_args()

    print(f"Python {sys.version.split()[0]}; x is the ratio to the floor of the same fleet in the same run\n\n{HEADS}")
    table: dict[int, list[Line]] = {}
    for size in QUICK if chosen.quick else chosen.sizes:
        runs = chosen.runs or (1 if chosen.quick else 5 if size < 50_000 else 2)
        table[size] = lines_of(size, runs, quota=chosen.quota)
        show(table[size])
    found = list(aims(table))
    if found:
        print("\nAims")
    for aim, figure, met in found:
        print(f"  {aim:<58}{figure:>9}  {'met' if met else 'MISSED'}")
    footnotes(table)


if __name__ == "__main__":
    main()
