"""What handlers write down: history records made from decisions, outcomes and readings. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2s
from typing import Any
from zlib import crc32

from shared.model.decisions import Decision
from shared.model.fleet import MOVING, Cluster, NodePool, Power
from shared.model.memory import Memory, Stored
from shared.model.records import HistoryRecord
from shared.policy.endings import NODES_NOT_READY
from shared.policy.outcomes import Settled
from shared.policy.release_events import ReleaseEvent


@dataclass(frozen=True, slots=True)
class Change:
    """A cluster's memory as it was and as it is to be, with what moved it."""

    before: Memory
    after: Stored[Memory]
    cluster: Cluster | None
    """None: it is not in the inventory any more."""
    decisions: tuple[Decision, ...]


def history(changes: Iterable[Change], now: datetime, looked: datetime | None = None) -> Iterator[HistoryRecord]:
    """What these changes put on record, made while it is written: on the first day that is more than the fleet.

    `looked` is when the fleet was looked at before: what changed did so since then.
    """
    for change in changes:
        before, after = change.before, change.after.value
        yield from adoptions(before, after, now)
        yield from power_changes(before, after, now)
        if after.snapshot != before.snapshot:
            yield snapshot(change, now, looked)
        if after.decided != before.decided:
            yield from (decided(decision, now) for decision in change.decisions)


def decided(decision: Decision, now: datetime) -> HistoryRecord:
    """A decision, as people asked for it later: what, why, under which policy."""
    saving = decision.estimated_saving
    body: dict[str, Any] = {
        "target": decision.target,
        "action": decision.shown_action,
        "verdict": decision.verdict.value,
        "reason": decision.reason.value,
        "message": decision.message,
        "rule": decision.rule,
        "cause": decision.cause,
        "policy": decision.policy_hash[:12],
    }
    if decision.until is not None:
        body["until"] = decision.until.isoformat()
    if saving is not None:
        body["estimated_saving"] = {"amount": str(saving.amount), "currency": saving.currency}
    return HistoryRecord(now, decision.cluster, "decided", decision.id, body)


def outcome(cluster: str, phase: str, id_: str, now: datetime, **body: Any) -> HistoryRecord:
    return HistoryRecord(
        now, cluster, phase, id_, {key: value for key, value in body.items() if value not in (None, "")}
    )


def told_by_aks(said: ReleaseEvent, now: datetime) -> HistoryRecord:
    """An event of AKS's own topic: the same event twice leaves one row a moment."""
    body = {"version": said.version, "pool": said.pool, "status": said.status, "source": said.source}
    return outcome(
        said.cluster, "event", f"{said.kind}:{said.id}", now, kind=said.kind.value, message=said.text, **body
    )


def settled(ended: Settled, cluster: str, now: datetime) -> HistoryRecord:
    assert ended.action is not None  # noqa: S101 - only what was open ends
    open_ = ended.action
    body = {
        "kind": open_.kind,
        "pool": open_.pool,
        "rule": open_.rule,
        "reason": open_.reason,
        "message": ended.sentence,
        "took": int(((ended.ready_at or now) - open_.claimed_at).total_seconds()),
        "group": open_.body.get("group"),
        # A start that failed for its nodes alone: what it was to bring up is up, and costs money.
        "runs": True if ended.problem is not None and ended.problem.code == NODES_NOT_READY else None,
    }
    return outcome(cluster, ended.outcome.value, open_.id, now, **body)


def digest_of_decisions(decisions: Iterable[Decision]) -> str:
    """Changes exactly when what was decided changes; messages with times in them do not count."""
    text = "\n".join(f"{d.target}|{d.verdict}|{d.reason}|{d.cause}" for d in decisions)
    return blake2s(text.encode(), digest_size=8).hexdigest()


ABSENT = "absent"
"""In place of a digest: the cluster is not in the inventory."""
NO_LOOK_FOR = timedelta(hours=1)
"""So long without a look, and what happened meanwhile is unknown."""


def snapshot_of(cluster: Cluster, now: datetime) -> str:
    """What savings and bills will need one day: sizes, priorities and bounds of the pools, tier, power, whose it is.

    It changes once a week in any case, each cluster's at its own hour: a reader of some weeks finds all of them.
    """
    week = (int(now.timestamp()) // 3600 + crc32(cluster.id.encode()) % 168) // 168
    about = f"{cluster.tier}|{cluster.power}|{cluster.node_resource_group}|{cluster.problem is not None}"
    return _digest(f"{week}|{about}|{_tags(frozenset(cluster.tags.items()))}|{';'.join(map(_sizes, cluster.pools))}")


@lru_cache(maxsize=4096)
def _sizes(p: NodePool) -> str:
    sizes = f"{p.name},{p.vm_size},{p.priority},{p.count},{p.min_count},{p.max_count},{p.autoscaling},{p.power}"
    return f"{sizes},{p.max_surge},{p.provisioning_state.casefold() in MOVING}"


# A fleet is built from few shapes of clusters.
@lru_cache(maxsize=4096)
def _digest(text: str) -> str:
    return blake2s(text.encode(), digest_size=8).hexdigest()


@lru_cache(maxsize=4096)
def _tags(tags: frozenset[tuple[str, str]]) -> str:
    return "|".join(f"{name}={value}" for name, value in sorted(tags))


def snapshot(change: Change, now: datetime, looked: datetime | None = None) -> HistoryRecord:
    cluster, digest = change.cluster, change.after.value.snapshot
    since = {} if looked is None else {"since": looked.isoformat()}
    if cluster is None:
        return HistoryRecord(now, change.before.cluster, "snapshot", digest, {ABSENT: True, **since})
    body = {
        "tier": cluster.tier,
        "power": cluster.power.value,
        "version": cluster.kubernetes_version,
        "location": cluster.location,
        "node_resource_group": cluster.node_resource_group,
        "tags": dict(cluster.tags),
        "pools": [_pool(pool) for pool in cluster.pools],
        **since,
    }
    if cluster.problem is not None:
        body["problem"] = cluster.problem
    return HistoryRecord(now, cluster.id, "snapshot", digest, body)


def _pool(p: NodePool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": p.name,
        "vm_size": p.vm_size,
        "priority": p.priority,
        "count": p.count,
        "min": p.min_count,
        "max": p.max_count,
        "autoscaling": p.autoscaling,
        "power": p.power.value,
        "surge": p.max_surge,
    }
    if p.provisioning_state.casefold() in MOVING:
        body["moving"] = True
    return body


def adoptions(before: Memory, after: Memory, now: datetime) -> Iterator[HistoryRecord]:
    """When `act` mode first saw a rule for a target: what was before that is what savings compare with."""
    for key, target in after.targets.items():
        known = before.target(key or None).adopted
        for rule in target.adopted:
            if rule not in known:
                yield outcome(after.cluster, "adopted", f"{key or 'cluster'}:{rule}", now, pool=key, rule=rule)


def gap(since: datetime | None, now: datetime) -> Iterator[HistoryRecord]:
    """That nobody looked at the fleet for a while, if so."""
    if since is not None and now - since > NO_LOOK_FOR:
        yield outcome("fleet", "gap", since.isoformat(), now, since=since.isoformat())


def power_changes(before: Memory, after: Memory, now: datetime) -> list[HistoryRecord]:
    """On and off instants as they were noticed, for the cluster and for each pool that is watched."""
    records = []
    for key, target in after.targets.items():
        was = before.targets.get(key)
        if target.seen is None or (was is not None and was.seen == target.seen):
            continue
        power: Power = target.seen.power
        body = {"pool": key or None, "power": power.value, "first": was is None or was.seen is None}
        records.append(outcome(after.cluster, "observed", f"{key or 'cluster'}:{power.value.lower()}", now, **body))
    return records
