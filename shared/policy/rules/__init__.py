"""The rules, in the order in which they are asked. A rule registers itself by its line here and nowhere else.

A rule is a module with KEY (its key in policy.yaml), Block (its pydantic model), needs(view, rule, now) and
propose(view, rule, now). It looks at the view, never at the world; it says what it wants, never what happens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel

from shared.model.decisions import Proposal
from shared.model.facts import Need, View
from shared.model.memory import Memory
from shared.policy.bound import BoundRule
from shared.policy.rules import hours, idle


class Rule(Protocol):
    KEY: str
    Block: type[BaseModel]

    def needs(self, view: View, rule: BoundRule, now: datetime) -> frozenset[Need]: ...

    def propose(self, view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]: ...


RULES: tuple[Rule, ...] = (  # type: ignore[assignment]  # a module is no type that mypy sees as a protocol
    hours,  # the clock: what a schedule says
    idle,  # use: what signals say
)

BY_KEY = {rule.KEY: rule for rule in RULES}


def needed_by(view: View, rules: Iterable[BoundRule], need: Need, now: datetime) -> BoundRule | None:
    """The first rule that asks for this fact about the cluster; None when no rule does."""
    return next((rule for rule in rules if need in BY_KEY[rule.kind].needs(view, rule, now)), None)


def learn(view: View, rules: Iterable[BoundRule], now: datetime) -> Memory:
    """The view's memory with what this look teaches about use; the same object where it teaches nothing."""
    memory = view.memory
    rule = next((rule for rule in rules if rule.kind == idle.KEY), None)
    if rule is None:
        return memory
    activity = idle.learned(view, rule, now)
    return memory if activity is memory.activity else replace(memory, activity=activity)
