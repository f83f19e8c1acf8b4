"""One cloud: its endpoints, who we are there, and how patient we are. Nothing of it needs a network to be made."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from azure.core import AzureClouds
from azure.mgmt.core.tools import get_arm_endpoints

from shared.clients import clusters
from shared.clients.azure import ENDPOINTS, Cloud, endpoint_of
from shared.clients.pipeline import Patience, quota_resets_after
from shared.errors import CloudError, InputError, NotFound, Refused
from shared.settings import read_settings


@pytest.mark.parametrize(
    ("name", "cloud"),
    [
        ("AzurePublicCloud", AzureClouds.AZURE_PUBLIC_CLOUD),
        ("AzureUSGovernment", AzureClouds.AZURE_US_GOVERNMENT),
        ("AzureChinaCloud", AzureClouds.AZURE_CHINA_CLOUD),
    ],
)
def test_endpoints_of_named_clouds_are_those_of_the_sdk(name, cloud):
    """US Government's token audience is not its endpoint: a guess there is a 401 on every call."""
    known = get_arm_endpoints(cloud)
    assert ENDPOINTS[name].arm + "/" == known["resource_manager"]
    assert [ENDPOINTS[name].scope] == known["credential_scopes"]


def test_an_endpoint_of_ones_own_is_its_own_audience():
    endpoint = endpoint_of("https://localhost:8443")
    assert (endpoint.arm, endpoint.scope, endpoint.prices) == (
        "https://localhost:8443",
        "https://localhost:8443/.default",
        "https://localhost:8443",
    )


@pytest.mark.parametrize("bad", ["AzureGermanCloud", "http://localhost:1", "", "https://"])
def test_what_is_no_cloud_is_refused_with_what_would_be(bad):
    with pytest.raises(
        InputError, match=r"is no cloud: expected AzurePublicCloud, .* such as https://127\.0\.0\.1:8443"
    ):
        endpoint_of(bad)


def test_the_settings_choose_the_cloud(wire, transport, credential):
    settings = read_settings({"LAMPLIGHTER_CLOUD": "AzureUSGovernment"})
    wire.say((200, {}))
    with Cloud.connect(settings, credential=credential, transport=transport) as cloud:
        cloud.call("GET", "/subscriptions", "listing", params={"api-version": "1"})
    assert wire.sent[0].url == "https://management.usgovcloudapi.net/subscriptions?api-version=1"
    assert credential.scopes == ["https://management.core.usgovcloudapi.net/.default"]


def test_one_token_serves_all_subscriptions(cloud, wire, credential, cluster_id):
    """One pipeline for all clients: a fleet of 300 subscriptions must not ask for 300 tokens."""
    wire.script = lambda _: (200, {"id": cluster_id})
    for number in range(3):
        cloud.client(f"0000000{number}-0000-0000-0000-000000000000").managed_clusters.get("g", "c")
    cloud.call("GET", "/subscriptions", "listing")
    assert len(credential.scopes) == 1
    assert cloud.client("A") is cloud.client("a")


def test_in_azure_we_are_the_managed_identity_and_no_other(monkeypatch):
    """Where an identity endpoint is set, no developer's login and no stored secret is ever tried."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", "https://127.0.0.1:1/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    with Cloud(endpoint_of("AzurePublicCloud"), client_id="7c9e6679-7425-40de-944b-e07fc1f90ae7") as cloud:
        assert type(cloud.credential).__name__ == "ManagedIdentityCredential"
        assert cloud.credential is cloud.credential


def test_on_a_laptop_we_are_whoever_is_signed_in_and_no_browser_opens(monkeypatch):
    monkeypatch.delenv("IDENTITY_ENDPOINT", raising=False)
    with Cloud(endpoint_of("AzureChinaCloud"), client_id="7c9e6679-7425-40de-944b-e07fc1f90ae7") as cloud:
        tried = {type(one).__name__ for one in cloud.credential.credentials}
    assert type(cloud.credential).__name__ == "DefaultAzureCredential"
    assert "InteractiveBrowserCredential" not in tried
    assert {"ManagedIdentityCredential", "AzureCliCredential"} <= tried


def test_making_a_cloud_imports_no_sdk():
    """A cold start pays for imports before the first byte; an import must not need a network or a setting either."""
    code = (
        "import sys; import shared.clients.azure, shared.clients.fleet, shared.clients.clusters, shared.clients.market, "
        "shared.clients.notify, shared.clients.policy_source; "
        "shared.clients.azure.Cloud(shared.clients.azure.endpoint_of('AzurePublicCloud')); "
        "print([name for name in ('azure.core', 'azure.identity', 'azure.mgmt', 'requests', 'apprise') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_raw_call_that_azure_refuses_is_one_of_our_errors(cloud, wire):
    wire.say((404, {"error": {"code": "ResourceGroupNotFound", "message": "gone"}}))
    with pytest.raises(NotFound, match="looking: Azure answered 404 ResourceGroupNotFound: gone"):
        cloud.call("GET", "/subscriptions/x/resourceGroups/y", "looking")


def test_a_redirect_is_not_followed_with_our_token(cloud, wire):
    wire.say((302, None, {"Location": "https://evil.example/"}))
    with pytest.raises(Refused, match="Azure answered 302"):
        cloud.call("GET", "/subscriptions", "listing")
    assert len(wire.sent) == 1


def test_no_resource_provider_is_registered_behind_our_back(cloud, wire, cluster_id):
    """The SDK's default pipeline answers MissingSubscriptionRegistration by registering: a write nobody asked for."""
    wire.say((409, {"error": {"code": "MissingSubscriptionRegistration", "message": "not registered"}}))
    with pytest.raises(Refused):
        clusters.get(cloud, cluster_id)
    assert [sent.method for sent in wire.sent] == ["GET"]


def test_reads_are_repeated_a_few_times_and_no_longer(cloud, wire, transport):
    wire.script = lambda _: (503, None)
    with pytest.raises(CloudError):
        cloud.call("GET", "/subscriptions", "listing")
    assert len(wire.sent) == 5
    assert sum(transport.slept) <= 60


def test_patience_is_spent_and_never_overdrawn():
    patience = Patience(10)
    assert [patience.spend(6), patience.spend(5), patience.spend(4), patience.spend(0.1)] == [True, False, True, False]


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:00:05", 5), ("01:01:01", 3661), ("", None), ("soon", None), ("5", None), (None, None)]
)
def test_the_quota_header_is_read_or_left_alone(text, seconds):
    assert quota_resets_after({"x-ms-user-quota-resets-after": text}) == seconds


def test_waiting_goes_through_the_transport(cloud, transport):
    """So that in a simulated world it is virtual."""
    cloud.sleep(timedelta(minutes=5).total_seconds())
    assert transport.slept == [300]
