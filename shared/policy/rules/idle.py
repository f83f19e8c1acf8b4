"""`idle`: stopped when nobody has needed it for a while, started ahead of a need that is likely.

A rule of idleness has a wish only in three cases: STOPPED when the wait is over or its time (`ttl`) is, RUNNING in an
hour it is started ahead for. In between it has no opinion, so schedules and people decide. What is unknown stops
nothing. A start, whoever made it, is the clearest sign of need: the wait begins anew with it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache, partial

from shared.model.activity import Activity, Stretch
from shared.model.decisions import Proposal, Reason, Voice
from shared.model.facts import Need, View
from shared.model.fleet import Power
from shared.model.memory import TargetMemory, Wish
from shared.model.signals import Signal, Use
from shared.policy import foresight, learning
from shared.policy.bound import BoundRule
from shared.policy.calendars import CLOSED
from shared.policy.durations import show_duration
from shared.policy.endings import is_starting
from shared.policy.foresight import Costs
from shared.policy.grains import GRAIN
from shared.policy.idle_block import Block
from shared.policy.spoken import spoken
from shared.policy.start_times import start_time

KEY = "idle"
FRESH = timedelta(minutes=30)
"""An older reading says nothing about now."""
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@lru_cache(maxsize=256)
def costs_of(rule: BoundRule) -> Costs:
    """What the rule weighs, with the zone in which its clusters' hours are learned and its days without work."""
    block: Block = rule.block
    return replace(block.costs, zone=rule.zone, calendar=rule.calendar)


def needs(view: View, rule: BoundRule, now: datetime) -> frozenset[Need]:
    """Signals cost a call: only of a cluster that runs, and that no person keeps up anyway.

    A tag may name any year, and is heard for `keep_on_at_most` only: it spares no look, else that end went unnoticed.
    """
    said = (hold for hold in view.memory.holds if hold.source != "tag")
    kept = any(hold.wish is Wish.RUNNING and hold.pool is None and hold.until > now for hold in said)
    if view.cluster.power is not Power.RUNNING or (kept and not rule.block.learn):
        return frozenset()
    return frozenset({Need.ACTIVITY})


def learned(view: View, rule: BoundRule, now: datetime) -> Activity | None:
    """The activity to remember after this look, the same object where nothing is to be written. Before `propose`."""
    memory, costs = view.memory, costs_of(rule)
    activity, target = memory.activity, memory.target(None)
    seen, power = target.seen, view.cluster.power
    changed_at = (seen.since if seen is not None and seen.power is power else None) or now
    if power is Power.STOPPED:
        return learning.stopped(activity, changed_at, costs)
    if power is not Power.RUNNING or view.cluster.is_moving(None):
        return activity  # on its way up it says Running already, and nobody can use it yet
    if activity is not None and activity.use is Stretch.OFF:
        asked = [one.first_seen_at for one in memory.holds if one.wish is Wish.RUNNING and one.pool is None]
        wanted = _wanted(view, target, changed_at)
        activity = learning.started(activity, changed_at, costs, needed=wanted, asked_at=min(asked, default=None))
    return learning.noted(activity, _signal(view, now), now, costs)


def _wanted(view: View, target: TargetMemory, since: datetime) -> bool:
    """Whether a person's wish is behind the start: their own hand, or a wake. Our starts ahead are not."""
    ours = is_starting(view.memory) or (target.started_at is not None and target.started_at >= since - _HOUR)
    return not ours or any(hold.wish is Wish.RUNNING for hold in view.memory.holds)


def propose(view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]:
    """One proposal for the cluster; `until` of one without a wish is the stop to come."""
    silent = partial(
        Proposal,
        rule=rule.name,
        pool=None,
        voice=Voice.RULE,
        wish=None,
        due_at=None,
        cause=f"{rule.name}:none",
        reason=Reason.NO_OPINION,
        sentence="",
        fingerprint=rule.fingerprint,
        mode=rule.mode,
    )
    ttl = _ttl(view, rule, now, silent)
    if ttl is not None and ttl.wish is not None:
        return (ttl,)
    said = _ahead(view, rule, now, silent) or _idle(view, rule, now, silent)
    if ttl is not None and said.wish is None:
        nearest = min(edge for edge in (said.until, ttl.until) if edge is not None)
        said = replace(said, sentence=f"{said.sentence}; {ttl.sentence}", until=nearest)
    return (said,)


# --- ttl ---


def _ttl(view: View, rule: BoundRule, now: datetime, silent: partial[Proposal]) -> Proposal | None:
    ttl: timedelta | None = rule.block.ttl
    since = _running_since(view)
    if ttl is None or since is None or view.cluster.power is not Power.RUNNING:
        return None
    due = max(since + ttl, _adopted_at(view, rule) or since)
    if now < due:
        return silent(sentence=f"its time (ttl {show_duration(ttl)}) ends {_at(due, rule)}", until=due)
    learned = ", and learned hours may" if rule.block.learn else ""
    text = (
        f"its time is over: ttl {show_duration(ttl)} after its start {_at(since, rule)}, in use or not; whoever may"
        f" keep clusters on (`lamplighter wake {view.cluster.name}`) or start them in Azure may start it{learned},"
        f" for another {show_duration(ttl)}"
    )
    return silent(
        wish=Wish.STOPPED,
        due_at=due,
        cause=f"{rule.name}:ttl:{_stamp(due)}",
        reason=Reason.TTL,
        sentence=text,
        evidence={"started": _at(since, rule)},
    )


def _running_since(view: View) -> datetime | None:
    """When it came up, as far as it was noticed; None for one that always ran."""
    target = view.memory.target(None)
    seen = target.seen.since if target.seen is not None and target.seen.power is Power.RUNNING else None
    return max((at for at in (seen, target.started_at) if at is not None), default=None)


def _adopted_at(view: View, rule: BoundRule) -> datetime | None:
    adoption = view.memory.target(None).adopted.get(rule.name)
    return None if adoption is None or adoption.fingerprint != rule.fingerprint else adoption.at


# --- start ahead ---


def _ahead(view: View, rule: BoundRule, now: datetime, silent: partial[Proposal]) -> Proposal | None:
    activity, block = view.memory.activity, rule.block
    if not block.learn or activity is None or not costs_of(rule).may_start_ahead:
        return None
    cluster = view.cluster
    lead = start_time(view.memory.target(None).start_seconds)
    lead += view.fleet.queue_lead.get((cluster.subscription, cluster.location), timedelta(0))
    hour = foresight.ahead(activity, now, costs_of(rule), lead)
    if hour is None:
        return None
    text = (
        f"a need is expected from {_at(hour.begin, rule)} (chance {hour.chance:.0%}, {hour.weeks:.0f} such weeks seen):"
        f" waiting for it would cost {show_duration(block.waiting_cost)}, a start for nothing"
        f" {show_duration(_HOUR + block.starting_cost)}; ready in {show_duration(_whole(lead))} (p90)"
    )
    return silent(
        wish=Wish.RUNNING,
        due_at=hour.begin - lead,
        cause=f"{rule.name}:expected:{_stamp(hour.begin)}",
        reason=Reason.EXPECTED,
        sentence=text,
        until=hour.end,
        ready_by=hour.begin,
        evidence={"chance": f"{hour.chance:.2f}", "weeks": f"{hour.weeks:.1f}"},
    )


# --- idle ---


def _idle(view: View, rule: BoundRule, now: datetime, silent: partial[Proposal]) -> Proposal:
    if view.cluster.power is not Power.RUNNING:
        return silent(sentence=_off(view.memory.activity, rule, now))
    signal, activity = _signal(view, now), view.memory.activity
    if signal is None:
        return silent(sentence=f"whether it is in use is unknown: {_problem(view, rule, now)}")
    since = _quiet_since(activity, signal)
    if since is None or activity is None:
        text = f"in use ({signal.sentence})" if signal.sentence else "in use"
        return silent(sentence=text, evidence=signal.evidence)
    due, why = _due(view, rule, activity, since)
    evidence = {"idle_since": _at(since, rule), **signal.evidence}
    if now < due:
        text = f"idle since {_at(since, rule)}, stops {_at(due, rule)} unless it is used ({why})"
        return silent(sentence=text, until=due, evidence=evidence)
    return silent(
        wish=Wish.STOPPED,
        due_at=due,
        cause=f"{rule.name}:idle:{_stamp(since)}",
        reason=Reason.IDLE,
        sentence=f"idle since {_at(since, rule)}; {why}",
        evidence=evidence,
    )


def _quiet_since(activity: Activity | None, signal: Signal) -> datetime | None:
    """Begin of the quiet spell that lasts until the end of the signal, as far as it was seen; None while in use."""
    quiet_at = signal.begin if signal.use is Use.IDLE else signal.quiet_at
    if quiet_at is None or activity is None or activity.use is not Stretch.IDLE or activity.through is None:
        return None
    if quiet_at > activity.through:
        return quiet_at
    since = activity.quiet_at or activity.since or quiet_at
    return max(since, signal.last_active_at or since)


def _due(view: View, rule: BoundRule, activity: Activity, since: datetime) -> tuple[datetime, str]:
    """When the wait is over, and why then. It begins with the last use, or with a start or an adoption after it."""
    block: Block = rule.block
    costs = costs_of(rule)
    wait = foresight.wait(activity, costs) if block.learn else foresight.Wait(costs.longest, learned=False)
    begun = max(at for at in (since, _running_since(view), _adopted_at(view, rule)) if at is not None)
    due = max(begun + _HOUR * wait.hours, since + GRAIN * block.windows)
    if activity.promised is not None:
        due = max(due, min(activity.promised, begun + block.after))
    first = view.memory.first_seen_at
    if first is not None and first + block.grace > due:
        return first + block.grace, f"new: left alone for {show_duration(block.grace)}{_as_said('grace', rule)}"
    return due, _why(wait, rule, costs)


# Asked again at every look, by `decide` in tick and in act, of a past that rarely changed meanwhile.
_next_need = lru_cache(maxsize=1024)(foresight.next_need)


def _as_said(key: str, rule: BoundRule) -> str:
    return f", as the environment {rule.environment} says" if key in rule.inherited else ""


def _why(wait: foresight.Wait, rule: BoundRule, costs: Costs) -> str:
    """The numbers of the wait, in one sentence."""
    block: Block = rule.block
    plain = show_duration(_whole(_HOUR * min(costs.break_even, costs.longest)))
    hours = show_duration(_whole(_HOUR * wait.hours))
    if not block.learn:
        return f"the rule waits {hours}{_as_said('after', rule)}"
    if not wait.learned:
        cost = f"what starting and people's waiting cost ({plain}), and up to a tenth of its use"
        return f"waits {hours}: {cost}, while it has not been seen to be left"
    held = ", held there by the bound on what advice may cost" if wait.clamped else ""
    return (
        f"waits {hours}{held}: of {wait.spells:.0f} quiet spells {wait.returns:.0%} were over by then and"
        f" {wait.later:.0%} within {show_duration(block.starting_cost + block.waiting_cost)} more; on average a spell"
        f" costs {_running(wait.cost)} of running so, {_running(wait.break_even_cost)} with a wait of {plain}"
    )


def _off(activity: Activity | None, rule: BoundRule, now: datetime) -> str:
    hour = now.replace(minute=0, second=0, microsecond=0)
    coming = None if activity is None else _next_need(activity, hour, costs_of(rule))
    closed = costs_of(rule).holiday(now) if rule.block.learn else None
    off = "off" if closed is None else f"off, and does not come up ahead: {_closed(closed, rule)}"
    if coming is None:
        return f"{off}, and nothing says when it is needed next"
    return f"{off}; next needed by {_at(coming[0] + _HOUR, rule)} (chance {coming[1]:.0%})"


def _closed(closed: str, rule: BoundRule) -> str:
    calendar = rule.block.calendar
    return f"the calendar {calendar} closes today" if closed == CLOSED else f"holiday {closed} (calendar {calendar})"


def _signal(view: View, now: datetime) -> Signal | None:
    fact = view.facts.get(Need.ACTIVITY)
    if fact is None or not fact.known or not isinstance(fact.value, Signal) or fact.value.use is Use.UNKNOWN:
        return None
    return fact.value if now - FRESH <= fact.value.end <= now else None


def _problem(view: View, rule: BoundRule, now: datetime) -> str:
    fact = view.facts.get(Need.ACTIVITY)
    if fact is None:
        return "its signals were not read"
    if not isinstance(fact.value, Signal) or fact.problem is not None:
        return fact.problem or "nothing was read"
    if fact.value.use is Use.UNKNOWN:
        return fact.value.sentence or "its signals do not tell"
    return f"its signals end {_at(fact.value.end, rule)}, too far from {_at(now, rule)}"


def _at(at: datetime, rule: BoundRule) -> str:
    """In the policy's zone, as all that people are told."""
    return spoken(at, rule.zone)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _whole(value: timedelta) -> timedelta:
    return max(_MINUTE, _MINUTE * round(value / _MINUTE))


def _running(hours: float) -> str:
    return show_duration(_whole(_HOUR * hours))
