"""One message: look again, decide again, claim, act. "Later" is a new delayed message and a normal return.

What the message says is never believed: the cluster is read afresh with its locks, the same `decide` is asked with the
memory as it is now, and only a decision with the same id goes on. Then claim, write once, remember.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.app import App
from shared.clients import clusters
from shared.errors import (
    Busy,
    CloudError,
    Forbidden,
    NoCapacity,
    NoReply,
    NotFound,
    Refused,
    Superseded,
    Throttled,
    Unsent,
)
from shared.handlers import gathering, inforce, records
from shared.handlers.placing import place_for
from shared.handlers.releases import releases
from shared.handlers.rooming import room
from shared.handlers.writing import write
from shared.model.actions import Level, RaisePool
from shared.model.decisions import Decision, Reason, Verdict
from shared.model.facts import NO_FACTS, Fact, FleetFacts, Need, View
from shared.model.fleet import Cluster
from shared.model.memory import FleetMemory, Memory, Stored, Wish
from shared.model.upgrades import Rings
from shared.policy import claim as protocol
from shared.policy.bound import BoundRule
from shared.policy.decide import decide
from shared.policy.document import Policy
from shared.policy.remember import locked
from shared.policy.ring_fold import KIND
from shared.policy.voices import owner_of

log = logging.getLogger("lamplighter")

AGAIN = timedelta(minutes=1)
BUSY_WAIT = timedelta(minutes=2)
_LATER = frozenset({Reason.LOCKED, Reason.UNREADABLE_LOCKS, Reason.NO_ROOM})
"""What only `act` finds out, and what is worth asking again later and later."""


@dataclass(frozen=True, slots=True)
class _Case:
    app: App
    message: Mapping[str, Any]
    now: datetime
    policy: Policy
    cluster: Cluster
    stored: Stored[Memory]
    decision: Decision


def act(app: App, message: Mapping[str, Any]) -> str:
    """Returns what became of it, in one word, for logs and tests. Raises only what nobody expected."""
    now = app.clock()
    id_, cluster_id = str(message.get("id", "")), str(message.get("cluster", "")).casefold()
    if not id_ or not cluster_id.startswith("/subscriptions/"):
        raise ValueError("the message names no decision and no cluster")
    expires = _instant(message.get("expires_at"))
    if expires is not None and expires <= now:
        return _dropped(app, cluster_id, id_, now, "expired, to be decided anew")
    begin = _instant(message.get("not_before"))
    if begin is not None and begin > now:
        return _later(app, message, begin - now)
    stored = app.journal.memory(cluster_id)
    if stored.etag is None or stored.value.open is not None:
        why = "no memory of it" if stored.etag is None else "another action is under way"
        return _dropped(app, cluster_id, id_, now, why)
    try:
        cluster = replace(clusters.get(app.cloud, cluster_id), fleet=stored.value.fleet or None)
    except NotFound:
        return _dropped(app, cluster_id, id_, now, "the cluster is gone")
    except CloudError as error:
        log.info("act: %s: cannot be read now, tried again later: %s", id_, error)
        return _later(app, message, error.retry_after if isinstance(error, Throttled) else AGAIN)
    return _decide_again(app, message, now, cluster, stored)


def _decide_again(app: App, message: Mapping[str, Any], now: datetime, cluster: Cluster, stored: Stored[Memory]) -> str:
    fleet = inforce.with_setting(app, app.journal.fleet().value)
    force = inforce.policy_in_force(app, fleet)
    owner = owner_of(cluster, force.policy)
    lead = timedelta(seconds=float(message.get("queue_lead") or 0))
    facts = FleetFacts(
        hold_by=fleet.hold_by,
        hold_all=fleet.hold_all,
        hold_reason=fleet.hold_reason,
        policy_readable=force.readable,
        rings=fleet.rings,
        releases=releases(app, [(cluster, owner.rules)], now),
        queue_lead={(cluster.subscription, cluster.location): lead} if lead else {},
    )
    view = View(cluster, stored.value, fleet=facts)
    gathered = gathering.gather(app, [(view, owner.rules)], now).get(cluster.id, NO_FACTS)
    asked_now = {**_room(app, message, cluster, now), Need.LOCKS: _locks(app, cluster.id, now)}
    view = replace(view, facts={**gathered, **asked_now})
    id_ = str(message["id"])
    decisions = decide(view, force.policy, now)
    found = next((d for d in decisions if d.id == id_ and d.verdict is Verdict.ACT), None)
    if found is None:
        about = next((d for d in decisions if d.target == message.get("target")), None)
        if about is not None and about.reason in _LATER and about.action is not None:
            _remember_lock(app, stored, about, now)
        return _dropped(app, cluster.id, id_, now, about.message if about is not None else "no longer decided")
    disruptive = found.action is not None and found.action.disruptive
    if disruptive and fleet.breaker_open_at and found.id != fleet.breaker_probe_id:
        return _dropped(app, cluster.id, id_, now, f"the breaker is open: {fleet.breaker_reason}")
    turn = _turn(app, found, owner.rules, fleet)
    if turn:
        return _dropped(app, cluster.id, id_, now, turn)
    return _claim(_Case(app, message, now, force.policy, cluster, stored, found))


def _turn(app: App, decision: Decision, rules: Iterable[BoundRule], fleet: FleetMemory) -> str:
    """Why an upgrade may not begin after all; '' once it has its place among those of its rule."""
    rule = next((one for one in rules if one.kind == KIND and one.name == decision.rule), None)
    if rule is None or decision.action is None or decision.action.level is not Level.VERSION:
        return ""
    return place_for(app.journal, decision, rule, fleet.rings.get(rule.name, Rings()), app.clock())


def _remember_lock(app: App, stored: Stored[Memory], refused: Decision, now: datetime) -> None:
    """So that a locked cluster is not asked about, and does not use up the stop budget, every few minutes."""
    try:
        app.journal.swap(locked(stored.value, refused, now), stored.etag)
    except Superseded:
        log.info("act: %s changed meanwhile; its lock will be found again", refused.cluster)


def _room(app: App, message: Mapping[str, Any], cluster: Cluster, now: datetime) -> dict[Need, Fact]:
    """Where nodes are asked for. The message is not believed: it only says what is worth a call."""
    pool = str(message.get("target", "")).rpartition("/agentpools/")[2]
    return {Need.ROOM: room(app, cluster, pool, now)} if message.get("action") == RaisePool.kind else {}


def _locks(app: App, cluster_id: str, now: datetime) -> Fact:
    try:
        return Fact(clusters.locks(app.cloud, cluster_id), now)
    except CloudError as error:
        return Fact(None, now, str(error))


def _claim(case: _Case) -> str:
    app, decision, now = case.app, case.decision, case.now
    memory: Memory | protocol.Dropped = case.stored.value
    if decision.pool is not None and decision.action is not None and decision.action.goal is Wish.STOPPED:
        pool = case.cluster.pool(decision.pool)
        if pool is not None:
            memory = protocol.save_size(case.stored.value, pool, now)
    if not isinstance(memory, protocol.Dropped):
        memory = protocol.claim(memory, decision, now, case.policy.timezone)
    if isinstance(memory, protocol.Dropped):
        if memory.until is not None:
            return _later(app, case.message, memory.until - now)
        return _dropped(app, decision.cluster, decision.id, now, memory.sentence)
    try:
        claimed = Stored(memory, app.journal.swap(memory, case.stored.etag))
    except Superseded:
        return _dropped(app, decision.cluster, decision.id, now, "somebody else was first")
    _record(case, "claimed", message=decision.message, rule=decision.rule, policy=case.policy.hash[:12])
    if not protocol.may_write(claimed.value, decision.id, app.clock()):
        return "too late to write"
    return _write(case, claimed)


def _write(case: _Case, claimed: Stored[Memory]) -> str:
    """The one write, sent once. No reply, a 5xx, a crash: the claim stays, and its lease's end finds out by looking."""
    app, action = case.app, case.decision.action
    assert action is not None  # noqa: S101 - only actions are claimed
    try:
        done = write(app.cloud, action, claimed.value)
    except NoReply as error:
        log.warning("act: %s: no reply, found out later by looking: %s", case.decision.id, error)
        return "no reply"
    except (Busy, Throttled) as error:
        return _postponed(case, claimed, error, error.retry_after if isinstance(error, Throttled) else BUSY_WAIT)
    except (NoCapacity, Forbidden, NotFound, Refused) as error:
        return _failed(case, claimed, error, capacity=isinstance(error, NoCapacity))
    now = app.clock()
    if done.already:
        _answer(app, claimed, lambda memory: protocol.already_there(memory, now))
        _record(case, "already", message="it was there before")
        return "already there"
    _answer(app, claimed, lambda memory: protocol.accepted(memory, now, done.operation))
    _record(case, "accepted", message=case.decision.message, rule=case.decision.rule)
    return "accepted"


def _postponed(case: _Case, claimed: Stored[Memory], error: CloudError, wait: timedelta) -> str:
    """Busy and throttled are "later", not "failed": the row is free again, and a later tick decides anew."""
    now = case.app.clock()
    _answer(case.app, claimed, lambda memory: protocol.postponed(memory, now, now + wait))
    _record(case, "postponed", code=error.code, message=str(error), seconds=int(wait.total_seconds()))
    return "postponed"


def _failed(case: _Case, claimed: Stored[Memory], error: CloudError, *, capacity: bool) -> str:
    app, now = case.app, case.app.clock()
    _answer(app, claimed, lambda memory: protocol.failed(memory, now, error.code, str(error), capacity))
    _record(case, "failed", code=error.code, message=str(error))
    if not isinstance(error, Unsent):  # nothing of Azure's went wrong
        _count_failure(app, now)
    return "failed"


def _count_failure(app: App, now: datetime) -> None:
    """For the breaker. Losing the race for the fleet row loses one count, never an action."""
    row = app.journal.fleet()
    try:
        app.journal.swap_fleet(replace(row.value, failures=(*row.value.failures, now)[-50:]), row.etag)
    except Superseded:
        log.info("act: the fleet row was changed meanwhile; this failure is not counted")


def _answer(app: App, claimed: Stored[Memory], change: Callable[[Memory], Memory]) -> None:
    """Azure's answer, written down. A row that was touched meanwhile is read once more: the claim may still be ours.

    It is not if its lease ran out and somebody settled it by looking; then there is nothing left to write.
    """
    mine = claimed.value.open
    for _ in range(2):
        try:
            app.journal.swap(change(claimed.value), claimed.etag)
        except Superseded:
            claimed = app.journal.memory(claimed.value.cluster)
            if claimed.value.open != mine:
                break
        else:
            return
    log.warning("act: %s was settled by somebody else meanwhile", claimed.value.cluster)


def _record(case: _Case, phase: str, **body: Any) -> None:
    action = case.decision.action
    kind = action.kind if action is not None else None
    cluster, id_ = case.decision.cluster, case.decision.id
    now = case.app.clock()
    case.app.journal.append([records.outcome(cluster, phase, id_, now, kind=kind, pool=case.decision.pool, **body)])


def _dropped(app: App, cluster: str, id_: str, now: datetime, why: str) -> str:
    app.journal.append([records.outcome(cluster, "dropped", id_, now, message=why)])
    return "dropped"


def _later(app: App, message: Mapping[str, Any], wait: timedelta) -> str:
    app.queue.send(message, wait)
    return "later"


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
