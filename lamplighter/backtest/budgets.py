"""What stop budgets count, without asking the whole fleet at each stop."""

from __future__ import annotations

from datetime import timedelta

from lamplighter.backtest.limits import Limits
from shared.model.decisions import Decision, Verdict
from shared.model.memory import Wish
from shared.policy.bound import UNMATCHED
from shared.policy.document import Policy


def shares_apart(policy: Policy) -> bool:
    """Whether an environment or a rule has a stop budget of its own, a share of the clusters decided together."""
    own = [entry.guards for entry in policy.environments] + [rule.guards for rule in policy.rules]
    return any("stops" in guards for guards in own)


def counted_for(policy: Policy, limits: Limits) -> int:
    """Seconds for which a stop counts in some budget, from its call on; 0 without budgets.

    The longest window begins when the stop is seen to be done, by the tick after that at the latest.
    """
    places = (UNMATCHED, *(entry.environment for entry in policy.environments))
    found = [policy.guards_for(place, rule).stops for place in places for rule in (None, *policy.rules)]
    longest = max((budget.within for budget in found if budget is not None), default=timedelta(0))
    return limits.stop_takes + limits.tick + int(longest.total_seconds()) if longest else 0


def would_stop(decision: Decision) -> bool:
    """Whether it asks a budget: a stop in whose way nothing else stands."""
    wanted = decision.action is not None and decision.action.goal is Wish.STOPPED
    return wanted and decision.verdict in (Verdict.ACT, Verdict.PLAN)
