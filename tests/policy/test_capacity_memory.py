"""What a capacity group remembers: losses, refusals, how long things take, and since when all is well."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.spot import GroupPast, PoolPast
from shared.policy.capacity_memory import after_move
from tests.policy.capacity_worlds import BEGIN, FREE_OF_DRIFT, WEB, Story, group, on_demand, rules, sight, traces

MINUTE = timedelta(minutes=1)
READ = BEGIN - MINUTE


def past_of(one, before=None, **more) -> PoolPast:
    past = GroupPast(read_at=READ, pools={one.name: before or PoolPast()}, **more)
    return group(one, past=past).past.pool(one.name)


def test_an_eviction_that_was_told_is_a_loss():
    past = past_of(sight("spot1", 0, evictions=(BEGIN,)), PoolPast(ready=3))
    assert (past.preempted, past.lost_at, past.retry_at) == (True, BEGIN, BEGIN + 5 * MINUTE)
    assert 0.99 < past.losses <= 1


def test_nodes_that_are_gone_and_still_wanted_are_a_loss_before_anybody_tells():
    """The activity log comes minutes late; the count does not."""
    assert past_of(sight("spot1", 1, wanted=3), PoolPast(ready=3)).lost_at == BEGIN


def test_the_log_entry_that_follows_is_the_same_loss():
    seen = past_of(sight("spot1", 0, wanted=3), PoolPast(ready=3))
    later = sight("spot1", 0, BEGIN + 2 * MINUTE, wanted=3, evictions=(BEGIN - MINUTE,))
    again = group(later, now=BEGIN + 2 * MINUTE, fallback=on_demand(now=BEGIN + 2 * MINUTE),
                  past=GroupPast(read_at=BEGIN, pools={"spot1": seen})).past.pool("spot1")  # fmt: skip
    assert again.lost_at == seen.lost_at
    assert again.losses < 1.01


def test_a_burst_is_one_loss():
    one = past_of(sight("spot1", 2, evictions=(BEGIN,)), PoolPast(ready=3))
    later = BEGIN + MINUTE
    two = group(sight("spot1", 1, later, evictions=(BEGIN, later)), now=later, fallback=on_demand(now=later),
                past=GroupPast(read_at=BEGIN, pools={"spot1": one})).past.pool("spot1")  # fmt: skip
    assert two.lost_at == later
    assert two.losses < 1.01


def test_on_demand_nodes_that_are_missing_are_no_eviction():
    assert past_of(on_demand(1, wanted=3), PoolPast(ready=3)).lost_at is None


def test_refusals_in_a_row_are_left_alone_for_longer_up_to_twenty_minutes():
    waits, past = [], PoolPast()
    for number in range(5):
        now = BEGIN + number * 60 * MINUTE
        one = sight("spot1", 0, now, failed_at=now)
        past = group(one, now=now, fallback=on_demand(now=now), past=GroupPast(pools={"spot1": past})).past.pool(
            "spot1"
        )
        waits.append((past.retry_at - now) / MINUTE)
    assert waits == [5, 10, 20, 20, 20]


def test_nodes_that_never_came_are_a_refusal():
    asked = after_move(GroupPast(), "spot1", 3, BEGIN - 11 * MINUTE, raised=True, chosen=True)
    past = group(sight("spot1", 0, wanted=3, starting=3), past=asked).past.pool("spot1")
    assert (past.preempted, past.tries, past.asked_at) == (True, 1, None)


def test_nodes_that_came_late_are_no_refusal():
    asked = after_move(GroupPast(), "spot1", 3, BEGIN - 11 * MINUTE, raised=True, chosen=True)
    past = group(sight("spot1", 3), past=asked).past.pool("spot1")
    assert (past.preempted, past.tries, past.asked_at) == (False, 0, None)


def test_nodes_that_stand_again_make_a_pool_active():
    before = PoolPast(preempted=True, tries=4, retry_at=READ, lost_at=BEGIN - 20 * MINUTE)
    past = past_of(sight("spot1", 3), before)
    assert (past.preempted, past.tries) == (False, 0)


def test_nodes_that_are_leaving_do_not():
    before = PoolPast(ready=2, preempted=True, retry_at=READ, lost_at=BEGIN - 2 * MINUTE)
    assert past_of(sight("spot1", 2), before).preempted


def test_how_long_nodes_take_is_learnt():
    asked = after_move(GroupPast(read_at=READ), "ondemand", 3, BEGIN - 2 * MINUTE, raised=True, chosen=False)
    seen = group(sight("spot1", 0), fallback=on_demand(3), past=asked)
    assert seen.past.fallback_seconds == (300 + 120) / 2
    assert seen.past.pool("ondemand").asked_at is None


def test_a_bad_week_is_forgotten():
    begun = PoolPast(losses=20, hours=40)
    later = BEGIN + timedelta(days=30)
    past = GroupPast(read_at=BEGIN, pools={"spot1": begun})
    seen = group(sight("spot1", 3, later), now=later, fallback=on_demand(now=later), past=past).past.pool("spot1")
    assert seen.losses < 0.05


def test_an_unreadable_pool_is_remembered_as_it_was():
    before = PoolPast(ready=3, hours=5)
    assert past_of(sight("spot1", None, problem="throttled"), before) == before


def test_one_reading_counts_once():
    once = group(sight("spot1", 0, evictions=(BEGIN,)), past=GroupPast(read_at=READ)).past
    assert group(sight("spot1", 0, evictions=(BEGIN,)), past=once).past == once


@given(traces(zones=3), st.booleans())
def test_what_is_remembered_survives_json_exactly(market, blind):
    story = Story(rules(more=FREE_OF_DRIFT), zones=3, blind=blind).play(market[:60])
    assert story.memory is not None
    for past in story.memory.groups.values():
        text = json.dumps(past.to_json())
        assert GroupPast.from_json(json.loads(text)) == past
        assert len(text) < 6000


def test_names_of_a_newer_version_are_passed_over():
    document = GroupPast(carried=3, pools={"spot1": PoolPast(tries=1)}).to_json()
    document["humour"] = document["pools"]["spot1"]["humour"] = 1
    assert GroupPast.from_json(document) == GroupPast(carried=3, pools={"spot1": PoolPast(tries=1)})
    assert GroupPast().to_json() == {}
    assert replace(GroupPast(), read_at=BEGIN).to_json() == {"read_at": int(BEGIN.timestamp() * 1_000_000)}


class TestDemand:
    """Of groups that may have more nodes than their minimum: who made it more, and what was only lost."""

    RANGE: ClassVar = {"lowest": 1, "highest": 50}

    def look(self, past, *sights, now=BEGIN, fallback=None, **more):
        at = tuple(replace(one, at=now) for one in sights)
        back = replace(fallback or on_demand(0), at=now)
        return group(*at, now=now, fallback=back, past=past, **self.RANGE, **more).past

    def first(self, *sights):
        return self.look(GroupPast(), *sights)

    def test_at_first_it_is_what_stands(self):
        assert self.first(sight("spot1", 3), sight("spot2", 2)).carried == 5

    def test_not_while_nodes_are_missing(self):
        assert self.first(sight("spot1", 1, wanted=3)).carried == 0

    def test_a_person_makes_a_fixed_pool_larger_or_smaller(self):
        past = self.first(sight("spot1", 3))
        more = self.look(past, sight("spot1", 3, wanted=5), now=BEGIN + MINUTE)
        assert more.carried == 5
        assert self.look(more, sight("spot1", 2), now=BEGIN + 2 * MINUTE).carried == 2

    def test_what_we_asked_for_is_no_demand(self):
        past = after_move(self.first(sight("spot1", 3)), "spot1", 6, BEGIN, raised=True, chosen=True)
        assert self.look(past, sight("spot1", 6), now=BEGIN + MINUTE).carried == 3

    def test_an_evicted_pool_that_comes_to_rest_at_nothing_is_still_needed(self):
        lost = self.look(self.first(sight("spot1", 3)), sight("spot1", 0, wanted=3), now=BEGIN + MINUTE)
        assert self.look(lost, sight("spot1", 0), now=BEGIN + 9 * MINUTE).carried == 3

    def test_on_demand_on_its_way_out_is_no_demand(self):
        past = self.first(sight("spot1", 3))
        leaving = on_demand(3, wanted=0)
        assert self.look(past, sight("spot1", 3), fallback=leaving, now=BEGIN + MINUTE).carried == 3

    def test_after_a_gap_another_size_tells_nothing(self):
        past = self.first(sight("spot1", 3))
        assert self.look(past, sight("spot1", 1), now=BEGIN + 600 * MINUTE).carried == 3

    def test_an_autoscaler_with_more_than_its_minimum_says_what_is_needed(self):
        def scaled(ready, least):
            return sight("spot1", ready, autoscaling=True, min_count=least, max_count=20)

        past = self.first(scaled(3, 3))
        held = self.look(past, scaled(6, 6), now=BEGIN + MINUTE)
        assert held.carried == 3
        more = self.look(held, scaled(8, 6), now=BEGIN + 2 * MINUTE)
        assert more.carried == 8
        assert self.look(more, scaled(6, 6), now=BEGIN + 3 * MINUTE).carried == 6


@settings(max_examples=40, deadline=None)
@given(traces(zones=3))
def test_no_market_makes_a_workload_larger(market):
    """What we buy and lose is never taken for demand, whatever the market does."""
    wide = WEB.replace("max: 3", "max: 50")
    story = Story(rules(wide, more=FREE_OF_DRIFT), zones=3).play(market[:120])
    assert story.memory is not None
    assert all(past.carried <= 3 for past in story.memory.groups.values())
