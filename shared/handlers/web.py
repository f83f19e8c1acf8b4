"""HTTP as handlers see it: plain values in and out, and the checks that every one of them makes first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

from shared.errors import LamplighterError

NOTHING: Mapping[str, str] = MappingProxyType({})
CAUTIOUS: Mapping[str, str] = MappingProxyType({"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
_TITLES = MappingProxyType(
    {
        400: "Bad request",
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not found",
        405: "Method not allowed",
        409: "Conflict",
        413: "Too large",
        415: "Unsupported media type",
        503: "Unavailable",
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """`method` is upper-case, names of `headers` are lower-case."""

    method: str
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    query: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """`media` is the whole content type."""

    status: int
    body: str = ""
    media: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)


class Refused(LamplighterError):
    """The request ends here, with this status; the message is for whoever sent it."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(message)


def document(status: int, said: Mapping[str, Any], **headers: str) -> Answer:
    """JSON, ASCII only: whatever was quoted in it arrives whole."""
    return Answer(status, json.dumps(said), "application/json", {**CAUTIOUS, **headers})


def problem(status: int, sentence: str, headers: Mapping[str, str] = NOTHING) -> Answer:
    """One sentence as application/problem+json: https://www.rfc-editor.org/rfc/rfc9457"""
    said = {"title": _TITLES.get(status, "Error"), "status": status, "detail": sentence}
    return Answer(status, json.dumps(said), "application/problem+json", {**CAUTIOUS, **headers})


def expect_method(request: Request, *allowed: str) -> Answer | None:
    """The whole answer to OPTIONS, None for a method that is allowed; raises Refused for any other."""
    listed = ", ".join((*allowed, "OPTIONS"))
    if request.method == "OPTIONS":
        return Answer(204, headers={**CAUTIOUS, "Allow": listed})
    if request.method not in allowed:
        raise Refused(405, f"this answers to {' and '.join(allowed)} only", Allow=listed)
    return None


def expect_body(request: Request, media: str, most: int) -> bytes:
    """The body, if it is of this media type and at most so many bytes; raises Refused otherwise."""
    if len(request.body) > most:
        raise Refused(413, f"the body holds {len(request.body):,} bytes: expected at most {most:,}")
    given = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if given != media:
        raise Refused(415, f"the body is of another type: expected Content-Type: {media}")
    return request.body


def read_json(body: bytes, example: str) -> Any:
    """Strict JSON: no key twice, no NaN. Raises Refused."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(400, f"the body is no JSON: expected something such as {example}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
