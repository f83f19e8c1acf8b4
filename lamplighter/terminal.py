"""What people see: tables on stdout, progress and warnings on stderr, JSON for machines. Rich is loaded when needed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 140
"""Columns of a table that goes into a pipe or a file, where nobody says how wide the paper is."""

STYLES = {
    "start": "green",
    "stop": "yellow",
    "defer": "cyan",
    "refuse": "red",
    "none": "dim",
    "now production": "bold red",
    "no longer production": "bold red",
}


def console() -> Console:
    """Stdout. As wide as the terminal, as COLUMNS says, or PIPE_WIDTH."""
    from rich.console import Console  # noqa: PLC0415  # not for --help

    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH
    return Console(width=wide, highlight=False, markup=False, emoji=False)


def table(*headings: str, title: str | None = None) -> Table:
    """A table without a frame; the heading that ends in '*' takes the room that is left.

    The column of the asterisk wraps, all others are kept whole as long as there is room.
    """
    from rich.table import Table  # noqa: PLC0415

    made = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", title=title)
    for heading in headings:
        elastic = heading.endswith("*")
        made.add_column(
            heading.rstrip("*>"),
            ratio=1 if elastic else None,
            overflow="fold",
            justify="right" if heading.endswith(">") else "left",
        )
    return made


def print_json(document: Any) -> None:
    """One JSON document on stdout: instants are ISO 8601 in UTC with `Z`."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=_wire) + "\n")


def _wire(value: object) -> str:
    if isinstance(value, datetime):
        return wire(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def wire(at: datetime) -> str:
    """ISO 8601 in UTC with `Z`.

    >>> wire(datetime(2026, 12, 24, 17, 0, tzinfo=UTC))
    '2026-12-24T17:00:00Z'
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def warn(sentences: Iterable[str]) -> None:
    """Things worth knowing that do not stop the command; stderr, so that stdout stays clean for pipes."""
    for sentence in sentences:
        sys.stderr.write(f"note: {one_line(sentence)}\n")


def one_line(text: str) -> str:
    """Whatever a cloud or a file answered, without line breaks and control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


@contextmanager
def progress(doing: str) -> Iterator[None]:
    """A spinner on stderr while something takes time; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True, highlight=False).status(doing):
        yield


@contextmanager
def bar(doing: str) -> Iterator[Callable[[float], object]]:
    """A bar on stderr for work that knows how far it is; gives what is to be told the share that is done, 0 to 1."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True, highlight=False), transient=True) as shown:
        task = shown.add_task(doing, total=1.0)
        yield lambda share: shown.update(task, completed=share)


def ago(at: datetime, now: datetime) -> str:
    """How long ago, or how far ahead, in words.

    >>> ago(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, 5, tzinfo=UTC))
    '2 h ago'
    """
    span = now - at
    ahead = span < timedelta(0)
    minutes = round(abs(span).total_seconds() / 60)
    if minutes < 1:
        return "now"
    words = f"{minutes} min" if minutes < 90 else f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
    return f"in {words}" if ahead else f"{words} ago"


def counted(number: int, one: str, several: str | None = None) -> str:
    """A number with its noun.

    >>> counted(1, "cluster"), counted(1200, "cluster")
    ('1 cluster', '1,200 clusters')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"
