"""Changes that are not a power state: which of them is weighed for a target, once on and off ask for nothing."""

from __future__ import annotations

from shared.model.decisions import Decision, Proposal, Reason, Verdict, Voice
from shared.model.memory import Wish
from shared.policy.bench import Bench
from shared.policy.voices import heard

# What is said there is said of the target as a whole, changes included.
_FINAL = frozenset({Reason.EXCLUDED, Reason.UNDER_WAY, Reason.CLUSTER_STOPPED})


def wanted_change(bench: Bench, pool: str | None, said: Decision) -> Proposal | None:
    """The proposal with an action that comes first: done before planned, lower levels first. None: there is none.

    `said` is what was decided about power. What is, or should be, off is not changed; and while a person keeps a
    target on, nothing disruptive is done to it.
    """
    mine = [p for p in bench.of(pool) if p.action is not None]
    if not mine or said.verdict is not Verdict.NONE or said.reason in _FINAL or said.wish is Wish.STOPPED:
        return None
    first = min(mine, key=lambda p: (p.mode != "act", -p.voice, p.action.level if p.action else 99, p.rule))
    chorus = heard(bench.of(pool))
    person = bool(chorus) and chorus[0].voice is Voice.PERSON
    return None if person and first.action is not None and first.action.disruptive else first
