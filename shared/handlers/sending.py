"""Admitted decisions as messages: small, paced, and void once their occasion has passed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared.app import App
from shared.model.decisions import Decision, Plan
from shared.model.facts import FleetFacts
from shared.model.memory import Wish
from shared.telemetry import trace

NOW = timedelta(0)
ONE_BY_ONE = 100
"""A message takes some milliseconds there and back: a Monday morning of 20,000 starts takes minutes in single file."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What is about to be sent."""

    app: App
    now: datetime
    facts: FleetFacts
    decisions: tuple[Decision, ...]

    @property
    def stops(self) -> tuple[Decision, ...]:
        """Those that the stop budget counts from now on."""
        return tuple(d for d in self.decisions if d.action is not None and d.action.goal is Wish.STOPPED)

    def go(self, lost: Iterable[str] = ()) -> int:
        """Sends all but those of clusters whose memory somebody else wrote first; returns how many.

        Raises the first error of the queue; what was not sent then, a later tick sends.
        """
        left_out = frozenset(lost)
        going = [d for d in self.decisions if d.cluster not in left_out]
        send = partial(self._send, trace())
        # One after another makes a queue that is not there yet, and is quick enough for most.
        senders = self.app.queue.senders
        alone = len(going) if senders == 1 else ONE_BY_ONE
        for decision in going[:alone]:
            send(decision)
        if others := going[alone:]:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - rarely needed

            with ThreadPoolExecutor(senders, thread_name_prefix="sending") as side_by_side:
                for _ in side_by_side.map(send, others):
                    pass
        return len(going)

    def _send(self, under: str, decision: Decision) -> None:
        """`under` is the trace: a thread of the pool knows none."""
        wait = NOW if decision.not_before is None else max(NOW, decision.not_before - self.now)
        self.app.queue.send(as_message(decision, self.facts, self.now) | {"trace": under}, wait)


def send_admitted(app: App, plan: Plan, now: datetime, facts: FleetFacts) -> Sending:
    """The admitted decisions that are not in the queue already."""
    return Sending(app, now, facts, tuple(d for d in plan.admitted if d.id not in facts.queued))


def as_message(decision: Decision, facts: FleetFacts, now: datetime) -> dict[str, Any]:
    """A message names one decision; what it says is decided anew before anything is done."""
    expires = decision.expires_at
    if expires is not None and decision.not_before is not None:
        expires += max(NOW, decision.not_before - now)  # its time runs from when it may go
    lead = facts.queue_lead.get(decision.lane, NOW)
    return {
        "id": decision.id,
        "cluster": decision.cluster,
        "target": decision.target,
        "action": decision.action.kind if decision.action is not None else "",
        "cause": decision.cause,
        "rule": decision.rule,
        "policy": decision.policy_hash,
        "not_before": None if decision.not_before is None else decision.not_before.isoformat(),
        "expires_at": None if expires is None else expires.isoformat(),
        "queue_lead": lead.total_seconds(),
    }
