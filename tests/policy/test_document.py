"""A policy file becomes a Policy that says what the file says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from shared.errors import PolicyError
from shared.model.fleet import Cluster, Scope
from shared.model.memory import Wish
from shared.policy.bound import UNMATCHED, BreakerLimit, Environment, Guards, StopBudget
from shared.policy.document import Policy, read_policy
from shared.policy.rules import BY_KEY
from shared.policy.schedule import ALWAYS, NEVER, hours

ROOT = Path(__file__).parents[2]
FULL = (ROOT / "tests/data/policy_full.yaml").read_text("utf-8")
PROD = Environment("prod", production=True)
DEV = Environment("dev", production=False)
STAGING = Environment("staging", production=False)


def policy(text: str) -> Policy:
    return read_policy("version: 1\n" + text, "policy.yaml")


def cluster(name: str = "c", **fields: object) -> Cluster:
    known = {"resource_group": "rg", "subscription": "11111111-1111-1111-1111-111111111111"} | fields
    return Cluster(id=f"/{name}", name=name, **known)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.fixture(scope="module")
def full() -> Policy:
    return read_policy(FULL, "full.yaml")


class TestEverythingThatCanBeSaid:
    def test_head(self, full: Policy) -> None:
        assert (full.version, full.mode, full.timezone, full.source) == (1, "act", "Europe/Berlin", "full.yaml")
        assert full.scope == Scope(("aaaaaaaa-1111-1111-1111-111111111111",), ("platform-nonprod", "mg_2.(x)"))

    def test_environments_stand_in_the_order_of_the_file(self, full: Policy) -> None:
        assert [(e.environment.name, e.environment.production) for e in full.environments] == [
            ("dev", False), ("staging", False), ("prod", True), ("live", True),
        ]  # fmt: skip

    def test_country_codes_are_not_truth_values(self, full: Policy) -> None:
        """In YAML 1.1 Norway's code means false."""
        assert full.calendars["oslo"].country == "NO"
        assert full.calendars["oslo"].closed_on(date(2026, 5, 17)) is not None

    def test_calendar(self, full: Policy) -> None:
        berlin = full.calendars["berlin"]
        closed = [day for day in range(20, 32) if berlin.closed_on(date(2026, 12, day))]
        assert closed == [24, 25, 26, 27, 28, 29, 30, 31]
        assert berlin.closed_on(date(2026, 5, 1)) is None, "people work on that holiday"
        assert full.calendars["own"].closed_on(date(2026, 7, 1)) == "closed"

    def test_schedules_know_their_zone_and_calendar(self, full: Policy) -> None:
        assert set(full.schedules) == {"always", "never", "Office", "bangalore", "shifts", "oslo"}
        assert full.schedules["Office"].zone == "Europe/Berlin"
        assert full.schedules["Office"].calendar is full.calendars["berlin"]
        assert full.schedules["bangalore"].zone == "Asia/Kolkata"
        assert (full.schedules["always"], full.schedules["never"]) == (ALWAYS, NEVER)

    def test_a_bare_date_in_a_range_is_the_whole_day(self, full: Policy) -> None:
        shifts = (full.schedules["shifts"],)
        assert hours(shifts, utc(2026, 12, 6, 22, 59)).inside
        assert not hours(shifts, utc(2026, 12, 6, 23, 0)).inside

    def test_schedules_are_found_without_case(self, full: Policy) -> None:
        assert full.schedule_named("OFFICE") is full.schedules["Office"]
        assert full.schedule_named("offic") is None

    def test_rules(self, full: Policy) -> None:
        assert [(rule.name, rule.kind, rule.mode) for rule in full.rules] == [
            ("dev-office-hours", "hours", "act"), ("two-sites", "hours", "plan"),
            ("pools", "hours", "act"), ("web-on-spot", "spot", "act"), ("any-spot", "spot", "act"),
            ("everything", "hours", "act"),
            ("rings", "upgrades", "act"), ("heal", "repair", "act"), ("pay-for-the-sla-in-prod-only", "tier", "act"),
            ("pending-pods", "on_alert", "act"), ("quiet-hours", "on_alert", "act"), ("six-nodes", "on_alert", "act"),
            ("orders", "on_alert", "act"), ("busy", "on_alert", "act"), ("hear", "on_alert", "act"),
            ("sandboxes", "idle", "act"),
        ]  # fmt: skip
        assert [one.name for one in full.rules[1].schedules] == ["Office", "bangalore", "always"]
        assert full.rules[0].block.lead == timedelta(minutes=20)
        assert full.rules[5].match is None
        assert full.rules[-1].calendar is full.calendars["berlin"]
        assert full.rules[-1].block.signals.service_accounts == ("system:*",)

    def test_freezes_are_instants(self, full: Policy) -> None:
        quarter, clock, days = full.freezes
        assert (quarter.begin, quarter.end) == (utc(2026, 12, 27, 23), utc(2027, 1, 4, 5))
        assert quarter.hold == {"upgrade", "move", "scale"}
        assert quarter.match is not None
        assert quarter.match.environments == {"staging"}
        # 02:30 comes twice that night: a freeze begins at the first and ends at the second.
        assert (clock.begin, clock.end) == (utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30))
        assert (days.begin, days.end, days.match) == (utc(2026, 12, 23, 23), utc(2026, 12, 26, 23), None)

    def test_exceptions_end_when_they_say(self, full: Policy) -> None:
        running, stopped, aware = full.exceptions
        assert (running.cluster, running.wish, running.until) == ("sbx-ml-04", Wish.RUNNING, utc(2026, 12, 18, 17))
        assert (running.owner, running.reason) == ("ml-team", "quarterly training run")
        assert (stopped.wish, stopped.until) == (Wish.STOPPED, utc(2026, 12, 18, 23)), "a bare date means its end"
        assert aware.until == utc(2026, 12, 18, 12, 30)

    def test_routes(self, full: Policy) -> None:
        everything, team = full.routes
        assert (everything.to, everything.match, everything.reasons) == (("OPERATORS_CHANNEL",), None, None)
        assert (team.to, team.reasons) == (("TEAM_CHANNEL", "OTHER"), {"stop_soon", "ring_halted"})
        assert team.match is not None
        assert team.match.matches(cluster(tags={"environment": "dev", "tier": "3"}), None)
        assert team.unless is not None
        assert team.unless.matches(cluster("x"), None)

    def test_numbers_in_a_match_are_taken_as_written(self, full: Policy) -> None:
        """1e3 and 007 are names here, not 1000 and 7."""
        match = full.rules[1].match
        assert match is not None
        assert [match.matches(cluster(name), None) for name in ("1e3", "007", "7", "1000.0")] == [
            True,
            True,
            False,
            False,
        ]

    def test_the_hash_names_the_text(self, full: Policy) -> None:
        assert full.hash == read_policy(FULL, "elsewhere.yaml").hash
        assert full.hash != read_policy(FULL + "# a comment\n", "full.yaml").hash
        assert hash(full) != hash(read_policy(FULL, "full.yaml")), "policies compare by identity"


class TestDefaults:
    def test_a_version_is_enough(self) -> None:
        empty = policy("")
        assert (empty.mode, empty.timezone, empty.scope.is_all) == ("plan", "UTC", True)
        assert (empty.environments, empty.rules, empty.freezes, empty.exceptions, empty.routes) == ((), (), (), (), ())
        assert empty.guards_for(UNMATCHED, None) == Guards()

    def test_no_budget_of_stops_unless_one_is_given(self) -> None:
        assert policy("").guards_for(UNMATCHED, None).stops is None

    @pytest.mark.parametrize(
        "section",
        [
            "environments",
            "calendars",
            "freezes",
            "schedules",
            "rules",
            "exceptions",
            "guards",
            "notify",
            "notify: {routes",
            "scope",
        ],
    )
    def test_a_section_whose_lines_are_all_comments_is_empty(self, section: str) -> None:
        text = {"scope": "scope: all", "notify: {routes": "notify: {routes: }"}.get(
            section, f"{section}:  # nothing yet"
        )
        assert policy(text).rules == ()

    def test_a_rule_never_acts_where_the_file_plans(self) -> None:
        planning = policy("mode: plan\nrules: [{name: a, mode: act, hours: {schedule: always}}]")
        assert planning.rules[0].mode == "plan"


class TestEnvironmentOf:
    def test_production_is_tried_first_wherever_it_stands(self, full: Policy) -> None:
        assert full.environment_of(cluster("shop-PROD-1", tags={"environment": "dev", "tier": "3"})) == PROD

    def test_then_in_order(self, full: Policy) -> None:
        assert full.environment_of(cluster(tags={"environment": "Testing", "TIER": "3"})) == DEV
        assert full.environment_of(cluster(tags={"ENVIRONMENT": "Staging"})) == STAGING

    def test_what_nothing_matches_is_production(self, full: Policy) -> None:
        assert full.environment_of(cluster()) is UNMATCHED
        assert full.environment_of(cluster()).production

    def test_except(self, full: Policy) -> None:
        assert full.environment_of(cluster("a-demo", tags={"environment": "dev", "tier": "3"})) is UNMATCHED

    def test_all_keys_of_a_block_must_hold(self, full: Policy) -> None:
        live = {
            "subscription": "22222222-2222-2222-2222-222222222223",
            "resource_group": "RG-Live-1",
            "location": "westeurope",
        }
        assert full.environment_of(cluster(**live)).name == "live"
        for key in live:
            assert full.environment_of(cluster(**(live | {key: "other"}))) is UNMATCHED


class TestRulesFor:
    def names(self, full: Policy, place: Environment, one: Cluster) -> list[str]:
        return [rule.name for rule in full.rules_for(one, place) if rule.kind == "hours"]

    def test_outside_production(self, full: Policy) -> None:
        assert self.names(full, DEV, cluster()) == ["dev-office-hours", "everything"]
        assert self.names(full, DEV, cluster(tags={"team": "Platform"})) == [
            "dev-office-hours",
            "two-sites",
            "everything",
        ]

    def test_except_may_name_environments(self, full: Policy) -> None:
        assert self.names(full, STAGING, cluster(tags={"team": "platform"})) == ["pools", "everything"]

    def test_production_only_where_it_is_named(self, full: Policy) -> None:
        """A tag, a name or no match at all never reaches production."""
        assert self.names(full, PROD, cluster(tags={"team": "platform"})) == ["pools"]
        assert self.names(full, Environment("live", production=True), cluster(tags={"team": "platform"})) == []

    def test_unmatched_clusters_have_no_rule(self, full: Policy) -> None:
        assert self.names(full, UNMATCHED, cluster(tags={"team": "platform"})) == []

    @pytest.mark.parametrize(
        ("match", "heard"),
        [
            ("{environments: [prod]}", True),
            ("{environments: [Prod]}", True),
            ("{environments: ['pro*']}", False),
            ("{environments: ['*']}", False),
            ("{names: ['*']}", False),
            ("[{names: ['*']}, {environments: [prod], names: [other]}]", False),
            ("[{names: ['*']}, {environments: [prod]}]", True),
        ],
    )
    def test_a_glob_does_not_name_production(self, match: str, *, heard: bool) -> None:
        one = policy(
            "environments: [{name: prod, production: true, match: {names: ['*']}}]\n"
            f"rules: [{{name: a, match: {match}, hours: {{schedule: always}}}}]"
        )
        assert bool(one.rules_for(cluster(), PROD)) is heard


def test_a_breaker_belongs_to_the_fleet_alone() -> None:
    text = "version: 1\nenvironments:\n  - {name: dev, match: {names: [x]}, guards: {breaker: {failures: 3, within: 1h}}}\n"
    with pytest.raises(PolicyError, match=r"environments\[0\].guards.breaker: the key 'breaker' is not known here"):
        read_policy(text, "policy.yaml")


class TestGuardsFor:
    def test_file_then_environment_then_rule(self, full: Policy) -> None:
        two_sites = full.rules[1]
        assert full.guards_for(DEV, None) == Guards(
            min_downtime=timedelta(minutes=45),
            min_uptime=timedelta(hours=1),
            manual_hold=timedelta(0),
            warn_before_stop=timedelta(minutes=10),
            keep_on_at_most=timedelta(days=3),
            silence_alerts=True,
            stops=StopBudget(Fraction(1, 8), timedelta(hours=1)),
            breaker=BreakerLimit(4, timedelta(minutes=90)),
        )
        assert full.guards_for(STAGING, None).keep_on_at_most == timedelta(hours=24)
        assert full.guards_for(STAGING, None).min_off == timedelta(0), "0m switches it off"
        assert full.guards_for(STAGING, two_sites).min_off == timedelta(hours=4)
        assert full.guards_for(STAGING, two_sites).fleet_members
        assert full.guards_for(STAGING, two_sites).stops == StopBudget(3, timedelta(hours=2))

    def test_asking_again_gives_the_same_value(self, full: Policy) -> None:
        assert full.guards_for(DEV, full.rules[1]) is full.guards_for(DEV, full.rules[1])


class TestFingerprint:
    BASE = """
timezone: Europe/Berlin
environments: [{name: dev, match: {names: ["*"]}}]
calendars: {c: {country: DE, closed: [2026-12-24, 2026-12-31]}}
schedules: {office: {running: [Mon-Fri 07:30-19:00, Sat 08:00-12:00], calendar: c}}
rules: [{name: a, hours: {schedule: office, lead: 20m}}]
"""

    def print_of(self, *change: str) -> str:
        text = self.BASE
        for old, new in zip(change[::2], change[1::2], strict=True):
            assert old in text
            text = text.replace(old, new)
        return policy(text).rules[0].fingerprint

    @pytest.mark.parametrize(
        "change",
        [
            ("lead: 20m", "lead: 30m"),
            ("lead: 20m", "lead: 20m, enforce: true"),
            ("19:00", "19:30"),
            ("Europe/Berlin", "Europe/Paris"),
            (", calendar: c", ""),
            ("country: DE", "country: DE, subdivision: BE"),
            ("2026-12-31]", "2026-12-30]"),
            ("closed:", "open: [2026-05-01], closed:"),
            (", Sat 08:00-12:00", ""),
        ],
    )
    def test_a_changed_rule_schedule_or_calendar_is_adopted_anew(self, change: tuple[str, str]) -> None:
        assert self.print_of(*change) != self.print_of()

    @pytest.mark.parametrize(
        "change",
        [
            ("name: a,", "name: b,"),
            ("name: a,", "name: a, mode: plan,"),
            ("name: a,", "name: a, guards: {min_off: 5h},"),
            ("name: a,", "name: a, match: {environments: [dev]},"),
            ("Mon-Fri 07:30-19:00, Sat 08:00-12:00", "sat 08:00-12:00, Monday-Friday 7:30 - 19:00"),
            ("lead: 20m", "lead: 20m, inside: running"),
            ("2026-12-24, 2026-12-31", "2026-12-31, {from: 2026-12-24, to: 2026-12-24}"),
            ("lead: 20m", "lead: 1200s"),
        ],
    )
    def test_what_does_not_change_the_wish_keeps_it(self, change: tuple[str, str]) -> None:
        assert self.print_of(*change) == self.print_of()

    def test_it_is_the_same_in_every_process(self) -> None:
        """A scheduler once acted again after each restart, since its hash of the configuration was salted."""
        code = (
            "from pathlib import Path; from shared.policy.document import read_policy; "
            "p = read_policy(Path('tests/data/policy_full.yaml').read_text('utf-8'), 'p'); "
            "print(p.hash, *(rule.fingerprint for rule in p.rules))"
        )
        said = {
            subprocess.run(
                [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True, text=True, check=True,
            ).stdout
            for seed in ("1", "2")
        }  # fmt: skip
        assert len(said) == 1


class TestTheShippedPolicy:
    TEXT = (ROOT / "policy.yaml").read_text("utf-8")

    def test_it_is_safe(self) -> None:
        shipped = read_policy(self.TEXT, "policy.yaml")
        assert shipped.mode == "plan"
        assert all(rule.mode == "plan" for rule in shipped.rules)
        assert shipped.guards_for(UNMATCHED, None).stops == StopBudget(Fraction(1, 4), timedelta(hours=1))
        assert any(entry.environment.production for entry in shipped.environments)

    def test_it_spells_the_defaults_of_the_guards(self) -> None:
        shipped = read_policy(self.TEXT, "policy.yaml").guards_for(UNMATCHED, None)
        assert shipped == Guards(stops=shipped.stops)

    def test_editors_find_the_schema_in_the_first_line(self) -> None:
        assert self.TEXT.splitlines()[0] == "# yaml-language-server: $schema=policy.schema.json"

    def test_its_commented_examples_are_right_too(self) -> None:
        lines = [
            re.sub(r"^( +|)# (?=- \{|\w[\w-]*: [\[{])", r"\1", line)
            for line in self.TEXT.splitlines()
            if not line.startswith("scope: all")
        ]
        spoken = read_policy("\n".join(lines), "policy.yaml")
        assert (len(spoken.freezes), len(spoken.exceptions), len(spoken.routes)) == (1, 1, 2)
        assert "release" in spoken.schedules


@pytest.mark.reference
def test_the_reference_grammar_loads() -> None:
    folder = os.environ.get("LAMPLIGHTER_REFERENCE")
    if not folder:
        pytest.skip("LAMPLIGHTER_REFERENCE names no folder with the reference data")
    whole = read_policy((Path(folder) / "policy.example.yaml").read_text("utf-8"), "policy.example.yaml")
    assert {rule.kind for rule in whole.rules} == set(BY_KEY)
    assert (len(whole.schedules), len(whole.routes)) == (8, 2)
