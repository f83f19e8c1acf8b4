"""The owners' contract: what tags say, and that what cannot be read is said and never guessed."""

from __future__ import annotations

import doctest
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shared.policy.tags as room
from shared.model.memory import Wish
from shared.policy.tags import (
    EXCLUDE,
    FORBIDDEN_IN_NAMES,
    KEEP_OFF,
    KEEP_ON,
    LONGEST_NAME,
    LONGEST_VALUE,
    NAMES,
    NOTHING,
    REASON,
    SCHEDULE,
    KeepTag,
    OwnerTags,
    read_tags,
    spell,
)

BERLIN = "Europe/Berlin"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_docstrings_are_true() -> None:
    ran = doctest.testmod(room)
    assert ran.attempted
    assert not ran.failed


def test_no_tag_of_ours_says_nothing() -> None:
    assert read_tags({}, BERLIN) is NOTHING
    assert read_tags({"environment": "dev", "lamp": "on"}, BERLIN) is NOTHING


@pytest.mark.parametrize(
    ("value", "excluded"),
    [("true", True), ("TRUE", True), (" True ", True), ("false", False), ("False", False), ("FALSE ", False)],
)
def test_false_is_false(value: str, *, excluded: bool) -> None:
    """A peer took every text for true, "false" among them, and left clusters alone for good."""
    tags = read_tags({EXCLUDE: value}, BERLIN)
    assert (tags.exclude, tags.problems) == (excluded, ())


@pytest.mark.parametrize("value", ["", "yes", "no", "1", "0", "on", "ture", "true, false"])
def test_what_is_neither_is_unreadable(value: str) -> None:
    tags = read_tags({EXCLUDE: value}, BERLIN)
    assert tags.problems == (f"tag lamplighter-exclude has the value '{value}'; expected true or false",)


@pytest.mark.parametrize(
    ("value", "on", "off"),
    [
        ("2026-12-18T18:00", utc(2026, 12, 18, 17), utc(2026, 12, 18, 17)),
        ("2026-12-18 18:00", utc(2026, 12, 18, 17), utc(2026, 12, 18, 17)),
        (" 2026-07-18t18:00:30 ", utc(2026, 7, 18, 16, 0, 30), utc(2026, 7, 18, 16, 0, 30)),
        ("2026-12-18T18:00Z", utc(2026, 12, 18, 18), utc(2026, 12, 18, 18)),
        ("2026-12-18T18:00z", utc(2026, 12, 18, 18), utc(2026, 12, 18, 18)),
        ("2026-12-18 18:00 +05:30", utc(2026, 12, 18, 12, 30), utc(2026, 12, 18, 12, 30)),
        ("2026-12-18T18:00-0800", utc(2026, 12, 19, 2), utc(2026, 12, 19, 2)),
        ("2026-12-18", utc(2026, 12, 18, 23), utc(2026, 12, 18, 23)),
        ("2026-12-18T24:00", utc(2026, 12, 18, 23), utc(2026, 12, 18, 23)),
        # 02:30 comes twice that night; in doubt it runs: on until the second, off until the first.
        ("2026-10-25T02:30", utc(2026, 10, 25, 1, 30), utc(2026, 10, 25, 0, 30)),
        # 02:30 does not exist that night: the first instant after the gap.
        ("2026-03-29T02:30", utc(2026, 3, 29, 1), utc(2026, 3, 29, 1)),
        # A day of 25 hours ends when it ends.
        ("2026-10-25", utc(2026, 10, 25, 23), utc(2026, 10, 25, 23)),
    ],
)
def test_until(value: str, on: datetime, off: datetime) -> None:
    assert read_tags({KEEP_ON: value}, BERLIN).keep == KeepTag(Wish.RUNNING, on)
    assert read_tags({KEEP_OFF: value}, BERLIN).keep == KeepTag(Wish.STOPPED, off)


@pytest.mark.parametrize(
    "value",
    ["", "tomorrow", "18.12.2026", "2026-12-18T18", "2026-12-18T25:00", "2026-02-30", "20261218", "2026-W51-5",
     "2026-12-18T18:00 CET", "2026-12-18T18:00+25:00", "0000-01-01", "9999-12-31", "1969-12-31", "2026-12-18T24:30",
     "\uff12\uff10\uff12\uff16-12-18"],
)  # fmt: skip
def test_a_time_that_cannot_be_read(value: str) -> None:
    tags = read_tags({KEEP_ON: value}, BERLIN)
    assert tags.keep is None
    (problem,) = tags.problems
    assert problem.startswith(f"tag {KEEP_ON} cannot be read: '{value}'")
    assert "such as 2026-12-18T18:00" in problem


class TestBothKeepTags:
    TAGS = read_tags({KEEP_ON: "2026-12-18T18:00Z", KEEP_OFF: "2026-12-20T18:00Z"}, BERLIN)

    def test_running_wins_and_nothing_is_unreadable(self) -> None:
        """A peer let downtime win where both overlapped."""
        assert self.TAGS.keep == KeepTag(Wish.RUNNING, utc(2026, 12, 18, 18))
        assert self.TAGS.problems == ()
        assert self.TAGS.notes == (
            "both lamplighter-keep-on-until and lamplighter-keep-off-until are set; running wins",
        )

    @pytest.mark.parametrize(
        ("now", "wish"),
        [
            (utc(2026, 12, 18, 17, 59), Wish.RUNNING),
            (utc(2026, 12, 18, 18), Wish.STOPPED),
            (utc(2026, 12, 20, 17, 59), Wish.STOPPED),
            (utc(2026, 12, 20, 18), None),
        ],
    )
    def test_what_is_over_makes_room_for_the_other(self, now: datetime, wish: Wish | None) -> None:
        keep = self.TAGS.keep_at(now)
        assert (keep and keep.wish) == wish

    def test_one_unreadable_one_is_still_a_problem(self) -> None:
        tags = read_tags({KEEP_ON: "2026-12-18", KEEP_OFF: "later"}, BERLIN)
        assert len(tags.problems) == 1


class TestSchedule:
    def test_any_name_without_a_policy(self) -> None:
        assert read_tags({SCHEDULE: " Office "}, BERLIN).schedule == "Office"

    def test_a_name_of_the_policy_without_case(self) -> None:
        tags = read_tags({SCHEDULE: "OFFICE"}, BERLIN, ["always", "office"])
        assert (tags.schedule, tags.problems) == ("OFFICE", ())

    def test_a_name_that_the_policy_does_not_know(self) -> None:
        tags = read_tags({SCHEDULE: "ofice"}, BERLIN, ["always", "office"])
        assert tags.schedule is None
        assert tags.problems == (
            "tag lamplighter-schedule names 'ofice', which is no schedule of the policy; expected one of always, office",
        )

    def test_empty(self) -> None:
        assert "expected the name of a schedule" in read_tags({SCHEDULE: " "}, BERLIN).problems[0]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lamplighter-exlude", "did you mean lamplighter-exclude?"),
        ("Lamplighter_Keep_On_Until", "did you mean lamplighter-keep-on-until?"),
        ("lamplighter-owner-of-this", "expected one of lamplighter-schedule, lamplighter-exclude"),
        ("lamplighter", "is not known"),
    ],
)
def test_a_tag_of_ours_that_nobody_knows_is_a_problem(name: str, hint: str) -> None:
    """Whoever wrote lamplighter-exlude meant something: nothing is done until it is right."""
    (problem,) = read_tags({name: "true"}, BERLIN).problems
    assert f"tag {name} is not known" in problem
    assert hint in problem


def test_names_compare_without_case() -> None:
    tags = read_tags({"LAMPLIGHTER-EXCLUDE": "true", "Lamplighter-Reason": " training run "}, BERLIN)
    assert (tags.exclude, tags.reason, tags.problems) == (True, "training run", ())


def test_every_problem_is_told_at_once() -> None:
    assert (
        len(read_tags({EXCLUDE: "x", KEEP_ON: "x", KEEP_OFF: "x", SCHEDULE: "", "lamplighter-x": ""}, BERLIN).problems)
        == 5
    )


def test_azure_hands_out_null_for_an_empty_value() -> None:
    tags = {REASON: None}
    assert read_tags(tags, BERLIN).reason == ""  # type: ignore[arg-type]


INSTANTS = st.none() | st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=LONGEST_VALUE
)


OWNERS = st.builds(OwnerTags, st.none() | TEXTS, st.booleans(), INSTANTS, INSTANTS, TEXTS | st.just(""))


@given(OWNERS, st.sampled_from([BERLIN, "UTC", "Asia/Kolkata"]))
def test_what_is_spelled_is_read_back(owner: OwnerTags, zone: str) -> None:
    tags = spell(owner)
    assert replace(read_tags(tags, zone), notes=()) == owner
    assert all(name in NAMES and len(value) <= LONGEST_VALUE for name, value in tags.items())


@given(
    st.dictionaries(st.sampled_from([*NAMES, "lamplighter-x", "Lamplighter-EXCLUDE"]), st.text(max_size=30)),
    st.sampled_from([BERLIN, "UTC"]),
)
def test_no_value_raises(tags: dict[str, str], zone: str) -> None:
    read = read_tags(tags, zone)
    assert all(isinstance(problem, str) and problem for problem in read.problems)


def test_our_names_fit_azure() -> None:
    assert all(len(name) <= LONGEST_NAME and not FORBIDDEN_IN_NAMES & set(name) for name in NAMES)


@given(st.dates(date(1970, 1, 1), date(9990, 12, 31)))
def test_a_bare_date_ends_a_day_later_than_it_begins(day: date) -> None:
    keep = read_tags({KEEP_ON: f"{day}"}, "Etc/GMT-3").keep
    assert keep is not None
    midnight = datetime.combine(day, time(), UTC)
    assert keep.until == midnight + timedelta(days=1) - timedelta(hours=3)
