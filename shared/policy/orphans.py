"""Notices that nobody would close: their cluster is gone, or their matter is over and its closing was lost. Pure.

A matter is opened and closed by the cluster's own memory. A cluster that was deleted decides nothing any more, and a
tick that was killed or lost its swap may have told what no memory remembers; such a notice would be repeated daily.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.decisions import Notice
from shared.policy.matters import MATTERS

SETTLED_FOR = timedelta(minutes=10)
"""A notice this young may belong to a memory that another tick is just writing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is true after this tick."""

    matters: Mapping[str, tuple[str, ...]]
    """Cluster -> its standing matters as `kind|cause`; a cluster that was not looked at is not in it."""
    is_whole: bool
    """The fleet was read whole: a cluster that is not in `matters` does not exist."""
    breaker_open_at: datetime | None


def breaker_cause(at: datetime) -> str:
    """The cause of the notice that the breaker opened then (aware UTC)."""
    return f"{at:%Y-%m-%dT%H:%MZ}"


def orphans(pending: Iterable[Notice], standing: Standing, now: datetime) -> tuple[Notice, ...]:
    """The closing notices that are missing."""
    return tuple(
        replace(notice, sentence=why, at=now, resolved=True)
        for notice in pending
        if not notice.resolved and now - notice.at >= SETTLED_FOR and (why := _over(notice, standing))
    )


def _over(notice: Notice, standing: Standing) -> str:
    """Why the matter is over; '' while it is not, or nobody can tell."""
    if notice.kind == "breaker_open":
        since = standing.breaker_open_at
        return "" if since is not None and breaker_cause(since) == notice.cause else "an action succeeded again"
    if notice.kind not in MATTERS:
        return ""
    matters = standing.matters.get(notice.about)
    if matters is None:
        return "the cluster is gone" if standing.is_whole else ""
    return "" if f"{notice.kind}|{notice.cause}" in matters else "over"
