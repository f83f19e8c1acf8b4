"""What a rule does not say itself and the environment of a cluster does: the same keys, once for all its rules. Pure.

As with guards, a rule's own value replaces the environment's; of a block within a block each key by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from shared.policy.binding import fingerprint
from shared.policy.bound import BoundRule
from shared.policy.calendars import Calendar
from shared.policy.match import Matcher, fits
from shared.policy.mistakes import Mistakes
from shared.policy.yaml_lines import Path

if TYPE_CHECKING:
    from shared.policy.document import EnvironmentRule

M = TypeVar("M", bound=BaseModel)

KINDS = ("idle",)
"""Rules whose keys an environment may give."""


def inherited(rule: BoundRule, environment: EnvironmentRule, calendars: Mapping[str, Calendar]) -> BoundRule:
    """The rule with what its clusters' environment says; the same object where that is nothing new."""
    given = environment.blocks.get(rule.kind)
    block, names = (rule.block, ()) if given is None else merged(rule.block, given)
    if not names:
        return rule
    calendar = calendars.get(getattr(block, "calendar", None) or "")
    return replace(
        rule,
        block=block,
        calendar=calendar,
        environment=environment.environment.name or "",
        inherited=names,
        fingerprint=fingerprint(rule.kind, block, rule.schedules, calendar),
    )


def merged(own: M, given: M) -> tuple[M, tuple[str, ...]]:
    """`own` with the values it was not given itself, and their names, such as `signals.cpu_percent`."""
    changed: dict[str, object] = {}
    names: list[str] = []
    for name in sorted(given.model_fields_set):
        mine, value = getattr(own, name), getattr(given, name)
        if isinstance(mine, BaseModel) and isinstance(value, BaseModel):
            changed[name], within = merged(mine, value)
            names += [f"{name}.{one}" for one in within]
        elif name not in own.model_fields_set:
            changed[name] = value
            names.append(name)
    return own.model_copy(update=changed), tuple(names)


def check_needed(
    block: BaseModel, match: Matcher | None, environments: Iterable[EnvironmentRule], path: Path, mistakes: Mistakes
) -> None:
    """Adds a mistake for each needed key that neither the rule says nor each environment it may speak for. `path`: of
    the block."""
    places = tuple(_reached(match, environments))
    for key in getattr(block, "NEEDED", ()):
        if key in block.model_fields_set:
            continue
        kind, (example, *_) = str(path[-1]), type(block).model_fields[key].examples or [""]
        without = [name for name, blocks in places if key not in _said(blocks.get(kind))]
        if without or not places:
            some = f", and the environment {without[0]} does not say it either" if len(without) < len(places) else ""
            mistakes.add(
                (*path, key),
                f"the key '{key}' is missing{some}",
                f"expected {key}: {example}, or {kind}: {{{key}: {example}}} in each environment it speaks for",
            )


def _said(block: BaseModel | None) -> set[str]:
    return set() if block is None else block.model_fields_set


def _reached(
    match: Matcher | None, environments: Iterable[EnvironmentRule]
) -> Iterator[tuple[str, Mapping[str, BaseModel]]]:
    """Environments that a rule may speak for, as far as their names tell."""
    for entry in environments:
        name, production = str(entry.environment.name), entry.environment.production
        globs = [block.environments for block in match.blocks] if match is not None else [()]
        literal = any(name.casefold() in map(str.casefold, some) for some in globs)
        if literal or (not production and any(not some or fits(name, some) for some in globs)):
            yield name, entry.blocks
