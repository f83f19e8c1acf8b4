"""Another size for a pool, through the real SDK: only the size changes, and nothing is sent on doubt."""

from __future__ import annotations

import pytest

from shared.clients.clusters import Accepted
from shared.clients.resizing import resize_pool
from shared.errors import Busy, NoCapacity
from shared.model.actions import GrowPool, ShrinkPool
from tests.clients.arm.test_clusters import SIGNED, pool_document


def test_bounds_move_and_everything_else_goes_back_as_it_came(cloud, wire, cluster_id):
    wire.say((200, pool_document()), (201, pool_document(), {"azure-asyncoperation": SIGNED}))
    assert resize_pool(cloud, GrowPool(cluster_id, "batch", min_count=5, max_count=9)) == Accepted(SIGNED)
    sent = wire.sent[1]
    assert sent.headers["if-match"] == '"abc"'
    properties = sent.body["properties"]
    assert (properties["minCount"], properties["maxCount"], properties["count"]) == (5, 9, 5)
    assert properties["scaleSetPriority"] == "Spot"
    assert properties["nodeTaints"] == ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"]
    assert properties["aPropertyOfTheFuture"] == {"deep": [1, 2]}
    assert "nodeImageVersion" not in properties


@pytest.mark.parametrize(("bounds", "count"), [((0, 9), 3), ((0, 2), 2), ((4, 9), 4)])
def test_an_autoscaled_count_moves_only_as_far_as_its_bounds_demand(cloud, wire, cluster_id, bounds, count):
    low, high = bounds
    wire.say((200, pool_document()), (200, pool_document()))
    resize_pool(cloud, ShrinkPool(cluster_id, "batch", min_count=low, max_count=high))
    assert wire.sent[1].body["properties"]["count"] == count


def test_a_fixed_pool_gets_a_count(cloud, wire, cluster_id):
    fixed = {"enableAutoScaling": False, "minCount": None, "maxCount": None}
    wire.say((200, pool_document(**fixed)), (200, pool_document(**fixed)))
    resize_pool(cloud, GrowPool(cluster_id, "batch", count=6))
    assert wire.sent[1].body["properties"]["count"] == 6


def test_a_pool_that_has_the_size_is_not_written(cloud, wire, cluster_id):
    wire.say((200, pool_document()))
    assert resize_pool(cloud, GrowPool(cluster_id, "batch", min_count=2, max_count=9)).already
    assert [one.method for one in wire.sent] == ["GET"]


@pytest.mark.parametrize(
    ("autoscaling", "action"),
    [(True, {"count": 5}), (False, {"min_count": 2, "max_count": 5})],
)
def test_an_autoscaler_that_was_switched_meanwhile_is_decided_anew(cloud, wire, cluster_id, autoscaling, action):
    wire.say((200, pool_document(enableAutoScaling=autoscaling)))
    with pytest.raises(Busy, match="its autoscaler was switched"):
        resize_pool(cloud, GrowPool(cluster_id, "batch", **action))
    assert [one.method for one in wire.sent] == ["GET"]


@pytest.mark.parametrize("found", [8, 10])
def test_a_maximum_that_somebody_moved_meanwhile_is_decided_anew(cloud, wire, cluster_id, found):
    wire.say((200, pool_document(maxCount=found)))
    with pytest.raises(Busy, match="somebody changed its maximum"):
        resize_pool(cloud, ShrinkPool(cluster_id, "batch", min_count=0, max_count=4, was_max=9))
    assert [one.method for one in wire.sent] == ["GET"]


def test_a_region_without_room_is_told_as_that(cloud, wire, cluster_id):
    refusal = {"error": {"code": "QuotaExceeded", "message": "Insufficient regional vcpu quota left"}}
    wire.say((200, pool_document()), (400, refusal))
    with pytest.raises(NoCapacity, match="resizing pool batch of web-dev"):
        resize_pool(cloud, GrowPool(cluster_id, "batch", min_count=5, max_count=9))
