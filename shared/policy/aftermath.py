"""What an action that is no power state leaves in its cluster's memory, beyond that it ended. One line per kind.

Each function takes the memory, the action and the instant, and returns the memory to swap in; all are pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from shared.model.actions import Action
from shared.model.memory import Memory
from shared.policy import quiet_memory, reliefs
from shared.policy import upgrade_memory as upgrade
from shared.policy.rules import repair, spot

Leaves = Callable[[Memory, Any, datetime], Memory]


def nothing(memory: Memory, action: Action, now: datetime) -> Memory:
    """The memory as it is."""
    del action, now
    return memory


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What follows when Azure took it, when it was seen to be done, when it failed, when it was there before."""

    accepted: Leaves = nothing
    succeeded: Leaves = nothing
    failed: Leaves = nothing
    already: Leaves = nothing


NONE = Aftermath()
_OF_UPGRADES = Aftermath(upgrade.accepted, upgrade.succeeded, upgrade.failed)
AFTERMATHS: Mapping[str, Aftermath] = MappingProxyType(
    {
        "grow_pool": Aftermath(accepted=spot.accepted, failed=spot.refused),
        "shrink_pool": Aftermath(spot.accepted, spot.drained, spot.not_drained),
        "raise_pool": Aftermath(reliefs.accepted, reliefs.succeeded, reliefs.failed),
        "lower_pool": Aftermath(reliefs.accepted, reliefs.succeeded, reliefs.failed),
        "upgrade_control_plane": _OF_UPGRADES,
        "upgrade_pool": _OF_UPGRADES,
        "upgrade_node_image": _OF_UPGRADES,
        "reconcile": Aftermath(accepted=repair.accepted),
        "silence_alerts": Aftermath(accepted=quiet_memory.silenced),
        "unsilence_alerts": Aftermath(accepted=quiet_memory.heard_again),
        "put_maintenance": Aftermath(accepted=upgrade.configured, already=upgrade.configured),
    }
)


def aftermath_of(action: Action) -> Aftermath:
    return AFTERMATHS.get(action.kind, NONE)
