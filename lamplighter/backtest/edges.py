"""The moments from which on another look may see something else, if nothing happens meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf

from lamplighter.backtest.limits import Limits
from lamplighter.backtest.looking import Look
from shared.model.activity import Activity, Stretch
from shared.model.decisions import Decision, Proposal, Reason
from shared.model.facts import Need
from shared.model.fleet import Power
from shared.model.memory import Wish
from shared.policy import foresight
from shared.policy.bound import BoundRule
from shared.policy.document import Policy
from shared.policy.rules import idle
from shared.policy.start_times import start_time
from shared.policy.warn import SLACK

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_RESPECTED = frozenset({Reason.MANUAL_START, Reason.BEFORE_ADOPTION})
"""Reasons that end with the respect for a change by hand."""


def edges(seen: Look, decisions: Sequence[Decision], limits: Limits, now: datetime) -> Iterator[int]:
    """Unix seconds after `now`. `decisions` are those of the look as the fleet admitted them."""
    guards = [seen.policy.guards_for(seen.owner.environment, rule) for rule in seen.owner.rules]
    warned = max((one.warn_before_stop for one in guards), default=timedelta(0)) + SLACK
    held = {one.manual_hold for one in guards}
    lapses = _lapses(seen, held) if any(decision.reason in _RESPECTED for decision in decisions) else ()
    # What signals showed says nothing of later than FRESH: an idle rule's stop is not announced before.
    ahead = (timedelta(0), warned) if warned <= idle.FRESH else (timedelta(0), idle.FRESH, warned)
    for edge in {*_said(seen.said, decisions), *lapses, *_frozen(seen.policy)}:
        for before in ahead:
            if edge - before > now:
                yield _seconds(edge - before)
    tick = timedelta(seconds=limits.tick)
    if any(decision.reason is Reason.STOP_BUDGET for decision in decisions):
        yield from (_seconds(edge) for edge in _while_it_waits(seen, {one.min_off for one in guards}) if edge > now)
    if any(proposal.once and _as_wished(proposal, decisions) for proposal in seen.said):
        yield _seconds(now + tick)  # from now on it is served, and has no opinion
    yield from map(_seconds, _learned(seen, tick, now))


def _as_wished(proposal: Proposal, decisions: Sequence[Decision]) -> bool:
    return any(one.reason is Reason.AS_WISHED and one.cause == proposal.cause for one in decisions)


def _seconds(moment: datetime) -> int:
    return -int(-moment.timestamp() // 1)


def _said(said: Sequence[Proposal], decisions: Sequence[Decision]) -> Iterator[datetime]:
    """What voices and decisions say themselves."""
    yield from (proposal.until for proposal in said if proposal.until is not None)
    for decision in decisions:
        if decision.not_before is not None and decision.reason is not Reason.STOP_BUDGET:
            yield decision.not_before
        if decision.announce is not None:
            yield decision.announce.due_at


def _lapses(seen: Look, held: set[timedelta]) -> Iterator[datetime]:
    """Ends of the respect for a change by hand, and for what ran when a rule was adopted."""
    for target in seen.view.memory.targets.values():
        begun = [adoption.at for adoption in target.adopted.values()]
        begun += [target.seen.since] if target.seen is not None and target.seen.since is not None else []
        begun += [target.served.through] if target.served is not None else []
        yield from (at + wait for at in begun for wait in held)


def _while_it_waits(seen: Look, min_off: set[timedelta]) -> Iterator[datetime]:
    """When something else would hold a stop that waits for a budget, or ask for it: the rest is what voices say."""
    for proposal in seen.said:
        if proposal.until is not None:
            yield from (proposal.until - least + _SECOND for least in min_off)
    target = seen.view.memory.target(None)
    up = (target.started_at, target.seen.since if target.seen is not None else None)
    for rule in seen.owner.rules:
        if rule.kind == idle.KEY and rule.block.ttl is not None:
            yield from (since + rule.block.ttl for since in up if since is not None)


def _frozen(policy: Policy) -> Iterator[datetime]:
    return (edge for freeze in policy.freezes for edge in (freeze.begin, freeze.end))


def _learned(seen: Look, tick: timedelta, now: datetime) -> Iterator[datetime]:
    """What an idle rule does not say itself: when signals begin to tell, and when it may start ahead of a need."""
    fact = seen.view.facts.get(Need.ACTIVITY)
    if fact is not None and not fact.known:
        yield now + tick
    activity = seen.view.memory.activity
    if activity is None or activity.quiet_at is None or activity.use not in (Stretch.OFF, Stretch.IDLE):
        return
    for rule in seen.owner.rules:
        if rule.kind == idle.KEY and rule.block.learn and idle.costs_of(rule).may_start_ahead:
            expected = any(one.rule == rule.name and one.wish is Wish.RUNNING for one in seen.said)
            over = activity.quiet_at + _HOUR * rule.block.costs.break_even
            if (expected and _runs(seen)) or (now < over and _worth_it(seen, rule, activity, over, now)):
                yield now + tick
            else:
                yield over if now < over else _started_ahead(seen, rule, activity, now)


def _runs(seen: Look) -> bool:
    return seen.view.cluster.power is Power.RUNNING


def _lead(seen: Look) -> timedelta:
    cluster = seen.view.cluster
    queue = seen.view.fleet.queue_lead.get((cluster.subscription, cluster.location), timedelta(0))
    return start_time(seen.view.memory.target(None).start_seconds) + queue


def _worth_it(seen: Look, rule: BoundRule, activity: Activity, until: datetime, now: datetime) -> bool:
    """Whether an hour that a start before `until` would be for is worth one, could the ledger but cover it."""
    rich = replace(activity, credit=inf)
    return foresight.ahead(rich, now, idle.costs_of(rule), _lead(seen) + (until - now)) is not None


def _started_ahead(seen: Look, rule: BoundRule, activity: Activity, now: datetime) -> datetime:
    """The first moment today at which the rule would start ahead, else midnight, to ask again.

    From break-even on only the hours change a quiet spell's ledger; before, and while it runs ahead, every tick does.
    """
    costs, lead = idle.costs_of(rule), _lead(seen)
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    begin = now.replace(minute=0, second=0, microsecond=0)
    while begin - lead < tomorrow:
        begin += _HOUR
        if begin - lead > now and foresight.ahead(activity, begin - lead, costs, lead) is not None:
            return begin - lead
    return tomorrow
