"""admit(decisions, facts, policy, now): what of all that was decided may go now. FLEET, pure, deterministic.

Local decisions know their cluster; only here is the fleet known: the stop budget in its sliding window, the breaker,
pacing per subscription and region. Starts go first, then stops by what they save.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from shared.model.decisions import Decision, Plan, Reason, Verdict
from shared.model.facts import FleetFacts
from shared.model.memory import Wish
from shared.policy.bound import UNMATCHED, StopBudget
from shared.policy.document import Policy
from shared.policy.durations import show_duration
from shared.policy.facts import pace


def admit(decisions: Iterable[Decision], facts: FleetFacts, policy: Policy, now: datetime) -> Plan:
    """A Plan with every decision, in the order given; some of them deferred, the admitted ones paced."""
    given = tuple(decisions)
    wanted = sorted((d for d in given if _goes(d)), key=_rank)
    budget = _Allowance(policy.guards_for(UNMATCHED, None).stops, facts, now)
    lanes: Counter[tuple[str, str]] = Counter()
    settled: dict[str, Decision] = {}
    for decision in wanted:
        objection = budget.objection(decision)
        if objection is not None:
            settled[decision.id] = objection
            continue
        place = lanes[decision.lane]
        lanes[decision.lane] += 1
        wait = pace(place)
        settled[decision.id] = replace(decision, not_before=now + wait) if wait else decision
    return Plan(now, tuple(settled.get(d.id, d) for d in given))


def _goes(decision: Decision) -> bool:
    return decision.action is not None and decision.verdict in (Verdict.ACT, Verdict.PLAN)


def _rank(decision: Decision) -> tuple[bool, bool, Decimal, str]:
    """Starts before stops; what is done before what is only planned, which takes no place from it; bigger savings
    first; ids decide ties, so that two machines agree."""
    saving = decision.estimated_saving.amount if decision.estimated_saving is not None else Decimal(0)
    disruptive = decision.action is not None and decision.action.disruptive
    return disruptive, decision.verdict is Verdict.PLAN, -saving, decision.target


class _Allowance:
    """How many disruptive actions may still go; counts down as they are asked for."""

    def __init__(self, budget: StopBudget | None, facts: FleetFacts, now: datetime) -> None:
        self._facts = facts
        self._budget = budget
        self._probe = facts.breaker_probe
        self._left: int | None = None
        self._frees_at: datetime | None = None
        if budget is not None:
            counted = [at for at in facts.recent_stops if now - at < budget.within]
            self._left = max(0, allowed(budget, facts.matched) - len(counted))
            self._frees_at = counted[0] + budget.within if counted else now + budget.within

    def objection(self, decision: Decision) -> Decision | None:
        if decision.action is None or not decision.action.disruptive:
            return None
        if decision.id in self._facts.queued:
            return None  # counted when it was sent
        if self._facts.breaker_open and not self._probe:
            return _deferred(decision, Reason.BREAKER, f"the breaker is open: {self._facts.breaker_reason}", None)
        if decision.action.goal is not Wish.STOPPED:
            self._probe = False
            return None
        if self._left == 0 and self._budget is not None:
            share = self._budget.at_most
            most = str(share) if isinstance(share, int) else f"{float(share * 100):g} %"
            text = f"the stop budget of {most} within {show_duration(self._budget.within)} is spent"
            return _deferred(decision, Reason.STOP_BUDGET, text, self._frees_at)
        if self._left is not None:
            self._left -= 1
        self._probe = False
        return None


def allowed(budget: StopBudget, matched: int) -> int:
    """Stops that fit into the window: a count, or a share of the clusters that rules match, at least one.

    >>> allowed(StopBudget(Fraction(1, 4), timedelta(hours=1)), 10), allowed(StopBudget(3, timedelta(hours=1)), 10)
    (2, 3)
    """
    if isinstance(budget.at_most, Fraction):
        return max(1, int(budget.at_most * matched))
    return budget.at_most


def _deferred(decision: Decision, reason: Reason, why: str, until: datetime | None) -> Decision:
    return replace(
        decision,
        verdict=Verdict.DEFER,
        reason=reason,
        message=f"{decision.message}, but {why}",
        not_before=until,
    )
