"""What is remembered of a cluster or pool that stands in the state Failed. All instants are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

SECRETS = "WriteOnlySecrets"
"""Code of our refusal to write back a body that Azure did not show whole."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Ailment:
    """One stretch of being Failed; gone when it is over."""

    since: datetime
    """When it was first seen so."""
    code: str = ""
    """Azure's code of the error; '' where it gave none."""
    tries: int = 0
    """Reconciles of ours that Azure took."""
    tried_at: datetime | None = None

    def to_json(self) -> list[Any]:
        tried = None if self.tried_at is None else (self.tried_at - _EPOCH) // _MICROSECOND
        return [(self.since - _EPOCH) // _MICROSECOND, self.code, self.tries, tried]

    @classmethod
    def from_json(cls, values: list[Any]) -> Ailment:
        """Raises TypeError or ValueError for what is damaged."""
        since, code, tries, tried = values
        tried_at = None if tried is None else _EPOCH + tried * _MICROSECOND
        return cls(_EPOCH + since * _MICROSECOND, code, tries, tried_at)
