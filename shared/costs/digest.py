"""Everything that was read -> the digest of one audience and week. Pure: the same reading gives the same digest.

rows -> attribution -> figures, residual, unusual, restated -> Digest -> reports
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from shared.costs import figures, notes, residual
from shared.costs.figures import Asked, final_at, of_week
from shared.costs.kept_up import KeptUp, held
from shared.costs.restated import Told, restated
from shared.costs.stopped import held_hours
from shared.costs.unusual import unusual
from shared.model.digest import ZERO, Compared, Costs, Digest, Figures, Kind, Leftover, Line, Loose, Row, TieOut
from shared.model.past import ClusterPast
from shared.model.savings import SavingsWeek
from shared.model.support import SupportReport
from shared.model.weeks import Week

NO_ENVIRONMENT, NO_TEAM = "no environment", "no team tag"
ONE_DAY = timedelta(days=1)
ROWS_BY_DAY = 100_000
"""Beyond, a row is a week: the files of 10,000 clusters would not be written in the time a function has."""
_ENOUGH_HOURS = Decimal(1)
"""A difference in hours down that is worth naming as the reason of a change."""


def everyone(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told: by name, and the clusters that are theirs."""

    name: str
    includes: Callable[[str], bool] = everyone
    """Asked with a cluster's id."""
    is_everything: bool = True
    """True: the whole scope is told, and tied out; False: these clusters alone."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read once, for all audiences of a week."""

    costs: Costs
    source: str
    read_at: datetime
    stated: Mapping[str, Decimal] | None = None
    """Currency -> total of the week as the source states it apart from its rows; None = nobody could say."""
    missing: tuple[str, ...] = ()
    """Scopes whose bill of the week could not be had, one sentence each."""
    blind: frozenset[str] = frozenset()
    """Clusters of scopes whose history could not be read."""
    environments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Cluster id -> name of its environment."""
    pasts: Mapping[str, ClusterPast] = field(default_factory=lambda: MappingProxyType({}))
    running: frozenset[str] = frozenset()
    """Clusters that run now."""
    loose: Mapping[str, Loose] | None = None
    """Resource id -> what Azure showed attached to nothing; None = nobody looked."""
    kept: Mapping[str, tuple[KeptUp, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Cluster id -> times in which it ran because somebody said so."""
    savings: SavingsWeek | None = None
    support: SupportReport | None = None
    forecast: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    """Currency -> what Cost Management forecasts for the month and the whole scope."""
    told: Mapping[str, Told] = field(default_factory=lambda: MappingProxyType({}))
    """Audience -> what it was told of the week before."""
    remarks: tuple[str, ...] = ()
    """What else could not be read, one sentence each."""

    def after(self, audience: str, told: Told | None) -> Reading:
        """With what the audience was told of the week before."""
        return self if told is None else replace(self, told={**self.told, audience: told})


def digest(reading: Reading, audience: Audience, week: Week, now: datetime, zone: str = "UTC") -> Digest:
    """The message for one audience. `now` is when it is made; a week younger than 72 h is provisional."""
    costs = reading.costs
    found = [_figures(reading, audience, week, currency, now) for currency in _currencies(costs, week)]
    found.sort(key=lambda one: (-one.total.amount, one.currency))
    provisional = final_at(week) if now < final_at(week) else None
    made = Digest(
        audience=audience.name,
        week=week,
        made_at=now,
        basis=costs.basis,
        source=reading.source,
        read_at=reading.read_at,
        zone=zone,
        figures=tuple(found),
        rows=_rows(reading, audience, week, now),
        provisional_until=provisional,
        is_whole=costs.last is not None and costs.last >= week.last and (costs.first or week.first) <= week.first,
        missing=reading.missing,
        problems=costs.problems,
        savings=_theirs(reading.savings, audience),
        support=_supported(reading.support, audience),
    )
    unsaved = () if made.savings is None else made.savings.problems
    return notes.annotated(made, costs, audience.includes, (*reading.remarks, *unsaved))


def _currencies(costs: Costs, week: Week) -> list[str]:
    """Those with a charge in the week; without one, those there are, and so an empty week is still told."""
    used = [currency for currency, days in costs.totals.items() if any(day in week for day in days)]
    return sorted(used or costs.totals or [""])


def _figures(reading: Reading, audience: Audience, week: Week, currency: str, now: datetime) -> Figures:
    costs = reading.costs
    asked = Asked(costs, week, currency, audience.includes, reading.blind)
    total = figures.total(asked)
    told, explained = unusual(asked, reading.pasts, total.amount, now)
    month = figures.month(asked)
    return Figures(
        currency=currency,
        total=total,
        clusters=_named(asked, reading),
        environments=figures.compared(asked, lambda line: reading.environments.get(line.cluster) or NO_ENVIRONMENT),
        teams=figures.compared(asked, lambda line: line.team or NO_TEAM),
        kinds=figures.compared(asked, lambda line: line.kind.value),
        movers=figures.movers(asked, _why(reading, week)),
        weeks=figures.bars(asked, now),
        month=month if not audience.is_everything else month.with_forecast(reading.forecast.get(currency)),
        tie_out=_tie_out(reading, audience, asked),
        restated=restated(asked, reading.told.get(audience.name)),
        still_billed=residual.still_billed(asked, reading.pasts, now),
        leftovers=_leftovers(reading, audience, asked),
        held=held(asked, reading.kept, reading.pasts),
        unusual=told,
        explained=explained,
    )


def _named(asked: Asked, reading: Reading) -> tuple[Compared, ...]:
    """By cluster. Two of one name are told apart by their resource groups."""
    costs = asked.costs
    times = Counter(name.casefold() for name in costs.names.values())
    found = []
    for one in figures.compared(asked, lambda line: line.cluster):
        cluster = one.name
        name = costs.names[cluster]
        alone = times[name.casefold()] == 1
        about = [reading.environments.get(cluster, ""), "gone" if cluster in costs.gone else ""]
        shown = name if alone else f"{name} ({cluster.split('/')[4]})"
        found.append(replace(one, name=shown, about=", ".join(filter(None, about)), key=cluster))
    return tuple(found)


def _why(reading: Reading, week: Week) -> Callable[[str, Kind, Decimal], str]:
    """What of our own decisions explains a change of the nodes: hours down in this week against the week before."""

    def why(cluster: str, kind: Kind, change: Decimal) -> str:
        past = reading.pasts.get(cluster)
        if past is None or not kind.value.startswith("Nodes"):
            return ""
        now, before = held_hours(past, week), held_hours(past, week.back())
        more = {rule: now.get(rule, ZERO) - before.get(rule, ZERO) for rule in {*now, *before}}
        rule, hours = max(more.items(), key=lambda one: abs(one[1]), default=("", ZERO))
        if abs(hours) < _ENOUGH_HOURS or (hours > 0) == (change > 0):
            return ""
        return f"{abs(hours):.0f} h {'more' if hours > 0 else 'less'} off by rule {rule}"

    return why


def _tie_out(reading: Reading, audience: Audience, asked: Asked) -> TieOut | None:
    """All of the scope in parts that exclude each other."""
    if not audience.is_everything:
        return None
    costs, week = reading.costs, asked.week

    def rest(tagged: bool) -> Decimal:
        lines = costs.lines.items()
        return sum(
            (
                of_week(days, week)
                for line, days in lines
                if not line.cluster and bool(line.team) is tagged and line.currency == asked.currency
            ),
            ZERO,
        )

    parts = [
        ("Clusters", figures.total(asked).amount),
        ("Shared: no single cluster's, with a team tag", rest(tagged=True)),
        ("Untagged: no single cluster's, and nobody's", rest(tagged=False)),
    ]
    tax = of_week(costs.taxes.get(asked.currency, {}), week)
    if tax:
        parts.append(("Tax, in no other figure", tax))
    stated = None if reading.stated is None else reading.stated.get(asked.currency, ZERO)
    return TieOut(tuple(parts), stated, reading.source, reading.read_at, reading.missing)


def _leftovers(reading: Reading, audience: Audience, asked: Asked) -> tuple[Leftover, ...] | None:
    """Left over from nobody's cluster is everybody's: only those who are told everything hear of it."""
    costs, week = reading.costs, asked.week
    found = residual.leftovers(costs, week, asked.currency, reading.loose, reading.running.__contains__)
    if found is None or audience.is_everything:
        return found
    theirs = {one.id for one in costs.resources if one.cluster and audience.includes(one.cluster)}
    return tuple(one for one in found if one.id in theirs)


def _theirs(savings: SavingsWeek | None, audience: Audience) -> SavingsWeek | None:
    """A team sees what its own clusters saved; the app's own cost is nobody's share."""
    if savings is None or audience.is_everything:
        return savings
    return SavingsWeek(
        period=savings.period,
        savings=tuple(one for one in savings.savings if audience.includes(one.cluster)),
        avoided=tuple(one for one in savings.avoided if audience.includes(one.cluster)),
        ledger=tuple(one for one in savings.ledger if audience.includes(one.cluster)),
        problems=savings.problems,
        method=savings.method,
    )


def _supported(report: SupportReport | None, audience: Audience) -> SupportReport | None:
    if report is None or audience.is_everything:
        return report
    rows = tuple(one for one in report.rows if audience.includes(one.cluster))
    limits = tuple(one for one in report.limits if audience.includes(one.cluster))
    return replace(report, rows=rows, limits=limits)


def _rows(reading: Reading, audience: Audience, week: Week, now: datetime) -> tuple[Row, ...]:
    """The week and the one before, of which the figures are sums; the whole scope for those who are told all of it."""
    costs = reading.costs
    theirs = [
        (line, days)
        for line, days in costs.lines.items()
        if (audience.includes(line.cluster) if line.cluster else audience.is_everything)
    ]
    whole = len(theirs) * 14 > ROWS_BY_DAY
    found: list[Row] = []
    for of in (week.back(), week):
        spans = [(of.first, of.last + ONE_DAY)] if whole else [(day, day + ONE_DAY) for day in of.days()]
        provisional = now < final_at(of)
        for line, days in theirs:
            name, environment = costs.names.get(line.cluster, ""), reading.environments.get(line.cluster, "")
            for begin, end in spans:
                amount = of_week(days, of) if whole else days.get(begin, ZERO)
                if amount:
                    found.append(Row(begin, end, line, name, environment, amount, provisional))
    return tuple(sorted(found, key=_order))


def _order(row: Row) -> tuple[object, ...]:
    line: Line = row.line
    return row.on, not line.cluster, row.cluster_name, line.cluster, line.kind, line.team, line.currency
