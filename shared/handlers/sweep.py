"""Once a day: history older than people want to keep goes, old bills, and what is remembered of clusters that are gone.

A cluster is no more when Azure itself says so about exactly that cluster; one that is merely not seen (a subscription
that cannot be read, a narrower scope) is kept. A sweep that is missed or killed leaves the rest to the next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.app import App
from shared.clients import clusters
from shared.clients.billing import BILL
from shared.clients.fleet import inventory
from shared.errors import CloudError, NotFound
from shared.handlers import inforce

log = logging.getLogger("lamplighter")

ROWS_A_RUN = 50_000
"""A function lives 4 minutes; what is left over goes on the following days."""
ASKED_A_RUN = 100
BILLS_KEPT = timedelta(weeks=16)
"""From their first day: no digest looks further back, and Azure keeps them itself."""
BILLS_A_RUN = 2_000
"""A bill may take half a megabyte."""
GONE = frozenset({"ResourceNotFound", "ResourceGroupNotFound"})
"""Not SubscriptionNotFound: that is how Azure says that the identity may not look.
From: https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found"""


@dataclass(frozen=True, slots=True)
class Swept:
    """How many rows went."""

    history: int
    told: int
    clusters: tuple[str, ...]
    bills: int = 0


def sweep(app: App) -> Swept:
    """Raises LamplighterError when the journal does not answer, or no policy says where the fleet is."""
    now = app.clock()
    before = now - timedelta(days=app.settings.keep_days)
    gone = tuple(_gone(app, now))
    app.journal.forget_memory(gone)
    # Bills are named by their first days.
    bills = app.journal.forget_prices(BILL, f"{BILL}{(now - BILLS_KEPT).date()}", BILLS_A_RUN)
    history, told = app.journal.forget_history(before, ROWS_A_RUN), app.journal.forget_told(before, ROWS_A_RUN)
    swept = Swept(history, told, gone, bills)
    log.info("sweep: %d records, %d told, %d clusters that are no more, %d bills", history, told, len(gone), bills)
    return swept


def _gone(app: App, now: datetime) -> Iterator[str]:
    policy = inforce.policy_in_force(app, app.journal.fleet().value).policy
    fleet = inventory(app.cloud, policy.scope, now)
    if fleet.problems:
        log.info("sweep: the fleet cannot be read whole, so no cluster is taken for gone")
        return
    here = {cluster.id for cluster in fleet.clusters}
    left = ASKED_A_RUN
    for item in app.journal.memories(on_problem=log.error):
        memory = item.value
        if left and memory.cluster not in here and memory.open is None:
            left -= 1
            if _is_gone(app, memory.cluster):
                yield memory.cluster


def _is_gone(app: App, cluster: str) -> bool:
    try:
        clusters.get(app.cloud, cluster)
    except NotFound as error:
        return error.code in GONE
    except CloudError:
        return False
    return False
