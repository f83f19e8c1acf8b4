"""When nodes are ready after a start, which is not when Azure says that the start is done.

    world.readiness.after = timedelta(minutes=2)            every start: so long after its operation has succeeded
    world.readiness.later[key] = timedelta(minutes=15)      the same of one cluster (lower-case id)
    world.readiness.never.add(key)                          its nodes never join; until `join(cluster, at)`

A node that has joined and is not ready yet says so; one that never joins says nothing. Where the market follows nodes
one by one, they are what it says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamplighter.simulator.resources import Cluster, Pool
    from lamplighter.simulator.world import World


@dataclass(slots=True)
class NodeReadiness:
    """By lower-case cluster id."""

    after: timedelta = timedelta(0)
    later: dict[str, timedelta] = field(default_factory=dict)
    never: set[str] = field(default_factory=set)
    _joined: dict[tuple[str, str, datetime], tuple[datetime, datetime | None]] = field(default_factory=dict)
    """(cluster, pool, when it was switched on) -> (when its nodes joined, when they were ready)"""

    def started(self, cluster: Cluster, pool: Pool, at: datetime) -> None:
        """A start of that pool, or of its cluster, has succeeded."""
        if pool.log.intervals and (on := pool.log.intervals[-1][0]) is not None:
            ready_at = None if cluster.key in self.never else at + self.later.get(cluster.key, self.after)
            self._joined[cluster.key, pool.name, on] = at, ready_at

    def join(self, cluster: Cluster, at: datetime) -> None:
        """Nodes that were never to join do after all."""
        self.never.discard(cluster.key)
        for place, (_, ready_at) in self._joined.items():
            if place[0] == cluster.key and ready_at is None:
                self._joined[place] = at, at

    def is_bare(self, world: World, cluster: Cluster, pool: Pool, at: datetime) -> bool:
        """Whether the pool is on and none of its nodes has joined."""
        return cluster.key in self.never and self.at(world, cluster, pool, at) == (0, 0)

    def at(self, world: World, cluster: Cluster, pool: Pool, at: datetime) -> tuple[int, int]:
        """(nodes of the pool that were ready, nodes that had joined) at that time."""
        began = world.usage.began_at
        spans = ((on, off) for on, off in pool.log.intervals if on is not None and (off is None or at < off))
        on = next((on for on, _ in spans if on <= at or on == began), None)
        if on is None:
            return 0, 0
        # What ran when the world began ran for ever; what was switched on since is booting until it is known here.
        before = (at, at if on == began else None)
        joined_at, ready_at = self._joined.get((cluster.key, pool.name, on), before)
        if at < joined_at or ready_at is None:
            return 0, 0
        count = int(pool.value("count") or pool.saved.get("count") or 0)
        ready = count
        sizes = world.market.sizes.get((cluster.key, pool.name))
        if sizes:
            ready, count = next(((some, every) for since, some, every in reversed(sizes) if since <= at), (0, 0))
        return (ready if at >= ready_at else 0), count


def delay_nodes(world: World, entry: dict[str, Any]) -> None:
    """What a fleet file says of its clusters' nodes. ValueError in one sentence for what makes no sense."""
    readiness = world.readiness
    readiness.after = _seconds("after", entry.get("after", 0))
    later, never = entry.get("later") or {}, entry.get("never") or []
    if not isinstance(later, dict) or not isinstance(never, list):
        msg = "nodes: expected names with seconds and a list of names, such as {later: {web: 900}, never: [api]}"
        raise ValueError(msg)  # noqa: TRY004 - a bad file, told like every other mistake in it
    for name, seconds in later.items():
        readiness.later[_key(world, str(name))] = _seconds(f"later: {name}", seconds)
    readiness.never.update(_key(world, str(name)) for name in never)


def _seconds(where: str, value: Any) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 86_400:
        msg = f"nodes: {where}: {value!r} is no number of seconds below a day; expected for example 900"
        raise ValueError(msg)
    return timedelta(seconds=value)


def _key(world: World, name: str) -> str:
    try:
        return world.cluster(name).key
    except KeyError as problem:
        msg = f"nodes: {problem.args[0]}; expected the name of one cluster of this file"
        raise ValueError(msg) from problem
