"""Generated fleets, failures and releases: whatever happens, the same few things stay true of rings.

Each property is a function of one write and of what the world knew at that moment; each has a broken engine that it
finds, so that none of them is true of everything.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from shared.model.actions import UpgradeControlPlane, UpgradeNodeImage, UpgradePool
from shared.model.fleet import Cluster, Power
from shared.model.memory import Memory
from shared.model.upgrades import Rings
from shared.model.versions import Version
from shared.policy import admit, guards, places, ring_fold, ring_gates, rings, upgrading
from shared.policy import claim as protocol
from shared.policy.rings import unforgiven
from shared.policy.schedule import hours
from shared.policy.upgrading import ALWAYS
from tests.policy.ring_worlds import MINORS, RINGS, RULE, Begun, Drawn, Life, Plan, image, image_of, plans

EXAMPLES = 5_000 if os.environ.get("LAMPLIGHTER_SOAK") else 200
TICKS = 36
ORDER = RINGS[:2]


def ring_of(one: Begun) -> str:
    return one.cluster.tags["environment"]


def to_version(one: Begun) -> Version:
    return Version.read(one.action.to) or Version(0, 0)


def own(one: Begun) -> Version:
    return Version.read(one.cluster.current_version)


def earlier(one: Begun) -> tuple[str, ...]:
    return RINGS[: RINGS.index(ring_of(one))]


def production_is_never_written(one: Begun, life: Life) -> bool:
    return ring_of(one) != "prod"


def a_later_ring_waits_until_its_predecessors_soaked(one: Begun, life: Life) -> bool:
    """A ring without a cluster has nothing to show; one in which nobody can move shows nothing, so others wait."""
    if isinstance(one.action, UpgradeNodeImage):
        return True
    shown = [one.soaked.get(ring, to_version(one)) for ring in earlier(one) if ring in ORDER]
    return all(soaked is not None and soaked >= to_version(one) for soaked in shown)


def node_images_go_through_the_rings_in_order_and_soak(one: Begun, life: Life) -> bool:
    if not isinstance(one.action, UpgradeNodeImage):
        return True
    soak = timedelta(days=life.plan.days)
    for ring in earlier(one):
        oldest, newer_since = one.images.get(ring, (one.action.to, one.at - soak))
        if oldest < one.action.to or newer_since is None or one.at - newer_since < soak:
            return False
    return True


def after_a_halt_nothing_starts(one: Begun, life: Life) -> bool:
    """In its ring or a later one, until somebody releases it."""
    since = [at for ring, at in one.failed if RINGS.index(ring) <= RINGS.index(ring_of(one))]
    return all(one.released_at is not None and one.released_at >= at for at in since)


def never_two_operations_on_one_cluster(one: Begun, life: Life) -> bool:
    return one.cluster.id not in one.busy


def never_a_skipped_minor_without_lts(one: Begun, life: Life) -> bool:
    if not isinstance(one.action, UpgradeControlPlane) or one.cluster.support_plan == "AKSLongTermSupport":
        return True
    return 0 <= to_version(one).minor - own(one).minor <= 1


def never_down(one: Begun, life: Life) -> bool:
    return not isinstance(one.action, UpgradeControlPlane) or own(one) < to_version(one)


def a_pool_is_never_above_its_control_plane(one: Begun, life: Life) -> bool:
    return not isinstance(one.action, UpgradePool) or to_version(one) <= own(one)


def control_plane_then_pools_spot_last_then_images(one: Begun, life: Life) -> bool:
    behind = [pool for pool in one.cluster.pools if pool.version != one.cluster.current_version]
    if not isinstance(one.action, UpgradePool):
        return not behind
    pool = one.cluster.pool(one.action.pool)
    if pool.priority == "Spot":
        return all(each.priority == "Spot" for each in behind)
    return pool.mode == "System" or all(each.mode != "System" for each in behind)


def no_more_at_once_than_allowed(one: Begun, life: Life) -> bool:
    return len(one.half_way | {one.cluster.id}) <= life.plan.at_once


def only_inside_the_window(one: Begun, life: Life) -> bool:
    (rule,) = life.rules.rules
    return not rule.schedules or hours(rule.schedules, one.at).inside


def never_a_preview(one: Begun, life: Life) -> bool:
    return isinstance(one.action, UpgradeNodeImage) or to_version(one).minor < one.preview


def whom_aks_upgrades_is_left_to_it(one: Begun, life: Life) -> bool:
    return one.cluster.upgrade_channel == "none"


def nothing_begins_where_part_of_the_fleet_is_unreadable(one: Begun, life: Life) -> bool:
    return one.tick not in life.plan.unreadable


Property = Callable[[Begun, Life], bool]
PROPERTIES: tuple[Property, ...] = (
    production_is_never_written,
    a_later_ring_waits_until_its_predecessors_soaked,
    node_images_go_through_the_rings_in_order_and_soak,
    after_a_halt_nothing_starts,
    never_two_operations_on_one_cluster,
    never_a_skipped_minor_without_lts,
    never_down,
    a_pool_is_never_above_its_control_plane,
    control_plane_then_pools_spot_last_then_images,
    no_more_at_once_than_allowed,
    only_inside_the_window,
    never_a_preview,
    whom_aks_upgrades_is_left_to_it,
    nothing_begins_where_part_of_the_fleet_is_unreadable,
)


def broken(life: Life, properties: tuple[Property, ...] = PROPERTIES) -> list[tuple[str, Begun]]:
    return [(each.__name__, one) for one in life.begun for each in properties if not each(one, life)]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_whatever_happens_every_property_holds(plan):
    assert broken(Life(plan).live(TICKS)) == []


@settings(max_examples=max(EXAMPLES // 5, 20), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_what_is_released_arrives_in_the_end(plan):
    """Once nothing fails any more and somebody releases what stands still, everybody who can move is there."""
    life = Life(plan).live(24)
    life.plan = replace(
        plan, failures=frozenset(), refusals=frozenset(), unreadable=frozenset(), releases=frozenset(range(2000))
    )
    newest = f"1.{MINORS[max(life.minors, 4 + (plan.new_minor_at >= 24)) - 1]}.0"
    for number in range(24, 600):
        if all(arrived(one, newest, life) for one in life.seen.values()):
            break
        life.live(1, number)
    assert [one.name for one in life.seen.values() if not arrived(one, newest, life)] == []


def moves(one: Cluster) -> bool:
    return one.upgrade_channel == "none" and one.power is Power.RUNNING


def arrived(one: Cluster, newest: str, life: Life) -> bool:
    """Who stays is where it began; who moves is all on the newest version. Nobody goes where no earlier ring can."""
    env = one.tags["environment"]
    first = any(moves(each) for each in life.seen.values() if each.tags["environment"] == "dev")
    if env == "prod":
        return one.current_version == "1.34.0"
    if not moves(one) or not first:
        return True
    return {one.current_version, *(pool.version for pool in one.pools)} == {newest}


# --- every property finds the engine that breaks it


def always_open(*_: object) -> ring_gates.Gate:
    return ring_gates.OPEN


def no_guard_of_production(monkeypatch):
    monkeypatch.setattr(guards, "_ORDER", tuple(one for one in guards._ORDER if one.__name__ != "_production"))


def soak_is_over_at_once(monkeypatch):
    monkeypatch.setattr(rings.Soak, "done", lambda *_: True)


def rings_are_always_open(monkeypatch):
    monkeypatch.setattr(upgrading, "gate", always_open)


def one_cluster_proves_its_ring(monkeypatch):
    monkeypatch.setattr(rings, "_holds", lambda *_: True)


def images_are_always_open(monkeypatch):
    monkeypatch.setattr(upgrading, "image_gate", always_open)


def images_are_ordered_without_a_soak(monkeypatch):
    real = upgrading.image_gate

    def gate(seen: Rings, order: rings.Order, step: ring_gates.ImageStep, now):
        return real(seen, replace(order, soak=rings.Soak(0)), step, now)

    monkeypatch.setattr(upgrading, "image_gate", gate)


def nothing_halts(monkeypatch):
    monkeypatch.setattr(rings, "_halt", lambda *_: None)
    monkeypatch.setattr(ring_fold, "halted_now", lambda *_: "")


def only_its_own_ring_halts(monkeypatch):
    real = ring_gates._shut

    def shut(seen: Rings, order: rings.Order, ring: str):
        mine = seen.halt is None or seen.halt.ring == ring
        return real(seen if mine else replace(seen, halt=None), order, ring)

    monkeypatch.setattr(ring_gates, "_shut", shut)
    monkeypatch.setattr(ring_fold, "halted_now", lambda *_: "")


def what_was_accepted_is_forgotten(monkeypatch):
    real = protocol.accepted

    def accepted(memory: Memory, now, operation):
        after = real(memory, now, operation)
        return replace(after, open=None, generation=after.generation + 1)

    monkeypatch.setattr(protocol, "accepted", accepted)


def minors_are_skipped(monkeypatch):
    monkeypatch.setattr(upgrading, "next_step", lambda current, target, offers, *, lts: max(current, target))


def down_is_a_way(monkeypatch):
    def step(current: Version, target: Version, offers, *, lts: bool) -> Version:
        return Version(1, max(current.minor - 1, MINORS[0]))

    monkeypatch.setattr(upgrading, "next_step", step)


def pools_go_ahead(monkeypatch):
    real = upgrading._wanted

    def wanted(look):
        step = real(look)
        if not isinstance(step.action, UpgradePool):
            return step
        ahead = Version(1, Version.read(step.action.to).minor + 1)
        return replace(step, action=replace(step.action, to=str(ahead)))

    monkeypatch.setattr(upgrading, "_wanted", wanted)
    monkeypatch.setattr(upgrading, "gate", always_open)


def spot_goes_first(monkeypatch):
    monkeypatch.setattr(upgrading, "_pool_order", lambda pool: (pool.priority != "Spot", pool.name))


def control_planes_do_not_wait_for_pools(monkeypatch):
    monkeypatch.setattr(upgrading, "pools_behind", lambda *_: [])


def nobody_takes_turns(monkeypatch):
    monkeypatch.setattr(admit, "Turns", lambda *_: _Everybody())
    monkeypatch.setattr(places, "reserved", lambda taken, *_: taken)


class _Everybody:
    def objection(self, decision):
        return None


def windows_are_always(monkeypatch):
    monkeypatch.setattr(upgrading, "window_of", lambda *_: ALWAYS)


def previews_count(monkeypatch):
    def goal(to: str, current: Version, releases, *, lts: bool):
        return max(line.patches[-1] for line in releases.lines)

    def step(current: Version, target: Version, offers, *, lts: bool):
        return min((one.version for one in offers), default=None)

    monkeypatch.setattr(upgrading, "goal", goal)
    monkeypatch.setattr(upgrading, "next_step", step)


def channels_are_ignored(monkeypatch):
    monkeypatch.setattr(upgrading, "hands_off", lambda *_: None)


def half_a_fleet_is_enough(monkeypatch):
    real = ring_fold.folded
    monkeypatch.setattr(ring_fold, "folded", lambda *some, whole: real(*some, whole=True))


TWO = Plan((Drawn(), Drawn(spot=True)), (Drawn(),))
IMAGES = Plan((Drawn(36),), (Drawn(36),), days=0.5, images=True, new_images_at=frozenset({2}), new_minor_at=99)
SOAKING = replace(TWO, days=0.5)
FAILING = replace(TWO, failures=frozenset({1}), at_once=2)
LATER = Plan(days=0.0, failures=frozenset({3}), at_once=2)
"""The first ring fails on the second version, while the next one is half-way to the first."""
BROKEN: tuple[tuple[Callable[[pytest.MonkeyPatch], None], Property, Plan], ...] = (
    (no_guard_of_production, production_is_never_written, TWO),
    (soak_is_over_at_once, a_later_ring_waits_until_its_predecessors_soaked, SOAKING),
    (rings_are_always_open, a_later_ring_waits_until_its_predecessors_soaked, TWO),
    (one_cluster_proves_its_ring, a_later_ring_waits_until_its_predecessors_soaked, SOAKING),
    (images_are_always_open, node_images_go_through_the_rings_in_order_and_soak, IMAGES),
    (images_are_ordered_without_a_soak, node_images_go_through_the_rings_in_order_and_soak, IMAGES),
    (nothing_halts, after_a_halt_nothing_starts, FAILING),
    (only_its_own_ring_halts, after_a_halt_nothing_starts, LATER),
    (what_was_accepted_is_forgotten, never_two_operations_on_one_cluster, replace(TWO, slow=frozenset({0}))),
    (minors_are_skipped, never_a_skipped_minor_without_lts, TWO),
    (down_is_a_way, never_down, TWO),
    (pools_go_ahead, a_pool_is_never_above_its_control_plane, TWO),
    (spot_goes_first, control_plane_then_pools_spot_last_then_images, TWO),
    (control_planes_do_not_wait_for_pools, control_plane_then_pools_spot_last_then_images, TWO),
    (nobody_takes_turns, no_more_at_once_than_allowed, TWO),
    (windows_are_always, only_inside_the_window, replace(TWO, windowed=True)),
    (previews_count, never_a_preview, IMAGES),
    (channels_are_ignored, whom_aks_upgrades_is_left_to_it, Plan((Drawn(channel="stable"),))),
    (
        half_a_fleet_is_enough,
        nothing_begins_where_part_of_the_fleet_is_unreadable,
        replace(TWO, unreadable=frozenset(range(9))),
    ),
)


def test_every_property_has_an_engine_that_breaks_it():
    assert {each for _, each, _ in BROKEN} == set(PROPERTIES)


@pytest.mark.parametrize(("change", "found_by", "plan"), BROKEN, ids=[one.__name__ for one, _, _ in BROKEN])
def test_a_broken_engine_is_found_where_the_real_one_holds(change, found_by, plan, monkeypatch):
    assert broken(Life(plan).live(TICKS)) == []
    change(monkeypatch)
    assert broken(Life(plan).live(TICKS), (found_by,)) != []


# --- one life, by hand


def test_a_failure_is_unforgiven_until_somebody_looked():
    life = Life(Plan((Drawn(),) * 2, (Drawn(),) * 2, failures=frozenset({0}))).live(TICKS)
    halt = life.rings[RULE].halt

    assert halt is not None
    assert len([one for one in life.begun if one.at > halt.at]) == 0
    (fallen,) = [m for m in life.memories.values() if m.upgrade is not None and m.upgrade.fall is not None]
    assert unforgiven(fallen.upgrade, None)


def test_lives_are_full_of_what_they_are_about():
    """What the properties speak of happens: later rings, images, failures, releases, refusals, spot pools."""
    plan = Plan(
        (Drawn(spot=True), Drawn(lts=True)),
        (Drawn(),),
        at_once=2,
        images=True,
        failures=frozenset({9}),
        refusals=frozenset({3}),
        releases=frozenset({16, 30}),
        new_images_at=frozenset({2, 25}),
    )
    life = Life(plan).live(90)
    kinds = {(one.cluster.tags["environment"], type(one.action).__name__) for one in life.begun}

    assert kinds == {
        (env, kind) for env in ORDER for kind in ("UpgradeControlPlane", "UpgradePool", "UpgradeNodeImage")
    }
    assert len(life.failed) == 1
    assert any(one.released_at is not None for one in life.begun)
    assert {image_of(one) for one in life.seen.values() if one.tags["environment"] == "dev"} == {image(3)}
