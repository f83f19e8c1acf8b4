"""Upgrades through nights on which clocks change; node images, maintenance windows, repair and tier on the way."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lamplighter.simulator import Fault
from lamplighter.simulator.resources import current_version, pool_version
from tests.scenarios.stage import BERLIN, DAY, HOUR, MINUTE, Story, dev, policy, prod

SYSTEM = [{"name": "system", "mode": "System", "count": 2}]
CALM = "\nguards: {stops: {at_most: 100%, within: 1h}}\n"


def story(*clusters, rules: str, begin: datetime, schedules: str = "", **more) -> Story:
    made = Story(*clusters, policy=policy(rules=rules, schedules=schedules, guards=CALM), begin=begin, **more)
    made.rehearsal.tick_every = 10 * MINUTE
    return made


@pytest.mark.parametrize(
    ("saturday", "window"),
    [
        # 02:00 becomes 03:00: the window lasts four hours, though the wall clock shows five.
        (datetime(2026, 3, 28, 20, 0, tzinfo=BERLIN), ("Sun 01:00", "Sun 06:00")),
        # 03:00 becomes 02:00: the hour between comes twice.
        (datetime(2026, 10, 24, 20, 0, tzinfo=BERLIN), ("Sun 01:00", "Sun 06:00")),
    ],
)
def test_wake_upgrade_sleep_in_the_night_on_which_the_clocks_change(saturday, window):
    schedules = """
schedules:
  office: {running: [Mon-Fri 07:30-19:00]}
  patching: {running: [Sun 01:00-06:00]}
"""
    rules = """
rules:
  - {name: nights, match: {environments: [dev]}, hours: {schedule: office}}
  - {name: rings, upgrades: {to: stable, rings: [dev], soak: {days: 1}, window: patching}}
"""
    with story(dev("web", pools=SYSTEM), rules=rules, schedules=schedules, begin=saturday - 32 * HOUR) as lived:
        # It ran on Friday, so that we stop it at night and owe it a start.
        lived.later(44 * HOUR)

        assert lived.world.cluster("web").power == "Stopped"
        assert {pool_version(pool) for pool in lived.world.cluster("web").pools} == {"1.35.1"}
        assert current_version(lived.world.cluster("web")) == "1.35.1"
        posts = [
            (write.path.rpartition("/")[2], lived.local(write.at)) for write in lived.writes() if write.method == "POST"
        ]
        (woken,) = [at for verb, at in posts if verb == "start"]
        sleeps = [at for verb, at in posts if verb == "stop"]
        assert woken.startswith("Sun 01:")
        assert len(sleeps) == 2, "on Friday evening, and after the upgrade"
        assert sleeps[1].startswith("Sun 0")
        begin, end = (lived.at(text) - 7 * DAY for text in window)
        puts = [write.at for write in lived.writes() if write.method == "PUT"]
        assert all(begin - HOUR <= at <= end + HOUR for at in puts)
        # Our own wake is not mistaken for a person's start: it is not held up for hours.
        assert "manual_start" not in lived.reasons("web")


def test_node_images_are_renewed_in_their_window_pool_by_pool():
    rules = """
rules:
  - {name: rings, upgrades: {to: patch, rings: [dev], window: patching, node_images_every: 7d}}
"""
    schedules = "\nschedules: {patching: {running: [Tue 20:00-24:00]}}\n"
    own = {"autoUpgradeProfile": {"nodeOSUpgradeChannel": "None"}}
    pools = [*SYSTEM, {"name": "apps", "count": 2}]
    begin = datetime(2026, 11, 24, 12, 0, tzinfo=BERLIN)
    left, mine = (
        dev("theirs", kubernetes_version="1.34.4", pools=pools),
        dev("mine", kubernetes_version="1.34.4", pools=pools, properties=own),
    )
    with story(mine, left, rules=rules, schedules=schedules, begin=begin) as lived:
        lived.world.catalog.image = "202611.3.0"
        lived.later(12 * HOUR)

        posts = [(write.pool, write.path.rpartition("/")[2]) for write in lived.writes("mine")]
        assert posts == [("system", "upgradeNodeImageVersion"), ("apps", "upgradeNodeImageVersion")]
        images = {pool.properties["nodeImageVersion"] for pool in lived.world.cluster("mine").pools}
        assert images == {"AKSUbuntu-2204gen2containerd-202611.3.0"}
        assert lived.writes("theirs") == [], "AKS renews those by itself"
        lived.rehearsal.tick_every = HOUR
        lived.later(7 * DAY)
        assert len(lived.writes("mine")) == 2, "nothing is newer"


def test_aks_windows_follow_the_schedule_and_the_clocks():
    rules = """
rules:
  - {name: rings, upgrades: {to: patch, rings: [dev], window: patching, maintenance: true}}
"""
    schedules = "\nschedules: {patching: {running: [Tue 20:00-24:00]}}\n"
    begin = datetime(2026, 3, 23, 12, 0, tzinfo=BERLIN)
    with story(dev("web", kubernetes_version="1.34.4"), rules=rules, schedules=schedules, begin=begin) as lived:
        lived.rehearsal.tick_every = HOUR
        lived.later(6 * HOUR)
        made = lived.world.cluster("web").maintenance
        assert set(made) == {"aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"}
        assert {one["maintenanceWindow"]["utcOffset"] for one in made.values()} == {"+01:00"}
        lived.later(3 * DAY)
        assert {one["maintenanceWindow"]["utcOffset"] for one in made.values()} == {"+02:00"}
        assert len(lived.writes("web")) == 4, "written when they change, and only then"


def test_what_aks_left_failed_is_reconciled_and_people_are_called_when_that_does_not_help():
    rules = """
rules:
  - {name: heal, match: {environments: [dev]}, repair: {attempts: 2, after: 1h}}
"""
    clusters = [
        dev("ill", error="InternalOperationError"),
        dev("full", error="QuotaExceeded"),
        prod("shop", error="InternalError"),
    ]
    with story(*clusters, rules=rules, begin=datetime(2026, 11, 24, 12, 0, tzinfo=BERLIN)) as lived:
        lived.world.inject(Fault.operation_fails("PUT */managedclusters/ill", "InternalOperationError", times=None))
        lived.later(30 * MINUTE)
        assert lived.writes() == []
        lived.later(12 * HOUR)

        assert len(lived.writes("ill")) == 2, "once per back-off step"
        assert lived.reason("ill") == "escalated"
        assert (lived.writes("full"), lived.reason("full")) == ([], "unlisted_error")
        # The rule does not match production, and people are told of it all the same.
        assert (lived.writes("shop"), lived.reason("shop")) == ([], "production")
        for name in ("ill", "full", "shop"):
            assert lived.told("stay Failed", name), name
        assert lived.told("production is never repaired")


def test_a_reconcile_that_helps_ends_the_matter():
    rules = "\nrules:\n  - {name: heal, match: {environments: [dev]}, repair: {after: 30m}}\n"
    with story(
        dev("ill", error="InternalOperationError"), rules=rules, begin=datetime(2026, 11, 24, 12, 0, tzinfo=BERLIN)
    ) as lived:
        lived.later(3 * HOUR)

        assert lived.world.cluster("ill").state == "Succeeded"
        assert len(lived.writes("ill")) == 1
        assert lived.memory("ill").ailments == {}


def test_the_tier_of_production_stays():
    rules = "\nrules:\n  - {name: cheap, tier: {nonproduction: Free}}\n"
    clusters = [
        dev("web", tier="Standard"),
        dev("lts", tier="Premium", properties={"supportPlan": "AKSLongTermSupport"}),
        prod("shop", tier="Standard"),
    ]
    with story(*clusters, rules=rules, begin=datetime(2026, 11, 24, 12, 0, tzinfo=BERLIN)) as lived:
        lived.later(HOUR)

        tiers = {name: lived.world.cluster(name).sku["tier"] for name in ("web", "lts", "shop")}
        assert tiers == {"web": "Free", "lts": "Premium", "shop": "Standard"}
        assert len(lived.writes()) == 1
        (said,) = [r for r in lived.history("web", "decided") if r.body["reason"] == "tier"]
        assert said.body["estimated_saving"] == {"amount": "73.00", "currency": "USD"}


def test_a_roll_tells_its_events_and_they_are_on_record():
    rules = "\nrules:\n  - {name: rings, upgrades: {to: stable, rings: [dev]}}\n"
    with story(dev("web", pools=SYSTEM), rules=rules, begin=datetime(2026, 11, 24, 12, 0, tzinfo=BERLIN)) as lived:
        lived.later(3 * HOUR)

        kinds = [record.body["kind"] for record in lived.history("web", "event")]
        assert kinds == ["roll_started", "roll_succeeded"]
        assert timedelta(0) < lived.history("web", "event")[1].at - lived.history("web", "event")[0].at


def test_what_aks_refuses_is_told_at_once_and_tried_again_when_it_has_forgotten():
    """As AKS words it: https://learn.microsoft.com/azure/aks/stop-cluster-upgrade-api-breaking-changes"""
    rules = "\nrules:\n  - {name: rings, upgrades: {to: stable, rings: [dev]}}\n"
    text = (
        "Control Plane upgrade is blocked due to recent usage of a Kubernetes API deprecated in the specified version."
        " To bypass this error, set forceUpgrade in upgradeSettings.overrideSettings. Usage details: 1 error occurred:"
        " * usage has been detected on API policy.podsecuritypolicies.v1beta1.watch, and was recently seen at:"
        " 2026-11-24 10:40:00 +0000 UTC, which will be removed in 1.35"
    )
    begin = datetime(2026, 11, 24, 12, 0, tzinfo=BERLIN)
    with story(dev("web", pools=SYSTEM), rules=rules, begin=begin) as lived:
        lived.world.inject(Fault.refuse("PUT */managedclusters/web", 400, "ValidationError", text))
        lived.later(HOUR)
        assert (lived.writes("web"), lived.reason("web")) == ([], "blocked_by_aks")
        (told,) = lived.told("web", "upgrade control plane failed once")
        assert "usage has been detected on API policy" in told
        lived.rehearsal.tick_every = 30 * MINUTE
        lived.until("Wed 00:30")
        assert lived.writes("web") == [], "thirteen hours after the last use, not before"
        lived.later(3 * HOUR)
        assert current_version(lived.world.cluster("web")) == "1.35.1"
        assert "overrideSettings" not in str([write.body for write in lived.writes("web")])
        assert lived.memory("web").target(None).setbacks == {}
