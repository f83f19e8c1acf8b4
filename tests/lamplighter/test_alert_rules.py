"""`lamplighter calendar --alert-rules`: nights of every week, cut at midnight, in the name that Windows gives the zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lamplighter.ahead import transitions_of
from lamplighter.alert_rules import template
from shared.errors import InputError
from tests.policy.builders import OFFICE, cluster, policy

MONDAY = datetime(2026, 12, 7, tzinfo=UTC)


def rules_of(*clusters, rules=OFFICE, zone="Europe/Berlin"):
    some = policy(rules)
    ahead = transitions_of(clusters, some, MONDAY, 7, None)
    return template(clusters, ahead, zone)["resources"]


def test_a_week_of_nights_and_a_weekend():
    [rule] = rules_of(cluster("web", node_resource_group="mc_web"), cluster("api"), cluster("prod", "prod"))
    schedule = rule["properties"]["schedule"]
    assert schedule["timeZone"] == "W. Europe Standard Time"
    weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
    assert schedule["recurrences"] == [
        {"recurrenceType": "Weekly", "daysOfWeek": ["Saturday", "Sunday"]},
        {"recurrenceType": "Weekly", "daysOfWeek": weekdays, "startTime": "00:00:00", "endTime": "07:30:00"},
        {"recurrenceType": "Weekly", "daysOfWeek": weekdays, "startTime": "19:00:00", "endTime": "23:59:59"},
    ]
    scopes = rule["properties"]["scopes"]
    assert [one.rpartition("/")[2] for one in scopes] == ["web", "mc_web", "api"]
    assert rule["properties"]["actions"] == [{"actionType": "RemoveAllActionGroups"}]


def test_a_zone_without_a_windows_name_is_told():
    with pytest.raises(InputError, match="Windows has no name for Antarctica/Troll"):
        rules_of(cluster("web"), zone="Antarctica/Troll")


def test_nobody_sleeps_nothing_to_deploy():
    assert rules_of(cluster("prod", "prod")) == []
