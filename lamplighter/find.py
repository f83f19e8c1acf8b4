"""A cluster by the name that a person typed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from shared.errors import InputError
from shared.model.fleet import Cluster

NEAR = 3
LISTED = 8


def one_cluster(clusters: Sequence[Cluster], wanted: str, where: str = "the fleet") -> Cluster:
    """The cluster with that name or id, compared without case.

    Raises InputError: near misses for an unknown name, all ids for one that several clusters bear.
    """
    key = wanted.strip().rstrip("/").casefold()
    found = [cluster for cluster in clusters if key in (cluster.id, cluster.name.casefold())]
    if not found:
        found = [cluster for cluster in clusters if key == f"{cluster.resource_group}/{cluster.name}".casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        ids = [cluster.id for cluster in found]
        raise InputError(f"{wanted!r} is the name of {len(ids)} clusters: give the whole id, one of {_listed(ids)}")
    raise InputError(_unknown(clusters, wanted, key, where))


def _unknown(clusters: Sequence[Cluster], wanted: str, key: str, where: str) -> str:
    if not clusters:
        return f"no cluster {wanted!r}: {where} is empty"
    names = {cluster.name.casefold(): cluster.name for cluster in clusters}
    near = get_close_matches(key.rpartition("/")[2], names, n=NEAR, cutoff=0.6)
    if near:
        return f"no cluster {wanted!r} in {where}: did you mean {' or '.join(names[name] for name in near)}?"
    return f"no cluster {wanted!r} in {where}: it holds {_listed(sorted(names.values()))}"


def _listed(words: Iterable[str]) -> str:
    every = list(words)
    rest = f" and {len(every) - LISTED:,} more" if len(every) > LISTED else ""
    return ", ".join(every[:LISTED]) + rest


def short_names(clusters: Iterable[Cluster]) -> dict[str, str]:
    """By id: what to call it in a table: its name, with the resource group where the name alone is not enough."""
    every = list(clusters)
    seen: dict[str, int] = {}
    for cluster in every:
        seen[cluster.name.casefold()] = seen.get(cluster.name.casefold(), 0) + 1
    return {
        cluster.id: cluster.name if seen[cluster.name.casefold()] == 1 else f"{cluster.name} ({cluster.resource_group})"
        for cluster in every
    }
