"""`lamplighter backtest` as people run it: the table, the JSON that scripts read, the picture, and every wrong option."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lamplighter.backtest.standard import standard_text
from shared.policy.document import read_policy

HISTORY = """\
time,cluster,active,tag:environment
2026-03-02T00:00:00Z,web-dev,0,dev
2026-03-02T00:00:00Z,shop-prod,0,prod
2026-03-02T09:00:00Z,web-dev,1,
2026-03-02T17:00:00Z,web-dev,0,
2026-03-03T09:00:00Z,web-dev,1,
2026-03-03T17:00:00Z,web-dev,0,
2026-03-04T00:00:00Z,web-dev,0,
2026-03-04T00:00:00Z,shop-prod,0,
"""
HERE = ("backtest", "--history", "usage.csv")


@pytest.fixture(autouse=True)
def usage(room: Path) -> None:
    (room / "usage.csv").write_text(HISTORY, encoding="utf-8")


def outcomes(ran) -> dict[str, dict]:
    assert ran.code == 0, ran.err
    return {one["name"]: one for one in ran.json["outcomes"]}


def test_json_is_the_contract(run):
    """Scripts read this: exactly these keys, `Z`, hours and shares as numbers."""
    said = run(*HERE, "--rule", "hours", "--json")
    assert list(said.json) == ["history", "limits", "costs", "outcomes"]
    assert said.json["history"] == {
        "source": "usage.csv",
        "begin": "2026-03-02T00:00:00Z",
        "end": "2026-03-04T00:00:00Z",
        "clusters": 2,
    }
    assert said.json["limits"] == {"start_seconds": 360, "stop_seconds": 180, "rest_seconds": 1800}
    assert said.json["costs"] == [{"starting_hours": 0.1, "waiting_hours": 0.4, "clusters": 2}]
    names = ["standard hours", "always-on", "12x5", "idle 10m", "idle 30m", "idle 1h", "idle 2h", "optimum"]
    assert list(outcomes(said)) == names
    assert [one["policy"] for one in said.json["outcomes"]] == [True] + [False] * 7
    always = outcomes(said)["always-on"]
    assert always["total"] == {
        "hours": 96.0,
        "hours_on": 96.0,
        "hours_saved": 0.0,
        "share_saved": 0.0,
        "cold_starts": 0,
        "cold_starts_a_day": 0.0,
        "hours_needed": 16.0,
        "share_covered": 1.0,
        "late_minutes": 0.0,
        "late_minutes_a_day": 0.0,
        "stops": 0,
        "bill_over_least": round(96 / (2 * 0.15 + 2 * (0.1 + 8 + 0.05 + 0.1)), 4),
    }
    assert [one["cluster"] for one in always["clusters"]] == ["shop-prod", "web-dev"]
    assert always["clusters"][0]["share_covered"] is None, "nobody needed it"


def test_hours_by_hand(run):
    """Tuesday 07:50 to 20:03 after a Monday that is on until 20:03: 12 h 13 min and 20 h 3 min."""
    said = outcomes(run(*HERE, "--rule", "hours", "--json"))["standard hours"]
    web = next(one for one in said["clusters"] if one["cluster"] == "web-dev")
    assert web["hours_on"] == pytest.approx(20 + 3 / 60 + 12 + 13 / 60, abs=0.001)
    assert (web["cold_starts"], web["share_covered"], web["late_minutes"]) == (0, 1.0, 0.0)


def test_the_policy_decides_which_clusters_it_means(run):
    """By tags from the file: web-dev has office hours, shop-prod is production; both are told."""
    said = run(*HERE, "--policy", "policy.yaml", "--json")
    mine = outcomes(said)["policy.yaml"]
    on = {one["cluster"]: one["hours_on"] for one in mine["clusters"]}
    assert on["shop-prod"] == 48
    assert 20 < on["web-dev"] < 35
    assert said.err == "note: 1 cluster is production in policy.yaml, so never stopped\n"


def test_the_table_is_calm(run):
    said = run(*HERE, "--rule", "idle")
    assert (said.code, said.err) == (0, "")
    assert "2 clusters, 2 days from 02 Mar 2026, needed 16.7% of the time" in said.out
    assert "standard idle" in said.out
    assert "web-dev" in said.out
    assert "\x1b" not in said.out, "no colours in a pipe"


@pytest.mark.parametrize(("columns", "says"), [("80", False), ("100", True)])
def test_a_narrow_terminal_keeps_the_numbers_whole(run, monkeypatch: pytest.MonkeyPatch, columns: str, says: bool):
    monkeypatch.setenv("COLUMNS", columns)
    out = run(*HERE, "--rule", "hours").out
    assert ("knows every need in advance" in out) is says
    assert re.search(r"^optimum +\d+ +\d+ +\d+\.\d% +0\.00 +100\.0% +0\.0 +1\.00", out, re.MULTILINE)


WITH_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from lamplighter.__main__ import main
sys.exit(main({words!r}))
"""


PATIENCE = 5.0
"""Seconds after which a key that had no effect is pressed once more."""


def in_a_terminal(*words: str, press: bytes = b"") -> tuple[int, str, str]:
    """(exit code, stdout, what the terminal showed of stderr); `press` is typed once a bar is there, and again when it
    is still drawn seconds later: what arrives inside a destructor or a lock of the drawing is lost to Python."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", WITH_TERMINAL.format(words=list(words))],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    ) as asked:
        os.close(theirs)
        shown, due = b"", 0.0
        while chunk := _read(ours):
            shown += chunk
            if press and b"replaying" in shown and time.monotonic() >= due:
                os.write(ours, press)
                due = time.monotonic() + PATIENCE
        out, _ = asked.communicate(timeout=60)
    os.close(ours)
    return asked.returncode, out, shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux's word for: nobody is at the other end any more
        return b""


def test_a_terminal_has_a_bar_that_goes_when_it_is_done(room: Path):
    code, out, shown = in_a_terminal(*HERE, "--rule", "hours", "--json")
    assert (code, json.loads(out)["history"]["clusters"]) == (0, 2)
    assert "replaying standard hours ..." in shown
    assert "0%" in shown
    assert shown.rstrip().endswith("\x1b[2K"), "the last thing shown is an empty line"
    assert "\x1b[?25h" in shown, "and the cursor"


def test_an_interrupt_ends_the_bar_and_gives_the_cursor_back(room: Path):
    long = HISTORY.replace("2026-03-04", "2096-03-04")
    (room / "usage.csv").write_text(long, encoding="utf-8")
    code, out, shown = in_a_terminal(*HERE, "--rule", "hours", press=b"\x03")
    assert (code, out) == (130, "")
    assert "\x1b[?25h" in shown
    assert "Traceback" not in shown


def test_only_what_was_asked_for(run, room: Path):
    """Another policy may stand beside it, and any timeout."""
    (room / "other.yaml").write_text(standard_text("hours", "UTC"), encoding="utf-8")
    said = run(*HERE, "--rule", "idle", "--against", "45m", "--against", "other.yaml", "--json")
    assert list(outcomes(said)) == ["standard idle", "idle 45m", "other.yaml"]


def test_woken_by_nobody(run):
    """12x5 from 8 to 20 in Tokyo is 23:00 to 11:00 UTC: of the work from 9 to 17, two hours a day are covered."""
    said = outcomes(run(*HERE, "--rule", "hours", "--zone", "Asia/Tokyo", "--no-wake", "--json"))
    assert said["12x5"]["total"]["share_covered"] == pytest.approx(2 / 8)
    assert said["standard hours"]["total"]["share_covered"] == pytest.approx((2 + 2) / 16)


def test_longer_starts_make_people_wait_longer(run):
    def late(*more: str) -> float:
        return outcomes(run(*HERE, *more, "--against", "30m", "--json"))["idle 30m"]["total"]["late_minutes"]

    assert late() == 12
    assert late("--start-takes", "15m") == 30


@pytest.mark.parametrize("name", ["backtest.svg", "backtest.png"])
def test_a_picture(run, room: Path, name: str):
    said = run(*HERE, "--rule", "hours", "--picture", name)
    assert said.code == 0
    data = (room / name).read_bytes()
    if name.endswith(".png"):
        assert data.startswith(b"\x89PNG")
    else:
        texts = set(re.findall(r">([^<>]+)</text>", data.decode()))
        assert {"standard hours", "always-on", "optimum", "cold starts a day"} <= texts


def test_the_standard_policies_are_good_policies():
    for rule in ("idle", "hours"):
        assert read_policy(standard_text(rule, "Europe/Berlin"), "standard").rules[0].kind == rule


WRONG = [
    ((), "no history is named", "--history usage.csv"),
    (("--history", "usage.csv", "--live"), "--history names a file", "one of them"),
    (("--live", "--days", "200"), "--days 200", "1 to 90"),
    (("--history", "usage.csv", "--format", "xml"), "'xml'", "--format swf"),
    (("--history", "usage.csv", "--rule", "spot"), "'spot'", "--rule idle"),
    (("--history", "usage.csv", "--rule", "idle", "--policy", "policy.yaml"), "--policy names another", "one of them"),
    (("--history", "usage.csv", "--against", "tuesday"), "'tuesday'", "45m"),
    (("--history", "usage.csv", "--against", "other.yaml"), "other.yaml", "no such file"),
    (("--history", "usage.csv", "--zone", "CET"), "'CET'", "Europe/Berlin"),
    (("--history", "usage.csv", "--days", "0"), "--days 0", "--days 14"),
    (("--history", "usage.csv", "--picture", "backtest.gif"), "backtest.gif", "backtest.svg"),
    (("--history", "usage.csv", "--picture", "nowhere/backtest.svg"), "nowhere", "cannot be written"),
    (("--history", "usage.csv", "--start-takes", "soon"), "'soon'", "30m"),
]


@pytest.mark.parametrize(("words", "what", "expected"), WRONG, ids=[what for _, what, _ in WRONG])
def test_wrong_options_are_one_sentence(run, words: tuple[str, ...], what: str, expected: str):
    said = run("backtest", *words)
    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
    assert what in said.err
    assert expected in said.err


def test_json_is_one_document(run):
    assert json.loads(run(*HERE, "--json").out)
