"""What the subscription's Event Grid topic would send about writes, in both schemas.

From: https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions. The platform's own work (evictions, the
autoscaler) sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lamplighter.simulator.operations import Write


def instant(at: datetime) -> str:
    """ISO 8601 with `Z`, as Azure writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class ResourceEvent:
    """One event. `status` is Accepted when the write was taken, then Succeeded, Failed or Canceled."""

    id: str
    at: datetime
    status: str
    write: Write
    tenant: str

    @property
    def kind(self) -> str:
        verb = {"DELETE": "Delete", "POST": "Action"}.get(self.write.method, "Write")
        ending = {"Failed": "Failure", "Canceled": "Cancel"}.get(self.status, "Success")
        return f"Microsoft.Resources.Resource{verb}{ending}"

    @property
    def subscription(self) -> str:
        return self.write.cluster.split("/")[2]

    def data(self) -> dict[str, Any]:
        write = self.write
        return {
            "authorization": {"scope": write.resource, "action": write.action, "evidence": {"role": "Contributor"}},
            "claims": {"aud": "https://management.azure.com", "name": write.actor},
            "correlationId": write.correlation,
            "httpRequest": {
                "clientRequestId": write.correlation,
                "clientIpAddress": "192.0.2.1",
                "method": write.method,
            },
            "resourceProvider": "Microsoft.ContainerService",
            "resourceUri": write.resource,
            "operationName": write.action,
            "status": self.status,
            "subscriptionId": self.subscription,
            "tenantId": self.tenant,
        }

    def event_grid(self) -> dict[str, Any]:
        """Event Grid schema, one event (delivered in an array)."""
        return {
            "subject": self.write.resource,
            "eventType": self.kind,
            "eventTime": instant(self.at),
            "id": self.id,
            "data": self.data(),
            "dataVersion": "2",
            "metadataVersion": "1",
            "topic": f"/subscriptions/{self.subscription}",
        }

    def cloud_event(self) -> dict[str, Any]:
        """CloudEvents 1.0."""
        return {
            "source": f"/subscriptions/{self.subscription}",
            "subject": self.write.resource,
            "type": self.kind,
            "time": instant(self.at),
            "id": self.id,
            "data": self.data(),
            "specversion": "1.0",
        }


@dataclass(frozen=True, slots=True)
class ClusterEvent:
    """One event of a cluster's own topic. The cluster's id is in `topic`; the subject is its bare name.

    From: https://learn.microsoft.com/azure/event-grid/event-schema-aks
    """

    id: str
    at: datetime
    kind: str
    """NewKubernetesVersionAvailable | ClusterSupportEnding | NodePoolRollingFailed | ..."""
    cluster: str
    name: str
    body: dict[str, Any]

    def event_grid(self) -> dict[str, Any]:
        return {
            "topic": self.cluster,
            "subject": self.name,
            "eventType": f"Microsoft.ContainerService.{self.kind}",
            "id": self.id,
            "data": self.body,
            "dataVersion": "1",
            "metadataVersion": "1",
            "eventTime": instant(self.at),
        }

    def cloud_event(self) -> dict[str, Any]:
        return {
            "source": self.cluster,
            "subject": self.name,
            "type": f"Microsoft.ContainerService.{self.kind}",
            "time": instant(self.at),
            "id": self.id,
            "data": self.body,
            "specversion": "1.0",
        }
