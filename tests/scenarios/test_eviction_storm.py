"""Eviction storms: the deployed handlers and the real SDKs against a market that takes spot nodes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from lamplighter.simulator import Fault
from lamplighter.simulator.spot_market import scale_set
from shared.handlers.look import look
from tests.scenarios.stage import MINUTE, Story, dev, policy, prod

SIZE = "Standard_D4s_v5"
SCALE_SETS = "Microsoft.Compute/virtualMachineScaleSets"
MOVES = "return_after: 15m"


def pools(**more):
    spot1, spot2, ondemand = (more.get(name, {}) for name in ("spot1", "spot2", "ondemand"))
    return [
        {"name": "system", "mode": "System", "count": 2, "size": SIZE},
        {"name": "spot1", "priority": "Spot", "count": 3, "size": SIZE, "zones": [1], **spot1},
        {"name": "spot2", "priority": "Spot", "count": 0, "size": SIZE, "zones": [2], **spot2},
        {"name": "ondemand", "count": 0, "size": SIZE, **ondemand},
    ]


def market(first: list[int], second: list[int], **more):
    """Room for spot nodes in two zones, ten minutes a value."""
    rooms = [
        {"location": "westeurope", "size": SIZE, "zone": zone, "gap": 600, "room": room}
        for zone, room in (("1", first), ("2", second))
    ]
    return {"market": {"rooms": rooms, **more}}


GROUP = '{name: web, spot: ["spot*"], fallback: ondemand, nodes: {min: 3, max: 3}}'


def rules(group: str = f"[{GROUP}]", environment: str = "dev", more: str = MOVES) -> str:
    return policy(f"""
rules:
  - name: web-on-spot
    match: {{environments: [{environment}]}}
    spot: {{groups: {group}, {more}}}
""")


CALM, GONE = [9] * 6, [0] * 6


def spans(story: Story, pool: str, name: str = "web") -> list[tuple[int, int, int]]:
    """(minutes since the story began, ready nodes, nodes) of a pool."""
    began = story.world.graph and story.began
    log = story.world.market.sizes[story.world.cluster(name).key, pool]
    return [(int((at - began) / MINUTE), ready, nodes) for at, ready, nodes in log]


def fewest(story: Story, name: str = "web") -> list[tuple[int, int]]:
    """(minute, ready nodes of the group) at each change."""
    key, now = story.world.cluster(name).key, {}
    changes = sorted(
        (at, pool, ready)
        for (cluster, pool), log in story.world.market.sizes.items()
        for at, ready, _ in log
        if cluster == key and pool != "system"
    )
    told = []
    for at, pool, ready in changes:
        now[pool] = ready
        minute = int((at - story.began) / MINUTE)
        if told and told[-1][0] == minute:
            told.pop()
        told.append((minute, sum(now.values())))
    return told


@pytest.fixture
def storm():
    """Zone 1 is taken back after an hour and comes again an hour later; zone 2 has room."""
    with story_of(rules(), market(CALM + GONE + CALM * 9, [9] * 99)) as story:
        yield story


def story_of(policy: str, fleet: dict, *clusters: dict, **rehearsal) -> Story:
    story = Story(*(clusters or (dev("web", pools=pools()),)), policy=policy, fleet=fleet, **rehearsal)
    story.began = story.world.now()
    return story


def resizes(story: Story, name: str = "web") -> list[tuple[int, str, int]]:
    return [
        (int((write.at - story.began) / MINUTE), write.pool, write.body["properties"]["count"])
        for write in story.writes(name)
    ]


def test_evicted_fallen_back_and_returned(storm):
    """Within a minute of the eviction being visible on-demand is asked for; it goes once spot has carried for 15 min."""
    storm.later(timedelta(hours=3))
    (first, pool, size), *others = resizes(storm)
    # Evicted at 60:00, Resource Graph shows it one to two minutes later, the pulse looks every minute.
    assert (pool, size) == ("ondemand", 3)
    assert 60 < first <= 63
    assert [(pool, size) for _, pool, size in others] == [("spot2", 3), ("ondemand", 0)]
    assert others[0][0] - first <= 3
    assert others[1][0] - others[0][0] >= 15
    assert spans(storm, "ondemand")[-1][1:] == (0, 0)
    assert spans(storm, "spot2")[-1][1:] == (3, 3)
    assert [ready for minute, ready in fewest(storm) if minute > 70 and ready < 3] == []
    assert storm.world.unknown == []
    assert storm.rehearsal.failures == []


def test_history_tells_the_storm(storm):
    storm.later(timedelta(hours=3))
    assert {"fall_back", "to_spot", "home"} <= storm.reasons("web")
    accepted = [record.body["message"] for record in storm.history("web", "accepted")]
    assert accepted[0].startswith("grow: group web: 3 of 3 nodes are missing: spot1 lost nodes")


def test_the_pool_keeps_what_it_was(storm):
    """A PUT replaces the pool: taint, label, spot price and everything nobody here knows go back as they came."""
    found = storm.world.pool("web", "spot2")
    found.properties["nodeLabels"] = {**found.properties["nodeLabels"], "team": "web"}
    before = found.copy()
    storm.later(timedelta(hours=3))
    after = storm.world.pool("web", "spot2")
    known = before.properties.keys() | after.properties.keys() - {"nodeImageVersion"}
    assert {key for key in known if after.value(key) != before.value(key)} == {"count"}
    [write] = [write for write in storm.writes("web") if write.pool == "spot2"]
    sent = write.body["properties"]
    assert (sent["scaleSetPriority"], sent["spotMaxPrice"], sent["nodeLabels"]["team"]) == ("Spot", -1, "web")
    assert sent["nodeTaints"] == ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"]


def test_an_autoscalers_bounds_are_as_before_when_on_demand_is_home():
    """Its maximum of two is in the way of three nodes: raised with them, and back once they are gone."""
    web = dev("web", pools=pools(ondemand={"min": 0, "max": 2}))
    with story_of(rules(), market(CALM + GONE + CALM * 9, [9] * 99, needed={"web": 3}), web) as story:
        story.later(timedelta(hours=2))
        bounds = [
            tuple(write.body["properties"][name] for name in ("minCount", "maxCount", "count"))
            for write in story.writes("web")
            if write.pool == "ondemand"
        ]
        assert bounds == [(3, 3, 3), (0, 3, 3), (0, 2, 0)], "no node was taken by a bound"
        last = [record.body["message"] for record in story.history("web", "accepted")][-1]
        assert last.endswith("its maximum goes back from 3 to 2, where it was")
        assert story.rehearsal.failures == []


def test_both_zones_gone_and_back_never_flaps():
    with story_of(rules(), market(CALM + GONE + CALM * 9, CALM + GONE + CALM * 9)) as story:
        story.later(timedelta(hours=5))
        lowered = [minute for minute, pool, size in resizes(story) if (pool, size) == ("ondemand", 0)]
        raised = [minute for minute, pool, size in resizes(story) if (pool, size) == ("ondemand", 3)]
        assert len(raised) == len(lowered) == 1
        assert spans(story, "ondemand")[-1][1:] == (0, 0)
        asked = [minute for minute, pool, _ in resizes(story) if pool.startswith("spot")]
        assert len(asked) <= 12


def test_no_quota_for_more_is_seen_before_azure_is_asked():
    quota = [{"location": "westeurope", "name": "cores", "limit": 2 * 4 + 2 * 4}]
    with story_of(rules(), market(CALM + GONE * 5, CALM + GONE * 5, quota=quota)) as story:
        story.later(timedelta(hours=2))
        assert [(pool, size) for _, pool, size in resizes(story) if pool == "ondemand"] == [("ondemand", 2)]


def test_production_is_only_raised_and_only_where_it_is_named():
    fleet = market(CALM + GONE + CALM * 9, [9] * 99)
    with story_of(rules(environment="prod"), fleet, prod("web", pools=pools())) as story:
        story.later(timedelta(hours=4))
        assert [(pool, size) for _, pool, size in resizes(story)] == [("ondemand", 3), ("spot2", 3)]
        assert story.reason("web", "ondemand") == "production"
    with story_of(rules(environment="dev"), fleet, prod("web", pools=pools())) as story:
        story.later(timedelta(hours=3))
        assert resizes(story) == []


def test_plan_mode_only_plans():
    planned = rules().replace("mode: act", "mode: plan")
    with story_of(planned, market(CALM + GONE + CALM * 9, [9] * 99)) as story:
        story.later(timedelta(hours=2))
        assert resizes(story) == []
        assert "fall_back" in story.reasons("web")


def test_inferred_groups_carry_what_was_there_while_all_was_calm():
    with story_of(rules("auto"), market(CALM + GONE + CALM * 9, [9] * 99)) as story:
        story.later(timedelta(hours=3))
        assert [(pool, size) for _, pool, size in resizes(story)] == [("ondemand", 3), ("spot2", 3), ("ondemand", 0)]


def test_an_autoscaled_group_moves_its_bounds():
    scaled = pools(spot1={"min": 3, "max": 9}, spot2={"min": 0, "max": 9}, ondemand={"min": 0, "max": 9})
    fleet = market(CALM + GONE + CALM * 9, [9] * 99, needed={"web": 3})
    with story_of(rules(), fleet, dev("web", pools=scaled)) as story:
        story.later(timedelta(hours=4))
        sent = [(write.pool, write.body["properties"]["minCount"]) for write in story.writes("web")]
        assert sent[:2] == [("ondemand", 3), ("spot2", 3)]
        assert ("ondemand", 0) in sent
        assert spans(story, "ondemand")[-1][1:] == (0, 0)
        assert [ready for minute, ready in fewest(story) if minute > 72 and ready < 3] == []


def test_a_hint_looks_at_once_and_raises_only(storm):
    """An Activity Log alert about a scale set, or a simulated eviction's event, need not wait for the next minute."""
    storm.later(timedelta(minutes=59))
    storm.world.advance(timedelta(minutes=3, seconds=10))
    web = storm.world.cluster("web")
    subject = scale_set(web, storm.world.pool("web", "spot1"))
    event = {"subject": subject, "data": {"operationName": f"{SCALE_SETS}/virtualMachines/simulateEviction/action"}}
    assert look(storm.app, event) == "watched"
    storm.rehearsal.deliver()
    assert [(pool, size) for _, pool, size in resizes(storm)] == [("ondemand", 3)]
    assert look(storm.app, {**event, "data": {"operationName": f"{SCALE_SETS}/write"}}) == "foreign"


class TestTrouble:
    def test_a_drain_that_fails_is_remembered(self, storm):
        storm.world.inject(Fault.operation_fails("PUT *ondemand", "PodDrainFailure", skip=1, times=3))
        storm.later(timedelta(hours=8))
        lowered = [minute for minute, pool, size in resizes(storm) if (pool, size) == ("ondemand", 0)]
        waits = [later - earlier for earlier, later in pairwise(lowered)]
        assert len(lowered) >= 3
        assert all(wait >= 30 for wait in waits)
        assert waits == sorted(waits)

    @pytest.mark.parametrize("path", ["*resourcegraph*", "*eventtypes*"])
    def test_nothing_is_given_up_while_a_part_cannot_be_read(self, storm, path):
        storm.later(timedelta(minutes=75))
        storm.world.inject(Fault.forbidden(path))
        storm.later(timedelta(hours=2))
        assert [size for _, pool, size in resizes(storm) if pool == "ondemand"] == [3]

    def test_room_that_cannot_be_read_holds_back_all_but_the_fallback(self, storm):
        storm.world.inject(blind := Fault.forbidden("*usages*"))
        storm.later(timedelta(minutes=110))
        assert [(pool, size) for _, pool, size in resizes(storm)] == [("ondemand", 3)]
        assert storm.reason("web", "spot2") == "no_room"
        storm.world.faults.remove(blind)
        storm.later(timedelta(minutes=60))
        assert [(pool, size) for _, pool, size in resizes(storm)][1:] == [("spot2", 3), ("ondemand", 0)]

    def test_a_fallback_leaves_without_the_activity_log_too(self, storm):
        storm.world.inject(Fault.forbidden("*eventtypes*"))
        storm.later(timedelta(minutes=70))
        assert [(pool, size) for _, pool, size in resizes(storm)][:1] == [("ondemand", 3)]

    @pytest.mark.parametrize("path", ["*placementscores*", "*retail/prices*"])
    def test_advice_and_prices_that_cannot_be_had_hold_nothing_back(self, storm, path):
        storm.world.inject(Fault.forbidden(path))
        storm.later(timedelta(hours=3))
        assert storm.world.faults[0].struck
        assert [pool for _, pool, _ in resizes(storm)] == ["ondemand", "spot2", "ondemand"]

    def test_rates_and_spot_prices_of_resource_graph_hold_nothing_back_either(self, storm):
        blind = replace(Fault.forbidden("POST */microsoft.resourcegraph/*"), about="spotresources")
        storm.world.inject(blind)
        storm.later(timedelta(hours=3))
        assert blind.struck
        assert [pool for _, pool, _ in resizes(storm)] == ["ondemand", "spot2", "ondemand"]

    def test_a_throttled_write_is_tried_again_when_azure_says(self, storm):
        storm.world.inject(Fault.throttled("PUT *ondemand", retry_after=120))
        storm.later(timedelta(minutes=80))
        assert 62 < resizes(storm)[0][0] <= 67
