"""The fleet in a few paged Resource Graph queries, whatever its size.

Resource Graph may lag behind by minutes: plan with it, decide with a fresh GET (`clusters.get`).
Paging, limits and the request's shape from:
https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources and
https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.clients.azure import Cloud
from shared.clients.graph import pages
from shared.clients.reading import Reader
from shared.errors import CloudError, Forbidden, InputError, NotFound, Refused
from shared.model.fleet import UNKNOWN_FLEET, Cluster, Inventory, Scope

if TYPE_CHECKING:
    from shared.clients.pipeline import Patience

# The subset of KQL in use: where TYPE =~, project (plain and NAME = PATH), order by id asc.
# Pools come whole: Resource Graph has no way to project the columns of a list's entries within one row.
CLUSTERS = """\
resources
| where type =~ 'microsoft.containerservice/managedclusters'
| project id, name, location, tags, tier = sku.tier, power = properties.powerState.code, \
state = properties.provisioningState, version = properties.kubernetesVersion, \
nodeProvisioning = properties.nodeProvisioningProfile.mode, nodeResourceGroup = properties.nodeResourceGroup, \
errorCode = properties.status.provisioningError.code, currentVersion = properties.currentKubernetesVersion, \
upgradeChannel = properties.autoUpgradeProfile.upgradeChannel, \
nodeChannel = properties.autoUpgradeProfile.nodeOSUpgradeChannel, supportPlan = properties.supportPlan, \
costAnalysis = properties.metricsProfile.costAnalysis.enabled, \
networkPlugin = properties.networkProfile.networkPlugin, networkMode = properties.networkProfile.networkPluginMode, \
pools = properties.agentPoolProfiles
| order by id asc"""

# Members of Fleet Managers stand in a table of their own:
# https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources
MEMBERS = """\
aksresources
| where type =~ 'microsoft.containerservice/fleets/members'
| project id, cluster = properties.clusterResourceId
| order by id asc"""

SUBSCRIPTIONS_A_QUERY = 300
IDS_A_QUERY = 100
"""Up to so many clusters are named in a query; beyond, their subscriptions are read."""
SUBSCRIPTIONS_VERSION = "2022-12-01"
MANAGEMENT_GROUP_VERSION = "2021-04-01"
PATIENCE_SECONDS = 90.0
"""How long one reading of the fleet may sleep in all."""

GRANT = "give the app's identity the role Reader"


@dataclass(slots=True)
class _Reading:
    """What one inventory has gathered so far."""

    patience: Patience
    row: Callable[[Mapping[str, Any]], Cluster]
    found: dict[str, Cluster] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def inventory(cloud: Cloud, scope: Scope, now: datetime) -> Inventory:
    """All clusters of the scope, by id, each once. `now` is aware UTC and becomes `Inventory.at`.

    Never raises for Azure's sake: what could not be read is a sentence in `problems`, so that a fleet of which a part
    is missing can't be taken for a small one. Subscriptions and groups that show no cluster are asked about: Resource
    Graph leaves out what the identity may not read, without a word.
    """
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - azure-core is imported at the first call

    patience = Patience(PATIENCE_SECONDS)
    members, problem = _members(cloud, patience)
    fleet_of = (lambda _: UNKNOWN_FLEET) if members is None else members.get
    reading = _Reading(patience, Reader(fleet_of).row, problems=[problem] if problem else [])
    for what in _scopes(scope):
        _read_scope(cloud, what, reading)
    clusters = tuple(reading.found[id_] for id_ in sorted(reading.found))
    return Inventory(now, clusters, tuple(reading.problems))


def some(cloud: Cloud, ids: Sequence[str], now: datetime) -> Inventory:
    """These clusters, in one query or a few; of which Fleet Manager one is a member is not asked. Never raises."""
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - as above

    reading = _Reading(Patience(PATIENCE_SECONDS), Reader().row)
    wanted = frozenset(ids)
    few = [id_ for id_ in ids if "'" not in id_] if len(ids) <= IDS_A_QUERY else []
    named = ", ".join(f"'{id_}'" for id_ in few)
    first, rest = CLUSTERS.split("\n| project", 1)
    query = f"{first}\n| where id in~ ({named})\n| project{rest}" if few else CLUSTERS
    for what in _scopes(Scope(subscriptions=tuple(sorted({id_.split("/")[2] for id_ in ids})))):
        _read_rows(cloud, (query, what), "reading clusters with capacity groups", reading)
    clusters = tuple(reading.found[id_] for id_ in sorted(reading.found.keys() & wanted))
    return Inventory(now, clusters, tuple(reading.problems))


def _scopes(scope: Scope) -> Iterator[dict[str, list[str]]]:
    """One query's scope at a time; a request names subscriptions or management groups, not both.

    A management group has a query of its own, so that one which shows nothing is noticed.
    """
    if not scope.subscriptions and not scope.management_groups:
        yield {}
    some = sorted({one.casefold() for one in scope.subscriptions})
    for start in range(0, len(some), SUBSCRIPTIONS_A_QUERY):
        yield {"subscriptions": some[start : start + SUBSCRIPTIONS_A_QUERY]}
    for group in sorted(set(scope.management_groups)):
        yield {"managementGroups": [group]}


def _named(what: Mapping[str, list[str]]) -> str:
    """The scope in words."""
    for key, word in (("subscriptions", "subscription"), ("managementGroups", "management group")):
        names = what.get(key)
        if names:
            return f"{word} {names[0]}" if len(names) == 1 else f"{len(names)} {word}s from {names[0]} to {names[-1]}"
    return "everything the identity can read"


def _read_scope(cloud: Cloud, what: Mapping[str, list[str]], reading: _Reading) -> None:
    """Adds the scope's clusters and problems to the reading."""
    doing = f"reading the clusters of {_named(what)}"
    rows = _read_rows(cloud, (CLUSTERS, what), doing, reading)
    silent = set(what.get("subscriptions", ())) - {cluster.subscription for cluster in reading.found.values()}
    if rows is None or (rows and not silent):
        return
    try:
        reading.problems += _unreadable(cloud, what, silent, reading.patience)
    except (Forbidden, Refused) as problem:
        reading.problems.append(_granting(problem))
    except CloudError as problem:
        reading.problems.append(str(problem))


def _granting(problem: CloudError) -> str:
    return f"{problem}; {GRANT} there, and check the scope of the policy"


def _read_rows(
    cloud: Cloud, question: tuple[str, Mapping[str, list[str]]], doing: str, reading: _Reading
) -> int | None:
    """How many rows a query had, read into clusters; None when it could not be read to its end."""
    query, what = question
    rows = 0
    try:
        for page in pages(cloud, query, what, doing, reading.patience):
            rows += len(page)
            for document in page:
                try:
                    cluster = reading.row(document)
                except InputError as problem:
                    reading.problems.append(f"{doing}: {problem}")
                    continue
                reading.found[cluster.id] = cluster
    except (Forbidden, Refused) as problem:
        reading.problems.append(_granting(problem))
        return None
    except CloudError as problem:
        reading.problems.append(str(problem))
        return None
    return rows


def _unreadable(cloud: Cloud, what: Mapping[str, list[str]], silent: set[str], patience: Patience) -> list[str]:
    """Of the places that showed no cluster, those that can't be read; the others are simply empty. CloudError."""
    groups = what.get("managementGroups")
    if groups:
        return _unreadable_group(cloud, groups[0], patience)
    readable = _readable_subscriptions(cloud, patience)
    if what:
        return [f"subscription {one} can't be read: {GRANT} there" for one in sorted(silent - readable)]
    return [] if readable else [f"no subscription can be read: {GRANT} on one"]


def _unreadable_group(cloud: Cloud, group: str, patience: Patience) -> list[str]:
    try:
        cloud.call(
            "GET",
            f"/providers/Microsoft.Management/managementGroups/{group}",
            f"looking for management group {group}",
            params={"api-version": MANAGEMENT_GROUP_VERSION},
            patience=patience,
        )
    except (Forbidden, NotFound):
        return [f"management group {group} can't be read: {GRANT} on it, and check its name"]
    return []


def _readable_subscriptions(cloud: Cloud, patience: Patience) -> set[str]:
    """Ids of the subscriptions that the identity sees at all, lower case; raises CloudError."""
    seen: set[str] = set()
    url, params = "/subscriptions", {"api-version": SUBSCRIPTIONS_VERSION}
    while url:
        answer = cloud.call("GET", url, "listing the readable subscriptions", params=params, patience=patience)
        page = answer.document or {}
        seen.update(str(one.get("subscriptionId")).casefold() for one in page.get("value") or ())
        url, params = page.get("nextLink") or "", {}
    return seen


def _members(cloud: Cloud, patience: Patience) -> tuple[dict[str, str] | None, str | None]:
    """Lower-case cluster id -> lower-case Fleet Manager id; None and a sentence when it could not be read.

    Asked of the whole tenant: a Fleet Manager often lives in another subscription than its members.
    """
    fleets: dict[str, str] = {}
    doing = "reading which clusters are members of a Fleet Manager"
    try:
        for rows in pages(cloud, MEMBERS, {}, doing, patience):
            for one in rows:
                fleets[str(one["cluster"]).lower()] = str(one["id"]).lower().rpartition("/members/")[0]
    except CloudError as problem:
        return None, str(problem)
    return fleets, None
