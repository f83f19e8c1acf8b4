"""What people and the bill pay together, in hours of the running cluster: the figure by which ways can be ranked.

    bill = hours on + starting_cost for each stop + waiting_cost for each cold start

Compared with the least that somebody who knows every need in advance could pay under the same limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lamplighter.backtest.alternatives import clairvoyant
from lamplighter.backtest.history import History
from lamplighter.backtest.limits import Limits
from lamplighter.backtest.measure import HOUR, Measured, measured
from shared.model.fleet import Cluster
from shared.policy.document import Policy
from shared.policy.foresight import Costs
from shared.policy.idle_block import Block
from shared.policy.rules.idle import KEY

_UNSAID = Block.model_validate({"after": "2h"}).costs


@dataclass(frozen=True, slots=True)
class Weight:
    """What the policy says a stop and a cold start cost on one cluster, and the least possible bill there; in hours."""

    starting: float
    waiting: float
    least: float

    def bill(self, one: Measured) -> float:
        return one.hours_on + self.starting * one.stops + self.waiting * one.cold_starts


def weights(history: History, policy: Policy, limits: Limits) -> tuple[Weight, ...]:
    """One for each trace, by the first idle rule that speaks for its cluster; elsewhere by that rule's defaults."""
    found = []
    for trace in history.traces:
        costs = _costs(policy, trace.cluster)
        best = clairvoyant(trace, limits, saving=round(costs.starting * HOUR))
        free = Weight(costs.starting, costs.waiting, 0.0)
        found.append(Weight(costs.starting, costs.waiting, free.bill(measured(trace, best, waits=True))))
    return tuple(found)


def _costs(policy: Policy, cluster: Cluster) -> Costs:
    place = policy.environment_of(cluster)
    rules = (policy.placed(rule, place.name or "") for rule in policy.rules_for(cluster, place))
    return next((rule.block.costs for rule in rules if rule.kind == KEY), _UNSAID)


def over_least(clusters: Sequence[Measured], weighed: Sequence[Weight]) -> float:
    """The whole bill as a multiple of the least possible one. Not below 1 for a way that serves everybody in time."""
    bill = sum(weight.bill(one) for weight, one in zip(weighed, clusters, strict=True))
    return bill / sum(weight.least for weight in weighed)
