"""check, plan, calendar, diff, explain: what people see before anything happens."""

import json
from pathlib import Path

import pytest

from shared.clients.journal import Journal
from shared.clients.store_sqlite import SqliteStore
from shared.model.memory import FleetMemory

MONDAY_NIGHT = ("--at", "2026-12-21T21:00:00+01:00")
FLEET = ("--fleet", "fleet.yaml")
CLUSTERS = "/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg-{0}/providers/microsoft.containerservice/managedclusters/{0}"


def by_name(plan: dict) -> dict[str, dict]:
    return {one["target"].rpartition("managedclusters/")[2]: one for one in plan["decisions"]}


# --- plan ---


def test_plan_json_is_the_contract(run):
    """Scripts read this: exactly these keys, lower-case ids, `Z`, and null where a saving is not known."""
    said = run("plan", *FLEET, *MONDAY_NIGHT, "--json")
    assert (said.code, said.err) == (0, "")
    assert list(said.json) == ["at", "decisions", "groups", "support"]
    assert said.json["at"] == "2026-12-21T20:00:00Z"
    assert by_name(said.json)["web-dev"] == {
        "cluster": CLUSTERS.format("web-dev"),
        "target": CLUSTERS.format("web-dev"),
        "action": "stop",
        "reason": "off_hours",
        "message": "stop: outside office until Tue 22 Dec 07:10",
        "rule": "dev-office-hours",
        "estimated_saving": None,
    }


@pytest.mark.parametrize(
    ("target", "action", "reason"),
    [
        ("web-dev", "stop", "off_hours"),
        ("api-dev", "none", "as_wished"),
        ("nap-dev", "refuse", "node_provisioning"),
        ("busy-dev", "defer", "busy"),
        ("kept-dev", "none", "as_wished"),
        ("shop-stg", "none", "no_rule"),
        ("shop-stg/agentpools/batch1", "stop", "off_hours"),
        ("shop-prod", "none", "production"),
        ("orphan", "none", "production"),
    ],
)
def test_every_cluster_has_a_decision_and_a_reason(run, target, action, reason):
    decision = by_name(run("plan", *FLEET, *MONDAY_NIGHT, "--json").json)[target]
    assert (decision["action"], decision["reason"]) == (action, reason)


def test_plan_is_a_table_per_environment_with_the_counts_below(run):
    said = run("plan", *FLEET, *MONDAY_NIGHT)
    lines = said.out.splitlines()
    headings = [line for line in lines if "·" in line]
    assert [line.rstrip() for line in headings] == [
        "dev · 7 clusters",
        "staging · 1 cluster",
        "prod · 1 cluster · production",
        "no environment, and so production · 1 cluster",
    ]
    assert "10 clusters: 4 to stop, 1 waiting, 1 refused, 5 need nothing" in lines
    assert "twin (rg-one)" in said.out


def test_plan_says_when_the_policy_only_plans(run, room):
    (room / "policy.yaml").write_text((room / "policy.yaml").read_text().replace("mode: act", "mode: plan"))
    assert "mode: plan" in run("plan", *FLEET, *MONDAY_NIGHT).out


def test_a_large_plan_leaves_out_what_needs_nothing_and_says_so(run, room):
    fleet = "clusters: [{name: calm, count: 50}, {name: web, tags: {environment: dev}}]"
    (room / "fleet.yaml").write_text(fleet)
    said = run("plan", *FLEET, *MONDAY_NIGHT)
    assert "calm-00007" not in said.out
    assert "--all lists them" in said.out
    assert "calm-00007" in run("plan", *FLEET, *MONDAY_NIGHT, "--all").out


def test_plan_of_an_empty_fleet_is_no_error(run, room):
    (room / "fleet.json").write_text("[]")
    said = run("plan", "--fleet", "fleet.json")
    assert (said.code, said.err) == (0, "")
    assert "The fleet is empty" in said.out


@pytest.mark.parametrize("columns", ["60", "80", "100", "200"])
@pytest.mark.parametrize("command", ["plan", "check", "calendar"])
def test_tables_keep_to_the_width_of_the_terminal(run, monkeypatch, columns, command):
    monkeypatch.setenv("COLUMNS", columns)
    assert max(map(len, run(command, *FLEET, *MONDAY_NIGHT).out.splitlines())) <= int(columns)


def test_plan_with_a_journal_knows_of_an_emergency_hold(run, room):
    journal = Journal(SqliteStore(room / "j.db"))
    journal.swap_fleet(FleetMemory(hold_by="ana", hold_reason="incident 7"), None)
    journal.close()
    plan = run("plan", *FLEET, *MONDAY_NIGHT, "--json", "--journal", "sqlite:///j.db").json
    assert by_name(plan)["web-dev"]["action"] != "stop"


def test_a_rule_that_was_just_adopted_stops_nothing_yet(run):
    """The first tick in `act` mode adopts; what stands at that moment is nobody's transition."""
    steady = by_name(run("plan", *FLEET, *MONDAY_NIGHT, "--json").json)["web-dev"]
    new = by_name(run("plan", *FLEET, *MONDAY_NIGHT, "--json", "--journal", "sqlite:///j.db").json)["web-dev"]
    assert (steady["action"], new["action"], new["reason"]) == ("stop", "none", "before_adoption")


# --- calendar ---


def test_calendar_json_is_the_contract(run):
    said = run("calendar", *FLEET, "--from", "2026-12-23", "--days", "3", "--json")
    assert list(said.json) == ["transitions"]
    web = [one for one in said.json["transitions"] if one["cluster"] == CLUSTERS.format("web-dev")]
    assert [(one["at"], one["action"]) for one in web] == [
        ("2026-12-23T06:10:00Z", "start"),
        ("2026-12-23T18:00:00Z", "stop"),
    ]
    assert list(web[0]) == ["cluster", "at", "action", "rule", "reason"]
    instants = [one["at"] for one in said.json["transitions"]]
    assert instants == sorted(instants)


def test_christmas_is_closed(run):
    """24 December by the policy, 25 by law, then a weekend: nothing starts between the 23rd and the 28th."""
    said = run("calendar", "web-dev", *FLEET, "--from", "2026-12-24", "--days", "5", "--json")
    assert [one["at"] for one in said.json["transitions"]] == ["2026-12-28T06:10:00Z", "2026-12-28T18:00:00Z"]


@pytest.mark.parametrize(
    ("day", "start", "stop"),
    [("2027-03-26", "06:10", "18:00"), ("2027-03-30", "05:10", "17:00"), ("2026-10-23", "05:10", "17:00")],
)
def test_clocks_change_and_people_still_come_at_half_past_seven(run, room, day, start, stop):
    """Berlin leaves CET on 28 March 2027 and CEST on 25 October 2026."""
    (room / "policy.yaml").write_text((room / "policy.yaml").read_text().replace(", calendar: berlin", ""))
    said = run("calendar", "web-dev", *FLEET, "--from", day, "--days", "1", "--json")
    assert [one["at"] for one in said.json["transitions"]] == [f"{day}T{start}:00Z", f"{day}T{stop}:00Z"]


def test_calendar_shows_local_days_and_pools(run):
    said = run("calendar", *FLEET, "--from", "2026-12-21", "--days", "1")
    assert "Monday 21 December 2026" in said.out
    assert "07:10  start  api-dev, busy-dev, twin (rg-one), twin (rg-two) and 1 more" in said.out
    assert "19:00  stop   shop-stg / batch1" in said.out
    assert "Times in Europe/Berlin" in said.out


def test_calendar_of_a_cluster_nobody_speaks_for(run):
    assert "Nothing starts or stops in 7 days" in run("calendar", "shop-prod", *FLEET, "--at", "2026-12-01T00:00Z").out


# --- diff ---


def test_diff_of_the_same_policy_changes_nothing(run):
    said = run("diff", "policy.yaml", "policy.yaml", *FLEET, *MONDAY_NIGHT)
    assert (said.code, said.out.strip()) == (0, "No start and no stop changes.")


def test_diff_shows_later_hours(run, room):
    new = (room / "policy.yaml").read_text().replace("07:30-19:00", "07:30-20:00")
    (room / "new.yaml").write_text(new)
    said = run("diff", "policy.yaml", "new.yaml", *FLEET, "--at", "2026-12-21T05:00Z", "--days", "1", "--json")
    assert said.code == 0
    assert {one["at"] for one in said.json["added"]} == {"2026-12-21T19:00:00Z"}
    assert {one["at"] for one in said.json["removed"]} == {"2026-12-21T18:00:00Z"}
    assert {one["action"] for one in said.json["added"]} == {"stop"}


def test_diff_puts_what_leaves_production_first(run, room):
    """The most dangerous line of a policy change: a glob that no longer covers production."""
    new = (room / "policy.yaml").read_text().replace('names: ["*prod*"]', 'names: ["*-production"]')
    new = new.replace("environment: [dev, test]", "environment: [dev]")
    new = new.replace("rules:", "rules:\n  - {name: everything, hours: {schedule: never}}")
    new = new.replace("  - {name: staging,", '  - {name: shops, match: {names: ["shop-*"]}}\n  - {name: staging,')
    (room / "new.yaml").write_text(new)
    said = run("diff", "policy.yaml", "new.yaml", *FLEET, *MONDAY_NIGHT)
    lines = [line.rstrip() for line in said.out.splitlines()]
    assert lines[0] == "3 clusters in another environment"
    assert lines[2].split() == ["shop-prod", "prod", "shops", "no", "longer", "production"]
    assert lines[3].split()[0] == "api-dev"
    assert lines[3].endswith("now production")


# --- explain ---


def test_explain_says_who_is_heard_and_what_comes_next(run):
    said = run("explain", "kept-dev", *FLEET, *MONDAY_NIGHT)
    assert said.code == 0
    for expected in (
        "dev (tag environment: dev or test)",
        "kept on until Tue 22 Dec 18:00 (tag: load)",
        "running, as wished",
        "Tue 22 Dec 19:00  stop",
    ):
        assert expected in said.out


def test_explain_says_why_it_is_production(run):
    assert "none matches it, and so it is production" in run("explain", "orphan", *FLEET, *MONDAY_NIGHT).out
    assert "prod, production: never stopped (names: *prod*)" in run("explain", "shop-prod", *FLEET, *MONDAY_NIGHT).out


def test_explain_json_holds_the_same(run):
    said = run("explain", "KEPT-dev", *FLEET, *MONDAY_NIGHT, "--json").json
    assert said["environment"] == {"name": "dev", "production": False}
    assert [(one["voice"], one["wish"]) for one in said["voices"]] == [("person", "running"), ("rule", "stopped")]
    assert said["next"][0]["at"] == "2026-12-22T18:00:00Z"
    assert said["remembered"] is None


def test_explain_takes_a_whole_id_in_any_case(run):
    assert run("explain", CLUSTERS.format("web-dev").upper(), *FLEET, *MONDAY_NIGHT).code == 0


def test_explain_says_what_a_rule_has_from_the_environment(run, room):
    text = Path("policy.yaml").read_text("utf-8")
    given = "guards: {keep_on_at_most: 24h}, idle: {after: 4h, signals: {cpu_percent: 5}}"
    text = text.replace("guards: {keep_on_at_most: 24h}", given)
    Path("policy.yaml").write_text(
        f"{text}  - {{name: unused, match: {{environments: [staging]}}, idle: {{learn: true}}}}\n"
    )

    assert "staging-batch, unused (after, signals.cpu_percent by staging)" in run("explain", "shop-stg", *FLEET).out
    assert run("explain", "shop-stg", *FLEET, "--json").json["inherited"] == {
        "unused": ["after", "signals.cpu_percent"]
    }


# --- check ---


def test_check_compares_policy_and_fleet(run):
    said = run("check", *FLEET, *MONDAY_NIGHT)
    assert said.code == 0
    for expected in (
        "policy.yaml is a good policy: 2 rules, 3 environments, mode act, Europe/Berlin",
        "10 clusters, 2 of them production",
        "1 cluster carries the tag 'enviroment'; the policy looks at 'environment': orphan",
        "Thu 24 Dec",
    ):
        assert expected in said.out


def test_check_json_lists_what_is_production_for_want_of_an_environment(run):
    said = run("check", *FLEET, *MONDAY_NIGHT, "--json").json
    assert said["unmatched"] == [CLUSTERS.format("orphan")]
    assert said["production"] == 2
    assert said["closed_days"][0] == {"calendar": "berlin", "day": "2026-12-24", "reason": "closed"}
    json.dumps(said)


def test_check_names_rules_that_learn_hours_and_know_no_holidays(run, room):
    learning = "\n  - {name: labs, idle: {after: 4h, learn: true, waiting_cost: 3h}}\n"
    text = Path("policy.yaml").read_text("utf-8").replace("\nrules:\n", f"\nrules:{learning}")
    Path("learning.yaml").write_text(text, encoding="utf-8")

    assert "the rule labs starts clusters ahead of learned hours and knows no holidays" in run(
        "check", "learning.yaml", *FLEET
    ).out  # fmt: skip
    assert run("check", "learning.yaml", *FLEET, "--json").json["holidayless_rules"] == ["labs"]
    assert "no holidays" not in run("check", *FLEET).out


def test_check_tells_every_mistake_of_a_policy_on_a_line_of_its_own(run, room):
    bad = "version: 1\nmode: act!\ntimezone: CET\nscope: all\nrules: [{name: r, hours: {schedule: nope}}]\n"
    Path("bad.yaml").write_text(bad, encoding="utf-8")
    said = run("check", "bad.yaml", "--policy-only")
    assert (said.code, said.out) == (2, "")
    lines = said.err.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("lamplighter: bad.yaml:") for line in lines)


def test_check_can_read_the_policy_alone(run):
    assert run("check", "policy.yaml", "--policy-only").out.startswith("policy.yaml is a good policy")
    assert run("check", "--policy-only", "--json").json["mode"] == "act"
