"""YAML 1.2 text -> plain values, with the line of every key and item, and every structural mistake at once.

`NO` is a country and `on` is a word, as YAML 1.2 has it. What YAML cannot express in a policy is refused in one
sentence: two values for one key, several documents, tags such as `!!python`, aliases that multiply without end.
From: https://yaml.org/spec/1.2.2/ (10.3, core schema)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Self

from shared.errors import PolicyError, Problem

Path = tuple[str | int, ...]

LARGEST = 256 * 1024
"""Characters. A policy of a thousand rules is smaller; reading takes about two seconds per MiB."""
MOST_VALUES = 50_000
"""Values after aliases are followed: a few lines of aliases can stand for billions."""
DEEPEST = 50

_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?[0-9]+")
_DIRECTIVE = re.compile(r"^%(?!YAML 1\.2\s*$).*$", re.MULTILINE)
_EXAMPLE = "expected a mapping such as 'version: 1' and 'mode: plan' on lines of their own"


class WrittenInt(int):
    """A whole number that remembers how it was written, for where a text is meant: a tag value 007 is '007'."""

    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number


class WrittenFloat(float):
    """A number that remembers how it was written: a version 1.30 is not 1.3."""

    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number


@dataclass(frozen=True, slots=True)
class Lined:
    """A document as plain values: dict with text keys, list, str, bool, None, WrittenInt, WrittenFloat."""

    value: dict[str, Any]
    lines: dict[Path, int]
    """Path -> line, counted from 1: where the key stands, or where the item of a list begins."""
    problems: tuple[Problem, ...]
    """Of keys: given twice, or no text."""
    refused: dict[Path, Problem]
    """Of values that YAML knows and a policy cannot use; None stands in their place."""

    def line(self, path: Path) -> int | None:
        """The line of that path, or of the nearest thing around it that is there."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path)


def decode(raw: bytes, source: str) -> str:
    """The text of a file. Raises PolicyError unless it is UTF-8 text of a bearable size."""
    if len(raw) > LARGEST * 4:
        raise _whole(source, f"the file has {len(raw):,} bytes, more than a policy can need", _largest())
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _whole(source, "the file is not UTF-8 text", "expected a YAML file saved as UTF-8", line) from None


def read_yaml(text: str, source: str) -> Lined:
    """The document of `text`; `source` names the file in problems.

    Duplicate keys and other mistakes that leave the document readable are listed in `problems`.
    Raises PolicyError with one problem when there is no document to go on with.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > LARGEST:
        raise _whole(source, f"the file has {len(text):,} characters, more than a policy can need", _largest())
    if (directive := _DIRECTIVE.search(text)) is not None:
        line = text.count("\n", 0, directive.start()) + 1
        raise _whole(source, f"the directive '{directive[0].strip()[:60]}' is not supported", "expected YAML 1.2", line)
    node = _compose(text, source)
    if node is None or _kind(node) == "null":
        raise _whole(source, "the file is empty", _EXAMPLE)
    if _kind(node) != "map":
        line = node.start_mark.line + 1
        raise _whole(source, f"the file holds {_noun(node)} at its top level", _EXAMPLE, line)
    builder = _Builder(source)
    try:
        value = builder.build(node, ())
    except RecursionError:
        raise _deep(source) from None
    return Lined(value, builder.lines, tuple(builder.problems), builder.refused)


def _compose(text: str, source: str) -> Any:
    """The node graph. Aliases are shared nodes; nothing is constructed, so nothing can be executed."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - a fiftieth of a second of a cold start
    from ruamel.yaml.error import MarkedYAMLError  # noqa: PLC0415
    from ruamel.yaml.reader import ReaderError  # noqa: PLC0415

    try:
        return YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        raise _whole(source, f"the file is not YAML: {_syntax(error)}", _hint(error), line) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"the character {ord(text[error.position]):#x} cannot stand in YAML"
        raise _whole(source, f"the file is not YAML: {what}", "expected a text file", line) from None
    except RecursionError:
        raise _deep(source) from None
    except Exception:  # noqa: BLE001 - a foreign parser on foreign text: whatever it raises means the text
        raise _whole(source, "the file is not YAML: a character or an escape in it cannot be read", _EXAMPLE) from None


def _syntax(error: Any) -> str:
    problem = " ".join(str(error.problem or error.context or "it cannot be parsed").split())
    if "'\\t'" in problem:
        return "a tab stands where spaces are expected"
    if "another document" in problem:
        return "a second document begins here"
    return f"{error.context}, {problem}" if error.context and error.problem else problem


def _hint(error: Any) -> str:
    problem = str(error.problem)
    if "'\\t'" in problem:
        return "expected spaces, two for each level"
    if "another document" in problem:
        return "expected one document, without a line '---' after the first"
    if "mapping values" in problem:
        return "expected 'key: value' once per line, and quotes around a text with ': ' in it"
    if "undefined alias" in problem:
        return 'expected quotes around a text that begins with *, such as "*prod*"'
    return ""


def _largest() -> str:
    return f"expected at most {LARGEST:,} characters"


def _deep(source: str, line: int | None = None) -> PolicyError:
    what = "the file is nested too deeply, or an alias stands inside its own anchor"
    return _whole(source, what, f"expected at most {DEEPEST} levels", line)


def _whole(source: str, message: str, expected: str = "", line: int | None = None) -> PolicyError:
    return PolicyError((Problem(source, line, "", one_line(message), expected),))


def _kind(node: Any) -> str:
    return str(node.tag).removeprefix(_TAG)


def _noun(node: Any) -> str:
    return {"seq": "a list", "map": "a mapping"}.get(_kind(node), "one value")


def one_line(text: str) -> str:
    """What people typed, fit for a line of a terminal: without line ends and escape sequences."""
    return "".join(char if char.isprintable() else " " for char in text)


def show_path(path: Path) -> str:
    """
    A path as people write it.

    >>> show_path(("rules", 2, "hours", "lead")), show_path(("schedules", "late shift"))
    ('rules[2].hours.lead', "schedules.'late shift'")
    """
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[\w-]+", part) else f"'{part}'"
            shown += f".{name}" if shown else name
    return shown


@dataclass(slots=True)
class _Builder:
    """Walks the nodes once, in the order of the text."""

    source: str
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: dict[Path, Problem] = field(default_factory=dict)
    count: int = 0

    def build(self, node: Any, path: Path) -> Any:
        self.count += 1
        if self.count > MOST_VALUES:
            raise _whole(self.source, f"the aliases of the file stand for more than {MOST_VALUES:,} values",
                         "expected fewer aliases (*name)", node.start_mark.line + 1)  # fmt: skip
        if len(path) > DEEPEST:
            raise _deep(self.source, node.start_mark.line + 1)
        self.lines.setdefault(path, node.start_mark.line + 1)
        match _kind(node):
            case "map" if isinstance(node.value, list):
                return self._mapping(node, path)
            case "seq" if isinstance(node.value, list):
                return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
            case _ if isinstance(node.value, str):
                return self._scalar(node, path)
            case _:
                return self._refuse(node, path)

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        merged: list[Any] = []
        for key, value in node.value:
            if not isinstance(key.value, str):
                self._wrong(key, path, "a key is a list or a mapping", "expected text as a key, such as mode")
            elif key.value == "<<" and key.style is None:
                merged += value.value if _kind(value) == "seq" else [value]
            elif key.value in built:
                first = self.lines[*path, key.value]
                self._wrong(key, (*path, key.value), f"the key '{key.value}' is given twice, first in line {first}",
                             "expected each key once")  # fmt: skip
            else:
                self.lines[*path, key.value] = key.start_mark.line + 1
                built[key.value] = self.build(value, (*path, key.value))
        for other in merged:
            self._merge(other, path, built)
        return built

    def _merge(self, node: Any, path: Path, built: dict[str, Any]) -> None:
        """`<<: *anchor`: what is written out wins over what is merged. From: https://yaml.org/type/merge.html"""
        if _kind(node) != "map":
            self._wrong(node, path, f"'<<' merges {_noun(node)}", "expected a mapping, such as '<<: *anchor'")
            return
        merged = _Builder(self.source, count=self.count)
        for key, value in merged.build(node, path).items():
            if key not in built:
                built[key] = value
                self.lines |= {at: line for at, line in merged.lines.items() if at[: len(path) + 1] == (*path, key)}
        self.count = merged.count
        self.problems += merged.problems
        self.refused |= merged.refused

    def _scalar(self, node: Any, path: Path) -> Any:
        text = node.value
        match _kind(node):
            case "str" | "timestamp":
                return _whole_characters(text)
            case "null":
                return None
            case "bool" if text.casefold() in ("true", "false"):
                return text.casefold() == "true"
            case "int":
                return WrittenInt(text) if _WHOLE.fullmatch(text) and len(text) < 20 else text
            case "float":
                return self._number(text)
            case _:
                return self._refuse(node, path)

    @staticmethod
    def _number(text: str) -> Any:
        try:
            return WrittenFloat(text)
        except ValueError:
            return text

    def _wrong(self, node: Any, path: Path, message: str, expected: str) -> None:
        self.problems.append(self._problem(node, path, message, expected))

    def _refuse(self, node: Any, path: Path) -> None:
        self.refused[path] = self._problem(node, path, f"the tag '{_kind(node)}' is not supported", "expected no tag")

    def _problem(self, node: Any, path: Path, message: str, expected: str) -> Problem:
        return Problem(self.source, node.start_mark.line + 1, one_line(show_path(path)), one_line(message), expected)


def _whole_characters(text: str) -> str:
    r"""The text with characters in one piece that were escaped in two, as JSON does: `"\ud83c\udfee"` is 🏮."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
