"""What will happen, by the same `decide` that acts: the calendar of a cluster, and the plan of a steady fleet.

Without a journal everything counts as adopted long ago. A forecast assumes that Azure obeys at once and that nobody
touches anything by hand; the fleet's stop budget and pacing are reported apart, they depend on everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.model.decisions import Decision, Plan, Verdict, Voice
from shared.model.facts import NO_PRICES, FleetFacts, View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory, Seen, TargetMemory
from shared.model.money import Prices
from shared.policy.admit import admit
from shared.policy.decide import decide
from shared.policy.document import Policy
from shared.policy.facts import BURST, headcount, pace
from shared.policy.voices import hear, owner_of, tag_holds

_TICK = timedelta(seconds=1)
_AT_MOST = timedelta(days=8)
_NEVER = datetime.max.replace(tzinfo=UTC)
_TRANSIENT = frozenset({"succeeded", "failed", "canceled", ""})


@dataclass(frozen=True, slots=True)
class Transition:
    """One start or stop to come."""

    cluster: str
    target: str
    at: datetime
    action: str
    """start | stop"""
    rule: str | None
    reason: str
    message: str


def transitions(
    cluster: Cluster, policy: Policy, begin: datetime, days: int, facts: FleetFacts | None = None
) -> tuple[Transition, ...]:
    """Starts and stops in [begin, begin + days), in time order; `begin` is aware UTC.

    The state just before `begin` is what the policy made of it by then, not what happens to be running today.
    """
    end = begin + timedelta(days=days)
    fleet = facts if facts is not None else FleetFacts()
    # A tag counts from when it was first seen: without a journal, that is where the forecast begins.
    said = tag_holds(owner_of(cluster, policy).tags, begin, ())
    view = View(_calm(cluster), Memory(cluster.id, steady=True, holds=said), fleet=fleet)
    found: list[Transition] = []
    at = _since(view, policy, begin)
    while at < end:
        view, acted, left = _settle(view, policy, at)
        found.extend(_shown(decision, at) for decision in acted if at >= begin)
        after = _next(view, policy, at, left)
        at = min(after, end) if at >= begin else min(after, begin)
    return tuple(found)


def _since(view: View, policy: Policy, begin: datetime) -> datetime:
    """The transition that the state just before `begin` comes from: what stopped then would not be worth it now."""
    before = begin - _TICK
    since = [p.due_at for p in hear(view, policy, before).proposals if p.voice is Voice.RULE and p.due_at is not None]
    return max(min(since, default=before), before - _AT_MOST)


def calendar(
    clusters: Iterable[Cluster], policy: Policy, begin: datetime, days: int
) -> Iterator[tuple[Transition, ...]]:
    """One tuple of transitions per cluster, lazily, with the lead that the fleet's size asks for."""
    known = tuple(clusters)
    facts = expected_facts(known, policy)
    for cluster in known:
        yield transitions(cluster, policy, begin, days, facts)


def expected_facts(clusters: Iterable[Cluster], policy: Policy) -> FleetFacts:
    """A calm fleet of this size."""
    count = headcount(clusters, policy)
    lanes = {lane: pace(number) for lane, number in count.lanes.items() if number > BURST}
    return FleetFacts(matched=count.matched, queue_lead=lanes)


def steady_plan(clusters: Iterable[Cluster], policy: Policy, now: datetime, prices: Prices = NO_PRICES) -> Plan:
    """What one tick would plan for this fleet if everything had been adopted long ago."""
    known = tuple(clusters)
    facts = expected_facts(known, policy)
    views = [View(cluster, Memory(cluster.id, steady=True), fleet=facts, prices=prices) for cluster in known]
    return plan_for(views, facts, policy, now)


def plan_for(views: Iterable[View], facts: FleetFacts, policy: Policy, now: datetime) -> Plan:
    """What one tick would plan on these views."""
    return admit([one for view in views for one in decide(view, policy, now)], facts, policy, now)


def _calm(cluster: Cluster) -> Cluster:
    """What is busy today will have settled by then."""

    def settled(state: str) -> str:
        return state if state.casefold() in _TRANSIENT else "Succeeded"

    pools = tuple(replace(pool, provisioning_state=settled(pool.provisioning_state)) for pool in cluster.pools)
    return replace(cluster, provisioning_state=settled(cluster.provisioning_state), pools=pools)


def _settle(view: View, policy: Policy, at: datetime) -> tuple[View, list[Decision], tuple[Decision, ...]]:
    """Lets everything that may happen at this instant happen: a cluster first, then its pools one by one.

    The view after it, what was done, and what is decided about the rest.
    """
    acted: list[Decision] = []
    left = decide(view, policy, at)
    while going := [d for d in left if _moves_power(d)]:
        for decision in going:
            view = _obeyed(view, decision, at)
        acted.extend(going)
        left = decide(view, policy, at)
    return view, acted, left


def _moves_power(decision: Decision) -> bool:
    """A forecast tells starts and stops: what else may be done at that time changes none of them."""
    goes = decision.verdict in (Verdict.ACT, Verdict.PLAN)
    return goes and decision.action is not None and decision.action.goal is not None


def _obeyed(view: View, decision: Decision, at: datetime) -> View:
    assert decision.action is not None and decision.action.goal is not None  # noqa: S101, PT018 - filtered above
    power = decision.action.goal.power
    cluster, memory = view.cluster, view.memory
    if decision.pool is None:
        cluster = replace(cluster, power=power, pools=tuple(_whole(pool, power, memory) for pool in cluster.pools))
    else:
        cluster = replace(
            cluster,
            pools=tuple(replace(p, power=power) if p.name.casefold() == decision.pool else p for p in cluster.pools),
        )
    done = replace(memory.target(decision.pool), seen=Seen(power, at, at))
    return replace(view, cluster=cluster, memory=replace(memory, targets=memory.with_target(decision.pool, done)))


def _whole(pool: NodePool, power: Power, memory: Memory) -> NodePool:
    """Pools go down with their cluster and come back with it, except those that were stopped on their own."""
    seen: TargetMemory = memory.target(pool.name)
    apart = seen.seen is not None and seen.seen.power is Power.STOPPED
    return replace(pool, power=Power.STOPPED if apart else power)


def _next(view: View, policy: Policy, at: datetime, left: Iterable[Decision]) -> datetime:
    """The next instant at which anything may change its mind."""
    edges = [p.until for p in hear(view, policy, at).proposals if p.until is not None]
    edges += [edge for freeze in policy.freezes for edge in (freeze.begin, freeze.end)]
    edges += [d.not_before for d in left if d.not_before is not None]
    return min((edge for edge in edges if edge > at), default=_NEVER)


def _shown(decision: Decision, at: datetime) -> Transition:
    assert decision.action is not None  # noqa: S101 - filtered in _settle
    return Transition(
        decision.cluster,
        decision.target,
        at,
        decision.action.verb,
        decision.rule,
        decision.reason.value,
        decision.message,
    )
