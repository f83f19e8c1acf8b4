"""History as CSV: `time,cluster,active`, one row for each change of one cluster. A state lasts until the next row."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from lamplighter.backtest.history import History, Trace, history, history_cluster, merged
from lamplighter.backtest.text import history_text
from shared.errors import InputError

EXPECTED = "expected CSV with the header time,cluster,active and rows such as 2026-03-02T08:15:00+01:00,web-dev,1"
_COLUMNS = ("time", "cluster", "active")
_PLACES = ("subscription", "resource_group", "location")
_TAG = "tag:"
_ACTIVE = {"1": True, "0": False}
EARLIEST, LATEST = 1990, 2100
"""Years: a slip of the pen must not be replayed for centuries."""


class _Row(NamedTuple):
    line: int
    at: int
    cluster: str
    active: bool
    more: Mapping[str, str]


@dataclass(slots=True)
class _Known:
    """What the rows said of one cluster so far, by the name that came first: names compare case-insensitively."""

    name: str
    begin: int
    changes: list[tuple[int, bool]] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)


def read_csv(file: Path) -> History:
    """Each cluster begins with its first row; all end with the last row of the file.

    Further columns: subscription, resource_group, location, and `tag:NAME` for tags; the first value that is not empty
    holds. Raises InputError with one sentence: which file, which line, what was expected.
    """
    text = history_text(file, EXPECTED)
    known: dict[str, _Known] = {}
    for row in _rows(text, file):
        one = known.setdefault(row.cluster.casefold(), _Known(row.cluster, row.at))
        if one.changes:
            _check_order(one.changes[-1], row, file)
        one.changes.append((row.at, row.active))
        _learn(one, row, file)
    end = max((one.changes[-1][0] for one in known.values()), default=0)
    if known and all(one.begin == end for one in known.values()):
        raise InputError(
            f"{file} tells of one moment only: expected rows of several, of which the last ends the history"
        )
    return history(str(file), [_trace(one, end) for one in known.values() if one.begin < end])


def _check_order(before: tuple[int, bool], row: _Row, file: Path) -> None:
    at, active = before
    if row.at < at:
        raise InputError(
            f"{file}:{row.line}: {_shown(row.at)} is before the row of {row.cluster} above it; "
            "expected the rows of a cluster in the order of time"
        )
    if row.at == at and row.active is not active:
        raise InputError(
            f"{file}:{row.line}: {row.cluster} is active and not active at {_shown(row.at)}; "
            "expected one row for each change, with its time"
        )


def _learn(one: _Known, row: _Row, file: Path) -> None:
    for column, value in row.more.items():
        before = one.more.setdefault(column, value)
        if before != value:
            raise InputError(
                f"{file}:{row.line}: {column} of {row.cluster} is {value!r} here and {before!r} above; "
                "expected one value for each cluster"
            )


def _trace(one: _Known, end: int) -> Trace:
    stretches = zip(one.changes, [*one.changes[1:], (end, False)], strict=True)
    busy = merged((begin, until) for (begin, active), (until, _) in stretches if active)
    tags = {column.removeprefix(_TAG): value for column, value in one.more.items() if column.startswith(_TAG)}
    places = {column: value for column, value in one.more.items() if column in _PLACES}
    return Trace(history_cluster(one.name, tags, **places), one.begin, end, busy)


def _rows(text: str, file: Path) -> Iterator[_Row]:
    reader = csv.reader(text.splitlines())
    header = [column.strip() for column in next(reader, [])]
    _check_header(header, file)
    try:
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                raise InputError(
                    f"{file}:{reader.line_num}: {len(values)} values, and the header names {len(header)}; {EXPECTED}"
                )
            yield _row(dict(zip(header, map(str.strip, values), strict=True)), file, reader.line_num)
    except csv.Error as error:
        raise InputError(f"{file}:{reader.line_num}: this is not CSV ({error}); {EXPECTED}") from None


def _check_header(header: list[str], file: Path) -> None:
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        mark = next((mark for mark in ";\t|" if mark in "".join(header)), None)
        said = (
            f"the header lacks {', '.join(missing)}" if mark is None else f"{mark!r} stands where commas are expected"
        )
        raise InputError(f"{file}:1: {said}; {EXPECTED}")
    allowed = {*_COLUMNS, *_PLACES}
    unknown = [column for column in header if column not in allowed and column.removeprefix(_TAG) == column]
    if unknown:
        raise InputError(
            f"{file}:1: nobody knows the column {unknown[0]!r}; "
            f"expected {', '.join((*_COLUMNS, *_PLACES))}, or tag:NAME for a tag, such as tag:environment"
        )
    twice = [column for column in header if header.count(column) > 1]
    if twice:
        raise InputError(f"{file}:1: the column {twice[0]!r} stands there twice; {EXPECTED}")


def _row(values: dict[str, str], file: Path, line: int) -> _Row:
    name, active = values["cluster"], _ACTIVE.get(values["active"])
    if not name:
        raise InputError(f"{file}:{line}: no cluster is named; {EXPECTED}")
    if active is None:
        raise InputError(f"{file}:{line}: active is {values['active']!r}; expected 1 while it is needed, 0 while not")
    more = {column: value for column, value in values.items() if column not in _COLUMNS and value}
    return _Row(line, _instant(values["time"], file, line), name, active, more)


def _instant(text: str, file: Path, line: int) -> int:
    expected = "expected an instant with its offset, such as 2026-03-02T08:15:00+01:00 or 2026-03-02T07:15:00Z"
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{file}:{line}: {text!r} is no time; {expected}") from None
    if read.tzinfo is None:
        raise InputError(f"{file}:{line}: {text!r} does not say in which zone; {expected}")
    if not EARLIEST <= read.year < LATEST:
        raise InputError(f"{file}:{line}: {text!r} is no year of a fleet: expected {EARLIEST} to {LATEST - 1}")
    return int(read.timestamp())


def _shown(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
