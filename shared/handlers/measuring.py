"""The figures of a tick, for people who run Lamplighter: what it saw, made of it, and how late its view was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.model.decisions import Decision, Notice, Plan
from shared.model.fleet import Cluster, Inventory, Power
from shared.model.memory import Memory, Stored, TargetMemory

NO_LAG = timedelta(0)


def of_tick(plan: Plan, seen: Inventory, notices: Iterable[Notice]) -> dict[str, Any]:
    """Counts, and money by currency. Kinds and reasons are the words of the runbook; no cluster and nobody is named."""
    clusters = {decision.cluster for decision in plan.decisions}
    reasons = Counter(f"{decision.verdict.value} {decision.reason.value}" for decision in plan.decisions)
    admitted = Counter(decision.action.kind for decision in plan.admitted if decision.action is not None)
    return {
        "clusters": len(clusters),
        "decisions": dict(sorted(reasons.items())),
        "actions": dict(sorted(admitted.items())),
        "notices": dict(sorted(Counter(notice.kind for notice in notices).items())),
        "problems": len(seen.problems),
        "estimated_saving": {currency: f"{amount:.2f}" for currency, amount in sorted(_savings(plan.admitted).items())},
    }


def view_lag(seen: Iterable[Cluster], stored: Mapping[str, Stored[Memory]], now: datetime) -> timedelta:
    """How far the inventory is known to be behind: it still shows a power that a fresh reading saw end that long ago.

    Nothing to compare with is no lag.
    """
    lags = [NO_LAG]
    for cluster in seen:
        known = stored.get(cluster.id)
        if known is not None and known.value.open is None:
            lags += [
                lag
                for name, target in known.value.targets.items()
                if (lag := _behind(cluster.power_of(name or None), target, now)) is not None
            ]
    return max(lags)


def _behind(shown: Power, target: TargetMemory, now: datetime) -> timedelta | None:
    """For as long as a fresh reading is newer than what an inventory may be late: an hour."""
    pairs = ((target.stopped_at, Power.STOPPED), (target.started_at, Power.RUNNING))
    ours = max(((at, power) for at, power in pairs if at is not None), default=None)
    if ours is None or shown is Power.UNKNOWN or shown is ours[1] or (target.seen and target.seen.at > ours[0]):
        return None
    return now - ours[0] if now - ours[0] < timedelta(hours=1) else None


def _savings(decisions: Iterable[Decision]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for decision in decisions:
        if (money := decision.estimated_saving) is not None:
            total[money.currency] = total.get(money.currency, Decimal(0)) + money.amount
    return total
