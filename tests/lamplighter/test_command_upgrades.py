"""`lamplighter upgrades` as a user meets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lamplighter.remembered import change_fleet, journal_at
from shared.model.memory import FleetMemory
from shared.model.upgrades import Halt, Proof, Ring, Rings

FLEET = """
clusters:
  - {name: web-dev, tags: {environment: dev}, kubernetes_version: "1.34"}
  - {name: auto-dev, tags: {environment: dev}, properties: {autoUpgradeProfile: {upgradeChannel: stable}}}
  - {name: web-stg, tags: {environment: staging}, kubernetes_version: "1.34"}
  - {name: shop, tags: {environment: prod}, kubernetes_version: "1.33", tier: Free}
"""
POLICY = """
version: 1
mode: act
timezone: Europe/Berlin
environments:
  - {name: prod, production: true, match: {tags: {environment: prod}}}
  - {name: dev, match: {tags: {environment: dev}}}
  - {name: staging, match: {tags: {environment: staging}}}
schedules: {patching: {running: [Tue 20:00-24:00]}}
rules:
  - {name: rings, upgrades: {to: stable, rings: [dev, staging], soak: {days: 7}, window: patching}}
"""
AT = ("--at", "2026-11-28T09:00Z")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return ("--fleet", str(tmp_path / "fleet.yaml"), "--policy", str(tmp_path / "policy.yaml"))


def test_it_shows_rings_versions_next_steps_and_their_dates(run, files):
    said = run("upgrades", *files, *AT)

    assert (said.code, said.err) == (0, "")
    assert "rings · to stable · window patching · 1 at once" in said.out
    lines = {line.split()[0]: line for line in said.out.splitlines() if line.split()}
    assert "Tue 1 Dec 20:00" in said.out, "the first ring, in its next window"
    assert "Tue 8 Dec 20:00" in said.out, "the second, a soak later"
    assert "ended 2026-07-31" in lines["shop"] or "ended 2026-07-31" in said.out
    assert "AKS upgrades it by itself" in said.out


def test_its_json_tells_the_same(run, files):
    said = run("upgrades", *files, *AT, "--json").json
    by_name = {one["cluster"].rpartition("/")[2]: one for one in said["rules"][0]["clusters"]}

    assert by_name["web-dev"]["not_before"] == "2026-12-01T19:00:00Z"
    assert by_name["web-stg"]["reason"] == "ring_waits"
    assert by_name["auto-dev"]["reason"] == "auto_upgrade"
    assert "shop" not in by_name
    assert [one["state"] for one in said["support"]["versions"] if one["production"]] == ["ended"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("stop",), "expected release"), (("--rule", "nope"), "expected one of rings"), (("release",), "no journal is named")],
)  # fmt: skip
def test_bad_input_is_one_sentence(run, files, arguments, sentence):
    said = run("upgrades", *arguments, *(() if arguments == ("release",) else files))

    assert said.code == 2
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1


def test_a_halt_is_shown_and_released(run, files, tmp_path):
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    at = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
    proof = Proof("1.35.1", at, 1, at - timedelta(days=8), ("1.34",), 0)
    halt = Halt("dev", "c", at, "web-dev/apps: PodDrainFailure: a pod may not go")
    with journal_at(url) as journal:
        change_fleet(
            journal, lambda _: FleetMemory(rings={"rings": Rings((Ring("dev", proof), Ring("staging")), halt)})
        )

    shown = run("upgrades", *files, *AT, "--journal", url)
    assert "stand still: web-dev/apps: PodDrainFailure" in shown.out
    told = run("upgrades", *files, *AT, "--journal", url, "--json").json["support"]["versions"]
    assert "1.34 -> 1.35, ran on 1 cluster in dev for 11 days, no failed roll" in [one["tested"] for one in told]
    released = run("upgrades", "release", "--journal", url, "--owner", "ana")
    assert "go on from the next tick" in released.out
    assert "Nothing stands still" in run("upgrades", "release", "--journal", url, "--owner", "ana").out
    with journal_at(url) as journal:
        assert journal.fleet().value.rings["rings"].released_by == "ana"
        assert [(one.kind, one.resolved) for one in journal.notices()] == [("ring_halted", True)]


def test_the_configurations_of_aks_are_printed_as_they_are_written(run, files):
    said = run("upgrades", "--maintenance", *files, *AT).json

    window = said["rings"]["aksManagedAutoUpgradeSchedule"]["properties"]["maintenanceWindow"]
    assert (window["utcOffset"], window["startTime"], window["durationHours"]) == ("+01:00", "20:00", 4)
    assert run("upgrades", "--maintenance", *files, "--at", "2026-07-01T09:00Z").json["rings"]["aksManagedAutoUpgradeSchedule"][
        "properties"]["maintenanceWindow"]["utcOffset"] == "+02:00"  # fmt: skip
