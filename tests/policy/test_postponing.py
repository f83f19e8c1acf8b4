"""A link that puts stops off: what it offers, how long it is good, and that the later stop is warned of anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.model.decisions import Notice, Proposal, Reason, Voice
from shared.model.memory import Served, TargetMemory, Warned, Wish
from shared.model.records import Link
from shared.policy.postponing import GRACE, Standing, choices, limited, link_for, standing, used, word_of
from shared.policy.voices import owner_of
from shared.policy.warn import occasion_to_warn
from tests.policy.builders import OFFICE, cluster, policy

NOW = datetime(2026, 12, 7, 17, 45, 30, tzinfo=UTC)
DUE = datetime(2026, 12, 7, 18, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def notice(name: str = "web", due_at: datetime | None = DUE, limit: timedelta | None = 72 * HOUR) -> Notice:
    return Notice("stop_soon", name, "19:00", f"{name} stops Mon 7 Dec 19:00", NOW, due_at=due_at, keep_at_most=limit)


def link(*notices: Notice) -> Link:
    return link_for("d", notices or (notice(),), "Europe/Berlin", NOW)


def offered(one: Link, now: datetime = NOW) -> list[tuple[str, timedelta]]:
    return [(choice.key, choice.until - DUE) for choice in choices(one, now)]


def test_a_link_is_for_exactly_the_clusters_of_its_message() -> None:
    made = link(notice("web"), notice("api", DUE + 5 * MINUTE, 24 * HOUR), notice("web", None, None))
    assert made.clusters == ("api", "web")
    assert made.sentences[0] == "api stops Mon 7 Dec 19:00"
    assert (made.due_at, made.keep_at_most) == (DUE + 5 * MINUTE, 24 * HOUR)


def test_lengths_count_from_when_it_would_stop() -> None:
    """Pressed at 18:45, "2 hours" after a stop at 19:00 is 21:00: nobody does sums with the warning time."""
    assert offered(link()) == [("1h", HOUR), ("2h", 2 * HOUR), ("4h", 4 * HOUR)]
    assert [choice.is_default for choice in choices(link(), NOW)] == [False, True, False]


def test_after_the_stop_they_count_from_now() -> None:
    late = DUE + 30 * MINUTE
    assert offered(link(), late) == [("1h", 90 * MINUTE), ("2h", 150 * MINUTE), ("4h", 270 * MINUTE)]


def test_nothing_is_offered_beyond_what_the_policy_lets_a_person_ask() -> None:
    tight = link(notice(limit=2 * HOUR))
    assert offered(tight) == [("1h", HOUR), ("2h", NOW + 2 * HOUR - DUE)]
    tighter = choices(link(notice(limit=40 * MINUTE)), NOW)
    assert [(one.key, one.until, one.is_default) for one in tighter] == [("1h", NOW + 40 * MINUTE, True)]


def test_a_limit_that_ends_before_the_stop_offers_nothing() -> None:
    """Warned a day ahead with a limit of two hours: keeping it on now would not change the stop."""
    assert choices(link(notice(due_at=NOW + 24 * HOUR, limit=2 * HOUR)), NOW) == ()


def test_without_a_limit_everything_is_offered() -> None:
    assert len(choices(link(notice(limit=None)), NOW)) == 3


def test_where_a_link_stands() -> None:
    made = link()
    assert standing(None, NOW) is Standing.UNKNOWN
    assert standing(made, NOW) is Standing.OPEN
    assert standing(made, DUE + GRACE - MINUTE) is Standing.OPEN
    assert standing(made, DUE + GRACE) is Standing.EXPIRED
    broken = used(made, choices(made, NOW)[1], NOW)
    assert standing(broken, NOW) is Standing.BROKEN_OFF
    assert standing(broken, DUE + 3 * HOUR) is Standing.USED
    assert standing(replace(broken, done=True), NOW) is Standing.USED


def test_a_used_link_says_keep_on_and_not_by_whom() -> None:
    made = link()
    said = word_of(used(made, choices(made, NOW)[1], NOW))
    assert (said.wish, said.until, said.owner, said.source) == (Wish.RUNNING, DUE + 2 * HOUR, "", "postpone")


@pytest.mark.parametrize(("guards", "limit"), [("", 72 * HOUR), ("keep_on_at_most: 0m", None)])
def test_notices_of_stops_carry_how_long_a_person_may_keep_it_on(guards: str, limit: timedelta | None) -> None:
    rules = policy(OFFICE, guards=guards)
    late = Notice("start_late", "web", "c", "s", NOW)
    assert limited([notice(limit=None), late], rules, owner_of(cluster(), rules)) == [notice(limit=limit), late]


# --- the warning of the later stop

STOP = Proposal("nights", None, Voice.RULE, Wish.STOPPED, DUE, "nights:19:00", Reason.OFF_HOURS, "outside office")


def warned(cause: str = "nights:19:00", served: Served | None = None) -> str:
    return occasion_to_warn(STOP, TargetMemory(warned=Warned(cause, NOW, DUE), served=served))


def test_a_stop_is_filed_under_its_cause() -> None:
    morning = Served(Wish.RUNNING, NOW - 11 * HOUR)
    assert occasion_to_warn(STOP, TargetMemory()) == "nights:19:00"
    assert warned() == warned(served=morning) == warned("other", Served(Wish.RUNNING, DUE)) == "nights:19:00"
    assert warned(served=Served(Wish.STOPPED, DUE)) == "nights:19:00"


def test_a_stop_that_was_put_off_is_another_occasion_each_time() -> None:
    """Otherwise people would find it stopped at the new time, having heard of the old one only."""
    first = warned(served=Served(Wish.RUNNING, NOW + 5 * MINUTE))
    assert first == "nights:19:00:kept-since:2026-12-07T17:50:30Z"
    assert warned(first, Served(Wish.RUNNING, NOW - MINUTE)) == first
    assert warned(first, Served(Wish.RUNNING, NOW + HOUR)) == "nights:19:00:kept-since:2026-12-07T18:45:30Z"
