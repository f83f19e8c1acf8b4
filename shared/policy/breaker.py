"""The breaker: it opens on failures or when the fleet jumps, holds disruptive actions only, tells once, half-opens.

closed --failures or a jump--> open --30 min--> half-open: one action --success--> closed
^                              |
+----------- failure ----------+
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from shared.model.memory import FleetMemory
from shared.policy.bound import BreakerLimit
from shared.policy.facts import Headcount, jump

FAILURES_KEPT = 50


def tripped(
    fleet: FleetMemory, count: Headcount, limit: BreakerLimit, now: datetime, *, whole: bool = True
) -> FleetMemory:
    """The fleet row after counting this tick's clusters. A jump is the new normal once the breaker closes.

    A fleet that could not be read whole is not counted: what is missing is unknown, not gone.
    """
    why = jump(fleet, count) if whole else ""
    recent = tuple(at for at in fleet.failures if now - at < limit.within)
    if not why and len(recent) >= min(limit.failures, FAILURES_KEPT):
        why = f"{len(recent)} actions failed within {int(limit.within.total_seconds() // 60)} minutes"
    fleet = replace(
        fleet,
        failures=recent,
        cluster_count=count.clusters if whole else fleet.cluster_count,
        production_count=count.production if whole else fleet.production_count,
        last_tick_at=now,
    )
    if why and fleet.breaker_open_at is None:
        return replace(fleet, breaker_open_at=now, breaker_reason=why, breaker_probe_at=None, breaker_probe_id="")
    return fleet


def probing(fleet: FleetMemory, decision_id: str, now: datetime) -> FleetMemory:
    """One disruptive action was let through: this one."""
    return replace(fleet, breaker_probe_at=now, breaker_probe_id=decision_id)


def after(fleet: FleetMemory, succeeded: int, failed: Iterable[datetime]) -> FleetMemory:
    """The fleet row after actions ended: failures count, and a probe that succeeded closes an open breaker."""
    new = tuple(failed)
    if succeeded and fleet.breaker_probe_at is not None and not new:
        closed = replace(fleet, failures=(), breaker_open_at=None, breaker_reason="")
        return replace(closed, breaker_probe_at=None, breaker_probe_id="")
    return replace(fleet, failures=(*fleet.failures, *new)[-FAILURES_KEPT:]) if new else fleet
