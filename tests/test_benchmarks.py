"""The benchmarks run: what nobody runs rots, and a figure nobody can repeat is worth nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = ["floor", "no journal", "first", "steady", "change"]


@pytest.fixture(scope="module")
def quick() -> str:
    command = [sys.executable, "benchmarks/tick.py", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def figures(table: str, size: str) -> dict[str, list[float]]:
    """What was measured -> wall, its ratio, CPU, ratio, MB, ratio, requests, ratio."""
    names = "|".join(LINES)
    found: dict[str, list[float]] = {}
    shown = ""
    for line in table.splitlines():
        match = re.match(rf"\s*([\d,]*) ({names})\s+([\d. ]+)", line)
        if match:
            shown = match[1] or shown
            if shown == size:
                found[match[2]] = [float(one) for one in match[3].split()[:8]]
    return found


@pytest.mark.parametrize("size", ["100", "1,000"])
def test_one_tick_is_measured_five_ways_against_a_floor(quick: str, size: str) -> None:
    found = figures(quick, size)
    assert list(found) == LINES
    assert found["floor"][1::2] == [1, 1, 1, 1]
    assert all(wall > 0 and cpu > 0 and memory > 0 for wall, _, cpu, _, memory, *_ in found.values())


def test_a_fleet_of_a_thousand_is_one_page_and_one_question_about_members(quick: str) -> None:
    """Inventory is a few requests whatever the fleet's size; cluster by cluster it would be thousands."""
    found = figures(quick, "1,000")
    requests = {what: numbers[6] for what, numbers in found.items()}
    assert requests["floor"] == 1
    assert requests["no journal"] == requests["steady"] == requests["change"] == 2


def test_the_table_says_what_the_quota_of_resource_graph_adds(quick: str) -> None:
    assert re.search(r"1,000 clusters,\s+2 queries:\s+0 s", quick)


def test_an_alert_leads_to_one_write_and_is_measured_against_a_floor() -> None:
    command = [sys.executable, "benchmarks/alert.py", "--runs", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = dict(re.findall(r"^(floor|answer|app)\s+[\d.]+\s+[\d.]+\s+([\d.]+)$", done.stdout, re.MULTILINE))
    assert float(rows["floor"]) == 1
    assert float(rows["app"]) >= 1
    assert "POST to accepted write:" in done.stdout


def test_a_backtest_is_measured_against_the_deciding_alone() -> None:
    command = [sys.executable, "benchmarks/replay.py", "--clusters", "2", "--days", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = dict(re.findall(r"^(office|busy) (.*)$", done.stdout, re.MULTILINE))
    for row in rows.values():
        needs, acted, looks, ticks, floor, cpu, ratio, _ = (float(one.replace(",", "")) for one in row.split())
        assert 0 < needs < looks < ticks == 2 * 7 * 288
        assert acted > 0
        assert cpu > floor
        assert ratio > 1
    assert list(rows) == ["office", "busy"]
    assert "Aims" not in done.stdout, "which are those of the whole fleet"
