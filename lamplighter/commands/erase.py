"""`lamplighter erase`: somebody's name out of the journal."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from lamplighter import options
from lamplighter.terminal import console, counted, print_json

LONGEST = timedelta(days=3650)
"""The most that LAMPLIGHTER_KEEP_DAYS allows."""


def command(
    *,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names as they were typed, whole words.")],
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help="2d, 2026-12-24 or an instant.")] = "3650d",
    journal: options.JournalUrl = None,
    at: options.At = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only count.")] = False,
    as_json: options.Json = False,
) -> None:
    """Take somebody's name out of the journal. Decisions and their reasons stay, with (erased) in its place."""
    from lamplighter.erasing import erase, pattern_of  # noqa: PLC0415
    from lamplighter.remembered import journal_at  # noqa: PLC0415

    now, pattern = options.moment(at), pattern_of(names)
    begin = options.since(since, now, LONGEST)
    with journal_at(journal) as opened:
        found = erase(opened, pattern, begin, now, do_it=yes)
    if as_json:
        print_json({"done": yes, "lines": found.lines, "memories": found.memories, "in_force": found.in_force})
        return
    out = console()
    verb = "Erased from" if yes else "Named in"
    where = f"{counted(found.lines, 'line')} of history and what is remembered of {counted(found.memories, 'cluster')}"
    out.print(f"{verb} {where}.")
    if found.in_force:
        out.print(
            "The policy in force, or the emergency hold, names it too: change that, and the next tick forgets it."
        )
    if not yes and (found.lines or found.memories):
        out.print("Add --yes to erase it.", style="bold")
