"""What YAML itself can get wrong, and what YAML 1.2 means."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import PolicyError, Problem
from shared.policy.document import read_policy
from shared.policy.yaml_lines import LARGEST, WrittenFloat, WrittenInt, decode, read_yaml


def refused(text: str) -> Problem:
    with pytest.raises(PolicyError) as caught:
        read_policy(text, "policy.yaml")
    assert len(caught.value.problems) == 1, caught.value
    return caught.value.problems[0]


def values(text: str) -> dict[str, Any]:
    lined = read_yaml(text, "policy.yaml")
    assert lined.problems == ()
    return lined.value


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", None, "the file is empty"),
        ("# only a comment\n", None, "the file is empty"),
        ("---\n", None, "the file is empty"),
        ("null\n", None, "the file is empty"),
        ("- version: 1\n", 1, "the file holds a list at its top level"),
        ("\n\njust words\n", 3, "the file holds one value at its top level"),
        ("version: 1\nmode: plan: x\n", 2, "mapping values are not allowed here"),
        ("version: 1\n\tmode: plan\n", 2, "a tab stands where spaces are expected; expected spaces"),
        ("version: 1\nrules: [a\n", 3, "expected"),
        ("version: 1\nmode: 'plan\n", 3, "unexpected end of stream"),
        ("version: 1\n---\nversion: 1\n", 2, "a second document begins here; expected one document"),
        ("version: 1\nmode: *prod*\n", 2, "found undefined alias"),
        ("version: 1\nmode: \x00\n", 2, "the character 0x0 cannot stand in YAML"),
        ("version: 1\nmode: \x1b[31m\n", 2, "the character 0x1b cannot stand in YAML"),
        ("%YAML 1.1\n---\nversion: 1\n", 1, "the directive '%YAML 1.1' is not supported"),
        ("%TAG ! tag:x,2000:\n---\nversion: 1\n", 1, "the directive '%TAG ! tag:x,2000:' is not supported"),
        ("version: 1\nscope: &a {<<: *a}\n", None, "an alias stands inside its own anchor"),
        ("version: 1\nmode: !!bool perhaps\n", 2, "the tag 'bool' is not supported"),
        ("version: 1\nscope: !!set {a, b}\n", 2, "the tag 'set' is not supported"),
        ("version: 1\nscope: &a [*a]\n", 2, "an alias stands inside its own anchor"),
        ("version: 1\nscope: " + "[" * 60 + "]" * 60, 2, "nested too deeply"),
        ("[" * 5000, None, "nested too deeply"),
        ("#" * (LARGEST + 1), None, "262,145 characters, more than a policy can need"),
        ("version: !!python/object/apply:os.system [echo]\n", 1, "the tag 'python/object/apply:os.system' is not supported"),
        ("version: 1\nmode: !secret plan\n", 2, "the tag '!secret' is not supported"),
        ("version: 1\nmode: !!binary cGxhbg==\n", 2, "the tag 'binary' is not supported"),
        ("version: 1\nmode: plan\nmode: act\n", 3, "the key 'mode' is given twice, first in line 2"),
        ("version: 1\n? [a, b]\n: 1\n", 2, "a key is a list or a mapping"),
        ("version: 1\n<<: [1, {mode: plan}]\n", 2, "'<<' merges one value"),
        ('version: 1\nmode: "\\UFFFFFFFF"\n', None, "the file is not YAML"),
        ("version: 1\n<<: *nobody\n", 2, "found undefined alias"),
    ],
)  # fmt: skip
def test_one_sentence_and_the_line(text: str, line: int | None, said: str) -> None:
    found = refused(text)
    assert found.line == line
    assert said in str(found)
    assert "\n" not in str(found)


def test_a_few_lines_that_stand_for_billions_of_values() -> None:
    """The "billion laughs": each line holds nine aliases of the line before."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    assert "the aliases of the file stand for more than 50,000 values" in str(refused("\n".join(lines)))


def test_every_duplicate_key_is_told_with_everything_else() -> None:
    with pytest.raises(PolicyError) as caught:
        read_policy("version: 1\nmode: plann\nrules: []\nrules: []\nmode: act\nguards: {min_off: 1h, min_off: 2h}", "p")
    assert [(one.line, one.path) for one in caught.value.problems] == [
        (2, "mode"), (4, "rules"), (5, "mode"), (6, "guards.min_off"),
    ]  # fmt: skip


def test_yaml_1_2() -> None:
    """In YAML 1.1 NO, off and yes are truth values, 22:30 is 1350 and 010 is 8."""
    read = values(
        "{a: NO, b: off, c: yes, d: 22:30, e: 010, f: 1_000, g: 0x1F, h: 2026-12-24, i: 2026-12-24T10:00:00Z}"
    )
    assert list(read.values()) == [
        "NO",
        "off",
        "yes",
        "22:30",
        10,
        "1_000",
        "0x1F",
        "2026-12-24",
        "2026-12-24T10:00:00Z",
    ]


def test_values() -> None:
    read = values("{a: true, b: False, c: null, d: ~, e: , f: '', g: 7, h: -1.50, i: .inf, j: '7', k: [1, {l: m}]}")
    assert read == {
        "a": True, "b": False, "c": None, "d": None, "e": None, "f": "", "g": 7, "h": -1.5, "i": ".inf", "j": "7",
        "k": [1, {"l": "m"}],
    }  # fmt: skip
    assert isinstance(read["g"], WrittenInt)
    assert isinstance(read["h"], WrittenFloat)
    assert (read["h"].text, read["j"]) == ("-1.50", "7")


def test_a_number_too_long_to_count_with_is_text() -> None:
    assert values("a: " + "9" * 5000) == {"a": "9" * 5000}


def test_keys_are_text() -> None:
    assert values("{1: a, true: b, null: c, 1.50: d}") == {"1": "a", "true": "b", "null": "c", "1.50": "d"}


def test_anchors_and_merges() -> None:
    read = read_yaml("a: &x\n  b: 1\n  c: 2\nd:\n  <<: *x\n  c: 3\ne: {<<: [*x, {f: 4}], b: 5}\ng: *x\n'<<': 6\n", "p")
    assert read.problems == ()
    assert read.value["d"] == {"b": 1, "c": 3}
    assert read.value["e"] == {"b": 5, "c": 2, "f": 4}
    assert read.value["g"] == {"b": 1, "c": 2}
    assert read.value["<<"] == 6
    assert (read.line(("d", "b")), read.line(("d", "c")), read.line(("e", "c"))) == (2, 6, 3)


def test_a_duplicate_key_in_what_is_merged_is_told() -> None:
    assert [one.path for one in read_yaml("a: {<<: {b: 1, b: 2}}", "p").problems] == ["a.b"]


def test_lines() -> None:
    read = read_yaml("a:\n  - b\n  -\n    c: 1\n    d: [x,\n      y]\n\ne: 1\n", "p")
    assert {path: read.line(path) for path in [("a",), ("a", 0), ("a", 1), ("a", 1, "c"), ("a", 1, "d", 1), ("e",)]} == {
        ("a",): 1, ("a", 0): 2, ("a", 1): 4, ("a", 1, "c"): 4, ("a", 1, "d", 1): 6, ("e",): 8,
    }  # fmt: skip
    assert read.line(("a", 1, "missing", 3)) == 4, "of what is not there: what it would stand in"
    assert read.line(("missing",)) == 1


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert read_policy("\ufeffversion: 1\n", "p").version == 1


class TestBytes:
    def test_utf8(self) -> None:
        assert decode("version: 1 # \u00fc\n".encode(), "p") == "version: 1 # \u00fc\n"
        assert decode(b"\xef\xbb\xbfversion: 1\n", "p") == "version: 1\n"

    @pytest.mark.parametrize(
        ("raw", "line", "said"),
        [
            (b"version: 1\nmode: \xff\xfe\n", 2, "the file is not UTF-8 text; expected a YAML file saved as UTF-8"),
            (b"\x89PNG\r\n\x1a\n", 1, "the file is not UTF-8 text"),
            ("version: 1\n".encode("utf-16"), 1, "the file is not UTF-8 text"),
            (b" " * 10_000_000, None, "the file has 10,000,000 bytes, more than a policy can need"),
        ],
    )
    def test_what_is_no_text(self, raw: bytes, line: int | None, said: str) -> None:
        with pytest.raises(PolicyError) as caught:
            decode(raw, "policy.yaml")
        (found,) = caught.value.problems
        assert found.line == line
        assert said in str(found)


def test_a_character_that_is_escaped_in_two_halves_is_one():
    """As JSON escapes it; half a character made a traceback of a mistake."""
    text = 'version: "\\ud808\\udf9a"\n'
    with pytest.raises(PolicyError, match="version: "):
        read_policy(text, "policy.yaml")
