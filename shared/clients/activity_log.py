"""What the Activity Log tells of nodes: evictions, and nodes refused for want of room. One call a subscription.

From: https://learn.microsoft.com/rest/api/monitor/activity-logs/list, whose filter knows a few patterns only, and
https://learn.microsoft.com/azure/virtual-machines/spot-vms: an eviction is `evictSpotVM`, by the platform, in the
resource group of the nodes. Entries come minutes late.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.clients.answers import CAPACITY
from shared.clients.azure import Cloud
from shared.clients.nodes import Place
from shared.errors import CloudError

if TYPE_CHECKING:
    from shared.clients.pipeline import Patience

API_VERSION = "2015-04-01"
PAGES_AT_MOST = 20
SELECTED = "eventTimestamp,operationName,status,resourceId,properties"
GRANT = "the action Microsoft.Insights/eventtypes/values/read lets the app read it"

_EVICTED = ("evictspotvm", "simulateeviction")
_SCALE_SET = re.compile(
    r"/subscriptions/([^/]+)/resourcegroups/([^/]+)/providers/microsoft\.compute/virtualmachinescalesets/"
    r"aks-([a-z0-9]+)-\d+-vmss(?:/.*)?"
)
_CODE = re.compile(r'"code"\s*:\s*"(\w+)"')


@dataclass(slots=True)
class Told:
    """By place and lower-case pool: when nodes were evicted, and when some were last refused."""

    evictions: dict[tuple[Place, str], list[datetime]] = field(default_factory=dict)
    refused_at: dict[tuple[Place, str], datetime] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    """Lower-case subscription -> why it could not be read."""


def told(cloud: Cloud, places: Iterable[Place], begin: datetime, end: datetime, patience: Patience) -> Told:
    """What was told of these places between two aware instants. Never raises for Azure's sake."""
    found, groups = Told(), dict[str, set[str]]()
    for subscription, group in places:
        groups.setdefault(subscription, set()).add(group)
    for subscription, names in sorted(groups.items()):
        try:
            for entry in _entries(cloud, subscription, names, (begin, end), patience):
                _take(entry, names, found)
        except CloudError as problem:
            found.problems[subscription] = f"{problem}; {GRANT}"
    return found


def _entries(
    cloud: Cloud, subscription: str, groups: set[str], window: tuple[datetime, datetime], patience: Patience
) -> Iterator[Mapping[str, Any]]:
    begin, end = (f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in window)
    narrowed = (
        f"resourceGroupName eq '{min(groups)}'" if len(groups) == 1 else "resourceProvider eq 'Microsoft.Compute'"
    )
    doing = f"reading the Activity Log of subscription {subscription}"
    url: str = f"/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    params = {
        "api-version": API_VERSION,
        "$filter": f"eventTimestamp ge '{begin}' and eventTimestamp le '{end}' and {narrowed}",
        "$select": SELECTED,
    }
    for _ in range(PAGES_AT_MOST):
        page = cloud.call("GET", url, doing, params=params, patience=patience).document
        if not isinstance(page, Mapping) or not isinstance(page.get("value"), list):
            raise CloudError(f"{doing}: the answer has no list of entries", status=200)
        yield from (one for one in page["value"] if isinstance(one, Mapping))
        url, params = page.get("nextLink") or "", {}
        if not url:
            return
    raise CloudError(f"{doing}: more than {PAGES_AT_MOST} pages", status=200)


def _take(entry: Mapping[str, Any], groups: set[str], found: Told) -> None:
    place = _SCALE_SET.fullmatch(str(entry.get("resourceId")).casefold())
    at = _instant(entry.get("eventTimestamp"))
    if place is None or at is None or place[2] not in groups:
        return
    key = ((place[1], place[2]), place[3])
    operation, status = _word(entry, "operationName"), _word(entry, "status")
    if any(name in operation for name in _EVICTED) and status not in ("failed", "canceled"):
        found.evictions.setdefault(key, []).append(at)
    elif status == "failed" and _codes(entry) & CAPACITY:
        found.refused_at[key] = max(at, found.refused_at.get(key, at))


def _word(entry: Mapping[str, Any], name: str) -> str:
    """`value` of a localizable text, lower case."""
    value = entry.get(name)
    return str(value.get("value") if isinstance(value, Mapping) else value).casefold()


def _codes(entry: Mapping[str, Any]) -> set[str]:
    said = entry.get("properties")
    text = str(said.get("statusMessage")) if isinstance(said, Mapping) else ""
    return {code.casefold() for code in _CODE.findall(text)}


def _instant(text: object) -> datetime | None:
    """Azure writes seven decimals; fromisoformat cuts what it does not need."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return None if at.tzinfo is None else at.astimezone(UTC)
