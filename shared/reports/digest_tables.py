"""The tables of a digest as values: one place says what is shown, in which order and how many rows; mail, text and
workbook only draw them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from shared.model.digest import ZERO, Compared, Digest, Figures, Kind
from shared.model.support import SupportRow, SupportState
from shared.reports.digest_words import amount, change, is_small, lower, percent
from shared.reports.notice import plain

SHOWN = 10
"""Rows of one table; the rest is one row, so that the column still adds up."""


class Column(Enum):
    """How a column is written."""

    TEXT = "text"
    AMOUNT = "amount"
    EXACT = "exact"
    """With cents."""
    CHANGE = "change"
    PERCENT = "percent"
    HOURS = "hours"


Cell = str | Decimal | None


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    headings: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    remark: str = ""

    def texts(self, row: Sequence[Cell]) -> list[str]:
        """The cells of a row as they are read; text is one line and holds no markup."""
        return [
            _text(cell, column, cents=cents)
            for cell, column, cents in zip(row, self.columns, self._cents(), strict=True)
        ]

    def _cents(self) -> list[bool]:
        """One way for a whole column: cents under an amount without any would not line up."""
        whole = (*self.rows, self.total) if self.total else self.rows
        return [all(is_small(row[number]) for row in whole) for number in range(len(self.columns))]


def _text(cell: Cell, column: Column, *, cents: bool) -> str:
    if isinstance(cell, str):
        return plain(cell, 90)
    match column:
        case Column.CHANGE:
            return change(cell, cents=cents)
        case Column.PERCENT:
            return percent(cell)
        case Column.EXACT:
            return amount(cell, cents=True)
        case Column.HOURS:
            return "" if cell is None else f"{cell:,.0f} h"
        case _:
            return "" if cell is None else amount(cell, cents=cents)


def tables(digest: Digest, figures: Figures) -> Iterator[Table]:
    """All that have a row, in the order in which they are read."""
    made: tuple[Callable[[], Table | None], ...] = (
        lambda: _compared("By cluster", "cluster", figures.clusters, figures.total),
        lambda: _compared("By cost type", "cost type", figures.kinds, figures.total),
        lambda: _compared("By team", "team", figures.teams, figures.total),
        lambda: _compared("By environment", "environment", figures.environments, figures.total),
        lambda: _saved(digest, figures),
        lambda: _saved_by(digest, figures),
        lambda: _avoided(digest, figures),
        lambda: _still_billed(figures),
        lambda: _leftovers(figures),
        lambda: _held(figures),
        lambda: tie_out(figures),
    )
    for make in made:
        table = make()
        if table is not None and (table.rows or table.total):
            yield table


def support(digest: Digest) -> Iterator[Table]:
    """What costs nothing yet: versions without support, limits of AKS. Of the whole digest, not of one currency."""
    report = digest.support
    if report is None:
        return
    if report.rows:
        rows = tuple(
            (one.name, one.version or "unknown", _until(one), "none" if one.path is None else one.path.sentence)
            for one in report.rows[:SHOWN]
        )
        left = len(report.rows) - len(rows)
        remark = f"{left} more, of {report.clusters} clusters." if left else f"Of {report.clusters} clusters."
        headings = ("cluster", "version", "support", "tested way out")
        yield Table("Versions to look at", headings, (Column.TEXT,) * 4, rows, None, remark)
    if report.limits:
        limits = tuple((one.name, one.sentence) for one in report.limits[:SHOWN])
        left = len(report.limits) - len(limits)
        remark = f"{left} more." if left else ""
        yield Table("Limits of AKS ahead", ("cluster", "what"), (Column.TEXT,) * 2, limits, None, remark)


def _until(one: SupportRow) -> str:
    """In a few words.

    >>> from datetime import date
    >>> _until(SupportRow("", "web", "", False, "1.31.1", SupportState.ENDED, date(2026, 11, 1)))
    'ended 2026-11-01'
    """
    if one.state is SupportState.UNKNOWN or one.ends_on is None:
        return "unknown"
    return f"{'ended' if one.state is SupportState.ENDED else 'ends'} {one.ends_on}"


def _compared(name: str, noun: str, rows: Sequence[Compared], total: Compared) -> Table | None:
    if not rows or (noun in ("team", "environment") and len(rows) == 1):  # it would repeat the total
        return None
    shown = [*rows[:SHOWN], *_rest(rows[SHOWN:], noun)]
    with_history = total.before is not None
    headings = (noun, "cost", *(("change", "", "usual") if with_history else ()))
    columns = (Column.TEXT, Column.AMOUNT, *((Column.CHANGE, Column.PERCENT, Column.AMOUNT) if with_history else ()))

    def row(one: Compared, label: str) -> tuple[Cell, ...]:
        return (label, one.amount, *((one.change, one.share, one.usual) if with_history else ()))

    return Table(
        name,
        headings,
        columns,
        tuple(
            row(one, f"{one.name} · {one.about}" if one.about and one.about != one.name else one.name) for one in shown
        ),
        row(total, "total"),
    )


def _rest(rows: Sequence[Compared], noun: str) -> list[Compared]:
    if not rows:
        return []
    before = None if any(one.before is None for one in rows) else sum((one.before or ZERO for one in rows), ZERO)
    return [Compared(f"{len(rows)} more {noun}s", sum((one.amount for one in rows), ZERO), before)]


def _saved(digest: Digest, figures: Figures) -> Table | None:
    savings, currency = digest.savings, figures.currency
    if savings is None or not (savings.gross(currency) or savings.own_cost):
        return None
    mine = [one for one in savings.savings if one.currency == currency]
    parts: list[tuple[Cell, ...]] = [
        ("Gross: what was not billed", savings.gross(currency)),
        ("less wake-ups and leads", -sum((one.wake_ups for one in mine), ZERO)),
        ("less surge nodes of upgrades", -sum((one.surge for one in mine), ZERO)),
        ("less spot nodes beyond need", -sum((one.surplus for one in mine), ZERO)),
    ]
    if savings.own_cost is not None:
        parts.append(("less Lamplighter's own cost", -savings.own_cost.get(currency, ZERO)))
    net = savings.net(currency)
    total = (
        ("net", net)
        if net is not None
        else ("before its own cost, which is unknown", savings.before_own_cost(currency))
    )
    freed = savings.commitment_hours_freed()
    remark = (
        savings.method
        if not freed
        else f"{freed:,.0f} committed node-hours were freed, outside this total. {savings.method}"
    )
    shown = tuple(row for number, row in enumerate(parts) if number == 0 or row[1])
    return Table("Saved, at least", ("", "amount"), (Column.TEXT, Column.AMOUNT), shown, total, remark)


def _saved_by(digest: Digest, figures: Figures) -> Table | None:
    """Which rule did it, and where; what a rule cost more than it saved is there too."""
    mine = [one for one in digest.savings.savings if one.currency == figures.currency] if digest.savings else []
    if len(mine) < 2:  # it would repeat the total
        return None
    mine.sort(key=lambda one: (-one.net, one.cluster, one.rule))
    rows: list[tuple[Cell, ...]] = [(one.cluster.rpartition("/")[2], one.rule, one.net) for one in mine[:SHOWN]]
    if len(mine) > SHOWN:
        rows.append((f"{len(mine) - SHOWN} more", "", sum((one.net for one in mine[SHOWN:]), ZERO)))
    total = ("total, before its own cost", "", sum((one.net for one in mine), ZERO))
    columns = (Column.TEXT, Column.TEXT, Column.AMOUNT)
    return Table("Saved by cluster and rule", ("cluster", "rule", "saved"), columns, tuple(rows), total)


def _avoided(digest: Digest, figures: Figures) -> Table | None:
    """Estimates at list price, whose currency may be another one: told beside, added to nothing."""
    savings = digest.savings
    if savings is None or not savings.avoided or figures is not digest.figures[0]:
        return None
    rows: list[tuple[Cell, ...]] = []
    for one in savings.avoided[:SHOWN]:
        worth = "unknown" if one.amount is None else str(one.amount)
        rows.append((one.cluster.rpartition("/")[2], one.node_hours, worth, one.why))
    if len(savings.avoided) > SHOWN:
        rest = sum((one.node_hours for one in savings.avoided[SHOWN:]), ZERO)
        rows.append((f"{len(savings.avoided) - SHOWN} more", rest, "", ""))
    columns = (Column.TEXT, Column.HOURS, Column.TEXT, Column.TEXT)
    remark = "An estimate, not a saving: it is on no bill, and in no total."
    return Table(
        "Probably avoided", ("cluster", "node-hours", "at list price", "why"), columns, tuple(rows), None, remark
    )


def _still_billed(figures: Figures) -> Table | None:
    rows = figures.still_billed
    if not rows:
        return None
    listed: tuple[tuple[Cell, ...], ...] = tuple(
        (one.name, one.hours, one.amount, _kinds(one.kinds)) for one in rows[:SHOWN]
    )
    rest = rows[SHOWN:]
    if rest:
        listed += ((f"{len(rest)} more clusters", None, sum((one.amount for one in rest), ZERO), ""),)
    total = ("total", None, sum((one.amount for one in rows), ZERO), "")
    columns = (Column.TEXT, Column.HOURS, Column.AMOUNT, Column.TEXT)
    return Table("Still billed while stopped", ("cluster", "stopped", "cost", "for"), columns, listed, total)


def _kinds(kinds: Iterable[tuple[Kind, Decimal]]) -> str:
    return ", ".join(lower(kind.value) for kind, _ in list(kinds)[:3])


def _leftovers(figures: Figures) -> Table | None:
    rows = figures.leftovers
    if not rows:
        return None
    listed = tuple((one.name, one.amount, one.why) for one in rows[:SHOWN])
    rest = rows[SHOWN:]
    if rest:
        listed += ((f"{len(rest)} more", sum((one.amount for one in rest), ZERO), ""),)
    total = ("total", sum((one.amount for one in rows), ZERO), "")
    return Table("Nothing uses these", ("disk or address", "cost", "why"), (Column.TEXT, Column.AMOUNT, Column.TEXT),
                 listed, total)  # fmt: skip


def _held(figures: Figures) -> Table | None:
    if not figures.held:
        return None
    rows = tuple((one.name, one.what, one.hours, one.amount) for one in figures.held[:SHOWN])
    columns = (Column.TEXT, Column.TEXT, Column.HOURS, Column.AMOUNT)
    return Table("Ran because somebody said so", ("cluster", "what", "hours", "nodes' cost"), columns, rows)


def tie_out(figures: Figures) -> Table | None:
    """The parts, what the source states, and the difference: always with cents."""
    tie = figures.tie_out
    if tie is None:
        return None
    rows: list[tuple[Cell, ...]] = list(tie.parts)
    rows += [(f"Not read: {one}", "unknown") for one in tie.missing]
    rows.append(("Total as the source states it", "unknown" if tie.total is None else tie.total))
    total: tuple[Cell, ...] = ("difference", "unknown" if tie.difference is None else tie.difference)
    return Table("Tie-out", ("part", "amount"), (Column.TEXT, Column.EXACT), tuple(rows), total)
