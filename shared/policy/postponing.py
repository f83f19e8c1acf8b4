"""A link that puts stops off: how long it is good, what it offers, what using it means. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.decisions import Notice
from shared.model.memory import Wish
from shared.model.records import Link
from shared.policy.document import Policy
from shared.policy.durations import show_duration
from shared.policy.overrides import Word
from shared.policy.voices import Owner, longest_keep_on

GRACE = timedelta(hours=1)
"""Who comes back a little late may still say that it is needed: what has stopped is then started again."""
REMEMBERED = timedelta(days=2)
"""A link that is over is known for so long, to say so instead of "unknown"."""
LENGTHS = (timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))
DEFAULT = timedelta(hours=2)
SOURCE = "postpone"
REASON = "put off by the link in the warning"


class Standing(StrEnum):
    UNKNOWN = "unknown"
    OPEN = "open"
    EXPIRED = "expired"
    BROKEN_OFF = "broken_off"
    """Used, but the wish is not on record everywhere: using it again finishes that, and nothing else."""
    USED = "used"


@dataclass(frozen=True, slots=True)
class Choice:
    """One button. `key` is what it sends; `length` counts from when the stop is due, or from now when that is over."""

    key: str
    length: timedelta
    until: datetime
    is_default: bool


def limited(notices: Iterable[Notice], policy: Policy, owner: Owner) -> list[Notice]:
    """The notices of a cluster, those about stops with how long a person may keep it on."""
    limit = longest_keep_on(policy, owner)
    return [replace(one, keep_at_most=limit or None) if one.due_at is not None else one for one in notices]


def link_for(digest: str, notices: Iterable[Notice], zone: str, now: datetime) -> Link:
    """The link of a message that lists these stops."""
    listed = sorted(notices, key=lambda one: (one.about, one.sentence))
    due_at = max(one.due_at or now for one in listed)
    limits = [one.keep_at_most for one in listed if one.keep_at_most is not None]
    return Link(
        digest=digest,
        clusters=tuple(dict.fromkeys(one.about for one in listed)),
        sentences=tuple(one.sentence for one in listed),
        zone=zone,
        due_at=due_at,
        expires_at=max(due_at, now) + GRACE,
        keep_at_most=min(limits, default=None),
    )


def standing(link: Link | None, now: datetime) -> Standing:
    if link is None:
        return Standing.UNKNOWN
    if link.used_at is not None:
        is_open = not link.done and link.until is not None and link.until > now
        return Standing.BROKEN_OFF if is_open else Standing.USED
    return Standing.OPEN if now < link.expires_at else Standing.EXPIRED


def choices(link: Link, now: datetime) -> tuple[Choice, ...]:
    """What may be asked now: none reaches further than the policy lets a person, and each beyond the stop."""
    begin = max(now, link.due_at).replace(second=0, microsecond=0)
    latest = None if link.keep_at_most is None else now + link.keep_at_most
    found: dict[datetime, Choice] = {}
    for length in LENGTHS:
        until = begin + length if latest is None else min(begin + length, latest)
        if until > max(now, link.due_at):
            found.setdefault(until, Choice(show_duration(length), until - begin, until, length == DEFAULT))
    offered = tuple(found.values())
    if offered and not any(one.is_default for one in offered):
        offered = (*offered[:-1], replace(offered[-1], is_default=True))
    return offered


def used(link: Link, choice: Choice, now: datetime) -> Link:
    return replace(link, used_at=now, until=choice.until)


def word_of(link: Link) -> Word:
    """What a used link says about each of its clusters. Nobody knows who pressed the button."""
    assert link.until is not None  # noqa: S101 - of a used link
    return Word(Wish.RUNNING, link.until, "", REASON, SOURCE)
