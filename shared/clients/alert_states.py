"""Whether alerts still fire, as Azure itself says: a `Resolved` that was lost on its way is found here.

https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources#alertsmanagementresources
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from shared.clients.azure import Cloud
from shared.errors import CloudError
from shared.model.alerts import Occurrence

RESOURCES = "/providers/Microsoft.ResourceGraph/resources"
API_VERSION = "2024-04-01"
AT_ONCE = 200
"""Names in one query; its text may be long, its answer is one page."""
INSTANCE = "/providers/microsoft.alertsmanagement/alerts/"
QUERY = """\
alertsmanagementresources
| where type =~ 'microsoft.alertsmanagement/alerts'
| where name in~ ({names})
| project id, name, condition = properties.essentials.monitorCondition, \
resolved = properties.essentials.monitorConditionResolvedDateTime
| order by id asc"""


def resolved(cloud: Cloud, alerts: Iterable[Occurrence], now: datetime) -> Mapping[str, datetime]:
    """Id of each of these alerts that is over -> since when, aware UTC; `now` where Azure does not say.

    Alerts that have no instance of their own, or that Azure does not show, are not in it. Raises CloudError.
    """
    by_name = {one.id.rpartition("/")[2]: one.id for one in alerts if INSTANCE in one.id}
    names, over = sorted(by_name), {}
    for start in range(0, len(names), AT_ONCE):
        some = ", ".join(f"'{name}'" for name in names[start : start + AT_ONCE] if name.replace("-", "").isalnum())
        if not some:
            continue
        for row in _rows(cloud, QUERY.format(names=some)):
            id_ = by_name.get(str(row.get("name")).casefold())
            if id_ is not None and str(row.get("condition")).casefold() == "resolved":
                over[id_] = _instant(row.get("resolved"), now)
    return over


def _rows(cloud: Cloud, query: str) -> list[Mapping[str, str]]:
    doing = "reading which alerts still fire"
    body = {"query": query, "options": {"resultFormat": "objectArray", "$top": 1000}}
    answer = cloud.call("POST", RESOURCES, doing, params={"api-version": API_VERSION}, body=body, retry_post=True)
    rows = answer.document.get("data") if isinstance(answer.document, Mapping) else None
    if not isinstance(rows, list):
        raise CloudError(f"{doing}: Resource Graph's answer has no list of rows", status=answer.status)
    return rows


def _instant(text: object, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(str(text)[:26].rstrip("Z"))
    except ValueError:
        return now
    return min(at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC), now)
