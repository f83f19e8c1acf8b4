"""What everything in the world was billed: metered by the second from its states, charged by a tariff of its own.

    world.meter.charges(world, begin, end)      charges of days [begin, end) in UTC, amortised and actual
    world.meter.reservations.append(Reservation("westeurope", "Standard_D4s_v5", 4))
    world.meter.also(subscription, resource_id, category, amount_a_day)       whatever else the subscription pays for

Each state is noted when it is left (`note`, called before every change), so that no second is missed or counted twice.
Nodes are billed from the moment a start is accepted until a stop has succeeded. A load balancer, an address and the
volumes of workloads are billed as long as the cluster exists; a tier while it runs.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from lamplighter.simulator.charges import Charge, Reservation, daily, machines
from lamplighter.simulator.meter_prices import Tariff
from lamplighter.simulator.resource_bodies import cluster_property
from lamplighter.simulator.resources import RUNNING, STOPPED, Cluster, Pool
from lamplighter.simulator.spot_market import is_spot, scale_set

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

HOUR = timedelta(hours=1)


class Nodes(NamedTuple):
    """From `at` on: that many billed nodes of that size. One pool at one time."""

    at: datetime
    number: int
    size: str = ""
    spot: bool = False


class Account(NamedTuple):
    """What charges of a cluster are booked under, from `at` on."""

    at: datetime
    exists: bool
    runs: bool
    tier: str
    tags: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Ledger:
    """All that is noted of one cluster."""

    cluster: Cluster
    since: datetime
    """From when on its present state holds."""
    accounts: list[Account] = field(default_factory=list)
    pools: dict[str, list[Nodes]] = field(default_factory=dict)


class Other(NamedTuple):
    """A charge that has nothing to do with clusters: the same every day; a refund is negative."""

    subscription: str
    resource: str
    category: str
    amount: Decimal
    tags: tuple[tuple[str, str], ...] = ()
    only_on: date | None = None


class Left(NamedTuple):
    """A disk or an address that people left behind: billed by the hour from `since` on; see `belongings`."""

    subscription: str
    resource: str
    category: str
    price: Decimal
    since: datetime
    location: str
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Meter:
    """The world's meter. Nothing that it knows is told before `lag` is over."""

    began: datetime | None = None
    tariff: Tariff = field(default_factory=Tariff)
    lag: timedelta = timedelta(hours=12)
    volumes_gb: int = 128
    """Of each cluster."""
    reservations: list[Reservation] = field(default_factory=list)
    others: list[Other] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    ledgers: dict[str, Ledger] = field(default_factory=dict)

    def also(
        self, subscription: str, resource: str, category: str, amount: Decimal | str, only_on: date | None = None
    ) -> None:
        """The subscription pays for something else too; `resource` '' belongs to nothing."""
        self.others.append(Other(subscription.casefold(), resource, category, Decimal(amount), only_on=only_on))

    def note(self, cluster: Cluster, at: datetime, *, exists: bool = True) -> None:
        """Put down the state that holds until `at`: called before every change, and before reading."""
        ledger = self.ledgers.get(cluster.key)
        if ledger is None:
            since = at if self.began is None or not exists else self.began
            ledger = self.ledgers[cluster.key] = Ledger(cluster, since)
        if exists:
            _note(ledger, cluster)
        else:
            _gone(ledger)
        ledger.cluster, ledger.since = cluster, at

    def charges(self, world: World, begin: date, end: date) -> Iterator[Charge]:
        """Every charge of these days that is known by now, day by day and resource by resource."""
        now = world.now()
        if self.began is not None:
            begin = max(begin, self.began.date())
        for cluster in world.clusters.values():
            self.note(cluster, now)
        known = now - self.lag
        for key, ledger in self.ledgers.items():
            if key not in world.clusters:
                _gone(ledger)
            yield from self._standing(ledger, begin, end, known)
        yield from machines(self._steps(), self.tariff, self.reservations, (begin, end, known))
        for other in self.others:
            for day, share in daily(begin, end, known):
                if other.only_on in (None, day):
                    yield Charge(day, other.subscription, other.resource, other.category, other.amount * share,
                                 tags=other.tags)  # fmt: skip
        for left in self.left:
            for day, share in daily(begin, end, known, left.since):
                yield Charge(day, left.subscription, left.resource, left.category, left.price * 24 * share,
                             tags=left.tags, region=left.location)  # fmt: skip

    def _steps(self) -> Iterator[tuple[Ledger, str, list[Nodes]]]:
        for ledger in self.ledgers.values():
            for name, steps in ledger.pools.items():
                yield ledger, vmss_of(ledger.cluster, name), steps

    def _standing(self, ledger: Ledger, begin: date, end: date, known: datetime) -> Iterator[Charge]:
        """What is billed whether nodes run or not, and the tier."""
        cluster, net = ledger.cluster, f"{node_group_id(ledger.cluster)}/providers/Microsoft.Network"
        always = (
            (f"{net}/loadBalancers/kubernetes", "Load Balancer", self.tariff.load_balancer),
            (address_of(cluster), "Virtual Network", self.tariff.public_ip),
            (volume_of(cluster), "Storage", self.tariff.disk_gb * self.volumes_gb),
        )
        hours: defaultdict[tuple[date, str, str, tuple[tuple[str, str], ...]], Decimal] = defaultdict(Decimal)
        for account, until in _spans(ledger.accounts, known):
            if not account.exists:
                continue
            for day, share in daily(begin, end, until, account.at):
                for resource, category, price in always:
                    hours[day, resource, category, account.tags] += price * 24 * share
                if account.runs and self.tariff.tier(account.tier):
                    kind = "Azure Kubernetes Service"
                    hours[day, cluster.id, kind, account.tags] += self.tariff.tier(account.tier) * 24 * share
        for (day, resource, category, tags), amount in hours.items():
            yield Charge(day, cluster.subscription.casefold(), resource, category, amount, tags=tags,
                         region=cluster.location)  # fmt: skip


def billed_nodes(cluster: Cluster, pool: Pool) -> int:
    """Machines that exist now: those of a pool that is being stopped do until it has stopped."""
    if cluster.power == STOPPED:
        return 0
    if pool.power == RUNNING and pool.nodes is not None:
        return len(pool.nodes)
    if pool.power == RUNNING:
        return int(pool.value("count") or 0)
    return int(pool.saved.get("count") or 0) if pool.state == "Stopping" else 0


def node_group_id(cluster: Cluster) -> str:
    return f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster_property(cluster, 'nodeResourceGroup')}"


def volume_of(cluster: Cluster) -> str:
    """Id of the disk of its workloads."""
    return f"{node_group_id(cluster)}/providers/Microsoft.Compute/disks/pvc-{_digits(cluster.key)}"


def address_of(cluster: Cluster) -> str:
    """Id of the public address of its load balancer."""
    return f"{node_group_id(cluster)}/providers/Microsoft.Network/publicIPAddresses/{_digits(cluster.key)}"


def vmss_of(cluster: Cluster, pool: str) -> str:
    """Id of a pool's scale set, also of a pool that is gone."""
    return scale_set(cluster, Pool(pool, {}))


def _digits(text: str) -> str:
    """AKS puts the same eight digits into the names of all that belongs to a cluster."""
    return f"{int(hashlib.blake2s(text.encode(), digest_size=6).hexdigest(), 16) % 10**8:08}"


def _note(ledger: Ledger, cluster: Cluster) -> None:
    tags = tuple(sorted((cluster.tags or {}).items()))
    account = Account(ledger.since, True, cluster.power != STOPPED, cluster.sku.get("tier", "Free"), tags)
    if not ledger.accounts or ledger.accounts[-1][1:] != account[1:]:
        ledger.accounts.append(account)
    for pool in cluster.pools:
        nodes = Nodes(ledger.since, billed_nodes(cluster, pool), str(pool.value("vmSize")), is_spot(pool))
        _step(ledger.pools.setdefault(pool.name.lower(), []), nodes)
    present = {pool.name.lower() for pool in cluster.pools}
    for name, steps in ledger.pools.items():
        if name not in present:
            _step(steps, Nodes(ledger.since, 0))


def _gone(ledger: Ledger) -> None:
    """The cluster was deleted when its ledger was last noted."""
    if ledger.accounts and ledger.accounts[-1].exists:
        ledger.accounts.append(Account(ledger.since, False, False, "", ()))
        for steps in ledger.pools.values():
            _step(steps, Nodes(ledger.since, 0))


def _step(steps: list[Nodes], nodes: Nodes) -> None:
    if not steps or steps[-1][1:] != nodes[1:]:
        steps.append(nodes)


def _spans(accounts: list[Account], known: datetime) -> Iterator[tuple[Account, datetime]]:
    for number, account in enumerate(accounts):
        until = accounts[number + 1].at if number + 1 < len(accounts) else known
        yield account, min(until, known)
