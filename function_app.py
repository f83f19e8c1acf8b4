"""The triggers of Lamplighter, and nothing else: parse, call one handler, return.

Only `azure.functions` is imported here. Whatever else is needed is imported by the first invocation: an error during
import would make every function vanish without a word, an error during an invocation is a failure people can see.
All functions are synchronous: the host runs them in threads, where a blocking SDK call stalls nobody else.
https://learn.microsoft.com/azure/azure-functions/functions-reference-python
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import azure.functions as func

if TYPE_CHECKING:
    from shared.app import App
    from shared.handlers.web import Answer, Request

app = func.FunctionApp()
log = logging.getLogger("lamplighter")

# At INFO the SDK writes a line for every request; `azure.functions` itself, the worker's logger, is left alone.
for _chatty in ("azure.core", "azure.identity"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

ACT_QUEUE = "lamplighter-act"
DIGEST_QUEUE = "lamplighter-digest"
POISON_QUEUE = f"{ACT_QUEUE}-poison"
"""Where the host moves a message that failed `maxDequeueCount` times."""

NOWHERE: Any = None
"""The context of a call without a host."""

PERSONAL = frozenset({"authorization", "claims", "httpRequest"})
"""Parts of a resource event that say who did it and from where; they go no further than this file."""


@app.function_name("tick")
@app.timer_trigger("timer", "%LAMPLIGHTER_TICK_SCHEDULE%", run_on_startup=False, use_monitor=True)
def tick(timer: func.TimerRequest, context: func.Context = NOWHERE) -> None:
    """Look at the fleet and decide. Monitored: after an outage the host runs a missed tick at once."""
    if timer.past_due:
        log.warning("tick: late, the host missed its time; deciding by what is true now")
    with _told("tick", context=context):
        from shared.handlers import tick as handler  # noqa: PLC0415  light import

        handler.tick(_the_app())


@app.function_name("pulse")
@app.timer_trigger("timer", "%LAMPLIGHTER_PULSE_SCHEDULE%", run_on_startup=False, use_monitor=False)
def pulse(timer: func.TimerRequest, context: func.Context = NOWHERE) -> None:  # noqa: ARG001  the binding needs it
    """Follow open actions. Not monitored: the next one is a minute away, and a monitor writes a blob each time."""
    with _told("pulse", context=context):
        from shared.handlers import pulse as handler  # noqa: PLC0415  light import

        handler.pulse(_the_app())


@app.function_name("tell")
@app.timer_trigger("timer", "%LAMPLIGHTER_TELL_SCHEDULE%", run_on_startup=False, use_monitor=False)
def tell(timer: func.TimerRequest, context: func.Context = NOWHERE) -> None:  # noqa: ARG001  the binding needs it
    """Send what people should know. A timer, not a queue: one message holds all that is pending, not one each."""
    with _told("tell", context=context):
        from shared.handlers import outgoing as handler  # noqa: PLC0415  light import

        handler.outgoing(_the_app())


@app.function_name("digest")
@app.timer_trigger("timer", "%LAMPLIGHTER_DIGEST_SCHEDULE%", run_on_startup=False, use_monitor=False)
def digest(timer: func.TimerRequest, context: func.Context = NOWHERE) -> None:  # noqa: ARG001  the binding needs it
    """Tell what the last week cost, when the policy's own clock says so. A missed run is caught up by the next."""
    with _told("digest", context=context):
        from shared.handlers import digest as handler  # noqa: PLC0415  light import

        handler.digest(_the_app())


@app.function_name("digest_goes_on")
@app.queue_trigger("message", DIGEST_QUEUE, "AzureWebJobsStorage")
def digest_goes_on(message: func.QueueMessage, context: func.Context = NOWHERE) -> None:
    """Go on with a digest that had to wait for bills. When this fails too often the timer takes over."""
    with _told("digest", f"attempt {message.dequeue_count}", context=context):
        from shared.handlers import digest as handler  # noqa: PLC0415  light import

        handler.digest(_the_app(), _json_object(message))


@app.function_name("sweep")
@app.timer_trigger("timer", "%LAMPLIGHTER_SWEEP_SCHEDULE%", run_on_startup=False, use_monitor=False)
def sweep(timer: func.TimerRequest, context: func.Context = NOWHERE) -> None:  # noqa: ARG001  the binding needs it
    """Let go of what need not be kept. A missed run is made up for by the next."""
    with _told("sweep", context=context):
        from shared.handlers import sweep as handler  # noqa: PLC0415  light import

        handler.sweep(_the_app())


@app.function_name("act")
@app.queue_trigger("message", ACT_QUEUE, "AzureWebJobsStorage")
def act(message: func.QueueMessage, context: func.Context = NOWHERE) -> None:
    """Carry out one decision. "Later" is a normal return; what is raised counts towards poison."""
    decision = _json_object(message)
    about = f"decision {decision.get('id', 'without an id')}, attempt {message.dequeue_count}"
    with _told("act", about, context=context, began=decision.get("trace")):
        from shared.handlers import act as handler  # noqa: PLC0415  light import
        from shared.telemetry import measured  # noqa: PLC0415  light import

        outcome = handler.act(_the_app(), decision)
        log.info("act: decision %s: %s", decision["id"], outcome)
        measured("act", {"decision": decision["id"], "action": decision.get("action"), "outcome": outcome})


@app.function_name("look")
@app.event_grid_trigger("event")
def look(event: func.EventGridEvent, context: func.Context = NOWHERE) -> None:
    """Record the alert it carries, or take it as a hint to look sooner. A CloudEvent where that schema is used."""
    with _told("look", f"event {event.id}", context=context):
        from shared.handlers import alert  # noqa: PLC0415  light import
        from shared.handlers import look as handler  # noqa: PLC0415  light import

        said = plain_event(event)
        if alert.carried(_the_app(), said) is None:
            handler.look(_the_app(), said)


@app.function_name("alert")
@app.route(route="alerts", trigger_arg_name="request", auth_level=func.AuthLevel.ANONYMOUS)
def alert(request: func.HttpRequest, context: func.Context = NOWHERE) -> func.HttpResponse:
    """An action group's secure webhook. The platform lets everybody through; the handler verifies who calls."""
    return _alerted(request, context, by_key=False)


@app.function_name("alert_by_key")
@app.route(route="alerts/by-key", trigger_arg_name="request", auth_level=func.AuthLevel.FUNCTION)
def alert_by_key(request: func.HttpRequest, context: func.Context = NOWHERE) -> func.HttpResponse:
    """The lesser choice: the platform asks for a function key, and the settings must allow it."""
    return _alerted(request, context, by_key=True)


@app.function_name("keep_on")
@app.route(route="clusters/keep-on", trigger_arg_name="request", auth_level=func.AuthLevel.ANONYMOUS)
def keep_on(request: func.HttpRequest, context: func.Context = NOWHERE) -> func.HttpResponse:
    """Keep a cluster on for a while. The platform lets everybody through; the handler verifies who calls."""
    return _overridden("keep-on", request, context)


@app.function_name("keep_off")
@app.route(route="clusters/keep-off", trigger_arg_name="request", auth_level=func.AuthLevel.ANONYMOUS)
def keep_off(request: func.HttpRequest, context: func.Context = NOWHERE) -> func.HttpResponse:
    """Keep a cluster off for a while; never production."""
    return _overridden("keep-off", request, context)


@app.function_name("wake")
@app.route(route="clusters/wake", trigger_arg_name="request", auth_level=func.AuthLevel.ANONYMOUS)
def wake(request: func.HttpRequest, context: func.Context = NOWHERE) -> func.HttpResponse:
    """Up now, for a short while."""
    return _overridden("wake", request, context)


@app.function_name("postpone")
@app.route(route="clusters/postpone", trigger_arg_name="request", auth_level=func.AuthLevel.ANONYMOUS)
def postpone(request: func.HttpRequest, context: func.Context = NOWHERE) -> func.HttpResponse:
    """The link in a warning: its token is what lets somebody in."""
    with _told("postpone", context=context):
        from shared.handlers import postpone as handler  # noqa: PLC0415  light import

        return _response(handler.postpone(_the_app(), _request(request)))


@app.function_name("poison")
@app.queue_trigger("message", POISON_QUEUE, "AzureWebJobsStorage")
def poison(message: func.QueueMessage, context: func.Context = NOWHERE) -> None:
    """Record and tell a message that nobody could carry out."""
    with _told("poison", context=context):
        from shared.handlers import poison as handler  # noqa: PLC0415  light import

        handler.poison(_the_app(), message.get_body().decode("utf-8", errors="replace"))


def plain_event(event: func.EventGridEvent | func.CloudEvent) -> dict[str, Any]:
    """{id, type, subject, source, time, data} of either schema.

    `source` is the topic or source, `time` ISO 8601 or None, `data` a dict without its PERSONAL parts.
    Schemas: https://learn.microsoft.com/azure/event-grid/event-schema and .../cloud-event-schema
    """
    if isinstance(event, func.CloudEvent):
        kind, source, time = event.type, event.source, event.time
    else:
        kind, source, time = event.event_type, event.topic, event.event_time
    data = event.get_json()
    return {
        "id": event.id,
        "type": kind,
        "subject": event.subject,
        "source": source,
        "time": None if time is None else time.isoformat(),
        "data": {key: data[key] for key in data if key not in PERSONAL} if isinstance(data, dict) else {},
    }


def _overridden(verb: str, request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    with _told(verb, context=context):
        from shared.handlers import override as handler  # noqa: PLC0415  light import

        return _response(handler.override(_the_app(), verb, _request(request)))


def _alerted(request: func.HttpRequest, context: func.Context, *, by_key: bool) -> func.HttpResponse:
    with _told("alert", context=context):
        from shared.handlers import alert as handler  # noqa: PLC0415  light import

        return _response(handler.alert(_the_app(), _request(request), by_key=by_key))


def _request(request: func.HttpRequest) -> Request:
    """The request as a plain value; who the platform says it is from (X-MS-CLIENT-PRINCIPAL) is anybody's to write."""
    from shared.handlers.web import Request  # noqa: PLC0415  light import

    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method.upper(), headers, dict(request.params), request.get_body())


def _response(answer: Answer) -> func.HttpResponse:
    headers = {"Content-Type": answer.media, **answer.headers}
    return func.HttpResponse(answer.body, status_code=answer.status, headers=headers)


def _the_app() -> App:
    from shared.app import the_app  # noqa: PLC0415  light import

    return the_app()


def _json_object(message: func.QueueMessage) -> dict[str, Any]:
    """The message as a dict; a text that is none fails, and after its attempts `poison` tells people."""
    try:
        decision = json.loads(message.get_body())
    except ValueError:
        decision = None
    if not isinstance(decision, dict):
        log.error("message %s, attempt %s: not a JSON object", message.id, message.dequeue_count)
        raise TypeError(f"message {message.id} is not a JSON object")
    return decision


@contextmanager
def _told(function: str, about: str = "", *, context: func.Context = NOWHERE, began: object = None) -> Iterator[None]:
    """One line in the log for whatever goes wrong; then the host sees the failure.

    `began` is the trace that a message brought along; without one the trace is the host's.
    """
    from shared.telemetry import traced  # noqa: PLC0415  light import

    where = f"{function}: {about}" if about else function
    here = None if context is NOWHERE else context.trace_context.trace_parent
    try:
        with traced(began, here):
            yield
    except Exception as error:
        from shared.errors import LamplighterError  # noqa: PLC0415  light import

        if isinstance(error, LamplighterError):
            log.error("%s: %s", where, error)  # noqa: TRY400  a sentence for people; the host keeps the trace
            # An SDK error behind it may quote a signed URL, and the host records the whole chain.
            raise error from None
        log.error("%s: unexpected %s", where, type(error).__name__)  # noqa: TRY400  the host keeps the trace
        raise
