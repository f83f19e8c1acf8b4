"""What silencing a cluster's alerts leaves in its memory. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.model.actions import SilenceAlerts, UnsilenceAlerts
from shared.model.memory import Memory


def silenced(memory: Memory, action: SilenceAlerts, now: datetime) -> Memory:
    """Azure took the rule: it answers at once, so that is all there is to know."""
    del now
    return replace(memory, silenced_until=datetime.fromisoformat(action.until))


def heard_again(memory: Memory, action: UnsilenceAlerts, now: datetime) -> Memory:
    """The rule is gone."""
    del action, now
    return replace(memory, silenced_until=None)
