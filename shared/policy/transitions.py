"""The law of adoption and transitions: when a rule may act, and when what it sees is a person's doing.

    Act iff observed differs from the wish and (enforce, or the transition is not before adoption and
    (nothing served, or another wish served, or the transition is later than `through`)).
    Otherwise it was a person: HOLD.

So a missed tick is caught up, a start by hand after our stop is respected, an edit at 11:00 cannot stop at 11:00
what it moved to 9:30, and our own wake is not mistaken for a person's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.decisions import Proposal, Reason
from shared.model.fleet import Power
from shared.model.memory import Memory, TargetMemory, Wish

FRESH = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Law:
    """What the law says about a wish that differs from what is seen. `proposal` is set when it may be acted on."""

    proposal: Proposal | None
    reason: Reason
    sentence: str
    ends_at: datetime | None = None
    """When a person's start stops being respected; None when only the next transition ends it."""
    next_cause: str = ""
    """With `ends_at`: the cause of the stop that follows, so that it is warned of on its own."""


def apply_law(proposals: Sequence[Proposal], memory: Memory, manual_hold: timedelta, now: datetime) -> Law:
    """`proposals` share one voice RULE and one wish, which differs from what is seen."""
    first = proposals[0]
    enforced = next((occasion(p, memory) for p in proposals if p.enforce), None)
    target = memory.target(first.pool)
    steady = memory.steady or all(p.mode == "plan" for p in proposals)
    if first.wish is Wish.RUNNING and not steady and _parked(proposals, target):
        return Law(None, Reason.PARKED, "never seen running since this rule was adopted, so nobody misses it")
    if enforced is not None:
        return Law(enforced, enforced.reason, enforced.sentence)
    if steady:
        latest = max(proposals, key=_due)
        return Law(latest, latest.reason, latest.sentence)
    eligible = [p for p in proposals if _transition(p, target) is not None]
    if not eligible:
        return _not_yet(proposals, target, manual_hold, now)
    latest = max(eligible, key=_due)
    return _respect(latest, memory, manual_hold, now)


def occasion(proposal: Proposal, memory: Memory) -> Proposal:
    """To stop what came up after the transition, by hand or by a wake, is an occasion of its own: warned of anew."""
    seen = memory.target(proposal.pool).seen
    if proposal.wish is not Wish.STOPPED or memory.steady or seen is None or seen.since is None:
        return proposal
    if seen.power is not Power.RUNNING or (proposal.due_at is not None and seen.since <= proposal.due_at):
        return proposal
    return replace(proposal, cause=f"{proposal.cause}:up-since:{seen.since:%Y-%m-%dT%H:%M:%SZ}")


def _due(proposal: Proposal) -> float:
    return proposal.due_at.timestamp() if proposal.due_at is not None else float("-inf")


def _transition(proposal: Proposal, target: TargetMemory) -> datetime | None:
    """The proposal's transition, if it came at or after its adoption."""
    adoption = target.adopted.get(proposal.rule)
    if adoption is None or adoption.fingerprint != proposal.fingerprint or proposal.due_at is None:
        return None
    return proposal.due_at if proposal.due_at >= adoption.at else None


def _parked(proposals: Sequence[Proposal], target: TargetMemory) -> bool:
    if target.owed is not None:
        return False
    adopted = [target.adopted[p.rule].at for p in proposals if p.rule in target.adopted]
    return target.ran_at is None or not adopted or all(target.ran_at < at for at in adopted)


def _not_yet(proposals: Sequence[Proposal], target: TargetMemory, manual_hold: timedelta, now: datetime) -> Law:
    """A schedule without transitions (`never`) takes hold once the time for a person's start is over."""
    for proposal in proposals:
        adoption = target.adopted.get(proposal.rule)
        if proposal.due_at is None and adoption is not None and adoption.fingerprint == proposal.fingerprint:
            since = target.seen.since if target.seen is not None else None
            begun = max(adoption.at, since or adoption.at)
            return _lapse(proposal, begun, manual_hold, now, Reason.BEFORE_ADOPTION)
    return Law(
        None,
        Reason.BEFORE_ADOPTION,
        "the rule, in its present wording, was adopted after this transition; it acts from the next one on",
    )


def _respect(latest: Proposal, memory: Memory, manual_hold: timedelta, now: datetime) -> Law:
    target, due = memory.target(latest.pool), latest.due_at
    served = target.served
    if served is None or served.wish is not latest.wish or (due is not None and due > served.through):
        return Law(occasion(latest, memory), latest.reason, latest.sentence)
    if latest.wish is Wish.RUNNING:
        return Law(None, Reason.MANUAL_STOP, "somebody stopped it in its hours; respected until the next transition")
    started = target.seen.since if target.seen is not None and target.seen.since is not None else served.through
    return _lapse(latest, started, manual_hold, now, Reason.MANUAL_START)


def _lapse(proposal: Proposal, begun: datetime, manual_hold: timedelta, now: datetime, reason: Reason) -> Law:
    """Respected for `manual_hold` from `begun` on; then the wish takes hold, as an occasion of its own."""
    ends_at = begun + manual_hold
    cause = f"{proposal.cause}:held-from:{begun:%Y-%m-%dT%H:%M:%SZ}"
    if now >= ends_at:
        text = f"{proposal.sentence}; it ran outside its hours long enough"
        return Law(replace(proposal, cause=cause), proposal.reason, text)
    text = (
        "somebody started it outside its hours" if reason is Reason.MANUAL_START else "the rule has just been adopted"
    )
    return Law(None, reason, text, ends_at, cause)


def still_speaks(proposal: Proposal, memory: Memory, now: datetime) -> bool:
    """False for a once-only wish (`inside: any`) whose transition was served: then there is no opinion."""
    if not proposal.once or proposal.due_at is None:
        return True
    if memory.steady:
        return now - proposal.due_at < FRESH
    served = memory.target(proposal.pool).served
    return served is None or served.wish is not proposal.wish or served.through < proposal.due_at
