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
    """As it was when the first of the steps in force was made, or as somebody set it since."""
    now: PoolSize | None = None
    """As we left it."""
    changed_at: datetime | None = None
    """When we last changed it."""
    woken: bool = False
    """Of a cluster: it was stopped, and we start it for an alert."""
    left: str = ""
    """What somebody else changed of it, in one sentence: it is left as it is, or goes back to that."""
    tried: PoolSize | None = None
    """What a step that failed asked for: Azure may show it all the same."""
    replaced: Step | None = None
    """The step of the same rule before its last one, in force again should that one fail."""

    @property
    def is_open(self) -> bool:
        return self.before is not None or self.woken


NO_RELIEF = Relief()


def _step_to_json(step: Step, text: Any) -> Document:
    return {"at": text(step.at), "until": text(step.until), "alert": step.alert}


def _step_from_json(document: Mapping[str, Any], instant: Any) -> Step:
    return Step(instant(document["at"]), instant(document["until"]), document["alert"])


def relief_to_json(relief: Relief, text: Any) -> Document:
    """`text` writes an instant."""
    document: Document = {"steps": {rule: _step_to_json(one, text) for rule, one in relief.steps.items()}}
    if relief.replaced is not None:
        document["replaced"] = _step_to_json(relief.replaced, text)
    for name in ("before", "now", "tried"):
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
    steps = {rule: _step_from_json(one, instant) for rule, one in document["steps"].items()}
    before, now, tried = document.get("before"), document.get("now"), document.get("tried")
    changed_at, replaced = document.get("changed_at"), document.get("replaced")
    return Relief(
        steps=steps,
        before=None if before is None else PoolSize(*before),
        now=None if now is None else PoolSize(*now),
        tried=None if tried is None else PoolSize(*tried),
        replaced=None if replaced is None else _step_from_json(replaced, instant),
        changed_at=None if changed_at is None else instant(changed_at),
        woken=bool(document.get("woken")),
        left=str(document.get("left", "")),
    )
