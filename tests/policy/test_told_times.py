"""Times in sentences are the policy's zone's, whoever says them; what a schedule says is its own, and named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from shared.model.facts import View
from shared.model.memory import Failure, Memory
from shared.model.relief import PoolSize, Relief, Step
from shared.policy.decide import decide
from shared.policy.document import Policy
from tests.policy.alert_builders import NOON, SCALE, WAKE, alert, look, orders, relief, scaled, with_pools, with_relief
from tests.policy.alert_builders import rules as alert_rules
from tests.policy.builders import HOUR, OFFICE, adopted, at, cluster, keep_on, policy, stopped, view, with_target
from tests.policy.upgrade_builders import HALT, REPAIR, ailing, decided, failed, on, rings, view_of

SHARED = Path(__file__).resolve().parents[2] / "shared"
BANGALORE = {"lamplighter-schedule": "bangalore"}
_HAND_MADE = re.compile(r"%H:%M[^}\n]*\}\s*UTC|spoken\([^)\n]*[\"']UTC[\"']")


def said(seen: View, rules: Policy, now=NOON) -> str:
    return " | ".join(one.message for one in decide(seen, rules, now))


def test_what_an_alert_holds_up_and_for_how_long():
    rules = alert_rules("alert: 'pending*', do: keep_on, for: 2h")
    assert "stays up until Mon 7 Dec 14:00 at most" in said(look(cluster(), alert(), rules_=rules), rules)


def test_when_an_alert_was_over():
    rules = alert_rules(WAKE)
    woken = Relief({"r": Step(NOON, NOON + HOUR, "/alerts/q")}, woken=True)
    up = with_target(adopted(rules, cluster()), started_at=NOON)
    seen = look(cluster(), orders(resolved_at=NOON + HOUR / 2), memory=replace(up, reliefs={"": woken}), rules_=rules)
    assert "which was over Mon 7 Dec 12:30" in said(seen, rules, NOON + HOUR)


def test_until_when_a_pool_keeps_its_new_size():
    rules, seen = alert_rules(SCALE), with_pools(scaled(5, 10, 5))
    memory = with_relief(seen, relief(PoolSize(None, 3, 10), PoolSize(None, 5, 10)), rules_=rules)
    assert "until Mon 7 Dec 14:00 at most" in said(look(seen, alert(), memory=memory, rules_=rules), rules)


def test_when_what_is_failed_is_reconciled():
    found = decided(ailing(failed(), since=HOUR / 2), REPAIR)
    assert "reconciled from Tue 8 Dec 21:30 on" in found.message


def test_since_when_a_ring_is_halted():
    assert "ring dev is halted since Tue 8 Dec 20:00 " in decided(view_of(on(), rings=rings(halt=HALT))).message


def test_an_owners_own_schedule_is_told_in_its_zone_and_names_it():
    """The rest of what is said of that cluster stays in the policy's zone, as in everything above and below it."""
    owned = stopped(tags=BANGALORE)
    assert "until Tue 8 Dec 09:30 (Asia/Kolkata)" in said(view(owned), policy(OFFICE), at("Mon 20:00"))
    asked = Memory(owned.id, holds=(keep_on(at("Mon 18:00"), at("Tue 12:00")),))
    assert "kept on until Tue 8 Dec 12:00 (" in said(view(owned, asked), policy(OFFICE), at("Mon 20:00"))
    trouble = Failure("start_cluster", "Quota", "no cores", at("Tue 04:00"), 1, at("Tue 06:00"))
    tried = with_target(adopted(policy(OFFICE), owned), failure=trouble)
    assert "next try Tue 8 Dec 06:00" in said(view(owned, tried), policy(OFFICE), at("Tue 05:30"))


def test_a_schedule_in_the_policys_zone_needs_no_name():
    assert said(view(stopped()), policy(OFFICE), at("Mon 20:00")).endswith("until Tue 8 Dec 07:30")


def test_no_sentence_makes_its_own_time():
    """Whoever tells a time asks `spoken`, with the zone of those who read it."""
    hand_made = {
        path.relative_to(SHARED).as_posix(): found
        for path in SHARED.rglob("*.py")
        if (found := _HAND_MADE.findall(path.read_text(encoding="utf-8")))
    }
    assert hand_made == {}
    assert _HAND_MADE.search('f"until {at:%Y-%m-%d %H:%M} UTC"'), "what this looks for"
    assert _HAND_MADE.search("spoken(until, 'UTC')")
