"""Foreign clients: the real SDKs and azure-identity over real TLS, nothing of them changed."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from azure.core import MatchConditions
from azure.core.exceptions import ClientAuthenticationError, ServiceResponseError
from azure.identity import ManagedIdentityCredential
from azure.mgmt.containerservice import ContainerServiceClient

from lamplighter.simulator import Fault, SpeedClock, serve

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def server(world):
    with serve(world) as running:
        yield running


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setenv("IDENTITY_ENDPOINT", server.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", server.identity_header)
    with (
        ManagedIdentityCredential(connection_verify=server.ca_file) as credential,
        ContainerServiceClient(
            credential,
            SUBSCRIPTION,
            base_url=server.arm_url,
            credential_scopes=[f"{server.arm_url}/.default"],
            connection_verify=server.ca_file,
            polling_interval=0,
        ) as found,
    ):
        yield found


def test_the_sdk_stops_starts_and_changes_pools_over_tls(make_world, monkeypatch):
    """A clock 2,000 times faster than the wall: a 95 s stop takes .05 s."""
    world = make_world()
    world.clock = SpeedClock(world.now(), 2000)
    with serve(world) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", server.identity_header)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", server.ca_file)
        with (
            ManagedIdentityCredential() as credential,
            ContainerServiceClient(
                credential,
                SUBSCRIPTION,
                base_url=server.arm_url,
                credential_scopes=[server.arm_url],
                polling_interval=0.02,
            ) as client,
        ):
            assert [cluster.name for cluster in client.managed_clusters.list()] == ["web"]
            client.managed_clusters.begin_stop("rg-web", "web").result()
            assert client.managed_clusters.get("rg-web", "web").power_state.code == "Stopped"
            client.managed_clusters.begin_start("rg-web", "web").result()
            pool = client.agent_pools.get("rg-web", "web", "batch")
            pool.power_state = {"code": "Stopped"}
            poller = client.agent_pools.begin_create_or_update(
                "rg-web", "web", "batch", pool, etag=pool.e_tag, match_condition=MatchConditions.IfNotModified
            )
            assert poller.result().power_state.code == "Stopped"
    assert [write.operation for write in world.writes()] == [write.operation for write in world.audit]
    assert world.requests["GET app_service_token"] == 1


def test_one_connection_serves_many_requests(world, server):
    """Keep-alive: a new TLS connection costs a hundred times a kept one."""
    context = ssl.create_default_context(cafile=server.ca_file)
    connection = http.client.HTTPSConnection("localhost", int(server.arm_url.rpartition(":")[2]), context=context)
    headers = {"Authorization": "Bearer t"}
    took = []
    for _ in range(60):
        began = time.perf_counter()
        connection.request("GET", f"{world.cluster('web').id}?api-version=2026-08-01", headers=headers)
        answer = connection.getresponse()
        assert json.loads(answer.read())["name"] == "web"
        took.append(time.perf_counter() - began)
    connection.close()
    # Without TCP_NODELAY each answer would wait 40 ms; a loaded machine stays well below 20.
    assert statistics.median(took) < 0.02


def test_a_lost_reply_breaks_the_connection(world, client):
    world.inject(Fault.lost_reply("POST */stop"))
    with pytest.raises(ServiceResponseError):
        client.managed_clusters.begin_stop("rg-web", "web", polling=False, retry_total=0)
    assert world.cluster("web").state == "Stopping"


def test_an_unknown_url_is_a_loud_501(server, world, capsys):
    answer = requests.get(
        f"{server.arm_url}/nonsense", headers={"Authorization": "Bearer t"}, verify=server.ca_file, timeout=5
    )
    answer.close()
    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "UnknownToSimulator"
    assert "no answer for GET" in capsys.readouterr().err
    assert world.unknown == [f"GET {server.arm_url}/nonsense"]


def test_the_identity_endpoint_wants_its_header(server, monkeypatch):
    monkeypatch.setenv("IDENTITY_ENDPOINT", server.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with (
        ManagedIdentityCredential(connection_verify=server.ca_file) as credential,
        pytest.raises(ClientAuthenticationError),
    ):
        credential.get_token("https://management.azure.com/.default")


def test_tokens_look_like_jwts_and_expire_by_the_wall_clock(server, world):
    """One that expires in the virtual past would be fetched on every call."""
    import base64

    world.advance(timedelta(days=400))
    answer = requests.get(
        f"{server.arm_url}/metadata/identity/oauth2/token",
        params={"resource": "https://management.azure.com", "api-version": "2018-02-01"},
        headers={"Metadata": "true"},
        verify=server.ca_file,
        timeout=5,
    )
    body = answer.json()
    claims = json.loads(base64.urlsafe_b64decode(body["access_token"].split(".")[1] + "=="))
    assert claims["aud"] == "https://management.azure.com"
    assert 3600 < int(body["expires_on"]) - time.time() < 2 * 24 * 3600


def test_one_cloud_is_described_for_az_cloud_register(server):
    answer = requests.get(
        f"{server.arm_url}/metadata/endpoints?api-version=2022-09-01", verify=server.ca_file, timeout=5
    )
    cloud = answer.json()
    assert cloud["resourceManager"] == cloud["authentication"]["loginEndpoint"] == server.arm_url
    assert cloud["suffixes"]["storage"].endswith(server.arm_url.rpartition(":")[2])


def test_bodies_may_come_in_chunks(server, world):
    body = json.dumps({"query": "Resources | count"}).encode()
    answer = requests.post(
        f"{server.arm_url}/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01",
        data=iter([body[:7], body[7:]]),
        headers={"Authorization": "Bearer t"},
        verify=server.ca_file,
        timeout=5,
    )
    assert answer.json()["data"] == [{"Count": 1}]


def test_a_closed_server_lets_go_of_everything(world):
    with serve(world) as server, requests.Session() as session:
        session.get(f"{server.arm_url}/metadata/endpoints", timeout=5, verify=server.ca_file).close()
        server.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(server.arm_url.rpartition(":")[2])), timeout=5)
        assert not Path(server.ca_file).exists()


def test_the_clock_of_a_served_world_runs():
    clock = SpeedClock(datetime(2026, 11, 23, tzinfo=UTC), speed=1000)
    first = clock.now()
    clock.sleep(5)
    assert clock.now() - first >= timedelta(seconds=5)
    with pytest.raises(ValueError, match="above 0"):
        SpeedClock(speed=0)
