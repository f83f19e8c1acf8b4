"""The errors of the house.

LamplighterError                 one sentence for people
├── InputError                   bad file, setting, argument: exit code 2
│   └── PolicyError              every problem of a policy file at once
├── CloudError                   Azure said no, or nothing
│   ├── Busy                     409 conflict or 412: somebody else is at work; later
│   ├── Throttled                429; `retry_after` says when
│   ├── NoCapacity               quota or capacity: retry with patience
│   ├── Forbidden                401, 403
│   ├── NotFound                 404
│   ├── Refused                  any other 4xx: the request will not get better by itself
│   │   └── Unsent               we refused it ourselves on what was read: nothing was sent
│   └── NoReply                  no answer, 5xx: the effect is unknown
└── Superseded                   a compare-and-swap lost: somebody wrote first
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


class LamplighterError(Exception):
    """The message is one sentence that a person can act on."""


class InputError(LamplighterError):
    """What was wrong, where, what was expected, with an example."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file."""

    file: str
    line: int | None
    path: str
    """Where in the document, such as `rules[2].hours.lead`."""
    message: str
    """What is wrong, quoting the bad value."""
    expected: str = ""
    """What would be right, with an example."""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        path = f" {self.path}:" if self.path else ""
        hint = f"; {self.expected}" if self.expected else ""
        return f"{where}:{path} {self.message}{hint}"


class PolicyError(InputError):
    """All problems of one policy file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class CloudError(LamplighterError):
    """`code` is Azure's error code, or the HTTP status as text; `status` the HTTP status, 0 without a reply."""

    def __init__(self, message: str, *, code: str = "", status: int = 0) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


class Busy(CloudError): ...


class Throttled(CloudError):
    def __init__(self, message: str, *, code: str = "", status: int = 429, retry_after: timedelta) -> None:
        self.retry_after = retry_after
        super().__init__(message, code=code, status=status)


class NoCapacity(CloudError): ...


class Forbidden(CloudError): ...


class NotFound(CloudError): ...


class Refused(CloudError): ...


class Unsent(Refused): ...


class NoReply(CloudError): ...


class Superseded(LamplighterError): ...
