"""tell: pending notices -> messages to people. One per channel, kind and cause, with a list in it.

At least once, and once in all but one case. A letter is claimed by a compare-and-swap before it is sent, so two timers
that fire at the same time send it once. The claim is a lease, not a promise: a worker that dies between claim and
record leaves it behind, and after the lease the letter is sent again. A warning that arrives twice is a nuisance, one
that never arrives is a cluster that stops under somebody's hands.

A channel that fails keeps no other from being told. Its letters are tried again at every run, and the others are told
that it fails. Telling never touches a cluster.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from shared.app import App
from shared.errors import InputError, Superseded
from shared.handlers.inforce import InForce, policy_in_force
from shared.model.decisions import Notice
from shared.model.fleet import Cluster
from shared.model.records import HistoryRecord, Told
from shared.reports.notice import Message, compose

if TYPE_CHECKING:
    from shared.policy.document import Policy
    from shared.policy.routing import Letter, Occasion

FLEET = "fleet"
UNREADABLE = "unreadable_policy"
CALM = "calm"
"""Key of the row that says: everything in this list was told. Spares a calm minute the reading of the fleet."""
LOOK_AGAIN = timedelta(hours=1)
A_DAY = timedelta(days=1)

log = logging.getLogger("lamplighter.tell")


@dataclass(slots=True)
class _Round:
    """One run: what it sent, and what it could not."""

    app: App
    now: datetime
    sent: int = 0
    history: list[HistoryRecord] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    """channel -> why, in one sentence without the address"""
    unsettled: set[Notice] = field(default_factory=set)


def tell(app: App) -> int:
    """Tell what is due, and return how many messages went out. Raises only when the journal cannot be read, or there
    never was a policy that could."""
    from shared.policy.routing import forgettable, letters  # noqa: PLC0415 - pydantic is heavy

    now = app.clock()
    pending = tuple(app.journal.notices())
    if not pending:
        return 0
    force = policy_in_force(app, app.journal.fleet().value)
    policy = force.policy
    pending += _reads_again(force, pending, now)
    fingerprint = _fingerprint(pending, policy)
    calm = app.journal.told(CALM)
    if calm.value is not None and calm.value.digest == fingerprint and now - calm.value.at < LOOK_AGAIN:
        return 0
    current = _Round(app, now)
    clusters, is_whole = _clusters(app, pending, policy, now)
    if not is_whole:  # whose tags are not seen today may be heard tomorrow
        current.unsettled.update(pending)
    elif clusters:
        pending += _gone(pending, clusters, now)
    for letter in letters(pending, policy, clusters):
        _deliver(current, letter, policy.timezone)
    app.journal.append(current.history)
    app.journal.post(_about_channels(current, pending))
    app.journal.clear(forgettable(pending, frozenset(current.unsettled), now))
    if not current.unsettled:
        _put(app, Told(CALM, fingerprint, now, (), open=False), calm.etag)
    return current.sent


def _reads_again(force: InForce, pending: Iterable[Notice], now: datetime) -> tuple[Notice, ...]:
    """A policy that reads again closes the notice that it did not: nobody else would notice."""
    open_ones = (one for one in pending if one.kind == UNREADABLE and not one.resolved)
    return tuple(replace(one, at=now, resolved=True) for one in open_ones) if force.readable else ()


def _gone(pending: Iterable[Notice], clusters: Mapping[str, Cluster], now: datetime) -> tuple[Notice, ...]:
    """What stands about a cluster that is no more is over; no tick looks at that cluster again to say so."""
    return tuple(
        replace(one, at=now, resolved=True)
        for one in pending
        if _is_old(one, now) and not one.resolved and one.about not in clusters
    )


def _is_old(notice: Notice, now: datetime) -> bool:
    return notice.about != FLEET and now - notice.at >= A_DAY


def _clusters(app: App, pending: Iterable[Notice], policy: Policy, now: datetime) -> tuple[Mapping[str, Cluster], bool]:
    """The fleet, where a route asks which clusters it is for or a matter is old, and whether all could be read."""
    about_clusters = [notice for notice in pending if notice.about != FLEET]
    asked = any(route.match for route in policy.routes) or any(_is_old(notice, now) for notice in about_clusters)
    if not about_clusters or not asked:
        return {}, True
    from shared.clients.fleet import inventory  # noqa: PLC0415 - the SDK is heavy

    seen = inventory(app.cloud, policy.scope, now)
    for problem in seen.problems:
        log.warning("some routes may not see their clusters: %s", problem)
    return {cluster.id: cluster for cluster in seen.clusters}, not seen.problems


def _deliver(current: _Round, letter: Letter, zone: str) -> None:
    from shared.handlers.postpone import new_link  # noqa: PLC0415 - nothing pending, nothing to link to
    from shared.policy import routing  # noqa: PLC0415

    stored = current.app.journal.told(letter.key)
    occasion = routing.due(letter, stored.value, current.now)
    if occasion is None:
        if stored.value is not None and stored.value.digest == routing.SENDING:
            current.unsettled.update(letter.open, letter.closed)
        return
    claim = _put(current.app, routing.claimed(letter, stored.value, current.now), stored.etag)
    if claim is None:  # another run has it in hand, and will say whether it arrived
        current.unsettled.update(letter.open, letter.closed)
        return
    link = new_link(current.app, letter.open, zone)
    problem = _send(current.app, letter, _message(letter, stored.value, occasion, link))
    if problem is None:
        current.sent += 1
        current.reached.add(letter.channel)
        current.history.extend(_told(letter, occasion, current.now))
        after = routing.delivered(letter, current.now)
    else:
        current.failed[letter.channel] = problem
        current.unsettled.update(letter.open, letter.closed)
        after = routing.undelivered(letter, stored.value, current.now)
    _put(current.app, after, claim)


def _put(app: App, told: Told, etag: str | None) -> str | None:
    """The new etag, or None when somebody else wrote first."""
    try:
        return app.journal.put_told(told, etag)
    except Superseded:
        return None


def _message(letter: Letter, told: Told | None, occasion: Occasion, link: str) -> Message:
    from shared.policy import routing  # noqa: PLC0415

    over = routing.over_from(letter, told)
    return compose(letter.kind, letter.open, over=over, reminder=occasion is routing.Occasion.REMINDER, link=link)


def _send(app: App, letter: Letter, message: Message) -> str | None:
    """None when the channel took it, else why not, in one sentence without its address."""
    try:
        address = app.settings.channel(letter.channel)
    except InputError as problem:
        return str(problem)
    sent = app.notify([address], message.title, message.body)
    return None if sent.ok else (sent.problem or "the channel did not take the message")


def _told(letter: Letter, occasion: Occasion, now: datetime) -> Iterable[HistoryRecord]:
    body: Mapping[str, Any] = {"kind": letter.kind, "channel": letter.channel, "occasion": occasion.value}
    about = letter.about or tuple(sorted({notice.about for notice in letter.closed}))
    for one in about:
        yield HistoryRecord(now, one, "told", letter.key, body)


def _about_channels(current: _Round, pending: Iterable[Notice]) -> list[Notice]:
    """That a channel fails is a matter like any other: it is told to the others, and closed when it works again."""
    from shared.policy.routing import UNREACHABLE  # noqa: PLC0415

    known = {notice.cause for notice in pending if notice.kind == UNREACHABLE and not notice.resolved}
    notices = []
    for channel, problem in sorted(current.failed.items()):
        log.warning("%s was not told: %s", channel, problem)
        text = f"{channel} was not told: {problem}"
        notices.append(Notice(UNREACHABLE, FLEET, channel, text, current.now))
    for channel in sorted((current.reached & known) - set(current.failed)):
        text = f"{channel} takes messages again"
        notices.append(Notice(UNREACHABLE, FLEET, channel, text, current.now, resolved=True))
    return notices


def _fingerprint(pending: Iterable[Notice], policy: Policy) -> str:
    lines = sorted(f"{one.kind}|{one.about}|{one.cause}|{one.resolved}" for one in pending)
    return blake2s("\n".join([policy.hash, *lines]).encode(), digest_size=16).hexdigest()
