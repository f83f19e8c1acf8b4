"""Every minute: open actions only, so that success is seen soon and a failure is told soon."""

from __future__ import annotations

import logging

from shared.app import App
from shared.errors import Superseded
from shared.handlers.settling import Ended, settle_open, tally
from shared.policy import breaker

log = logging.getLogger("lamplighter")


def pulse(app: App) -> tuple[Ended, ...]:
    """Looks freshly at clusters with something under way; returns what was found."""
    now = app.clock()
    open_ones = [item for item in app.journal.memories(on_problem=log.error) if item.value.open is not None]
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
    return ended
