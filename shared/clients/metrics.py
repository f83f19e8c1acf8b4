"""Platform metrics of many clusters in few calls: up to 50 of one subscription and region each.

From: https://learn.microsoft.com/azure/azure-monitor/metrics/migrate-to-batch-api; metrics and dimensions:
https://learn.microsoft.com/azure/aks/monitor-aks-reference
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from json import loads
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from shared.clients import answers
from shared.clients.azure import Cloud
from shared.errors import CloudError, Forbidden, NoReply, NotFound, Refused
from shared.model.fleet import Cluster
from shared.model.samples import Measure, Series, Window

if TYPE_CHECKING:
    from azure.monitor.querymetrics import MetricsClient

    from shared.clients.pipeline import Patience

API_VERSION = "2024-02-01"
NAMESPACE = "Microsoft.ContainerService/managedClusters"
CPU, NETWORK, PODS = "node_cpu_usage_percentage", "node_network_in_bytes", "kube_pod_status_phase"
CONDITION = "kube_node_status_condition"
CLUSTERS_A_CALL = 50
CALLS_AT_ONCE = 8
HALVINGS = 14
"""More calls that a refused batch may cost: one bad cluster of 50 is found with 12."""
CONTEXT = timedelta(hours=1)
"""Nodes are read so much further back: a counter shows itself only over many points."""
# The service stops at `top` series of a cluster (10 when it isn't named) without a word, so reaching it is a problem.
NODES = 5_000
PHASES = 4_000
OPTIONS: Mapping[str, Any] = MappingProxyType(
    {"retry_on_methods": frozenset({"POST"}), "retry_read": 0, "read_timeout": 40}
)
"""These POSTs only read, so they may be repeated; one that takes long is left for the next look."""
GRANT = "give the app's identity the role Monitoring Reader on the subscription"

_MINUTE, _GRAIN, _HOUR = timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1)
# A longer window is read in coarser grains; the service has these.
_GRAINS = ((timedelta(hours=12), _GRAIN), (timedelta(days=3), timedelta(minutes=15)))
_REGION = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class _Ask:
    """One kind of call: metrics that share their dimensions."""

    metrics: tuple[str, ...]
    aggregation: str
    filter: str
    part: str
    name: str
    top: int
    begin: datetime
    end: datetime
    grain: timedelta

    def params(self) -> dict[str, str]:
        return {
            "api-version": API_VERSION,
            "starttime": f"{self.begin:%Y-%m-%dT%H:%M:%SZ}",
            "endtime": f"{self.end:%Y-%m-%dT%H:%M:%SZ}",
            "interval": f"PT{self.grain // _MINUTE}M" if self.grain < _HOUR else f"PT{self.grain // _HOUR}H",
            "metricnamespace": NAMESPACE,
            "metricnames": ",".join(self.metrics),
            "aggregation": self.aggregation,
            "filter": self.filter,
            "top": str(self.top),
        }

    def measure(self, series: Iterable[Series] = (), problem: str | None = None, *, refused: bool = False) -> Measure:
        return Measure(tuple(series), self.grain, problem, refused)


@dataclass(slots=True)
class _Batch:
    """Clusters of one subscription and region, and what one call is to bring of them."""

    region: str
    ids: tuple[str, ...]
    ask: _Ask
    patience: Patience
    halvings: int = HALVINGS
    found: dict[str, dict[str, Measure]] = field(default_factory=dict)


def measured(
    cloud: Cloud, clusters: Iterable[Cluster], window: Window, patience: Patience
) -> Mapping[str, Mapping[str, Measure]]:
    """Lower-case cluster id -> metric (CPU, NETWORK, PODS) -> what was measured, or why it could not be read.

    CPU in percent of a node, network in bytes as the service has them, pods as sums of one sample a minute. Never
    raises for Azure's sake: a call that fails leaves its clusters with a problem, and they alone.
    """
    return _run(cloud, clusters, (_nodes(window), _pods(window)), patience)


def conditions(cloud: Cloud, clusters: Iterable[Cluster], window: Window, patience: Patience) -> Mapping[str, Measure]:
    """Lower-case cluster id -> lines of its nodes' condition Ready, minute by minute: (status, node), 1 while it is so.

    Where a cluster has no line, its pods are measured and no node of it works, it has none: see `others_came_in`.
    Never raises for Azure's sake.
    """
    asked = {cluster.id: cluster for cluster in clusters}
    found = {id_: one[CONDITION] for id_, one in _run(cloud, asked.values(), (_conditions(window),), patience).items()}
    bare = [asked[id_] for id_, one in found.items() if one.problem is None and not one.series]
    if bare:
        found |= {
            id_: replace(found[id_], others_came_in=_no_node(one, window.begin))
            for id_, one in measured(cloud, bare, window, patience).items()
        }
    return found


def _no_node(measures: Mapping[str, Measure], since: datetime) -> bool:
    """Its pods are measured, by the control plane, and no node of it is."""
    works = any(at >= since for series in measures[CPU].series for at, _ in series.points)
    return bool(measures[PODS].series) and measures[CPU].problem is None and not works


def _run(
    cloud: Cloud, clusters: Iterable[Cluster], asks: tuple[_Ask, ...], patience: Patience
) -> dict[str, dict[str, Measure]]:
    batches = [_Batch(region, ids, ask, patience) for region, ids in _lanes(clusters) for ask in asks]
    clients = {region: _client(cloud, region) for region in {batch.region for batch in batches}}
    _each(batches, lambda batch: _read(clients[batch.region], batch, batch.ids))
    found: dict[str, dict[str, Measure]] = {}
    for batch in batches:
        for id_, measures in batch.found.items():
            found.setdefault(id_, {}).update(measures)
    return found


def _each(batches: list[_Batch], read: Callable[[_Batch], None]) -> None:
    """Two calls, which is one region, are not worth threads."""
    if len(batches) <= 2:
        for batch in batches:
            read(batch)
        return
    with ThreadPoolExecutor(min(CALLS_AT_ONCE, len(batches))) as pool:
        for _ in pool.map(read, batches):
            pass


def is_region(text: str) -> bool:
    """Whether a location can stand in a host name: nothing else may lead a token there."""
    return _REGION.fullmatch(text) is not None


def _lanes(clusters: Iterable[Cluster]) -> Iterator[tuple[str, tuple[str, ...]]]:
    lanes: dict[tuple[str, str], list[str]] = {}
    for cluster in clusters:
        lanes.setdefault((cluster.subscription.casefold(), cluster.location.casefold()), []).append(cluster.id)
    for (_, region), ids in sorted(lanes.items()):
        ids.sort()
        for start in range(0, len(ids), CLUSTERS_A_CALL):
            yield region, tuple(ids[start : start + CLUSTERS_A_CALL])


def _grain(window: Window) -> timedelta:
    length = window.end - window.begin
    return next((grain for longest, grain in _GRAINS if length <= longest), _HOUR)


def _nodes(window: Window) -> _Ask:
    grain = _grain(window)
    begin = min(window.begin, window.end - CONTEXT)
    return _Ask(
        (CPU, NETWORK), "average", "nodepool eq '*' and node eq '*'", "nodepool", "node", NODES,
        _floor(begin, grain), window.end, grain,
    )  # fmt: skip


def _pods(window: Window) -> _Ask:
    grain = _grain(window)
    return _Ask(
        (PODS,), "total", "namespace eq '*' and phase eq 'Running' or phase eq 'Pending'", "namespace", "phase", PHASES,
        _floor(window.begin, grain) - grain, window.end, _MINUTE if grain == _GRAIN else grain,
    )  # fmt: skip


def _conditions(window: Window) -> _Ask:
    return _Ask(
        (CONDITION,), "average", "condition eq 'Ready' and status eq '*' and node eq '*'", "status", "node", NODES,
        _floor(window.begin, _MINUTE), window.end, _MINUTE,
    )  # fmt: skip


def _floor(at: datetime, grain: timedelta) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return at - (at - midnight) % grain


def _client(cloud: Cloud, region: str) -> MetricsClient:
    from azure.monitor.querymetrics import MetricsClient  # noqa: PLC0415 - imported at the first call

    pipeline = cloud.pipeline_for(cloud.endpoint.metrics_scope)
    return MetricsClient(cloud.endpoint.metrics.format(region=region), cloud.credential, pipeline=pipeline)


def _read(client: MetricsClient, batch: _Batch, ids: tuple[str, ...]) -> None:
    """Fills `batch.found` for these clusters. A refused call is halved, until whose fault it is stands alone."""
    doing = f"reading the metrics of {f'{len(ids)} clusters' if len(ids) > 1 else 'the cluster'} in {batch.region}"
    try:
        found = _found(batch.ask, _sent(client, batch, ids, doing), doing)
    except (NotFound, Refused) as problem:
        if len(ids) == 1 or batch.halvings < 2:
            _fail(batch, ids, str(problem), refused=isinstance(problem, Refused))
            return
        batch.halvings -= 2
        middle = len(ids) // 2
        _read(client, batch, ids[:middle])
        _read(client, batch, ids[middle:])
    except Forbidden as problem:
        _fail(batch, ids, f"{problem}; {GRANT}", refused=True)
    except CloudError as problem:
        _fail(batch, ids, str(problem))
    else:
        # What is absent from the answer is measured as nothing, which is a gap.
        nothing = {metric: batch.ask.measure() for metric in batch.ask.metrics}
        batch.found.update({id_: nothing | found.get(id_, {}) for id_ in ids})


def _sent(client: MetricsClient, batch: _Batch, ids: tuple[str, ...], doing: str) -> bytes:
    """The answer as it came. `query_resources` builds an object of every point: 10 times the work, and it drops whose
    point it is and what went wrong with one metric."""
    from azure.core.rest import HttpRequest  # noqa: PLC0415 - as above

    url = f"/subscriptions/{ids[0].split('/')[2]}/metrics:getBatch"
    request = HttpRequest("POST", url, params=batch.ask.params(), json={"resourceids": ids})
    with answers.answering(doing):
        response = client.send_request(request, patience=batch.patience, **OPTIONS)
        body = answers.body_of(response)
    if response.status_code != 200:
        raise answers.refusal(doing, response.status_code, body, response.headers)
    return body


def _fail(batch: _Batch, ids: Iterable[str], problem: str, *, refused: bool = False) -> None:
    for id_ in ids:
        batch.found[id_] = {metric: batch.ask.measure(problem=problem, refused=refused) for metric in batch.ask.metrics}


def _found(ask: _Ask, body: bytes, doing: str) -> dict[str, dict[str, Measure]]:
    """Lower-case cluster id -> metric -> measure, of those that the answer has. CloudError when it can't be read."""
    found: dict[str, dict[str, Measure]] = {}
    try:
        for result in loads(body)["values"]:
            measures = {str(one["name"]["value"]).lower(): _measure(ask, one) for one in result["value"]}
            found.setdefault(str(result["resourceid"]).lower(), {}).update(measures)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoReply(f"{doing}: Azure's answer could not be read ({type(error).__name__})") from None
    return found


def _measure(ask: _Ask, metric: Mapping[str, Any]) -> Measure:
    name, code = metric["name"]["value"], metric.get("errorCode") or "Success"
    if code != "Success":
        return ask.measure(problem=f"{name} could not be read: {code} {metric.get('errorMessage') or ''}".rstrip())
    timeseries = metric.get("timeseries") or ()
    if len(timeseries) >= ask.top:
        return ask.measure(problem=f"{name} has more than {ask.top} series, so some may be missing")
    return ask.measure(_series(ask, one) for one in timeseries)


def _series(ask: _Ask, element: Mapping[str, Any]) -> Series:
    names = {str(one["name"]["value"]).lower(): str(one["value"]) for one in element.get("metadatavalues") or ()}
    points = tuple(
        (datetime.fromisoformat(one["timeStamp"]).astimezone(UTC), float(value))
        for one in element.get("data") or ()
        if (value := one.get(ask.aggregation)) is not None
    )
    return Series(names.get(ask.part, ""), names.get(ask.name, ""), points)
