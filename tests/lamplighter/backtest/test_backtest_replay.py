"""The replay: what the engine would have done, by the minute; the same however often it is asked, blind to the future."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamplighter.backtest import replay as engine
from lamplighter.backtest.history import DAY, History, Trace, cut, history, history_cluster, merged
from lamplighter.backtest.life import Life
from lamplighter.backtest.limits import Limits
from lamplighter.backtest.looking import Look, Moment, activity
from lamplighter.backtest.measure import Ran, measured
from lamplighter.backtest.replay import Lived, Terms, replay
from lamplighter.backtest.standard import standard_text
from shared.policy.document import Policy, read_policy

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SUNDAY = MONDAY - timedelta(days=1)
HOUR = 3600
HOURS = "{name: r, hours: {schedule: office, lead: 10m}}"
ALONE = Terms(people=False)


def policy(rule: str = HOURS, *, mode: str = "act", more: str = "") -> Policy:
    return read_policy(
        f"""
version: 1
mode: {mode}
timezone: UTC
environments:
  - {{name: prod, production: true, match: {{names: ["prod-*"]}}}}
  - {{name: lab, match: {{names: ["lab-*"]}}, guards: {{stops: {{at_most: 50%, within: 2h}}}}}}
  - {{name: dev, match: {{names: ["*"]}}}}
schedules: {{office: {{running: [Mon-Fri 08:00-18:00]}}}}
rules: [{rule}]
{more}
""",
        "policy.yaml",
    )


def needed(*needs: str, name: str = "web", begin: datetime = SUNDAY, days: int = 3) -> Trace:
    """`Mon 09:00-17:00`: local to UTC, in the week of MONDAY."""
    names = dict(zip(("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"), range(-1, 6), strict=True))
    busy = []
    for need in needs:
        day, _, clock = need.partition(" ")
        midnight = MONDAY + timedelta(days=names[day])
        one, other = (midnight + timedelta(hours=int(at[:2]), minutes=int(at[3:])) for at in clock.split("-"))
        busy.append((int(one.timestamp()), int(other.timestamp())))
    first = int(begin.timestamp())
    return Trace(history_cluster(name), first, first + days * DAY, tuple(busy))


def told(lived: Lived) -> list[str]:
    return [f"{datetime.fromtimestamp(one.at, UTC):%a %H:%M} {one.verb} {one.reason}" for one in lived.done]


def one(trace: Trace, rules: Policy, terms: Terms | None = None) -> Lived:
    return replay(history("test", [trace]), rules, terms or Terms())[0]


class TestHours:
    WORK = ("Mon 09:00-17:00", "Mon 20:00-21:00")

    def test_a_day_by_hand(self) -> None:
        """Adopted on Sunday it may stop from Monday evening on. Whoever comes at 20:00 wakes it, is served at 20:06,
        works an hour and lets go; people are warned, and a quarter of an hour later it is off. Tuesday has its lead."""
        assert told(one(needed(*self.WORK), policy())) == [
            "Mon 18:00 stop off_hours",
            "Mon 20:00 start keep_on",
            "Mon 21:30 stop off_hours",
            "Tue 07:50 start in_hours",
            "Tue 18:00 stop off_hours",
        ]

    def test_when_it_was_up_and_what_it_cost(self) -> None:
        lived = one(needed(*self.WORK), policy())
        found = measured(lived.trace, Ran(lived.up, lived.billed), waits=True)
        # Sunday and Monday to 18:03, 20:00 to 21:33, Tuesday 07:50 to 18:03.
        assert found.hours_on == pytest.approx(42 + 3 / 60 + 1 + 33 / 60 + 10 + 13 / 60)
        assert (found.cold_starts, found.late / 60, found.covered / 60) == (1, 6, 9 * 60 - 6)

    def test_without_people_nobody_wakes_it(self) -> None:
        lived = one(needed(*self.WORK), policy(), ALONE)
        assert told(lived) == ["Mon 18:00 stop off_hours", "Tue 07:50 start in_hours", "Tue 18:00 stop off_hours"]
        found = measured(lived.trace, Ran(lived.up, lived.billed), waits=False)
        assert (found.cold_starts, found.late / 60) == (1, 60)

    def test_whoever_still_works_answers_the_warning(self) -> None:
        """Told at 17:45, who is there until 19:00 keeps it on. Let go, it is warned of anew and stops at 19:20."""
        assert told(one(needed("Mon 09:00-19:00"), policy()))[0] == "Mon 19:20 stop off_hours"

    def test_a_stop_without_a_warning_is_undone(self) -> None:
        """Nobody was told, so it goes off at 18:00 under whoever works: back at 18:41, and their hour goes on."""
        lived = one(needed("Mon 17:00-19:00"), policy(more="guards: {warn_before_stop: 0m}"))
        assert told(lived)[:3] == ["Mon 18:00 stop off_hours", "Mon 18:35 start keep_on", "Mon 19:50 stop off_hours"]
        found = measured(lived.trace, Ran(lived.up, lived.billed), waits=True)
        assert (found.cold_starts, found.late / 60) == (1, 41)

    def test_a_person_may_keep_it_on_no_longer_than_the_policy_lets_them_say_at_once(self) -> None:
        """With 2 hours at most they say so again and again, all night: the replay never takes the word from them."""
        guards = "guards: {keep_on_at_most: 2h}"
        lived = one(needed("Mon 09:00-24:00", "Tue 00:00-05:00"), policy(more=guards))
        assert told(lived)[0] == "Tue 05:20 stop off_hours"

    def test_a_cluster_that_was_just_stopped_waits_for_aks(self) -> None:
        """Off since 18:03, `min_downtime` 30 minutes: who comes at 18:10 is started at 18:35 and served at 18:41."""
        lived = one(needed("Mon 18:10-18:40"), policy())
        assert told(lived)[:2] == ["Mon 18:00 stop off_hours", "Mon 18:35 start keep_on"]
        assert measured(lived.trace, Ran(lived.up, lived.billed), waits=True).late / 60 == 31

    def test_nobody_is_served_before_they_ask(self) -> None:
        """Two needs within one tick: the first of them starts it, at the second at which it begins."""
        monday = int(MONDAY.timestamp())
        first, second = monday + 20 * HOUR + 6, monday + 20 * HOUR + 157
        trace = Trace(
            history_cluster("web"), monday - DAY, monday + 2 * DAY, ((first, first + 60), (second, second + 60))
        )
        starts = [done.at for done in one(trace, policy()).done if done.reason == "keep_on"]
        assert starts == [first]

    def test_slow_starts_are_learned_from(self) -> None:
        """A start takes 25 minutes, the lead is 10: late for a week, then it leaves early enough by itself."""
        lived = one(needed(days=14), policy(), Terms(Limits(start_takes=25 * 60)))
        starts = [text for text in told(lived) if "start" in text]
        assert starts[0] == "Tue 07:50 start in_hours"
        assert starts[-1] == "Fri 07:35 start in_hours"

    def test_production_is_never_stopped(self) -> None:
        lived = one(needed(name="prod-web"), policy())
        assert told(lived) == []
        assert lived.billed == ((lived.trace.begin, lived.trace.end),)

    def test_a_policy_that_only_plans_is_replayed_as_if_it_acted(self) -> None:
        assert told(one(needed(*self.WORK), policy(mode="plan"))) == told(one(needed(*self.WORK), policy()))

    def test_a_rule_that_only_plans_changes_nothing(self) -> None:
        quiet = HOURS.replace("{name: r,", "{name: r, mode: plan,")
        assert told(one(needed(*self.WORK), policy(quiet))) == []


class TestFleet:
    """`admit` is the same too: what one cluster does depends on the others."""

    def fleet(self, size: int) -> History:
        return history("test", [needed(name=f"c{number:03}", days=2) for number in range(size)])

    def test_the_stop_budget_spreads_an_evening(self) -> None:
        """A quarter of eight clusters an hour: two at 18:00, the next when the first are an hour ago."""
        guards = "guards: {stops: {at_most: 25%, within: 1h}}"
        lived = replay(self.fleet(8), policy(more=guards))
        at = Counter(text[:9] for each in lived for text in told(each) if "stop" in text)
        assert sorted(at.values()) == [2, 2, 2, 2]
        assert min(at) == "Mon 18:00"

    def test_calls_are_paced_a_region(self) -> None:
        """Fifty go at once, ten more one a second."""
        lived = replay(self.fleet(60), policy())
        seconds = Counter(each.done[0].at - min(one.done[0].at for one in lived) for each in lived)
        assert seconds[0] == 51
        assert max(seconds) == 9


IDLE = "{name: r, idle: {after: 1h, grace: 0m}}"


class TestIdle:
    def test_a_day_by_hand(self) -> None:
        """Idle since 09:00, seen at 09:05 in windows of 5 minutes: warned at 09:45, stopped at 10:00."""
        lived = one(needed("Sun 00:00-01:00", "Sun 08:00-09:00", days=1), policy(IDLE))
        assert told(lived) == ["Sun 02:00 stop idle", "Sun 08:00 start keep_on", "Sun 10:10 stop idle"]

    def test_learned_hours_start_ahead(self) -> None:
        """Every working day from 8 to 17; waiting costs 90 minutes: after a few weeks it is up before anybody comes."""
        begin = int(MONDAY.timestamp())
        busy = [(begin + day * DAY + 8 * HOUR, begin + day * DAY + 17 * HOUR) for day in range(56) if day % 7 < 5]
        trace = Trace(history_cluster("web"), begin, begin + 56 * DAY, tuple(busy))
        text = standard_text("idle", "UTC").replace("learn: true", "learn: true, waiting_cost: 90m")
        lived = one(trace, read_policy(text, "policy.yaml"))
        starts = [each for each in lived.done if each.verb == "start"]
        assert [each.reason for each in starts[:3]] == ["keep_on"] * 3
        assert {each.reason for each in starts[-10:]} == {"expected"}
        assert {datetime.fromtimestamp(each.at, UTC).weekday() for each in starts} == {0, 1, 2, 3, 4}

    def test_a_gap_in_what_is_known_stops_nothing(self) -> None:
        trace = needed("Sun 00:00-01:00", days=1)
        gap = ((trace.begin + 90 * 60, trace.end),)
        unknown = Trace(trace.cluster, trace.begin, trace.end, trace.busy, gap)
        assert told(one(trace, policy(IDLE))) == ["Sun 02:00 stop idle"]
        assert told(one(unknown, policy(IDLE))) == []


# --- properties ---

FIRST = int(SUNDAY.timestamp())
spans = st.tuples(st.integers(0, 3 * DAY), st.integers(60, 10 * HOUR))


def random_history(drawn: Iterable[Iterable[tuple[int, int]]], name: str = "c") -> History:
    begin = int(SUNDAY.timestamp())
    end = begin + 3 * DAY
    return history(
        "drawn",
        [
            Trace(
                history_cluster(f"{name}{number}"),
                begin,
                end,
                merged((begin + at, min(begin + at + length, end)) for at, length in needs),
            )
            for number, needs in enumerate(drawn)
        ],
    )


histories = st.lists(st.lists(spans, max_size=6), min_size=1, max_size=3).map(random_history)
POLICIES = {
    "hours": policy(more="guards: {stops: {at_most: 1, within: 1h}}"),
    "idle": policy(IDLE),
    "learned": policy("{name: r, idle: {after: 4h, waiting_cost: 3h, learn: true, grace: 1h}}"),
    "both": policy(
        "{name: h, hours: {schedule: office, inside: any}}, {name: r, idle: {after: 40m, grace: 1h, ttl: 30h, learn: true}}",
        more="guards: {warn_before_stop: 0m, min_off: 30m}",
    ),
}


@given(drawn=st.lists(st.lists(spans, max_size=3), min_size=3, max_size=5))
@settings(max_examples=8, deadline=None)
def test_a_budget_of_an_environment_counts_all_its_clusters(drawn: list[list[tuple[int, int]]]) -> None:
    """Half of the lab within two hours: a share of all of them, not of those that happened to be looked at."""
    lab = random_history(drawn, "lab-")
    for rules in (POLICIES["idle"], POLICIES["hours"]):
        fast, slow = (replay(lab, rules, Terms(every_tick=each)) for each in (False, True))
        assert [told(each) for each in fast] == [told(each) for each in slow]


APART = {
    "a rule's": policy("{name: r, idle: {after: 1h, grace: 0m, ttl: 5h}, guards: {stops: {at_most: 40%, within: 3h}}}"),
    "a rule's beside a schedule": policy(
        f"{HOURS}, {{name: i, idle: {{after: 1h, grace: 0m}}, guards: {{stops: {{at_most: 1, within: 40m}}}}}}",
        more="guards: {warn_before_stop: 0m, min_off: 40m}",
    ),
}


@pytest.mark.parametrize("name", APART)
@given(drawn=st.lists(st.lists(spans, max_size=3), min_size=3, max_size=6), gap=spans)
@settings(max_examples=6, deadline=None)
def test_what_a_budget_counts_is_what_asking_everybody_would_tell(
    name: str, drawn: list[list[tuple[int, int]]], gap: tuple[int, int]
) -> None:
    """Of whom nobody looks at, the last decision holds, also where it cannot be seen for a while what is in use."""
    lab = random_history(drawn, "lab-")
    dark = (FIRST + gap[0], FIRST + min(gap[0] + gap[1], 3 * DAY))
    lab = history("dark", [replace(lab.traces[0], unknown=(dark,)), *lab.traces[1:]])
    fast, slow = (replay(lab, APART[name], Terms(every_tick=each)) for each in (False, True))
    assert [told(each) for each in fast] == [told(each) for each in slow]


def test_whose_turn_comes_too_late_to_be_off_for_long_is_not_stopped() -> None:
    """One stop in 5h30m: at 18:00, at 23:35, and the third cluster's turn at 05:10 is 2h40m before it is to be up again."""
    guards = "guards: {stops: {at_most: 1, within: 5h30m}}"
    rules = policy(f"{HOURS[:-1]}, {guards}}}", more="guards: {warn_before_stop: 0m, min_off: 3h}")
    lab = history("late", [needed(name=name) for name in ("web", "api", "sql")])
    fast, slow = (replay(lab, rules, Terms(every_tick=each)) for each in (False, True))
    stops = sorted(line for lived in fast for line in told(lived) if "stop" in line and line < "Tue 09")
    assert stops == ["Mon 18:00 stop off_hours", "Mon 23:35 stop off_hours"]
    assert [told(each) for each in fast] == [told(each) for each in slow]


def test_who_goes_out_of_sight_while_waiting_for_a_turn_is_not_stopped() -> None:
    """Two are idle from noon on; one stop in two hours. Of the second nothing is known when its turn comes."""
    rules = policy("{name: r, idle: {after: 1h, grace: 0m}, guards: {stops: {at_most: 1, within: 2h}}}")
    first, second = (needed("Mon 11:00-12:00", name=name) for name in ("api", "web"))
    noon = int((MONDAY + timedelta(hours=12)).timestamp())
    lab = history("dark", [first, replace(second, unknown=((noon + 90 * 60, noon + 7 * HOUR),))])
    fast, slow = (replay(lab, rules, Terms(every_tick=each)) for each in (False, True))
    assert [told(each) for each in fast] == [told(each) for each in slow]
    assert "Mon 13:10 stop idle" in told(fast[0])
    assert not [line for line in told(fast[1]) if line.startswith("Mon 1") and "stop" in line]


def test_a_stop_asks_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a budget of its own that never binds, a fleet is looked at little more often than without one."""
    looks, real = Counter[str](), engine.look

    def counting(*args: Any, **options: Any) -> Look:
        looks[name] += 1
        return real(*args, **options)

    monkeypatch.setattr("lamplighter.backtest.replay.look", counting)
    needs = [[(day * DAY + number * 3000, 2000) for day in range(3)] for number in range(20)]
    for name in ("lab-", "dev-"):
        replay(random_history(needs, name), policy(IDLE, more="guards: {warn_before_stop: 0m}"))
    assert looks["lab-"] < 1.5 * looks["dev-"]


@pytest.mark.parametrize("name", POLICIES)
@given(drawn=histories, people=st.booleans())
@settings(max_examples=12, deadline=None)
def test_asking_at_events_is_asking_at_every_tick(name: str, drawn: History, people: bool) -> None:
    """The replay skips what cannot matter; skipped or not, the same things happen at the same moments."""
    fast = replay(drawn, POLICIES[name], Terms(people=people))
    slow = replay(drawn, POLICIES[name], Terms(people=people, every_tick=True))
    assert [told(each) for each in fast] == [told(each) for each in slow]
    assert [each.up for each in fast] == [each.up for each in slow]


def pausing() -> Trace:
    """Two weeks of people who pause for long."""
    days = [SUNDAY + timedelta(days=number) for number in range(12)]
    spans = ["08:10-11:10", "13:40-16:40"]
    busy = [
        tuple(int((day + timedelta(hours=int(at[:2]), minutes=int(at[3:]))).timestamp()) for at in span.split("-"))
        for day in days
        if day.weekday() < 5
        for span in spans
    ]
    begin = int(SUNDAY.timestamp())
    return Trace(history_cluster("web"), begin, begin + len(days) * DAY, tuple((one, other) for one, other in busy))


def test_a_warning_longer_than_signals_are_fresh() -> None:
    """Idle from midnight, its wait is over at one. What was seen is fresh for half an hour, so people are told at half
    past twelve, 40 minutes ahead."""
    lab = needed("Sun 12:00-12:01", days=1)
    rules = policy(IDLE, more="guards: {warn_before_stop: 40m}")
    fast, slow = (told(one(lab, rules, Terms(every_tick=each))) for each in (False, True))
    assert fast[0] == "Sun 01:10 stop idle"
    assert fast == slow


def test_an_opinion_that_is_served_is_over_at_the_next_tick() -> None:
    """Somebody works all night and goes at seven. At eight `inside: any` finds it up, which is all that it wants; the
    other rule has waited for that."""
    monday = 21 * HOUR + 9 * 60 + 1
    night = random_history([[(0, 60), (DAY + monday, 10 * HOUR)]]).traces[0]
    fast, slow = (told(one(night, POLICIES["both"], Terms(every_tick=each))) for each in (False, True))
    assert "Tue 08:00 stop idle" in fast
    assert fast == slow


def test_a_start_ahead_soon_after_a_stop_is_not_overlooked() -> None:
    """It is stopped, and started ahead again before a stop and a start have paid."""
    fast, slow = (told(one(pausing(), POLICIES["learned"], Terms(every_tick=each))) for each in (False, True))
    assert "Tue 12:55 start expected" in fast
    assert fast == slow


def test_on_a_closed_day_people_wake_it_and_nothing_else_does() -> None:
    """The second Tuesday and Thursday are closed; on the Tuesday people come all the same, on the Thursday nobody."""
    tuesday, thursday = (MONDAY + timedelta(days=number) for number in (8, 10))
    closed = f"calendars: {{c: {{closed: [{tuesday:%Y-%m-%d}, {thursday:%Y-%m-%d}]}}}}"
    block = "after: 4h, waiting_cost: 3h, learn: true, grace: 1h"
    free = int(thursday.timestamp())
    whole = pausing()
    lab = replace(whole, busy=(*cut(whole.busy, whole.begin, free), *cut(whole.busy, free + DAY, whole.end)))
    rules = policy(f"{{name: r, idle: {{{block}, calendar: c}}}}", more=closed)

    fast, slow, unaware = one(lab, rules), one(lab, rules, Terms(every_tick=True)), one(lab, POLICIES["learned"])

    def starts(lived: Lived, day: datetime) -> list[str]:
        return [each.reason for each in lived.done if each.verb == "start" and 0 <= each.at - day.timestamp() < DAY]

    assert starts(fast, tuesday) == ["keep_on", "keep_on"]
    assert starts(fast, thursday) == []
    assert "expected" in starts(unaware, thursday)
    assert told(fast) == told(slow)


FUTURES = {
    "nothing more": lambda trace, at: replace(trace, end=at),
    "everybody comes": lambda trace, at: replace(trace, busy=merged((*cut(trace.busy, trace.begin, at), (at, trace.end)))),
    "nobody comes": lambda trace, at: replace(trace, busy=cut(trace.busy, trace.begin, at)),
    "nothing is known": lambda trace, at: replace(trace, unknown=merged((*trace.unknown, (at, trace.end)))),
}  # fmt: skip


@pytest.mark.parametrize("name", POLICIES)
@given(drawn=histories, people=st.booleans(), data=st.data())
@settings(max_examples=10, deadline=None)
def test_the_future_changes_nothing(name: str, drawn: History, people: bool, data: st.DataObject) -> None:
    """Whatever comes a second after an action, a need or its end: what was done up to then stays as it was.

    Right after a stop is where a look ahead would show: who knew that somebody comes would not have stopped.
    """
    terms = Terms(people=people)
    whole = replay(drawn, POLICIES[name], terms)
    moments = [one.at for each in whole for one in each.done]
    moments += [at for trace in drawn.traces for need in trace.busy for at in need]
    moments = [at for at in moments if drawn.begin < at < drawn.end - 1] or [drawn.begin + DAY]
    until = data.draw(st.sampled_from(moments)) + 1
    future = data.draw(st.sampled_from(sorted(FUTURES)))
    other = history("other", [FUTURES[future](trace, until) for trace in drawn.traces])
    for each, short in zip(whole, replay(other, POLICIES[name], terms), strict=True):
        assert [one for one in each.done if one.at < until] == [one for one in short.done if one.at < until]


def test_a_stop_does_not_know_who_comes_a_second_later() -> None:
    """The same without drawing: an ordinary day ends after each action, or everybody comes, or nobody can be seen."""
    day = needed("Mon 09:00-11:00", "Mon 12:00-17:30", begin=MONDAY, days=1)
    for rules in POLICIES.values():
        whole = one(day, rules).done
        assert any(done.verb == "stop" for done in whole)
        for number, done in enumerate(whole, 1):
            for future in ("nothing more", "everybody comes", "nothing is known"):
                again = one(FUTURES[future](day, done.at + 1), rules).done
                assert again[:number] == whole[:number]


sittings = st.tuples(st.integers(0, 8 * HOUR), st.integers(60, 2 * HOUR))
QUICK = policy("{name: r, idle: {after: 2h, learn: true, grace: 0m}}")


@pytest.mark.parametrize("rules", [POLICIES["idle"], QUICK], ids=["fixed", "learned"])
@given(needs=st.lists(sittings, max_size=4), more=sittings)
@settings(max_examples=40, deadline=None)
def test_more_use_never_leads_to_an_earlier_stop(
    rules: Policy, needs: list[tuple[int, int]], more: tuple[int, int]
) -> None:
    """Up to the first stop nothing but use differs: with any use more, wherever it falls, that stop is no earlier."""
    stops = []
    for drawn in (needs, [*needs, more]):
        (lived,) = replay(random_history([drawn]).between(FIRST, FIRST + DAY // 2), rules)
        stops.append(min((done.at for done in lived.done if done.verb == "stop"), default=lived.trace.end))
    assert stops[0] <= stops[1]


@given(drawn=histories, at=st.integers(0, 3 * DAY), later=st.integers(1, DAY))
@settings(max_examples=60, deadline=None)
def test_signals_tell_of_the_past_only(drawn: History, at: int, later: int) -> None:
    """Every instant in them lies before the look, whatever is under way then and however it goes on."""
    for trace in drawn.traces:
        now = trace.begin + at
        life = Life(trace, people=True)
        for begin, end in trace.busy:
            if begin < now:
                life.need_begins(begin, end)
        signal = activity(life, Moment.of(now)).value
        told_of = (signal.begin, signal.end, signal.last_active_at, signal.quiet_at)
        assert all(moment <= Moment.of(now).now for moment in told_of if moment is not None)
        life.used = [(begin, end + later if end > now else end) for begin, end in life.used]
        assert activity(life, Moment.of(now)).value == signal


@pytest.mark.parametrize("name", POLICIES)
@given(drawn=histories)
@settings(max_examples=12, deadline=None)
def test_what_is_up_is_paid_for_and_work_is_done(name: str, drawn: History) -> None:
    for lived in replay(drawn, POLICIES[name]):
        for part in (lived.up, lived.billed):
            assert list(part) == sorted(part)
            assert all(begin < end for begin, end in part)
        for begin, end in lived.up:
            assert any(paid <= begin and end <= off for paid, off in lived.billed)
        for begin, _ in lived.trace.busy:
            served = begin + 45 * 60 >= lived.trace.end or any(
                on < begin + 45 * 60 and begin < off for on, off in lived.up
            )
            assert served, "whoever wakes it is served within rest, start and a tick"
