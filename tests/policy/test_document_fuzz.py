"""Whatever the text: a Policy, or a PolicyError whose every problem is one line. Nothing else, and soon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.errors import PolicyError, Problem
from shared.policy.document import Policy, read_policy

FULL = (Path(__file__).parents[2] / "tests/data/policy_full.yaml").read_text("utf-8")
LINES = FULL.splitlines()

WORDS = st.sampled_from(
    [
        "version",
        "mode",
        "timezone",
        "scope",
        "environments",
        "calendars",
        "freezes",
        "schedules",
        "rules",
        "exceptions",
        "guards",
        "notify",
        "routes",
        "to",
        "match",
        "except",
        "tags",
        "names",
        "subscriptions",
        "production",
        "hours",
        "schedule",
        "lead",
        "inside",
        "pools",
        "only",
        "enforce",
        "running",
        "from",
        "until",
        "keep",
        "hold",
        "name",
        "cluster",
        "owner",
        "reason",
        "reasons",
        "stops",
        "at_most",
        "within",
        "breaker",
        "failures",
        "min_off",
        "country",
        "subdivision",
        "closed",
        "open",
        "idle",
        "digest",
        "always",
        "office",
        "DE",
        "NO",
        "plan",
        "act",
        "UTC",
        "25%",
        "20m",
        "2026-12-24",
        "2026-12-24T08:00",
        "Mon-Fri<<",
    ]
)
SCALARS = st.one_of(
    WORDS, WORDS, st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=True), st.text(max_size=8),
    st.sampled_from(["a\nb", "\x1b[31m", "\u2028", "9" * 30, "0001-01-01", "9998-12-31", "9999-12-31T24:00", "1e400", "-20m", "999999999d", "{", "[*"]),
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=25
)


def check(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        read = read_policy(text, "policy.yaml")
    except PolicyError as refused:
        read, problems = None, refused.problems
    assert isinstance(read, Policy) or problems
    assert all(problem.message and len(str(problem).splitlines()) == 1 for problem in problems)


def flow(value: Any) -> str:
    """Any value as YAML on one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str() if not value.isprintable():
            return json.dumps(value)
        case _:
            return str(value)


@given(st.dictionaries(WORDS, VALUES, max_size=6))
@settings(max_examples=300, deadline=None)
def test_documents_made_of_our_words(document: dict[str, Any]) -> None:
    check("\n".join(f"{key}: {flow(value)}" for key, value in ({"version": 1} | document).items()))


@given(st.text(max_size=200))
@example("\ud800")
@example("a: \x85")
@example("? ? ?")
@example("!<tag:yaml.org,2002:int> []")
@example("a: !!float x")
@example("%YAML 9.9.9\n--- a")
@settings(max_examples=300, deadline=None)
def test_any_text(text: str) -> None:
    check(text)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%#?, \n\t<=", max_size=60))
@settings(max_examples=500, deadline=None)
def test_yaml_s_own_characters(text: str) -> None:
    check(text)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_good_policy_with_one_line_changed(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(LINES) - 1))
    line = LINES[number]
    cut = data.draw(st.integers(0, len(line)))
    until = data.draw(st.integers(cut, min(len(line), cut + 12)))
    changed = line[:cut] + data.draw(st.one_of(st.just(""), VALUES.map(flow), st.text(max_size=6))) + line[until:]
    check("\n".join([*LINES[:number], changed, *LINES[number + 1 :]]))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_good_policy_with_lines_lost_doubled_or_swapped(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        at, to = data.draw(st.tuples(st.integers(0, len(lines) - 1), st.integers(0, len(lines) - 1)))
        match data.draw(st.sampled_from(["lost", "doubled", "swapped"])):
            case "lost":
                del lines[at]
            case "doubled":
                lines.insert(to, lines[at])
            case _:
                lines[at], lines[to] = lines[to], lines[at]
    check("\n".join(lines))
