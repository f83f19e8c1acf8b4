"""What handlers write down: history records made from decisions, outcomes and readings. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2s
from typing import Any

from shared.model.decisions import Decision
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory, Stored
from shared.model.records import HistoryRecord
from shared.policy.outcomes import Settled


@dataclass(frozen=True, slots=True)
class Change:
    """A cluster's memory as it was and as it is to be, with what moved it."""

    before: Memory
    after: Stored[Memory]
    cluster: Cluster
    decisions: tuple[Decision, ...]


def history(changes: Iterable[Change], now: datetime) -> Iterator[HistoryRecord]:
    """What these changes put on record, made while it is written: on the first day that is more than the fleet."""
    for change in changes:
        before, after = change.before, change.after.value
        yield from power_changes(before, after, now)
        if after.snapshot != before.snapshot:
            yield snapshot(change.cluster, after.snapshot, now)
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


def settled(ended: Settled, cluster: str, now: datetime) -> HistoryRecord:
    assert ended.action is not None  # noqa: S101 - only what was open ends
    open_ = ended.action
    body = {
        "kind": open_.kind,
        "pool": open_.pool,
        "rule": open_.rule,
        "reason": open_.reason,
        "message": ended.sentence,
        "took": int((now - open_.claimed_at).total_seconds()),
    }
    return outcome(cluster, ended.outcome.value, open_.id, now, **body)


def digest_of_decisions(decisions: Iterable[Decision]) -> str:
    """Changes exactly when what was decided changes; messages with times in them do not count."""
    text = "\n".join(f"{d.target}|{d.verdict}|{d.reason}|{d.cause}" for d in decisions)
    return blake2s(text.encode(), digest_size=8).hexdigest()


def snapshot_of(cluster: Cluster) -> str:
    """What savings will need one day: sizes, priorities and bounds of the pools, tier, power."""
    return _digest(f"{cluster.tier}|{cluster.power}|{';'.join(map(_sizes, cluster.pools))}")


@lru_cache(maxsize=4096)
def _sizes(p: NodePool) -> str:
    return f"{p.name},{p.vm_size},{p.priority},{p.count},{p.min_count},{p.max_count},{p.autoscaling},{p.power}"


# A fleet is built from few shapes of clusters.
@lru_cache(maxsize=4096)
def _digest(text: str) -> str:
    return blake2s(text.encode(), digest_size=8).hexdigest()


def snapshot(cluster: Cluster, digest: str, now: datetime) -> HistoryRecord:
    pools = [
        {
            "name": p.name,
            "vm_size": p.vm_size,
            "priority": p.priority,
            "count": p.count,
            "min": p.min_count,
            "max": p.max_count,
            "autoscaling": p.autoscaling,
            "power": p.power.value,
        }
        for p in cluster.pools
    ]
    body = {"tier": cluster.tier, "power": cluster.power.value, "version": cluster.kubernetes_version, "pools": pools}
    return HistoryRecord(now, cluster.id, "snapshot", digest, body)


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
