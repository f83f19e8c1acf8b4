"""What is wrong with a policy file, in sentences: pydantic's errors and ours become Problems with line and example."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from shared.errors import Problem
from shared.policy.texts import as_text
from shared.policy.values import show
from shared.policy.yaml_lines import Lined, Path, one_line, show_path

M = TypeVar("M", bound=BaseModel)

_WORDS = re.compile(r"[\w./:%@+-][\w ./:%@+-]*")
_KINDS = {
    "string_type": "no text",
    "bool_type": "neither true nor false",
    "int_type": "no whole number",
    "list_type": "no list",
    "greater_than_equal": "too small",
}
MOST_SUGGESTIONS = 100


class Mistakes:
    """Collects problems of one document; `shape` turns parts of it into models on the way."""

    def __init__(self, source: str, document: Lined) -> None:
        self.source = source
        self.document = document
        self.problems: dict[Path, Problem] = dict(document.refused)

    def add(self, path: Path, message: str, expected: str = "") -> None:
        """One problem per path: the first says most."""
        said = (one_line(part) for part in (show_path(path), message, expected))
        problem = Problem(self.source, self.document.line(path), *said)
        self.problems.setdefault(path, problem)

    def add_error(self, path: Path, error: ValueError) -> None:
        """A ValueError of the house: what is wrong, then "; expected ..."."""
        message, found, expected = str(error).partition("; expected ")
        self.add(path, message, f"expected {expected}" if found else "")

    def all(self) -> tuple[Problem, ...]:
        """In the order of the file."""
        found = [*self.document.problems, *self.problems.values()]
        return tuple(sorted(found, key=lambda problem: (problem.line or 0, problem.path)))

    def shape(self, model: type[M], value: Any, path: Path, keys: Collection[str] = ()) -> M | None:
        """The value as a model; None, with every problem of it added, when it is none. `keys` are known to others."""
        try:
            return model.model_validate(value, strict=True)
        except ValidationError as error:
            # Of a union the branch that got furthest speaks; the others would only say that they did not fit.
            details = [(_real(detail, value), detail) for detail in error.errors(include_url=False)]
            paths = {at for at, _ in details}
            for at, detail in details:
                if not any(len(other) > len(at) and other[: len(at)] == at for other in paths):
                    self._translate(model, path, at, detail, keys)
            return None

    def _translate(
        self, model: type[BaseModel], base: Path, at: Path, detail: ErrorDetails, keys: Collection[str]
    ) -> None:
        kind, path, bad = detail["type"], (*base, *at), show(detail["input"])
        field = field_at(model, at)
        match kind:
            case "extra_forbidden":
                known = _keys(model_at(model, at[:-1]))
                self.unknown_key(path, {*known, *keys} if len(at) == 1 else known)
            case "missing":
                self.add(path, f"the key '{at[-1]}' is missing", _expected(field, at, with_key=True))
            case "value_error" | "too_short" if self.told_within(path):
                pass  # what is left is wrong because of what was left out
            case "value_error":
                self.add_error(path, detail["ctx"]["error"])
            case "literal_error":
                allowed = [str(word) for word in _literals(field)]
                near = self.near(str(as_text(detail["input"])), allowed)
                self.add(path, f"{bad} is not accepted here", near or f"expected {_one_of(allowed)}")
            case "model_type" | "dict_type":
                keys = ", ".join(_keys(model_at(model, at)))
                self.add(
                    path, f"{bad} is no mapping", _expected(field, at) or f"expected a mapping with the keys {keys}"
                )
            case "too_short" | "string_too_short":
                self.add(path, "there is nothing in it", _expected(field, at))
            case _:
                self.add(path, f"{bad} is {_KINDS.get(kind, 'not accepted here')}", _expected(field, at))

    def told_within(self, path: Path) -> bool:
        """Whether something inside of it is a problem already."""
        return any(other[: len(path)] == path for other in self.problems)

    def unknown_key(self, path: Path, known: Collection[str]) -> None:
        key = str(path[-1])
        self.add(path, f"the key '{key}' is not known here", self.near(key, known) or f"expected {_one_of(known)}")

    def near(self, asked: str, known: Collection[str]) -> str:
        """`near_miss` for the first mistakes of a file: comparing thousands with thousands takes minutes."""
        return near_miss(asked, known) if len(self.problems) < MOST_SUGGESTIONS else ""


def near_miss(asked: str, known: Collection[str]) -> str:
    """What was probably meant, as a question; nothing when nothing is near.

    >>> near_miss("shedule", ["schedule", "lead"]), near_miss("x", ["schedule"])
    ("did you mean 'schedule'?", '')
    """
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(asked.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean '{folded[near[0]]}'?" if near else ""


def spell(value: Any) -> str:
    """A good example as a person would write it in YAML.

    >>> spell({"environments": ["dev"], "names": ["*prod*"]})
    '{environments: [dev], names: ["*prod*"]}'
    """
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {spell(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(spell, value)) + "]"
        case bool():
            return "true" if value else "false"
        case str() if not _WORDS.fullmatch(value):
            return f'"{value}"'
        case _:
            return str(value)


def _expected(field: FieldInfo | None, at: Path, *, with_key: bool = False) -> str:
    examples = None if field is None else field.examples
    if not examples:
        return ""
    example = examples[0]
    if at and isinstance(at[-1], int) and isinstance(example, list):
        example = example[0]
    return f"expected {at[-1]}: {spell(example)}" if with_key else f"expected a value such as {spell(example)}"


def _one_of(known: Collection[str]) -> str:
    return ("one of " if len(known) > 1 else "") + ", ".join(known if isinstance(known, list) else sorted(known))


def _real(detail: ErrorDetails, value: Any) -> Path:
    """Pydantic's path without the branches of unions, and without the list that we make of one value."""
    path: list[str | int] = []
    for part in detail["loc"]:
        if isinstance(part, int):
            if isinstance(value, list):
                path.append(part)
                value = value[part]
        elif isinstance(value, dict):
            if part in value:
                path.append(part)
                value = value[part]
            elif detail["type"] == "missing" and not part.startswith("<"):
                path.append(part)
    return tuple(path)


def field_at(model: type[BaseModel], path: Path) -> FieldInfo | None:
    """The field that a path ends in, through lists and mappings of models."""
    return _walk(model, path)[0]


def model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The model of the mapping at a path."""
    return next(iter(_models(_walk(model, path)[1])), None)


def _walk(model: type[BaseModel], path: Path) -> tuple[FieldInfo | None, Any]:
    field: FieldInfo | None = None
    hint: Any = model
    for part in path:
        if isinstance(part, int):
            continue
        free = _mapping(hint)
        found = None if free else next((fields[part] for fields in map(_fields, _models(hint)) if part in fields), None)
        if found is not None:
            field, hint = found, found.annotation
        elif free:
            hint = get_args(free)[1]
    return field, hint


def _fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _keys(model: type[BaseModel] | None) -> Collection[str]:
    return () if model is None else _fields(model)


def _mapping(hint: Any) -> Any:
    """The dict[str, ...] that a type is, or may be."""
    if get_origin(hint) is dict:
        return hint
    return next((found for arg in get_args(hint) if (found := _mapping(arg))), None)


def _models(hint: Any) -> list[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [hint]
    return [model for arg in get_args(hint) for model in _models(arg)]


def _literals(field: FieldInfo | None) -> list[Any]:
    return [] if field is None else _words(field.annotation)


def _words(hint: Any) -> list[Any]:
    args = get_args(hint)
    if args and all(isinstance(arg, str | int) for arg in args):
        return list(args)
    return [word for arg in args for word in _words(arg)]
