"""An autoscaler's maximum that a group raised goes back to what people had set, and nobody else's word is overruled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from shared.model.actions import GrowPool, ResizePool, ShrinkPool
from shared.model.decisions import Decision, Verdict
from shared.model.memory import Memory
from shared.model.spot import GroupPast, PoolPast
from shared.policy.decide import decide
from shared.policy.rules import spot
from tests.policy.capacity_worlds import BEGIN, on_demand, rules, sight, view_of

MINUTE = timedelta(minutes=1)
RULES = rules(more=", return_after: 30m")
KEY = "web-on-spot/web"


@dataclass
class Pool:
    """On-demand with an autoscaler from 0 to 2, beside a spot pool that should carry three nodes."""

    minimum: int = 0
    maximum: int = 2
    nodes: int = 0
    spot: int = 3
    now: datetime = BEGIN
    memory: Memory | None = None
    done: list[tuple[str, int, int]] = field(default_factory=list)
    """(verb, minimum, maximum)"""

    def look(self, *, obey: bool = True) -> Decision | None:
        """One turn: what is decided for the pool, and done."""
        sights = {
            "spot1": sight("spot1", self.spot, self.now, wanted=3),
            "ondemand": on_demand(
                self.nodes, self.now, autoscaling=True, min_count=self.minimum, max_count=self.maximum
            ),
        }
        view = view_of(sights, self.memory)
        self.memory = spot.learned(view, RULES.rules[0], self.now)
        decisions = decide(replace(view, memory=self.memory), RULES, self.now)
        due = next((one for one in decisions if one.pool == "ondemand" and one.verdict is Verdict.ACT), None)
        self.now += MINUTE
        if due is not None and obey:
            self.do(due.action)
        return due

    def do(self, action: ResizePool) -> None:
        self.memory = spot.accepted(self.memory, action, self.now)
        self.memory = replace(self.memory, generation=self.memory.generation + 1)
        self.minimum, self.maximum = action.min_count, action.max_count
        self.nodes = min(max(self.nodes, self.minimum), self.maximum)
        self.done.append((action.verb, self.minimum, self.maximum))

    def until(self, minutes: int) -> Pool:
        for _ in range(minutes):
            self.look()
        return self

    @property
    def past(self) -> PoolPast:
        return self.memory.groups[KEY].pool("ondemand")


def fallen_back() -> Pool:
    """Spot is gone, and on-demand holds three nodes where its people allowed two; then spot is back."""
    pool = Pool().until(3)
    pool.spot = 0
    pool.until(3)
    assert pool.done == [("grow", 3, 3)]
    pool.spot = 3
    return pool


def test_it_goes_back_once_the_nodes_are_gone():
    pool = fallen_back().until(60)
    assert pool.done[1:] == [("shrink", 0, 3)], "three nodes run still, and a maximum of two would take one of them"
    pool.nodes = 0
    pool.until(5)
    assert pool.done[2:] == [("shrink", 0, 2)]
    pool.until(120)
    assert len(pool.done) == 3, "and that is the end of it"


def test_with_the_nodes_where_nothing_of_theirs_is_in_the_way():
    pool = fallen_back().until(20)
    pool.nodes = 2
    said = None
    while len(pool.done) < 2:
        said = pool.look()
    assert pool.done[1] == ("shrink", 0, 2)
    assert said.message.endswith("3 on-demand nodes can go; its maximum goes back from 3 to 2, where it was")


def test_what_still_runs_is_told():
    pool = fallen_back()
    said = None
    while len(pool.done) < 2:
        pool.maximum = pool.past.raised_to
        said = pool.look()
    assert "maximum" not in said.message, "it cannot move yet"
    pool.nodes = 0
    while len(pool.done) < 3:
        said = pool.look()
    assert said.message.endswith("spot has carried everything for 30m; its maximum goes back from 3 to 2, where it was")


@pytest.mark.parametrize("theirs", [1, 5, 20])
@pytest.mark.parametrize("minutes", [2, 20], ids=["right after", "later"])
def test_what_somebody_set_since_stays_and_that_is_said(theirs, minutes):
    pool = fallen_back().until(minutes)
    pool.maximum, pool.nodes = theirs, 0
    pool.minimum = min(pool.minimum, theirs)
    said = None
    while len(pool.done) < 2:
        said = pool.look()
    assert pool.done[1] == ("shrink", 0, theirs)
    assert f"; somebody set its maximum to {theirs} since we raised it to 3, so that stays" in said.message
    assert len(pool.until(120).done) == 2
    assert (pool.past.theirs, pool.past.raised_to) == (None, 0)


def test_somebody_who_sets_it_back_is_not_spoken_of():
    pool = fallen_back().until(20)
    pool.maximum, pool.minimum, pool.nodes = 2, 0, 0
    assert pool.until(60).done == [("grow", 3, 3)]
    assert (pool.past.theirs, pool.past.raised_to) == (None, 0)


def test_a_later_raise_remembers_what_people_had_set_not_what_we_had():
    memory = spot.accepted(Memory("c"), grow(3, 3, was=2), BEGIN)
    memory = spot.accepted(memory, grow(5, 5, was=3), BEGIN + MINUTE)
    assert of(memory) == (2, 5)
    memory = spot.accepted(memory, grow(9, 9, was=7), BEGIN + MINUTE)
    assert of(memory) == (7, 9), "somebody had made it seven in between"
    memory = spot.accepted(memory, grow(4, 9, was=9), BEGIN + MINUTE)
    assert of(memory) == (7, 9), "a minimum alone"


def test_a_raise_that_azure_took_back_leaves_nothing():
    pool = fallen_back().until(6)
    pool.minimum, pool.maximum, pool.nodes = 0, 2, 0
    pool.until(3)
    assert pool.past.raised_to == 3, "a reading may be older than what was done"
    pool.until(10)
    assert (pool.past.theirs, pool.past.raised_to) == (None, 0)


def test_a_fixed_pool_and_a_size_for_an_alert_have_no_such_maximum():
    memory = spot.accepted(Memory("c"), GrowPool("c", "ondemand", count=3, group=KEY), BEGIN)
    assert of(memory) == (None, 0)


def test_it_is_remembered_in_the_journal():
    memory = spot.accepted(Memory("c"), grow(3, 3, was=2), BEGIN)
    past = memory.groups[KEY]
    assert GroupPast.from_json(past.to_json()) == past
    assert spot.accepted(memory, ShrinkPool("c", "ondemand", min_count=0, max_count=2, was_max=3, group=KEY), BEGIN) \
        .groups[KEY].pool("ondemand").raised_to == 0  # fmt: skip


def grow(low: int, high: int, was: int) -> GrowPool:
    return GrowPool("c", "ondemand", min_count=low, max_count=high, was_max=was, group=KEY)


def of(memory: Memory) -> tuple[int | None, int]:
    past = memory.groups[KEY].pool("ondemand")
    return past.theirs, past.raised_to
