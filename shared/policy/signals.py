"""What counts as use of a cluster: limits, namespaces and accounts, as values of a policy."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.policy.durations import Duration
from shared.policy.texts import Texts

# Namespaces of AKS and its add-ons: https://learn.microsoft.com/azure/aks/faq and
# https://learn.microsoft.com/azure/governance/policy/concepts/policy-for-kubernetes
SYSTEM_NAMESPACES = (
    "kube-system", "kube-public", "kube-node-lease", "gatekeeper-system", "calico-system", "tigera-operator",
    "app-routing-system", "aks-istio-*", "aks-command", "dataprotection-microsoft",
)  # fmt: skip
# AKS's own accounts. Whoever uses the local administrator's certificate is `masterclient` too, and is not seen.
SERVICE_ACCOUNTS = ("system:*", "aksService", "hcpService", "masterclient", "nodeclient", "acsService")


class Signals(BaseModel):
    """What counts as use. The defaults fit small and middle-sized nodes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu_percent: Annotated[
        float, Field(description="A node busier than this for 5 minutes is in use.", examples=[15], ge=0, le=100)
    ] = 15.0
    network_bytes: Annotated[
        int, Field(description="A node that receives more than this a minute is in use.", examples=[10_000_000], ge=0)
    ] = 10_000_000
    pods: Annotated[
        Literal["changed", "running", "ignored"],
        Field(
            description="Pods outside system namespaces are use when their number changes, while any runs, or never.",
            examples=["changed"],
        ),
    ] = "changed"
    logs: Annotated[
        Literal["if_present", "required", "ignored"],
        Field(
            description="Jobs and writes in Log Analytics: asked where they are collected; needed to call a cluster "
            "idle; or never asked.",
            examples=["if_present"],
        ),
    ] = "if_present"
    system_namespaces: Annotated[
        Texts,
        Field(description="Globs of namespaces that are not anybody's work.", examples=[["kube-system", "flux-*"]]),
    ] = SYSTEM_NAMESPACES
    service_accounts: Annotated[
        Texts,
        Field(description="Globs of user names that are neither people nor pipelines.", examples=[["system:*"]]),
    ] = SERVICE_ACCOUNTS
    lookback: Annotated[
        Duration, Field(description="How far back a look at the signals reaches.", examples=["30m"])
    ] = timedelta(minutes=30)

    @field_validator("lookback")
    @classmethod
    def _long_enough(cls, value: timedelta) -> timedelta:
        if not timedelta(minutes=15) <= value <= timedelta(hours=12):
            raise ValueError("lookback: metrics come 10 minutes late, in steps of 5; expected 15m to 12h, such as 30m")
        return value


@lru_cache(maxsize=256)
def pattern(globs: tuple[str, ...]) -> str:
    """One regular expression for a whole text, which Python and Kusto's RE2 read alike; of no globs: fits nothing.

    >>> pattern(("aks*", "flux"))
    '^(aks.*|flux)$'
    """
    parts = (re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") for glob in globs)
    return f"^({'|'.join(parts)})$" if globs else r"^[^\s\S]$"
