"""When a digest is due, in weeks of 167, 168 and 169 hours, and whose clusters it is about."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.past import ClusterPast
from shared.policy.digests import Fleet, due, environments, whose
from shared.policy.document import read_policy
from tests.policy.builders import cluster

BERLIN = "Europe/Berlin"


def plan(weekly="Mon 08:00"):
    text = f"version: 1\ndigest: {{weekly: {weekly}, audiences: [{{name: finance, to: A}}]}}\n"
    return read_policy(text, "policy.yaml").digest


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "week", "since"),
    [
        # winter, summer: 08:00 in Berlin is another hour of UTC
        ("2026-11-23T07:00+00:00", "2026-W47", "2026-11-23T07:00+00:00"),
        ("2026-11-23T06:59:59+00:00", "2026-W46", "2026-11-16T07:00+00:00"),
        ("2026-07-06T06:00+00:00", "2026-W27", "2026-07-06T06:00+00:00"),
        ("2026-07-06T05:59+00:00", "2026-W26", "2026-06-29T06:00+00:00"),
        # the week of the clock change: it is 167 or 169 hours since the last one
        ("2026-03-30T06:00+00:00", "2026-W13", "2026-03-30T06:00+00:00"),
        ("2026-03-30T05:59+00:00", "2026-W12", "2026-03-23T07:00+00:00"),
        ("2026-10-26T07:00+00:00", "2026-W43", "2026-10-26T07:00+00:00"),
        ("2026-10-26T06:59+00:00", "2026-W42", "2026-10-19T06:00+00:00"),
        # a late run is caught up for the whole week
        ("2026-11-29T23:59+00:00", "2026-W47", "2026-11-23T07:00+00:00"),
        # around the year's end, in a year of 53 weeks
        ("2027-01-04T07:00+00:00", "2026-W53", "2027-01-04T07:00+00:00"),
        ("2027-01-11T07:00+00:00", "2027-W01", "2027-01-11T07:00+00:00"),
    ],
)
def test_the_last_digest_that_was_due(now, week, since):
    found = due(plan(), BERLIN, at(now))

    assert (str(found.week), found.at) == (week, at(since))


def test_a_time_that_the_clock_skips_is_the_first_instant_after_the_gap():
    found = due(plan("Sun 02:30"), BERLIN, at("2026-03-29T01:00+00:00"))

    assert found.at == at("2026-03-29T01:00+00:00")
    assert due(plan("Sun 02:30"), BERLIN, at("2026-03-29T00:59:59+00:00")).at == at("2026-03-22T01:30+00:00")


def test_a_time_that_comes_twice_is_due_once_at_the_first():
    first = due(plan("Sun 02:30"), BERLIN, at("2026-10-25T00:30+00:00"))
    second = due(plan("Sun 02:30"), BERLIN, at("2026-10-25T01:30+00:00"))

    assert first == second
    assert first.at == at("2026-10-25T00:30+00:00")


def test_a_week_is_told_only_when_its_days_of_utc_are_over():
    """00:30 on Monday in Berlin is still Sunday where Azure counts days."""
    assert str(due(plan("Mon 00:30"), BERLIN, at("2026-11-23T07:00+00:00")).week) == "2026-W46"
    assert str(due(plan("Mon 01:00"), BERLIN, at("2026-11-23T07:00+00:00")).week) == "2026-W47"
    assert str(due(plan("Sun 23:00"), "America/New_York", at("2026-11-23T07:00+00:00")).week) == "2026-W47"


@given(
    st.integers(1_579_046_400, 1_922_313_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.sampled_from([BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati", "UTC"]),
    st.sampled_from(["Mon 08:00", "Fri 17:30", "Sun 02:30", "Mon 00:00"]),
)
def test_it_is_due_once_a_week_and_never_early(now, zone, weekly):
    found = due(plan(weekly), zone, now)

    assert found.at <= now < found.at + timedelta(days=7, hours=2)
    assert datetime.combine(found.week.last + timedelta(days=1), datetime.min.time(), UTC) <= found.at
    assert found == due(plan(weekly), zone, found.at)
    before = due(plan(weekly), zone, found.at - timedelta(seconds=1))
    assert before.week == found.week.back()


POLICY = """
version: 1
environments: [{name: dev, match: {tags: {environment: dev}}}]
digest:
  weekly: Mon 08:00
  audiences:
    - {name: finance, to: A}
    - {name: checkout, match: {tags: {team: checkout}}, except: {names: "*-demo"}, to: B}
    - {name: developers, match: {environments: dev}, to: C}
    - {name: all-but-demo, except: {names: "*-demo"}, to: D}
"""


def test_who_hears_of_which_clusters():
    policy = read_policy(POLICY, "policy.yaml")
    ours = cluster("web", tags={"team": "checkout", "environment": "dev"})
    demo = cluster("web-demo", tags={"team": "checkout", "environment": "demo"})
    gone = cluster("old").id
    clusters = {one.id: one for one in (ours, demo)}
    heard = {
        audience.name: [
            one for one in (ours.id, demo.id, gone, "no id") if whose(audience, policy, Fleet(clusters))(one)
        ]
        for audience in policy.digest.audiences
    }

    assert heard == {
        "finance": [ours.id, demo.id, gone, "no id"],
        "checkout": [ours.id],
        "developers": [ours.id],
        "all-but-demo": [ours.id, gone],
    }


def test_a_policy_without_a_digest_has_none():
    assert read_policy("version: 1\n", "policy.yaml").digest is None
    assert read_policy("version: 1\ndigest:\n", "policy.yaml").digest is None


def test_a_cluster_that_is_gone_is_known_by_its_last_tags():
    policy = read_policy(POLICY, "policy.yaml")
    gone = cluster("old").id
    tags = (
        (at("2026-10-01T00:00Z"), {"team": "web"}),
        (at("2026-11-01T00:00Z"), {"team": "checkout", "environment": "dev"}),
    )
    fleet = Fleet({}, {gone: ClusterPast(gone, tags=tags)})
    checkout = policy.digest.audiences[1]

    assert whose(checkout, policy, fleet)(gone)
    assert not whose(checkout, policy, Fleet({}))(gone)
    assert environments([gone, "no id"], policy, fleet) == {gone: "dev"}
    assert environments([gone], policy, Fleet({})) == {gone: ""}
