"""An alert processing rule that lets a planned stop page nobody: what it is called, what it covers, until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2s


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """One of our rules as Azure shows it. `id` and `cluster` are lower case."""

    id: str
    cluster: str
    """The cluster it is about, by its tag; '' where the tag is gone."""


def rule_id(cluster: str) -> str:
    """Where the rule of a cluster lives: beside it, so that it goes with the resource group. Lower case.

    >>> rule_id("/subscriptions/s/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/web")
    '/subscriptions/s/resourcegroups/rg/providers/microsoft.alertsmanagement/actionrules/lamplighter-web-37c1b3c4'
    """
    parts = cluster.split("/")
    digest = blake2s(cluster.encode(), digest_size=4).hexdigest()
    group = "/".join(parts[:5])
    return f"{group}/providers/microsoft.alertsmanagement/actionrules/lamplighter-{parts[-1]}-{digest}"


def body(scopes: tuple[str, ...], begins: datetime, until: datetime, cluster: str) -> dict[str, object]:
    """The rule as ARM takes it. Its times are local to `timeZone`, without an offset: ours are UTC.

    https://learn.microsoft.com/rest/api/monitor/alertsmanagement/alert-processing-rules/create-or-update
    """
    return {
        "location": "Global",
        "tags": {"lamplighter": "silence", "lamplighter-cluster": cluster},
        "properties": {
            "scopes": list(scopes),
            "enabled": True,
            "description": "A planned stop by Lamplighter; removed with the start, and over by itself.",
            "actions": [{"actionType": "RemoveAllActionGroups"}],
            "schedule": {
                "effectiveFrom": f"{begins:%Y-%m-%dT%H:%M:%S}",
                "effectiveUntil": f"{until:%Y-%m-%dT%H:%M:%S}",
                "timeZone": "UTC",
            },
        },
    }
