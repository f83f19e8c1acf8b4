"""Alert processing rules: put one, remove one, find ours. Each is written at once, so there is no operation to ask.

A PUT and a DELETE of these may be repeated without harm, so the pipeline's retries are left on.
"""

from __future__ import annotations

from datetime import datetime

from shared.clients.azure import Cloud
from shared.clients.clusters import Accepted
from shared.clients.graph import pages
from shared.errors import NotFound
from shared.model.actions import SilenceAlerts
from shared.model.silence import SilenceRule, body, rule_id

VERSION = {"api-version": "2021-08-08"}
PATIENCE_SECONDS = 20.0
QUERY = """\
resources
| where type =~ 'microsoft.alertsmanagement/actionrules'
| where tags['lamplighter'] =~ 'silence'
| project id, cluster = tags['lamplighter-cluster']
| order by id asc"""


def put(cloud: Cloud, action: SilenceAlerts) -> Accepted:
    """Scoped to the cluster and, where it is known, to the resource group of its nodes; over by itself."""
    scopes = (action.cluster, action.nodes) if action.nodes else (action.cluster,)
    begins, until = (datetime.fromisoformat(one) for one in (action.begins, action.until))
    document = body(scopes, begins, until, action.cluster)
    doing = f"silencing the alerts of {action.cluster.rpartition('/')[2]}"
    cloud.call("PUT", rule_id(action.cluster), doing, params=VERSION, body=document)
    return Accepted(None)


def remove(cloud: Cloud, id_: str) -> Accepted:
    """One that is gone already is no error. Raises CloudError."""
    try:
        cloud.call("DELETE", id_, f"removing the alert processing rule {id_.rpartition('/')[2]}", params=VERSION)
    except NotFound:
        return Accepted(None)
    return Accepted(None)


def ours(cloud: Cloud) -> tuple[SilenceRule, ...]:
    """All that carry our tag, in one query. Raises CloudError."""
    from shared.clients.pipeline import Patience  # noqa: PLC0415 - azure-core is imported at the first call

    found = pages(cloud, QUERY, {}, "reading our alert processing rules", Patience(PATIENCE_SECONDS))
    rows = [row for page in found for row in list(page)]
    return tuple(SilenceRule(str(row["id"]).casefold(), str(row.get("cluster") or "").casefold()) for row in rows)
