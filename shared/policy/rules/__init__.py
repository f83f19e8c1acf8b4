"""The rules, in the order in which they are asked. A rule registers itself by its line here and nowhere else.

A rule is a module with KEY (its key in policy.yaml), Block (its pydantic model), needs(view, rule, now) and
propose(view, rule, now). It looks at the view, never at the world; it says what it wants, never what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from pydantic import BaseModel

from shared.model.altering import altered
from shared.model.decisions import Proposal
from shared.model.facts import Need, View
from shared.model.memory import NO_GROUPS, Memory
from shared.policy import reliefs
from shared.policy.bound import BoundRule
from shared.policy.rules import hours, idle, on_alert, repair, spot, tier, upgrades


class Rule(Protocol):
    KEY: str
    Block: type[BaseModel]

    def needs(self, view: View, rule: BoundRule, now: datetime) -> frozenset[Need]: ...

    def propose(self, view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]: ...


RULES: tuple[Rule, ...] = (  # type: ignore[assignment]  # a module is no type that mypy sees as a protocol
    hours,  # the clock: what a schedule says
    idle,  # use: what signals say
    spot,  # capacity: what evictions and prices say
    on_alert,  # alerts: for a while
    repair,  # what AKS left Failed
    upgrades,  # versions: ring after ring
    tier,  # what the control plane costs
)

BY_KEY = {rule.KEY: rule for rule in RULES}


def needs_of(view: View, rules: Iterable[BoundRule], now: datetime) -> dict[Need, BoundRule]:
    """Each fact that rules ask for about the cluster -> the first rule that asks."""
    asked: dict[Need, BoundRule] = {}
    for rule in rules:
        for need in BY_KEY[rule.kind].needs(view, rule, now):
            asked.setdefault(need, rule)
    return asked


def learn(view: View, rules: Iterable[BoundRule], now: datetime) -> Memory:
    """The view's memory with what this look teaches; the same object where it teaches nothing.

    Of each kind the first rule learns, of those about alerts or capacity every one; each begins with the memory that
    the one before left.
    """
    rules = tuple(rules)
    learning = {rule.kind: rule for rule in reversed(rules) if rule.kind in LEARNERS}
    for kind in sorted(learning):
        view = view.with_memory(LEARNERS[kind](view, learning[kind], now))
    view = view.with_memory(learn_of_capacity(view, rules, now))
    return learn_of_alerts(view, rules, now)


def learn_of_capacity(view: View, rules: Iterable[BoundRule], now: datetime) -> Memory:
    """The part of `learn` that is done every minute: what a reading of the pools tells of their groups."""
    groups = [rule for rule in rules if rule.kind == spot.KEY]
    for rule in groups:
        view = view.with_memory(spot.learned(view, rule, now))
    if view.memory.groups and not groups:
        return altered(view.memory, groups=NO_GROUPS)
    return view.memory


def learn_of_alerts(view: View, rules: Iterable[BoundRule], now: datetime) -> Memory:
    """The part of `learn` that a hint may do too: what alerts ask for is on record before it is proposed."""
    for rule in rules:
        if rule.kind == on_alert.KEY:
            view = view.with_memory(on_alert.learned(view, rule, now))
    return reliefs.kept(view, now)


def _use(view: View, rule: BoundRule, now: datetime) -> Memory:
    activity = idle.learned(view, rule, now)
    return view.memory if activity is view.memory.activity else altered(view.memory, activity=activity)


LEARNERS: Mapping[str, Callable[[View, BoundRule, datetime], Memory]] = MappingProxyType(
    {idle.KEY: _use, repair.KEY: repair.learned, upgrades.KEY: upgrades.learned}
)
"""Rules that learn from every look of a tick: KEY -> memory after it, the same object where nothing was learned."""
