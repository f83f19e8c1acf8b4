"""Whether a big fleet can start in time: once a burst is spent, calls leave one a second and the last is late. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from shared.model.fleet import Cluster
from shared.policy.bound import BoundRule
from shared.policy.durations import show_duration
from shared.policy.facts import BURST, pace
from shared.policy.start_times import USUAL


@dataclass(frozen=True, slots=True)
class Queue:
    """Clusters of one subscription and region whose starts are paced, and whose shortest lead holds too little."""

    subscription: str
    location: str
    clusters: int
    """That a rule speaks for."""
    lead: timedelta
    """The shortest of its rules."""
    spread: timedelta
    """Between the first start and the last; what every one of them leaves earlier."""

    @property
    def sentence(self) -> str:
        """
        >>> Queue("s", "westeurope", 350, timedelta(minutes=5), timedelta(minutes=5)).sentence[:61]
        '350 clusters of s in westeurope share one queue: the last of '
        """
        first = show_duration(self.lead + self.spread)
        return (
            f"{self.clusters:,} clusters of {self.subscription} in {self.location or 'one region'} share one queue: the"
            f" last of them leaves {show_duration(self.spread)} after the first, and a start takes some"
            f" {show_duration(USUAL)}, which a lead of {show_duration(self.lead)} does not hold; their starts leave up"
            f" to {first} before the window"
        )


def tight_queues(ruled: Iterable[tuple[Cluster, tuple[BoundRule, ...]]]) -> tuple[Queue, ...]:
    """Queues whose spread, with a usual start, is longer than the shortest lead; by subscription and region.

    Only rules with a lead count: what no clock starts has no moment to be ready at.
    """
    counts: dict[tuple[str, str], int] = defaultdict(int)
    leads: dict[tuple[str, str], list[timedelta]] = defaultdict(list)
    for cluster, rules in ruled:
        lane = cluster.subscription, cluster.location
        counts[lane] += bool(rules)
        leads[lane] += [rule.block.lead for rule in rules if isinstance(getattr(rule.block, "lead", None), timedelta)]
    return tuple(
        Queue(*lane, counts[lane], min(leads[lane]), pace(counts[lane]))
        for lane in sorted(counts)
        if counts[lane] > BURST and leads[lane] and min(leads[lane]) < pace(counts[lane]) + USUAL
    )
