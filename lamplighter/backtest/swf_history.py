"""History as a job log in the Standard Workload Format: each user is a cluster, needed while one of their jobs runs.

From: https://www.cs.huji.ac.il/labs/parallel/workload/swf.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from lamplighter.backtest.history import History, Interval, Trace, history, history_cluster, merged
from lamplighter.backtest.text import history_text
from shared.errors import InputError

EXPECTED = (
    "expected a job log in SWF: comments that begin with ';', then lines of at least 18 numbers, one for each job"
)
FIELDS = 18
SHORTEST = 60
"""Seconds that a job counts at least: nobody starts a cluster for less."""
EARLIEST = 631_152_000
"""1990: a log without a start, whose times are smaller, does not say when it was."""
_SUBMIT, _WAIT, _RUN, _USER = 1, 2, 3, 11
_COMMENT = re.compile(r";\s*(\w+):\s*(.*?)\s*$")


def read_swf(file: Path) -> History:
    """One trace per user, from the first to the last moment of the log. Jobs that never ran count for nothing.

    Raises InputError with one sentence: which file, which line, what was expected.
    """
    text = history_text(file, EXPECTED)
    comments: dict[str, str] = {}
    jobs: dict[int, list[Interval]] = defaultdict(list)
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith(";"):
            if found := _COMMENT.match(line.lstrip()):
                comments.setdefault(found[1].casefold(), found[2])
        elif line.strip():
            user, job = _job(line, file, number)
            if job is not None:
                jobs[user].append(job)
    if not jobs:
        raise InputError(f"{file} tells of no job that ran; {EXPECTED}")
    start = _start(comments, min(job[0] for mine in jobs.values() for job in mine), file)
    begin = start + min(0, *(job[0] for mine in jobs.values() for job in mine)) if start else _first(jobs)
    end = start + max(job[1] for mine in jobs.values() for job in mine)
    traces = [
        Trace(history_cluster(f"user-{user}"), begin, end, merged((start + one, start + other) for one, other in mine))
        for user, mine in jobs.items()
    ]
    return history(str(file), traces, _zone(comments))


def _first(jobs: Mapping[int, list[Interval]]) -> int:
    return min(job[0] for mine in jobs.values() for job in mine)


def _job(line: str, file: Path, number: int) -> tuple[int, Interval | None]:
    """(user, [start, end) in the log's seconds); None for a job that did not run."""
    fields = line.split(maxsplit=FIELDS)
    if len(fields) < FIELDS:
        raise InputError(f"{file}:{number}: {len(fields)} fields; {EXPECTED}")
    try:
        submit, wait, run, user = (round(float(fields[place])) for place in (_SUBMIT, _WAIT, _RUN, _USER))
    except (ValueError, OverflowError):
        raise InputError(f"{file}:{number}: a field is no number; {EXPECTED}") from None
    if run <= 0:
        return user, None
    begin = submit + max(wait, 0)
    return user, (begin, begin + max(run, SHORTEST))


def _start(comments: Mapping[str, str], first: int, file: Path) -> int:
    """What to add to the log's seconds; 0 where they are Unix time already."""
    said = comments.get("unixstarttime")
    if said is None:
        if first >= EARLIEST:
            return 0
        raise InputError(f"{file} does not say when it begins: expected a comment such as ; UnixStartTime: 749458803")
    try:
        return int(said)
    except ValueError:
        raise InputError(f"{file}: UnixStartTime is {said!r}; expected seconds, such as 749458803") from None


def _zone(comments: Mapping[str, str]) -> str | None:
    """TimeZoneString where it is a place; else the whole hours of TimeZone; else nothing is known."""
    said = comments.get("timezonestring", "")
    if "/" in said:
        try:
            return ZoneInfo(said).key
        except (KeyError, ValueError, OSError):
            return None
    try:
        hours, rest = divmod(int(comments.get("timezone", "")), 3600)
    except ValueError:
        return None
    # IANA's Etc zones count westward: https://www.iana.org/time-zones
    return None if rest or not -12 <= hours <= 12 else f"Etc/GMT{-hours:+d}" if hours else "UTC"
