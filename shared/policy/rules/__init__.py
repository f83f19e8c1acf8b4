"""The rules, in the order in which they are asked. A rule registers itself by its line here and nowhere else.

A rule is a module with KEY (its key in policy.yaml), Block (its pydantic model), needs(view, rule, now) and
propose(view, rule, now). It looks at the view, never at the world; it says what it wants, never what happens.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pydantic import BaseModel

from shared.model.decisions import Proposal
from shared.model.facts import Need, View
from shared.policy.bound import BoundRule
from shared.policy.rules import hours


class Rule(Protocol):
    KEY: str
    Block: type[BaseModel]

    def needs(self, view: View, rule: BoundRule, now: datetime) -> frozenset[Need]: ...

    def propose(self, view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]: ...


RULES: tuple[Rule, ...] = (
    hours,  # type: ignore[assignment]  # the clock: what a schedule says
)

BY_KEY = {rule.KEY: rule for rule in RULES}
