"""The idle benchmark measures what it says: published figures come out again, and learning stays within its bound."""

import importlib
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def idle(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("idle")


def figures(idle, users, name):
    costs = idle.Costs()
    return idle.figures(users, idle.policies(costs)[name], costs)


def test_on_the_shipped_trace_learning_beats_break_even_and_keeps_its_bound(idle):
    (users,) = idle.usage(None).values()

    plain, ours = figures(idle, users, "fixed 30m (break-even)"), figures(idle, users, "ours")
    assert len(users) == 12
    assert ours["mean"] < plain["mean"]
    assert ours["p90"] < plain["p90"]
    assert ours["worst"] < 2


@pytest.mark.reference
@pytest.mark.parametrize(
    ("log", "median", "p90", "cold"), [("NASA-iPSC", 2.03, 4.49, 1.33), ("wagap", 1.04, 1.35, 0.43)]
)
def test_break_even_costs_on_the_job_logs_what_was_measured_before(idle, log, median, p90, cold):
    folder = os.environ.get("LAMPLIGHTER_REFERENCE")
    if not folder:
        pytest.skip("LAMPLIGHTER_REFERENCE names no folder of reference data")
    users = idle.usage(Path(folder) / "data" / "usage")[log]

    found = figures(idle, users, "fixed 30m (break-even)")
    assert (round(found["median"], 2), round(found["p90"], 2), round(found["cold"], 2)) == (median, p90, cold)
    ours = figures(idle, users, "ours")
    assert ours["worst"] < 2
    assert ours["p90"] < figures(idle, users, "best fixed of 7, hindsight")["p90"]


def test_jobs_that_touch_are_one_need(idle):
    usage = importlib.import_module("idle_usage")

    assert usage.merged([(3, 4), (0, 1), (1, 2), (1.5, 1.7)]) == ((0, 2), (3, 4))


def test_a_folder_without_logs_is_refused_in_one_sentence(idle, tmp_path):
    with pytest.raises(SystemExit, match="holds no job log"):
        idle.usage(tmp_path)
