"""The inbox beside Azure's own list of alerts: what was resolved and never told is put on record; what is old goes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.app import App
from shared.clients import alert_states
from shared.errors import LamplighterError
from shared.model.alerts import Alert, Condition, Occurrence, occurrences
from shared.policy import alerting
from shared.policy.document import Policy

log = logging.getLogger("lamplighter")

PATIENCE = timedelta(minutes=5)
"""A message on its way arrives within this, or is not missed much longer."""
AT_MOST = 1000
"""The newest of those that fire; in a storm the others are asked about later."""


def heal(app: App, policy: Policy, now: datetime) -> int:
    """How many alerts turned out to be over. Whatever goes wrong is for the next tick: `for` ends them in any case."""
    if not any(rule.kind == alerting.KEY for rule in policy.rules):
        return 0
    try:
        messages = tuple(app.journal.alerts(on_problem=log.warning))
        healed = _healed(app, messages, now)
        if any((one.received_at or one.fired_at) < now - alerting.KEPT for one in messages):
            app.journal.forget_alerts(now - alerting.KEPT)
    except LamplighterError as trouble:
        log.warning("tick: whether alerts still fire could not be read: %s", trouble)
        return 0
    return healed


def _healed(app: App, messages: Sequence[Alert], now: datetime) -> int:
    firing = [one for one in occurrences(messages) if one.firing and PATIENCE < now - one.fired_at < alerting.KEPT]
    if not firing:
        return 0
    over = alert_states.resolved(app.cloud, firing[-AT_MOST:], now)
    return sum(app.journal.receive(_ending(one, over[one.id], now)) for one in firing if one.id in over)


def _ending(one: Occurrence, at: datetime, now: datetime) -> Alert:
    fired = Alert(
        one.id, one.rule, Condition.FIRED, one.signal, one.fired_at, None, one.severity, one.targets, one.clusters, now
    )
    return replace(fired, condition=Condition.RESOLVED, resolved_at=max(at, one.fired_at))
