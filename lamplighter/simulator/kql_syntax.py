"""The words of the Kusto subset: what a query is made of as values, and the tokens of its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any


class QueryError(Exception):
    """The query is not understood: why, and where (line and column from 1)."""

    def __init__(self, message: str, at: int = 0, text: str = "") -> None:
        line = text.count("\n", 0, at) + 1
        column = at - (text.rfind("\n", 0, at) + 1) + 1
        super().__init__(f"{message} (line {line}, position {column})")
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A column and what is below it: `properties.powerState.code`, `tags['owner']`, `properties.pools[0]`."""

    root: str
    rest: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or operator and what it is applied to."""

    name: str
    arguments: tuple[Expression, ...]


Expression = Literal | Path | Apply


@dataclass(frozen=True, slots=True)
class Operator:
    """One step. `items` are `(name or None, expression)`; `numbers` belongs to take and top, `flags` to order."""

    kind: str
    items: tuple[tuple[str | None, Expression], ...] = ()
    number: int = 0
    descending: tuple[bool, ...] = ()
    by: tuple[tuple[str | None, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    table: str
    operators: tuple[Operator, ...] = field(default=())


FUNCTIONS = {
    "tostring": 1, "tolower": 1, "toupper": 1, "toint": 1, "tobool": 1, "isempty": 1, "isnotempty": 1, "isnull": 1,
    "isnotnull": 1, "coalesce": -1, "strcat": -1, "iff": 3, "iif": 3, "array_length": 1, "not": 1, "split": 2,
}  # fmt: skip
AGGREGATES = {"count": 0, "countif": 1, "dcount": 1, "min": 1, "max": 1, "make_set": 1}
STRING_OPERATORS = tuple(
    f"{sign}{name}{suffix}"
    for name in ("contains", "has", "startswith", "endswith")
    for sign in ("", "!")
    for suffix in ("", "_cs")
)
LISTS = ("in", "in~", "!in", "!in~")
COMPARISONS = ("==", "!=", "=~", "!~", "<=", ">=", "<", ">")

_TOKEN = re.compile(
    r"""\s+ | //[^\n]*
      | (?P<text>@?'(?:[^'\\]|\\.)*'|@?"(?:[^"\\]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<word>!?(?:in~|[A-Za-z_][A-Za-z0-9_]*(?:-(?:away|rename))?))
      | (?P<sign>==|!=|=~|!~|<=|>=|[<>=|(),.\[\]*-])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise QueryError(f"unexpected character {text[at]!r}", at, text)
        if match.lastgroup is not None:
            found.append(Token(match.lastgroup, match.group(), at))
        at = match.end()
    found.append(Token("end", "", len(text)))
    return found


def unquote(text: str) -> str:
    """A text literal without its quotes and escapes."""
    if text.startswith("@"):
        return text[2:-1]
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text[1:-1])
