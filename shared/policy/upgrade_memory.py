"""What upgrades leave in a cluster's memory: what was asked of Azure, how it ended, how long it was run since. Pure.

An upgrade that Azure refused before it began is no fall: nothing was touched. One that it took and that did not end
well is, and so is a cluster we upgraded that is found Failed while its ring soaks.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.model.actions import Action, PutMaintenance, UpgradeControlPlane, UpgradeNodeImage, UpgradePool
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory
from shared.model.upgrades import Fall, Rings, UpgradePast
from shared.model.versions import Version
from shared.policy.maintenance import digest_of
from shared.policy.rings import counted, unforgiven
from shared.policy.support import version_of
from shared.policy.versions import image_release

KEPT = 8
"""Durations that are remembered of each pool."""

Upgrade = UpgradeControlPlane | UpgradePool | UpgradeNodeImage


def accepted(memory: Memory, action: Upgrade, now: datetime) -> Memory:
    """Azure took it: the cluster is half-way until everything is on one version and well."""
    past = memory.upgrade or UpgradePast()
    image = isinstance(action, UpgradeNodeImage)
    came_from = past.run.what if past.run is not None and not image else past.came_from
    past = replace(
        past,
        asked=_asked(action),
        asked_at=now,
        begun_at=past.begun_at or now,
        came_from=past.came_from if past.begun_at is not None and past.came_from else came_from,
        images_at=now if image else past.images_at,
    )
    return replace(memory, upgrade=past)


def succeeded(memory: Memory, action: Upgrade, now: datetime) -> Memory:
    past = memory.upgrade or UpgradePast()
    seconds = past.seconds
    if past.asked == _asked(action) and past.asked_at is not None:
        name = (action.pool or "").casefold()
        seconds = {**seconds, name: (*seconds.get(name, ()), int((now - past.asked_at).total_seconds()))[-KEPT:]}
    return replace(memory, upgrade=replace(past, asked="", asked_at=None, seconds=seconds))


def failed(memory: Memory, action: Upgrade, now: datetime) -> Memory:
    past = memory.upgrade or UpgradePast()
    if past.asked != _asked(action):
        return memory  # refused before anything began
    why = memory.target(action.pool).failure_of(action.kind)
    code, message = ("Failed", "") if why is None else (why.code, why.message)
    fall = Fall(now, code, message, (action.pool or "").casefold())
    return replace(memory, upgrade=replace(past, asked="", asked_at=None, fall=fall))


def _asked(action: Action) -> str:
    return f"{action.kind}|{(action.pool or '').casefold()}"


def configured(memory: Memory, action: PutMaintenance, now: datetime) -> Memory:
    """Azure took a maintenance configuration: it answers at once, so that is all there is to know."""
    del now
    past = memory.upgrade or UpgradePast()
    known = {**past.configurations, action.name: digest_of(action.window)}
    return replace(memory, upgrade=replace(past, configurations=known))


def is_configured(memory: Memory, name: str, window: str) -> bool:
    """Whether this is what we last wrote there."""
    return memory.upgrade is not None and memory.upgrade.configurations.get(name) == digest_of(window)


def running_pools(cluster: Cluster) -> tuple[NodePool, ...]:
    """A stopped pool is upgraded once it runs again: until then nothing of it can fail."""
    if cluster.power is not Power.RUNNING:
        return cluster.pools
    return tuple(pool for pool in cluster.pools if pool.power is not Power.STOPPED)


def lowest_version(cluster: Cluster) -> Version | None:
    """Of the control plane and the pools that run with it; None while one of them cannot be read."""
    control_plane = version_of(cluster)
    if control_plane is None:
        return None
    pools = [version_of_pool(pool, control_plane) for pool in running_pools(cluster)]
    known = [version for version in pools if version is not None]
    return None if len(known) < len(pools) else min([control_plane, *known])


def version_of_pool(pool: NodePool, control_plane: Version) -> Version | None:
    """Where only a minor version is told, such as 1.34, and it is the control plane's, its patch is taken to be too."""
    version = Version.read(pool.version)
    patch_told = (pool.version or "").count(".") > 1
    return control_plane if version is not None and not patch_told and version.line == control_plane.line else version


def oldest_image(cluster: Cluster) -> tuple[int, ...] | None:
    """The release of the oldest node image; None where one cannot be read, or there are no nodes."""
    releases = [image_release(pool.image) for pool in running_pools(cluster)]
    known = [release for release in releases if release is not None]
    return None if not known or len(known) < len(releases) else min(known)


def is_well(cluster: Cluster) -> bool:
    states = (cluster.provisioning_state, *(pool.provisioning_state for pool in cluster.pools))
    return all(state.casefold() == "succeeded" for state in states)


def watched(past: UpgradePast, cluster: Cluster, rings: Rings | None, now: datetime) -> UpgradePast:
    """The past with one reading taken in: runs grow while it is well, and begin anew when it is not.

    In the middle of something nothing is learned. The same object where nothing is.
    """
    if cluster.problem is not None or not cluster.is_settled:
        return past
    if not is_well(cluster):
        return _unwell(past, cluster, rings, now)
    version, image = lowest_version(cluster), oldest_image(cluster)
    running = cluster.power is Power.RUNNING
    run = None if version is None else counted(past.run, str(version), now, running=running)
    shown = past.image if image is None else counted(past.image, ".".join(map(str, image)), now, running=running)
    done = version is not None and version == version_of(cluster) and not past.asked
    forgiven = past.fall is not None and rings is not None and not unforgiven(past, rings.released_at)
    after = replace(
        past,
        run=run,
        image=shown,
        begun_at=None if done else past.begun_at,
        fall=None if done and forgiven else past.fall,
    )
    return past if after == past else after


def _unwell(past: UpgradePast, cluster: Cluster, rings: Rings | None, now: datetime) -> UpgradePast:
    fall = past.fall
    if fall is None and past.came_from and not past.asked and not _proven(past, rings):
        ill = next((pool for pool in cluster.pools if pool.provisioning_state.casefold() != "succeeded"), None)
        code = (cluster.error_code if ill is None else ill.error_code) or "Unhealthy"
        what = "the cluster" if ill is None else f"pool {ill.name}"
        state = (cluster if ill is None else ill).provisioning_state
        fall = Fall(now, code, f"{what} is {state} after its upgrade", "" if ill is None else ill.name.casefold())
    if (past.run, past.image, past.fall) == (None, None, fall):
        return past
    return replace(past, run=None, image=None, fall=fall)


def _proven(past: UpgradePast, rings: Rings | None) -> bool:
    """Whether its ring has lived with what it runs: what fails after that is not the upgrade's doing."""
    ring = None if rings is None else rings.ring(past.ring)
    proof = None if ring is None or ring.proof is None else Version.read(ring.proof.what)
    run = None if past.run is None else Version.read(past.run.what)
    return past.begun_at is None and proof is not None and run is not None and run <= proof
