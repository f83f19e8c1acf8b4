"""Resource Graph says another power than was known: look at the cluster itself before anything is made of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from shared.app import App
from shared.clients import clusters
from shared.errors import CloudError, NotFound
from shared.handlers.settling import AT_ONCE
from shared.model.fleet import Cluster
from shared.model.memory import Memory, Stored
from shared.policy.doubt import in_doubt, unconfirmed
from shared.policy.remember import believed

log = logging.getLogger("lamplighter")


def confirmed(
    app: App, seen: Iterable[Cluster], stored: Mapping[str, Stored[Memory]], now: datetime
) -> tuple[Cluster, ...]:
    """The clusters, those in doubt as a fresh reading shows them. One that is gone is left out.

    At most AT_ONCE are read in one invocation; the others, and those that can't be read, count as unknown until then.
    """
    left, result = AT_ONCE, []
    for said in seen:
        known = stored.get(said.id)
        cluster = said if known is None else believed(said, known.value, now)
        if known is None or not in_doubt(cluster, known.value):
            result.append(cluster)
            continue
        left -= 1
        fresh = unconfirmed(cluster) if left < 0 else _fresh(app, cluster)
        if fresh is not None:
            result.append(fresh)
    return tuple(result)


def _fresh(app: App, cluster: Cluster) -> Cluster | None:
    try:
        return replace(clusters.get(app.cloud, cluster.id), fleet=cluster.fleet)
    except NotFound:
        return None
    except CloudError as error:
        log.info("tick: %s", error)
        return unconfirmed(cluster)
