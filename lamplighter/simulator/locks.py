"""Management locks: on a subscription, a resource group or a resource, inherited by what is below.

From: https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamplighter.simulator.refusals import Refusal, locked

READ_ONLY, CANNOT_DELETE = "ReadOnly", "CanNotDelete"


@dataclass(frozen=True, slots=True)
class Lock:
    """`scope` is the lower-case id of a subscription, a resource group or a resource."""

    scope: str
    level: str
    name: str = "lock"
    notes: str = ""

    def covers(self, key: str) -> bool:
        return key == self.scope or key.startswith(f"{self.scope}/")

    def body(self) -> dict[str, Any]:
        name = self.name
        return {
            "id": f"{self.scope}/providers/Microsoft.Authorization/locks/{name}",
            "type": "Microsoft.Authorization/locks",
            "name": name,
            "properties": {"level": self.level, "notes": self.notes},
        }


def check_locks(locks: list[Lock], key: str, shown: str, *, delete: bool = False) -> None:
    """Refusal 409 ScopeLocked when a lock forbids to write (ReadOnly) or to delete (either). POST counts as a write."""
    held = [lock.scope for lock in locks if lock.covers(key) and (delete or lock.level == READ_ONLY)]
    if held:
        refusal: Refusal = locked(shown, held, "delete" if delete else "write")
        raise refusal
