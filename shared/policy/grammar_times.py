"""The grammar of policy.yaml: days without work, and when things run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag, model_validator

from shared.policy.grammar_where import BLOCK, WORD, Strict, shape
from shared.policy.texts import OneOrMore, Text
from shared.policy.values import Date, MomentText, Window, Zone
from shared.policy.windows import DateRange


class Dates(Strict):
    """Dates from the first to the last, both included."""

    first: Annotated[Date, Field(alias="from", description="The first date.", examples=["2026-12-27"])]
    last: Annotated[Date, Field(alias="to", description="The last date; included.", examples=["2026-12-31"])]

    @model_validator(mode="after")
    def _ordered(self) -> Dates:
        if self.last < self.first:
            raise ValueError(f"{self.first} to {self.last} ends before it begins; expected a range "
                             "such as {from: 2026-12-27, to: 2026-12-31}")  # fmt: skip
        return self


class Range(Strict):
    """One window between two local times; of a bare date, all of it."""

    begin: Annotated[
        MomentText, Field(alias="from", description="When it begins, local time.", examples=["2026-12-05T08:00"])
    ]
    end: Annotated[
        MomentText, Field(alias="to", description="When it ends, local time.", examples=["2026-12-06T20:00"])
    ]

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        self.window()
        return self

    def window(self) -> DateRange:
        """Raises ValueError unless both are local times and it ends after it begins."""
        return DateRange(self.begin.at, self.end.end)


DateOrDates = Annotated[Annotated[Date, Tag(WORD)] | Annotated[Dates, Tag(BLOCK)], Discriminator(shape)]
WindowOrRange = Annotated[Annotated[Window, Tag(WORD)] | Annotated[Range, Tag(BLOCK)], Discriminator(shape)]


class CalendarEntry(Strict):
    """Days on which nobody works."""

    country: Annotated[Text | None, Field(description="Public holidays of it: an ISO 3166 code.", examples=["DE"])] = (
        None
    )
    subdivision: Annotated[Text | None, Field(description="A part of the country.", examples=["BE"])] = None
    closed: Annotated[
        OneOrMore[DateOrDates] | None,
        Field(description="Dates without work.", examples=[["2026-12-24", {"from": "2026-12-27", "to": "2026-12-31"}]]),
    ] = None
    open: Annotated[
        OneOrMore[Date] | None, Field(description="Dates with work all the same.", examples=[["2026-05-01"]])
    ] = None


class ScheduleEntry(Strict):
    """When something runs."""

    timezone: Annotated[Zone | None, Field(description="IANA name; absent: the file's.", examples=["Asia/Kolkata"])] = (
        None
    )
    running: Annotated[
        OneOrMore[WindowOrRange],
        Field(
            description="Windows: days and times, or a range of dates.",
            examples=[["Mon-Fri 07:30-19:00"], ["Fri 18:00 - Sat 06:00"], ["2nd Tue 20:00-24:00"]],
        ),
    ]
    calendar: Annotated[
        Text | None, Field(description="A window that would begin on a closed day does not exist.", examples=["berlin"])
    ] = None
