"""What Lamplighter itself costs a month, for 10, 100, 1,000 and 10,000 clusters, from measured seconds and requests.

    .venv/bin/python benchmarks/running_cost.py [--latency 0.1] [--memory 512] [--page docs/running-cost.md]

Measured here: the CPU of a tick and of a pulse, and how many requests they make, on the deployed handlers over TLS
against the simulator; a small instance has a part of a core, and takes longer. What one act and one hint ask for is
counted in the code. Azure's own latency can't be measured here: each request is given --latency seconds on top.
Billed is what Flex Consumption bills: at least a second an execution, times the memory of the instance. Executions at
the same time on one instance are billed once; here each counts, so the figures are a ceiling.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.tick import FIRST, NEXT, measured, simulator  # noqa: E402 - as a script

SIZES = (10, 100, 1000, 10_000)
DAYS, WORKDAYS = 30, 22
TICKS, MINUTES = 12 * 24 * DAYS, 60 * 24 * DAYS
LEAST_SECONDS = 1.0
"""From: https://learn.microsoft.com/azure/azure-functions/functions-consumption-costs"""
ACT_REQUESTS, LOOK_REQUESTS = 12, 5
"""Of one act: cluster, locks, write, and the journal's and queue's; of one hint: memory and cluster."""
CORES_A_GIGABYTE = 0.5
"""An instance of 512 MB has a quarter of a core.
From: https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#instance-sizes"""
EVENTS = 3
"""Hints that one start or stop brings: accepted, written, done."""
GB_SECOND, MILLION, FREE_GB_SECONDS, FREE_EXECUTIONS = 0.000026, 0.40, 100_000, 250_000
"""USD, East US, on demand. From: https://azure.microsoft.com/pricing/details/functions/ (read 2025-05)"""
PER_10K_OPERATIONS = 0.05
"""USD; a ceiling: tables and queues cost less, blobs' writes about that. From: .../pricing/details/storage/"""
LOG_GB, FREE_LOG_GB = 2.30, 5.0
"""USD for a GB of logs. From: https://azure.microsoft.com/pricing/details/monitor/ (read 2026)"""
LINE_BYTES = 1200
"""One invocation's request, trace and figure, as they are stored."""
HOST_OPERATIONS_A_MINUTE = 12
"""Two queues looked at every quarter of a minute, and the leases of timers."""


@dataclass(frozen=True)
class Month:
    """A month of one size of fleet."""

    size: int
    tick_s: float
    pulse_s: float
    executions: float
    gb_seconds: float
    operations: float
    log_gb: float

    @property
    def functions(self) -> tuple[float, float]:
        """(USD with the free grant of the subscription, without)"""
        paid = max(0.0, self.gb_seconds - FREE_GB_SECONDS) * GB_SECOND
        paid += max(0.0, self.executions - FREE_EXECUTIONS) / 1e6 * MILLION
        return paid, self.gb_seconds * GB_SECOND + self.executions / 1e6 * MILLION

    @property
    def storage(self) -> float:
        return self.operations / 1e4 * PER_10K_OPERATIONS

    @property
    def logs(self) -> tuple[float, float]:
        return max(0.0, self.log_gb - FREE_LOG_GB) * LOG_GB, self.log_gb * LOG_GB


def month(size: int, latency: float, gigabytes: float) -> Month:
    """Every cluster of the fleet is stopped and started once each working day: more than any fleet does."""
    with tempfile.TemporaryDirectory() as name:
        files = {what: f"{name}/{what}.sqlite" for what in ("journal", "queue")}
        with simulator(Path(name), size, quota=False) as ready:
            run = partial(measured, ready, size=size, **files)
            run("tick", at=FIRST)
            steady, pulse = run("tick", at=NEXT), run("pulse", at=NEXT)
    pages, cores = pages_of(size), gigabytes * CORES_A_GIGABYTE
    tick_s = max(LEAST_SECONDS, steady["cpu"] / cores + (steady["requests"] + pages + 4) * latency)
    pulse_s = max(LEAST_SECONDS, pulse["cpu"] / cores + pages * latency)
    return lived(size, tick_s, pulse_s, latency, gigabytes)


def pages_of(size: int) -> int:
    """Of the inventory and of the journal."""
    return size // 1000 + 1


def lived(size: int, tick_s: float, pulse_s: float, latency: float, gigabytes: float) -> Month:
    """A month of ticks and pulses that take so many seconds."""
    pages = pages_of(size)
    acts = 2 * WORKDAYS * size
    act_s, look_s = (max(LEAST_SECONDS, count * latency) for count in (ACT_REQUESTS, LOOK_REQUESTS))
    seconds = TICKS * tick_s + MINUTES * (pulse_s + LEAST_SECONDS) + acts * (act_s + EVENTS * look_s)
    executions = TICKS + 2 * MINUTES + acts * (1 + EVENTS)
    operations = TICKS * (pages + 4) + MINUTES * (pages + 2 + HOST_OPERATIONS_A_MINUTE) + acts * (10 + 2 * EVENTS)
    return Month(size, tick_s, pulse_s, executions, seconds * gigabytes, operations, executions * LINE_BYTES / 1e9)


def table(months: list[Month]) -> str:
    """As the page has it."""
    heads = ("clusters", "tick", "pulse", "executions", "GB-seconds", "functions", "storage", "logs", "together")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for one in months:
        (paid, whole), (logs, all_logs) = one.functions, one.logs
        cells = (
            f"{one.size:,}",
            f"{one.tick_s:.1f} s",
            f"{one.pulse_s:.1f} s",
            f"{one.executions:,.0f}",
            f"{one.gb_seconds:,.0f}",
            f"{paid:.2f} ({whole:.2f})",
            f"{one.storage:.2f}",
            f"{logs:.2f} ({all_logs:.2f})",
            f"{paid + one.storage + logs:.2f} ({whole + one.storage + all_logs:.2f})",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write(page: Path, text: str) -> None:
    """Between the page's two comments."""
    head, _, rest = page.read_text(encoding="utf-8").partition("<!-- table -->\n")
    page.write_text(
        f"{head}<!-- table -->\n{text}<!-- /table -->{rest.partition('<!-- /table -->')[2]}", encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What Lamplighter itself costs a month.")
    parser.add_argument("--latency", type=float, default=0.1, help="seconds Azure takes for a request (default 0.1)")
    parser.add_argument("--memory", type=int, default=512, choices=(512, 2048, 4096), help="MB of an instance")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="clusters, such as 10,100")
    parser.add_argument("--page", type=Path, help="write the table into this page too")
    asked: Any = parser.parse_args()
    months = [month(int(size), asked.latency, asked.memory / 1024) for size in asked.sizes.split(",")]
    text = table(months)
    print(text)
    print("In brackets: without the free grants of the subscription and the workspace.")
    if asked.page:
        write(asked.page, text)


if __name__ == "__main__":
    main()
