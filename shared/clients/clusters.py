"""One cluster, fresh: read it, start and stop it and its pools, ask how an operation went, read its locks.

Every write is sent once: the SDK's retries are off, because it would sleep an uncapped Retry-After and send a POST
four times. Nothing waits: an accepted write hands back the URL of its operation, and a later tick asks.
Everything raises the errors of `shared.errors`; `answers.py` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.clients import answers
from shared.clients.azure import Cloud
from shared.clients.reading import cluster_from, pool_from, saved_size
from shared.errors import InputError, NoReply, NotFound
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import SavedSize

if TYPE_CHECKING:
    from azure.mgmt.containerservice.models import AgentPool

LOCKS_VERSION = "2016-09-01"
SENT_ONCE: Mapping[str, Any] = {"polling": False, "retry_total": 0}


@dataclass(frozen=True, slots=True)
class Accepted:
    """Azure took the write. `operation` is the URL to ask, whole, or None when it gave none."""

    operation: str | None
    already: bool = False
    """The goal was there before: nothing was begun."""


@dataclass(frozen=True, slots=True)
class OperationState:
    """How a long-running operation stands: running | succeeded | failed | gone."""

    status: str
    code: str = ""
    message: str = ""

    @property
    def no_capacity(self) -> bool:
        """It failed for want of room or quota."""
        return self.status == "failed" and answers.is_capacity(self.code, self.message)


class Lock(NamedTuple):
    """`level` is CanNotDelete or ReadOnly."""

    name: str
    level: str


class _Place(NamedTuple):
    subscription: str
    group: str
    name: str


def place_of(cluster_id: str) -> _Place:
    """Subscription, group and name. Raises InputError for what is no cluster's id."""
    parts = cluster_id.split("/")
    if len(parts) != 9 or parts[7].casefold() != "managedclusters":
        raise InputError(f"{cluster_id!r} is not the id of a cluster")
    return _Place(parts[2], parts[4], parts[8])


def get(cloud: Cloud, cluster_id: str) -> Cluster:
    """The cluster as it is now, pools included. `fleet` is None: a GET does not tell membership."""
    place = place_of(cluster_id)
    client = cloud.client(place.subscription)
    doing = f"reading {place.name}"
    with answers.answering(doing):
        document = client.managed_clusters.get(place.group, place.name, cls=_document)
    try:
        return cluster_from(document)
    except InputError as problem:
        raise NoReply(f"{doing}: {problem}", status=200) from None


def start(cloud: Cloud, cluster_id: str) -> Accepted:
    """Ask AKS to start the cluster. 202 and 204 are both legal: https://learn.microsoft.com/rest/api/aks/managed-clusters/start"""
    place = place_of(cluster_id)
    operations = cloud.client(place.subscription).managed_clusters
    return written(
        f"starting {place.name}", lambda: operations.begin_start(place.group, place.name, cls=whole, **SENT_ONCE)
    )


def stop(cloud: Cloud, cluster_id: str) -> Accepted:
    """Ask AKS to stop the cluster. A stopped one answers 409: that is Busy, and reading again tells."""
    place = place_of(cluster_id)
    operations = cloud.client(place.subscription).managed_clusters
    return written(
        f"stopping {place.name}", lambda: operations.begin_stop(place.group, place.name, cls=whole, **SENT_ONCE)
    )


def start_pool(cloud: Cloud, cluster_id: str, pool: str, restore: SavedSize | None) -> Accepted:
    """Start one pool, at its saved size. Without one, the size goes back as it was read, and AKS restores it.

    (Seen in recorded traffic: a start sent with count 0 came back with 2 nodes.)
    """

    def change(properties: Any) -> None:
        properties["powerState"] = {"code": Power.RUNNING.value}
        if restore is not None and properties.get("type") != "VirtualMachines":
            _resize(properties, restore)

    return put_pool(cloud, (cluster_id, pool), f"starting pool {pool}", _is(Power.RUNNING), change)


def stop_pool(cloud: Cloud, cluster_id: str, pool: str) -> Accepted:
    """Stop one user pool; its size stays as it is, and is what the start needs: save `pool_size` first."""

    def change(properties: Any) -> None:
        properties["powerState"] = {"code": Power.STOPPED.value}

    return put_pool(cloud, (cluster_id, pool), f"stopping pool {pool}", _is(Power.STOPPED), change)


def _is(power: Power) -> Callable[[NodePool], bool]:
    return lambda pool: pool.power is power


def pool_size(cloud: Cloud, cluster_id: str, pool: str, now: datetime) -> SavedSize | None:
    """The pool's size from a fresh GET, to be saved before it is stopped; None when this reading does not tell it."""
    return saved_size(pool_from(_read_pool(cloud, cluster_id, pool)), now)


def _resize(properties: Any, size: SavedSize) -> None:
    properties["enableAutoScaling"] = size.autoscaling
    properties["count"] = size.count
    if size.autoscaling:
        if size.min_count is not None and size.max_count is not None:
            # AKS refuses a count outside the bounds, and leaves a cluster Failed over it.
            properties["count"] = min(max(size.count, size.min_count), size.max_count)
            properties["minCount"], properties["maxCount"] = size.min_count, size.max_count
    else:
        for bound in ("minCount", "maxCount"):
            properties.pop(bound, None)


def _read_pool(cloud: Cloud, cluster_id: str, pool: str) -> AgentPool:
    place = place_of(cluster_id)
    client = cloud.client(place.subscription)
    with answers.answering(f"reading pool {pool} of {place.name}"):
        return client.agent_pools.get(place.group, place.name, pool)


def put_pool(
    cloud: Cloud,
    target: tuple[str, str],
    doing: str,
    there: Callable[[NodePool], bool | None],
    change: Callable[[Any], None],
) -> Accepted:
    """GET, modify, PUT with the etag: what we don't know goes back as it came, and a change in between is a 412.

    `target` is (cluster id, pool); `change` gets the pool's properties as a mutable document. A settled pool that is
    `there` already is left as it is.
    """
    from azure.core import MatchConditions  # noqa: PLC0415 - azure-core is imported at the first call

    cluster_id, pool = target
    place = place_of(cluster_id)
    document = _read_pool(cloud, cluster_id, pool)
    seen = pool_from(document)
    if there(seen) and seen.is_settled:
        return Accepted(None, already=True)
    etag = document.e_tag
    properties = document["properties"]
    # Sent back, it would pin the nodes to the image they had.
    properties.pop("nodeImageVersion", None)
    change(properties)
    options = dict(SENT_ONCE)
    if etag:
        options |= {"etag": etag, "match_condition": MatchConditions.IfNotModified}
    operations = cloud.client(place.subscription).agent_pools
    return written(
        f"{doing} of {place.name}",
        lambda: operations.begin_create_or_update(place.group, place.name, pool, document, cls=whole, **options),
    )


def whole(answer: Any, *_: Any) -> Any:
    """The SDK's `cls` hook: hand back the HTTP answer with its headers, not the model."""
    return answer


def _document(answer: Any, *_: Any) -> Any:
    return answer.http_response.json()


def written(doing: str, write: Callable[[], Any]) -> Accepted:
    with answers.answering(doing):
        response = write().result().http_response
    return Accepted(response.headers.get("azure-asyncoperation"), already=response.status_code == 204)


def operation(cloud: Cloud, cluster_id: str, url: str) -> OperationState:
    """How the operation stands. The URL is sent as it was given, and only to this cloud's Resource Manager.

    Judged by `status` alone: a start that succeeded carries `error` NotLatestOperation in every answer.
    Raises a CloudError when Azure does not tell; an operation that Azure no longer knows is `gone`.
    """
    doing = f"asking how the operation on {place_of(cluster_id).name} went"
    try:
        answer = cloud.call("GET", url, doing)
    except NotFound as error:
        return OperationState("gone", error.code, str(error))
    document = answer.document if isinstance(answer.document, Mapping) else {}
    status = str(document.get("status") or "").casefold()
    if status == "succeeded":
        return OperationState("succeeded")
    if status in ("failed", "canceled", "cancelled"):
        code, message = answers.error_of(document.get("error"))
        return OperationState("failed", code or status.capitalize(), message)
    if not document and answer.status == 204:
        # The operation's result, without content: it is over, and how it ended is not told here.
        return OperationState("gone")
    return OperationState("running")


def locks(cloud: Cloud, cluster_id: str) -> tuple[Lock, ...]:
    """The locks on the cluster, its resource group and its subscription, by name.

    `atScope()` means at or above the scope, and leaves out what lies below it:
    https://learn.microsoft.com/powershell/module/az.resources/get-azresourcelock
    """
    place = place_of(cluster_id)
    doing = f"reading the locks of {place.name}"
    url: str = f"{cluster_id}/providers/Microsoft.Authorization/locks"
    params = {"api-version": LOCKS_VERSION, "$filter": "atScope()"}
    found: set[Lock] = set()
    while url:
        page = cloud.call("GET", url, doing, params=params).document
        if not isinstance(page, Mapping) or not isinstance(page.get("value"), list):
            raise NoReply(f"{doing}: the answer has no list of locks", status=200)
        for one in page["value"]:
            level = (one.get("properties") or {}).get("level")
            found.add(Lock(str(one.get("name")), str(level or "NotSpecified")))
        url, params = page.get("nextLink") or "", {}
    return tuple(sorted(found))
