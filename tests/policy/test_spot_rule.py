"""The rule `spot` through `decide`, guards and `admit`, and what its block accepts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import PolicyError
from shared.model.actions import GrowPool, ShrinkPool
from shared.model.decisions import Reason, Verdict
from shared.model.facts import Fact, FleetFacts, Need
from shared.model.fleet import Power
from shared.model.memory import Adoption, Failure, Memory, OpenAction, Phase, Seen, TargetMemory, Wish
from shared.model.spot import Drain, GroupPast, PoolPast
from shared.policy.admit import admit
from shared.policy.decide import decide
from shared.policy.rules import spot
from tests.policy.builders import keep_on, policy
from tests.policy.capacity_worlds import BEGIN, WEB, Story, on_demand, rules, sight, view_of

MINUTE = timedelta(minutes=1)
RULES = rules(more=", return_after: 30m")
EMPTY = {"spot1": sight("spot1", 0), "ondemand": on_demand(0)}
CARRIED = {"spot1": sight("spot1", 3), "ondemand": on_demand(3)}
LONG = GroupPast(read_at=BEGIN - MINUTE, stable_since=BEGIN - 40 * MINUTE, pools={"spot1": PoolPast(ready=3)})


def memory(view, past=LONG, **more):
    return Memory(view.cluster.id, groups={"web-on-spot/web": past}, **more)


def of(sights, pool="ondemand", policy=RULES, *, remembered=None, targets=None, hold=None, open_=None, **more):
    view = view_of(sights, **more)
    past = {} if remembered is None else {"web-on-spot/web": remembered}
    mine = Memory(view.cluster.id, groups=past, targets=targets or {}, holds=(hold,) if hold else (), open=open_)
    return next(one for one in decide(replace(view, memory=mine), policy, BEGIN) if one.pool == pool)


def home(**more):
    return of(CARRIED, remembered=LONG, **more)


class TestDecisions:
    def test_a_fallback_is_an_action_with_a_size(self):
        decision = of(EMPTY)
        assert (decision.verdict, decision.reason, decision.shown_action) == (Verdict.ACT, Reason.FALL_BACK, "grow")
        assert isinstance(decision.action, GrowPool)
        assert (decision.action.count, decision.action.min_count, decision.action.urgent) == (3, None, True)
        assert decision.message == "grow: group web: 3 of 3 nodes are missing: not enough nodes are ready"

    def test_home_is_an_action_that_production_never_sees(self):
        decision = home()
        assert (decision.verdict, decision.reason, decision.shown_action) == (Verdict.ACT, Reason.HOME, "shrink")
        assert isinstance(decision.action, ShrinkPool)
        assert (decision.action.count, decision.action.disruptive, decision.action.in_production) == (0, True, False)

    def test_every_pool_of_the_group_says_why_nothing_happens_to_it(self):
        assert of(EMPTY, "spot1").reason is Reason.NO_OPINION
        assert "nodes are missing" in of(EMPTY, "spot1").message

    def test_an_autoscaled_pool_keeps_its_autoscaler(self):
        scaled = on_demand(0, autoscaling=True, min_count=0, max_count=2)
        action = of({"spot1": sight("spot1", 0), "ondemand": scaled}).action
        assert isinstance(action, GrowPool)
        assert (action.count, action.min_count, action.max_count) == (None, 3, 3)

    @pytest.mark.parametrize(("nodes", "size"), [("", 2), (", nodes: {min: 3, max: 12}", 3)])
    def test_an_inferred_group_keeps_the_bounds_that_people_gave_its_pools(self, nodes, size):
        """They may move only where somebody wrote down how many nodes there should be."""
        auto = policy(f"  - {{name: web-on-spot, match: {{environments: [dev]}}, spot: {{groups: auto{nodes}}}}}")
        scaled = on_demand(0, autoscaling=True, min_count=0, max_count=2)
        sights = {"spot1": sight("spot1", 0, wanted=3), "ondemand": scaled}
        past = GroupPast(BEGIN - MINUTE, carried=3, pools={"spot1": PoolPast(ready=3)})
        memory = Memory(view_of(sights).cluster.id, groups={"web-on-spot/ondemand": past})
        decisions = decide(view_of(sights, memory), auto, BEGIN)
        [action] = [one.action for one in decisions if one.action is not None]
        assert (action.pool, action.min_count) == ("ondemand", size)

    def test_what_waits_for_room_says_so_beside_what_is_wanted(self):
        blind = {"spot1": sight("spot1", 0, room_problem="throttled"), "ondemand": on_demand(3)}
        waiting = of(blind, "spot1")
        assert (waiting.verdict, waiting.reason) == (Verdict.DEFER, Reason.NO_ROOM)
        assert waiting.message == (
            "grow wanted (group web: spot1 is asked for 3 of 3 nodes), "
            "but how many nodes there is room for is unknown: throttled"
        )

    def test_a_drain_that_failed_is_wanted_still_and_says_when(self):
        waiting = of(CARRIED, remembered=replace(LONG, drains={"ondemand": Drain(2, BEGIN + 30 * MINUTE)}))
        assert (waiting.verdict, waiting.reason) == (Verdict.DEFER, Reason.RETRY_LATER)
        assert waiting.not_before == BEGIN + 30 * MINUTE
        assert waiting.message.endswith("ondemand could not be drained 2 times; left alone until Mon 7 Dec 10:30")

    def test_the_same_occasion_has_the_same_id_in_tick_and_act(self):
        assert of(EMPTY).id == of(EMPTY).id
        assert of(EMPTY).cause == "web-on-spot/web:fall_back"

    def test_one_write_at_a_time_and_raising_before_lowering(self):
        two = rules(
            '{name: web, spot: ["spot1"], fallback: ondemand, nodes: {min: 3, max: 3}}, '
            '{name: api, spot: ["spot2"], fallback: other, nodes: {min: 2, max: 2}}'
        )
        other = replace(on_demand(0), name="other")
        sights = {**CARRIED, "spot2": sight("spot2", 0), "other": other}
        view = view_of(sights)
        past = {"web-on-spot/web": LONG, "web-on-spot/api": GroupPast()}
        found = decide(replace(view, memory=Memory(view.cluster.id, groups=past)), two, BEGIN)
        said = {one.pool: (one.verdict, one.reason) for one in found}
        assert said["other"] == (Verdict.ACT, Reason.FALL_BACK)
        assert said["ondemand"] == (Verdict.DEFER, Reason.WAITS_FOR)


class TestUnknown:
    @pytest.mark.parametrize(
        "fact", [None, Fact(None, BEGIN, "throttled"), Fact((), BEGIN), Fact((), BEGIN, "throttled")]
    )
    def test_without_a_reading_nothing_is_done(self, fact):
        view = view_of(CARRIED, fact=fact)
        decisions = decide(replace(view, memory=memory(view)), RULES, BEGIN)
        assert all(one.action is None for one in decisions)
        assert any("unknown" in one.message for one in decisions)

    def test_a_reading_with_one_problem_for_all_lowers_nothing(self):
        fact = Fact(tuple(CARRIED.values()), BEGIN, "the second page could not be read")
        assert home(fact=fact).action is None

    def test_a_stopped_pool_is_left_alone(self):
        view = view_of(EMPTY)
        pools = tuple(replace(p, power=Power.STOPPED) if p.name == "spot1" else p for p in view.cluster.pools)
        view = replace(view, cluster=replace(view.cluster, pools=pools))
        decisions = decide(view, RULES, BEGIN)
        assert all(one.action is None for one in decisions)
        assert "stopped (spot1)" in decisions[-1].message


class TestGuards:
    def test_production_is_raised_where_it_is_named_and_never_made_smaller(self):
        prod = rules(match="{environments: [prod]}", more=", return_after: 30m")
        assert of(EMPTY, policy=prod, env="prod").verdict is Verdict.ACT
        refused = home(policy=prod, env="prod")
        assert (refused.verdict, refused.reason) == (Verdict.REFUSE, Reason.PRODUCTION)
        assert "production is never made smaller" in refused.message

    def test_production_that_is_not_named_is_not_spoken_for(self):
        everything = rules(match='{names: ["*"]}')
        found = decide(view_of(EMPTY, env="prod"), everything, BEGIN)
        assert [one.pool for one in found] == [None]

    FREEZE = "freezes: [{name: quarter-end, from: 2026-12-01, to: 2026-12-31, hold: [move]}]\n"

    def test_a_freeze_of_moves_holds_moves_and_never_a_fallback(self):
        frozen = rules(more=", return_after: 30m", extra=self.FREEZE)
        assert home(policy=frozen).reason is Reason.FROZEN
        carried = {"spot1": sight("spot1", 0), "ondemand": on_demand(3)}
        assert of(carried, "spot1", policy=frozen).reason is Reason.FROZEN
        assert of(EMPTY, policy=frozen).verdict is Verdict.ACT

    def test_the_emergency_hold_stops_what_shrinks(self):
        fleet = {"hold_by": "ana"}
        assert home(fleet=fleet).reason is Reason.HOLD
        assert of(EMPTY, fleet=fleet).verdict is Verdict.ACT
        assert of(EMPTY, fleet={"hold_by": "ana", "hold_all": True}).reason is Reason.HOLD

    def test_an_unreadable_policy_only_raises(self):
        assert home(fleet={"policy_readable": False}).reason is Reason.UNREADABLE_POLICY
        assert of(EMPTY, fleet={"policy_readable": False}).verdict is Verdict.ACT

    def test_a_fallback_does_not_wait_for_another_pools_upgrade(self):
        def upgrading(name):
            view = view_of(EMPTY)
            pools = tuple(
                replace(p, provisioning_state="Upgrading") if p.name == name else p for p in view.cluster.pools
            )
            found = decide(replace(view, cluster=replace(view.cluster, pools=pools)), RULES, BEGIN)
            return next(one for one in found if one.pool == "ondemand")

        assert upgrading("spot1").verdict is Verdict.ACT
        assert upgrading("ondemand").reason is Reason.BUSY

    def test_what_azure_refused_is_tried_again_later(self):
        failed = Failure("grow_pool", "QuotaExceeded", "no quota", BEGIN - MINUTE, 1, BEGIN + 4 * MINUTE)
        assert of(EMPTY, targets={"ondemand": TargetMemory(failure=failed)}).reason is Reason.RETRY_LATER

    def test_one_write_is_under_way(self):
        doing = OpenAction("x", "grow_pool", "ondemand", Phase.ACCEPTED, "c", "web-on-spot", "fall_back", BEGIN, BEGIN)
        assert of(EMPTY, open_=doing).reason is Reason.UNDER_WAY

    def test_an_excluded_cluster_is_left_alone(self):
        assert of(EMPTY, tags={"lamplighter-exclude": "true"}).reason is Reason.EXCLUDED

    def test_a_person_who_keeps_it_on_keeps_its_size(self):
        held = keep_on(BEGIN - MINUTE, BEGIN + 60 * MINUTE)
        assert home(hold=held).action is None
        assert of(EMPTY, hold=held).verdict is Verdict.ACT

    def test_plan_mode_plans(self):
        planned = rules(more=", return_after: 30m", mode="plan")
        assert of(EMPTY, policy=planned).verdict is Verdict.PLAN

    def test_node_provisioning_and_fleets_do_not_matter_to_a_size(self):
        assert of(EMPTY, node_provisioning="Auto").verdict is Verdict.ACT
        view = view_of(EMPTY)
        found = decide(replace(view, cluster=replace(view.cluster, fleet="/hub")), RULES, BEGIN)
        assert next(one for one in found if one.pool == "ondemand").verdict is Verdict.ACT

    def test_a_shrink_takes_nothing_from_the_stop_budget_and_waits_for_the_breaker(self):
        policy = rules(more=", return_after: 30m", guards="stops: {at_most: 1, within: 1h}")
        decision = home(policy=policy)
        spent = FleetFacts(matched=1, recent_stops=(BEGIN - MINUTE,))
        assert admit([decision], spent, policy, BEGIN).admitted == (decision,)
        broken = FleetFacts(breaker_open=True, breaker_reason="failures")
        assert admit([decision], broken, policy, BEGIN).decisions[0].reason is Reason.BREAKER

    def test_what_a_schedule_stops_is_not_resized(self):
        off = '  - {name: pools, match: {environments: [dev]}, hours: {schedule: never, pools: ["ondemand"], enforce: true}}'
        line = f"  - {{name: web-on-spot, match: {{environments: [dev]}}, spot: {{groups: [{WEB}]}}}}"
        both = policy(off, line)
        view = view_of(EMPTY)
        adopted = {"pools": Adoption(both.rules[0].fingerprint, BEGIN - timedelta(days=9))}
        target = TargetMemory(adopted=adopted, ran_at=BEGIN, seen=Seen(Power.RUNNING, BEGIN - timedelta(days=9)))
        mine = Memory(view.cluster.id, targets={"ondemand": target})
        found = next(d for d in decide(replace(view, memory=mine), both, BEGIN) if d.pool == "ondemand")
        assert found.wish is Wish.STOPPED
        assert not isinstance(found.action, GrowPool)


class TestBlock:
    def test_needs_a_reading_only_where_the_group_is(self):
        rule = RULES.rules[0]
        assert spot.needs(view_of(EMPTY), rule, BEGIN) == {Need.CAPACITY}
        assert spot.needs(view_of({"spot1": sight("spot1")}), rule, BEGIN) == frozenset()
        assert spot.needs(view_of(EMPTY, power=Power.STOPPED), rule, BEGIN) == frozenset()
        assert spot.learned(view_of(EMPTY, fact=None), rule, BEGIN).groups == {}

    def test_a_glob_means_spot_pools_only_in_the_order_of_the_globs(self):
        ordered = rules('{name: web, spot: ["spot2", "*"], fallback: ondemand, nodes: {min: 3, max: 3}}')
        sights = {"spot1": sight("spot1"), "spot2": sight("spot2"), "ondemand": on_demand(3)}
        assert of(sights, "spot2", policy=ordered).reason is Reason.TO_SPOT

    def test_a_fallback_that_is_spot_is_no_fallback(self):
        strange = rules('{name: web, spot: ["spot1"], fallback: spot1, nodes: {min: 3, max: 3}}')
        assert spot.needs(view_of(EMPTY), strange.rules[0], BEGIN) == frozenset()

    @pytest.mark.parametrize(
        ("group", "why"),
        [
            (WEB.replace("spot*", "spt*"), "no spot pool is called spt*"),
            (WEB.replace("fallback: ondemand", "fallback: od"), "the cluster has no pool od"),
            (WEB.replace("fallback: ondemand", "fallback: spot1"), "spot1 is a spot pool itself"),
        ],
    )
    def test_a_group_that_is_not_here_says_what_is_lacking(self, group, why):
        said = of(EMPTY, None, policy=rules(group))
        assert (said.verdict, said.reason) == (Verdict.NONE, Reason.NO_OPINION)
        assert f"group web is not here: {why}" in said.message

    def test_the_example_of_the_grammar_is_understood(self):
        example = '{name: web, spot: ["spot*"], fallback: ondemand, nodes: {min: 3, max: 12}, surplus: auto, on_demand_floor: 1}'
        block = rules(example, more=", return_after: 30m, moves_per_day: 12").rules[0].block
        assert (block.return_after, block.moves_per_day, block.moves_per_hour) == (30 * MINUTE, 12, 4)
        assert (block.groups[0].surplus, block.groups[0].on_demand_floor) == ("auto", 1)

    @pytest.mark.parametrize(
        ("group", "more", "said"),
        [
            (WEB.replace("max: 3", "max: 2"), "", "3 to 2 is no range"),
            (f"{WEB}, {WEB}", "", "two groups are called 'web'"),
            (WEB.replace('["spot*"]', "[]"), "", "there is nothing in it"),
            (WEB, ", return_after: soon", "soon"),
            (WEB, ", moves_per_day: -1", "-1"),
            (WEB.replace("}}", "}, surplus: many}"), "", "many"),
            (WEB.replace("fallback: ondemand, ", ""), "", "fallback"),
        ],
    )
    def test_a_mistake_is_told_with_its_place(self, group, more, said):
        with pytest.raises(PolicyError) as error:
            rules(group, more)
        assert said in str(error.value)
        assert "spot" in str(error.value)

    def test_a_failed_drain_is_written_down_for_the_pool(self):
        action = home().action
        assert isinstance(action, ShrinkPool)
        kept = spot.not_drained(Memory(action.cluster), action, BEGIN)
        assert kept.groups["web-on-spot/web"].drains["ondemand"].count == 1

    def test_the_bounds_of_an_autoscaler_are_remembered_as_the_size_asked_for(self):
        action = GrowPool("c", "ondemand", min_count=3, max_count=5, group="web-on-spot/web")
        assert spot.accepted(Memory("c"), action, BEGIN).groups["web-on-spot/web"].pool("ondemand").asked == 3


def test_a_day_told_as_a_story():
    """Calm, an eviction, its replacement elsewhere, on-demand gone again: who did what, and when."""
    story = Story(rules(more=", return_after: 10m")).play([(4, 4)] * 40 + [(0, 4)] * 80)
    told = [(turn, pool, "+" if raised else "-") for turn, pool, _, raised, _ in story.done]
    assert told[:2] == [(0, "ondemand", "+"), (0, "spot0", "+")]
    assert told[2][1:] == ("ondemand", "-")
    assert told[3:5] == [(41, "ondemand", "+"), (41, "spot1", "+")]
    assert told[5][1:] == ("ondemand", "-")
    assert len(told) == 6
