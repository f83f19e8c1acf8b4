"""The fleet in figures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.model.memory import FleetMemory, Memory, OpenAction, Phase, TargetMemory
from shared.policy.facts import BURST, PROBE_AFTER, STOP_EXPIRES, Headcount, fleet_facts, headcount, jump, recent_stops
from tests.policy.builders import DAY, HOUR, MINUTE, OFFICE, SUBSCRIPTION, cluster, policy

NOW = datetime(2026, 12, 7, 18, 0, tzinfo=UTC)
NOBODY = Headcount(0, 0, 0, {})
SECOND = timedelta(seconds=1)


def open_stop(kind: str = "stop_cluster") -> OpenAction:
    return OpenAction("x", kind, None, Phase.ACCEPTED, "c", "r", "off_hours", NOW - 5 * MINUTE, NOW)


class TestHeadcount:
    def test_who_counts(self):
        """A share of stops is of what rules match outside production, not of all there is."""
        fleet = [
            cluster("a"),
            cluster("b"),
            cluster("c", env="staging"),
            cluster("d", env="prod"),
            cluster("e", env=None),
        ]
        count = headcount(fleet, policy(OFFICE))
        assert (count.clusters, count.production, count.matched) == (5, 2, 2)
        assert count.lanes == {(SUBSCRIPTION, "westeurope"): 2}

    def test_production_that_a_rule_starts_is_in_the_queue_but_not_in_the_share(self):
        named = "  - {name: up, match: {environments: [prod]}, hours: {schedule: office}}"
        count = headcount([cluster("d", env="prod")], policy(named))
        assert (count.matched, count.lanes) == (0, {(SUBSCRIPTION, "westeurope"): 1})

    def test_a_full_lane_starts_earlier(self):
        lanes = {("s", "w"): BURST, ("s", "e"): BURST + 60}
        facts = fleet_facts(Headcount(0, 0, 0, lanes), [], FleetMemory(), NOW)
        assert facts.queue_lead == {("s", "e"): MINUTE}


class TestRecentStops:
    def test_done_under_way_and_in_the_queue(self):
        done = Memory("a", targets={"": TargetMemory(stopped_at=NOW - HOUR), "batch": TargetMemory(stopped_at=NOW)})
        under_way = Memory("b", open=open_stop())
        queued = Memory("c", queued_id="q", queued_at=NOW - MINUTE)
        assert recent_stops([done, under_way, queued], NOW) == (NOW - HOUR, NOW - 5 * MINUTE, NOW - MINUTE, NOW)

    def test_starts_and_old_stops_do_not_count(self):
        assert recent_stops([Memory("a", open=open_stop("start_cluster"))], NOW) == ()
        old = Memory("a", targets={"": TargetMemory(stopped_at=NOW - DAY), "b": TargetMemory(started_at=NOW)})
        assert recent_stops([old], NOW) == ()

    @pytest.mark.parametrize(
        ("memory", "counts"),
        [
            (Memory("a", queued_id="q", queued_at=NOW - STOP_EXPIRES + SECOND), True),
            (Memory("a", queued_id="q", queued_at=NOW - STOP_EXPIRES), False),
            (Memory("a", queued_id="q", queued_at=NOW - MINUTE, open=open_stop()), False),
            (Memory("a", queued_id="q", queued_at=NOW - MINUTE, targets={"": TargetMemory(stopped_at=NOW)}), False),
            (Memory("a", queued_id="q", queued_at=NOW, targets={"": TargetMemory(stopped_at=NOW - HOUR)}), True),
            (Memory("a"), False),
        ],
        ids=["on its way", "expired", "claimed", "done", "done before", "never sent"],
    )
    def test_a_stop_in_the_queue_is_counted_once(self, memory, counts):
        assert (fleet_facts(NOBODY, [memory], FleetMemory(), NOW).queued == {"q"}) is counts


class TestFleetFacts:
    def test_a_calm_fleet(self):
        facts = fleet_facts(NOBODY, [], FleetMemory(), NOW)
        assert not any([facts.hold_by, facts.breaker_open, facts.breaker_probe, facts.recent_stops])
        assert facts.policy_readable

    def test_holds_and_the_policy_are_passed_on(self):
        fleet = FleetMemory(hold_by="ana", hold_reason="incident", hold_all=True)
        facts = fleet_facts(NOBODY, [], fleet, NOW, policy_readable=False)
        assert (facts.hold_by, facts.hold_reason, facts.hold_all) == ("ana", "incident", True)
        assert not facts.policy_readable

    @pytest.mark.parametrize(("ago", "probe"), [(PROBE_AFTER - SECOND, False), (PROBE_AFTER, True)])
    def test_half_open_after_a_while_and_again_after_each_try(self, ago, probe):
        opened = FleetMemory(breaker_open_at=NOW - ago)
        tried = FleetMemory(breaker_open_at=NOW - DAY, breaker_probe_at=NOW - ago)
        assert fleet_facts(NOBODY, [], opened, NOW).breaker_probe is probe
        assert fleet_facts(NOBODY, [], tried, NOW).breaker_probe is probe


class TestJump:
    @pytest.mark.parametrize(
        ("before", "after", "jumps"),
        [
            (None, 100, False),
            (12, 9, False),
            (12, 8, True),
            (16, 12, False),
            (16, 11, True),
            (100, 125, False),
            (100, 126, True),
            (0, 4, True),
            (0, 3, False),
        ],
    )
    def test_a_quarter_and_at_least_four(self, before, after, jumps):
        """A policy, a scope or an inventory gone wrong looks like a fleet that grew or shrank overnight."""
        fleet, count = FleetMemory(cluster_count=before), replace(NOBODY, clusters=after)
        assert bool(jump(fleet, count)) is jumps
        if jumps:
            assert jump(fleet, count) == f"clusters went from {before} to {after} between two looks"

    def test_production_that_shrinks_is_a_jump_of_its_own(self):
        fleet, count = FleetMemory(cluster_count=100, production_count=20), Headcount(100, 10, 0, {})
        assert jump(fleet, count).startswith("production clusters went from 20 to 10")
