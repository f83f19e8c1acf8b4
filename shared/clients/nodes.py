"""Which nodes stand, pool by pool, for many clusters in one query: the instances of their scale sets.

An instance becomes Succeeded once the extension that joins it to its cluster is done; before, it is Creating.
From: https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources#computeresources
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.clients.azure import Cloud
from shared.clients.graph import pages
from shared.errors import CloudError
from shared.model.fleet import Cluster

if TYPE_CHECKING:
    from shared.clients.pipeline import Patience

NODES = """\
computeresources
| where type =~ 'microsoft.compute/virtualmachinescalesets/virtualmachines'{narrowed}
| extend power = tostring(properties.extended.instanceView.powerState.code), \
state = tostring(properties.provisioningState)
| summarize ready = countif(power =~ 'PowerState/running' and state in~ ('Succeeded', 'Updating')), \
starting = countif(state =~ 'Creating' or power =~ 'PowerState/starting'), \
silent = countif(isempty(power) and state !~ 'Creating') \
by id = tostring(split(tolower(id), '/virtualmachines/')[0])
| order by id asc"""

GROUPS_A_QUERY = 100
"""Up to so many resource groups are named in the query; beyond, everything in the subscriptions is asked for."""
SUBSCRIPTIONS_A_QUERY = 300
GRANT = "give the app's identity the role Reader on the resource group of its nodes"

_SCALE_SET = re.compile(
    r"/subscriptions/([^/]+)/resourcegroups/([^/]+)/providers/microsoft\.compute/virtualmachinescalesets/"
    r"aks-([a-z0-9]+)-\d+-vmss"
)

Place = tuple[str, str]
"""Lower-case subscription and resource group of nodes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The nodes of one pool. `silent`: those of which Azure does not say whether they run."""

    ready: int
    starting: int
    silent: int


@dataclass(slots=True)
class Seen:
    """What was read, by place and lower-case pool name; `problems` by lower-case subscription."""

    pools: dict[Place, dict[str, Standing]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def of(self, cluster: Cluster) -> Mapping[str, Standing] | str:
        """The pools that have nodes, or why that is unknown.

        A running cluster has a system pool, so one without any node is one whose nodes may not be seen: Resource
        Graph leaves those out without a word.
        """
        place = place_of(cluster)
        if place is None:
            return "Azure did not say in which resource group its nodes are"
        if place[0] in self.problems:
            return self.problems[place[0]]
        found = self.pools.get(place)
        return found or f"none of its nodes can be seen: {GRANT}"


def place_of(cluster: Cluster) -> Place | None:
    group = cluster.node_resource_group
    return (cluster.subscription.casefold(), group.casefold()) if group else None


def standing(cloud: Cloud, clusters: Iterable[Cluster], patience: Patience) -> Seen:
    """The nodes of these clusters. Never raises for Azure's sake."""
    places = sorted({place for cluster in clusters if (place := place_of(cluster)) is not None})
    seen, wanted = Seen(), set(places)
    for subscriptions, narrowed in _questions(places):
        doing = "reading which nodes stand"
        try:
            for rows in pages(
                cloud, NODES.format(narrowed=narrowed), {"subscriptions": subscriptions}, doing, patience
            ):
                _take(rows, wanted, seen)
        except CloudError as problem:
            seen.problems |= dict.fromkeys(subscriptions, str(problem))
    return seen


def _questions(places: list[Place]) -> Iterator[tuple[list[str], str]]:
    """Subscriptions, and the line that narrows the query to resource groups where they are few."""
    if len(places) <= GROUPS_A_QUERY:
        subscriptions = sorted({subscription for subscription, _ in places})
        names = ", ".join(f"'{group}'" for group in sorted({group for _, group in places}) if "'" not in group)
        if subscriptions:
            yield subscriptions, f"\n| where resourceGroup in~ ({names})"
        return
    subscriptions = sorted({subscription for subscription, _ in places})
    for start in range(0, len(subscriptions), SUBSCRIPTIONS_A_QUERY):
        yield subscriptions[start : start + SUBSCRIPTIONS_A_QUERY], ""


def _take(rows: Iterable[Mapping[str, Any]], wanted: set[Place], seen: Seen) -> None:
    for row in rows:
        found = _SCALE_SET.fullmatch(str(row.get("id")))
        if found is None or (found[1], found[2]) not in wanted:
            continue
        counts = [row.get(name) for name in ("ready", "starting", "silent")]
        numbers = [one for one in counts if isinstance(one, int)]
        known = Standing(*numbers) if len(numbers) == len(counts) else Standing(0, 0, 1)
        seen.pools.setdefault((found[1], found[2]), {})[found[3]] = known
