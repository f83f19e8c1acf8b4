"""Every minute: open actions and capacity groups, so that success, failure and an eviction are seen soon."""

from __future__ import annotations

import logging

from shared.app import App
from shared.errors import Superseded
from shared.handlers.settling import Ended, settle_open, tally, with_ended
from shared.handlers.watching import watch
from shared.model.memory import Memory
from shared.policy import breaker

log = logging.getLogger("lamplighter")


def pulse(app: App) -> tuple[Ended, ...]:
    """Looks freshly at clusters with something under way, then at capacity groups; returns what had ended."""
    now = app.clock()
    stored = {item.value.cluster: item for item in app.journal.memories(on_problem=log.error) if _concerns(item.value)}
    open_ones = [item for item in stored.values() if item.value.open is not None]
    ended = settle_open(app, open_ones, now)
    succeeded, failed = tally(ended, now)
    if succeeded or failed:
        row = app.journal.fleet()
        after = breaker.after(row.value, succeeded, failed)
        if after != row.value:
            try:
                app.journal.swap_fleet(after, row.etag)
            except Superseded:
                log.info("pulse: the fleet row was changed meanwhile")
    watch(app, with_ended(stored, ended).values(), now)
    return ended


def _concerns(memory: Memory) -> bool:
    return memory.open is not None or bool(memory.groups)
