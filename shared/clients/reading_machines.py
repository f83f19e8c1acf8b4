"""How large a pool is whose `type` is VirtualMachines: it may mix sizes, and has lists where others have numbers.

From: https://learn.microsoft.com/azure/aks/virtual-machines-node-pools
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.clients.reading_oddities import section


def virtual_machines(body: Mapping[str, Any]) -> tuple[int | None, str | None, int | None, int | None, bool | None]:
    """Count, size, min, max, autoscaling; None for what is mixed or not told."""
    scale = section(section(body, "virtualMachinesProfile"), "scale")
    auto, manual = _entries(scale, "autoscale"), _entries(scale, "manual")
    nodes = _entries(body, "virtualMachineNodesStatus") or manual
    sizes = {one.get("size") for one in nodes or auto}
    size = sizes.pop() if len(sizes) == 1 else None
    scaling = bool(auto) if auto or manual else None
    return _total(nodes, "count"), size, _total(auto, "minCount"), _total(auto, "maxCount"), scaling


def _entries(within: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = within.get(name)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _total(entries: list[Mapping[str, Any]], name: str) -> int | None:
    """None when there is nothing to add, or when one of the numbers is unknown."""
    numbers = [one.get(name) for one in entries]
    known = [number for number in numbers if isinstance(number, int)]
    return sum(known) if known and len(known) == len(numbers) else None
