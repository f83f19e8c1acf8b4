"""What Lamplighter tells of itself: one trace from a trigger to Azure, and figures as lines of the log.

The host collects both: no agent, no exporter (docs/decisions/0062). A trace is the trace id of the W3C context that the
host hands to the trigger (https://www.w3.org/TR/trace-context/); a queue message carries it on, and Resource Manager
is told it as its correlation id, so the activity log of a cluster names the tick that decided.
Nothing here decides, and no line names a person.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

log = logging.getLogger("lamplighter")

_TRACE = re.compile(r"(?:[0-9a-f]{2}-)?(?!0{32})([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?")
_current: ContextVar[str] = ContextVar("trace", default="")

CORRELATION = "x-ms-correlation-request-id"
"""The activity log shows it as the correlation id of what a request did.
From: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling"""


def trace() -> str:
    """The trace id of this invocation, 32 hexadecimal digits; '' outside one, and in threads it starts."""
    return _current.get()


def correlation() -> str:
    """The same as Resource Manager wants it, a UUID; ''."""
    return str(uuid.UUID(hex=trace())) if trace() else ""


def trace_of(text: object) -> str:
    """The trace id in a traceparent, or a bare one; '' for anything else.

    >>> trace_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    '0af7651916cd43dd8448eb211c80319c'
    """
    found = _TRACE.fullmatch(text) if isinstance(text, str) else None
    return found[1] if found else ""


@contextmanager
def traced(*said: object) -> Iterator[str]:
    """Under the first of these that is a trace, or a new one."""
    id_ = next((one for text in said if (one := trace_of(text))), "") or uuid.uuid4().hex
    token = _current.set(id_)
    try:
        yield id_
    finally:
        _current.reset(token)


def measured(what: str, figures: Mapping[str, object]) -> None:
    """One line, `measured WHAT {JSON}`, which docs/telemetry.md describes and the workbook reads."""
    log.info("measured %s %s", what, json.dumps({"trace": trace(), **figures}, separators=(",", ":"), sort_keys=True))
