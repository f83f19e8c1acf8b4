"""The one HTTP pipeline to Azure Resource Manager: identity, retries with limited patience, no logging of bodies.

Built by `azure.py` at the first call, because importing azure-core costs time that a cold start would pay.
"""

from __future__ import annotations

import threading
from typing import Any, cast
from urllib.parse import urlsplit

from azure.core.pipeline import Pipeline, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import (
    HeadersPolicy,
    ProxyPolicy,
    RequestIdPolicy,
    RetryPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from shared import telemetry

CONNECT_SECONDS = 10
READ_SECONDS = 60
CALL_SECONDS = 150
"""Wall time of one call with its retries; a function has 4 minutes."""
PATIENCE_SECONDS = 60.0
TOO_MANY = 429


class Patience:
    """How long a piece of work may still sleep in all. Shared by the calls of one inventory."""

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        self._left = seconds
        self._lock = threading.Lock()

    def spend(self, seconds: float) -> bool:
        """False, and nothing spent, when that much is not left."""
        with self._lock:
            if seconds > self._left:
                return False
            self._left -= seconds
            return True


class PatientRetry(RetryPolicy[Any, Any]):
    """azure-core's retries, but a Retry-After beyond our patience ends them instead of being slept out.

    azure-core would sleep any Retry-After whole (seen: 600 s), which a function of 4 minutes can't afford.
    A call may bring its own `patience=`; writes bring `retry_total=0`.
    """

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        patience = options.pop("patience", None) or Patience()
        settings = super().configure_retries(options)
        settings["patience"] = patience
        return settings

    def increment(self, settings: dict[str, Any], response: Any = None, error: Exception | None = None) -> bool:
        if not super().increment(settings, response=response, error=error):
            return False
        wait = self.get_retry_after(response) if isinstance(response, PipelineResponse) else None
        return cast("Patience", settings["patience"]).spend(wait or self.get_backoff_time(settings))

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        """Also Resource Graph's own header, which is there when Retry-After is not."""
        wait = super().get_retry_after(response)
        return quota_resets_after(response.http_response.headers) if wait is None else wait


def quota_resets_after(headers: Any) -> float | None:
    """Seconds of `x-ms-user-quota-resets-after` (hh:mm:ss); None when it is absent or odd.

    From: https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
    """
    text = str(headers.get("x-ms-user-quota-resets-after") or "")
    parts = text.split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds


class Telling(SansIOHTTPPolicy[Any, Any]):
    """Every try carries the trace it belongs to; every 429 is a figure. No address, no body: hosts only."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        if id_ := telemetry.correlation():
            request.http_request.headers[telemetry.CORRELATION] = id_

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        if response.http_response.status_code == TOO_MANY:
            wait = response.http_response.headers.get("Retry-After")
            host = urlsplit(request.http_request.url).hostname
            telemetry.measured("throttled", {"host": host, "method": request.http_request.method, "wait": wait})


def transport(ca_file: str) -> RequestsTransport:
    """Our timeouts, and whom to trust: `verify` goes along with every call, so REQUESTS_CA_BUNDLE can't replace it."""
    return RequestsTransport(
        connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, connection_verify=ca_file or True
    )


def pipeline(credential: Any, scope: str, transport: HttpTransport[Any, Any], agent: str) -> Pipeline[Any, Any]:
    """With a token of `scope`, or without one when `credential` is None.

    Left out on purpose: logging (bodies carry owners' names), decoding (every page would be parsed twice), redirects
    (a token must not travel), and the registration of resource providers (it writes, with sleeps of its own).
    """
    policies: list[Any] = [
        RequestIdPolicy(),
        HeadersPolicy(),
        UserAgentPolicy(base_user_agent=agent),
        ProxyPolicy(),
        PatientRetry(
            retry_total=4, retry_connect=2, retry_read=1, retry_status=4, retry_backoff_max=20, timeout=CALL_SECONDS
        ),
    ]
    if credential is not None:
        policies += [Telling(), ARMChallengeAuthenticationPolicy(credential, scope)]
    return Pipeline(transport, policies)
