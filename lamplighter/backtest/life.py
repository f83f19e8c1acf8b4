"""One cluster in a replay: what Azure would show of it, what Lamplighter remembers of it, what people do with it."""

from __future__ import annotations

from dataclasses import replace

from lamplighter.backtest.history import Interval, Trace, at
from shared.model.decisions import Decision
from shared.model.fleet import Cluster, Power
from shared.model.memory import Memory

NEVER = 1 << 62


class Life:
    """Mutable, and only here: power, the work on it, and when it was up and paid for. Instants are Unix seconds.

    Work that finds it off waits until it is up and then takes as long as it would have taken (`people`), or is lost
    while it is off (without them).
    """

    __slots__ = (
        "_pending", "_running", "_starting", "_stopped", "_stopping", "billed", "billed_since", "busy_until",
        "counts_until", "decided", "edges", "looked", "looks", "memory", "need", "people", "said_until", "seen",
        "trace", "up", "up_since", "used",
    )  # fmt: skip

    def __init__(self, trace: Trace, *, people: bool) -> None:
        self.trace = trace
        self.people = people
        self._running = trace.cluster
        self._starting = _as(trace.cluster, Power.RUNNING, "Starting")
        self._stopping = _as(trace.cluster, Power.STOPPED, "Stopping")
        self._stopped = _as(trace.cluster, Power.STOPPED, "Succeeded")
        self.seen = self._running
        self.memory = Memory(trace.cluster.id)
        self.need = 0
        """Which of the trace's needs comes next."""
        self.busy_until = 0
        """End of the work under way; in the past when there is none."""
        self.used: list[Interval] = []
        """When it was really worked on; the last stretch may end in the future."""
        self._pending: list[int] = []
        self.said_until: int | None = None
        """When somebody who keeps it on has to say so again; None while nobody does."""
        self.up: list[Interval] = []
        self.billed: list[Interval] = []
        self.up_since: int | None = trace.begin
        self.billed_since: int | None = trace.begin
        self.looks: set[int] = set()
        """When it is looked at because something happens to it."""
        self.edges: set[int] = set()
        """When it is looked at because the last look said so: it may turn out otherwise from then on."""
        self.looked = trace.begin
        """When it was looked at last."""
        self.decided: tuple[Decision, ...] = ()
        """What that look decided, which holds until the next one; nothing once something was done about it."""
        self.counts_until = 0
        """Until when a stop of it, done or sent, may count in a budget."""

    def there(self, now: int) -> bool:
        return self.trace.begin <= now < self.trace.end

    def is_due(self, now: int) -> bool:
        """Whether it is still to be looked at, now; asked once."""
        due = now in self.looks or now in self.edges
        self.looks.discard(now)
        self.edges.discard(now)
        return due

    def needed(self, now: int) -> bool:
        """Somebody works on it, or waits for it."""
        return now < self.busy_until or bool(self._pending)

    def need_begins(self, now: int, end: int) -> None:
        if self.up_since is not None:
            self._work(now, end)
        elif self.people:
            self._pending.append(end - now)

    def starts(self, now: int) -> None:
        """Its start was accepted: from here on it is paid for."""
        self.seen = self._starting
        self.billed_since = now

    def stops(self, now: int) -> None:
        """Its stop was accepted: what runs on it is interrupted."""
        self.seen = self._stopping
        if self.up_since is not None:
            self.up.append((self.up_since, now))
            self.up_since = None
        if now < self.busy_until:
            self.used[-1] = self.used[-1][0], now
            if self.people:
                self._pending.append(self.busy_until - now)
            self.busy_until = now

    def arrives(self, now: int) -> None:
        """What was under way is done."""
        if self.seen is self._starting:
            self.seen = self._running
            self.up_since = now
            self._work_that_waited(now)
        else:
            self.seen = self._stopped
            assert self.billed_since is not None  # noqa: S101 - what stops was on
            self.billed.append((self.billed_since, now))
            self.billed_since = None

    def _work_that_waited(self, now: int) -> None:
        if self._pending:
            self._work(now, now + max(self._pending))
            self._pending.clear()
        elif not self.people and (meant := at(self.trace.busy, now)) is not None:
            self._work(now, meant[1])

    def _work(self, begin: int, end: int) -> None:
        if self.used and begin <= self.used[-1][1]:
            first, last = self.used.pop()
            begin, end = first, max(last, end)
        self.used.append((begin, end))
        self.busy_until = max(self.busy_until, end)

    def ends(self) -> None:
        """The history is over."""
        end = self.trace.end
        if self.up_since is not None:
            self.up.append((self.up_since, end))
        if self.billed_since is not None:
            self.billed.append((self.billed_since, end))


def _as(cluster: Cluster, power: Power, state: str) -> Cluster:
    pools = tuple(replace(pool, power=power) for pool in cluster.pools)
    return replace(cluster, power=power, provisioning_state=state, pools=pools)
