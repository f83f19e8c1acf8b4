"""`lamplighter calendar`: when clusters will start and stop in the next days, by the engine that will do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from lamplighter import options
from lamplighter.terminal import STYLES, console, counted, print_json, table

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from rich.console import Console

    from lamplighter.subject import Subject
    from shared.policy.forecast import Transition

WIDEST = 40
NAMED = 4
"""Clusters named in one line before "and N more"."""


def command(
    cluster: Annotated[str | None, typer.Argument(metavar="[CLUSTER]", help="Only this cluster.")] = None,
    *,
    fleet: options.FleetFile = None,
    policy: options.PolicyFile = options.DEFAULT_POLICY,
    at: options.At = None,
    begin: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day (UTC); default today.")] = None,
    days: Annotated[int, typer.Option("--days", metavar="N", help="How many days.")] = 7,
    alert_rules: Annotated[
        bool, typer.Option("--alert-rules", help="Print the nights as alert processing rules to deploy (ARM template).")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """When clusters start and stop in the next days, public holidays and clock changes included.

    The real engine looks ahead; starts are shown when they happen, already moved ahead by the lead.
    """
    from lamplighter.ahead import transitions_of  # noqa: PLC0415
    from lamplighter.find import one_cluster  # noqa: PLC0415
    from lamplighter.subject import read_subject  # noqa: PLC0415

    now = options.moment(at)
    first = datetime.combine(options.day(begin, "--from", now.date()), time(), UTC)
    number = options.days(days)
    subject = read_subject(policy, fleet, now)
    only = None if cluster is None else (one_cluster(subject.clusters, cluster),)
    ahead = transitions_of(subject.clusters, subject.policy, first, number, only)
    if alert_rules:
        from lamplighter.alert_rules import template  # noqa: PLC0415

        week = transitions_of(subject.clusters, subject.policy, first, 7, only)
        print_json(template(only or subject.clusters, week, subject.policy.timezone))
    elif as_json:
        print_json({"transitions": [document(one) for one in ahead]})
    else:
        show(subject, ahead, number, asked=len(only or subject.clusters))


def document(one: Transition) -> dict[str, Any]:
    return {"cluster": one.cluster, "at": one.at, "action": one.action, "rule": one.rule, "reason": one.reason}


def show(subject: Subject, ahead: Sequence[Transition], days: int, *, asked: int) -> None:
    """A heading per local day, a line per moment, action and rule."""
    from lamplighter.find import short_names  # noqa: PLC0415

    out = console()
    zone = subject.policy.timezone
    if not ahead:
        out.print(f"Nothing starts or stops in {counted(days, 'day')}: no rule speaks for these clusters.")
        return
    names = short_names(subject.clusters)
    print_days(out, ahead, names, zone)
    moved = len({one.cluster for one in ahead})
    still = asked - moved
    rest = f"; {still:,} never change." if still else "."
    out.print(f"\nTimes in {zone}. {counted(len(ahead), 'change')} of {counted(moved, 'cluster')}{rest}")


def print_days(out: Console, ahead: Iterable[Transition], names: Mapping[str, str], zone: str) -> None:
    """`ahead` in time order."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    from rich.text import Text  # noqa: PLC0415

    lines = list(_lines(ahead, names, ZoneInfo(zone)))
    widest = max((len(line.clusters) for line in lines), default=0)
    for number, (date, of_day) in enumerate(groupby(lines, key=lambda line: line.at.date())):
        out.print(f"{chr(10) if number else ''}{date:%A} {date.day} {date:%B %Y}", style="bold")
        rows = table("at", "action", "clusters*", "rule")
        rows.show_header = False
        rows.columns[2].min_width = min(widest, WIDEST)
        for line in of_day:
            action = Text(line.action, style=STYLES.get(line.action, ""))
            rows.add_row(f"  {line.at:%H:%M}{_twice(line.at)}", action, line.clusters, Text(line.rule, style="dim"))
        out.print(rows)


class _Line(NamedTuple):
    """All that happens at one moment, by one rule; `at` is local."""

    at: datetime
    action: str
    clusters: str
    rule: str


def _lines(ahead: Iterable[Transition], names: Mapping[str, str], zone: ZoneInfo) -> Iterator[_Line]:
    from lamplighter.ahead import label  # noqa: PLC0415

    ordered = sorted(ahead, key=lambda one: (one.at, one.action, one.rule or "", label(one, names)))
    for (at, action, rule), members in groupby(ordered, key=lambda one: (one.at, one.action, one.rule or "")):
        yield _Line(at.astimezone(zone), action, listed([label(one, names) for one in members]), rule)


def _twice(moment: datetime) -> str:
    """On the night when a wall time comes twice, which of the two it is."""
    first, second = moment.replace(fold=0), moment.replace(fold=1)
    return f" ({moment:%Z})" if first.utcoffset() != second.utcoffset() else ""


def listed(names: Sequence[str]) -> str:
    """A few names, and how many more there are.

    >>> listed(["a", "b"]), listed(list("abcdef"))
    ('a, b', 'a, b, c, d and 2 more')
    """
    rest = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest
