"""The grammar of policy.yaml as pydantic models: shapes, descriptions and examples. What names mean is bound later.

Each field says what it is and shows a good value: editors, the schema and every mistake's sentence take it from here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from shared.policy.durations import Duration
from shared.policy.notice_kinds import NOTICE_KINDS
from shared.policy.texts import OneOrMore, Text, Value
from shared.policy.values import (
    AtMost,
    Channel,
    Date,
    ManagementGroup,
    MomentText,
    Name,
    Stretch,
    Subscription,
    SubscriptionGlob,
    Version,
    Weekly,
    Window,
    Zone,
)
from shared.policy.windows import DateRange


class Strict(BaseModel):
    """A key nobody knows is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


def _shape(value: Any) -> str:
    return BLOCK if isinstance(value, dict | BaseModel) else WORD


# Names of the branches of a union: they appear in pydantic's paths, where no key of a file can look like them.
BLOCK, WORD = "<block>", "<word>"
DateOrDates = Annotated[Annotated[Date, Tag(WORD)] | Annotated[Dates, Tag(BLOCK)], Discriminator(_shape)]
WindowOrRange = Annotated[Annotated[Window, Tag(WORD)] | Annotated[Range, Tag(BLOCK)], Discriminator(_shape)]


class Scope(Strict):
    """The union of subscriptions and of what lies below management groups."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    subscriptions: Annotated[
        OneOrMore[Subscription] | None,
        Field(description="Subscription ids.", examples=[["11111111-1111-1111-1111-111111111111"]]),
    ] = None
    management_groups: Annotated[
        OneOrMore[ManagementGroup] | None,
        Field(description="Ids of management groups.", examples=[["platform-nonprod"]]),
    ] = None

    @model_validator(mode="after")
    def _says_something(self) -> Scope:
        if self.subscriptions is None and self.management_groups is None:
            raise ValueError("an empty scope holds no cluster; expected all, subscriptions or management_groups, "
                             "such as {management_groups: [platform-nonprod]}")  # fmt: skip
        return self


class Where(Strict):
    """Which clusters: all keys must hold, of each key any value. Globs such as web-*; upper and lower case are one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    tags: Annotated[
        dict[str, OneOrMore[Value]] | None,
        Field(description="Tag name and its values.", examples=[{"environment": ["dev", "test"]}], min_length=1),
    ] = None
    names: Annotated[OneOrMore[Text] | None, Field(description="Names of clusters.", examples=[["sbx-*"]])] = None
    resource_groups: Annotated[
        OneOrMore[Text] | None, Field(description="Names of their resource groups.", examples=[["rg-dev-*"]])
    ] = None
    subscriptions: Annotated[
        OneOrMore[SubscriptionGlob] | None,
        Field(description="Subscription ids.", examples=[["22222222-2222-2222-2222-222222222222"]]),
    ] = None
    locations: Annotated[OneOrMore[Text] | None, Field(description="Regions.", examples=[["westeurope"]])] = None

    @model_validator(mode="after")
    def _says_something(self) -> Where:
        if not self.model_fields_set:
            raise ValueError("an empty block matches nothing; expected at least one key, such as {names: [sbx-*]}")
        return self


class Match(Where):
    environments: Annotated[
        OneOrMore[Text] | None, Field(description="Names of environments of this file.", examples=[["dev"]])
    ] = None


Matches = OneOrMore[Match]


class Stops(Strict):
    """At most so many stops in any stretch of time."""

    at_most: Annotated[
        AtMost, Field(description="A count, or a share of the clusters that rules match.", examples=["25%", 10])
    ]
    within: Annotated[Stretch, Field(description="The stretch of time.", examples=["1h"])]


class Breaker(Strict):
    """So many failures in a stretch of time hold everything disruptive."""

    failures: Annotated[int, Field(ge=1, description="How many failed actions.", examples=[5])]
    within: Annotated[Stretch, Field(description="The stretch of time.", examples=["1h"])]


class Guards(Strict):
    """What refuses or defers. A rule's value replaces the environment's, which replaces the file's; 0m is off."""

    min_downtime: Annotated[
        Duration | None, Field(description="After a stop, no start for this long.", examples=["30m"])
    ] = None
    min_uptime: Annotated[
        Duration | None, Field(description="After a start, no stop for this long.", examples=["30m"])
    ] = None
    min_off: Annotated[
        Duration | None, Field(description="Nothing is stopped for less than this.", examples=["2h"])
    ] = None
    manual_hold: Annotated[
        Duration | None, Field(description="A person's start outside hours is respected this long.", examples=["12h"])
    ] = None
    warn_before_stop: Annotated[
        Duration | None, Field(description="People are told this long before a stop.", examples=["15m"])
    ] = None
    keep_on_at_most: Annotated[
        Duration | None, Field(description="The longest a keep-on lasts from when it is first seen.", examples=["72h"])
    ] = None
    silence_alerts: Annotated[
        bool | None,
        Field(description="Before a cluster stops, its alerts are kept from people until it starts.", examples=[True]),
    ] = None
    fleet_members: Annotated[
        Literal["refuse", "allow"] | None,
        Field(description="Whether members of a Kubernetes Fleet Manager may be stopped.", examples=["refuse"]),
    ] = None
    stops: Annotated[
        Stops | None, Field(description="A budget of stops.", examples=[{"at_most": "25%", "within": "1h"}])
    ] = None


class FileGuards(Guards):
    """What refuses or defers, and what only the fleet as a whole has."""

    breaker: Annotated[
        Breaker | None,
        Field(description="Failures that hold everything disruptive.", examples=[{"failures": 5, "within": "1h"}]),
    ] = None


_MATCH = Field(description="Which clusters: a block, or a list of blocks.", examples=[{"environments": ["dev"]}])
_EXCEPT = Field(alias="except", description="But not these; same shape as match.", examples=[{"names": ["*-demo"]}])
_GUARDS = Field(description="Guards that differ here.", examples=[{"min_off": "4h"}])


class EnvironmentEntry(Strict):
    """A kind of clusters. Production entries are tested first; then in order; what none matches is production.

    `idle` says once what rules of idleness there do not say themselves: any of that rule's keys.
    """

    name: Annotated[Name, Field(description="What rules call it.", examples=["dev"])]
    production: Annotated[bool, Field(description="Production is never stopped, by no rule.", examples=[True])] = False
    match: Annotated[
        OneOrMore[Where],
        Field(description="Which clusters: a block, or a list.", examples=[{"tags": {"environment": "dev"}}]),
    ]
    unless: Annotated[OneOrMore[Where] | None, _EXCEPT] = None
    guards: Annotated[Guards | None, _GUARDS] = None


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


class FreezeEntry(Strict):
    """Nothing of what hold names, in this time, for what matches."""

    name: Annotated[Name, Field(description="What people call it.", examples=["quarter-end"])]
    begin: Annotated[
        MomentText, Field(alias="from", description="When it begins, local time.", examples=["2026-12-28T00:00"])
    ]
    end: Annotated[
        MomentText, Field(alias="to", description="When it ends, local time.", examples=["2027-01-04T06:00"])
    ]
    match: Annotated[Matches | None, _MATCH] = None
    hold: Annotated[
        OneOrMore[Literal["stop", "start", "upgrade", "move", "scale", "tier", "repair"]],
        Field(description="What does not happen.", examples=[["upgrade", "move"]]),
    ]


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


class RuleEntry(Strict):
    """A name and exactly one block. Without match: everything outside production."""

    name: Annotated[Name, Field(description="What people call it.", examples=["dev-office-hours"])]
    match: Annotated[Matches | None, _MATCH] = None
    unless: Annotated[Matches | None, _EXCEPT] = None
    mode: Annotated[
        Literal["plan", "act"] | None, Field(description="plan: this rule only reports.", examples=["plan"])
    ] = None
    guards: Annotated[Guards | None, _GUARDS] = None


class ExceptionEntry(Strict):
    """A person's hold, reviewed like code."""

    cluster: Annotated[Text, Field(description="Name, glob of names, or whole id.", examples=["sbx-ml-04"])]
    keep: Annotated[Literal["running", "stopped"], Field(description="In which state.", examples=["running"])]
    until: Annotated[
        MomentText, Field(description="Local, or with an offset; a bare date ends it.", examples=["2026-12-18T18:00"])
    ]
    owner: Annotated[Text, Field(description="Who asked for it.", examples=["ml-team"])]
    reason: Annotated[Text, Field(description="Why.", examples=["quarterly training run"])]


class RouteEntry(Strict):
    """Who hears of what. Without match and reasons: of everything."""

    to: Annotated[
        OneOrMore[Channel],
        Field(description="Names of app settings that hold a channel's address.", examples=[["OPERATORS_CHANNEL"]]),
    ]
    match: Annotated[Matches | None, _MATCH] = None
    unless: Annotated[Matches | None, _EXCEPT] = None
    reasons: Annotated[
        OneOrMore[Literal[NOTICE_KINDS]] | None,  # type: ignore[valid-type]  # one list of kinds, kept elsewhere
        Field(description="Only notices of these kinds.", examples=[["stop_soon", "start_late"]]),
    ] = None


class Notify(Strict):
    """Who hears of what."""

    routes: Annotated[
        list[RouteEntry], Field(description="Who hears of what.", examples=[[{"to": ["OPERATORS_CHANNEL"]}]])
    ] = []


class AudienceEntry(Strict):
    """Who is told what a week cost. Without match: the whole scope, tied out against Azure's own total."""

    name: Annotated[Name, Field(description="What people call it.", examples=["checkout"])]
    match: Annotated[Matches | None, _MATCH] = None
    unless: Annotated[Matches | None, _EXCEPT] = None
    to: Annotated[
        OneOrMore[Channel],
        Field(description="Names of app settings that hold a channel's address.", examples=[["FINANCE_CHANNEL"]]),
    ]


class Digest(Strict):
    """The weekly cost digest: the last week as provisional, the one before as final."""

    weekly: Annotated[Weekly, Field(description="When it is sent, in the file's time zone.", examples=["Mon 08:00"])]
    team_tag: Annotated[Text, Field(description="The tag that names a team.", examples=["team"])] = "team"
    audiences: Annotated[
        list[AudienceEntry],
        Field(description="Who is told.", examples=[[{"name": "finance", "to": ["FINANCE_CHANNEL"]}]]),
    ] = []


class Head(Strict):
    """What is said once for the whole file."""

    version: Annotated[Version, Field(description="Of this grammar.", examples=[1])]
    mode: Annotated[
        Literal["plan", "act"], Field(description="plan: decide and report. act: also do it.", examples=["plan"])
    ] = "plan"
    timezone: Annotated[
        Zone,
        Field(
            description="IANA name: of schedules that say no other, and of the times people are told.",
            examples=["Europe/Berlin"],
        ),
    ] = "UTC"
    scope: Annotated[
        Annotated[Literal["all"], Tag(WORD)] | Annotated[Scope, Tag(BLOCK)],
        Discriminator(_shape),
        Field(description="Where clusters are looked for.", examples=["all"]),
    ] = "all"
    guards: Annotated[FileGuards, Field(description="What refuses or defers.", examples=[{"min_off": "2h"}])] = (
        FileGuards()
    )


class File(Head):
    """The policy of one fleet of AKS clusters."""

    environments: Annotated[list[EnvironmentEntry], Field(description="Kinds of clusters, in order.")] = []
    calendars: Annotated[dict[str, CalendarEntry], Field(description="Days without work, by name.")] = {}
    freezes: Annotated[list[FreezeEntry], Field(description="Times in which some things do not happen.")] = []
    schedules: Annotated[
        dict[str, ScheduleEntry], Field(description="When things run, by name. Built in: always, never.")
    ] = {}
    rules: Annotated[list[RuleEntry], Field(description="What Lamplighter wants, and of which clusters.")] = []
    exceptions: Annotated[list[ExceptionEntry], Field(description="People's holds.")] = []
    digest: Annotated[Digest | None, Field(description="What the weeks cost, and who is told.")] = None
    notify: Annotated[Notify, Field(description="Who hears of what.")] = Notify()
