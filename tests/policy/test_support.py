"""The support report: production included, unknown never fine, the tested way named."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from shared.model.fleet import Power
from shared.model.memory import Memory, Seen, TargetMemory
from shared.model.support import SupportState
from shared.model.upgrades import Proof, Ring, Rings
from shared.policy.bound import Environment
from shared.policy.support import support_matters, support_report
from tests.policy.builders import cluster, stopped

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PROD, DEV = Environment("prod", production=True), Environment("dev", production=False)
PROOF = Proof("1.35.1", NOW - 2 * DAY, 4, NOW - 9 * DAY, ("1.34",), 0)
RINGS = {"rings": Rings((Ring("dev"), Ring("staging", PROOF)))}


def on(version, name="shop", **more):
    return cluster(name, current_version=version, **more)


def report(*fleet, weeks=8, rings=RINGS):
    return support_report(fleet, rings, NOW, weeks)


def test_production_is_told_the_way_that_was_tested():
    (row,) = report((on("1.34.4"), PROD, None)).rows

    assert (row.state, row.ends_on, row.production) == (SupportState.ENDING, date(2026, 11, 30), True)
    assert row.path.sentence == "1.34 -> 1.35, ran on 4 clusters in staging for 9 days, no failed roll"


def test_what_is_over_comes_first_and_what_is_fine_is_left_out():
    fleet = [(on(v, f"c{v[2:4]}"), DEV, None) for v in ("1.36.0", "1.34.4", "1.33.9", "1.20.1")]
    said = report(*fleet)

    assert [(row.name, row.state.value) for row in said.rows] == [("c33", "ended"), ("c20", "ended"), ("c34", "ending")]
    assert said.clusters == 4


def test_long_term_support_lasts_a_year_longer():
    assert report((on("1.34.4", support_plan="AKSLongTermSupport"), DEV, None)).empty


def test_an_unreadable_version_is_unknown_and_a_new_one_is_young():
    said = report((on("newest", kubernetes_version=None), PROD, None), (on("1.44.0", "young"), PROD, None))

    assert [(row.version, row.state) for row in said.rows] == [("newest", SupportState.UNKNOWN)]


def test_a_way_that_nobody_tested_is_not_told():
    (row,) = report((on("1.33.4"), PROD, None)).rows
    assert row.path is None


def test_a_way_stays_tested_when_the_rings_move_on():
    """Production on 1.34 still needs 1.35, though the rings have proven 1.36 by now."""
    newer = Proof("1.36.0", NOW - DAY, 4, NOW - 7 * DAY, ("1.35",), 1)
    moved = {"rings": Rings((Ring("dev", newer, (PROOF,)),))}
    sentences = {
        version: report((on(version), PROD, None), rings=moved, weeks=60).rows[0].path.sentence
        for version in ("1.34.4", "1.35.1")
    }
    assert sentences == {
        "1.34.4": "1.34 -> 1.35, ran on 4 clusters in dev for 7 days, no failed roll",
        "1.35.1": "1.35 -> 1.36, ran on 4 clusters in dev for 7 days, 1 failed roll",
    }


def test_what_azure_deletes_after_a_year_is_told_a_month_before():
    """Sharp edge 26."""
    asleep = stopped("old", current_version="1.36.0")

    def since(days):
        seen = Seen(Power.STOPPED, NOW - days * DAY, NOW - days * DAY)
        return Memory(asleep.id, targets={"": TargetMemory(seen=seen)})

    assert report((asleep, DEV, since(330))).limits == ()
    (row,) = report((asleep, DEV, since(340))).limits
    assert "340 days" in row.sentence
    assert row.due_on == date(2026, 12, 23)
    assert report((asleep, DEV, None)).limits == ()


def test_a_cluster_without_nodes_is_told_before_azure_stops_it():
    """Sharp edge 26."""
    empty = on("1.36.0")
    memory = Memory(empty.id, empty_since=NOW - 26 * DAY)

    (row,) = report((empty, DEV, memory)).limits
    assert row.due_on == date(2026, 12, 2)
    assert report((empty, DEV, replace(memory, empty_since=NOW - 20 * DAY))).empty


def test_production_on_the_tier_free_is_reported():
    assert report((on("1.36.0", tier="Free"), DEV, None)).empty
    (row,) = report((on("1.36.0", tier="Free"), PROD, None)).limits
    assert "no uptime agreement" in row.sentence


class TestNotices:
    """What people hear without asking: the same as plan and digest show."""

    def test_who_upgrades_in_rings_hears_of_every_version_that_runs_out_production_included(self):
        found = support_matters(on("1.34.2"), PROD, Memory("x"), RINGS, NOW)
        ((key, text),) = found.items()
        assert key == "support_ending|1.34:ending"
        assert "production, so it is only told" in text
        assert "tested: 1.34 -> 1.35, ran on" in text
        assert support_matters(on("1.36.0"), PROD, Memory("x"), RINGS, NOW) == {}

    def test_without_rings_nobody_asked_for_versions(self):
        assert support_matters(on("1.34.2"), DEV, Memory("x"), {}, NOW) == {}

    def test_everybody_hears_that_azure_is_about_to_stop_or_delete_something(self):
        asleep = stopped("old", current_version="1.36.0")
        seen = Seen(Power.STOPPED, NOW - 340 * DAY, NOW - 340 * DAY)
        memory = Memory(asleep.id, targets={"": TargetMemory(seen=seen)})
        (text,) = support_matters(asleep, DEV, memory, {}, NOW).values()
        assert "stopped for 340 days; AKS deletes it" in text
        empty = on("1.36.0")
        (text,) = support_matters(empty, DEV, Memory(empty.id, empty_since=NOW - 26 * DAY), {}, NOW).values()
        assert "without a node for 26 days; AKS stops it" in text
