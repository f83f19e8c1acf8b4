"""Money: a decimal amount with its currency. Amounts of different currencies are never added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        """Raises ValueError for two currencies: there is no rate in this house."""
        if other.currency != self.currency:
            msg = f"{self.currency} and {other.currency} are not added up"
            raise ValueError(msg)
        return Money(self.amount + other.amount, self.currency)

    def times(self, factor: Decimal | int) -> Money:
        return Money(self.amount * factor, self.currency)

    def __str__(self) -> str:
        """
        >>> str(Money(Decimal("1234.5"), "USD"))
        '1,234.50 USD'
        """
        return f"{self.amount.quantize(CENT, ROUND_HALF_EVEN):,} {self.currency}"


@dataclass(frozen=True, slots=True)
class ListPrice:
    """What one Linux node of a size costs per hour in a region, at list price; None = unknown, never free."""

    on_demand: Money | None = None
    spot: Money | None = None


Prices = Mapping[tuple[str, str], ListPrice]
"""(lower-case region, lower-case VM size) -> price; what is absent is unknown."""
