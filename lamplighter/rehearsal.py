"""The deployed code path on a simulated Azure: handlers, real SDKs, queue, claims and journal, in virtual time.

What the Functions host does in Azure (timers, queue deliveries, events) this does here, minute by minute of the
world's clock. Nothing of the app is replaced: it is composed as `shared.app` composes it, on SQLite and another clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from lamplighter.simulator import World
from shared.app import App
from shared.clients.azure import Cloud, endpoint_of
from shared.clients.deliver import Parcel
from shared.clients.journal import Journal
from shared.clients.notify import Sent
from shared.clients.queue import Received
from shared.clients.queue_sqlite import SqliteQueue
from shared.clients.store_sqlite import SqliteStore
from shared.errors import LamplighterError
from shared.handlers.act import act
from shared.handlers.alert import alert
from shared.handlers.digest import digest
from shared.handlers.look import look
from shared.handlers.outgoing import outgoing
from shared.handlers.poison import poison
from shared.handlers.pulse import pulse
from shared.handlers.tick import tick
from shared.handlers.web import Request
from shared.model.decisions import Plan
from shared.settings import read_settings

MINUTE = timedelta(minutes=1)
TICK_EVERY = timedelta(minutes=5)
BATCH = 32
AGAIN = timedelta(seconds=30)
"""`visibilityTimeout` of host.json: after that a message whose handler failed is delivered again."""


@dataclass
class Rehearsal:
    """A world, an app on it, and the host's part of the work."""

    world: World
    policy: str
    """Text of policy.yaml; may be changed between runs, as a merge would."""
    cloud: Cloud | None = None
    """None: in process. A Cloud of the simulator's TLS server otherwise."""
    hints: bool = True
    """Whether Event Grid delivers the world's events."""
    told: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)
    """(addresses, title, body) of every message that was sent."""
    delivered: list[tuple[str, Parcel]] = field(default_factory=list)
    """(address, digest) of every digest that was sent."""
    outcomes: list[tuple[datetime, str, str]] = field(default_factory=list)
    """(instant, decision id, what `act` answered)"""
    failures: list[tuple[datetime, str, Exception]] = field(default_factory=list)
    """(instant, message, what a handler raised): what the host would record as failed invocations."""
    tick_every: timedelta = TICK_EVERY
    environ: dict[str, str] = field(default_factory=dict)
    on_tick: Callable[[Plan], None] | None = None

    def __post_init__(self) -> None:
        from lamplighter.simulator import SimulatorCredential, SimulatorTransport  # noqa: PLC0415 - TLS needs neither

        self.queue = SqliteQueue(":memory:", self.world.now)
        settings = read_settings({"OPERATORS_CHANNEL": "json://127.0.0.1", **self.environ})
        cloud = self.cloud or Cloud(
            endpoint_of("AzurePublicCloud"),
            credential=SimulatorCredential(),
            transport=SimulatorTransport(self.world),
        )
        self.app = App(
            settings=settings,
            clock=self.world.now,
            cloud=cloud,
            journal=Journal(SqliteStore(":memory:"), outbox=bool(settings.events_topic)),
            queue=self.queue,
            policy_text=lambda: (self.policy, "policy.yaml"),
            notify=self._notify,
            deliver=self._deliver,
        )
        self._next_tick = self.world.now()
        self._open = self._pulses = False
        self._events_seen = len(self.world.events)
        self.world.monitor.webhook = self.report

    def close(self) -> None:
        self.app.journal.close()
        self.app.queue.close()
        self.app.cloud.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, until: datetime) -> None:
        """To `until` (aware UTC): timers on time, messages and hints as they come; quiet minutes are skipped."""
        while self.world.now() < until:
            self.minute()
            self.world.advance(max(timedelta(0), min(self.next_minute(), until) - self.world.now()))

    def next_minute(self) -> datetime:
        """The next time (aware UTC) at which the host has something to do."""
        now = self.world.now()
        due = [self._next_tick]
        if self._pulses or len(self.world.events) > self._events_seen:
            due.append(now + MINUTE)
        else:
            others = (self.queue.next_at(), self.world.next_event() if self.hints else None)
            due += [at for at in others if at is not None]
        if (at := self.world.monitor.next_at()) is not None:
            due.append(at)
        return max(now + timedelta(seconds=1), min(due))

    def run_for(self, duration: timedelta) -> None:
        self.run(self.world.now() + duration)

    def minute(self) -> None:
        """One minute of the host's work."""
        if self.world.now() >= self._next_tick:
            self.tick()
            self.skip_tick()
        if self._pulses:
            pulse(self.app)
        self.deliver()
        self.hint()
        self.deliver()
        memories = [item.value for item in self.app.journal.memories()]
        self._open = any(memory.open is not None for memory in memories)
        self._pulses = self._open or any(memory.groups for memory in memories)

    def skip_tick(self) -> None:
        """The timer's next time is the first one ahead: also of a tick that was killed."""
        late = self.world.now() - self._next_tick
        self._next_tick += self.tick_every * max(0, 1 + late // self.tick_every)

    def tick(self) -> Plan | None:
        """One tick and one telling; None when the tick failed loudly, as the host would record it."""
        try:
            plan = tick(self.app)
        except LamplighterError as error:
            self.failures.append((self.world.now(), "tick", error))
            return None
        if self.on_tick is not None:
            self.on_tick(plan)
        outgoing(self.app)
        return plan

    def deliver(self) -> None:
        """Everything that is visible in the queues; a message whose handler failed comes again, at most five times."""
        while batch := self.app.queue.receive("act", 1, AGAIN):
            for received in batch:
                self._act(received)
        for received in self.app.queue.receive("digest", BATCH, AGAIN):
            digest(self.app, received.message)
            self.app.queue.delete(received)
        for received in self.app.queue.receive("act-poison", BATCH):
            poison(self.app, received.body)
            self.app.queue.delete(received)

    def _act(self, received: Received) -> None:
        try:
            outcome = act(self.app, received.message)
        except Exception as error:  # noqa: BLE001 - the host's part: whatever a handler raises is a failed invocation
            self.failures.append((self.world.now(), received.body, error))
            return
        self.outcomes.append((self.world.now(), str(received.message.get("id")), outcome))
        self.app.queue.delete(received)

    def hint(self) -> None:
        """The world's new events, as Event Grid would bring them."""
        fresh: Sequence[Any] = self.world.events[self._events_seen :]
        self._events_seen = len(self.world.events)
        if self.hints:
            for event in fresh:
                look(self.app, _plain(event))

    def report(self, body: bytes) -> int:
        """An alert, as an action group's secure webhook posts it; who calls was verified on the way."""
        settings = replace(self.app.settings, alert_keys="allow")
        request = Request("POST", {"content-type": "application/json; charset=utf-8"}, {}, body)
        return alert(replace(self.app, settings=settings), request, by_key=True).status

    def _notify(self, addresses: Sequence[str], title: str, body: str) -> Sent:
        self.told.append((tuple(addresses), title, body))
        return Sent(ok=True)

    def _deliver(self, address: str, parcel: Parcel) -> Sent:
        self.delivered.append((address, parcel))
        return Sent(ok=True)


def _plain(event: Any) -> dict[str, Any]:
    """The event as `function_app.plain_event` hands it over."""
    body = event.get("event_grid", event) if isinstance(event, dict) else event.event_grid()
    return {
        "id": body.get("id"),
        "type": body.get("eventType") or body.get("type"),
        "subject": body.get("subject"),
        "source": body.get("topic") or body.get("source"),
        "time": body.get("eventTime") or body.get("time"),
        "data": body.get("data"),
    }
