"""A fleet described in a file -> a world.

Two kinds of file are understood: what `az aks list -o json` or `az graph query -o json` print (see `fleet_dump`), and
this YAML (1.2; every key but `clusters` and a cluster's `name` may be left out):

    now: 2026-11-23T07:00:00Z        # the clock's start
    seed: 7                          # of every duration and lag
    graph_lag: [60, 120]             # seconds by which Resource Graph lags, least and most; or one number
    throttle: true                   # false: no 429 ever; graph: only Resource Graph has no quota
    spread: 1.0                      # 0: every operation takes exactly as long as recorded
    page_size: 100                   # of ARM lists
    subscriptions:
      - {id: 11111111-1111-1111-1111-111111111111, name: dev, management_groups: [platform-nonprod], lock: CanNotDelete}
    groups:
      - {subscription: dev, name: rg-web, location: westeurope, tags: {team: web}, lock: ReadOnly}
    clusters:
      - name: web-dev
        subscription: dev            # a name or id from above; the first one when left out
        resource_group: rg-web
        location: westeurope
        power: Running               # Running | Stopped | none (the service does not say)
        state: Succeeded             # any provisioningState; others than Succeeded, Failed, Canceled stay for good
        error: AllocationFailed      # code of the error of a Failed cluster
        tags: {environment: dev}
        tier: Standard               # Free | Standard | Premium
        sku: Base                    # Base | Automatic
        node_provisioning: Auto      # NAP
        kubernetes_version: "1.34"
        fleet: platform              # member of the Azure Kubernetes Fleet Manager of that name
        logs: [KubePodInventory, AKSAuditAdmin]       # tables that a workspace collects of it; or AzureDiagnostics
        lock: ReadOnly               # ReadOnly | CanNotDelete
        properties: {disableLocalAccounts: true}      # anything else of the ARM body
        count: 1000                  # that many, named web-dev-00001, ...
        pools:
          - {name: system, mode: System, count: 3, size: Standard_D4s_v5}
          - {name: spot, priority: Spot, count: 2, min: 0, max: 10}      # min and max switch the autoscaler on
          - {name: zonal, priority: Spot, count: 2, zones: [1, 2]}
          - {name: batch, power: Stopped, count: 4, state: Succeeded, type: VirtualMachineScaleSets, properties: {}}
    market: {}                       # nodes one by one, and room for them over time; see `market_file`
    billing: {}                      # how it is billed; see `billing_file`
    nodes:                           # seconds from the end of a start until its nodes are ready; 0 when left out
      {after: 60, later: {web-dev-00001: 900}, never: [web-dev-00002]}
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.billing_file import open_books
from lamplighter.simulator.clock import Clock, VirtualClock
from lamplighter.simulator.graph_history import GraphHistory
from lamplighter.simulator.market_file import open_market
from lamplighter.simulator.node_readiness import delay_nodes
from lamplighter.simulator.pool_verbs import SPOT_LABELS, SPOT_TAINT
from lamplighter.simulator.resources import RUNNING, STOPPED, Cluster, Pool, provisioning_error
from lamplighter.simulator.usage import COLLECTABLE

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

FIRST_SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
START = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
_TOP = "now seed graph_lag throttle spread page_size subscriptions groups clusters tenant market billing nodes"
_NODES = "after later never"
_MARKET = "node_start rooms spot quota subnets needed"
_BILLING = "currency agreement lag_hours since reservations others left"
_SUBSCRIPTION = "id name management_groups lock"
_GROUP = "subscription name location tags lock"
_CLUSTER = (
    "name subscription resource_group location power state error tags tier sku node_provisioning kubernetes_version "
    "fleet logs lock properties count pools"
)
_POOL = "name mode count size priority min max autoscaling power state error type os zones properties"


def read_fleet(path: Path) -> Any:
    """The document in a file, JSON or YAML; ValueError in one sentence when it is neither, OSError when unreadable."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only needed for a file
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip()[:1] in ("[", "{"):
        import json  # noqa: PLC0415

        try:
            return json.loads(text)
        except ValueError:
            pass
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as problem:
        where = " ".join(str(problem).split())
        msg = f"{path}: not a fleet file, neither JSON nor YAML ({where})"
        raise ValueError(msg) from problem


def _known(entry: Any, names: str, what: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        msg = f"{what}: expected a mapping with keys such as {names.split(maxsplit=1)[0]}, and got {entry!r}"
        raise ValueError(msg)  # noqa: TRY004 - a bad file, told like every other mistake in it
    unknown = sorted(set(entry) - set(names.split()))
    if unknown:
        msg = f"{what}: unknown key {unknown[0]!r}; known are {', '.join(names.split())}"
        raise ValueError(msg)
    return entry


def build_world(document: Any, *, now: datetime | None = None, clock: Clock | None = None) -> World:
    """The world of a fleet document, a dump or this file's YAML. ValueError in one sentence when it can't be read."""
    try:
        return _build(document, now, clock)
    except KeyError as problem:
        msg = f"fleet file: an entry has no {problem}; see the example in the documentation of the simulator"
        raise ValueError(msg) from problem
    except (TypeError, AttributeError) as problem:
        msg = f"fleet file: a value has the wrong shape ({problem}); expected for example clusters: [{{name: web-dev}}]"
        raise ValueError(msg) from problem


def _build(document: Any, now: datetime | None, clock: Clock | None) -> World:
    from lamplighter.simulator.fleet_dump import clusters_of_dump, is_dump  # noqa: PLC0415

    if is_dump(document):
        world = _empty_world({}, now, clock)
        for cluster in clusters_of_dump(document):
            _add(world, cluster)
        return world
    top = _known(document, _TOP, "fleet file")
    world = _empty_world(top, now, clock)
    for entry in top.get("subscriptions") or [{"id": FIRST_SUBSCRIPTION, "name": "dev"}]:
        _add_subscription(world, _known(entry, _SUBSCRIPTION, "subscriptions"))
    for entry in top.get("groups") or []:
        _add_group(world, _known(entry, _GROUP, "groups"))
    for entry in top.get("clusters") or []:
        _add_clusters(world, _known(entry, _CLUSTER, "clusters"))
    if "market" in top:
        open_market(world, _known(top["market"], _MARKET, "market"))
    if "nodes" in top:
        delay_nodes(world, _known(top["nodes"], _NODES, "nodes"))
    if "billing" in top:
        open_books(world, _known(top["billing"], _BILLING, "billing"))
    return world


def _empty_world(top: dict[str, Any], now: datetime | None, clock: Clock | None) -> World:
    from lamplighter.simulator.world import TENANT, World  # noqa: PLC0415 - the world builds itself through here

    if clock is None:
        start = now or _instant(top.get("now")) or START
        clock = VirtualClock(start)
    lag = top.get("graph_lag", [60, 120])
    least, most = lag if isinstance(lag, list) else (lag, lag)
    seed = int(top.get("seed", 0))
    world = World(clock, tenant=str(top.get("tenant", TENANT)), seed=seed)
    world.usage.began_at = world.meter.began = world.now()
    world.graph = GraphHistory((timedelta(seconds=float(least)), timedelta(seconds=float(most))), seed)
    world.durations.seed = seed
    world.durations.spread = float(top.get("spread", 1.0))
    throttle = top.get("throttle", True)
    world.throttle.is_on = bool(throttle)
    world.throttle.graph_is_on = throttle is True
    world.page_size = int(top.get("page_size", 100))
    return world


def _instant(value: Any) -> datetime | None:
    if value is None:
        return None
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    # The YAML reader gives instants written with `Z` or an offset as naive UTC.
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _add_subscription(world: World, entry: dict[str, Any]) -> None:
    from lamplighter.simulator.world import Subscription  # noqa: PLC0415

    key = str(entry["id"]).lower()
    groups = tuple(str(group) for group in entry.get("management_groups") or ())
    world.subscriptions[key] = Subscription(str(entry["id"]), str(entry.get("name", entry["id"])), groups)
    if "lock" in entry:
        world.add_lock(f"/subscriptions/{key}", str(entry["lock"]))


def _subscription_id(world: World, name: Any) -> str:
    if name is None:
        return next(iter(world.subscriptions.values())).id
    for subscription in world.subscriptions.values():
        if str(name).lower() in (subscription.id.lower(), subscription.name.lower()):
            return subscription.id
    known = ", ".join(one.name for one in world.subscriptions.values())
    msg = f"subscription {name!r} is not listed under subscriptions; known are {known}"
    raise ValueError(msg)


def _add_group(world: World, entry: dict[str, Any]) -> None:
    key = _subscription_id(world, entry.get("subscription")).lower()
    name = str(entry["name"])
    group = (name, str(entry.get("location", "westeurope")), dict(entry.get("tags") or {}))
    world.subscriptions[key].groups[name.lower()] = group
    if "lock" in entry:
        world.add_lock(f"/subscriptions/{key}/resourcegroups/{name}", str(entry["lock"]))


def _add_clusters(world: World, entry: dict[str, Any]) -> None:
    from lamplighter.simulator.world import Member  # noqa: PLC0415

    for name in _names(entry):
        cluster = _cluster(world, entry, name)
        _add(world, cluster)
        if "lock" in entry:
            world.add_lock(cluster.id, str(entry["lock"]))
        if "logs" in entry:
            world.usage.collect(cluster, *_tables(entry["logs"]))
        if "fleet" in entry:
            member = Member(cluster.subscription, cluster.group, str(entry["fleet"]), cluster.key, name)
            world.members.append(member)


def _tables(listed: Any) -> list[str]:
    unknown = [str(one) for one in listed if one not in COLLECTABLE]
    if unknown:
        msg = f"logs: {unknown[0]!r} is no table that the app asks; known are {', '.join(COLLECTABLE)}"
        raise ValueError(msg)
    return list(listed)


def _names(entry: dict[str, Any]) -> Iterator[str]:
    if "name" not in entry:
        msg = f"clusters: an entry has no name: {entry!r}; expected for example name: web-dev"
        raise ValueError(msg)
    if "count" not in entry:
        return iter([str(entry["name"])])
    return (f"{entry['name']}-{number:05}" for number in range(1, int(entry["count"]) + 1))


def _cluster(world: World, entry: dict[str, Any], name: str) -> Cluster:
    properties = dict(entry.get("properties") or {})
    if "node_provisioning" in entry:
        properties["nodeProvisioningProfile"] = {"mode": str(entry["node_provisioning"])}
    if "kubernetes_version" in entry:
        properties["kubernetesVersion"] = str(entry["kubernetes_version"])
    power = str(entry.get("power", RUNNING))
    cluster = Cluster(
        _subscription_id(world, entry.get("subscription")),
        str(entry.get("resource_group", f"rg-{entry['name']}")),
        name,
        str(entry.get("location", "westeurope")),
        {str(key): str(value) for key, value in entry["tags"].items()} if entry.get("tags") is not None else None,
        {"name": str(entry.get("sku", "Base")), "tier": str(entry.get("tier", "Free"))},
        properties=properties,
        state=str(entry.get("state", "Failed" if "error" in entry else "Succeeded")),
        power=None if power.lower() == "none" else power,
        error=provisioning_error(str(entry["error"])) if "error" in entry else None,
    )
    pools = entry.get("pools") or [{"name": "system", "mode": "System", "count": 3}]
    cluster.pools = [_pool(_known(pool, _POOL, f"pools of {name}"), cluster) for pool in pools]
    return cluster


def _pool(entry: dict[str, Any], cluster: Cluster) -> Pool:
    properties: dict[str, Any] = {"count": int(entry.get("count", 1))}
    names = {"mode": "mode", "size": "vmSize", "type": "type", "os": "osType", "min": "minCount", "max": "maxCount"}
    properties.update({target: entry[source] for source, target in names.items() if source in entry})
    if "min" in entry or "max" in entry or "autoscaling" in entry:
        properties["enableAutoScaling"] = bool(entry.get("autoscaling", True))
    if "zones" in entry:
        properties["availabilityZones"] = [str(zone) for zone in entry["zones"]]
    if "priority" in entry:
        properties["scaleSetPriority"] = str(entry["priority"])
    if str(entry.get("priority", "")).lower() == "spot":
        properties |= {"nodeLabels": dict(SPOT_LABELS), "nodeTaints": [SPOT_TAINT], "spotMaxPrice": -1}
    if "kubernetesVersion" in cluster.properties:
        properties["orchestratorVersion"] = cluster.properties["kubernetesVersion"]
    properties.update(entry.get("properties") or {})
    down = cluster.power == STOPPED
    pool = Pool(str(entry["name"]), properties, str(entry.get("state", "Succeeded")))
    pool.error = provisioning_error(str(entry["error"])) if "error" in entry else None
    if str(entry.get("power", RUNNING)) == STOPPED:
        pool.power, pool.saved = STOPPED, {"count": properties["count"]}
        properties["count"] = 0
    elif down:
        pool.power, pool.down_with_cluster = STOPPED, True
    return pool


def _add(world: World, cluster: Cluster) -> None:
    """Put a cluster into the world, with its subscription and resource group; what runs is on from now."""
    from lamplighter.simulator.world import Subscription  # noqa: PLC0415

    now = world.usage.began_at or world.now()  # a clock that runs has gone on since the world began
    subscription = world.subscriptions.setdefault(
        cluster.subscription.lower(), Subscription(cluster.subscription, cluster.subscription)
    )
    subscription.groups.setdefault(cluster.group.lower(), (cluster.group, cluster.location, {}))
    if cluster.key in world.clusters:
        msg = f"clusters: {cluster.id} is described twice"
        raise ValueError(msg)
    world.clusters[cluster.key] = cluster
    if cluster.power != STOPPED:
        cluster.log.on(now)
        for pool in cluster.pools:
            if pool.power == RUNNING:
                pool.log.on(now)
