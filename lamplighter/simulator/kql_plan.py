"""A parsed query -> a plan over rows: conditions become closures, the last projection is applied page by page.

A source row is any object with `column(name)` and `below(root, name)`, so that a path such as
`properties.powerState.code` does not have to build the whole of `properties`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lamplighter.simulator.kql_syntax import Apply, Expression, Literal, Operator, Path, Query, QueryError
from lamplighter.simulator.kql_values import FUNCTION_VALUES, OPERATOR_VALUES, sort_key

Value = Callable[[Any], Any]


class SourceRow(Protocol):
    """A row of a table, evaluated lazily. `key` is the lower-case id."""

    @property
    def key(self) -> str: ...

    def column(self, name: str) -> Any: ...

    def below(self, root: str, name: str | int) -> Any: ...


@dataclass(slots=True)
class Extended:
    """A source row with computed columns before it."""

    row: SourceRow
    extra: dict[str, Any]

    @property
    def key(self) -> str:
        return self.row.key

    def column(self, name: str) -> Any:
        return self.extra[name] if name in self.extra else self.row.column(name)

    def below(self, root: str, name: str | int) -> Any:
        return step(self.extra[root], name) if root in self.extra else self.row.below(root, name)


@dataclass(slots=True)
class Computed:
    """A row that a projection or summary made; `key` is that of the row behind it, if it is one."""

    values: dict[str, Any]
    key: str = ""

    def column(self, name: str) -> Any:
        return self.values[name]

    def below(self, root: str, name: str | int) -> Any:
        return step(self.values[root], name)


def step(value: Any, name: str | int) -> Any:
    """One level down into a dynamic value; None where there is nothing."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and isinstance(name, int) and -len(value) <= name < len(value):
        return value[name]
    return None


def compile_value(expression: Expression, columns: Sequence[str]) -> Value:
    """A function from a row to a value; QueryError for a column that is not there."""
    match expression:
        case Literal(value):
            return lambda _row: value
        case Path(root, rest):
            return _compile_path(root, rest, columns)
        case Apply(name, arguments):
            return _compile_apply(name, arguments, columns)


def _compile_path(root: str, rest: tuple[str | int, ...], columns: Sequence[str]) -> Value:
    if root not in columns:
        raise QueryError(f"Failed to resolve column or scalar expression named {root!r}")
    if not rest:
        return lambda row: row.column(root)
    first, others = rest[0], rest[1:]
    if not others:
        return lambda row: row.below(root, first)

    def walk(row: Any) -> Any:
        value = row.below(root, first)
        for name in others:
            value = step(value, name)
        return value

    return walk


def _compile_apply(name: str, arguments: tuple[Expression, ...], columns: Sequence[str]) -> Value:
    values = [compile_value(argument, columns) for argument in arguments]
    if name == "and":
        one, other = values
        return lambda row: bool(one(row)) and bool(other(row))
    if name == "or":
        one, other = values
        return lambda row: bool(one(row)) or bool(other(row))
    if name in OPERATOR_VALUES and all(isinstance(argument, Literal) for argument in arguments[1:]):
        # What is compared with is known now: fold its case once, not for every row.
        test = OPERATOR_VALUES[name]([argument.value for argument in arguments[1:] if isinstance(argument, Literal)])
        left = values[0]
        return lambda row: test(left(row))
    if name in OPERATOR_VALUES:
        make = OPERATOR_VALUES[name]
        left, rights = values[0], values[1:]
        return lambda row: make([right(row) for right in rights])(left(row))
    function = FUNCTION_VALUES[name]
    return lambda row: function(*[value(row) for value in values])


@dataclass(slots=True)
class Plan:
    """A compiled query. `rows(source)` gives what is left; `shape(row)` makes the answer of one of them."""

    table: str
    steps: list[Callable[[list[Any]], list[Any]]] = field(default_factory=list)
    finals: list[Callable[[Any], Any]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    by_source: bool = True
    """Whether an answer belongs to one source row, so that it can be kept until that row changes."""
    is_limited: bool = False

    def rows(self, source: Iterable[SourceRow]) -> list[Any]:
        rows: list[Any] = list(source)
        for change in self.steps:
            rows = change(rows)
        return rows

    def shape(self, row: Any) -> dict[str, Any]:
        for change in self.finals:
            row = change(row)
        return {name: row.column(name) for name in self.columns}


def compile_query(query: Query, columns: Sequence[str]) -> Plan:
    """The plan; QueryError for unknown columns. `columns` are the table's, whose rows come in the order of id."""
    plan = Plan(query.table, columns=list(columns))
    operators = _without_free_order(query.operators)
    last_filter = max((at for at, one in enumerate(operators) if one.kind not in _SHAPES), default=-1)
    for at, operator in enumerate(operators):
        if operator.kind in _SHAPES:
            change = _SHAPES[operator.kind](plan, operator)
            if at > last_filter:
                plan.finals.append(change)
            else:
                plan.steps.append(_each(change))
        else:
            _FILTERS[operator.kind](plan, operator)
    return plan


def _without_free_order(operators: tuple[Operator, ...]) -> list[Operator]:
    """Rows come in the order of id: the first ordering by it changes nothing, while `id` is still that column."""
    kept: list[Operator] = []
    untouched = True
    for operator in operators:
        if operator.kind == "order":
            free = untouched and operator.items[0] == (None, Path("id")) and not operator.descending[0]
            untouched = False
            if free:
                continue
        elif operator.kind in ("summarize", "count", "distinct", "project-rename"):
            untouched = False
        elif operator.kind in ("project", "extend"):
            names = {_name(item, 0): item[1] for item in operator.items}
            untouched = untouched and names.get("id", Path("id")) == Path("id")
            untouched = untouched and (operator.kind == "extend" or "id" in names)
        kept.append(operator)
    return kept


def _each(change: Callable[[Any], Any]) -> Callable[[list[Any]], list[Any]]:
    return lambda rows: [change(row) for row in rows]


def _name(item: tuple[str | None, Expression], number: int) -> str:
    """Column names as Kusto gives them: `properties.a.b` becomes `properties_a_b`, tostring(x) keeps x's name."""
    name, expression = item
    if name is not None:
        return name
    if isinstance(expression, Path):
        return "_".join(str(part) for part in (expression.root, *expression.rest))
    if isinstance(expression, Apply) and expression.name in ("tostring", "toint", "tobool"):
        return _name((None, expression.arguments[0]), number)
    return f"Column{number}"


def _project(plan: Plan, operator: Operator) -> Callable[[Any], Any]:
    made = [
        (_name(item, number), compile_value(item[1], plan.columns)) for number, item in enumerate(operator.items, 1)
    ]
    plan.columns = [name for name, _ in made]
    return lambda row: Computed({name: value(row) for name, value in made}, row.key)


def _extend(plan: Plan, operator: Operator) -> Callable[[Any], Any]:
    made = [
        (_name(item, number), compile_value(item[1], plan.columns)) for number, item in enumerate(operator.items, 1)
    ]
    plan.columns = [*plan.columns, *(name for name, _ in made if name not in plan.columns)]
    return lambda row: Extended(row, {name: value(row) for name, value in made})


def _away(plan: Plan, operator: Operator) -> Callable[[Any], Any]:
    gone = {item[1].root for item in operator.items if isinstance(item[1], Path)}
    if missing := gone - set(plan.columns):
        raise QueryError(f"Failed to resolve column named {min(missing)!r}")
    plan.columns = [name for name in plan.columns if name not in gone]
    return lambda row: row


def _rename(plan: Plan, operator: Operator) -> Callable[[Any], Any]:
    pairs = {item[1].root: item[0] for item in operator.items if isinstance(item[1], Path) and item[0]}
    if missing := pairs.keys() - set(plan.columns):
        raise QueryError(f"Failed to resolve column named {min(missing)!r}")
    before = list(plan.columns)
    plan.columns = [pairs.get(name) or name for name in before]
    return lambda row: Computed({pairs.get(name) or name: row.column(name) for name in before}, row.key)


def _where(plan: Plan, operator: Operator) -> None:
    test = compile_value(operator.items[0][1], plan.columns)
    plan.steps.append(lambda rows: [row for row in rows if test(row) is True])


def _order(plan: Plan, operator: Operator) -> None:
    pairs = [
        (compile_value(item[1], plan.columns), down)
        for item, down in zip(operator.items, operator.descending, strict=True)
    ]

    def change(rows: list[Any]) -> list[Any]:
        # Stable: the last key first.
        for value, down in reversed(pairs):
            rows = sorted(rows, key=lambda row, value=value: sort_key(value(row)), reverse=down)  # type: ignore[misc]
        return rows

    plan.steps.append(change)


def _take(plan: Plan, operator: Operator) -> None:
    number = operator.number
    plan.is_limited = True
    plan.steps.append(lambda rows: rows[:number])


def _top(plan: Plan, operator: Operator) -> None:
    _order(plan, operator)
    _take(plan, operator)


def _count(plan: Plan, _operator: Operator) -> None:
    plan.columns, plan.by_source = ["Count"], False
    plan.steps.append(lambda rows: [Computed({"Count": len(rows)})])


def _summarize(plan: Plan, operator: Operator) -> None:
    keys = [(_name(item, number), compile_value(item[1], plan.columns)) for number, item in enumerate(operator.by, 1)]
    made: list[tuple[str, str, Value | None]] = []
    for name, expression in operator.items:
        if not isinstance(expression, Apply):
            raise QueryError("summarize needs an aggregate such as count()")
        argument = compile_value(expression.arguments[0], plan.columns) if expression.arguments else None
        made.append((name or f"{expression.name}_", expression.name, argument))
    plan.columns, plan.by_source = [*(name for name, _ in keys), *(name for name, _, _ in made)], False

    def change(rows: list[Any]) -> list[Any]:
        groups: dict[str, tuple[list[Any], list[Any]]] = {}
        for row in rows:
            key = [value(row) for _, value in keys]
            groups.setdefault(repr(key), (key, []))[1].append(row)
        if not keys and not groups:
            groups[""] = ([], [])
        return [
            Computed(
                {
                    **dict(zip((name for name, _ in keys), key, strict=True)),
                    **{name: _aggregate(kind, value, members) for name, kind, value in made},
                }
            )
            for key, members in groups.values()
        ]

    plan.steps.append(change)


def _aggregate(kind: str, value: Value | None, rows: list[Any]) -> Any:
    if value is None:
        return len(rows)
    if kind == "countif":
        return sum(value(row) is True for row in rows)
    found = [one for one in (value(row) for row in rows) if one is not None]
    unique = list({repr(one): one for one in found}.values())
    match kind:
        case "dcount":
            return len(unique)
        case "make_set":
            return unique
        case "min":
            return min(found, key=sort_key, default=None)
        case _:
            return max(found, key=sort_key, default=None)


def _distinct(plan: Plan, operator: Operator) -> None:
    change = _project(plan, operator)
    plan.by_source = False
    plan.steps.append(lambda rows: list({repr(made.values): made for made in (change(row) for row in rows)}.values()))


_SHAPES: dict[str, Callable[[Plan, Operator], Callable[[Any], Any]]] = {
    "project": _project,
    "extend": _extend,
    "project-away": _away,
    "project-rename": _rename,
}
_FILTERS: dict[str, Callable[[Plan, Operator], None]] = {
    "where": _where,
    "order": _order,
    "take": _take,
    "top": _top,
    "count": _count,
    "summarize": _summarize,
    "distinct": _distinct,
}
