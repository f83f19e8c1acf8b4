"""A process may die after any single write: to the journal, to the queue, to Azure, to a channel.

An evening and a morning are played once for every write in them, and each time the process dies right after that one.
Another takes over on the same stores. Whatever was written stays, whatever was not is found out by looking.
"""

import os

import pytest

from shared.errors import NoReply
from tests.faults.honesty import assert_honest, assert_told_of_every_stop, is_off
from tests.faults.killing import Death, Killed, mortal, run
from tests.scenarios.stage import MONDAY, Story, dev, policy, prod

SLICES = 6
SOAK = bool(os.environ.get("LAMPLIGHTER_SOAK"))
SYSTEM = {"name": "system", "mode": "System", "count": 1}
BATCH = {"name": "batch", "count": 4, "min": 2, "max": 9}

CLUSTERS = policy()
POOLS = policy("""
rules:
  - {name: dev-pools, match: {environments: [dev]}, hours: {schedule: office, lead: 20m, pools: [batch]}}
""")


def play(text: str, death: Death) -> Story:
    """From the warning to the stop, a quiet night skipped, from before the start to the morning."""
    fleet = [dev("web", pools=[SYSTEM, BATCH]), prod("shop", pools=[SYSTEM, BATCH])]
    if SOAK:
        fleet.append(dev("api", pools=[SYSTEM, BATCH]))
    story = Story(*fleet, policy=text, begin=MONDAY.replace(hour=18, minute=40))
    mortal(story, death)
    run(story, story.at("2026-11-23 19:35"))
    story.outage("2026-11-24 07:00")
    run(story, story.at("2026-11-24 07:40"))
    return story


def converged(story: Story, pool: str | None) -> None:
    for name in ["web", "api"] if SOAK else ["web"]:
        assert is_off(story, name, story.at("2026-11-23 21:00"), pool), "down in the evening"
        assert story.is_on(name, pool), "up in the morning"
        assert story.memory(name).open is None
        if pool is not None:
            size = {"count": 4, "minCount": 2, "maxCount": 9, "enableAutoScaling": True}
            assert size.items() <= story.world.pool(name, pool).properties.items(), "in its size"
            assert story.memory(name).target(pool).saved is None


@pytest.mark.parametrize(("text", "pool"), [(CLUSTERS, None), (POOLS, "batch")], ids=["clusters", "pools"])
@pytest.mark.parametrize("part", range(SLICES))
def test_a_kill_after_any_single_write_costs_nothing(text, pool, part):
    after_any_write(text, pool, part, Killed)


@pytest.mark.parametrize("part", range(SLICES))
def test_a_journal_queue_or_azure_that_took_it_but_did_not_answer_costs_nothing(part):
    """The write is there, its answer never came: the handler is told so and must not believe that it failed."""
    after_any_write(CLUSTERS, None, part, NoReply)


def after_any_write(text: str, pool: str | None, part: int, error: type[BaseException]) -> None:
    whole = Death()
    with play(text, whole) as story:
        converged(story, pool)
        calm = [(write.at, write.path) for write in story.writes()]
    assert len(calm) == (4 if SOAK else 2)
    assert whole.count > 40, "this is a story with many writes"
    for number in range(1 + part, whole.count + 1, SLICES):
        death = Death(at=number, error=error)
        with play(text, death) as story:
            assert death.where, f"write {number} was reached"
            where = f"{error.__name__} after write {number}: {death.where}"
            try:
                converged(story, pool)
                assert_honest(story, protected=["shop"])
                assert_told_of_every_stop(story)
                assert len(story.writes()) == len(calm), "nothing is done twice"
            except AssertionError as lie:
                raise AssertionError(f"{where}: {lie}") from lie
