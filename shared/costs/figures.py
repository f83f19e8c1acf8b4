"""The figures of one week in one currency: sums, and each beside what it was. Plain additions, so that they tie out.

A week before the first day that was read is unknown; a week after it without a charge cost nothing. `usual` is the
median of up to four weeks before: one strange week does not move it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from statistics import median

from shared.model.digest import ZERO, Bar, Compared, Costs, Kind, Line, Month, Mover, Series
from shared.model.weeks import Week

SETTLES = timedelta(hours=72)
"""Usage of a day may change for so long after it.
https://learn.microsoft.com/azure/cost-management-billing/costs/understand-cost-mgt-data"""
WEEKS_OF_BASELINE = 4
WEEKS_SHOWN = 8
MOVERS = 5
CENT = Decimal("0.01")
OUTLOOK_DAYS = 14
"""Days of history that a projection of the month needs at least."""


def final_at(week: Week) -> datetime:
    """When its last day has settled, aware UTC."""
    return datetime.combine(week.last + timedelta(days=1), time(), UTC) + SETTLES


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the costs the figures are about."""

    costs: Costs
    week: Week
    currency: str
    includes: Callable[[str], bool]
    """Whether a cluster, by id, belongs to the audience."""
    blind: frozenset[str] = frozenset()
    """Clusters of scopes whose history could not be read: what they cost before is unknown."""

    def lines(self) -> Iterable[tuple[Line, Series]]:
        """The clusters of this audience."""
        for line, days in self.costs.lines.items():
            if line.currency == self.currency and line.cluster and self.includes(line.cluster):
                yield line, days

    def covers(self, week: Week) -> bool:
        return self.costs.first is not None and self.costs.first <= week.first

    def before(self) -> tuple[Week, ...]:
        """The weeks of the baseline that were read, newest first."""
        weeks = (self.week.back(number) for number in range(1, WEEKS_OF_BASELINE + 1))
        return tuple(week for week in weeks if self.covers(week))


def of_week(days: Series, week: Week) -> Decimal:
    return sum((days[day] for day in _days(week) if day in days), ZERO)


@lru_cache(maxsize=64)
def _days(week: Week) -> tuple[date, ...]:
    return tuple(week.days())


def compared(asked: Asked, by: Callable[[Line], str]) -> tuple[Compared, ...]:
    """Sums by whatever `by` says, the most expensive first; what cost nothing in any of the weeks is left out."""
    groups: defaultdict[str, list[tuple[Line, Series]]] = defaultdict(list)
    for line, days in asked.lines():
        groups[by(line)].append((line, days))
    found = (_compared(asked, name, members) for name, members in groups.items())
    return tuple(
        sorted((one for one in found if one.amount or one.before or one.usual), key=lambda one: (-one.amount, one.name))
    )


def total(asked: Asked) -> Compared:
    return _compared(asked, "", list(asked.lines()))


def _compared(asked: Asked, name: str, members: list[tuple[Line, Series]]) -> Compared:
    def cost(week: Week) -> Decimal:
        return sum((of_week(days, week) for _, days in members), ZERO)

    known = not any(line.cluster in asked.blind for line, _ in members)
    before = asked.week.back()
    return Compared(
        name,
        cost(asked.week),
        cost(before) if known and asked.covers(before) else None,
        median(map(cost, asked.before())) if known and asked.before() else None,
    )


def bars(asked: Asked, now: datetime) -> tuple[Bar, ...]:
    """The last weeks that were read, oldest first; the week itself is always among them."""
    members = list(asked.lines())
    weeks = [asked.week.back(number) for number in range(WEEKS_SHOWN - 1, -1, -1)]
    return tuple(
        Bar(week, sum((of_week(days, week) for _, days in members), ZERO), now < final_at(week))
        for week in weeks
        if week == asked.week or asked.covers(week)
    )


def movers(asked: Asked, why: Callable[[str, Kind, Decimal], str]) -> tuple[Mover, ...]:
    """What changed against the week before, the largest first; with all that is left they add up to the whole change.

    Empty where the week before is unknown.
    """
    before = asked.week.back()
    if not asked.covers(before):
        return ()
    changes: defaultdict[tuple[str, Kind], Decimal] = defaultdict(Decimal)
    for line, days in asked.lines():
        if line.cluster not in asked.blind:
            changes[line.cluster, line.kind] += of_week(days, asked.week) - of_week(days, before)
    ordered = sorted(changes.items(), key=lambda one: (-abs(one[1]), one[0]))
    found = [
        Mover(asked.costs.names[cluster], kind, change, why(cluster, kind, change))
        for (cluster, kind), change in ordered[:MOVERS]
        if abs(change) >= CENT
    ]
    rest = sum((change for _, change in ordered[len(found) :]), ZERO)
    return (*found, Mover("", Kind.OTHER, rest)) if rest else tuple(found)


def month(asked: Asked) -> Month:
    """The month of the week's last day, as far as the week reaches."""
    through = asked.week.last
    first = through.replace(day=1)
    days = daily(series for _, series in asked.lines())
    known = asked.costs.first is not None and asked.costs.first <= first
    to_date = sum((amount for day, amount in days.items() if first <= day <= through), ZERO) if known else None
    return Month(first, through, to_date, None if to_date is None else _outlook(asked, days, to_date))


def _outlook(asked: Asked, days: Mapping[date, Decimal], to_date: Decimal) -> Decimal | None:
    """To date, and each day that is left as the median of that weekday in the four weeks up to now."""
    through, begin = asked.week.last, asked.costs.first
    if begin is None or (through - begin).days + 1 < OUTLOOK_DAYS:
        return None
    whole, day = to_date, through + timedelta(days=1)
    while day.month == through.month:
        alike = (through - timedelta(days=(through.weekday() - day.weekday()) % 7 + 7 * week) for week in range(4))
        whole += median([days.get(one, ZERO) for one in alike if one >= begin])
        day += timedelta(days=1)
    return whole


def daily(series: Iterable[Series]) -> dict[date, Decimal]:
    """Day by day, all of them together."""
    total: defaultdict[date, Decimal] = defaultdict(Decimal)
    for days in series:
        for day, amount in days.items():
            total[day] += amount
    return dict(total)
