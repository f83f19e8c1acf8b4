"""Whether a big fleet can start in time: once a burst is spent, calls leave one a second and the last is late. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from shared.model.fleet import Cluster
from shared.policy import foresight
from shared.policy.bound import BoundRule
from shared.policy.durations import show_duration
from shared.policy.facts import BURST, pace
from shared.policy.rules import idle
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


@dataclass(frozen=True, slots=True)
class LearnedQueue:
    """Clusters of one subscription and region that are started ahead of learned hours, later than a start takes."""

    subscription: str
    location: str
    clusters: int
    """That a rule speaks for."""
    learning: int
    """Of them: that are started ahead of needs."""
    spread: timedelta
    """Between the first start and the last, were all of them needed in the same hour."""
    waiting_cost: timedelta
    """The smallest of their rules."""

    @property
    def never_pays(self) -> bool:
        """Even a need that is certain costs less when people wait for it."""
        return self.spread >= self.waiting_cost - timedelta(hours=foresight.WAIT_WITHIN_HOUR)

    @property
    def sentence(self) -> str:
        """
        >>> LearnedQueue("s", "westeurope", 450, 430, timedelta(minutes=7), timedelta(hours=3)).sentence[:68]
        '430 clusters of s in westeurope learn hours and share a queue of 450'
        """
        spread, place = show_duration(self.spread), self.location or "one region"
        text = (
            f"{self.learning:,} clusters of {self.subscription} in {place} learn hours and share"
            f" a queue of {self.clusters:,}: if all are needed in the same hour, the last of them leaves {spread} after"
            f" the first. So that each is ready, starts leave up to {show_duration(self.spread + USUAL)} before that"
            f" hour ({show_duration(USUAL)} for a usual start), which is up to {_hours(self.spread * self.learning)}"
            " more of running clusters each time"
        )
        if self.never_pays:
            text += (
                f"; with a waiting_cost of {show_duration(self.waiting_cost)} that is more than people's waiting is"
                " worth: spread them over subscriptions or regions, or say waiting_cost: 30m, which starts none ahead"
            )
        return text


def _hours(length: timedelta) -> str:
    return f"{length / timedelta(hours=1):,.0f} hours"


def tight_learned_queues(ruled: Iterable[tuple[Cluster, tuple[BoundRule, ...]]]) -> tuple[LearnedQueue, ...]:
    """Queues in which a place takes longer than a usual start; by subscription and region.

    What hours were learned is in the journal: here the worst is assumed, that all of them are the same.
    """
    counts: dict[tuple[str, str], int] = defaultdict(int)
    costs: dict[tuple[str, str], list[timedelta]] = defaultdict(list)
    for cluster, rules in ruled:
        lane = cluster.subscription, cluster.location
        counts[lane] += bool(rules)
        ahead = [rule.block for rule in rules if rule.kind == idle.KEY and rule.block.learn]
        costs[lane] += [block.waiting_cost for block in ahead[:1] if block.costs.may_start_ahead]
    return tuple(
        LearnedQueue(*lane, counts[lane], len(costs[lane]), pace(counts[lane]), min(costs[lane]))
        for lane in sorted(counts)
        if len(costs[lane]) > BURST and pace(counts[lane]) > USUAL
    )
