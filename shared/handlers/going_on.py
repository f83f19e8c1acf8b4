"""A digest whose bills are still to come goes on by a message in the queue, seen when more of them may be asked for.

One message at a time: which one counts is on record, so a duplicate and a timer that fires meanwhile do nothing. A
message that got lost, or whose run failed too often, is made up for by the timer.

    {"at": when the message is seen}        and the journal knows the same instant, until the bills are there
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.app import App
from shared.clients.queue import DIGEST

LOST_AFTER = timedelta(minutes=15)
AT_LEAST = timedelta(minutes=1)


def is_mine(app: App, message: Mapping[str, Any] | None) -> bool:
    """Whether this run goes on with it. `message` None is the timer."""
    at = app.journal.next_run()
    if message is not None:
        return at is not None and message.get("at") == at.isoformat()
    return at is None or app.clock() >= at + LOST_AFTER


def later(app: App, wait: timedelta) -> None:
    """The next run, put on record before it is queued: a message that nobody expects would do nothing."""
    wait = max(wait, AT_LEAST)
    at = app.clock() + wait
    app.journal.put_next_run(at)
    app.queue.send({"at": at.isoformat()}, wait, DIGEST)


def done(app: App) -> None:
    if app.journal.next_run() is not None:
        app.journal.forget_next_run()
