"""Writes to pools: twenty at once, then one a minute; what keeps a minimum never waits."""

from dataclasses import replace
from datetime import timedelta

from shared.model.actions import GrowPool, StopCluster
from shared.model.decisions import Decision, Reason, Verdict
from shared.model.memory import Memory
from shared.model.spot import GroupPast, Move
from shared.policy.pacing import PUTS_AT_ONCE, Puts, recent_moves
from tests.policy.builders import at

NOW = at("Mon 12:00")
MINUTE = timedelta(minutes=1)
LANE = ("s", "westeurope")


def decision(number=0, *, urgent=False, action=GrowPool):
    id_ = f"/subscriptions/s/{number}"
    made = action(id_, "spot1", count=3, group="web/web", urgent=urgent) if action is GrowPool else action(id_)
    return Decision(str(number), id_, id_, made, Verdict.ACT, Reason.TO_SPOT, "", "web", "", lane=LANE)


def memory(number, *minutes_ago):
    moves = tuple(Move(NOW - ago * MINUTE, "spot1", raised=True, chosen=True) for ago in minutes_ago)
    return Memory(f"/subscriptions/s/{number}", groups={"web/web": GroupPast(moves=moves)})


def waits(count, *memories, **more):
    given = [decision(number, **more) for number in range(count)]
    puts = Puts(given, recent_moves(memories, NOW), NOW)
    return [puts.wait(one) / MINUTE for one in given]


def test_twenty_leave_at_once_and_one_a_minute_after_them():
    assert waits(PUTS_AT_ONCE + 3) == [0.0] * PUTS_AT_ONCE + [1.0, 2.0, 3.0]


def test_what_was_moved_lately_counts():
    assert waits(2, memory(0, *[0] * PUTS_AT_ONCE)) == [1.0, 2.0]
    assert waits(2, memory(0, *[5] * PUTS_AT_ONCE)) == [0.0, 0.0]
    assert waits(2, memory(99, *[0] * PUTS_AT_ONCE)) == [0.0, 0.0]


def test_what_was_moved_long_ago_does_not():
    assert recent_moves([memory(0, 20, 25)], NOW) == {}


def test_a_fallback_never_waits_and_takes_its_place_all_the_same():
    assert waits(PUTS_AT_ONCE + 9, urgent=True) == [0.0] * (PUTS_AT_ONCE + 9)
    urgent = [decision(number, urgent=True) for number in range(PUTS_AT_ONCE)]
    puts = Puts([*urgent, decision(50)], {}, NOW)
    assert [puts.wait(one) for one in urgent] == [timedelta(0)] * PUTS_AT_ONCE
    assert puts.wait(decision(50)) == MINUTE


def test_other_regions_and_other_actions_have_nothing_to_do_with_it():
    puts = Puts([], {}, NOW)
    elsewhere = replace(decision(), lane=("s", "northeurope"))
    for number in range(PUTS_AT_ONCE):
        puts.wait(decision(number))
    assert puts.wait(elsewhere) == timedelta(0)
    assert puts.wait(decision(action=StopCluster)) == timedelta(0)
