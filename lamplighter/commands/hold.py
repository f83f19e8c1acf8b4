"""`lamplighter hold`: the emergency stop. Nothing disruptive happens until `resume`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from lamplighter import options


def command(
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="WHY", help="Why; people will read it.")],
    owner: options.Owner = None,
    journal: options.JournalUrl = None,
    at: options.At = None,
    all_: Annotated[bool, typer.Option("--all", help="Starts wait too.")] = False,
    as_json: options.Json = False,
) -> None:
    """Emergency stop: nothing is stopped any more, messages already queued included, until `lamplighter resume`.

    Starts go on unless --all is given. The app setting LAMPLIGHTER_HOLD does the same without the journal.
    """
    from lamplighter.keeping import reason_of  # noqa: PLC0415
    from lamplighter.remembered import change_fleet, journal_at  # noqa: PLC0415
    from lamplighter.terminal import console, print_json  # noqa: PLC0415
    from shared.model.records import HistoryRecord  # noqa: PLC0415

    now, who, why = options.moment(at), options.owner(owner), reason_of(reason)
    body = {"by": who, "reason": why, "all": all_}
    with journal_at(journal) as opened:
        change_fleet(opened, lambda fleet: replace(fleet, hold_by=who, hold_reason=why, hold_at=now, hold_all=all_))
        opened.append([HistoryRecord(now, "fleet", "hold", "hold", body)])
    if as_json:
        print_json({"at": now, "hold": body})
        return
    console().print(f"Held by {who}: {why}")
    left = "Starts wait too." if all_ else "Starts go on; --all holds them too."
    console().print(f"Nothing is stopped until `lamplighter resume`. {left}", style="dim")
