"""How open actions end, and what their operations say of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.memory import Memory, OpenAction
from shared.policy.endings import Problem


class Outcome(StrEnum):
    """What became of an open action."""

    WAITING = "waiting"
    ADOPTED = "adopted_by_observation"
    RELEASED = "released"
    SUCCEEDED = "succeeded"
    REVERSED = "reversed"
    FAILED = "failed"
    GONE = "gone"


class OperationStatus(StrEnum):
    """What the asynchronous operation says of itself. Its `error` counts only when it failed: AKS sends one along
    with `Succeeded` too."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    GONE = "gone"
    """404: Azure forgot it."""
    UNREADABLE = "unreadable"
    """It was asked, and no answer could be read."""


@dataclass(frozen=True, slots=True)
class OperationVerdict:
    """The operation's answer; code, message and capacity only where it failed."""

    status: OperationStatus
    code: str = ""
    message: str = ""
    capacity: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """The memory to swap in (the same object when nothing changed), and what happened, in one sentence."""

    memory: Memory
    outcome: Outcome
    sentence: str
    action: OpenAction | None = None
    """The action it was about, as it was before."""
    ask_operation: bool = False
    """Ask `action.operation` and call again with its verdict, the same reading and the same `now`."""
    size: str = ""
    """After a pool start: how its size differs from the one saved; people are told."""
    problem: Problem | None = None
    """FAILED only."""
    ready_at: datetime | None = None
    """SUCCEEDED start only: when what it brings was ready, where that was before it was noticed."""
