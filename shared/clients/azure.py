"""One Azure cloud: its endpoints, the identity, one kept connection, and a client per subscription.

Nothing here touches the network or imports the SDKs until the first call. Endpoints from:
https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure and
https://learn.microsoft.com/azure/china/resources-developer-guide
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from json import dumps, loads
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from shared.clients import answers
from shared.errors import InputError, NoReply, Refused
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.pipeline import Pipeline
    from azure.core.rest import HttpRequest
    from azure.mgmt.containerservice import ContainerServiceClient
    from azure.mgmt.costmanagement import CostManagementClient

    from shared.clients.pipeline import Patience

AGENT = "lamplighter"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a cloud is spoken to. `arm` has no trailing slash; `authority` '' leaves it to the environment.

    `metrics` has a place for the region. Metrics and logs have audiences of their own:
    https://learn.microsoft.com/python/api/overview/azure/monitor-querymetrics-readme and
    https://learn.microsoft.com/python/api/overview/azure/monitor-query-readme
    """

    arm: str
    scope: str
    authority: str = ""
    prices: str = "https://prices.azure.com"
    metrics: str = "https://{region}.metrics.monitor.azure.com"
    metrics_scope: str = "https://metrics.monitor.azure.com/.default"
    logs: str = "https://api.loganalytics.io"


ENDPOINTS: Mapping[str, Endpoint] = {
    "AzurePublicCloud": Endpoint(
        "https://management.azure.com", "https://management.azure.com/.default", "login.microsoftonline.com"
    ),
    "AzureUSGovernment": Endpoint(
        "https://management.usgovcloudapi.net",
        "https://management.core.usgovcloudapi.net/.default",
        "login.microsoftonline.us",
        metrics="https://{region}.metrics.monitor.azure.us",
        metrics_scope="https://metrics.monitor.azure.us/.default",
        logs="https://api.loganalytics.us",
    ),
    "AzureChinaCloud": Endpoint(
        "https://management.chinacloudapi.cn",
        "https://management.chinacloudapi.cn/.default",
        "login.chinacloudapi.cn",
        metrics="https://{region}.metrics.monitor.azure.cn",
        metrics_scope="https://metrics.monitor.azure.cn/.default",
        logs="https://api.loganalytics.azure.cn",
    ),
}


def endpoint_of(cloud: str) -> Endpoint:
    """A named cloud, or the https URL of a Resource Manager; InputError otherwise.

    An endpoint of one's own is its own audience, and is asked for list prices, metrics and logs too: what it has not is
    unknown.
    """
    named = ENDPOINTS.get(cloud)
    if named is not None:
        return named
    parts = urlsplit(cloud)
    if parts.scheme != "https" or not parts.netloc:
        raise InputError(
            f"{cloud!r} is no cloud: expected {', '.join(ENDPOINTS)}, or an https URL such as https://127.0.0.1:8443"
        )
    arm = f"https://{parts.netloc}"
    return Endpoint(arm, f"{arm}/.default", prices=arm, metrics=arm, metrics_scope=f"{arm}/.default", logs=arm)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a raw call brought: `document` is the parsed JSON body, None without a body."""

    status: int
    headers: Mapping[str, str]
    document: Any


class Cloud:
    """One cloud seen by one identity. Safe to share between threads; `close` ends the connections.

    `credential` and `transport` are azure-core's; when None they are made at the first call.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        credential: Any = None,
        transport: Any = None,
        ca_file: str = "",
        client_id: str = "",
    ) -> None:
        self.endpoint = endpoint
        self._credential = credential
        self._transport = transport
        self._ca_file = ca_file
        self._client_id = client_id
        self._pipelines: dict[str, Pipeline[Any, Any]] = {}
        self._open: Pipeline[Any, Any] | None = None
        self._clients: dict[str, ContainerServiceClient] = {}
        self._costs: CostManagementClient | None = None
        self._lock = threading.RLock()

    @classmethod
    def connect(cls, settings: Settings, *, credential: Any = None, transport: Any = None) -> Cloud:
        """The cloud that the settings name."""
        return cls(
            endpoint_of(settings.cloud),
            credential=credential,
            transport=transport,
            ca_file=settings.ca_file,
            client_id=settings.client_id,
        )

    @property
    def credential(self) -> Any:
        """Managed identity in Azure, whoever is signed in on a laptop; never a stored secret, never a browser."""
        with self._lock:
            if self._credential is None:
                self._credential = _credential(self.endpoint, self._client_id, self._ca_file)
            return self._credential

    @property
    def transport(self) -> Any:
        """azure-core's transport; its `sleep` is how waiting is done."""
        with self._lock:
            if self._transport is None:
                from shared.clients.pipeline import transport  # noqa: PLC0415 - imported at the first call

                self._transport = transport(self._ca_file)
            return self._transport

    @property
    def pipeline(self) -> Pipeline[Any, Any]:
        return self.pipeline_for(self.endpoint.scope)

    def pipeline_for(self, scope: str) -> Pipeline[Any, Any]:
        """Resource Manager's pipeline for another audience: the same identity, connection and patience."""
        with self._lock:
            found = self._pipelines.get(scope)
            if found is None:
                from shared.clients.pipeline import pipeline  # noqa: PLC0415 - as above

                found = self._pipelines[scope] = pipeline(self.credential, scope, self.transport, AGENT)
            return found

    def client(self, subscription: str) -> ContainerServiceClient:
        """The SDK's client of one subscription, made once, all on the one pipeline."""
        key = subscription.casefold()
        with self._lock:
            found = self._clients.get(key)
            if found is None:
                from azure.mgmt.containerservice import ContainerServiceClient  # noqa: PLC0415 - as above

                found = ContainerServiceClient(
                    self.credential, subscription, self.endpoint.arm, pipeline=self.pipeline, polling_interval=30
                )
                self._clients[key] = found
            return found

    @property
    def costs(self) -> CostManagementClient:
        """The SDK's client of Cost Management, which belongs to no subscription."""
        with self._lock:
            if self._costs is None:
                from azure.mgmt.costmanagement import CostManagementClient  # noqa: PLC0415 - as above

                self._costs = CostManagementClient(self.credential, self.endpoint.arm, pipeline=self.pipeline)
            return self._costs

    def call(
        self,
        method: str,
        url: str,
        doing: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        patience: Patience | None = None,
        retry_post: bool = False,
        retries: int | None = None,
    ) -> Answer:
        """One raw call with the identity's token. `url` is a path, or a whole URL on this cloud's Resource Manager.

        `doing` begins the sentence of an error ("reading the locks of web-dev"). `retry_post` is for a POST that only
        reads, `retries` 0 is for one whose waiting is done elsewhere. Raises a CloudError for every answer of 400 and
        above, and for a URL elsewhere: a token must not travel.
        """
        options: dict[str, Any] = {"retry_on_methods": frozenset({"GET", "POST"})} if retry_post else {}
        if patience is not None:
            options["patience"] = patience
        if retries is not None:
            options["retry_total"] = retries
        request = _request(method, self._here(url, doing), params, body)
        request.headers.update(headers or {})
        return _sent(self.pipeline, request, doing, options)

    def fetch(self, url: str, doing: str, *, params: Mapping[str, str] | None = None) -> Answer:
        """GET something public, without a token, once; raises CloudError as `call` does."""
        with self._lock:
            if self._open is None:
                from shared.clients.pipeline import pipeline  # noqa: PLC0415 - as above

                self._open = pipeline(None, "", self.transport, AGENT)
        return _sent(self._open, _request("GET", url, params), doing, {"retry_total": 0})

    def _here(self, url: str, doing: str) -> str:
        if url.startswith("/") and not url.startswith("//"):
            return self.endpoint.arm + url
        given, arm = urlsplit(url), urlsplit(self.endpoint.arm)
        if (given.scheme, given.netloc.casefold()) != ("https", arm.netloc.casefold()):
            raise Refused(f"{doing}: {given.netloc or url!r} is not {arm.netloc}, and no token is sent there")
        return url

    def sleep(self, seconds: float) -> None:
        """Wait, in the transport's time."""
        self.transport.sleep(seconds)

    def close(self) -> None:
        with self._lock:
            if self._transport is not None:
                self._transport.close()
            if hasattr(self._credential, "close"):
                self._credential.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _credential(endpoint: Endpoint, client_id: str, ca_file: str) -> Any:
    """No network: azure-identity asks for a token when the first call needs one."""
    from azure import identity  # noqa: PLC0415 - azure-identity takes .15 s to import

    if os.environ.get("IDENTITY_ENDPOINT"):
        return identity.ManagedIdentityCredential(client_id=client_id or None, connection_verify=ca_file or True)
    options: dict[str, Any] = {"exclude_interactive_browser_credential": True}
    if endpoint.authority:
        options["authority"] = endpoint.authority
    if client_id:
        options["managed_identity_client_id"] = client_id
    if ca_file:
        options["connection_verify"] = ca_file
    return identity.DefaultAzureCredential(**options)


def _request(method: str, url: str, params: Mapping[str, str] | None, body: Any = None) -> HttpRequest:
    from azure.core.rest import HttpRequest  # noqa: PLC0415 - azure-core is imported at the first call

    content = None if body is None else dumps(body).encode()
    headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if content else {})
    return HttpRequest(method, url, params=dict(params or {}), content=content, headers=headers)


def _sent(pipeline: Pipeline[Any, Any], request: HttpRequest, doing: str, options: Mapping[str, Any]) -> Answer:
    with answers.answering(doing):
        response = pipeline.run(request, **options).http_response
        data = answers.body_of(response)
    if not 200 <= response.status_code < 300:
        raise answers.refusal(doing, response.status_code, data, response.headers)
    try:
        return Answer(response.status_code, response.headers, loads(data) if data else None)
    except ValueError:
        raise NoReply(f"{doing}: Azure's answer is not JSON", status=response.status_code) from None
