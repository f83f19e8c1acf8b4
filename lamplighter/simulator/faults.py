"""What goes wrong, as values: `world.inject(Fault.throttled("POST */stop", retry_after=30))`.

`match` is a method and a glob over the path, both without case: "POST */stop", "GET */managedclusters/web",
"* */agentpools/*", "POST */microsoft.resourcegraph/*", "*". `about` is a text that the body must hold, without case.
`times` is how often it strikes (None: always), `skip` how many matching requests pass first. A fault that belongs to an
operation strikes only when one is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from lamplighter.simulator.refusals import Refusal, forbidden
from lamplighter.simulator.wire import Request


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong; made by the class methods. `struck` counts how often it did."""

    match: str
    kind: str
    """refuse | no-reply | slow | operation-fails | operation-hangs | operation-slow"""
    times: int | None = 1
    skip: int = 0
    status: int = 0
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    how: str = ""
    effect: bool = False
    about: str = ""
    struck: int = 0

    @classmethod
    def refuse(
        cls,
        match: str,
        status: int,
        code: str,
        message: str = "",
        *,
        times: int | None = 1,
        skip: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Fault:
        """Any error answer, without effect."""
        return cls(match, "refuse", times, skip, status, code, message or f"{code}.", headers or {})

    @classmethod
    def conflict(cls, match: str, state: str = "Updating", *, times: int | None = 1, skip: int = 0) -> Fault:
        """409 OperationNotAllowed: another operation is in progress."""
        text = (
            f"Operation is not allowed: Another operation ({state}) is in progress, please wait for it to finish "
            "before starting a new operation. See https://aka.ms/aks-pending-operation for more details"
        )
        return cls.refuse(match, 409, "OperationNotAllowed", text, times=times, skip=skip)

    @classmethod
    def stale_etag(cls, match: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """412 PreconditionFailed."""
        text = "The resource was changed since it was read."
        return cls.refuse(match, 412, "PreconditionFailed", text, times=times, skip=skip)

    @classmethod
    def throttled(cls, match: str, *, retry_after: int | None = 30, times: int | None = 1, skip: int = 0) -> Fault:
        """429 Throttled; without `Retry-After` when None."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        text = "The request limit has been exceeded, please retry again later."
        return cls.refuse(match, 429, "Throttled", text, times=times, skip=skip, headers=headers)

    @classmethod
    def unavailable(
        cls, match: str, status: int = 503, *, retry_after: int | None = None, times: int | None = 1, skip: int = 0
    ) -> Fault:
        """500, 502, 503 or 504, without effect."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        code = "InternalServerError" if status == 500 else "ServiceUnavailable"
        return cls.refuse(match, status, code, "The service is unavailable.", times=times, skip=skip, headers=headers)

    @classmethod
    def forbidden(cls, match: str, action: str = "read", *, times: int | None = None, skip: int = 0) -> Fault:
        """403 AuthorizationFailed; for good unless `times` says otherwise."""
        text = forbidden(action, match).message
        return cls.refuse(match, 403, "AuthorizationFailed", text, times=times, skip=skip)

    @classmethod
    def refused(cls, match: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """The connection never got through: no effect."""
        return cls(match, "no-reply", times, skip, how="refused")

    @classmethod
    def lost_reply(cls, match: str, *, effect: bool = True, times: int | None = 1, skip: int = 0) -> Fault:
        """The connection breaks before the reply; with `effect` the world has changed all the same."""
        return cls(match, "no-reply", times, skip, how="lost", effect=effect)

    @classmethod
    def timeout(cls, match: str, *, effect: bool = True, times: int | None = 1, skip: int = 0) -> Fault:
        """The reply does not come in time; in process the clock moves by the caller's read timeout."""
        return cls(match, "no-reply", times, skip, how="timeout", effect=effect)

    @classmethod
    def slow(cls, match: str, seconds: float, *, times: int | None = 1, skip: int = 0) -> Fault:
        """The world's clock moves by so many seconds before the request is served."""
        return cls(match, "slow", times, skip, seconds=seconds)

    @classmethod
    def operation_fails(
        cls, match: str, code: str = "AksCapacityHeavyUsage", message: str = "", *, times: int | None = 1, skip: int = 0
    ) -> Fault:
        """The operation is accepted and fails at its end: with AllocationFailed, QuotaExceeded, ..."""
        return cls(match, "operation-fails", times, skip, code=code, message=message)

    @classmethod
    def operation_hangs(cls, match: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """The operation is accepted and never ends."""
        return cls(match, "operation-hangs", times, skip)

    @classmethod
    def operation_slow(cls, match: str, seconds: float, *, times: int | None = 1, skip: int = 0) -> Fault:
        """The operation is accepted and takes exactly so many seconds."""
        return cls(match, "operation-slow", times, skip, seconds=seconds)

    @property
    def on_operation(self) -> bool:
        return self.kind.startswith("operation-")

    @property
    def is_spent(self) -> bool:
        return self.times is not None and self.struck >= self.times

    def hits(self, request: Request) -> bool:
        """Whether this request is meant. Counts `skip` down."""
        method, _, glob = self.match.partition(" ")
        if not glob:
            method, glob = "*", self.match
        if not fnmatchcase(request.method, method.upper()) or not fnmatchcase(request.key, glob.lower()):
            return False
        if self.about and self.about.lower() not in request.body.decode("utf-8", "replace").lower():
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        return True

    def refusal(self) -> Refusal:
        return Refusal(self.status, self.code, self.message, self.headers)
