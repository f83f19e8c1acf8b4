"""decide(view, policy, now): what should be true of one cluster, and what to do about it. LOCAL, pure, total.

The same call runs in tick and, on a fresh reading, in act. One decision per target somebody speaks for, and one per
cluster in any case: "why did nothing happen?" has an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.costs.prices import estimated_saving, hourly_price, pool_prices
from shared.model.actions import power_action
from shared.model.altering import altered
from shared.model.decisions import Announcement, Decision, Proposal, Reason, Verdict, Voice, decision_id
from shared.model.facts import View
from shared.model.fleet import Power, target_id
from shared.model.memory import OpenAction, Wish
from shared.model.money import Money
from shared.policy.bench import Bench
from shared.policy.changes import wanted_change
from shared.policy.document import Policy
from shared.policy.facts import STOP_EXPIRES
from shared.policy.guards import first_objection, found_by_rule
from shared.policy.quiet import first_silence, quiet_change, unsilenced
from shared.policy.spoken import spoken
from shared.policy.transitions import Law, still_speaks
from shared.policy.voices import Hearing, Owner, hear, heard
from shared.policy.warn import ahead, held_until, occasion_to_warn, unwarned, while_it_must_run

START_EXPIRES = timedelta(hours=1)
_STOPPED = "the cluster itself is stopped"


def decide(view: View, policy: Policy, now: datetime, owner: Owner | None = None) -> tuple[Decision, ...]:
    """The cluster's decision first, then its pools' in name order. `now` is aware UTC. Never raises for data.

    `owner` is `owner_of(view.cluster, policy)`, for callers that have asked already.
    """
    return decide_heard(view, policy, now, hear(view, policy, now, owner))


def decide_heard(view: View, policy: Policy, now: datetime, hearing: Hearing) -> tuple[Decision, ...]:
    """As `decide`, for callers that have heard everybody already: `hearing` is of the same view, policy and moment."""
    bench = Bench(view, policy, hearing, now)
    whole = _decide_target(bench, None)
    pools = {p.pool for p in bench.hearing.proposals if p.pool is not None} | _owed_pools(view)
    parts = [_decide_target(bench, pool) for pool in sorted(pools)]
    return _in_turn([whole, *parts]) if parts else (whole,)


def _owed_pools(view: View) -> set[str]:
    """A pool that is gone is owed nothing any more."""
    owed = [name for name, target in view.memory.targets.items() if name and target.owed is not None]
    return {name for name in owed if view.cluster.pool(name) is not None}


def _in_turn(said: Sequence[Decision]) -> tuple[Decision, ...]:
    """The same decisions, the first being the cluster's: one write goes at a time, lower levels first.

    The cluster's power supersedes its pools'; whatever else is done to it takes its turn among them.
    """
    acting: Decision | None = None
    turns: dict[str, Decision] = {}
    for one in sorted(said, key=lambda d: (d.action.level if d.action else 99, d.target)):
        # What is only planned takes nothing away from what is done.
        beside = acting is None or (acting.verdict is Verdict.PLAN and one.verdict is Verdict.ACT)
        if one.verdict not in (Verdict.ACT, Verdict.PLAN) or beside:
            leads = one.verdict is Verdict.ACT or (one.verdict is Verdict.PLAN and one is said[0])
            acting = one if beside and leads else acting
            turns[one.target] = one
        elif acting is said[0] and acting.action is not None and acting.action.goal is not None:
            text = "the whole cluster stops, and its pools with it"
            turns[one.target] = altered(one, verdict=Verdict.NONE, action=None, reason=Reason.SUPERSEDED, message=text)
        elif acting is not None:
            text = f"waits for {acting.shown_action} of {acting.target.rpartition('/')[2]}"
            turns[one.target] = altered(one, verdict=Verdict.DEFER, reason=Reason.WAITS_FOR, message=text)
    return tuple(turns[one.target] for one in said)


def _decide_target(bench: Bench, pool: str | None) -> Decision:
    """On or off first; where that asks for nothing, what rules want to change about it."""
    said = _decide_power(bench, pool)
    change = wanted_change(bench, pool, said) or quiet_change(bench, said)
    if change is None:
        return said
    if bench.view.memory.open is not None:
        return _under_way(bench, pool, bench.view.memory.open)
    decision = _propose_action(bench, said, change)
    return altered(decision, agrees=said.reason is Reason.AS_WISHED, announce=said.announce)


def _decide_power(bench: Bench, pool: str | None) -> Decision:
    owner, memory = bench.hearing.owner, bench.view.memory
    mine = bench.of(pool)
    chorus = heard(p for p in mine if not p.once or still_speaks(p, memory, bench.now))
    if owner.problems:
        return _decision(bench, pool, Verdict.REFUSE, Reason.UNREADABLE_TAG, "; ".join(owner.problems))
    if owner.tags.exclude:
        verdict = Verdict.REFUSE if chorus and _differs(bench, pool, chorus[0]) else Verdict.NONE
        return _decision(bench, pool, verdict, Reason.EXCLUDED, "excluded by the tag lamplighter-exclude")
    if not chorus:
        chorus = _released(bench, pool, mine)
    return _weigh(bench, pool, chorus) if chorus else _silence(bench, pool, mine)


def _differs(bench: Bench, pool: str | None, proposal: Proposal) -> bool:
    return proposal.wish is not None and bench.view.cluster.power_of(pool) is not proposal.wish.power


def _released(bench: Bench, pool: str | None, mine: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """What we stopped we owe a start: once nothing holds the target down any more, RUNNING is proposed."""
    owed = bench.view.memory.target(pool).owed
    if owed is None or any(p.rule == owed.rule for p in mine):
        return ()
    return (_owed_start(bench, pool, f"we stopped it for {owed.rule}, which no longer speaks for it"),)


def _owed_start(bench: Bench, pool: str | None, sentence: str) -> Proposal:
    owed = bench.view.memory.target(pool).owed
    assert owed is not None  # noqa: S101 - the callers looked
    return Proposal(
        rule=owed.rule,
        pool=pool,
        voice=Voice.HOLD,
        wish=Wish.RUNNING,
        due_at=None,
        cause=f"released:{owed.since:%Y-%m-%dT%H:%M:%SZ}",
        reason=Reason.RELEASED,
        sentence=sentence,
        mode=bench.policy.mode,
    )


def _silence(bench: Bench, pool: str | None, mine: Sequence[Proposal]) -> Decision:
    """Nobody has an opinion, or nobody speaks at all."""
    if mine:
        sentence = "; ".join(dict.fromkeys(f"{p.rule} has no opinion now ({p.sentence})" for p in mine))
        coming = ahead(bench, pool) if bench.view.cluster.power_of(pool) is Power.RUNNING else None
        reason = Reason.AUTO_UPGRADE if any(p.reason is Reason.AUTO_UPGRADE for p in mine) else Reason.NO_OPINION
        return _decision(bench, pool, Verdict.NONE, reason, sentence, announce=coming)
    environment = bench.hearing.owner.environment
    if environment.production:
        text = f"production ({environment.name or 'no environment matches it, so it counts as production'})"
        return _decision(bench, pool, Verdict.NONE, Reason.PRODUCTION, f"{text}; no rule speaks for it")
    text = "no rule speaks for it" if not bench.hearing.proposals else "no rule speaks for the cluster as a whole"
    return _decision(bench, pool, Verdict.NONE, Reason.NO_RULE, text)


def _decision(
    bench: Bench,
    pool: str | None,
    verdict: Verdict,
    reason: Reason,
    message: str,
    *,
    chorus: Sequence[Proposal] = (),
    announce: Announcement | None = None,
) -> Decision:
    """A decision without an action. `chorus` is who was heard; empty when nobody was."""
    cluster = bench.view.cluster
    target = target_id(cluster.id, pool)
    id_ = decision_id(target, verdict.value, reason.value, bench.view.memory.generation)
    environment, lane = bench.hearing.environment.name, (cluster.subscription, cluster.location)
    rules = tuple(rule.name for rule in bench.hearing.owner.rules)
    if not chorus:
        return Decision(
            id_, cluster.id, target, None, verdict, reason, message, None, reason.value,
            policy_hash=bench.policy.hash, environment=environment, lane=lane, announce=announce, rules=rules,
        )  # fmt: skip
    first, alone = chorus[0], len(chorus) == 1
    due_at = first.due_at if alone else max((p.due_at for p in chorus if p.due_at is not None), default=None)
    return Decision(
        id=id_,
        cluster=cluster.id,
        target=target,
        action=None,
        verdict=verdict,
        reason=reason,
        message=message,
        rule=first.rule if alone else ", ".join(dict.fromkeys(p.rule for p in chorus)),
        cause=first.cause,
        evidence=first.evidence,
        due_at=due_at,
        policy_hash=bench.policy.hash,
        wish=first.wish,
        ready_by=_ready_by(bench, first),
        environment=environment,
        lane=lane,
        announce=announce,
        rules=rules,
    )


def _ready_by(bench: Bench, proposal: Proposal) -> datetime | None:
    """Nobody waits for what is only planned."""
    return None if "plan" in (bench.policy.mode, proposal.mode) else proposal.ready_by


def _weigh(bench: Bench, pool: str | None, chorus: tuple[Proposal, ...]) -> Decision:
    """Somebody has an opinion: does what is seen agree, may we act, does a guard object?"""
    open_, first = bench.view.memory.open, chorus[0]
    if open_ is not None:
        return _under_way(bench, pool, open_, chorus)
    if bench.view.cluster.problem is not None:
        return _decision(bench, pool, Verdict.REFUSE, Reason.UNREADABLE_STATE, bench.view.cluster.problem)
    if not _differs(bench, pool, first):
        return _agrees(bench, pool, chorus)
    law = bench.law(chorus)
    if law.proposal is None and law.reason is Reason.BEFORE_ADOPTION and first.wish is Wish.RUNNING:
        law = _owed_anyway(bench, pool, law)
    if law.proposal is None:
        ends = "" if law.ends_at is None else f"; respected until {spoken(law.ends_at, bench.zone)}"
        coming = held_until(bench, first, law) if first.wish is Wish.STOPPED else None
        return _decision(bench, pool, Verdict.NONE, law.reason, f"{law.sentence}{ends}", chorus=chorus, announce=coming)
    until = min((p.until for p in chorus if p.until is not None), default=None)
    said = _decision(bench, pool, Verdict.NONE, law.reason, "", chorus=chorus)
    proposal = law.proposal
    if (proposal.sentence, proposal.until) != (law.sentence, until):
        proposal = altered(proposal, sentence=law.sentence, until=until)
    return _propose_action(bench, said, proposal)


def _under_way(bench: Bench, pool: str | None, open_: OpenAction, chorus: Sequence[Proposal] = ()) -> Decision:
    since = spoken(open_.claimed_at, bench.zone)
    text = f"{open_.kind.replace('_', ' ')} is under way ({open_.phase.value} {since})"
    if open_.seen_at is not None:
        text = f"{text}; up since {spoken(open_.seen_at, bench.zone)}, and its nodes are waited for"
    return _decision(bench, pool, Verdict.NONE, Reason.UNDER_WAY, text, chorus=chorus)


def _agrees(bench: Bench, pool: str | None, chorus: tuple[Proposal, ...]) -> Decision:
    """What is seen is what is wished, once it is settled."""
    cluster, first = bench.view.cluster, chorus[0]
    power = cluster.power_of(pool).value.lower()
    if cluster.is_moving(pool):
        text = f"{power}, but {cluster.provisioning_state.lower()}: not settled yet"
        return _decision(bench, pool, Verdict.NONE, Reason.UNDER_WAY, text, chorus=chorus)
    if pool is not None and cluster.power is Power.STOPPED:
        # What its pools say then is the cluster's doing, and nobody's wish for them.
        return _decision(bench, pool, Verdict.NONE, Reason.CLUSTER_STOPPED, _STOPPED, chorus=chorus)
    coming = ahead(bench, pool) if first.wish is Wish.RUNNING else None
    text = f"{power}, as wished: {first.sentence}"
    return _decision(bench, pool, Verdict.NONE, Reason.AS_WISHED, text, chorus=chorus, announce=coming)


def _owed_anyway(bench: Bench, pool: str | None, law: Law) -> Law:
    """What we stopped under another wording, which is gone, is started as soon as the new one says so."""
    if bench.view.memory.target(pool).owed is None:
        return law
    text = "we stopped it, and the rule in its present wording wants it running"
    return Law(_owed_start(bench, pool, text), Reason.RELEASED, text)


def _propose_action(bench: Bench, said: Decision, proposal: Proposal) -> Decision:
    view, now, action = bench.view, bench.now, proposal.action
    if action is None:
        assert proposal.wish is not None  # noqa: S101 - heard() returns only proposals with a wish
        action = power_action(view.cluster.id, proposal.pool, proposal.wish)
    case = bench.case(action, proposal)
    objection = first_objection(case) or found_by_rule(case) or unwarned(case) or unsilenced(case)
    if objection is not None and objection.reason is Reason.SILENCE_DUE:
        before = _propose_action(bench, said, first_silence(bench, proposal))
        if before.verdict is Verdict.ACT:
            return before
    announce = None
    if objection is None:
        verdict = Verdict.PLAN if "plan" in (bench.policy.mode, proposal.mode) else Verdict.ACT
        reason, message = proposal.reason, f"{action.verb}: {proposal.sentence}"
    else:
        verdict, reason = objection.verdict, objection.reason
        message = f"{action.verb} wanted ({proposal.sentence}), but {objection.sentence}"
        if reason is Reason.WARNING_DUE and objection.until is not None:
            announce = Announcement(occasion_to_warn(proposal, case.target), objection.until, proposal.sentence)
        else:
            announce = while_it_must_run(case, objection)
    return altered(
        said,
        id=decision_id(said.target, action.kind, proposal.cause, view.memory.generation),
        action=action,
        verdict=verdict,
        reason=reason,
        message=message,
        rule=proposal.rule,
        cause=proposal.cause,
        evidence=proposal.evidence,
        ready_by=_ready_by(bench, proposal),
        until=proposal.until,
        estimated_saving=proposal.estimated_saving or _saving(view, proposal, now),
        not_before=None if objection is None else objection.until,
        expires_at=now + (STOP_EXPIRES if action.disruptive else START_EXPIRES),
        announce=announce,
    )


def _saving(view: View, proposal: Proposal, now: datetime) -> Money | None:
    if proposal.wish is not Wish.STOPPED or not view.prices:
        return None
    cluster, prices = view.cluster, view.prices
    price = hourly_price(cluster, prices) if proposal.pool is None else pool_prices(cluster, prices).get(proposal.pool)
    return estimated_saving(price, None if proposal.until is None else proposal.until - now)
