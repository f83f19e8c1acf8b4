"""What a rule says of a target before it wishes for anything: the proposal that the others are made from. Pure."""

from __future__ import annotations

from shared.model.decisions import Proposal, Reason, Voice
from shared.policy.bound import BoundRule


def said(rule: BoundRule, pool: str | None, sentence: str, cause: str, reason: Reason = Reason.NO_OPINION) -> Proposal:
    """No wish and no action yet. `pool`: its lower-case name, None for the cluster."""
    return Proposal(
        rule=rule.name,
        pool=pool,
        voice=Voice.RULE,
        wish=None,
        due_at=None,
        cause=cause,
        reason=reason,
        sentence=sentence,
        fingerprint=rule.fingerprint,
        mode=rule.mode,
    )
