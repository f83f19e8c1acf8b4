"""Alert processing rules of ours that nobody needs any more: their cluster is gone, or runs and was told so."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from shared.app import App
from shared.clients import silences
from shared.errors import LamplighterError
from shared.model.fleet import Inventory
from shared.model.memory import Memory, Stored
from shared.policy.document import Policy

log = logging.getLogger("lamplighter")

AT_ONCE = 20


def sweep(app: App, policy: Policy, seen: Inventory, stored: Mapping[str, Stored[Memory]]) -> int:
    """How many orphans were removed. While part of the fleet cannot be read, nothing is called one."""
    wanted = policy.asks("silence_alerts")
    silent = any(one.value.silenced_until is not None for one in stored.values())
    if policy.mode != "act" or seen.problems or not (wanted or silent):
        return 0
    known = {cluster.id for cluster in seen.clusters}
    removed = 0
    try:
        for rule in silences.ours(app.cloud):
            memory = stored[rule.cluster].value if rule.cluster in stored else None
            kept = memory is not None and (memory.silenced_until is not None or memory.open is not None)
            if rule.cluster in known and kept:
                continue
            silences.remove(app.cloud, rule.id)
            log.info("tick: removed the alert processing rule %s, which nobody needs any more", rule.id)
            removed += 1
            if removed == AT_ONCE:
                break
    except LamplighterError as trouble:
        log.warning("tick: alert processing rules could not be swept: %s", trouble)
    return removed
