"""Resource Graph: a query's pages, whatever its size, with patience.

Paging, limits and the request's shape from:
https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources and
https://learn.microsoft.com/azure/governance/resource-graph/concepts/paging-results
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from shared.clients.azure import Cloud
from shared.errors import CloudError

if TYPE_CHECKING:
    from shared.clients.pipeline import Patience

RESOURCES = "/providers/Microsoft.ResourceGraph/resources"
API_VERSION = "2024-04-01"
ROWS_A_PAGE = 1000


def pages(
    cloud: Cloud, query: str, what: Mapping[str, Any], doing: str, patience: Patience
) -> Iterator[list[Mapping[str, Any]]]:
    """The pages of one query, empty ones too; raises CloudError. A page is emptied when the next one is asked for."""
    token: str | None = None
    while True:
        options: dict[str, Any] = {"resultFormat": "objectArray", "$top": ROWS_A_PAGE}
        if token:
            options["$skipToken"] = token
        answer = cloud.call(
            "POST",
            RESOURCES,
            doing,
            params={"api-version": API_VERSION},
            body={**what, "query": query, "options": options},
            patience=patience,
            retry_post=True,
        )
        headers, page = answer.headers, answer.document if isinstance(answer.document, Mapping) else {}
        rows = page.get("data")
        if not isinstance(rows, list):
            raise CloudError(f"{doing}: Resource Graph's answer has no list of rows", status=answer.status)
        last, token = token, page.get("$skipToken")
        cut = str(page.get("resultTruncated")).casefold() == "true"
        yield rows
        # Let go before the next page comes: a page of JSON is larger than the thousand clusters read from it.
        del answer, page
        rows.clear()
        if not token:
            if cut:
                raise CloudError(f"{doing}: Resource Graph cut its answer short, so rows may be missing")
            return
        if token == last:
            raise CloudError(f"{doing}: Resource Graph gave the same page twice, so rows may be missing")
        _let_quota_refill(cloud, headers, patience)


def _let_quota_refill(cloud: Cloud, headers: Mapping[str, str], patience: Patience) -> None:
    """Sleep before the next page when this one used up our queries, instead of being refused."""
    from shared.clients.pipeline import quota_resets_after  # noqa: PLC0415 - as above

    if headers.get("x-ms-user-quota-remaining") == "0":
        wait = quota_resets_after(headers)
        if wait and patience.spend(wait):
            cloud.sleep(wait)
