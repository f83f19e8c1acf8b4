"""Which user pools could run on spot, what that would save, what it risks. Pure; prices and rates are handed in.

Never a system or Windows pool, never a single node that nothing could stand in for. Unknown is no recommendation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared.clients.spot_offers import Offers, SpotOffer
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.money import ListPrice, Money, Prices
from shared.policy.capacity_infer import inferred

HOURS_A_MONTH = 730
RATES: Mapping[str, tuple[int, int | None]] = {
    "0-5": (0, 5), "5-10": (5, 10), "10-15": (10, 15), "15-20": (15, 20), "20+": (20, None),
}  # fmt: skip
"""Azure's buckets: so many percent of the nodes of that size are taken back in an hour."""


@dataclass(frozen=True, slots=True)
class Advice:
    """About one pool. `saving` is an estimate for a month of 730 hours, all nodes on spot; None while it is unknown."""

    cluster: Cluster
    pool: NodePool
    verdict: str
    """could | spot | no | unknown"""
    why: str
    on_demand: Money | None = None
    spot: Money | None = None
    rate: str | None = None
    saving: Money | None = None


def advise(cluster: Cluster, prices: Prices, offers: Offers) -> tuple[Advice, ...]:
    """One for each pool of a cluster, in its order."""
    return tuple(_of(cluster, pool, prices, offers) for pool in cluster.pools)


def _of(cluster: Cluster, pool: NodePool, prices: Prices, offers: Offers) -> Advice:
    where = (cluster.location.replace(" ", "").casefold(), (pool.vm_size or "").casefold())
    listed, offer = prices.get(where, ListPrice()), offers.get(where, SpotOffer())
    spot = offer.price or listed.spot
    known = Advice(cluster, pool, "no", "", listed.on_demand, spot, offer.rate)
    verdict, why = _verdict(cluster, pool, known)
    saving = _saving(pool, known) if verdict == "could" else None
    return Advice(cluster, pool, verdict, why, listed.on_demand, spot, offer.rate, saving)


def _verdict(cluster: Cluster, pool: NodePool, known: Advice) -> tuple[str, str]:
    if pool.priority.casefold() == "spot":
        return "spot", _covered(cluster, pool)
    never = _never(cluster, pool)
    if never:
        return "no", never
    if known.on_demand is None or known.spot is None:
        return "unknown", "its prices are not known"
    if known.spot.amount >= known.on_demand.amount:
        return "no", "spot costs no less here now"
    return "could", f"a spot pool of this size beside it, and {pool.name} to fall back on; {risk(known.rate)}"


def _covered(cluster: Cluster, pool: NodePool) -> str:
    group = next((one for one in inferred(cluster) if pool.name in one.spots), None)
    if group is None:
        return "on spot already, and no on-demand pool to fall back on can be told; name it in a group"
    return f"on spot already, with {group.fallback} to fall back on"


def _never(cluster: Cluster, pool: NodePool) -> str:
    """Why not, whatever it would save; '' where nothing speaks against it."""
    others = any(one is not pool and _stands_by(one) for one in cluster.pools)
    runs = cluster.power is Power.RUNNING and pool.power is Power.RUNNING and bool(pool.count)
    objections = (
        ((pool.mode or "").casefold() != "user", f"a {pool.mode or 'strange'} pool: AKS keeps those off spot"),
        ((pool.os_type or "").casefold() != "linux", f"{pool.os_type or 'unknown'}: only Linux is recommended"),
        ((pool.kind or "").casefold() != "virtualmachinescalesets", "no scale set: AKS has no spot for it"),
        (not runs, "no nodes run: how many it takes is not known"),
        (pool.count == 1 and not others, "a single node, and no other on-demand pool to fall back on"),
    )
    return next((why for holds, why in objections if holds), "")


def _stands_by(pool: NodePool) -> bool:
    regular = pool.priority.casefold() != "spot" and (pool.mode or "").casefold() == "user"
    return regular and (pool.os_type or "").casefold() == "linux"


def _saving(pool: NodePool, known: Advice) -> Money | None:
    if known.on_demand is None or known.spot is None:
        return None
    less = known.on_demand.amount - known.spot.amount
    return Money(less * Decimal(HOURS_A_MONTH * (pool.count or 0)), known.on_demand.currency)


def risk(rate: str | None) -> str:
    """In words: how often a node is taken back.

    >>> risk("5-10"), risk("20+"), risk(None)
    ('a node is taken back every 10 to 20 hours', 'a node is taken back every 5 hours or less', 'how often nodes are \
taken back is not known')
    """
    low, high = RATES.get((rate or "").rstrip("%"), (None, None))
    if low is None:
        return "how often nodes are taken back is not known"
    if high is None:
        return f"a node is taken back every {100 // low} hours or less"
    if not low:
        return f"a node is taken back every {100 // high} hours or more"
    return f"a node is taken back every {100 // high} to {100 // low} hours"
