"""Around the nodes: the Activity Log, quota, free addresses and placement scores."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.cluster_routes import page
from lamplighter.simulator.events import instant
from lamplighter.simulator.market_nodes import used_addresses, used_cores
from lamplighter.simulator.refusals import Refusal, no_such_resource, no_such_subscription
from lamplighter.simulator.spot_market import LogEntry, Place
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

LOG_LAG = timedelta(seconds=30)
_TIMES = re.compile(r"eventTimestamp ge '([^']+)' and eventTimestamp le '([^']+)'(?: and (\w+) eq '([^']+)')?")
_NARROWED = frozenset({"resourceGroupName", "resourceUri", "resourceProvider", "correlationId"})


def list_activity(world: World, request: Request) -> Response:
    """GET .../Microsoft.Insights/eventtypes/management/values: newest first; `$filter` knows four patterns only.

    From: https://learn.microsoft.com/rest/api/monitor/activity-logs/list
    """
    if request.parts[1].lower() not in world.subscriptions:
        raise no_such_subscription(request.parts[1])
    text = request.query.get("$filter", "")
    found = _TIMES.fullmatch(text)
    if found is None or (found[3] and found[3] not in _NARROWED):
        raise Refusal(400, "BadRequest", f"The filter {text!r} is not supported.")
    begin, end = (datetime.fromisoformat(found[number]).astimezone(UTC) for number in (1, 2))
    heard = world.now() - LOG_LAG
    entries = [
        entry
        for entry in reversed(world.market.log)
        if begin <= entry.at <= min(end, heard)
        and entry.subscription.lower() == request.parts[1].lower()
        and _fits(entry, found[3], (found[4] or "").lower())
    ]
    return page(world, request, [_entry(entry) for entry in entries])


def _fits(entry: LogEntry, key: str | None, value: str) -> bool:
    match key:
        case "resourceGroupName":
            return entry.group.lower() == value
        case "resourceUri":
            return entry.resource.lower() == value
        case "resourceProvider":
            return value == "microsoft.compute"
        case "correlationId":
            return False
        case _:
            return True


def _entry(entry: LogEntry) -> dict[str, Any]:
    said = {"statusMessage": f'{{"error":{{"code":"{entry.code}","message":"No room."}}}}'} if entry.code else {}
    return {
        "eventTimestamp": instant(entry.at),
        "operationName": {"value": entry.operation, "localizedValue": entry.operation},
        "status": {"value": entry.status, "localizedValue": entry.status},
        "resourceGroupName": entry.group,
        "resourceId": entry.resource,
        "properties": said,
    }


AMPLE = 1_000_000
"""Cores where the world says nothing: Azure lists the totals of every region."""


def list_usages(world: World, request: Request) -> Response:
    """GET .../Microsoft.Compute/locations/{region}/usages. From: https://learn.microsoft.com/rest/api/compute/usage/list"""
    subscription, location = request.parts[1].lower(), request.parts[5].lower()
    limits = dict.fromkeys(("cores", "lowprioritycores"), AMPLE)
    limits |= {key[2]: limit for key, limit in world.market.quota.items() if key[:2] == (subscription, location)}
    value = []
    for name, limit in sorted(limits.items()):
        used = used_cores(world, subscription, location, spot=name == "lowprioritycores")
        shown = {"lowprioritycores": "lowPriorityCores"}.get(name, name)
        value.append({"name": {"value": shown}, "currentValue": used, "limit": limit, "unit": "Count"})
    return reply(200, {"value": value})


def list_network_usages(world: World, request: Request) -> Response:
    """GET .../virtualNetworks/{name}/usages: per subnet. A network that no subnet is known of is not there.

    From: https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks/list-usage
    """
    network = "/" + "/".join(request.parts[:-1]).lower()
    value = [
        {"id": subnet, "currentValue": used_addresses(world, subnet), "limit": limit, "unit": "Count"}
        for subnet, limit in sorted(world.market.subnets.items())
        if subnet.startswith(f"{network}/subnets/")
    ]
    if not value:
        raise no_such_resource("Microsoft.Network/virtualNetworks", request.parts[-2], request.parts[3])
    return reply(200, {"value": value})


def score_placement(world: World, request: Request) -> Response:
    """POST .../placementScores/spot/generate. From: https://learn.microsoft.com/azure/virtual-machine-scale-sets/spot-placement-score"""
    body = request.json()
    places, sizes = body.get("desiredLocations") or [], [one["sku"] for one in body.get("desiredSizes") or []]
    if not 1 <= len(places) <= 8 or not 1 <= len(sizes) <= 5:
        raise Refusal(400, "BadRequest", "desiredLocations takes 1 to 8, desiredSizes 1 to 5.")
    zones = sorted({place.zone for place in world.market.scores}) if body.get("availabilityZones") else [""]
    scores = [
        {
            "sku": size,
            "region": location,
            "availabilityZone": zone or None,
            "score": world.market.scores.get(Place(location, size.lower(), zone, spot=True), "DataNotFoundOrStale"),
            "isQuotaAvailable": True,
        }
        for location in places
        for size in sizes
        for zone in zones or [""]
    ]
    return reply(200, {"placementScores": scores})
