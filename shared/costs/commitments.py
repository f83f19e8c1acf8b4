"""Commitments that nobody used, and which freed node-hours they would have paid for.

A reservation covers every size of its family in its region, by cores. What a meter does not tell the size of (savings
plans, sizes whose names are older than their cores) is put against any freed hour, by money, and generously: a
commitment costs at least a quarter of what it replaces.
https://learn.microsoft.com/azure/virtual-machines/reserved-vm-instance-size-flexibility
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from shared.model.costs import CostRow

LEAST_SHARE = Decimal("0.25")
"""Of the price on demand: no commitment is cheaper than that."""
ZERO = Decimal(0)
_SIZE = re.compile(r"(?:standard_)?([a-z]+)(\d+)(?:-\d+)?([a-z]*)[_ ]v([3-9])")


def family_of(size: str) -> tuple[str, int] | None:
    """
    The family of a size, or of a meter, and its cores; None for names that don't tell.

    >>> family_of("Standard_D8s_v5"), family_of("D8s v5"), family_of("D13 v2/DS13 v2")
    (('ds5', 8), ('ds5', 8), None)
    """
    found = _SIZE.fullmatch(size.casefold())
    return None if found is None else (f"{found[1]}{found[3]}{found[4]}", int(found[2]))


@dataclass(slots=True)
class Unused:
    """What is left of unused commitments, day by day, while freed hours are put against them."""

    cores: defaultdict[tuple[date, str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """(day, region, family) -> core-hours"""
    worth: defaultdict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """What commitments of unknown size may have covered, at prices on demand."""
    seen: bool = False

    def add(self, row: CostRow) -> None:
        self.seen = True
        known = family_of(row.meter)
        if known is not None and row.region and row.consumed_quantity is not None:
            family, cores = known
            self.cores[row.charge_period_start, row.region, family] += row.consumed_quantity * cores
        else:
            self.worth[row.charge_period_start] += (row.effective_cost or ZERO) / LEAST_SHARE

    def copy(self) -> Unused:
        return Unused(self.cores.copy(), self.worth.copy(), self.seen)

    def take(self, day: date, where: tuple[str, str], hours: Decimal, rate: Decimal) -> Decimal:
        """The part of these node-hours of (region, size) that a commitment would have covered; that uses it up."""
        covered = ZERO
        known = family_of(where[1])
        if known is not None:
            family, cores = known
            key = (day, where[0].replace(" ", "").casefold(), family)
            covered = min(hours, self.cores.get(key, ZERO) / cores)
            if covered > 0:
                self.cores[key] -= covered * cores
        rest = hours - covered
        if rest > 0 and rate > 0 and self.worth.get(day, ZERO) > 0:
            more = min(rest, self.worth[day] / rate)
            self.worth[day] -= more * rate
            covered += more
        return covered
