"""`idle`: what nobody uses is stopped, what is unknown is not, and a start is the clearest sign of need."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import PolicyError
from shared.model.activity import Activity, Stretch
from shared.model.decisions import Reason, Verdict
from shared.model.facts import Fact, Need
from shared.model.fleet import Power
from shared.model.memory import OpenAction, Owed, PersonHold, Phase, Seen, Served, Wish
from shared.model.signals import Signal, Use
from shared.policy import learning
from shared.policy.document import read_policy
from shared.policy.grains import GRAIN
from shared.policy.rules import idle
from tests.policy.builders import cluster, with_target
from tests.policy.idle_builders import (
    DAY,
    DEAR,
    HEAD,
    HOUR,
    LEARNING,
    LONG_AGO,
    MINUTE,
    MONDAY,
    OFF,
    TWO_HOURS,
    costs,
    decided,
    fact,
    look,
    office_habit,
    proposed,
    quiet,
    remembered,
    rules,
)


class TestStop:
    def test_two_hours_without_use_and_it_is_stopped(self):
        memory = remembered(TWO_HOURS, quiet(MONDAY - 2 * HOUR, MONDAY))

        said = decided(look(memory, fact()))
        assert (said.verdict, said.reason, said.action.verb) == (Verdict.ACT, Reason.IDLE, "stop")
        assert said.message == "stop: idle since Sun 6 Dec 23:00; the rule waits 2h", (
            "times are those of the policy's zone, Berlin"
        )
        assert said.due_at == MONDAY

    def test_a_minute_earlier_it_says_when(self):
        memory = remembered(TWO_HOURS, quiet(MONDAY - 2 * HOUR + MINUTE, MONDAY))

        said = decided(look(memory, fact()))
        assert (said.verdict, said.reason) == (Verdict.NONE, Reason.NO_OPINION)
        assert "stops Mon 7 Dec 01:01 unless it is used" in said.message

    def test_use_just_now_keeps_it_and_the_sentence_tells_which_signal_did(self):
        memory = remembered(TWO_HOURS, quiet(MONDAY - 9 * HOUR, MONDAY))

        said = decided(look(memory, fact(Use.ACTIVE)))
        assert said.reason is Reason.NO_OPINION
        assert "in use (cpu 1 %)" in said.message

    def test_use_in_the_newest_window_counts_although_memory_is_older(self):
        memory = remembered(TWO_HOURS, quiet(MONDAY - 9 * HOUR, MONDAY))

        said = proposed(look(memory, fact(last_active_at=MONDAY - 5 * MINUTE)))
        assert said.wish is None
        assert said.until == MONDAY - 5 * MINUTE + 2 * HOUR

    def test_use_that_is_over_counts_as_over(self):
        """A look reaches half an hour back; a wait of eight minutes must not become one of thirty-eight."""
        memory = remembered(TWO_HOURS, quiet(MONDAY - 2 * HOUR, MONDAY))
        past = {"last_active_at": MONDAY - 12 * MINUTE, "quiet_at": MONDAY - 12 * MINUTE}

        assert proposed(look(memory, fact(Use.ACTIVE, **past))).until == MONDAY - 12 * MINUTE + 2 * HOUR

    def test_a_rule_may_ask_for_more_idle_windows_in_a_row(self):
        policy = rules("after: 10m, windows: 6")
        memory = remembered(policy, quiet(MONDAY - 20 * MINUTE, MONDAY))

        assert proposed(look(memory, fact()), policy).until == MONDAY + 10 * MINUTE

    def test_the_stop_is_announced_before_it_is_due(self):
        warning = read_policy(
            HEAD.replace("warn_before_stop: 0m", "warn_before_stop: 15m")
            + "  - {name: sandboxes, match: {environments: [dev]}, idle: {after: 2h}}\n",
            "policy.yaml",
        )
        memory = remembered(warning, quiet(MONDAY - 2 * HOUR + 14 * MINUTE, MONDAY))

        said = decided(look(memory, fact()), warning)
        assert said.announce is not None
        assert said.announce.due_at == MONDAY + 15 * MINUTE - MINUTE or said.announce.due_at >= MONDAY + 14 * MINUTE


UNKNOWN = [
    None,
    Fact(None, MONDAY, "the metrics answered 403"),
    Fact(None, MONDAY),
    Fact(fact().value, MONDAY, "half of the metrics answered 503"),
    fact(Use.UNKNOWN),
    fact(now=MONDAY - HOUR),
    fact(now=MONDAY + HOUR),
]


LATER = MONDAY + 9_000 * DAY
TICKS = 70


def runs(what, longest):
    """TICKS of them: each for a while."""
    several = st.lists(st.tuples(what, st.integers(1, longest)), min_size=TICKS // 2, max_size=TICKS)
    return several.map(lambda drawn: [one for one, times in drawn for _ in range(times)][:TICKS]).filter(
        lambda drawn: len(drawn) == TICKS
    )


class TestUnknown:
    @pytest.mark.parametrize("signal", UNKNOWN)
    @pytest.mark.parametrize("policy", [TWO_HOURS, LEARNING])
    def test_unknown_never_stops_anything(self, signal, policy):
        memory = remembered(policy, quiet(MONDAY - 9 * DAY, MONDAY))

        said = decided(look(memory, signal), policy)
        assert (said.verdict, said.action) == (Verdict.NONE, None)
        assert "whether it is in use is unknown" in said.message

    @given(st.sampled_from(UNKNOWN), st.timedeltas(timedelta(0), 400 * DAY), st.booleans())
    def test_however_long_it_was_idle(self, signal, long, learn):
        policy = LEARNING if learn else TWO_HOURS
        memory = remembered(policy, quiet(MONDAY - long, MONDAY))

        assert proposed(look(memory, signal), policy).wish is not Wish.STOPPED

    def test_what_was_not_seen_is_not_idle(self):
        """The app was down for a day: two hours are counted from the first look on."""
        memory = remembered(TWO_HOURS, quiet(MONDAY - 26 * HOUR, MONDAY - DAY))

        said = proposed(look(memory, fact()))
        assert said.wish is None
        assert said.until == MONDAY - 15 * MINUTE + 2 * HOUR

    @pytest.mark.parametrize("use", [Stretch.ACTIVE, Stretch.UNKNOWN])
    @pytest.mark.parametrize("policy", [TWO_HOURS, LEARNING])
    def test_what_is_remembered_of_now_is_not_overruled_by_an_older_signal(self, use, policy):
        """Signals come late: idle a while ago does not make idle what was used, or not seen, since then."""
        activity = learning.observe(Activity(), MONDAY - 9 * HOUR, MONDAY, use, costs(policy))

        assert proposed(look(remembered(policy, activity), fact(now=MONDAY - 5 * MINUTE)), policy).wish is None

    def test_a_cluster_of_which_nothing_is_remembered_is_left_alone(self):
        assert proposed(look(remembered(TWO_HOURS), fact())).wish is None

    @pytest.mark.parametrize("policy", [TWO_HOURS, LEARNING], ids=["fixed", "learned"])
    @given(
        runs(st.booleans(), 30),
        runs(st.sampled_from(["seen", "unknown", "missed"]), 20),
    )
    @settings(max_examples=100, deadline=None)
    def test_whatever_is_stopped_was_seen_to_be_idle_all_along(self, policy, quiet_grains, looks):
        """Ticks that see half an hour, see nothing, or do not happen: a stop has every grain since then for a witness.

        And the other way round: what was seen to be quiet for longer than the longest wait is stopped.
        """
        (rule,) = policy.rules
        memory, witnessed = remembered(policy), set()
        for number in range(6, len(looks)):
            now, window = MONDAY + number * GRAIN, range(number - 6, number)
            if looks[number] == "missed":
                continue
            seen = _half_an_hour(quiet_grains, now, window) if looks[number] == "seen" else None
            witnessed |= set(window) if seen else set()
            memory = replace(memory, activity=idle.learned(look(memory, seen), rule, now))
            said = proposed(look(memory, seen), policy, now)
            if said.wish is Wish.STOPPED:
                since = datetime.fromisoformat(said.cause.removeprefix("sandboxes:idle:"))
                spell = set(range(int((since - MONDAY) / GRAIN), number))
                assert spell <= witnessed
                assert all(quiet_grains[one] for one in spell)
                assert now - since >= 6 * MINUTE
            elif seen and number >= 25:
                wait = range(number - 25, number)
                assert not all(quiet_grains[one] and looks[one + 1] == "seen" for one in wait)

    def test_the_reason_is_told(self):
        memory = remembered(TWO_HOURS, quiet(MONDAY - DAY, MONDAY))

        said = [proposed(look(memory, signal)).sentence.partition("unknown: ")[2] for signal in UNKNOWN]
        assert said == [
            "its signals were not read",
            "the metrics answered 403",
            "nothing was read",
            "half of the metrics answered 503",
            "cpu 1 %",
            "its signals end Mon 7 Dec 00:00, too far from Mon 7 Dec 01:00",
            "its signals end Mon 7 Dec 02:00, too far from Mon 7 Dec 01:00",
        ]


def _half_an_hour(quiet_grains, now, window):
    """What signals tell of these grains of five minutes."""
    used = [one for one in window if not quiet_grains[one]]
    if not used:
        return Fact(Signal(Use.IDLE, now - 6 * GRAIN, now), now)
    last = MONDAY + (used[-1] + 1) * GRAIN
    return Fact(Signal(Use.ACTIVE, now - 6 * GRAIN, now, last, quiet_at=last if last < now else None), now)


class TestStarts:
    def test_a_start_by_hand_is_a_need_the_wait_begins_anew(self):
        memory = remembered(
            TWO_HOURS,
            quiet(MONDAY - 9 * HOUR, MONDAY),
            seen=Seen(Power.RUNNING, MONDAY - HOUR, MONDAY - HOUR),
            served=Served(Wish.STOPPED, MONDAY - 3 * HOUR),
            stopped_at=MONDAY - 7 * HOUR,
        )

        assert proposed(look(memory, fact())).until == MONDAY + HOUR
        later = MONDAY + HOUR
        memory = replace(memory, activity=quiet(MONDAY - 9 * HOUR, later))
        assert decided(look(memory, fact(now=later)), now=later).verdict is Verdict.ACT

    def test_a_rule_that_is_adopted_today_waits_from_today(self):
        """Merged at noon, it must not stop at noon everything that was idle in the morning."""
        memory = remembered(TWO_HOURS, quiet(MONDAY - 9 * DAY, MONDAY), adopted_at=MONDAY - MINUTE)

        assert proposed(look(memory, fact())).until == MONDAY - MINUTE + 2 * HOUR

    def test_a_new_cluster_has_its_grace(self):
        memory = remembered(TWO_HOURS, quiet(MONDAY - 3 * HOUR, MONDAY), first_seen_at=MONDAY - 3 * HOUR)

        said = proposed(look(memory, fact()))
        assert said.until == MONDAY + HOUR
        assert "new: left alone for 4h" in said.sentence

    def test_what_it_stopped_is_not_started_because_it_is_quiet(self):
        off = learning.stopped(quiet(MONDAY - 3 * HOUR, MONDAY - HOUR), MONDAY - HOUR, costs())
        memory = remembered(TWO_HOURS, off, power=Power.STOPPED, owed=Owed("sandboxes", MONDAY - HOUR))

        said = decided(look(memory, None, OFF))
        assert (said.verdict, said.reason) == (Verdict.NONE, Reason.NO_OPINION)
        assert "off, and nothing says when it is needed next" in said.message

    def test_signals_are_asked_of_what_runs_and_is_not_kept_on_anyway(self):
        (rule,) = TWO_HOURS.rules
        hold = PersonHold(Wish.RUNNING, MONDAY - HOUR, MONDAY + HOUR, "command")

        assert idle.needs(look(remembered(TWO_HOURS), None), rule, MONDAY) == {Need.ACTIVITY}
        assert idle.needs(look(remembered(TWO_HOURS), None, OFF), rule, MONDAY) == frozenset()
        assert idle.needs(look(remembered(TWO_HOURS, holds=(hold,)), None), rule, MONDAY) == frozenset()
        assert idle.needs(look(remembered(TWO_HOURS, holds=(hold,)), None), LEARNING.rules[0], MONDAY)
        for other in (
            replace(hold, until=MONDAY),
            replace(hold, pool="apps"),
            replace(hold, source="tag", until=LATER),
        ):
            assert idle.needs(look(remembered(TWO_HOURS, holds=(other,)), None), rule, MONDAY) == {Need.ACTIVITY}


class TestLearned:
    def test_who_leaves_for_the_night_is_stopped_sooner_and_the_sentence_has_the_numbers(self):
        activity = office_habit(LEARNING)
        evening = MONDAY + 17 * HOUR
        now = evening + 10 * MINUTE
        memory = remembered(LEARNING, quiet(evening, now, 9 * HOUR, activity))

        said = decided(look(memory, fact(now=now)), LEARNING, now)
        assert said.reason is Reason.IDLE
        assert said.due_at == evening + 8 * MINUTE
        assert said.message.startswith("stop: idle since Mon 7 Dec 18:00; waits 8m: of ")
        assert "quiet spells" in said.message
        assert "with a wait of 30m" in said.message

    def test_until_it_was_left_once_it_waits_as_long_as_a_start_costs_and_a_tenth_of_its_use(self):
        memory = remembered(LEARNING, quiet(MONDAY - 29 * MINUTE, MONDAY))

        said = proposed(look(memory, fact()), LEARNING)
        assert said.until == MONDAY + 7 * MINUTE
        assert "waits 36m: what starting and people's waiting cost (30m), and up to a tenth of its use" in said.sentence

    def test_it_is_started_ahead_by_its_own_slow_start(self):
        monday = MONDAY + 8 * HOUR
        memory = remembered(
            DEAR,
            office_habit(DEAR),
            power=Power.STOPPED,
            owed=Owed("sandboxes", MONDAY),
            start_seconds=(240, 250, 260, 300, 260, 250, 240, 250, 900, 1500),
        )
        due = monday - 15 * MINUTE

        assert proposed(look(memory, None, OFF), DEAR, due - MINUTE).wish is None
        said = decided(look(memory, None, OFF), DEAR, due)
        assert (said.verdict, said.reason, said.action.verb) == (Verdict.ACT, Reason.EXPECTED, "start")
        assert said.ready_by == monday
        assert "ready in 15m (p90)" in said.message

    def test_a_full_queue_makes_it_earlier(self):
        memory = remembered(DEAR, office_habit(DEAR), power=Power.STOPPED, owed=Owed("sandboxes", MONDAY))
        lane = {(OFF.subscription, OFF.location): 20 * MINUTE}

        now = MONDAY + 7 * HOUR + 35 * MINUTE
        assert proposed(look(memory, None, OFF), DEAR, now).wish is None
        assert proposed(look(memory, None, OFF, queue_lead=lane), DEAR, now).wish is Wish.RUNNING

    def test_the_hour_it_was_started_for_is_not_ended_by_idleness(self):
        off = office_habit(DEAR)
        started = MONDAY + 7 * HOUR + 50 * MINUTE
        on = learning.started(off, started, costs(DEAR), needed=False)
        now = MONDAY + 8 * HOUR + 30 * MINUTE
        on = learning.observe(on, started, now, Stretch.IDLE, costs(DEAR))
        memory = remembered(DEAR, on, seen=Seen(Power.RUNNING, started, started), started_at=started)

        said = proposed(look(memory, fact(now=now)), DEAR, now)
        assert (said.wish, said.until) == (Wish.RUNNING, MONDAY + 9 * HOUR)

    def test_waiting_that_costs_little_is_not_worth_a_start_for_nothing(self):
        memory = remembered(LEARNING, office_habit(LEARNING), power=Power.STOPPED)

        said = proposed(look(memory, None, OFF), LEARNING, MONDAY + 8 * HOUR)
        assert said.wish is None
        assert "next needed by Mon 7 Dec 10:00" in said.sentence


class TestHoliday:
    """Used from 08:00 UTC, 09:00 in Berlin, on each day of work for eight weeks; Monday 7 December is closed."""

    def policy(self, calendar):
        head = HEAD.replace("rules:", f"calendars: {{berlin: {calendar}}}\nrules:")
        block = "after: 4h, learn: true, waiting_cost: 3h, calendar: berlin"
        return read_policy(f"{head}  - {{name: sandboxes, idle: {{{block}}}}}\n", "policy.yaml")

    def said(self, policy, now):
        memory = remembered(policy, office_habit(policy), power=Power.STOPPED, owed=Owed("sandboxes", MONDAY))
        return decided(look(memory, None, OFF), policy, now)

    def test_it_does_not_come_up_ahead_and_says_why(self):
        policy = self.policy("{closed: 2026-12-07}")
        said = self.said(policy, MONDAY + 8 * HOUR - 5 * MINUTE)

        assert said.action is None
        assert (
            "does not come up ahead: the calendar berlin closes today; next needed by Tue 8 Dec 10:00" in said.message
        )

    def test_a_public_holiday_is_named(self):
        policy = self.policy("{country: ES, closed: 2027-01-01}")
        said = self.said(policy, MONDAY + DAY + 8 * HOUR - 5 * MINUTE)

        assert said.action is None
        assert "ahead: holiday Immaculate Conception (calendar berlin)" in said.message

    @pytest.mark.parametrize(("closed", "day"), [("2026-12-07", 1), ("2026-12-06", 0)])
    def test_on_a_day_of_work_it_does(self, closed, day):
        said = self.said(self.policy(f"{{closed: {closed}}}"), MONDAY + day * DAY + 8 * HOUR - 5 * MINUTE)

        assert (said.reason, said.action.verb) == (Reason.EXPECTED, "start")

    def test_who_works_on_one_is_not_stopped_for_it(self):
        policy = self.policy("{closed: 2026-12-07}")
        memory = remembered(policy, quiet(MONDAY, MONDAY))

        said = decided(look(memory, fact(Use.ACTIVE, MONDAY, last_active_at=MONDAY)), policy)
        assert said.action is None
        assert "in use" in said.message

    def test_another_calendar_is_another_wish(self):
        """The rule is adopted anew, as with a schedule's."""
        one, other = (self.policy(f"{{closed: {day}}}").rules[0] for day in ("2026-12-07", "2026-12-08"))

        assert one.fingerprint != other.fingerprint


class TestWarnedWhileItMustRun:
    """A stop that waits for `min_uptime` alone is told meanwhile: it is not one warning later."""

    POLICY = read_policy(
        f"{HEAD}  - {{name: sandboxes, match: {{environments: [dev]}}, idle: {{after: 10m}}}}\n".replace(
            "warn_before_stop: 0m, min_uptime: 0m", "warn_before_stop: 15m, min_uptime: 30m"
        ),
        "policy.yaml",
    )

    def said(self, up_for):
        started = MONDAY - up_for
        activity = learning.observe(Activity(), started, started + MINUTE, Stretch.ACTIVE, costs())
        activity = learning.observe(activity, started + MINUTE, MONDAY, Stretch.IDLE, costs())
        memory = remembered(self.POLICY, activity, seen=Seen(Power.RUNNING, started, started))
        return decided(look(memory, fact()), self.POLICY)

    def test_it_is_told_in_time_and_comes_when_it_may(self):
        said = self.said(16 * MINUTE)

        assert said.reason is Reason.MIN_UPTIME
        assert said.announce.due_at == said.not_before == MONDAY + 14 * MINUTE

    def test_not_before_its_time(self):
        assert self.said(12 * MINUTE).announce is None

    def test_noticed_late_it_is_told_as_long_before_as_any_other(self):
        assert self.said(25 * MINUTE).announce.due_at == MONDAY + 15 * MINUTE


class TestMemory:
    """What a tick remembers before it decides."""

    def test_a_first_look_begins_the_memory(self):
        (rule,) = TWO_HOURS.rules

        activity = idle.learned(look(remembered(TWO_HOURS), fact(Use.ACTIVE)), rule, MONDAY)
        assert activity.use is Stretch.ACTIVE
        assert activity.first_at == MONDAY - 15 * MINUTE

    def test_a_stop_and_a_start_by_hand_are_a_quiet_spell(self):
        (rule,) = TWO_HOURS.rules
        memory = remembered(TWO_HOURS, quiet(MONDAY - 2 * HOUR, MONDAY))
        down = replace(memory, targets={"": replace(memory.target(None), seen=Seen(Power.STOPPED, MONDAY, MONDAY))})
        off = idle.learned(look(down, None, OFF), rule, MONDAY + 5 * MINUTE)
        started = MONDAY + 9 * HOUR
        up = Seen(Power.RUNNING, started, started)
        back = replace(memory, activity=off, targets={"": replace(memory.target(None), seen=up)})
        on = idle.learned(look(back, None), rule, started + 5 * MINUTE)

        assert (off.use, off.since) == (Stretch.OFF, MONDAY)
        assert (on.use, on.since, on.departures) == (Stretch.ACTIVE, started, 1)

    @pytest.mark.parametrize(("woken", "use"), [(False, Stretch.IDLE), (True, Stretch.ACTIVE)])
    def test_our_own_start_is_a_need_only_where_a_person_asked_for_it(self, woken, use):
        (rule,) = TWO_HOURS.rules
        off = learning.stopped(quiet(MONDAY - 2 * HOUR, MONDAY), MONDAY, costs())
        started = MONDAY + 9 * HOUR
        hold = PersonHold(Wish.RUNNING, started, started + HOUR, "wake")
        memory = remembered(
            TWO_HOURS,
            off,
            seen=Seen(Power.RUNNING, started, started),
            started_at=started,
            holds=(hold,) if woken else (),
        )

        assert idle.learned(look(memory, None), rule, started).use is use
        start = OpenAction("x", "start_cluster", None, Phase.ACCEPTED, "c", "r", "expected", started, started)
        waits = replace(with_target(memory, started_at=None), open=start)
        assert idle.learned(look(waits, None), rule, started).use is use, "nor while its nodes are waited for"

    def test_a_wake_is_a_need_from_the_moment_it_was_said(self):
        (rule,) = TWO_HOURS.rules
        off = learning.stopped(quiet(MONDAY - 2 * HOUR, MONDAY), MONDAY, costs())
        said, started = MONDAY + 9 * HOUR, MONDAY + 9 * HOUR + 36 * MINUTE
        memory = remembered(
            TWO_HOURS,
            off,
            seen=Seen(Power.RUNNING, started, started),
            started_at=started,
            holds=(PersonHold(Wish.RUNNING, said, said + 2 * HOUR, "wake"),),
        )

        assert idle.learned(look(memory, None), rule, started).since == said

    def test_a_power_state_that_cannot_be_read_changes_nothing(self):
        (rule,) = TWO_HOURS.rules
        memory = remembered(TWO_HOURS, quiet(MONDAY - 2 * HOUR, MONDAY))
        unknown = cluster(power=Power.UNKNOWN)

        assert idle.learned(look(memory, fact(), unknown), rule, MONDAY) is memory.activity


class TestTtl:
    THREE_DAYS = rules("after: 2h, ttl: 72h")

    def memory(self, started):
        return remembered(self.THREE_DAYS, seen=Seen(Power.RUNNING, started, started))

    @pytest.mark.parametrize("signal", [fact(Use.ACTIVE), fact(), None])
    def test_its_time_ends_in_use_or_not(self, signal):
        said = decided(look(self.memory(MONDAY - 72 * HOUR), signal), self.THREE_DAYS)

        assert (said.verdict, said.reason) == (Verdict.ACT, Reason.TTL)
        assert said.message == (
            "stop: its time is over: ttl 3d after its start Fri 4 Dec 01:00, in use or not; whoever may keep clusters"
            " on (`lamplighter wake web`) or start them in Azure may start it, for another 3d"
        )

    def test_where_learned_hours_may_start_it_again_that_is_said(self):
        learning_too = rules("after: 2h, ttl: 72h, learn: true")
        memory = remembered(learning_too, seen=Seen(Power.RUNNING, MONDAY - 72 * HOUR, MONDAY - 72 * HOUR))

        assert (
            "in Azure may start it, and learned hours may, for" in proposed(look(memory, None), learning_too).sentence
        )

    def test_before_that_it_says_when(self):
        said = proposed(look(self.memory(MONDAY - 71 * HOUR), None), self.THREE_DAYS)

        assert said.wish is None
        assert said.until == MONDAY + HOUR
        assert said.sentence.endswith("its time (ttl 3d) ends Mon 7 Dec 02:00")

    def test_a_cluster_that_was_never_seen_to_start_has_no_end(self):
        assert proposed(look(remembered(self.THREE_DAYS), None), self.THREE_DAYS).wish is None

    def test_a_rule_that_is_adopted_later_ends_it_from_then_on(self):
        memory = remembered(self.THREE_DAYS, seen=Seen(Power.RUNNING, LONG_AGO, LONG_AGO), adopted_at=MONDAY)

        assert decided(look(memory, None), self.THREE_DAYS).reason is Reason.TTL


class TestPeople:
    def test_a_persons_keep_on_wins_and_ends(self):
        hold = PersonHold(Wish.RUNNING, MONDAY - HOUR, MONDAY + HOUR, "command", "ana", "demo")
        memory = remembered(TWO_HOURS, quiet(MONDAY - 9 * HOUR, MONDAY), holds=(hold,))
        after = MONDAY + HOUR

        assert decided(look(memory, fact())).reason is Reason.AS_WISHED
        later = replace(memory, activity=quiet(MONDAY - 9 * HOUR, after))
        assert decided(look(later, fact(now=after)), now=after).reason is Reason.IDLE

    @given(
        st.sampled_from(["after: 2h", "after: 2h, learn: true", "after: 2h, ttl: 72h"]).map(rules),
        st.sampled_from(["command", "wake", "postpone"]),
        st.timedeltas(timedelta(0), 5 * DAY),
        st.timedeltas(MINUTE, 400 * DAY),
        st.booleans(),
    )
    def test_a_persons_voice_always_wins_and_always_ends(self, policy, source, ago, lasting, used):
        """Whatever a rule wants and however long somebody said: up until then, at most `keep_on_at_most`; then not."""
        said = MONDAY - ago
        hold = PersonHold(Wish.RUNNING, said, said + lasting, source, "ana", "demo")
        long = {"seen": Seen(Power.RUNNING, LONG_AGO, LONG_AGO), "holds": (hold,)}
        memory = remembered(policy, quiet(MONDAY - 9 * DAY, MONDAY), **long)
        decision = decided(look(memory, fact(Use.ACTIVE if used else Use.IDLE)), policy)

        if min(said + lasting, said + 72 * HOUR) > MONDAY:
            assert (decision.action, decision.reason) == (None, Reason.AS_WISHED)
            assert "by ana: demo" in decision.message
        else:
            assert decision.reason is not Reason.AS_WISHED
            assert (decision.action is None) == (used and policy.rules[0].block.ttl is None)

    def test_hours_that_want_it_running_are_louder_than_idleness(self):
        policy = read_policy(
            HEAD + "  - {name: sandboxes, match: {environments: [dev]}, idle: {after: 2h}}\n"
            "  - {name: day, match: {environments: [dev]}, hours: {schedule: always}}\n",
            "policy.yaml",
        )
        memory = remembered(TWO_HOURS, quiet(MONDAY - 9 * HOUR, MONDAY))

        assert decided(look(memory, fact()), policy).reason is Reason.AS_WISHED


class TestMoreUse:
    def test_a_stop_that_was_due_later_is_not_moved_forward_by_a_click(self):
        """Alone its wait would be eight minutes: but before that click it was to run until ten past."""
        habit = office_habit(LEARNING)
        now = MONDAY + 10 * HOUR
        activity = replace(quiet(now - 9 * MINUTE, now, MINUTE, habit), promised=now + 10 * MINUTE)

        said = proposed(look(remembered(LEARNING, activity), fact(now=now)), LEARNING, now)
        assert (said.wish, said.until) == (None, now + 10 * MINUTE)

    @given(
        st.timedeltas(timedelta(0), 6 * HOUR),
        st.timedeltas(timedelta(0), 6 * HOUR),
        st.booleans(),
    )
    def test_later_use_never_leads_to_an_earlier_stop(self, first, second, learn):
        """Stop or not, and when: of two clusters that differ in their last use only, the later used stops later."""
        policy = LEARNING if learn else TWO_HOURS
        dues = []
        for ago in (max(first, second), min(first, second)):
            said = proposed(look(remembered(policy, quiet(MONDAY - ago, MONDAY)), fact()), policy)
            dues.append(said.due_at if said.wish is Wish.STOPPED else said.until)

        assert dues[0] <= dues[1]


class TestGrammar:
    def test_the_block_of_the_example_reads(self):
        policy = rules("after: 2h, starting_cost: 6m, waiting_cost: 24m, learn: true, ttl: 72h")
        block = policy.rules[0].block

        assert block.costs.break_even == pytest.approx(0.5)
        assert block.ttl == 72 * HOUR

    @pytest.mark.parametrize(
        ("block", "text"),
        [
            ("after: 0m", "such as 2h"),
            ("after: 2h, ttl: 0m", "such as 72h"),
            ("after: soon", "is no duration"),
            ("after: 2h, windows: 0", "windows"),
            ("after: 2h, signals: {cpu_percent: 140}", "cpu_percent"),
            ("learn: true", "after"),
        ],
    )
    def test_mistakes_are_told_in_one_sentence(self, block, text):
        with pytest.raises(PolicyError) as caught:
            rules(block)

        assert text in str(caught.value)

    def test_what_counts_as_use_is_a_rules_own(self):
        assert rules("after: 2h, signals: {cpu_percent: 10}").rules[0].block.signals.cpu_percent == 10
