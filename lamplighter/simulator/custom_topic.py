"""A custom topic of Event Grid that takes CloudEvents 1.0 in batches: POST /api/events on the topic's own host.

From: https://learn.microsoft.com/rest/api/eventgrid/dataplane/publish-events
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.refusals import Refusal
from lamplighter.simulator.wire import Request, Response

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

REQUIRED = ("specversion", "id", "source", "type")
LARGEST = 1024 * 1024


def take_events(world: World, request: Request) -> Response:
    """200 and nothing else; what is no batch of CloudEvents is refused whole."""
    media = request.headers.get("content-type", "")
    if not media.startswith("application/cloudevents-batch+json"):
        raise Refusal(415, "UnsupportedMediaType", f"This topic takes CloudEvents, not {media}.")
    if len(request.body) > LARGEST:
        raise Refusal(413, "PayloadTooLarge", "The request is larger than 1 MB.")
    sent: Any = json.loads(request.body)
    for one in sent if isinstance(sent, list) else [{}]:
        if not all(isinstance(one.get(name), str) and one[name] for name in REQUIRED) or one["specversion"] != "1.0":
            raise Refusal(400, "BadRequest", "An event lacks a required attribute of CloudEvents 1.0.")
        if "time" in one and datetime.fromisoformat(one["time"]).tzinfo is None:
            raise Refusal(400, "BadRequest", "The time of an event has no offset.")
    world.monitor.published += sent
    return Response(200, b"", {})
