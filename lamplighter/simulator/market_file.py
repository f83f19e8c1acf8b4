"""The market in a fleet file: what there is room for, what it costs, and what is taken back when.

    market:
      node_start: 240                # seconds from asking for a node until it is ready
      rooms:
        - {location: westeurope, size: Standard_D4s_v5, priority: Spot, zone: "1", gap: 300, room: [4, 4, 0, 0, 4]}
        - {location: westeurope, size: Standard_D4s_v5, priority: Regular, room: [100]}
      spot:
        - {location: westeurope, size: Standard_D4s_v5, price: 0.04, eviction_rate: 5-10, score: Medium}
      quota: [{location: westeurope, name: lowPriorityCores, limit: 100}]
      subnets: [{id: /subscriptions/.../subnets/nodes, addresses: 251}]
      needed: {web-dev: 6}           # nodes that a cluster's workload takes, for its autoscalers

`room` holds one value per `gap` seconds from the world's beginning; a place that is not listed has room for all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.market_nodes import follow
from lamplighter.simulator.spot_market import Market, Place

if TYPE_CHECKING:
    from lamplighter.simulator.world import World


def open_market(world: World, entry: dict[str, Any]) -> None:
    """The world gets the market that the file describes. KeyError, TypeError or ValueError for what is no market."""
    market = world.market
    market.room, market.seed = {}, world.seed
    market.node_start = timedelta(seconds=float(entry.get("node_start", 240)))
    for one in entry.get("rooms") or ():
        place = _place(one)
        values = [int(value) for value in one["room"]]
        market.room[place] = values[0]
        market.tape(place, world.now(), timedelta(seconds=float(one.get("gap", 300))), values)
    for one in entry.get("spot") or ():
        _offer(market, one)
    for one in entry.get("quota") or ():
        subscriptions = [one["subscription"]] if "subscription" in one else list(world.subscriptions)
        for subscription in subscriptions:
            key = (str(subscription).lower(), str(one["location"]), str(one["name"]).lower())
            market.quota[key] = int(one["limit"])
    market.subnets |= {str(one["id"]).lower(): int(one["addresses"]) for one in entry.get("subnets") or ()}
    market.needed |= {world.cluster(name).key: int(nodes) for name, nodes in (entry.get("needed") or {}).items()}
    for cluster in world.clusters.values():
        follow(world, cluster, world.now())


def _place(one: dict[str, Any]) -> Place:
    spot = str(one.get("priority", "Spot")).lower() == "spot"
    return Place(str(one["location"]), str(one["size"]).lower(), str(one.get("zone", "")), spot)


def _offer(market: Market, one: dict[str, Any]) -> None:
    place = _place(one)
    key = place[:2]
    if "price" in one:
        market.prices[key] = float(one["price"])
    if "eviction_rate" in one:
        market.rates[key] = str(one["eviction_rate"])
    if "score" in one:
        market.scores[place] = str(one["score"])
