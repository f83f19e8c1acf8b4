"""Whose nodes came long after their start: asked for each target by itself, and only where nodes are owed."""

from dataclasses import replace

from shared.handlers.readying import that_came
from shared.model.fleet import Power
from shared.model.memory import Failure, Memory, Stored
from shared.policy.endings import NODES_NOT_READY
from tests.policy.builders import at, pool, with_pool, with_target

NOW = at("Tue 08:00")
BARE = Failure("start_pool", NODES_NOT_READY, "pool batch has 0 of 3 nodes ready", NOW, 1, NOW)
NOBODY = None
"""Not an app: Azure is not asked."""


def came(seen, *pools, **more):
    memory = Memory(seen.id, **more)
    for name in pools:
        memory = with_target(memory, name, setbacks={NODES_NOT_READY: BARE})
    return that_came(NOBODY, [seen], {seen.id: Stored(memory, "1")}, NOW)


def test_a_pool_that_owes_no_node_any_more_is_not_waited_for():
    empty = with_pool(replace(pool(), count=0, autoscaling=False), replace(pool("jobs"), count=0, autoscaling=False))
    assert came(empty, "batch", "jobs") == {empty.id: ("batch", "jobs")}


def test_a_pool_that_is_gone_is_not_asked_for_and_does_not_stand_in_the_way():
    empty = with_pool(replace(pool(), count=0, autoscaling=False))
    assert came(empty, "gone", "batch") == {empty.id: ("batch",)}


def test_what_is_down_has_no_nodes_to_come():
    down = with_pool(replace(pool(), power=Power.STOPPED))
    assert came(down, "batch") == {}
    assert came(replace(with_pool(), power=Power.STOPPED), "batch") == {}


def test_who_has_their_nodes_is_not_asked():
    assert came(with_pool()) == {}
