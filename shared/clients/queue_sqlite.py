"""Queues on a laptop and in the demo, with the rules of Azure Storage and the Functions host, on any clock.

What the host does in Azure is done here on receiving: a message that failed five times goes to `<queue>-poison`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from shared.clients.queue import (
    ACT,
    DEFAULT_TTL,
    MAX_DEQUEUE_COUNT,
    NO_DELAY,
    POISON,
    RECEIVE_MOST,
    VISIBILITY,
    Received,
    body_of,
    clipped,
)
from shared.clients.store_sqlite import Database

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = 2**62

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL, visible_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, dequeue_count INTEGER NOT NULL, pop_receipt TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_by_time ON messages (queue, visible_at);
"""
_SEND = (
    "INSERT INTO messages (queue, body, visible_at, expires_at, dequeue_count, pop_receipt) VALUES (?, ?, ?, ?, 0, '')"
)
_VISIBLE = (
    "SELECT id, body, dequeue_count FROM messages WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, id LIMIT ?"
)
_TAKE = "UPDATE messages SET visible_at = ?, dequeue_count = dequeue_count + 1, pop_receipt = ? WHERE id = ?"
_BURY = (
    "UPDATE messages SET queue = queue || ?, visible_at = ?, expires_at = ?, dequeue_count = 0, pop_receipt = '' "
    "WHERE queue = ? AND visible_at <= ? AND dequeue_count >= ?"
)


class SqliteQueue:
    """A `Queue` in one SQLite file (the journal's will do) or in memory.

    `clock` gives aware UTC instants; time passes for the messages only as it says.
    """

    senders = 1

    def __init__(self, path: str | Path, clock: Callable[[], datetime]) -> None:
        self._database = Database(path, _SCHEMA)
        self._clock = clock

    def send(
        self,
        message: Mapping[str, Any],
        delay: timedelta = NO_DELAY,
        queue: str = ACT,
        ttl: timedelta = DEFAULT_TTL,
    ) -> None:
        """See `Queue.send`."""
        body = body_of(message)
        visible_at = self._clock() + clipped(delay)
        with self._database.writing() as connection:
            connection.execute(_SEND, (queue, body, _micros(visible_at), _micros(visible_at + ttl)))

    def receive(self, queue: str, most: int = RECEIVE_MOST, visibility: timedelta = VISIBILITY) -> tuple[Received, ...]:
        """See `Queue.receive`."""
        now = _micros(self._clock())
        hidden_until = now + visibility // timedelta(microseconds=1)
        with self._database.writing() as connection:
            connection.execute("DELETE FROM messages WHERE expires_at <= ?", (now,))
            if not queue.endswith(POISON):
                connection.execute(_BURY, (POISON, now, _NEVER, queue, now, MAX_DEQUEUE_COUNT))
            found = connection.execute(_VISIBLE, (queue, now, min(most, RECEIVE_MOST))).fetchall()
            return tuple(self._take(connection, queue, hidden_until, row) for row in found)

    def delete(self, received: Received) -> None:
        """See `Queue.delete`."""
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM messages WHERE id = ? AND pop_receipt = ?", (int(received.id), received.pop_receipt)
            )

    def release(self, received: Received) -> None:
        """The handler failed: visible again at once, as the host does with `visibilityTimeout` zero."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE messages SET visible_at = ? WHERE id = ? AND pop_receipt = ?",
                (_micros(self._clock()), int(received.id), received.pop_receipt),
            )

    def count(self, queue: str) -> int:
        """Messages in the queue, hidden ones too."""
        now = _micros(self._clock())
        found = self._database.rows("SELECT count(*) FROM messages WHERE queue = ? AND expires_at > ?", (queue, now))
        return int(found[0][0])

    def next_at(self) -> datetime | None:
        """When the next message of any queue but the poison ones can be received (aware UTC); None: nothing waits."""
        found = self._database.rows("SELECT min(visible_at) FROM messages WHERE queue NOT LIKE '%' || ?", (POISON,))
        micros = found[0][0]
        return None if micros is None else _EPOCH + timedelta(microseconds=micros)

    def close(self) -> None:
        """See `Queue.close`."""
        self._database.close()

    def _take(
        self, connection: sqlite3.Connection, queue: str, hidden_until: int, row: tuple[int, str, int]
    ) -> Received:
        number, body, count = row
        receipt = token_hex(8)
        connection.execute(_TAKE, (hidden_until, receipt, number))
        return Received(queue, str(number), receipt, body, count + 1)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
