"""A digest as Slack blocks: at most 50, a text at most 3,000 characters, ten fields a section.

https://docs.slack.dev/reference/block-kit/blocks - &, < and > are Slack's own markup and are escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.model.digest import Digest, Figures
from shared.reports.digest_tables import Table, tables
from shared.reports.digest_words import (
    amount,
    change,
    money,
    month_sentence,
    percent,
    span,
    status,
    story,
    tied,
    title,
)
from shared.reports.notice import plain

BLOCKS, TEXT, ROWS = 50, 3000, 8
_BAR = 24
"""Characters of the longest bar."""
_IN_SLACK = ("By cluster", "Still billed while stopped", "Nothing uses these")


def blocks(digest: Digest) -> list[dict[str, Any]]:
    """Never more than Slack takes; what is cut is said."""
    made = [
        {"type": "header", "text": {"type": "plain_text", "text": plain(title(digest), 150), "emoji": False}},
        _context(f"{span(digest.week.first, digest.week.last)} · *{status(digest)}*"),
    ]
    for figures in digest.figures:
        made += _figures(digest, figures)
    notes = [*(f"Not read: {one}" for one in digest.missing), *digest.notes]
    if notes:
        made.append(_context("\n".join(f"• {_safe(note)}" for note in notes[:8])))
    if len(made) > BLOCKS:
        made = [*made[: BLOCKS - 1], _context("More is in the mail and in the workbook.")]
    return made


def _figures(digest: Digest, figures: Figures) -> Iterator[dict[str, Any]]:
    total = figures.total
    fields = [
        ("Cost of the week", money(total.amount, figures.currency)),
        ("Against the week before", percent(total.share) or change(total.change) or "no history"),
    ]
    if digest.savings is not None:
        net = digest.savings.net(figures.currency)
        value = digest.savings.before_own_cost(figures.currency) if net is None else net
        fields.append(("Saved, at least", money(value, figures.currency)))
    yield {"type": "section", "fields": [_markdown(f"{name}\n*{_safe(value)}*") for name, value in fields]}
    yield _section("\n".join(f"• {_safe(one)}" for one in (*story(digest, figures), month_sentence(figures))))
    if len(figures.weeks) > 1:
        yield _section(f"```{_bars(figures)}```")
    for table in tables(digest, figures):
        if table.title in _IN_SLACK:
            yield _section(f"*{table.title}*\n```{_columns(table)}```")
    yield _context(_safe(tied(figures)))


def _bars(figures: Figures) -> str:
    highest = max(bar.amount for bar in figures.weeks)
    lines = []
    for bar in figures.weeks:
        long = round(bar.amount / highest * _BAR) if highest > 0 else 0
        so_far = " so far" if bar.provisional else ""
        lines.append(f"W{bar.week.number:02} {'█' * max(long, 0)} {amount(bar.amount)}{so_far}")
    return "\n".join(lines)


def _columns(table: Table) -> str:
    number = next(index for index, column in enumerate(table.columns) if column.value in ("amount", "exact"))
    rows = [table.texts(row) for row in table.rows[:ROWS]]
    if len(table.rows) > ROWS:
        rows.append([f"{len(table.rows) - ROWS} more", *[""] * (len(table.columns) - 1)])
    if table.total:
        rows.append(table.texts(table.total))
    wide = min(max(len(row[0]) for row in rows), 40)
    tall = max(len(row[number]) for row in rows)
    return "\n".join(f"{_code(row[0])[:wide].ljust(wide)}  {row[number].rjust(tall)}" for row in rows)


def _section(words: str) -> dict[str, Any]:
    return {"type": "section", "text": _markdown(words)}


def _context(words: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_markdown(words)]}


def _markdown(words: str) -> dict[str, Any]:
    kept = words if len(words) <= TEXT else _cut(words)
    return {"type": "mrkdwn", "text": kept, "verbatim": True}


def _cut(words: str) -> str:
    """A block of code that is cut is closed again."""
    fence = "```" if words.endswith("```") else ""
    return f"{words[: TEXT - 1 - len(fence)].rstrip('`')}\u2026{fence}"


def _safe(words: str) -> str:
    """Without what Slack takes for links, mentions and emphasis."""
    kept = plain(words, 600).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\u200b{char}" if char in "*_~`" else char for char in kept)


def _code(words: str) -> str:
    return words.replace("`", "'").replace("&", "+").replace("<", "(").replace(">", ")")
