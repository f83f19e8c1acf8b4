"""What of Azure's JSON about clusters cannot be read: it is said, and nothing is done. Pure.

Unknown is never idle, so a value of another kind than Azure's own is not taken for a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.model.fleet import SETTLED, Power

EMPTY: Mapping[str, Any] = {}
OBJECT = (dict, Mapping)
"""For isinstance: json makes dicts, and asking for those first is what makes 10,000 clusters quick."""


def section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, OBJECT) else EMPTY


def oddity(state: Any, tags: Any, nap: Any) -> str | None:
    """What is not readable of a cluster's state, tags or node auto-provisioning."""
    if type(state) is not str:
        return f"its provisioning state should be text, not {shown(state)}"
    if tags and not isinstance(tags, OBJECT):
        return f"its tags should be an object, not {shown(tags)}"
    if nap is not None and type(nap) is not str:
        return "whether node auto-provisioning is on could not be read"
    return None


def pool_oddity(document: Mapping[str, Any]) -> str | None:
    """What is said of a pool and not readable. A key that is not there is a shorter answer; a null is no answer."""
    inner = document.get("properties")
    body = document if inner is None or not isinstance(inner, OBJECT) else inner
    for key in ("provisioningState", "type"):
        if key in body and type(body[key]) is not str:
            return f"the {key} of pool {shown(document.get('name'))} could not be read"
    power = body.get("powerState", EMPTY)
    if power is not EMPTY and not (isinstance(power, OBJECT) and type(power.get("code")) is str):
        return f"whether pool {shown(document.get('name'))} runs could not be read"
    return None


def power_oddity(power: Power, state: str) -> str | None:
    """While Azure works on a cluster it may keep its power to itself; on a settled one that is odd."""
    if power is Power.UNKNOWN and state.casefold() in SETTLED:
        return "Azure did not say whether it is running"
    return None


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
