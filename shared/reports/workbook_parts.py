"""A workbook, sheet by sheet and row by row, in the few formats that a digest needs.

Cells are written from left to right; `end` goes to the next row. Text is always written as text.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from io import BytesIO
from types import TracebackType
from typing import Any, Self

_LOOKS: dict[str, dict[str, Any]] = {
    "text": {},
    "amount": {"num_format": "#,##0.00;[Red]\u2212#,##0.00"},
    "exact": {"num_format": "#,##0.00########"},
    "percent": {"num_format": "+0 %;\u22120 %;0 %"},
    "head": {"bold": True, "bottom": 1, "font_color": "#5b6477"},
    "heading": {"bold": True, "font_size": 15},
    "strong": {"bold": True, "top": 1},
    "total": {"bold": True, "top": 1, "num_format": "#,##0.00;[Red]\u2212#,##0.00"},
}
_LONGEST = 32_000
"""A cell holds 32,767 characters."""


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
        return Sheet(made, self._looks)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._book.close()


class Sheet:
    def __init__(self, sheet: Any, looks: dict[str, Any]) -> None:
        self._sheet = sheet
        self._looks = looks
        self._row = 0
        self._column = 0

    @property
    def row(self) -> int:
        """Number of the row that is being written, as formulas count it."""
        return self._row + 1

    def write(self, look: str, text: str) -> None:
        self._sheet.write_string(self._row, self._column, text[:_LONGEST], self._looks[look])
        self._column += 1

    def amount(self, value: Decimal | None, look: str = "amount") -> None:
        """A number; 'unknown' for None."""
        if value is None:
            self.write("text", "unknown")
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

    def heading(self, words: str) -> None:
        self.write("heading", words)
        self.end()

    def head(self, *names: str) -> None:
        for name in names:
            self.write("head", name)
        self.end()

    def gap(self) -> None:
        self.end()

    def freeze(self) -> None:
        """The first row stays in sight."""
        self._sheet.freeze_panes(1, 0)
