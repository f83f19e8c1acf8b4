"""Pieces of HTML that mail clients agree on: tables, inline styles, no script, no font, no class that matters.

Outlook on Windows renders with Word: no max-width, no flex, no margin on a table; so widths are attributes and room is
padding of cells. https://www.caniemail.com - every text is escaped here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from shared.reports.notice import plain

INK, SOFT, LINE, PAPER, CARD, LAMP, GOOD, BAD = (
    "#1d2433",
    "#5b6477",
    "#e3dfd3",
    "#f4f2ec",
    "#ffffff",
    "#b45309",
    "#1a7f4b",
    "#b3261e",
)
FONT = "font-family:Helvetica,Arial,sans-serif"
WIDTH = 640

# Only what a client may drop without harm: phones and dark mode. Everything that matters is inline.
STYLE = """
@media only screen and (max-width:480px) {
.wide { width:100% !important; }
.tile { display:block !important; width:100% !important; }
.pad { padding-left:16px !important; padding-right:16px !important; }
.less { display:none !important; }
}
@media (prefers-color-scheme:dark) {
.paper { background-color:#12151c !important; }
.card { background-color:#1b202b !important; }
.ink { color:#eceff4 !important; }
.soft { color:#a5adbd !important; }
.lamp { color:#f5b342 !important; }
.good { color:#5cd19a !important; }
.bad { color:#ff8a80 !important; }
.line { border-color:#333b4a !important; }
}
""".strip()


def text(words: str, most: int = 400) -> str:
    """One line of anybody's text, safe in HTML."""
    return escape(plain(words, most))


def paragraph(inner: str, *, size: int = 15, soft: bool = False, below: int = 12) -> str:
    """`inner` is HTML."""
    colour, kind = (SOFT, "soft") if soft else (INK, "ink")
    style = f"{FONT};font-size:{size}px;line-height:1.5;color:{colour};padding:0 0 {below}px 0"
    return f'<tr><td class="{kind}" style="{style}">{inner}</td></tr>'


def heading(words: str) -> str:
    style = f"{FONT};font-size:17px;line-height:1.3;font-weight:bold;color:{INK};padding:20px 0 8px 0"
    return f'<tr><td class="ink" style="{style}">{text(words)}</td></tr>'


def tile(label: str, value: str, below: str, colour: str = INK, kind: str = "ink") -> str:
    """A number to be seen first."""
    cell = (
        f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'
        f'<tr><td class="soft" style="{FONT};font-size:13px;line-height:1.4;color:{SOFT}">{text(label)}</td></tr>'
        f'<tr><td class="{kind}" style="{FONT};font-size:26px;line-height:1.2;font-weight:bold;color:{colour};'
        f'padding:2px 0">{text(value)}</td></tr>'
        f'<tr><td class="soft" style="{FONT};font-size:13px;line-height:1.4;color:{SOFT};'
        f'padding:0 0 14px 0">{text(below)}</td></tr></table>'
    )
    return f'<td class="tile" width="33%" valign="top" style="padding:0 10px 0 0">{cell}</td>'


def tiles(cells: Iterable[str]) -> str:
    return (
        '<tr><td><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'
        f"<tr>{''.join(cells)}</tr></table></td></tr>"
    )


def bullets(sentences: Iterable[str]) -> str:
    """A list as a table: list bullets differ between clients."""
    rows = "".join(
        f'<tr><td class="lamp" valign="top" width="16" style="{FONT};font-size:15px;line-height:1.5;color:{LAMP}">'
        f'&#8226;</td><td class="ink" style="{FONT};font-size:15px;line-height:1.5;color:{INK};padding:0 0 6px 0">'
        f"{text(sentence)}</td></tr>"
        for sentence in sentences
    )
    return rows and (
        '<tr><td style="padding:0 0 8px 0"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" '
        f'border="0">{rows}</table></td></tr>'
    )


def grid(
    headings: Sequence[str], rows: Sequence[Sequence[str]], look: Sequence[Look], total: Sequence[str] | None
) -> str:
    """A table of data; a screen reader hears its headings."""
    head = "".join(
        f'<th scope="col" class="soft line{one.kind}" align="{one.align}" style="{FONT};font-size:13px;'
        f'font-weight:normal;color:{SOFT};border-bottom:1px solid {LINE};padding:4px 0 4px {one.left}px">'
        f"{text(name) or '&nbsp;'}</th>"
        for name, one in zip(headings, look, strict=True)
    )
    body = "".join(_line(row, look, strong=False) for row in rows)
    foot = _line(total, look, strong=True) if total else ""
    return (
        '<tr><td style="padding:0 0 8px 0"><table width="100%" cellpadding="0" cellspacing="0" border="0">'
        f"<tr>{head}</tr>{body}{foot}</table></td></tr>"
    )


class Look:
    """How a column stands: text left, numbers right; `less` disappears on a phone."""

    def __init__(self, *, number: bool, first: bool, less: bool) -> None:
        self.align = "right" if number else "left"
        self.left = 0 if first else 10
        self.kind = " less" if less else ""
        self.nowrap = number


def _line(cells: Sequence[str], look: Sequence[Look], *, strong: bool) -> str:
    weight = "font-weight:bold;" if strong else ""
    return "<tr>{}</tr>".format(
        "".join(
            f'<td class="ink line{one.kind}" align="{one.align}" valign="top" style="{FONT};font-size:14px;'
            f"line-height:1.4;{weight}color:{INK};border-bottom:1px solid {LINE};padding:6px 0 6px {one.left}px"
            f'"{" nowrap" if one.nowrap else ""}>{text(cell, 90)}</td>'
            for cell, one in zip(cells, look, strict=True)
        )
    )


def document(subject: str, preview: str, inner: str) -> str:
    """The whole mail: `inner` is rows of the card's table, `preview` what a list of mails shows beside the subject."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
        f"<title>{text(subject)}</title><style>{STYLE}</style></head>"
        f'<body class="paper" style="margin:0;padding:0;background-color:{PAPER}">'
        f'<div style="display:none;font-size:1px;line-height:1px;color:{PAPER}">{text(preview)}</div>'
        f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="paper" '
        f'bgcolor="{PAPER}"><tr><td align="center" style="padding:16px 8px">'
        f'<table role="presentation" width="{WIDTH}" cellpadding="0" cellspacing="0" border="0" class="card wide" '
        f'bgcolor="{CARD}" style="border-top:4px solid #e09f3e">'
        '<tr><td class="pad" style="padding:24px 32px 28px 32px">'
        f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">{inner}</table>'
        "</td></tr></table></td></tr></table></body></html>\n"
    )
