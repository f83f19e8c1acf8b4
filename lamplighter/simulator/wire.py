"""Requests and responses as plain values: what both mounts of the simulator speak."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from lamplighter.simulator.refusals import Refusal

ARM = "https://management.azure.com"
JSON = "application/json; charset=utf-8"


class UnknownRequest(AssertionError):
    """The client asked for something the simulated world does not have: a failed test, never a 200."""


class NoReply(Exception):
    """The connection breaks and the client learns nothing.

    `how` is `refused` (it never got through), `lost` (cut before the reply) or `timeout`; whether the request
    took effect is known to the world alone.
    """

    def __init__(self, how: str) -> None:
        super().__init__(f"The simulated connection broke: {how}")
        self.how = how


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header and query names are lower-case; `path` is decoded and keeps its case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = ARM

    @classmethod
    def read(
        cls, method: str, url: str, headers: Mapping[str, str], body: bytes, base_url: str | None = None
    ) -> Request:
        """From a URL (absolute, or a path with `base_url`) and headers of any case."""
        parts = urlsplit(url)
        return cls(
            method.upper(),
            unquote(parts.path) or "/",
            {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)},
            {name.lower(): value for name, value in headers.items()},
            body,
            base_url or f"{parts.scheme}://{parts.netloc}",
        )

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Segments of the path, as sent."""
        return tuple(part for part in self.path.split("/") if part)

    @cached_property
    def key(self) -> str:
        """The path in lower case, without a trailing slash: ARM compares without case."""
        return self.path.rstrip("/").lower() or "/"

    @cached_property
    def url(self) -> str:
        return f"{self.base_url}{self.path}"

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, `{}` when empty; Refusal 400 InvalidRequestContent when it is none."""
        if not self.body:
            return {}
        try:
            value = json.loads(self.body)
        except ValueError as problem:
            raise _bad_content(str(problem)) from problem
        if not isinstance(value, dict):
            raise _bad_content(f"expected an object, got {type(value).__name__}")
        return value

    def offset(self) -> int:
        """Where a page begins: `$skipToken`, 0 when absent; Refusal 400 when it is no number."""
        token = self.query.get("$skiptoken", "0")
        if not token.isdecimal():
            raise Refusal(400, "InvalidSkipToken", f"The skip token '{token}' is not valid.")
        return int(token)


def _bad_content(why: str) -> Refusal:
    text = f"The request content was invalid and could not be deserialized: '{why}'."
    return Refusal(400, "InvalidRequestContent", text)


@dataclass(slots=True)
class Response:
    """One HTTP response."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return json.loads(self.body)


def reply(status: int, value: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response; no body when `value` is None."""
    if value is None:
        return Response(status, b"", dict(headers or {}))
    body = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return Response(status, body, {"Content-Type": JSON, **(headers or {})})


def refused(refusal: Refusal) -> Response:
    """The refusal as ARM writes it: `{"error": {"code", "message"}}`."""
    return reply(refusal.status, refusal.body(), refusal.headers)
