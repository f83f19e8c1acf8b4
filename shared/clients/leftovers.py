"""Disks and public addresses that are attached to nothing, by one query of Resource Graph each.

https://learn.microsoft.com/azure/virtual-machines/disks-find-unattached-portal (diskState) - a disk of a stopped
cluster is attached to nothing either; whose it is, and whether that runs, is for the costs room to judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.clients.azure import Cloud
from shared.clients.graph import pages
from shared.model.costs import made_by_kubernetes
from shared.model.digest import Loose

SUBSCRIPTIONS_AT_ONCE = 1000
"""Most of one Resource Graph query."""
_DISKS = (
    "resources | where type =~ 'microsoft.compute/disks' | where properties.diskState =~ 'Unattached'"
    " | project id, tags, since = tostring(properties.LastOwnershipUpdateTime) | order by id asc"
)
_ADDRESSES = (
    "resources | where type =~ 'microsoft.network/publicipaddresses'"
    " | where isnull(properties.ipConfiguration) and isnull(properties.natGateway)"
    " | project id, tags, since = '' | order by id asc"
)


def loose(cloud: Cloud, subscriptions: Sequence[str]) -> Mapping[str, Loose]:
    """Lower-case id -> how it was seen. Raises a CloudError when Azure does not say."""
    return dict(_found(cloud, subscriptions))


def _found(cloud: Cloud, subscriptions: Sequence[str]) -> Iterator[tuple[str, Loose]]:
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - imported at the first call

    patience = Patience()
    for query, doing in ((_DISKS, "reading loose disks"), (_ADDRESSES, "reading loose addresses")):
        for begin in range(0, len(subscriptions), SUBSCRIPTIONS_AT_ONCE):
            what = {"subscriptions": list(subscriptions[begin : begin + SUBSCRIPTIONS_AT_ONCE])}
            for page in pages(cloud, query, what, doing, patience):
                yield from map(_read, page)


def _read(row: Mapping[str, Any]) -> tuple[str, Loose]:
    since = str(row.get("since") or "")[:10]
    made = made_by_kubernetes(row.get("tags") or {})
    return str(row["id"]).casefold(), Loose(f"attached to nothing{f' since {since}' if since else ''}", made)
