"""The demo's chapters, each with its own clusters alone: the story comes out as it is told."""

import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from lamplighter.demo.chapters import CHAPTERS, idle, money, office, rings, scenes
from lamplighter.demo.stage import SETTINGS, fleet_document, policy_text
from lamplighter.demo.story import BEGIN, END
from lamplighter.rehearsal import Rehearsal
from lamplighter.simulator import World


@pytest.fixture(scope="module")
def played():
    """The chapter up to Friday evening, in process; the laboratory's week is jumped to where it matters."""
    document = fleet_document()
    document["clusters"] = [one for one in document["clusters"] if one["name"] in (idle.SANDBOX, idle.LABORATORY)]
    del document["billing"]
    world = World.from_fleet(document, now=BEGIN)
    with Rehearsal(world, policy_text(), environ=SETTINGS) as rehearsal:
        idle.CHAPTER.before(rehearsal)
        for scene in sorted(idle.CHAPTER.scenes, key=lambda one: one.at):
            rehearsal.run(scene.at)
            scene.play(rehearsal)
        rehearsal.run(datetime(2026, 10, 24, 1, tzinfo=ZoneInfo("Europe/Vienna")))
        yield rehearsal


def power(rehearsal, cluster):
    """(on, off) in Vienna, as `Thu 09:00`."""
    zone = ZoneInfo("Europe/Vienna")
    spans = rehearsal.world.power_intervals(cluster)
    return [tuple(None if at is None else f"{at.astimezone(zone):%a %H}" for at in span) for span in spans]


def test_every_scene_is_in_the_week_and_in_order():
    told = scenes()

    assert all(BEGIN <= scene.at < END for scene in told)
    assert [scene.at for scene in told] == sorted(scene.at for scene in told)
    assert len(told) == sum(len(chapter.scenes) for chapter in CHAPTERS)


def test_the_sandbox_stops_is_woken_and_stops_later_than_it_would_have(played):
    """Quiet since noon, off at two; woken on Friday; its stop at half past six is put off by four hours."""
    (_, first_off), (again, last_off) = power(played, idle.SANDBOX)

    assert first_off == "Thu 14"
    assert again == "Fri 10"
    assert last_off == "Sat 00"
    warnings = [text for _, _, text in played.told if idle.SANDBOX in text and "postpone?t=" in text]
    assert len(warnings) == 3


def test_the_laboratory_is_up_before_people_come_and_down_after_them(played):
    first, second = power(played, idle.LABORATORY)

    assert first[1] == "Thu 17"
    assert second == ("Fri 07", "Fri 17")


def test_nothing_went_wrong(played):
    assert played.failures == []
    assert played.world.unknown == []
    assert played.world.now() - BEGIN > timedelta(hours=40)


def test_a_start_without_nodes_is_told_and_over_when_they_come():
    document = fleet_document()
    document["clusters"] = [one for one in document["clusters"] if one["name"] == office.BARE]
    del document["billing"]
    *_, without, back = office.CHAPTER.scenes
    world = World.from_fleet(document, now=without.at - timedelta(hours=12))
    with Rehearsal(world, policy_text(), environ=SETTINGS) as rehearsal:
        for scene in (without, back):
            rehearsal.run(scene.at)
            scene.play(rehearsal)
        rehearsal.run_for(timedelta(minutes=30))
        told = [title for _, title, _ in rehearsal.told if "nodes" in title]
        assert [title.partition(") ")[2] for title in told] == [
            "runs without its nodes",
            "is no longer without its nodes",
        ]
        assert [write.path.rpartition("/")[2] for write in world.writes()] == ["stop", "start"]
        assert rehearsal.failures == []


def test_finance_is_told_on_monday_what_the_week_cost_and_what_lies_loose():
    document = fleet_document()
    document["clusters"] = [one for one in document["clusters"] if one["name"] in (money.KEEPER, "import-dev")]
    world = World.from_fleet(document, now=BEGIN)
    with Rehearsal(world, policy_text(), environ=SETTINGS, tick_every=timedelta(hours=2)) as rehearsal:
        (scene,) = money.CHAPTER.scenes
        rehearsal.run(scene.at)
        scene.play(rehearsal)
        rehearsal.run_for(timedelta(minutes=30))
        console = Console(width=400, record=True, file=io.StringIO())
        console.print(money.told(rehearsal))
    told = console.export_text()

    assert "AKS cost, week 43 of 2026: what finance got on Monday" in told
    assert "import-dev nodes \u2212" in told
    assert "2 disks and addresses that nothing uses" in told
    assert "difference 0.00." in told
    assert len(rehearsal.delivered) == 1


def test_a_digest_that_was_not_sent_is_said_so():
    with Rehearsal(World.from_fleet({"clusters": []}, now=BEGIN), policy_text(), environ=SETTINGS) as rehearsal:
        assert "was not sent" in str(money.told(rehearsal))


def test_rings_sleep_is_interrupted_for_an_upgrade_and_a_failure_stops_the_later_ring():
    document = fleet_document()
    del document["billing"]
    mine = (rings.FIRST, rings.SECOND, rings.PRODUCTION)
    document["clusters"] = [one for one in document["clusters"] if one["name"] in mine]
    world = World.from_fleet(document, now=BEGIN)
    with Rehearsal(world, policy_text(), environ=SETTINGS) as rehearsal:
        rehearsal.tick_every = timedelta(minutes=20)
        early, late = rings.CHAPTER.scenes
        rehearsal.run(early.at)
        early.play(rehearsal)
        rehearsal.run(late.at)
        halted = [text for _, title, text in rehearsal.told if "stand still" in text]
        late.play(rehearsal)
        rehearsal.run(late.at + timedelta(hours=1))
        console = Console(file=io.StringIO(), width=240)
        console.print(rings.told(rehearsal))
        said = console.file.getvalue()

        assert len(halted) == 1
        (night,) = [span for span in power(rehearsal, rings.FIRST) if span[0] == "Sun 01"]
        assert night[1] in ("Sun 01", "Sun 02")
        assert [line.split()[-1] for line in said.splitlines()[1:3]] == ["soaked", "soaking"]
        assert said.count("control plane 1.35.1, pools 1.35.1") == 2
        assert "shop-prod is told, and never touched" in said
        assert "tested: 1.34 -> 1.35, ran on 1 cluster in dev" in said
        assert rehearsal.failures == []
        assert world.unknown == []
