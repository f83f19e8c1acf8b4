"""The rule `on_alert`, pure: which alerts are meant, one step for each, inside bounds, for a while, and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import PolicyError
from shared.model.actions import LowerPool, RaisePool
from shared.model.alerts import Signal
from shared.model.decisions import Reason, Verdict
from shared.model.fleet import Power
from shared.model.memory import Memory, OpenAction, Phase, Seen, TargetMemory, Wish
from shared.model.relief import PoolSize, Relief, Step
from shared.policy import alerting, reliefs
from shared.policy.rules import learn
from shared.policy.voices import owner_of
from tests.policy.alert_builders import (
    NOON,
    QUEUE,
    SCALE,
    WAKE,
    alert,
    fixed,
    look,
    of_pool,
    orders,
    relief,
    rules,
    scaled,
    with_pools,
    with_relief,
)
from tests.policy.builders import (
    DAY,
    HOUR,
    MINUTE,
    OFFICE,
    adopted,
    at,
    cluster,
    keep_off,
    policy,
    stopped,
    with_target,
)


def size(decision) -> tuple:
    action = decision.action
    return (action.count, action.min_count, action.max_count)


def learned(view_, rules_, now=NOON) -> Memory:
    return learn(view_, owner_of(view_.cluster, rules_).rules, now)


# --- which alerts


@pytest.mark.parametrize(
    ("block", "one", "means"),
    [
        ("alert: 'PENDING-*', do: keep_on", alert(), True),
        ("alert: other, do: keep_on", alert(), False),
        ("alert: KubePodNotScheduled, do: keep_on", alert(rule="Group-web/KubePodNotScheduled"), True),
        ("alert: 'Group-*', do: keep_on", alert(rule="Group-web/KubePodNotScheduled"), True),
        ("alert: '*', severity: [0, 1], do: keep_on", alert(), False),
        ("alert: '*', severity: [0, 1], do: keep_on", alert(severity=None), False),
        ("alert: '*', severity: 2, do: keep_on", alert(), True),
        ("alert: '*', signal: log, do: keep_on", alert(), False),
        ("alert: '*', signal: [metric, log], do: keep_on", alert(), True),
        ("alert: '*', target: '*/namespaces/*', do: keep_on", orders(), True),
        ("alert: '*', target: '*/namespaces/*', do: keep_on", alert(), False),
        ("alert: '*', do: keep_on", orders(), False),
        ("alert: '*', do: keep_on", alert(targets=(f"{cluster().id}/agentpools/user1",)), True),
        ("alert: '*', do: keep_on", alert(targets=(f"{cluster().id}2",)), False),
        ("alert: '*', do: keep_on", alert(targets=(), clusters=("web",)), True),
        ("alert: '*', do: keep_on", alert(targets=(), clusters=(cluster().id,)), True),
        ("alert: '*', do: keep_on", alert(targets=(), clusters=("other",)), False),
        ("alert: '*', do: keep_on", alert(targets=(f"/subscriptions/{cluster().subscription}/resourcegroups/mc/x",)), True),
    ],
)  # fmt: skip
def test_a_rule_means_an_alert_by_name_severity_signal_and_target(block, one, means):
    [rule] = rules(block).rules
    assert alerting.means(one, replace(cluster(), node_resource_group="MC"), rule.block) is means


def test_alerts_are_sorted_to_the_clusters_they_name_and_the_others_to_all():
    web, api = cluster("web", node_resource_group="mc_web"), cluster("api")
    scope = f"/subscriptions/{web.subscription}/resourcegroups"
    mine = [
        alert("1"),
        alert("2", targets=(f"{scope}/mc_web/providers/microsoft.compute/virtualmachinescalesets/x",)),
        alert("3", targets=(), clusters=("web",)),
    ]
    queue = orders()
    found = alerting.sorted_out([*mine, queue], [web, api], NOON)
    assert found[web.id].value == (*mine, queue)
    assert found[api.id].value == (queue,)


# --- scale


@pytest.mark.parametrize(
    ("block", "seen", "kind", "wanted"),
    [
        (SCALE, scaled(3, 10, 3), RaisePool, (None, 5, 10)),
        (SCALE, scaled(3, 10, 10), RaisePool, (None, 3, 12)),
        (SCALE, scaled(3, 10, 9), RaisePool, (None, 3, 11)),
        (SCALE, scaled(3, 20, 11), RaisePool, (None, 12, 20)),
        (SCALE, fixed(3), RaisePool, (5, None, None)),
        (SCALE, fixed(11), RaisePool, (12, None, None)),
        ("alert: '*', do: scale, pools: user1, to: 6", scaled(3, 10, 3), RaisePool, (None, 6, 10)),
        ("alert: '*', do: scale, pools: user1, to: 6, max: 4", fixed(3), RaisePool, (4, None, None)),
        ("alert: '*', do: scale, pools: user1, by: -2, min: 2", fixed(5), LowerPool, (3, None, None)),
        ("alert: '*', do: scale, pools: user1, by: -2, min: 4", fixed(5), LowerPool, (4, None, None)),
        ("alert: '*', do: scale, pools: user1, by: -2, min: 2", scaled(4, 10, 6), LowerPool, (None, 4, 4)),
        ("alert: '*', do: scale, pools: user1, to: 2", scaled(4, 10, 6), LowerPool, (None, 2, 2)),
    ],
)
def test_a_step_moves_bounds_or_count_inside_the_rules_bounds(block, seen, kind, wanted):
    said = of_pool(look(with_pools(seen), alert(), rules_=rules(block)), rules(block))
    assert (said.verdict, said.reason, type(said.action)) == (Verdict.ACT, Reason.ALERT, kind)
    assert size(said) == wanted
    was = PoolSize.of(seen)
    assert (said.action.was_count, said.action.was_min, said.action.was_max) == (
        was.count,
        was.min_count,
        was.max_count,
    )
    assert (said.action.rule, said.action.alert) == ("r", "/alerts/1")


@pytest.mark.parametrize(
    ("block", "seen", "words"),
    [
        (SCALE, fixed(12), "the most is 12"),
        (SCALE, fixed(14), "the most is 12"),
        (SCALE, fixed(None), "its size is not known"),
        (SCALE, scaled(3, None), "its size is not known"),
        (SCALE, scaled(power=Power.STOPPED), "it is not running"),
        ("alert: '*', do: scale, pools: user1, by: -2, min: 5", fixed(5), "the fewest are 5"),
        ("alert: '*', do: scale, pools: user1, to: 6", fixed(6), "it has 6 nodes already"),
    ],
)
def test_where_there_is_no_step_the_sentence_says_why(block, seen, words):
    said = of_pool(look(with_pools(seen), alert(), rules_=rules(block)), rules(block))
    assert (said.verdict, said.action) == (Verdict.NONE, None)
    assert words in said.message


def test_one_alert_acts_once_and_a_storm_is_one_step():
    """Five hundred alerts within the cooldown belong to the step; one after it is a step of its own."""
    after = with_relief(with_pools(scaled(5, 10, 5)), relief(PoolSize(None, 3, 10), PoolSize(None, 5, 10)))
    storm = [alert(str(n), NOON + n % 15 * MINUTE) for n in range(500)]
    for now in (NOON + MINUTE, NOON + HOUR):
        said = of_pool(look(with_pools(scaled(5, 10, 5)), *storm, memory=after), now=now)
        assert (said.verdict, said.action) == (Verdict.NONE, None), now
    later = alert("late", NOON + 16 * MINUTE)
    said = of_pool(look(with_pools(scaled(5, 10, 5)), *storm, later, memory=after), now=NOON + 17 * MINUTE)
    assert size(said) == (None, 7, 10)


def test_the_same_alert_is_no_step_after_its_time_and_a_stale_one_never():
    memory = with_relief(with_pools(scaled()), replace(reliefs.closed(relief(PoolSize(3), PoolSize(5)))))
    assert of_pool(look(with_pools(scaled()), alert(), memory=memory), now=NOON + 3 * HOUR).action is None
    old = alert("old", NOON - 2 * HOUR)
    assert of_pool(look(with_pools(scaled()), old)).action is None


def test_a_resolved_alert_asks_for_nothing():
    over = alert(resolved_at=NOON + MINUTE)
    said = of_pool(look(with_pools(scaled()), over), now=NOON + 2 * MINUTE)
    assert (said.action, "no alert of its fires" in said.message) == (None, True)


def test_alerts_that_cannot_be_read_change_nothing():
    said = look(with_pools(scaled()), alert(), problem="the journal did not answer")
    whole = of_pool(said, name=None)
    assert (whole.verdict, whole.action) == (Verdict.NONE, None)
    assert "the alerts could not be read" in whole.message


@pytest.mark.parametrize(
    ("seen", "more", "reason"),
    [
        (scaled(mode="System"), {}, Reason.SYSTEM_POOL),
        (scaled(priority="Spot"), {}, Reason.SPOT_POOL),
        (scaled(kind="AvailabilitySet"), {}, Reason.AVAILABILITY_SET),
        (scaled(), {"room": 1}, Reason.NO_ROOM),
        (scaled(), {"room": "no permission"}, Reason.NO_ROOM),
    ],
)
def test_mode_spot_kind_and_room_are_checked_first(seen, more, reason):
    """Azure leaves a pool Failed that it cannot grow, so unknown room is no room."""
    said = of_pool(look(with_pools(seen), alert(), **more))
    assert said.reason is reason
    assert said.verdict in (Verdict.REFUSE, Verdict.DEFER)


def test_room_for_the_upper_bound_is_room_enough():
    assert of_pool(look(with_pools(scaled()), alert(), room=7)).verdict is Verdict.ACT
    assert of_pool(look(with_pools(fixed()), alert(), room=2)).verdict is Verdict.ACT
    assert of_pool(look(with_pools(fixed()), alert(), room=1)).reason is Reason.NO_ROOM


def test_an_autoscaler_whose_nodes_may_come_too_late_is_no_help():
    slow = with_pools(scaled(), autoscaler={"max-node-provision-time": "2h"})
    assert of_pool(look(slow, alert())).reason is Reason.AUTOSCALER
    for profile in ({"max-node-provision-time": "15m"}, {"max-node-provision-time": "soon"}, {}):
        assert of_pool(look(with_pools(scaled(), autoscaler=profile), alert())).verdict is Verdict.ACT
    assert of_pool(look(with_pools(fixed(), autoscaler=slow.autoscaler), alert())).verdict is Verdict.ACT


def test_another_alerts_freeze_hold_or_upgrade_comes_first():
    frozen = "freezes: [{name: f, from: 2026-12-07, to: 2026-12-08, hold: scale}]\n"
    assert of_pool(look(with_pools(scaled()), alert()), rules(extra=frozen)).reason is Reason.FROZEN
    upgrading = with_pools(scaled(provisioning_state="Upgrading"))
    assert of_pool(look(upgrading, alert())).reason is Reason.BUSY
    held = look(with_pools(scaled()), alert(), hold_by="ana", hold_all=True)
    assert of_pool(held).reason is Reason.HOLD
    assert of_pool(look(with_pools(scaled()), alert(), hold_by="ana")).verdict is Verdict.ACT, "a plain hold lets up"


# --- production


def test_production_is_scaled_only_where_it_is_named_and_only_upwards():
    seen = with_pools(scaled(), env="prod")
    everywhere = policy(f"  - {{name: r, on_alert: {{{SCALE}}}}}")
    assert of_pool(look(seen, alert(), rules_=everywhere), everywhere, name=None).reason is Reason.PRODUCTION
    named = rules(match="environments: [prod]")
    assert of_pool(look(seen, alert(), rules_=named), named).verdict is Verdict.ACT
    down = rules("alert: '*', do: scale, pools: user1, by: -1, min: 1", match="environments: [prod]")
    said = of_pool(look(seen, alert(), rules_=down), down)
    assert (said.verdict, said.reason) == (Verdict.REFUSE, Reason.PRODUCTION)
    raised = with_pools(scaled(5, 10, 5), env="prod")
    memory = with_relief(raised, relief(PoolSize(None, 3, 10), PoolSize(None, 5, 10)), rules_=named)
    said = of_pool(look(raised, memory=memory), named, NOON + 3 * HOUR)
    assert (said.verdict, said.reason) == (Verdict.REFUSE, Reason.PRODUCTION)
    assert "back from 5-10 nodes to 3-10 nodes" in said.message


# --- it ends


def test_resolved_ends_it_early_and_its_time_in_any_case():
    raised = with_pools(scaled(5, 10, 6))
    memory = with_relief(raised, relief(PoolSize(None, 3, 10), PoolSize(None, 5, 10)))
    fires, over = alert(), alert(resolved_at=NOON + HOUR)
    for alerts, now, ends in (
        ([fires], NOON + HOUR, False),
        ([over], NOON + HOUR, True),
        ([over, alert("2", NOON + 5 * MINUTE)], NOON + HOUR, False),
        ([fires], NOON + 2 * HOUR, True),
        ([], NOON + HOUR, True),
    ):
        said = of_pool(look(raised, *alerts, memory=memory), now=now)
        assert (said.action is not None) is ends, (alerts, now)
        if ends:
            assert (said.reason, type(said.action), size(said)) == (Reason.ALERT_OVER, LowerPool, (None, 3, 10))
            assert said.action.restores


def test_nodes_that_the_autoscaler_needs_are_not_taken_early():
    """Pods waited, the bound was raised, so none waits any more: to lower it now would make them wait again."""
    over = alert(resolved_at=NOON + HOUR / 2)
    for count, now, ends in ((11, NOON + HOUR, False), (10, NOON + HOUR, True), (11, NOON + 2 * HOUR, True)):
        raised = with_pools(scaled(3, 12, count))
        memory = with_relief(raised, relief(PoolSize(None, 3, 10), PoolSize(None, 3, 12)))
        assert (of_pool(look(raised, over, memory=memory), now=now).action is not None) is ends, (count, now)


def test_unread_alerts_end_nothing_early_and_time_all_the_same():
    raised = with_pools(fixed(5))
    memory = with_relief(raised, relief(PoolSize(3), PoolSize(5)))
    for now, ends in ((NOON + HOUR, False), (NOON + 2 * HOUR, True)):
        said = look(raised, memory=memory, problem="the journal did not answer")
        assert any(one.action for one in reliefs.due(said, owner_of(raised, rules()).rules, now, "act")) is ends


def test_a_rule_that_is_gone_ends_what_it_did():
    raised = with_pools(fixed(5))
    memory = replace(adopted(policy(OFFICE), raised), reliefs={"user1": relief(PoolSize(3), PoolSize(5))})
    said = of_pool(look(raised, alert(), memory=memory), policy(OFFICE))
    assert (said.reason, size(said)) == (Reason.ALERT_OVER, (3, None, None))


def test_what_a_person_changed_since_is_left_and_told_once():
    seen = with_pools(fixed(9), node_resource_group="mc")
    before = with_relief(seen, relief(PoolSize(3), PoolSize(5)))
    now = NOON + HOUR
    assert of_pool(look(seen, memory=before), now=now).action is None
    after = learned(look(seen, memory=before), rules(), now)
    one = after.reliefs["user1"]
    assert not one.is_open
    assert one.left == (
        "pool user1 had 3 nodes, we made it 5 nodes for an alert, and now it has 9 nodes: "
        "somebody changed it since, so it is left as it is"
    )
    [notice] = reliefs.told(before, after, seen, now)
    assert (notice.kind, one.left in notice.sentence) == ("alert_left", True)
    assert reliefs.told(after, after, seen, now) == ()
    assert learned(look(seen, memory=after), rules(), now) is after


def test_who_puts_it_back_by_hand_has_done_our_work():
    seen = with_pools(fixed(3))
    before = with_relief(seen, relief(PoolSize(3), PoolSize(5)))
    fresh = learned(look(seen, alert(), memory=before), rules(), NOON + 5 * MINUTE)
    assert fresh.reliefs["user1"].is_open, "Resource Graph may lag behind our own change"
    after = learned(look(seen, alert(), memory=before), rules(), NOON + 11 * MINUTE)
    assert (after.reliefs["user1"].is_open, after.reliefs["user1"].left) == (False, "")


def test_nothing_is_concluded_in_the_middle_of_something():
    for seen in (
        with_pools(fixed(9, provisioning_state="Scaling")),
        with_pools(fixed(9), problem="unreadable"),
        with_pools(fixed(None)),
        with_pools(fixed(0, power=Power.STOPPED)),
    ):
        before = with_relief(seen, relief(PoolSize(3), PoolSize(5)))
        assert learned(look(seen, memory=before), rules(), NOON + HOUR) is before
    gone = with_pools()
    assert learned(look(gone, memory=with_relief(gone, relief(PoolSize(3), PoolSize(5)))), rules(), NOON).reliefs == {}


def test_old_steps_are_forgotten_once_no_alert_can_come_back():
    seen = with_pools(fixed(3))
    memory = with_relief(seen, reliefs.closed(relief(PoolSize(3), PoolSize(5))))
    assert learned(look(seen, memory=memory), rules(), NOON + 8 * DAY) is memory
    assert learned(look(seen, memory=memory), rules(), NOON + 9 * DAY).reliefs == {}


def test_two_steps_go_back_to_what_was_before_the_first():
    seen = with_pools(fixed(5))
    memory = with_relief(seen, relief(PoolSize(3), PoolSize(5)))
    second = of_pool(look(seen, alert("2", NOON + HOUR), memory=memory), now=NOON + HOUR)
    opened = reliefs.accepted(memory, second.action, NOON + HOUR).reliefs["user1"]
    assert (opened.before, opened.now) == (PoolSize(3), PoolSize(7))
    assert opened.steps["r"] == Step(NOON + HOUR, NOON + 3 * HOUR, "/alerts/2")


def test_a_step_that_failed_may_be_tried_again_and_is_on_record_when_its_answer_was_lost():
    seen = with_pools(fixed(3))
    memory = adopted(rules(), seen)
    action = of_pool(look(seen, alert())).action
    taken = reliefs.accepted(memory, action, NOON)
    assert reliefs.failed(taken, action, NOON).reliefs["user1"].steps == {}
    lost = reliefs.succeeded(memory, action, NOON)
    assert lost.reliefs["user1"].before == PoolSize(3)
    back = replace(action, restores=True)
    assert not reliefs.succeeded(taken, back, NOON).reliefs["user1"].is_open
    assert reliefs.accepted(taken, back, NOON) is taken
    assert reliefs.failed(taken, back, NOON) is taken
    assert reliefs.succeeded(memory, back, NOON) is memory


def test_what_a_failed_step_left_in_azure_goes_back():
    action = of_pool(look(with_pools(fixed(3)), alert())).action
    taken = reliefs.accepted(adopted(rules(), with_pools(fixed(3))), action, NOON)
    memory = reliefs.failed(taken, action, NOON)
    said = of_pool(look(with_pools(fixed(5)), memory=memory), now=NOON + HOUR)
    assert (said.reason, size(said)) == (Reason.ALERT_OVER, (3, None, None))


def test_a_step_after_a_persons_change_goes_back_to_what_the_person_set():
    seen = with_pools(fixed(8))
    memory = with_relief(seen, relief(PoolSize(3), PoolSize(5)))
    second = of_pool(look(seen, alert("2", NOON + HOUR), memory=memory), now=NOON + HOUR)
    opened = reliefs.accepted(memory, second.action, NOON + HOUR).reliefs["user1"]
    assert (opened.before, opened.now) == (PoolSize(8), PoolSize(10))


def test_a_second_step_that_failed_leaves_the_first_in_force_and_its_size_on_record():
    seen = with_pools(fixed(5))
    memory = with_relief(seen, relief(PoolSize(3), PoolSize(5)))
    second = of_pool(look(seen, alert("2", NOON + HOUR), memory=memory), now=NOON + HOUR).action
    failed = reliefs.failed(reliefs.accepted(memory, second, NOON + HOUR), second, NOON + HOUR)
    one = failed.reliefs["user1"]
    assert (one.before, one.now, one.tried) == (PoolSize(3), PoolSize(5), PoolSize(7))
    assert one.steps == memory.reliefs["user1"].steps
    for shown in (5, 7):
        later = with_pools(fixed(shown))
        kept = learned(look(later, alert("2", NOON + HOUR), memory=failed), rules(), NOON + 2 * HOUR)
        assert kept.reliefs["user1"].is_open, "either size is our doing"
        over = of_pool(look(later, memory=kept), now=NOON + 3 * HOUR)
        assert (over.reason, size(over)) == (Reason.ALERT_OVER, (3, None, None))


def test_people_hear_when_their_size_takes_the_place_of_the_one_on_record():
    seen = with_pools(fixed(8))
    memory = with_relief(seen, relief(PoolSize(3), PoolSize(5)))
    second = of_pool(look(seen, alert("2", NOON + HOUR), memory=memory), now=NOON + HOUR).action
    after = reliefs.accepted(memory, second, NOON + HOUR)
    [notice] = reliefs.told(memory, after, seen, NOON + HOUR)
    assert "had 3 nodes, somebody made it 8 nodes: it goes back to that" in notice.sentence


def test_a_pool_of_a_capacity_group_is_the_groups():
    """The group would take the nodes back, and call it somebody's change."""
    group = "  - {name: g, match: {environments: [dev]}, spot: {groups: [{name: web, spot: ['spot*'],"
    both = rules(SCALE, f"{group} fallback: user1, nodes: {{min: 3, max: 9}}}}]}}}}")
    seen = with_pools(fixed(3), replace(fixed(2), name="spot1", priority="Spot"))
    said = of_pool(look(seen, alert(), rules_=both), both)
    assert (said.verdict, said.reason) == (Verdict.REFUSE, Reason.SPOT_POOL)
    assert said.message.endswith("its size is what g makes of its capacity group; let alerts scale another pool")
    memory = with_relief(with_pools(fixed(5)), relief(PoolSize(3), PoolSize(5)), rules_=both)
    back = of_pool(look(with_pools(fixed(5), seen.pools[-1]), memory=memory), both, NOON + 3 * HOUR)
    assert back.reason is not Reason.SPOT_POOL, "the way back is open"


# --- holding, waking


def test_a_stop_waits_while_an_alert_fires_and_at_most_its_time():
    both = rules("alert: '*', do: keep_on, for: 2h", OFFICE)
    evening = at("Mon 19:30")
    for block, holds in (("keep_on", True), ("notify", False)):
        some = rules(f"alert: '*', do: {block}, for: 2h", OFFICE)
        seen = cluster()
        memory = adopted(some, seen)
        said = of_pool(look(seen, alert("1", evening - HOUR), memory=memory), some, evening, None)
        assert (said.wish is Wish.RUNNING, said.reason is Reason.AS_WISHED) == (holds, holds)
    said = of_pool(look(cluster(), alert("1", evening - 3 * HOUR), rules_=both), both, evening, None)
    assert said.wish is Wish.STOPPED, "its time is over"


def test_a_stop_waits_while_the_alerts_cannot_be_read():
    for block, holds in (("keep_on", True), ("notify", False)):
        some = rules(f"alert: '*', do: {block}, for: 2h", OFFICE)
        said = of_pool(look(cluster(), rules_=some, problem="down"), some, at("Mon 19:30"), None)
        assert (said.wish is Wish.RUNNING) is holds


def test_a_firing_alert_holds_what_is_up_and_starts_nothing():
    keep = rules("alert: '*', do: keep_on, for: 2h")
    down = stopped()
    memory = with_target(adopted(keep, down), None, stopped_at=NOON - DAY)
    assert of_pool(look(down, alert(), memory=memory), keep, name=None).action is None


def woken(seen, *alerts, memory=None, now=NOON, block=WAKE):
    """One tick's look: learn, then decide."""
    some = rules(block)
    view_ = look(seen, *alerts, memory=memory or adopted(some, seen))
    taught = learned(view_, some, now)
    return of_pool(replace(view_, memory=taught), some, now, None), taught


def test_work_in_a_queue_wakes_a_sleeping_cluster_once():
    said, memory = woken(stopped(), orders())
    assert (said.verdict, said.reason, said.action.kind) == (Verdict.ACT, Reason.ALERT, "start_cluster")
    assert memory.reliefs[""].woken
    started = with_target(memory, None, started_at=NOON + 5 * MINUTE, seen=Seen(Power.RUNNING, NOON, NOON + 5 * MINUTE))
    said, memory = woken(cluster(), orders(), memory=started, now=NOON + 10 * MINUTE)
    assert (said.reason, said.wish) == (Reason.AS_WISHED, Wish.RUNNING)
    # A person stops it: nobody wakes it again for the same work.
    by_hand = with_target(memory, None, seen=Seen(Power.STOPPED, NOON + HOUR / 2, NOON + HOUR / 2))
    said, memory = woken(stopped(), orders(), memory=by_hand, now=NOON + HOUR / 2)
    assert (said.action, memory.reliefs[""].woken) == (None, False)


def test_what_was_woken_sleeps_again_when_the_work_is_done_or_time_is_over():
    _, memory = woken(stopped(), orders())
    up = with_target(memory, None, started_at=NOON + 5 * MINUTE, seen=Seen(Power.RUNNING, NOON, NOON + 5 * MINUTE))
    for one, now in (
        (orders(resolved_at=NOON + 40 * MINUTE), NOON + 45 * MINUTE),
        (orders(), NOON + HOUR),
    ):
        said, _ = woken(cluster(), one, memory=up, now=now)
        assert (said.wish, said.cause.startswith("on_alert:over:")) == (Wish.STOPPED, True)
        assert said.reason is Reason.WARNING_DUE, "people are warned of this stop like of any other"


def test_what_somebody_else_started_is_not_put_to_sleep():
    _, memory = woken(stopped(), orders())
    by_hand = with_target(memory, None, seen=Seen(Power.RUNNING, NOON, NOON + 5 * MINUTE))
    said, after = woken(cluster(), orders(resolved_at=NOON + HOUR / 2), memory=by_hand, now=NOON + HOUR)
    assert (said.wish, after.reliefs[""].woken) == (None, False)


def test_a_wake_waits_for_the_dwell_and_gives_way_to_a_person():
    down = stopped()
    memory = with_target(adopted(rules(WAKE), down), None, stopped_at=NOON - 10 * MINUTE)
    said, taught = woken(down, orders(), memory=memory)
    assert said.reason is Reason.MIN_DOWNTIME
    said, _ = woken(down, orders(), memory=replace(taught, holds=(keep_off(NOON - HOUR, NOON + DAY),)))
    assert (said.wish, said.action) == (Wish.STOPPED, None)


def test_a_wake_that_never_came_up_is_given_up_in_time():
    _, memory = woken(stopped(), orders())
    said, after = woken(stopped(), orders(), memory=memory, now=NOON + HOUR)
    assert (said.action, after.reliefs[""].woken) == (None, False)


def test_plan_mode_says_what_it_would_do_and_remembers_nothing():
    some = rules(WAKE, mode="plan")
    view_ = look(stopped(), orders(), memory=adopted(some, stopped()))
    taught = learned(view_, some)
    assert taught.reliefs == {}
    said = of_pool(view_, some, name=None)
    assert (said.verdict, said.reason) == (Verdict.PLAN, Reason.ALERT)


# --- a planned stop's own alerts


def test_a_planned_stop_triggers_nothing_by_its_own_alerts():
    """The cluster was stopped, so it is not available: that is no reason to wake it, nor to scale it in the morning."""
    own = "alert: '*', do: wake, for: 2h"
    down = stopped()
    memory = with_target(adopted(rules(own), down), None, stopped_at=NOON - 10 * MINUTE)
    night = NOON + HOUR
    for one in (alert("1", NOON - 15 * MINUTE), alert("2", NOON), alert("3", NOON, signal=Signal.RESOURCE_HEALTH)):
        said, taught = woken(down, one, memory=memory, now=night, block=own)
        assert (said.action, taught.reliefs) == (None, {}), one
    said, _ = woken(down, alert("c", NOON, signal=Signal.CUSTOM), memory=memory, now=night, block=own)
    assert said.verdict is Verdict.ACT, "who names a cluster in an event of his own means it"


def test_an_alert_of_the_night_scales_nothing_in_the_morning():
    seen = with_pools(scaled())
    up = with_target(
        adopted(rules(), seen), None, stopped_at=NOON - 12 * HOUR, started_at=NOON, seen=Seen(Power.RUNNING, NOON, NOON)
    )
    night, settling, later = (alert(str(n), NOON + n * MINUTE) for n in (-60, 10, 20))
    for one, acts in ((night, False), (settling, False), (later, True)):
        said = of_pool(look(seen, one, memory=up), now=NOON + 25 * MINUTE)
        assert (said.action is not None) is acts, one
    start = OpenAction("x", "start_cluster", None, Phase.ACCEPTED, "c", "r", "hours", NOON, NOON + HOUR)
    [rule] = rules().rules
    for one in (night, settling, later):
        waits = replace(with_target(up, None, started_at=None), open=start)
        assert alerting.firing(look(seen, one, memory=waits), rule) == (), "its nodes are still on their way"


def test_an_alert_during_our_own_stop_or_of_a_pool_we_stopped_is_not_heard():
    seen = with_pools(scaled())
    stopping = OpenAction("x", "stop_cluster", None, Phase.ACCEPTED, "c", "r", "off_hours", NOON, NOON + HOUR)
    busy = look(seen, alert("1", NOON + MINUTE), memory=replace(adopted(rules(), seen), open=stopping))
    [rule] = rules().rules
    assert alerting.firing(busy, rule) == ()
    pool_off = replace(adopted(rules(), seen))
    pool_off = replace(pool_off, targets={**pool_off.targets, "batch": TargetMemory(stopped_at=NOON)})
    assert alerting.firing(look(seen, alert("1", NOON + MINUTE), memory=pool_off), rule) == ()
    assert alerting.firing(look(seen, alert("1", NOON + HOUR), memory=pool_off), rule)
    unknown = look(stopped(), alert(), memory=Memory(cluster().id))
    assert alerting.firing(unknown, rule) == (), "down for reasons of its own"


# --- what people hear


def test_people_hear_of_a_rules_alerts_once_and_unknown_is_not_over():
    some = rules("alert: '*', do: notify, severity: [0, 1, 2]")
    listening = owner_of(cluster(), some).rules
    storm = [alert(str(n)) for n in range(3)]
    assert alerting.standing(look(cluster(), *storm), listening) == {
        "alert|r": "web: alert pending-pods and 2 more fires; rule r: notify"
    }
    assert alerting.standing(look(cluster()), listening) == {}
    told = replace(Memory(cluster().id), matters=("alert|r",))
    assert alerting.standing(look(cluster(), memory=told, problem="down"), listening) == {"alert|r": ""}
    assert alerting.standing(look(cluster(), *storm), owner_of(cluster(), rules(mode="plan")).rules) == {}


# --- the hint


def test_a_look_is_worth_it_where_the_rule_was_adopted_and_the_cluster_may_be_meant():
    seen = with_pools(scaled())
    memory, some = adopted(rules(), seen), rules()
    nodes = (
        f"/subscriptions/{seen.subscription}/resourcegroups/mc/providers/microsoft.compute/virtualmachinescalesets/x"
    )
    for one, worth in (
        (alert(), True),
        (alert(targets=(), clusters=("web",)), True),
        (alert(targets=(nodes,)), True),
        (alert(targets=(QUEUE,)), False),
        (alert(rule="other"), False),
    ):
        assert bool(alerting.listening(some, one)) is (one.rule != "other")
        assert alerting.may_concern(memory, one, alerting.listening(some, one)) is worth, one
    queue = rules(WAKE)
    assert alerting.may_concern(adopted(queue, seen), orders(), alerting.listening(queue, orders()))
    assert not alerting.may_concern(Memory(seen.id), alert(), some.rules)


# --- the grammar


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("do: wake", "alert"),
        ("alert: x", "do"),
        ("alert: x, do: stop", "do"),
        ("alert: x, do: scale, by: 2, max: 4", "does not say which pools"),
        ("alert: x, do: scale, pools: a", "takes either by or to"),
        ("alert: x, do: scale, pools: a, by: 2, to: 3, max: 4", "takes either by or to"),
        ("alert: x, do: scale, pools: a, by: 0, max: 4", "by is not 0"),
        ("alert: x, do: scale, pools: a, by: 2", "has no bound above"),
        ("alert: x, do: scale, pools: a, by: -2", "has no bound below"),
        ("alert: x, do: scale, pools: a, by: 2, min: 5, max: 4", "is no range"),
        ("alert: x, do: wake, pools: a", "'pools' belongs to do: scale"),
        ("alert: x, do: wake, for: 0m", "is no time to act in"),
        ("alert: x, do: wake, for: 8d", "is no time to act in"),
        ("alert: x, severity: 5, do: wake", "severity"),
        ("alert: x, signal: loud, do: wake", "signal"),
        ("alert: [], do: wake", "there is nothing in it"),
    ],
)
def test_a_mistake_is_told_with_an_example(block, words):
    with pytest.raises(PolicyError) as caught:
        rules(block)
    assert words in str(caught.value)


def test_no_relief_is_open_by_itself():
    assert not Relief().is_open
    assert PoolSize.of(scaled(None, None, None)) is None
    assert PoolSize.of(replace(scaled(), autoscaling=None)) is None
