"""Resource Manager around the clusters: tenants, subscriptions, resource groups, providers, locks, fleets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamplighter.simulator import refusals
from lamplighter.simulator.cluster_routes import find_group, page
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import Member, Subscription, World

PROVIDERS = {
    "microsoft.containerservice": (
        "Microsoft.ContainerService",
        ("managedClusters", "fleets", "locations/operations", "locations/operationresults"),
    ),
    "microsoft.authorization": ("Microsoft.Authorization", ("locks",)),
    "microsoft.resourcegraph": ("Microsoft.ResourceGraph", ("resources",)),
    "microsoft.resources": ("Microsoft.Resources", ("subscriptions", "resourceGroups")),
}


def list_tenants(world: World, _request: Request) -> Response:
    tenant = {"id": f"/tenants/{world.tenant}", "tenantId": world.tenant, "tenantCategory": "Home"}
    return reply(200, {"value": [{**tenant, "displayName": "Simulator", "defaultDomain": "simulator.example"}]})


def subscription_body(world: World, subscription: Subscription) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription.id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": world.tenant,
        "displayName": subscription.name,
        "state": "Enabled",
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01"},
    }


def list_subscriptions(world: World, request: Request) -> Response:
    return page(world, request, [subscription_body(world, one) for one in world.subscriptions.values()])


def get_subscription(world: World, request: Request) -> Response:
    return reply(200, subscription_body(world, _subscription(world, request)))


def _subscription(world: World, request: Request) -> Subscription:
    found = world.subscriptions.get(request.parts[1].lower())
    if found is None:
        raise refusals.no_such_subscription(request.parts[1])
    return found


def get_management_group(world: World, request: Request) -> Response:
    """GET .../managementGroups/{name}; one that is not there answers 403 like one that may not be read."""
    name = request.parts[3]
    known = {group.lower() for one in world.subscriptions.values() for group in one.management_groups}
    if name.lower() not in known:
        raise refusals.forbidden("Microsoft.Management/managementGroups/read", request.path)
    return reply(
        200,
        {
            "id": f"/providers/Microsoft.Management/managementGroups/{name}",
            "type": "Microsoft.Management/managementGroups",
            "name": name,
            "properties": {"tenantId": world.tenant, "displayName": name},
        },
    )


def list_locations(world: World, request: Request) -> Response:
    subscription = _subscription(world, request)
    names = sorted({cluster.location for cluster in world.clusters.values()} | {"westeurope"})
    value = [
        {"id": f"/subscriptions/{subscription.id}/locations/{name}", "name": name, "displayName": name}
        for name in names
    ]
    return reply(200, {"value": value})


def group_body(subscription: str, group: tuple[str, str, dict[str, str]]) -> dict[str, Any]:
    name, location, tags = group
    return {
        "id": f"/subscriptions/{subscription}/resourceGroups/{name}",
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": location,
        "tags": tags,
        "properties": {"provisioningState": "Succeeded"},
    }


def list_groups(world: World, request: Request) -> Response:
    subscription = _subscription(world, request)
    return page(world, request, [group_body(subscription.id, one) for one in subscription.groups.values()])


def get_group(world: World, request: Request) -> Response:
    return reply(200, group_body(request.parts[1], find_group(world, request)))


def _provider(subscription: str, key: str) -> dict[str, Any]:
    namespace, types = PROVIDERS[key]
    kinds = [{"resourceType": kind, "locations": [], "apiVersions": ["2026-08-01", "2025-03-01"]} for kind in types]
    return {
        "id": f"/subscriptions/{subscription}/providers/{namespace}",
        "namespace": namespace,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": kinds,
    }


def list_providers(world: World, request: Request) -> Response:
    subscription = _subscription(world, request)
    return reply(200, {"value": [_provider(subscription.id, key) for key in PROVIDERS]})


def get_provider(world: World, request: Request) -> Response:
    subscription, key = _subscription(world, request), request.parts[3].lower()
    if key not in PROVIDERS:
        raise refusals.Refusal(
            404, "InvalidResourceNamespace", f"The resource namespace '{request.parts[3]}' is invalid."
        )
    return reply(200, _provider(subscription.id, key))


def list_locks(world: World, request: Request) -> Response:
    """GET {scope}/providers/Microsoft.Authorization/locks.

    At a resource: its own locks and the inherited ones. At a subscription or group also those below it, unless
    `$filter=atScope()`. From: https://learn.microsoft.com/rest/api/resources/management-locks
    """
    scope = "/" + "/".join(request.parts[:-3]).lower()
    below = len(request.parts) <= 7 and "atscope()" not in request.query.get("$filter", "").lower()
    if scope.count("/") >= 8 and "/".join(scope.split("/")[:9]) not in world.clusters:
        raise refusals.no_such_resource("/".join(request.parts[5:7]), request.parts[7], request.parts[3])
    found = [lock for lock in world.locks if lock.covers(scope) or (below and lock.scope.startswith(f"{scope}/"))]
    return page(world, request, [lock.body() for lock in found])


def fleet_id(member: Member) -> str:
    return (
        f"/subscriptions/{member.subscription}/resourceGroups/{member.group}"
        f"/providers/Microsoft.ContainerService/fleets/{member.fleet}"
    )


def member_body(world: World, member: Member) -> dict[str, Any]:
    """A member as the fleet's own API shows it. https://learn.microsoft.com/rest/api/fleet/fleet-members/get"""
    cluster = world.clusters.get(member.cluster)
    return {
        "id": f"{fleet_id(member)}/members/{member.name}",
        "name": member.name,
        "type": "Microsoft.ContainerService/fleets/members",
        "properties": {
            "clusterResourceId": member.cluster if cluster is None else cluster.id,
            "group": "default",
            "provisioningState": "Succeeded",
        },
    }
