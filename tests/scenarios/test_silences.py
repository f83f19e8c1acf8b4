"""Nights that page nobody: alert processing rules around planned stops, and the ones that would be left behind."""

from __future__ import annotations

from lamplighter.simulator import Fault
from lamplighter.simulator.monitor_alerts import UNAVAILABLE, AlertRule
from tests.scenarios.stage import DAY, HOUR, MINUTE, RULE, Story, dev, policy

QUIET = "\nguards: {stops: {at_most: 100%, within: 1h}, silence_alerts: true}\n"
DOWN = AlertRule("web-is-down", UNAVAILABLE, cluster="web")


def story(*clusters, rules: str = RULE, guards: str = QUIET) -> Story:
    told = Story(*(clusters or (dev("web"),)), policy=policy(rules, guards=guards))
    told.world.monitor.watch(told.world, DOWN)
    return told


def silences(told: Story) -> list[dict]:
    return list(told.world.monitor.silences.values())


def test_a_planned_stop_is_silent_from_before_it_until_the_start():
    with story() as told:
        told.until("Mon 18:58")
        [rule] = silences(told)
        cluster = told.world.cluster("web")
        assert rule["properties"]["scopes"][0] == cluster.key
        assert rule["properties"]["actions"] == [{"actionType": "RemoveAllActionGroups"}]
        assert rule["properties"]["schedule"]["effectiveFrom"] == "2026-11-23T17:59:00", "UTC, a minute before the stop"
        told.until("Tue 07:00")
        assert told.times("stop") == ["Mon 19:00"], "on time: the silence came with the warning"
        told.until("Tue 07:45")
        assert silences(told) == [], "removed with the start"
        monitor = told.world.monitor
        heard = [one[2] for one in monitor.suppressed]
        assert heard in (["Fired"], ["Fired", "Resolved"]), "silent until its nodes are ready"
        assert [one[2] for one in monitor.delivered] == ["Resolved"] * (2 - len(heard))
        assert told.rehearsal.failures == []


def test_without_the_guard_nothing_is_silenced():
    with story(guards="") as told:
        told.until("Tue 08:00")
        assert (silences(told), told.world.monitor.suppressed) == ([], [])


def test_a_stop_waits_until_its_silence_is_on_record():
    with story() as told:
        told.world.inject(Fault.forbidden("PUT *actionrules*", times=None))
        told.until("Mon 22:00")
        assert told.is_on("web")
        assert told.reason("web") == "silence_due"
        assert any("has an action that failed" in text for text in told.told("web"))
        told.world.faults.clear()
        told.until("Tue 06:00")
        assert not told.is_on("web")


def test_a_silence_is_renewed_over_a_weekend_and_over_by_itself():
    with story() as told:
        told.until("Fri 21:00")
        first = silences(told)[0]["properties"]["schedule"]["effectiveUntil"]
        told.until("Sun 12:00")
        [rule] = silences(told)
        assert rule["properties"]["schedule"]["effectiveUntil"] > first
        fired = [one for one in told.world.monitor.suppressed if one[2] == "Fired"]
        assert len(fired) == 5, "one a night, nobody was paged"
        assert {one[2] for one in told.world.monitor.delivered} <= {"Resolved"}
        told.outage("Tue 20:00")  # nobody renews it, and nobody starts the cluster
        assert rule["properties"]["schedule"]["effectiveUntil"] < "2026-12-01T18:00:00"


def test_orphans_are_swept():
    """The cluster is deleted at night: what was silenced for it goes with the next tick."""
    with story(dev("web"), dev("api")) as told:
        told.until("Mon 22:00")
        assert len(silences(told)) == 2
        told.world.monitor.rules.clear()
        told.delete("web")
        told.later(HOUR)
        assert [one["tags"]["lamplighter-cluster"] for one in silences(told)] == [told.id_of("api")]
        foreign = {**silences(told)[0], "tags": {"team": "x"}}
        told.world.monitor.silences["/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg/x/y/z/a"] = (
            foreign
        )
        told.later(20 * MINUTE)
        assert len(silences(told)) == 2, "somebody else's rule is not ours to remove"


def test_a_guard_that_is_taken_back_lets_alerts_through_again():
    with story() as told:
        told.until("Mon 22:00")
        told.merge(policy(guards=""))
        told.until("Tue 08:00")
        assert silences(told) == []
        assert told.memory("web").silenced_until is None
        told.later(DAY)
        assert silences(told) == []
