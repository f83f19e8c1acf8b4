"""Messages between the planner and those who act: a few queues, small JSON messages, delayed or not.

    lamplighter-act     one decision to carry out          lamplighter-look    a hint to look at a cluster sooner
    lamplighter-digest  a digest whose bills are to come   lamplighter-*-poison   failed too often; recorded and told

Delivery is at least once, in no order: what a message says is decided anew before anything is done.
A queue output binding of Azure Functions can't delay a message (azure-functions-host #4176), hence this client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from shared.errors import Refused

PREFIX = "lamplighter-"
ACT, LOOK, DIGEST = "act", "look", "digest"
POISON = "-poison"

MESSAGE_BYTES = 48 * 1024
"""A message of Azure Storage holds 64 KiB, and base64 takes a third more than the text.
https://learn.microsoft.com/azure/storage/queues/scalability-targets"""

MOST_DELAY = timedelta(days=7)
"""https://learn.microsoft.com/rest/api/storageservices/put-message: `visibilitytimeout` up to 7 days"""
DEFAULT_TTL = timedelta(days=7)
NO_DELAY = timedelta()

MAX_DEQUEUE_COUNT = 5
"""`maxDequeueCount` of host.json: after that many failures a message is poison."""
RECEIVE_MOST = 32
VISIBILITY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Received:
    """A message that is ours until its visibility ends; delete it, or it comes again."""

    queue: str
    """Short name: act, look, tell, act-poison, ..."""
    id: str
    pop_receipt: str
    body: str
    """The text as it was sent; the host hands over the same."""
    dequeue_count: int
    """1 at the first delivery."""

    @property
    def message(self) -> dict[str, Any]:
        """The body as JSON. Raises ValueError for a message that Lamplighter did not write."""
        document = json.loads(self.body)
        if not isinstance(document, dict):
            msg = f"expected a JSON object, found {type(document).__name__}"
            raise ValueError(msg)  # noqa: TRY004  one kind of error for one kind of bad text
        return document


class Queue(Protocol):
    """Every method raises NoReply, Throttled, Forbidden or Refused when the service does not answer."""

    senders: int
    """How many threads that send at once it gains from."""

    def send(
        self,
        message: Mapping[str, Any],
        delay: timedelta = NO_DELAY,
        queue: str = ACT,
        ttl: timedelta = DEFAULT_TTL,
    ) -> None:
        """Send JSON values, seen by nobody before `delay` is over, gone `ttl` after that.

        A delay over 7 days is 7 days: what comes early is decided anew and delayed again.
        Raises Refused for more than 48 KiB. The first message to a queue creates it.
        """
        ...

    def receive(self, queue: str, most: int = RECEIVE_MOST, visibility: timedelta = VISIBILITY) -> tuple[Received, ...]:
        """Up to `most` (at most 32) messages, hidden from others for `visibility`; none from a queue not there."""
        ...

    def delete(self, received: Received) -> None:
        """Done with it. One that is gone, or that somebody else received since, is left alone."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


def body_of(message: Mapping[str, Any]) -> str:
    """The message as compact JSON. Raises Refused when it is larger than 48 KiB, TypeError for what is no JSON."""
    body = json.dumps(dict(message), separators=(",", ":"))
    if len(body) > MESSAGE_BYTES:
        raise Refused(
            f"a queue message of {len(body) // 1024} KiB was not sent; at most {MESSAGE_BYTES // 1024} KiB fit, "
            f"it begins {body[:80]}",
            code="MessageTooLarge",
        )
    return body


def clipped(delay: timedelta) -> timedelta:
    """The delay a queue can keep: between none and 7 days."""
    return min(max(delay, NO_DELAY), MOST_DELAY)
