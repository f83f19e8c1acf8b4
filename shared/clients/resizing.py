"""Another size for one node pool: GET, modify, PUT with the etag, sent once.

Everything else of the pool goes back as it came, spot price, taints and labels included: a PUT replaces the pool.
https://learn.microsoft.com/rest/api/aks/agent-pools/create-or-update
"""

from __future__ import annotations

from typing import Any

from shared.clients.azure import Cloud
from shared.clients.clusters import Accepted, put_pool
from shared.errors import Busy
from shared.model.actions import ResizePool, ScalePool, ShrinkPool
from shared.model.fleet import NodePool


def resize_pool(cloud: Cloud, action: ResizePool) -> Accepted:
    """Bounds for an autoscaled pool, a count for a fixed one.

    Raises Busy where somebody switched its autoscaler meanwhile, or moved the maximum of one that gives nodes up: it is
    decided anew on what is there then.
    """
    name = str(action.pool)

    def change(properties: Any) -> None:
        if bool(properties.get("enableAutoScaling")) is (action.count is not None):
            raise Busy(f"resizing pool {name}: its autoscaler was switched meanwhile", code="AutoscalerSwitched")
        if isinstance(action, ShrinkPool) and action.was_max not in (None, properties.get("maxCount")):
            raise Busy(f"resizing pool {name}: somebody changed its maximum meanwhile", code="SizeChanged")
        _set_size(properties, action)

    there = _never if action.again else action.seen_in
    return put_pool(cloud, (action.cluster, name), f"resizing pool {name}", there, change)


def _never(pool: NodePool) -> bool:
    """An evicted pool shows for minutes the size that it had; asking for that size brings the nodes back."""
    del pool
    return False


def scale_pool(cloud: Cloud, action: ScalePool) -> Accepted:
    """The same for a pool that still has the size that was decided on.

    Raises Busy where somebody changed it in between: only what is ours is put back.
    """
    name, was = str(action.pool), (action.was_count, action.was_min, action.was_max)

    def change(properties: Any) -> None:
        fixed = not properties.get("enableAutoScaling")
        found = (
            (properties.get("count"), None, None)
            if fixed
            else (None, properties.get("minCount"), properties.get("maxCount"))
        )
        if found != was:
            raise Busy(f"scaling pool {name}: somebody changed its size meanwhile", code="SizeChanged")
        _set_size(properties, action)

    return put_pool(cloud, (action.cluster, name), f"scaling pool {name}", action.seen_in, change)


def _set_size(properties: Any, action: ResizePool) -> None:
    if action.count is not None:
        properties["count"] = action.count
        return
    low, high = action.min_count or 0, action.max_count or 0
    properties["minCount"], properties["maxCount"] = low, high
    # AKS refuses a count outside the bounds.
    properties["count"] = min(max(int(properties.get("count") or 0), low), high)
