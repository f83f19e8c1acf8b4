"""The pools of capacity groups as they are now, for many clusters in a few calls; the value of a fact Need.CAPACITY.

One query for nodes, one Activity Log a subscription, prices from their cache. Nothing is asked pool by pool. What
could not be read is a problem or a doubt of the sight, and on neither is anything made smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.clients.activity_log import Told, told
from shared.clients.azure import Cloud
from shared.clients.market import Cache
from shared.clients.nodes import Seen, Standing, place_of, standing
from shared.clients.placement import placement_scores
from shared.clients.room import free_addresses, nodes_left, quotas
from shared.clients.spot_offers import Offers, SpotOffer, spot_offers
from shared.model.facts import Fact
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.money import ListPrice, Money, Prices
from shared.model.spot import PoolSight
from shared.policy.capacity_group import addresses_per_node

PATIENCE_SECONDS = 30.0
"""How long one look may sleep over refused calls."""
LOOKED_BACK = timedelta(minutes=30)
"""Entries of the Activity Log may come this late."""

Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class _Look:
    seen: Seen
    told: Told
    offers: Offers
    prices: Prices
    now: datetime


def capacity(cloud: Cloud, clusters: Iterable[Cluster], prices: Prices, cache: Cache, now: datetime) -> Facts:
    """Lower-case cluster id -> fact whose value is a tuple of PoolSight. Never raises for Azure's sake."""
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - azure-core is imported at the first call

    asked = [cluster for cluster in clusters if cluster.power is Power.RUNNING]
    patience = Patience(PATIENCE_SECONDS)
    seen = standing(cloud, asked, patience)
    places = {place for cluster in asked if (place := place_of(cluster)) is not None}
    log = told(cloud, places, now - LOOKED_BACK, now, patience)
    spots = {(region_of(one), pool.vm_size) for one in asked for pool in one.pools if is_spot(pool) and pool.vm_size}
    look = _Look(seen, log, spot_offers(cloud, spots, cache, now, patience), prices, now)
    return {cluster.id: _fact(look, cluster) for cluster in asked}


def is_spot(pool: NodePool) -> bool:
    return pool.priority.casefold() == "spot"


def region_of(cluster: Cluster) -> str:
    return cluster.location.replace(" ", "").casefold()


def _fact(look: _Look, cluster: Cluster) -> Fact:
    nodes = look.seen.of(cluster)
    if isinstance(nodes, str):
        return Fact((), look.now, nodes)
    return Fact(tuple(_sight(look, cluster, pool, nodes) for pool in cluster.pools), look.now)


def _sight(look: _Look, cluster: Cluster, pool: NodePool, nodes: Mapping[str, Standing]) -> PoolSight:
    stands = nodes.get(pool.name.casefold(), Standing(0, 0, 0))
    place = place_of(cluster)
    assert place is not None  # noqa: S101 - its nodes were found there
    key, where = (place, pool.name.casefold()), (region_of(cluster), (pool.vm_size or "").casefold())
    listed, offer = look.prices.get(where, ListPrice()), look.offers.get(where, SpotOffer())
    price = (offer.price or listed.spot) if is_spot(pool) else listed.on_demand
    return PoolSight(
        pool.name,
        look.now,
        ready=stands.ready,
        wanted=pool.count,
        starting=stands.starting,
        autoscaling=bool(pool.autoscaling),
        min_count=pool.min_count,
        max_count=pool.max_count,
        is_spot=is_spot(pool),
        vm_size=pool.vm_size or "",
        zone=",".join(pool.zones),
        price=_hourly(price),
        eviction_rate=offer.rate if is_spot(pool) else None,
        evictions=tuple(sorted(look.told.evictions.get(key, ()))),
        failed_at=look.told.refused_at.get(key),
        problem="Azure does not say whether its nodes run" if stands.silent else None,
        doubt=look.told.problems.get(place[0]),
    )


def _hourly(price: Money | None) -> float | None:
    return None if price is None else float(price.amount)


def with_room(cloud: Cloud, clusters: Iterable[Cluster], facts: Facts) -> Facts:
    """The facts of clusters that may move, with how much the quota and the subnets still have, or why not."""
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - as above

    moving = [one for one in clusters if one.id in facts and facts[one.id].known]
    patience = Patience(PATIENCE_SECONDS)
    cores = quotas(cloud, ((one.subscription, region_of(one)) for one in moving), patience)
    subnets = {subnet for one in moving for pool in one.pools for subnet in (pool.subnet, pool.pod_subnet) if subnet}
    free = free_addresses(cloud, subnets, patience)
    return {one.id: _with_room(one, facts[one.id], cores, free) for one in moving}


def _with_room(
    cluster: Cluster, fact: Fact, cores: Mapping[tuple[str, str], Mapping[str, int]], free: Mapping[str, int]
) -> Fact:
    usages = cores.get((cluster.subscription, region_of(cluster)))

    def roomy(sight: PoolSight) -> PoolSight:
        pool = cluster.pool(sight.name)
        if pool is None:
            return sight
        pods = 0 if pool.pod_subnet else pool.max_pods
        known = replace(
            sight,
            quota_left=nodes_left(usages, pool.vm_size or "", spot=is_spot(pool)),
            addresses_left=free.get((pool.subnet or "").casefold()),
            addresses_per_node=addresses_per_node(cluster.network_plugin, cluster.network_mode, pods),
            pod_addresses_left=free.get((pool.pod_subnet or "").casefold()),
        )
        return replace(known, room_problem=_room_problem(cluster, pool, known))

    return replace(fact, value=tuple(roomy(sight) for sight in fact.value))


def _room_problem(cluster: Cluster, pool: NodePool, sight: PoolSight) -> str | None:
    """What of its room could not be read. A network that AKS made itself is no limit: it has 65,536 addresses.
    https://learn.microsoft.com/azure/aks/concepts-network-ip-address-planning
    """
    if sight.quota_left is None:
        return f"the quota for {pool.vm_size or 'its size'} in {region_of(cluster)} could not be read"
    for subnet, left in ((pool.subnet, sight.addresses_left), (pool.pod_subnet, sight.pod_addresses_left)):
        if subnet and left is None:
            return f"the free addresses of subnet {subnet.rpartition('/')[2]} could not be read"
    if pool.subnet and cluster.network_plugin is None:
        return "how many addresses a node takes could not be read"
    return None


def with_scores(cloud: Cloud, clusters: Iterable[Cluster], facts: Facts, cache: Cache, now: datetime) -> Facts:
    """The facts of clusters that may ask for spot, with Azure's advice where there is any."""
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - as above

    asking = [one for one in clusters if one.id in facts and facts[one.id].known]
    sizes = {
        (one.subscription, region_of(one), pool.vm_size)
        for one in asking
        for pool in one.pools
        if is_spot(pool) and pool.vm_size
    }
    scores = placement_scores(cloud, sizes, cache, now, Patience(PATIENCE_SECONDS))

    def scored(cluster: Cluster, sight: PoolSight) -> PoolSight:
        place = (cluster.subscription, region_of(cluster), sight.vm_size.casefold())
        score = scores.get((*place, sight.zone)) or scores.get((*place, ""))
        return replace(sight, score=score) if sight.is_spot and score else sight

    return {
        one.id: replace(facts[one.id], value=tuple(scored(one, sight) for sight in facts[one.id].value))
        for one in asking
    }
