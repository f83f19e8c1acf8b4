"""An alert arrives, over HTTP or in an event: it is recorded before anything else, then its clusters are looked at.

Nothing is decided here. The plan reads the record, so an alert that comes twice, late or out of order changes nothing,
and one whose look fails is acted on by the next tick. Who reports is verified first: Microsoft Entra, or, where the
settings allow the lesser choice, a function key that the platform has checked.
https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#configure-authentication-for-secure-webhook
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from shared.app import App
from shared.clients import alert_wire, entra
from shared.errors import InputError, LamplighterError
from shared.handlers import inforce, web
from shared.handlers.look import look
from shared.handlers.watching import hinted
from shared.model.alerts import Alert, Condition
from shared.policy import alerting

log = logging.getLogger("lamplighter")

LARGEST_BODY = 256 * 1024
"""As large as Azure sends them: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples"""
LOOKS = 20
"""An action group waits ten seconds for an answer; whatever is left over waits for the next tick."""
EXAMPLE = '{"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {...}, "alertContext": {...}}}'


def alert(app: App, request: web.Request, *, by_key: bool = False) -> web.Answer:
    """Answers every request: 200 once the alert is on record, or one sentence that says why not."""
    try:
        answer = web.expect_method(request, "POST") or _received(app, request, by_key=by_key)
    except web.Refused as refused:
        answer = web.problem(refused.status, str(refused), refused.headers)
    except entra.NotAdmitted as refused:
        headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
        answer = web.problem(refused.status, str(refused), headers)
    except LamplighterError as trouble:
        log.warning("alert: %s", trouble)
        answer = web.problem(503, "the alert could not be recorded now; send it again", {"Retry-After": "60"})
    log.info("alert: answered %d", answer.status)
    return answer


def carried(app: App, event: Mapping[str, Any]) -> str | None:
    """What became of the alert that an event carries, in one word; None when it carries none.

    Raises LamplighterError when it could not be recorded: Event Grid delivers it again.
    """
    try:
        found = alert_wire.alert_in(event, app.clock())
    except InputError as problem:
        log.warning("alert: an event of type %s: %s", event.get("type"), problem)
        return "malformed"
    if found is None:
        return None
    return "recorded" if record(app, found) else "known"


def record(app: App, found: Alert) -> bool:
    """Into the inbox, then a look at the clusters it is about. False when it was there before."""
    if not app.journal.receive(found):
        return False
    log.info("alert: %s %s, signal %s, severity %s", found.rule, found.condition, found.signal, found.severity)
    try:
        if found.condition is Condition.FIRED:
            hinted(app, found.targets, app.clock())
        for cluster in _concerned(app, found):
            look(app, {"subject": cluster})
    except LamplighterError as trouble:
        log.warning("alert: looking sooner failed, the next tick looks: %s", trouble)
    return True


def _received(app: App, request: web.Request, *, by_key: bool) -> web.Answer:
    if by_key:
        _expect_keys(app)
    else:
        gate = app.gate or entra.gate_of(app.settings, app.cloud)
        replace(gate, role=app.settings.alert_role).admit(request.headers.get("authorization"))
    body = web.expect_body(request, "application/json", LARGEST_BODY)
    try:
        found = alert_wire.read_alert(web.read_json(body, EXAMPLE), app.clock())
    except InputError as problem:
        raise web.Refused(400, str(problem)) from None
    fresh = record(app, found)
    return web.document(200, {"alert": found.id, "condition": found.condition.value, "recorded": fresh})


def _expect_keys(app: App) -> None:
    if app.settings.alert_keys != "allow":
        raise web.Refused(
            403, "a function key is not enough here: use a secure webhook, or set LAMPLIGHTER_ALERT_KEYS=allow"
        )


def _concerned(app: App, found: Alert) -> Iterator[str]:
    """Remembered clusters that a rule may do something about, the first few."""
    rules = alerting.listening(inforce.policy_in_force(app, app.journal.fleet().value).policy, found)
    if not rules:
        return
    left = LOOKS
    for one in app.journal.memories(on_problem=log.warning):
        if alerting.may_concern(one.value, found, rules):
            yield one.value.cluster
            left -= 1
            if not left:
                return
