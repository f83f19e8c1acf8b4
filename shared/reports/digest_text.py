"""A digest as plain text: for terminals, for channels that know nothing else, and beside the HTML of a mail."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from shared.model.digest import Digest, Figures
from shared.reports.digest_tables import Column, Table, support, tables
from shared.reports.digest_words import (
    capital,
    explained_sentence,
    headline,
    moment,
    month_sentence,
    span,
    status,
    story,
    tied,
    title,
)
from shared.reports.notice import plain

WIDTH = 78
NARROWEST = 12


def text(digest: Digest) -> str:
    """The whole digest. Ends with a line break."""
    lines = [title(digest), f"{span(digest.week.first, digest.week.last)} · {status(digest)}", ""]
    for figures in digest.figures:
        lines += _figures(digest, figures)
    for table in support(digest):
        lines += [*_table(table, ""), ""]
    lines += _listed("Not read, and in no figure", digest.missing)
    lines += _listed("Worth knowing", digest.notes)
    lines += _listed("Rows that could not be read", digest.problems)
    lines += _listed("How it was made", digest.method)
    lines.append(f"Read from {plain(digest.source)}, {moment(digest.read_at, digest.zone)}.")
    return "\n".join(lines) + "\n"


def brief(digest: Digest, most: int) -> str:
    """The sentences alone, at most `most` characters."""
    lines: list[str] = []
    for figures in digest.figures:
        lines += [headline(figures, digest.week), *story(digest, figures), tied(figures)]
    lines += [f"{capital(plain(note))}." for note in digest.notes]
    kept = f"{status(digest)}."
    for line in lines:
        if len(kept) + len(line) + 1 > most:
            return f"{kept} \u2026"
        kept = f"{kept}\n{line}"
    return kept


def _figures(digest: Digest, figures: Figures) -> Iterator[str]:
    yield headline(figures, digest.week)
    sentences = [*story(digest, figures), month_sentence(figures)]
    sentences += [f"Explained: {explained_sentence(one)}" for one in figures.explained]
    for one in (*sentences, tied(figures)):
        yield from wrap(one, WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
    yield ""
    for table in tables(digest, figures):
        yield from _table(table, figures.currency)
        yield ""


def _table(table: Table, currency: str) -> Iterator[str]:
    rows = [table.texts(row) for row in table.rows]
    total = [table.texts(table.total)] if table.total else []
    body = [list(table.headings), *rows, *total]
    widths = [max(len(row[number]) for row in body) for number in range(len(table.headings))]
    _fit_in(widths, table.columns)
    yield f"{table.title}{f' ({currency})' if currency else ''}"
    for number, row in enumerate(body):
        cells = [
            _fit(cell, width, right=column is not Column.TEXT)
            for cell, width, column in zip(row, widths, table.columns, strict=True)
        ]
        yield f"  {'  '.join(cells).rstrip()}"
        if number == 0 or (number == len(rows) and total):
            yield f"  {'-' * (sum(widths) + 2 * (len(widths) - 1))}"
    if table.remark:
        yield from (f"  {line}" for line in wrap(table.remark, WIDTH - 2))


def _fit_in(widths: list[int], columns: tuple[Column, ...]) -> None:
    """The widest text gives way first, number columns never."""
    texts = [number for number, column in enumerate(columns) if column is Column.TEXT]
    while sum(widths) + 2 * len(widths) > WIDTH:
        widest = max(texts, key=lambda number: widths[number])
        if widths[widest] <= NARROWEST:
            return
        widths[widest] -= 1


def _fit(cell: str, width: int, *, right: bool) -> str:
    cut = cell if len(cell) <= width else f"{cell[: width - 1]}\u2026"
    return cut.rjust(width) if right else cut.ljust(width)


def _listed(name: str, sentences: tuple[str, ...]) -> Iterator[str]:
    if sentences:
        yield name
        for one in sentences:
            yield from wrap(plain(one, 600), WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
        yield ""
