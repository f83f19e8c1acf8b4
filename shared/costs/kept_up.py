"""Hours in which a cluster ran because somebody said so: excluded by its tag, kept on, or started by hand.

Told so that they are seen, not to blame: an exclude that everybody forgot is the most expensive line of a schedule.
History writes a decision down when it changes, so a reason holds until the next one about the same cluster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from shared.costs.figures import Asked, daily
from shared.costs.stopped import HOURS, running_hours, stopped_hours
from shared.model.digest import COMPUTE, ZERO, Held, Series
from shared.model.past import ClusterPast
from shared.model.records import HistoryRecord
from shared.model.weeks import Week

EXCLUDED = "excluded by its tag"
_SAID: Mapping[str, str] = {"keep_on": "kept on", "manual_start": "started by hand"}
"""Reason of a decision -> what is told."""


@dataclass(frozen=True, slots=True)
class KeptUp:
    """[begin, end), aware UTC, in which `what` kept the cluster up."""

    what: str
    begin: datetime
    end: datetime


def kept_up(
    records: Iterable[HistoryRecord], pasts: Mapping[str, ClusterPast], week: Week, until: datetime,
    excludes: Callable[[Mapping[str, str]], bool],
) -> dict[str, tuple[KeptUp, ...]]:  # fmt: skip
    """By cluster. `records` in time order, `until` when the fleet was last looked at; `excludes` reads tags."""
    spans: defaultdict[str, list[KeptUp]] = defaultdict(list)
    since: dict[str, tuple[str, datetime]] = {}
    for record in records:
        if record.phase != "decided" or record.body.get("target") != record.cluster or record.at > until:
            continue
        _close(spans, since, record.cluster, record.at)
        if what := _SAID.get(str(record.body.get("reason"))):
            since[record.cluster] = (what, record.at)
    for cluster in tuple(since):
        _close(spans, since, cluster, until)
    for cluster, past in pasts.items():
        for day in week.days():
            if past.tags and past.tags[0][0].date() <= day and excludes(past.tags_on(day)):
                begin = datetime.combine(day, time(), UTC)
                spans[cluster].append(KeptUp(EXCLUDED, begin, min(begin + timedelta(days=1), until)))
    return {cluster: tuple(found) for cluster, found in spans.items()}


def _close(
    spans: defaultdict[str, list[KeptUp]], since: dict[str, tuple[str, datetime]], cluster: str, at: datetime
) -> None:
    if cluster in since:
        what, begin = since.pop(cluster)
        if begin < at:
            spans[cluster].append(KeptUp(what, begin, at))


def held(asked: Asked, kept: Mapping[str, tuple[KeptUp, ...]], pasts: Mapping[str, ClusterPast]) -> tuple[Held, ...]:
    """Hours of the week in which it was seen running for that, and its nodes' cost in them, the longest first."""
    nodes: defaultdict[str, list[Series]] = defaultdict(list)
    for line, days in asked.lines():
        if line.kind in COMPUTE:
            nodes[line.cluster].append(days)
    found = []
    for cluster, spans in kept.items():
        past = pasts.get(cluster)
        if past is None or not asked.includes(cluster) or cluster not in asked.costs.names:
            continue
        cost = daily(nodes.get(cluster, []))
        for what in dict.fromkeys(one.what for one in spans):
            hours = amount = ZERO
            for day in asked.week.days():
                ran = running_hours(past, day, ((one.begin, one.end) for one in spans if one.what == what))
                up = HOURS - stopped_hours(past, [day]).get(day, ZERO)
                hours += ran
                amount += cost.get(day, ZERO) * ran / up if up else ZERO
            if hours:
                found.append(Held(asked.costs.names[cluster], what, hours, amount))
    return tuple(sorted(found, key=lambda one: (-one.hours, one.name, one.what)))
