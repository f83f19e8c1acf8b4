"""`lamplighter resume`: the emergency stop is over."""

from __future__ import annotations

from dataclasses import replace

from lamplighter import options


def command(
    *,
    owner: options.Owner = None,
    journal: options.JournalUrl = None,
    at: options.At = None,
    as_json: options.Json = False,
) -> None:
    """End the emergency stop that `lamplighter hold` began; the next tick decides anew what is due."""
    from lamplighter.remembered import change_fleet, journal_at  # noqa: PLC0415
    from lamplighter.terminal import console, print_json  # noqa: PLC0415
    from shared.model.records import HistoryRecord  # noqa: PLC0415

    now, who = options.moment(at), options.owner(owner)
    with journal_at(journal) as opened:
        held = opened.fleet().value
        if held.hold_by:
            change_fleet(opened, lambda fleet: replace(fleet, hold_by="", hold_reason="", hold_at=None, hold_all=False))
            opened.append([HistoryRecord(now, "fleet", "hold", "resume", {"by": who})])
    if as_json:
        print_json({"at": now, "resumed": bool(held.hold_by), "held_by": held.hold_by, "reason": held.hold_reason})
    elif held.hold_by:
        console().print(f"Resumed by {who}. It was held by {held.hold_by}: {held.hold_reason}")
    else:
        console().print("No hold is in force in the journal. (The app setting LAMPLIGHTER_HOLD is another one.)")
