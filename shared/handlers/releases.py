"""The Kubernetes versions of the regions where rings are: asked a few times a day, and kept in the journal."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from shared.app import App
from shared.clients import upgrading
from shared.errors import CloudError
from shared.model.fleet import Cluster
from shared.model.versions import Releases
from shared.policy.bound import BoundRule
from shared.policy.ring_fold import KIND

log = logging.getLogger("lamplighter")

FRESH = timedelta(hours=6)
"""A new version reaches regions over days, and Event Grid tells of it besides."""


def releases(app: App, known: Iterable[tuple[Cluster, tuple[BoundRule, ...]]], now: datetime) -> Mapping[str, Releases]:
    """Lower-case region -> its versions. Never raises for Azure: a region that cannot be read stays as it was."""
    asking: dict[str, str] = {}
    for cluster, rules in known:
        if cluster.location and any(rule.kind == KIND for rule in rules):
            asking.setdefault(cluster.location.casefold(), cluster.subscription)
    found = {}
    for location, subscription in sorted(asking.items()):
        one = _of_region(app, subscription, location, now)
        if one is not None:
            found[location] = one
    return found


def _of_region(app: App, subscription: str, location: str, now: datetime) -> Releases | None:
    kept = app.journal.prices(_key(location))
    if kept is not None and now - kept[1] < FRESH:
        return upgrading.releases_from(kept[0])
    try:
        document = upgrading.releases_document(app.cloud, subscription, location)
    except CloudError as error:
        log.warning("releases: %s", error)
        return None if kept is None else upgrading.releases_from(kept[0])
    app.journal.put_prices(_key(location), document, now)
    return upgrading.releases_from(document)


def outdated(app: App, location: str, now: datetime) -> None:
    """Azure says that there is something new: the next look asks again."""
    kept = app.journal.prices(_key(location))
    if kept is not None:
        app.journal.put_prices(_key(location), kept[0], now - FRESH)


def _key(location: str) -> str:
    return f"versions-{location.casefold()}"
