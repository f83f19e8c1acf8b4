"""What `check` says about a fleet: where the policy and the clusters do not fit each other."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from shared.model.fleet import Cluster, Power
from shared.model.memory import Wish
from shared.policy.document import read_policy
from shared.policy.findings import ClosedDay, EnvironmentCount, Findings, IdleException, findings
from shared.policy.near_tags import NearTag

NOW = datetime(2026, 12, 14, 23, 30, tzinfo=UTC)
"""A Monday evening; in Berlin Tuesday has begun."""

POLICY = read_policy(
    """
version: 1
mode: act
timezone: Europe/Berlin
environments:
  - {name: dev, match: {tags: {environment: [dev, test]}}}
  - {name: staging, match: {tags: {environment: "stag*"}}}
  - {name: prod, production: true, match: [{tags: {environment: prod}}, {names: ["*prod*"]}]}
calendars:
  berlin: {country: DE, subdivision: BE, closed: [2026-12-15, 2026-12-14]}
schedules:
  office: {running: [Mon-Fri 07:30-19:00], calendar: berlin}
  spare: {running: [Mon 08:00-09:00]}
  tagged: {running: [Mon 08:00-09:00]}
rules:
  - {name: dev-hours, match: {environments: [dev]}, hours: {schedule: office}}
  - {name: platform, match: {tags: {team: platform}}, hours: {schedule: always}}
  - {name: nobody, match: {names: ["gone-*"]}, hours: {schedule: never}}
exceptions:
  - {cluster: "c-*", keep: running, until: 2026-12-01, owner: a, reason: b}
  - {cluster: nowhere, keep: running, until: 2026-12-24, owner: a, reason: b}
  - {cluster: kept, keep: running, until: 2026-12-24, owner: a, reason: b}
  - {cluster: "/S/KEPT", keep: running, until: 2028-12-24, owner: a, reason: b}
""",
    "policy.yaml",
)


def cluster(name: str, **tags: str) -> Cluster:
    return Cluster(
        id=f"/s/{name}", name=name, resource_group="rg", subscription="s", power=Power.RUNNING,
        provisioning_state="Succeeded", tags={key.replace("_", "-"): value for key, value in tags.items()},
    )  # fmt: skip


FLEET = (
    cluster("c-1", environment="dev"),
    cluster("c-2", environment="Test", team="platform"),
    cluster("c-3", environment="dev", team="platform"),
    cluster("s-1", Environment="staging"),
    cluster("x-prod", environment="dev", team="platform"),
    cluster("lost", Enviroment="dev"),
    cluster("develop", environment="develop"),
    cluster("kept", environment="dev", lamplighter_schedule="TAGGED"),
    cluster("bad", environment="dev", lamplighter_exclude="ja"),
)


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings(POLICY, FLEET, NOW)


def test_clusters_per_environment_in_the_order_of_the_file(found: Findings) -> None:
    assert found.environments == (
        EnvironmentCount("dev", production=False, clusters=5),
        EnvironmentCount("staging", production=False, clusters=1),
        EnvironmentCount("prod", production=True, clusters=1),
    )
    assert found.clusters == sum(one.clusters for one in found.environments) + len(found.unmatched)


def test_what_is_unmatched_is_production_and_named(found: Findings) -> None:
    assert found.unmatched == ("/s/lost", "/s/develop")
    assert found.production == 3


def test_rules_that_match_nothing(found: Findings) -> None:
    assert found.silent_rules == ("nobody",)


def test_clusters_that_no_rule_speaks_for(found: Findings) -> None:
    assert found.ruleless == 1, "staging; production needs no rule"


def test_near_miss_tags(found: Findings) -> None:
    assert set(found.near_tags) == {
        NearTag("Enviroment", None, "environment", ("/s/lost",)),
        NearTag("environment", "develop", "dev", ("/s/develop",)),
    }


def test_who_is_heard_where_several_speak(found: Findings) -> None:
    two, kept = found.choruses
    assert (two.speakers, two.heard, two.voice, two.wish) == (
        ("dev-hours", "platform"), ("platform",), "rule", Wish.RUNNING,
    )  # fmt: skip
    assert two.clusters == ("/s/c-2", "/s/c-3")
    assert (kept.speakers, kept.heard, kept.voice, kept.wish, kept.clusters) == (
        ("dev-hours", "exception"), ("exception",), "person", Wish.RUNNING, ("/s/kept",),
    )  # fmt: skip


def test_nobody_is_heard_where_nobody_has_a_wish() -> None:
    quiet = read_policy(
        """
version: 1
environments: [{name: dev, match: {names: ["*"]}}]
rules:
  - {name: a, hours: {schedule: never, only: start}}
  - {name: b, hours: {schedule: never, only: start}}
""",
        "policy.yaml",
    )
    (chorus,) = findings(quiet, FLEET[:1], NOW).choruses
    assert (chorus.speakers, chorus.heard, chorus.voice, chorus.wish) == (("a", "b"), (), "", None)


def test_unreadable_tags(found: Findings) -> None:
    (bad,) = found.unreadable
    assert bad.cluster == "/s/bad"
    assert bad.problems == ("tag lamplighter-exclude has the value 'ja'; expected true or false",)


def test_next_closed_days_from_the_local_date_on(found: Findings) -> None:
    """It is still Monday in UTC; the Monday that is over in Berlin is not listed."""
    assert found.closed_days[0] == ClosedDay("berlin", date(2026, 12, 15), "closed")
    assert [one.day for one in found.closed_days] == [
        date(2026, 12, 15), date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1),
    ]  # fmt: skip


def test_schedules_that_nobody_names(found: Findings) -> None:
    assert found.unused_schedules == ("spare",), "an owner's tag counts, whatever its case"


def test_exceptions_that_do_nothing(found: Findings) -> None:
    assert found.idle_exceptions == (
        IdleException("c-*", "is over since Wed 2 Dec 00:00; remove it"),
        IdleException("nowhere", "matches no cluster"),
        IdleException("/S/KEPT", "lasts until 2028-12-24, more than a year; is it meant?"),
    )


def test_an_empty_fleet() -> None:
    none = findings(POLICY, (), NOW)
    assert (none.clusters, none.production, none.choruses, none.near_tags) == (0, 0, (), ())
    assert none.silent_rules == ("dev-hours", "platform", "nobody")


@pytest.mark.parametrize(
    ("calendars", "block", "told"),
    [
        ("{at: {country: AT}}", "after: 2h, learn: true, waiting_cost: 1h", ("labs",)),
        ("{at: {country: AT}}", "after: 2h, learn: true", ()),
        ("{at: {country: AT}}", "after: 2h, learn: true, waiting_cost: 1h, calendar: at", ()),
        ("{at: {country: AT}}", "after: 2h", ()),
        ("{}", "after: 2h, learn: true, waiting_cost: 1h", ()),
    ],
)
def test_hours_that_are_learned_without_a_calendar(calendars: str, block: str, told: tuple[str, ...]) -> None:
    policy = read_policy(
        f"version: 1\nenvironments: [{{name: dev, match: {{names: ['*']}}}}]\ncalendars: {calendars}\n"
        f"rules: [{{name: labs, idle: {{{block}}}}}]\n",
        "policy.yaml",
    )
    assert findings(policy, FLEET[:1], NOW).holidayless_rules == told
