"""The in-process mount: the real SDKs talk to the world without a socket, and waiting moves its clock.

    ContainerServiceClient(SimulatorCredential(), subscription, transport=SimulatorTransport(world))

azure-core sleeps through its transport (Retry-After, polling), so one class makes all waiting virtual.
"""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter
from urllib3.exceptions import ProtocolError

from lamplighter.simulator.identity import LIFETIME, token
from lamplighter.simulator.router import handle
from lamplighter.simulator.wire import NoReply, Request, Response

if TYPE_CHECKING:
    from lamplighter.simulator.world import World


class SimulatorAdapter(BaseAdapter):
    """A `requests` adapter; `session.mount("https://", SimulatorAdapter(world))`. Every host leads to the world."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def send(  # noqa: PLR0917 - the signature is that of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: ARG002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        body = request.body or b""
        asked = Request.read(
            request.method or "GET",
            request.url or "",
            {name: _text(value) for name, value in request.headers.items()},
            body.encode() if isinstance(body, str) else bytes(body),
        )
        try:
            answer = handle(self.world, asked)
        except NoReply as broken:
            raise self._broken(broken.how, timeout, request) from broken
        return _requests_response(answer, request)

    def _broken(
        self, how: str, timeout: float | tuple[float, float] | tuple[float, None] | None, request: Any
    ) -> requests.RequestException:
        match how:
            case "refused":
                return requests.ConnectionError("Connection refused", request=request)
            case "timeout":
                read = timeout[1] if isinstance(timeout, tuple) else timeout
                self.world.sleep(60.0 if read is None else read)
                return requests.ReadTimeout("The read operation timed out", request=request)
            case _:
                cut = http.client.RemoteDisconnected("Remote end closed connection without response")
                return requests.ConnectionError(ProtocolError("Connection aborted.", cut), request=request)

    def close(self) -> None:
        """Nothing is held."""


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _requests_response(answer: Response, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.reason = http.client.responses.get(answer.status, "")
    response.headers.update(answer.headers)
    response.url = request.url or ""
    response.request = request
    response.encoding = "utf-8"
    response.raw = urllib3.HTTPResponse(
        body=io.BytesIO(answer.body), headers=answer.headers, status=answer.status, preload_content=False
    )
    return response


class SimulatorTransport(RequestsTransport):  # type: ignore[misc]  # azure-core loads it lazily, untyped
    """azure-core's `transport=`: real pipeline, real policies, no socket; `sleep` moves the world's clock."""

    def __init__(self, world: World) -> None:
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", SimulatorAdapter(world))
        session.mount("http://", SimulatorAdapter(world))
        super().__init__(session=session, session_owner=False)
        self.world = world

    def sleep(self, duration: float) -> None:
        self.world.sleep(duration)


class SimulatorCredential:
    """A credential without an endpoint. Its tokens live in wall time: one in the virtual past is fetched each call."""

    def __init__(self, tenant: str = "99999999-9999-9999-9999-999999999999") -> None:
        self.tenant = tenant

    def get_token(self, *scopes: str, **_kwargs: Any) -> AccessToken:
        audience = scopes[0].removesuffix("/.default") if scopes else ""
        return AccessToken(token(self.tenant, audience)[0], int(time.time()) + LIFETIME)

    def get_token_info(self, *scopes: str, **_kwargs: Any) -> AccessTokenInfo:
        found = self.get_token(*scopes)
        return AccessTokenInfo(found.token, found.expires_on)

    def close(self) -> None:
        """Nothing is held."""
