"""Long-running operations: accepted now, over later, polled in between; and the record of every accepted write."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

IN_PROGRESS, SUCCEEDED, FAILED, CANCELED = "InProgress", "Succeeded", "Failed", "Canceled"


class Call(NamedTuple):
    """Who writes: `actor` is `app` for requests, else `person`, `foreign` or whatever a test says."""

    method: str
    path: str
    actor: str = "app"
    body: Any = None
    correlation: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """One accepted write. `cluster` is the lower-case cluster id, `action` the Azure operation name."""

    at: datetime
    method: str
    path: str
    actor: str
    body: Any
    correlation: str
    cluster: str
    pool: str | None
    resource: str
    action: str
    operation: str


@dataclass(slots=True)
class Operation:
    """One operation. `kind` names its effects; `ends_at` None means never."""

    id: str
    kind: str
    cluster: str
    pool: str | None
    location: str
    began_at: datetime
    ends_at: datetime | None
    write: Write
    status: str = IN_PROGRESS
    fate: str = SUCCEEDED
    """The status it will end with."""
    error: dict[str, str] | None = None
    before: dict[str, Any] = field(default_factory=dict)
    """What a failure puts back."""
    ended_at: datetime | None = None


@dataclass(slots=True)
class Operations:
    """Every operation of the world, and those under way in the order of their ends."""

    by_id: dict[str, Operation] = field(default_factory=dict)
    _heap: list[tuple[datetime, int, str]] = field(default_factory=list)
    _count: int = 0

    def add(self, operation: Operation) -> None:
        self.by_id[operation.id] = operation
        self.schedule(operation)

    def schedule(self, operation: Operation) -> None:
        if operation.ends_at is not None:
            self._count += 1
            heapq.heappush(self._heap, (operation.ends_at, self._count, operation.id))

    def next_end(self) -> datetime | None:
        """When the next operation may end (aware UTC); None when none is under way that ever does."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime) -> Operation | None:
        """The next operation whose end has come, taken out; None when there is none."""
        while self._heap and self._heap[0][0] <= now:
            ends_at, _, key = heapq.heappop(self._heap)
            operation = self.by_id[key]
            if operation.status == IN_PROGRESS and operation.ends_at == ends_at:
                return operation
        return None
