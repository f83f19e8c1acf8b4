"""Which write to Azure an action is. One line per kind; each is sent once and hands back what Azure answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from shared.clients import clusters, resizing, silences, upgrading
from shared.clients.azure import Cloud
from shared.clients.clusters import Accepted
from shared.model.actions import Action
from shared.model.memory import Memory
from shared.model.silence import rule_id
from shared.policy.upgrade_memory import is_configured

Write = Callable[[Cloud, Any, Memory], Accepted]
"""(cloud, action, the claimed memory) -> what Azure answered. Raises CloudError."""

WRITERS: Mapping[str, Write] = MappingProxyType(
    {
        "start_cluster": lambda cloud, action, _: clusters.start(cloud, action.cluster),
        "stop_cluster": lambda cloud, action, _: clusters.stop(cloud, action.cluster),
        "start_pool": lambda cloud, action, memory: clusters.start_pool(
            cloud, action.cluster, action.pool, memory.target(action.pool).saved
        ),
        "stop_pool": lambda cloud, action, _: clusters.stop_pool(cloud, action.cluster, action.pool),
        "grow_pool": lambda cloud, action, _: resizing.resize_pool(cloud, action),
        "shrink_pool": lambda cloud, action, _: resizing.resize_pool(cloud, action),
        "raise_pool": lambda cloud, action, _: resizing.scale_pool(cloud, action),
        "lower_pool": lambda cloud, action, _: resizing.scale_pool(cloud, action),
        "upgrade_control_plane": lambda cloud, action, _: upgrading.upgrade_control_plane(cloud, action),
        "upgrade_pool": lambda cloud, action, _: upgrading.upgrade_pool(cloud, action),
        "upgrade_node_image": lambda cloud, action, _: upgrading.upgrade_node_image(cloud, action),
        "reconcile": lambda cloud, action, _: upgrading.reconcile(cloud, action),
        "set_tier": lambda cloud, action, _: upgrading.set_tier(cloud, action),
        "silence_alerts": lambda cloud, action, _: silences.put(cloud, action),
        "unsilence_alerts": lambda cloud, action, _: silences.remove(cloud, rule_id(action.cluster)),
        "put_maintenance": lambda cloud, action, memory: upgrading.put_maintenance(
            cloud, action, lambda window: is_configured(memory, action.name, window)
        ),
    }
)


def write(cloud: Cloud, action: Action, memory: Memory) -> Accepted:
    """The one write of a claimed action. Raises ValueError for a kind that nobody registered."""
    writer = WRITERS.get(action.kind)
    if writer is None:
        raise ValueError(f"nobody knows how to do {action.kind}")
    return writer(cloud, action, memory)
