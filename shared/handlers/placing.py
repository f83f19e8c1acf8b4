"""Between two ticks another upgrade may have begun, or failed: asked once more before one is claimed."""

from __future__ import annotations

import logging
from datetime import datetime

from shared.clients.journal import Journal
from shared.errors import Superseded
from shared.model.decisions import Decision
from shared.model.upgrades import Rings
from shared.policy.bound import BoundRule
from shared.policy.places import reserved
from shared.policy.ring_fold import half_way, halted_now

log = logging.getLogger("lamplighter")

TRIES = 3
"""Whoever loses the row of places as often comes with the next tick."""


def place_for(journal: Journal, decision: Decision, rule: BoundRule, rings: Rings, now: datetime) -> str:
    """Takes a place for the decision's cluster: '' once it has one, else why its upgrade may not begin after all."""
    for _ in range(TRIES):
        places = journal.places(rule.name)
        memories = tuple(item.value for item in journal.memories(on_problem=log.error))
        halted = halted_now(rule, rings, memories)
        if halted:
            return halted
        under_way = half_way(rule, memories)
        if decision.cluster in under_way:
            return ""
        after = reserved(places.value, decision.cluster, under_way, rule.block.at_once, now)
        if after is None:
            return f"as many clusters are being upgraded, or about to be, as at_once allows ({rule.block.at_once})"
        try:
            journal.swap_places(after, places.etag)
        except Superseded:
            continue
        return ""
    return "other upgrades of its rule begin at this very moment"
