"""The rule of rings for one cluster: what comes next, in which order, and what stands in the way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.actions import ACTIONS, Level, PutMaintenance, StartCluster, UpgradeControlPlane, UpgradePool
from shared.model.decisions import Reason, Verdict
from shared.model.facts import Fact, Need
from shared.model.fleet import Power
from shared.model.memory import Failure, Owed, Seen
from shared.model.spot import PoolSight
from shared.model.upgrades import Halt, Ring, Run
from shared.model.versions import Offer, UpgradeOffers, Version
from shared.policy.decide import decide
from shared.policy.endings import NODES_NOT_READY
from shared.policy.preflight import duration_of, surge_of
from shared.policy.ring_fold import KIND, halt_notices
from shared.policy.rings import Member, Order, Soak, counted, folded
from shared.policy.rules.upgrades import needs
from shared.policy.upgrade_memory import watched
from shared.policy.voices import owner_of
from tests.policy.builders import SYSTEM, keep_off, keep_on, stopped
from tests.policy.upgrade_builders import (
    DAY,
    FIRST_SEEN,
    HALT,
    HOUR,
    IN_WINDOW,
    OUTSIDE,
    RULES,
    behind,
    decided,
    fallen,
    half_way,
    memory_of,
    node_pool,
    on,
    past,
    proof,
    rings,
    rules,
    view_of,
)

OPENED = Ring("dev", proof("1.35.1"), clusters=2)


def action(decision):
    return decision.action if decision.verdict is Verdict.ACT else None


def test_the_control_plane_goes_first_and_alone():
    decisions = decide(view_of(on()), RULES, IN_WINDOW)

    assert [action(one) for one in decisions] == [UpgradeControlPlane(on().id, to="1.35.1")]
    assert "cannot be rolled back" in decisions[0].message


def test_then_pools_one_by_one_system_first_and_spot_last():
    pools = (
        replace(SYSTEM, version="1.34.2"),
        node_pool("apps"),
        node_pool("aspot", priority="Spot"),
    )
    decisions = decide(view_of(on("1.35.1", "dev", *pools), half_way()), RULES, IN_WINDOW)
    by_pool = {one.pool: one for one in decisions}

    assert action(by_pool["system"]) == UpgradePool(on().id, "system", "1.35.1")
    assert {by_pool[name].reason for name in ("apps", "aspot")} == {Reason.WAITS_FOR}
    left = on("1.35.1", "dev", replace(SYSTEM, version="1.35.1"), *pools[1:])
    assert action(decided(view_of(left, half_way()), pool_name="apps")) is not None


def test_a_stopped_pool_is_left_until_it_runs():
    pools = (replace(SYSTEM, version="1.35.1"), node_pool(power=Power.STOPPED))
    assert {one.reason for one in decide(view_of(on("1.35.1", "dev", *pools)), RULES, IN_WINDOW)} == {Reason.NO_OPINION}


def test_what_runs_without_its_nodes_is_not_upgraded():
    bare = Failure("start_cluster", NODES_NOT_READY, "pool system has 0 of 3 nodes ready", IN_WINDOW, 1, IN_WINDOW)
    decision = decided(view_of(on(), memory_of(on(), past(), setbacks={NODES_NOT_READY: bare})))

    assert (decision.verdict, decision.reason) == (Verdict.DEFER, Reason.UNHEALTHY)
    assert "it runs without its nodes; it is upgraded once they have come" in decision.message
    pool = half_way(setbacks={NODES_NOT_READY: bare})
    assert decided(view_of(behind(), pool), pool_name="apps").reason is Reason.UNHEALTHY


def test_outside_the_window_nothing_is_weighed():
    decision = decided(view_of(on()), now=OUTSIDE)

    assert (decision.verdict, decision.reason) == (Verdict.NONE, Reason.NO_OPINION)
    assert "the window opens Tue 8 Dec 20:00" in decision.message


def test_a_later_ring_opens_with_the_proof_of_the_earlier():
    shut, opened = view_of(on(env="staging")), view_of(on(env="staging"), rings=rings(OPENED))

    assert decided(shut).reason is Reason.RING_WAITS
    assert action(decided(opened)) is not None


def test_an_older_proof_opens_nothing():
    old = rings(Ring("dev", proof("1.34.4"), clusters=2))
    assert decided(view_of(on(env="staging"), rings=old)).reason is Reason.RING_WAITS


def test_a_ring_without_clusters_has_nothing_to_show():
    assert action(decided(view_of(on(env="staging"), rings=rings(Ring("dev"))))) is not None


def test_a_halt_in_a_later_ring_holds_no_earlier_one():
    later = replace(HALT, ring="staging")
    assert action(decided(view_of(on(), rings=rings(halt=later)))) is not None
    assert decided(view_of(on(), rings=rings(halt=HALT))).reason is Reason.RING_HALTED


def test_nothing_opens_while_part_of_the_fleet_cannot_be_read():
    assert decided(view_of(on(), rings=rings(whole=False))).reason is Reason.RING_WAITS


def test_what_we_brought_it_to_is_soaked_before_it_goes_on():
    fresh = past("1.34.2", came_from="1.33.8")
    assert decided(view_of(on(), memory_of(on(), fresh))).reason is Reason.RING_WAITS
    soaked = rings(Ring("dev", proof("1.34.2"), clusters=1))
    assert action(decided(view_of(on(), memory_of(on(), fresh), rings=soaked))) is not None


@pytest.mark.parametrize("level", [Level.VERSION, Level.REPAIR, Level.TIER])
def test_production_allows_none_of_these_actions(level):
    kinds = [kind for kind in ACTIONS.values() if kind.level is level]
    assert kinds
    assert [kind for kind in kinds if kind.in_production] == []
    assert not PutMaintenance.in_production


def test_no_policy_makes_production_a_ring():
    """Even a rule that slipped past the document: the environment is no ring, so the rule says nothing there."""
    seen = on(env="prod")
    assert {one.reason for one in decide(view_of(seen), RULES, IN_WINDOW)} == {Reason.PRODUCTION}


def test_who_sleeps_for_us_is_woken_in_the_window_and_others_are_left():
    asleep = replace(on(), power=Power.STOPPED)
    owed = memory_of(asleep, past(), owed=Owed("nights", OUTSIDE), seen=Seen(Power.STOPPED, OUTSIDE, OUTSIDE))
    decision = decided(view_of(asleep, owed, None))

    assert isinstance(action(decision), StartCluster)
    assert decision.reason is Reason.UPGRADE
    assert decided(view_of(asleep, memory_of(asleep, past()), None)).reason is Reason.CLUSTER_STOPPED


def test_nobody_is_woken_by_a_rule_that_only_plans():
    asleep = replace(on(), power=Power.STOPPED)
    owed = memory_of(asleep, past(), owed=Owed("nights", OUTSIDE))
    assert decided(view_of(asleep, owed, None), rules(mode="plan")).reason is not Reason.UPGRADE


def test_nobody_is_woken_for_what_does_not_fit_any_more():
    asleep = replace(on(), power=Power.STOPPED)
    owed = memory_of(asleep, past(), owed=Owed("nights", OUTSIDE))
    late = decided(view_of(asleep, owed, None), now=IN_WINDOW + timedelta(hours=2, minutes=50))
    assert late.reason is not Reason.UPGRADE


@pytest.mark.parametrize("hold", [keep_on, keep_off])
def test_a_persons_word_is_louder(hold):
    seen = on()
    memory = replace(memory_of(seen, past()), holds=(hold(OUTSIDE, IN_WINDOW + DAY),))
    decisions = decide(view_of(seen, memory), RULES, IN_WINDOW)
    assert not [one for one in decisions if isinstance(action(one), UpgradeControlPlane)]


def test_azure_is_asked_in_the_window_only_and_only_about_who_may_go():
    def asked(view, now=IN_WINDOW):
        (rule,) = [one for one in owner_of(view.cluster, RULES).rules if one.kind == KIND]
        return needs(view, rule, now)

    assert asked(view_of(on(), offers=None)) == {Need.UPGRADES}
    assert asked(view_of(on(), offers=None), OUTSIDE) == frozenset()
    assert asked(view_of(on(env="staging"), offers=None)) == frozenset()
    assert asked(view_of(on("1.35.1"), offers=None)) == frozenset()
    assert asked(view_of(stopped(), offers=None)) == frozenset()


def test_a_preview_is_never_taken():
    only = UpgradeOffers((Offer(Version(1, 35, 1), preview=True),))
    assert decided(view_of(on(), offers=only)).reason is Reason.NO_OPINION


def test_quota_and_addresses_for_the_surge():
    def with_room(**room):
        view = view_of(behind(count=20), half_way())
        sight = PoolSight("apps", IN_WINDOW, **room)
        return replace(view, facts={**view.facts, Need.SURGE: Fact((sight,), IN_WINDOW)})

    assert decided(with_room(quota_left=1), pool_name="apps").reason is Reason.NO_ROOM
    assert decided(with_room(addresses_left=30, addresses_per_node=31), pool_name="apps").reason is Reason.NO_ROOM
    assert action(decided(with_room(quota_left=2, addresses_left=62, addresses_per_node=31), pool_name="apps"))


def test_surge_counts_as_azure_counts():
    assert [surge_of(node_pool(count=n, max_surge=s)) for n, s in ((10, "33%"), (3, None), (5, "8"), (9, "?"))] == [
        4, 1, 5, 1,
    ]  # fmt: skip


def test_measured_durations_replace_the_estimate():
    view = view_of(behind(), half_way(past(seconds={"apps": (600, 700, 5000, 800)})))
    assert duration_of(view, UpgradePool(view.cluster.id, "apps")) == timedelta(seconds=5000)


class TestWatching:
    """What a look teaches."""

    def test_an_hour_of_running_is_written_once_an_hour(self):
        run = counted(None, "1.35.1", IN_WINDOW, running=True)
        assert counted(run, "1.35.1", IN_WINDOW + 20 * timedelta(minutes=1), running=True) is run
        later = counted(run, "1.35.1", IN_WINDOW + HOUR, running=True)
        assert later.ran == HOUR

    def test_what_nobody_saw_is_not_counted(self):
        run = Run("1.35.1", IN_WINDOW, counted_at=IN_WINDOW)
        assert counted(run, "1.35.1", IN_WINDOW + 9 * HOUR, running=True).ran == timedelta(0)
        assert not Soak(0, 1).done(run, IN_WINDOW + 9 * HOUR)

    def test_sleep_counts_no_hours_but_days(self):
        run = counted(counted(None, "1.35.1", IN_WINDOW, running=True), "1.35.1", IN_WINDOW + HOUR, running=False)
        assert (run.ran, run.counted_at) == (HOUR, None)
        assert Soak(2, 1).done(run, IN_WINDOW + 2 * DAY)
        assert not Soak(2, 1).done(run, IN_WINDOW + DAY)

    def test_who_comes_back_ill_halts_its_ring(self):
        ill = replace(on("1.35.1"), provisioning_state="Failed", error_code="InternalError")
        seen = watched(past("1.35.1", came_from="1.34.2"), ill, rings(), IN_WINDOW)
        assert (seen.run, seen.fall.code) == (None, "InternalError")

    def test_what_fails_after_its_soak_is_not_the_upgrades_doing(self):
        ill = replace(on("1.35.1"), provisioning_state="Failed")
        proven = rings(Ring("dev", proof("1.35.1"), clusters=1))
        assert watched(past("1.35.1", came_from="1.34.2"), ill, proven, IN_WINDOW).fall is None

    def test_nothing_is_learned_in_the_middle_of_something(self):
        before = past()
        busy = replace(on(), provisioning_state="Upgrading")
        assert watched(before, busy, rings(), IN_WINDOW) is before

    def test_a_fall_stands_until_somebody_looked(self):
        before = past("1.34.2", fall=fallen())
        assert watched(before, on(), rings(), IN_WINDOW).fall is not None
        assert watched(before, on(), rings(released_at=IN_WINDOW), IN_WINDOW + HOUR).fall is None


def test_a_later_failure_in_an_earlier_ring_moves_the_halt_and_is_told():
    """The first halt would leave the earlier ring open, and nobody would hear."""
    order = Order(("dev", "staging"), Soak(7, 40))
    late = Halt("staging", "s", IN_WINDOW - HOUR, "s: PodDrainFailure: no")
    before = rings(halt=late)
    member = Member("d", "d", "dev", past(fall=fallen()))
    after = folded(before, order, [member], IN_WINDOW)
    assert after.halt.ring == "dev"
    over, told = halt_notices({"rings": before}, {"rings": after}, IN_WINDOW)
    assert (over.about, over.resolved, told.about, told.resolved) == ("s", True, "d", False)
    assert folded(rings(halt=HALT), order, [replace(member, ring="staging")], IN_WINDOW).halt == HALT
    assert halt_notices({"rings": after}, {"rings": after}, IN_WINDOW) == []


def test_days_on_which_upgrades_are_frozen_are_not_allowed_to_aks_either():
    frozen = """freezes:
  - {name: audit, from: 2026-12-21T00:00, to: 2026-12-24T00:00, hold: [upgrade], match: {environments: [dev]}}
  - {name: other, from: 2026-12-01T00:00, to: 2026-12-03T00:00, hold: [stop]}
  - {name: elsewhere, from: 2026-12-05T00:00, to: 2026-12-07T00:00, hold: [upgrade], match: {environments: [staging]}}
"""
    seen = on("1.35.1")
    said = decided(view_of(seen, memory_of(seen, past("1.35.1")), None), rules("maintenance: true", more=frozen))
    assert json.loads(said.action.window)["notAllowedDates"] == [{"start": "2026-12-21", "end": "2026-12-23"}]


class TestNodeImagesInRings:
    """AKS offers its newest image only, so a soak is one of what is new to a ring."""

    NEWEST = "AKSUbuntu-2204gen2containerd-202612.1.0"
    RULE = rules("node_images_every: 7d")

    def said(self, *, images, took="202612.1.0", has="202611.3.0"):
        old = replace(SYSTEM, version="1.35.1", image=f"AKSUbuntu-2204gen2containerd-{has}")
        seen = on("1.35.1", "staging", old, node_channel="None")
        ring = Ring("dev", proof("1.35.1"), (), proof(took), tuple(Run(what, at) for what, at in images), clusters=2)
        offers = UpgradeOffers(images={"system": self.NEWEST})
        view = view_of(seen, memory_of(seen, past("1.35.1", "staging")), offers, rings=rings(ring))
        decisions = decide(view, self.RULE, IN_WINDOW)
        return next((one for one in decisions if one.pool == "system"), decisions[0])

    def test_the_earlier_ring_lives_with_it_for_the_soak(self):
        early = self.said(images=[("202612.1.0", IN_WINDOW - 6 * DAY)])
        assert (early.verdict, early.reason) == (Verdict.DEFER, Reason.RING_WAITS)
        assert "soaks node images newer than 202611.3.0 until Wed 9 Dec 21:00" in early.message
        assert self.said(images=[("202612.1.0", IN_WINDOW - 7 * DAY)]).verdict is Verdict.ACT

    def test_what_counts_is_what_is_new_to_the_cluster(self):
        """Weekly images never starve the later ring; that only the newest is offered is said."""
        known = [
            ("202611.3.0", IN_WINDOW - 21 * DAY),
            ("202611.10.0", IN_WINDOW - 8 * DAY),
            ("202612.1.0", IN_WINDOW - DAY),
        ]
        assert self.said(images=known).verdict is Verdict.ACT
        waits = self.said(images=known, has="202611.10.0")
        assert "until Mon 14 Dec 21:00" in waits.message
        waits = self.said(images=[("202611.10.0", IN_WINDOW - 6 * DAY), ("202612.1.0", IN_WINDOW - DAY)])
        assert "of what it soaks AKS offers only the newest, 202612.1.0" in waits.message

    @pytest.mark.parametrize(("quota", "reason"), [(0, Reason.NO_ROOM), (1, Reason.NODE_IMAGE), (None, Reason.NO_ROOM)])
    def test_room_for_the_pools_own_surge_is_asked_for(self, quota, reason):
        """Azure takes no surge with an image, so the policy's does not count."""
        rule = rules("node_images_every: 7d, preflight: strict, surge: 100%")
        old = replace(SYSTEM, version="1.35.1", image="AKSUbuntu-2204gen2containerd-202611.3.0")
        seen = on("1.35.1", "dev", old, node_channel="None")
        view = view_of(seen, memory_of(seen, past("1.35.1")), UpgradeOffers(images={"system": self.NEWEST}))
        (bound,) = [one for one in owner_of(seen, rule).rules if one.kind == KIND]
        assert Need.SURGE in needs(replace(view, facts={}), bound, IN_WINDOW)
        room = Fact((PoolSight("system", IN_WINDOW, quota_left=quota, addresses_left=500),), IN_WINDOW)
        said = decided(replace(view, facts={**view.facts, Need.SURGE: room}), rule, pool_name="system")
        assert said.reason is reason

    def test_the_earlier_ring_has_it_first(self):
        waits = self.said(images=[("202611.10.0", IN_WINDOW - 30 * DAY)], took="202611.10.0")
        assert "ring dev has yet to take node image 202612.1.0" in waits.message

    def test_a_ring_remembers_when_it_came_to_have_what_and_a_fall_begins_anew(self):
        def member(name, what, **more):
            return Member(name, name, "dev", past(image=Run(what, FIRST_SEEN), **more))

        order, before = Order(("dev",), Soak(7)), rings()
        one = folded(before, order, [member("a", "202611.3.0"), member("b", "202611.10.0")], IN_WINDOW)
        assert [run.what for run in one.ring("dev").images] == ["202611.3.0"]
        two = folded(one, order, [member("a", "202611.10.0"), member("b", "202611.10.0")], IN_WINDOW + DAY)
        assert [(run.what, run.since) for run in two.ring("dev").images] == [
            ("202611.3.0", IN_WINDOW), ("202611.10.0", IN_WINDOW + DAY),
        ]  # fmt: skip
        assert (
            folded(two, order, [member("a", "202611.10.0")], IN_WINDOW + 2 * DAY).ring("dev").images
            == two.ring("dev").images
        )
        fell = folded(two, order, [member("a", "202611.10.0", fall=fallen())], IN_WINDOW + 2 * DAY)
        assert fell.ring("dev").images == ()


def test_a_ring_in_which_nobody_can_move_is_told():
    stuck = Ring("dev", clusters=2, waiting=2)
    assert "none of its clusters can move" in decided(view_of(on(env="staging"), rings=rings(stuck))).message


def test_who_was_only_seen_asleep_proves_nothing():
    asleep = Run("1.35.1", FIRST_SEEN)
    ran = replace(asleep, ran=HOUR)
    for run, shown in ((asleep, None), (ran, "1.35.1")):
        one = Member("a", "a", "dev", replace(past(waits="cluster_stopped"), run=run))
        found = folded(rings(), Order(("dev",), Soak(7)), [one], IN_WINDOW).ring("dev").proof
        assert (None if found is None else found.what) == shown


def test_a_ring_that_moves_on_remembers_the_ways_it_tested():
    def lived(before, what, came_from, at):
        run = Run(what, at - 8 * DAY, 8 * DAY, at)
        one = Member("a", "a", "dev", replace(past(came_from=came_from, env="dev"), run=run, goal=what))
        return folded(before, Order(("dev",), Soak(7)), [one], at)

    first = lived(rings(), "1.35.1", "1.34.2", IN_WINDOW)
    patched = lived(first, "1.35.2", "1.35.1", IN_WINDOW + 9 * DAY)
    last = lived(patched, "1.36.0", "1.35.2", IN_WINDOW + 18 * DAY).ring("dev")
    ways = [(one.what, one.came_from) for one in (*last.past_proofs, last.proof)]
    assert ways == [("1.35.1", ("1.34",)), ("1.35.2", ("1.35",)), ("1.36.0", ("1.35",))]
    assert lived(first, "1.35.1", "1.34.2", IN_WINDOW + DAY).ring("dev").past_proofs == ()
