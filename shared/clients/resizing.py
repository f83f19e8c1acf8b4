"""Another size for one node pool: GET, modify, PUT with the etag, sent once.

Everything else of the pool goes back as it came, spot price, taints and labels included: a PUT replaces the pool.
https://learn.microsoft.com/rest/api/aks/agent-pools/create-or-update
"""

from __future__ import annotations

from typing import Any

from shared.clients.azure import Cloud
from shared.clients.clusters import Accepted, put_pool
from shared.errors import Busy
from shared.model.decisions import ResizePool


def resize_pool(cloud: Cloud, action: ResizePool) -> Accepted:
    """Bounds for an autoscaled pool, a count for a fixed one.

    Raises Busy where somebody switched its autoscaler meanwhile: it is decided anew on what is there then.
    """
    name = str(action.pool)

    def change(properties: Any) -> None:
        if bool(properties.get("enableAutoScaling")) is (action.count is not None):
            raise Busy(f"resizing pool {name}: its autoscaler was switched meanwhile", code="AutoscalerSwitched")
        if action.count is not None:
            properties["count"] = action.count
            return
        low, high = action.min_count or 0, action.max_count or 0
        properties["minCount"], properties["maxCount"] = low, high
        # AKS refuses a count outside the bounds.
        properties["count"] = min(max(int(properties.get("count") or 0), low), high)

    return put_pool(cloud, (action.cluster, name), f"resizing pool {name}", action.seen_in, change)
