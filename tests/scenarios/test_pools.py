"""Pools instead of clusters: stopped and started through a whole PUT, their sizes the same afterwards."""

import pytest

from lamplighter.simulator import Fault
from lamplighter.simulator.resources import POOL_DEFAULTS
from tests.scenarios.stage import DAY, MINUTE, Story, dev, policy

RULES = """
rules:
  - {name: batch, match: {environments: [dev]}, hours: {schedule: office, pools: ["batch*", "spot*"]}}
"""
SYSTEM = {"name": "system", "mode": "System", "count": 2}
SPOT = {"name": "spot1", "priority": "Spot", "count": 6, "min": 2, "max": 12}
BATCH = {"name": "batch", "count": 4, "properties": {"nodeLabels": {"team": "data"}, "maxPods": 110}}


def sizes(story: Story, pool: str) -> tuple:
    found = story.world.pool("web", pool).properties
    return found.get("count"), found.get("minCount"), found.get("maxCount"), found.get("enableAutoScaling", False)


def shape(story: Story, name: str) -> dict:
    """Every property of a pool, defaults included."""
    pool = story.world.pool("web", name)
    return {key: pool.value(key) for key in {**POOL_DEFAULTS, **pool.properties} if key != "powerState"}


def test_pools_go_down_and_come_back_with_the_size_they_had():
    """An autoscaled spot pool and a plain one: sizes saved before, equal afterwards, nothing else of them changed."""
    with Story(dev("web", pools=[SYSTEM, SPOT, BATCH]), policy=policy(RULES)) as story:
        story.later(5 * MINUTE)
        before = {name: shape(story, name) for name in ("spot1", "batch")}
        story.until("Mon 22:00")
        assert not story.is_on("web", "spot1")
        assert not story.is_on("web", "batch")
        assert story.is_on("web"), "the cluster itself runs on"
        assert story.memory("web").target("spot1").saved.count == 6
        story.until("Tue 08:00")
        for name in ("spot1", "batch"):
            assert story.is_on("web", name)
            assert shape(story, name) == before[name]
        assert story.memory("web").target("spot1").saved is None, "the debt is paid"
        assert story.told("size") == []
        assert story.world.pool("web", "system").log.intervals[-1][1] is None, "system pools are never touched"


def test_pools_of_one_cluster_go_one_after_the_other():
    """One write under way per cluster."""
    with Story(dev("web", pools=[SYSTEM, SPOT, BATCH]), policy=policy(RULES)) as story:
        story.until("Mon 21:00")
        one, two = story.writes("web", "stop")
        assert {one.pool, two.pool} == {"spot1", "batch"}
        assert two.at > one.at
        assert "waits_for" in story.reasons("web")


def test_a_pool_resized_by_hand_while_it_was_down_keeps_the_persons_bounds():
    """Somebody starts it at night with other bounds: what we saved is not forced on it in the morning."""
    with Story(dev("web", pools=[SYSTEM, SPOT]), policy=policy(RULES)) as story:
        story.until("Mon 22:00")
        story.world.person_changes_pool(
            "web", "spot1", powerState={"code": "Running"}, count=3, minCount=1, maxCount=5, enableAutoScaling=True
        )
        story.until("Wed 08:00")
        assert sizes(story, "spot1") == (3, 1, 5, True)
        assert story.is_on("web", "spot1")


def test_a_pool_resized_by_day_comes_back_with_its_new_size():
    with Story(dev("web", pools=[SYSTEM, BATCH]), policy=policy(RULES)) as story:
        story.until("Tue 12:00")
        assert sizes(story, "batch")[0] == 4
        story.world.person_scales("web", "batch", 7)
        story.until("Wed 08:00")
        assert sizes(story, "batch")[0] == 7


def test_a_pool_that_comes_back_with_another_size_is_told_and_the_debt_stays():
    """Azure gives fewer nodes than it was asked for: people hear which size it had."""
    with Story(dev("web", pools=[SYSTEM, BATCH]), policy=policy(RULES)) as story:
        story.until("Tue 07:29")

        def shrink(write):
            if write.actor == "app" and write.pool == "batch":
                story.world.platform_moves("web", "batch", 2)

        story.world.on_write = shrink
        story.until("Tue 08:00")
        [told] = story.told("batch", "had 4 nodes")
        assert "now 2" in told


def test_a_spot_pool_at_zero_is_left_alone():
    """Evicted to 0: a size of 0 is never saved, so it is not stopped either."""
    empty = {**SPOT, "count": 0, "min": 0}
    with Story(dev("web", pools=[SYSTEM, empty]), policy=policy(RULES)) as story:
        story.until("Tue 06:00")
        assert story.writes() == []


def test_a_pool_stopped_while_its_cluster_is_stopped_by_hand_keeps_its_size():
    """The cluster goes down and up by hand around our stop; the morning brings the pool back as it was."""
    with Story(dev("web", pools=[SYSTEM, BATCH]), policy=policy(RULES)) as story:
        story.until("Mon 22:00")
        story.world.person_stops("web")
        story.until("Mon 23:30")
        story.world.person_starts("web")
        story.until("Tue 08:00")
        assert story.is_on("web", "batch")
        assert sizes(story, "batch")[0] == 4


def test_a_pool_rule_that_is_removed_gives_the_pool_back():
    other = """
rules:
  - {name: nothing, match: {names: [nobody]}, hours: {schedule: office}}
"""
    with Story(dev("web", pools=[SYSTEM, SPOT]), policy=policy(RULES)) as story:
        story.until("Mon 22:00")
        story.merge(policy(other))
        story.until("Mon 23:00")
        assert story.is_on("web", "spot1")
        assert sizes(story, "spot1") == (6, 2, 12, True)


def test_a_system_pool_that_a_glob_matches_is_refused_before_the_call():
    rules = RULES.replace('["batch*", "spot*"]', '["*"]')
    with Story(dev("web", pools=[SYSTEM, BATCH]), policy=policy(rules)) as story:
        story.until("Mon 21:00")
        assert {write.pool for write in story.writes()} == {"batch"}
        assert story.reason("web", "system") == "system_pool"


@pytest.mark.parametrize("fault", ["stale_etag", "conflict"])
def test_somebody_else_changes_the_pool_between_our_read_and_our_write(fault):
    """412 or 409: later, not failed; nothing of theirs is overwritten."""
    with Story(dev("web", pools=[SYSTEM, BATCH]), policy=policy(RULES)) as story:
        story.world.inject(getattr(Fault, fault)("PUT */agentpools/batch"))
        story.until("Mon 21:00")
        assert [r.phase for r in story.history("web", "postponed", "failed")] == ["postponed"]
        assert len(story.writes("web", "stop")) == 1
        story.until("Tue 08:00")
        assert sizes(story, "batch")[0] == 4


def test_a_deleted_pool_is_forgotten():
    from lamplighter.simulator import pool_verbs
    from lamplighter.simulator.operations import Call

    with Story(dev("web", pools=[SYSTEM, SPOT, BATCH]), policy=policy(RULES)) as story:
        story.until("Mon 22:00")
        found = story.world.cluster("web")
        pool_verbs.delete(story.world, found, story.world.pool("web", "batch"), Call("DELETE", found.id, "person"))
        story.later(2 * DAY)
        assert story.rehearsal.failures == []
        assert story.history("web", "failed") == []
        assert story.times("start") == ["Tue 07:30", "Wed 07:30"]
