"""What is only seen of the whole fleet: the stop budget, pacing, the breaker, jumps."""

from collections import Counter
from datetime import timedelta

from lamplighter.simulator import Fault
from tests.scenarios.stage import CALM, DAY, HOUR, MINUTE, MONDAY, Story, dev, policy, prod

BUDGET = "\nguards: {stops: {at_most: 25%, within: 1h}}\n"
PROBING = "\nguards: {stops: {at_most: 100%, within: 1h}, breaker: {failures: 5, within: 1h}, min_off: 1h}\n"


def test_a_fleet_of_forty_goes_down_by_a_quarter_an_hour():
    """At most ten within any hour; in four hours all are down, the most expensive first."""
    small = [{"name": "system", "mode": "System", "count": 1}]
    large = [{"name": "system", "mode": "System", "count": 9}]
    fleet = [dev(f"small-{n:02}", pools=small) for n in range(30)] + [dev(f"large-{n}", pools=large) for n in range(10)]
    with Story(*fleet, policy=policy(guards=BUDGET), begin=MONDAY.replace(hour=18)) as story:
        story.until("Tue 01:00")
        stops = [write.at for write in story.writes(verb="stop")]
        assert len(stops) == 40
        for at in stops:
            assert sum(at - HOUR < other <= at for other in stops) <= 10
        assert max(stops) < story.at("2026-11-24 00:00"), "four rounds of an hour and the minutes that stops take"
        first = {write.path.split("/")[8].rpartition("-")[0] for write in story.writes(verb="stop")[:10]}
        assert first == {"large"}
        assert "stop_budget" in story.reasons("small-00")


def test_a_conflict_does_not_use_up_the_budget():
    """One stop an hour; Azure answers 409 to the first try. The second goes minutes later, not an hour."""
    guards = "\nguards: {stops: {at_most: 1, within: 1h}}\n"
    with Story(dev("web"), policy=policy(guards=guards), begin=MONDAY.replace(hour=18)) as story:
        story.world.inject(Fault.conflict("POST */web/stop"))
        story.until("Mon 20:00")
        [stop] = story.writes("web", "stop")
        assert stop.at <= story.at("2026-11-23 19:10")


def test_three_hundred_clusters_in_one_region_are_paced_and_never_throttled():
    """AKS lets 60 stops or starts go at once per subscription and region, then one a second."""
    fleet = {**dev("c"), "count": 300}
    with Story(fleet, begin=MONDAY.replace(hour=18, minute=35), hints=False) as story:
        watch_seconds(story, "Mon 19:12")
        stops = story.writes(verb="stop")
        assert len(stops) == 300
        busiest = Counter(write.at.replace(microsecond=0) for write in stops)
        assert stops[0].at == story.at("2026-11-23 19:00")
        assert max(busiest.values()) <= 51
        assert stops[-1].at - stops[0].at >= timedelta(seconds=240)
        assert story.history(None, "postponed", "failed") == []
        story.outage("Tue 06:50")
        watch_seconds(story, "Tue 07:32")
        starts = story.writes(verb="start")
        assert len(starts) == 300
        assert story.history(None, "postponed", "failed") == []
        assert max(write.at for write in starts) <= story.at("2026-11-24 07:15"), "a full queue gets more lead"
        assert story.are_on([f"c-{n:05}" for n in range(1, 301)]) == 300


def watch_seconds(story: Story, until: str) -> None:
    """The host delivers a message when it becomes visible, not on the minute."""
    end = story.at(until)
    while (minute := story.world.now()) < end:
        story.rehearsal.minute()
        while (due := story.app.queue.next_at()) is not None and due < minute + MINUTE:
            story.world.advance(max(timedelta(0), due - story.world.now()))
            story.rehearsal.deliver()
        story.world.advance(max(timedelta(0), minute + MINUTE - story.world.now()))


def test_the_breaker_opens_on_failures_half_opens_and_closes():
    """Five failures within an hour: no further stop, told once; half an hour later one probe; it works: closed."""
    fleet = [dev(f"c{n:02}") for n in range(12)]
    with Story(*fleet, policy=policy(guards=PROBING), begin=MONDAY.replace(hour=18)) as story:
        story.world.inject(Fault.operation_fails("POST */c0[0-4]/stop", "InternalError", times=5))
        story.world.inject(
            Fault.conflict("POST */c0[5-9]/stop", times=None), Fault.conflict("POST */c1*/stop", times=None)
        )
        story.until("Mon 19:20")
        fleet_row = story.journal.fleet().value
        assert fleet_row.breaker_open_at is not None
        assert "failed" in fleet_row.breaker_reason
        story.world.faults.clear()
        before = len(story.writes(verb="stop"))
        story.rehearsal.run(fleet_row.breaker_open_at + 29 * MINUTE)
        assert len(story.writes(verb="stop")) == before, "nothing is stopped while it is open"
        assert len(story.told("nothing is stopped for now")) == 1
        story.until("Tue 02:00")
        assert story.are_on([f"c{n:02}" for n in range(12)]) == 0
        after = [write.at for write in story.writes(verb="stop")[before:]]
        assert after[1] - after[0] >= 2 * MINUTE, "one goes first, the others after it succeeded"
        assert story.journal.fleet().value.breaker_open_at is None
        assert len(story.told("breaker")) + len(story.told("succeeded again")) >= 1
        assert pending(story, "breaker_open") == [], "and its notice is closed"


def pending(story: Story, kind: str) -> list[str]:
    return [notice.about for notice in story.journal.notices() if notice.kind == kind and not notice.resolved]


def test_starts_do_not_close_the_breaker():
    """A morning full of starts that succeed says nothing about stops."""
    fleet = [dev(f"c{n}") for n in range(8)]
    with Story(*fleet, policy=policy(guards=PROBING)) as story:
        story.until("Tue 06:30")
        assert story.are_on([f"c{n}" for n in range(8)]) == 0
        from dataclasses import replace

        from lamplighter.remembered import change_fleet

        now = story.world.now()
        change_fleet(
            story.journal,
            lambda fleet: replace(fleet, breaker_open_at=now, breaker_reason="a test", breaker_probe_at=now),
        )
        story.until("Tue 08:00")
        assert story.are_on([f"c{n}" for n in range(8)]) == 8
        assert story.journal.fleet().value.breaker_open_at is not None


def test_half_the_fleet_suddenly_production_opens_the_breaker():
    """Somebody's policy edit, or a tag script gone wrong: nothing is stopped before a person looked."""
    fleet = [dev(f"c{n}") for n in range(10)]
    with Story(*fleet, begin=MONDAY.replace(hour=17)) as story:
        story.until("Mon 18:50")
        for n in range(5):
            story.retag(f"c{n}", environment="prod")
        story.until("Mon 19:10")
        assert story.writes() == []
        assert "breaker" in story.reasons("c9")
        [told] = story.told("nothing is stopped for now")
        assert "production clusters went from 0 to 5" in told


def test_half_the_fleet_suddenly_gone_opens_the_breaker():
    clusters = [dev(f"c{n}") for n in range(10)]
    with Story(*clusters, begin=MONDAY.replace(hour=17), fleet={"spread": 0, "graph_lag": 60}) as story:
        story.until("Mon 18:40")
        for n in range(5):
            story.delete(f"c{n}")
        story.until("Mon 19:10")
        assert story.writes(verb="stop") == []
        assert story.journal.fleet().value.breaker_open_at is not None
        story.until("Tue 09:00")
        assert story.journal.fleet().value.breaker_open_at is None, "it half-opened, and the new size is the normal one"


def test_a_production_cluster_never_counts_nor_stops_whatever_its_name():
    with Story(
        prod("dev-like"), {"name": "untagged", "resource_group": "rg"}, dev("web"), policy=policy(guards=CALM)
    ) as story:
        story.later(DAY)
        assert {write.cluster.rpartition("/")[2] for write in story.writes()} == {"web"}
