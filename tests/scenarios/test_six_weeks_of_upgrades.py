"""Six weeks: a release appears, rings roll, one roll fails, everything stands still, a person lets it go on, it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from lamplighter.ringing import release
from lamplighter.simulator import Fault
from shared.model.fleet import Power
from shared.model.support import SupportState
from shared.model.versions import Version
from shared.policy.support import support_report
from tests.scenarios.stage import BERLIN, HOUR, Story, dev, policy, prod

RULES = """
schedules:
  office: {running: [Tue 07:30-19:00]}
  patching: {running: [Tue 20:00-24:00]}
rules:
  - {name: nights, match: {names: ["dev-*"]}, hours: {schedule: office}}
  - name: rings
    upgrades: {to: stable, rings: [dev, staging], soak: {days: 6, running_hours: 8}, window: patching, at_once: 2}
"""
HEAD = "\nnotify: {routes: [{to: [OPERATORS_CHANNEL]}]}\n"
POOLS = [{"name": "system", "mode": "System", "count": 2}, {"name": "apps", "count": 4}]
BEGIN = datetime(2026, 11, 2, 8, 0, tzinfo=BERLIN)
STAGING = {"environment": "staging"}


def staging(name: str, **more):
    return {"name": name, "resource_group": "rg", "tags": dict(STAGING), **more}


def text() -> str:
    whole = policy(rules=RULES, schedules="", guards="\nguards: {stops: {at_most: 100%, within: 1h}}\n")
    return whole.replace(
        "  - {name: dev,", "  - {name: staging, match: {tags: {environment: staging}}}\n  - {name: dev,"
    )


def weeks(story: Story, number: float) -> None:
    """Finely in the windows, coarsely on other days: what nobody looks at is not counted as running time."""
    end = story.world.now() + timedelta(days=7 * number)
    while story.world.now() < end:
        local = story.world.now().astimezone(BERLIN)
        tuesday, evening = local.weekday() == 1, local.hour >= 19
        story.rehearsal.tick_every = timedelta(minutes=15) if tuesday and evening else HOUR if tuesday else 4 * HOUR
        story.later(min(HOUR, end - story.world.now()))


@pytest.fixture(scope="module")
def told_and_done():
    """The six weeks, lived once; (week, what was written, versions) and the story at its end."""
    fleet = [dev("dev-1", pools=POOLS), staging("staging-1", pools=POOLS)]
    with Story(*fleet, prod("shop", pools=POOLS), policy=text(), begin=BEGIN) as story:
        seen = {}
        weeks(story, 1)  # to 1.35, which is stable now
        seen["first"] = versions(story)
        weeks(story, 1)
        seen["second"] = versions(story)
        weeks(story, 1)
        story.world.release("1.37.0")  # out of preview, so that 1.36 becomes the newest but one
        story.world.inject(
            Fault.operation_fails("PUT */managedclusters/dev-1/agentpools/apps", "PodDrainFailure", "web-0 may not go")
        )
        weeks(story, 1)
        seen["halted"] = versions(story)
        halt = story.journal.fleet().value.rings["rings"].halt
        before = len(story.writes())
        weeks(story, 0.8)
        seen["while halted"] = [one for one in story.writes()[before:] if one.method == "PUT"]
        release(story.journal, None, "ana", story.world.now())
        weeks(story, 2.4)
        seen["last"] = versions(story)
        yield story, seen, halt


def versions(story: Story) -> dict[str, tuple[str, ...]]:
    from lamplighter.simulator.resources import current_version, pool_version

    clusters = story.world.clusters.values()
    return {one.name: (current_version(one), *map(pool_version, one.pools)) for one in clusters}


OLD, NEXT, LAST = ("1.34.2",) * 3, ("1.35.1",) * 3, ("1.36.0",) * 3


def test_the_first_ring_goes_first_and_production_never(told_and_done):
    _, seen, _ = told_and_done

    assert seen["first"] == {"dev-1": NEXT, "staging-1": OLD, "shop": OLD}


def test_the_next_ring_opens_after_the_soak(told_and_done):
    _, seen, _ = told_and_done

    assert seen["second"] == {"dev-1": NEXT, "staging-1": NEXT, "shop": OLD}


def test_a_failed_roll_halts_its_ring_and_all_later_ones_and_people_are_told_once(told_and_done):
    story, seen, halt = told_and_done

    assert (halt.ring, "PodDrainFailure" in halt.why, "dev-1/apps" in halt.why) == ("dev", True, True)
    assert seen["halted"]["staging-1"] == NEXT
    assert seen["while halted"] == []
    told = story.told("stand still", "dev-1")
    assert len(told) == 1
    assert "lamplighter upgrades release" in told[0]


def test_after_the_release_everything_arrives(told_and_done):
    _, seen, _ = told_and_done

    assert seen["last"] == {"dev-1": LAST, "staging-1": LAST, "shop": OLD}


def test_production_is_never_written(told_and_done):
    story, _, _ = told_and_done

    assert story.writes("shop") == []


def test_who_sleeps_at_night_is_woken_upgraded_and_put_to_sleep_again(told_and_done):
    """The window begins an hour after office hours: the wake, the upgrade and the sleep are all in it."""
    story, _, _ = told_and_done

    nights = [one for one in story.on("dev-1") if one.startswith("Tue 2")]
    assert nights
    assert all(" to Tue 2" in one or " to Wed 0" in one for one in nights), nights
    assert not [one for one in story.on("dev-1") if " to Wed 19" in one and one.startswith("Tue 2")]


def test_nothing_overlaps_and_no_pool_is_ahead_of_its_control_plane(told_and_done):
    story, _, _ = told_and_done
    for name in ("dev-1", "staging-1"):
        writes = story.writes(name)
        spans = [(one.at, story.world.operations.by_id[one.operation].ended_at) for one in writes]
        assert all(end is not None and end <= begin for (_, end), (begin, _) in pairwise(spans))
        control_plane = Version.read("1.34.2")
        for write in writes:
            body = (write.body or {}).get("properties", {})
            if write.pool is None and "kubernetesVersion" in body:
                to = Version.read(body["kubernetesVersion"])
                assert to.minor - control_plane.minor <= 1
                control_plane = to
            elif write.pool is not None:
                assert Version.read(body["orchestratorVersion"]) <= control_plane


def test_the_support_report_tells_production_the_way_that_was_tested(told_and_done):
    story, _, _ = told_and_done
    from shared.clients.fleet import inventory
    from shared.policy.document import read_policy

    rules = read_policy(text(), "policy.yaml")
    seen = inventory(story.app.cloud, rules.scope, story.world.now()).clusters
    fleet = [(one, rules.environment_of(one), story.memory(one.name)) for one in seen]
    report = support_report(fleet, story.journal.fleet().value.rings, story.world.now())

    (row,) = [one for one in report.rows if one.name == "shop"]
    assert row.state is SupportState.ENDED
    assert row.production
    # The rings are on 1.36 by now; the way that production needs next was tested on the way there.
    assert row.path.sentence.startswith("1.34 -> 1.35, ran on 1 cluster in ")
    assert row.path.sentence.endswith("days, no failed roll")
    assert story.told("shop (production, so it is only told)", "support of 1.34 ended", "1.35, ran on 1 cluster")
    assert all(one.power is Power.RUNNING for one in seen if one.name == "shop")


def test_what_the_rings_have_proven_is_on_record(told_and_done):
    story, _, _ = told_and_done

    rings = story.journal.fleet().value.rings["rings"]
    ways = {
        ring.name: [(one.what, one.came_from, one.falls) for one in (*ring.past_proofs, ring.proof)]
        for ring in rings.rings
    }
    assert ways["dev"] == [("1.35.1", ("1.34",), 0), ("1.36.0", ("1.35",), 0)]
    assert ways["staging"][0] == ("1.35.1", ("1.34",), 0)
    assert rings.released_by == "ana"
