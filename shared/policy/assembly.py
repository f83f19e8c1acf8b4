"""The sections of a policy file, one after the other: each entry is shaped, checked and bound by itself.

So one bad entry hides no mistake of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from shared.policy import binding, grammar, grammar_telling, grammar_times
from shared.policy.bound import BoundRule, DigestPlan, Environment
from shared.policy.calendars import Calendar
from shared.policy.document import BUILT_IN, EnvironmentRule
from shared.policy.inheriting import KINDS, check_needed
from shared.policy.mistakes import Mistakes
from shared.policy.references import check_references, items
from shared.policy.rules import BY_KEY
from shared.policy.schedule import Schedule
from shared.policy.yaml_lines import Path

M = TypeVar("M", bound=BaseModel)

SECTIONS = ("environments", "calendars", "freezes", "schedules", "rules", "exceptions", "guards", "digest", "notify")


def assemble(data: dict[str, Any], mistakes: Mistakes) -> dict[str, Any]:
    """The parts of a Policy by name; what is left of them, not to be used, when there are mistakes."""
    data = _present(data, mistakes)
    check_references(data, mistakes)
    head = _head(data, mistakes)
    timezone = head.timezone
    calendars = _calendars(data, mistakes)
    environments = tuple(_environments(data, mistakes))
    schedules = _schedules(data, timezone, calendars, mistakes)
    freezes = [
        binding.freeze(entry, timezone, path, mistakes)
        for path, entry in _entries(grammar.FreezeEntry, data.get("freezes"), ("freezes",), mistakes)
    ]
    exceptions = _entries(grammar.ExceptionEntry, data.get("exceptions"), ("exceptions",), mistakes)
    return {
        "version": head.version,
        "mode": head.mode,
        "timezone": timezone,
        "scope": binding.scope(head.scope),
        "environments": environments,
        "rules": tuple(_rules(data, head, (schedules, calendars, environments), mistakes)),
        "schedules": schedules,
        "calendars": calendars,
        "freezes": tuple(one for one in freezes if one is not None),
        "exceptions": tuple(binding.exception(entry, timezone) for _, entry in exceptions),
        "routes": tuple(_routes(data, mistakes)),
        "guards": binding.guard_values(head.guards),
        "digest": _digest(data, mistakes),
    }


def _present(data: dict[str, Any], mistakes: Mistakes) -> dict[str, Any]:
    """Without what is not there: sections whose lines are all comments, unknown keys, values left out."""
    known = list(grammar.File.model_fields)
    present = {}
    for key, value in data.items():
        if key not in known:
            mistakes.unknown_key((key,), known)
        elif value is not None or key not in SECTIONS:
            present[key] = _filled(value, (key,), mistakes)
    return present


def _filled(value: Any, path: Path, mistakes: Mistakes) -> Any:
    """`match:` with nothing after it would mean every cluster: a value that is left out is refused."""
    if path == ("notify", "routes") and value is None:
        return []
    if isinstance(value, dict):
        return {
            key: filled for key, item in value.items() if (filled := _filled(item, (*path, key), mistakes)) is not None
        }
    if isinstance(value, list):
        return [_filled(item, (*path, index), mistakes) for index, item in enumerate(value)]
    if value is None:
        mistakes.add(path, "there is no value", "expected a value, or no such line")
    return value


def _head(data: dict[str, Any], mistakes: Mistakes) -> grammar.Head:
    said = {key: value for key, value in data.items() if key in grammar.Head.model_fields}
    head = mistakes.shape(grammar.Head, said, ())
    if head is None:
        # Go on with what is sound: other mistakes are told in the same go.
        good = {key: value for key, value in said.items() if not any(path[:1] == (key,) for path in mistakes.problems)}
        head = grammar.Head.model_validate({"version": 1} | good, strict=True)
    return head


def _entries(model: type[M], value: Any, path: Path, mistakes: Mistakes) -> list[tuple[Path, M]]:
    """The sound entries of a list."""
    if value is None:
        return []
    if not isinstance(value, list):
        mistakes.add(path, f"'{path[-1]}' is no list", f"expected '- ' before each entry of {path[-1]}")
        return []
    shaped = ((at, mistakes.shape(model, entry, at)) for at, entry in items(value, path))
    return [(at, entry) for at, entry in shaped if entry is not None]


def _mapping(model: type[M], data: dict[str, Any], section: str, mistakes: Mistakes) -> list[tuple[str, M]]:
    """The sound entries of a mapping."""
    value = data.get(section, {})
    if not isinstance(value, dict):
        mistakes.add((section,), f"'{section}' is no mapping", f"expected 'name:' before each entry of {section}")
        return []
    shaped = ((name, mistakes.shape(model, entry, (section, name))) for name, entry in value.items())
    return [(name, entry) for name, entry in shaped if entry is not None]


def _environments(data: dict[str, Any], mistakes: Mistakes) -> Iterator[EnvironmentRule]:
    """Entries as they are, but for the blocks that rules inherit."""
    value, blocks = data.get("environments"), {}
    if isinstance(value, list):
        rests = []
        for path, raw in items(value, ("environments",)):
            given = {key: raw[key] for key in KINDS if key in raw} if isinstance(raw, dict) else {}
            rests.append({key: item for key, item in raw.items() if key not in given} if given else raw)
            blocks[path] = {kind: _block(kind, item, path, mistakes) for kind, item in given.items()}
        value = rests
    for path, entry in _entries(grammar.EnvironmentEntry, value, ("environments",), mistakes):
        match, guards = binding.matcher(entry.match), binding.guard_values(entry.guards)
        sound = {kind: block for kind, block in blocks[path].items() if block is not None}
        place = Environment(entry.name, entry.production)
        yield EnvironmentRule(place, match, binding.maybe(entry.unless), guards, sound)


def _calendars(data: dict[str, Any], mistakes: Mistakes) -> Mapping[str, Calendar]:
    shaped = _mapping(grammar_times.CalendarEntry, data, "calendars", mistakes)
    refused = {path[1] for path in mistakes.problems if path[0] == "calendars" and len(path) > 1}
    return {name: binding.calendar(name, entry) for name, entry in shaped if name not in refused}


def _schedules(
    data: dict[str, Any], timezone: str, calendars: Mapping[str, Calendar], mistakes: Mistakes
) -> Mapping[str, Schedule]:
    shaped = _mapping(grammar_times.ScheduleEntry, data, "schedules", mistakes)
    return {**BUILT_IN, **{name: binding.schedule(name, entry, timezone, calendars) for name, entry in shaped}}


def _rules(
    data: dict[str, Any],
    head: grammar.Head,
    known: tuple[Mapping[str, Schedule], Mapping[str, Calendar], tuple[EnvironmentRule, ...]],
    mistakes: Mistakes,
) -> Iterator[BoundRule]:
    if not isinstance(value := data.get("rules", []), list):
        _entries(grammar.RuleEntry, value, ("rules",), mistakes)
        return
    schedules, calendars, environments = known
    by_name = {name.casefold(): one for name, one in schedules.items()}
    for path, raw in items(value, ("rules",)):
        kinds = [key for key in raw if key in BY_KEY] if isinstance(raw, dict) else []
        rest = {key: item for key, item in raw.items() if key not in kinds} if kinds else raw
        entry = mistakes.shape(grammar.RuleEntry, rest, path, tuple(BY_KEY))
        block = _rule_block(raw, kinds, path, mistakes)
        if entry is None or block is None:
            continue
        named = tuple(found for name in getattr(block, "schedule_names", ()) if (found := by_name.get(name.casefold())))
        match = binding.maybe(entry.match)
        check_needed(block, match, environments, (*path, kinds[0]), mistakes)
        calendar = calendars.get(getattr(block, "calendar", None) or "")
        yield BoundRule(
            name=entry.name,
            kind=kinds[0],
            block=block,
            schedules=named,
            calendar=calendar,
            zone=head.timezone,
            match=match,
            unless=binding.maybe(entry.unless),
            mode="plan" if head.mode == "plan" else entry.mode or head.mode,
            guards=binding.guard_values(entry.guards),
            fingerprint=binding.fingerprint(kinds[0], block, named, calendar),
        )


def _rule_block(raw: Any, kinds: list[str], path: Path, mistakes: Mistakes) -> BaseModel | None:
    """The one block of a rule."""
    if not isinstance(raw, dict):
        return None
    fields = {field.alias or name for name, field in grammar.RuleEntry.model_fields.items()}
    if not kinds and fields.issuperset(raw) and not mistakes.told_within(path):
        mistakes.add(path, "the rule says nothing", "expected one block, such as hours: {schedule: office}")
    if len(kinds) > 1:
        mistakes.add(path, f"the rule has {len(kinds)} blocks, {' and '.join(kinds)}", "expected one block per rule")
    block = None
    for kind in kinds:
        block = _block(kind, raw[kind], path, mistakes)
    return block


def _block(kind: str, raw: Any, path: Path, mistakes: Mistakes) -> BaseModel | None:
    at = (*path, kind)
    block = mistakes.shape(BY_KEY[kind].Block, raw, at)
    _no_empty_list(raw, at, mistakes)
    return block


def _no_empty_list(block: Any, path: Path, mistakes: Mistakes) -> None:
    for key, value in block.items() if isinstance(block, dict) else ():
        if value == []:
            mistakes.add((*path, key), "the list is empty", "expected at least one item, or no such line")


def _routes(data: dict[str, Any], mistakes: Mistakes) -> Iterator[Any]:
    notify = data.get("notify", {})
    routes = notify.get("routes") if isinstance(notify, dict) else None
    rest = {key: item for key, item in notify.items() if key != "routes"} if isinstance(notify, dict) else notify
    mistakes.shape(grammar_telling.Notify, rest, ("notify",))
    for _, entry in _entries(grammar_telling.RouteEntry, routes, ("notify", "routes"), mistakes):
        yield binding.route(entry)


def _digest(data: dict[str, Any], mistakes: Mistakes) -> DigestPlan | None:
    """The section, or None where there is none; one that tells nobody is a mistake."""
    if "digest" not in data:
        return None
    section = data["digest"]
    said = section.get("audiences") if isinstance(section, dict) else None
    rest = {key: item for key, item in section.items() if key != "audiences"} if isinstance(section, dict) else section
    head = mistakes.shape(grammar_telling.Digest, rest, ("digest",))
    entries = _entries(grammar_telling.AudienceEntry, said, ("digest", "audiences"), mistakes)
    if isinstance(section, dict) and not said:
        mistakes.add(("digest", "audiences"), "nobody is told",
                     "expected an audience, such as - {name: finance, to: [FINANCE_CHANNEL]}")  # fmt: skip
    audiences = tuple(binding.audience(entry) for _, entry in entries)
    return None if head is None else DigestPlan(head.weekly, audiences, head.team_tag)
