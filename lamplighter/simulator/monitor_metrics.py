"""Azure Monitor's metrics in batches: POST https://<region>.metrics.monitor.azure.com/subscriptions/../metrics:getBatch.

From: https://learn.microsoft.com/rest/api/monitor/metrics-batch/batch. Where it is silent, the stricter reading: one
unknown resource refuses the batch, and so does one of another region.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.events import instant
from lamplighter.simulator.identity import check_audience
from lamplighter.simulator.refusals import Refusal, no_such_resource
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.resources import Cluster, Pool
    from lamplighter.simulator.world import World

NAMESPACE = "microsoft.containerservice/managedclusters"
AUDIENCE = "https://metrics.monitor.azure"
VERSIONS = ("2023-10-01", "2024-02-01")
RESOURCES, TOP = 50, 10
GRAINS = {f"PT{number}{unit}": timedelta(minutes=number if unit == "M" else 60 * number)
          for number, unit in ((1, "M"), (5, "M"), (15, "M"), (30, "M"), (1, "H"), (6, "H"), (12, "H"))}  # fmt: skip
_TERM = re.compile(r"(\w+) eq '([^']*)'")
_FILTER = re.compile(r"\w+ eq '[^']*'(?: (?:and|or) \w+ eq '[^']*')*")
_MINUTE = timedelta(minutes=1)
QUIET = {"cpu": (3.0, 2.0), "network": (0.8e6, 0.2e6)}
BUSY = {"cpu": (38.0, 8.0), "network": (30e6, 5e6)}
"""(value, noise on top): percent; bytes a minute."""
SYSTEM_PODS, APP_PODS = 10, 3


@dataclass(frozen=True, slots=True)
class _Query:
    """What is asked of each resource."""

    world: World
    begin: datetime
    end: datetime
    grain: timedelta
    aggregation: str
    terms: tuple[tuple[str, str], ...]
    top: int

    def fits(self, dimension: str, value: str) -> bool:
        wanted = [text for name, text in self.terms if name == dimension]
        return not wanted or "*" in wanted or value.lower() in wanted

    def splits(self, dimension: str) -> bool:
        return any(name == dimension for name, _ in self.terms)

    def grains(self) -> Iterator[datetime]:
        """Only what has come in: the newest minutes are on their way."""
        at = self.begin
        while at < self.end and at + self.grain <= self.world.now() - self.world.usage.metric_lag:
            yield at
            at += self.grain


_Line = tuple[dict[str, str], Callable[[datetime], float | None]]


def get_batch(world: World, request: Request) -> Response:
    check_audience(request, AUDIENCE)
    if request.query.get("api-version") not in VERSIONS:
        raise _bad(f"the api-version must be one of {', '.join(VERSIONS)}")
    if request.query.get("metricnamespace", "").lower() != NAMESPACE:
        raise _bad(f"the metric namespace must be {NAMESPACE}")
    clusters = _clusters(world, request)
    names = request.query.get("metricnames", "").lower().split(",")
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise _bad(f"the metric {unknown[0]!r} is not known; known are {', '.join(METRICS)}")
    query = _query(world, request, names)
    return reply(200, {"values": [_result(query, cluster, names) for cluster in clusters]})


def _bad(text: str) -> Refusal:
    return Refusal(400, "BadRequest", f"The metrics request is not valid: {text}.")


def _clusters(world: World, request: Request) -> list[Cluster]:
    ids = request.json().get("resourceids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= RESOURCES:
        raise _bad(f"resourceids must be 1 to {RESOURCES} ids")
    found = []
    for id_ in ids:
        cluster = world.clusters.get(str(id_).lower())
        if cluster is None:
            parts = str(id_).split("/")
            raise no_such_resource("Microsoft.ContainerService/managedClusters", parts[-1], "".join(parts[4:5]))
        found.append(cluster)
    lanes = {(one.subscription.lower(), one.location) for one in found}
    host = request.base_url.partition("//")[2]
    region = host.partition(".")[0] if ".metrics.monitor.azure." in host else found[0].location
    if lanes != {(request.parts[1].lower(), region)}:
        raise _bad(f"all resources must be of the subscription in the URL and of {region}")
    return found


def _query(world: World, request: Request, names: list[str]) -> _Query:
    ask = request.query
    grain = GRAINS.get(ask.get("interval", "PT1M"))
    try:
        begin, end = (datetime.fromisoformat(ask[name]).astimezone(UTC) for name in ("starttime", "endtime"))
        top = int(ask.get("top", TOP))
    except (KeyError, ValueError) as problem:
        raise _bad(str(problem)) from problem
    text, aggregation = ask.get("filter", ""), ask.get("aggregation", "average").lower()
    terms = tuple((name.lower(), value.lower()) for name, value in _TERM.findall(text))
    dimensions = frozenset[str].intersection(*(METRICS[name].dimensions for name in names))
    if grain is None or begin >= end or (text and not _FILTER.fullmatch(text)):
        raise _bad("interval, starttime, endtime or filter can't be read")
    if any(name not in dimensions for name, _ in terms):
        raise _bad(f"the filter may name {', '.join(sorted(dimensions))}")
    if any(aggregation not in METRICS[name].aggregations for name in names):
        raise _bad(f"the aggregation {aggregation!r} is not one of these metrics")
    return _Query(world, begin, end, grain, aggregation, terms, top)


def _result(query: _Query, cluster: Cluster, names: list[str]) -> dict[str, Any]:
    return {
        "starttime": instant(query.begin),
        "endtime": instant(query.end),
        "interval": next(name for name, grain in GRAINS.items() if grain == query.grain),
        "namespace": "Microsoft.ContainerService/managedClusters",
        "resourceregion": cluster.location,
        "resourceid": cluster.id,
        "value": [_metric(query, cluster, name) for name in names],
    }


def _metric(query: _Query, cluster: Cluster, name: str) -> dict[str, Any]:
    metric = METRICS[name]
    series = []
    for dimensions, value in metric.lines(query, cluster):
        points = [{"timeStamp": instant(at), query.aggregation: value(at)} for at in query.grains()]
        points = [
            point if point[query.aggregation] is not None else {"timeStamp": point["timeStamp"]} for point in points
        ]
        if any(len(point) > 1 for point in points):
            named = [{"name": {"value": key, "localizedValue": key}, "value": text} for key, text in dimensions.items()]
            series.append({"metadatavalues": named, "data": points})
    return {
        "id": f"{cluster.id}/providers/Microsoft.Insights/metrics/{name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": name},
        "unit": metric.unit,
        "timeseries": series[: query.top] if query.terms else series,
        "errorCode": "Success",
    }


def _nodes(kind: str) -> Callable[[_Query, Cluster], Iterator[_Line]]:
    def lines(query: _Query, cluster: Cluster) -> Iterator[_Line]:
        pools = [pool for pool in cluster.pools if query.fits("nodepool", pool.name)]
        if not (query.splits("node") and query.splits("nodepool")):
            raise _bad("the simulator tells nodes apart: filter by nodepool and node")
        for pool in pools:
            for number in range(int(pool.value("count") or pool.saved.get("count") or 0)):
                node = f"aks-{pool.name}-12345678-vmss{number:06}"
                if query.fits("node", node):
                    # One node works, that of the last pool: an average over nodes must not hide it.
                    works = number == 0 and pool is cluster.pools[-1]
                    yield {"node": node, "nodepool": pool.name}, _node(query, cluster, (pool, node, kind), works=works)

    return lines


def _node(
    query: _Query, cluster: Cluster, what: tuple[Pool, str, str], *, works: bool
) -> Callable[[datetime], float | None]:
    usage = query.world.usage
    pool, node, kind = what

    def value(at: datetime) -> float | None:
        if not usage.is_seen(cluster.key, pool.log, at) or query.world.readiness.is_bare(
            query.world, cluster, pool, at
        ):
            return None
        if kind == "network" and usage.counters:
            begin = datetime(2026, 1, 1, tzinfo=UTC)
            used = usage.share(cluster.key, kind, begin, at + query.grain) if works else 0.0
            minutes = (at + query.grain - begin) / _MINUTE
            return minutes * (QUIET[kind][0] + used * BUSY[kind][0])
        used = usage.share(cluster.key, kind, at, at + query.grain) if works else 0.0
        noise = zlib.crc32(f"{cluster.key}|{node}|{kind}|{at.timestamp()}".encode()) / 2**32
        (quiet, low), (busy, high) = QUIET[kind], BUSY[kind]
        return round((1 - used) * (quiet + low * noise) + used * (busy + high * noise), 3)

    return value


def _phases(query: _Query, cluster: Cluster) -> Iterator[_Line]:
    usage = query.world.usage
    samples = query.grain / _MINUTE

    def running(namespace: str) -> Callable[[datetime], float | None]:
        def value(at: datetime) -> float | None:
            if not usage.is_seen(cluster.key, cluster.log, at):
                return None
            if namespace == "kube-system":
                return SYSTEM_PODS * samples
            slot = at - (at - datetime(2026, 1, 1, tzinfo=UTC)) % timedelta(minutes=5)
            used = usage.share(cluster.key, "pods", slot, slot + timedelta(minutes=5)) > 0
            return (APP_PODS + used * (1 + slot.minute // 5 % 3)) * samples

        return value

    for namespace in ("kube-system", "shop"):
        if query.fits("namespace", namespace) and query.fits("phase", "running"):
            yield {"namespace": namespace, "phase": "Running"}, running(namespace)


def _conditions(query: _Query, cluster: Cluster) -> Iterator[_Line]:
    """The condition Ready of each node, in the statuses that it had. A node that is lost has no line."""
    if not (query.splits("node") and query.splits("status")):
        raise _bad("the simulator tells nodes and statuses apart: filter by node and status")
    world = query.world
    for pool in cluster.pools:
        for number in range(int(pool.value("count") or pool.saved.get("count") or 0)):
            node = f"aks-{pool.name}-12345678-vmss{number:06}"
            for status in ("true", "false"):
                if query.fits("node", node) and query.fits("status", status) and query.fits("condition", "ready"):
                    names = {"condition": "Ready", "status": status, "node": node}
                    yield names, _condition(world, cluster, (pool, number, status))


def _condition(world: World, cluster: Cluster, what: tuple[Pool, int, str]) -> Callable[[datetime], float | None]:
    pool, number, status = what

    def value(at: datetime) -> float | None:
        if world.usage.is_dark(cluster.key, at):
            return None
        ready, joined = world.readiness.at(world, cluster, pool, at)
        shown = number < ready if status == "true" else ready <= number < joined
        return 1.0 if shown else None

    return value


@dataclass(frozen=True, slots=True)
class _Metric:
    unit: str
    dimensions: frozenset[str]
    aggregations: frozenset[str]
    lines: Callable[[_Query, Cluster], Iterator[_Line]]


_NODE, _POD = frozenset({"node", "nodepool"}), frozenset({"namespace", "phase", "pod"})
_STATUS = frozenset({"condition", "status", "status2", "node"})
METRICS = {
    "node_cpu_usage_percentage": _Metric("Percent", _NODE, frozenset({"average", "maximum"}), _nodes("cpu")),
    "node_network_in_bytes": _Metric("Bytes", _NODE, frozenset({"average", "maximum"}), _nodes("network")),
    "kube_node_status_condition": _Metric("Count", _STATUS, frozenset({"average", "total"}), _conditions),
    "kube_pod_status_phase": _Metric("Count", _POD, frozenset({"average", "total"}), _phases),
}
