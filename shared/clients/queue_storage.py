"""Queues in Azure Storage, as the Functions host reads them: base64, `lamplighter-act` and its like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, Self

from shared.clients.queue import (
    ACT,
    DEFAULT_TTL,
    NO_DELAY,
    PREFIX,
    RECEIVE_MOST,
    VISIBILITY,
    Received,
    body_of,
    clipped,
)
from shared.clients.storage_errors import asking, kept_transport

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient

ROLE = "Storage Queue Data Contributor"
RETRIES = 3


class StorageQueue:
    """A `Queue` in an Azure storage account; `prefix` begins the name of each of its queues.

    What fails five times is moved to `<queue>-poison` by the Functions host. A reply that was lost may send a message
    twice: what it asks for is claimed once. `opening` makes the client of one queue by its whole name; `closing` lets
    go of their connections.
    """

    senders = 8

    def __init__(
        self, opening: Callable[[str], QueueClient], closing: Callable[[], None], prefix: str = PREFIX
    ) -> None:
        self._opening = opening
        self._closing = closing
        self._prefix = prefix
        self._clients: dict[str, QueueClient] = {}

    @classmethod
    def connect(cls, endpoint: str, credential: Any, prefix: str = PREFIX, *, transport: Any = None) -> Self:
        """Nothing is sent yet. `endpoint` is https://<account>.queue.core.windows.net, of any cloud.

        `credential` is a token credential (for Azurite an AzureNamedKeyCredential); `transport` azure-core's, for those
        who bring their own and close it.
        """
        from azure.storage.queue import (  # noqa: PLC0415  lazy: cold start is a feature
            ExponentialRetry,
            QueueClient,
            TextBase64DecodePolicy,
            TextBase64EncodePolicy,
        )

        own = kept_transport() if transport is None else None
        opening = partial(
            QueueClient,
            endpoint,
            credential=credential,
            transport=own or transport,
            # The SDK's own patience, 15 s and longer, is a good part of an invocation's four minutes.
            retry_policy=ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=RETRIES),
            # The host decodes base64 unless host.json says otherwise; the SDK alone would send plain text.
            message_encode_policy=TextBase64EncodePolicy(),
            message_decode_policy=TextBase64DecodePolicy(),
        )
        return cls(opening, own.close if own else _nothing, prefix)

    def send(
        self,
        message: Mapping[str, Any],
        delay: timedelta = NO_DELAY,
        queue: str = ACT,
        ttl: timedelta = DEFAULT_TTL,
    ) -> None:
        """See `Queue.send`. Delays are whole seconds here, rounded up."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415  lazy

        body, seconds = body_of(message), ceil(clipped(delay).total_seconds())
        client = self._client(queue)
        # A message must outlive its delay, or the service refuses it.
        lasting = {"visibility_timeout": seconds, "time_to_live": seconds + max(1, ceil(ttl.total_seconds()))}
        with self._asking(queue):
            try:
                client.send_message(body, **lasting)
            except ResourceNotFoundError:
                self._create(client)
                client.send_message(body, **lasting)

    def receive(self, queue: str, most: int = RECEIVE_MOST, visibility: timedelta = VISIBILITY) -> tuple[Received, ...]:
        """See `Queue.receive`. For those who wait outside the Functions host."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415  lazy

        count = min(most, RECEIVE_MOST)
        seconds = max(1, ceil(visibility.total_seconds()))
        with self._asking(queue):
            try:
                found = self._client(queue).receive_messages(
                    messages_per_page=count, max_messages=count, visibility_timeout=seconds
                )
                return tuple(_received(queue, message) for message in found)
            except ResourceNotFoundError:
                return ()

    def delete(self, received: Received) -> None:
        """See `Queue.delete`."""
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError  # noqa: PLC0415  lazy

        with self._asking(received.queue):
            try:
                self._client(received.queue).delete_message(received.id, received.pop_receipt)
            except (ResourceNotFoundError, ResourceExistsError):
                return  # gone, or somebody else's by now

    def close(self) -> None:
        """See `Queue.close`."""
        self._closing()

    def _asking(self, queue: str) -> AbstractContextManager[None]:
        return asking(f"the queue {self._prefix}{queue}", ROLE)

    def _client(self, queue: str) -> QueueClient:
        if queue not in self._clients:
            self._clients[queue] = self._opening(f"{self._prefix}{queue}")
        return self._clients[queue]

    @staticmethod
    def _create(client: QueueClient) -> None:
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415  lazy

        try:
            client.create_queue()
        except ResourceExistsError as error:
            if getattr(error, "error_code", None) != "QueueAlreadyExists":
                raise


def _received(queue: str, message: Any) -> Received:
    return Received(queue, message.id, message.pop_receipt, message.content, message.dequeue_count)


def _nothing() -> None:
    """Whoever brought the transport closes it."""
