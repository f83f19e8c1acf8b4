"""What most commands look at: a policy, a fleet, and what is remembered of it when a journal is named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lamplighter.fleet_source import read_fleet, read_text
from lamplighter.terminal import warn
from shared.model.fleet import Cluster, Inventory

if TYPE_CHECKING:
    from shared.policy.document import Policy


@dataclass(frozen=True, slots=True)
class Subject:
    """One reading of everything, at one instant."""

    policy: Policy
    inventory: Inventory
    now: datetime
    from_file: bool = False
    """The fleet is a file: Azure is not asked for anything."""

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        return self.inventory.clusters


def read_policy_file(file: Path) -> Policy:
    """Raises PolicyError with every problem, or InputError when there is no such text."""
    text = read_text(file, "expected a policy, such as --policy policy.yaml")
    from shared.policy.document import read_policy  # noqa: PLC0415  # pydantic and the calendars take a while

    return read_policy(text, str(file))


def read_subject(policy_file: Path, fleet_file: Path | None, now: datetime) -> Subject:
    """The policy first: a bad one is told before Azure is asked anything."""
    policy = read_policy_file(policy_file)
    inventory = read_fleet(fleet_file, policy.scope, now)
    warn(inventory.problems)
    return Subject(policy, inventory, now, from_file=fleet_file is not None)
