"""What a scope was billed in a period, as Cost Management or an export states it, and what it forecasts.

Periods are whole days in UTC, as Azure bills. A bill that could not be had says why and holds nothing: missing is
never 0, and never another scope's rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from shared.model.costs import CostRow, RowProblem

NO_TOTALS: Mapping[str, Decimal] = MappingProxyType({})


class Basis(StrEnum):
    """How commitments are counted. One bill has one basis, and bills of different bases are never added up."""

    AMORTISED = "amortised"
    """Spread over their term: rows carry `effective_cost`. What figures and savings are made of."""
    ACTUAL = "actual"
    """As purchased: rows carry `billed_cost`."""


class Question(StrEnum):
    """What Cost Management is asked about a scope and period. Two groupings are all it takes at a time."""

    COSTS = "costs"
    """What everything cost: by day, resource and service."""
    NODES = "nodes"
    """Hours of virtual machines: by day, resource and pricing. Part of COSTS, never added to."""
    UNUSED = "unused"
    """Hours of commitments that nobody used: by day, region and meter. Part of COSTS too."""


class Source(StrEnum):
    QUERY = "query"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Period:
    """Days [begin, end), in UTC."""

    begin: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.begin:
            msg = f"a period ends after it begins, not {self.begin} to {self.end}"
            raise ValueError(msg)

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.begin + timedelta(days=day) for day in range((self.end - self.begin).days))

    def __contains__(self, day: date) -> bool:
        return self.begin <= day < self.end

    def overlaps(self, begin: date, end: date) -> bool:
        """Whether a day of it lies in [begin, end)."""
        return self.begin < end and begin < self.end

    def __str__(self) -> str:
        """
        >>> str(Period(date(2026, 11, 16), date(2026, 11, 23)))
        '2026-11-16 to 2026-11-22'
        """
        return f"{self.begin} to {self.end - timedelta(days=1)}"


@dataclass(frozen=True, slots=True)
class Bill:
    """One scope's charges of one period. With a `problem` it is missing: no row, no total, and not 0."""

    scope: str
    """Lower case, no leading slash: subscriptions/GUID."""
    period: Period
    basis: Basis
    read_at: datetime
    """Aware UTC. The same period read later may say something else: days are provisional for about 72 hours."""
    rows: tuple[CostRow, ...] = ()
    """Days, ids and groupings as `question` says; ids lower case."""
    totals: Mapping[str, Decimal] = field(default_factory=lambda: NO_TOTALS)
    """Currency -> the scope's total as the source states it, asked for apart from the rows: what they must tie out to.

    Empty where it was not asked for.
    Of an export: the plain sum of its amounts, broken rows excluded (they are in `problems`).
    """
    question: Question = Question.COSTS
    source: Source = Source.QUERY
    problems: tuple[RowProblem, ...] = ()
    """Rows that could not be read."""
    problem: str | None = None
    """Why the whole bill is missing, in one sentence; None when it is there (an empty one cost nothing)."""

    @property
    def missing(self) -> bool:
        return self.problem is not None


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """One day and currency of a forecast; `actual` says that it is billed already."""

    on: date
    amount: Decimal
    currency: str
    actual: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What Cost Management expects a scope to cost; with a `problem` there is none, such as for too little history."""

    scope: str
    period: Period
    read_at: datetime
    days: tuple[ForecastDay, ...] = ()
    problem: str | None = None
