"""decide(view, policy, now): what should be true of one cluster, and what to do about it. LOCAL, pure, total.

The same call runs in tick and, on a fresh reading, in act. One decision per target somebody speaks for, and one per
cluster in any case: "why did nothing happen?" has an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.costs.prices import estimated_saving, hourly_price, pool_prices
from shared.model.decisions import (
    Action,
    Announcement,
    Decision,
    Proposal,
    Reason,
    Verdict,
    Voice,
    decision_id,
    power_action,
)
from shared.model.facts import View
from shared.model.memory import Wish
from shared.model.money import Money
from shared.policy.bound import BoundRule
from shared.policy.document import Policy
from shared.policy.facts import STOP_EXPIRES
from shared.policy.guards import Case, Objection, first_objection
from shared.policy.spoken import spoken
from shared.policy.transitions import Law, apply_law, still_speaks
from shared.policy.voices import Hearing, hear, heard

START_EXPIRES = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Bench:
    """What every decision about this cluster at this moment shares."""

    view: View
    policy: Policy
    hearing: Hearing
    now: datetime

    @property
    def zone(self) -> str:
        return self.hearing.zone


def decide(view: View, policy: Policy, now: datetime) -> tuple[Decision, ...]:
    """The cluster's decision first, then its pools' in name order. `now` is aware UTC. Never raises for data."""
    bench = _Bench(view, policy, hear(view, policy, now), now)
    pools = sorted({p.pool for p in bench.hearing.proposals if p.pool is not None} | _owed_pools(view))
    whole = _decide_target(bench, None)
    return (whole, *_after(whole, [_decide_target(bench, pool) for pool in pools]))


def _owed_pools(view: View) -> set[str]:
    return {name for name, target in view.memory.targets.items() if name and target.owed is not None}


def _after(whole: Decision, parts: Sequence[Decision]) -> tuple[Decision, ...]:
    """A cluster's action supersedes its pools'; among pools one write goes at a time, lower levels first."""
    acting = whole if whole.verdict in (Verdict.ACT, Verdict.PLAN) else None
    done = []
    for part in sorted(parts, key=lambda d: (d.action.level if d.action else 99, d.target)):
        if part.verdict not in (Verdict.ACT, Verdict.PLAN) or acting is None:
            acting = part if acting is None and part.verdict is Verdict.ACT else acting
            done.append(part)
        elif acting is whole and whole.action is not None and whole.action.goal is Wish.STOPPED:
            text = "the whole cluster stops, and its pools with it"
            done.append(replace(part, verdict=Verdict.NONE, action=None, reason=Reason.SUPERSEDED, message=text))
        else:
            text = f"waits for {acting.action.verb if acting.action else 'another write'} of {_short(acting)}"
            done.append(replace(part, verdict=Verdict.DEFER, reason=Reason.WAITS_FOR, message=text))
    return tuple(sorted(done, key=lambda d: d.target))


def _short(decision: Decision) -> str:
    return decision.target.rpartition("/")[2]


def _decide_target(bench: _Bench, pool: str | None) -> Decision:
    view, hearing = bench.view, bench.hearing
    mine = [
        p for p in hearing.proposals if p.pool == pool and (p.wish is None or still_speaks(p, view.memory, bench.now))
    ]
    chorus = heard(mine)
    if hearing.problems:
        return _plain(bench, pool, Verdict.REFUSE, Reason.UNREADABLE_TAG, "; ".join(hearing.problems))
    if hearing.tags.exclude:
        verdict = Verdict.REFUSE if chorus and _differs(bench, pool, chorus[0]) else Verdict.NONE
        return _plain(bench, pool, verdict, Reason.EXCLUDED, "excluded by the tag lamplighter-exclude")
    if not chorus:
        chorus = _released(bench, pool, mine)
    if not chorus:
        return _silence(bench, pool, mine)
    return _weigh(bench, chorus)


def _differs(bench: _Bench, pool: str | None, proposal: Proposal) -> bool:
    return proposal.wish is not None and bench.view.cluster.power_of(pool) is not proposal.wish.power


def _released(bench: _Bench, pool: str | None, mine: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """What we stopped we owe a start: once nothing holds the target down any more, RUNNING is proposed."""
    owed = bench.view.memory.target(pool).owed
    if owed is None or any(p.rule == owed.rule for p in mine):
        return ()
    return (
        Proposal(
            rule=owed.rule,
            pool=pool,
            voice=Voice.HOLD,
            wish=Wish.RUNNING,
            due_at=None,
            cause=f"released:{owed.since:%Y-%m-%dT%H:%M:%SZ}",
            reason=Reason.RELEASED,
            sentence=f"we stopped it for {owed.rule}, which no longer speaks for it",
            mode=bench.policy.mode,
        ),
    )


def _silence(bench: _Bench, pool: str | None, mine: Sequence[Proposal]) -> Decision:
    if mine:
        sentence = "; ".join(dict.fromkeys(f"{p.rule} has no opinion now ({p.sentence})" for p in mine))
        return _plain(bench, pool, Verdict.NONE, Reason.NO_OPINION, sentence)
    environment = bench.hearing.environment
    if environment.production:
        named = environment.name or "no environment matches it, so it counts as production"
        return _plain(bench, pool, Verdict.NONE, Reason.PRODUCTION, f"production ({named}); no rule speaks for it")
    return _plain(bench, pool, Verdict.NONE, Reason.NO_RULE, "no rule speaks for it")


def _plain(bench: _Bench, pool: str | None, verdict: Verdict, reason: Reason, message: str) -> Decision:
    cluster = bench.view.cluster
    target = cluster.id if pool is None else f"{cluster.id}/agentpools/{pool}"
    return Decision(
        id=decision_id(target, verdict.value, reason.value, bench.view.memory.generation),
        cluster=cluster.id,
        target=target,
        action=None,
        verdict=verdict,
        reason=reason,
        message=message,
        rule=None,
        cause=reason.value,
        policy_hash=bench.policy.hash,
        lane=(cluster.subscription, cluster.location),
    )


def _weigh(bench: _Bench, chorus: tuple[Proposal, ...]) -> Decision:
    """Somebody has an opinion: does what is seen agree, may we act, does a guard object?"""
    first = chorus[0]
    pool, wish = first.pool, first.wish
    assert wish is not None  # noqa: S101 - heard() returns only proposals with a wish
    power = bench.view.cluster.power_of(pool)
    rules = ", ".join(dict.fromkeys(p.rule for p in chorus))
    base = replace(
        _plain(bench, pool, Verdict.NONE, Reason.AS_WISHED, ""),
        rule=rules,
        wish=wish,
        cause=first.cause,
        due_at=max((p.due_at for p in chorus if p.due_at is not None), default=None),
        ready_by=first.ready_by,
        evidence=first.evidence,
    )
    open_ = bench.view.memory.open
    if open_ is not None:
        since = spoken(open_.claimed_at, bench.zone)
        text = f"{open_.kind.replace('_', ' ')} is under way ({open_.phase.value} {since})"
        return replace(base, reason=Reason.UNDER_WAY, message=text)
    if power is wish.power and bench.view.cluster.is_moving(pool):
        text = f"{power.value.lower()}, but {bench.view.cluster.provisioning_state.lower()}: not settled yet"
        return replace(base, reason=Reason.UNDER_WAY, message=text)
    if power is wish.power:
        said = replace(base, message=f"{power.value.lower()}, as wished: {first.sentence}")
        return replace(said, announce=_ahead(bench, pool)) if wish is Wish.RUNNING else said
    law = _law(bench, chorus)
    if law.proposal is None:
        ends = "" if law.ends_at is None else f"; respected until {spoken(law.ends_at, bench.zone)}"
        held = replace(base, reason=law.reason, message=f"{law.sentence}{ends}")
        return replace(held, announce=_held_until(bench, chorus[0], law)) if wish is Wish.STOPPED else held
    until = min((p.until for p in chorus if p.until is not None), default=None)
    return _propose_action(bench, base, replace(law.proposal, sentence=law.sentence, until=until))


def _law(bench: _Bench, chorus: tuple[Proposal, ...]) -> Law:
    first = chorus[0]
    if first.voice is not Voice.RULE:
        return Law(first, first.reason, first.sentence)
    environment = bench.hearing.environment
    hold = bench.policy.guards_for(environment, _rule(bench, first)).manual_hold
    return apply_law(chorus, bench.view.memory, hold, bench.now)


def _rule(bench: _Bench, proposal: Proposal) -> BoundRule | None:
    return next((rule for rule in bench.hearing.rules if rule.name == proposal.rule), None)


def _propose_action(bench: _Bench, base: Decision, proposal: Proposal) -> Decision:
    assert proposal.wish is not None  # noqa: S101 - see _weigh
    view, now = bench.view, bench.now
    action = power_action(view.cluster.id, proposal.pool, proposal.wish)
    case = _case(bench, action, proposal)
    wanted = replace(
        base,
        id=decision_id(base.target, action.kind, proposal.cause, view.memory.generation),
        action=action,
        cause=proposal.cause,
        reason=proposal.reason,
        rule=proposal.rule,
        ready_by=proposal.ready_by,
        until=proposal.until,
        estimated_saving=_saving(view, proposal, now),
        expires_at=now + (STOP_EXPIRES if action.disruptive else START_EXPIRES),
    )
    objection = first_objection(case) or _unwarned(case)
    if objection is not None:
        return _objected(case, wanted, objection)
    verdict = Verdict.PLAN if "plan" in (bench.policy.mode, proposal.mode) else Verdict.ACT
    return replace(wanted, verdict=verdict, message=f"{action.verb}: {proposal.sentence}")


def _case(bench: _Bench, action: Action, proposal: Proposal) -> Case:
    environment = bench.hearing.environment
    guards = bench.policy.guards_for(environment, _rule(bench, proposal))
    return Case(bench.view, action, proposal, environment, guards, bench.policy.freezes, bench.zone, bench.now)


def _saving(view: View, proposal: Proposal, now: datetime) -> Money | None:
    if proposal.wish is not Wish.STOPPED or not view.prices:
        return None
    cluster, prices = view.cluster, view.prices
    price = hourly_price(cluster, prices) if proposal.pool is None else pool_prices(cluster, prices).get(proposal.pool)
    return estimated_saving(price, None if proposal.until is None else proposal.until - now)


def _objected(case: Case, wanted: Decision, objection: Objection) -> Decision:
    text = f"{case.action.verb} wanted ({case.proposal.sentence}), but {objection.sentence}"
    announce = None
    if objection.reason is Reason.WARNING_DUE and objection.until is not None:
        announce = Announcement(case.proposal.cause, objection.until, case.proposal.sentence)
    return replace(
        wanted,
        verdict=objection.verdict,
        reason=objection.reason,
        message=text,
        not_before=objection.until,
        announce=announce,
    )


def _unwarned(case: Case) -> Objection | None:
    """A stop waits until its warning has been on record for `warn_before_stop`; a late warning means a late stop."""
    lead = case.guards.warn_before_stop
    planned = case.view.memory.steady or case.proposal.mode == "plan"
    if not case.action.disruptive or not lead or planned:
        return None
    warned = case.target.warned
    if warned is None or warned.cause != case.proposal.cause:
        return Objection(Verdict.DEFER, Reason.WARNING_DUE, "people have not been warned yet", case.now + lead)
    ready = max(warned.due_at, warned.at)
    if case.now < ready:
        return Objection(
            Verdict.DEFER, Reason.WARNING_DUE, f"people were told that it stops {spoken(ready, case.zone)}", ready
        )
    return None


def _ahead(bench: _Bench, pool: str | None) -> Announcement | None:
    """A stop that will be due within `warn_before_stop` of a target that runs as wished now."""
    mine = [p for p in bench.hearing.proposals if p.pool == pool and p.until is not None]
    if bench.view.memory.steady or not mine:
        return None
    environment = bench.hearing.environment
    longest = max(bench.policy.guards_for(environment, _rule(bench, p)).warn_before_stop for p in mine)
    edges = sorted({p.until for p in mine if p.until is not None and p.until <= bench.now + longest})
    for edge in edges:
        later = _Bench(bench.view, bench.policy, hear(bench.view, bench.policy, edge), edge)
        chorus = heard(
            p for p in later.hearing.proposals if p.pool == pool and still_speaks(p, bench.view.memory, edge)
        )
        if chorus and chorus[0].wish is Wish.STOPPED:
            return _announced(later, chorus, edge, bench.now)
    return None


def _announced(later: _Bench, chorus: tuple[Proposal, ...], edge: datetime, now: datetime) -> Announcement | None:
    law = _law(later, chorus)
    if law.proposal is None or law.proposal.mode == "plan":
        return None
    action = power_action(later.view.cluster.id, chorus[0].pool, Wish.STOPPED)
    case = _case(later, action, law.proposal)
    objection = first_objection(case)
    passing = (Reason.BUSY, Reason.HOLD)
    if objection is not None and objection.reason not in passing:
        return None
    if edge - now > case.guards.warn_before_stop:
        return None
    return Announcement(law.proposal.cause, edge, law.proposal.sentence)


def _held_until(bench: _Bench, proposal: Proposal, law: Law) -> Announcement | None:
    """A respected start by hand ends soon: that is told like any other stop."""
    guards = bench.policy.guards_for(bench.hearing.environment, _rule(bench, proposal))
    if law.ends_at is None or bench.view.memory.steady or law.ends_at > bench.now + guards.warn_before_stop:
        return None
    return Announcement(law.next_cause, law.ends_at, f"{proposal.sentence}; the start by hand was respected until then")
