"""What Azure offers of versions and node images, and the writes that move a cluster there. Each is sent once.

A whole cluster is written as it was read, with its etag, less what would pin old node images; where Azure keeps a
secret to itself that such a write would have to bring, it is refused before it is sent.
https://learn.microsoft.com/rest/api/aks/managed-clusters/create-or-update
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from shared.clients import answers
from shared.clients.azure import Cloud
from shared.clients.clusters import SENT_ONCE, Accepted, place_of, put_pool, whole, written
from shared.clients.reading import cluster_from
from shared.errors import NoReply, NotFound, Unsent
from shared.model.actions import PutMaintenance, Reconcile, SetTier, UpgradeControlPlane, UpgradeNodeImage, UpgradePool
from shared.model.fleet import Cluster
from shared.model.repair import SECRETS
from shared.model.versions import Line, Offer, Release, Releases, UpgradeOffers, Version

WRITTEN = ("durationHours", "notAllowedDates", "schedule", "startDate", "startTime", "utcOffset")
"""What we write of a maintenance window."""


def offers(cloud: Cloud, cluster: Cluster, *, images: bool) -> UpgradeOffers:
    """What AKS offers the cluster now; with `images` also each running pool's newest node image, a call a pool.

    Raises CloudError. An absent `upgrades` is an empty offer.
    """
    place = place_of(cluster.id)
    client = cloud.client(place.subscription)
    doing = f"reading what AKS offers {place.name}"
    with answers.answering(doing):
        profile = client.managed_clusters.get_upgrade_profile(place.group, place.name, cls=_document)
    newest: dict[str, str] = {}
    for pool in cluster.pools if images else ():
        with answers.answering(f"{doing}'s pool {pool.name}"):
            document = client.agent_pools.get_upgrade_profile(place.group, place.name, pool.name, cls=_document)
        image = _properties(document).get("latestNodeImageVersion")
        if isinstance(image, str):
            newest[pool.name.casefold()] = image
    body = _properties(profile)
    pools = body.get("agentPoolProfiles")
    return UpgradeOffers(
        _offers(body.get("controlPlaneProfile")),
        {str(one.get("name", "")).casefold(): _offers(one) for one in pools if isinstance(one, Mapping)}
        if isinstance(pools, list)
        else {},
        newest,
    )


def _properties(document: Any) -> Mapping[str, Any]:
    inner = document.get("properties") if isinstance(document, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _offers(profile: Any) -> tuple[Offer, ...]:
    said = profile.get("upgrades") if isinstance(profile, Mapping) else None
    found = [one for one in said if isinstance(one, Mapping)] if isinstance(said, list) else []
    read = ((Version.read(one.get("kubernetesVersion")), bool(one.get("isPreview"))) for one in found)
    return tuple(sorted({Offer(version, preview) for version, preview in read if version is not None}, key=_by_version))


def _by_version(offer: Offer) -> Version:
    return offer.version


def releases_document(cloud: Cloud, subscription: str, location: str) -> Mapping[str, Any]:
    """What a region has, as Azure says it: to be kept, and read by `releases_from`. Raises CloudError."""
    doing = f"reading the Kubernetes versions of {location}"
    with answers.answering(doing):
        document = cloud.client(subscription).managed_clusters.list_kubernetes_versions(location, cls=_document)
    if not isinstance(document, Mapping) or not isinstance(document.get("values"), list):
        raise NoReply(f"{doing}: the answer has no list of versions", status=200)
    return document


def releases_from(document: Mapping[str, Any]) -> Releases:
    """The minor versions, oldest first; what cannot be read of one is left out."""
    lines = [found for one in document.get("values", ()) if (found := _release(one)) is not None]
    return Releases(tuple(sorted(lines, key=lambda release: release.line)))


def _release(said: Any) -> Release | None:
    version = Version.read(said.get("version")) if isinstance(said, Mapping) else None
    if version is None:
        return None
    capabilities = said.get("capabilities")
    plans = capabilities.get("supportPlan") if isinstance(capabilities, Mapping) else None
    known = {str(plan).casefold() for plan in plans} if isinstance(plans, list) else {"kubernetesofficial"}
    patches = said.get("patchVersions")
    read = (Version.read(patch) for patch in patches) if isinstance(patches, Mapping) else ()
    return Release(
        Line(version.major, version.minor),
        tuple(sorted(patch for patch in read if patch is not None)),
        preview=bool(said.get("isPreview")),
        official="kubernetesofficial" in known,
        lts="akslongtermsupport" in known,
    )


def upgrade_control_plane(cloud: Cloud, action: UpgradeControlPlane) -> Accepted:
    """The control plane alone: the pools' versions go back as they were read."""

    def change(document: Any) -> None:
        document["properties"]["kubernetesVersion"] = action.to

    def there(cluster: Cluster) -> bool:
        return cluster.current_version == action.to

    return _put_cluster(cloud, action.cluster, f"upgrading to {action.to}", there, change)


def set_tier(cloud: Cloud, action: SetTier) -> Accepted:
    def change(document: Any) -> None:
        document["sku"]["tier"] = action.to

    def there(cluster: Cluster) -> bool:
        return (cluster.tier or "").casefold() == action.to.casefold()

    return _put_cluster(cloud, action.cluster, f"setting the tier {action.to}", there, change)


def reconcile(cloud: Cloud, action: Reconcile) -> Accepted:
    """What was read is written back. What is well meanwhile is left alone."""
    if action.pool is None:
        return _put_cluster(cloud, action.cluster, "reconciling", _is_well, lambda _: None)
    target = (action.cluster, action.pool)
    return put_pool(
        cloud,
        target,
        f"reconciling pool {action.pool}",
        lambda pool: pool.provisioning_state.casefold() == "succeeded",
        lambda _: None,
    )


def _is_well(cluster: Cluster) -> bool:
    return cluster.provisioning_state.casefold() == "succeeded"


def upgrade_pool(cloud: Cloud, action: UpgradePool) -> Accepted:
    """The pool's nodes to a version; a spot pool is rolled by AKS without surge and drain."""

    def change(properties: Any) -> None:
        properties["orchestratorVersion"] = action.to
        if action.surge and str(properties.get("scaleSetPriority") or "").casefold() != "spot":
            properties["upgradeSettings"] = {**(properties.get("upgradeSettings") or {}), "maxSurge": action.surge}

    target = (action.cluster, str(action.pool))
    return put_pool(
        cloud,
        target,
        f"upgrading pool {action.pool}",
        lambda pool: pool.version == action.to and pool.provisioning_state.casefold() == "succeeded",
        change,
    )


def upgrade_node_image(cloud: Cloud, action: UpgradeNodeImage) -> Accepted:
    """To the newest image there is: AKS takes no other. https://learn.microsoft.com/azure/aks/node-image-upgrade"""
    place = place_of(action.cluster)
    operations = cloud.client(place.subscription).agent_pools
    return written(
        f"renewing the node image of pool {action.pool} of {place.name}",
        lambda: operations.begin_upgrade_node_image_version(
            place.group, place.name, str(action.pool), cls=whole, **SENT_ONCE
        ),
    )


def put_maintenance(cloud: Cloud, action: PutMaintenance, ours: Callable[[str], bool]) -> Accepted:
    """One maintenance configuration; Azure answers when it is written, so there is no operation to ask.

    `ours` tells from the text of the one that is there whether we wrote it. Raises Unsent for somebody else's.
    """
    place = place_of(action.cluster)
    operations = cloud.client(place.subscription).maintenance_configurations
    what = f"the maintenance configuration {action.name} of {place.name}"
    there = _window_there(cloud, action, f"reading {what}")
    if there == action.window:
        return Accepted(None, already=True)
    if there and not ours(there):
        raise Unsent(
            f"{what} was made or changed by somebody else, so it is left as it is; delete it to have it made from the"
            " schedule",
            code="SetBySomebody",
        )
    body: Any = {"properties": {"maintenanceWindow": json.loads(action.window)}}
    with answers.answering(f"writing {what}"):
        operations.create_or_update(place.group, place.name, action.name, body, retry_total=0)
    return Accepted(None)


def _window_there(cloud: Cloud, action: PutMaintenance, doing: str) -> str:
    """The window that is there, written as ours are, without what Azure adds; '' for none."""
    place = place_of(action.cluster)
    client = cloud.client(place.subscription)
    try:
        with answers.answering(doing):
            document = client.maintenance_configurations.get(place.group, place.name, action.name, cls=_document)
    except NotFound:
        return ""
    window = _properties(document).get("maintenanceWindow") or {}
    said = {key: window[key] for key in WRITTEN if window.get(key) is not None}
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def _put_cluster(
    cloud: Cloud, cluster_id: str, doing: str, there: Callable[[Cluster], bool], change: Callable[[Any], None]
) -> Accepted:
    """GET, modify, PUT with the etag. Raises Unsent where a secret that Azure does not show would be lost, and where
    there is no etag: a change of somebody's in between would be."""
    from azure.core import MatchConditions  # noqa: PLC0415 - azure-core is imported at the first call

    place = place_of(cluster_id)
    operations = cloud.client(place.subscription).managed_clusters
    with answers.answering(f"reading {place.name}"):
        document = operations.get(place.group, place.name)
    raw = document.as_dict()
    seen = cluster_from(raw)
    if there(seen) and seen.is_settled:
        return Accepted(None, already=True)
    secret = hidden_secret(raw)
    if secret:
        raise Unsent(f"{doing} of {place.name}: {secret}, which Azure does not show: nothing is written", code=SECRETS)
    for profile in document["properties"].get("agentPoolProfiles") or ():
        # Sent back, it would pin the nodes to the image they had.
        profile.pop("nodeImageVersion", None)
    etag = document.e_tag
    if not etag:
        text = f"{doing} of {place.name}: Azure gave no etag, so a change in between could be lost: nothing is written"
        raise Unsent(text, code="NoEtag")
    change(document)
    options = {**SENT_ONCE, "etag": etag, "match_condition": MatchConditions.IfNotModified}
    return written(
        f"{doing} of {place.name}",
        lambda: operations.begin_create_or_update(place.group, place.name, document, cls=whole, **options),
    )


def hidden_secret(document: Mapping[str, Any]) -> str:
    """What a PUT of this cluster would have to bring and no GET shows, in words; '' where there is nothing."""
    body = _properties(document)
    principal = body.get("servicePrincipalProfile")
    client = str(principal.get("clientId") or "") if isinstance(principal, Mapping) else ""
    kind = document.get("identity")
    managed = isinstance(kind, Mapping) and str(kind.get("type") or "None").casefold() != "none"
    if client and client.casefold() != "msi" and not managed:
        return "it runs as a service principal with a secret"
    windows = body.get("windowsProfile")
    pools = body.get("agentPoolProfiles") or ()
    has_windows = any(str(pool.get("osType") or "").casefold() == "windows" for pool in pools)
    if isinstance(windows, Mapping) and windows.get("adminUsername") and has_windows:
        return "its Windows nodes have a password"
    directory = body.get("aadProfile")
    if isinstance(directory, Mapping) and directory.get("serverAppID"):
        return "its directory integration has a secret of its own"
    return ""


def _document(answer: Any, *_: Any) -> Any:
    return answer.http_response.json()
