"""Azure Resource Graph: POST /providers/Microsoft.ResourceGraph/resources.

Behaves as documented: 1,000 rows a page, `$skipToken` only when the rows carry `id` and nothing limits them (otherwise
`resultTruncated` says so), 15 queries per 5 seconds, and it lags behind the provider.
From: https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data and
https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamplighter.simulator import belongings
from lamplighter.simulator.kql import parse
from lamplighter.simulator.kql_plan import Plan, compile_query, step
from lamplighter.simulator.kql_syntax import QueryError
from lamplighter.simulator.market_rows import instance_rows, spot_rows
from lamplighter.simulator.monitor_alerts import alert_row
from lamplighter.simulator.platform_routes import fleet_id, group_body, member_body, subscription_body
from lamplighter.simulator.refusals import Refusal
from lamplighter.simulator.resource_bodies import cluster_properties, cluster_property
from lamplighter.simulator.resources import Cluster
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

PAGE = 1000
COLUMNS = (
    "id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy", "sku", "plan",
    "properties", "tags", "identity", "zones", "extendedLocation",
)  # fmt: skip
CLUSTER_TYPE = "microsoft.containerservice/managedclusters"
TABLES = (
    "resources", "aksresources", "resourcecontainers", "computeresources", "spotresources", "alertsmanagementresources",
)  # fmt: skip
UNKEPT = frozenset({"computeresources", "spotresources", "alertsmanagementresources"})
"""Tables whose answers are made anew each time: they move without a cluster's change."""


def _graph_id(cluster: Cluster) -> str:
    return (
        f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster.group}"
        f"/providers/Microsoft.ContainerService/managedClusters/{cluster.name}"
    )


_CLUSTER_COLUMNS: dict[str, Callable[[Cluster], Any]] = {
    "id": _graph_id,
    "name": lambda cluster: cluster.name,
    "type": lambda _cluster: CLUSTER_TYPE,
    "kind": lambda _cluster: "",
    "location": lambda cluster: cluster.location,
    "resourceGroup": lambda cluster: cluster.group.lower(),
    "subscriptionId": lambda cluster: cluster.subscription,
    "managedBy": lambda _cluster: "",
    "sku": lambda cluster: cluster.sku,
    "properties": cluster_properties,
    "tags": lambda cluster: cluster.tags,
    "identity": lambda cluster: cluster.identity,
}


@dataclass(slots=True)
class ClusterRow:
    """A managed cluster in the table Resources: no etag, lower-case type and resource group."""

    cluster: Cluster
    tenant: str

    @property
    def key(self) -> str:
        return self.cluster.key

    def column(self, name: str) -> Any:
        if name == "tenantId":
            return self.tenant
        made = _CLUSTER_COLUMNS.get(name)
        return None if made is None else made(self.cluster)

    def below(self, root: str, name: str | int) -> Any:
        if root == "properties":
            return cluster_property(self.cluster, str(name))
        return step(self.column(root), name)


@dataclass(slots=True)
class PlainRow:
    """A row of anything that is not a cluster."""

    values: dict[str, Any]

    @property
    def key(self) -> str:
        return str(self.values["id"]).lower()

    def column(self, name: str) -> Any:
        return self.values.get(name)

    def below(self, root: str, name: str | int) -> Any:
        return step(self.values.get(root), name)


def _plain(world: World, body: dict[str, Any], subscription: str, group: str = "") -> PlainRow:
    row = {"tenantId": world.tenant, "subscriptionId": subscription, "resourceGroup": group.lower(), **body}
    row["type"] = str(body["type"]).lower()
    return PlainRow(row)


def table_rows(world: World, table: str, scope: frozenset[str], query: str = "") -> list[Any]:
    """The rows of a table in the order of their ids, of those subscriptions (lower-case ids), as `query` needs them."""
    match table:
        case "resources":
            clusters = world.graph.rows(world.clusters)
            everything = len(scope) == len(world.subscriptions)
            rows: list[Any] = [
                ClusterRow(one, world.tenant) for one in clusters if everything or one.subscription.lower() in scope
            ]
            loose = (_plain(world, *one) for one in belongings.rows(world, scope, query))
            others = [*_fleet_rows(world, scope), *_silence_rows(world, scope), *loose]
            return sorted([*rows, *others], key=lambda row: row.key) if others else rows
        case "aksresources":
            members = [one for one in world.members if one.subscription.lower() in scope]
            found = [_plain(world, member_body(world, one), one.subscription, one.group) for one in members]
        case "computeresources":
            found = [_plain(world, *one) for one in instance_rows(world, scope)]
        case "alertsmanagementresources":
            found = [_plain(world, alert_row(one), one.id.split("/")[2]) for one in world.monitor.instances]
        case "spotresources":
            found = [_plain(world, body, "") for body in spot_rows(world)]
        case _:
            found = list(_container_rows(world, scope))
    return sorted(found, key=lambda row: row.key)


def _fleet_rows(world: World, scope: frozenset[str]) -> Iterable[PlainRow]:
    fleets = {fleet_id(member): member for member in world.members if member.subscription.lower() in scope}
    for key, member in fleets.items():
        body = {"id": key, "name": member.fleet, "type": "Microsoft.ContainerService/fleets", "properties": {}}
        yield _plain(world, body, member.subscription, member.group)


def _silence_rows(world: World, scope: frozenset[str]) -> Iterable[PlainRow]:
    for key, body in world.monitor.silences.items():
        subscription, group = key.split("/")[2], key.split("/")[4]
        if subscription in scope:
            yield _plain(world, body, subscription, group)


def _container_rows(world: World, scope: frozenset[str]) -> Iterable[PlainRow]:
    for key, subscription in world.subscriptions.items():
        if key not in scope:
            continue
        chain = [{"name": name, "displayName": name} for name in subscription.management_groups]
        body = subscription_body(world, subscription)
        properties = {"state": "Enabled", "managementGroupAncestorsChain": chain}
        row = {"id": body["id"], "name": subscription.name, "type": "Microsoft.Resources/subscriptions"}
        yield _plain(world, {**row, "properties": properties}, subscription.id)
        for group in subscription.groups.values():
            found = group_body(subscription.id, group)
            kind = "Microsoft.Resources/subscriptions/resourceGroups"
            yield _plain(world, {**found, "type": kind}, subscription.id, group[0])


@dataclass(slots=True)
class Prepared:
    """A compiled query with its rows, and the answers already written: a page is then a join of bytes."""

    plan: Plan
    generation: int = -1
    rows: list[Any] = field(default_factory=list)
    written: dict[str, bytes] = field(default_factory=dict)

    def page(self, begin: int, end: int) -> bytes:
        return b"[" + b",".join([self._write(row) for row in self.rows[begin:end]]) + b"]"

    def _write(self, row: Any) -> bytes:
        if not self.plan.by_source:
            return _dump(self.plan.shape(row))
        key = row.key
        found = self.written.get(key)
        if found is None:
            found = self.written[key] = _dump(self.plan.shape(row))
        return found


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def prepare(world: World, text: str, scope: frozenset[str]) -> Prepared:
    """From the cache when the same question was asked before; rows are refreshed when anything became visible since."""
    caches: dict[tuple[str, frozenset[str]], Prepared] = world.caches.setdefault("graph", {})
    prepared = caches.get((text, scope))
    if prepared is None:
        query = parse(text)
        if query.table not in TABLES:
            raise QueryError(f"Table {query.table!r} is unknown; known are {', '.join(TABLES)}")
        prepared = Prepared(compile_query(query, COLUMNS))
        if len(caches) >= 16:
            caches.pop(next(iter(caches)))
        caches[text, scope] = prepared
    generation = world.graph.generation
    if prepared.generation != generation or prepared.plan.table in UNKEPT:
        for key in world.graph.changed[max(prepared.generation, 0) : generation]:
            prepared.written.pop(key, None)
        if prepared.plan.table in UNKEPT or belongings.asked_for(text):
            prepared.written.clear()
        prepared.rows = prepared.plan.rows(table_rows(world, prepared.plan.table, scope, text))
        prepared.generation = generation
    return prepared


def query_resources(world: World, request: Request) -> Response:
    """One page. The body's `subscriptions` and `managementGroups` narrow the scope; without both it is the tenant."""
    left, resets = world.throttle.take_graph(world.now())
    quota = {"x-ms-user-quota-remaining": str(max(left, 0)), "x-ms-user-quota-resets-after": f"00:00:{resets:02}"}
    if left < 0:
        text = "Please provide below info when asking for support: the client has been throttled."
        raise Refusal(429, "RateLimiting", text, {**quota, "Retry-After": str(resets)})
    body = request.json()
    options = body.get("options") or {}
    try:
        prepared = prepare(world, str(body.get("query") or ""), _scope(world, body))
    except QueryError as problem:
        raise _bad_query(problem) from problem
    if str(options.get("resultFormat", "objectArray")).lower() != "objectarray":
        raise _bad_query(QueryError("this simulator answers resultFormat objectArray only"))
    begin = _offset(options.get("$skipToken")) or int(options.get("$skip") or 0)
    size = min(int(options.get("$top") or PAGE), PAGE)
    return reply(200, _answer(prepared, begin, begin + size), quota)


def _answer(prepared: Prepared, begin: int, end: int) -> bytes:
    plan, total = prepared.plan, len(prepared.rows)
    shown = max(0, min(end, total) - begin)
    more = end < total
    # From: https://learn.microsoft.com/azure/governance/resource-graph/concepts/paging-results
    # A summary pages as well as long as one of its columns is no dynamic one; here that has to be called id.
    pageable = "id" in plan.columns and not plan.is_limited
    head: dict[str, Any] = {
        "totalRecords": total,
        "count": shown,
        "resultTruncated": "true" if more and not pageable else "false",
        "facets": [],
    }
    if more and pageable:
        head["$skipToken"] = base64.b64encode(json.dumps({"$id": "1", "RowsToSkip": end}).encode()).decode()
    return _dump(head)[:-1] + b',"data":' + prepared.page(begin, end) + b"}"


def _offset(token: Any) -> int:
    if not token:
        return 0
    try:
        return int(json.loads(base64.b64decode(str(token), validate=True))["RowsToSkip"])
    except (ValueError, KeyError) as problem:
        raise Refusal(400, "BadRequest", "The $skipToken is not valid.") from problem


def _scope(world: World, body: dict[str, Any]) -> frozenset[str]:
    """Lower-case subscription ids. Those one has no access to are left out without a word, as in Azure."""
    asked, groups = body.get("subscriptions"), body.get("managementGroups")
    if not asked and not groups:
        return frozenset(world.subscriptions)
    wanted = {str(one).lower() for one in asked or ()}
    names = {str(one).lower() for one in groups or ()}
    found = frozenset(
        key
        for key, one in world.subscriptions.items()
        if key in wanted or names.intersection(name.lower() for name in one.management_groups)
    )
    if not found:
        details = [
            {
                "code": "NoValidSubscriptionsInQueryRequest",
                "message": "There must be at least one subscription that is eligible to contain resources.",
            }
        ]
        raise Refusal(400, "BadRequest", "Please provide below info when asking for support.", details=details)
    return found


def _bad_query(problem: QueryError) -> Refusal:
    return Refusal(
        400,
        "BadRequest",
        "Please provide below info when asking for support: timestamp and correlationId of this request.",
        details=[
            {
                "code": "InvalidQuery",
                "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph service "
                "and fix the error before retrying.",
            },
            {
                "code": "ParserFailure",
                "message": str(problem),
                "line": problem.line,
                "characterPositionInLine": problem.column,
            },
        ],
    )
