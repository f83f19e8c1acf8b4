"""Who is told what, and when again: pending notices -> letters, one per channel, kind and cause, with a list in each.

A notice stays pending until a resolved one of the same kind and cause about the same cluster closes it, so a letter
always shows the list as it stands. It is sent when the list is new, when it changed, and once a day while it lasts;
when the last entry is closed, a closing letter follows. Announcements (a stop is due) are over by themselves: they are
never repeated, and forgotten after a day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2s
from types import MappingProxyType

from shared.model.decisions import Notice
from shared.model.fleet import Cluster
from shared.model.records import Told
from shared.policy.bound import Route
from shared.policy.document import Policy

FLEET = "fleet"
AGAIN = timedelta(days=1)
AGAIN_OF: Mapping[str, timedelta | None] = MappingProxyType({"ring_halted": None, "support_ending": timedelta(days=7)})
"""Matters that are not repeated every day; None: told once, and when they are over."""
LEASE = timedelta(minutes=10)
"""How long a letter that is being sent belongs to its sender; longer than the function may run."""
SENDING = "sending"
"""`Told.digest` while a letter is on its way and nobody knows yet whether it arrived."""

UNREACHABLE = "channel_unreachable"
"""Kind of the notice that a channel fails; its cause is the channel, which is not asked to carry it."""

ANNOUNCEMENTS = frozenset({"stop_soon", "poison", "size_differs", "unreadable_fleet", "alert_left"})
"""What happened, or will, and needs no closing."""


class Occasion(StrEnum):
    """Why a letter goes out now."""

    NEW = "new"
    CHANGED = "changed"
    REMINDER = "reminder"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Letter:
    """One matter for one channel: what is open, and what was closed."""

    channel: str
    """Name of the app setting that holds the address."""
    kind: str
    cause: str
    open: tuple[Notice, ...]
    closed: tuple[Notice, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.channel}~{self.kind}~{self.cause}"

    @property
    def about(self) -> tuple[str, ...]:
        return tuple(sorted({notice.about for notice in self.open}))


def letters(notices: Iterable[Notice], policy: Policy, clusters: Mapping[str, Cluster]) -> tuple[Letter, ...]:
    """What every channel would be told of the pending notices, in a stable order.

    `clusters` maps lower-case ids. A cluster that is not in it is matched by what its id says: name, resource group
    and subscription, no tags and no environment. A channel that several routes name gets the union, once.
    """
    pending = tuple(notices)
    over = _closings(pending)
    groups: dict[tuple[str, str, str], tuple[list[Notice], list[Notice]]] = defaultdict(lambda: ([], []))
    for notice in sorted(pending, key=lambda one: (one.at, one.about, one.sentence)):
        is_closed = notice.resolved or _is_closed(notice, over)
        for channel in channels(notice, policy, clusters):
            groups[channel, notice.kind, notice.cause][is_closed].append(notice)
    return tuple(
        Letter(*key, open=tuple(open_ones), closed=tuple(closed))
        for key, (open_ones, closed) in sorted(groups.items(), key=lambda item: item[0])
    )


def channels(notice: Notice, policy: Policy, clusters: Mapping[str, Cluster]) -> tuple[str, ...]:
    """The channels that hear of this notice, each once, in the order of the routes."""
    heard = (channel for route in policy.routes if _takes(route, notice, policy, clusters) for channel in route.to)
    return tuple(dict.fromkeys(name for name in heard if notice.kind != UNREACHABLE or name != notice.cause))


def _takes(route: Route, notice: Notice, policy: Policy, clusters: Mapping[str, Cluster]) -> bool:
    if route.reasons is not None and notice.kind not in route.reasons:
        return False
    if route.match is None and route.unless is None:
        return True
    cluster = clusters.get(notice.about) or from_id(notice.about)
    if cluster is None:
        return route.match is None
    environment = policy.environment_of(cluster).name
    if route.unless is not None and route.unless.matches(cluster, environment):
        return False
    return route.match is None or route.match.matches(cluster, environment)


def from_id(cluster_id: str) -> Cluster | None:
    """All that an ARM id says of a cluster; None when it is not one.

    >>> from_id("fleet") is None
    True
    """
    parts = cluster_id.split("/")
    if len(parts) != 9 or parts[1] != "subscriptions" or parts[3] != "resourcegroups":
        return None
    return Cluster(id=cluster_id, name=parts[8], resource_group=parts[4], subscription=parts[2])


def due(letter: Letter, told: Told | None, now: datetime) -> Occasion | None:
    """Whether the letter goes out now, and why. None: nothing new, or another sender has it in hand."""
    if told is not None and told.digest == SENDING:
        if now - told.at < LEASE:
            return None
        told = replace(told, at=now - AGAIN)  # nobody knows whether it arrived: better twice than never
    was_open = told is not None and told.open
    if not letter.open:
        return Occasion.CLOSING if was_open and letter.closed else None
    if told is None or not told.open:
        return Occasion.NEW
    if letter.kind in ANNOUNCEMENTS:
        return Occasion.CHANGED if set(letter.about) - set(told.about) else None
    if letter.about != told.about:
        return Occasion.CHANGED
    again = AGAIN_OF.get(letter.kind, AGAIN)
    return Occasion.REMINDER if again is not None and now - told.at >= again else None


def claimed(letter: Letter, told: Told | None, now: datetime) -> Told:
    """The row that says: this letter is being sent, by whoever wrote this row."""
    if told is None:
        return Told(key=letter.key, digest=SENDING, at=now, about=(), open=False)
    return replace(told, digest=SENDING, at=now)


def delivered(letter: Letter, now: datetime) -> Told:
    """The row that says: this list was told."""
    return Told(letter.key, digest_of(letter.about), now, letter.about, open=bool(letter.open))


def undelivered(letter: Letter, told: Told | None, now: datetime) -> Told:
    """The row as it was before the claim, so that the next run tries again."""
    return Told(letter.key, "", now, (), open=False) if told is None else told


def digest_of(about: tuple[str, ...]) -> str:
    return blake2s("\n".join(about).encode(), digest_size=16).hexdigest()


def over_from(letter: Letter, told: Told | None) -> tuple[str, ...]:
    """What the last letter listed and this one does not."""
    before = set(told.about) if told is not None and told.open else set()
    return tuple(sorted(before - set(letter.about)))


def forgettable(notices: Iterable[Notice], unsettled: frozenset[Notice], now: datetime) -> tuple[Notice, ...]:
    """Notices that need not be kept: closed ones that every channel heard of, and announcements of yesterday.

    `unsettled` are those whose letter could not be delivered; they are kept for a day from their closing.
    """
    pending = tuple(notices)
    over = _closings(pending)

    def is_done(notice: Notice) -> bool:
        if notice.kind in ANNOUNCEMENTS and now - notice.at >= AGAIN:
            return True
        if not (notice.resolved or _is_closed(notice, over)):
            return False
        return notice not in unsettled or now - over[_matter(notice)] >= AGAIN

    return tuple(notice for notice in pending if is_done(notice))


def _matter(notice: Notice) -> tuple[str, str, str]:
    """What a closing closes: one pool of a cluster, or one channel, may be over while another still lasts."""
    return notice.kind, notice.about, notice.cause


def _closings(notices: tuple[Notice, ...]) -> Mapping[tuple[str, str, str], datetime]:
    over: dict[tuple[str, str, str], datetime] = {}
    for notice in notices:
        if notice.resolved:
            key = _matter(notice)
            over[key] = max(notice.at, over.get(key, notice.at))
    return over


def _is_closed(notice: Notice, over: Mapping[tuple[str, str, str], datetime]) -> bool:
    closed_at = over.get(_matter(notice))
    return closed_at is not None and notice.at <= closed_at
