"""What the simulated Azure charges: a tariff of its own, in the currency of the bill.

Made up in the proportions of real ones, and known to nobody else: neither the list prices that the retail API tells
nor the engine that is judged by these figures. Machines are priced by family and cores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

_SIZE = re.compile(r"Standard_([A-Z])[A-Za-z]*?(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Tariff:
    """Per hour and in `currency`, unless it says otherwise."""

    currency: str = "EUR"
    per_core: dict[str, Decimal] = field(
        default_factory=lambda: {
            "B": Decimal("0.0371"),
            "D": Decimal("0.0447"),
            "E": Decimal("0.0588"),
            "F": Decimal("0.0409"),
            "L": Decimal("0.0731"),
            "N": Decimal("0.3312"),
        }
    )
    other_core: Decimal = Decimal("0.0523")
    spot_share: Decimal = Decimal("0.2143")
    """Of the price on demand."""
    committed_share: Decimal = Decimal("0.61")
    """Of it too: an hour of a reservation, used or not."""
    standard_tier: Decimal = Decimal("0.0926")
    premium_tier: Decimal = Decimal("0.5556")
    load_balancer: Decimal = Decimal("0.0231")
    public_ip: Decimal = Decimal("0.0046")
    disk_gb: Decimal = Decimal("0.000104")
    """Of the volumes of workloads, which stay when nodes go. Node disks are ephemeral: part of the machine."""

    def machine(self, size: str) -> Decimal:
        """An hour of one node on demand."""
        found = _SIZE.match(size)
        if found is None:
            return self.other_core * 4
        return self.per_core.get(found[1].upper(), self.other_core) * int(found[2])

    def tier(self, tier: str) -> Decimal:
        known = {"standard": self.standard_tier, "premium": self.premium_tier}
        return known.get(tier.casefold(), Decimal(0))
