"""What can be done to a node pool: every check Azure makes, then the state that shows at once.

A PUT replaces the pool: what the caller leaves out is lost, except what can't change anyway. A stop shows count 0 and
powerState Stopped at once, and a start sent with count 0 brings the earlier size back (recorded traffic).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamplighter.simulator import market_nodes, refusals, versions
from lamplighter.simulator.operations import Call, Operation
from lamplighter.simulator.resources import (
    POOL_DEFAULTS,
    POOL_READ_ONLY,
    RUNNING,
    STOPPED,
    VERSION,
    Cluster,
    Pool,
    pool_version,
)

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

# Fixed when a pool is made. Left out of a PUT they stay; sent with another value they are refused.
# From: https://learn.microsoft.com/azure/aks/manage-node-pools and spot-node-pool
FIXED = (
    "vmSize",
    "osType",
    "osSKU",
    "osDiskSizeGB",
    "osDiskType",
    "kubeletDiskType",
    "maxPods",
    "type",
    "availabilityZones",
    "vnetSubnetID",
    "podSubnetID",
    "scaleSetPriority",
    "scaleSetEvictionPolicy",
    "spotMaxPrice",
    "enableNodePublicIP",
    "nodeImageVersion",
)
REPLACEABLE = frozenset({"nodeImageVersion"})
"""Left out it stays; sent, it is taken: an image version sent back unread pins an old image."""
SPOT_LABELS = {"kubernetes.azure.com/scalesetpriority": "spot"}
SPOT_TAINT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
MOST_NODES = 1000


def _refuse_busy(cluster: Cluster, pool: Pool | None) -> None:
    if not cluster.is_settled:
        raise refusals.busy_cluster(cluster.state)
    if pool is not None and not pool.is_settled:
        raise refusals.busy_pool(pool.name, pool.state)
    if cluster.power == STOPPED:
        raise refusals.stopped_cluster("changing a node pool")


def put(world: World, cluster: Cluster, name: str, call: Call) -> Operation:
    """Create or replace a pool; the kind of the operation is a key of KINDS."""
    now = world.settle()
    pool = cluster.pool(name)
    _refuse_busy(cluster, pool)
    body = call.body if isinstance(call.body, dict) else {}
    sent = dict(body.get("properties") or {})
    wanted = (sent.get("powerState") or {}).get("code")
    if pool is None:
        return _create(world, cluster, name, sent, call)
    after = _replaced(pool, sent)
    if wanted == STOPPED and pool.power == RUNNING:
        _refuse_stop(cluster, pool)
        change = _stop
    elif wanted == RUNNING and pool.power == STOPPED:
        if cluster.uses_node_provisioning:
            raise refusals.node_provisioning("starting")
        _check_sizes(pool.value("mode"), after, starting=True)
        change = _start
    elif _asks_for_version(pool, after):
        versions.check_pool(world, cluster, pool, str(after["orchestratorVersion"]))
        change = _upgrade
    else:
        _check_change(pool, after)
        change = _update
    world.touch(cluster, now)
    return change(world, cluster, pool, after, call)


def _replaced(pool: Pool, sent: dict[str, Any]) -> dict[str, Any]:
    """The properties after the PUT: the caller's, and what is fixed."""
    after = {name: value for name, value in sent.items() if name not in POOL_READ_ONLY and value is not None}
    for name in FIXED:
        have = pool.properties.get(name)
        if name not in after:
            if have is not None:
                after[name] = have
        elif name not in REPLACEABLE and after[name] != pool.value(name) and pool.value(name) is not None:
            raise refusals.immutable(name)
    if str(after.get("scaleSetPriority", "")).lower() == "spot":
        after["nodeLabels"] = {**(after.get("nodeLabels") or {}), **SPOT_LABELS}
        taints = list(after.get("nodeTaints") or [])
        after["nodeTaints"] = taints if SPOT_TAINT in taints else [*taints, SPOT_TAINT]
    return after


def _refuse_stop(cluster: Cluster, pool: Pool) -> None:
    if cluster.uses_node_provisioning:
        raise refusals.node_provisioning("stopping")
    if pool.value("mode") != "User":
        raise refusals.system_pool_stop(pool.name)
    if pool.value("type") == "AvailabilitySet":
        raise refusals.availability_set()
    if pool.state != "Succeeded":
        raise refusals.pool_not_settled(pool.name, pool.state)


def _check_sizes(mode: str, after: dict[str, Any], *, starting: bool = False) -> None:
    count, least, most = after.get("count"), after.get("minCount"), after.get("maxCount")
    floor = 1 if mode == "System" else 0
    for name, value in (("count", count), ("minCount", least), ("maxCount", most)):
        if value is not None and not floor <= value <= MOST_NODES:
            raise refusals.invalid(f"The value of {name} must be between {floor} and {MOST_NODES}, not {value}.", name)
    if after.get("enableAutoScaling"):
        if least is None or most is None or least > most:
            raise refusals.invalid("Autoscaling needs minCount and maxCount, minCount <= maxCount.", "minCount")
        if not starting and count is not None and not least <= count <= most:
            raise refusals.invalid(f"The value of count must be between minCount {least} and maxCount {most}.", "count")
    elif least is not None or most is not None:
        raise refusals.invalid("minCount and maxCount must be empty when autoscaling is off.", "minCount")


def _check_change(pool: Pool, after: dict[str, Any]) -> None:
    count = pool.value("count")
    if pool.power == STOPPED and after.get("count", count) != count:
        raise refusals.stopped_pool(pool.name)
    if after.get("enableAutoScaling") and pool.value("enableAutoScaling"):
        least, most = after.get("minCount") or 0, after.get("maxCount") or MOST_NODES
        if after.get("count", count) not in (count, min(max(count, least), most)):
            raise refusals.autoscaled()
    if pool.power == RUNNING:
        _check_sizes(str(after.get("mode", POOL_DEFAULTS["mode"])), after)


# What a kind of operation shows while it lasts.
KINDS = {
    "pool-create": "Creating",
    "pool-stop": "Stopping",
    "pool-start": "Starting",
    "pool-scale": "Scaling",
    "pool-update": "Updating",
    "pool-upgrade": "Upgrading",
    "pool-image": "UpgradingNodeImageVersion",
}


def _open(world: World, cluster: Cluster, pool: Pool, kind: str, call: Call) -> Operation:
    pool.state, pool.error = KINDS[kind], None
    pool.revision += 1
    operation = world.begin(kind, cluster, pool, call, "managedClusters/agentPools/write")
    pool.operation = operation.id
    return operation


def _stop(world: World, cluster: Cluster, pool: Pool, after: dict[str, Any], call: Call) -> Operation:
    pool.saved = {"count": pool.value("count")}
    pool.properties = {**after, "count": 0}
    pool.power = STOPPED
    return _open(world, cluster, pool, "pool-stop", call)


def _start(world: World, cluster: Cluster, pool: Pool, after: dict[str, Any], call: Call) -> Operation:
    count = after.get("count") or pool.saved.get("count") or after.get("minCount") or 1
    pool.properties = {**after, "count": count}
    pool.power = RUNNING
    pool.log.on(world.now())
    return _open(world, cluster, pool, "pool-start", call)


def _update(world: World, cluster: Cluster, pool: Pool, after: dict[str, Any], call: Call) -> Operation:
    before = dict(pool.properties)
    after.setdefault("count", pool.value("count"))
    scaled = after["count"] != pool.value("count")
    pool.properties = after
    operation = _open(world, cluster, pool, "pool-scale" if scaled else "pool-update", call)
    operation.before = before
    market_nodes.resized(world, cluster, pool, operation)
    return operation


def _asks_for_version(pool: Pool, after: dict[str, Any]) -> bool:
    """Another version than it was given, or the same once more where its nodes do not run it."""
    asked = str(after.get("orchestratorVersion") or VERSION)
    given = str(pool.value("orchestratorVersion"))
    return asked not in (given, pool_version(pool)) or (pool.version not in ("", asked) and asked != pool_version(pool))


def _upgrade(world: World, cluster: Cluster, pool: Pool, after: dict[str, Any], call: Call) -> Operation:
    """Wave after wave of nodes. What fails stays half-way: the version was asked for, the nodes run the old one."""
    running = pool_version(pool)
    to = versions.full_version(world.catalog, str(after["orchestratorVersion"]))
    after.setdefault("count", pool.value("count"))
    pool.version, pool.properties = running, after
    return _roll(world, cluster, pool, call, to)


def upgrade_image(world: World, cluster: Cluster, pool: Pool, call: Call) -> Operation:
    """The same for the newest node image."""
    world.settle()
    _refuse_busy(cluster, pool)
    world.touch(cluster, world.now())
    return _roll(world, cluster, pool, call, None)


def _roll(world: World, cluster: Cluster, pool: Pool, call: Call, to: str | None) -> Operation:
    """To a version, or (None) to the newest image of the one it runs."""
    operation = _open(world, cluster, pool, "pool-image" if to is None else "pool-upgrade", call)
    operation.before = {"to": to, "image": versions.image_name(pool, world.catalog.image)}
    world.roll(cluster, pool, "Started", world.now())
    return operation


def _create(world: World, cluster: Cluster, name: str, sent: dict[str, Any], call: Call) -> Operation:
    kept = {key: value for key, value in sent.items() if key not in POOL_READ_ONLY and value not in (None, "")}
    _check_sizes(str(kept.get("mode", "User")), kept)
    world.touch(cluster, world.now())
    pool = Pool(name, kept)
    pool.log.on(world.now())
    cluster.pools.append(pool)
    return _open(world, cluster, pool, "pool-create", call)


def delete(world: World, cluster: Cluster, pool: Pool, call: Call) -> Operation:
    """Deleting; Refusal for the last System pool."""
    world.settle()
    _refuse_busy(cluster, pool)
    others = [other for other in cluster.pools if other is not pool and other.value("mode") == "System"]
    if pool.value("mode") == "System" and not others:
        raise refusals.not_allowed("There has to be at least one system agent pool in a managed cluster.")
    world.touch(cluster, world.now())
    pool.state = "Deleting"
    pool.revision += 1
    operation = world.begin("pool-delete", cluster, pool, call, "managedClusters/agentPools/delete")
    pool.operation = operation.id
    return operation
