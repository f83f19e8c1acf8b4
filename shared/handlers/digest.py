"""digest: what the last week cost -> every audience, once, in the form of its channels.

    due? -> read everything once -> make -> archive (put-if-absent) -> claim -> send what the archive holds

While bills are still to come nothing is made, and a message in the queue goes on (going_on.py).

Sent once: a channel is claimed by a compare-and-swap before it is sent to, so two timers that fire together send once.
As with notices the claim is a lease: a worker that dies in between leaves it, and after it the digest is sent again.
Whatever is sent, also on a later try, is what the archive holds; the archive never changes. A channel that fails is
tried again by the next run, told to the others, and keeps nobody else from being told.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from shared.app import App
from shared.errors import InputError, LamplighterError, Superseded
from shared.handlers import going_on
from shared.handlers.inforce import policy_in_force
from shared.model.decisions import Notice
from shared.model.memory import Stored
from shared.model.records import HistoryRecord, Told
from shared.model.weeks import Week

if TYPE_CHECKING:
    from shared.clients.deliver import Parcel
    from shared.handlers.reading_costs import Read
    from shared.policy.bound import DigestAudience
    from shared.policy.document import Policy

FLEET = "fleet"
LEASE = timedelta(minutes=10)
"""How long a digest that is being sent belongs to its sender; longer than the function may run."""
ATTACHED_AT_MOST = 7 * 1024 * 1024
"""Bytes; base64 adds a third, and many servers take 10 MB."""
SENDING, FAILED = "sending", "failed"

log = logging.getLogger("lamplighter.digest")


@dataclass(slots=True)
class _Round:
    """One run: what it sent, and what it could not."""

    app: App
    policy: Policy
    week: Week
    now: datetime
    sent: int = 0
    history: list[HistoryRecord] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def digest(app: App, message: Mapping[str, Any] | None = None) -> int:
    """Send what is due, and return how many messages went out. `message` is that of a run that had to wait for bills.

    Raises when the journal or the archive cannot be read, or there never was a policy that could.
    """
    from shared.policy.digests import due  # noqa: PLC0415 - pydantic is heavy

    now = app.clock()
    policy = policy_in_force(app, app.journal.fleet().value).policy
    if policy.digest is None:
        return 0
    current = _Round(app, policy, due(policy.digest, policy.timezone, now).week, now)
    waiting = [(one, left) for one in policy.digest.audiences if (left := _untold(current, one))]
    if not waiting or not going_on.is_mine(app, message):
        return 0
    read: list[Read | timedelta] = []
    for audience, channels in waiting:
        kept = _kept(current, audience)
        if kept is None:
            if not read:
                read.append(_reading(current))
            if isinstance(read[0], timedelta):
                going_on.later(app, read[0])
                break
            kept = _made(current, audience, read[0])
        for channel, told in channels:
            _send(current, audience, channel, told, kept)
    else:
        going_on.done(app)
    app.journal.append(current.history)
    app.journal.post(current.notices)
    return current.sent


def _reading(current: _Round) -> Read | timedelta:
    from shared.handlers.reading_costs import read  # noqa: PLC0415 - only when something is due

    plan = current.policy.digest
    assert plan is not None  # noqa: S101 - the caller asked
    return read(current.app, current.policy, plan, current.week, current.now)


def _untold(current: _Round, audience: DigestAudience) -> list[tuple[str, Stored[Told | None]]]:
    """The channels that have not been told yet, and are not being told by somebody else right now."""
    found = []
    for channel in audience.to:
        told = current.app.journal.told(_key(current.week, audience.name, channel))
        value = told.value
        in_hand = value is not None and value.digest == SENDING and current.now - value.at < LEASE
        if value is None or (value.digest in (SENDING, FAILED) and not in_hand):
            found.append((channel, told))
    return found


def _key(week: Week, audience: str, channel: str) -> str:
    return f"digest~{week}~{audience.casefold()}~{channel}"


def folder(week: Week, audience: str) -> str:
    """Where the digests of a week and audience lie in the archive.

    >>> folder(Week(2026, 47), "Finance & Co")
    '2026-W47/finance---co-0ef1c3'
    """
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in audience.casefold())
    exact = (
        plain if plain == audience.casefold() else f"{plain}-{blake2s(audience.encode(), digest_size=3).hexdigest()}"
    )
    return f"{week}/{exact}"


def _kept(current: _Round, audience: DigestAudience) -> Mapping[str, bytes] | None:
    """What the archive holds for them, whole; None when nothing was made yet or nothing is kept."""
    from shared.reports.digest_files import RECORD  # noqa: PLC0415 - only when something is due

    archive = current.app.archive
    pointer = None if archive is None else archive.get(f"{folder(current.week, audience.name)}/{RECORD}")
    if archive is None or pointer is None:
        return None
    files: dict[str, bytes] = {RECORD: pointer}
    for name, path in json.loads(pointer)["files"].items():
        content = archive.get(path)
        if content is None:
            raise LamplighterError(f"{path} is missing in the archive, so week {current.week} is not sent again")
        files[name] = content
    return files


def _made(current: _Round, audience: DigestAudience, read: Read) -> Mapping[str, bytes]:
    """The digest, made and archived. Of two workers the first one's is kept, and both send that."""
    from shared.costs.digest import Audience  # noqa: PLC0415 - only when something is due
    from shared.costs.digest import digest as make  # noqa: PLC0415
    from shared.policy.digests import whose  # noqa: PLC0415
    from shared.reports.digest_files import RECORD, files, media  # noqa: PLC0415

    whom = Audience(audience.name, whose(audience, current.policy, read.fleet), audience.is_everything)
    reading = read.reading.after(whom.name, _told_before(current, audience))
    made = dict(files(make(reading, whom, current.week, current.now, current.policy.timezone)))
    archive = current.app.archive
    if archive is None:
        return made
    place = folder(current.week, audience.name)
    stamp = f"{place}/{current.now:%Y%m%dT%H%M%S%fZ}"
    paths = {name: f"{stamp}/{name}" for name in made if name != RECORD}
    for name, path in paths.items():
        archive.put(path, made[name], media(name))
    record = {**json.loads(made[RECORD]), "files": paths}
    # Written last: a digest whose record is there is whole. The first record is the one that counts.
    archive.put(f"{place}/{RECORD}", json.dumps(record, indent=1).encode(), media(RECORD))
    kept = _kept(current, audience)
    assert kept is not None  # noqa: S101 - somebody's record is there now
    return kept


def _told_before(current: _Round, audience: DigestAudience) -> Any:
    """What they were told of the week before; None when it was not told, or is not understood."""
    from shared.costs.record import told  # noqa: PLC0415 - only when something is due
    from shared.reports.digest_files import RECORD  # noqa: PLC0415

    archive = current.app.archive
    content = None if archive is None else archive.get(f"{folder(current.week.back(), audience.name)}/{RECORD}")
    if content is None:
        return None
    try:
        return told(json.loads(content))
    except (ValueError, InputError) as error:
        log.warning("digest: %s of %s is not compared with: %s", current.week.back(), audience.name, error)
        return None


def _send(
    current: _Round, audience: DigestAudience, channel: str, told: Stored[Told | None], kept: Mapping[str, bytes]
) -> None:
    key = _key(current.week, audience.name, channel)
    claim = _put(current.app, Told(key, SENDING, current.now, (), open=False), told.etag)
    if claim is None:  # another run has it in hand
        return
    problem = _problem(current, channel, kept)
    body: dict[str, Any] = {"week": str(current.week), "audience": audience.name, "channel": channel}
    if problem is None:
        current.sent += 1
        digest_of = blake2s(kept["record.json"], digest_size=16).hexdigest()
        _put(current.app, Told(key, digest_of, current.now, (), open=False), claim)
        current.history.append(HistoryRecord(current.now, FLEET, "told", key, {"kind": "digest", **body}))
    else:
        log.warning("digest: %s was not told: %s", channel, problem)
        _put(current.app, Told(key, FAILED, current.now, (), open=False), claim)
    _about(current, channel, problem)


def _problem(current: _Round, channel: str, kept: Mapping[str, bytes]) -> str | None:
    """None when the channel took it, else why not, in one sentence without its address."""
    from shared.clients.deliver import deliver  # noqa: PLC0415 - only when something is sent

    try:
        address = current.app.settings.channel(channel)
    except InputError as error:
        return str(error)
    sent = (current.app.deliver or deliver)(address, parcel(kept))
    return None if sent.ok else (sent.problem or "the channel did not take the message")


def parcel(kept: Mapping[str, bytes]) -> Parcel:
    """The files of a digest as one message."""
    from shared.clients.deliver import Parcel  # noqa: PLC0415 - only when something is sent
    from shared.reports import digest_files as names  # noqa: PLC0415

    text = kept[names.TEXT].decode()
    title, _, _ = text.partition("\n")
    return Parcel(
        title=title,
        text=kept[names.BRIEF].decode(),
        html=kept[names.HTML].decode(),
        card=kept[names.CARD],
        blocks=kept[names.BLOCKS],
        pictures={name: content for name, content in kept.items() if name.endswith(".png")},
        attachments=_attached({name: kept[name] for name in (names.WORKBOOK, names.DATA)}),
    )


def _attached(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """In their order, as far as mail servers take them; the archive holds them all."""
    room, taken = ATTACHED_AT_MOST, {}
    for name, content in files.items():
        if len(content) <= room:
            taken[name] = content
            room -= len(content)
    return taken


def _put(app: App, told: Told, etag: str | None) -> str | None:
    """The new etag, or None when somebody else wrote first."""
    try:
        return app.journal.put_told(told, etag)
    except Superseded:
        return None


def _about(current: _Round, channel: str, problem: str | None) -> None:
    """That a channel fails is a matter like any other: told to the others, and closed when it works again."""
    from shared.policy.routing import UNREACHABLE  # noqa: PLC0415 - pydantic is heavy

    if problem is not None:
        text = f"{channel} did not get the digest of week {current.week}: {problem}"
        current.notices.append(Notice(UNREACHABLE, FLEET, channel, text, current.now))
        return
    pending = _open(current.app.journal.notices(), channel)
    if pending:
        text = f"{channel} takes messages again"
        current.notices.append(Notice(UNREACHABLE, FLEET, channel, text, current.now, resolved=True))


def _open(notices: Iterable[Notice], channel: str) -> bool:
    from shared.policy.routing import UNREACHABLE  # noqa: PLC0415 - as above

    return any(one.kind == UNREACHABLE and one.cause == channel and not one.resolved for one in notices)
