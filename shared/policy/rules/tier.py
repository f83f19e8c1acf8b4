"""`tier`: the uptime agreement of Standard and Premium is for production; elsewhere the control plane may be Free.

https://learn.microsoft.com/azure/aks/free-standard-pricing-tiers
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.model.actions import SetTier
from shared.model.decisions import Obstacle, Proposal, Reason, Verdict
from shared.model.facts import Need, View
from shared.model.fleet import Cluster
from shared.model.money import Money
from shared.policy.bound import BoundRule
from shared.policy.saying import said
from shared.policy.support import LTS_PLAN

KEY = "tier"
FREE_NODES = 10
"""Up to so many nodes AKS recommends Free."""
HOURS_A_MONTH = 730
# List price of a control plane per hour; nobody's contract. From: https://azure.microsoft.com/pricing/details/kubernetes-service/
PRICES: Mapping[str, Money] = MappingProxyType(
    {"standard": Money(Decimal("0.10"), "USD"), "premium": Money(Decimal("0.60"), "USD")}
)


class Block(BaseModel):
    """Control planes outside production on the tier Free. Production is never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nonproduction: Annotated[Literal["Free"], Field(description="The tier outside production.", examples=["Free"])] = (
        "Free"
    )
    max_nodes: Annotated[
        int,
        Field(
            ge=1, le=1000, description="Up to so many nodes; AKS recommends Free for ten, allows 1000.", examples=[10]
        ),
    ] = FREE_NODES


def needs(view: View, rule: BoundRule, now: datetime) -> frozenset[Need]:
    """Tier and sizes are in the inventory."""
    del view, rule, now
    return frozenset()


def propose(view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]:
    """The change, with what it saves in a month at list price; or what the present tier is needed for."""
    del now
    cluster, tier = view.cluster, view.cluster.tier or ""
    price = PRICES.get(tier.casefold())
    text = f"on the tier {tier or 'that Azure did not tell'}"
    proposal = said(rule, None, text, f"{rule.name}:{tier}")
    if price is None:
        return (proposal,)
    saving = price.times(HOURS_A_MONTH)
    sentence = f"{tier} -> {rule.block.nonproduction}: about {saving} a month at list price, for an uptime agreement"
    needed = _needed_for(cluster, rule.block)
    obstacle = None if needed is None else Obstacle(Reason.TIER_NEEDED, needed, verdict=Verdict.REFUSE)
    action = SetTier(cluster.id, to=rule.block.nonproduction)
    change = replace(proposal, reason=Reason.TIER, sentence=sentence, action=action, obstacle=obstacle)
    return (replace(change, estimated_saving=saving),)


def _needed_for(cluster: Cluster, block: Block) -> str | None:
    if (cluster.support_plan or "").casefold() == LTS_PLAN:
        return "long-term support needs Premium"
    if cluster.cost_analysis:
        return "the cost analysis add-on needs Standard or Premium"
    if (cluster.node_provisioning or "").casefold() == "auto":
        return "node auto-provisioning may bring any number of nodes"
    most = [pool.max_count if pool.autoscaling else pool.count for pool in cluster.pools]
    known = [number for number in most if number is not None]
    if len(known) < len(most) or not cluster.pools:
        return "how many nodes it may have is not known"
    if sum(known) > block.max_nodes:
        return f"it may have {sum(known)} nodes, more than {block.max_nodes}"
    return None
