"""The policy in force: the one that can be read, else the last good one, which only starts."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from shared.app import App
from shared.errors import LamplighterError
from shared.model.memory import FleetMemory
from shared.policy.document import Policy

log = logging.getLogger("lamplighter")


@dataclass(frozen=True, slots=True)
class InForce:
    policy: Policy
    readable: bool
    text: str = ""
    problem: str = ""
    """Why the policy of today is not in force."""


def policy_in_force(app: App, fleet: FleetMemory) -> InForce:
    """Raises the reading's own error when there never was a good policy: then nothing is known and nothing is done."""
    try:
        text, source = app.policy_text()
        return InForce(app.parse(text, source), readable=True, text=text)
    except LamplighterError as error:
        if not fleet.good_policy:
            raise
        log.warning("policy: cannot be read, the last good one stays in force for starting: %s", error)
        return InForce(app.parse(fleet.good_policy, "the last good policy"), readable=False, problem=str(error))


def remembered(fleet: FleetMemory, force: InForce) -> FleetMemory:
    """The fleet row with this policy as the last good one, unless it is there already."""
    if not force.readable or fleet.good_policy_hash == force.policy.hash:
        return fleet
    return replace(fleet, good_policy=force.text, good_policy_hash=force.policy.hash)


def with_setting(app: App, fleet: FleetMemory) -> FleetMemory:
    """The emergency hold can be an app setting too; either is enough."""
    if not app.settings.hold:
        return fleet
    return replace(
        fleet,
        hold_by=fleet.hold_by or "the setting LAMPLIGHTER_HOLD",
        hold_all=fleet.hold_all or app.settings.hold == "all",
    )
