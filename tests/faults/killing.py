"""A process that dies right after its n-th write, and another one that takes over on the same stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.clients.journal import Journal
from shared.clients.queue_sqlite import SqliteQueue
from shared.clients.store_sqlite import SqliteStore
from shared.errors import NoReply
from tests.scenarios.stage import Story


class Killed(BaseException):
    """The process is gone; no handler can catch this."""


@dataclass
class Death:
    """Counts writes; raises after number `at` (None: never), by default what kills a process."""

    at: int | None = None
    error: type[BaseException] = Killed
    count: int = 0
    where: str = ""

    def after(self, where: str) -> None:
        self.count += 1
        if self.count == self.at:
            self.where = where
            raise self.error(where)


class MortalStore(SqliteStore):
    """Writes row by row, as Azure Tables does across partitions, and may die between two rows."""

    def __init__(self, death: Death) -> None:
        super().__init__(":memory:")
        self._death = death

    def swap(self, table, row):
        etag = super().swap(table, row)
        self._death.after(f"swap {table}")
        return etag

    def swap_all(self, table, rows):
        lost = []
        for row in rows:
            lost += super().swap_all(table, [row])
            self._death.after(f"swap_all {table}")
        return tuple(lost)

    def put_all(self, table, rows):
        for row in rows:
            super().put_all(table, [row])
            self._death.after(f"put_all {table}")

    def delete_all(self, table, rows):
        for row in rows:
            super().delete_all(table, [row])
            self._death.after(f"delete_all {table}")


class MortalQueue(SqliteQueue):
    def __init__(self, death: Death, clock: Callable[[], datetime]) -> None:
        super().__init__(":memory:", clock)
        self._death = death

    def send(self, *args: Any, **kwargs: Any) -> None:
        super().send(*args, **kwargs)
        self._death.after("send")

    def delete(self, received):
        super().delete(received)
        self._death.after("delete message")


def with_parts(story: Story, *, journal: Journal | None = None, queue: SqliteQueue | None = None) -> None:
    """The story's app on another journal or queue; the old ones are closed."""
    old = story.rehearsal.app
    if journal is not None:
        old.journal.close()
    if queue is not None:
        old.queue.close()
        story.rehearsal.queue = queue
    story.rehearsal.app = replace(old, journal=journal or old.journal, queue=queue or old.queue, cache={})


def mortal(story: Story, death: Death) -> None:
    """Every write of the story's app counts from now on: to the journal, to the queue, to Azure."""
    with_parts(story, journal=Journal(MortalStore(death)), queue=MortalQueue(death, story.world.now))
    story.world.on_write = lambda write: death.after(f"ARM {write.method}") if write.actor == "app" else None
    tell = story.rehearsal.app.notify

    def notify(*args):
        sent = tell(*args)
        death.after("notify")
        return sent

    story.rehearsal.app = replace(story.rehearsal.app, notify=notify)


def run(story: Story, until: datetime) -> None:
    """As `Rehearsal.run`; a process that dies is replaced a minute later, and the timers go on at their next time."""
    host = story.rehearsal
    while story.world.now() < until:
        try:
            host.minute()
        except (Killed, NoReply):  # the host records a failed invocation, or starts another process
            host.app = replace(host.app, cache={})
            host.skip_tick()
        story.world.advance(max(timedelta(0), min(host.next_minute(), until) - story.world.now()))
