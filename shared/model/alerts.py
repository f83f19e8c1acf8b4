"""Alerts as facts of their own: what fired, about what, and whether it is over. Recorded first, read by the plan.

Ids are lower case, instants aware UTC. Nothing personal is kept: no caller, no claims, no search results.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Condition(StrEnum):
    """What one message says: it began, or it is over."""

    FIRED = "fired"
    RESOLVED = "resolved"


class Signal(StrEnum):
    """What an alert was made from."""

    METRIC = "metric"
    LOG = "log"
    ACTIVITY = "activity"
    PROMETHEUS = "prometheus"
    BUDGET = "budget"
    SERVICE_HEALTH = "service_health"
    RESOURCE_HEALTH = "resource_health"
    CUSTOM = "custom"
    """An event of somebody's own, which names the cluster it means."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One message about one alert. An alert that fires again is another alert, with another id."""

    id: str
    """Stable over its fired and resolved messages, and over deliveries of the same one."""
    rule: str
    """Name of the alert rule, as people wrote it."""
    condition: Condition
    signal: Signal
    fired_at: datetime
    resolved_at: datetime | None = None
    severity: int | None = None
    """0 (critical) to 4; None where the sender gives none, as budgets do."""
    targets: tuple[str, ...] = ()
    """Ids of the resources it is about."""
    clusters: tuple[str, ...] = ()
    """Names or ids of clusters that its labels and dimensions give, where the target is a workspace."""
    received_at: datetime | None = None

    @property
    def partition(self) -> str:
        """The subscription it lives in, as the start of an id; what the inbox is divided by."""
        for text in (self.id, *self.targets, *self.clusters):
            parts = text.split("/")
            if len(parts) > 2 and parts[1] == "subscriptions":
                return f"/subscriptions/{parts[2]}"
        return "alerts"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An alert as all its messages together tell it, whatever their order."""

    id: str
    rule: str
    signal: Signal
    fired_at: datetime
    resolved_at: datetime | None
    severity: int | None
    targets: tuple[str, ...]
    clusters: tuple[str, ...]

    @property
    def firing(self) -> bool:
        return self.resolved_at is None


def occurrences(messages: Iterable[Alert]) -> tuple[Occurrence, ...]:
    """One for each alert id, oldest first. A resolved message ends it, also when it came before the fired one."""
    by_id: dict[str, list[Alert]] = {}
    for message in messages:
        by_id.setdefault(message.id, []).append(message)
    return tuple(sorted(map(_together, by_id.values()), key=lambda one: (one.fired_at, one.id)))


def _together(messages: list[Alert]) -> Occurrence:
    first = min(messages, key=lambda one: (one.condition is not Condition.FIRED, one.fired_at))
    over = [one.resolved_at or one.fired_at for one in messages if one.condition is Condition.RESOLVED]
    return Occurrence(
        id=first.id,
        rule=first.rule,
        signal=first.signal,
        fired_at=first.fired_at,
        resolved_at=min(over, default=None),
        severity=first.severity,
        targets=first.targets,
        clusters=first.clusters,
    )
