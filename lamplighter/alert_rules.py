"""`lamplighter calendar --alert-rules`: the nights of a week as alert processing rules that come back every week.

For those who would rather deploy them than let Lamplighter set and remove one around each stop. Clusters of one
subscription that sleep alike share a rule. Times are local to the policy's zone, so they follow its clock changes.
https://learn.microsoft.com/azure/templates/microsoft.alertsmanagement/actionrules
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2s
from typing import Any
from zoneinfo import ZoneInfo

from lamplighter.windows_zones import WINDOWS
from shared.errors import InputError
from shared.model.fleet import Cluster
from shared.policy.forecast import Transition

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
Piece = tuple[int, str, str]
"""(weekday, begin, end) within one day; '' is the day's own edge."""


def template(clusters: Iterable[Cluster], ahead: Sequence[Transition], zone: str) -> dict[str, Any]:
    """An ARM template, of one rule for those that sleep alike; `ahead` are the transitions of one week.

    Raises InputError for a zone that Windows has no name for.
    """
    windows = WINDOWS.get(zone)
    if windows is None:
        raise InputError(f"Windows has no name for {zone} that is known here: expected one of {', '.join(WINDOWS)}")
    asleep: dict[tuple[str, tuple[Piece, ...]], list[Cluster]] = {}
    for cluster in clusters:
        pieces = tuple(sorted({one for span in nights(cluster.id, ahead) for one in _pieces(span, zone)}))
        if pieces:
            asleep.setdefault((cluster.subscription, pieces), []).append(cluster)
    rules = [_rule(key[1], members, windows) for key, members in sorted(asleep.items(), key=lambda one: one[0])]
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": rules,
    }


def nights(cluster: str, ahead: Iterable[Transition]) -> Iterator[Span]:
    """From each stop of the cluster itself to the next start; a week goes round: Sunday's night ends on Monday."""
    mine = [one for one in ahead if one.cluster == cluster and one.target == cluster]
    for number, one in enumerate(mine):
        if one.action != "stop":
            continue
        later = next((other.at for other in mine[number + 1 :] if other.action == "start"), None)
        first = next((other.at for other in mine if other.action == "start"), None)
        if later is not None:
            yield one.at, later
        elif first is not None and first < one.at:
            yield one.at, first + 7 * DAY


def _pieces(span: Span, zone: str) -> Iterator[Piece]:
    """A night cut at midnight, as weekly recurrences are."""
    local = ZoneInfo(zone)
    begin, end = (at.astimezone(local) for at in span)
    day = begin.date()
    while day <= end.date():
        opens = f"{begin:%H:%M}:00" if day == begin.date() else ""
        closes = f"{end:%H:%M}:00" if day == end.date() else ""
        if closes != "00:00:00":
            yield day.weekday(), opens, closes
        day += DAY


def _rule(pieces: Sequence[Piece], members: Sequence[Cluster], windows: str) -> dict[str, Any]:
    digest = blake2s("|".join(one.id for one in members).encode(), digest_size=4).hexdigest()
    by_times: dict[tuple[str, str], list[int]] = {}
    for day, opens, closes in pieces:
        by_times.setdefault((opens, closes), []).append(day)
    return {
        "type": "Microsoft.AlertsManagement/actionRules",
        "apiVersion": "2021-08-08",
        "name": f"lamplighter-nights-{digest}",
        "location": "Global",
        "tags": {"lamplighter": "calendar"},
        "properties": {
            "description": "Planned stops of Lamplighter, every week.",
            "enabled": True,
            "scopes": [scope for one in members for scope in _scopes(one)],
            "actions": [{"actionType": "RemoveAllActionGroups"}],
            "schedule": {
                "timeZone": windows,
                "recurrences": [_recurrence(times, days) for times, days in sorted(by_times.items())],
            },
        },
    }


def _scopes(cluster: Cluster) -> Iterator[str]:
    yield cluster.id
    if cluster.node_resource_group:
        yield f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster.node_resource_group}"


def _recurrence(times: tuple[str, str], days: Iterable[int]) -> Mapping[str, Any]:
    opens, closes = times
    whole = {"recurrenceType": "Weekly", "daysOfWeek": [DAYS[day] for day in sorted(days)]}
    if not opens and not closes:
        return whole
    return {**whole, "startTime": opens or "00:00:00", "endTime": closes or "23:59:59"}
