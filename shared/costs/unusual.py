"""Unusual days for a digest: at most three, large enough to matter, each with what it most likely was.

The detector (anomalies.py) judges a day by the days before it alone. A day that has not settled yet may still grow: a
rise on it is told, a drop is not. A drop that our own decisions explain is told as explained, and alarms nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from statistics import median

from shared.costs.anomalies import anomalies
from shared.costs.figures import SETTLES, Asked, daily
from shared.costs.stopped import stopped_hours
from shared.model.digest import ZERO, Kind, Series, Unusual
from shared.model.past import ClusterPast

AT_MOST = 3
LEAST_SHARE = Decimal("0.02")
"""Of what the audience's clusters cost in the week: less of a difference is not worth a finance lead's time."""
LEAST = Decimal(20)
"""And at least this much, in whatever currency."""
_LATE = 3
"""Days of the week before that had not settled when it was told."""


def unusual(
    asked: Asked, pasts: Mapping[str, ClusterPast], week_cost: Decimal, now: datetime
) -> tuple[tuple[Unusual, ...], tuple[Unusual, ...]]:
    """(to be told, explained by our decisions), the largest difference first."""
    least = max(LEAST, abs(week_cost) * LEAST_SHARE)
    clusters: defaultdict[str, dict[Kind, list[Series]]] = defaultdict(lambda: defaultdict(list))
    for line, days in asked.lines():
        clusters[line.cluster][line.kind].append(days)
    told: list[Unusual] = []
    explained: list[Unusual] = []
    for cluster, parts in clusters.items():
        kinds = {kind: daily(series) for kind, series in parts.items()}
        for found in _days(asked, cluster, kinds, least, now):
            why = _ours(pasts.get(cluster), found.on) if found.amount < found.expected else ""
            (explained if why else told).append(
                Unusual(found.on, found.name, found.amount, found.expected, why or found.driver)
            )
    return _largest(told), _largest(explained)


def _largest(found: list[Unusual]) -> tuple[Unusual, ...]:
    return tuple(sorted(found, key=lambda one: (-abs(one.amount - one.expected), one.on, one.name))[:AT_MOST])


def _days(asked: Asked, cluster: str, kinds: Mapping[Kind, Series], least: Decimal, now: datetime) -> list[Unusual]:
    whole = daily(kinds.values())
    first = asked.week.first - timedelta(days=_LATE)
    series = sorted((day, amount) for day, amount in whole.items() if day <= asked.week.last)
    found = []
    for one in anomalies(series, least, since=first):
        settled = now >= datetime.combine(one.on + timedelta(days=1), time(), UTC) + SETTLES
        is_drop = one.amount < one.expected
        if (is_drop and not settled) or (one.on < asked.week.first and not is_drop):
            continue
        name = asked.costs.names[cluster]
        found.append(Unusual(one.on, name, one.amount, one.expected, _driver(kinds, one.on)))
    return found


def _driver(kinds: Mapping[Kind, Series], day: date) -> str:
    """The kind of cost that stands out most against the same weekday of the four weeks before."""

    def usual(days: Series) -> Decimal:
        return median([days.get(day - timedelta(weeks=back), ZERO) for back in range(1, 5)])

    kind, days = max(kinds.items(), key=lambda one: (abs(one[1].get(day, ZERO) - usual(one[1])), one[0]))
    return f"{kind.value.lower()}: {days.get(day, ZERO):,.2f} instead of about {usual(days):,.2f}"


def _ours(past: ClusterPast | None, day: date) -> str:
    """The decision of ours that kept it down that day; '' when there was none."""
    if past is None:
        return ""
    hours = stopped_hours(past, [day]).get(day, ZERO)
    begin = datetime.combine(day, time(), UTC)
    rules = sorted({held.rule for held in past.held if held.begin < begin + timedelta(days=1) and held.end > begin})
    return f"stopped for {hours:.0f} h by {', '.join(rules)}" if hours and rules else ""
