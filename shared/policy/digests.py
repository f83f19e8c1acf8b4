"""When a digest is due, about which week, and whose clusters it is about. Pure: `now` is a parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from shared.model.fleet import Cluster
from shared.model.past import ClusterPast
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


@dataclass(frozen=True, slots=True)
class Fleet:
    """Clusters as they are, and what history says of those that are gone."""

    clusters: Mapping[str, Cluster]
    pasts: Mapping[str, ClusterPast] = field(default_factory=lambda: MappingProxyType({}))

    def cluster(self, cluster_id: str) -> Cluster | None:
        """One that is gone is known by what its id says, and by its last tags where history has them."""
        found = self.clusters.get(cluster_id) or from_id(cluster_id)
        past = self.pasts.get(cluster_id)
        if found is None or cluster_id in self.clusters or past is None or not past.tags:
            return found
        return replace(found, tags=past.tags[-1][1], location=past.location)


def whose(audience: DigestAudience, policy: Policy, fleet: Fleet) -> Callable[[str], bool]:
    """Whether a cluster, by id, is this audience's."""
    known: dict[str, bool] = {}

    def includes(cluster_id: str) -> bool:
        if cluster_id not in known:
            known[cluster_id] = _is_theirs(audience, policy, fleet.cluster(cluster_id))
        return known[cluster_id]

    return includes


def environments(ids: Iterable[str], policy: Policy, fleet: Fleet) -> dict[str, str]:
    """Cluster id -> name of its environment, '' for none."""
    found = ((cluster_id, fleet.cluster(cluster_id)) for cluster_id in ids)
    return {id_: policy.environment_of(one).name or "" for id_, one in found if one is not None}


def _is_theirs(audience: DigestAudience, policy: Policy, cluster: Cluster | None) -> bool:
    if audience.is_everything:
        return True
    if cluster is None:
        return False
    environment = policy.environment_of(cluster).name
    if audience.unless is not None and audience.unless.matches(cluster, environment):
        return False
    return audience.match is None or audience.match.matches(cluster, environment)
