"""Own events, from the outbox to the custom topic that the settings name. At least once, in no order that counts.

The outbox is written before the history that it tells of; a row leaves it once Event Grid took it.
"""

from __future__ import annotations

import logging
from itertools import islice

from shared.app import App
from shared.clients import events
from shared.errors import CloudError
from shared.model.events import event_of

log = logging.getLogger("lamplighter")

AT_MOST = 1000
"""In one run; the next one is a minute away."""


def publish(app: App) -> int:
    """How many were published. A topic that does not answer keeps them where they are."""
    topic = app.settings.events_topic
    if not topic:
        return 0
    waiting = list(islice(app.journal.outbox(), AT_MOST))
    done = 0
    while done < len(waiting):
        some = waiting[done : done + events.AT_ONCE]
        try:
            events.publish(app.cloud, topic, [event for record in some if (event := event_of(record)) is not None])
        except CloudError as problem:
            log.warning("tell: %d events wait for their topic: %s", len(waiting) - done, problem)
            break
        app.journal.published(some)
        done += len(some)
    return done
