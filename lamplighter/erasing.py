"""Somebody's name out of the journal: every line of history, and what is remembered, keeps its meaning without it.

History is otherwise only ever added to. A line keeps its key, since no key holds what people type, so writing it again
replaces it (docs/decisions/0065).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.errors import InputError

if TYPE_CHECKING:
    from shared.clients.journal import Journal
    from shared.model.memory import Memory, Stored
    from shared.model.records import HistoryRecord

ERASED = "(erased)"
SHORTEST = 3
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Found:
    """Where a name stood; `in_force`: in the policy or the emergency hold, which only others replace."""

    lines: int
    memories: int
    in_force: bool


def pattern_of(names: Iterable[str]) -> re.Pattern[str]:
    """Any of the names as whole words, in any case. Raises InputError for one that would take too much along."""
    told = [name.strip() for name in names]
    for name in told:
        if len(name) < SHORTEST:
            raise InputError(
                f'"{name}" is too short to erase: expected at least {SHORTEST} letters, such as erase "Ada Lovelace"'
            )
    longest_first = sorted(told, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def erase(journal: Journal, names: re.Pattern[str], since: datetime, until: datetime, *, do_it: bool) -> Found:
    """Look for the names in [since, until) of history and in memory; with `do_it`, write (erased) in their place.

    Raises Superseded where the app wrote a memory at the same moment: run it again.
    """
    lines = 0
    changed: list[HistoryRecord] = []
    for record in _naming(journal.history(None, since, until), names):
        lines += 1
        changed.append(record)
        if do_it and len(changed) == AT_ONCE:
            journal.append(changed)
            changed = []
    if do_it and changed:
        journal.append(changed)
    memories = [one for stored in journal.memories() if (one := _without(stored, names)) is not None]
    if do_it:
        for stored in memories:
            journal.swap(stored.value, stored.etag)
    return Found(lines, len(memories), names.search(repr(journal.fleet().value)) is not None)


def _naming(records: Iterable[HistoryRecord], names: re.Pattern[str]) -> Iterator[HistoryRecord]:
    for record in records:
        body = _cleaned(record.body, names)
        if body != record.body:
            yield replace(record, body=body)


def _cleaned(value: Any, names: re.Pattern[str]) -> Any:
    """JSON values with every text cleaned; names of fields stay."""
    if isinstance(value, str):
        return names.sub(ERASED, value)
    if isinstance(value, Mapping):
        return {key: _cleaned(one, names) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(one, names) for one in value]
    return value


def _without(stored: Stored[Memory], names: re.Pattern[str]) -> Stored[Memory] | None:
    """The memory with its holds cleaned; None when nobody is named there."""
    holds = tuple(
        replace(hold, owner=names.sub(ERASED, hold.owner), reason=names.sub(ERASED, hold.reason))
        for hold in stored.value.holds
    )
    return None if holds == stored.value.holds else replace(stored, value=replace(stored.value, holds=holds))
