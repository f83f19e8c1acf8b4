"""Microsoft.ContainerService/managedClusters/agentPools: list, one pool, PUT, DELETE, abort."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamplighter.simulator import cluster_verbs, pool_verbs, throttle
from lamplighter.simulator.cluster_routes import (
    async_headers,
    call_of,
    charge,
    check_etag,
    find_cluster,
    page,
    pool_or_refuse,
)
from lamplighter.simulator.locks import check_locks
from lamplighter.simulator.resource_bodies import pool_body
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import World


def list_pools(world: World, request: Request) -> Response:
    """GET .../agentPools: the page carries a nextLink that leads to an empty one (recorded traffic)."""
    cluster = find_cluster(world, request)
    charge(world, request, "others", (request.parts[1].lower(), cluster.location), throttle.OTHER)
    return page(world, request, [pool_body(cluster, pool) for pool in cluster.pools], trailing=True)


def get_pool(world: World, request: Request) -> Response:
    cluster = find_cluster(world, request)
    charge(world, request, "others", (request.parts[1].lower(), cluster.location), throttle.OTHER)
    return reply(200, pool_body(cluster, pool_or_refuse(cluster, request.parts[9])))


def put_pool(world: World, request: Request) -> Response:
    """PUT: the whole pool; 200, or 201 when it is new."""
    cluster, name = find_cluster(world, request), request.parts[9]
    body = request.json()
    key = f"{cluster.key}/agentpools/{name.lower()}"
    charge(world, request, "PutAgentPoolHandler.PUT", (key,), throttle.PUT_POOL)
    check_locks(world.locks, key, request.path)
    have = cluster.pool(name)
    check_etag(request, None if have is None else cluster.pool_etag(have))
    operation = pool_verbs.put(world, cluster, name, call_of(request, body))
    shown = pool_body(cluster, pool_or_refuse(cluster, name))
    return reply(201 if have is None else 200, shown, async_headers(world, request, operation, location=False))


def delete_pool(world: World, request: Request) -> Response:
    cluster = find_cluster(world, request)
    pool = pool_or_refuse(cluster, request.parts[9])
    charge(world, request, "others", (request.parts[1].lower(), cluster.location), throttle.OTHER)
    check_locks(world.locks, f"{cluster.key}/agentpools/{pool.name.lower()}", request.path, delete=True)
    check_etag(request, cluster.pool_etag(pool))
    operation = pool_verbs.delete(world, cluster, pool, call_of(request))
    return Response(202, b"", async_headers(world, request, operation))


def abort_pool(world: World, request: Request) -> Response:
    """POST .../agentPools/{name}/abort."""
    cluster = find_cluster(world, request)
    pool = pool_or_refuse(cluster, request.parts[9])
    charge(world, request, "others", (request.parts[1].lower(), cluster.location), throttle.OTHER)
    check_locks(world.locks, cluster.key, cluster.id)
    operation = cluster_verbs.abort(world, cluster, pool, call_of(request))
    return Response(202, b"", async_headers(world, request, operation))
