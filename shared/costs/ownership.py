"""Which cluster a place in the bill belongs to: by the fleet, by what AKS wrote on it, by its name.

A node resource group belongs to one cluster as a whole, whatever its name; a default name says whose it is even when
the cluster is gone. https://learn.microsoft.com/azure/aks/faq
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.costs.kinds import type_of
from shared.model.costs import CostRow
from shared.model.fleet import Cluster
from shared.model.past import ClusterPast

CLUSTERS = "microsoft.containerservice/managedclusters"
NODE_GROUP = "mc_"
"""Default name of a node resource group: MC_resourcegroup_cluster_region."""
_NAME_TAG, _GROUP_TAG = "aks-managed-cluster-name", "aks-managed-cluster-rg"
"""What AKS writes on the scale sets it makes."""
_SCALE_SET = re.compile(r"/virtualmachinescalesets/aks-[^/]+-\d{8}-vmss\b")
"""How AKS names them. It makes them in node resource groups only, and nothing else may live there."""


class Place(NamedTuple):
    """Where a charge stands in the bill, before anybody knows whose it is. All lower case."""

    subscription: str
    group: str
    cluster: str
    """Id of the managed cluster when the charge is of that resource itself."""


@dataclass(slots=True)
class Bill:
    """What the rows of a bill themselves say of places."""

    places: set[Place] = field(default_factory=set)
    clusters: set[str] = field(default_factory=set)
    hints: dict[tuple[str, str], str] = field(default_factory=dict)
    """(subscription, group) -> cluster id, from tags of AKS."""
    regions: dict[tuple[str, str], str] = field(default_factory=dict)
    node_groups: set[tuple[str, str]] = field(default_factory=set)
    """(subscription, group) of scale sets that AKS made, whatever the group is called."""

    def learn(self, place: Place, row: CostRow) -> None:
        self.places.add(place)
        if place.cluster:
            self.clusters.add(place.cluster)
            return
        group = (place.subscription, place.group)
        if row.region:
            self.regions.setdefault(group, row.region)
        if _SCALE_SET.search(row.resource_id):
            self.node_groups.add(group)
        if row.tags and group not in self.hints:
            tags = {name.casefold(): value for name, value in row.tags.items()}
            if tags.get(_NAME_TAG) and tags.get(_GROUP_TAG):
                self.hints[group] = cluster_id(place.subscription, tags[_GROUP_TAG], tags[_NAME_TAG])


def place_of(row: CostRow) -> Place:
    resource = row.resource_id
    parts = resource.split("/")
    subscription = row.sub_account_id or (parts[2] if resource.startswith("/subscriptions/") else "")
    is_cluster = type_of(resource) == CLUSTERS
    return Place(subscription, row.resource_group, "/".join(parts[:9]) if is_cluster else "")


def cluster_id(subscription: str, group: str, name: str) -> str:
    """The lower-case id of a managed cluster."""
    return f"/subscriptions/{subscription}/resourcegroups/{group}/providers/{CLUSTERS}/{name}".casefold()


def owners_of(bill: Bill, known: Mapping[str, Cluster], pasts: Mapping[str, ClusterPast]) -> dict[Place, str]:
    """Place -> cluster id, '' for no single cluster's. What the fleet says comes before what the bill says."""
    groups = {
        (subscription_of(cluster), group.casefold()): cluster
        for cluster, group in (
            *((one.cluster, one.node_resource_group) for one in pasts.values()),
            *((one.id, one.node_resource_group) for one in known.values()),
        )
        if group
    }
    named = {_middle(one): one for one in (*bill.clusters, *pasts, *known)}
    owners: dict[Place, str] = {}
    for place in bill.places:
        group = (place.subscription, place.group)
        owners[place] = place.cluster or groups.get(group) or bill.hints.get(group) or ""
        if not owners[place] and place.group.startswith(NODE_GROUP):
            owners[place] = _by_name(group, bill.regions.get(group, ""), named)
        elif not owners[place] and group in bill.node_groups:
            owners[place] = cluster_id(*group, place.group)  # nobody says the cluster's name; its group's does
    return owners


def subscription_of(cluster: str) -> str:
    """Lower-case, from a cluster's id.

    >>> subscription_of("/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/managedclusters/c")
    's'
    """
    return cluster.split("/")[2]


def _middle(cluster: str) -> tuple[str, str]:
    """Subscription and the middle of the default name of its node resource group."""
    parts = cluster.split("/")
    return parts[2], f"{parts[4]}_{parts[8]}"


def _by_name(group: tuple[str, str], region: str, named: Mapping[tuple[str, str], str]) -> str:
    """MC_a_b_c_region does not say where the cluster's name begins: a cluster that is known decides, else the last
    part is taken for the name; without a known region the last word is taken for one."""
    subscription, name = group
    rest = name.removeprefix(NODE_GROUP)
    middle = rest.removesuffix(f"_{region}") if region and rest.endswith(f"_{region}") else rest.rpartition("_")[0]
    middle = middle or rest
    resource_group, _, cluster = middle.rpartition("_")
    return named.get((subscription, middle)) or cluster_id(subscription, resource_group or middle, cluster)
