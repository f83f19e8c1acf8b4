"""Whether the nodes of starts that are up are ready: asked of all of them in one go, 50 clusters of a region a call.

Only clusters with an open start are asked, and those whose nodes did not come with the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from shared.app import App
from shared.clients import metrics
from shared.model.fleet import Cluster, Power
from shared.model.memory import Memory, Stored
from shared.model.readiness import Nodes, Readiness
from shared.model.samples import Window
from shared.policy.endings import bare
from shared.policy.readiness import readiness, wanted

PATIENCE_SECONDS = 20.0
"""How long one look may sleep over refused calls: the next one comes in a minute."""
LATELY = timedelta(minutes=15)
"""How far back nodes are looked for that did not come with their start."""


Target: TypeAlias = tuple[str, str | None]
"""Lower-case cluster id, and the pool; None for the cluster itself."""


@dataclass(frozen=True, slots=True)
class Start:
    """A start of the cluster, or of one pool of it, that began at an instant (aware UTC)."""

    cluster: Cluster
    pool: str | None
    since: datetime

    @property
    def target(self) -> Target:
        return self.cluster.id, self.pool


def nodes_of(app: App, starts: Sequence[Start], now: datetime) -> Mapping[Target, Nodes]:
    """The nodes of each start. Never raises for Azure's sake."""
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - azure-core is imported at the first call

    asked = [one for one in starts if metrics.is_region(one.cluster.location.casefold())]
    found = {one.target: _nowhere(one.cluster) for one in starts if one not in asked}
    if not asked:
        return found
    window = Window(min(one.since for one in asked), now)
    patience = Patience(PATIENCE_SECONDS)
    measures = metrics.conditions(app.cloud, [one.cluster for one in asked], window, patience)
    return found | {one.target: readiness(one.cluster, one.pool, measures[one.cluster.id], one.since) for one in asked}


def that_came(
    app: App, clusters: Iterable[Cluster], stored: Mapping[str, Stored[Memory]], now: datetime
) -> Mapping[str, tuple[str, ...]]:
    """Lower-case cluster id -> the targets whose nodes did not come with their start, and are ready now, or are owed no
    more; '' for the cluster itself."""
    late = [start for cluster in clusters for start in _late(cluster, stored.get(cluster.id), now)]
    nodes = nodes_of(app, [one for one in late if wanted(one.cluster, one.pool)], now)
    came: dict[str, tuple[str, ...]] = {}
    for one in late:
        if one.target not in nodes or nodes[one.target].state is Readiness.READY:
            came[one.cluster.id] = (*came.get(one.cluster.id, ()), one.pool or "")
    return came


def _late(cluster: Cluster, stored: Stored[Memory] | None, now: datetime) -> Iterator[Start]:
    if stored is None or stored.value.open is not None or cluster.power is not Power.RUNNING:
        return
    for name in bare(stored.value):
        if cluster.power_of(name or None) is Power.RUNNING:
            yield Start(cluster, name or None, now - LATELY)


def _nowhere(cluster: Cluster) -> Nodes:
    text = f"its location {cluster.location!r} is no region, such as westeurope"
    return Nodes(Readiness.UNKNOWN, text, final=True)
