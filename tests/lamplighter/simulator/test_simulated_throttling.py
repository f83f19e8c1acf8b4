"""Buckets on the world's clock: who asks too often waits, and the wait ends."""

from __future__ import annotations

from datetime import timedelta

GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"


def test_a_cluster_takes_20_puts_and_one_more_a_minute(world, ask):
    """A tag PATCH counts as a PUT. From: learn.microsoft.com/azure/aks/quotas-skus-regions"""
    path = f"{world.cluster('web').id}?api-version=2026-08-01"
    statuses = [ask("PATCH", path, {"tags": {}}).status for _ in range(21)]
    assert statuses.count(429) == 1
    refused = ask("PATCH", path, {"tags": {}})
    assert refused.json()["error"]["code"] == "Throttled"
    assert refused.headers["Retry-After"] == "60"
    world.advance(timedelta(seconds=60))
    assert ask("PATCH", path, {"tags": {}}).status == 200


def test_stops_share_a_bucket_of_60_per_subscription_and_region(make_world, world, ask):
    for number in range(62):
        found = make_world({"name": f"c{number}"}).cluster(f"c{number}")
        world.clusters[found.key] = found
    statuses = [ask("POST", f"{world.cluster(f'c{number}').id}/stop").status for number in range(62)]
    assert (statuses.count(202), statuses.count(429)) == (60, 2)


def test_resource_graph_takes_15_queries_in_5_seconds(world, ask):
    answers = [ask("POST", GRAPH, {"query": "Resources | count"}) for _ in range(16)]
    assert [answer.status for answer in answers] == [200] * 15 + [429]
    assert [answers[at].headers["x-ms-user-quota-remaining"] for at in (0, 14, 15)] == ["14", "0", "0"]
    assert answers[15].headers["x-ms-user-quota-resets-after"] == "00:00:05"
    world.advance(timedelta(seconds=5))
    assert ask("POST", GRAPH, {"query": "Resources | count"}).status == 200


def test_reads_run_dry_for_resource_manager_as_a_whole(world, ask):
    answers = [ask("GET", "/subscriptions/11111111-1111-1111-1111-111111111111") for _ in range(251)]
    assert answers[0].headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    assert answers[-1].json()["error"]["code"] == "SubscriptionRequestsThrottled"


def test_throttling_can_be_switched_off_for_measuring(make_world):
    world = make_world(throttle="graph")
    assert world.throttle.is_on
    assert not world.throttle.graph_is_on
    assert not make_world(throttle=False).throttle.is_on
