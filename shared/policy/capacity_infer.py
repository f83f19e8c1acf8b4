"""Capacity groups that nobody wrote down: spot pools, and the on-demand pool that can stand in for them. Pure.

A pool stands in for another one where a person would say so without asking: it is the only on-demand user pool, or
the only one of that VM size, or of that family and number of cores. Where two would do, nobody guesses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.model.fleet import Cluster, NodePool

_SIZE = re.compile(r"standard_([a-z]+)(\d+)")


@dataclass(frozen=True, slots=True)
class Inferred:
    """Named after the pool that stands in."""

    name: str
    spots: tuple[str, ...]
    fallback: str


def inferred(cluster: Cluster) -> tuple[Inferred, ...]:
    """The groups of a cluster, by name; none of Windows, system or other pools than scale sets."""
    able = [pool for pool in cluster.pools if _is_able(pool)]
    stand_ins = [pool for pool in able if pool.priority.casefold() != "spot"]
    found: dict[str, list[str]] = {}
    for pool in able:
        if pool.priority.casefold() == "spot" and (other := _stand_in(pool, stand_ins)) is not None:
            found.setdefault(other.name, []).append(pool.name)
    return tuple(Inferred(name, tuple(spots), name) for name, spots in sorted(found.items()))


def _is_able(pool: NodePool) -> bool:
    user, linux = (pool.mode or "").casefold() == "user", (pool.os_type or "").casefold() == "linux"
    return user and linux and (pool.kind or "").casefold() == "virtualmachinescalesets"


def _stand_in(pool: NodePool, others: list[NodePool]) -> NodePool | None:
    size = (pool.vm_size or "").casefold()
    same = [one for one in others if (one.vm_size or "").casefold() == size]
    alike = [one for one in others if _kind(one.vm_size) == _kind(size) is not None]
    return next((some[0] for some in (others, same, alike) if len(some) == 1), None)


def _kind(size: str | None) -> tuple[str, str] | None:
    """Family and cores: D and 4 of Standard_D4s_v5."""
    found = _SIZE.match((size or "").casefold())
    return None if found is None else (found[1], found[2])
