"""The small part of the Kusto language that this Resource Graph understands; everything else is a loud QueryError.

    query      Table (| operator)*            Resources, AKSResources, ResourceContainers; names without case
    where      a condition
    project    column, name = expression, ...           project-away column, ...      project-rename new = old, ...
    extend     name = expression, ...
    order by   expression [asc | desc], ...   (also sort by; desc when not said, as in Kusto)
    take N     (also limit N)                 top N by ...                            count      distinct column, ...
    summarize  [name =] count() by column, ...     (by may be left out; also countif(condition), dcount(x), min(x),
               max(x), make_set(x))

    condition  or, and, not(...), parentheses, ==  !=  =~  !~  <  <=  >  >=  in  in~  !in  !in~  and the string
               operators contains, has, startswith, endswith (with ! before and _cs behind)
    value      'text' "text" numbers true false null, column, dynamic paths a.b.c a['b'] a[0], and functions:
               tostring tolower toupper toint tobool isempty isnotempty isnull isnotnull coalesce strcat iff
               array_length split, the last with [0] and the like behind

Language: https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language
"""

from __future__ import annotations

from collections.abc import Callable

from lamplighter.simulator.kql_syntax import (
    AGGREGATES,
    COMPARISONS,
    FUNCTIONS,
    LISTS,
    STRING_OPERATORS,
    Apply,
    Expression,
    Literal,
    Operator,
    Path,
    Query,
    QueryError,
    Token,
    tokens,
    unquote,
)  # fmt: skip


def parse(text: str) -> Query:
    """The query as a value; QueryError for anything outside the subset."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = 0

    # -- tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def error(self, message: str) -> QueryError:
        return QueryError(message, self.token.at, self.text)

    def next(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def take(self, *texts: str) -> bool:
        if self.token.kind in ("sign", "word") and self.token.text in texts:
            self.at += 1
            return True
        return False

    def need(self, text: str) -> None:
        if not self.take(text):
            raise self.error(f"expected {text!r}, found {self.token.text or 'the end'!r}")

    def word(self) -> str:
        if self.token.kind != "word":
            raise self.error(f"expected a name, found {self.token.text or 'the end'!r}")
        return self.next().text

    def integer(self) -> int:
        if self.token.kind != "number" or "." in self.token.text:
            raise self.error(f"expected a whole number, found {self.token.text or 'the end'!r}")
        return int(self.next().text)

    # -- the query

    def query(self) -> Query:
        table = self.word()
        operators = []
        while self.take("|"):
            operators.append(self.operator())
        if self.token.kind != "end":
            raise self.error(f"unexpected {self.token.text!r}")
        return Query(table.lower(), tuple(operators))

    def operator(self) -> Operator:
        steps: dict[str, Callable[[str], Operator]] = {
            "where": lambda _name: Operator("where", ((None, self.condition()),)),
            "filter": lambda _name: Operator("where", ((None, self.condition()),)),
            "order": self.ordered,
            "sort": self.ordered,
            "take": lambda _name: Operator("take", number=self.integer()),
            "limit": lambda _name: Operator("take", number=self.integer()),
            "top": self.top,
            "count": Operator,
            "summarize": self.summary,
            **dict.fromkeys(("project", "extend", "project-rename", "project-away", "distinct"), self.shaped),
        }
        name = self.word()
        if name not in steps:
            self.at -= 1
            raise self.error(f"the operator {name!r} is not part of this simulator's subset")
        return steps[name](name)

    def shaped(self, name: str) -> Operator:
        return Operator(name, self.items())

    def ordered(self, _name: str) -> Operator:
        self.need("by")
        return self.ordering("order")

    def top(self, _name: str) -> Operator:
        number = self.integer()
        self.need("by")
        ordering = self.ordering("top")
        return Operator("top", ordering.items, number, ordering.descending)

    def items(self) -> tuple[tuple[str | None, Expression], ...]:
        found = [self.item()]
        while self.take(","):
            found.append(self.item())
        return tuple(found)

    def item(self) -> tuple[str | None, Expression]:
        following = self.tokens[self.at + 1]
        if self.token.kind == "word" and following.kind == "sign" and following.text == "=":
            name = self.word()
            self.next()
            return name, self.condition()
        return None, self.condition()

    def ordering(self, kind: str) -> Operator:
        items, flags = [], []
        while True:
            items.append((None, self.condition()))
            flags.append(not self.take("asc"))
            self.take("desc")
            if not self.take(","):
                return Operator(kind, tuple(items), descending=tuple(flags))

    def summary(self, _name: str) -> Operator:
        aggregates = []
        while True:
            name = None
            if self.tokens[self.at + 1].text == "=":
                name = self.word()
                self.next()
            function = self.word()
            if function not in AGGREGATES:
                self.at -= 1
                raise self.error(f"the aggregate {function!r} is not part of this simulator's subset")
            aggregates.append((name, Apply(function, self.arguments(function, AGGREGATES[function]))))
            if not self.take(","):
                break
        by = self.items() if self.take("by") else ()
        return Operator("summarize", tuple(aggregates), by=by)

    # -- expressions

    def condition(self) -> Expression:
        left = self.conjunction()
        while self.take("or"):
            left = Apply("or", (left, self.conjunction()))
        return left

    def conjunction(self) -> Expression:
        left = self.comparison()
        while self.take("and"):
            left = Apply("and", (left, self.comparison()))
        return left

    def comparison(self) -> Expression:
        left = self.value()
        text = self.token.text
        if self.token.kind == "sign" and text in COMPARISONS:
            self.next()
            return Apply(text, (left, self.value()))
        if self.token.kind == "word" and text in STRING_OPERATORS:
            self.next()
            return Apply(text, (left, self.value()))
        if self.token.kind == "word" and text in LISTS:
            self.next()
            self.need("(")
            return Apply(text, (left, *self.rest_of_arguments()))
        return left

    def value(self) -> Expression:
        token = self.token
        if token.kind == "text":
            self.next()
            return Literal(unquote(token.text))
        if token.kind == "number":
            self.next()
            return Literal(float(token.text) if "." in token.text else int(token.text))
        if self.take("-"):
            return Literal(-self.integer())
        if self.take("("):
            inside = self.condition()
            self.need(")")
            return inside
        if token.kind == "word":
            return self.named()
        raise self.error(f"expected a value, found {token.text or 'the end'!r}")

    def named(self) -> Expression:
        name = self.word()
        if self.token.text == "(" and self.token.kind == "sign":
            if name not in FUNCTIONS:
                self.at -= 1
                raise self.error(f"the function {name!r} is not part of this simulator's subset")
            made = Apply(name, self.arguments(name, FUNCTIONS[name]))
            below = self.below()
            return Apply("below", (made, *map(Literal, below))) if below else made
        if name in ("true", "false", "null"):
            return Literal({"true": True, "false": False, "null": None}[name])
        return Path(name, self.below())

    def below(self) -> tuple[str | int, ...]:
        steps: list[str | int] = []
        while True:
            if self.take("."):
                steps.append(self.word())
            elif self.take("["):
                steps.append(unquote(self.next().text) if self.token.kind == "text" else self.integer())
                self.need("]")
            else:
                return tuple(steps)

    def arguments(self, name: str, count: int) -> tuple[Expression, ...]:
        self.need("(")
        found = self.rest_of_arguments()
        if count not in (-1, len(found)):
            raise self.error(f"{name} takes {count} argument(s), not {len(found)}")
        return found

    def rest_of_arguments(self) -> tuple[Expression, ...]:
        if self.take(")"):
            return ()
        found = [self.condition()]
        while self.take(","):
            found.append(self.condition())
        self.need(")")
        return tuple(found)
