"""A digest as an Adaptive Card for Teams Workflows: the same sentences, a chart of plain columns, two tables.

Version 1.4, which every Teams client draws, and at most 28 KB with its envelope: rows are left out until it fits.
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook (size)
https://adaptivecards.io/schemas/adaptive-card.json
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from shared.model.digest import ZERO, Digest, Figures
from shared.reports.digest_tables import Table, tables
from shared.reports.digest_words import (
    amount,
    change,
    headline,
    money,
    month_sentence,
    percent,
    span,
    status,
    story,
    tied,
    ties,
    title,
)
from shared.reports.notice import plain

SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
VERSION = "1.4"
MOST_BYTES = 28 * 1024
ROWS = (8, 5, 3, 0)
"""Rows of a table, tried one after the other until the message is small enough."""
BAR = 22
"""Characters of the longest bar."""
_IN_CARD = ("By cluster", "Still billed while stopped", "Nothing uses these", "Tie-out")
_MARKUP = re.compile(r"([\\*_\[\]()`~#|])")


def message(digest: Digest) -> dict[str, Any]:
    """What is posted to the workflow; never more than MOST_BYTES as JSON."""
    for rows in ROWS:
        made = _message(digest, rows, digest.figures)
        if _size(made) <= MOST_BYTES:
            return made
    return _message(digest, 0, digest.figures[:1], brief=True)


def _size(made: dict[str, Any]) -> int:
    return len(json.dumps(made).encode())


def _message(digest: Digest, rows: int, figures: tuple[Figures, ...], *, brief: bool = False) -> dict[str, Any]:
    body = [
        _block(title(digest), size="Large", weight="Bolder"),
        _block(
            f"{span(digest.week.first, digest.week.last)} · **{status(digest)}**",
            spacing="None",
            isSubtle=True,
            raw=True,
        ),
    ]
    for one in figures:
        body += _figures(digest, one, rows)
    notes = [*(f"Not read: {one}" for one in digest.missing), *digest.notes]
    if notes and not brief:
        body.append(_block("\n".join(f"- {_safe(note)}" for note in notes[:8]), isSubtle=True, raw=True))
    card = {
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": VERSION,
        "fallbackText": headline(digest.figures[0], digest.week) if digest.figures else title(digest),
        "msteams": {"width": "Full"},
        "body": body,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _figures(digest: Digest, figures: Figures, rows: int) -> Iterator[dict[str, Any]]:
    yield _tiles(digest, figures)
    sentences = [*story(digest, figures), month_sentence(figures)]
    yield _block("\n".join(f"- {_safe(one)}" for one in sentences), raw=True)
    if len(figures.weeks) > 1 and rows:
        yield from _bars(figures)
    if rows:
        for table in tables(digest, figures):
            if table.title in _IN_CARD[:-1]:
                yield from _table(table, rows, figures.currency)
    colour = {True: "Good", False: "Attention", None: "Warning"}[ties(figures)]
    if figures.tie_out is None:
        colour = "Default"
    yield _block(tied(figures), color=colour, weight="Bolder")


def _tiles(digest: Digest, figures: Figures) -> dict[str, Any]:
    total = figures.total
    cells = [
        ("Cost of the week", money(total.amount, figures.currency), "Default"),
        ("Against the week before", percent(total.share) or change(total.change) or "no history", "Default"),
    ]
    if digest.savings is not None:
        net = digest.savings.net(figures.currency)
        value = digest.savings.before_own_cost(figures.currency) if net is None else net
        cells.append(("Saved, at least", money(value, figures.currency), "Good" if value > 0 else "Default"))
    return {
        "type": "ColumnSet",
        "columns": [
            {
                "type": "Column",
                "width": "stretch",
                "items": [
                    _block(name, isSubtle=True, size="Small"),
                    _block(value, size="Large", weight="Bolder", color=colour, spacing="None"),
                ],
            }
            for name, value, colour in cells
        ],
    }


def _bars(figures: Figures) -> Iterator[dict[str, Any]]:
    """Bars of text, which every client draws: a line a week, lit for this one."""
    highest = max(bar.amount for bar in figures.weeks)
    for bar in figures.weeks:
        is_last = bar is figures.weeks[-1]
        long = max(0, round(bar.amount / highest * BAR)) if highest > 0 else 0
        so_far = " so far" if bar.provisional else ""
        line = f"W{bar.week.number:02} {'█' * long} {amount(bar.amount)}{so_far}"
        look = {"color": "Accent", "weight": "Bolder"} if is_last else {"isSubtle": True}
        space = "Medium" if bar is figures.weeks[0] else "None"
        yield _block(line, spacing=space, fontType="Monospace", size="Small", wrap=False, **look)


def _table(table: Table, rows: int, currency: str) -> Iterator[dict[str, Any]]:
    """Name and amount alone: a card is read on a phone."""
    number = next(index for index, column in enumerate(table.columns) if column.value in ("amount", "exact"))
    yield _block(f"{table.title}, {currency}".rstrip(", "), weight="Bolder", spacing="Medium")
    facts = [(table.texts(row)[0], table.texts(row)[number]) for row in table.rows[:rows]]
    if len(table.rows) > rows:
        rest = sum((cell for row in table.rows[rows:] if isinstance(cell := row[number], Decimal)), ZERO)
        row = [rest if index == number else "" for index in range(len(table.columns))]
        facts.append(("the rest", table.texts(row)[number]))
    if table.total:
        facts.append((table.texts(table.total)[0], table.texts(table.total)[number]))
    yield {"type": "FactSet", "facts": [{"title": _safe(name), "value": _safe(value)} for name, value in facts]}


def _block(words: str, *, raw: bool = False, wrap: bool = True, **look: Any) -> dict[str, Any]:
    """`raw` text is markdown of our own; everything else is taken literally."""
    return {"type": "TextBlock", "text": words if raw else _safe(words), "wrap": wrap, **look}


def _safe(words: str) -> str:
    """Markdown of Teams reads *, _, [ and ( ; names of people's resources are no markup."""
    return _MARKUP.sub(r"\\\1", plain(words, 600))
