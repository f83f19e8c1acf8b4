"""Own events to a custom topic of Event Grid, as CloudEvents 1.0, with the app's identity.

https://learn.microsoft.com/python/api/overview/azure/eventgrid-readme and
https://learn.microsoft.com/azure/event-grid/authenticate-with-microsoft-entra-id
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.clients import answers
from shared.clients.azure import Cloud
from shared.model.events import OwnEvent

SOURCE = "/lamplighter"
AT_ONCE = 100
"""A request takes one megabyte; an event of ours is far below ten kilobytes."""


def publish(cloud: Cloud, topic: str, events: Sequence[OwnEvent]) -> None:
    """At most AT_ONCE of them in one request. Raises CloudError; what was sent twice has the same id."""
    from azure.core.messaging import CloudEvent  # noqa: PLC0415 - only where a topic is configured

    # The client of azure.eventgrid 4.22 hands its options to this one, but for the transport: a connection of its own
    # each minute, with trust of its own, is not what we want.
    from azure.eventgrid._legacy._publisher_client import EventGridPublisherClient  # noqa: PLC0415 - as above

    sent = [
        CloudEvent(
            source=SOURCE,
            type=one.type,
            id=one.id,
            time=one.at,
            subject=one.subject,
            data=dict(one.data),
            datacontenttype="application/json",
        )
        for one in events[:AT_ONCE]
    ]
    client = EventGridPublisherClient(topic, cloud.credential, transport=cloud.transport, retry_total=1)
    with answers.answering(f"publishing {len(sent)} events"):
        client.send(sent)
