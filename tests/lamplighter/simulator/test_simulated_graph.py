"""Resource Graph in the simulated Azure: its lag, its pages, its scopes, and what it leaves out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from azure.core.rest import HttpRequest

GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
FLEET = (
    "Resources | where type =~ 'Microsoft.ContainerService/managedClusters' "
    "| project id, name, power = properties.powerState.code, state = properties.provisioningState | order by id asc"
)


@pytest.fixture
def query(ask):
    def run(text, **body):
        answer = ask("POST", GRAPH, {"query": text, **body})
        assert answer.status == 200, answer.body
        return answer.json()

    return run


def test_it_lags_behind_the_provider(world, query):
    """A tick that plans on it must look again before it acts."""
    world.person_stops("web")
    assert query(FLEET)["data"][0]["state"] == "Succeeded"
    world.advance(timedelta(seconds=59))
    assert query(FLEET)["data"][0]["state"] == "Succeeded"
    world.advance(timedelta(seconds=120))
    row = query(FLEET)["data"][0]
    assert (row["state"], row["power"]) == ("Stopping", "Running")
    world.advance(timedelta(seconds=120))
    assert query(FLEET)["data"][0]["power"] == "Stopped"


def test_it_can_be_hours_behind(world, query):
    world.graph.lag = (timedelta(hours=5), timedelta(hours=5))
    world.person_stops("web")
    world.advance(timedelta(hours=4))
    assert query(FLEET)["data"][0]["power"] == "Running"
    assert world.cluster("web").power == "Stopped"


def test_a_deleted_cluster_haunts_it_for_a_while(world, sdk, query):
    sdk.managed_clusters.begin_delete("rg-web", "web").result()
    assert query(FLEET)["totalRecords"] == 1
    world.advance(timedelta(minutes=3))
    assert query(FLEET)["data"] == []


def test_2500_clusters_come_in_three_pages_in_the_order_of_their_ids(make_world, world, ask, query):
    big = make_world({"name": "c", "count": 2500})
    world.clusters.update(big.clusters)
    ids, token, sizes = [], None, []
    while True:
        page = query(
            FLEET, options={"$top": 1000, "resultFormat": "objectArray", **({"$skipToken": token} if token else {})}
        )
        ids += [row["id"] for row in page["data"]]
        sizes.append(page["count"])
        token = page.get("$skipToken")
        if not token:
            break
    assert sizes == [1000, 1000, 501]
    assert ids == sorted(ids)
    assert len(set(ids)) == page["totalRecords"] == 2501


@pytest.mark.parametrize(
    "text",
    ["Resources | project name", "Resources | order by id asc | take 1500", "Resources | project id | limit 1500"],
)
def test_without_id_or_with_a_limit_there_is_no_second_page(make_world, world, query, text):
    """The trap: such a query shows the first 1,000 rows and says so in one field only."""
    world.clusters.update(make_world({"name": "c", "count": 1500}).clusters)
    page = query(text)
    assert (page["count"], page["resultTruncated"]) == (1000, "true")
    assert "$skipToken" not in page


def test_rows_have_no_etag_and_lower_case_types(query):
    (row,) = query("Resources")["data"]
    assert row["type"] == "microsoft.containerservice/managedclusters"
    assert row["resourceGroup"] == "rg-web"
    assert "eTag" not in row["properties"]["agentPoolProfiles"][0]
    assert row["properties"]["agentPoolProfiles"][1]["nodeLabels"] == {"team": "web"}
    assert "eTag" not in row


def test_scopes_are_subscriptions_or_management_groups(make_world, query, world):
    from lamplighter.simulator.world import Subscription

    other = make_world({"name": "far"}, subscriptions=[{"id": "22222222-2222-2222-2222-222222222222", "name": "other"}])
    world.clusters.update(other.clusters)
    world.subscriptions["22222222-2222-2222-2222-222222222222"] = Subscription(
        "22222222-2222-2222-2222-222222222222", "other"
    )

    def names(**scope):
        return [row["name"] for row in query(FLEET, **scope)["data"]]

    assert names() == ["web", "far"]
    assert names(subscriptions=["22222222-2222-2222-2222-222222222222"]) == ["far"]
    assert names(managementGroups=["NonProd"]) == ["web"]
    assert names(subscriptions=["11111111-1111-1111-1111-111111111111", "33333333-3333-3333-3333-333333333333"]) == [
        "web"
    ]


def test_a_scope_without_any_known_subscription_is_a_400(ask):
    answer = ask("POST", GRAPH, {"query": FLEET, "subscriptions": ["33333333-3333-3333-3333-333333333333"]})
    assert answer.status == 400
    assert answer.json()["error"]["details"][0]["code"] == "NoValidSubscriptionsInQueryRequest"


def test_fleet_members_are_rows_of_their_own_table(make_world, ask, world):
    """Table and type: learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources"""
    member = make_world({"name": "web", "fleet": "platform"})
    world.members.extend(member.members)
    text = "aksresources | where type =~ 'microsoft.containerservice/fleets/members' | project id, cluster = tolower(properties.clusterResourceId)"
    (row,) = ask("POST", GRAPH, {"query": text}).json()["data"]
    assert row["cluster"] == world.cluster("web").key
    assert row["id"].endswith("/fleets/platform/members/web")


def test_it_answers_the_sdks_own_request_with_a_relative_url(sdk):
    request = HttpRequest("POST", GRAPH, json={"query": "Resources | count"})
    assert sdk.send_request(request).json()["data"] == [{"Count": 1}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Resources | where name matches regex 'a'", "unexpected 'matches'"),
        ("Resources | join kind=inner (Resources) on id", "the operator 'join' is not part"),
        ("Resources | extend a = bag_keys(tags)", "the function 'bag_keys' is not part"),
        ("Resources | where nmae == 'web'", "named 'nmae'"),
        ("Resorces", "Table 'resorces' is unknown"),
        ("Resources | where name == ", "expected a value"),
        ("Resources | take many", "expected a whole number"),
        ("Resources | summarize avg(name)", "the aggregate 'avg' is not part"),
        ("Resources |\n where ?", "line 2, position 8"),
        ("", "expected a name"),
    ],
)
def test_anything_else_is_a_loud_400(ask, text, why):
    answer = ask("POST", GRAPH, {"query": text})
    error = answer.json()["error"]
    assert (answer.status, error["code"]) == (400, "BadRequest")
    assert [detail["code"] for detail in error["details"]] == ["InvalidQuery", "ParserFailure"]
    assert why in error["details"][1]["message"]


def test_a_page_of_1000_projected_rows_is_written_once(make_world, ask, world):
    """The benchmark's floor stands on this server: the second reader must not pay for the first."""
    world.clusters.update(make_world({"name": "c", "count": 1000}).clusters)
    first = ask("POST", GRAPH, {"query": FLEET})
    world.person_stops("c-00005")
    world.advance(timedelta(minutes=10))
    second = ask("POST", GRAPH, {"query": FLEET})
    changed = [
        row["name"] for row, before in zip(second.json()["data"], first.json()["data"], strict=True) if row != before
    ]
    assert changed == ["c-00005"]
