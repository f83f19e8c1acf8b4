"""`lamplighter schema`: write policy.schema.json, which editors complete and check policy.yaml with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import InputError, LamplighterError

FILE = Path("policy.schema.json")


def command(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to.")] = FILE,
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when the file is not current.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write the same as a page to read, such as docs/policy.md.")] = None,
) -> None:
    """Write the JSON schema of the policy, for editors. The first line of policy.yaml names it."""
    schema(check=check, file=file)
    if page is not None:
        from lamplighter.policy_page import page as written  # noqa: PLC0415 - not for --help
        from shared.policy.schema import policy_schema  # noqa: PLC0415 - pydantic takes a while to load

        page.write_text(written(policy_schema()), encoding="utf-8")
        print(f"wrote {page}")


def schema(*, check: bool, file: Path = FILE) -> None:
    """Write the schema to `file`; with `check` only compare. Raises LamplighterError when it differs, or InputError."""
    from shared.policy.schema import policy_schema  # noqa: PLC0415 - pydantic takes a while to load

    text = json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"
    try:
        if not check:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {file}")
        elif not file.is_file() or file.read_text("utf-8") != text:
            raise LamplighterError(f"{file} is not current; run: lamplighter schema {file}")
    except OSError as error:
        raise InputError(
            f"{file} cannot be written or read: {error.strerror}; expected a file such as {FILE}"
        ) from None
