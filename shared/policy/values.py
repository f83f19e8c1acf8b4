"""The values that a policy is written with, as types for pydantic: names, ids, dates, moments, windows, shares.

Each is read from what YAML gives and refused with a ValueError of one sentence: what it is, then "; expected ...".
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, PlainValidator, WithJsonSchema

from shared.policy.durations import Duration
from shared.policy.moments import Moment, parse_moment
from shared.policy.schedule import check_zone
from shared.policy.texts import TEXTS, PlainText, as_text
from shared.policy.windows import WeeklyTime, WeeklyWindow, parse_weekly_time, parse_window
from shared.policy.yaml_lines import WrittenFloat, WrittenInt

_LONGEST = 80

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
GLOB = re.compile(r"[*?\[\]]")
_MANAGEMENT_GROUP = re.compile(r"[\w().-]{1,90}", re.ASCII)
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?) ?%", re.ASCII)


def _version(value: Any) -> Any:
    # To Python, true and 1.0 equal 1.
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{show(value)} is not accepted here; expected 1")  # noqa: TRY004 - pydantic collects ValueErrors
    return value


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
    raise ValueError(f"{show(value)} is no date; expected a date such as 2026-12-24")


def _moment(value: Any) -> Moment:
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is no point in time; expected a date and a time, such as 2026-12-18T18:00")  # noqa: TRY004 - pydantic collects ValueErrors
    return parse_moment(value)


def _window(value: Any) -> WeeklyWindow:
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is no window; expected days and times, such as 'Mon-Fri 07:30-19:00'")  # noqa: TRY004 - pydantic collects ValueErrors
    if ":" not in value:
        raise ValueError(f"'{value}' has no times; expected days and times, such as 'Mon-Fri 07:30-19:00', with quotes "
                         "around a list of days inside [ ], such as ['Mon,Wed 07:30-19:00']")  # fmt: skip
    return parse_window(value)


def _weekly(value: Any) -> WeeklyTime:
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is no time of the week; expected a day and a time, such as Mon 08:00")  # noqa: TRY004 - pydantic collects ValueErrors
    return parse_weekly_time(value)


def _at_most(value: Any) -> int | Fraction:
    if isinstance(value, WrittenInt) and value >= 1:
        return int(value)
    share = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if share is not None and 0 < Fraction(share[1]) <= 100:
        return Fraction(share[1]) / 100
    raise ValueError(f"{show(value)} is no number of stops; expected a count from 1, or a share such as 25%")


def _some(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("a stretch of no time holds nothing; expected a duration such as 1h")
    return value


def show(value: Any) -> str:
    """A bad value, quoted and short."""
    match value:
        case bool() | WrittenInt() | WrittenFloat():
            return str(as_text(value))
        case str(text):
            return f"'{text if len(text) <= _LONGEST else text[:_LONGEST] + '...'}'"
        case None:
            return "nothing"
        case list():
            return "a list"
        case _:
            return "a mapping"


Name = Annotated[PlainText, AfterValidator(_plain_name), WithJsonSchema({**TEXTS, "pattern": r"^[^*?\[\]]+$"})]
Zone = Annotated[
    PlainText, AfterValidator(_zone), WithJsonSchema({"type": "string", "pattern": r"^(UTC|[A-Z][A-Za-z_]+/.+)$"})
]
Subscription = Annotated[
    PlainText,
    AfterValidator(_guid),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"}),
]
SubscriptionGlob = Annotated[
    PlainText,
    AfterValidator(_guid_or_glob),
    WithJsonSchema({"type": "string", "pattern": r"[*?\[]|^[0-9A-Fa-f-]{36}$"}),
]
ManagementGroup = Annotated[
    PlainText, AfterValidator(_management_group), WithJsonSchema({**TEXTS, "pattern": r"^[A-Za-z0-9_().-]{1,90}$"})
]
Channel = Annotated[
    PlainText, AfterValidator(_channel), WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]*$"})
]
Version = Annotated[Literal[1], BeforeValidator(_version)]
Date = Annotated[date, PlainValidator(_date), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})]
MomentText = Annotated[
    Moment,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d{4}-\d{2}-\d{2}([Tt ]+\d{2}:\d{2}(:\d{2})?.*)?$"}),
]
Window = Annotated[
    WeeklyWindow,
    PlainValidator(_window),
    WithJsonSchema(
        {"type": "string", "pattern": r"^[^:]*[a-z] +\d{1,2}:\d\d *[-\u2013] *([A-Za-z]+ +)?\d{1,2}:\d\d *$"}
    ),
]
Weekly = Annotated[
    WeeklyTime,
    PlainValidator(_weekly),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[A-Za-z]{3,9} +\d{1,2}:\d\d\s*$"}),
]
AtMost = Annotated[
    int | Fraction,
    PlainValidator(_at_most),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^[0-9.]+ ?%$"}]}),
]
Stretch = Annotated[Duration, AfterValidator(_some)]
