"""Instants as people say them, in the zone they live in. With schedule.py the only file that knows zones."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=4096)
def spoken(at: datetime, zone: str) -> str:
    """
    `at` is aware; `zone` an IANA name that exists.

    >>> from datetime import UTC
    >>> spoken(datetime(2026, 12, 7, 6, 10, tzinfo=UTC), "Europe/Berlin")
    'Mon 7 Dec 07:10'
    """
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def local_date(at: datetime, zone: str) -> date:
    """The date people there have at that instant.

    >>> from datetime import UTC
    >>> local_date(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Europe/Berlin")
    datetime.date(2027, 1, 1)
    """
    return at.astimezone(ZoneInfo(zone)).date()
