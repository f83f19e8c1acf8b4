"""Microsoft.ContainerService/managedClusters: lists, one cluster, its actions, and the operations behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lamplighter.simulator import cluster_verbs, refusals, throttle
from lamplighter.simulator.events import instant
from lamplighter.simulator.locks import check_locks
from lamplighter.simulator.operations import FAILED, IN_PROGRESS, Call, Operation
from lamplighter.simulator.resource_bodies import cluster_body
from lamplighter.simulator.resources import Cluster, Pool
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

CLUSTERS = "Microsoft.ContainerService/managedClusters"
OPERATION_VERSION = "2025-03-01"
# Real operation URLs are signed with a certificate chain: about 3 kB that a client must give back whole.
SIGNATURE = "t=639000000000000000&c=" + "MIIHhzCCBm-gAwIBAgIT" * 140 + "&s=" + "c2lnbmF0dXJl" * 28 + "&h=aGFzaA"
# Every poll of a cluster start carries this, the last one too, though it succeeds (recorded traffic).
NOT_LATEST = {
    "code": "NotLatestOperation",
    "message": (
        "Cannot proceed with the operation. Either the operation has been preempted by another one, or the information "
        "needed by the operation failed to be saved (or hasn't been saved yet)."
    ),
}


def charge(world: World, request: Request, handler: str, key: tuple[str, ...], limit: throttle.Limit) -> None:
    """Take a token of a bucket of the resource provider; Refusal 429 Throttled when it is empty."""
    _, wait = world.throttle.take((handler, *key), limit, world.now())
    if wait:
        raise refusals.aks_throttled(handler, request.parts[1], wait)


def find_cluster(world: World, request: Request) -> Cluster:
    """The cluster that the first eight segments name; Refusal 404 when a part of them does not exist."""
    found = world.clusters.get("/" + "/".join(request.parts[:8]).lower())
    if found is not None:
        return found
    find_group(world, request)
    raise refusals.no_such_resource(CLUSTERS, request.parts[7], request.parts[3])


def find_group(world: World, request: Request) -> tuple[str, str, dict[str, str]]:
    subscription = world.subscriptions.get(request.parts[1].lower())
    if subscription is None:
        raise refusals.no_such_subscription(request.parts[1])
    group = subscription.groups.get(request.parts[3].lower())
    if group is None:
        raise refusals.no_such_group(request.parts[3])
    return group


def page(world: World, request: Request, values: list[Any], *, trailing: bool = False) -> Response:
    """One page of an ARM list. A full last page, or any with `trailing`, is followed by an empty one."""
    begin = request.offset()
    end = begin + world.page_size
    shown: dict[str, Any] = {"value": values[begin:end]}
    full = len(values) == end or (trailing and begin == 0)
    if end < len(values) or (world.empty_last_page and values and full):
        version = quote(request.query.get("api-version", ""))
        shown["nextLink"] = f"{request.url}?%24skipToken={end}&api-version={version}&skipToken={end}"
    return reply(200, shown)


def list_clusters(world: World, request: Request) -> Response:
    """GET .../managedClusters of a subscription or a resource group."""
    parts = request.parts
    subscription = parts[1].lower()
    if subscription not in world.subscriptions:
        raise refusals.no_such_subscription(parts[1])
    group = parts[3].lower() if parts[2].lower() == "resourcegroups" else None
    if group is None:
        charge(world, request, "ListManagedClustersHandler.GET", (subscription,), throttle.LIST_SUBSCRIPTION)
    else:
        find_group(world, request)
        charge(world, request, "ListManagedClustersHandler.GET", (subscription, group), throttle.LIST_GROUP)
    found = [
        cluster
        for cluster in world.clusters.values()
        if cluster.subscription.lower() == subscription and (group is None or cluster.group.lower() == group)
    ]
    begin = request.offset()
    end = begin + world.page_size
    # Only what is shown is rendered; the rest of the list is counted.
    shown: list[Any] = [cluster_body(one) if begin <= at < end else None for at, one in enumerate(found)]
    return page(world, request, shown)


def get_cluster(world: World, request: Request) -> Response:
    cluster = find_cluster(world, request)
    charge(world, request, "GetManagedClusterHandler.GET", (cluster.key,), throttle.GET_CLUSTER)
    return reply(200, cluster_body(cluster))


def call_of(request: Request, body: Any = None) -> Call:
    correlation = request.headers.get("x-ms-correlation-request-id") or request.headers.get(
        "x-ms-client-request-id", ""
    )
    return Call(request.method, request.path, "app", body, correlation)


def check_etag(request: Request, current: str | None) -> None:
    """Refusal 412 for a stale If-Match or a failed If-None-Match, 400 for both at once."""
    match, none_match = request.headers.get("if-match"), request.headers.get("if-none-match")
    if match and none_match:
        raise refusals.Refusal(400, "BadRequest", "If-Match and If-None-Match cannot be sent together.")
    if none_match and none_match != "*":
        raise refusals.Refusal(400, "BadRequest", "If-None-Match only supports '*'.")
    if none_match and current is not None:
        raise refusals.exists_already()
    if match and match != "*" and match.strip('"') != current:
        raise refusals.stale_etag(match, current or "")


def put_cluster(world: World, request: Request) -> Response:
    """PUT: the whole cluster, 200 for one that exists, 201 for a new one."""
    body = request.json()
    name, (group, location, _) = request.parts[7], find_group(world, request)
    key = "/" + "/".join(request.parts[:8]).lower()
    charge(world, request, "PutManagedClusterHandler.PUT", (key,), throttle.PUT_CLUSTER)
    cluster = world.clusters.get(key)
    check_locks(world.locks, key, request.path)
    check_etag(request, None if cluster is None else cluster.etag)
    if cluster is None:
        cluster = Cluster(request.parts[1], group, name, location)
        operation = cluster_verbs.create(world, cluster, body, call_of(request, body))
        return reply(201, cluster_body(cluster), async_headers(world, request, operation, location=False))
    operation = cluster_verbs.put(world, cluster, body, call_of(request, body))
    return reply(200, cluster_body(cluster), async_headers(world, request, operation, location=False))


def patch_cluster(world: World, request: Request) -> Response:
    """PATCH: tags only; they are replaced, not merged."""
    body = request.json()
    cluster = find_cluster(world, request)
    charge(world, request, "PatchManagedClusterHandler.PATCH", (cluster.key,), throttle.PUT_CLUSTER)
    check_locks(world.locks, cluster.key, cluster.id)
    check_etag(request, cluster.etag)
    operation = cluster_verbs.set_tags(world, cluster, body.get("tags"), call_of(request, body))
    return reply(200, cluster_body(cluster), async_headers(world, request, operation))


def delete_cluster(world: World, request: Request) -> Response:
    cluster = find_cluster(world, request)
    charge(world, request, "DeleteManagedClusterHandler.DELETE", (request.parts[1].lower(),), throttle.OTHER)
    check_locks(world.locks, cluster.key, cluster.id, delete=True)
    check_etag(request, cluster.etag)
    operation = cluster_verbs.delete(world, cluster, call_of(request))
    return Response(202, b"", async_headers(world, request, operation))


def act_on_cluster(world: World, request: Request) -> Response:
    """POST stop, start, abort: 202 with an empty body and two operation URLs."""
    cluster = find_cluster(world, request)
    verb = request.parts[8].lower()
    handler = f"{verb.title()}ManagedClusterHandler.POST"
    charge(world, request, "others", (request.parts[1].lower(), cluster.location), throttle.OTHER)
    check_locks(world.locks, cluster.key, cluster.id)
    call = call_of(request)
    match verb:
        case "stop":
            operation = cluster_verbs.stop(world, cluster, call)
        case "start":
            operation = cluster_verbs.start(world, cluster, call)
        case "abort":
            operation = cluster_verbs.abort(world, cluster, None, call)
        case _:
            raise refusals.Refusal(404, "NotFound", f"There is no action {handler}.")
    return Response(202, b"", async_headers(world, request, operation))


def async_headers(world: World, request: Request, operation: Operation, *, location: bool = True) -> dict[str, str]:
    """`azure-asyncoperation`, and `location` for what has no body to come back to. No Retry-After, as recorded."""
    subscription = operation.cluster.split("/")[2]
    base = (
        f"{request.base_url}/subscriptions/{subscription}/providers/Microsoft.ContainerService"
        f"/locations/{operation.location}"
    )
    query = f"api-version={OPERATION_VERSION}" + (f"&{SIGNATURE}" if world.signed_operations else "")
    headers = {"azure-asyncoperation": f"{base}/operations/{operation.id}?{query}"}
    if location:
        headers["location"] = f"{base}/operationresults/{operation.id}?{query}"
    return headers


def _find_operation(world: World, request: Request) -> Operation:
    subscription, location = request.parts[1].lower(), request.parts[5].lower()
    charge(world, request, "GetOperationStatusHandler.GET", (subscription, location), throttle.GET_OPERATION)
    operation = world.operations.by_id.get(request.parts[7].lower())
    if operation is None or operation.location.lower() != location:
        raise refusals.Refusal(404, "NotFound", f"The operation '{request.parts[7]}' was not found.")
    if world.signed_operations and not request.query.get("s"):
        raise refusals.Refusal(403, "Forbidden", "The operation URL is not signed: use it whole, as it was given.")
    return operation


def get_operation(world: World, request: Request) -> Response:
    """GET .../operations/{id}: status InProgress, Succeeded, Failed or Canceled."""
    operation = _find_operation(world, request)
    body: dict[str, Any] = {
        "name": operation.id,
        "status": operation.status,
        "startTime": instant(operation.began_at),
    }
    if operation.ended_at is not None:
        body["endTime"] = instant(operation.ended_at)
    if operation.status == FAILED:
        body["error"] = operation.error or {"code": "InternalOperationError", "message": "The operation failed."}
    elif operation.kind == "start":
        body["error"] = NOT_LATEST
    return reply(200, body)


def get_operation_result(world: World, request: Request) -> Response:
    """GET .../operationresults/{id}: 202 while it lasts, then 204; both carry the location anew."""
    operation = _find_operation(world, request)
    location = async_headers(world, request, operation)["location"]
    if operation.status == IN_PROGRESS:
        return Response(202, b"", {"location": location})
    if operation.status == FAILED:
        error = operation.error or {"code": "InternalOperationError", "message": "The operation failed."}
        return reply(409, {"error": error})
    return Response(204, b"", {"location": location})


def pool_or_refuse(cluster: Cluster, name: str) -> Pool:
    pool = cluster.pool(name)
    if pool is None:
        raise refusals.no_such_pool(cluster.name, name)
    return pool
