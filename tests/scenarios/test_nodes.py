"""A start is done when its nodes are ready, not when Azure says Running: late nodes, none, and none that can be seen."""

from datetime import timedelta

import pytest

from lamplighter.simulator import Fault
from tests.scenarios.stage import MINUTE, MONDAY, Story, dev

METRICS = "POST */metrics:getbatch"


def morning(**more) -> Story:
    """The evening before: `web` is stopped at seven and starts at ten past seven."""
    story = Story(dev("web"), fleet={"spread": 0}, begin=MONDAY.replace(hour=18), tick_every=15 * MINUTE, **more)
    story.until("Tue 07:00").rehearsal.tick_every = 5 * MINUTE
    return story


def ended(story: Story) -> tuple[str, str]:
    """(phase, message) of the last start."""
    [record] = [one for one in story.history("web", "succeeded", "failed") if one.body["kind"] == "start_cluster"]
    assert bool(record.body.get("runs")) == (record.phase == "failed"), "what it saves ended"
    return record.phase, record.body["message"]


def test_a_start_took_until_its_nodes_were_ready():
    with morning() as story:
        story.world.readiness.later[story.world.cluster("web").key] = 7 * MINUTE
        said: list[str] = []
        story.rehearsal.on_tick = lambda plan: said.extend(one.message for one in plan.decisions)
        story.until("Tue 07:16")
        assert story.is_on("web"), "Azure is done with it"
        assert story.memory("web").open.seen_at is not None
        story.until("Tue 07:40")
        assert ended(story) == ("succeeded", "the cluster is running, and its 3 nodes are ready")
        assert (
            "start cluster is under way (accepted Tue 24 Nov 07:10); up since Tue 24 Nov 07:14, and its nodes are "
            "waited for"
        ) in said
        [took] = story.memory("web").target(None).start_seconds
        azure = 192
        assert azure + 7 * 60 <= took <= azure + 8 * 60, "not until the metric came in"
        assert story.told("web", "nodes") == []
        assert story.world.unknown == []


def test_a_fleet_that_starts_nothing_asks_for_no_nodes():
    with Story(dev("web", count=60)) as story:
        story.later(11 * MINUTE)
        assert story.world.requests["POST get_batch"] == 0


def test_nodes_that_never_come_are_told_and_nothing_is_tried_again():
    with morning() as story:
        story.world.readiness.never.add(story.world.cluster("web").key)
        story.until("Tue 08:30")
        phase, message = ended(story)
        assert (phase, message) == (
            "failed",
            "the cluster is running, but pool system has 0 of 3 nodes ready, 20 minutes after it was up",
        )
        [text] = story.told("web", "nodes")
        assert text == (
            "Lamplighter: web (rg) runs without its nodes\n"
            "- web runs, but pool system has 0 of 3 nodes ready, 20 minutes after it was up"
        )
        assert story.times("start") == ["Tue 07:10"]
        story.rehearsal.tick_every = 15 * MINUTE
        story.until("Tue 20:00")
        assert story.times("stop") == ["Mon 19:00", "Tue 19:00"], "stopped at its hour, as ever"
        assert story.told("no longer without its nodes"), "it is down: that matter is over"
        assert story.memory("web").target(None).start_seconds == ()


def test_nodes_that_come_after_all_are_told_too():
    with morning() as story:
        web = story.world.cluster("web")
        story.world.readiness.never.add(web.key)
        story.until("Tue 08:00")
        assert story.told("runs without its nodes")
        story.world.readiness.join(web, story.world.now())
        story.until("Tue 08:15")
        assert story.told("no longer without its nodes")
        assert story.memory("web").target(None).setbacks == {}
        assert len(story.writes("web")) == 2, "one stop, one start"


@pytest.mark.parametrize(
    ("fault", "within", "said"),
    [
        (Fault.forbidden(METRICS, "read"), timedelta(minutes=6), "give the app's identity the role Monitoring Reader"),
        (None, timedelta(minutes=16), "no metric of its nodes has come in"),
        (Fault.refuse(METRICS, 429, "TooManyRequests", times=None), timedelta(minutes=16), "reading the metrics"),
    ],
)
def test_where_nodes_cannot_be_seen_a_start_is_what_azure_says_and_says_so(fault, within, said):
    with morning() as story:
        if fault is None:
            story.world.usage.darken(story.world.cluster("web"), story.world.now(), story.at("Tue 12:00"))
        else:
            story.world.inject(fault)
        story.until("Tue 07:10").later(within)
        phase, message = ended(story)
        assert phase == "succeeded"
        assert message.startswith("the cluster is running; whether its nodes are ready is unknown: ")
        assert said in message
        [took] = story.memory("web").target(None).start_seconds
        assert took < 300, "until it was seen running"
        story.until("Tue 09:00")
        assert story.told("web", "nodes") == []
