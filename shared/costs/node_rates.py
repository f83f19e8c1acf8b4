"""What a node-hour was really billed, from the hours of machines on a bill (`Question.NODES`), and what was committed.

A pool is told by its scale set: aks-POOL-12345678-vmss in the cluster's node resource group. The rate of a day on which
it did not run is that of the nearest day on which it did; that of a pool which never ran on demand is that of another
pool of its size in its region. No rate is ever guessed from a list.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from shared.costs.commitments import Unused
from shared.model.billing import Bill, Question, Source
from shared.model.costs import CostRow
from shared.model.past import ClusterPast

ON_DEMAND, SPOT, COMMITTED = "Standard", "Dynamic", "Committed"
_SCALE_SET = re.compile(r"/virtualmachinescalesets/aks-?([a-z0-9]+?)(?:-\d{8}-vmss|[0-9]{6,})?$")
_MACHINE = re.compile(r"/virtualmachines/aks-([a-z0-9]+)-\d{8}-vm\d+$")

PoolKey = tuple[str, str]
"""(lower-case cluster id, lower-case pool name)"""


@dataclass(frozen=True, slots=True)
class Rate:
    """Of one node and hour, in the currency of the bill."""

    amount: Decimal
    currency: str


@dataclass(slots=True)
class _Series:
    """Cost and hours by day and currency."""

    days: dict[date, dict[str, tuple[Decimal, Decimal]]] = field(default_factory=dict)

    def add(self, day: date, currency: str, cost: Decimal, hours: Decimal) -> None:
        before = self.days.setdefault(day, {}).get(currency, (Decimal(0), Decimal(0)))
        self.days[day][currency] = (before[0] + cost, before[1] + hours)

    def rate(self, day: date) -> Rate | None:
        """Of that day, else of the nearest earlier one, else the nearest later one; None when two currencies meet."""
        order = sorted(self.days)
        at = bisect_left(order, day)
        earlier = order[: at + 1] if at < len(order) and order[at] == day else order[:at]
        for one in (*reversed(earlier), *order[at:]):
            found = [
                (currency, cost, hours) for currency, (cost, hours) in self.days[one].items() if hours > 0 and cost > 0
            ]
            if len(found) == 1:
                currency, cost, hours = found[0]
                return Rate(cost / hours, currency)
            if found:
                return None
        return None


@dataclass(slots=True)
class NodeRates:
    """Rates of all pools of a fleet, and the commitments that nobody used."""

    of_pool: defaultdict[tuple[PoolKey, str], _Series] = field(default_factory=lambda: defaultdict(_Series))
    of_size: defaultdict[tuple[str, str, str], _Series] = field(default_factory=lambda: defaultdict(_Series))
    """(region, size, category)"""
    unused: Unused = field(default_factory=Unused)
    """Commitments that were paid for and not used, of all scopes that were read."""
    hours: defaultdict[tuple[PoolKey, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """(pool, category) -> billed hours"""

    def rate(self, key: PoolKey, category: str, day: date, like: tuple[str, str]) -> Rate | None:
        """`like` is (region, size) as history knows it."""
        own = self.of_pool.get((key, category))
        found = own.rate(day) if own is not None else None
        if found is not None:
            return found
        same = self.of_size.get((like[0].replace(" ", "").casefold(), like[1].casefold(), category))
        return same.rate(day) if same is not None and all(like) else None

    def committed_share(self, key: PoolKey) -> Decimal:
        """The share of a pool's regular hours that a commitment covered."""
        covered, paid = self.hours[key, COMMITTED], self.hours[key, ON_DEMAND]
        return covered / (covered + paid) if covered + paid > 0 else Decimal(0)


def node_rates(bills: Iterable[Bill], pasts: Mapping[str, ClusterPast]) -> NodeRates:
    """From bills of nodes and of unused commitments, or from exports, which hold both. Missing ones give no rate."""
    groups = {past.node_resource_group: id_ for id_, past in pasts.items() if past.node_resource_group}
    rates = NodeRates()
    for bill in bills:
        if bill.question is Question.COSTS and bill.source is not Source.EXPORT:
            continue
        for row in bill.rows:
            if row.commitment_discount_status.casefold() == "unused":
                rates.unused.add(row)
            elif (pool := pool_of(row.resource_id)) is not None and row.resource_group in groups:
                _add(rates, row, (groups[row.resource_group], pool), pasts)
    return rates


def _add(rates: NodeRates, row: CostRow, key: PoolKey, pasts: Mapping[str, ClusterPast]) -> None:
    cost, hours = row.effective_cost, row.consumed_quantity
    if cost is None or hours is None or hours <= 0:
        return
    # A scale set carries data transfer too; exports say so in the unit.
    if row.unit and (row.service_name != "Virtual Machines" or "hour" not in row.unit.casefold()):
        return
    category = row.pricing_category
    rates.hours[key, category] += hours
    rates.of_pool[key, category].add(row.charge_period_start, row.billing_currency, cost, hours)
    past = pasts[key[0]]
    spans = past.pools.get(key[1], ())
    if spans:
        where = past.location.replace(" ", "").casefold()
        size = spans[-1].vm_size.casefold()
        rates.of_size[where, size, category].add(row.charge_period_start, row.billing_currency, cost, hours)


def pool_of(resource: str) -> str | None:
    """
    The pool whose machines these are.

    >>> pool_of("/subscriptions/s/.../microsoft.compute/virtualmachinescalesets/aks-web-12345678-vmss")
    'web'
    """
    found = _SCALE_SET.search(resource) or _MACHINE.search(resource)
    return found[1] if found else None
