"""What alerts made us do, and what it was like before: so that it ends, and ends where it began. Instants aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from shared.model.fleet import NodePool

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PoolSize:
    """How large a pool is held: `count` where it is fixed, the bounds where an autoscaler moves it."""

    count: int | None
    min_count: int | None = None
    max_count: int | None = None

    @classmethod
    def of(cls, pool: NodePool) -> PoolSize | None:
        """None where the reading does not tell."""
        if pool.autoscaling:
            known = pool.min_count is not None and pool.max_count is not None
            return cls(None, pool.min_count, pool.max_count) if known else None
        return None if pool.autoscaling is None or pool.count is None else cls(pool.count)

    def __str__(self) -> str:
        return f"{self.min_count}-{self.max_count} nodes" if self.count is None else f"{self.count} nodes"


@dataclass(frozen=True, slots=True)
class Step:
    """The last thing that one rule did for an alert."""

    at: datetime
    until: datetime
    """When it ends in any case."""
    alert: str
    """Id of the alert that asked for it."""


NO_STEPS: Mapping[str, Step] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Relief:
    """Of one pool, or of the cluster that was woken. Closed while `before` is None, and kept for its steps."""

    steps: Mapping[str, Step] = field(default_factory=lambda: NO_STEPS)
    """rule -> its last step"""
    before: PoolSize | None = None
    """As it was when the first of the steps in force was made; never overwritten while it is open."""
    now: PoolSize | None = None
    """As we left it."""
    changed_at: datetime | None = None
    """When we last changed it."""
    woken: bool = False
    """Of a cluster: it was stopped, and we start it for an alert."""
    left: str = ""
    """Why it was not put back, in one sentence, once somebody else had changed it."""

    @property
    def is_open(self) -> bool:
        return self.before is not None or self.woken


NO_RELIEF = Relief()


def relief_to_json(relief: Relief, text: Any) -> Document:
    """`text` writes an instant."""
    document: Document = {
        "steps": {
            rule: {"at": text(one.at), "until": text(one.until), "alert": one.alert}
            for rule, one in relief.steps.items()
        }
    }
    for name in ("before", "now"):
        size = getattr(relief, name)
        if size is not None:
            document[name] = [size.count, size.min_count, size.max_count]
    if relief.changed_at is not None:
        document["changed_at"] = text(relief.changed_at)
    if relief.woken:
        document["woken"] = True
    if relief.left:
        document["left"] = relief.left
    return document


def relief_from_json(document: Mapping[str, Any], instant: Any) -> Relief:
    """Raises KeyError, TypeError or ValueError for what is damaged. `instant` reads one."""
    steps = {
        rule: Step(instant(one["at"]), instant(one["until"]), one["alert"]) for rule, one in document["steps"].items()
    }
    before, now, changed_at = document.get("before"), document.get("now"), document.get("changed_at")
    return Relief(
        steps=steps,
        before=None if before is None else PoolSize(*before),
        now=None if now is None else PoolSize(*now),
        changed_at=None if changed_at is None else instant(changed_at),
        woken=bool(document.get("woken")),
        left=str(document.get("left", "")),
    )
