"""Sentences about this very digest: what makes its numbers less sure than usual, and by which method they were made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from shared.costs.figures import of_week
from shared.model.billing import Basis
from shared.model.digest import ZERO, Costs, Digest, Kind
from shared.model.weeks import weeks_in

AMORTISED = "reservations and savings plans are spread over their term (EffectiveCost, amortised)"
NAMED = 3
ACTUAL = "as invoiced (BilledCost, actual): a reservation counts whole on the day on which it is bought"


def annotated(made: Digest, costs: Costs, includes: Callable[[str], bool], remarks: tuple[str, ...] = ()) -> Digest:
    """The digest with its notes and its method; `includes` says which clusters are the audience's."""
    return replace(made, notes=(*_notes(made, costs, includes), *remarks), method=tuple(_method(made, costs)))


def _notes(made: Digest, costs: Costs, includes: Callable[[str], bool]) -> Iterator[str]:
    week = made.week
    if made.missing:
        yield f"{_counted(len(made.missing), 'scope')} could not be read and counted in no figure"
    if not any(of_week(days, week) for days in costs.totals.values()):
        yield "nothing was billed in this week, as far as the source says"
    elif not made.is_whole:
        yield f"the source covers {costs.first} to {costs.last}, so this week is not whole"
    if len(made.figures) > 1:
        yield f"{len(made.figures)} currencies are billed; they stand side by side and are never added up"
    if "" in costs.totals:
        yield "the source does not say in which currency its amounts are"
    if made.figures and all(one.total.usual is None for one in made.figures):
        yield "nothing was read of the weeks before, so nothing is compared"
    if week.number == weeks_in(week.year) == 53:
        yield f"{week.year} has 53 weeks and this is the last of them; the week after it is {week.back(-1)}"
    if _clocks_change(made):
        yield f"clocks change in {made.zone} in this week; all its days are days of UTC, of 24 hours"
    yield from _refunds(made, costs, includes)
    yield from _gone(costs, includes)
    if made.problems:
        yield f"{_counted(len(made.problems), 'row')} could not be read and counted in no figure"


def _clocks_change(made: Digest) -> bool:
    """Whether a local day of the week is longer or shorter than others where it is read."""
    zone = ZoneInfo(made.zone)
    edges = (made.week.first, made.week.back(-1).first)
    first, last = (datetime.combine(day, time(), zone).utcoffset() for day in edges)
    return first != last


def _refunds(made: Digest, costs: Costs, includes: Callable[[str], bool]) -> Iterator[str]:
    for currency in (one.currency for one in made.figures):
        series = (days for cluster, of, days in costs.refunds if of == currency and includes(cluster))
        amount = sum((of_week(days, made.week) for days in series), ZERO)
        if amount:
            yield f"refunds and corrections have lowered the figures by {-amount:,.2f} {currency}".rstrip()


def _gone(costs: Costs, includes: Callable[[str], bool]) -> Iterator[str]:
    names = sorted(costs.names[cluster] for cluster in costs.gone if includes(cluster))
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"no longer there, and still billed in these weeks: {', '.join(names[:NAMED])}{more}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _method(made: Digest, costs: Costs) -> Iterator[str]:
    basis = AMORTISED if made.basis is Basis.AMORTISED else ACTUAL
    yield f"Amounts are before tax, in the billing currency; {basis}"
    yield "Days are days of UTC, as Azure bills; weeks are ISO weeks, Monday to Sunday"
    yield "A week is provisional for 72 hours after its last day; Azure may correct it until the invoice"
    yield "Usual is the median of up to four weeks before"
    yield "A cluster's cost is that of its node resource group and of the cluster itself; nothing is split"
    if any(line.kind is Kind.LOGS and not line.cluster for line in costs.lines):
        yield "Logs and metrics of a workspace are shared: what else writes into it is not on the bill"
    if costs.tagged:
        yield "A team's cost is what carried its tag on the day of use"
    elif any(one.teams for one in made.figures):
        yield (
            "The source carries no tags: a cluster's team is the tag that was seen on the cluster on the day of use, "
            "and what belongs to no single cluster counts as untagged. Cost exports carry tags"
        )
    if any(one.month.outlook is not None for one in made.figures):
        yield "The month's projection adds, for each day to come, the median of that weekday over four weeks"
    if any(one.is_inferred for found in made.figures for one in found.still_billed):
        yield "Where no history was at hand, a cluster counts as stopped on days that were billed without a node"
