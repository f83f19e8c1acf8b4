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

from shared.errors import InputError
from shared.model.fleet import NO_TAGS, SETTLED, Cluster, NodePool, Power
from shared.model.memory import SavedSize

CLUSTER_TYPE = "microsoft.containerservice/managedclusters"

_POWER = {"Running": Power.RUNNING, "Stopped": Power.STOPPED}
_EMPTY: Mapping[str, Any] = {}
_OBJECT = (dict, Mapping)
"""For isinstance: json makes dicts, and asking for those first is what makes 10,000 clusters quick."""
_ID_PARTS = 9
_POWER_AT = 10
"""Where in the key of a pool its power stands."""


def _power(code: Any) -> Power:
    return _POWER.get(code) or Power.read(code)


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, _OBJECT) else _EMPTY


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
            self._tags(tags) if tags and isinstance(tags, _OBJECT) else NO_TAGS,
            pools,
            self._fleet_of(id_),
            get("errorCode"),
            problem or _odd(state, tags, nap) or _power_problem(power, str(state)),
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
            raise InputError(f"a cluster should be a JSON object with an id, and this is {_shown(document)}")
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
                "tier": _section(document, "sku").get("tier"),
                "power": _section(body, "powerState").get("code"),
                "state": body.get("provisioningState"),
                "version": body.get("kubernetesVersion"),
                "nodeProvisioning": _mode_of(body.get("nodeProvisioningProfile")),
                "nodeResourceGroup": body.get("nodeResourceGroup"),
                "networkPlugin": _section(body, "networkProfile").get("networkPlugin"),
                "networkMode": _section(body, "networkProfile").get("networkPluginMode"),
                "errorCode": _section(_section(body, "status"), "provisioningError").get("code"),
                "currentVersion": body.get("currentKubernetesVersion"),
                "upgradeChannel": _section(body, "autoUpgradeProfile").get("upgradeChannel"),
                "nodeChannel": _section(body, "autoUpgradeProfile").get("nodeOSUpgradeChannel")
                or _section(body, "autoUpgradeProfile").get("nodeOsUpgradeChannel"),
                "supportPlan": body.get("supportPlan"),
                "costAnalysis": _section(_section(body, "metricsProfile"), "costAnalysis").get("enabled"),
                "pools": body.get("agentPoolProfiles", []),
            }
        )
        profile = _section(body, "autoScalerProfile")
        return replace(found, autoscaler={str(k): str(v) for k, v in profile.items()}) if profile else found

    def pool(self, document: Mapping[str, Any]) -> NodePool:
        """One pool, as it stands in a cluster or as the agentPools API answers."""
        inner = document.get("properties")
        body = document if inner is None or not isinstance(inner, _OBJECT) else inner
        get = body.get
        power, kind, count, size = get("powerState"), get("type"), get("count"), get("vmSize")
        low, high, scaling = get("minCount"), get("maxCount"), get("enableAutoScaling")
        zones = get("availabilityZones")
        if kind == "VirtualMachines":
            count, size, low, high, scaling = _virtual_machines(body)
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
            power.get("code") if isinstance(power, _OBJECT) else None,
            get("provisioningState") or "",
            get("currentOrchestratorVersion") or get("orchestratorVersion"),
            get("nodeImageVersion"),
            _section(body, "upgradeSettings").get("maxSurge"),
            _section(_section(body, "status"), "provisioningError").get("code"),
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
            if not isinstance(one, _OBJECT):
                return (
                    (),
                    f"its node pools could not be read: they should be a list of objects, not {_shown(documents)}",
                )
            problem = problem or _pool_problem(one)
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
    return profile.get("mode") if isinstance(profile, _OBJECT) else [profile]


def _odd(state: Any, tags: Any, nap: Any) -> str | None:
    """What is not readable of a cluster: unknown is never idle, so it is said and nothing is done."""
    if type(state) is not str:
        return f"its provisioning state should be text, not {_shown(state)}"
    if tags and not isinstance(tags, _OBJECT):
        return f"its tags should be an object, not {_shown(tags)}"
    if nap is not None and type(nap) is not str:
        return "whether node auto-provisioning is on could not be read"
    return None


def _pool_problem(document: Mapping[str, Any]) -> str | None:
    """What is said of a pool and not readable. A key that is not there is a shorter answer; a null is no answer."""
    inner = document.get("properties")
    body = document if inner is None or not isinstance(inner, _OBJECT) else inner
    for key in ("provisioningState", "type"):
        if key in body and type(body[key]) is not str:
            return f"the {key} of pool {_shown(document.get('name'))} could not be read"
    power = body.get("powerState", _EMPTY)
    if power is not _EMPTY and not (isinstance(power, _OBJECT) and type(power.get("code")) is str):
        return f"whether pool {_shown(document.get('name'))} runs could not be read"
    return None


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _identity(id_: Any) -> tuple[str, str, str, str]:
    """Lower-case id, subscription, resource group, name; raises InputError when it is no cluster's id."""
    parts = id_.lower().split("/") if isinstance(id_, str) else []
    if len(parts) != _ID_PARTS or parts[7] != "managedclusters":
        raise InputError(
            f"{_shown(id_)} is not the id of a cluster; expected /subscriptions/.../resourceGroups/.../providers/"
            "Microsoft.ContainerService/managedClusters/NAME"
        )
    return "/".join(parts), parts[2], parts[4], parts[8]


def _power_problem(power: Power, state: str) -> str | None:
    """While Azure works on a cluster it may keep its power to itself; on a settled one that is odd."""
    if power is Power.UNKNOWN and state.casefold() in SETTLED:
        return "Azure did not say whether it is running"
    return None


def _virtual_machines(body: Mapping[str, Any]) -> tuple[int | None, str | None, int | None, int | None, bool | None]:
    """Count, size, min, max, autoscaling of a pool whose `type` is VirtualMachines: it may mix sizes, in lists.

    From: https://learn.microsoft.com/azure/aks/virtual-machines-node-pools
    """
    scale = _section(_section(body, "virtualMachinesProfile"), "scale")
    auto, manual = _entries(scale, "autoscale"), _entries(scale, "manual")
    nodes = _entries(body, "virtualMachineNodesStatus") or manual
    sizes = {one.get("size") for one in nodes or auto}
    size = sizes.pop() if len(sizes) == 1 else None
    scaling = bool(auto) if auto or manual else None
    return _total(nodes, "count"), size, _total(auto, "minCount"), _total(auto, "maxCount"), scaling


def _entries(section: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = section.get(name)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _total(entries: list[Mapping[str, Any]], name: str) -> int | None:
    """None when there is nothing to add, or when one of the numbers is unknown."""
    numbers = [one.get(name) for one in entries]
    known = [number for number in numbers if isinstance(number, int)]
    return sum(known) if known and len(known) == len(numbers) else None


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
            f"{source}: expected a JSON list of clusters as `az aks list -o json` prints it, and got {_shown(document)}"
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
