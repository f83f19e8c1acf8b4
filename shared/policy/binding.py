"""From the grammar's models to values that can be asked: names resolved, times as instants, globs in lower case."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2s
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from shared.model.fleet import Scope
from shared.model.memory import Wish
from shared.policy import grammar, grammar_telling, grammar_times, grammar_where
from shared.policy.bound import BreakerLimit, DigestAudience, Freeze, Guards, KeepException, Route, StopBudget
from shared.policy.calendars import Calendar
from shared.policy.match import Block, Matcher
from shared.policy.mistakes import Mistakes
from shared.policy.schedule import Schedule
from shared.policy.windows import DateRange, WeeklyWindow
from shared.policy.yaml_lines import Path


def scope(entry: str | grammar_where.Scope) -> Scope:
    if isinstance(entry, str):
        return Scope()
    return Scope(tuple(entry.subscriptions or ()), tuple(entry.management_groups or ()))


def matcher(blocks: Iterable[grammar_where.Where]) -> Matcher:
    return Matcher(tuple(map(_block, blocks)))


def maybe(blocks: Iterable[grammar_where.Where] | None) -> Matcher | None:
    return None if blocks is None else matcher(blocks)


def _block(block: grammar_where.Where) -> Block:
    return Block(
        tags=MappingProxyType({name.casefold(): tuple(globs) for name, globs in (block.tags or {}).items()}),
        names=tuple(block.names or ()),
        resource_groups=tuple(block.resource_groups or ()),
        subscriptions=tuple(block.subscriptions or ()),
        # The portal writes "West Europe" where the API says westeurope.
        locations=tuple(glob.replace(" ", "") for glob in block.locations or ()),
        environments=tuple(getattr(block, "environments", None) or ()),
    )


def guard_values(entry: grammar.Guards | None) -> Mapping[str, Any]:
    """Only what the entry sets, under the names of `bound.Guards`."""
    if entry is None:
        return MappingProxyType({})
    values = {name: getattr(entry, name) for name in entry.model_fields_set}
    if "fleet_members" in values:
        values["fleet_members"] = values["fleet_members"] == "allow"
    if "stops" in values:
        values["stops"] = StopBudget(values["stops"].at_most, values["stops"].within)
    if "breaker" in values:
        values["breaker"] = BreakerLimit(values["breaker"].failures, values["breaker"].within)
    return MappingProxyType(values)


def guards(*layers: Mapping[str, Any]) -> Guards:
    """The guards in force: a later layer's value replaces an earlier one's."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged |= layer
    return Guards(**merged)


def calendar(name: str, entry: grammar_times.CalendarEntry) -> Calendar:
    """Country and subdivision are known to be good, ranges to end after they begin."""
    closed = tuple(
        (day.first, day.last) if isinstance(day, grammar_times.Dates) else (day, day) for day in entry.closed or ()
    )
    return Calendar(name, entry.country, entry.subdivision, closed, frozenset(entry.open or ()))


def schedule(
    name: str, entry: grammar_times.ScheduleEntry, timezone: str, calendars: Mapping[str, Calendar]
) -> Schedule:
    windows = tuple(item.window() if isinstance(item, grammar_times.Range) else item for item in entry.running)
    return Schedule(name, entry.timezone or timezone, windows, calendars.get(entry.calendar or ""))


def freeze(entry: grammar.FreezeEntry, timezone: str, path: Path, mistakes: Mistakes) -> Freeze | None:
    begin, end = entry.begin.begins(timezone), entry.end.ends(timezone)
    if begin >= end:
        mistakes.add((*path, "to"), f"the freeze '{entry.name}' does not end after it begins",
                     "expected a later time, such as from: 2026-12-28T00:00 and to: 2027-01-04T06:00")  # fmt: skip
        return None
    return Freeze(entry.name, begin, end, frozenset(entry.hold), maybe(entry.match))


def exception(entry: grammar.ExceptionEntry, timezone: str) -> KeepException:
    wish = Wish(entry.keep)
    until = entry.until.ends(timezone) if wish is Wish.RUNNING else entry.until.until(timezone)
    return KeepException(entry.cluster, wish, until, entry.owner, entry.reason)


def route(entry: grammar_telling.RouteEntry) -> Route:
    reasons = None if entry.reasons is None else frozenset(entry.reasons)
    return Route(tuple(entry.to), maybe(entry.match), maybe(entry.unless), reasons)


def audience(entry: grammar_telling.AudienceEntry) -> DigestAudience:
    return DigestAudience(entry.name, tuple(entry.to), maybe(entry.match), maybe(entry.unless))


def fingerprint(kind: str, block: BaseModel, schedules: Iterable[Schedule], calendar: Calendar | None = None) -> str:
    """What adoption is bound to: the block, its schedules and their calendars, and its own. The same on every machine.

    Not the rule's name, match, mode and guards: they change whom a rule speaks for and how carefully, not what it
    wants. Not how a window is written, nor the names of schedules beyond what the block itself says.
    """
    what = {
        "kind": kind,
        "block": block.model_dump(mode="json", exclude_defaults=True),
        "schedules": [_canonical_schedule(one) for one in schedules],
    }
    if calendar is not None:
        what["calendar"] = _canonical_calendar(calendar)
    return blake2s(json.dumps(what, sort_keys=True).encode(), digest_size=16).hexdigest()


def _canonical_schedule(one: Schedule) -> Mapping[str, Any]:
    return {
        "zone": one.zone,
        "windows": sorted(json.dumps(_canonical_window(window)) for window in one.windows),
        "calendar": one.calendar and _canonical_calendar(one.calendar),
    }


def _canonical_calendar(calendar: Calendar) -> Mapping[str, Any]:
    return {
        "country": calendar.country,
        "subdivision": calendar.subdivision,
        "closed": sorted([first.isoformat(), last.isoformat()] for first, last in calendar.closed),
        "open": sorted(day.isoformat() for day in calendar.open),
    }


def _canonical_window(window: WeeklyWindow | DateRange) -> list[Any]:
    if isinstance(window, DateRange):
        return [window.begin.isoformat(), window.end.isoformat()]
    return [[list(day) for day in window.days], window.begin.isoformat(), window.end.isoformat(), window.later]
