"""policy.schema.json: what editors complete and check policy.yaml with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lamplighter.commands.schema import schema as write
from shared.errors import InputError, LamplighterError, PolicyError
from shared.policy.document import read_policy
from shared.policy.rules import BY_KEY
from shared.policy.schema import policy_schema
from shared.policy.yaml_lines import read_yaml

ROOT = Path(__file__).parents[2]
SCHEMA = policy_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def is_valid(text: str) -> bool:
    return VALIDATOR.is_valid(read_yaml(text, "policy.yaml").value)


def test_the_committed_file_is_current() -> None:
    """When this fails, run: lamplighter schema"""
    assert json.loads((ROOT / "policy.schema.json").read_text("utf-8")) == SCHEMA
    write(check=True, file=ROOT / "policy.schema.json")


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == VALIDATOR.META_SCHEMA["$id"]


@pytest.mark.parametrize("file", ["policy.yaml", "tests/data/policy_full.yaml"])
def test_it_accepts_what_is_good(file: str) -> None:
    data = read_yaml((ROOT / file).read_text("utf-8"), file).value
    assert [error.json_path + " " + error.message for error in VALIDATOR.iter_errors(data)] == []


def test_an_empty_section_is_good() -> None:
    assert is_valid("version: 1\nrules:\nnotify:\n  routes:\nguards:\nschedules:\n")


@pytest.mark.parametrize(
    "text",
    [
        "mode: plan",
        "version: 2",
        "version: 1\nmode: acting",
        "version: 1\nrule: []",
        "version: 1\nscope: {}",
        "version: 1\nscope: {subscriptions: [mine]}",
        "version: 1\ntimezone: CET",
        "version: 1\nenvironments: [{name: dev}]",
        "version: 1\nenvironments: [{name: 'd*', match: {names: a}}]",
        "version: 1\nenvironments: [{name: dev, match: {}}]",
        "version: 1\nenvironments: [{name: dev, match: {tag: {a: b}}}]",
        "version: 1\nenvironments: [{name: dev, match: {environments: dev}}]",
        "version: 1\nenvironments: [{name: dev, production: yes, match: {names: a}}]",
        "version: 1\nschedules: {a: {running: []}}",
        "version: 1\nschedules: {a: {running: [07:30-19:00]}}",
        "version: 1\nschedules: {a: {running: [{from: 2026-12-05}]}}",
        "version: 1\nrules: [{name: a}]",
        "version: 1\nrules: [{name: a, hours: {}}]",
        "version: 1\nrules: [{name: a, hours: {schedule: b, lead: 20}}]",
        "version: 1\nrules: [{name: a, hours: {schedule: b}, match: }]",
        "version: 1\nguards: {stops: {at_most: 0, within: 1h}}",
        "version: 1\nguards: {min_off: 2}",
        "version: 1\nexceptions: [{cluster: a, keep: on, until: 2026-12-18, owner: a, reason: b}]",
        "version: 1\nnotify: {routes: [{to: 'https://example.com/x'}]}",
        "version: 1\nnotify: {routes: [{to: A, reasons: [stop_son]}]}",
        "version: 1\nfreezes: [{name: a, from: 2026-12-05, to: 2026-12-06, hold: [stops]}]",
        "version: 1\ncalendars: {a: {closed: [24.12.2026]}}",
    ],
)
def test_it_refuses_what_is_bad(text: str) -> None:
    assert not is_valid(text)
    with pytest.raises(PolicyError):
        read_policy(text, "policy.yaml")


def properties(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        for name, inner in node.get("properties", {}).items():
            yield f"{path}/{name}", inner
        for key, inner in node.items():
            yield from properties(inner, f"{path}/{key}")
    elif isinstance(node, list):
        for inner in node:
            yield from properties(inner, path)


def test_editors_can_explain_every_key() -> None:
    """Each key has a description and an example of its own, or is a section described by its entries."""
    keys = list(properties(SCHEMA))
    assert len(keys) > 60
    for path, inner in keys:
        described = inner if "description" in inner else SCHEMA["$defs"][inner["$ref"].rpartition("/")[2]]
        assert described["description"], path
        is_section = path.count("/") == 1 or "$ref" in inner
        assert is_section or inner.get("examples"), path


def test_examples_are_good_values() -> None:
    for path, inner in properties(SCHEMA):
        rooted = Draft202012Validator({**inner, "$defs": SCHEMA["$defs"]})
        for example in inner.get("examples", ()):
            assert rooted.is_valid(example), (path, example)


def test_nothing_of_the_machinery_is_left() -> None:
    text = json.dumps(SCHEMA)
    assert not re.search(r'"title": "(?!policy\.yaml)|"default"|pydantic|<block>', text)


def test_every_rule_is_in_it() -> None:
    rule = SCHEMA["$defs"]["RuleEntry"]
    assert set(BY_KEY) <= set(rule["properties"])


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_the_reader_takes_the_schema_takes(data: st.DataObject) -> None:
    """An editor never marks what `lamplighter check` accepts."""
    lines = (ROOT / "tests/data/policy_full.yaml").read_text("utf-8").splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        del lines[data.draw(st.integers(0, len(lines) - 1))]
    text = "\n".join(lines)
    try:
        read_policy(text, "policy.yaml")
    except PolicyError:
        return
    assert is_valid(text)


class TestWriting:
    def test_it_is_written_and_then_current(self, tmp_path: Path) -> None:
        file = tmp_path / "policy.schema.json"
        with pytest.raises(LamplighterError, match="is not current; run: lamplighter schema"):
            write(check=True, file=file)
        write(check=False, file=file)
        write(check=True, file=file)
        file.write_text("{}")
        with pytest.raises(LamplighterError, match="is not current"):
            write(check=True, file=file)

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be written or read: "):
            write(check=False, file=tmp_path)


@pytest.mark.reference
def test_it_accepts_the_reference_grammar() -> None:
    import os

    folder = os.environ.get("LAMPLIGHTER_REFERENCE")
    if not folder:
        pytest.skip("LAMPLIGHTER_REFERENCE names no folder with the reference data")
    text = (Path(folder) / "policy.example.yaml").read_text("utf-8")
    data = read_yaml(text, "policy.example.yaml").value
    assert [error.json_path for error in VALIDATOR.iter_errors(data)] == []
