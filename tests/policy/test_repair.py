"""`repair`: what is Failed outside production is reconciled with patience; of production people are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.actions import Reconcile
from shared.model.decisions import Reason, Verdict
from shared.model.facts import FleetFacts, View
from shared.model.fleet import Power
from shared.model.memory import Memory
from shared.policy.decide import decide
from shared.policy.document import read_policy
from shared.policy.matters import matters
from shared.policy.rules import learn
from shared.policy.voices import owner_of
from tests.policy.builders import SYSTEM, cluster
from tests.policy.upgrade_builders import DAY, HEAD, HOUR, IN_WINDOW, REPAIR, ailing, decided, failed, memory_of

DEV_ONLY = "  - {name: heal, match: {environments: [dev]}, repair: {after: 1h}}\n"
ZONE = "Europe/Berlin"


def rules(text: str):
    return read_policy(HEAD.format(mode="act") + text, "policy.yaml")


def lived(seen, policy, hours: float = 3, memory: Memory | None = None):
    """The decision and what people hear after so many hours of looks, every 30 minutes."""
    memory, notices = memory or memory_of(seen), []
    for number in range(int(hours * 2) + 1):
        now = IN_WINDOW + number * HOUR / 2
        view = View(seen, memory, fleet=FleetFacts())
        memory = learn(view, owner_of(seen, policy).rules, now)
        decisions = decide(replace(view, memory=memory), policy, now)
        standing, told = matters(memory, seen, decisions, ZONE, now)
        memory = replace(memory, matters=standing)
        notices += told
    return decisions[0], notices


def test_production_is_told_though_the_rule_does_not_match_it():
    said, notices = lived(failed(env="prod"), rules(DEV_ONLY))

    assert (said.verdict, said.reason, said.rule) == (Verdict.REFUSE, Reason.PRODUCTION, "heal")
    assert "production is never repaired" in said.message
    assert [(one.kind, one.resolved) for one in notices] == [("repair_escalated", False)], "once, not at every look"


def test_what_no_environment_matches_is_production_and_told_too():
    said, notices = lived(failed(env="nowhere"), rules(DEV_ONLY))

    assert (said.verdict, said.reason) == (Verdict.REFUSE, Reason.PRODUCTION)
    assert len(notices) == 1


def test_it_is_told_after_the_time_of_the_rule_and_ends_when_it_is_well():
    early, nothing = lived(failed(env="prod"), rules(DEV_ONLY), hours=0.5)
    assert (early.verdict, nothing) == (Verdict.NONE, [])

    memory = replace(memory_of(cluster(env="prod")), matters=("repair_escalated|cluster",))
    _, notices = lived(cluster(env="prod"), rules(DEV_ONLY), hours=0, memory=memory)
    assert [(one.kind, one.resolved) for one in notices] == [("repair_escalated", True)]


@pytest.mark.parametrize(
    "text",
    ["  - {name: rings, upgrades: {rings: [dev]}}\n", DEV_ONLY.replace("repair:", "except: {names: [web]}, repair:")],
)
def test_without_such_a_rule_and_where_it_excepts_it_nothing_is_said(text):
    said, notices = lived(failed(env="prod"), rules(text))
    assert (said.reason, notices) == (Reason.PRODUCTION, [])
    assert "no rule speaks for it" in said.message


def test_healthy_production_is_not_spoken_of():
    said, notices = lived(cluster(env="prod"), rules(DEV_ONLY))
    assert (said.verdict, notices) == (Verdict.NONE, [])


def test_only_one_rule_speaks_of_production_and_a_matching_one_before_others():
    other = DEV_ONLY.replace("heal", "other")
    assert [one.name for one in owner_of(failed(env="prod"), rules(DEV_ONLY + other)).rules] == ["heal"]
    named = DEV_ONLY + other.replace("[dev]", "[prod]")
    assert [one.name for one in owner_of(failed(env="prod"), rules(named)).rules] == ["other"]
    assert [one.name for one in owner_of(failed(env="staging"), rules(DEV_ONLY)).rules] == []


def test_an_error_that_does_not_pass_is_told_at_once():
    said, notices = lived(failed("QuotaExceeded"), rules(DEV_ONLY))
    assert (said.reason, [one.kind for one in notices]) == (Reason.UNLISTED_ERROR, ["repair_escalated"])


def test_a_pool_is_reconciled_by_itself_and_the_cluster_takes_its_pools_along():
    ill = replace(SYSTEM, provisioning_state="Failed", error_code="InternalOperationError")
    alone, both = cluster(pools=(ill,)), failed(pools=(ill,))
    view = ailing(alone)
    memory = replace(view.memory, ailments={"system": view.memory.ailments[""]})
    assert decided(replace(view, memory=memory), REPAIR, pool_name="system").action == Reconcile(alone.id, "system")
    view = ailing(both)
    memory = replace(view.memory, ailments={"": view.memory.ailments[""], "system": view.memory.ailments[""]})
    assert [one.action for one in decide(replace(view, memory=memory), REPAIR, IN_WINDOW)] == [Reconcile(both.id)]


@pytest.mark.parametrize(
    ("tries", "waited", "acts"),
    [(1, 0.9, False), (1, 1.1, True), (2, 1.9, False), (2, 2.1, True), (3, 99, False)],
)
def test_once_per_step_of_the_back_off_then_people_are_called(tries, waited, acts):
    view = ailing(failed(), 9 * DAY, tries=tries, tried=timedelta(hours=waited))
    said = decided(view, REPAIR)
    assert (said.verdict is Verdict.ACT) is acts
    assert (said.reason is Reason.ESCALATED) is (tries == 3)


def test_a_stopped_cluster_is_left():
    assert decided(ailing(failed(power=Power.STOPPED)), REPAIR).action is None
