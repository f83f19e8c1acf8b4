"""Speaking with Azure Storage (tables, queues): one kept connection, and its refusals in the errors of the house.

Codes: https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.errors import Busy, CloudError, Forbidden, NoReply, NotFound, Refused, Throttled

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError
    from azure.core.pipeline.transport import RequestsTransport

CONNECT_SECONDS, READ_SECONDS = 10, 60

PATIENCE = timedelta(seconds=30)
"""When a throttled answer does not say how long to wait."""


_CODE = re.compile(r'"code"\s*:\s*"(\w+)"')


def kept_transport() -> RequestsTransport:
    """azure-core's transport with our time limits, opened at the first request; whoever asked for it closes it."""
    from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415  lazy: cold start is a feature

    return RequestsTransport(connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)


@contextmanager
def asking(what: str, role: str) -> Iterator[None]:
    """Azure's exceptions inside become ours. `what` is the table or queue; `role` is what its identity needs."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415  lazy: cold start is a feature

    try:
        yield
    except AzureError as error:
        raise said(error, what, role) from error


def said(error: AzureError, what: str, role: str) -> CloudError:
    """One sentence a person can act on, with Azure's code and status. Never shows a request's headers or tokens."""
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError  # noqa: PLC0415  lazy

    status = getattr(error, "status_code", None) or 0
    code = code_of(error) or (str(status) if status else type(error).__name__)
    if status in (401, 403) or isinstance(error, ClientAuthenticationError):
        return Forbidden(
            f"{what} may not be used ({code}): the identity of the app needs the role {role} on its storage account",
            code=code,
            status=status,
        )
    if not isinstance(error, HttpResponseError) or not status:
        return NoReply(f"{what} did not answer ({code}): {_first_line(error)}", code=code)
    if status == 429 or code == "ServerBusy":
        return Throttled(f"{what} is throttled ({code})", code=code, status=status, retry_after=_retry_after(error))
    kind: type[CloudError] = Refused
    if status >= 500:
        kind = NoReply
    elif status == 404:
        kind = NotFound
    elif status in (409, 412):
        kind = Busy
    return kind(f"{what} answered {status} ({code}): {_first_line(error)}", code=code, status=status)


def code_of(error: AzureError) -> str:
    """Azure's code, such as TableNotFound; "" when there is none."""
    code = getattr(error, "error_code", None)
    if code is None:
        # The tables SDK forgets it when an insert fails; the answer's body has it.
        found = _CODE.search(str(error))
        return found[1] if found else ""
    return str(getattr(code, "value", code))


def _first_line(error: AzureError) -> str:
    return str(error).strip().partition("\n")[0][:300]


def _retry_after(error: object) -> timedelta:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    text = str(headers.get("Retry-After", ""))
    return timedelta(seconds=int(text)) if text.isdecimal() else PATIENCE
