"""What a person may ask of a cluster: keep it on, keep it off, wake it, put its stop off. Pure.

The command line and the HTTP functions ask here, so that both allow the same and write the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import Any

from shared.errors import InputError
from shared.model.fleet import Cluster
from shared.model.memory import Memory, PersonHold, Wish
from shared.model.records import HistoryRecord
from shared.policy.document import Policy
from shared.policy.durations import parse_duration, show_duration
from shared.policy.voices import longest_keep_on, owner_of

LONGEST_REASON = 200
LONGEST_OWNER = 100
LONGEST_CLUSTER = 400
LONGEST_TIME = 40
A_WHILE = "2h"
SAID = frozenset({"command", "wake", "postpone"})
"""Sources of a word that was said once, and that the next word replaces; tags and exceptions stay what they are."""
EARLIEST, LATEST = 2000, 2100


@dataclass(frozen=True, slots=True)
class Word:
    """What a person wants, until when (aware UTC), and why."""

    wish: Wish
    until: datetime
    owner: str
    reason: str
    source: str = "command"


@dataclass(frozen=True, slots=True)
class Verb:
    """One of the words that can be said over HTTP. `lasting` is how long without a word about it; '' asks for one."""

    name: str
    wish: Wish
    source: str = "command"
    lasting: str = ""
    reason: str = ""


VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "keep-on": Verb("keep-on", Wish.RUNNING),
        "keep-off": Verb("keep-off", Wish.STOPPED),
        "wake": Verb("wake", Wish.RUNNING, "wake", A_WHILE, "needed now"),
    }
)
_FIELDS = ("cluster", "for", "until", "reason")
_EXAMPLE = '{"cluster": "web-dev", "for": "4h", "reason": "load test"}'


def one_line(text: str) -> str:
    """Without line breaks, runs of blanks and what can't be seen."""
    kept = "".join(" " if char.isspace() else char for char in text)
    return " ".join("".join(char for char in kept if not unicodedata.category(char).startswith("C")).split())


def read_word(verb: Verb, said: Any, owner: str, now: datetime) -> tuple[str, Word]:
    """(the cluster's name or id as it was given, the word) of a JSON document such as `_EXAMPLE`.

    `now` is aware UTC. Raises InputError with one sentence for anything else.
    """
    if not isinstance(said, dict):
        raise InputError(f"the body is no JSON object: expected something such as {_EXAMPLE}")
    unknown = sorted(one_line(str(name))[:40] for name in said if name not in _FIELDS)
    if unknown:
        raise InputError(f"unknown field {unknown[0]!r}: expected cluster, for or until, and reason")
    cluster = _text(said, "cluster", LONGEST_CLUSTER)
    if not cluster:
        raise InputError('"cluster" is missing: expected the name or the id of one, such as "cluster": "web-dev"')
    reason = _text(said, "reason", LONGEST_REASON) or verb.reason
    if not reason:
        raise InputError('"reason" is missing: expected a few words, such as "reason": "load test"')
    until = _end(_text(said, "for", LONGEST_TIME), _text(said, "until", LONGEST_TIME), verb.lasting, now)
    return cluster, Word(verb.wish, until, owner, reason, verb.source)


def _text(said: Mapping[str, Any], name: str, most: int) -> str:
    """'' where the field is absent."""
    value = said.get(name, "")
    if not isinstance(value, str):
        raise InputError(f'"{name}" is no text: expected something such as {_EXAMPLE}')
    cleaned = one_line(value)
    if name in said and not cleaned:
        raise InputError(f'"{name}" is empty: expected something such as {_EXAMPLE}')
    if len(cleaned) > most:
        raise InputError(f'"{name}" is {len(cleaned)} characters long: expected at most {most}')
    return cleaned


def _end(lasting: str, until: str, fallback: str, now: datetime) -> datetime:
    if lasting and until:
        raise InputError('"for" and "until" say the same thing: give one of them, such as "for": "4h"')
    if until:
        return _instant(until, now)
    if not (lasting or fallback):
        raise InputError('for how long? expected "for": "4h", or "until": "2026-12-24T18:00Z"')
    try:
        length = parse_duration(lasting or fallback)
    except (ValueError, OverflowError):
        raise InputError(
            f'"for" is {lasting!r}, which is no duration: expected something such as "for": "4h"'
        ) from None
    if length <= timedelta(0):
        raise InputError(f'"for" is {lasting!r}, which is no time at all: expected something such as "for": "4h"')
    return now + length


def _instant(text: str, now: datetime) -> datetime:
    expected = 'expected an instant with its offset, such as "until": "2026-12-24T18:00Z"'
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or not EARLIEST < read.year < LATEST:
        raise InputError(f'"until" is {text!r}, which is no instant: {expected}')
    if read.tzinfo is None:
        raise InputError(f'"until" is {text!r}, which does not say in which zone: {expected}')
    if read <= now:
        raise InputError(f'"until" is {text!r}, which is over already: expected an instant after {_wire(now)}')
    return read.astimezone(UTC)


def objection(policy: Policy, cluster: Cluster, word: Word, now: datetime, example: str) -> str:
    """Why the policy does not let a person ask this, in one sentence; '' when it does.

    `example` shows how a length is written where the word was said, such as `--for {}`.
    """
    owner = owner_of(cluster, policy)
    where = owner.environment.name or "no environment"
    if word.wish is Wish.STOPPED:
        if owner.environment.production:
            return f"{cluster.name} is production ({where}), which Lamplighter never stops"
        return ""
    limit = longest_keep_on(policy, owner)
    if not limit or word.until - now <= limit:
        return ""
    asked = show_duration(timedelta(minutes=ceil((word.until - now) / timedelta(minutes=1))))
    at_most = example.format(show_duration(limit))
    return f"{asked} is longer than keep_on_at_most allows in {where}: expected at most {at_most}"


def hold_of(word: Word, now: datetime) -> PersonHold:
    return PersonHold(word.wish, now, word.until, word.source, word.owner, word.reason)


def with_word(memory: Memory, word: Word, now: datetime) -> Memory:
    """A new word replaces what was said before."""
    return replace(memory, holds=(*unsaid(memory, now), hold_of(word, now)))


def put_off(memory: Memory, word: Word, now: datetime) -> Memory:
    """As `with_word`, but what somebody asked to be kept on for longer stays as it is, and so does a keep-off.

    A stop that a person asked for is put off like any other: when the time is over, their word is heard again.
    """
    longer = any(h.wish is Wish.RUNNING and h.pool is None and h.until >= word.until for h in memory.holds)
    if longer:
        return memory
    off = (h for h in memory.holds if h.wish is Wish.STOPPED and h.source in SAID and h.pool is None and h.until > now)
    return replace(memory, holds=(*unsaid(memory, now), *off, hold_of(word, now)))


def unsaid(memory: Memory, now: datetime) -> tuple[PersonHold, ...]:
    """The holds that stay when what was said is taken back."""
    return tuple(
        hold for hold in memory.holds if hold.until > now and (hold.source not in SAID or hold.pool is not None)
    )


def record(cluster: str, word: Word, now: datetime) -> HistoryRecord:
    """What history keeps of a word."""
    body = {
        "wish": word.wish.value,
        "until": _wire(word.until),
        "owner": word.owner,
        "reason": word.reason,
        "source": word.source,
    }
    return HistoryRecord(now, cluster, "hold", f"{word.source}~{word.wish.value}", body)


def _wire(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
