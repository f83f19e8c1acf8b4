"""A workbook, sheet by sheet and row by row, in the few formats that a digest needs.

Cells are written from left to right; `end` goes to the next row. Text is always written as text.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from types import TracebackType
from typing import Any, Self

_LOOKS: dict[str, dict[str, Any]] = {
    "text": {},
    "text after": {"indent": 1},
    "unknown": {"align": "right"},
    "amount": {"num_format": "#,##0.00;\u2212#,##0.00"},
    "change": {"num_format": "+#,##0.00;\u2212#,##0.00;0.00"},
    "hours": {"num_format": "#,##0.0"},
    "exact": {"num_format": "#,##0.00########"},
    "percent": {"num_format": "+0 %;\u22120 %;0 %"},
    "head": {"bold": True, "bottom": 1, "font_color": "#5b6477"},
    "head after": {"bold": True, "bottom": 1, "font_color": "#5b6477", "indent": 1},
    "head of numbers": {"bold": True, "bottom": 1, "font_color": "#5b6477", "align": "right"},
    "heading": {"bold": True, "font_size": 15},
    "sentence": {"text_wrap": True, "valign": "top"},
    "strong": {"bold": True, "top": 1},
    "total": {"bold": True, "top": 1, "num_format": "#,##0.00;\u2212#,##0.00"},
    "total change": {"bold": True, "top": 1, "num_format": "+#,##0.00;\u2212#,##0.00;0.00"},
}
MOST_ROWS = 1_000_000
"""A sheet has 1,048,576."""
_LONGEST = 32_000
"""A cell holds 32,767 characters."""
_LINE = 15.75
"""Height of a line of text, in points."""


def quoted(text: str) -> str:
    """As a text within a formula."""
    return '"{}"'.format(text.replace('"', '""'))


class Book:
    """A workbook that is written into `out` when the block ends. The same values give the same bytes."""

    def __init__(self, out: BytesIO, title: str, made_at: datetime) -> None:
        import xlsxwriter  # noqa: PLC0415 - only who writes a workbook pays for it

        self._book = xlsxwriter.Workbook(
            out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        self._book.set_properties({"title": title, "author": "Lamplighter", "created": made_at.replace(tzinfo=None)})
        self._looks = {name: self._book.add_format(look) for name, look in _LOOKS.items()}

    def sheet(self, name: str, widths: tuple[int, ...]) -> Sheet:
        made = self._book.add_worksheet(name)
        for number, width in enumerate(widths):
            made.set_column(number, number, width)
        made.hide_gridlines(2)
        made.set_landscape()
        made.fit_to_pages(1, 0)
        return Sheet(made, self._looks, widths, self._book)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._book.close()


class Sheet:
    def __init__(self, sheet: Any, looks: dict[str, Any], widths: tuple[int, ...], book: Any) -> None:
        self._sheet = sheet
        self._looks = looks
        self._widths = widths
        self._book = book
        self._row = 0
        self._column = 0

    @property
    def row(self) -> int:
        """Number of the row that is being written, as formulas count it."""
        return self._row + 1

    def write(self, look: str, text: str) -> None:
        if self._column and f"{look} after" in self._looks:
            look = f"{look} after"  # or it would touch the number before it
        self._sheet.write_string(self._row, self._column, text[:_LONGEST], self._looks[look])
        self._column += 1

    def amount(self, value: Decimal | None, look: str = "amount") -> None:
        """A number; 'unknown' for None."""
        if value is None:
            self.write("unknown", "unknown")
            return
        self._sheet.write_number(self._row, self._column, float(value), self._looks[look])
        self._column += 1

    def formula(self, text: str, value: Decimal | str | None, look: str = "amount") -> None:
        """A formula and what it gives, for viewers that do not calculate."""
        known = float(value) if isinstance(value, Decimal) else (value or "")
        self._sheet.write_formula(self._row, self._column, text, self._looks[look], known)
        self._column += 1

    def end(self) -> None:
        self._row, self._column = self._row + 1, 0

    def text(self, sentence: str) -> None:
        self.write("text", sentence)
        self.end()

    def sentence(self, words: str, columns: int | None = None) -> None:
        """A sentence across so many columns, or all; as many lines high as it takes."""
        last = (columns or len(self._widths)) - 1
        room = sum(self._widths[: last + 1])
        lines = 1 + len(words) // max(1, int(room * 0.95))
        self._sheet.set_row(self._row, lines * _LINE)
        if last:
            self._sheet.merge_range(self._row, 0, self._row, last, "", self._looks["sentence"])
        self._sheet.write_string(self._row, 0, words[:_LONGEST], self._looks["sentence"])
        self.end()

    def heading(self, words: str) -> None:
        self.write("heading", words)
        self.end()

    def head(self, *names: str, text: Collection[int] = (0,)) -> None:
        """`text` says which columns hold text; numbers stand right, and so do their headings."""
        for number, name in enumerate(names):
            self.write("head" if number in text else "head of numbers", name)
        self.end()

    def chart(self, title: str, names: tuple[int, int], colours: Sequence[str]) -> None:
        """Bars of the rows `names` of the second column, named by the first; drawn below what is written so far."""
        first, last = names
        drawn = self._book.add_chart({"type": "column"})
        where = self._sheet.get_name()
        drawn.add_series(
            {
                "categories": [where, first - 1, 0, last - 1, 0],
                "values": [where, first - 1, 1, last - 1, 1],
                "points": [{"fill": {"color": colour}} for colour in colours],
                "data_labels": {"value": True, "num_format": "#,##0"},
                "gap": 40,
            }
        )
        drawn.set_title({"name": title, "overlay": False, "name_font": {"size": 12}})
        drawn.set_legend({"none": True})
        drawn.set_y_axis({"visible": False, "major_gridlines": {"visible": False}})
        drawn.set_x_axis({"line": {"none": True}, "major_tick_mark": "none"})
        drawn.set_chartarea({"border": {"none": True}})
        drawn.set_size({"width": 760, "height": 260})
        self._sheet.insert_chart(self._row, 0, drawn, {"description": title})
        self._row += 14

    def gap(self) -> None:
        self.end()

    def freeze(self) -> None:
        """The first row stays in sight."""
        self._sheet.freeze_panes(1, 0)
