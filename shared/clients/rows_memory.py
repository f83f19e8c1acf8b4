"""Memory and FleetMemory as rows, and back. Written by hand: a tick reads 10,000 of these.

What is empty is not written. Names that this version does not know are passed over, so that a newer version's rows
can be read while two versions run side by side; a *value* it does not know (a third wish) is an error, never a guess.
"""

from __future__ import annotations

from sys import intern

from shared.clients.rows import Section, digest, instant_text, partition_of, read_instant, read_maybe
from shared.clients.rows_target import WISHES, Document, read_target, write_target
from shared.clients.store import Row
from shared.model.activity import Activity
from shared.model.memory import (
    NO_AILMENTS,
    NO_BODY,
    NO_GROUPS,
    NO_RELIEFS,
    NO_TARGETS,
    FleetMemory,
    Memory,
    OpenAction,
    PersonHold,
    Phase,
)
from shared.model.relief import relief_from_json, relief_to_json
from shared.model.repair import Ailment
from shared.model.spot import GroupPast
from shared.model.upgrades import NO_RINGS, Rings, UpgradePast

STATE, TARGETS, OPEN, HOLDS, POLICY = map(Section, ("state", "targets", "open", "holds", "policy"))
GROUPS, RELIEFS, UPGRADE, AILMENTS, RINGS = map(Section, ("groups", "reliefs", "upgrade", "ailments", "rings"))
FLEET = "fleet"
ACTIVITY = "activity"

_NOTHING: Document = {}
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
        targets = {pool: write_target(target) for pool, target in memory.targets.items()}
        properties |= TARGETS.pack(targets, what)
    if memory.open is not None:
        properties |= OPEN.pack(_write_open(memory.open), what)
    if memory.holds:
        properties |= HOLDS.pack([_write_hold(hold) for hold in memory.holds], what)
    if memory.groups:
        properties |= GROUPS.pack({name: past.to_json() for name, past in memory.groups.items()}, what)
    if memory.upgrade is not None:
        properties |= UPGRADE.pack(memory.upgrade.to_json(), what)
    if memory.ailments:
        properties |= AILMENTS.pack({name: one.to_json() for name, one in memory.ailments.items()}, what)
    if memory.reliefs:
        reliefs = {pool: relief_to_json(one, instant_text) for pool, one in memory.reliefs.items()}
        properties |= RELIEFS.pack(reliefs, what)
    if memory.activity is not None:
        properties[ACTIVITY] = memory.activity.to_bytes()
    partition, key = memory_place(cluster)
    return Row(partition, key, properties, etag)


def read_memory(row: Row) -> Memory:
    """Raises one of rows.BROKEN for a row that is damaged."""
    properties = row.properties
    state = STATE.unpack(properties) or _NOTHING
    targets = TARGETS.unpack(properties)
    doing = OPEN.unpack(properties)
    holds = HOLDS.unpack(properties)
    groups = GROUPS.unpack(properties)
    upgrade, ailments = UPGRADE.unpack(properties), AILMENTS.unpack(properties)
    reliefs = RELIEFS.unpack(properties)
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
        targets={intern(pool): read_target(target) for pool, target in targets.items()} if targets else NO_TARGETS,
        holds=tuple(map(_read_hold, holds)) if holds else (),
        first_seen_at=read_maybe(get("first_seen_at")),
        busy_since=read_maybe(get("busy_since")),
        matters=tuple(get("matters", ())),
        queued_id=get("queued_id", ""),
        queued_at=read_maybe(get("queued_at")),
        decided=get("decided", ""),
        snapshot=intern(get("snapshot", "")),
        fleet=intern(get("fleet", "")),
        silenced_until=read_maybe(get("silenced_until")),
        activity=_read_activity(properties.get(ACTIVITY)),
        groups={name: GroupPast.from_json(past) for name, past in groups.items()} if groups else NO_GROUPS,
        upgrade=None if upgrade is None else UpgradePast.from_json(upgrade),
        ailments={name: Ailment.from_json(one) for name, one in ailments.items()} if ailments else NO_AILMENTS,
        empty_since=read_maybe(get("empty_since")),
        reliefs={pool: relief_from_json(one, read_instant) for pool, one in reliefs.items()} if reliefs else NO_RELIEFS,
    )


def fleet_row(fleet: FleetMemory, etag: str | None) -> Row:
    what = "what is remembered of the fleet"
    state: Document = {
        "hold_by": fleet.hold_by,
        "hold_reason": fleet.hold_reason,
        "hold_all": fleet.hold_all,
        "breaker_reason": fleet.breaker_reason,
        "breaker_probe_id": fleet.breaker_probe_id,
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
    if fleet.rings:
        properties |= RINGS.pack({name: one.to_json() for name, one in fleet.rings.items()}, what)
    return Row(FLEET, FLEET, properties, etag)


def read_fleet(row: Row) -> FleetMemory:
    """Raises one of rows.BROKEN for a row that is damaged."""
    get = (STATE.unpack(row.properties) or _NOTHING).get
    policy = POLICY.unpack(row.properties) or _NOTHING
    rings = RINGS.unpack(row.properties)
    return FleetMemory(
        hold_by=get("hold_by", ""),
        hold_reason=get("hold_reason", ""),
        hold_at=read_maybe(get("hold_at")),
        hold_all=get("hold_all", False),
        breaker_open_at=read_maybe(get("breaker_open_at")),
        breaker_reason=get("breaker_reason", ""),
        breaker_probe_at=read_maybe(get("breaker_probe_at")),
        breaker_probe_id=get("breaker_probe_id", ""),
        cluster_count=get("cluster_count"),
        production_count=get("production_count"),
        failures=tuple(map(read_instant, get("failures", ()))),
        good_policy=policy.get("text", ""),
        good_policy_hash=policy.get("hash", ""),
        last_tick_at=read_maybe(get("last_tick_at")),
        rings={name: Rings.from_json(one) for name, one in rings.items()} if rings else NO_RINGS,
    )


# --- sections of a cluster's memory ---


def _read_activity(data: str | bytes | None) -> Activity | None:
    """Another version's activity is learned anew: it advises, and nothing is owed to it."""
    try:
        return Activity.from_bytes(data) if isinstance(data, bytes) else None
    except ValueError:
        return None


def _write_state(memory: Memory) -> Document:
    state: Document = {}
    if memory.generation:
        state["generation"] = memory.generation
    for name in ("not_before", "first_seen_at", "busy_since", "empty_since", "silenced_until", "queued_at"):
        if (at := getattr(memory, name)) is not None:
            state[name] = instant_text(at)
    if memory.matters:
        state["matters"] = list(memory.matters)
    for name in ("queued_id", "decided", "snapshot", "fleet"):
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
    if doing.body:
        document["body"] = dict(doing.body)
    if doing.seen_at is not None:
        document["seen_at"] = instant_text(doing.seen_at)
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
        body=document.get("body", NO_BODY),
        seen_at=read_maybe(document.get("seen_at")),
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
        wish=WISHES[document["wish"]],
        first_seen_at=read_instant(document["first_seen_at"]),
        until=read_instant(document["until"]),
        source=intern(document["source"]),
        owner=document.get("owner", ""),
        reason=document.get("reason", ""),
        pool=document.get("pool"),
    )
