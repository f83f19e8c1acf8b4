"""What was billed: one row of a cost export, in FOCUS's words, whatever dialect it came in.

https://focus.finops.org/focus-specification/ - amounts are Decimal in the billing currency, before tax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType

NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CostRow:
    """One charge on one day. Text that the export does not give is ''; an amount it does not give is None."""

    charge_period_start: date
    billed_cost: Decimal | None
    """As invoiced: ActualCost. None in an amortised export."""
    effective_cost: Decimal | None
    """With commitments spread over their term: AmortizedCost. None in an actual-cost export."""
    billing_currency: str
    """'' where the export does not say; never guessed."""
    resource_id: str = ""
    """Lower case."""
    resource_group: str = ""
    """Lower case."""
    sub_account_id: str = ""
    """Subscription, lower case."""
    region: str = ""
    service_name: str = ""
    meter: str = ""
    charge_category: str = "Usage"
    """Usage | Purchase | Tax | Credit | Adjustment | Refund"""
    pricing_category: str = ""
    """Standard (on demand) | Committed | Dynamic (spot) | Other"""
    commitment_discount_status: str = ""
    """Used | Unused, of a reservation or savings plan; '' for everything else, and where the source does not say."""
    consumed_quantity: Decimal | None = None
    unit: str = ""
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that could not be read. Reported, never guessed, never fatal."""

    line: int
    """Line of the file, counted from 1, in which the row begins."""
    message: str


_OF_KUBERNETES = frozenset({"kubernetes.io-created-for-pvc-name", "k8s-azure-created-by", "k8s-azure-service"})
"""Tags that the storage and network drivers of Kubernetes leave on what they make."""


def made_by_kubernetes(tags: Mapping[str, str]) -> bool:
    """Whether a disk or an address was made for a cluster, wherever it lies."""
    return any(name.casefold() in _OF_KUBERNETES for name in tags)
