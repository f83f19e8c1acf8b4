"""Plain values for tests of idleness: policies, activities, memories with them, and views with a signal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.model.activity import Activity, Stretch
from shared.model.facts import Fact, FleetFacts, Need, View
from shared.model.fleet import Power
from shared.model.memory import Adoption, Memory, Seen, TargetMemory
from shared.model.signals import Signal, Use
from shared.policy import learning
from shared.policy.decide import decide
from shared.policy.document import read_policy
from shared.policy.rules import idle
from tests.policy.builders import cluster, stopped

HEAD = """
version: 1
mode: act
timezone: Europe/Berlin
scope: all
environments: [{name: dev, match: {tags: {environment: dev}}}]
guards: {warn_before_stop: 0m, min_uptime: 0m, min_downtime: 0m}
rules:
"""
MONDAY = datetime(2026, 12, 7, tzinfo=UTC)
LONG_AGO = MONDAY - timedelta(days=90)
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
OFF = stopped()


def rules(block="after: 2h"):
    return read_policy(
        f"{HEAD}  - {{name: sandboxes, match: {{environments: [dev]}}, idle: {{{block}}}}}\n", "policy.yaml"
    )


TWO_HOURS = rules()
LEARNING = rules("after: 2h, learn: true")
DEAR = rules("after: 4h, learn: true, waiting_cost: 3h")


def remembered(policy, activity=None, *, power=Power.RUNNING, adopted_at=LONG_AGO, **more):
    (rule,) = policy.rules
    known = {"ran_at": LONG_AGO, "seen": Seen(power, LONG_AGO)}
    target = {name: more.pop(name) for name in tuple(more) if name in TargetMemory.__dataclass_fields__}
    mine = TargetMemory(adopted={rule.name: Adoption(rule.fingerprint, adopted_at)}, **(known | target))
    return Memory(cluster().id, targets={"": mine}, activity=activity, **({"first_seen_at": LONG_AGO} | more))


def quiet(since, now, busy=HOUR, activity=None):
    """An activity used for `busy`, quiet since then up to `now`."""
    used = learning.observe(activity or Activity(), since - busy, since, Stretch.ACTIVE, costs())
    return learning.observe(used, since, now, Stretch.IDLE, costs())


def costs(policy=TWO_HOURS):
    return idle.costs_of(policy.rules[0])


def fact(use=Use.IDLE, now=MONDAY, **more):
    return Fact(Signal(use, now - 15 * MINUTE, now, sentence="cpu 1 %", **more), now)


def look(memory, signal, seen=None, **fleet):
    facts = {} if signal is None else {Need.ACTIVITY: signal}
    return View(seen or cluster(), memory, facts, FleetFacts(**fleet))


def proposed(view, policy=TWO_HOURS, now=MONDAY):
    (one,) = idle.propose(view, policy.rules[0], now)
    return one


def decided(view, policy=TWO_HOURS, now=MONDAY):
    return decide(view, policy, now)[0]


def office_habit(policy, weeks=8):
    """Used Monday to Friday from 08:00 UTC for nine hours, then left; and what was paid for it."""
    activity, terms = None, costs(policy)
    for day in range(7 * weeks):
        begin = MONDAY - 7 * weeks * DAY + day * DAY + 8 * HOUR
        if day % 7 < 5:
            activity = learning.observe(activity or Activity(), begin, begin + 9 * HOUR, Stretch.ACTIVE, terms)
            activity = learning.observe(activity, begin + 9 * HOUR, begin + 9 * HOUR, Stretch.OFF, terms)
    return activity
