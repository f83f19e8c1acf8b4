"""`/metadata/endpoints`: where this cloud's services are, as ONE object, so that `az cloud register` can use it.

Shape: https://management.azure.com/metadata/endpoints?api-version=2022-09-01, one entry of that list. Services that the
simulator does not have carry Azure's own suffixes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import World


def endpoints(world: World, request: Request) -> Response:
    """GET /metadata/endpoints: every URL points back here."""
    return reply(200, cloud(request.base_url, world.tenant))


def cloud(url: str, tenant: str) -> dict[str, Any]:
    """One cloud whose Resource Manager and login are at `url`."""
    base = url.rstrip("/")
    host = urlsplit(base).netloc
    return {
        "name": "LamplighterSimulator",
        "portal": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [base, f"{base}/"],
            "tenant": tenant,
            "identityProvider": "AAD",
        },
        "media": base,
        "graphAudience": f"{base}/",
        "graph": f"{base}/",
        "microsoftGraphResourceId": f"{base}/",
        "gallery": base,
        "batch": f"{base}/",
        "sqlManagement": f"{base}/",
        "vmImageAliasDoc": f"{base}/vm-image-aliases",
        "resourceManager": base,
        "activeDirectoryDataLake": f"{base}/",
        "logAnalyticsResourceId": base,
        "appInsightsResourceId": base,
        "suffixes": {
            "storage": f"storage.{host}",
            "keyVaultDns": f"vault.{host}",
            "sqlServerHostname": f"database.{host}",
            "acrLoginServer": f"azurecr.{host}",
        },
    }
