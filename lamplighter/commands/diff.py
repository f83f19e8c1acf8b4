"""`lamplighter diff OLD NEW`: what a change of the policy would stop and start in the next days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamplighter import options
from lamplighter.terminal import STYLES, console, counted, print_json, table, wire

if TYPE_CHECKING:
    from rich.console import Console

    from shared.model.fleet import Cluster
    from shared.policy.document import Policy
    from shared.policy.forecast import Transition

DAYS = 14


@dataclass(frozen=True, slots=True)
class Moved:
    """A cluster whose environment is another one under the new policy."""

    cluster: str
    before: str
    after: str
    change: str
    """now production | no longer production | other environment"""


def command(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The policy in force.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The policy to be.")],
    *,
    fleet: options.FleetFile = None,
    at: options.At = None,
    days: Annotated[int, typer.Option("--days", metavar="N", help="How many days to look ahead.")] = DAYS,
    as_json: options.Json = False,
) -> None:
    """What a change of the policy would stop and start in the next 14 days.

    Clusters that become production, or stop being production, come first.
    """
    from lamplighter.ahead import transitions_of  # noqa: PLC0415
    from lamplighter.subject import read_policy_file, read_subject  # noqa: PLC0415

    now = options.moment(at)
    number = options.days(days)
    before = read_policy_file(old)
    subject = read_subject(new, fleet, now)
    after, clusters = subject.policy, subject.clusters
    moved = moves(clusters, before, after)
    was = transitions_of(clusters, before, now, number)
    will = transitions_of(clusters, after, now, number)
    added, removed = only_in(will, was), only_in(was, will)
    if as_json:
        print_json(_document(now, moved, added, removed))
    else:
        _show(clusters, after, moved, (added, removed))


def moves(clusters: Sequence[Cluster], before: Policy, after: Policy) -> list[Moved]:
    """Clusters whose environment changes, those that cross the border of production first."""
    found = []
    for cluster in clusters:
        was, will = before.environment_of(cluster), after.environment_of(cluster)
        if was == will:
            continue
        if was.production == will.production:
            change = "other environment"
        else:
            change = "now production" if will.production else "no longer production"
        found.append(Moved(cluster.id, was.name or "none (production)", will.name or "none (production)", change))
    order = ("no longer production", "now production", "other environment")
    return sorted(found, key=lambda one: (order.index(one.change), one.cluster))


def only_in(these: Sequence[Transition], those: Sequence[Transition]) -> list[Transition]:
    """Starts and stops that are in the first and not in the second; which rule asks for them does not matter."""
    known = {(one.target, one.at, one.action) for one in those}
    return [one for one in these if (one.target, one.at, one.action) not in known]


def _document(
    now: datetime, moved: Sequence[Moved], added: Sequence[Transition], removed: Sequence[Transition]
) -> dict[str, Any]:
    from lamplighter.commands.calendar import document  # noqa: PLC0415

    return {
        "at": wire(now),
        "environments": [
            {"cluster": one.cluster, "before": one.before, "after": one.after, "change": one.change} for one in moved
        ],
        "added": [document(one) for one in added],
        "removed": [document(one) for one in removed],
    }


def _show(
    clusters: Sequence[Cluster],
    policy: Policy,
    moved: Sequence[Moved],
    changes: tuple[Sequence[Transition], Sequence[Transition]],
) -> None:
    from lamplighter.commands.calendar import print_days  # noqa: PLC0415
    from lamplighter.find import short_names  # noqa: PLC0415

    out = console()
    names = short_names(clusters)
    _show_moves(out, moved, names)
    added, removed = changes
    for heading, transitions, style in (("No longer", removed, "red"), ("New", added, "green")):
        if transitions:
            out.print(f"{heading}: {_totals(transitions)}\n", style=f"bold {style}")
            print_days(out, transitions, names, policy.timezone)
            out.print()
    if not added and not removed:
        out.print("No start and no stop changes.")
    else:
        out.print(f"Times in {policy.timezone}.", style="dim")


def _show_moves(out: Console, moved: Sequence[Moved], names: Mapping[str, str]) -> None:
    from rich.text import Text  # noqa: PLC0415

    if not moved:
        return
    out.print(f"{counted(len(moved), 'cluster')} in another environment", style="bold")
    rows = table("cluster", "before", "after", "change*")
    for one in moved:
        rows.add_row(names[one.cluster], one.before, one.after, Text(one.change, style=STYLES.get(one.change, "")))
    out.print(rows)
    out.print()


def _totals(transitions: Sequence[Transition]) -> str:
    stops = sum(one.action == "stop" for one in transitions)
    parts = [(stops, "stop"), (len(transitions) - stops, "start")]
    return ", ".join(counted(number, word) for number, word in parts if number)
