"""What every decision about one cluster at one moment shares: the view, who spoke, and the law put to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.model.actions import Action
from shared.model.decisions import Proposal, Voice
from shared.model.facts import View
from shared.policy.bound import BoundRule, Guards
from shared.policy.document import Policy
from shared.policy.guards import Case
from shared.policy.transitions import Law, apply_law, occasion
from shared.policy.voices import Hearing, hear


@dataclass(frozen=True, slots=True)
class Bench:
    """One cluster, one moment."""

    view: View
    policy: Policy
    hearing: Hearing
    now: datetime

    @property
    def zone(self) -> str:
        return self.policy.timezone

    def of(self, pool: str | None) -> list[Proposal]:
        """What was said about one target."""
        return [p for p in self.hearing.proposals if p.pool == pool]

    def at(self, later: datetime) -> Bench:
        """The same cluster as it is now, heard at another moment."""
        return Bench(self.view, self.policy, hear(self.view, self.policy, later, self.hearing.owner), later)

    def guards_of(self, proposal: Proposal) -> Guards:
        """File, environment, and the rule that speaks, if it is one of the policy's."""
        return self.policy.guards_for(self.hearing.owner.environment, self._rule(proposal))

    def _rule(self, proposal: Proposal) -> BoundRule | None:
        if proposal.voice is not Voice.RULE:
            return None
        return next((rule for rule in self.hearing.owner.rules if rule.name == proposal.rule), None)

    def law(self, chorus: Sequence[Proposal]) -> Law:
        """What the law makes of a wish that differs from what is seen."""
        first = chorus[0]
        if first.voice is not Voice.RULE:
            return Law(occasion(first, self.view.memory), first.reason, first.sentence)
        return apply_law(chorus, self.view.memory, self.guards_of(first).manual_hold, self.now)

    def case(self, action: Action, proposal: Proposal) -> Case:
        """An action and its proposal, as guards look at them."""
        environment, guards = self.hearing.owner.environment, self.guards_of(proposal)
        return Case(self.view, action, proposal, environment, guards, self.policy.freezes, self.zone, self.now)
