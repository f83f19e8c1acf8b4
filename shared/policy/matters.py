"""What people should hear about a cluster: stops to come, and matters that stand until they are over. Pure.

A matter is told when it begins and closed when it ends; in between it is the routes' business not to repeat it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from shared.model.actions import ACTIONS, Level, Reconcile, ScalePool
from shared.model.decisions import Decision, Notice, Reason, Verdict
from shared.model.fleet import Cluster, Power
from shared.model.memory import Failure, Memory, Wish
from shared.policy.endings import NODES_NOT_READY
from shared.policy.remember import newly_announced
from shared.policy.spoken import spoken
from shared.policy.upgrade_refusals import is_throttle

LATE_AFTER = timedelta(minutes=10)
STUCK_AFTER = timedelta(hours=1)

# Left down for a person's sake, or down with its cluster, which is told by itself.
_RESPECTED = frozenset({Reason.MANUAL_STOP, Reason.PARKED, Reason.BEFORE_ADOPTION, Reason.CLUSTER_STOPPED})
_STANDING = {
    Reason.UNREADABLE_TAG: "unreadable_tag",
    Reason.UNDONE: "undone",
    Reason.NO_CAPACITY: "no_capacity",
}
REPAIR_ESCALATED = "repair_escalated"

NOTHING: Mapping[str, str] = MappingProxyType({})
MATTERS = frozenset(
    {
        *("start_late", "nodes_late", "stop_stuck", "action_failed", "alert", "alert_stays", "support_ending"),
        REPAIR_ESCALATED,
        *_STANDING.values(),
    }
)
"""Kinds of notices that stand until they are over."""


def matters(
    before: Memory,
    cluster: Cluster,
    decisions: tuple[Decision, ...],
    zone: str,
    now: datetime,
    *,
    also: Mapping[str, str] = NOTHING,
) -> tuple[tuple[str, ...], tuple[Notice, ...]]:
    """(standing matters as `kind|cause`, notices to tell). `before` is the memory before `conclude`; `also` are matters
    that no decision shows, with their sentences."""
    standing: dict[str, str] = dict(also)
    for key, text in _standing(before, cluster, decisions, now):
        standing[key] = f"{standing[key]}; {text}" if key in standing else text
    notices = [
        Notice("stop_soon", cluster.id, d.announce.cause, _soon(d, cluster, zone), now, due_at=d.announce.due_at)
        for d in newly_announced(before, decisions)
        if d.announce is not None
    ]
    known = frozenset(before.matters)
    notices += [_told(key, cluster.id, text, now) for key, text in standing.items() if key not in known]
    notices += [_told(key, cluster.id, "over", now, over=True) for key in before.matters if key not in standing]
    return tuple(sorted(standing)), tuple(notices)


def begun(memory: Memory, also: Mapping[str, str], now: datetime) -> tuple[Memory, tuple[Notice, ...]]:
    """The memory with matters that a hint found, and the notices of those that are new: an alert may be over before the
    next tick."""
    new = {key: text for key, text in also.items() if key not in memory.matters}
    if not new:
        return memory, ()
    notices = tuple(_told(key, memory.cluster, text, now) for key, text in new.items())
    return with_matters(memory, tuple(sorted((*memory.matters, *new)))), notices


def _told(key: str, about: str, sentence: str, now: datetime, *, over: bool = False) -> Notice:
    kind, _, cause = key.partition("|")
    return Notice(kind, about, cause, sentence, now, resolved=over)


def _soon(decision: Decision, cluster: Cluster, zone: str) -> str:
    assert decision.announce is not None  # noqa: S101 - the caller looked
    what = cluster.name if decision.pool is None else f"{cluster.name}/{decision.pool}"
    return f"{what} stops {spoken(decision.announce.due_at, zone)} ({zone}): {decision.announce.sentence}"


def _standing(
    memory: Memory, cluster: Cluster, decisions: Iterable[Decision], now: datetime
) -> Iterable[tuple[str, str]]:
    for decision in decisions:
        if _is_late(decision, cluster, now):
            yield f"start_late|{decision.cause}", f"{_name(decision, cluster)} is not up yet: {decision.message}"
        if isinstance(decision.action, ScalePool) and decision.action.restores and decision.verdict is Verdict.REFUSE:
            text = f"{_name(decision, cluster)} stays as it was made for an alert: {decision.message}"
            yield f"alert_stays|{decision.pool}", text
        kind = _kind(decision)
        if kind:
            yield f"{kind}|{decision.pool or 'cluster'}", f"{_name(decision, cluster)}: {decision.message}"
        target = memory.target(decision.pool)
        for failure in (target.failure, *target.setbacks.values()):
            if failure is not None and failure.code == NODES_NOT_READY:
                text = f"{_name(decision, cluster)} runs, but {failure.message}"
                yield f"nodes_late|{decision.pool or 'cluster'}", text
            elif failure is not None and failure.count >= _told_from(failure, memory) and failure.code != Reason.LOCKED:
                tries = f"{failure.kind.replace('_', ' ')} failed {_times(failure.count)}"
                text = f"{_name(decision, cluster)}: {tries}: {failure.message}"
                yield f"action_failed|{failure.kind}", text
    stopping = cluster.provisioning_state.casefold() == "stopping"
    if stopping and memory.busy_since is not None and now - memory.busy_since >= STUCK_AFTER:
        text = (
            f"{cluster.name} has been stopping for over an hour; Lamplighter leaves it alone, look at its activity log"
        )
        yield f"stop_stuck|{memory.busy_since:%Y-%m-%dT%H:%MZ}", text


def _kind(decision: Decision) -> str:
    """The matter that a decision shows; '' for none. Whatever is Failed for long and not reconciled is for people."""
    if isinstance(decision.action, Reconcile) and decision.verdict is Verdict.REFUSE:
        return REPAIR_ESCALATED
    return _STANDING.get(decision.reason, "")


def _told_from(failure: Failure, memory: Memory) -> int:
    """From the second try on; an upgrade that Azure did not even begin at once, where only people can change that."""
    kind = ACTIONS.get(failure.kind)
    begun = memory.upgrade is not None and memory.upgrade.fall is not None
    refused = kind is not None and kind.level is Level.VERSION and not begun
    return 1 if refused and not is_throttle(failure) else 2


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _is_late(decision: Decision, cluster: Cluster, now: datetime) -> bool:
    """Wanted up by rule, 10 minutes past the window's begin, and neither up nor left down for a person's sake."""
    if decision.wish is not Wish.RUNNING or decision.ready_by is None or now < decision.ready_by + LATE_AFTER:
        return False
    if decision.reason in _RESPECTED:
        return False
    up = cluster.power_of(decision.pool) is Power.RUNNING and cluster.provisioning_state.casefold() != "starting"
    return not up


def _name(decision: Decision, cluster: Cluster) -> str:
    return cluster.name if decision.pool is None else f"{cluster.name}/{decision.pool}"


def with_matters(memory: Memory, standing: tuple[str, ...]) -> Memory:
    return replace(memory, matters=standing)
