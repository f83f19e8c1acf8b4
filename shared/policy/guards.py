"""Guards: asked after the voices, they only refuse or defer. The first that objects gives the reason.

Refusals come before deferrals, so that people read what will never work before what is only late.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.actions import Action, Level, ResizePool, ScalePool, SilenceAlerts
from shared.model.decisions import Proposal, Reason, Verdict
from shared.model.facts import Need, View
from shared.model.fleet import Power
from shared.model.memory import TargetMemory, Wish
from shared.policy.bound import Environment, Freeze, Guards
from shared.policy.claim import undone
from shared.policy.durations import show_duration
from shared.policy.scaling import obstacle
from shared.policy.spoken import spoken

_SCALE_SETS = "virtualmachinescalesets"


_DONE = {Level.LOWER: "made smaller", Level.VERSION: "upgraded", Level.REPAIR: "repaired"}
_OF_NODES = frozenset({Level.POWER, Level.RAISE, Level.LOWER})
"""Levels at which nodes come and go for good."""
_SIZES = frozenset({Level.RAISE, Level.LOWER})
_MENDS = frozenset({Level.REPAIR, Level.VERSION})
"""What may be the remedy for a state of Failed: an upgrade that broke off is sent again."""


@dataclass(frozen=True, slots=True)
class Case:
    """One wanted action and everything a guard may look at."""

    view: View
    action: Action
    proposal: Proposal
    environment: Environment
    guards: Guards
    freezes: tuple[Freeze, ...]
    zone: str
    now: datetime

    @property
    def target(self) -> TargetMemory:
        return self.view.memory.target(self.action.pool)


@dataclass(frozen=True, slots=True)
class Objection:
    verdict: Verdict
    reason: Reason
    sentence: str
    until: datetime | None = None


def first_objection(case: Case) -> Objection | None:
    """None: nothing stands in the way. Deterministic; the order is the order of the file."""
    return next((objection for guard in _ORDER for objection in guard(case)), None)


def _refuse(reason: Reason, sentence: str) -> Objection:
    return Objection(Verdict.REFUSE, reason, sentence)


def found_by_rule(case: Case) -> Objection | None:
    """What the rule that proposed it found in the way."""
    obstacle = case.proposal.obstacle
    if obstacle is None:
        return None
    return Objection(obstacle.verdict, obstacle.reason, obstacle.sentence, obstacle.until)


def _defer(reason: Reason, sentence: str, until: datetime | None = None) -> Objection:
    return Objection(Verdict.DEFER, reason, sentence, until)


def _production(case: Case) -> Iterator[Objection]:
    if case.environment.production and not case.action.in_production:
        named = case.environment.name or "no environment matches it, so it counts as production"
        done = "stopped" if case.action.goal is Wish.STOPPED else _DONE.get(case.action.level, "changed")
        yield _refuse(Reason.PRODUCTION, f"production is never {done} ({named})")


def _readable(case: Case) -> Iterator[Objection]:
    cluster = case.view.cluster
    if cluster.problem is not None:
        yield _refuse(Reason.UNREADABLE_STATE, cluster.problem)
    elif cluster.power is Power.UNKNOWN:
        yield _refuse(Reason.UNREADABLE_STATE, "Azure did not say whether the cluster is running")
    elif not cluster.provisioning_state:
        yield _refuse(Reason.UNREADABLE_STATE, "Azure did not say whether the cluster is busy")
    elif case.action.pool is not None and cluster.pool(case.action.pool) is None:
        yield _refuse(Reason.UNKNOWN_POOL, f"the cluster has no pool {case.action.pool}")
    elif case.action.pool is not None and cluster.power_of(case.action.pool) is Power.UNKNOWN:
        yield _refuse(Reason.UNREADABLE_STATE, f"Azure did not say whether pool {case.action.pool} is running")


def _supported(case: Case) -> Iterator[Objection]:
    """From: https://learn.microsoft.com/azure/aks/start-stop-cluster and start-stop-nodepools"""
    cluster, pool_name = case.view.cluster, case.action.pool
    if (cluster.node_provisioning or "").casefold() == "auto" and case.action.goal is not None:
        yield _refuse(
            Reason.NODE_PROVISIONING,
            "node auto-provisioning is on: AKS can stop neither the cluster nor its pools, and freezing its nodes"
            " would take a credential for the cluster itself, which Lamplighter never holds",
        )
    pool = None if pool_name is None else cluster.pool(pool_name)
    pools = cluster.pools if pool is None else (pool,)
    strange = [one for one in pools if (one.kind or _SCALE_SETS).casefold() != _SCALE_SETS]
    if strange and case.action.level in _OF_NODES:
        names = ", ".join(f"{one.name} ({one.kind})" for one in strange)
        yield _refuse(Reason.AVAILABILITY_SET, f"AKS stops only scale-set pools, and this is not one: {names}")
    shrinks = case.action.disruptive and case.action.level in _OF_NODES
    if pool is not None and shrinks and (pool.mode or "").casefold() != "user":
        what = f"a {pool.mode} pool" if pool.mode else "a pool of unknown mode"
        yield _refuse(Reason.SYSTEM_POOL, f"{pool.name} is {what}; only User pools {case.action.verb}")


def _scaling(case: Case) -> Iterator[Objection]:
    found = obstacle(case.view, case.action) if isinstance(case.action, ScalePool) else None
    if found is not None:
        yield Objection(*found)


def _fleet_member(case: Case) -> Iterator[Objection]:
    """What we stopped before it became a member we still start. Its hub upgrades it: nobody else does."""
    if case.view.cluster.fleet is not None and case.action.level is Level.VERSION:
        hub = case.view.cluster.fleet.rpartition("/")[2]
        yield _refuse(Reason.FLEET_MEMBER, f"it is a member of fleet {hub}, which upgrades it")
        return
    owed = case.target.owed is not None and not case.action.disruptive
    stands = case.action.goal is None or owed  # only a stopped member fails an update run
    if case.view.cluster.fleet is not None and not case.guards.fleet_members and not stands:
        hub = case.view.cluster.fleet.rpartition("/")[2]
        yield _refuse(
            Reason.FLEET_MEMBER,
            f"it is a member of fleet {hub}, whose update runs fail on a stopped cluster;"
            " the guard `fleet_members: allow` permits it",
        )


def _locks(case: Case) -> Iterator[Objection]:
    fact = case.view.facts.get(Need.LOCKS)
    if fact is None:
        return
    if not fact.known:
        if case.action.disruptive:
            yield _refuse(Reason.UNREADABLE_LOCKS, f"its locks could not be read: {fact.problem}")
        return
    holding = [f"{name} ({level})" for name, level in fact.value if case.action.disruptive or level == "ReadOnly"]
    if holding:
        yield _refuse(Reason.LOCKED, f"locked by {', '.join(holding)}")


def _known_refusal(case: Case) -> Iterator[Objection]:
    """Locks are read only when about to act; what was found then holds until it is worth looking again."""
    failure = case.target.failure_of(case.action.kind)
    if Need.LOCKS in case.view.facts or failure is None:
        return
    if failure.code in (Reason.LOCKED, Reason.UNREADABLE_LOCKS) and failure.retry_at > case.now:
        yield Objection(Verdict.REFUSE, Reason(failure.code), failure.message, failure.retry_at)


def _policy_readable(case: Case) -> Iterator[Objection]:
    if case.action.disruptive and not case.view.fleet.policy_readable:
        yield _defer(
            Reason.UNREADABLE_POLICY, "the policy cannot be read; the last good one only starts, nothing is stopped"
        )


def _hold(case: Case) -> Iterator[Objection]:
    fleet = case.view.fleet
    if fleet.hold_by and (case.action.disruptive or fleet.hold_all):
        why = f": {fleet.hold_reason}" if fleet.hold_reason else ""
        yield _defer(Reason.HOLD, f"emergency hold by {fleet.hold_by}{why}")


def _frozen(case: Case) -> Iterator[Objection]:
    for freeze in case.freezes:
        held = case.action.frozen_by(freeze.hold) and freeze.begin <= case.now < freeze.end
        matches = freeze.match is None or freeze.match.matches(case.view.cluster, case.environment.name)
        if held and matches:
            until = spoken(freeze.end, case.zone)
            yield _defer(Reason.FROZEN, f"frozen by {freeze.name} until {until}", freeze.end)


def _busy(case: Case) -> Iterator[Objection]:
    """Stops want everything Succeeded; a start may also mend what Failed or was Canceled.

    Who resizes a pool waits for that pool only: nobody who lost nodes should wait for another pool's upgrade.
    """
    cluster, resized = case.view.cluster, case.action.pool if case.action.level in _SIZES else None
    states = [("the cluster", cluster.provisioning_state)]
    states += [
        (f"pool {p.name}", p.provisioning_state or cluster.provisioning_state)
        for p in cluster.pools
        if resized is None or p.name.casefold() == resized.casefold()
    ]
    mends = case.action.level in _MENDS or not case.action.disruptive
    mended = {"succeeded", "failed", "canceled"}
    fine = mended if mends else {"succeeded"}
    for number, (who, state) in enumerate(states):
        # A pool that Failed over its last size is mended by another one.
        if state.casefold() not in (mended if number and isinstance(case.action, ResizePool) else fine):
            yield _defer(Reason.BUSY, f"{who} is {state}")
    inside = case.action.pool is not None or case.action.goal is None
    # Its alerts are silenced while it sleeps.
    if inside and cluster.power is not Power.RUNNING and not isinstance(case.action, SilenceAlerts):
        yield _defer(Reason.CLUSTER_STOPPED, "the cluster itself is stopped")


def _later(case: Case) -> Iterator[Objection]:
    memory, target, now = case.view.memory, case.target, case.now
    failure = target.failure_of(case.action.kind)
    if memory.not_before is not None and memory.not_before > now:
        yield _defer(Reason.RETRY_LATER, "Azure asked us to come back later", memory.not_before)
    # A rule that knows what the failure was says it better.
    if failure is not None and failure.retry_at > now and case.proposal.obstacle is None:
        tries = "once" if failure.count == 1 else f"{failure.count} times"
        sentence = f"failed {tries} ({failure.code}); next try {spoken(failure.retry_at, case.zone)}"
        yield _defer(Reason.RETRY_LATER, sentence, failure.retry_at)
    if case.action.disruptive:
        if target.no_stop_until is not None and target.no_stop_until > now:
            until = spoken(target.no_stop_until, case.zone)
            yield _defer(
                Reason.NO_CAPACITY,
                f"its last start found no capacity; kept running until {until}",
                target.no_stop_until,
            )
        until_at = undone(target, now)
        if until_at is not None:
            times = len(target.reversals)
            sentence = f"somebody undid us {times} times; left alone until {spoken(until_at, case.zone)}"
            yield _defer(Reason.UNDONE, sentence, until_at)


def _dwell(case: Case) -> Iterator[Objection]:
    if case.action.goal is None:
        return  # capacity groups have their own waits
    target, now, guards = case.target, case.now, case.guards
    seen_since = target.seen.since if target.seen is not None else None
    if case.action.goal is Wish.RUNNING:
        # A start that failed looks like one more stop, and is not one: its back-off is all the wait there is.
        failed = target.failure_of(case.action.kind) is not None
        since = [target.stopped_at] if failed else [target.stopped_at, seen_since]
        yield from _too_soon(case, since, guards.min_downtime, Reason.MIN_DOWNTIME)
        return
    yield from _too_soon(case, [target.started_at, seen_since], guards.min_uptime, Reason.MIN_UPTIME)
    until = case.proposal.until
    if until is not None and guards.min_off and until - now < guards.min_off:
        left = show_duration(timedelta(minutes=int((until - now).total_seconds() // 60)))
        yield _defer(
            Reason.MIN_OFF, f"only {left} until it is needed again, less than min_off {show_duration(guards.min_off)}"
        )


def _too_soon(case: Case, times: list[datetime | None], least: timedelta, reason: Reason) -> Iterator[Objection]:
    since = max((at for at in times if at is not None), default=None)
    if since is not None and case.now - since < least:
        word = "stopped" if reason is Reason.MIN_DOWNTIME else "started"
        until = since + least
        text = (
            f"{word} {spoken(since, case.zone)}; {reason.value} {show_duration(least)} ends {spoken(until, case.zone)}"
        )
        yield _defer(reason, text, until)


_ORDER = (
    _production,
    _readable,
    _supported,
    _scaling,
    _fleet_member,
    _locks,
    _known_refusal,
    _policy_readable,
    _hold,
    _frozen,
    _busy,
    _later,
    _dwell,
)
