"""On-demand nodes that people have beside a spot pool: an inferred group neither takes them nor gives them up."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.memory import Memory
from shared.model.spot import GroupPast, Move, PoolPast
from shared.policy.capacity_memory import peoples
from shared.policy.decide import decide
from shared.policy.rules import spot
from tests.policy.builders import policy
from tests.policy.capacity_worlds import BEGIN, on_demand, sight, view_of

MINUTE = timedelta(minutes=1)
AUTO = policy("  - {name: web-on-spot, match: {environments: [dev]}, spot: {groups: auto, return_after: 10m}}")
SOME = policy(
    "  - {name: web-on-spot, match: {environments: [dev]}, spot: {groups: auto, nodes: {min: 3, max: 3}, return_after: 10m}}"
)


class Beside:
    """Three spot nodes and some on-demand ones that people put there; what is decided is done within a minute."""

    def __init__(self, on_demand: int, rules=AUTO):
        self.spot, self.on_demand, self.rules, self.now = 3, on_demand, rules, BEGIN
        self.memory, self.done = None, []

    def minutes(self, number: int, *, evicted: bool = False):
        for minute in range(number):
            gone = (self.now,) if evicted and minute == 0 else ()
            self.spot = 0 if gone else self.spot
            sights = {
                "spot1": sight("spot1", self.spot, self.now, wanted=self.spot, evictions=gone),
                "ondemand": on_demand(self.on_demand, self.now),
            }
            view = view_of(sights, self.memory)
            self.memory = spot.learned(view, self.rules.rules[0], self.now)
            for decision in decide(replace(view, memory=self.memory), self.rules, self.now):
                if decision.action is not None and decision.verdict.value == "act":
                    self._do(decision.action)
            self.now += MINUTE
        return self

    def _do(self, action):
        self.done.append((action.pool, action.count))
        self.memory = spot.accepted(self.memory, action, self.now)
        self.memory = replace(self.memory, generation=self.memory.generation + 1)
        if action.pool == "ondemand":
            self.on_demand = action.count
        else:
            self.spot = action.count


@pytest.mark.parametrize("rules", [AUTO, SOME])
def test_peoples_nodes_are_neither_moved_nor_given_up(rules):
    assert Beside(2, rules).minutes(60).done == []


@pytest.mark.parametrize("rules", [AUTO, SOME])
def test_a_fallback_goes_home_to_what_people_had(rules):
    story = Beside(2, rules).minutes(20).minutes(60, evicted=True)
    assert [size for pool, size in story.done if pool == "ondemand"] == [5, 2]
    assert (story.spot, story.on_demand) == (3, 2)


@pytest.mark.parametrize("there", [0, 2])
def test_an_empty_spot_pool_is_no_workload(there):
    story = Beside(there)
    story.spot = 0
    assert story.minutes(60).done == []


@pytest.mark.parametrize("size", [0, 4])
def test_what_people_make_of_their_pool_afterwards_stays(size):
    story = Beside(2).minutes(20).minutes(60, evicted=True)
    story.on_demand, story.done = size, []
    assert story.minutes(60).done == []
    assert story.minutes(60, evicted=True).on_demand == size


def test_a_pool_that_is_written_down_is_its_authors_to_empty():
    written = '{name: web, spot: ["spot1"], fallback: ondemand, nodes: {min: 3, max: 3}}'
    rules = policy(
        f"  - {{name: web-on-spot, match: {{environments: [dev]}}, spot: {{groups: [{written}], return_after: 10m}}}}"
    )
    assert Beside(2, rules).minutes(60).on_demand == 0


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=8), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_whatever_the_market_does_people_keep_what_is_theirs(storms, theirs):
    story = Beside(theirs)
    for minutes, evicted in storms:
        story.minutes(minutes, evicted=evicted)
        assert story.on_demand >= theirs
    assert story.minutes(120).on_demand == theirs


def test_a_size_that_cannot_be_read_is_nobodys():
    past = GroupPast(kept=2, pools={"ondemand": PoolPast(held=2, read=True)})
    assert peoples(past, on_demand(5, problem="throttled"), BEGIN) == 2
    assert peoples(past, on_demand(None), BEGIN) == 2
    assert peoples(past, on_demand(5), BEGIN) == 5
    assert peoples(replace(past, moves=(Move(BEGIN, "ondemand", True, False),)), on_demand(5), BEGIN) == 2


def test_it_is_remembered():
    past = GroupPast(kept=2, carried=5)
    assert GroupPast.from_json(past.to_json()) == past
    assert Memory("c", groups={"a": past}).groups["a"].kept == 2
