"""Two hundred clusters, three days, people and troubles by the dice: whatever happens, the same few things stay true.

Every seed is another history, and repeats itself exactly. `LAMPLIGHTER_SOAK=1` plays longer ones, and more of them.
"""

import os
import random
from datetime import timedelta

import pytest

from lamplighter.simulator import Fault
from lamplighter.simulator.refusals import Refusal
from shared.model.memory import Wish
from tests.faults.honesty import assert_honest, assert_told_of_every_stop
from tests.scenarios.stage import HOUR, MINUTE, Story, dev, policy, prod

SOAK = bool(os.environ.get("LAMPLIGHTER_SOAK"))
DAYS = 7 if SOAK else 2
SEEDS = range(6 if SOAK else 1)
TICK = timedelta(minutes=5 if SOAK else 20)

SCHEDULES = """
schedules:
  office: {running: [Mon-Fri 07:30-19:00]}
  late: {running: [Mon-Fri 09:00-21:00]}
"""
RULES = """
rules:
  - {name: dev-hours, match: {tags: {shape: whole}, environments: [dev]}, hours: {schedule: office, lead: 30m}}
  - {name: dev-pools, match: {tags: {shape: pools}, environments: [dev]}, hours: {schedule: late, pools: ["batch*"]}}
"""
GUARDS = "\nguards: {stops: {at_most: 40%, within: 1h}, breaker: {failures: 25, within: 1h}}\n"
PEOPLE = ("start", "stop", "scale", "keep on", "keep off", "exclude", "include", "busy", "production", "lock")
FAULTS = (
    Fault.conflict,
    Fault.throttled,
    lambda m: Fault.throttled(m, retry_after=None),
    Fault.unavailable,
    Fault.lost_reply,
    lambda m: Fault.lost_reply(m, effect=False),
    Fault.timeout,
    lambda m: Fault.operation_fails(m, "AksCapacityHeavyUsage"),
    lambda m: Fault.operation_fails(m, "InternalError"),
    lambda m: Fault.operation_slow(m, 3000),
)


def fleet() -> list[dict]:
    system = {"name": "system", "mode": "System", "count": 1}
    batch = {"name": "batch", "count": 3, "min": 1, "max": 6}
    whole = [dev(f"web-{n:03}", tags={"shape": "whole"}, pools=[system], location=place(n)) for n in range(120)]
    pools = [dev(f"job-{n:03}", tags={"shape": "pools"}, pools=[system, batch], location=place(n)) for n in range(50)]
    shops = [prod(f"shop-{n:03}", pools=[system]) for n in range(20)]
    odd = [dev(f"odd-{n:03}", tags={"shape": "whole"}, node_provisioning="Auto") for n in range(5)]
    out = [dev(f"out-{n:03}", tags={"shape": "whole", "lamplighter-exclude": "true"}) for n in range(5)]
    return [*whole, *pools, *shops, *odd, *out]


def place(number: int) -> str:
    return ("westeurope", "northeurope", "francecentral")[number % 3]


class Crowd:
    """People and troubles, by the dice."""

    def __init__(self, story: Story, seed: int) -> None:
        self.story, self.dice = story, random.Random(seed)
        self.promoted: dict[str, int] = {}
        """Became production -> how many writes there were before."""
        self.done: dict[str, int] = dict.fromkeys(PEOPLE, 0)

    def hour(self) -> None:
        for _ in range(self.dice.randrange(4)):
            self.person()
        if self.dice.random() < 0.5:
            name = self.name("web-120", "job-050")
            make = self.dice.choice(FAULTS)
            self.story.world.inject(make(f"{self.dice.choice(['POST', 'GET', '*'])} */managedclusters/{name}*"))

    def name(self, *most: str) -> str:
        kind, count = self.dice.choice(most).split("-")
        return f"{kind}-{self.dice.randrange(int(count)):03}"

    def person(self) -> None:
        what, name = self.dice.choice(PEOPLE), self.name("web-120", "job-050")
        if name in self.promoted:
            return
        try:
            self.act(what, name)
        except Refusal:
            return  # Azure tells people the same
        self.done[what] += 1

    def act(self, what: str, name: str) -> None:
        world, dice = self.story.world, self.dice
        deeds = {
            "start": lambda: world.person_starts(name),
            "stop": lambda: world.person_stops(name),
            "scale": lambda: world.person_changes_pool(self.name("job-050"), "batch", minCount=2, count=3),
            "keep on": lambda: self.story.say(name, Wish.RUNNING, dice.randrange(1, 20) * HOUR),
            "keep off": lambda: self.story.say(name, Wish.STOPPED, dice.randrange(1, 20) * HOUR),
            "exclude": lambda: self.story.retag(name, lamplighter_exclude=dice.choice(["true", "maybe"])),
            "include": lambda: self.story.retag(name, lamplighter_exclude=None),
            "lock": lambda: world.add_lock(name, dice.choice(["ReadOnly", "CanNotDelete"])),
            "busy": lambda: self.keep_busy(name),
            "production": lambda: self.promote(name),
        }
        deeds[what]()

    def keep_busy(self, name: str) -> None:
        if self.story.world.cluster(name).is_settled:
            self.story.world.foreign_operation(name, lasts=self.dice.randrange(10, 90) * MINUTE)

    def promote(self, name: str) -> None:
        if len(self.promoted) < 6:
            self.story.retag(name, environment="prod")
            self.promoted[name] = len(self.story.writes(name, "stop"))


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_a_crowd_and_a_bad_azure_do(seed):
    text = policy(RULES, SCHEDULES, GUARDS)
    with Story(*fleet(), policy=text, tick_every=TICK, fleet={"seed": seed}) as story:
        crowd = Crowd(story, seed)
        end = story.world.now() + timedelta(days=DAYS)
        while story.world.now() < end:
            crowd.hour()
            if crowd.dice.random() < 0.05:
                story.world.advance(crowd.dice.randrange(1, 5) * HOUR)  # the host is away: ticks are missed
            else:
                story.later(HOUR)
        assert_the_same_as_ever(story, crowd)


def assert_the_same_as_ever(story: Story, crowd: Crowd) -> None:
    protected = [f"shop-{n:03}" for n in range(20)] + [f"odd-{n:03}" for n in range(5)]
    assert_honest(story, [*protected, *(f"out-{n:03}" for n in range(5))])
    assert_told_of_every_stop(story)
    for name, before in crowd.promoted.items():
        assert len(story.writes(name, "stop")) <= before + 1, f"{name} is production; one stop may have been on its way"
    assert all(crowd.done.values()), f"a crowd does everything: {crowd.done}"
    assert story.rehearsal.failures == []
    assert story.told("could not be decided") == []
    assert story.app.queue.count("act-poison") == 0
    stops = [write.at for write in story.writes(verb="stop")]
    assert len(stops) > 200
    for at in stops[:: max(1, len(stops) // 50)]:
        assert sum(at - HOUR < other <= at for other in stops) <= 0.4 * 175 + 1, "the stop budget"
    late = [
        s for s in story.journal.memories() if s.value.open and story.world.now() - s.value.open.claimed_at > 3 * HOUR
    ]
    assert late == [], "nothing stays open for ever"
