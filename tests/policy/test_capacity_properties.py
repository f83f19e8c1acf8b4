"""What holds for a capacity group in any market."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.model.actions import GrowPool, ShrinkPool
from shared.model.facts import Fact
from shared.model.spot import GroupPast, PoolPast
from shared.policy.capacity import Step, best_pool, next_step
from shared.policy.capacity_group import room
from tests.policy.capacity_worlds import BEGIN, START, TURN, WEB, Story, group, on_demand, rules, sight, traces, view_of

FREE = rules(more=", moves_per_hour: 1000, moves_per_day: 10000")
TEN_MINUTES = rules(more=", return_after: 10m, moves_per_hour: 1000, moves_per_day: 10000")
FEW = rules(more=", return_after: 2m, moves_per_hour: 2, moves_per_day: 5")
ANY = st.sampled_from([FREE, TEN_MINUTES, FEW, rules(WEB.replace("}}", "}, surplus: 1, on_demand_floor: 1}"))])


@given(traces(), ANY)
@settings(max_examples=40, deadline=None)
def test_our_own_moves_never_leave_fewer_than_the_minimum(market, policy):
    """AutoSpotting#401: old capacity was removed before the new was ready."""
    story = Story(policy)
    for now in market:
        ready, nodes = story.all_ready, story.all_nodes
        story.act()
        assert story.all_nodes >= min(3, nodes)
        assert story.all_ready >= min(3, ready)
        story.market(now)


@given(traces(), ANY)
@settings(max_examples=40, deadline=None)
def test_what_is_missing_is_on_its_way_within_the_turn(market, policy):
    """A fallback leaves in the same pulse: ready or starting there are always enough, whatever the market does."""
    story = Story(policy)
    for now in market:
        story.act()
        assert sum(map(story.ready, story.spot)) + len(story.on_demand) >= 3
        story.market(now)


@given(traces(longest=400))
@settings(max_examples=40, deadline=None)
def test_no_more_moves_than_allowed(market):
    chosen = [turn for turn, _, _, raised, urgent in Story(FEW).play(market).done if raised and not urgent]

    hour, day = timedelta(hours=1) / TURN, timedelta(days=1) / TURN
    assert all(sum(turn - hour < other <= turn for other in chosen) <= 2 for turn in chosen)
    assert all(sum(turn - day < other <= turn for other in chosen) <= 5 for turn in chosen)


@given(traces(zones=3))
@settings(max_examples=40, deadline=None)
def test_no_two_opposite_moves_within_the_hysteresis(market):
    """KPA#5250: spot and on-demand swapped every five minutes. Only nodes that went missing may turn a move around."""
    wait = timedelta(minutes=10) / TURN
    done = Story(TEN_MINUTES, zones=3).play(market).done

    for turn, pool, _, raised, urgent in done:
        opposite = [other for other, name, _, up, _ in done if name == pool and up is not raised and other <= turn]
        assert urgent or not opposite or turn - max(opposite) >= wait


@given(traces(), traces(), ANY)
@settings(max_examples=30, deadline=None)
def test_no_future_value_changes_a_decision(market, another, policy):
    """The same past gives the same decisions, whatever comes."""
    cut = len(market) // 2
    one, two = Story(policy).play(market), Story(policy).play(market[:cut] + another)

    def until_cut(story):
        return [step for step in story.done if step[0] < cut]

    assert until_cut(one) == until_cut(two)


@given(traces(), ANY, st.integers(1, 30))
@settings(max_examples=20, deadline=None)
def test_what_a_reading_dates_later_changes_no_decision(market, policy, minutes):
    """A log that runs ahead of our clock, or a trace that gives its future away."""
    story, told = Story(policy), Story(policy, foretold=timedelta(minutes=minutes))
    assert told.play(market).done == story.play(market).done


@given(traces(), st.integers(0, 200), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_unknown_never_lowers_anything(market, begin, length):
    """CA#3240: one throttled read became size -1, and 200 nodes became 3."""
    story = Story(FREE)
    for number, now in enumerate(market):
        story.blind = begin <= number < begin + length
        before = len(story.done)
        story.act()
        assert not story.blind or all(raised for _, _, _, raised, _ in story.done[before:])
        story.market(now)


@given(traces(), ANY, st.integers(0, 200), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_unknown_room_leaves_only_what_is_needed(market, policy, begin, length):
    story = Story(policy)
    for number, now in enumerate(market):
        story.cramped = begin <= number < begin + length
        before = len(story.done)
        story.act()
        assert not story.cramped or all(raised and urgent for _, _, _, raised, urgent in story.done[before:])
        assert sum(map(story.ready, story.spot)) + len(story.on_demand) >= 3
        story.market(now)


prices = st.sampled_from([None, float("nan"), float("inf"), -1.0, 0.0])


SPARE_BEFORE_HOME = [
    room
    for room, turns in [((0, 1), 2), ((0, 0), 1), ((0, 1), 11), ((0, 0), 2), ((2, 0), 49), ((1, 2), 20)]
    for _ in range(turns)
]


@given(traces(), prices)
@example(SPARE_BEFORE_HOME, None)
@settings(max_examples=20, deadline=None)
def test_a_price_that_is_none_lowers_nothing_that_a_good_one_keeps(market, price):
    """But on-demand may go a turn sooner, where a good price asks for nodes to spare first."""
    story, odd = Story(FREE), Story(FREE)
    for now in market:
        odd.memory, odd.turn, odd.done = story.memory, story.turn, []
        odd.spot, odd.on_demand = [list(nodes) for nodes in story.spot], list(story.on_demand)
        odd.evicted, odd.refused, odd.price = story.evicted, story.refused, price
        before = len(story.done)
        story.act()
        odd.act()
        lowered = [step for step in odd.done if not step[3]]
        done = story.done[before:]
        spare_first = any(raised for *_, raised, _ in done)
        assert all(step in done or (spare_first and step[1] == "ondemand") for step in lowered)
        story.market(now)


sights = st.builds(
    lambda number, ready, highest, quota: sight(f"spot{number}", ready, wanted=ready, highest=highest, quota_left=quota),
    st.integers(0, 9), st.integers(0, 5), st.integers(0, 8), st.none() | st.integers(0, 3),
)  # fmt: skip
pasts = st.builds(
    PoolPast,
    preempted=st.booleans(),
    losses=st.floats(0, 50),
    hours=st.floats(0, 100),
    retry_at=st.none() | st.integers(-60, 60).map(lambda minutes: BEGIN + timedelta(minutes=minutes)),
)


@given(st.lists(st.tuples(sights, pasts), min_size=1, max_size=6, unique_by=lambda pair: pair[0].name))
def test_a_lost_pool_is_never_preferred_to_an_active_one(pairs):
    """An early version of SkyServe had the filter the wrong way round and chose the preempted ones (32c55be)."""
    seen = group(*(one for one, _ in pairs))
    seen = replace(seen, past=GroupPast(pools={one.name: past for one, past in pairs}))
    chosen = best_pool(seen)

    if chosen is not None and seen.past.pool(chosen.name).preempted:
        assert not any(room(one, seen.coming(one)) > 0 and not past.preempted for one, past in pairs)


@given(traces(), st.integers(0, 239))
@settings(max_examples=30, deadline=None)
def test_deciding_twice_on_one_reading_says_the_same(market, stop):
    """`act` decides again on what the tick has folded into memory already."""
    story = Story(FREE).play(market[: stop + 1])
    story.act(again=1)
    before = len(story.done)
    first = story.decided[-1]
    story.act(again=1)
    if not any(decision.action for decision in first):
        assert [d.message for d in story.decided[-1]] == [d.message for d in first]
        assert len(story.done) == before


def test_a_storm_is_survived_and_home_is_found_again():
    """Evicted everywhere at once: all nodes stand in for on demand within a turn, and go when spot has carried them."""
    calm, storm = [(4, 4)] * 60, [(0, 0)] * 30
    story = Story(TEN_MINUTES).play(calm)
    assert (sum(map(len, story.spot)), len(story.on_demand)) == (3, 0)

    story.play([(0, 0), *storm])
    assert len(story.on_demand) == 3

    story.play([(4, 4)] * 120)
    assert (sum(map(len, story.spot)), len(story.on_demand)) == (3, 0)
    assert START < 60


@given(st.booleans(), st.integers(0, 3))
def test_without_a_reading_nothing_is_done(readable, ready):
    seen = group(sight("spot1", ready), fallback=on_demand(3))
    assert isinstance(next_step(seen), Step) or ready == 3
    fact = Fact(None, BEGIN, "throttled") if readable else None
    story = Story(FREE)
    view = view_of(story.sights(), fact=fact)
    from shared.policy.rules import spot

    proposals = spot.propose(view, FREE.rules[0], BEGIN)
    assert not any(isinstance(one.action, ShrinkPool | GrowPool) for one in proposals)
