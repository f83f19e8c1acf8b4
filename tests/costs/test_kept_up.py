"""Hours that a cluster ran because somebody said so, from what history wrote down, and what its nodes cost in them."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.costs.kept_up import EXCLUDED, KeptUp, kept_up
from shared.costs.stopped import held_hours, running_hours, stopped_hours
from shared.model.past import ClusterPast, Held, PoolSpan
from shared.model.records import HistoryRecord
from tests.costs.bills import SETTLED, VMSS, WEEK, cluster_id, daily, finance, weeks_of

WEB = cluster_id("web")
MONDAY = datetime.combine(WEEK.first, datetime.min.time(), UTC)
END = MONDAY + timedelta(days=7)


def at(hours):
    return MONDAY + timedelta(hours=hours)


def decided(hours, reason, target=WEB):
    return HistoryRecord(at(hours), WEB, "decided", f"d{hours}", {"target": target, "reason": reason})


def kept(*records, pasts=None, until=END):
    return kept_up(records, pasts or {}, WEEK, until, lambda tags: tags.get("lamplighter-exclude") == "true")


def test_a_reason_holds_until_the_next_decision_about_the_same_cluster():
    found = kept(decided(5, "keep_on"), decided(9, "off_hours"), decided(20, "manual_start"), decided(26, "as_wished"))

    assert found == {WEB: (KeptUp("kept on", at(5), at(9)), KeptUp("started by hand", at(20), at(26)))}


def test_what_holds_still_holds_until_the_last_look_and_no_longer():
    assert kept(decided(5, "keep_on"), until=at(30)) == {WEB: (KeptUp("kept on", at(5), at(30)),)}
    assert kept(decided(40, "keep_on"), until=at(30)) == {}


def test_decisions_about_pools_and_other_records_say_nothing_of_the_cluster():
    pool = decided(5, "keep_on", f"{WEB}/agentpools/np")

    assert kept(pool, HistoryRecord(at(6), WEB, "observed", "x", {})) == {}


def test_a_tag_that_excludes_counts_for_the_days_on_which_it_was_there():
    tags = ((at(0), {}), (at(24), {"lamplighter-exclude": "true"}), (at(72), {}))
    found = kept(pasts={WEB: ClusterPast(WEB, tags=tags)})

    assert found == {WEB: (KeptUp(EXCLUDED, at(24), at(48)), KeptUp(EXCLUDED, at(48), at(72)))}


def test_before_the_first_tag_that_was_seen_nothing_is_known():
    past = ClusterPast(WEB, tags=((at(120), {"lamplighter-exclude": "true"}),))

    assert [one.begin for one in kept(pasts={WEB: past})[WEB]] == [at(120), at(144)]


def test_hours_count_while_it_ran_and_cost_their_share_of_the_days_nodes():
    """Up 12 h on Monday, all of Tuesday; kept on from Monday 06:00 to Tuesday 06:00: 6 h of 12, and 6 h of 24."""
    past = ClusterPast(WEB, pools={"np": (PoolSpan(at(0), at(12), 3, 3), PoolSpan(at(12), at(24), 0, 0), PoolSpan(at(24), at(48), 3, 3))})  # fmt: skip
    spans = {WEB: (KeptUp("kept on", at(6), at(30)),)}
    made = finance(list(daily(weeks_of(WEEK, 2), 21, "24", VMSS)), SETTLED, WEEK, pasts={WEB: past}, kept=spans)
    (one,) = made.figures[0].held

    assert (one.name, one.what, one.hours, one.amount) == ("web", "kept on", 12, 12 + 6)


def test_a_cluster_without_history_or_without_a_bill_is_left_out():
    spans = {WEB: (KeptUp("kept on", at(6), at(30)),), cluster_id("api"): (KeptUp("kept on", at(6), at(30)),)}
    rows = list(daily(weeks_of(WEEK, 2), 21, "24"))

    assert finance(rows, kept=spans).figures[0].held == ()
    past = {cluster_id("api"): ClusterPast(cluster_id("api"))}
    assert finance(rows, kept=spans, pasts=past).figures[0].held == ()


@pytest.mark.parametrize(
    ("pools", "hours"),
    [
        ({}, 0),
        ({"a": (PoolSpan(at(0), at(10), 0, 0),)}, 10),
        ({"a": (PoolSpan(at(0), at(10), 0, 0), PoolSpan(at(10), at(12), 0, 0))}, 12),
        ({"a": (PoolSpan(at(0), at(10), 0, 0),), "b": (PoolSpan(at(4), at(30), 0, 0),)}, 6),
        ({"a": (PoolSpan(at(0), at(10), 0, 0),), "b": (PoolSpan(at(0), at(24), 1, 1),)}, 0),
        ({"a": (PoolSpan(at(0), at(10), 0, 0),), "gone": (PoolSpan(at(-48), at(-24), 2, 2),)}, 10),
    ],
)
def test_a_cluster_is_stopped_while_all_of_its_pools_have_no_node(pools, hours):
    assert stopped_hours(ClusterPast(WEB, pools=pools), [WEEK.first]).get(WEEK.first, 0) == hours


def test_what_was_not_observed_did_not_run_and_was_not_stopped():
    past = ClusterPast(WEB, pools={"a": (PoolSpan(at(0), at(5), 2, 2), PoolSpan(at(20), at(24), 0, 0))})

    assert stopped_hours(past, [WEEK.first]) == {WEEK.first: 4}
    assert running_hours(past, WEEK.first, [(at(0), at(24))]) == 5


def test_hours_down_are_those_of_the_week_by_rule():
    spans = ((-10, 5, "nights"), (3, 8, "nights"), (160, 200, "idle"), (300, 310, "idle"))
    held = tuple(Held(None, at(begin), at(end), "d", rule, "off_hours") for begin, end, rule in spans)

    assert held_hours(ClusterPast(WEB, held=held), WEEK) == {"nights": 8, "idle": 8}
