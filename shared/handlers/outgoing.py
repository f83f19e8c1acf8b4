"""What leaves the app every minute: messages to people, own events to a topic. Neither waits for the other."""

from __future__ import annotations

from shared.app import App
from shared.handlers.publish import publish
from shared.handlers.tell import tell


def outgoing(app: App) -> tuple[int, int]:
    """(messages, events) that went out. Raises what telling raises, once the events have gone."""
    try:
        told = tell(app)
    finally:
        published = publish(app)
    return told, published
