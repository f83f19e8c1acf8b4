"""`lamplighter digest`: the weekly cost digest, before it is sent, or from an export that somebody downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamplighter import options
from lamplighter.terminal import counted, progress, warn
from shared.errors import InputError

if TYPE_CHECKING:
    from shared.model.digest import Digest
    from shared.model.weeks import Week


FROM_FILES, FROM_AZURE = "From an export", "From Azure, without an export"


def command(
    *,
    week: Annotated[
        str | None, typer.Option("--week", metavar="WEEK", help="Such as 2026-W47. Default: the last whole one.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write mail, charts, workbook, data, card and blocks there."),
    ] = None,
    audience: Annotated[
        str | None, typer.Option("--audience", metavar="NAME", help="Of the policy's digest. Default: finance.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="The policy: zone, environments, audiences.")
    ] = None,
    at: options.At = None,
    from_export: Annotated[
        list[Path] | None,
        typer.Option(
            "--from-export",
            metavar="FILE",
            help="A cost export, CSV or CSV.gz; repeatable.",
            rich_help_panel=FROM_FILES,
        ),
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="More files of the export.")] = None,
    amortised: Annotated[
        bool,
        typer.Option(
            "--amortised", help="It is amortised, though its name does not say so.", rich_help_panel=FROM_FILES
        ),
    ] = False,
    fleet: Annotated[
        Path | None,
        typer.Option(
            "--fleet",
            metavar="FILE",
            help="The clusters, for names and tags: what `az aks list -o json` printed, or a fleet in YAML.",
            rich_help_panel=FROM_FILES,
        ),
    ] = None,
    journal: Annotated[
        str | None,
        typer.Option(
            "--journal",
            metavar="URL",
            envvar="LAMPLIGHTER_JOURNAL",
            help="What Lamplighter remembers, for what it saved: https://ACCOUNT.table.core.windows.net.",
            rich_help_panel=FROM_AZURE,
        ),
    ] = None,
) -> None:
    """What finance would be told about a week: printed, or with --out written as it would be sent. Sends nothing.

    Without an export Azure is read, by whoever is signed in; with a journal it also says what was saved.
    """
    from lamplighter import digesting  # noqa: PLC0415

    asked = digesting.Asked(
        files=tuple(from_export or ()) + tuple(more or ()),
        amortised=amortised,
        audience=audience,
        policy=policy,
        fleet=fleet,
        journal=journal,
        now=options.moment(at),
        week=_week(week),
    )
    with progress("reading the costs ..."):
        found = digesting.read(asked)
    made = digesting.make(found, asked.now, out)
    if out is None:
        _print(made)
    else:
        _write(made, out)


def _week(text: str | None) -> Week | None:
    from shared.model.weeks import Week  # noqa: PLC0415

    if text is None:
        return None
    try:
        return Week.parse(text)
    except ValueError as error:
        raise InputError(f"--week {error}") from None


def _print(made: Digest) -> None:
    from shared.reports.digest_text import text  # noqa: PLC0415

    print(text(made), end="")


def _write(made: Digest, out: Path) -> None:
    from lamplighter.digesting import write  # noqa: PLC0415

    written = write(made, out)
    print(f"{counted(len(written), 'file')} in {written[0].parent}: {', '.join(path.name for path in written)}")
    warn(f"{note[:1].upper()}{note[1:]}" for note in made.notes)
