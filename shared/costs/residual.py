"""What goes on costing while nothing runs: disks, addresses and load balancers of stopped clusters, and what is left
over from clusters that are gone. Rows of a bill are days, so part of a day is counted by its hours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from shared.costs.figures import Asked, daily, final_at, of_week
from shared.costs.stopped import HOURS, stopped_hours
from shared.model.digest import COMPUTE, ZERO, Costs, Kind, Leftover, Loose, Series, StillBilled
from shared.model.past import ClusterPast
from shared.model.weeks import Week

BY_THE_HOUR = frozenset({Kind.DISKS, Kind.LOAD_BALANCERS, Kind.ADDRESSES, Kind.TRAFFIC})
"""Charged evenly through the day, so part of a day is its hours. Everything else counts on days without running."""


def still_billed(asked: Asked, pasts: Mapping[str, ClusterPast], now: datetime) -> tuple[StillBilled, ...]:
    """What clusters cost while they were stopped, the most expensive first.

    Where history says nothing of a cluster, a settled day without a node on the bill tells that it was stopped.
    """
    by_cluster: defaultdict[str, dict[Kind, list[Series]]] = defaultdict(lambda: defaultdict(list))
    for line, days in asked.lines():
        by_cluster[line.cluster][line.kind].append(days)
    found = []
    for cluster, parts in by_cluster.items():
        kinds = {kind: daily(series) for kind, series in parts.items()}
        past = pasts.get(cluster)
        known = past is not None and bool(past.pools)
        hours = (
            stopped_hours(past, asked.week.days())
            if past is not None and known
            else _without_nodes(kinds, asked.week, now)
        )
        amounts = {kind: _while_stopped(kind, days, hours) for kind, days in kinds.items()}
        amount = sum(amounts.values(), ZERO)
        if amount:
            listed = tuple(sorted(((k, a) for k, a in amounts.items() if a), key=lambda one: -one[1]))
            name = asked.costs.names[cluster]
            found.append(StillBilled(name, sum(hours.values(), ZERO), amount, listed, is_inferred=not known))
    return tuple(sorted(found, key=lambda one: (-one.amount, one.name)))


def _while_stopped(kind: Kind, days: Series, hours: Mapping[date, Decimal]) -> Decimal:
    if kind in BY_THE_HOUR:
        return sum((days[day] * of / HOURS for day, of in hours.items() if day in days), ZERO)
    return sum((days[day] for day, of in hours.items() if of == HOURS and day in days), ZERO)


def _without_nodes(kinds: Mapping[Kind, Series], week: Week, now: datetime) -> dict[date, Decimal]:
    """Days of the week that were billed without a node, of a cluster that has nodes on other days."""
    nodes = daily(days for kind, days in kinds.items() if kind in COMPUTE)
    if not any(nodes.values()) or now < final_at(week):
        return {}
    rest = daily(days for kind, days in kinds.items() if kind not in COMPUTE)
    return {day: HOURS for day in week.days() if rest.get(day, ZERO) > 0 and not nodes.get(day)}


def leftovers(
    costs: Costs, week: Week, currency: str, loose: Mapping[str, Loose] | None, runs: Callable[[str], bool]
) -> tuple[Leftover, ...] | None:
    """Disks and addresses that were billed in the week and that nothing uses; None when nobody looked.

    `loose` are those that Azure showed attached to nothing, by id. Those of a stopped
    cluster wait for it; `runs` says whether a cluster, by id, runs now.
    """
    if loose is None and not costs.gone:
        return None
    found = []
    for one in costs.resources:
        amount = of_week(one.daily, week)
        if one.currency != currency or not amount:
            continue
        why, seen = "", None if loose is None else loose.get(one.id)
        if one.cluster in costs.gone:
            why = f"its cluster {costs.names[one.cluster]} is gone"
        elif seen is not None and (runs(one.cluster) if one.cluster else one.for_cluster or seen.for_cluster):
            why = seen.why
        if why:
            found.append(Leftover(one.id, one.kind, one.id.rpartition("/")[2], amount, why))
    return tuple(sorted(found, key=lambda one: (-one.amount, one.id)))


def sum_of(found: Iterable[Leftover | StillBilled]) -> Decimal:
    return sum((one.amount for one in found), ZERO)
