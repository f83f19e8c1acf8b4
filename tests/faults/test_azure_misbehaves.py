"""Every way in which Azure may answer, at every call of an evening and a morning: nothing is lost, nothing done twice."""

import random
from datetime import timedelta

import pytest

from lamplighter.simulator import Fault
from shared.clients.queue_sqlite import SqliteQueue
from tests.faults.honesty import assert_honest, assert_told_of_every_stop, is_off
from tests.faults.killing import with_parts
from tests.scenarios.stage import MONDAY, Story, dev, policy, prod

CALLS = {
    "stop": "POST */web/stop",
    "start": "POST */web/start",
    "read": "GET */managedclusters/web",
    "locks": "GET */microsoft.authorization/locks",
    "graph": "POST */microsoft.resourcegraph/*",
    "operation": "GET */operations/*",
}
ANSWERS = {
    "409": Fault.conflict,
    "412": Fault.stale_etag,
    "429 in 30 s": Fault.throttled,
    "429 in 10 min": lambda match, **more: Fault.throttled(match, retry_after=600, **more),
    "429 without a time": lambda match, **more: Fault.throttled(match, retry_after=None, **more),
    "500": lambda match, **more: Fault.unavailable(match, 500, **more),
    "503": Fault.unavailable,
    "timeout before": lambda match, **more: Fault.timeout(match, effect=False, **more),
    "timeout after": lambda match, **more: Fault.timeout(match, effect=True, **more),
    "reply lost before": lambda match, **more: Fault.lost_reply(match, effect=False, **more),
    "reply lost after": lambda match, **more: Fault.lost_reply(match, effect=True, **more),
    "no connection": Fault.refused,
}


def evening_and_morning(*faults: Fault, fleet: dict | None = None, text: str | None = None) -> Story:
    clusters = [dev("web"), dev("api"), prod("shop")]
    story = Story(*clusters, begin=MONDAY.replace(hour=18, minute=40), fleet=fleet, policy=text)
    story.world.inject(*faults)
    story.until("Mon 20:10").outage("2026-11-24 06:50").until("Tue 08:30")
    return story


def assert_converged(story: Story) -> None:
    for name in ("web", "api"):
        assert is_off(story, name, story.at("2026-11-23 21:00")), f"{name} is down in the evening"
        assert story.is_on(name), f"{name} is up in the morning"
        assert story.memory(name).open is None
    assert story.app.queue.count("act-poison") == 0
    assert_honest(story, protected=["shop"])
    assert_told_of_every_stop(story)


WRITES = ("stop", "start")


@pytest.mark.parametrize(
    ("call", "answer"),
    [(call, answer) for call in CALLS for answer in ANSWERS if call in WRITES or answer not in ("409", "412")],
)
def test_one_bad_answer_at_one_call(call, answer):
    """Twice in a row, which is more than any retry of ours inside one invocation."""
    fault = ANSWERS[answer](CALLS[call], times=2)
    with evening_and_morning(fault) as story:
        assert_converged(story)
        assert len(story.writes("web")) <= 3
        if call in WRITES:
            assert fault.struck >= 1, "it did happen"
        assert len(story.writes("api")) == 2, "the other cluster is none the worse for it"


@pytest.mark.parametrize("minutes", [2, 10, 15, 40])
def test_a_resource_graph_that_lags_behind_does_not_make_us_forget_what_we_did(minutes):
    """An old picture after our own stop is not somebody's start: the debt stays, nothing is stopped twice."""
    with evening_and_morning(fleet={"graph_lag": minutes * 60}) as story:
        assert_converged(story)
        assert len(story.writes("web")) == len(story.writes("api")) == 2
        assert story.memory("web").target(None).reversals == ()


def test_a_lagging_graph_does_not_lose_the_size_of_a_pool():
    rules = """
rules:
  - {name: dev-pools, match: {environments: [dev]}, hours: {schedule: office, pools: [batch]}}
"""
    pools = [{"name": "system", "mode": "System"}, {"name": "batch", "count": 5}]
    story = Story(
        dev("web", pools=pools), policy=policy(rules), begin=MONDAY.replace(hour=18), fleet={"graph_lag": 1200}
    )
    with story:
        story.until("Mon 21:00")
        assert story.memory("web").target("batch").saved.count == 5
        story.until("Tue 08:30")
        assert story.world.pool("web", "batch").properties["count"] == 5
        assert len(story.writes()) == 2
        assert_honest(story)


def test_a_person_who_starts_what_we_just_stopped_is_noticed_however_late_the_graph_is():
    with Story(dev("web"), begin=MONDAY.replace(hour=18), fleet={"graph_lag": 1200}, hints=False) as story:
        story.until("Mon 19:30")
        story.world.person_starts("web")
        story.until("Tue 06:00")
        assert len(story.writes()) == 1, "respected for twelve hours"
        assert story.is_on("web")
        assert "manual_start" in story.reasons("web")


def test_a_page_of_the_graph_that_nobody_can_read_means_unknown_not_gone():
    """Every answer of the inventory is nonsense from 18:50 to 19:30: nothing is done, people hear of it, then it goes on."""
    garbage = Fault.refuse("POST */microsoft.resourcegraph/*", 200, "Nonsense", times=None)
    with Story(dev("web"), dev("api"), begin=MONDAY.replace(hour=18)) as story:
        story.until("Mon 18:50")
        story.world.inject(garbage)
        story.until("Mon 19:30")
        assert story.writes() == []
        assert story.journal.fleet().value.breaker_open_at is None
        assert len(story.told("part of the fleet cannot be read")) == 1
        story.world.faults.clear()
        story.until("Mon 20:30")
        assert len(story.writes(verb="stop")) == 2
        assert_honest(story)


class Unruly(SqliteQueue):
    """Loses, doubles and delays messages, and hands them out in any order."""

    def __init__(self, clock, seed: int) -> None:
        super().__init__(":memory:", clock)
        self._random = random.Random(seed)
        self.troubles = 0

    def send(self, message, delay=timedelta(0), *args, **more):
        for _ in range(self._random.choice([0, 1, 1, 2, 3])):
            late = timedelta(seconds=self._random.choice([0, 0, 20, 200, 1200]))
            self.troubles += late > timedelta(0)
            super().send(message, delay + late, *args, **more)

    def receive(self, queue, most=32, *args, **more):
        found = list(super().receive(queue, max(most, 8), *args, **more))
        self._random.shuffle(found)
        return tuple(found)


@pytest.mark.parametrize("seed", range(6))
def test_messages_lost_doubled_late_and_in_any_order(seed):
    fleet = [dev(f"c{n}") for n in range(6)]
    with Story(*fleet, prod("shop"), begin=MONDAY.replace(hour=18, minute=40)) as story:
        queue = Unruly(story.world.now, seed)
        with_parts(story, queue=queue)
        story.until("Mon 22:00").outage("2026-11-24 06:50").until("Tue 09:00")
        assert queue.troubles
        names = [f"c{n}" for n in range(6)]
        assert all(is_off(story, name, story.at("2026-11-23 22:00")) for name in names)
        assert story.are_on(names) == 6
        assert len(story.writes()) == 12
        assert_honest(story, protected=["shop"])


def test_a_throttled_write_is_not_sent_again_before_azure_said():
    """429 with Retry-After 600: the next try is no earlier, and it is a new decision."""
    with Story(dev("web"), begin=MONDAY.replace(hour=18)) as story:
        story.world.inject(Fault.throttled("POST */web/stop", retry_after=600))
        story.until("Mon 20:00")
        [stop] = story.writes("web", "stop")
        assert stop.at >= story.at("2026-11-23 19:10")
        ids = [record.id for record in story.history("web", "claimed")]
        assert len(ids) == len(set(ids)) == 2
        [postponed] = story.history("web", "postponed")
        assert postponed.body["seconds"] == 600


def test_a_lost_reply_is_found_out_by_looking_and_never_repeated():
    with Story(dev("web"), begin=MONDAY.replace(hour=18)) as story:
        story.world.inject(Fault.lost_reply("POST */web/stop"))
        story.until("Mon 20:00")
        assert len(story.writes("web", "stop")) == 1
        phases = [
            record.phase
            for record in story.history("web", "claimed", "accepted", "adopted_by_observation", "succeeded")
        ]
        assert phases == ["claimed", "adopted_by_observation", "succeeded"]


def test_an_azure_that_is_down_for_the_evening_is_caught_up_when_it_is_back():
    with Story(dev("web"), begin=MONDAY.replace(hour=18)) as story:
        story.until("Mon 18:58")
        story.world.inject(Fault.unavailable("*", times=None))
        story.until("Mon 21:00")
        assert story.writes() == []
        story.world.faults.clear()
        story.until("Mon 22:00")
        assert len(story.writes("web", "stop")) == 1
        assert_honest(story)
