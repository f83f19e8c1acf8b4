"""Instants as people say them, in the zone they live in. With schedule.py the only file that knows zones."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=4096)
def spoken(at: datetime, zone: str, home: str = "") -> str:
    """
    `at` is aware; `zone` an IANA name that exists, which is named beside the time where `home` is another one.

    All sentences tell times like this and in the policy's zone; only what a schedule says is told in the schedule's.

    >>> from datetime import UTC
    >>> spoken(datetime(2026, 12, 7, 6, 10, tzinfo=UTC), "Europe/Berlin")
    'Mon 7 Dec 07:10'
    >>> spoken(datetime(2026, 12, 7, 6, 10, tzinfo=UTC), "Asia/Kolkata", home="Europe/Berlin")
    'Mon 7 Dec 11:40 (Asia/Kolkata)'
    """
    local = at.astimezone(ZoneInfo(zone))
    text = f"{local:%a} {local.day} {local:%b %H:%M}"
    return text if home in ("", zone) else f"{text} ({zone})"


def local_date(at: datetime, zone: str) -> date:
    """The date people there have at that instant.

    >>> from datetime import UTC
    >>> local_date(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Europe/Berlin")
    datetime.date(2027, 1, 1)
    """
    return at.astimezone(ZoneInfo(zone)).date()


def spoken_length(length: timedelta) -> str:
    """
    In words, to the minute.

    >>> spoken_length(timedelta(hours=2)), spoken_length(timedelta(minutes=105)), spoken_length(timedelta(minutes=40))
    ('2 hours', '1 h 45 min', '40 minutes')
    """
    hours, minutes = divmod(round(length.total_seconds() / 60), 60)
    if hours and minutes:
        return f"{hours} h {minutes} min"
    number, unit = (hours, "hour") if hours else (minutes, "minute")
    return f"{number} {unit}{'' if number == 1 else 's'}"
