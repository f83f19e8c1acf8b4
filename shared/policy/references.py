"""Names that point at something in a policy file: that it is there, once, and not empty.

Works on plain values, so that a misspelt name is told together with every other mistake of the entry it stands in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from shared.policy.calendars import check_country
from shared.policy.mistakes import Mistakes
from shared.policy.texts import as_text
from shared.policy.values import GLOB
from shared.policy.yaml_lines import Path

BUILT_IN_SCHEDULES = ("always", "never")


def check_references(data: dict[str, Any], mistakes: Mistakes) -> None:
    """Adds a mistake for each name that is given twice or that points at nothing."""
    for section in ("environments", "rules", "freezes"):
        _once(_named(data, section), mistakes)
    _once(_audiences(data), mistakes)
    _schedules_once(data, mistakes)
    environments = {name.casefold(): name for name, _ in _named(data, "environments")}
    for path, name in _environment_names(data):
        if name.casefold() not in environments and not GLOB.search(name):
            _unknown(name, path, ("environment", environments.values(), "environments"), mistakes)
    _rings(data, environments, mistakes)
    schedules = {name.casefold(): name for name in (*_keys(data, "schedules"), *BUILT_IN_SCHEDULES)}
    for path, name in _schedule_names(data):
        if name.casefold() not in schedules:
            _unknown(name, path, ("schedule", schedules.values(), "schedules"), mistakes)
    _countries(data, mistakes)
    calendars = _keys(data, "calendars")
    for path, name in _calendar_names(data):
        if name not in calendars:
            _unknown(name, path, ("calendar", calendars, "calendars"), mistakes)


def _rings(data: dict[str, Any], environments: dict[str, str], mistakes: Mistakes) -> None:
    """Rings are environments of the file, each once, none of them production: that is reported, whatever is written."""
    entries = (entry for _, entry in items(data.get("environments"), ("environments",)) if isinstance(entry, dict))
    production = {str(as_text(entry.get("name"))).casefold() for entry in entries if entry.get("production") is True}
    for path, entry in items(data.get("rules"), ("rules",)):
        block = entry.get("upgrades") if isinstance(entry, dict) else None
        seen: set[str] = set()
        for at, name in _texts(block.get("rings"), (*path, "upgrades", "rings")) if isinstance(block, dict) else ():
            folded = name.casefold()
            if folded in production:
                mistakes.add(at, f"'{name}' is production, which is reported and never upgraded",
                             "expected environments outside production, such as [dev, staging]")  # fmt: skip
            elif environments.get(folded) != name:
                _unknown(name, at, ("environment", environments.values(), "environments"), mistakes)
            elif folded in seen:
                mistakes.add(at, f"the ring '{name}' is there twice", "expected each environment once")
            seen.add(folded)


def _unknown(name: str, path: Path, kind: tuple[str, Collection[str], str], mistakes: Mistakes) -> None:
    noun, known, section = kind
    listed = f"expected one of {', '.join(known)}" if known else f"expected the name of an entry under {section}"
    mistakes.add(path, f"there is no {noun} '{name}'", mistakes.near(name, known) or listed)


def _once(named: Iterable[tuple[str, Path]], mistakes: Mistakes) -> None:
    first: dict[str, Path] = {}
    for name, path in named:
        other = first.setdefault(name.casefold(), path)
        if other != path:
            mistakes.add(path, f"the name '{name}' is taken, first in line {mistakes.document.line(other)}",
                         "expected another name, since upper and lower case are one")  # fmt: skip


def _schedules_once(data: dict[str, Any], mistakes: Mistakes) -> None:
    first: dict[str, str] = {}
    for name in _keys(data, "schedules"):
        if name.casefold() in BUILT_IN_SCHEDULES:
            mistakes.add(
                ("schedules", name), f"the schedule '{name}' is built in", "expected another name, such as office"
            )
        elif first.setdefault(name.casefold(), name) != name:
            mistakes.add(("schedules", name), f"the name '{name}' is taken by '{first[name.casefold()]}'",
                         "expected another name, since upper and lower case are one")  # fmt: skip


def _countries(data: dict[str, Any], mistakes: Mistakes) -> None:
    for name in _keys(data, "calendars"):
        entry = data["calendars"][name]
        said = entry if isinstance(entry, dict) else {}
        country, subdivision = (as_text(said.get(key)) for key in ("country", "subdivision"))
        for key, part in (("country", None), ("subdivision", subdivision)):
            if isinstance(country, str | None) and isinstance(part, str | None):
                try:
                    check_country(country, part)
                except ValueError as error:
                    mistakes.add_error(("calendars", name, key), error)
                    break


def _named(data: dict[str, Any], section: str) -> Iterator[tuple[str, Path]]:
    yield from _names(items(data.get(section), (section,)))


def _audiences(data: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    digest = data.get("digest")
    audiences = digest.get("audiences") if isinstance(digest, dict) else None
    yield from _names(items(audiences, ("digest", "audiences")))


def _names(entries: Iterable[tuple[Path, Any]]) -> Iterator[tuple[str, Path]]:
    for path, entry in entries:
        if isinstance(entry, dict) and isinstance(name := as_text(entry.get("name")), str):
            yield name, (*path, "name")


def _keys(data: dict[str, Any], section: str) -> list[str]:
    entries = data.get(section)
    return list(entries) if isinstance(entries, dict) else []


def _environment_names(data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    notify = data.get("notify")
    routes = notify.get("routes") if isinstance(notify, dict) else None
    digest = data.get("digest")
    audiences = digest.get("audiences") if isinstance(digest, dict) else None
    entries = [
        *items(data.get("rules"), ("rules",)),
        *items(data.get("freezes"), ("freezes",)),
        *items(routes, ("notify", "routes")),
        *items(audiences, ("digest", "audiences")),
    ]
    for path, entry in entries:
        for key in ("match", "except") if isinstance(entry, dict) else ():
            for at, block in one_or_more(entry.get(key), (*path, key)):
                if isinstance(block, dict):
                    yield from _texts(block.get("environments"), (*at, "environments"))


def _schedule_names(data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    for path, entry in items(data.get("rules"), ("rules",)):
        for key, name in (("hours", "schedule"), ("upgrades", "window")):
            block = entry.get(key) if isinstance(entry, dict) else None
            if isinstance(block, dict):
                yield from _texts(block.get(name), (*path, key, name))


def _calendar_names(data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    schedules = data.get("schedules")
    for name, entry in schedules.items() if isinstance(schedules, dict) else ():
        if isinstance(entry, dict):
            yield from _texts(entry.get("calendar"), ("schedules", name, "calendar"))
    for path, entry in (*items(data.get("rules"), ("rules",)), *items(data.get("environments"), ("environments",))):
        block = entry.get("idle") if isinstance(entry, dict) else None
        if isinstance(block, dict) and isinstance(name := as_text(block.get("calendar")), str):
            yield (*path, "idle", "calendar"), name


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    for at, item in one_or_more(value, path):
        if isinstance(text := as_text(item), str):
            yield at, text


def items(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """The items of a list, each with its path; nothing of anything else."""
    if isinstance(value, list):
        yield from (((*path, index), item) for index, item in enumerate(value))


def one_or_more(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """The items of a list, or the one value that stands for it."""
    if isinstance(value, list):
        yield from items(value, path)
    else:
        yield path, value
