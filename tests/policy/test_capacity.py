"""One step at a time: fall back, ask spot, come home, tidy up."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.decisions import Reason
from shared.model.spot import Drain, GroupPast, Move, PoolPast
from shared.policy.capacity import Rest, Step, Why, next_step
from shared.policy.capacity_group import LONGEST_PAUSE, addresses_per_node, known_price
from shared.policy.capacity_memory import after_drain, after_failed_drain, after_move
from tests.policy.capacity_worlds import BEGIN, group, on_demand, sight

MINUTE = timedelta(minutes=1)
HALF = {"return_after": 30 * MINUTE}


def due(*args, **more):
    return next_step(group(*args, **more))


def step(*args, **more) -> tuple[str, str, int, bool]:
    found = due(*args, **more)
    assert isinstance(found, Step), found
    return found.why.value, found.pool.name, found.size, found.chosen


def rest(*args, **more) -> str:
    found = due(*args, **more)
    assert isinstance(found, Rest), found
    return found.sentence


def stood(minutes: int, **more) -> GroupPast:
    """Spot has carried everything that long."""
    return GroupPast(read_at=BEGIN - MINUTE, stable_since=BEGIN - minutes * MINUTE, **more)


def lost(minutes: int = 0, **more) -> PoolPast:
    at = BEGIN - minutes * MINUTE
    return PoolPast(preempted=True, lost_at=at, counted_at=at, losses=1.0, **more)


class TestFallBack:
    def test_missing_nodes_stand_in_at_once_whatever_budgets_say(self):
        assert step(sight("spot1", 1), moves_per_day=0, moves_per_hour=0) == ("fall_back", "ondemand", 2, False)

    def test_one_eviction_means_the_whole_pool_is_leaving(self):
        """Of co-interruptions in one size and zone more than 92 % fall within three minutes."""
        past = GroupPast(read_at=BEGIN - MINUTE, pools={"spot1": PoolPast(ready=3)})
        two_left = sight("spot1", 2, wanted=3)

        assert step(two_left, past=past) == ("fall_back", "ondemand", 3, False)

    def test_what_only_starts_on_spot_is_hope(self):
        assert step(sight("spot1", 0, wanted=3, starting=3))[:3] == ("fall_back", "ondemand", 3)

    def test_what_starts_on_demand_is_on_its_way(self):
        coming = on_demand(0, wanted=3, starting=3)
        assert step(sight("spot1", 0), fallback=coming)[:2] == ("to_spot", "spot1")

    def test_the_sentence_names_the_pool_and_the_time(self):
        found = due(sight("spot1", 0, evictions=(BEGIN,)))
        assert isinstance(found, Step)
        assert found.sentence == "3 of 3 nodes are missing: spot1 lost nodes Mon 7 Dec 10:00"

    @pytest.mark.parametrize(
        ("limit", "size"),
        [
            ({"highest": 2}, 2),
            ({"quota_left": 1}, 1),
            ({"addresses_left": 62, "addresses_per_node": 31}, 2),
            ({"addresses_left": 2, "addresses_per_node": 1}, 2),
            ({"pod_addresses_left": 33}, 2),
        ],
    )
    def test_it_takes_only_what_there_is_room_for(self, limit, size):
        assert step(sight("spot1", 0), fallback=on_demand(0, **limit))[2] == size

    def test_it_is_tried_where_room_is_unknown(self):
        """Nothing is given up by trying: unknown holds back what is a choice, not what is needed."""
        blind = on_demand(0, room_problem="the quota could not be read")
        assert step(sight("spot1", 0, room_problem="the same"), fallback=blind) == ("fall_back", "ondemand", 3, False)

    def test_without_room_on_demand_spot_is_needed_and_no_budget_holds_it_back(self):
        """`Deallocate` holds quota: the fallback itself can be the one without room."""
        found = step(sight("spot1", 0), fallback=on_demand(0, quota_left=0), moves_per_day=0)
        assert found == ("to_spot", "spot1", 3, False)

    def test_a_refused_fallback_waits_and_spot_is_asked_meanwhile(self):
        refused = on_demand(0, wanted=3, failed_at=BEGIN)
        assert step(sight("spot1", 0), fallback=refused)[:2] == ("to_spot", "spot1")

    def test_the_floor_is_kept_while_all_is_well(self):
        assert step(sight("spot1", 3), floor=1)[:3] == ("fall_back", "ondemand", 1)

    def test_an_unreadable_fallback_is_neither_raised_nor_taken_for_empty(self):
        blind = on_demand(None, problem="throttled")
        past = GroupPast(pools={"ondemand": PoolPast(ready=3)})
        assert step(sight("spot1", 0), fallback=blind, past=past)[:2] == ("to_spot", "spot1")

    def test_an_unreadable_spot_pool_is_taken_to_be_as_it_was(self):
        past = GroupPast(read_at=BEGIN - MINUTE, pools={"spot1": PoolPast(ready=3)})
        assert rest(sight("spot1", None, problem="throttled"), past=past).endswith("spot1: throttled")

    def test_demand_follows_the_workload_of_calm_days(self):
        past = GroupPast(carried=7, pools={"spot1": PoolPast(ready=7)}, read_at=BEGIN - MINUTE)
        found = step(sight("spot1", 2, wanted=7, evictions=(BEGIN,)), past=past, lowest=3, highest=12)
        assert found == ("fall_back", "ondemand", 7, False)

    def test_an_autoscaler_that_gives_up_nodes_is_no_eviction(self):
        past = GroupPast(carried=7, pools={"spot1": PoolPast(ready=7)}, read_at=BEGIN - MINUTE)
        fewer = sight("spot1", 4, wanted=4, autoscaling=True, min_count=0, max_count=12)
        assert "4 needed" in rest(fewer, past=past, lowest=3, highest=12)


class TestAskSpot:
    carried = on_demand(3)

    def test_the_preferred_one_of_equals(self):
        assert step(sight("spot1"), sight("spot2"), fallback=self.carried) == ("to_spot", "spot1", 3, True)

    def test_the_cheaper_one(self):
        dear, cheap = sight("spot1", price=2.0), sight("spot2", price=1.0)
        assert step(dear, cheap, fallback=self.carried)[1] == "spot2"

    def test_one_unknown_price_leaves_the_order_to_the_risk(self):
        dear, unknown = sight("spot1", price=2.0), sight("spot2", price=float("nan"))
        assert step(dear, unknown, fallback=self.carried)[1] == "spot1"

    def test_the_safer_one_by_azures_bucket(self):
        risky, safe = sight("spot1", eviction_rate="20+"), sight("spot2", eviction_rate="0-5")
        assert step(risky, safe, fallback=self.carried)[1] == "spot2"

    def test_the_safer_one_by_what_was_seen(self):
        past = GroupPast(pools={"spot1": PoolPast(hours=24, losses=12), "spot2": PoolPast(hours=24, losses=1)})
        assert step(sight("spot1"), sight("spot2"), fallback=self.carried, past=past)[1] == "spot2"

    def test_an_active_pool_before_a_lost_one_however_dear(self):
        past = GroupPast(pools={"spot1": lost(60)})
        assert step(sight("spot1"), sight("spot2", price=4.9), fallback=self.carried, past=past)[1] == "spot2"

    def test_a_lost_one_once_it_was_left_alone_long_enough(self):
        past = GroupPast(pools={"spot1": lost(60, retry_at=BEGIN)})
        assert step(sight("spot1"), fallback=self.carried, past=past)[1] == "spot1"

    def test_a_lost_one_is_left_alone_until_then(self):
        past = GroupPast(pools={"spot1": lost(60, retry_at=BEGIN + 5 * MINUTE)})
        said = rest(sight("spot1"), fallback=self.carried, past=past)
        assert said == "no spot pool has room; next asked Mon 7 Dec 10:05"

    def test_a_pool_that_was_asked_is_not_asked_again_until_it_is_overdue(self):
        asked = after_move(GroupPast(), "spot1", 3, BEGIN - 3 * MINUTE, raised=True, chosen=True)
        late = after_move(GroupPast(), "spot1", 3, BEGIN - 11 * MINUTE, raised=True, chosen=True)
        pool = sight("spot1", 0, wanted=3)

        assert rest(pool, fallback=self.carried, past=asked) == "0 nodes ready on spot, 3 on demand, 3 needed"
        assert rest(pool, fallback=self.carried, past=late) == "no spot pool has room; next asked Mon 7 Dec 10:05"
        now = BEGIN + 5 * MINUTE
        again = group(pool, fallback=self.carried, past=late).past
        later = replace(pool, at=now)
        assert step(later, fallback=replace(self.carried, at=now), past=again, now=now)[:3] == ("to_spot", "spot1", 3)

    def test_an_autoscaler_that_keeps_asking_is_left_to_it(self):
        past = GroupPast(pools={"spot1": lost(60)})
        asking = sight("spot1", 0, wanted=3, autoscaling=True, min_count=3, max_count=5)
        assert rest(asking, fallback=self.carried, past=past) == "no spot pool has room"

    def test_the_moves_of_the_hour_and_of_the_day(self):
        moves = tuple(Move(BEGIN - n * MINUTE, "spot1", raised=True, chosen=True) for n in (90, 40, 20))
        past = GroupPast(moves=moves)
        pools = (sight("spot1"), sight("spot2"))

        assert "2 moves of the hour" in str(due(*pools, fallback=self.carried, past=past, moves_per_hour=2))
        assert "3 moves of the day" in str(due(*pools, fallback=self.carried, past=past, moves_per_day=3))
        assert step(*pools, fallback=self.carried, past=past)[0] == "to_spot"

    def test_a_pool_that_was_just_given_up_is_not_asked_at_once(self):
        past = GroupPast(moves=(Move(BEGIN - 10 * MINUTE, "spot1", raised=False, chosen=True),))
        two = (sight("spot1"), sight("spot2"))
        assert step(*two, fallback=self.carried, past=past, **HALF)[1] == "spot2"

    def test_several_pools_make_up_for_one_that_is_small(self):
        first, second = sight("spot1", 2, highest=2), sight("spot2")
        assert step(first, second, fallback=self.carried)[:3] == ("to_spot", "spot2", 1)


class TestSurplus:
    def test_none_where_losses_are_rare(self):
        assert "3 needed" in rest(sight("spot1", 3, eviction_rate="0-5"), sight("spot2"))

    def test_elsewhere_where_a_loss_is_likely_enough_for_its_price(self):
        often = GroupPast(pools={"spot1": PoolPast(ready=3, hours=24, losses=24)}, read_at=BEGIN - MINUTE)
        assert step(sight("spot1", 3), sight("spot2"), past=often) == ("surplus", "spot2", 3, True)

    def test_not_where_it_would_go_down_with_the_rest(self):
        often = GroupPast(pools={"spot1": PoolPast(ready=3, hours=24, losses=24)}, read_at=BEGIN - MINUTE)
        assert "3 needed" in rest(sight("spot1", 3), past=often)

    def test_a_fixed_number(self):
        assert step(sight("spot1", 3), sight("spot2"), surplus=1) == ("surplus", "spot2", 1, True)

    @pytest.mark.parametrize("price", [None, float("nan"), -1.0, 0.0])
    def test_while_no_price_is_known_it_stays_as_it_was(self, price):
        past = stood(99, surplus=3, pools={"spot1": PoolPast(ready=3), "spot2": PoolPast(ready=3)})
        assert "3 needed" in rest(sight("spot1", 3, price=price), sight("spot2", 3, price=price), past=past)


class TestComeHome:
    def test_when_spot_has_carried_everything_for_long_enough(self):
        assert step(sight("spot1", 3), fallback=on_demand(3), past=stood(30), **HALF) == ("home", "ondemand", 0, True)

    def test_not_before(self):
        said = rest(sight("spot1", 3), fallback=on_demand(3), past=stood(20), **HALF)
        assert said == "spot carries everything; on-demand goes when that has held for 10m more"

    def test_the_floor_stays(self):
        assert step(sight("spot1", 3), fallback=on_demand(3), past=stood(30), floor=1, **HALF)[2] == 1

    def test_a_reading_that_failed_begins_the_wait_anew(self):
        blind = sight("spot1", 3, now=BEGIN, problem="throttled")
        seen = group(blind, fallback=on_demand(3), past=stood(60), **HALF)
        assert seen.past.stable_since is None
        assert rest(blind, fallback=on_demand(3), past=stood(60), **HALF).endswith("spot1: throttled")

    def test_a_gap_between_readings_begins_the_wait_anew(self):
        past = replace(stood(60), read_at=BEGIN - 11 * MINUTE)
        assert "30m more" in rest(sight("spot1", 3), fallback=on_demand(3), past=past, **HALF)

    def test_an_old_reading_is_unknown(self):
        old = BEGIN - 11 * MINUTE
        said = rest(sight("spot1", 3, now=old), fallback=on_demand(3, now=old), past=GroupPast(read_at=old), **HALF)
        assert said.endswith("last read Mon 7 Dec 09:49")

    def test_a_size_that_could_not_be_read_is_not_zero(self):
        past = stood(60, pools={"spot1": PoolPast(ready=3)})
        said = rest(sight("spot1", None), fallback=on_demand(3), past=past, **HALF)
        assert said.endswith("its size could not be read")

    def test_auto_waits_half_as_long_as_a_fallback_takes_and_longer_after_each(self):
        def fell_back(*minutes):
            return tuple(Move(BEGIN - n * MINUTE, "ondemand", raised=True, chosen=False) for n in minutes)

        waits = [
            group(sight("spot1", 3), past=GroupPast(moves=fell_back(*ago))).return_after / MINUTE
            for ago in ((), (20,), (21, 20), (50, 20), (50, 30, 20), (55, 45, 35, 25, 15, 8), (70, 65, 20))
        ]
        assert waits == [2.5, 2.5, 2.5, 5, 10, LONGEST_PAUSE / MINUTE, 2.5]

    def test_a_failed_drain_is_remembered_and_not_retried_for_ever(self):
        """k8s-spot-rescheduler#55 drained the same undrainable node for ever."""
        once = after_failed_drain(stood(60), "ondemand", BEGIN - MINUTE)
        said = rest(sight("spot1", 3), fallback=on_demand(3), past=once, **HALF)
        assert said == "ondemand could not be drained once; left alone until Mon 7 Dec 10:29"

        waits, past = [], GroupPast()
        for _ in range(9):
            past = after_failed_drain(past, "ondemand", BEGIN)
            waits.append((past.drains["ondemand"].retry_at - BEGIN) / MINUTE)
        assert waits[:3] == [30, 60, 120]
        assert waits[-1] == 24 * 60
        many = replace(stood(60), drains=past.drains)
        assert "9 times" in rest(sight("spot1", 3), fallback=on_demand(3), past=many, **HALF)

    def test_a_drain_that_worked_is_forgotten(self):
        past = GroupPast(drains={"ondemand": Drain(3, BEGIN)})
        assert after_move(past, "ondemand", 0, BEGIN, raised=False, chosen=True).drains == past.drains
        assert after_drain(past, "OnDemand").drains == {}
        assert after_drain(GroupPast(), "ondemand") == GroupPast()


class TestTidy:
    def test_nodes_left_over_from_an_evacuated_pool_go(self):
        past = stood(40, pools={"spot1": PoolPast(ready=2, losses=1, hours=9), "spot2": PoolPast(ready=3, hours=9)})
        assert step(sight("spot1", 2), sight("spot2", 3), past=past, **HALF) == ("tidy", "spot1", 0, True)

    def test_not_while_a_pool_is_leaving(self):
        past = stood(40, pools={"spot1": replace(lost(1), ready=2), "spot2": PoolPast(ready=3)})
        assert "3 needed" in rest(sight("spot1", 2), sight("spot2", 3), past=past, **HALF)

    def test_not_right_after_a_raise(self):
        moves = (Move(BEGIN - 10 * MINUTE, "spot2", raised=True, chosen=True),)
        past = stood(40, moves=moves, pools={"spot1": PoolPast(ready=2), "spot2": PoolPast(ready=3)})
        assert "3 needed" in rest(sight("spot1", 2), sight("spot2", 3), past=past, **HALF)

    def test_an_autoscaler_that_we_raised_may_do_with_less_again(self):
        scaled = sight("spot1", 7, wanted=7, autoscaling=True, min_count=7, max_count=12)
        ours = stood(40, carried=7, pools={"spot1": PoolPast(ready=7, asked=7)})
        theirs = stood(40, carried=7, pools={"spot1": PoolPast(ready=7)})

        assert step(scaled, past=ours, lowest=3, highest=12, **HALF) == ("tidy", "spot1", 3, True)
        assert "7 needed" in rest(scaled, past=theirs, lowest=3, highest=12, **HALF)


def test_only_a_finite_positive_number_is_a_price():
    assert [known_price(one) for one in (None, float("nan"), float("inf"), 0.0, -1.0, 0.04)] == [None] * 5 + [0.04]


def test_a_node_takes_its_pods_addresses_only_in_a_flat_network():
    assert addresses_per_node("azure", "", None) == 31
    assert addresses_per_node(None, None, 250) == 1


def test_each_why_is_a_reason_people_can_look_up():
    from shared.model.decisions import Reason

    assert {Reason(why.value) for why in Why}


def test_azures_advice_orders_pools_and_forbids_none():
    low, high = sight("spot1", 0, score="Low"), sight("spot2", 0, score="High")
    assert step(low, high, fallback=on_demand(3))[:2] == ("to_spot", "spot2")
    assert step(low, fallback=on_demand(3))[:2] == ("to_spot", "spot1")
    assert step(low, sight("spot2", 0), fallback=on_demand(3))[:2] == ("to_spot", "spot2")


BLIND = {"room_problem": "the quota could not be read"}


class TestUnknownRoom:
    """Unknown is never free: quota or addresses that could not be read hold back whatever is a choice."""

    def test_spot_is_not_asked(self):
        held = due(sight("spot1", **BLIND), fallback=on_demand(3))
        assert held == Rest(
            "how many nodes there is room for is unknown: the quota could not be read", held.held, Reason.NO_ROOM
        )
        assert (held.held.why, held.held.pool.name, held.held.size) == (Why.TO_SPOT, "spot1", 3)

    def test_another_pool_whose_room_is_known_is_asked(self):
        assert step(sight("spot1", **BLIND), sight("spot2"), fallback=on_demand(3))[:2] == ("to_spot", "spot2")

    def test_spot_is_asked_all_the_same_where_nodes_are_missing_and_on_demand_has_no_room(self):
        found = step(sight("spot1", **BLIND), fallback=on_demand(0, quota_left=0))
        assert found == ("to_spot", "spot1", 3, False)

    def test_no_surplus_is_bought(self):
        assert step(sight("spot1", 3), sight("spot2"), surplus=1)[0] == "surplus"
        held = due(sight("spot1", 3), sight("spot2", **BLIND), surplus=1)
        assert (held.reason, held.held.why) == (Reason.NO_ROOM, Why.SURPLUS)

    @pytest.mark.parametrize("pool", ["spot1", "ondemand"])
    def test_nothing_is_made_smaller(self, pool):
        spot, back = sight("spot1", 3), on_demand(3)
        assert step(spot, fallback=back, past=stood(31), **HALF)[0] == "home"
        spot, back = (replace(one, **BLIND) if one.name == pool else one for one in (spot, back))
        held = due(spot, fallback=back, past=stood(31), **HALF)
        assert held.sentence == f"room to take them back is unknown: {pool}: the quota could not be read"
        assert (held.reason, held.held.why) == (Reason.NO_ROOM, Why.HOME)

    def test_nothing_is_tidied_up(self):
        spare = {"spot1": PoolPast(ready=3), "spot2": PoolPast(ready=1)}
        known = stood(31, pools=spare)
        assert step(sight("spot1", 3), sight("spot2", 1), past=known, surplus=0, **HALF)[0] == "tidy"
        assert rest(sight("spot1", 3, **BLIND), sight("spot2", 1), past=known, surplus=0, **HALF).endswith("be read")
