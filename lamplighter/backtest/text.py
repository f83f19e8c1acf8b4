"""The text of a history file, packed with gzip or not."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from shared.errors import InputError


def history_text(file: Path, expected: str) -> str:
    """Raises InputError with one sentence for what cannot be read, is no text, or is empty."""
    try:
        data = file.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such file; {expected}") from None
    except IsADirectoryError:
        raise InputError(f"{file} is a directory; {expected}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} is not text in UTF-8; {expected}") from None
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise InputError(f"{file} is damaged: gzip cannot unpack it; {expected}") from None
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}; {expected}") from None
    if not text.strip():
        raise InputError(f"{file} is empty; {expected}")
    return text
