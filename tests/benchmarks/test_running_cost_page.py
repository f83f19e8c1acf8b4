"""What the page about running cost says follows from its own seconds, as the benchmark counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.running_cost import MINUTES, SIZES, TICKS, lived

PAGE = Path(__file__).parents[2] / "docs" / "running-cost.md"
LATENCY, GIGABYTES = 0.1, 0.5
ROUNDED = 0.05 * (TICKS + MINUTES) * GIGABYTES
"""GB-seconds that a tick and a pulse may have more or fewer than the page's tenths of a second tell."""


def rows() -> list[list[str]]:
    text = PAGE.read_text(encoding="utf-8").partition("<!-- table -->")[2].partition("<!-- /table -->")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()[2:]]


def number(cell: str) -> float:
    return float(cell.removesuffix(" s").replace(",", "").split(" (")[0])


def in_brackets(cell: str) -> float:
    return float(cell.partition("(")[2].rstrip(")"))


def test_every_size_has_its_row():
    assert [number(row[0]) for row in rows()] == list(SIZES)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_adds_up(row: list[str]):
    size, tick, pulse, executions, gb_seconds, _, storage, logs, together = map(number, row)
    month = lived(int(size), tick, pulse, LATENCY, GIGABYTES)
    (paid, whole), (log_paid, all_logs) = month.functions, month.logs
    cents = 0.015 + ROUNDED * 0.000026

    assert month.executions == executions
    assert month.gb_seconds == pytest.approx(gb_seconds, abs=ROUNDED)
    assert month.storage == pytest.approx(storage, abs=0.006)
    assert log_paid == pytest.approx(logs, abs=0.006)
    assert paid + month.storage + log_paid == pytest.approx(together, abs=cents)
    assert whole + month.storage + all_logs == pytest.approx(in_brackets(row[8]), abs=cents)
