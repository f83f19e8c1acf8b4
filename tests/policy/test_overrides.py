"""What a person may ask over HTTP, and one clear sentence for what nobody may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InputError
from shared.model.memory import Memory, PersonHold, Wish
from shared.policy.overrides import VERBS, Word, objection, put_off, read_word, record, with_word
from tests.policy.builders import OFFICE, cluster, policy

NOW = datetime(2026, 12, 7, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEEP_ON, KEEP_OFF, WAKE = VERBS["keep-on"], VERBS["keep-off"], VERBS["wake"]
GOOD = {"cluster": "web", "for": "4h", "reason": "load test"}


def refusal(said: Any, verb: str = "keep-on") -> str:
    with pytest.raises(InputError) as caught:
        read_word(VERBS[verb], said, "ana", NOW)
    return str(caught.value)


def test_a_length_or_an_instant_says_until_when() -> None:
    assert read_word(KEEP_ON, GOOD, "ana", NOW) == ("web", Word(Wish.RUNNING, NOW + 4 * HOUR, "ana", "load test"))
    until = {"cluster": " web ", "until": "2026-12-24T18:00+01:00", "reason": "holi\ndays"}
    assert read_word(KEEP_OFF, until, "ana", NOW) == (
        "web",
        Word(Wish.STOPPED, datetime(2026, 12, 24, 17, 0, tzinfo=UTC), "ana", "holi days"),
    )


def test_wake_needs_no_more_than_a_name() -> None:
    assert read_word(WAKE, {"cluster": "web"}, "ana", NOW)[1] == Word(
        Wish.RUNNING, NOW + 2 * HOUR, "ana", "needed now", "wake"
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([], "the body is no JSON object: expected something such as"),
        ("web", "the body is no JSON object"),
        ({}, '"cluster" is missing'),
        ({**GOOD, "cluster": ""}, '"cluster" is empty'),
        ({**GOOD, "cluster": "\u200b\n"}, '"cluster" is empty'),
        ({**GOOD, "cluster": 7}, '"cluster" is no text'),
        ({**GOOD, "cluster": "x" * 401}, '"cluster" is 401 characters long: expected at most 400'),
        ({**GOOD, "owner": "the boss"}, "unknown field 'owner': expected cluster, for or until, and reason"),
        ({"cluster": "web", "for": "4h"}, '"reason" is missing'),
        ({**GOOD, "reason": "x" * 201}, '"reason" is 201 characters long'),
        ({**GOOD, "reason": None}, '"reason" is no text'),
        ({**GOOD, "until": "2026-12-24T18:00Z"}, '"for" and "until" say the same thing'),
        ({"cluster": "web", "reason": "x"}, "for how long?"),
        ({**GOOD, "for": "four hours"}, "\"for\" is 'four hours', which is no duration"),
        ({**GOOD, "for": "0m"}, "\"for\" is '0m', which is no time at all"),
        ({**GOOD, "for": "99999999999999999999w"}, "which is no duration"),
        ({**GOOD, "for": "-4h"}, "which is no duration"),
        ({**GOOD, "for": 4}, '"for" is no text'),
        ({"cluster": "web", "reason": "x", "until": "tomorrow"}, "which is no instant"),
        ({"cluster": "web", "reason": "x", "until": "9999-12-31T23:59:59-12:00"}, "which is no instant"),
        ({"cluster": "web", "reason": "x", "until": "2026-12-24T18:00"}, "does not say in which zone"),
        ({"cluster": "web", "reason": "x", "until": "2026-12-07T18:00Z"}, "is over already: expected an instant after"),
    ],
)
def test_anything_else_is_one_sentence(said: Any, words: str) -> None:
    text = refusal(said)
    assert words in text
    assert "\n" not in text


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(["cluster", "for", "until", "reason", "x"]), x),
))  # fmt: skip
def test_whatever_is_said_is_a_word_or_a_sentence(said: Any) -> None:
    for verb in VERBS.values():
        try:
            _, word = read_word(verb, said, "ana", NOW)
        except InputError as problem:
            text, until = str(problem), NOW + HOUR
        else:
            text, until = word.reason, word.until
        assert text
        assert until > NOW


def word(wish: Wish = Wish.RUNNING, hours: float = 4, **more: Any) -> Word:
    return Word(wish, NOW + hours * HOUR, "ana", "load test", **more)


RULES = policy(OFFICE)


@pytest.mark.parametrize(
    ("env", "hours", "problem"),
    [
        ("dev", 72, ""),
        ("dev", 72 + 1 / 3600, "3d1m is longer than keep_on_at_most allows in dev: expected at most --for 3d"),
        ("dev", 73, "73h is longer than keep_on_at_most allows in dev: expected at most --for 3d"),
        ("staging", 24, ""),
        ("staging", 25, "25h is longer than keep_on_at_most allows in staging: expected at most --for 1d"),
        (None, 73, "73h is longer than keep_on_at_most allows in no environment: expected at most --for 3d"),
    ],
)
def test_keep_on_lasts_at_most_as_long_as_its_environment_allows(env: str | None, hours: float, problem: str) -> None:
    said = objection(RULES, cluster(env=env), word(hours=hours), NOW, "--for {}")
    assert said.replace("3d1h", "73h").replace("1d1h", "25h") == problem


def test_no_limit_is_no_limit() -> None:
    unlimited = policy(OFFICE, guards="keep_on_at_most: 0m")
    assert objection(unlimited, cluster(), word(hours=10_000), NOW, "{}") == ""


def test_a_rule_may_allow_more_than_its_environment() -> None:
    longer = policy(OFFICE.replace("hours: {", "guards: {keep_on_at_most: 7d}, hours: {"))
    assert objection(longer, cluster(), word(hours=168), NOW, "{}") == ""


@pytest.mark.parametrize(("env", "refused"), [("prod", True), (None, True), ("dev", False)])
def test_production_is_never_kept_off(env: str | None, refused: bool) -> None:
    said = objection(RULES, cluster(env=env), word(Wish.STOPPED), NOW, "{}")
    assert ("which Lamplighter never stops" in said) is refused


def holds(memory: Memory) -> list[tuple[str, Wish, datetime]]:
    return [(one.source, one.wish, one.until) for one in memory.holds]


def test_a_new_word_replaces_the_last_one_but_no_tag_and_no_pool() -> None:
    tag = PersonHold(Wish.RUNNING, NOW, NOW + HOUR, "tag")
    pool = PersonHold(Wish.STOPPED, NOW, NOW + HOUR, "command", pool="batch")
    old = PersonHold(Wish.STOPPED, NOW, NOW + HOUR, "postpone")
    over = PersonHold(Wish.RUNNING, NOW - 2 * HOUR, NOW, "exception")
    after = with_word(Memory("c", holds=(tag, pool, old, over)), word(), NOW)
    assert [one.source for one in after.holds] == ["tag", "command", "command"]
    assert after.holds[-1].until == NOW + 4 * HOUR


def test_putting_off_never_shortens_what_somebody_asked_for() -> None:
    """A colleague said keep-on for the night after the warning; then somebody presses the two-hour button."""
    night = PersonHold(Wish.RUNNING, NOW, NOW + 12 * HOUR, "command", "ben", "migration")
    memory = Memory("c", holds=(night,))
    assert put_off(memory, word(hours=2, source="postpone"), NOW) == memory
    assert holds(put_off(memory, word(hours=13, source="postpone"), NOW)) == [
        ("postpone", Wish.RUNNING, NOW + 13 * HOUR)
    ]


def test_putting_off_a_keep_off_does_not_take_it_back() -> None:
    """Two hours later it is heard again; a keep-off that is over by then, or speaks of a pool, is nobody's any more."""
    off = PersonHold(Wish.STOPPED, NOW, NOW + 48 * HOUR, "command", "ben", "no budget")
    memory = Memory("c", holds=(off, replace(off, until=NOW - HOUR)))
    assert holds(put_off(memory, word(hours=2, source="postpone"), NOW)) == [
        ("command", Wish.STOPPED, NOW + 48 * HOUR),
        ("postpone", Wish.RUNNING, NOW + 2 * HOUR),
    ]


def test_what_was_said_is_on_record_with_owner_and_reason() -> None:
    made = record("c", word(), NOW)
    assert (made.phase, made.id, made.at) == ("hold", "command~running", NOW)
    assert made.body == {
        "wish": "running",
        "until": "2026-12-07T22:00:00Z",
        "owner": "ana",
        "reason": "load test",
        "source": "command",
    }
