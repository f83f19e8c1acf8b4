"""What the operators and functions of the Kusto subset mean.

Operators are made from what stands on their right (`make(rights)(left)`), so that a constant is prepared once.
A comparison with null is false (null is not equal to anything), `!=` and the like included only where Kusto says so:
https://learn.microsoft.com/kusto/query/scalar-data-types/null-values
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Test = Callable[[Any], bool]


def text(value: Any) -> str:
    """`tostring`: null is empty, booleans are lower-case, dynamic values are JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, separators=(",", ":")) if isinstance(value, (dict, list)) else str(value)


def sort_key(value: Any) -> tuple[int, float, str]:
    """An order among values of any type: null, then numbers, then texts."""
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, (bool, int, float)):
        return 1, float(value), ""
    return 2, 0.0, text(value)


def _equal(rights: list[Any]) -> Test:
    right = rights[0]
    return lambda left: left is not None and left == right


def _unequal(rights: list[Any]) -> Test:
    right = rights[0]
    return lambda left: left != right


def _alike(rights: list[Any]) -> Test:
    right = text(rights[0]).lower()
    return lambda left: text(left).lower() == right


def _unlike(rights: list[Any]) -> Test:
    right = text(rights[0]).lower()
    return lambda left: text(left).lower() != right


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[list[Any]], Test]:
    def make(rights: list[Any]) -> Test:
        right = rights[0]
        if right is None:
            return lambda _left: False
        key = sort_key(right)
        return lambda left: left is not None and test(sort_key(left), key)

    return make


def _among(rights: list[Any], *, fold: bool) -> set[str]:
    flat: list[Any] = []
    for right in rights:
        flat.extend(right if isinstance(right, list) else [right])
    return {text(one).lower() if fold else text(one) for one in flat}


def _within(*, fold: bool, wanted: bool) -> Callable[[list[Any]], Test]:
    def make(rights: list[Any]) -> Test:
        among = _among(rights, fold=fold)
        if fold:
            return lambda left: (text(left).lower() in among) is wanted
        return lambda left: (text(left) in among) is wanted

    return make


def _has(haystack: str, needle: str) -> bool:
    """Whole terms: sequences of letters and digits."""
    return re.search(rf"(?<![^\W_]){re.escape(needle)}(?![^\W_])", haystack) is not None


_STRING_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda haystack, needle: needle in haystack,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "has": _has,
}


def _string(test: Callable[[str, str], bool], *, fold: bool, wanted: bool) -> Callable[[list[Any]], Test]:
    def make(rights: list[Any]) -> Test:
        right = text(rights[0]).lower() if fold else text(rights[0])
        if fold:
            return lambda left: test(text(left).lower(), right) is wanted
        return lambda left: test(text(left), right) is wanted

    return make


OPERATOR_VALUES: dict[str, Callable[[list[Any]], Test]] = {
    "==": _equal,
    "!=": _unequal,
    "=~": _alike,
    "!~": _unlike,
    "<": _compare(lambda left, right: bool(left < right)),
    "<=": _compare(lambda left, right: bool(left <= right)),
    ">": _compare(lambda left, right: bool(left > right)),
    ">=": _compare(lambda left, right: bool(left >= right)),
    "in": _within(fold=False, wanted=True),
    "in~": _within(fold=True, wanted=True),
    "!in": _within(fold=False, wanted=False),
    "!in~": _within(fold=True, wanted=False),
    **{
        f"{sign}{name}{suffix}": _string(test, fold=not suffix, wanted=not sign)
        for name, test in _STRING_TESTS.items()
        for sign in ("", "!")
        for suffix in ("", "_cs")
    },
}


def _to_int(value: Any) -> int | None:
    try:
        return int(float(text(value)))
    except ValueError:
        return None


def _to_bool(value: Any) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(text(value).lower())


def _below(value: Any, *names: str | int) -> Any:
    for name in names:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and isinstance(name, int) and -len(value) <= name < len(value):
            value = value[name]
        else:
            return None
    return value


FUNCTION_VALUES: dict[str, Callable[..., Any]] = {
    "tostring": text,
    "tolower": lambda value: text(value).lower(),
    "toupper": lambda value: text(value).upper(),
    "toint": _to_int,
    "tobool": _to_bool,
    "isempty": lambda value: text(value) == "",
    "isnotempty": lambda value: text(value) != "",
    "isnull": lambda value: value is None,
    "isnotnull": lambda value: value is not None,
    "coalesce": lambda *values: next((value for value in values if value not in (None, "")), None),
    "strcat": lambda *values: "".join(text(value) for value in values),
    "iff": lambda test, yes, no: yes if test is True else no,
    "iif": lambda test, yes, no: yes if test is True else no,
    "array_length": lambda value: len(value) if isinstance(value, list) else None,
    "split": lambda value, by: text(value).split(text(by)),
    "below": _below,
    "not": lambda value: None if value is None else not value,
}
