"""The role that a policy needs is what the code can do, and no more."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from lamplighter.permissions import NEVER, permissions, role
from lamplighter.rehearsal import Rehearsal
from lamplighter.simulator import World
from shared.policy.document import read_policy

ROOT = Path(__file__).parent.parent
POLICY = """
version: 1
mode: act
timezone: Europe/Berlin
scope: all
environments: [{name: dev, match: {names: ["*"]}}]
schedules: {office: {running: [Mon-Fri 07:30-19:00]}}
rules:
  - {name: clusters, match: {names: [web]}, hours: {schedule: office}}
  - {name: pools, match: {names: [render]}, hours: {schedule: office, pools: ["spot*"]}}
  - {name: moves, match: {names: [shop]}, spot: {groups: auto}}
  - {name: unused, match: {names: [sandbox]}, idle: {after: 2h}}
guards: {warn_before_stop: 0m}
"""
NETWORK = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v"
FLEET = {
    "now": "2026-11-23T17:00:00Z",
    "clusters": [
        {"name": "web", "pools": [{"name": "system", "mode": "System", "count": 2}]},
        {"name": "render", "pools": [{"name": "system", "mode": "System", "count": 2}, {"name": "spot1", "count": 2}]},
        {
            "name": "shop",
            "pools": [
                {"name": "system", "mode": "System", "count": 2},
                {
                    "name": "spot2",
                    "priority": "Spot",
                    "count": 2,
                    "properties": {"vnetSubnetID": f"{NETWORK}/subnets/a"},
                },
                {"name": "ondemand", "count": 0},
            ],
        },
    ],
    "market": {
        "rooms": [
            {"location": "westeurope", "size": "Standard_D4s_v5", "gap": 3600, "room": [9] * 6 + [0, 0] + [9] * 30}
        ],
        "subnets": [{"id": f"{NETWORK}/subnets/a", "addresses": 200}],
    },
}
# (method, path) -> action, by the rule of Azure: the provider's path without names, then the verb.
# https://learn.microsoft.com/azure/role-based-access-control/custom-roles
VERBS = {"GET": "read", "PUT": "write", "POST": "action"}


def action_of(method: str, path: str) -> str | None:
    """None for what is no resource of Azure's: the token endpoint and public prices."""
    if "resourcegraph/resources" in path.lower():
        return "Microsoft.ContainerService/managedClusters/read"
    _, provider, tail = path.rpartition("/providers/")
    if not provider:
        return None
    namespace, *parts = tail.split("/")
    if method == "POST":
        return "/".join([namespace, *parts[:-1][::2], parts[-1], "action"])
    return "/".join([namespace, *parts[::2], VERBS[method]])


@pytest.fixture
def asked() -> set[str]:
    """The actions of every request of two days in which clusters and pools stop and start."""
    world = World.from_fleet(FLEET)
    seen: set[str] = set()
    with Rehearsal(world, POLICY) as rehearsal:
        adapter = rehearsal.app.cloud.transport.session.get_adapter("https://")
        send = adapter.send

        def watched(request, **options):
            path = re.sub(r"^https?://[^/]+", "", request.url).partition("?")[0]
            seen.add(action_of(request.method, path) or "")
            return send(request, **options)

        adapter.send = watched
        rehearsal.run_for(timedelta(days=1, hours=6))
        assert {write.action for write in world.writes()} >= {
            "Microsoft.ContainerService/managedClusters/stop/action",
            "Microsoft.ContainerService/managedClusters/start/action",
            "Microsoft.ContainerService/managedClusters/agentPools/write",
        }
        assert {action.casefold() for action in seen} >= {
            "microsoft.compute/locations/placementscores/generate/action",
            "microsoft.network/virtualnetworks/usages/read",
        }
    return seen - {""}


def test_the_code_asks_for_nothing_that_the_role_does_not_grant(asked):
    granted = {p.action.casefold() for p in permissions(read_policy(POLICY, "policy.yaml"))}

    assert {action for action in asked if action.casefold() not in granted} == set()


def test_plan_mode_needs_reading_only():
    needed = permissions(read_policy(POLICY.replace("mode: act", "mode: plan"), "policy.yaml"))

    assert {p.action.rpartition("/")[2] for p in needed} == {"read"}


@pytest.mark.parametrize("never", NEVER)
def test_no_policy_leads_to_what_lamplighter_never_does(never):
    needed = permissions(read_policy(POLICY, "policy.yaml"))

    assert [p.action for p in needed if never.casefold() in p.action.casefold()] == []
    assert [p.action for p in needed if "*" in p.action] == []


def test_the_role_that_is_deployed_is_the_one_of_the_shipped_policy():
    """The templates grant infra/actions.json. If this fails, run: lamplighter role --save infra/actions.json"""
    shipped = read_policy((ROOT / "policy.yaml").read_text(encoding="utf-8"), "policy.yaml")

    assert json.loads((ROOT / "infra" / "actions.json").read_text(encoding="utf-8")) == role(shipped)


def test_a_digest_reads_costs_and_what_lies_loose_and_writes_nothing():
    digest = "digest: {weekly: Mon 08:00, audiences: [{name: finance, to: A}]}\n"
    plain = {one.action for one in permissions(read_policy("version: 1\n", "policy.yaml"))}
    wanted = {one.action for one in permissions(read_policy(f"version: 1\n{digest}", "policy.yaml"))} - plain

    assert wanted == {
        "Microsoft.CostManagement/query/read",
        "Microsoft.CostManagement/query/action",
        "Microsoft.CostManagement/forecast/read",
        "Microsoft.CostManagement/forecast/action",
        "Microsoft.Compute/disks/read",
        "Microsoft.Network/publicIPAddresses/read",
    }
