"""Days with alerts: raised from the world's own metrics, posted as Azure posts them, acted on by the deployed code."""

from __future__ import annotations

from datetime import timedelta

from lamplighter.simulator import Fault
from lamplighter.simulator.monitor_alerts import PENDING, QUEUE, UNAVAILABLE, AlertRule
from tests.scenarios.stage import DAY, HOUR, MINUTE, Story, dev, policy, prod

PODS = AlertRule("pending-pods-web", PENDING, cluster="web", pool="user1")
SCALE = """
rules:
  - name: pending-pods
    match: {environments: [dev]}
    on_alert: {alert: "pending-pods*", severity: [0, 1, 2], do: scale, pools: ["user*"], by: 2, max: 12, for: 2h}
"""
HOURS = """
  - name: hours
    match: {environments: [dev]}
    hours: {schedule: office}
"""


def pools(low: int = 3, high: int = 3, **more):
    user = {"name": "user1", "count": low, "autoscaling": True, "min": low, "max": high, **more}
    return [{"name": "system", "mode": "System", "count": 2}, user]


def story(*clusters, rules: str = SCALE, **more) -> Story:
    told = Story(*(clusters or (dev("web", pools=pools()),)), policy=policy(rules), **more)
    told.world.monitor.watch(told.world, PODS)
    return told


def sizes(told: Story, name: str = "web") -> list[tuple[str, int, int]]:
    """(local time, min, max) of what the app wrote about its user pool."""
    bodies = ((one.at, one.body["properties"]) for one in told.writes(name) if one.pool == "user1")
    return [(told.local(at), one["minCount"], one["maxCount"]) for at, one in bodies]


def now_is(told: Story, name: str = "web") -> tuple[int, int, int]:
    shown = told.world.pool(name, "user1").properties
    return shown["count"], shown["minCount"], shown["maxCount"]


def busy(told: Story, nodes: int = 5) -> None:
    """So many nodes are needed for half an hour."""
    now = told.world.now()
    told.world.monitor.needs(told.world, "web", "user1", nodes, now)
    told.world.monitor.needs(told.world, "web", "user1", 0, now + 30 * MINUTE)


def test_pods_wait_an_alert_fires_the_pool_is_raised_the_alert_resolves_the_pool_is_put_back():
    with story() as told:
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 5)
        told.later(30 * MINUTE)
        assert now_is(told) == (5, 3, 5), "no pod waits any more"
        assert told.world.monitor.instances[0].resolved_at is not None, "so the alert resolved by itself"
        told.later(30 * MINUTE)
        assert now_is(told) == (5, 3, 5), "and the pods that run there keep their nodes"
        told.world.monitor.needs(told.world, "web", "user1", 3)
        told.later(10 * MINUTE)
        assert sizes(told) == [("Mon 09:05", 3, 5), ("Mon 10:05", 3, 3)]
        assert now_is(told) == (3, 3, 3)
        assert told.rehearsal.failures == []


def test_a_pool_of_a_fixed_size_is_counted_up_and_down_again():
    user = {"name": "user1", "count": 3}
    with story(dev("web", pools=[{"name": "system", "mode": "System", "count": 2}, user])) as told:
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 5)
        told.world.monitor.needs(told.world, "web", "user1", 0, told.world.now() + 30 * MINUTE)
        told.later(HOUR)
        counts = [(told.local(one.at), one.body["properties"]["count"]) for one in told.writes("web")]
        assert [count for _, count in counts] == [5, 3]


def test_an_alert_that_never_resolves_ends_after_its_time():
    with story() as told:
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 50)
        told.later(4 * HOUR)
        assert [size[1:] for size in sizes(told)] == [(3, 5), (3, 3)]
        assert told.told("web", "has an alert that fires")
        begun, ended = (told.at(at[-5:]) for at, *_ in sizes(told))
        assert timedelta(hours=2) <= ended - begun < timedelta(hours=2, minutes=10)


def test_a_storm_of_alerts_is_one_step():
    """Two hundred rules fire in the same minute, each message comes twice."""
    with story() as told:
        told.world.monitor.twice = True
        told.world.monitor.watch(
            told.world, *(AlertRule(f"pending-pods-{n}", PENDING, cluster="web", pool="user1") for n in range(200))
        )
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 50)
        told.later(90 * MINUTE)
        assert len(told.world.monitor.delivered) == 402
        assert [size[1:] for size in sizes(told)] == [(3, 5)]
        assert len(told.told("has an alert that fires")) == 1


def test_a_lost_resolved_is_found_by_asking_azure():
    with story() as told:
        told.world.monitor.lose = frozenset({"Resolved"})
        told.until("Mon 09:00")
        busy(told)
        told.later(HOUR)
        assert [one[2] for one in told.world.monitor.delivered] == ["Fired"]
        assert [size[1:] for size in sizes(told)] == [(3, 5), (3, 3)]


def test_messages_out_of_order_and_a_webhook_that_does_not_answer():
    """`Fired` comes a quarter of an hour after `Resolved`: it is over before it is heard of."""
    with story() as told:
        told.world.monitor.late = frozenset({"Fired"})
        told.until("Mon 09:00")
        now = told.world.now()
        told.world.monitor.needs(told.world, "web", "user1", 5)
        told.world.monitor.needs(told.world, "web", "user1", 3, now + 6 * MINUTE)
        told.later(HOUR)
        assert [one[2] for one in told.world.monitor.delivered] == ["Resolved", "Fired"]
        assert sizes(told) == []
    with story() as told:
        answers, report = [503, 503], told.rehearsal.report
        told.world.monitor.webhook = lambda body: answers.pop() if answers else report(body)
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 5)
        told.later(12 * MINUTE)
        assert [one[3] for one in told.world.monitor.delivered][:3] == [503, 503, 200]
        assert [size[1:] for size in sizes(told)] == [(3, 5)]


def test_a_person_edits_the_pool_in_between():
    with story() as told:
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 50)
        told.later(20 * MINUTE)
        assert now_is(told) == (5, 3, 5)
        told.world.person_changes_pool("web", "user1", minCount=4, maxCount=9)
        told.later(4 * HOUR)
        assert now_is(told)[1:] == (4, 9), "it is left as it is"
        assert len(sizes(told)) == 1
        [message] = told.told("changed by somebody since an alert")
        assert "had 3-3 nodes, we made it 3-5 nodes for an alert, and now it has 4-9 nodes" in message


def test_production_that_is_not_named_is_left_alone():
    everywhere = SCALE.replace("    match: {environments: [dev]}\n", "")
    with story(prod("web", pools=pools()), rules=everywhere) as told:
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 5)
        told.later(HOUR)
        assert told.writes() == []
        assert told.reasons("web") == {"production"}


def test_production_that_is_named_is_raised_and_never_made_smaller():
    with story(prod("web", pools=pools()), rules=SCALE.replace("[dev]", "[prod]")) as told:
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 5)
        told.later(4 * HOUR)
        assert [size[1:] for size in sizes(told)] == [(3, 5)]
        [message] = told.told("stays as an alert made it")
        assert "back from 3-5 nodes to 3-3 nodes" in message
        assert "production is never made smaller" in message
        told.world.person_changes_pool("web", "user1", minCount=3, maxCount=3, count=3)
        told.later(HOUR)
        assert told.told("no longer as an alert made it")


def test_an_alert_during_a_freeze_waits_for_its_end():
    frozen = "\nfreezes: [{name: quiet, from: 2026-11-23T08:30, to: 2026-11-23T10:00, hold: scale}]\n"
    with story(rules=SCALE + frozen) as told:
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 50)
        told.until("Mon 09:58")
        assert (told.writes(), told.reason("web", "user1")) == ([], "frozen")
        told.until("Mon 10:10")
        assert [at for at, *_ in sizes(told)] == ["Mon 10:00"]


def test_an_alert_during_an_upgrade_waits_for_it():
    with story() as told:
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 50)
        told.later(4 * MINUTE)
        told.world.foreign_operation("web", state="Upgrading", lasts=30 * MINUTE)
        told.until("Mon 09:30")
        assert told.writes() == []
        told.until("Mon 09:45")
        assert [size[1:] for size in sizes(told)] == [(3, 5)]


def test_an_emergency_hold_lets_up_and_not_down_and_a_full_one_neither():
    with story() as told:
        told.until("Mon 09:00")
        told.hold()
        busy(told)
        told.later(HOUR)
        assert [size[1:] for size in sizes(told)] == [(3, 5)], "raised, and not lowered while the hold is on"
        assert told.reason("web", "user1") == "hold"
        told.resume()
        told.later(20 * MINUTE)
        assert [size[1:] for size in sizes(told)] == [(3, 5), (3, 3)]
    with story() as told:
        told.until("Mon 09:00")
        told.hold(everything=True)
        told.world.monitor.needs(told.world, "web", "user1", 5)
        told.later(HOUR)
        assert told.writes() == []


def test_no_room_is_seen_before_azure_is_asked():
    with story() as told:
        key = (next(iter(told.world.subscriptions)), told.world.cluster("web").location, "cores")
        told.world.market.quota[key] = 20
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 50)
        told.later(40 * MINUTE)
        assert told.writes() == []
        assert any(
            "have room for 0 more nodes" in one.body.get("message", "") for one in told.history("web", "dropped")
        )


def test_azure_refuses_and_the_alert_is_tried_again():
    with story() as told:
        told.world.inject(Fault.refuse("PUT */agentpools/user1", 409, "OperationNotAllowed", times=1))
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 50)
        told.later(30 * MINUTE)
        assert [size[1:] for size in sizes(told)] == [(3, 5)]


def test_a_stop_waits_while_an_alert_fires():
    keep = '\nrules:\n  - {name: busy, match: {environments: [dev]}, on_alert: {alert: "pending*", do: keep_on, for: 90m}}\n'
    with story(rules=keep + HOURS) as told:
        told.until("Mon 18:50")
        told.world.monitor.needs(told.world, "web", "user1", 50)
        told.until("Mon 20:10")
        assert told.is_on("web")
        told.until("Mon 21:30")
        assert not told.is_on("web"), "for ninety minutes, and not longer"


WAKE = """
rules:
  - name: orders
    match: {environments: [dev]}
    on_alert: {alert: orders-wait, target: "*/namespaces/orders", do: wake, for: 2h}
"""


def test_work_in_a_queue_wakes_the_cluster_that_sleeps_and_it_sleeps_again():
    with Story(dev("web"), policy=policy(WAKE + HOURS)) as told:
        monitor = told.world.monitor
        monitor.watch(told.world, AlertRule("orders-wait", QUEUE, queue="orders"))
        told.until("Mon 22:00")
        assert not told.is_on("web")
        now = told.world.now()
        monitor.queues["orders"] = [(now, 12), (now + 40 * MINUTE, 0)]
        told.until("Tue 06:00")
        assert told.times("start") == ["Mon 22:05"]
        assert told.times("stop") == ["Mon 19:00", "Mon 23:00"], "warned of before, like of any stop"
        told.until("Tue 07:35")
        assert told.times("start") == ["Mon 22:05", "Tue 07:30"]


def test_a_cluster_without_hours_sleeps_again_too():
    with Story(dev("web"), policy=policy(WAKE)) as told:
        monitor = told.world.monitor
        monitor.watch(told.world, AlertRule("orders-wait", QUEUE, queue="orders"))
        told.later(10 * MINUTE)
        told.world.person_stops("web")
        told.later(3 * HOUR)
        now = told.world.now()
        monitor.queues["orders"] = [(now, 12), (now + 40 * MINUTE, 0)]
        told.later(5 * HOUR)
        assert [len(told.times(verb)) for verb in ("start", "stop")] == [1, 1]
        assert not told.is_on("web")
        assert told.reasons("web") >= {"alert", "alert_over"}


def test_a_planned_stop_wakes_nothing_by_its_own_alert():
    """The cluster's own availability alert fires because it was stopped, and names the cluster."""
    own = '\nrules:\n  - {name: up, match: {environments: [dev]}, on_alert: {alert: "*", do: wake, for: 4h}}\n'
    with Story(dev("web"), policy=policy(own + HOURS)) as told:
        told.world.monitor.watch(told.world, AlertRule("web-is-down", UNAVAILABLE, cluster="web"))
        told.later(2 * DAY)
        assert [one[2] for one in told.world.monitor.delivered] == ["Fired", "Resolved"] * 2
        assert told.times("start") == ["Tue 07:30", "Wed 07:30"]


def test_plan_mode_only_says_what_it_would_do():
    with Story(dev("web", pools=pools()), policy=policy(SCALE, mode="plan")) as told:
        told.world.monitor.watch(told.world, PODS)
        told.until("Mon 09:00")
        told.world.monitor.needs(told.world, "web", "user1", 50)
        told.later(HOUR)
        assert told.writes() == []
        assert told.memory("web").reliefs == {}
        assert any(one.body["verdict"] == "plan" for one in told.history("web", "decided"))
