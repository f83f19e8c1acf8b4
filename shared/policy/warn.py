"""Warnings: a stop is announced `warn_before_stop` ahead, and refused until its warning is on record.

A late warning means a late stop. What is only planned, or assumed, warns nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.model.actions import power_action
from shared.model.decisions import Announcement, Proposal, Reason, Verdict
from shared.model.memory import TargetMemory, Wish
from shared.policy.bench import Bench
from shared.policy.guards import Case, Objection, first_objection
from shared.policy.spoken import spoken
from shared.policy.transitions import Law, still_speaks
from shared.policy.voices import heard

SLACK = timedelta(minutes=2)
"""Ticks are not exact: a warning that comes this much later than it should still announces the time it should."""
# They pass, or are over, before anybody could tell; everything else that stands in the way is no stop to announce.
_PASSING = frozenset({Reason.BUSY, Reason.HOLD})


KEPT = ":kept-since:"


def occasion_to_warn(proposal: Proposal, target: TargetMemory) -> str:
    """What a warning of this stop is filed under: its cause, and since when it was kept on after people were told.

    Without the second part a stop that somebody put off would come at its new time without a word.
    """
    warned, served = target.warned, target.served
    if warned is None or (warned.cause != proposal.cause and not warned.cause.startswith(f"{proposal.cause}{KEPT}")):
        return proposal.cause
    if served is None or served.wish is not Wish.RUNNING or served.through <= warned.at:
        return warned.cause
    return f"{proposal.cause}{KEPT}{served.through:%Y-%m-%dT%H:%M:%SZ}"


def unwarned(case: Case) -> Objection | None:
    """Why a stop has to wait for its warning; None when people were told in time, or need not be."""
    lead = case.guards.warn_before_stop
    if case.action.goal is not Wish.STOPPED or not lead or case.view.memory.steady or case.proposal.mode == "plan":
        return None
    warned = case.target.warned
    if warned is None or warned.cause != occasion_to_warn(case.proposal, case.target):
        return Objection(Verdict.DEFER, Reason.WARNING_DUE, "people have not been warned yet", case.now + lead)
    if case.now < warned.due_at:
        text = f"people were told that it stops {spoken(warned.due_at, case.zone)}"
        return Objection(Verdict.DEFER, Reason.WARNING_DUE, text, warned.due_at)
    return None


def while_it_must_run(case: Case, objection: Objection) -> Announcement | None:
    """Of a stop that waits for nothing but `min_uptime`: people are told meanwhile, not one warning later."""
    if objection.reason is not Reason.MIN_UPTIME or objection.until is None:
        return None
    if case.view.memory.steady or case.proposal.mode == "plan":
        return None
    occasion = occasion_to_warn(case.proposal, case.target)
    lead = case.guards.warn_before_stop
    return _announced(occasion, objection.until, case.proposal.sentence, lead, case.now)


def ahead(bench: Bench, pool: str | None) -> Announcement | None:
    """The stop that comes within `warn_before_stop` to a target that may run as it does now."""
    mine = [p for p in bench.of(pool) if p.until is not None and p.mode == "act"]
    if bench.view.memory.steady or not mine:
        return None
    horizon = bench.now + max(bench.guards_of(p).warn_before_stop for p in mine) + SLACK
    for edge in sorted({p.until for p in mine if p.until is not None and p.until <= horizon}):
        later = bench.at(edge)
        chorus = heard(p for p in later.of(pool) if still_speaks(p, bench.view.memory, edge))
        if chorus and chorus[0].wish is Wish.STOPPED:
            return _of_stop(later, chorus, bench.now)
    return None


def _of_stop(later: Bench, chorus: tuple[Proposal, ...], now: datetime) -> Announcement | None:
    """Of a stop that the law and the guards will let happen at `later.now`."""
    proposal = later.law(chorus).proposal
    if proposal is None or proposal.mode == "plan":
        return None
    case = later.case(power_action(later.view.cluster.id, proposal.pool, Wish.STOPPED), proposal)
    objection = first_objection(case)
    if objection is not None and objection.reason not in _PASSING:
        return None
    cause = occasion_to_warn(proposal, case.target)
    return _announced(cause, later.now, proposal.sentence, case.guards.warn_before_stop, now)


def held_until(bench: Bench, proposal: Proposal, law: Law) -> Announcement | None:
    """A respected start by hand ends soon: that is told like any other stop."""
    if law.ends_at is None or bench.view.memory.steady:
        return None
    lead = bench.guards_of(proposal).warn_before_stop
    return _announced(law.next_cause, law.ends_at, f"{proposal.sentence}; {law.sentence} until then", lead, bench.now)


def _announced(cause: str, due_at: datetime, sentence: str, lead: timedelta, now: datetime) -> Announcement | None:
    """None while it is too early, and where no warning is wanted."""
    if not lead or due_at > now + lead + SLACK:
        return None
    in_time = due_at >= now + lead - SLACK
    return Announcement(cause, due_at if in_time else now + lead, sentence)
