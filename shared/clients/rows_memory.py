"""Memory and FleetMemory as rows, and back. Written by hand: a tick reads 10,000 of these.

What is empty is not written. Names that this version does not know are passed over, so that a newer version's rows
can be read while two versions run side by side; a *value* it does not know (a third wish) is an error, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import intern
from typing import Any

from shared.clients.rows import Section, digest, instant_text, partition_of, read_instant, read_maybe
from shared.clients.store import Row
from shared.model.fleet import Power
from shared.model.memory import (
    NO_TARGETS,
    Adoption,
    Failure,
    FleetMemory,
    Memory,
    OpenAction,
    Owed,
    PersonHold,
    Phase,
    SavedSize,
    Seen,
    Served,
    TargetMemory,
    Warned,
    Wish,
)

Document = dict[str, Any]

STATE, TARGETS, OPEN, HOLDS, POLICY = map(Section, ("state", "targets", "open", "holds", "policy"))
FLEET = "fleet"

_NOTHING: Document = {}
_NOBODY = TargetMemory().adopted
_WISHES = {wish.value: wish for wish in Wish}
_POWERS = {power.value: power for power in Power}
_PHASES = {phase.value: phase for phase in Phase}


def memory_place(cluster_id: str) -> tuple[str, str]:
    """(partition, key) of a cluster's row."""
    cluster = cluster_id.lower()
    return partition_of(cluster), digest(cluster)


def memory_row(memory: Memory, etag: str | None) -> Row:
    """Raises Refused when it is larger than a row can be."""
    cluster = memory.cluster.lower()
    what = f"the memory of {cluster}"
    properties: dict[str, str | bytes] = {"cluster": cluster}
    if state := _write_state(memory):
        properties |= STATE.pack(state, what)
    if memory.targets:
        targets = {pool: _write_target(target) for pool, target in memory.targets.items()}
        properties |= TARGETS.pack(targets, what)
    if memory.open is not None:
        properties |= OPEN.pack(_write_open(memory.open), what)
    if memory.holds:
        properties |= HOLDS.pack([_write_hold(hold) for hold in memory.holds], what)
    partition, key = memory_place(cluster)
    return Row(partition, key, properties, etag)


def read_memory(row: Row) -> Memory:
    """Raises one of rows.BROKEN for a row that is damaged."""
    properties = row.properties
    state = STATE.unpack(properties) or _NOTHING
    targets = TARGETS.unpack(properties)
    doing = OPEN.unpack(properties)
    holds = HOLDS.unpack(properties)
    cluster = properties["cluster"]
    if not isinstance(cluster, str):
        msg = "property 'cluster' is not text"
        raise TypeError(msg)
    get = state.get
    return Memory(
        cluster=cluster,
        generation=get("generation", 0),
        open=None if doing is None else _read_open(doing),
        not_before=read_maybe(get("not_before")),
        targets={intern(pool): _read_target(target) for pool, target in targets.items()} if targets else NO_TARGETS,
        holds=tuple(map(_read_hold, holds)) if holds else (),
        first_seen_at=read_maybe(get("first_seen_at")),
        busy_since=read_maybe(get("busy_since")),
        matters=tuple(get("matters", ())),
        queued_id=get("queued_id", ""),
        queued_at=read_maybe(get("queued_at")),
        decided=get("decided", ""),
        snapshot=intern(get("snapshot", "")),
    )


def fleet_row(fleet: FleetMemory, etag: str | None) -> Row:
    what = "what is remembered of the fleet"
    state: Document = {
        "hold_by": fleet.hold_by,
        "hold_reason": fleet.hold_reason,
        "hold_all": fleet.hold_all,
        "breaker_reason": fleet.breaker_reason,
        "failures": [instant_text(at) for at in fleet.failures],
    }
    state = {name: value for name, value in state.items() if value}
    for name in ("hold_at", "breaker_open_at", "breaker_probe_at", "last_tick_at"):
        if (at := getattr(fleet, name)) is not None:
            state[name] = instant_text(at)
    for name in ("cluster_count", "production_count"):
        if (count := getattr(fleet, name)) is not None:
            state[name] = count
    properties = STATE.pack(state, what)
    if fleet.good_policy or fleet.good_policy_hash:
        properties |= POLICY.pack({"text": fleet.good_policy, "hash": fleet.good_policy_hash}, what)
    return Row(FLEET, FLEET, properties, etag)


def read_fleet(row: Row) -> FleetMemory:
    """Raises one of rows.BROKEN for a row that is damaged."""
    get = (STATE.unpack(row.properties) or _NOTHING).get
    policy = POLICY.unpack(row.properties) or _NOTHING
    return FleetMemory(
        hold_by=get("hold_by", ""),
        hold_reason=get("hold_reason", ""),
        hold_at=read_maybe(get("hold_at")),
        hold_all=get("hold_all", False),
        breaker_open_at=read_maybe(get("breaker_open_at")),
        breaker_reason=get("breaker_reason", ""),
        breaker_probe_at=read_maybe(get("breaker_probe_at")),
        cluster_count=get("cluster_count"),
        production_count=get("production_count"),
        failures=tuple(map(read_instant, get("failures", ()))),
        good_policy=policy.get("text", ""),
        good_policy_hash=policy.get("hash", ""),
        last_tick_at=read_maybe(get("last_tick_at")),
    )


# --- sections of a cluster's memory ---


def _write_state(memory: Memory) -> Document:
    state: Document = {}
    if memory.generation:
        state["generation"] = memory.generation
    if memory.not_before is not None:
        state["not_before"] = instant_text(memory.not_before)
    if memory.first_seen_at is not None:
        state["first_seen_at"] = instant_text(memory.first_seen_at)
    if memory.busy_since is not None:
        state["busy_since"] = instant_text(memory.busy_since)
    if memory.matters:
        state["matters"] = list(memory.matters)
    if memory.queued_at is not None:
        state["queued_at"] = instant_text(memory.queued_at)
    for name in ("queued_id", "decided", "snapshot"):
        if text := getattr(memory, name):
            state[name] = text
    return state


def _write_open(doing: OpenAction) -> Document:
    document: Document = {
        "id": doing.id,
        "kind": doing.kind,
        "phase": doing.phase.value,
        "cause": doing.cause,
        "rule": doing.rule,
        "reason": doing.reason,
        "claimed_at": instant_text(doing.claimed_at),
        "lease_until": instant_text(doing.lease_until),
    }
    if doing.pool is not None:
        document["pool"] = doing.pool
    if doing.deadline is not None:
        document["deadline"] = instant_text(doing.deadline)
    if doing.operation is not None:
        document["operation"] = doing.operation
    return document


def _read_open(document: Document) -> OpenAction:
    return OpenAction(
        id=document["id"],
        kind=intern(document["kind"]),
        pool=document.get("pool"),
        phase=_PHASES[document["phase"]],
        cause=document["cause"],
        rule=intern(document["rule"]),
        reason=intern(document["reason"]),
        claimed_at=read_instant(document["claimed_at"]),
        lease_until=read_instant(document["lease_until"]),
        deadline=read_maybe(document.get("deadline")),
        operation=document.get("operation"),
    )


def _write_hold(hold: PersonHold) -> Document:
    document: Document = {
        "wish": hold.wish.value,
        "first_seen_at": instant_text(hold.first_seen_at),
        "until": instant_text(hold.until),
        "source": hold.source,
    }
    if hold.owner:
        document["owner"] = hold.owner
    if hold.reason:
        document["reason"] = hold.reason
    if hold.pool is not None:
        document["pool"] = hold.pool
    return document


def _read_hold(document: Document) -> PersonHold:
    return PersonHold(
        wish=_WISHES[document["wish"]],
        first_seen_at=read_instant(document["first_seen_at"]),
        until=read_instant(document["until"]),
        source=intern(document["source"]),
        owner=document.get("owner", ""),
        reason=document.get("reason", ""),
        pool=document.get("pool"),
    )


# --- a target: the cluster or a pool ---


def _write_target(target: TargetMemory) -> Document:
    document: Document = {}
    if target.adopted:
        document["adopted"] = {rule: _write_adoption(adoption) for rule, adoption in target.adopted.items()}
    for name, write in _TARGET_PARTS:
        if (part := getattr(target, name)) is not None:
            document[name] = write(part)
    if target.reversals:
        document["reversals"] = [instant_text(at) for at in target.reversals]
    return document


def _write_adoption(adoption: Adoption) -> Document:
    return {"fingerprint": adoption.fingerprint, "at": instant_text(adoption.at)}


def _write_served(served: Served) -> Document:
    return {"wish": served.wish.value, "through": instant_text(served.through)}


def _write_seen(seen: Seen) -> Document:
    document = {"power": seen.power.value, "at": instant_text(seen.at)}
    if seen.since is not None:
        document["since"] = instant_text(seen.since)
    return document


def _write_owed(owed: Owed) -> Document:
    return {"rule": owed.rule, "since": instant_text(owed.since)}


def _write_warned(warned: Warned) -> Document:
    return {"cause": warned.cause, "at": instant_text(warned.at), "due_at": instant_text(warned.due_at)}


def _write_saved(saved: SavedSize) -> Document:
    return {
        "count": saved.count,
        "min_count": saved.min_count,
        "max_count": saved.max_count,
        "autoscaling": saved.autoscaling,
        "at": instant_text(saved.at),
    }


def _write_failure(failure: Failure) -> Document:
    return {
        "kind": failure.kind,
        "code": failure.code,
        "message": failure.message,
        "at": instant_text(failure.at),
        "count": failure.count,
        "retry_at": instant_text(failure.retry_at),
    }


_TARGET_PARTS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("served", _write_served),
    ("seen", _write_seen),
    ("ran_at", instant_text),
    ("owed", _write_owed),
    ("saved", _write_saved),
    ("failure", _write_failure),
    ("no_stop_until", instant_text),
    ("warned", _write_warned),
    ("started_at", instant_text),
    ("stopped_at", instant_text),
)


def _read_target(document: Document) -> TargetMemory:
    get = document.get
    adopted, served, seen, owed = get("adopted"), get("served"), get("seen"), get("owed")
    saved, failure, warned = get("saved"), get("failure"), get("warned")
    return TargetMemory(
        adopted=_read_adopted(adopted) if adopted else _NOBODY,
        served=None if served is None else Served(_WISHES[served["wish"]], read_instant(served["through"])),
        seen=None
        if seen is None
        else Seen(_POWERS[seen["power"]], read_instant(seen["at"]), read_maybe(seen.get("since"))),
        ran_at=read_maybe(get("ran_at")),
        owed=None if owed is None else Owed(intern(owed["rule"]), read_instant(owed["since"])),
        saved=None if saved is None else _read_saved(saved),
        failure=None if failure is None else _read_failure(failure),
        no_stop_until=read_maybe(get("no_stop_until")),
        warned=None
        if warned is None
        else Warned(warned["cause"], read_instant(warned["at"]), read_instant(warned["due_at"])),
        started_at=read_maybe(get("started_at")),
        stopped_at=read_maybe(get("stopped_at")),
        reversals=tuple(map(read_instant, get("reversals", ()))),
    )


def _read_adopted(document: Document) -> Mapping[str, Adoption]:
    return {
        intern(rule): Adoption(intern(adoption["fingerprint"]), read_instant(adoption["at"]))
        for rule, adoption in document.items()
    }


def _read_saved(document: Document) -> SavedSize:
    return SavedSize(
        count=document["count"],
        min_count=document["min_count"],
        max_count=document["max_count"],
        autoscaling=document["autoscaling"],
        at=read_instant(document["at"]),
    )


def _read_failure(document: Document) -> Failure:
    return Failure(
        kind=intern(document["kind"]),
        code=intern(document["code"]),
        message=document["message"],
        at=read_instant(document["at"]),
        count=document["count"],
        retry_at=read_instant(document["retry_at"]),
    )
