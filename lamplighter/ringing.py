"""A person's word about rings: what stands still may go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from lamplighter.remembered import change_fleet
from shared.model.decisions import Notice
from shared.model.memory import FleetMemory
from shared.model.upgrades import Halt, Rings

if TYPE_CHECKING:
    from shared.clients.journal import Journal


def release(journal: Journal, rule: str | None, by: str, now: datetime) -> dict[str, Halt]:
    """Ends the halt of one rule, or of all; rule name -> the halt that stood. What failed up to now is forgiven."""
    from shared.policy.ring_fold import halt_cause  # noqa: PLC0415
    from shared.policy.rings import released  # noqa: PLC0415

    ended: dict[str, Rings] = {}

    def change(fleet: FleetMemory) -> FleetMemory:
        ended.clear()
        ended.update({name: one for name, one in fleet.rings.items() if one.halt and rule in (None, name)})
        return replace(fleet, rings={**fleet.rings, **{name: released(one, by, now) for name, one in ended.items()}})

    change_fleet(journal, change)
    text = f"released by {by}"
    journal.post(
        Notice("ring_halted", one.halt.cluster, halt_cause(name, one), text, now, resolved=True)
        for name, one in ended.items()
        if one.halt is not None
    )
    return {name: one.halt for name, one in ended.items() if one.halt is not None}
