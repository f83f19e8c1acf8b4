"""Durations as people write them: 90s, 30m, 2h, 7d, 2w, 1h30m. Zero needs a unit too: 0m."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

PATTERN = r"^(?:\d+(?:\.\d+)?[smhdw])+$"
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=3660)


def parse_duration(value: Any) -> timedelta:
    """
    Raises ValueError with one sentence.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(PATTERN, value, re.ASCII) or value.endswith("\n"):
        raise ValueError(f"{value!r} is no duration; expected a number with a unit, such as 30m, 2h, 1h30m or 7d")
    try:
        total = sum((timedelta(**{_UNIT[unit]: float(number)}) for number, unit in _PART.findall(value)), timedelta())
    except OverflowError:
        total = timedelta.max
    if total > LONGEST:
        raise ValueError(f"{value!r} is longer than ten years; expected a duration such as 2h or 7d")
    return total


@lru_cache(maxsize=4096)
def show_duration(value: timedelta) -> str:
    """
    The shortest exact spelling in whole units.

    >>> show_duration(timedelta(minutes=90)), show_duration(timedelta(0)), show_duration(timedelta(days=3))
    ('1h30m', '0m', '3d')
    """
    seconds = round(value.total_seconds())
    if seconds < 60:
        return f"{seconds}s" if seconds else "0m"
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(show_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["30m", "2h", "1h30m", "7d"]}),
]
