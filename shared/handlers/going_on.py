"""A digest whose bills are still to come goes on by a message in the queue, seen when more of them may be asked for.

One message at a time: which one counts is on record, so a duplicate and a timer that fires meanwhile do nothing. A
message that got lost, or whose run failed too often, is made up for by the timer.

    {"at": when the message is seen}        in the journal and in the message; null once the bills are there
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.app import App
from shared.clients.queue import DIGEST

KEY = "digest.going-on"
LOST_AFTER = timedelta(minutes=15)
AT_LEAST = timedelta(minutes=1)


def is_mine(app: App, message: Mapping[str, Any] | None) -> bool:
    """Whether this run goes on with it. `message` None is the timer."""
    kept = app.journal.prices(KEY)
    at = None if kept is None else kept[0].get("at")
    if message is not None:
        return at is not None and message.get("at") == at
    return at is None or app.clock() >= datetime.fromisoformat(at) + LOST_AFTER


def later(app: App, wait: timedelta) -> None:
    """The next run, put on record before it is queued: a message that nobody expects would do nothing."""
    wait = max(wait, AT_LEAST)
    now = app.clock()
    at = (now + wait).isoformat()
    app.journal.put_prices(KEY, {"at": at}, now)
    app.queue.send({"at": at}, wait, DIGEST)


def done(app: App) -> None:
    kept = app.journal.prices(KEY)
    if kept is not None and kept[0].get("at") is not None:
        app.journal.put_prices(KEY, {"at": None}, app.clock())
