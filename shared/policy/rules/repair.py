"""`repair`: what AKS left Failed outside production is reconciled, a few times, ever later; then people are called.

Off until a rule asks for it. To reconcile is to write back what was read: AKS then works off what it left undone.
https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/create-upgrade-delete/cluster-node-virtual-machine-failed-state
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.model.actions import Reconcile
from shared.model.decisions import Obstacle, Proposal, Reason, Verdict
from shared.model.facts import Need, View
from shared.model.fleet import Cluster, Power
from shared.model.memory import NO_AILMENTS, Memory
from shared.model.repair import SECRETS, Ailment
from shared.policy.bound import BoundRule
from shared.policy.durations import Duration
from shared.policy.saying import said
from shared.policy.spoken import spoken

KEY = "repair"
# Errors after which the same request was seen to work. Quota, policy, permission and network errors do not pass.
TRANSIENT = (
    "AKSOperationPreempted",
    "ControlPlaneAddOnsNotReady",
    "InternalError",
    "InternalOperationError",
    "InternalServerError",
    "NotLatestOperation",
    "OperationPreempted",
    "ReconcileAgentPoolFailed",
    "ReconcileVMSSAgentPoolFailed",
    "ServiceUnavailable",
    "VMExtensionProvisioningTimeout",
)
_STEPS_AT_MOST = 6


class Block(BaseModel):
    """A cluster or pool in the state Failed is reconciled, a few times, ever later; then people are called."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: Annotated[int, Field(ge=1, le=20, description="How often before people are called.", examples=[3])] = 3
    after: Annotated[
        Duration, Field(description="Failed for this long first; doubled after each try.", examples=["1h"])
    ] = timedelta(hours=1)
    codes: Annotated[
        list[str] | None,
        Field(
            min_length=1,
            description="Error codes that are tried; absent: those that are known to pass.",
            examples=[["InternalOperationError"]],
        ),
    ] = None

    def lists(self, code: str) -> bool:
        return code.casefold() in {one.casefold() for one in self.codes or TRANSIENT}


def needs(view: View, rule: BoundRule, now: datetime) -> frozenset[Need]:
    """States and codes are in the inventory."""
    del view, rule, now
    return frozenset()


def propose(view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]:
    """One proposal per thing that is Failed; the cluster itself first, its pools after it."""
    return tuple(_proposals(view, rule, now)) if view.cluster.power is Power.RUNNING else ()


def _proposals(view: View, rule: BoundRule, now: datetime) -> Iterator[Proposal]:
    failed = _failed(view.cluster)
    for name, code in failed.items():
        ailment = _ailment(view, rule, name, now)
        if ailment is None:
            continue  # seen for the first time: the look that follows remembers it
        pool = name or None
        if pool is not None and "" in failed:
            continue  # the cluster's reconcile takes its pools along
        what = "the cluster" if pool is None else f"pool {pool}"
        text = f"{what} is Failed ({code or 'no code'})"
        cause = f"{rule.name}:{name}:{ailment.since:%Y-%m-%dT%H:%M:%SZ}:{ailment.tries}"
        proposal = said(rule, pool, text, cause, Reason.REPAIR)
        due = _due(ailment, rule.block)
        if now < due:
            wait = f"{text}; reconciled from {spoken(due, rule.zone)} on, if it still is"
            yield replace(proposal, reason=Reason.NO_OPINION, sentence=wait)
        else:
            obstacle = _obstacle(view, rule, ailment, pool)
            yield replace(proposal, action=Reconcile(view.cluster.id, pool), obstacle=obstacle)


def _due(ailment: Ailment, block: Block) -> datetime:
    """Once per back-off step: `after`, then twice that, and so on."""
    if ailment.tried_at is None:
        return ailment.since + block.after
    steps: int = min(ailment.tries - 1, _STEPS_AT_MOST)
    return ailment.tried_at + block.after * (1 << steps)


def _ailment(view: View, rule: BoundRule, name: str, now: datetime) -> Ailment | None:
    """In a steady fleet, of which nothing is remembered, what is Failed has been so for as long as the rule waits."""
    known = view.memory.ailments.get(name)
    if known is None and view.memory.steady:
        return Ailment(now - rule.block.after)
    return known


def _obstacle(view: View, rule: BoundRule, ailment: Ailment, pool: str | None) -> Obstacle | None:
    failure = view.memory.target(pool).failure_of(Reconcile.kind)
    code = _failed(view.cluster)[pool or ""]
    if failure is not None and failure.code == SECRETS:
        return _refuse(Reason.WRITE_ONLY_SECRETS, failure.message)
    if not rule.block.lists(code):
        told = "gives no error code" if not code else f"says {code}, which is not one that passes by itself"
        return _refuse(Reason.UNLISTED_ERROR, f"Azure {told}; people look at it, or `codes` names it")
    if ailment.tries >= rule.block.attempts:
        tries = "once" if ailment.tries == 1 else f"{ailment.tries} times"
        return _refuse(Reason.ESCALATED, f"it was reconciled {tries} and is Failed again; people look at it now")
    return None


def _refuse(reason: Reason, sentence: str) -> Obstacle:
    return Obstacle(reason, sentence, verdict=Verdict.REFUSE)


def _failed(cluster: Cluster) -> Mapping[str, str]:
    """'' for the cluster, or a pool's lower-case name -> Azure's code, '' where it gives none."""
    found = {}
    if cluster.provisioning_state.casefold() == "failed":
        found[""] = cluster.error_code or ""
    for pool in cluster.pools:
        if pool.provisioning_state.casefold() == "failed":
            found[pool.name.casefold()] = pool.error_code or ""
    return found


def learned(view: View, rule: BoundRule, now: datetime) -> Memory:
    """Since when something is Failed, without a break: in the middle of an operation nothing is concluded."""
    del rule
    cluster, before = view.cluster, view.memory.ailments
    if cluster.problem is not None or not cluster.is_settled or cluster.power is not Power.RUNNING:
        return view.memory
    failed = _failed(cluster)
    after = {name: _taken_in(before.get(name), code, now) for name, code in failed.items()}
    return view.memory if after == before else replace(view.memory, ailments=after or NO_AILMENTS)


def _taken_in(before: Ailment | None, code: str, now: datetime) -> Ailment:
    if before is None:
        return Ailment(now, code)
    return before if before.code == code else replace(before, code=code)


def accepted(memory: Memory, action: Reconcile, now: datetime) -> Memory:
    """Azure took a reconcile: one try, whatever becomes of it."""
    name = (action.pool or "").casefold()
    before = memory.ailments.get(name) or Ailment(now)
    after = replace(before, tries=before.tries + 1, tried_at=now)
    return replace(memory, ailments={**memory.ailments, name: after})
