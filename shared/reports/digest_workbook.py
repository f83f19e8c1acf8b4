"""A digest as an Excel workbook: every sum is a formula over the data sheet, so an auditor can follow each number down.

The data sheet holds the rows that the figures are sums of, in FOCUS's columns. Results are stored beside the formulas,
for viewers that do not calculate. Text is written as text: nothing that people typed runs as a formula.
https://xlsxwriter.readthedocs.io/working_with_formulas.html
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.model.billing import Basis
from shared.model.digest import ZERO, Compared, Digest, Figures
from shared.reports.chart import LAMP, STONE
from shared.reports.digest_chart import PALE, heading
from shared.reports.digest_csv import COLUMNS, cells
from shared.reports.digest_words import (
    capital,
    headline,
    moment,
    month_sentence,
    span,
    status,
    story,
    tied,
    title,
)
from shared.reports.savings_sheets import bridge, ledger
from shared.reports.workbook_parts import MOST_ROWS, Book, Sheet, quoted

MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DATA = "Data"
_TABLES = (
    ("Clusters", "Cluster", "ResourceId"),
    ("Cost types", "Cost type", "x_CostType"),
    ("Teams", "Team", "x_Team"),
    ("Environments", "Environment", "x_Environment"),
)
_BLANK = ("no team tag", "no environment")


@dataclass(frozen=True, slots=True)
class _Data:
    """Where things stand in the data sheet."""

    last: int
    """Number of its last row."""
    amount: str
    """Name of the column that is filled."""

    def range(self, column: str) -> str:
        letter = chr(ord("A") + COLUMNS.index(column))
        return f"{DATA}!${letter}$2:${letter}${max(self.last, 2)}"


def workbook(digest: Digest) -> bytes:
    """The file. Imports XlsxWriter, and only here."""
    out = io.BytesIO()
    with Book(out, title(digest), digest.made_at) as book:
        data = _Data(min(len(digest.rows), MOST_ROWS) + 1, _amount_column(digest))
        _summary(book.sheet("Summary", (44, 16, 16, 16, 12)), digest, data)
        for name, noun, column in _TABLES:
            _table(book.sheet(name, (52, 16, 16, 16, 12, 16)), digest, data, (noun, column))
        _while_stopped(book.sheet("Still billed", (40, 14, 16, 60)), digest)
        _leftovers(book.sheet("Nothing uses", (40, 20, 16, 100)), digest)
        if digest.savings is not None:
            bridge(book.sheet("Saved", (30, 24, 10, 12, 12, 12, 12, 14, 10, 14, 16, 18)), digest.savings)
            hours = book.sheet("Saved by hour", (30, 16, 18, 20, 10, 12, 12, 14, 14, 10, 18, 90))
            ledger(hours, digest.savings)
        _tie_out(book.sheet("Tie-out", (60, 18)), digest, data)
        _method(book.sheet("Method", (120,)), digest)
        _data(book.sheet(DATA, (18, 18, 16, 18, 14, 14, 38, 90, 24, 26, 20, 18, 12, 12)), digest)
    return out.getvalue()


def _amount_column(digest: Digest) -> str:
    return "EffectiveCost" if digest.basis is Basis.AMORTISED else "BilledCost"


def _sum(data: _Data, column: str, criterion: str, week: str, currency: str) -> str:
    """A formula: amounts of one week and currency where `column` is exactly `criterion`, clusters alone.

    SUMIFS would take * and ? of a team's name for wildcards and is quick; ids of clusters have neither.
    """
    if column == "ResourceId":
        return (
            f"=SUMIFS({data.range(data.amount)},{data.range(column)},{criterion},{data.range('x_Week')},{week},"
            f"{data.range('BillingCurrency')},{currency})"
        )
    return (
        f'=SUMPRODUCT(EXACT({data.range(column)},{criterion})*({data.range("ResourceId")}<>"")'
        f"*({data.range('x_Week')}={week})*EXACT({data.range('BillingCurrency')},{currency}),{data.range(data.amount)})"
    )


def _total(data: _Data, week: str, currency: str) -> str:
    return (
        f'=SUMPRODUCT(({data.range("ResourceId")}<>"")*({data.range("x_Week")}={week})'
        f"*EXACT({data.range('BillingCurrency')},{currency}),{data.range(data.amount)})"
    )


def _summary(sheet: Sheet, digest: Digest, data: _Data) -> None:
    sheet.heading(title(digest))
    sheet.text(f"{span(digest.week.first, digest.week.last)} · {status(digest)}")
    sheet.text(f"Read from {digest.source}, {moment(digest.read_at, digest.zone)}")
    week, before = quoted(str(digest.week)), quoted(str(digest.week.back()))
    for figures in digest.figures:
        currency = quoted(figures.currency)
        sheet.gap()
        sheet.head("", str(digest.week), str(digest.week.back()), "change", "in %")
        row = sheet.row
        sheet.write("text", f"AKS clusters, {figures.currency}".rstrip(", "))
        sheet.formula(_total(data, week, currency), figures.total.amount)
        if figures.total.before is None:
            sheet.amount(None)
        else:
            sheet.formula(_total(data, before, currency), figures.total.before)
            sheet.formula(f"=B{row}-C{row}", figures.total.change, "change")
            sheet.formula(f'=IF(C{row}>0,D{row}/C{row},"")', figures.total.share or "", "percent")
        sheet.end()
        sheet.gap()
        for sentence in (
            headline(figures, digest.week),
            *story(digest, figures),
            month_sentence(figures),
            tied(figures),
        ):
            sheet.sentence(sentence)
        sheet.gap()
        _weeks(sheet, figures)
    for note in (*(f"Not read: {one}" for one in digest.missing), *digest.notes):
        sheet.sentence(f"{capital(note)}.")


def _weeks(sheet: Sheet, figures: Figures) -> None:
    """The weeks as numbers, and as a chart of the workbook's own, which stays sharp and may be copied."""
    sheet.head("week", f"cost, {figures.currency}".rstrip(", "))
    first = sheet.row
    for bar in figures.weeks:
        sheet.write("text", f"{bar.week}{', so far' if bar.provisional else ''}")
        sheet.amount(bar.amount)
        sheet.end()
    last = figures.weeks[-1]
    colours = [*(STONE for _ in figures.weeks[:-1]), PALE if last.provisional else LAMP]
    sheet.gap()
    sheet.chart(heading(figures), (first, first + len(figures.weeks) - 1), colours)
    sheet.gap()


def _table(sheet: Sheet, digest: Digest, data: _Data, what: tuple[str, str]) -> None:
    noun, column = what
    week, before = quoted(str(digest.week)), quoted(str(digest.week.back()))
    for figures in digest.figures:
        rows = _rows(figures, column)
        sheet.head(
            noun, str(digest.week), str(digest.week.back()), "change", "in %", f"usual, {figures.currency}".rstrip(", ")
        )
        first = sheet.row
        currency = quoted(figures.currency)
        for one, key in rows:
            row = sheet.row
            criterion = quoted(key)
            sheet.write("text", f"{one.name} · {one.about}" if one.about and one.about != one.name else one.name)
            sheet.formula(_sum(data, column, criterion, week, currency), one.amount)
            if one.before is None:
                for _ in range(3):
                    sheet.write("text", "")
            else:
                sheet.formula(_sum(data, column, criterion, before, currency), one.before)
                sheet.formula(f"=B{row}-C{row}", one.change, "change")
                sheet.formula(f'=IF(C{row}>0,D{row}/C{row},"")', one.share if one.share is not None else "", "percent")
            sheet.amount(one.usual)
            sheet.end()
        last = sheet.row - 1
        if rows:
            _sums(sheet, figures, first, last)
        sheet.gap()
    sheet.freeze()


def _rows(figures: Figures, column: str) -> list[tuple[Compared, str]]:
    """Rows with the key by which the data sheet knows them."""
    chosen = {
        "ResourceId": figures.clusters,
        "x_CostType": figures.kinds,
        "x_Team": figures.teams,
        "x_Environment": figures.environments,
    }[column]
    return [(one, one.key or ("" if one.name in _BLANK else one.name)) for one in chosen]


def _sums(sheet: Sheet, figures: Figures, first: int, last: int) -> None:
    total = figures.total
    sheet.write("strong", "total")
    sheet.formula(f"=SUM(B{first}:B{last})", total.amount, "total")
    if total.before is not None:
        sheet.formula(f"=SUM(C{first}:C{last})", total.before, "total")
        sheet.formula(f"=SUM(D{first}:D{last})", total.change, "total change")
    sheet.end()


def _while_stopped(sheet: Sheet, digest: Digest) -> None:
    for figures in digest.figures:
        sheet.head("Cluster", "hours stopped", f"cost, {figures.currency}".rstrip(", "), "for", text=(0, 3))
        if not figures.still_billed:
            sheet.sentence("Nothing: no cluster was stopped, as far as is known.")
        first = sheet.row
        for one in figures.still_billed:
            sheet.write("text", one.name)
            sheet.amount(one.hours, "hours")
            sheet.amount(one.amount)
            sheet.write("text", ", ".join(f"{kind.value} {amount:,.2f}" for kind, amount in one.kinds))
            sheet.end()
        _sum_of(sheet, "C", first, sum((one.amount for one in figures.still_billed), ZERO))
        sheet.gap()


def _leftovers(sheet: Sheet, digest: Digest) -> None:
    for figures in digest.figures:
        sheet.head(
            "Disk or address", "type", f"cost, {figures.currency}".rstrip(", "), "why, and where", text=(0, 1, 3)
        )
        if figures.leftovers is None:
            sheet.sentence("Nobody looked: Azure was not asked what is attached to what.")
        elif not figures.leftovers:
            sheet.sentence("Nothing: every disk and address that was billed is used, or waits for a stopped cluster.")
        first = sheet.row
        for one in figures.leftovers or ():
            sheet.write("text", one.name)
            sheet.write("text", one.kind.value)
            sheet.amount(one.amount)
            sheet.write("text", f"{one.why}: {one.id}")
            sheet.end()
        _sum_of(sheet, "C", first, sum((one.amount for one in figures.leftovers or ()), ZERO))
        sheet.gap()


def _sum_of(sheet: Sheet, column: str, first: int, value: Decimal) -> None:
    """A row of its own that adds up what stands above it in one column."""
    last = sheet.row - 1
    if last < first:
        return
    sheet.write("strong", "total")
    for _ in range(ord(column) - ord("B")):
        sheet.write("strong", "")
    sheet.formula(f"=SUM({column}{first}:{column}{last})", value, "total")
    sheet.end()


def _tie_out(sheet: Sheet, digest: Digest, data: _Data) -> None:
    """The clusters' part is the sum of the data sheet; what Cost Management states is a number that was read."""
    week = quoted(str(digest.week))
    for figures in digest.figures:
        tie = figures.tie_out
        if tie is None:
            sheet.sentence(tied(figures))
            continue
        sheet.head(f"Part, {figures.currency}".rstrip(", "), "amount")
        first = sheet.row
        for number, (name, amount) in enumerate(tie.parts):
            sheet.write("text", name)
            if number == 0:
                sheet.formula(_total(data, week, quoted(figures.currency)), amount)
            else:
                sheet.amount(amount)
            sheet.end()
        last = sheet.row - 1
        for one in tie.missing:
            sheet.write("text", f"Not read: {one}")
            sheet.amount(None)
            sheet.end()
        sheet.write("text", f"Total as {tie.source} states it, read {moment(tie.read_at, digest.zone)}")
        sheet.amount(tie.total)
        stated = sheet.row
        sheet.end()
        if tie.difference is not None:
            sheet.write("strong", "difference")
            sheet.formula(f"=ROUND(SUM(B{first}:B{last})-B{stated},2)", round(tie.difference, 2), "total")
            sheet.end()
        sheet.gap()


def _method(sheet: Sheet, digest: Digest) -> None:
    sheet.heading("How it was made")
    savings = () if digest.savings is None else (digest.savings.method, *digest.savings.problems)
    for sentence in (*digest.method, *savings):
        sheet.sentence(sentence)
    if digest.problems:
        sheet.gap()
        sheet.heading("Rows that could not be read, and are in no figure")
        for sentence in digest.problems:
            sheet.sentence(sentence)


def _data(sheet: Sheet, digest: Digest) -> None:
    sheet.head(*COLUMNS, text=[i for i, name in enumerate(COLUMNS) if not name.endswith("Cost")])
    amount = COLUMNS.index(_amount_column(digest))
    for row in digest.rows[:MOST_ROWS]:
        for number, cell in enumerate(_raw(cells(row, digest.basis), row.line.team, row)):
            if number == amount:
                sheet.amount(row.amount, "exact")
            else:
                sheet.write("text", cell)
        sheet.end()
    sheet.freeze()


def _raw(texts: Sequence[str], team: str, row: Any) -> Iterator[str]:
    """A sheet keeps text as text: no apostrophe is needed, and none may stand between a team and its sum."""
    replaced = {"x_Team": team, "x_Environment": row.environment, "ResourceName": row.cluster_name}
    for name, text in zip(COLUMNS, texts, strict=True):
        yield replaced.get(name, text)
