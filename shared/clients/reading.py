"""Azure's JSON about clusters -> the model. One place, whichever door the JSON came through.

Four shapes are understood, and told apart by what they hold:

    ARM and whole Resource Graph rows    {"id", "name", "location", "tags", "sku", "properties": {...}}
    what `az aks list -o json` prints    the same without `properties`: everything beside `id`
    the row that our query projects      {"id", "name", "location", "tags", "tier", "power", ..., "pools": [...]}
    a pool from the agentPools API       {"id", "name", "properties": {...}}; inside a cluster without `properties`

Unknown is kept as unknown: a missing or new power state is `Power.UNKNOWN`, a missing number None, never 0.
Field names from: https://learn.microsoft.com/rest/api/aks/managed-clusters/get
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.clients.reading_machines import virtual_machines
from shared.clients.reading_oddities import OBJECT, oddity, pool_oddity, power_oddity, section, shown
from shared.errors import InputError
from shared.model.fleet import NO_TAGS, Cluster, NodePool, Power
from shared.model.memory import SavedSize

CLUSTER_TYPE = "microsoft.containerservice/managedclusters"

_POWER = {"Running": Power.RUNNING, "Stopped": Power.STOPPED}
_ID_PARTS = 9
_POWER_AT = 10
"""Where in the key of a pool its power stands."""


def _power(code: Any) -> Power:
    return _POWER.get(code) or Power.read(code)


class Reader:
    """Reads many clusters. Equal pools and words are kept once, so a fleet of 10,000 stays small.

    Keep one per reading of the fleet and let it go afterwards.
    """

    __slots__ = ("_fleet_of", "_pools", "_words")

    def __init__(self, fleet_of: Callable[[str], str | None] = lambda _: None) -> None:
        """`fleet_of` tells from a lower-case cluster id the Fleet Manager it is a member of."""
        self._fleet_of = fleet_of
        self._pools: dict[tuple[Any, ...], NodePool] = {}
        self._words: dict[Any, Any] = {}

    def row(self, row: Mapping[str, Any]) -> Cluster:
        """One row of our own projection; raises InputError, in a sentence, for a row that is no cluster.

        A row whose parts have another shape than Azure's is a cluster with a problem: one bad row costs no other.
        """
        place = _identity(row.get("id"))
        try:
            return self._row(row, place)
        except (AttributeError, TypeError, ValueError):
            id_, subscription, group, name = place
            return Cluster(
                id_,
                name,
                group,
                subscription,
                fleet=self._fleet_of(id_),
                problem="what Azure says of it has an unknown shape",
            )

    def _row(self, row: Mapping[str, Any], place: tuple[str, str, str, str]) -> Cluster:
        get = row.get
        id_, subscription, group, name = place
        word = self._words.setdefault
        state: Any = "" if get("state") is None else get("state")
        power = _power(get("power"))
        pools, problem = self._pools_of(get("pools"))
        location, version, tier, nap = get("location") or "", get("version"), get("tier"), get("nodeProvisioning")
        tags = get("tags")
        # Positional, in the order of the dataclass: this line runs once per cluster and tick.
        return Cluster(
            id_,
            get("name") or name,
            word(group, group),
            word(subscription, subscription),
            word(location, location),
            power,
            word(state, state),
            word(version, version),
            word(tier, tier),
            word(nap, nap),
            get("nodeResourceGroup"),
            self._tags(tags) if tags and isinstance(tags, OBJECT) else NO_TAGS,
            pools,
            self._fleet_of(id_),
            get("errorCode"),
            problem or oddity(state, tags, nap) or power_oddity(power, str(state)),
            self._word(get("currentVersion")),
            self._word(get("upgradeChannel")),
            self._word(get("nodeChannel")),
            self._word(get("supportPlan")),
            costs if isinstance(costs := get("costAnalysis"), bool) else None,
            self._word(get("networkPlugin")),
            self._word(get("networkMode")),
        )

    def _word(self, value: Any) -> str | None:
        """A text of which there are few in a fleet, kept once; None for anything else."""
        return self._words.setdefault(value, value) if type(value) is str and value else None

    def cluster(self, document: Mapping[str, Any]) -> Cluster:
        """One cluster in any of the shapes above; raises InputError for what is none."""
        if not isinstance(document, Mapping):
            raise InputError(f"a cluster should be a JSON object with an id, and this is {shown(document)}")
        if "pools" in document:
            return self.row(document)
        inner = document.get("properties")
        body = inner if isinstance(inner, Mapping) else document
        found = self.row(
            {
                "id": document.get("id"),
                "name": document.get("name"),
                "location": document.get("location"),
                "tags": document.get("tags"),
                "tier": section(document, "sku").get("tier"),
                "power": section(body, "powerState").get("code"),
                "state": body.get("provisioningState"),
                "version": body.get("kubernetesVersion"),
                "nodeProvisioning": _mode_of(body.get("nodeProvisioningProfile")),
                "nodeResourceGroup": body.get("nodeResourceGroup"),
                "networkPlugin": section(body, "networkProfile").get("networkPlugin"),
                "networkMode": section(body, "networkProfile").get("networkPluginMode"),
                "errorCode": section(section(body, "status"), "provisioningError").get("code"),
                "currentVersion": body.get("currentKubernetesVersion"),
                "upgradeChannel": section(body, "autoUpgradeProfile").get("upgradeChannel"),
                "nodeChannel": section(body, "autoUpgradeProfile").get("nodeOSUpgradeChannel")
                or section(body, "autoUpgradeProfile").get("nodeOsUpgradeChannel"),
                "supportPlan": body.get("supportPlan"),
                "costAnalysis": section(section(body, "metricsProfile"), "costAnalysis").get("enabled"),
                "pools": body.get("agentPoolProfiles", []),
            }
        )
        profile = section(body, "autoScalerProfile")
        return replace(found, autoscaler={str(k): str(v) for k, v in profile.items()}) if profile else found

    def pool(self, document: Mapping[str, Any]) -> NodePool:
        """One pool, as it stands in a cluster or as the agentPools API answers."""
        inner = document.get("properties")
        body = document if inner is None or not isinstance(inner, OBJECT) else inner
        get = body.get
        power, kind, count, size = get("powerState"), get("type"), get("count"), get("vmSize")
        low, high, scaling = get("minCount"), get("maxCount"), get("enableAutoScaling")
        zones = get("availabilityZones")
        if kind == "VirtualMachines":
            count, size, low, high, scaling = virtual_machines(body)
        # In the order of the dataclass, but with Azure's word for the power: an enum takes long to hash.
        key: tuple[Any, ...] = (
            document.get("name") or "",
            get("mode"),
            kind,
            size,
            count,
            low,
            high,
            scaling,
            get("scaleSetPriority") or "Regular",
            get("osType"),
            power.get("code") if isinstance(power, OBJECT) else None,
            get("provisioningState") or "",
            get("currentOrchestratorVersion") or get("orchestratorVersion"),
            get("nodeImageVersion"),
            section(body, "upgradeSettings").get("maxSurge"),
            section(section(body, "status"), "provisioningError").get("code"),
            tuple(map(str, zones)) if isinstance(zones, list) else (),
            _lower(get("vnetSubnetID")),
            _lower(get("podSubnetID")),
            pods if type(pods := get("maxPods")) is int else None,
        )
        found = self._pools.get(key)
        if found is None:
            found = self._pools[key] = NodePool(*key[:_POWER_AT], *(_power(key[_POWER_AT]), *key[_POWER_AT + 1 :]))
        return found

    def _pools_of(self, documents: Any) -> tuple[tuple[NodePool, ...], str | None]:
        if documents is None:
            return (), "Azure did not list its node pools"
        pools, problem = [], None
        for one in documents if isinstance(documents, list) else (None,):
            if not isinstance(one, OBJECT):
                return (
                    (),
                    f"its node pools could not be read: they should be a list of objects, not {shown(documents)}",
                )
            problem = problem or pool_oddity(one)
            pools.append(self.pool(one))
        if "" in [pool.name for pool in pools]:
            return tuple(pools), "one of its node pools has no name"
        return tuple(pools), problem

    def _tags(self, tags: Mapping[str, Any]) -> Mapping[str, str]:
        word = self._words.setdefault
        return {
            word(name, name): word(value, value) if type(value) is str else _text(value) for name, value in tags.items()
        }


def _lower(value: Any) -> str | None:
    """An id, which compares without case; None where there is none."""
    return value.lower() if isinstance(value, str) and value else None


def _mode_of(profile: Any) -> Any:
    """The mode, None where there is no profile; something that is no text where it cannot be read."""
    if profile is None:
        return None
    return profile.get("mode") if isinstance(profile, OBJECT) else [profile]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _identity(id_: Any) -> tuple[str, str, str, str]:
    """Lower-case id, subscription, resource group, name; raises InputError when it is no cluster's id."""
    parts = id_.lower().split("/") if isinstance(id_, str) else []
    if len(parts) != _ID_PARTS or parts[7] != "managedclusters":
        raise InputError(
            f"{shown(id_)} is not the id of a cluster; expected /subscriptions/.../resourceGroups/.../providers/"
            "Microsoft.ContainerService/managedClusters/NAME"
        )
    return "/".join(parts), parts[2], parts[4], parts[8]


def cluster_from(document: Mapping[str, Any]) -> Cluster:
    """One cluster from any of the shapes above; raises InputError, in a sentence, for what is none."""
    return Reader().cluster(document)


def pool_from(document: Mapping[str, Any]) -> NodePool:
    """One pool, as it stands in a cluster or as the agentPools API answers."""
    return Reader().pool(document)


def clusters_from(document: Any, source: str) -> tuple[Cluster, ...]:
    """A fleet file: what `az aks list -o json`, `az graph query` or the REST API print, sorted by id, each id once.

    Rows of another type are passed over. Raises InputError naming `source` when the document is no such list.
    """
    rows = document
    if isinstance(document, Mapping):
        rows = next((document[key] for key in ("data", "value") if isinstance(document.get(key), list)), None)
    if not isinstance(rows, list):
        raise InputError(
            f"{source}: expected a JSON list of clusters as `az aks list -o json` prints it, and got {shown(document)}"
        )
    return tuple(_read_all(rows, source))


def _read_all(rows: list[Any], source: str) -> Iterable[Cluster]:
    reader = Reader()
    found: dict[str, Cluster] = {}
    for number, row in enumerate(rows, 1):
        if isinstance(row, Mapping) and str(row.get("type") or CLUSTER_TYPE).casefold() != CLUSTER_TYPE:
            continue
        try:
            cluster = reader.cluster(row)
        except InputError as problem:
            raise InputError(f"{source}: entry {number}: {problem}") from None
        found[cluster.id] = cluster
    return (found[id_] for id_ in sorted(found))


def saved_size(pool: NodePool, at: datetime) -> SavedSize | None:
    """The size to come back to, or None when this reading does not tell it.

    A pool that stops reads 0 at once while it is still stopping, so only a running, settled pool with nodes counts.
    """
    if pool.power is not Power.RUNNING or not pool.is_settled or not pool.count:
        return None
    return SavedSize(pool.count, pool.min_count, pool.max_count, bool(pool.autoscaling), at)
