"""What a charge is for: nodes, disks, the tier ... told by the meter's service first, then by the resource's type.

Both are needed: the system disk of a scale set is billed under the scale set's id, its traffic too. Meter categories as
Azure writes them (MeterCategory, ServiceName of FOCUS) from:
https://learn.microsoft.com/azure/cost-management-billing/automate/understand-usage-details-fields
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.model.costs import CostRow
from shared.model.digest import Kind

_NODES = frozenset({"microsoft.compute/virtualmachines", "microsoft.compute/virtualmachinescalesets"})
# Service, lower case -> what it is, whatever resource it is billed under.
_SERVICES: Mapping[str, Kind] = MappingProxyType(
    {
        "storage": Kind.DISKS,
        "azure managed disks": Kind.DISKS,
        "load balancer": Kind.LOAD_BALANCERS,
        "bandwidth": Kind.TRAFFIC,
        "nat gateway": Kind.TRAFFIC,
        "azure nat gateway": Kind.TRAFFIC,
        "azure kubernetes service": Kind.TIER,
        "container instances": Kind.CONTAINERS,
        "azure container instances": Kind.CONTAINERS,
        "log analytics": Kind.LOGS,
        "azure monitor": Kind.LOGS,
    }
)
_TYPES: Mapping[str, Kind] = MappingProxyType(
    {
        "microsoft.compute/virtualmachines": Kind.NODES,
        "microsoft.compute/virtualmachinescalesets": Kind.NODES,
        "microsoft.containerservice/managedclusters": Kind.TIER,
        "microsoft.compute/disks": Kind.DISKS,
        "microsoft.compute/snapshots": Kind.DISKS,
        "microsoft.network/loadbalancers": Kind.LOAD_BALANCERS,
        "microsoft.network/publicipaddresses": Kind.ADDRESSES,
        "microsoft.network/publicipprefixes": Kind.ADDRESSES,
        "microsoft.network/natgateways": Kind.TRAFFIC,
        "microsoft.containerinstance/containergroups": Kind.CONTAINERS,
        "microsoft.operationalinsights/workspaces": Kind.LOGS,
        "microsoft.monitor/accounts": Kind.LOGS,
    }
)
_PRICED: Mapping[str, Kind] = MappingProxyType({"Committed": Kind.NODES_COMMITTED, "Dynamic": Kind.NODES_SPOT})


def kind_of(row: CostRow) -> Kind:
    """What the charge is for; OTHER when neither its service nor its resource says."""
    resource = type_of(row.resource_id)
    service = row.service_name.casefold()
    kind = _SERVICES.get(service)
    if kind is Kind.DISKS and resource not in _NODES and not resource.startswith("microsoft.compute/"):
        return Kind.OTHER  # a storage account, a file share: storage, but no disk
    if kind is None and service == "virtual network":
        kind = Kind.ADDRESSES if "ip" in row.meter.casefold() or "publicip" in resource else Kind.TRAFFIC
    kind = kind or _TYPES.get(resource, Kind.OTHER)
    if kind is not Kind.NODES:
        return kind
    spot = "spot" in row.meter.casefold().split()
    return _PRICED.get(row.pricing_category, Kind.NODES_SPOT if spot else Kind.NODES)


def type_of(resource_id: str) -> str:
    """Provider and type of a lower-case id; '' when it has none.

    >>> type_of("/subscriptions/s/resourcegroups/g/providers/microsoft.compute/disks/pvc-1")
    'microsoft.compute/disks'
    """
    parts = resource_id.split("/")
    if len(parts) > 8 and parts[5] == "providers":
        return f"{parts[6]}/{parts[7]}"
    return ""
