"""What people should know about the support of their clusters: a value that the plan, notices and the digest render."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class SupportState(StrEnum):
    ENDED = "ended"
    ENDING = "ending"
    """Within the weeks that were asked about."""
    FINE = "fine"
    UNKNOWN = "unknown"
    """The version cannot be read, or nobody published a date for it. Never taken for fine."""


@dataclass(frozen=True, slots=True)
class TestedPath:
    """An upgrade that a ring has lived with."""

    begin: str
    """Minor version, such as 1.34."""
    end: str
    """Minor version, such as 1.35."""
    ring: str
    clusters: int
    days: int
    falls: int
    """Upgrades of ours on that way that did not end well."""

    @property
    def sentence(self) -> str:
        """
        >>> TestedPath("1.34", "1.35", "staging", 4, 9, 0).sentence
        '1.34 -> 1.35, ran on 4 clusters in staging for 9 days, no failed roll'
        """
        some = f"{self.clusters} cluster{'' if self.clusters == 1 else 's'}"
        failed = f"{self.falls or 'no'} failed roll{'s' if self.falls > 1 else ''}"
        days = f"{self.days} day{'' if self.days == 1 else 's'}"
        return f"{self.begin} -> {self.end}, ran on {some} in {self.ring} for {days}, {failed}"


@dataclass(frozen=True, slots=True)
class SupportRow:
    """One cluster whose version is out of support, or about to be, or cannot be told."""

    cluster: str
    """Lower-case id."""
    name: str
    environment: str
    """'' for a cluster that no environment matches."""
    production: bool
    version: str
    """As Azure says it; '' where it does not."""
    state: SupportState
    ends_on: date | None
    """Last day of support; None where nobody published it."""
    lts: bool = False
    path: TestedPath | None = None
    """The way out of it that was tested outside production; None where none was."""


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One cluster near a limit of AKS itself, after which Azure stops or deletes something, or a missing promise."""

    cluster: str
    name: str
    environment: str
    production: bool
    sentence: str
    due_on: date | None
    """When Azure acts; None where nothing is due."""


@dataclass(frozen=True, slots=True)
class SupportReport:
    """The whole fleet, production included: only what people should look at, the most urgent first."""

    at: datetime
    weeks: int
    """How far ahead it looks."""
    rows: tuple[SupportRow, ...] = ()
    limits: tuple[LimitRow, ...] = ()
    clusters: int = 0
    """How many were looked at."""

    @property
    def empty(self) -> bool:
        return not self.rows and not self.limits
