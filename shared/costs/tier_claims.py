"""Hours of a control plane on a cheaper tier because of a decision, at what its tier was billed before.

Counted are hours in which the cluster was seen running: a control plane that is stopped is not billed. The price is
that of the nearest day before the change on which it ran; without one, that of a cluster which had that tier.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

from shared.costs.baseline import HOUR, ratio
from shared.costs.claims import by_hour
from shared.costs.kinds import kind_of
from shared.costs.node_rates import Rate
from shared.costs.ownership import place_of
from shared.costs.stopped import running_hours
from shared.model.billing import Bill
from shared.model.digest import Kind
from shared.model.past import ClusterPast, Tiered

DAY = timedelta(days=1)


class TierHour(NamedTuple):
    """A part of a UTC hour on the cheaper tier; `rate` None where no bill tells what the tier before cost."""

    held: Tiered
    hour: datetime
    length: Decimal
    """Of an hour."""
    rate: Rate | None


@dataclass(slots=True)
class TierBills:
    """What control planes were billed: cluster -> day -> (amount, currency); a day in two currencies is left out."""

    days: defaultdict[str, dict[date, tuple[Decimal, str]]] = field(default_factory=lambda: defaultdict(dict))

    def rate(self, past: ClusterPast, held: Tiered, pasts: Mapping[str, ClusterPast]) -> Rate | None:
        """Of an hour on the tier before; None when no bill tells."""
        first = held.begin.date()
        own = sorted((day for day in self.days.get(past.cluster, ()) if day < first), reverse=True)
        found = next((rate for day in own if (rate := self._of(past, day)) is not None), None)
        if found is not None:
            return found
        for other, days in sorted(self.days.items()):
            like = pasts.get(other)
            for day in sorted(days, reverse=True):
                if like is not None and like.tier_on(day).casefold() == held.before.casefold():
                    rate = self._of(like, day)
                    if rate is not None:
                        return rate
        return None

    def _of(self, past: ClusterPast, day: date) -> Rate | None:
        """Its amount by the hours in which it may have run, so that the rate is never too high."""
        begin = datetime.combine(day, time(), UTC)
        hours = running_hours(past, day, [(begin, begin + DAY)])
        amount, currency = self.days[past.cluster][day]
        return Rate(amount / hours, currency) if hours > 0 and amount > 0 else None


def tier_bills(bills: Iterable[Bill]) -> TierBills:
    """From bills of costs."""
    sums: defaultdict[tuple[str, date], defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in (row for bill in bills for row in bill.rows):
        cluster = place_of(row).cluster
        if cluster and row.effective_cost is not None and kind_of(row) is Kind.TIER:
            sums[cluster, row.charge_period_start][row.billing_currency] += row.effective_cost
    found = TierBills()
    for (cluster, day), amounts in sums.items():
        if len(amounts) == 1:
            ((currency, amount),) = amounts.items()
            found.days[cluster][day] = amount, currency
    return found


def tier_hours(
    past: ClusterPast, bills: TierBills, pasts: Mapping[str, ClusterPast], begin: datetime, end: datetime
) -> Iterator[TierHour]:
    """Of [begin, end), whole UTC hours; each by the decision that held then."""
    for held in past.tiered:
        first, last = max(held.begin, begin), min(held.end, end)
        if first >= last:
            continue
        rate = bills.rate(past, held, pasts)
        ran: defaultdict[datetime, timedelta] = defaultdict(timedelta)
        for a, b in _surely_ran(past, first, last):
            for hour, length in by_hour(a, b):
                ran[hour] += length
        for hour, length in sorted(ran.items()):
            yield TierHour(held, hour, ratio(length, HOUR), rate)


def _surely_ran(past: ClusterPast, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Times, in order, in which a pool was seen to have a node for sure; those of several pools are not added up."""
    spans = sorted(
        (max(span.begin, begin), min(span.end, end))
        for pool in past.pools.values()
        for span in pool
        if span.fewest > 0 and span.begin < end and span.end > begin
    )
    merged: list[tuple[datetime, datetime]] = []
    for a, b in spans:
        if merged and a <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], b)
        else:
            merged.append((a, b))
    return merged
