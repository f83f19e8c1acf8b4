"""Our own events, for machines: what was planned, done, halted or refused, as a custom topic carries it.

An event says what and why in words that do not change, never who: sentences quote what people typed, so they stay in
the history. docs/events.md is the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2s
from types import MappingProxyType
from typing import Any

from shared.model.records import HistoryRecord

PREFIX = "Lamplighter."
PLANNED, STARTED, STOPPED, SCALED = "Planned", "Started", "Stopped", "Scaled"
FELL_BACK, RETURNED, UPGRADED, HALTED, REFUSED = "FellBack", "Returned", "Upgraded", "Halted", "Refused"

_DONE: Mapping[str, str] = MappingProxyType(
    {
        "start_cluster": STARTED,
        "start_pool": STARTED,
        "stop_cluster": STOPPED,
        "stop_pool": STOPPED,
        "raise_pool": SCALED,
        "lower_pool": SCALED,
        "upgrade_control_plane": UPGRADED,
        "upgrade_pool": UPGRADED,
        "upgrade_node_image": UPGRADED,
    }
)
# A resize of a capacity group is told by why it was made.
_RESIZED: Mapping[str, str] = MappingProxyType(
    {"fall_back": FELL_BACK, "to_spot": RETURNED, "home": RETURNED, "surplus": SCALED, "tidy": SCALED}
)
_VERDICTS: Mapping[str, str] = MappingProxyType({"act": PLANNED, "plan": PLANNED, "refuse": REFUSED})
HALTING = frozenset({"breaker_open", "ring_halted"})
"""Kinds of notices that say that something goes no further."""
_SAID = ("target", "pool", "kind", "action", "verdict", "reason", "rule", "policy", "until", "took")

NO_DATA: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """`subject` is the lower-case cluster id, or 'fleet'. The same occasion has the same id, sent as often as it is."""

    id: str
    kind: str
    subject: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)

    @property
    def type(self) -> str:
        return f"{PREFIX}{self.kind}"


def event_of(record: HistoryRecord) -> OwnEvent | None:
    """The event that a line of history is; None for most lines."""
    kind = _kind(record)
    if kind is None:
        return None
    text = f"{record.at.isoformat()}|{record.cluster}|{record.id}|{record.phase}"
    data = {name: record.body[name] for name in _SAID if record.body.get(name) not in (None, "")}
    data["decision" if record.phase != "halted" else "occasion"] = record.id
    return OwnEvent(blake2s(text.encode(), digest_size=16).hexdigest(), kind, record.cluster, record.at, data)


def _kind(record: HistoryRecord) -> str | None:
    body = record.body
    match record.phase:
        case "decided":
            return _VERDICTS.get(str(body.get("verdict")))
        case "succeeded":
            kind, reason = str(body.get("kind")), str(body.get("reason"))
            return _RESIZED.get(reason) if kind in ("grow_pool", "shrink_pool") else _DONE.get(kind)
        case "halted":
            return HALTED
    return None
