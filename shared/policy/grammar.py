"""The grammar of policy.yaml as pydantic models: shapes, descriptions and examples. What names mean is bound later.

Each field says what it is and shows a good value: editors, the schema and every mistake's sentence take it from here.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from fractions import Fraction
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, PlainValidator, Tag, WithJsonSchema
from pydantic import AfterValidator as Checked
from pydantic_core import CoreSchema

from shared.policy.durations import Duration
from shared.policy.moments import Moment, parse_moment
from shared.policy.notice_kinds import NOTICE_KINDS
from shared.policy.schedule import check_zone
from shared.policy.windows import WeeklyWindow, parse_window
from shared.policy.yaml_lines import WrittenFloat, WrittenInt

T = TypeVar("T")

HOLDS = ("stop", "start", "upgrade", "move", "scale", "tier", "repair")
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
GLOB = re.compile(r"[*?\[\]]")
_MANAGEMENT_GROUP = re.compile(r"[\w().-]{1,90}", re.ASCII)
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?) ?%", re.ASCII)


def as_text(value: Any) -> Any:
    """A number or truth value where a text is meant, as it was written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, WrittenInt | WrittenFloat) else value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class _OneOrList:
    """For the schema: one value, or a list of them."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: Any) -> dict[str, Any]:
        listed = handler(core)
        return {"anyOf": [listed["items"], listed]}


def _guid(value: str) -> str:
    if not GUID.fullmatch(value):
        raise ValueError(f"'{value}' is no subscription id; expected a GUID, "
                         "such as 11111111-1111-1111-1111-111111111111")  # fmt: skip
    return value.casefold()


def _guid_or_glob(value: str) -> str:
    return value.casefold() if GLOB.search(value) else _guid(value)


def _management_group(value: str) -> str:
    if not _MANAGEMENT_GROUP.fullmatch(value) or value.endswith("."):
        raise ValueError(f"'{value}' is no id of a management group; expected up to 90 letters, digits and -_(). "
                         "such as platform-nonprod")  # fmt: skip
    return value


def _zone(value: str) -> str:
    check_zone(value)
    return value


def _plain_name(value: str) -> str:
    if GLOB.search(value):
        raise ValueError(f"'{value}' is no name, since * ? [ ] are for patterns; expected a name such as dev")
    return value


def _channel(value: str) -> str:
    # What stands here may be an address with a secret in it, so it is not repeated.
    if not _SETTING.fullmatch(value):
        raise ValueError("this is no name of an app setting (the value is not shown: it may be an address); expected "
                         "the name of the setting that holds the address, such as OPERATORS_CHANNEL")  # fmt: skip
    return value


def _date(value: Any) -> date:
    text = as_text(value)
    if isinstance(text, str) and _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise ValueError(f"'{text}' is no date: {error}; expected a date such as 2026-12-24") from None
    raise ValueError(f"{_shown(value)} is no date; expected a date such as 2026-12-24")


def _moment(value: Any) -> Moment:
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is no point in time; expected a date and a time, such as 2026-12-18T18:00")  # noqa: TRY004 - pydantic collects ValueErrors
    return parse_moment(value)


def _window(value: Any) -> WeeklyWindow:
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is no window; expected days and times, such as 'Mon-Fri 07:30-19:00'")  # noqa: TRY004 - pydantic collects ValueErrors
    if ":" not in value:
        raise ValueError(f"'{value}' has no times; expected days and times, such as 'Mon-Fri 07:30-19:00', with quotes "
                         "around a list of days inside [ ], such as ['Mon,Wed 07:30-19:00']")  # fmt: skip
    return parse_window(value)


def _at_most(value: Any) -> int | Fraction:
    if isinstance(value, WrittenInt) and value >= 1:
        return int(value)
    share = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if share is not None and 0 < Fraction(share[1]) <= 100:
        return Fraction(share[1]) / 100
    raise ValueError(f"{_shown(value)} is no number of stops; expected a count from 1, or a share such as 25%")


def _some(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("a stretch of no time holds nothing; expected a duration such as 1h")
    return value


def _shown(value: Any) -> str:
    match as_text(value):
        case str(text):
            return f"'{text}'"
        case None:
            return "nothing"
        case list():
            return "a list"
        case _:
            return "a mapping"


_TEXTS = {"type": ["string", "number", "boolean"]}
Text = Annotated[str, BeforeValidator(as_text), Field(min_length=1)]
Value = Annotated[str, BeforeValidator(as_text), WithJsonSchema(_TEXTS)]
"""What a tag's value is compared with; may be empty."""
Name = Annotated[Text, Checked(_plain_name)]
Zone = Annotated[Text, Checked(_zone)]
Subscription = Annotated[Text, Checked(_guid)]
SubscriptionGlob = Annotated[Text, Checked(_guid_or_glob)]
ManagementGroup = Annotated[Text, Checked(_management_group)]
Channel = Annotated[Text, Checked(_channel)]
Date = Annotated[date, PlainValidator(_date), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})]
MomentText = Annotated[
    Moment,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d{4}-\d{2}-\d{2}([Tt ]+\d{2}:\d{2}(:\d{2})?.*)?$"}),
]
Window = Annotated[WeeklyWindow, PlainValidator(_window), WithJsonSchema({"type": "string", "pattern": r"\d:\d\d"})]
AtMost = Annotated[
    int | Fraction,
    PlainValidator(_at_most),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^[0-9.]+ ?%$"}]}),
]
Stretch = Annotated[Duration, Checked(_some)]
OneOrMore = Annotated[list[T], BeforeValidator(_as_list), Field(min_length=1), _OneOrList()]


class Strict(BaseModel):
    """A key nobody knows is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Dates(Strict):
    """Dates from the first to the last, both included."""

    first: Annotated[Date, Field(alias="from", description="The first date.", examples=["2026-12-27"])]
    last: Annotated[Date, Field(alias="to", description="The last date; included.", examples=["2026-12-31"])]


class Range(Strict):
    """One window between two local times; of a bare date, all of it."""

    begin: Annotated[
        MomentText, Field(alias="from", description="When it begins, local time.", examples=["2026-12-05T08:00"])
    ]
    end: Annotated[MomentText, Field(alias="to", description="When it ends, local time.", examples=["2026-12-06T20:00"])]


def _is_range(value: Any) -> str:
    return "<range>" if isinstance(value, dict | Range | Dates) else "<text>"


DateOrDates = Annotated[
    Annotated[Date, Tag("<text>")] | Annotated[Dates, Tag("<range>")],
    Discriminator(_is_range),
]
WindowOrRange = Annotated[
    Annotated[Window, Tag("<text>")] | Annotated[Range, Tag("<range>")],
    Discriminator(_is_range),
]


class Scope(Strict):
    """The union of subscriptions and of what lies below management groups."""

    subscriptions: Annotated[
        OneOrMore[Subscription] | None,
        Field(description="Subscription ids.", examples=[["11111111-1111-1111-1111-111111111111"]]),
    ] = None
    management_groups: Annotated[
        OneOrMore[ManagementGroup] | None,
        Field(description="Ids of management groups.", examples=[["platform-nonprod"]]),
    ] = None


class Match(Strict):
    """Which clusters: all keys must hold, of each key any value. Globs such as web-*; upper and lower case are one."""

    tags: Annotated[
        dict[str, OneOrMore[Value]] | None,
        Field(description="Tag name and its values.", examples=[{"environment": ["dev", "test"]}], min_length=1),
    ] = None
    names: Annotated[
        OneOrMore[Text] | None, Field(description="Names of clusters.", examples=[["sbx-*"]])
    ] = None
    resource_groups: Annotated[
        OneOrMore[Text] | None, Field(description="Names of their resource groups.", examples=[["rg-dev-*"]])
    ] = None
    subscriptions: Annotated[
        OneOrMore[SubscriptionGlob] | None,
        Field(description="Subscription ids.", examples=[["22222222-2222-2222-2222-222222222222"]]),
    ] = None
    locations: Annotated[OneOrMore[Text] | None, Field(description="Regions.", examples=[["westeurope"]])] = None
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
    fleet_members: Annotated[
        Literal["refuse", "allow"] | None,
        Field(description="Whether members of a Kubernetes Fleet Manager may be stopped.", examples=["refuse"]),
    ] = None
    stops: Annotated[
        Stops | None, Field(description="A budget of stops.", examples=[{"at_most": "25%", "within": "1h"}])
    ] = None
    breaker: Annotated[
        Breaker | None,
        Field(description="Failures that hold everything disruptive.", examples=[{"failures": 5, "within": "1h"}]),
    ] = None


_MATCH = Field(description="Which clusters: a block, or a list of blocks.", examples=[{"environments": ["dev"]}])
_EXCEPT = Field(alias="except", description="But not these; same shape as match.", examples=[{"names": ["*-demo"]}])
_GUARDS = Field(description="Guards that differ here.", examples=[{"min_off": "4h"}])


class EnvironmentEntry(Strict):
    """A kind of clusters. Production entries are tested first; then in order; what none matches is production."""

    name: Annotated[Name, Field(description="What rules call it.", examples=["dev"])]
    production: Annotated[bool, Field(description="Production is never stopped, by no rule.", examples=[True])] = False
    match: Annotated[Matches, _MATCH.merge_field_infos(_MATCH, examples=[{"tags": {"environment": "dev"}}])]
    unless: Annotated[Matches | None, _EXCEPT] = None
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
    end: Annotated[MomentText, Field(alias="to", description="When it ends, local time.", examples=["2027-01-04T06:00"])]
    match: Annotated[Matches | None, _MATCH] = None
    hold: Annotated[
        OneOrMore[Literal["stop", "start", "upgrade", "move", "scale", "tier", "repair"]],
        Field(description="What does not happen.", examples=[["upgrade", "move"]]),
    ]


class ScheduleEntry(Strict):
    """When something runs."""

    timezone: Annotated[
        Zone | None, Field(description="IANA name; absent: the file's.", examples=["Asia/Kolkata"])
    ] = None
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
        OneOrMore[Literal[NOTICE_KINDS]] | None,  # type: ignore[valid-type]  # a tuple known before it runs
        Field(description="Only notices of these kinds.", examples=[["stop_soon", "start_late"]]),
    ] = None


class Notify(Strict):
    routes: Annotated[
        list[RouteEntry], Field(description="Who hears of what.", examples=[[{"to": ["OPERATORS_CHANNEL"]}]])
    ] = []


class File(Strict):
    """The policy of one fleet of AKS clusters."""

    version: Annotated[Literal[1], Field(description="Of this grammar.", examples=[1])]
    mode: Annotated[
        Literal["plan", "act"], Field(description="plan: decide and report. act: also do it.", examples=["plan"])
    ] = "plan"
    timezone: Annotated[
        Zone, Field(description="IANA name; where schedules do not say their own.", examples=["Europe/Berlin"])
    ] = "UTC"
    scope: Annotated[
        Literal["all"] | Scope,
        Field(description="Where clusters are looked for.", examples=["all"]),
    ] = "all"
    environments: Annotated[list[EnvironmentEntry], Field(description="Kinds of clusters, in order.")] = []
    calendars: Annotated[dict[str, CalendarEntry], Field(description="Days without work, by name.")] = {}
    freezes: Annotated[list[FreezeEntry], Field(description="Times in which some things do not happen.")] = []
    schedules: Annotated[
        dict[str, ScheduleEntry], Field(description="When things run, by name. Built in: always, never.")
    ] = {}
    rules: Annotated[list[RuleEntry], Field(description="What Lamplighter wants, and of which clusters.")] = []
    exceptions: Annotated[list[ExceptionEntry], Field(description="People's holds.")] = []
    guards: Annotated[Guards, Field(description="What refuses or defers.")] = Guards()
    notify: Annotated[Notify, Field(description="Who hears of what.")] = Notify()
