"""`on_alert`: what an alert may make us do, inside bounds and for a while.

While one of its alerts fires, and at most for its time, the rule holds what is up: a stop waits. `scale` changes pools
and puts them back, `wake` starts a stopped cluster and stops it again, `keep_on` only holds, `notify` only tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import blake2s

from shared.model.actions import LowerPool, RaisePool
from shared.model.alerts import Occurrence
from shared.model.decisions import Proposal, Reason, Voice
from shared.model.facts import Need, View
from shared.model.fleet import NodePool, Power
from shared.model.memory import Memory, Wish
from shared.model.relief import NO_RELIEF, PoolSize, Step
from shared.policy import alerting, reliefs
from shared.policy.alert_block import Block
from shared.policy.bound import BoundRule
from shared.policy.durations import show_duration
from shared.policy.match import fits
from shared.policy.saying import said
from shared.policy.spoken import spoken

KEY = alerting.KEY


def needs(view: View, rule: BoundRule, now: datetime) -> frozenset[Need]:
    """The inbox, which is read in one go for the whole fleet."""
    del view, rule, now
    return frozenset({Need.ALERTS})


def propose(view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]:
    """One proposal about the cluster, and for `scale` one about each pool that it names."""
    alerts = alerting.firing(view, rule)
    if alerts is None:
        step = view.memory.reliefs.get("", NO_RELIEF).steps.get(rule.name)
        if rule.block.do != "wake" or step is None or now < step.until:
            return (_unread(view, rule, step),)
        alerts = ()  # its time is over, whatever fires
    match rule.block.do:
        case "wake":
            return (_wake(view, rule, alerts, now),)
        case "scale":
            return (_hold(view, rule, alerts, now), *_scale(view, rule, alerts, now))
        case "keep_on":
            return (_hold(view, rule, alerts, now),)
    return (_said(rule, None, _heard(alerts)),)


def learned(view: View, rule: BoundRule, now: datetime) -> Memory:
    """A wake is on record before it is proposed, so that it ends; and it is over once somebody stops the cluster."""
    memory, alerts = view.memory, alerting.firing(view, rule)
    if rule.block.do != "wake" or rule.mode != "act" or memory.steady:
        return memory
    relief = memory.reliefs.get("", NO_RELIEF)
    last = relief.steps.get(rule.name)
    woken = relief.woken and not (last is not None and _is_done(view, last, now))
    if woken != relief.woken:
        relief = replace(relief, woken=woken)
    new = alerting.fresh(alerts or (), rule.block, last, now)
    if new is not None and _is_down(view):
        step = Step(now, now + rule.block.lasting, new.id)
        relief = replace(relief, steps={**relief.steps, rule.name: step}, woken=True, changed_at=now)
    same = relief == memory.reliefs.get("", NO_RELIEF)
    return memory if same else replace(memory, reliefs={**memory.reliefs, "": relief})


def _is_down(view: View) -> bool:
    return view.cluster.power is Power.STOPPED and not view.cluster.is_moving(None)


def _is_done(view: View, step: Step, now: datetime) -> bool:
    """The cluster was started by somebody else, or stopped again by anybody, since we set out to wake it; or its time
    is over before it came up."""
    if view.memory.open is not None or view.cluster.is_moving(None):
        return False
    target = view.memory.target(None)
    started = target.started_at is not None and target.started_at >= step.at
    if view.cluster.power is Power.RUNNING:
        return not started
    return started or now >= step.until


# --- what it says


def _said(rule: BoundRule, pool: str | None, sentence: str) -> Proposal:
    """No opinion, and why."""
    return said(rule, pool, sentence, f"{KEY}:nothing")


def _unread(view: View, rule: BoundRule, step: Step | None) -> Proposal:
    """Unknown is never idle: what an alert may be holding up stays up."""
    unread = _said(rule, None, "the alerts could not be read")
    holds = rule.block.do in ("keep_on", "scale") or (rule.block.do == "wake" and step is not None)
    if not holds or Need.ALERTS not in view.facts or view.cluster.power is not Power.RUNNING:
        return unread
    text = f"{unread.sentence}, so it stays up"
    return replace(unread, voice=Voice.HOLD, wish=Wish.RUNNING, cause=f"{KEY}:unread", sentence=text)


def _heard(alerts: tuple[Occurrence, ...]) -> str:
    if not alerts:
        return "no alert of its fires"
    more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    return f"alert {alerts[0].rule}{more} fires"


def _hold(view: View, rule: BoundRule, alerts: tuple[Occurrence, ...], now: datetime) -> Proposal:
    """What is up stays up while an alert fires, for the rule's time at most."""
    alive = tuple(one for one in alerts if now < one.fired_at + rule.block.lasting)
    if not alive or view.cluster.power is not Power.RUNNING:
        return _said(rule, None, _heard(alerts))
    until = max(one.fired_at for one in alive) + rule.block.lasting
    return _kept_on(rule, f"{_heard(alive)}; it stays up until {spoken(until, rule.zone)} at most", alive[0], until)


def _kept_on(rule: BoundRule, sentence: str, alert: Occurrence, until: datetime) -> Proposal:
    return replace(
        _said(rule, None, sentence),
        voice=Voice.HOLD,
        wish=Wish.RUNNING,
        due_at=alert.fired_at,
        cause=_cause(alert),
        reason=Reason.ALERT,
        until=until,
    )


def _cause(alert: Occurrence) -> str:
    return f"alert:{blake2s(alert.id.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def _wake(view: View, rule: BoundRule, alerts: tuple[Occurrence, ...], now: datetime) -> Proposal:
    """Up while an alert fires and its time lasts; then, if it was us who woke it, down again."""
    relief = view.memory.reliefs.get("", NO_RELIEF)
    step = relief.steps.get(rule.name)
    asking = next((one for one in alerts if step is not None and one.id == step.alert), None)
    new = alerting.fresh(alerts, rule.block, step, now)
    if view.cluster.power is Power.RUNNING:
        if relief.woken and step is not None and (now >= step.until or not alerts):
            return _asleep_again(rule, step, view)
        return _hold(view, rule, alerts, now)
    if relief.woken and step is not None and asking is not None and now < step.until:
        return _kept_on(rule, f"alert {asking.rule} fires, and it is woken for it", asking, step.until)
    if new is not None and (view.memory.steady or rule.mode == "plan"):
        return _kept_on(rule, f"alert {new.rule} fires, and it is woken for it", new, now + rule.block.lasting)
    return _said(rule, None, _heard(alerts))


def _asleep_again(rule: BoundRule, step: Step, view: View) -> Proposal:
    fact = view.facts.get(Need.ALERTS)
    ended = [one.resolved_at for one in (fact.value if fact else ()) if one.id == step.alert and one.resolved_at]
    over = max(min([*ended, step.until]), step.at)
    return replace(
        _said(rule, None, f"woken for an alert, which was over {spoken(over, rule.zone)}"),
        wish=Wish.STOPPED,
        due_at=over,
        cause=f"{KEY}:over:{over:%Y-%m-%dT%H:%M:%SZ}",
        reason=Reason.ALERT_OVER,
    )


# --- pools


def _scale(view: View, rule: BoundRule, alerts: tuple[Occurrence, ...], now: datetime) -> Iterator[Proposal]:
    for pool in view.cluster.pools:
        if not fits(pool.name, tuple(rule.block.pools or ())):
            continue
        name = pool.name.casefold()
        relief = view.memory.reliefs.get(name, NO_RELIEF)
        new = alerting.fresh(alerts, rule.block, relief.steps.get(rule.name), now)
        if new is None:
            yield _said(rule, name, _rest(view, rule, name, alerts, now))
            continue
        step = _step(view, rule, pool, new)
        if isinstance(step, str):
            yield _said(rule, name, f"alert {new.rule} fires, but {step}")
            continue
        was = PoolSize.of(pool)
        now_ = PoolSize(step.count, step.min_count, step.max_count)
        ends = show_duration(rule.block.lasting)
        yield replace(
            _said(rule, name, f"alert {new.rule} fires: from {was} to {now_} for at most {ends}"),
            cause=_cause(new),
            reason=Reason.ALERT,
            action=step,
        )


def _rest(view: View, rule: BoundRule, name: str, alerts: tuple[Occurrence, ...], now: datetime) -> str:
    relief = view.memory.reliefs.get(name, NO_RELIEF)
    step = relief.steps.get(rule.name)
    if relief.before is not None and step is not None and reliefs.in_force(view, relief, (rule,), now):
        return f"{relief.now} instead of {relief.before} until {spoken(step.until, rule.zone)} at most"
    if alerts and step is not None:
        return f"{_heard(alerts)}, and was answered already"
    return _heard(alerts)


def _step(view: View, rule: BoundRule, pool: NodePool, alert: Occurrence) -> RaisePool | LowerPool | str:
    """The step for one pool, or why there is none."""
    block: Block = rule.block
    was = PoolSize.of(pool)
    if was is None or pool.count is None:
        return "its size is not known"
    if pool.power is not Power.RUNNING:
        return "it is not running"
    wanted = block.to if block.to is not None else pool.count + (block.by or 0)
    wanted = wanted if block.max is None else min(wanted, block.max)
    wanted = wanted if block.min is None else max(wanted, block.min)
    if block.by is not None and (wanted <= pool.count if block.by > 0 else wanted >= pool.count):
        bound = f"the most is {block.max}" if block.by > 0 else f"the fewest are {block.min}"
        return f"it has {pool.count} nodes, and {bound}"
    size = _size(was, pool.count, wanted)
    if size == was:
        return f"it has {was} already"
    kind = RaisePool if wanted >= pool.count else LowerPool
    return kind.between(
        (view.cluster.id, pool.name),
        was,
        size,
        rule=rule.name,
        alert=alert.id,
        lasting=block.lasting.total_seconds(),
    )


def _size(was: PoolSize, count: int, wanted: int) -> PoolSize:
    """Where an autoscaler's upper bound stands in the way, that moves, and it takes what it needs; else the lower one
    does, so that nodes come although it saw no need."""
    if was.count is not None or was.min_count is None or was.max_count is None:
        return PoolSize(wanted)
    if wanted > was.max_count:
        return PoolSize(None, was.min_count, wanted)
    if wanted >= count:
        return PoolSize(None, max(wanted, was.min_count), was.max_count)
    return PoolSize(None, min(wanted, was.min_count), wanted)
