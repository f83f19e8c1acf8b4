"""What Lamplighter saved, as a lower bound: one ledger row per node-hour and decision, and the week they add up to.

Node-hours are UTC hours. Amounts are Decimal in the billing currency, amortised, before tax. What can't be shown on a
bill is not in here but in `Avoided`, which is an estimate and never added to a saving.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from shared.model.billing import Period
from shared.model.money import Money

NO_AMOUNTS: Mapping[str, Decimal] = MappingProxyType({})


class SavingKind(StrEnum):
    OFF = "off"
    """A cluster or pool was stopped."""
    SPOT = "spot"
    """Nodes ran as spot that would have run on demand."""
    TIER = "tier"
    """A control plane ran on a cheaper tier; its "node-hours" are hours of the control plane, and its pool is ''."""
    UPGRADE = "upgrade"
    """Nothing is saved by an upgrade: its surge nodes are a cost of ours."""


class Confidence(StrEnum):
    """How the nodes that would have run are known."""

    MEASURED = "measured"
    """From four weeks of the same hour of the week before adoption."""
    PARTLY = "partly measured"
    """From fewer weeks."""
    MINIMUM = "minimum"
    """No baseline: the pool's minimum, or its fixed count."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The part of one UTC hour in which one pool had fewer nodes because of one decision. Claimed once, by that one."""

    cluster: str
    """Lower-case id."""
    pool: str
    """Lower-case name."""
    hour: datetime
    """When the hour begins, aware UTC."""
    decision: str
    """Id of the decision; history tells what it was."""
    rule: str
    kind: SavingKind
    node_hours: Decimal
    """Nodes that would have run, less those that did, over the time for which that is known."""
    committed_hours: Decimal
    """Of these, the hours that a reservation or savings plan would have covered: freed, not saved."""
    rate: Decimal | None
    """Billed price of an on-demand node-hour; None = unknown, then the row earns nothing."""
    amount: Decimal
    currency: str
    confidence: Confidence

    @property
    def key(self) -> tuple[str, str, datetime, str]:
        """What no two rows share."""
        return self.cluster, self.pool, self.hour, self.decision


@dataclass(frozen=True, slots=True)
class Saving:
    """What one rule realised on one cluster in one week, in one currency."""

    cluster: str
    rule: str
    kind: SavingKind
    currency: str
    gross: Decimal
    wake_ups: Decimal = Decimal(0)
    """Node-hours beyond the counterfactual after our starts: leads, nodes restored before they were needed."""
    surge: Decimal = Decimal(0)
    """Surge nodes of our upgrades."""
    surplus: Decimal = Decimal(0)
    """Spot nodes held beyond the on-demand nodes that they replaced."""
    node_hours: Decimal = Decimal(0)
    """Those that are paid for in `gross`."""
    commitment_hours_freed: Decimal = Decimal(0)
    """Outside the total: paid for anyway, free for somebody else."""
    unknown_hours: Decimal = Decimal(0)
    """Hours that were not observed, or whose price is unknown; they earned nothing."""
    confidence: Confidence = Confidence.MEASURED
    """The least sure of its hours."""

    @property
    def net(self) -> Decimal:
        """Before the app's own cost, which belongs to no cluster."""
        return self.gross - self.wake_ups - self.surge - self.surplus


@dataclass(frozen=True, slots=True)
class Avoided:
    """Probably avoided, but not on any bill: an estimate at list price, shown apart and never added to a saving."""

    cluster: str
    rule: str
    node_hours: Decimal
    amount: Money | None
    """None = unknown."""
    why: str
    """Why it is no realised saving, in one sentence."""


@dataclass(frozen=True, slots=True)
class SavingsWeek:
    """All of it for one week of days in UTC."""

    period: Period
    savings: tuple[Saving, ...] = ()
    own_cost: Mapping[str, Decimal] | None = None
    """Currency -> what Lamplighter itself cost; None = unknown, and then so is the net total."""
    avoided: tuple[Avoided, ...] = ()
    ledger: tuple[LedgerRow, ...] = ()
    problems: tuple[str, ...] = ()
    """One sentence each: what could not be read, so that it earned nothing."""
    method: str = ""
    """How it was computed, printed under every figure."""

    @property
    def currencies(self) -> tuple[str, ...]:
        return tuple(sorted({one.currency for one in self.savings if one.currency} | set(self.own_cost or ())))

    def gross(self, currency: str) -> Decimal:
        return sum((one.gross for one in self._of(currency)), Decimal(0))

    def before_own_cost(self, currency: str) -> Decimal:
        """Gross minus wake-ups, surge and surplus."""
        return sum((one.net for one in self._of(currency)), Decimal(0))

    def net(self, currency: str) -> Decimal | None:
        """What is left after the app's own cost; None while that is unknown."""
        if self.own_cost is None:
            return None
        return self.before_own_cost(currency) - self.own_cost.get(currency, Decimal(0))

    def commitment_hours_freed(self) -> Decimal:
        return sum((one.commitment_hours_freed for one in self.savings), Decimal(0))

    def _of(self, currency: str) -> Iterable[Saving]:
        return (one for one in self.savings if one.currency == currency)


@dataclass(frozen=True, slots=True)
class Baseline:
    """How many nodes a pool had before Lamplighter was adopted, by hour of the week (Monday 00:00 UTC is 0)."""

    cluster: str
    pool: str
    before: datetime
    """The adoption that it precedes, aware UTC."""
    nodes: Mapping[int, tuple[Decimal, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Hour of week -> mean nodes in that hour of each of the up to four weeks; hours not observed are absent."""
