"""`handle`: one request into one response. Faults first, then the URL, then whatever Azure says to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from lamplighter.simulator import (
    cloud_metadata,
    cluster_routes,
    custom_topic,
    identity,
    market_routes,
    platform_routes,
    pool_routes,
    refusals,
    silences,
    version_routes,
)
from lamplighter.simulator.cost_routes import forecast_costs, query_costs
from lamplighter.simulator.monitor_logs import query_logs
from lamplighter.simulator.monitor_metrics import get_batch
from lamplighter.simulator.resource_graph import query_resources
from lamplighter.simulator.retail_prices import PATH as RETAIL_PRICES
from lamplighter.simulator.retail_prices import list_retail_prices
from lamplighter.simulator.throttle import ARM_LIMITS
from lamplighter.simulator.wire import NoReply, Request, Response, UnknownRequest, refused

if TYPE_CHECKING:
    from lamplighter.simulator.faults import Fault
    from lamplighter.simulator.world import World

Route = Callable[["World", Request], Response]

_KINDS = {"PUT": "writes", "POST": "writes", "PATCH": "writes", "DELETE": "deletes"}
_LOCKS = ["providers", "microsoft.authorization", "locks"]
_RP = "providers/microsoft.containerservice"
_ACTION_RULE = "subscriptions/*/resourcegroups/*/providers/microsoft.alertsmanagement/actionrules/*"
_COSTS = "providers/microsoft.costmanagement"
_BILLED = ("subscriptions/*", "subscriptions/*/resourcegroups/*", "providers/microsoft.management/managementgroups/*")
_COMPUTE = "subscriptions/*/providers/microsoft.compute/locations/*"
_NETWORKS = "subscriptions/*/resourcegroups/*/providers/microsoft.network/virtualnetworks"
_CLUSTER = f"subscriptions/*/resourcegroups/*/{_RP}/managedclusters/*"

# Without a token.
OPEN: dict[tuple[str, str], Route] = {
    ("GET", "/metadata/endpoints"): cloud_metadata.endpoints,
    ("GET", identity.IDENTITY_PATH): identity.app_service_token,
    ("GET", "/metadata/identity/oauth2/token"): identity.imds_token,
    ("GET", RETAIL_PRICES): list_retail_prices,
}
# In lower case; a star is one segment.
ROUTES: tuple[tuple[str, str, Route], ...] = (
    ("POST", "providers/microsoft.resourcegraph/resources", query_resources),
    ("POST", "subscriptions/*/metrics:getbatch", get_batch),
    ("POST", f"v1/{_CLUSTER}/query", query_logs),
    *((("POST", f"{scope}/{_COSTS}/query", query_costs)) for scope in _BILLED),
    *((("POST", f"{scope}/{_COSTS}/forecast", forecast_costs)) for scope in _BILLED),
    ("GET", "providers/microsoft.management/managementgroups/*", platform_routes.get_management_group),
    ("GET", "tenants", platform_routes.list_tenants),
    ("GET", "subscriptions", platform_routes.list_subscriptions),
    ("GET", "subscriptions/*", platform_routes.get_subscription),
    ("GET", "subscriptions/*/locations", platform_routes.list_locations),
    ("GET", "subscriptions/*/providers", platform_routes.list_providers),
    ("GET", "subscriptions/*/providers/*", platform_routes.get_provider),
    ("GET", "subscriptions/*/resourcegroups", platform_routes.list_groups),
    ("GET", "subscriptions/*/resourcegroups/*", platform_routes.get_group),
    ("GET", "subscriptions/*/providers/microsoft.insights/eventtypes/management/values", market_routes.list_activity),
    ("GET", f"{_COMPUTE}/usages", market_routes.list_usages),
    ("POST", f"{_COMPUTE}/placementscores/spot/generate", market_routes.score_placement),
    ("POST", "api/events", custom_topic.take_events),
    ("GET", _ACTION_RULE, silences.get_rule),
    ("PUT", _ACTION_RULE, silences.put_rule),
    ("DELETE", _ACTION_RULE, silences.delete_rule),
    ("GET", f"{_NETWORKS}/*/usages", market_routes.list_network_usages),
    ("GET", f"subscriptions/*/{_RP}/managedclusters", cluster_routes.list_clusters),
    ("GET", f"subscriptions/*/{_RP}/locations/*/operations/*", cluster_routes.get_operation),
    ("GET", f"subscriptions/*/{_RP}/locations/*/operationresults/*", cluster_routes.get_operation_result),
    ("GET", f"subscriptions/*/resourcegroups/*/{_RP}/managedclusters", cluster_routes.list_clusters),
    ("GET", _CLUSTER, cluster_routes.get_cluster),
    ("PUT", _CLUSTER, cluster_routes.put_cluster),
    ("PATCH", _CLUSTER, cluster_routes.patch_cluster),
    ("DELETE", _CLUSTER, cluster_routes.delete_cluster),
    ("POST", f"{_CLUSTER}/start", cluster_routes.act_on_cluster),
    ("POST", f"{_CLUSTER}/stop", cluster_routes.act_on_cluster),
    ("POST", f"{_CLUSTER}/abort", cluster_routes.act_on_cluster),
    ("GET", f"subscriptions/*/{_RP}/locations/*/kubernetesversions", version_routes.list_versions),
    ("GET", f"{_CLUSTER}/upgradeprofiles/default", version_routes.get_upgrade_profile),
    ("GET", f"{_CLUSTER}/agentpools/*/upgradeprofiles/default", version_routes.get_pool_profile),
    ("POST", f"{_CLUSTER}/agentpools/*/upgradenodeimageversion", version_routes.upgrade_image),
    ("GET", f"{_CLUSTER}/maintenanceconfigurations", version_routes.list_maintenance),
    ("GET", f"{_CLUSTER}/maintenanceconfigurations/*", version_routes.maintenance),
    ("PUT", f"{_CLUSTER}/maintenanceconfigurations/*", version_routes.maintenance),
    ("DELETE", f"{_CLUSTER}/maintenanceconfigurations/*", version_routes.maintenance),
    ("GET", f"{_CLUSTER}/agentpools", pool_routes.list_pools),
    ("GET", f"{_CLUSTER}/agentpools/*", pool_routes.get_pool),
    ("PUT", f"{_CLUSTER}/agentpools/*", pool_routes.put_pool),
    ("DELETE", f"{_CLUSTER}/agentpools/*", pool_routes.delete_pool),
    ("POST", f"{_CLUSTER}/agentpools/*/abort", pool_routes.abort_pool),
)
# They have quotas of their own.
_ELSEWHERE = frozenset({query_resources, get_batch, query_logs, query_costs, forecast_costs, custom_topic.take_events})


def _by_length() -> dict[tuple[str, int], list[tuple[list[str], Route]]]:
    found: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
    for method, pattern, route in ROUTES:
        parts = pattern.split("/")
        found.setdefault((method, len(parts)), []).append((parts, route))
    return found


_TABLE = _by_length()


def handle(world: World, request: Request) -> Response:
    """Serve one request at the world's present.

    Raises UnknownRequest for a URL that this Azure does not have, NoReply when the connection is to break.
    """
    with world.lock:
        world.settle()
        fault = world.take_fault(request, on_operation=False)
        if fault is not None:
            early = _strike(world, fault)
            if early is not None:
                return early
        world.fate = world.take_fault(request, on_operation=True)
        try:
            response = _serve(world, request)
        except refusals.Refusal as refusal:
            response = refused(refusal)
        finally:
            world.fate = None
        if fault is not None and fault.kind == "no-reply":
            raise NoReply(fault.how)
        response.headers["x-ms-request-id"] = str(uuid.UUID(int=world.requests.total()))
        return response


def _strike(world: World, fault: Fault) -> Response | None:
    match fault.kind:
        case "refuse":
            return refused(fault.refusal())
        case "no-reply" if not fault.effect:
            raise NoReply(fault.how)
        case "slow":
            world.sleep(fault.seconds)
    return None


def _serve(world: World, request: Request) -> Response:
    route = OPEN.get((request.method, request.key))
    if route is not None:
        return _counted(world, request, route)
    if not request.headers.get("authorization", "").startswith("Bearer "):
        raise refusals.unauthenticated()
    route = find_route(request)
    if route is None:
        line = f"{request.method} {request.url}"
        world.unknown.append(line)
        msg = f"The simulated Azure has no answer for {line}"
        raise UnknownRequest(msg)
    if route in _ELSEWHERE:
        return _counted(world, request, route)
    kind = _KINDS.get(request.method, "reads")
    scope = request.parts[1].lower() if request.parts[0].lower() == "subscriptions" and request.parts[1:] else "tenant"
    left, wait = world.throttle.take(("arm", scope, kind), ARM_LIMITS[kind], world.now())
    if wait:
        raise refusals.arm_throttled(kind, scope, wait)
    response = _counted(world, request, route)
    response.headers[f"x-ms-ratelimit-remaining-subscription-{kind}"] = str(left)
    response.headers[f"x-ms-ratelimit-remaining-subscription-global-{kind}"] = str(left * 15)
    return response


def _counted(world: World, request: Request, route: Route) -> Response:
    world.requests[f"{request.method} {route.__name__}"] += 1
    return route(world, request)


def find_route(request: Request) -> Route | None:
    """Who serves that URL; None when nobody does. ARM compares paths without case."""
    parts = request.key[1:].split("/")
    if request.method == "GET" and parts[-3:] == _LOCKS:
        return platform_routes.list_locks
    for pattern, route in _TABLE.get((request.method, len(parts)), ()):
        if all(wanted in ("*", part) for wanted, part in zip(pattern, parts, strict=True)):
            return route
    return None
