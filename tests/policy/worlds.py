"""Hypothesis strategies: any cluster, any memory, any policy, however odd."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random

from hypothesis import strategies as st

from shared.model.actions import ACTIONS
from shared.model.decisions import Reason
from shared.model.facts import Fact, FleetFacts, Need, View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import (
    Adoption,
    Failure,
    Memory,
    OpenAction,
    Owed,
    PersonHold,
    Phase,
    SavedSize,
    Seen,
    Served,
    TargetMemory,
    Warned,
    Wish,
)
from shared.model.money import ListPrice, Money
from shared.policy.decide import decide
from shared.policy.document import Policy, read_policy
from tests.policy.builders import HEAD, LONG_AGO, SYSTEM, adopted, cluster, pool, with_target

_FIRST = datetime(2026, 12, 1, tzinfo=UTC)
instants = st.integers(0, 13 * 24 * 60).map(lambda minutes: _FIRST + timedelta(minutes=minutes))
nows = st.integers(6 * 288, 13 * 288).map(lambda ticks: _FIRST + timedelta(minutes=5 * ticks))
maybe = st.none() | instants
wishes = st.sampled_from(Wish)
powers = st.sampled_from(Power)
states = st.sampled_from(
    ["Succeeded", "succeeded", "Failed", "Canceled", "Updating", "Starting", "Stopping", "", "Weird New State", "ﬁ"]
)
settled_more_often = st.one_of(st.just("Succeeded"), st.just("Succeeded"), states)
pool_names = st.sampled_from(["system", "batch", "Batch2", "web", "ondemand", ""])
tags = st.dictionaries(
    st.sampled_from(
        [
            "environment", "Environment", "team", "lamplighter-exclude", "lamplighter-schedule",
            "Lamplighter-Keep-On-Until", "lamplighter-keep-off-until", "lamplighter-reason", "lamplighter-typo",
        ]
    ),
    st.sampled_from(
        [
            "dev", "prod", "staging", "ops", "true", "false", "office", "early", "never", "nonsense", "", "2026-12-09",
            "2026-12-08T18:00", "2026-12-08T18:00+05:30", "9999-99-99", "\x00", "a" * 300,
        ]
    ),
    max_size=4,
)  # fmt: skip


@st.composite
def pools(draw: st.DrawFn) -> NodePool:
    return NodePool(
        draw(pool_names),
        mode=draw(st.sampled_from(["User", "User", "System", "Gateway", None, "odd"])),
        kind=draw(st.sampled_from(["VirtualMachineScaleSets", None, "AvailabilitySet", "VirtualMachines"])),
        vm_size=draw(st.none() | st.just("Standard_D4s_v5")),
        count=draw(st.none() | st.integers(0, 5)),
        power=draw(powers),
        provisioning_state=draw(settled_more_often),
        os_type=draw(st.sampled_from(["Linux", "Windows", None])),
    )


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    if draw(st.integers(0, 2)):
        return draw(calm_clusters())
    return cluster(
        draw(st.sampled_from(["web", "shop-PROD", "sbx", ""])),
        draw(st.sampled_from(["dev", "staging", "prod", None])),
        tags=draw(tags),
        power=draw(powers),
        provisioning_state=draw(settled_more_often),
        pools=tuple(draw(st.lists(pools(), max_size=3))),
        node_provisioning=draw(st.sampled_from([None, None, "Manual", "Auto"])),
        fleet=draw(st.none() | st.none() | st.just("/fleets/hub")),
        problem=draw(st.none() | st.none() | st.just("could not be read")),
        tier=draw(st.sampled_from(["Free", "Standard", "odd", None])),
    )


@st.composite
def calm_clusters(draw: st.DrawFn) -> Cluster:
    """Of the kind most clusters are."""
    power = draw(st.sampled_from([Power.RUNNING, Power.RUNNING, Power.STOPPED]))
    names = draw(st.sampled_from([(), ("batch",), ("batch", "batch2")]))
    users = [pool(name, power=draw(st.sampled_from([power, power, Power.STOPPED]))) for name in names]
    return cluster(
        "web",
        draw(st.sampled_from(["dev", "dev", "dev", "staging", "prod"])),
        tags=draw(st.sampled_from([{}, {}, {"team": "ops"}, {"lamplighter-schedule": "early"}])),
        power=power,
        pools=(replace(SYSTEM, power=power), *users),
    )


@st.composite
def targets(draw: st.DrawFn) -> TargetMemory:
    return TargetMemory(
        adopted=draw(
            st.dictionaries(st.sampled_from(["r0", "r1", "r2"]), st.builds(Adoption, st.just("x"), instants), max_size=2)
        ),
        served=draw(st.none() | st.builds(Served, wishes, instants)),
        seen=draw(st.none() | st.builds(Seen, powers, instants, maybe)),
        ran_at=draw(maybe),
        owed=draw(st.none() | st.builds(Owed, st.sampled_from(["r0", "tag", "gone"]), instants)),
        saved=draw(st.none() | st.builds(SavedSize, st.integers(1, 5), st.none(), st.none(), st.booleans(), instants)),
        failure=draw(
            st.none()
            | st.builds(
                Failure, st.sampled_from(sorted(ACTIONS)), st.sampled_from(["x", "locked"]), st.just("no"),
                instants, st.integers(1, 4), instants,
            )
        ),
        no_stop_until=draw(maybe),
        warned=draw(st.none() | st.builds(Warned, st.just("r0:stopped:2026-12-07T18:00:00Z"), instants, instants)),
        started_at=draw(maybe),
        stopped_at=draw(maybe),
        reversals=tuple(sorted(draw(st.lists(instants, max_size=4)))),
    )  # fmt: skip


holds = st.builds(
    PersonHold,
    wishes,
    instants,
    instants,
    st.sampled_from(["command", "wake", "tag"]),
    pool=st.none() | pool_names,
)
open_actions = st.builds(
    OpenAction,
    st.just("id"),
    st.sampled_from([*sorted(ACTIONS), "unheard_of"]),
    st.none() | pool_names,
    st.sampled_from(Phase),
    st.just("cause"),
    st.just("r0"),
    st.just("off_hours"),
    instants,
    instants,
)


@st.composite
def memories(draw: st.DrawFn, about: Cluster) -> Memory:
    if draw(st.integers(0, 3)) == 0:
        return Memory(about.id, steady=draw(st.booleans()))
    return Memory(
        about.id,
        generation=draw(st.integers(0, 3)),
        open=draw(st.none() | st.none() | open_actions),
        not_before=draw(maybe),
        targets=draw(st.dictionaries(st.sampled_from(["", "batch", "batch2", "system"]), targets(), max_size=3)),
        holds=tuple(draw(st.lists(holds, max_size=2))),
        first_seen_at=draw(maybe),
        busy_since=draw(maybe),
    )


_MATCHES = (
    "", "match: {environments: [dev]}, ", "match: {environments: [prod]}, ", "match: {environments: [prod, dev]}, ",
    "match: {environments: ['*']}, ", "match: {names: ['*']}, ", "match: {tags: {team: ops}}, ",
    "match: {environments: [dev, staging]}, except: {names: [sbx]}, ",
)  # fmt: skip
_GUARDS = ("", "guards: {warn_before_stop: 0m}, ", "guards: {min_off: 0m, min_uptime: 0m, manual_hold: 0m}, ")
_MODES = ("", "", "mode: plan, ")
_HOURS = (
    "schedule: office", "schedule: never", "schedule: always", "schedule: [office, late], lead: 20m",
    "schedule: office, only: stop", "schedule: office, only: start", "schedule: early, inside: any",
    "schedule: never, enforce: true", 'schedule: never, pools: ["*"], enforce: true',
    'schedule: office, pools: ["batch*"]',
)  # fmt: skip
_EXCEPTION = 'exceptions:\n  - {cluster: "*", keep: %s, until: 2026-12-11, owner: o, reason: r}\n'
_FREEZE = "freezes:\n  - {name: f, from: 2026-12-08T00:00, to: 2026-12-10T00:00, hold: [stop, start]}\n"


def _policy_text(random: Random) -> str:
    rules = "".join(
        f"  - {{name: r{number}, {random.choice(_MATCHES)}{random.choice(_GUARDS)}{random.choice(_MODES)}"
        f"hours: {{{random.choice(_HOURS)}}}}}\n"
        for number in range(random.randrange(4))
    )
    text = HEAD.format(mode=random.choice(["act", "act", "act", "plan"])) + (f"rules:\n{rules}" if rules else "")
    if not random.randrange(4):
        text += _EXCEPTION % random.choice(["running", "stopped"])
    return text + ("" if random.randrange(4) else _FREEZE)


# Reading a policy takes longer than everything else together, so cases share some.
TEXTS = tuple(dict.fromkeys(_policy_text(Random(seed)) for seed in range(80)))


@lru_cache(maxsize=1024)
def read(text: str) -> Policy:
    return read_policy(text, "policy.yaml")


@st.composite
def memories_of(draw: st.DrawFn, about: Cluster, rules: Policy) -> Memory:
    """Mostly of a cluster that has lived with this policy for a while."""
    if draw(st.integers(0, 2)) == 0:
        return draw(memories(about))
    memory = adopted(rules, about, draw(st.sampled_from([LONG_AGO, LONG_AGO, datetime(2026, 12, 9, tzinfo=UTC)])))
    served = draw(st.none() | st.none() | st.builds(Served, wishes, instants))
    owed = draw(st.none() | st.none() | st.builds(Owed, st.sampled_from(["r0", "gone"]), instants))
    memory = with_target(memory, None, served=served, owed=owed)
    return replace(memory, holds=tuple(draw(st.lists(holds, max_size=1))), generation=draw(st.integers(0, 3)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[View, Policy, datetime]:
    """A view, a policy and a moment; where a warning is due, it is often on record."""
    rules, now, seen = read(draw(st.sampled_from(TEXTS))), draw(nows), draw(clusters())
    locks = draw(st.sampled_from([None, None, (), (("x", "CanNotDelete"),), (("x", "ReadOnly"),), "403"]))
    fact = {}
    if isinstance(locks, str):
        fact = {Need.LOCKS: Fact(None, now, locks)}
    elif locks is not None:
        fact = {Need.LOCKS: Fact(locks, now)}
    price = {("westeurope", "standard_d4s_v5"): ListPrice(Money(draw(st.decimals(0, 3, places=3)), "USD"))}
    lead = st.integers(0, 7200).map(lambda seconds: timedelta(seconds=seconds))
    fleet = FleetFacts(
        hold_by=draw(st.sampled_from(["", "", "", "ana"])),
        hold_all=draw(st.booleans()),
        policy_readable=draw(st.sampled_from([True, True, True, False])),
        queue_lead=draw(st.dictionaries(st.just((seen.subscription, seen.location)), lead)),
    )
    memory = draw(memories_of(seen, rules))
    view = View(seen, memory, facts=fact, fleet=fleet, prices=draw(st.sampled_from([{}, price])))
    if draw(st.booleans()):
        for decision in decide(view, rules, now):
            if decision.reason is Reason.WARNING_DUE:
                memory = with_target(memory, decision.pool, warned=Warned(decision.cause, LONG_AGO, now))
    return replace(view, memory=memory), rules, now
