"""A wire on which a test says what Azure answers, and reads what we sent; the SDKs and the pipeline above it are real."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import urllib3
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter

from shared.clients.azure import Cloud, endpoint_of

ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/web-rg"
    "/providers/microsoft.containerservice/managedclusters/web-dev"
)


@dataclass(frozen=True)
class Sent:
    """One request, as it left us."""

    method: str
    url: str
    headers: dict[str, str]
    text: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def body(self) -> Any:
        return json.loads(self.text) if self.text else None


Reply = tuple[Any, ...] | Exception
"""(status, body) or (status, body, headers); a body of bytes goes as it is. An exception breaks the connection."""


class Wire(BaseAdapter):
    """Answers from a list, in order, or from a function of the request. An unexpected request fails the test."""

    def __init__(self) -> None:
        super().__init__()
        self.replies: list[Reply] = []
        self.script: Callable[[Sent], Reply] | None = None
        self.sent: list[Sent] = []

    def say(self, *replies: Reply) -> None:
        self.replies += replies

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        body = request.body or b""
        text = body if isinstance(body, str) else bytes(body).decode()
        headers = {name: str(value) for name, value in request.headers.items()}
        sent = Sent(str(request.method), str(request.url), headers, text)
        self.sent.append(sent)
        assert self.script or self.replies, f"nobody expected {sent.method} {sent.url}"
        reply = self.script(sent) if self.script else self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return _response(request, *reply)

    def close(self) -> None:
        """Nothing is held."""


def _response(
    request: requests.PreparedRequest, status: int, body: Any, headers: dict[str, str] | None = None
) -> requests.Response:
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    all_headers = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    response = requests.Response()
    response.status_code, response.url, response.request = status, request.url or "", request
    response.headers.update(all_headers)
    response.raw = urllib3.HTTPResponse(io.BytesIO(data), all_headers, status, preload_content=False)
    return response


class Transport(RequestsTransport):
    """azure-core's transport over the wire; waiting is written down instead of done."""

    def __init__(self, wire: Wire) -> None:
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", wire)
        super().__init__(session=session, session_owner=False)
        self.slept: list[float] = []

    def sleep(self, duration: float) -> None:
        self.slept.append(duration)


class Credential:
    """One token, and what it was asked for."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken("the-token", 4102444800)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def credential() -> Credential:
    return Credential()


@pytest.fixture
def transport(wire: Wire) -> Transport:
    return Transport(wire)


@pytest.fixture
def cloud(transport: Transport, credential: Credential) -> Iterator[Cloud]:
    with Cloud(endpoint_of("AzurePublicCloud"), credential=credential, transport=transport) as cloud:
        yield cloud


@pytest.fixture
def cluster_id() -> str:
    return ID


@pytest.fixture
def reference() -> Path:
    """The folder of reference data; the test skips, visibly, where there is none."""
    named = os.environ.get("LAMPLIGHTER_REFERENCE")
    if not named:
        pytest.skip("LAMPLIGHTER_REFERENCE names no folder of reference data")
    folder = Path(named)
    return folder / "data" if (folder / "data").is_dir() else folder
