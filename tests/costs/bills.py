"""Bills for tests: charges of small clusters, day by day, and what a digest makes of them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from shared.costs.attribution import Known, attribute
from shared.costs.digest import Audience, Reading, digest
from shared.costs.figures import of_week
from shared.model.billing import Basis
from shared.model.costs import CostRow
from shared.model.fleet import Cluster, Power
from shared.model.weeks import Week

SUB = "11111111-1111-1111-1111-111111111111"
WEEK = Week(2026, 47)
MONDAY_AFTER = datetime(2026, 11, 23, 7, tzinfo=UTC)
SETTLED = datetime(2026, 11, 30, 7, tzinfo=UTC)

VMSS = "microsoft.compute/virtualmachinescalesets/aks-np-12345678-vmss"
DISK = "microsoft.compute/disks/pvc-1"
ADDRESS = "microsoft.network/publicipaddresses/kubernetes-1"
BALANCER = "microsoft.network/loadbalancers/kubernetes"


def cluster_id(name: str, group: str = "rg") -> str:
    return f"/subscriptions/{SUB}/resourcegroups/{group}/providers/microsoft.containerservice/managedclusters/{name}"


def cluster(name: str, group: str = "rg", **values) -> Cluster:
    values = {"node_resource_group": f"MC_{group}_{name}_westeurope", "power": Power.RUNNING} | values
    return Cluster(id=cluster_id(name, group), name=name, resource_group=group, subscription=SUB, **values)


def row(on: date | str, amount: str | Decimal, resource: str = VMSS, *, group: str = "mc_rg_web_westeurope", **values):
    """One charge, amortised, in euros, of a resource in a group; `resource` '' is a charge of the subscription."""
    day = on if isinstance(on, date) else date.fromisoformat(on)
    id_ = f"/subscriptions/{SUB}/resourcegroups/{group}/providers/{resource}" if resource else ""
    values = {
        "billed_cost": None,
        "billing_currency": "EUR",
        "resource_id": id_,
        "resource_group": group if resource else "",
        "sub_account_id": SUB,
        "region": "westeurope",
    } | values
    return CostRow(day, effective_cost=Decimal(amount), **values)


def daily(first: date, days: int, amount: str, resource: str = VMSS, **values) -> Iterator[CostRow]:
    """The same charge every day."""
    return (row(first + timedelta(days=number), amount, resource, **values) for number in range(days))


def weeks_of(week: Week, back: int) -> date:
    return week.back(back).first


def reading(rows: Iterable[CostRow], clusters: Iterable[Cluster] = (), week: Week = WEEK, **values) -> Reading:
    known = values.pop("known", None) or Known({one.id: one for one in clusters})
    costs = attribute(rows, values.pop("basis", Basis.AMORTISED), known)
    stated = {currency: of_week(days, week) for currency, days in costs.totals.items()}
    values = {"stated": stated, "source": "subscription dev", "read_at": MONDAY_AFTER} | values
    return Reading(costs, **values)


def finance(rows: Iterable[CostRow], now: datetime = SETTLED, week: Week = WEEK, clusters=(), **values):
    """The digest that finance gets of these rows."""
    return digest(reading(rows, clusters, week, **values), Audience("finance"), week, now, "Europe/Berlin")
