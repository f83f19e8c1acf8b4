"""`lamplighter check`: is the policy right, and does it fit the fleet?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamplighter import options
from lamplighter.terminal import console, counted, print_json, table

if TYPE_CHECKING:
    from rich.console import Console

    from lamplighter.subject import Subject
    from shared.policy.document import Policy
    from shared.policy.findings import Chorus, ClosedDay, Findings

NAMED = 6
DAYS = 6
"""Closed days that are shown of one calendar."""


def command(
    policy: Annotated[Path, typer.Argument(metavar="[POLICY]", help="The policy.")] = options.DEFAULT_POLICY,
    *,
    fleet: options.FleetFile = None,
    named: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="The same.")] = None,
    at: options.At = None,
    alone: Annotated[bool, typer.Option("--policy-only", help="Read no fleet, not even from Azure.")] = False,
    as_json: options.Json = False,
) -> None:
    """Read the policy, tell every mistake at once, and compare it with the fleet.

    Clusters per environment, clusters that no environment matches (and that are production therefore), rules that
    match nothing, tags that were probably meant, clusters for which several rules speak, the next closed days.
    """
    from lamplighter.subject import read_policy_file, read_subject  # noqa: PLC0415
    from shared.policy.findings import findings  # noqa: PLC0415

    now, file = options.moment(at), named or policy
    if alone:
        _say_good(read_policy_file(file), as_json=as_json)
        return
    subject = read_subject(file, fleet, now)
    found = findings(subject.policy, subject.clusters, now)
    if as_json:
        print_json(document(subject, found))
    else:
        show(subject, found)


def _say_good(policy: Policy, *, as_json: bool) -> None:
    if as_json:
        print_json(_of_policy(policy))
    else:
        console().print(_summary(policy))


def _summary(policy: Policy) -> str:
    parts = (
        counted(len(policy.rules), "rule"),
        counted(len(policy.environments), "environment"),
        f"mode {policy.mode}",
        policy.timezone,
    )
    return f"{policy.source} is a good policy: {', '.join(parts)}"


def _of_policy(policy: Policy) -> dict[str, Any]:
    return {"policy": policy.source, "hash": policy.hash, "mode": policy.mode, "timezone": policy.timezone}


def document(subject: Subject, found: Findings) -> dict[str, Any]:
    return {
        **_of_policy(subject.policy),
        "at": found.at,
        "clusters": found.clusters,
        "production": found.production,
        "problems": list(subject.inventory.problems),
        "environments": [
            {"name": one.name, "production": one.production, "clusters": one.clusters} for one in found.environments
        ],
        "unmatched": list(found.unmatched),
        "silent_rules": list(found.silent_rules),
        "ruleless": found.ruleless,
        "near_tags": [
            {"tag": one.tag, "value": one.value, "meant": one.meant, "clusters": list(one.clusters)}
            for one in found.near_tags
        ],
        "several_rules": [
            {
                "speakers": list(one.speakers),
                "heard": list(one.heard),
                "voice": one.voice or None,
                "wish": one.wish,
                "clusters": list(one.clusters),
            }
            for one in found.choruses
        ],
        "unreadable_tags": [{"cluster": one.cluster, "problems": list(one.problems)} for one in found.unreadable],
        "closed_days": [
            {"calendar": one.calendar, "day": one.day.isoformat(), "reason": one.reason} for one in found.closed_days
        ],
        "unused_schedules": list(found.unused_schedules),
        "idle_exceptions": [{"cluster": one.cluster, "problem": one.problem} for one in found.idle_exceptions],
        "holidayless_rules": list(found.holidayless_rules),
        "queues": [
            {
                "subscription": one.subscription,
                "location": one.location,
                "clusters": one.clusters,
                "lead_seconds": int(one.lead.total_seconds()),
                "spread_seconds": int(one.spread.total_seconds()),
            }
            for one in found.queues
        ],
        "learned_queues": [
            {
                "subscription": one.subscription,
                "location": one.location,
                "clusters": one.clusters,
                "learning": one.learning,
                "spread_seconds": int(one.spread.total_seconds()),
                "waiting_cost_seconds": int(one.waiting_cost.total_seconds()),
                "never_pays": one.never_pays,
            }
            for one in found.learned_queues
        ],
    }


def show(subject: Subject, found: Findings) -> None:
    from lamplighter.find import short_names  # noqa: PLC0415

    out, names = console(), short_names(subject.clusters)
    out.print(_summary(subject.policy), style="bold")
    _show_environments(out, found, names)
    _show_notes(out, subject, found, names)
    _show_choruses(out, found.choruses, names)
    _show_closed(out, found.closed_days)


def _show_environments(out: Console, found: Findings, names: Mapping[str, str]) -> None:
    out.print(f"\n{counted(found.clusters, 'cluster')}, {found.production:,} of them production", style="bold")
    rows = table("environment", "clusters>", "", "*")
    for one in found.environments:
        rows.add_row(one.name, f"{one.clusters:,}", "production" if one.production else "", "")
    if found.unmatched:
        rows.add_row("none", f"{len(found.unmatched):,}", "production", some(names[one] for one in found.unmatched))
    out.print(rows)


def some(words: Iterable[str]) -> str:
    every = list(words)
    rest = f" and {len(every) - NAMED:,} more" if len(every) > NAMED else ""
    return ", ".join(every[:NAMED]) + rest


def _show_notes(out: Console, subject: Subject, found: Findings, names: Mapping[str, str]) -> None:
    notes = [
        *(f"{one.sentence}: {some(names[id_] for id_ in one.clusters)}" for one in found.near_tags),
        *(f"{names[one.cluster]}: {problem}" for one in found.unreadable for problem in one.problems),
        *(f"the rule {name} matches no cluster" for name in found.silent_rules),
        *([_ruleless(found.ruleless)] if found.ruleless else []),
        *(f"nothing uses the schedule {name}" for name in found.unused_schedules),
        *(f"the exception for {one.cluster} {one.problem}" for one in found.idle_exceptions),
        *(_holidayless(name, subject.policy) for name in found.holidayless_rules),
        *(one.sentence for one in found.queues),
        *(one.sentence for one in found.learned_queues),
    ]
    if not notes:
        return
    out.print("\nWorth a look", style="bold")
    rows = table("", "*")
    rows.show_header = False
    for note in notes:
        rows.add_row("-", note)
    out.print(rows)


def _holidayless(name: str, policy: Policy) -> str:
    return (
        f"the rule {name} starts clusters ahead of learned hours and knows no holidays of theirs: it may say"
        f" calendar: {next(iter(policy.calendars))}"
    )


def _ruleless(number: int) -> str:
    verb = "is" if number == 1 else "are"
    return f"{counted(number, 'cluster')} outside production {verb} spoken for by no rule"


def _show_choruses(out: Console, choruses: Sequence[Chorus], names: Mapping[str, str]) -> None:
    if not choruses:
        return
    out.print("\nSeveral speak for one cluster", style="bold")
    rows = table("who speaks", "who is heard now", "wants", "clusters*")
    for one in choruses:
        wish = "nothing" if one.wish is None else one.wish.value
        heard = f"{', '.join(one.heard)} ({one.voice})" if one.heard else "nobody"
        rows.add_row(", ".join(one.speakers), heard, wish, some(names[id_] for id_ in one.clusters))
    out.print(rows)


def _show_closed(out: Console, closed: Sequence[ClosedDay]) -> None:
    if not closed:
        return
    out.print("\nClosed days ahead", style="bold")
    rows = table("calendar", "days*")
    for name, of_calendar in groupby(closed, key=lambda one: one.calendar):
        days = list(of_calendar)
        said = [f"{one.day:%a} {one.day.day} {one.day:%b} ({one.reason})" for one in days[:DAYS]]
        rest = f" and {len(days) - DAYS} more" if len(days) > DAYS else ""
        rows.add_row(name, ", ".join(said) + rest)
    out.print(rows)
