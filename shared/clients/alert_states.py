"""Whether alerts still fire, as Azure itself says: a `Resolved` that was lost on its way is found here.

https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources#alertsmanagementresources
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from shared.clients.azure import Cloud
from shared.clients.graph import pages
from shared.model.alerts import Occurrence

AT_ONCE = 200
"""Names in one query."""
PATIENCE_SECONDS = 20.0
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
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - azure-core is imported at the first call

    patience = Patience(PATIENCE_SECONDS)
    by_name = {one.id.rpartition("/")[2]: one.id for one in alerts if INSTANCE in one.id}
    names, over = sorted(by_name), {}
    for start in range(0, len(names), AT_ONCE):
        some = ", ".join(f"'{name}'" for name in names[start : start + AT_ONCE] if name.replace("-", "").isalnum())
        if not some:
            continue
        for page in pages(cloud, QUERY.format(names=some), {}, "reading which alerts still fire", patience):
            for row in page:
                id_ = by_name.get(str(row.get("name")).casefold())
                if id_ is not None and str(row.get("condition")).casefold() == "resolved":
                    over[id_] = _instant(row.get("resolved"), now)
    return over


def _instant(text: object, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(str(text)[:26].rstrip("Z"))
    except ValueError:
        return now
    return min(at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC), now)
