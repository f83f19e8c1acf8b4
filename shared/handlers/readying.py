"""Whether the nodes of starts that are up are ready: asked of all of them in one go, 50 clusters of a region a call.

Only clusters with an open start are asked, and those whose nodes did not come with the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.app import App
from shared.clients import metrics
from shared.model.fleet import Cluster, Power
from shared.model.memory import Memory, Stored
from shared.model.readiness import Nodes, Readiness
from shared.model.samples import Window
from shared.policy.endings import bare
from shared.policy.readiness import readiness

PATIENCE_SECONDS = 20.0
"""How long one look may sleep over refused calls: the next one comes in a minute."""
LATELY = timedelta(minutes=15)
"""How far back nodes are looked for that did not come with their start."""


@dataclass(frozen=True, slots=True)
class Start:
    """A start of the cluster, or of one pool of it, that began at an instant (aware UTC)."""

    cluster: Cluster
    pool: str | None
    since: datetime


def nodes_of(app: App, starts: Sequence[Start], now: datetime) -> Mapping[str, Nodes]:
    """Lower-case cluster id -> its nodes, one start a cluster. Never raises for Azure's sake."""
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - azure-core is imported at the first call

    asked = [one for one in starts if metrics.is_region(one.cluster.location.casefold())]
    found = {one.cluster.id: _nowhere(one.cluster) for one in starts if one not in asked}
    if not asked:
        return found
    window = Window(min(one.since for one in asked), now)
    patience = Patience(PATIENCE_SECONDS)
    measures = metrics.conditions(app.cloud, [one.cluster for one in asked], window, patience)
    return found | {
        one.cluster.id: readiness(one.cluster, one.pool, measures[one.cluster.id], one.since) for one in asked
    }


def that_came(
    app: App, clusters: Iterable[Cluster], stored: Mapping[str, Stored[Memory]], now: datetime
) -> Mapping[str, str]:
    """Lower-case cluster id -> the target whose nodes did not come with its start, and are ready now; '' for the
    cluster itself."""
    waiting = {}
    for cluster in clusters:
        item = stored.get(cluster.id)
        name = None if item is None or item.value.open is not None else bare(item.value)
        if name is not None and cluster.power_of(name or None) is Power.RUNNING:
            waiting[cluster.id] = Start(cluster, name or None, now - LATELY)
    nodes = nodes_of(app, tuple(waiting.values()), now)
    return {id_: start.pool or "" for id_, start in waiting.items() if nodes[id_].state is Readiness.READY}


def _nowhere(cluster: Cluster) -> Nodes:
    text = f"its location {cluster.location!r} is no region, such as westeurope"
    return Nodes(Readiness.UNKNOWN, text, final=True)
