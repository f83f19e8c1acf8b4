"""Who to be towards a storage service: the app's identity, or on this machine Azurite's only account.

Azurite speaks plain http, where no token may travel; its account and key are published and open nothing else.
https://learn.microsoft.com/azure/storage/common/storage-connect-azurite#well-known-storage-account-and-key
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from shared.clients.azure import Cloud

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def storage_credential(url: str, cloud: Cloud) -> Any:
    """The credential for a storage service's URL. Settings admit http on this machine alone."""
    if urlsplit(url).scheme == "https":
        return cloud.credential
    from azure.core.credentials import AzureNamedKeyCredential  # noqa: PLC0415 - a laptop alone needs it

    return AzureNamedKeyCredential(ACCOUNT, KEY)
