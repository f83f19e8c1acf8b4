"""Groups that nobody wrote down: only where nobody would have to guess."""

from dataclasses import replace

from shared.model.facts import Need
from shared.policy.capacity_infer import inferred
from shared.policy.rules import spot
from tests.policy.builders import SYSTEM, cluster, pool
from tests.policy.capacity_worlds import BEGIN, on_demand, rules, sight, view_of


def spot_pool(name="spot1", **more):
    return pool(name, priority="Spot", **more)


def regular(name="apps", **more):
    return pool(name, priority="Regular", **more)


def groups(*pools):
    return [(one.name, one.spots) for one in inferred(cluster(pools=(SYSTEM, *pools)))]


def test_the_only_on_demand_user_pool_stands_in_for_all():
    assert groups(spot_pool(), spot_pool("spot2"), regular()) == [("apps", ("spot1", "spot2"))]


def test_of_several_the_one_of_the_same_size_or_kind():
    big, small = regular("big", vm_size="Standard_E8s_v5"), regular("small", vm_size="Standard_D4s_v5")
    assert groups(spot_pool(vm_size="standard_d4s_v5"), big, small) == [("small", ("spot1",))]
    assert groups(spot_pool(vm_size="Standard_E8as_v5"), big, small) == [("big", ("spot1",))]


def test_where_two_would_do_nobody_guesses():
    twins = [regular(name, vm_size="Standard_D4s_v5") for name in ("one", "two")]
    assert groups(spot_pool(vm_size="Standard_D4s_v5"), *twins) == []
    assert groups(spot_pool(vm_size="Standard_F4s_v2"), *twins) == []


def test_nothing_of_windows_system_or_other_pools():
    assert groups(spot_pool()) == []
    assert groups(spot_pool(), regular(os_type="Windows")) == []
    assert groups(spot_pool(), regular(kind="VirtualMachines")) == []
    assert groups(spot_pool(os_type="Windows"), regular()) == []


def test_the_rule_asks_about_them_and_says_that_they_are_inferred():
    auto = rules(more="").rules[0]
    block = spot.Block(groups="auto")
    rule = replace(auto, block=block)
    view = view_of({"spot1": sight("spot1", 3), "ondemand": on_demand(0)})
    assert spot.needs(view, rule, BEGIN) == {Need.CAPACITY}
    [_, said] = spot.propose(view, rule, BEGIN)
    assert said.sentence.startswith("group ondemand (inferred: spot1, with ondemand to fall back on): ")
    [alone] = spot.propose(view_of({"spot1": sight("spot1", 3)}), rule, BEGIN)
    assert alone.sentence.startswith("no group can be inferred")
