"""AKS's own events, in both schemas of Event Grid: new versions, the end of support, rolls of pools, what is planned.

Matched leniently: capitals, spellings (the published sample says "AutoUprader", the documentation both "Canceled" and
"Cancelled"), missing parts and years like 0001 are lived with. An event is a hint and a record, never the truth.
https://learn.microsoft.com/azure/event-grid/event-schema-aks and
https://learn.microsoft.com/azure/aks/aks-communication-manager
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_CLUSTER = re.compile(
    r"(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.containerservice/managedclusters/[^/]+)",
    re.IGNORECASE,
)
_PREFIXES = ("microsoft.containerservice.", "microsoft.resourcenotifications.containerserviceeventresources.")
_LONGEST = 400


class ReleaseKind(StrEnum):
    NEW_VERSION = "new_version"
    SUPPORT_ENDING = "support_ending"
    SUPPORT_ENDED = "support_ended"
    ROLL_STARTED = "roll_started"
    ROLL_SUCCEEDED = "roll_succeeded"
    ROLL_FAILED = "roll_failed"
    SCHEDULED = "scheduled"


_KINDS = {
    "newkubernetesversionavailable": ReleaseKind.NEW_VERSION,
    "clustersupportending": ReleaseKind.SUPPORT_ENDING,
    "clustersupportended": ReleaseKind.SUPPORT_ENDED,
    "nodepoolrollingstarted": ReleaseKind.ROLL_STARTED,
    "nodepoolrollingsucceeded": ReleaseKind.ROLL_SUCCEEDED,
    "nodepoolrollingfailed": ReleaseKind.ROLL_FAILED,
    "scheduledeventemitted": ReleaseKind.SCHEDULED,
}


@dataclass(frozen=True, slots=True)
class ReleaseEvent:
    """What one event says."""

    kind: ReleaseKind
    cluster: str
    """Lower-case id."""
    id: str
    version: str = ""
    pool: str = ""
    status: str = ""
    """Of what is planned: started, completed, canceled, ... in lower case and one spelling."""
    source: str = ""
    """Of what is planned: autoupgrader or eolnotification, however it was spelled."""
    text: str = ""


def read_release_event(event: Mapping[str, Any]) -> ReleaseEvent | None:
    """None for any other event, and for one that names no cluster. Never raises."""
    kind = _kind(event.get("type") or event.get("eventType"))
    data = event.get("data")
    body: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    planned = _properties(body)
    cluster = _cluster(event, body, planned)
    if kind is None or cluster is None:
        return None
    return ReleaseEvent(
        kind=kind,
        cluster=cluster,
        id=_text(event.get("id")),
        version=_version(body),
        pool=_text(body.get("nodePoolName")).casefold(),
        status=_status(planned.get("eventStatus")),
        source=_source(planned.get("eventSource")),
        text=_text(planned.get("eventDetails") or planned.get("description")),
    )


def _kind(name: Any) -> ReleaseKind | None:
    folded = _text(name).casefold()
    for prefix in _PREFIXES:
        if folded.startswith(prefix):
            return _KINDS.get(folded.removeprefix(prefix))
    return None


def _properties(body: Mapping[str, Any]) -> Mapping[str, Any]:
    info = body.get("resourceInfo")
    inner = info.get("properties") if isinstance(info, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _cluster(event: Mapping[str, Any], body: Mapping[str, Any], planned: Mapping[str, Any]) -> str | None:
    """In topic or source; of what is planned in the subject, the resource's id or its list of resources."""
    info = body.get("resourceInfo")
    listed = planned.get("resources")
    places = [event.get("source"), event.get("topic"), event.get("subject")]
    places.append(info.get("id") if isinstance(info, Mapping) else None)
    places += listed if isinstance(listed, list) else []
    for place in places:
        found = _CLUSTER.match(place) if isinstance(place, str) else None
        if found is not None:
            return found[1].casefold()
    return None


def _version(body: Mapping[str, Any]) -> str:
    names = ("kubernetesVersion", "latestSupportedKubernetesVersion", "latestStableKubernetesVersion")
    return next((text for name in names if (text := _text(body.get(name)))), "")


def _status(value: Any) -> str:
    folded = _text(value).casefold()
    return "canceled" if folded == "cancelled" else folded


def _source(value: Any) -> str:
    folded = _text(value).casefold()
    return "autoupgrader" if folded.startswith("autoup") else folded


def _text(value: Any) -> str:
    """`eventDetails` is a text or an object."""
    return value.strip()[:_LONGEST] if isinstance(value, str) else "" if value is None else str(value)[:_LONGEST]
