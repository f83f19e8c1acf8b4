"""The weekly digest as one value: every number that is told, with how sure it is. Renderers add nothing to it.

Amounts are Decimal in one currency, before tax, on the one basis that the digest names. Days are days of UTC, as Azure
bills. None is unknown, and is shown as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from shared.model.billing import Basis
from shared.model.savings import SavingsWeek
from shared.model.support import SupportReport
from shared.model.weeks import Week

ZERO = Decimal(0)


class Kind(StrEnum):
    """What a charge is for, in the order in which it is shown."""

    NODES = "Nodes"
    NODES_SPOT = "Nodes, spot"
    NODES_COMMITTED = "Nodes, under a commitment"
    TIER = "Tier of the control plane"
    DISKS = "Disks"
    LOAD_BALANCERS = "Load balancers"
    ADDRESSES = "Public addresses"
    TRAFFIC = "Traffic and NAT"
    LOGS = "Logs and metrics"
    CONTAINERS = "Virtual nodes"
    OTHER = "Other"


COMPUTE = frozenset({Kind.NODES, Kind.NODES_SPOT, Kind.NODES_COMMITTED, Kind.CONTAINERS})


@dataclass(frozen=True, slots=True)
class Line:
    """Whose charge it is, and for what: the key of one series of daily amounts."""

    cluster: str
    """Lower-case id of a managed cluster; '' when it is no single cluster's."""
    team: str
    """By the tag on the day of use; '' = untagged."""
    kind: Kind
    currency: str


Series = Mapping[date, Decimal]
"""Day -> amount; a day that is not there had no charge."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A disk or an address that was billed: only these are kept one by one."""

    id: str
    kind: Kind
    cluster: str
    currency: str
    daily: Series
    for_cluster: bool = False
    """Kubernetes made it: it carries a tag of the storage or the network driver."""


@dataclass(frozen=True, slots=True)
class Costs:
    """All charges that were read, attributed: what the figures of a digest are made of."""

    lines: Mapping[Line, Series]
    resources: tuple[Resource, ...]
    names: Mapping[str, str]
    """Cluster id -> the name people know; of deleted ones as the bill spells it."""
    basis: Basis
    taxes: Mapping[str, Series]
    """Currency -> tax by day: counted in no figure."""
    totals: Mapping[str, Series]
    """Currency -> plain sum of all rows by day, taxes included, made before anything was attributed."""
    refunds: tuple[tuple[str, str, Series], ...] = ()
    """Cluster, currency, and the negative amounts of each day: they are in the lines, and told besides."""
    problems: tuple[str, ...] = ()
    """Rows that could not be read, one sentence each."""
    gone: frozenset[str] = frozenset()
    """Clusters that are billed and no longer there."""
    first: date | None = None
    """The first day that was read; a day before it is unknown, one after it without a charge cost nothing."""
    tagged: bool = False
    """Some row carried a tag; those of a query never do."""

    @property
    def last(self) -> date | None:
        """The last day with a charge."""
        return max((day for series in self.totals.values() for day in series), default=None)


@dataclass(frozen=True, slots=True)
class Compared:
    """What something cost in the week, beside what it cost before."""

    name: str
    amount: Decimal
    before: Decimal | None = None
    """In the week before; None = nothing was read for it."""
    usual: Decimal | None = None
    """Median of up to four weeks before; None = no history."""
    about: str = ""
    """Environment of a cluster, or a remark."""
    key: str = ""
    """Id of a cluster; '' where the name says it all."""

    @property
    def change(self) -> Decimal | None:
        return None if self.before is None else self.amount - self.before

    @property
    def share(self) -> Decimal | None:
        """Change as a share of the week before; None where that is no positive amount."""
        if self.before is None or self.before <= 0:
            return None
        return (self.amount - self.before) / self.before


@dataclass(frozen=True, slots=True)
class Bar:
    """One week in the chart."""

    week: Week
    amount: Decimal
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Mover:
    """One part of the change against the week before; all parts together are the whole change."""

    cluster: str
    kind: Kind
    change: Decimal
    why: str = ""
    """A decision of ours that explains it; '' = none is known."""


@dataclass(frozen=True, slots=True)
class Restated:
    """A final figure beside what was told of the same week while it was provisional."""

    week: Week
    told: Decimal
    now: Decimal
    told_at: datetime
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Month:
    """The month of the week's last day, up to that day."""

    first: date
    through: date
    to_date: Decimal | None
    """None = its first days were not read."""
    outlook: Decimal | None = None
    """Cost of the whole month, projected from the weekdays of the weeks before; None = too little history."""
    forecast: Decimal | None = None
    """What Cost Management forecasts for the whole scope, not these clusters alone; None = there is none."""

    def with_forecast(self, amount: Decimal | None) -> Month:
        return replace(self, forecast=amount)


@dataclass(frozen=True, slots=True)
class StillBilled:
    """What a cluster cost while it did not run."""

    name: str
    hours: Decimal
    """Hours of the week in which it was stopped."""
    amount: Decimal
    kinds: tuple[tuple[Kind, Decimal], ...]
    is_inferred: bool = False
    """True: stopped according to the bill alone, a day without nodes; False: seen stopped."""


@dataclass(frozen=True, slots=True)
class Loose:
    """What Azure showed attached to nothing."""

    why: str
    """How it was seen, in a few words."""
    for_cluster: bool = False
    """Kubernetes made it, as its tags say; a bill that was asked for by query has none."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A disk or an address that nothing uses."""

    id: str
    kind: Kind
    name: str
    amount: Decimal
    """In the week."""
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """Hours in which a cluster ran because somebody said so, and what its nodes cost in them."""

    name: str
    what: str
    """excluded by its tag | kept on | started by hand"""
    hours: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Unusual:
    """A day on which something cost unusually much."""

    on: date
    name: str
    amount: Decimal
    expected: Decimal
    driver: str
    """What it most likely was: cluster, kind, decision."""


@dataclass(frozen=True, slots=True)
class TieOut:
    """The parts that are told, against the total that was read apart from them."""

    parts: tuple[tuple[str, Decimal], ...]
    total: Decimal | None
    """As the source states it; None = it could not be read, and nothing was checked."""
    source: str
    read_at: datetime
    missing: tuple[str, ...] = ()
    """Scopes that could not be read: unknown, never 0."""

    @property
    def told(self) -> Decimal:
        return sum((amount for _, amount in self.parts), ZERO)

    @property
    def difference(self) -> Decimal | None:
        return None if self.total is None else self.told - self.total


@dataclass(frozen=True, slots=True)
class Figures:
    """The week in one currency."""

    currency: str
    """'' where the source does not name one."""
    total: Compared
    """The clusters of this digest, all kinds."""
    clusters: tuple[Compared, ...]
    environments: tuple[Compared, ...]
    teams: tuple[Compared, ...]
    kinds: tuple[Compared, ...]
    movers: tuple[Mover, ...]
    weeks: tuple[Bar, ...]
    """Oldest first; the digest's week is the last."""
    month: Month
    tie_out: TieOut | None
    """None in a digest about some clusters only: the whole scope is tied out where all of it is told."""
    restated: Restated | None = None
    still_billed: tuple[StillBilled, ...] = ()
    leftovers: tuple[Leftover, ...] | None = None
    """None = nobody looked."""
    held: tuple[Held, ...] = ()
    unusual: tuple[Unusual, ...] = ()
    explained: tuple[Unusual, ...] = ()
    """Unusual days that our own decisions explain: told, not alerted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the data file: the charges of one line on a day, in a large fleet in a week."""

    on: date
    end: date
    """The day after its last."""
    line: Line
    cluster_name: str
    environment: str
    amount: Decimal
    provisional: bool


@dataclass(frozen=True, slots=True)
class Digest:
    """One audience's message about one week."""

    audience: str
    week: Week
    made_at: datetime
    basis: Basis
    source: str
    """Where the costs were read: a scope of Cost Management, or files."""
    read_at: datetime
    zone: str
    figures: tuple[Figures, ...]
    """One per currency, the largest first. Never added up."""
    rows: tuple[Row, ...] = ()
    """What the figures are sums of: the week and the one before."""
    provisional_until: datetime | None = None
    """Azure may still change this week until then; None = final."""
    is_whole: bool = True
    """False: the source covers only a part of the week."""
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences about this very week: refunds, two currencies, no history."""
    method: tuple[str, ...] = ()
    savings: SavingsWeek | None = None
    support: SupportReport | None = None
    """Versions and limits of the audience's clusters; None = nobody looked."""
