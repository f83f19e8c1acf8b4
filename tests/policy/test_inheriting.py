"""What an environment says for the rules of idleness there: which value counts, and that people are told whose it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import PolicyError
from shared.model.decisions import Reason
from shared.policy.document import Policy, read_policy
from shared.policy.findings import findings
from shared.policy.idle_block import Block
from shared.policy.voices import owner_of
from tests.policy.builders import cluster
from tests.policy.idle_builders import HOUR, MINUTE, MONDAY, decided, fact, look, quiet, remembered

HEAD = """
version: 1
mode: act
timezone: Europe/Berlin
environments:
  - {name: prod, production: true, match: {tags: {environment: prod}}}
  - {name: dev, match: {tags: {environment: dev}}DEV}
  - {name: staging, match: {tags: {environment: staging}}STAGING}
calendars: {berlin: {country: DE}, oslo: {country: NO}}
guards: {warn_before_stop: 0m, min_uptime: 0m, min_downtime: 0m}
rules:
"""


def policy(rule: str, dev: str = "", staging: str = "") -> Policy:
    head = HEAD.replace("DEV", dev and f", idle: {{{dev}}}").replace("STAGING", staging and f", idle: {{{staging}}}")
    return read_policy(f"{head}  - {{name: sandboxes, {rule}}}\n", "policy.yaml")


def block(of: Policy, environment: str = "dev") -> Block:
    (rule,) = owner_of(cluster(tags={"environment": environment}), of).rules
    return rule.block


class TestWhoseValueCounts:
    def test_the_environment_says_what_the_rule_does_not(self) -> None:
        one = policy("idle: {after: 2h, windows: 3}", staging="grace: 12h, waiting_cost: 1h, windows: 6")

        assert (block(one, "staging").after, block(one, "staging").windows) == (2 * HOUR, 3), "the rule says them"
        assert (block(one, "staging").grace, block(one, "staging").waiting_cost) == (12 * HOUR, HOUR)
        assert block(one, "dev") == policy("idle: {after: 2h, windows: 3}").rules[0].block

    def test_even_what_is_as_it_is_by_default_was_said(self) -> None:
        one = policy("idle: {after: 2h, grace: 4h, learn: false}", dev="grace: 12h, learn: true")

        assert (block(one).grace, block(one).learn) == (4 * HOUR, False)

    def test_of_signals_each_by_itself(self) -> None:
        rule = "idle: {after: 2h, signals: {logs: required, cpu_percent: 20}}"
        found = block(policy(rule, dev="signals: {cpu_percent: 5, pods: running, service_accounts: [flux]}")).signals

        assert (found.logs, found.cpu_percent, found.pods) == ("required", 20, "running")
        assert found.service_accounts == ("flux",)
        assert found.network_bytes == 10_000_000

    def test_a_calendar_is_resolved(self) -> None:
        one = policy("idle: {after: 2h, learn: true}", dev="calendar: berlin", staging="calendar: oslo")
        rules = {name: owner_of(cluster(tags={"environment": name}), one).rules[0] for name in ("dev", "staging")}

        assert {name: rule.calendar.name for name, rule in rules.items() if rule.calendar} == {
            "dev": "berlin", "staging": "oslo",
        }  # fmt: skip

    def test_check_asks_for_a_calendar_where_the_environment_gives_none(self) -> None:
        one = policy("idle: {after: 2h, learn: true, waiting_cost: 1h}", dev="calendar: berlin")
        found = [findings(one, [cluster(tags={"environment": name})], MONDAY) for name in ("dev", "staging")]

        assert [each.holidayless_rules for each in found] == [(), ("sandboxes",)]

    def test_where_nothing_is_inherited_the_rule_is_the_same(self) -> None:
        """So that nobody's clusters are adopted anew when another environment gets a key."""
        plain = policy("idle: {after: 2h}")
        for dev in ("", "after: 4h", "learn: false"):
            (rule,) = owner_of(cluster(), policy("idle: {after: 2h}", dev=dev, staging="grace: 9h")).rules
            assert rule.fingerprint == plain.rules[0].fingerprint

    def test_another_value_is_adopted_anew_there_alone(self) -> None:
        one, other = (policy("idle: {after: 2h}", dev="grace: 1h", staging=f"grace: {grace}") for grace in ("2h", "3h"))
        prints = [
            [owner_of(cluster(tags={"environment": name}), each).rules[0].fingerprint for each in (one, other)]
            for name in ("dev", "staging")
        ]

        assert prints[0][0] == prints[0][1]
        assert prints[1][0] != prints[1][1]


class TestAfter:
    """Somebody says how long to wait, for each environment that the rule may speak for."""

    @pytest.mark.parametrize(
        ("rule", "dev", "staging"),
        [
            ("idle: {learn: true}", "after: 2h", "after: 4h"),
            ("match: {environments: [dev]}, idle: {learn: true}", "after: 2h", ""),
            ("match: {environments: ['de*']}, idle: {learn: true}", "after: 2h", "grace: 1h"),
            ("idle: {after: 2h}", "grace: 1h", ""),
        ],
    )
    def test_it_is_enough(self, rule: str, dev: str, staging: str) -> None:
        assert block(policy(rule, dev, staging)).after == 2 * HOUR

    @pytest.mark.parametrize(
        ("rule", "dev", "staging", "told"),
        [
            ("idle: {learn: true}", "after: 2h", "grace: 1h", "the environment staging does not say it either"),
            ("match: {names: [a]}, idle: {learn: true}", "after: 2h", "", "the environment staging does not"),
            (
                "match: {environments: [prod, dev]}, idle: {learn: true}",
                "after: 2h",
                "",
                "the environment prod does not",
            ),
            (
                "match: {environments: ['*']}, idle: {learn: true}",
                "",
                "",
                "the key 'after' is missing; expected after: 2h",
            ),
        ],
    )
    def test_it_is_missing(self, rule: str, dev: str, staging: str, told: str) -> None:
        with pytest.raises(PolicyError) as error:
            policy(rule, dev, staging)
        (problem,) = error.value.problems
        assert problem.path == "rules[0].idle.after"
        assert told in str(problem)

    def test_the_rule_stops_after_what_its_environment_says_and_tells(self) -> None:
        one = policy("match: {environments: [dev]}, idle: {learn: false}", dev="after: 3h")
        (rule,) = owner_of(cluster(), one).rules
        bound = replace(one, rules=(rule,))
        for idle_for, message in (
            (3 * HOUR - MINUTE, "no opinion now (idle since"),
            (3 * HOUR, "the rule waits 3h, as the environment dev says"),
        ):
            memory = remembered(bound, quiet(MONDAY - idle_for, MONDAY))
            said = decided(look(memory, fact()), one)
            assert message in said.message
        assert (said.reason, said.action is not None) == (Reason.IDLE, True)

    def test_a_grace_of_the_environment_is_told_as_its(self) -> None:
        one = policy("idle: {after: 2h}", dev="grace: 1d")
        (rule,) = owner_of(cluster(), one).rules
        memory = remembered(
            replace(one, rules=(rule,)), quiet(MONDAY - 5 * HOUR, MONDAY), first_seen_at=MONDAY - 6 * HOUR
        )
        said = decided(look(memory, fact()), one)

        assert said.action is None
        assert "new: left alone for 1d, as the environment dev says" in said.message
