"""`lamplighter upgrades` as a user meets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lamplighter.remembered import change_fleet, journal_at
from shared.model.memory import FleetMemory, Memory
from shared.model.upgrades import Halt, Proof, Ring, Rings, Run, UpgradePast

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


def remembered(cluster: str, ring: str, run: Run | None, **more) -> Memory:
    id_ = (
        f"/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg-{cluster}"
        f"/providers/microsoft.containerservice/managedclusters/{cluster}"
    )
    return Memory(id_, upgrade=UpgradePast(rule="rings", ring=ring, goal="1.36.0", run=run, **more))


@pytest.fixture
def soaking(tmp_path, files):
    """dev came to 1.35.1 four days ago and ran for ten hours since; staging waits on 1.34."""
    since = datetime(2026, 11, 24, 9, tzinfo=UTC)
    (tmp_path / "fleet.yaml").write_text(
        FLEET.replace('name: web-dev, tags: {environment: dev}, kubernetes_version: "1.34"',
                      'name: web-dev, tags: {environment: dev}, kubernetes_version: "1.35.1"')
    )  # fmt: skip
    (tmp_path / "policy.yaml").write_text(POLICY.replace("soak: {days: 7}", "soak: {days: 7, running_hours: 40}"))
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with journal_at(url) as journal:
        run_ = Run("1.35.1", since, timedelta(hours=10), None)
        journal.swap(remembered("web-dev", "dev", run_, came_from="1.34.2"), None)
        journal.swap(remembered("web-stg", "staging", Run("1.34.2", since - timedelta(days=60))), None)
    return (*files, *AT, "--journal", url)


def test_how_far_a_soak_is_and_when_the_next_ring_may_begin(run, soaking):
    said = run("upgrades", *soaking)

    (dev,) = [line for line in said.out.splitlines() if line.startswith("dev ")]
    assert "1.35.1: 4.0 of 7 days, 10 of 40 running hours" in dev
    # Seven days are over on Tuesday 1 December at ten in the morning; the window opens that evening.
    (staging,) = [line for line in said.out.splitlines() if line.startswith("staging ")]
    assert staging.rstrip().endswith("Tue 1 Dec 20:00")
    by_name = {
        one["cluster"].rpartition("/")[2]: one
        for one in run("upgrades", *soaking, "--json").json["rules"][0]["clusters"]
    }
    assert by_name["web-stg"]["not_before"] == "2026-12-01T19:00:00Z"
    assert "ring dev has yet to soak 1.35.0" in by_name["web-stg"]["next"]
    assert "ring dev is still soaking 1.35.1" in by_name["web-dev"]["next"]


def test_plan_and_explain_say_what_upgrades_says(run, files):
    """From the same file, with the same calendar of versions."""
    at = ("--at", "2026-12-01T19:30Z")
    told = {one["cluster"]: one for one in run("upgrades", *files, *at, "--json").json["rules"][0]["clusters"]}
    planned = {one["cluster"]: one for one in run("plan", *files, *at, "--json").json["decisions"] if one["rule"]}

    assert set(planned) <= set(told)
    for id_, one in planned.items():
        assert one["reason"] == told[id_]["reason"]
        assert told[id_]["next"].partition(";")[0] in one["message"]
    explained = run("explain", "web-stg", *files, *at).out
    assert "control plane 1.34.2 -> 1.35" in explained
    assert "is not known" not in explained + run("plan", *files, *at).out


def test_commands_that_look_ahead_live_with_changes_that_are_no_starts(run, files, tmp_path):
    """A tier, a maintenance window and a repair wait for no transition."""
    more = (
        "maintenance: true}}\n  - {name: cheap, tier: {nonproduction: Free}}\n  - {name: heal, repair: {after: 1h}}\n"
    )
    (tmp_path / "policy.yaml").write_text(POLICY.replace("window: patching}}\n", f"window: patching, {more}"))
    (tmp_path / "fleet.yaml").write_text(
        FLEET + "  - {name: paid, tags: {environment: dev}, tier: Standard}\n"
        "  - {name: ill, tags: {environment: dev}, error: InternalError}\n"
        "  - {name: ill-prod, tags: {environment: prod}, error: InternalError}\n"
    )
    for command in (
        ("calendar",),
        ("explain", "paid"),
        ("explain", "ill"),
        ("plan",),
    ):
        said = run(*command, *files, *AT)
        assert (said.code, said.err) == (0, ""), command
    plan = {one["target"].rpartition("/")[2]: one for one in run("plan", *files, *AT, "--json").json["decisions"]}
    assert (plan["paid"]["action"], plan["paid"]["estimated_saving"]) == (
        "tier",
        {"amount": "73.00", "currency": "USD"},
    )
    assert (plan["ill"]["action"], plan["ill"]["reason"]) == ("repair", "repair")
    assert (plan["ill-prod"]["action"], plan["ill-prod"]["reason"]) == ("refuse", "production")


def window_of(one) -> dict:
    return one["configurations"]["aksManagedAutoUpgradeSchedule"]["properties"]["maintenanceWindow"]


def test_the_configurations_of_aks_are_printed_as_they_are_written(run, files):
    (said,) = run("upgrades", "--maintenance", *files, *AT).json["rings"]

    assert said["clusters"] == ["auto-dev", "web-dev", "web-stg"]
    assert set(said["configurations"]) == {"aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"}
    window = window_of(said)
    assert (window["utcOffset"], window["startTime"], window["durationHours"]) == ("+01:00", "20:00", 4)
    (summer,) = run("upgrades", "--maintenance", *files, "--at", "2026-07-01T09:00Z").json["rings"]
    assert window_of(summer)["utcOffset"] == "+02:00"


def test_a_freeze_of_some_clusters_is_in_theirs_alone(run, files, tmp_path):
    freezes = (
        "freezes:\n"
        "  - {name: yule, from: 2026-12-24, to: 2026-12-26, hold: [upgrade]}\n"
        "  - {name: quarter, from: 2026-12-28, to: 2026-12-31, match: {environments: [staging]}, hold: [upgrade]}\n"
    )
    (tmp_path / "policy.yaml").write_text(POLICY.replace("rules:", f"{freezes}rules:"))
    groups = {
        tuple(one["clusters"]): window_of(one) for one in run("upgrades", "--maintenance", *files, *AT).json["rings"]
    }

    assert {names: len(window["notAllowedDates"]) for names, window in groups.items()} == {
        ("auto-dev", "web-dev"): 1,
        ("web-stg",): 2,
    }
    alone = run("upgrades", "--maintenance", "--policy", str(tmp_path / "policy.yaml"), *AT)
    assert alone.err == "note: quarter freezes some clusters only: name a fleet with --fleet to see theirs\n"
    assert len(window_of(alone.json["rings"][0])["notAllowedDates"]) == 1


def test_a_rule_without_a_window_leaves_aks_windows_alone(run, files, tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY.replace(", window: patching", ""))
    (said,) = run("upgrades", "--maintenance", *files, *AT).json["rings"]
    assert "it has no window" in said["problem"]
