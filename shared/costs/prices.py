"""What running clusters cost per hour at list price, and what not running is estimated to save.

An estimate, for choosing and for showing: no discount, no disk, no load balancer, no tax. One unknown part makes the
whole unknown, so a number that is shown is never too small because something was left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from shared.model.fleet import Cluster, NodePool, Power
from shared.model.money import ListPrice, Money, Prices

USD = "USD"
TIERS: Mapping[str, Decimal] = {"free": Decimal(0), "standard": Decimal("0.10"), "premium": Decimal("0.60")}
"""USD per cluster and hour, from https://azure.microsoft.com/pricing/details/kubernetes-service/"""

_HOUR = timedelta(hours=1) // timedelta(microseconds=1)
_UNKNOWN = ListPrice()


def hourly_price(cluster: Cluster, prices: Prices) -> Money | None:
    """The nodes of its running pools and its tier, per hour; None when any part is unknown.

    A cluster that does not run has no readable node counts, so its price is unknown too.
    """
    tier = TIERS.get((cluster.tier or "").casefold())
    if cluster.power is not Power.RUNNING or tier is None:
        return None
    total = Money(tier, USD)
    for pool in cluster.pools:
        if pool.power is Power.STOPPED:
            continue
        price = _pool_price(cluster, pool, prices)
        if price is None or price.currency != total.currency:
            return None
        total += price
    return total


def pool_prices(cluster: Cluster, prices: Prices) -> dict[str, Money]:
    """Lower-case pool name -> list price per hour of its nodes; a pool whose price is unknown is absent."""
    known = {pool.name.casefold(): _pool_price(cluster, pool, prices) for pool in cluster.pools}
    return {name: price for name, price in known.items() if price is not None}


def estimated_saving(hourly: Money | None, hours: timedelta | None) -> Money | None:
    """The hourly price for that long; None when either is unknown or the time is over."""
    if hourly is None or hours is None or hours < timedelta(0):
        return None
    return hourly.times(Decimal(hours // timedelta(microseconds=1)) / _HOUR)


def price_key(location: str, vm_size: str) -> tuple[str, str]:
    """The key of `Prices`.

    >>> price_key("West Europe", "Standard_D4s_v5")
    ('westeurope', 'standard_d4s_v5')
    """
    return location.replace(" ", "").casefold(), vm_size.casefold()


def _pool_price(cluster: Cluster, pool: NodePool, prices: Prices) -> Money | None:
    """None too for Windows nodes, whose licence is not in these prices, and for a count that can't be trusted."""
    if pool.power is not Power.RUNNING or pool.count is None or pool.vm_size is None:
        return None
    if (pool.os_type or "").casefold() != "linux":
        return None
    listed = prices.get(price_key(cluster.location, pool.vm_size), _UNKNOWN)
    each = listed.spot if pool.priority.casefold() == "spot" else listed.on_demand
    return None if each is None else each.times(pool.count)
