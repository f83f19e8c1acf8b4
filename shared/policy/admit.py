"""admit(decisions, facts, policy, now): what of all that was decided may go now. FLEET, pure, deterministic.

Local decisions know their cluster; only here is the fleet known: the stop budget in its sliding window, the breaker,
pacing per subscription and region. Starts go first, then stops by what they save.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from shared.model.actions import ResizePool
from shared.model.decisions import Decision, Plan, Reason, Verdict
from shared.model.facts import FleetFacts
from shared.model.memory import Wish
from shared.policy.bound import UNMATCHED, StopBudget
from shared.policy.document import Policy
from shared.policy.durations import show_duration
from shared.policy.facts import pace
from shared.policy.pacing import Puts
from shared.policy.ring_fold import Turns


def admit(decisions: Iterable[Decision], facts: FleetFacts, policy: Policy, now: datetime) -> Plan:
    """A Plan with every decision, in the order given; some of them deferred, the admitted ones paced."""
    given = tuple(decisions)
    wanted = sorted((d for d in given if _goes(d)), key=_rank)
    budgets, turns = _Budgets(policy, facts, given, now), Turns(policy, facts)
    lanes: Counter[tuple[str, str]] = Counter()
    puts = Puts(given, facts.moves, now)
    settled: dict[str, Decision] = {}
    for decision in wanted:
        objection = budgets.objection(decision) or turns.objection(decision)
        if objection is not None:
            settled[decision.id] = objection
            continue
        place = lanes[decision.lane]
        lanes[decision.lane] += 1
        wait = max(pace(place), puts.wait(decision))
        settled[decision.id] = replace(decision, not_before=now + wait) if wait else decision
    return Plan(now, tuple(settled.get(d.id, d) for d in given))


def _goes(decision: Decision) -> bool:
    return decision.action is not None and decision.verdict in (Verdict.ACT, Verdict.PLAN)


def _rank(decision: Decision) -> tuple[bool, bool, bool, Decimal, str]:
    """Starts before stops; what keeps a minimum before what is a choice; what is done before what is only planned,
    which takes no place from it; bigger savings first; ids decide ties, so that two machines agree."""
    saving = decision.estimated_saving.amount if decision.estimated_saving is not None else Decimal(0)
    disruptive = decision.action is not None and decision.action.disruptive
    chosen = isinstance(decision.action, ResizePool) and not decision.action.urgent
    return disruptive, chosen, decision.verdict is Verdict.PLAN, -saving, decision.target


class _Budgets:
    """The breaker, and how many stops may still go: of the fleet, or of an environment or rule with its own budget.

    A rule's value replaces its environment's, which replaces the file's; each counts the clusters it is in force for.
    """

    def __init__(self, policy: Policy, facts: FleetFacts, given: tuple[Decision, ...], now: datetime) -> None:
        self._facts, self._given, self._now = facts, given, now
        self._probe = facts.breaker_probe
        self._rules = {rule.name: rule for rule in policy.rules if "stops" in rule.guards}
        self._environments = {
            entry.environment.name: entry.environment for entry in policy.environments if "stops" in entry.guards
        }
        self._policy = policy
        self._left: dict[str, _Allowance | None] = {}

    def objection(self, decision: Decision) -> Decision | None:
        if decision.action is None or not decision.action.disruptive:
            return None
        if decision.id in self._facts.queued:
            return None  # counted when it was sent
        if self._facts.breaker_open and not self._probe:
            return _deferred(decision, Reason.BREAKER, f"the breaker is open: {self._facts.breaker_reason}", None)
        if decision.action.goal is Wish.STOPPED:
            allowance = self._allowance(decision)
            if allowance is not None and not allowance.take():
                return _deferred(decision, Reason.STOP_BUDGET, allowance.spent, allowance.frees_at)
        self._probe = False
        return None

    def _allowance(self, decision: Decision) -> _Allowance | None:
        key = self._key(decision)
        if key not in self._left:
            self._left[key] = self._open(key, decision)
        return self._left[key]

    def _key(self, decision: Decision) -> str:
        """Whose budget it is: '' is the file's."""
        if decision.rule in self._rules:
            return f"rule {decision.rule}"
        return f"environment {decision.environment}" if decision.environment in self._environments else ""

    def _open(self, key: str, decision: Decision) -> _Allowance | None:
        environment = self._environments.get(decision.environment, UNMATCHED)
        budget = self._policy.guards_for(environment, self._rules.get(decision.rule or "")).stops
        if budget is None:
            return None
        if not key:
            return _Allowance(budget, self._facts.recent_stops, self._facts.matched, self._now)
        mine = [d for d in self._given if self._key(d) == key]
        # What was stopped counts, also where nobody has a wish any more: an idle rule falls silent once it has stopped.
        counted = {d.cluster for d in self._given if self._key(d) == key or key in (f"rule {name}" for name in d.rules)}
        stops = sorted(at for cluster in counted for at in self._facts.stops_of.get(cluster, ()))
        return _Allowance(budget, stops, len({d.cluster for d in mine if d.wish is not None}), self._now)


class _Allowance:
    """How many stops of one budget may still go; counts down as they are taken."""

    def __init__(self, budget: StopBudget, stops: Sequence[datetime], matched: int, now: datetime) -> None:
        counted = [at for at in stops if now - at < budget.within]
        self._left = max(0, allowed(budget, matched) - len(counted))
        self.frees_at = counted[0] + budget.within if counted else now + budget.within
        share = budget.at_most
        most = str(share) if isinstance(share, int) else f"{float(share * 100):g} %"
        self.spent = f"the stop budget of {most} within {show_duration(budget.within)} is spent"

    def take(self) -> bool:
        if not self._left:
            return False
        self._left -= 1
        return True


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
