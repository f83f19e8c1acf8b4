"""Versions of a region, upgrade profiles, node images, maintenance configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamplighter.simulator import pool_verbs, refusals, throttle
from lamplighter.simulator.cluster_routes import async_headers, call_of, charge, find_cluster, pool_or_refuse
from lamplighter.simulator.locks import check_locks
from lamplighter.simulator.operations import Write
from lamplighter.simulator.resources import Cluster, Pool, current_version, pool_version
from lamplighter.simulator.versions import image_name, is_lts
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

CONFIGURATIONS = ("default", "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule")


def list_versions(world: World, request: Request) -> Response:
    """GET .../locations/{location}/kubernetesVersions"""
    charge(world, request, "others", (request.parts[1].lower(), request.parts[5].lower()), throttle.OTHER)
    values = []
    for minor, known in world.catalog.minors.items():
        patches = {
            patch: {"upgrades": [version for version, _ in world.catalog.offers(patch, lts=False)]}
            for patch in known.patches
        }
        entry: dict[str, Any] = {
            "version": minor,
            "capabilities": {"supportPlan": list(known.plans)},
            "patchVersions": patches,
        }
        values.append(entry | ({"isPreview": True} if known.preview else {}))
    return reply(200, {"values": values})


def get_upgrade_profile(world: World, request: Request) -> Response:
    """GET .../upgradeProfiles/default: `upgrades` is absent where there is nothing to go to."""
    cluster = find_cluster(world, request)
    charge(world, request, "others", (request.parts[1].lower(), cluster.location), throttle.OTHER)
    version, lts = current_version(cluster), is_lts(cluster)
    pools = [_profile(pool.name, pool_version(pool), _for_pool(world, cluster, pool)) for pool in cluster.pools]
    body = {
        "controlPlaneProfile": _profile("master", version, world.catalog.offers(version, lts=lts)),
        "agentPoolProfiles": pools,
    }
    return reply(200, {"id": f"{cluster.id}/upgradeprofiles/default", "name": "default", "properties": body})


def get_pool_profile(world: World, request: Request) -> Response:
    """GET .../agentPools/{name}/upgradeProfiles/default"""
    cluster = find_cluster(world, request)
    charge(world, request, "others", (request.parts[1].lower(), cluster.location), throttle.OTHER)
    pool = pool_or_refuse(cluster, request.parts[9])
    body = _profile(None, pool_version(pool), _for_pool(world, cluster, pool))
    body["latestNodeImageVersion"] = image_name(pool, world.catalog.image)
    return reply(200, {"name": "default", "properties": body})


def _for_pool(world: World, cluster: Cluster, pool: Pool) -> list[tuple[str, bool]]:
    """Whatever the control plane runs, and what lies between."""
    have, most = pool_version(pool), current_version(cluster)
    ways = {version for known in world.catalog.minors.values() for version in known.patches}
    return sorted((version, False) for version in ways if _key(have) < _key(version) <= _key(most))


def _key(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _profile(name: str | None, version: str, offers: list[tuple[str, bool]]) -> dict[str, Any]:
    shown: dict[str, Any] = {"kubernetesVersion": version, "osType": "Linux"} | ({"name": name} if name else {})
    if offers:
        shown["upgrades"] = [
            {"kubernetesVersion": to} | ({"isPreview": True} if preview else {}) for to, preview in offers
        ]
    return shown


def upgrade_image(world: World, request: Request) -> Response:
    """POST .../agentPools/{name}/upgradeNodeImageVersion"""
    cluster = find_cluster(world, request)
    pool = pool_or_refuse(cluster, request.parts[9])
    charge(world, request, "others", (request.parts[1].lower(), cluster.location), throttle.OTHER)
    check_locks(world.locks, f"{cluster.key}/agentpools/{pool.name.lower()}", request.path)
    operation = pool_verbs.upgrade_image(world, cluster, pool, call_of(request))
    return Response(202, b"", async_headers(world, request, operation))


def list_maintenance(world: World, request: Request) -> Response:
    cluster = find_cluster(world, request)
    charge(world, request, "others", (request.parts[1].lower(), cluster.location), throttle.OTHER)
    return reply(200, {"value": [_shown(cluster, name) for name in cluster.maintenance]})


def maintenance(world: World, request: Request) -> Response:
    """GET, PUT, DELETE .../maintenanceConfigurations/{name}; all answer at once."""
    cluster = find_cluster(world, request)
    charge(world, request, "others", (request.parts[1].lower(), cluster.location), throttle.OTHER)
    wanted = request.parts[9]
    name = next((one for one in CONFIGURATIONS if one.lower() == wanted.lower()), None)
    if name is None:
        raise refusals.invalid(f"The name {wanted} is none of {', '.join(CONFIGURATIONS)}.", "name")
    if request.method == "PUT":
        return _put(world, request, cluster, name)
    if name not in cluster.maintenance:
        raise refusals.Refusal(404, "NotFound", f"The maintenance configuration '{name}' was not found.")
    if request.method == "DELETE":
        check_locks(world.locks, cluster.key, cluster.id, delete=True)
        del cluster.maintenance[name]
        return Response(200, b"", {})
    return reply(200, _shown(cluster, name))


def _put(world: World, request: Request, cluster: Cluster, name: str) -> Response:
    check_locks(world.locks, cluster.key, cluster.id)
    properties = (request.json() or {}).get("properties") or {}
    _check(properties.get("maintenanceWindow"))
    known = name in cluster.maintenance
    cluster.maintenance[name] = properties
    call = call_of(request, request.json())
    action = "Microsoft.ContainerService/managedClusters/maintenanceConfigurations/write"
    resource = f"{cluster.id}/maintenanceConfigurations/{name}"
    world.audit.append(
        Write(world.now(), "PUT", request.path, call.actor, call.body, "", cluster.key, None, resource, action, "")
    )
    return reply(200 if known else 201, _shown(cluster, name))


def _check(window: Any) -> None:
    """What the service refuses: too short, no schedule or several, an offset that is none."""
    if not isinstance(window, dict):
        raise refusals.invalid("maintenanceWindow is required.", "maintenanceWindow")
    if not 4 <= int(window.get("durationHours") or 0) <= 24:
        raise refusals.invalid("durationHours must be between 4 and 24.", "durationHours")
    kinds = [kind for kind, value in (window.get("schedule") or {}).items() if value]
    if len(kinds) != 1:
        raise refusals.invalid("Exactly one schedule must be given.", "schedule")
    offset = str(window.get("utcOffset", "+00:00"))
    if len(offset) != 6 or offset[0] not in "+-" or offset[3] != ":":
        raise refusals.invalid(f"'{offset}' is no UTC offset.", "utcOffset")


def _shown(cluster: Cluster, name: str) -> dict[str, Any]:
    place = f"{cluster.id}/maintenanceConfigurations/{name}"
    return {"id": place, "name": name, "properties": cluster.maintenance[name]}
