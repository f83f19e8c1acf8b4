"""History's records folded: what is known of a cluster's nodes, when, and which decision kept it down."""

from __future__ import annotations

from datetime import date

import pytest

from shared.model.records import HistoryRecord
from tests.costs.saving_worlds import ADOPTED, DAY, HOUR, MINUTE, pool
from tests.costs.saving_worlds import Sparse as Story

AT = ADOPTED


def spans(past, name="work"):
    return [((s.begin - AT) / HOUR, (s.end - AT) / HOUR, s.nodes, s.fewest) for s in past.pools[name]]


def test_what_is_seen_once_holds_until_it_is_seen_to_change():
    past = Story().looks(AT, pool(count=3)).past(AT + 5 * HOUR)
    assert spans(past) == [(0, 5, 3, 3)]


def test_between_two_looks_that_differ_both_numbers_are_kept():
    """Nobody knows when in that hour it changed."""
    story = Story().looks(AT, pool(count=3)).looks(AT + HOUR, pool(count=5)).looks(AT + 2 * HOUR, pool(count=1))
    assert spans(story.past(AT + 3 * HOUR)) == [(0, 1, 5, 3), (1, 2, 5, 1), (2, 3, 1, 1)]


def test_an_unreadable_cluster_is_in_no_span_since_it_was_last_seen():
    story = (
        Story().looks(AT, pool()).looks(AT + 2 * HOUR, pool(), problem="cannot be read").looks(AT + 4 * HOUR, pool())
    )
    assert spans(story.past(AT + 5 * HOUR)) == [(4, 5, 4, 4)]


@pytest.mark.parametrize("power", ["Unknown", ""])
def test_a_power_that_nobody_knows_is_no_zero(power):
    story = Story().looks(AT, pool()).looks(AT + HOUR, pool(), power=power)
    assert spans(story.past(AT + 3 * HOUR)) == []


def test_a_count_that_azure_does_not_tell_is_no_zero():
    assert spans(Story().looks(AT, pool(count=None)).past(AT + HOUR)) == []


def test_a_cluster_that_is_gone_ends_when_it_was_last_seen():
    story = Story().looks(AT, pool())
    story.looked = AT + 2 * HOUR
    story.record(AT + 3 * HOUR, "snapshot", absent=True, since=(AT + 2 * HOUR).isoformat())
    past = story.past(AT + 9 * HOUR)
    assert spans(past) == [(0, 2, 4, 4)]
    assert past.node_resource_group == "mc_web"


def test_a_time_without_looks_is_unknown_even_if_nothing_seems_to_have_changed():
    gap = HistoryRecord(AT + 5 * HOUR, "fleet", "gap", "g", {"since": (AT + HOUR).isoformat()})
    assert spans(Story().looks(AT, pool()).past(AT + 6 * HOUR, gap)) == [(0, 1, 4, 4), (5, 6, 4, 4)]


def test_what_is_seen_right_after_a_gap_was_not_so_all_the_time():
    story = Story().looks(AT, pool())
    story.looked = AT + HOUR
    story.looks(AT + 5 * HOUR, pool(count=2))
    gap = HistoryRecord(AT + 5 * HOUR, "fleet", "gap", "g", {"since": (AT + HOUR).isoformat()})
    assert spans(story.past(AT + 6 * HOUR, gap)) == [(0, 1, 4, 4), (5, 6, 2, 2)]


def test_our_stop_counts_from_its_success_and_ends_when_our_start_is_taken():
    story = Story().looks(AT, pool()).stops(AT + HOUR, AT + HOUR + 3 * MINUTE)
    story.looks(AT + 2 * HOUR, pool(power="Stopped"), power="Stopped").starts(AT + 9 * HOUR, AT + 9 * HOUR + 4 * MINUTE)
    story.looks(AT + 10 * HOUR, pool())
    past = story.past(AT + 12 * HOUR)
    (held,) = past.held
    assert (held.begin - AT, held.end - AT) == (HOUR + 3 * MINUTE, 9 * HOUR)
    assert (held.decision, held.rule, held.reason, held.nodes) == ("stop-1", "nights", "off_hours", {"work": 4})
    assert spans(past) == [(0, 1.05, 4, 4), (1.05, 9, 0, 0), (9, 12, 4, 4)]
    (started,) = past.started
    assert (started.at, started.decision) == (AT + 9 * HOUR, "start-1")


def test_a_person_who_starts_it_ends_what_we_hold_since_the_look_before():
    story = Story().looks(AT, pool()).stops(AT + HOUR, AT + HOUR)
    story.looks(AT + 2 * HOUR, pool(power="Stopped"), power="Stopped").looks(AT + 5 * HOUR, pool())
    past = story.past(AT + 6 * HOUR)
    assert [held.end for held in past.held] == [AT + 2 * HOUR]
    assert past.started == ()
    assert spans(past) == [(0, 1, 4, 4), (1, 2, 0, 0), (2, 5, 4, 0), (5, 6, 4, 4)]


def test_a_stop_of_somebody_else_is_held_by_nobody():
    story = Story().looks(AT, pool()).looks(AT + HOUR, pool(), power="Stopped")
    assert story.past(AT + 9 * HOUR).held == ()


def test_a_stop_that_never_succeeded_holds_nothing():
    story = Story().looks(AT, pool()).record(AT, "accepted", "s", kind="stop_cluster", rule="nights")
    story.record(AT + HOUR, "reversed", "s", kind="stop_cluster", rule="nights")
    assert story.past(AT + 9 * HOUR).held == ()


def test_a_stop_that_was_taken_before_history_begins_holds_nothing():
    story = Story().looks(AT, pool(), power="Stopped").record(AT, "succeeded", "s", kind="stop_cluster", rule="nights")
    assert story.past(AT + 9 * HOUR).held == ()


def test_a_start_that_fails_leaves_it_with_the_decision_that_stopped_it():
    story = Story().looks(AT, pool()).stops(AT + HOUR, AT + HOUR)
    story.record(AT + 5 * HOUR, "accepted", "start", kind="start_cluster", rule="nights")
    story.record(AT + 6 * HOUR, "failed", "start", kind="start_cluster", rule="nights")
    past = story.past(AT + 8 * HOUR)
    assert [((one.begin - AT) / HOUR, (one.end - AT) / HOUR, one.decision) for one in past.held] == [
        (1, 5, "stop-1"),
        (6, 8, "stop-1"),
    ]
    assert spans(past) == [(0, 1, 4, 4), (1, 5, 0, 0), (5, 6, 4, 4), (6, 8, 0, 0)]


def test_a_start_without_nodes_ends_what_held_it():
    """It runs and is billed: nothing of that is claimed as saved."""
    story = Story().looks(AT, pool()).stops(AT + HOUR, AT + HOUR)
    story.record(AT + 5 * HOUR, "accepted", "start", kind="start_cluster", rule="nights")
    story.record(AT + 6 * HOUR, "failed", "start", kind="start_cluster", rule="nights", runs=True)
    past = story.past(AT + 8 * HOUR)
    assert [((one.begin - AT) / HOUR, (one.end - AT) / HOUR) for one in past.held] == [(1, 5)]
    assert spans(past)[-1][2:] == (4, 4)


def test_a_pool_that_is_stopping_keeps_its_nodes_until_it_has_stopped():
    """Azure says 0 at once."""
    story = Story().looks(AT, pool()).looks(AT + HOUR, pool(count=0, power="Stopped", moving=True))
    story.looks(AT + 2 * HOUR, pool(count=0, power="Stopped"))
    assert spans(story.past(AT + 3 * HOUR)) == [(0, 1, 4, 4), (1, 2, 4, 0), (2, 3, 0, 0)]


def test_a_pool_is_held_by_itself_and_comes_back_with_its_size():
    story = Story().looks(AT, pool("system", 1), pool()).stops(AT + HOUR, AT + 2 * HOUR, pool="work")
    story.starts(AT + 5 * HOUR, AT + 6 * HOUR, pool="work")
    past = story.past(AT + 8 * HOUR)
    assert [(one.pool, one.nodes) for one in past.held] == [("work", {"work": 4})]
    assert spans(past) == [(0, 2, 4, 4), (2, 5, 0, 0), (5, 8, 4, 4)]
    assert spans(past, "system") == [(0, 8, 1, 1)]


def test_a_pool_that_was_down_before_does_not_come_up_with_its_cluster():
    story = Story().looks(AT, pool("system", 1), pool()).stops(AT, AT + HOUR, pool="work")
    story.looks(AT + HOUR, pool("system", 1), pool(power="Stopped"))
    story.stops(AT + 2 * HOUR, AT + 2 * HOUR, "stop-2").starts(AT + 6 * HOUR, AT + 6 * HOUR)
    story.looks(AT + 7 * HOUR, pool("system", 1), pool(power="Stopped"))
    past = story.past(AT + 8 * HOUR)
    assert spans(past) == [(0, 1, 4, 4), (1, 8, 0, 0)]
    assert [(one.pool, one.end) for one in past.held] == [("work", AT + 8 * HOUR), (None, AT + 6 * HOUR)]


def test_a_pool_that_is_gone_has_no_nodes():
    story = Story().looks(AT, pool("system", 1), pool()).looks(AT + HOUR, pool("system", 1))
    assert spans(story.past(AT + 2 * HOUR)) == [(0, 1, 4, 0), (1, 2, 0, 0)]


def test_a_pool_that_changes_its_bounds_begins_a_new_span():
    story = Story().looks(AT, pool()).looks(AT + HOUR, pool(autoscaling=True, min=2, max=9))
    assert [span.least for span in story.past(AT + 2 * HOUR).pools["work"]] == [None, 2]


def test_nothing_is_known_after_the_last_look():
    story = Story().looks(AT, pool()).looks(AT + 9 * HOUR, pool(count=9))
    assert spans(story.past(AT + 2 * HOUR)) == [(0, 2, 4, 4)]


def test_tags_are_those_of_the_day():
    story = Story().looks(AT, pool()).looks(AT + 2 * DAY, pool(), tags={"team": "data"})
    past = story.past(AT + 3 * DAY)
    assert past.tags_on(date(2026, 11, 3)) == {"team": "shop"}
    assert past.tags_on(date(2026, 11, 4)) == {"team": "data"}
    assert past.tags_on(date(2020, 1, 1)) == {"team": "shop"}
    assert Story().record(AT, "adopted").past(AT + DAY).tags_on(date(2026, 11, 3)) == {}


def test_the_first_adoption_is_the_one_that_counts():
    assert Story().adopted(AT).adopted(AT + DAY).past(AT + 2 * DAY).adopted_at == AT


def test_moves_and_upgrades_are_put_down():
    story = Story().looks(AT, pool(count=4, surge="50%"))
    story.record(AT, "succeeded", "m", kind="grow_pool", pool="Work", rule="spot", group="spot/web")
    story.record(AT, "accepted", "u", kind="upgrade_pool", pool="work", rule="rings")
    story.record(AT + HOUR, "succeeded", "u", kind="upgrade_pool", pool="work", rule="rings")
    past = story.past(AT + 2 * HOUR)
    assert [(one.pool, one.group) for one in past.moved] == [("work", "spot/web")]
    assert [(one.nodes, one.end - one.begin) for one in past.surged] == [(2, HOUR)]


@pytest.mark.parametrize(("surge", "nodes"), [("3", 3), ("10%", 1), ("33%", 4), (None, 4), ("many", 4)])
def test_surge_is_never_underestimated(surge, nodes):
    story = Story().looks(AT, pool(count=10, surge=surge)).record(AT, "accepted", "u", kind="upgrade_pool", pool="work")
    story.record(AT + HOUR, "failed", "u", kind="upgrade_pool", pool="work")
    assert story.past(AT + 2 * HOUR).surged[0].nodes == nodes


def test_an_upgrade_that_history_does_not_know_from_the_beginning_is_left_out():
    story = Story().looks(AT, pool()).record(AT + HOUR, "succeeded", "u", kind="upgrade_pool", pool="work")
    assert story.past(AT + 2 * HOUR).surged == ()


def test_what_held_when_history_begins_is_carried_on():
    from shared.costs.past import pasts
    from shared.costs.standing import from_document, to_document
    from tests.costs.saving_worlds import PERIOD

    first = Story().looks(AT, pool()).stops(AT + HOUR, AT + HOUR)
    first.record(AT, "succeeded", "m", kind="grow_pool", pool="spot", rule="r", group="g")
    before = from_document(first.id, to_document(first.past(AT + 7 * DAY), PERIOD))
    later = Story().looks(AT + 7 * DAY, pool(power="Stopped"), power="Stopped").starts(AT + 9 * DAY, AT + 9 * DAY)
    past = pasts(later.records, AT + 10 * DAY, [before])[first.id]
    assert [(one.decision, one.begin, one.end, one.nodes) for one in past.held] == [
        ("stop-1", AT + HOUR, AT + 9 * DAY, {"work": 4})
    ]
    assert [one.decision for one in past.moved] == ["m"]
    assert to_document(Story().looks(AT, pool()).past(AT + DAY), PERIOD) is None
