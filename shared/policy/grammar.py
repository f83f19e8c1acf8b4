"""The grammar of policy.yaml as pydantic models: shapes, descriptions and examples. What names mean is bound later.

Each field says what it is and shows a good value: editors, the schema and every mistake's sentence take it from here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from shared.policy.durations import Duration
from shared.policy.grammar_telling import Digest, Notify
from shared.policy.grammar_times import CalendarEntry, ScheduleEntry
from shared.policy.grammar_where import BLOCK, EXCEPT, MATCH, WORD, Matches, Scope, Strict, Where, shape
from shared.policy.texts import OneOrMore, Text
from shared.policy.values import AtMost, MomentText, Name, Stretch, Version, Zone


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
    unless: Annotated[OneOrMore[Where] | None, EXCEPT] = None
    guards: Annotated[Guards | None, _GUARDS] = None


class FreezeEntry(Strict):
    """Nothing of what hold names, in this time, for what matches."""

    name: Annotated[Name, Field(description="What people call it.", examples=["quarter-end"])]
    begin: Annotated[
        MomentText, Field(alias="from", description="When it begins, local time.", examples=["2026-12-28T00:00"])
    ]
    end: Annotated[
        MomentText, Field(alias="to", description="When it ends, local time.", examples=["2027-01-04T06:00"])
    ]
    match: Annotated[Matches | None, MATCH] = None
    hold: Annotated[
        OneOrMore[Literal["stop", "start", "upgrade", "move", "scale", "tier", "repair"]],
        Field(description="What does not happen.", examples=[["upgrade", "move"]]),
    ]


class RuleEntry(Strict):
    """A name and exactly one block. Without match: everything outside production."""

    name: Annotated[Name, Field(description="What people call it.", examples=["dev-office-hours"])]
    match: Annotated[Matches | None, MATCH] = None
    unless: Annotated[Matches | None, EXCEPT] = None
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
        Discriminator(shape),
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
