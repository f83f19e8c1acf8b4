"""A digest as an HTML mail: numbers first, why in sentences, one chart, tables that add up, and how it was made."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from shared.model.digest import Digest, Figures
from shared.reports import mail_parts as parts
from shared.reports.digest_chart import alternative
from shared.reports.digest_tables import Column, Table, support, tables
from shared.reports.digest_words import (
    amount,
    change,
    explained_sentence,
    headline,
    moment,
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

_LESS = frozenset({"usual", "for", "why"})
"""Columns that a phone can do without."""


def chart_name(figures: Figures) -> str:
    """Name and content id of the chart's picture.

    A mail shows the attachment of that name where `cid:` names it.
    """
    return f"weeks-{figures.currency.lower() or 'cost'}.png"


def html(digest: Digest, *, charts: str = "cid:") -> str:
    """The mail. `charts` comes before a chart's name: `cid:` in a mail, '' for a file that lies beside its pictures."""
    subject = title(digest)
    preview = " ".join(headline(one, digest.week) for one in digest.figures)
    return parts.document(subject, f"{preview} {status(digest)}.", "".join(_rows(digest, charts)))


def _rows(digest: Digest, charts: str) -> Iterator[str]:
    yield _top(digest)
    for figures in digest.figures:
        yield from _figures(digest, figures, charts)
    for table in support(digest):
        yield from _table(table, "")
    for name, sentences in (
        ("Not read, and in no figure", digest.missing),
        ("Worth knowing", digest.notes),
        ("Rows that could not be read", digest.problems[:10]),
    ):
        if sentences:
            yield parts.heading(name)
            yield parts.bullets(_sentence(one) for one in sentences)
    yield parts.heading("How it was made")
    made = [_sentence(one) for one in digest.method]
    made.append(f"Read from {digest.source}, {moment(digest.read_at, digest.zone)}.")
    yield parts.paragraph(parts.text(" ".join(made), 2000), size=13, soft=True, below=0)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _top(digest: Digest) -> str:
    colour = parts.GOOD if digest.provisional_until is None else parts.LAMP
    kind = "good" if digest.provisional_until is None else "lamp"
    return (
        f'<tr><td class="soft" style="{parts.FONT};font-size:13px;color:{parts.SOFT};padding:0 0 4px 0">'
        f'Lamplighter</td></tr><tr><td class="ink" style="{parts.FONT};font-size:24px;line-height:1.25;'
        f"font-weight:bold;"
        f'color:{parts.INK};padding:0 0 2px 0">{parts.text(title(digest))}</td></tr>'
        f'<tr><td class="soft" style="{parts.FONT};font-size:14px;line-height:1.5;color:{parts.SOFT};'
        f'padding:0 0 18px 0">{parts.text(span(digest.week.first, digest.week.last))} &#183; '
        f'<span class="{kind}" style="color:{colour};font-weight:bold">{parts.text(status(digest))}</span></td></tr>'
    )


def _figures(digest: Digest, figures: Figures, charts: str) -> Iterator[str]:
    yield parts.tiles(_tiles(digest, figures))
    yield parts.bullets([*story(digest, figures), month_sentence(figures)])
    if len(figures.weeks) > 1:
        yield _chart(figures, charts)
    for table in tables(digest, figures):
        yield from _table(table, figures.currency)
    if figures.explained:
        yield parts.heading("Explained by our own decisions")
        yield parts.bullets(explained_sentence(one) for one in figures.explained)
    if figures.tie_out is None:
        yield parts.paragraph(parts.text(tied(figures)), size=13, soft=True)
        return
    kind, colour = {True: ("good", parts.GOOD), False: ("bad", parts.BAD), None: ("lamp", parts.LAMP)}[ties(figures)]
    told = parts.text(tied(figures))
    yield parts.paragraph(f'<span class="{kind}" style="color:{colour};font-weight:bold">{told}</span>', size=14)


def _tiles(digest: Digest, figures: Figures) -> Iterator[str]:
    total = figures.total
    usual = "" if total.usual is None else f"usual: {amount(total.usual)}"
    yield parts.tile("Cost of the week", money(total.amount, figures.currency), usual)
    if total.change is not None:
        yield parts.tile("Against the week before", percent(total.share) or change(total.change), change(total.change))
    else:
        yield parts.tile("Against the week before", "no history", "nothing to compare with yet")
    savings = digest.savings
    if savings is None:
        yield parts.tile("Saved, at least", "not measured", "no history was at hand")
        return
    net = savings.net(figures.currency)
    value = savings.before_own_cost(figures.currency) if net is None else net
    colour, kind = (parts.GOOD, "good") if value > Decimal(0) else (parts.INK, "ink")
    below = "net of its own cost" if net is not None else "own cost not known"
    yield parts.tile("Saved, at least", money(value, figures.currency), below, colour, kind)


def _chart(figures: Figures, charts: str) -> str:
    name = parts.text(chart_name(figures))
    return (
        f'<tr><td bgcolor="{parts.CARD}" style="padding:4px 0 4px 0">'
        f'<img class="wide" src="{charts}{name}" width="576" '
        f'alt="{parts.text(alternative(figures))}" style="display:block;width:100%;border:0">'
        "</td></tr>"
    )


def _table(table: Table, currency: str) -> Iterator[str]:
    looks = [
        parts.Look(number=column is not Column.TEXT, first=number == 0, less=name in _LESS)
        for number, (column, name) in enumerate(zip(table.columns, table.headings, strict=True))
    ]
    yield parts.heading(f"{table.title}, {currency}".rstrip(", "))
    total = table.texts(table.total) if table.total else None
    yield parts.grid(table.headings, [table.texts(row) for row in table.rows], looks, total)
    if table.remark:
        yield parts.paragraph(parts.text(table.remark, 900), size=13, soft=True)
