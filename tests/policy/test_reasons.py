"""Every reason there is, and a situation that gives it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.model.decisions import Decision, Reason, Verdict
from shared.model.fleet import Power
from shared.model.memory import Failure, Memory, OpenAction, Owed, Phase, Seen, Warned, Wish
from shared.policy.admit import admit
from tests.policy import alert_builders as with_alerts
from tests.policy import capacity_worlds as with_spot
from tests.policy import idle_builders as with_idle
from tests.policy.builders import (
    BATCH,
    DAY,
    HOUR,
    LONG_AGO,
    OFFICE,
    SYSTEM,
    adopted,
    at,
    cluster,
    decided,
    keep_off,
    keep_on,
    policy,
    pool,
    served,
    stopped,
    view,
    with_pool,
)
from tests.policy.upgrade_situations import SITUATIONS as UPGRADES

RULES = policy(OFFICE)
NOON, EVENING, NIGHT, MORNING = at("Mon 12:00"), at("Mon 19:00"), at("Mon 22:00"), at("Tue 07:30")
WARNED = Warned("office-hours:stopped:2026-12-07T18:00:00Z", LONG_AGO, EVENING)
SITUATIONS: dict[Reason, Callable[[], Decision]] = {}


def gives(reason: Reason) -> Callable[[Callable[[], Decision]], Callable[[], Decision]]:
    def add(situation: Callable[[], Decision]) -> Callable[[], Decision]:
        SITUATIONS[reason] = situation
        return situation

    return add


def of(seen=None, now=EVENING, rules=RULES, pool_name=None, *, holds=(), locks=None, fleet=None, **target) -> Decision:
    seen = seen or cluster()
    memory = replace(adopted(rules, seen, **({"warned": WARNED} | target)), holds=holds)
    return decided(view(seen, memory, locks=locks, **(fleet or {})), rules, now, pool_name)


@gives(Reason.OFF_HOURS)
def off_hours():
    return of()


@gives(Reason.IN_HOURS)
def in_hours():
    return of(stopped(), MORNING)


@gives(Reason.KEEP_ON)
def keep_on_at_night():
    return of(stopped(), NIGHT, holds=(keep_on(NIGHT, MORNING),))


@gives(Reason.KEEP_OFF)
def keep_off_by_day():
    said = keep_off(at("Mon 10:00"), at("Fri 10:00"))
    return of(now=NOON, holds=(said,), warned=Warned("command:stopped:2026-12-11T09:00:00Z", LONG_AGO, NOON))


@gives(Reason.RELEASED)
def released():
    return of(stopped(), NIGHT, policy(), owed=Owed("office-hours", EVENING))


@gives(Reason.IDLE)
def idle_long_enough():
    memory = with_idle.remembered(with_idle.TWO_HOURS, with_idle.quiet(NOON - 2 * HOUR, NOON))
    return with_idle.decided(with_idle.look(memory, with_idle.fact(now=NOON)), now=NOON)


@gives(Reason.EXPECTED)
def expected_on_monday_morning():
    monday = with_idle.MONDAY + 8 * HOUR
    memory = with_idle.remembered(
        with_idle.DEAR, with_idle.office_habit(with_idle.DEAR), power=Power.STOPPED, owed=Owed("sandboxes", monday)
    )
    return with_idle.decided(with_idle.look(memory, None, stopped()), with_idle.DEAR, monday)


@gives(Reason.TTL)
def ran_for_its_time():
    rules = with_idle.rules("after: 2h, ttl: 72h")
    up = Seen(Power.RUNNING, NOON - 3 * DAY, NOON - 3 * DAY)
    return with_idle.decided(with_idle.look(with_idle.remembered(rules, seen=up), None), rules, NOON)


def under_alert(pool_, **more):
    return with_alerts.of_pool(with_alerts.look(with_alerts.with_pools(pool_), with_alerts.alert(), **more))


@gives(Reason.ALERT)
def an_alert_fires():
    return under_alert(with_alerts.scaled())


@gives(Reason.ALERT_OVER)
def nothing_fires_any_more():
    raised = with_alerts.with_pools(with_alerts.fixed(5))
    one = with_alerts.relief(with_alerts.PoolSize(3), with_alerts.PoolSize(5))
    return with_alerts.of_pool(with_alerts.look(raised, memory=with_alerts.with_relief(raised, one)))


@gives(Reason.SPOT_POOL)
def an_alert_about_a_spot_pool():
    return under_alert(with_alerts.scaled(priority="Spot"))


@gives(Reason.AUTOSCALER)
def an_autoscaler_that_takes_its_time():
    slow = with_alerts.with_pools(with_alerts.scaled(), autoscaler={"max-node-provision-time": "3h"})
    return with_alerts.of_pool(with_alerts.look(slow, with_alerts.alert()))


@gives(Reason.NO_ROOM)
def a_full_subnet():
    return under_alert(with_alerts.scaled(), room=0)


QUIET = policy(OFFICE, guards="silence_alerts: true")
LATER = NIGHT + DAY


@gives(Reason.SILENCE)
def a_stop_that_pages_nobody():
    return of(rules=QUIET)


@gives(Reason.HEARD_AGAIN)
def it_runs_again():
    seen = cluster()
    memory = replace(adopted(QUIET, seen), silenced_until=LATER)
    return decided(view(seen, memory), QUIET, NOON)


@gives(Reason.SILENCE_DUE)
def a_silence_that_cannot_be_had():
    return of(rules=QUIET, setbacks={"silence_alerts": Failure("silence_alerts", "403", "no", EVENING, 1, LATER)})


@gives(Reason.FALL_BACK)
def nodes_are_missing():
    return with_spot.resized(spot=0, on_demand=0)


@gives(Reason.TO_SPOT)
def on_demand_carries_everything():
    return with_spot.resized(spot=0, on_demand=3)


@gives(Reason.SURPLUS)
def nodes_to_spare():
    return with_spot.resized(spot=3, on_demand=0, group=", surplus: 1")


@gives(Reason.HOME)
def spot_has_carried_everything():
    return with_spot.resized(spot=3, on_demand=3, stable=True)


@gives(Reason.TIDY)
def one_spot_node_too_many():
    return with_spot.resized(spot=4, on_demand=0, stable=True)


@gives(Reason.AS_WISHED)
def as_wished():
    return of(now=NOON)


@gives(Reason.NO_RULE)
def no_rule():
    return of(rules=policy())


@gives(Reason.NO_OPINION)
def no_opinion():
    return of(now=NOON, rules=policy(OFFICE.replace("office}", "office, only: stop}")))


@gives(Reason.MANUAL_START)
def started_by_hand():
    return of(now=NIGHT, served=served(Wish.STOPPED, EVENING))


@gives(Reason.MANUAL_STOP)
def stopped_by_hand():
    return of(stopped(), NOON, served=served(Wish.RUNNING, at("Mon 07:30")))


@gives(Reason.BEFORE_ADOPTION)
def new_cluster_at_night():
    return decided(view(cluster(), adopted(RULES, cluster(), NIGHT)), RULES, NIGHT)


@gives(Reason.PARKED)
def never_seen_running():
    return of(stopped(), MORNING, ran_at=None)


@gives(Reason.UNDER_WAY)
def something_is_open():
    open_ = OpenAction("x", "stop_cluster", None, Phase.CLAIMED, "c", "r", "off_hours", EVENING, EVENING + DAY)
    return decided(view(cluster(), replace(adopted(RULES, cluster()), open=open_)), RULES, EVENING)


@gives(Reason.SUPERSEDED)
def pool_of_a_cluster_that_stops():
    return of(with_pool(), rules=policy(OFFICE, BATCH, guards="warn_before_stop: 0m"), pool_name="batch")


@gives(Reason.PRODUCTION)
def production():
    return of(cluster(env="prod"))


@gives(Reason.EXCLUDED)
def excluded():
    return of(cluster(tags={"lamplighter-exclude": "true"}))


@gives(Reason.UNREADABLE_TAG)
def unreadable_tag():
    return of(cluster(tags={"lamplighter-exclude": "perhaps"}))


@gives(Reason.UNREADABLE_STATE)
def unreadable_state():
    return of(cluster(power=Power.UNKNOWN))


@gives(Reason.UNREADABLE_LOCKS)
def unreadable_locks():
    return of(locks="403 Forbidden")


@gives(Reason.UNREADABLE_POLICY)
def unreadable_policy():
    return of(fleet={"policy_readable": False})


@gives(Reason.LOCKED)
def locked():
    return of(locks=(("hands-off", "CanNotDelete"),))


@gives(Reason.NODE_PROVISIONING)
def node_provisioning():
    return of(cluster(node_provisioning="Auto"))


@gives(Reason.AVAILABILITY_SET)
def availability_set():
    return of(with_pool(pool(kind="AvailabilitySet")))


@gives(Reason.SYSTEM_POOL)
def system_pool():
    return of(with_pool(pool("batch", mode="System")), rules=policy(BATCH), pool_name="batch")


@gives(Reason.UNKNOWN_POOL)
def unknown_pool():
    return of(holds=(keep_off(LONG_AGO, at("Fri 12:00"), pool="nope"),), pool_name="nope")


@gives(Reason.FLEET_MEMBER)
def fleet_member():
    return of(cluster(fleet="/subscriptions/s/fleets/hub"))


@gives(Reason.HOLD)
def emergency_hold():
    return of(fleet={"hold_by": "ana"})


@gives(Reason.BUSY)
def busy():
    return of(cluster(provisioning_state="Upgrading"))


@gives(Reason.CLUSTER_STOPPED)
def cluster_stopped():
    return of(stopped(pools=(SYSTEM, pool())), NOON, policy(BATCH), "batch")


@gives(Reason.FROZEN)
def frozen():
    extra = "freezes:\n  - {name: q, from: 2026-12-01T00:00, to: 2026-12-31T00:00, hold: [stop]}\n"
    return of(rules=policy(OFFICE, extra=extra))


@gives(Reason.MIN_DOWNTIME)
def min_downtime():
    return of(stopped(), MORNING, stopped_at=MORNING)


@gives(Reason.MIN_UPTIME)
def min_uptime():
    return of(started_at=EVENING)


@gives(Reason.MIN_OFF)
def min_off():
    return of(now=at("Tue 07:00"))


@gives(Reason.WARNING_DUE)
def warning_due():
    return of(warned=None)


@gives(Reason.STOP_BUDGET)
def stop_budget():
    rules = policy(OFFICE, guards="stops: {at_most: 1, within: 1h}")
    seen = view(cluster(), recent_stops=(EVENING,))
    return admit([of(rules=rules)], seen.fleet, rules, EVENING).decisions[0]


@gives(Reason.BREAKER)
def breaker():
    seen = view(cluster(), breaker_open=True, breaker_reason="5 actions failed")
    return admit([of()], seen.fleet, RULES, EVENING).decisions[0]


@gives(Reason.RETRY_LATER)
def retry_later():
    return of(failure=Failure("stop_cluster", "x", "x", EVENING, 1, EVENING + DAY))


@gives(Reason.NO_CAPACITY)
def no_capacity():
    return of(no_stop_until=EVENING + DAY)


@gives(Reason.UNDONE)
def undone():
    return of(reversals=(EVENING, EVENING, EVENING))


@gives(Reason.WAITS_FOR)
def waits_for_another_pool():
    rules = policy(BATCH, guards="warn_before_stop: 0m")
    return of(with_pool(pool("batch1"), pool("batch2")), rules=rules, pool_name="batch2")


# What is done, and what is nothing to do; the rest is refused or deferred.
SITUATIONS |= UPGRADES
DONE = {
    Reason.UPGRADE,
    Reason.NODE_IMAGE,
    Reason.MAINTENANCE_WINDOW,
    Reason.REPAIR,
    Reason.TIER,
    Reason.OFF_HOURS,
    Reason.IN_HOURS,
    Reason.KEEP_ON,
    Reason.KEEP_OFF,
    Reason.RELEASED,
    Reason.IDLE,
    Reason.EXPECTED,
    Reason.TTL,
    Reason.FALL_BACK,
    Reason.TO_SPOT,
    Reason.SURPLUS,
    Reason.HOME,
    Reason.ALERT,
    Reason.ALERT_OVER,
    Reason.SILENCE,
    Reason.HEARD_AGAIN,
    Reason.TIDY,
}
NOTHING = {
    Reason.AS_WISHED,
    Reason.NO_RULE,
    Reason.NO_OPINION,
    Reason.MANUAL_START,
    Reason.MANUAL_STOP,
    Reason.BEFORE_ADOPTION,
    Reason.PARKED,
    Reason.UNDER_WAY,
    Reason.SUPERSEDED,
    Reason.AUTO_UPGRADE,
}


def test_every_reason_has_a_situation():
    assert set(SITUATIONS) == set(Reason)


@pytest.mark.parametrize("reason", list(SITUATIONS), ids=[f"{r.value}: {s.__name__}" for r, s in SITUATIONS.items()])
def test_the_situation_gives_its_reason(reason):
    decision = SITUATIONS[reason]()
    assert decision.reason is reason
    assert len(decision.message.split()) > 1, "people are told in words"
    if reason in DONE:
        assert decision.verdict is Verdict.ACT
    elif reason in NOTHING:
        assert (decision.verdict, decision.action) == (Verdict.NONE, None)
    else:
        assert decision.verdict is not Verdict.ACT


def test_a_memory_that_is_empty_is_a_new_cluster():
    assert decided(view(cluster(), Memory(cluster().id)), RULES, EVENING).reason is Reason.BEFORE_ADOPTION
