"""Cost exports on a laptop: files, plain or gzipped, read line by line; which amount they hold; what they cover."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from shared.costs.dialects import positions
from shared.costs.exports import read_export
from shared.errors import InputError
from shared.model.billing import Basis
from shared.model.costs import CostRow, RowProblem

EXAMPLE = "expected a cost export, such as --from-export export.csv or export.csv.gz"
_OTHERS = {
    b"PAR1": "a Parquet file, and Cost Management exports CSV too",
    b"PK\x03\x04": "a ZIP archive or a workbook, whose CSV has to be taken out first",
}
"""How files begin that people download by mistake."""


def basis_of(files: Sequence[Path], *, amortised: bool) -> Basis:
    """The one basis of all files. Raises InputError when they disagree.

    FOCUS holds both amounts; of others the name says it, or `amortised` does.
    """
    found = {file: _basis(file, amortised=amortised) for file in files}
    kinds = set(found.values())
    if len(kinds) > 1:
        shown = ", ".join(f"{file.name} is {basis.value}" for file, basis in found.items())
        raise InputError(f"--from-export: {shown}; expected files of one basis, since the two would be counted twice")
    return kinds.pop()


def _basis(file: Path, *, amortised: bool) -> Basis:
    with _opened(file) as lines:
        header = next(csv.reader(lines), [])
    is_focus = "effective" in positions(header)
    return Basis.AMORTISED if is_focus or amortised or "amorti" in file.name.casefold() else Basis.ACTUAL


def rows_of(files: Sequence[Path], basis: Basis) -> Iterator[CostRow | RowProblem]:
    """All rows of all files, in order; a problem names its file when there are several."""
    for file in files:
        with _opened(file) as lines:
            for row in read_export(lines, str(file), amortised=basis is Basis.AMORTISED):
                if isinstance(row, RowProblem) and len(files) > 1:
                    yield RowProblem(row.line, f"{row.message} ({file.name})")
                else:
                    yield row


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    """UTF-8, with or without a byte order mark. Whatever goes wrong while it is open is said of the file."""
    try:
        with file.open("rb") as raw:
            magic = raw.read(4)
            raw.seek(0)
            other = next((what for begin, what in _OTHERS.items() if magic == begin), None)
            if other is not None:
                raise InputError(f"{file} is {other}; {EXAMPLE}")
            source = gzip.GzipFile(fileobj=raw) if magic[:2] == b"\x1f\x8b" else raw
            yield io.TextIOWrapper(source, encoding="utf-8-sig", newline="")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text (byte {error.start}); {EXAMPLE}") from None
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(f"{file} can't be read ({reason}); {EXAMPLE}") from None
