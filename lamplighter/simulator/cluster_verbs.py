"""What can be done to a cluster: every check Azure makes, then the state that shows at once.

During a stop `powerState` still says Running; during a start it says Running already
(https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/error-codes/operationnotallowed-error quotes
"Provisioning State(Starting) and Power State(Running)").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamplighter.simulator import refusals, versions
from lamplighter.simulator.operations import Call, Operation
from lamplighter.simulator.resources import CLUSTER_READ_ONLY, RUNNING, STOPPED, VERSION, Cluster, Pool, current_version

if TYPE_CHECKING:
    from lamplighter.simulator.world import World


def _refuse_unfit(cluster: Cluster, verb: str) -> None:
    if cluster.uses_node_provisioning:
        raise refusals.node_provisioning(verb)
    if any(pool.value("type") == "AvailabilitySet" for pool in cluster.pools):
        raise refusals.availability_set()


def refuse_busy(cluster: Cluster) -> None:
    """Refusal when the cluster or one of its pools is in the middle of something."""
    if not cluster.is_settled:
        raise refusals.busy_cluster(cluster.state)
    for pool in cluster.busy_pools():
        raise refusals.busy_pool(pool.name, pool.state)


# What a kind of operation shows while it lasts, and what Azure calls it.
KINDS = {
    "stop": ("Stopping", "managedClusters/stop/action"),
    "start": ("Starting", "managedClusters/start/action"),
    "tags": ("Updating", "managedClusters/write"),
    "update": ("Updating", "managedClusters/write"),
    "upgrade": ("Upgrading", "managedClusters/write"),
    "create": ("Creating", "managedClusters/write"),
    "delete": ("Deleting", "managedClusters/delete"),
}


def _open(world: World, cluster: Cluster, kind: str, call: Call) -> Operation:
    cluster.state, action = KINDS[kind]
    cluster.error, cluster.changed_at = None, world.now()
    cluster.revision += 1
    operation = world.begin(kind, cluster, None, call, action)
    cluster.operation = operation.id
    return operation


def stop(world: World, cluster: Cluster, call: Call) -> Operation:
    """Stopping; Refusal when it is busy, stopped, auto-provisioned or backed by an availability set."""
    now = world.settle()
    _refuse_unfit(cluster, "stopping")
    if cluster.power == STOPPED and cluster.is_settled:
        raise refusals.already_stopped(cluster.changed_at, now)
    refuse_busy(cluster)
    world.touch(cluster, now)
    for pool in cluster.pools:
        if pool.power == RUNNING:
            pool.state, pool.down_with_cluster = "Stopping", True
    return _open(world, cluster, "stop", call)


def start(world: World, cluster: Cluster, call: Call) -> Operation:
    """Starting; Refusal when it is busy or running. A Failed cluster may be started again."""
    now = world.settle()
    _refuse_unfit(cluster, "starting")
    if not cluster.is_settled or (cluster.power != STOPPED and cluster.state == "Succeeded"):
        raise refusals.wrong_state(cluster.state, cluster.power or "", "starting", cluster.changed_at, now)
    for busy in cluster.busy_pools():
        raise refusals.busy_pool(busy.name, busy.state)
    world.touch(cluster, now)
    cluster.power = RUNNING
    cluster.log.on(now)
    for pool in cluster.pools:
        if pool.down_with_cluster:
            pool.state, pool.power = "Starting", RUNNING
            pool.log.on(now)
    return _open(world, cluster, "start", call)


def abort(world: World, cluster: Cluster, pool: Pool | None, call: Call) -> Operation:
    """Canceling the latest operation, without undoing it; Refusal 409 when it is over."""
    now = world.settle()
    target: Cluster | Pool = cluster if pool is None else pool
    if target.operation is None:
        raise refusals.not_allowed("There is no operation in progress to abort: the latest one has finished.")
    aborted = world.operations.by_id[target.operation]
    world.touch(cluster, now)
    target.state = "Canceling"
    aborted.ends_at = None
    action = "managedClusters/abort/action" if pool is None else "managedClusters/agentPools/abort/action"
    operation = world.begin("abort", cluster, pool, call, action)
    operation.before = {"aborts": aborted.id}
    return operation


def set_tags(world: World, cluster: Cluster, tags: dict[str, str] | None, call: Call) -> Operation:
    """The whole tag map is replaced; the cluster is Updating for a while."""
    now = world.settle()
    refuse_busy(cluster)
    if cluster.power == STOPPED:
        raise refusals.stopped_cluster("updating")
    world.touch(cluster, now)
    cluster.tags = tags
    return _open(world, cluster, "tags", call)


def put(world: World, cluster: Cluster, body: dict[str, Any], call: Call) -> Operation:
    """The whole cluster is replaced by the body, less what only the service may say. Pools stay: none comes or goes."""
    now = world.settle()
    refuse_busy(cluster)
    if cluster.power == STOPPED:
        raise refusals.stopped_cluster("updating")
    properties = dict(body.get("properties") or {})
    profiles = properties.pop("agentPoolProfiles", None)
    if profiles is not None:
        _check_profiles(cluster, profiles)
    wanted = properties.get("kubernetesVersion")
    upgrade = wanted is not None and wanted != cluster.properties.get("kubernetesVersion", VERSION)
    to = versions.check_control_plane(world, cluster, str(wanted), profiles or []) if upgrade else ""
    running = current_version(cluster)
    world.touch(cluster, now)
    kept = {name: value for name, value in cluster.properties.items() if name in CLUSTER_READ_ONLY}
    sent = {name: value for name, value in properties.items() if name not in CLUSTER_READ_ONLY}
    cluster.properties = {**kept, **sent, "currentKubernetesVersion": running}
    cluster.tags = body.get("tags")
    cluster.sku = body.get("sku") or cluster.sku
    cluster.identity = body.get("identity") or cluster.identity
    for profile in profiles or ():
        pool = cluster.pool(profile["name"])
        if pool is not None:
            pool.properties.update(
                {key: profile[key] for key in ("count", "minCount", "maxCount", "enableAutoScaling") if key in profile}
            )
    operation = _open(world, cluster, "upgrade" if upgrade else "update", call)
    operation.before = {"to": to}
    return operation


def _check_profiles(cluster: Cluster, profiles: list[dict[str, Any]]) -> None:
    sent = {str(profile.get("name", "")).lower() for profile in profiles}
    have = {pool.name.lower() for pool in cluster.pools}
    if sent - have:
        raise refusals.Refusal(
            400,
            "BadRequest",
            "A new agent pool was introduced. Adding agent pools to an existing cluster is not allowed through managed "
            "cluster operations. For agent pool specific change, please use per agent pool operations: "
            "https://aka.ms/agent-pool-rest-api",
        )
    if have - sent:
        raise refusals.Refusal(
            400, "BadRequest", "Removing agent pools through managed cluster operations is not allowed."
        )


def create(world: World, cluster: Cluster, body: dict[str, Any], call: Call) -> Operation:
    """A new cluster, Creating."""
    now = world.settle()
    properties = dict(body.get("properties") or {})
    profiles = properties.pop("agentPoolProfiles", None) or []
    cluster.location = str(body.get("location") or cluster.location)
    cluster.tags, cluster.identity = body.get("tags"), body.get("identity")
    cluster.sku = body.get("sku") or cluster.sku
    cluster.properties = {name: value for name, value in properties.items() if name not in CLUSTER_READ_ONLY}
    for profile in profiles:
        pool = Pool(
            str(profile.get("name")), {key: value for key, value in profile.items() if key != "name"}, "Creating"
        )
        pool.log.on(now)
        cluster.pools.append(pool)
    world.touch(cluster, now)
    world.clusters[cluster.key] = cluster
    cluster.log.on(now)
    return _open(world, cluster, "create", call)


def delete(world: World, cluster: Cluster, call: Call) -> Operation:
    """Deleting; whatever was under way is preempted."""
    now = world.settle()
    if cluster.state == "Deleting":
        raise refusals.busy_cluster(cluster.state)
    world.touch(cluster, now)
    if cluster.operation is not None:
        preempted = world.operations.by_id[cluster.operation]
        preempted.status, preempted.ended_at = "Failed", now
        preempted.error = {"code": "AKSOperationPreemptedByDelete", "message": "A delete was issued."}
    return _open(world, cluster, "delete", call)
