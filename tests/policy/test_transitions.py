"""Adoption and transitions: when a rule may act, and when what it sees is a person's doing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.decisions import Reason, Verdict
from shared.model.fleet import Power
from shared.model.memory import Adoption, Memory, Owed, Seen, Wish
from shared.policy.document import read_policy
from shared.policy.transitions import occasion
from shared.policy.voices import hear
from tests.policy.builders import (
    BATCH,
    HEAD,
    HOUR,
    LONG_AGO,
    MINUTE,
    OFFICE,
    SYSTEM,
    Life,
    adopted,
    at,
    cluster,
    decided,
    keep_on,
    local,
    policy,
    pool,
    served,
    stopped,
    view,
    with_pool,
    with_target,
)

ENFORCED = OFFICE.replace("schedule: office", "schedule: office, enforce: true")
TEN_TO_FOUR = HEAD.format(mode="act").replace("07:30-19:00", "10:00-16:00") + f"rules:\n{OFFICE}\n"


class TestAdoption:
    """A new rule, a changed one, another schedule or calendar, a tag, a new cluster, a lost journal: one case."""

    def test_a_policy_merged_at_night_stops_nothing_until_the_next_evening(self):
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Tue 20:00"), at("Mon 21:00"))
        assert life.did == [("Tue 19:00", "stop")]

    def test_it_says_so(self):
        life = Life(cluster(), policy(OFFICE))
        assert life.tick(at("Mon 21:00")).reason is Reason.BEFORE_ADOPTION

    def test_an_edit_at_eleven_cannot_stop_at_eleven_what_it_moved_to_half_past_nine(self):
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 11:00"), at("Mon 09:00"))
        life.rules = read_policy(
            HEAD.format(mode="act").replace("07:30-19:00", "07:30-09:30") + f"rules:\n{OFFICE}\n", "p"
        )
        life.until(at("Mon 23:00"))
        assert life.did == []
        assert life.reason is Reason.BEFORE_ADOPTION
        life.until(at("Tue 10:00"))
        assert life.did == [("Tue 09:30", "stop")]

    @pytest.mark.parametrize(
        "change",
        [
            lambda life: setattr(life, "rules", policy(OFFICE.replace("office-hours", "hours-of-the-office"))),
            lambda life: setattr(life, "rules", policy(OFFICE.replace("office}", "office, lead: 20m}"))),
            lambda life: setattr(
                life, "seen", replace(life.seen, tags={**life.seen.tags, "lamplighter-schedule": "early"})
            ),
            lambda life: setattr(life, "memory", None),
            lambda life: (setattr(life, "seen", cluster("fresh")), setattr(life, "memory", None)),
            lambda life: setattr(life, "seen", replace(life.seen, tags={"environment": "dev", "team": "x"})),
        ],
        ids=["renamed", "another lead", "the owner's tag", "lost journal", "new cluster", "another tag"],
    )
    def test_what_changes_while_a_person_has_it_running_stops_nothing_that_night(self, change):
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 21:00"), at("Mon 18:00"))
        life.power(Power.RUNNING)
        life.until(at("Mon 22:00"))
        change(life)
        life.until(at("Tue 03:00"))
        assert [what for what in life.did if what != ("Mon 19:00", "stop")] == []

    def test_a_calendar_is_part_of_the_wording(self):
        """Monday becomes a holiday at 11:00: nothing is stopped at 11:00."""
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 11:00"), at("Mon 09:00"))
        closed = HEAD.format(mode="act").replace("[Mon-Fri 07:30-19:00]}", "[Mon-Fri 07:30-19:00], calendar: c}")
        life.rules = read_policy(f"{closed}calendars: {{c: {{closed: [2026-12-07]}}}}\nrules:\n{OFFICE}\n", "p")
        life.until(at("Mon 18:00"))
        assert life.did == []

    def test_a_message_decided_under_the_old_wording_dies_under_the_new_one(self):
        """Merged between tick and `act`: the new wording has not been adopted yet."""
        edited = policy(OFFICE.replace("office}", "office, lead: 10m}"), guards="warn_before_stop: 0m")
        memory = adopted(policy(OFFICE), cluster())
        assert decided(view(cluster(), memory), edited, at("Mon 19:00")).reason is Reason.BEFORE_ADOPTION

    def test_a_rule_that_only_plans_adopts_nothing(self):
        life = Life(cluster(), policy(OFFICE, mode="plan"))
        assert life.tick(at("Mon 21:00")).verdict is Verdict.PLAN
        life.rules = policy(OFFICE)
        assert life.tick(at("Mon 21:05")).reason is Reason.BEFORE_ADOPTION

    def test_what_the_old_wording_stopped_is_started_as_soon_as_the_new_one_wants_it_up(self):
        """The old hours began at 10:00, the new ones at 7:30, merged at 9:00: without this it stays down all day."""
        life = Life(cluster(), read_policy(TEN_TO_FOUR, "policy.yaml"))
        life.until(at("Tue 09:00"), at("Mon 15:00"))
        life.rules = policy(OFFICE)
        life.until(at("Tue 20:00"))
        assert life.did == [("Mon 16:00", "stop"), ("Tue 09:05", "start"), ("Tue 19:00", "stop")]

    def test_what_a_person_stopped_is_not_started_by_an_edit(self):
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 10:00"), at("Mon 09:00"))
        life.power(Power.STOPPED)
        life.until(at("Mon 11:00"))
        life.rules = policy(OFFICE.replace("office}", "office, lead: 10m}"))
        life.until(at("Mon 18:00"))
        assert life.did == []


class TestTransitions:
    def test_a_missed_tick_is_caught_up(self):
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 18:55"), at("Mon 09:00"))
        assert life.tick(at("Mon 22:30")).verdict is Verdict.ACT, "the warning was on record since 18:45"

    def test_a_whole_missed_evening_warns_late_and_stops_late(self):
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 18:00"), at("Mon 09:00"))
        life.until(at("Mon 23:00"), at("Mon 21:00"))
        assert (life.did, life.said("stop_soon")) == ([("Mon 21:15", "stop")], ["Mon 21:00"])

    def test_a_start_by_hand_is_respected_warned_and_then_stopped(self):
        """Saturday's work is safe for `manual_hold`; a warning of its own comes before the end."""
        life = Life(cluster(), policy(OFFICE, guards="manual_hold: 6h"))
        life.until(at("Sat 10:00"), at("Fri 12:00"))
        life.power(Power.RUNNING)
        life.until(at("Sat 15:00"))
        assert life.reason is Reason.MANUAL_START
        assert "respected until Sat 12 Dec 16:05" in life.last[0].message
        life.until(at("Sun 12:00"))
        assert life.did == [("Fri 19:00", "stop"), ("Sat 16:05", "stop")]
        assert life.said("stop_soon") == ["Fri 18:45", "Sat 15:50"]
        assert len({one.cause for one in life.notices}) == 2, "each stop is told as a stop of its own"

    def test_without_a_hold_a_start_by_hand_outside_hours_is_warned_and_undone(self):
        life = Life(cluster(), policy(OFFICE, guards="manual_hold: 0m, min_uptime: 0m"))
        life.until(at("Sat 10:00"), at("Fri 12:00"))
        life.power(Power.RUNNING)
        life.until(at("Sat 12:00"))
        assert life.did == [("Fri 19:00", "stop"), ("Sat 10:20", "stop")]

    def test_a_hold_shorter_than_the_warning_still_warns_in_full(self):
        life = Life(cluster(), policy(OFFICE, guards="manual_hold: 10m, min_uptime: 0m"))
        life.until(at("Sat 10:00"), at("Fri 12:00"))
        life.power(Power.RUNNING)
        life.until(at("Sat 12:00"))
        assert life.said("stop_soon")[-1] == "Sat 10:05"
        assert life.did[-1] == ("Sat 10:20", "stop")

    def test_a_stop_by_hand_in_hours_is_respected_until_the_next_transition(self):
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 14:00"), at("Mon 07:00"))
        life.power(Power.STOPPED)
        life.until(at("Mon 18:00"))
        assert life.reason is Reason.MANUAL_STOP
        life.until(at("Tue 08:00"))
        assert life.did == [("Tue 07:30", "start")]

    def test_our_own_wake_is_not_mistaken_for_a_persons_start(self):
        """Kept on until 23:00, then the rule has it back: at once, and with a warning of its own."""
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 21:00"), at("Mon 18:00"))
        life.memory = replace(life.memory, holds=(keep_on(at("Mon 21:00"), at("Mon 23:00"), source="wake"),))
        life.until(at("Tue 06:00"))
        assert life.did == [("Mon 19:00", "stop"), ("Mon 21:05", "start"), ("Mon 23:00", "stop")]
        assert life.said("stop_soon") == ["Mon 18:45", "Mon 22:45"]

    def test_a_keep_on_that_began_in_hours_ends_with_a_warning(self):
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 18:00"), at("Mon 09:00"))
        life.memory = replace(life.memory, holds=(keep_on(at("Mon 18:00"), at("Mon 23:00")),))
        life.until(at("Tue 06:00"))
        assert (life.did, life.said("stop_soon")) == ([("Mon 23:00", "stop")], ["Mon 22:45"])

    def test_a_schedule_without_transitions_takes_hold_after_manual_hold(self):
        """`never`: merged at noon it stops at midnight, and what a person starts it leaves as long."""
        never = OFFICE.replace("schedule: office", "schedule: never")
        life = Life(cluster(), policy(never))
        life.until(at("Tue 09:00"), at("Mon 12:00"))
        assert (life.did, life.said("stop_soon")) == ([("Tue 00:00", "stop")], ["Mon 23:45"])
        life.power(Power.RUNNING)
        life.until(at("Tue 22:00"))
        assert life.did[1:] == [("Tue 21:05", "stop")]

    def test_enforce_repeats_the_wish_and_warns_each_time(self):
        life = Life(cluster(), policy(ENFORCED))
        life.until(at("Mon 22:00"), at("Mon 18:00"))
        life.power(Power.RUNNING)
        life.until(at("Tue 01:00"))
        assert life.did == [("Mon 19:00", "stop"), ("Mon 22:35", "stop")]
        assert life.said("stop_soon") == ["Mon 18:45", "Mon 22:20"], (
            "while min_uptime lasts, and not for the first one's sake"
        )

    def test_enforce_starts_again_what_a_person_stopped(self):
        life = Life(cluster(), policy(ENFORCED))
        life.until(at("Mon 12:00"), at("Mon 09:00"))
        life.power(Power.STOPPED)
        life.until(at("Mon 14:00"))
        assert life.did == [("Mon 12:35", "start")]

    def test_enforce_does_not_wait_for_adoption(self):
        life = Life(cluster(), policy(ENFORCED))
        life.until(at("Mon 22:00"), at("Mon 21:00"))
        assert life.did == [("Mon 21:15", "stop")]

    def test_a_keep_off_is_repeated_with_a_warning_of_its_own(self):
        life = Life(cluster(tags={"lamplighter-keep-off-until": "2026-12-12"}), policy())
        life.until(at("Mon 12:00"), at("Mon 09:00"))
        life.power(Power.RUNNING)
        life.until(at("Mon 14:00"))
        assert life.did == [("Mon 09:15", "stop"), ("Mon 12:35", "stop")]
        assert len({one.cause for one in life.notices}) == 2


class TestParked:
    def test_what_was_never_seen_running_is_not_started(self):
        life = Life(stopped(), policy(OFFICE))
        life.until(at("Tue 12:00"), at("Mon 21:00"))
        assert (life.did, life.reason) == ([], Reason.PARKED)

    def test_once_seen_running_it_belongs_to_the_rule(self):
        life = Life(stopped(), policy(OFFICE))
        life.until(at("Mon 12:00"), at("Mon 09:00"))
        life.power(Power.RUNNING)
        life.until(at("Wed 08:00"))
        assert life.did == [
            ("Mon 19:00", "stop"),
            ("Tue 07:30", "start"),
            ("Tue 19:00", "stop"),
            ("Wed 07:30", "start"),
        ]

    def test_a_second_rule_parks_nothing_that_ran_under_the_first(self):
        second = "  - {name: second, match: {environments: [dev]}, hours: {schedule: office}}"
        rules = policy(OFFICE, second)
        memory = adopted(rules, stopped(), ran_at=at("Mon 08:00"))
        young = {**memory.target(None).adopted, "second": Adoption(rules.rules[1].fingerprint, at("Mon 21:00"))}
        both = with_target(memory, adopted=young)
        assert decided(view(stopped(), both), rules, at("Tue 07:30")).verdict is Verdict.ACT

    def test_a_lost_journal_parks_what_is_down(self):
        """We no longer know that we stopped it; it is listed, not started."""
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 22:00"), at("Mon 18:00"))
        life.memory = None
        life.until(at("Tue 09:00"))
        assert (life.did, life.reason) == ([("Mon 19:00", "stop")], Reason.PARKED)

    def test_an_edit_at_night_parks_nothing_that_we_stopped(self):
        life = Life(cluster(), policy(OFFICE))
        life.until(at("Mon 22:00"), at("Mon 18:00"))
        life.rules = policy(OFFICE.replace("office}", "office, lead: 30m}"))
        life.until(at("Tue 08:00"))
        assert life.did == [("Mon 19:00", "stop"), ("Tue 07:00", "start")]


class TestReleased:
    """What we stopped we owe a start, once, as soon as nothing holds it down any more."""

    def night(self, seen=None) -> Life:
        life = Life(seen or cluster(), policy(OFFICE))
        life.until(at("Mon 22:00"), at("Mon 18:00"))
        assert life.did == [("Mon 19:00", "stop")]
        return life

    def test_the_rule_is_gone(self):
        life = self.night()
        life.rules = policy()
        life.until(at("Tue 12:00"))
        assert life.did[1:] == [("Mon 22:05", "start")]

    def test_the_cluster_became_production(self):
        """Production is never stopped, and started it may be."""
        life = self.night()
        life.seen = replace(life.seen, tags={"environment": "prod"})
        life.until(at("Tue 12:00"))
        assert life.did[1:] == [("Mon 22:05", "start")]
        assert life.reason is Reason.PRODUCTION

    def test_the_tag_is_gone(self):
        life = Life(cluster(tags={"lamplighter-keep-off-until": "2026-12-12"}), policy())
        life.until(at("Mon 12:00"), at("Mon 09:00"))
        life.seen = replace(life.seen, tags={"environment": "dev"})
        life.until(at("Mon 13:00"))
        assert life.did == [("Mon 09:15", "stop"), ("Mon 12:05", "start")]

    def test_once(self):
        life = self.night()
        life.rules = policy()
        life.until(at("Mon 23:00"))
        life.power(Power.STOPPED)
        life.until(at("Tue 12:00"))
        assert len(life.did) == 2, "a person stopped it after that, and nobody is asked"

    def test_an_excluded_cluster_is_left_down_too(self):
        """Hands off means hands off."""
        life = self.night()
        life.seen = replace(life.seen, tags={"environment": "dev", "lamplighter-exclude": "true"})
        life.until(at("Tue 06:00"))
        assert len(life.did) == 1

    def test_a_rule_that_still_speaks_is_not_gone(self):
        """`only: stop` has no opinion in the morning: starting is left to people."""
        life = Life(cluster(), policy(OFFICE.replace("office}", "office, only: stop}")))
        life.until(at("Tue 12:00"), at("Mon 18:00"))
        assert (life.did, life.reason) == ([("Mon 19:00", "stop")], Reason.NO_OPINION)

    def test_a_pool_that_no_rule_names_any_more_comes_back(self):
        life = Life(with_pool(), policy(BATCH))
        life.until(at("Mon 22:00"), at("Mon 18:00"))
        assert life.did == [("Mon 19:00", "stop batch")]
        life.rules = policy()
        life.until(at("Mon 23:00"))
        assert life.did[1:] == [("Mon 22:05", "start batch")]

    def test_a_pool_that_is_gone_is_owed_nothing(self):
        rules = policy()
        memory = with_target(Memory(cluster().id), "batch", owed=Owed("batch", LONG_AGO))
        from shared.policy.decide import decide

        assert [one.pool for one in decide(view(cluster(), memory), rules, at("Mon 12:00"))] == [None]


class TestSteady:
    def test_without_a_journal_everything_counts_as_adopted_long_ago(self):
        memory = Memory(cluster().id, steady=True)
        assert decided(view(cluster(), memory), policy(OFFICE), at("Mon 22:00")).verdict is Verdict.ACT
        assert decided(view(stopped(), memory), policy(OFFICE), at("Mon 12:00")).verdict is Verdict.ACT


class TestOnlyAndInside:
    def test_only_start_leaves_the_evening_to_people(self):
        life = Life(cluster(), policy(OFFICE.replace("office}", "office, only: start}")))
        life.until(at("Mon 22:00"), at("Mon 18:00"))
        life.power(Power.STOPPED)
        life.until(at("Tue 20:00"))
        assert life.did == [("Tue 07:30", "start")]

    def test_only_stop_warns_ahead_like_any_other(self):
        life = Life(cluster(), policy(OFFICE.replace("office}", "office, only: stop}")))
        life.until(at("Mon 22:00"), at("Mon 12:00"))
        assert (life.did, life.said("stop_soon")) == ([("Mon 19:00", "stop")], ["Mon 18:45"])

    def test_inside_any_starts_when_the_window_begins_and_then_has_no_opinion(self):
        life = Life(cluster(), policy(OFFICE.replace("office}", "office, inside: any}")))
        life.until(at("Tue 12:00"), at("Mon 18:00"))
        assert life.did == [("Mon 19:00", "stop"), ("Tue 07:30", "start")]
        assert life.reason is Reason.NO_OPINION
        life.power(Power.STOPPED)
        life.until(at("Tue 14:00"))
        assert len(life.did) == 2, "what stops it afterwards, a person or another rule, is no business of this one"
        assert life.reason is Reason.NO_OPINION, "the rule speaks, it only has no opinion"
        life.until(at("Wed 08:00"))
        assert life.did[2:] == [("Wed 07:30", "start")]

    def test_inside_any_warns_before_its_evening(self):
        life = Life(cluster(), policy(OFFICE.replace("office}", "office, inside: any}")))
        life.until(at("Mon 20:00"), at("Mon 09:00"))
        assert (life.did, life.said("stop_soon")) == ([("Mon 19:00", "stop")], ["Mon 18:45"])

    def test_inside_any_in_a_steady_plan_shows_only_at_the_windows_begin(self):
        rules = policy(OFFICE.replace("office}", "office, inside: any}"))
        steady = view(stopped(), Memory(cluster().id, steady=True))
        assert decided(steady, rules, at("Mon 07:44")).verdict is Verdict.ACT
        assert decided(steady, rules, at("Mon 07:45")).reason is Reason.NO_OPINION

    def test_always_has_no_transition_to_speak_of(self):
        always = OFFICE.replace("schedule: office", "schedule: always, inside: any")
        assert decided(view(cluster()), policy(always), at("Mon 12:00")).reason is Reason.AS_WISHED


class TestPoolsInAStoppedCluster:
    def test_a_pool_that_came_up_with_its_cluster_is_nobodys_start_by_hand(self):
        """The cluster starts at 7:30 and brings the batch pool along, whose hours begin at noon."""
        batch = BATCH.replace("office", "late")
        life = Life(with_pool(), policy(OFFICE, batch))
        life.until(at("Mon 20:00"), at("Mon 18:00"))
        assert life.did == [("Mon 19:00", "stop")]
        life.until(at("Tue 13:00"))
        assert life.did[1:] == [("Tue 07:30", "start"), ("Tue 07:50", "stop batch"), ("Tue 12:00", "start batch")]

    def test_what_a_pool_shows_in_a_stopped_cluster_is_not_served(self):
        rules = policy(BATCH)
        seen = stopped(pools=(SYSTEM, pool()))
        life = Life(seen, rules, adopted(rules, seen))
        life.until(at("Mon 20:00"), at("Mon 19:30"))
        assert [one.reason for one in life.last] == [Reason.NO_RULE, Reason.CLUSTER_STOPPED]
        assert life.memory.target("batch").served is None


def test_the_stop_that_ends_a_respected_start_names_when_it_began():
    """Two Saturdays are two occasions: the decision's id and its warning differ."""
    rules = policy(OFFICE)
    base = adopted(rules, cluster(), served=served(Wish.STOPPED, at("Fri 19:00")))
    ids = set()
    for begun in (at("Sat 10:00"), at("Sat 11:00")):
        memory = with_target(base, seen=Seen(Power.RUNNING, begun, begun))
        ids.add(decided(view(cluster(), memory), rules, begun + 12 * HOUR).id)
    assert len(ids) == 2


def test_a_start_by_hand_that_was_never_seen_to_begin_counts_from_what_was_served():
    rules = policy(OFFICE)
    memory = adopted(rules, cluster(), seen=None, served=served(Wish.STOPPED, at("Fri 19:05")))
    decision = decided(view(cluster(), memory), rules, at("Sat 06:00"))
    assert decision.reason is Reason.MANUAL_START
    assert local(at("Fri 19:05") + 12 * HOUR) == "Sat 07:05"
    assert "Sat 12 Dec 07:05" in decision.message
    assert decision.announce is None
    assert decided(view(cluster(), memory), rules, at("Sat 06:50")).announce is not None


def test_a_restart_within_hours_needs_no_second_warning():
    """Warned at 18:45, restarted by hand at 18:50: it stops at 19:00 as told, once min_uptime allows."""
    life = Life(cluster(), policy(OFFICE, guards="min_uptime: 0m"))
    life.until(at("Mon 18:45"), at("Mon 09:00"))
    life.power(Power.STOPPED)
    life.until(at("Mon 18:50"))
    life.power(Power.RUNNING)
    life.until(at("Mon 20:00"))
    assert (life.did, life.said("stop_soon")) == ([("Mon 19:00", "stop")], ["Mon 18:45"])


def test_ticks_that_come_a_little_late_still_stop_on_time():
    """A timer is not exact: 18:45:20 is no late warning."""
    life = Life(cluster(), policy(OFFICE))
    life.until(at("Mon 19:30"), at("Mon 09:00") + timedelta(seconds=20))
    assert life.did == [("Mon 19:00", "stop")]
    assert local(life.memory.target(None).warned.due_at) == "Mon 19:00"


def test_a_warning_that_comes_late_makes_the_stop_late():
    life = Life(cluster(), policy(OFFICE))
    life.until(at("Mon 18:00"), at("Mon 09:00"))
    life.tick(at("Mon 18:55"))
    assert life.tick(at("Mon 19:00")).reason is Reason.WARNING_DUE
    assert life.tick(at("Mon 19:10") - MINUTE).reason is Reason.WARNING_DUE
    assert life.tick(at("Mon 19:10")).verdict is Verdict.ACT


class TestOccasions:
    """What a stop is filed under: the same occasion is warned of once, another one anew."""

    STOP = hear(view(cluster()), policy(OFFICE), at("Mon 22:00")).proposals[0]

    def cause(self, **target) -> str:
        return occasion(self.STOP, adopted(policy(OFFICE), cluster(), **target)).cause

    def test_what_ran_when_its_hours_ended_is_the_occasion_of_that_evening(self):
        plain = self.STOP.cause
        assert self.cause(seen=None) == plain
        assert self.cause(seen=Seen(Power.RUNNING, LONG_AGO)) == plain
        assert self.cause(seen=Seen(Power.RUNNING, at("Mon 19:00"), at("Mon 19:00"))) == plain

    def test_what_came_up_later_is_another(self):
        seen = Seen(Power.RUNNING, at("Mon 19:01"), at("Mon 19:01"))
        assert self.cause(seen=seen) == f"{self.STOP.cause}:up-since:2026-12-07T18:01:00Z"

    def test_when_it_went_down_is_none(self):
        """`act` may see it up before any tick noticed: the id of a message must not change for that."""
        assert self.cause(seen=Seen(Power.STOPPED, at("Mon 19:30"), at("Mon 19:30"))) == self.STOP.cause

    def test_a_transition_at_the_moment_of_adoption_counts(self):
        rules = policy(OFFICE, guards="warn_before_stop: 0m")
        assert (
            decided(view(cluster(), adopted(rules, cluster(), at("Mon 19:00"))), rules, at("Mon 19:00")).verdict
            is Verdict.ACT
        )
        late = adopted(rules, cluster(), at("Mon 19:00") + timedelta(seconds=1))
        assert decided(view(cluster(), late), rules, at("Mon 19:05")).reason is Reason.BEFORE_ADOPTION
