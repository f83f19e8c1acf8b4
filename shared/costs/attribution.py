"""Rows of a bill -> daily amounts by cluster, team and kind. Nothing is split and nothing guessed at.

What serves several clusters stays shared, what carries no tag stays untagged, a deleted cluster keeps its costs.
The team is the tag on the day of use: Azure puts tags only on usage emitted while they were applied.
https://learn.microsoft.com/azure/cost-management-billing/costs/understand-cost-mgt-data
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from shared.costs.kinds import kind_of, type_of
from shared.costs.ownership import Bill, Place, owners_of, place_of
from shared.model.billing import Basis
from shared.model.costs import CostRow, RowProblem, made_by_kubernetes
from shared.model.digest import COMPUTE, ZERO, Costs, Kind, Line, Resource
from shared.model.fleet import Cluster
from shared.model.past import ClusterPast

TEAM = "team"
PROBLEMS = 20
"""Unreadable rows that are told one by one."""

_ONE_BY_ONE = frozenset({"microsoft.compute/disks", "microsoft.network/publicipaddresses"})


class _Key(NamedTuple):
    place: Place
    team: str
    kind: Kind
    currency: str


_Days = dict[date, Decimal]


@dataclass(slots=True)
class _Read:
    """What one pass over the rows leaves."""

    bill: Bill = field(default_factory=Bill)
    sums: dict[_Key, _Days] = field(default_factory=lambda: defaultdict(dict))
    totals: dict[str, _Days] = field(default_factory=lambda: defaultdict(dict))
    taxes: dict[str, _Days] = field(default_factory=lambda: defaultdict(dict))
    resources: dict[tuple[str, str], tuple[Place, Kind, bool, _Days]] = field(default_factory=dict)
    refunds: dict[tuple[Place, str], _Days] = field(default_factory=lambda: defaultdict(dict))
    teams: dict[tuple[Place, date], str] = field(default_factory=dict)
    """Tag of a cluster's own resource or of its nodes, by day."""
    problems: list[str] = field(default_factory=list)
    unread: int = 0
    tagged: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of clusters apart from the bill: those there are, and what history says of those there were."""

    clusters: Mapping[str, Cluster] = field(default_factory=lambda: MappingProxyType({}))
    pasts: Mapping[str, ClusterPast] = field(default_factory=lambda: MappingProxyType({}))
    team_tag: str = TEAM

    def team_on(self, cluster: str, day: date) -> str:
        """The team that its tag named on that day, as history knows it, else names today; '' for none."""
        past = self.pasts.get(cluster)
        if past is not None and past.tags:
            return _tag(past.tags_on(day), self.team_tag.casefold())
        return _tag(self.clusters[cluster].tags, self.team_tag.casefold()) if cluster in self.clusters else ""


NOTHING_KNOWN = Known()


def attribute(rows: Iterable[CostRow | RowProblem], basis: Basis, known: Known = NOTHING_KNOWN) -> Costs:
    """All rows as series of daily amounts. One pass; rows are not kept.

    When clusters are known, one that is billed and not among them is gone. A row without an amount on this basis is a
    problem, never 0.
    """
    read, tag = _Read(), known.team_tag.casefold()
    for row in rows:
        if isinstance(row, RowProblem):
            _problem(read, f"line {row.line}: {row.message}")
        else:
            _add(read, row, basis, tag)
    if read.unread > PROBLEMS:
        read.problems.append(f"and {read.unread - PROBLEMS} more rows that could not be read")
    owners = owners_of(read.bill, known.clusters, known.pasts)
    billed = frozenset(owners.values()) - {""}
    days = [day for series in read.totals.values() for day in series]
    return Costs(
        lines=_lines(read, owners, known),
        resources=tuple(
            Resource(id_, kind, owners[place], currency, series, made)
            for (id_, currency), (place, kind, made, series) in sorted(read.resources.items(), key=lambda one: one[0])
        ),
        names={one: known.clusters[one].name if one in known.clusters else one.rpartition("/")[2] for one in billed},
        basis=basis,
        taxes=dict(read.taxes),
        refunds=tuple((owners[place], currency, series) for (place, currency), series in read.refunds.items()),
        totals=dict(read.totals),
        problems=tuple(read.problems),
        gone=billed - known.clusters.keys() if known.clusters else frozenset(),
        first=min(days, default=None),
        tagged=read.tagged,
    )


def _problem(read: _Read, sentence: str) -> None:
    read.unread += 1
    if read.unread <= PROBLEMS:
        read.problems.append(sentence)


def _add(read: _Read, row: CostRow, basis: Basis, team_tag: str) -> None:
    amount = row.effective_cost if basis is Basis.AMORTISED else row.billed_cost
    day, currency = row.charge_period_start, row.billing_currency
    if amount is None:
        _problem(read, f"a charge of {day} has no {basis.value} cost")
        return
    _sum(read.totals[currency], day, amount)
    if row.charge_category == "Tax":
        _sum(read.taxes[currency], day, amount)
        return
    place, kind = place_of(row), kind_of(row)
    read.bill.learn(place, row)
    team = _tag(row.tags, team_tag)
    read.tagged = read.tagged or bool(row.tags)
    if team and (place.cluster or kind in COMPUTE):
        read.teams.setdefault((place, day), team)
    _sum(read.sums[_Key(place, team, kind, currency)], day, amount)
    if amount < 0:
        _sum(read.refunds[place, currency], day, amount)
    if type_of(row.resource_id) in _ONE_BY_ONE:
        made = made_by_kubernetes(row.tags)
        _sum(read.resources.setdefault((row.resource_id, currency), (place, kind, made, {}))[3], day, amount)


def _sum(days: _Days, day: date, amount: Decimal) -> None:
    days[day] = days.get(day, ZERO) + amount


def _lines(read: _Read, owners: Mapping[Place, str], known: Known) -> dict[Line, _Days]:
    """The bill's own tags first; then what history knows of the cluster's on that day."""
    tagged: dict[tuple[str, date], str] = {}
    # The cluster's own resource speaks before its nodes.
    for (place, day), team in sorted(read.teams.items(), key=lambda one: (not one[0][0].cluster, one[0])):
        tagged.setdefault((owners[place], day), team)
    lines: defaultdict[Line, _Days] = defaultdict(dict)
    for key, days in read.sums.items():
        cluster = owners[key.place]
        for day, amount in days.items():
            team = key.team
            if cluster and not team:
                team = tagged.get((cluster, day)) or known.team_on(cluster, day)
            _sum(lines[Line(cluster, team, key.kind, key.currency)], day, amount)
    return dict(lines)


def _tag(tags: Mapping[str, str], name: str) -> str:
    return next((value.strip() for key, value in tags.items() if key.casefold() == name), "")
