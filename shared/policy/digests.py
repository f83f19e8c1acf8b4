"""When a digest is due, about which week, and whose clusters it is about. Pure: `now` is a parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shared.model.fleet import Cluster
from shared.model.weeks import Week
from shared.policy.bound import DigestAudience, DigestPlan
from shared.policy.document import Policy
from shared.policy.routing import from_id
from shared.policy.schedule import instant
from shared.policy.spoken import local_date


class Due(NamedTuple):
    """A digest that should have gone out by now."""

    week: Week
    at: datetime
    """Since when, aware UTC."""


def due(plan: DigestPlan, zone: str, now: datetime) -> Due:
    """The digest that was due last: about the last week whose days, of UTC, were over then.

    Level-triggered: a timer that was missed is caught up by the next one. Whether it was sent is the journal's to know.
    """
    day = local_date(now, zone)
    latest = day - timedelta(days=(day.weekday() - plan.weekly.day) % 7)
    for back in (0, 1):
        at = instant(datetime.combine(latest - timedelta(weeks=back), plan.weekly.at), zone, ends=False)
        if at <= now:
            break
    return Due(Week.of(at.astimezone(UTC).date()).back(), at)


def whose(audience: DigestAudience, policy: Policy, clusters: Mapping[str, Cluster]) -> Callable[[str], bool]:
    """Whether a cluster, by id, is this audience's. One that is gone is known by what its id says: no tag any more."""
    known: dict[str, bool] = {}

    def includes(cluster_id: str) -> bool:
        if cluster_id not in known:
            known[cluster_id] = _is_theirs(audience, policy, clusters.get(cluster_id) or from_id(cluster_id))
        return known[cluster_id]

    return includes


def _is_theirs(audience: DigestAudience, policy: Policy, cluster: Cluster | None) -> bool:
    if audience.is_everything:
        return True
    if cluster is None:
        return False
    environment = policy.environment_of(cluster).name
    if audience.unless is not None and audience.unless.matches(cluster, environment):
        return False
    return audience.match is None or audience.match.matches(cluster, environment)
