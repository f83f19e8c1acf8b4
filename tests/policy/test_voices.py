"""Who is heard: people before holds before rules, running before stopped, and what an owner's tags change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.decisions import Proposal, Reason, Verdict, Voice
from shared.model.memory import Memory, Wish
from shared.policy.decide import decide
from shared.policy.document import read_policy
from shared.policy.rules.hours import needs
from shared.policy.voices import hear, heard, owner_of, tag_holds
from tests.policy.builders import (
    BATCH,
    DAY,
    HEAD,
    HOUR,
    OFFICE,
    Life,
    adopted,
    at,
    cluster,
    decided,
    keep_off,
    keep_on,
    policy,
    reasons,
    stopped,
    view,
    with_pool,
)

NIGHT = at("Mon 22:00")
MIDDAY = at("Mon 12:00")
BY_COMMAND = keep_on(at("Mon 18:00"), at("Tue 01:00"))


def said(rule: str, wish: Wish | None, voice: Voice = Voice.RULE, mode: str = "act") -> Proposal:
    return Proposal(rule, None, voice, wish, None, rule, Reason.IN_HOURS, rule, mode=mode)


class TestHeard:
    def test_nobody_says_anything(self):
        assert heard([]) == ()
        assert heard([said("a", None)]) == ()

    def test_the_loudest_voice_that_says_something_decides(self):
        rule, hold, person = said("r", Wish.RUNNING), said("h", Wish.STOPPED, Voice.HOLD), said("p", None, Voice.PERSON)
        assert heard([rule, hold, person]) == (hold,)

    def test_running_wins_among_equals(self):
        """Two teams share a cluster: the one that needs it keeps it up."""
        down, up = said("a", Wish.STOPPED), said("b", Wish.RUNNING)
        assert heard([down, up]) == heard([up, down]) == (up,)

    def test_all_who_agree_are_heard(self):
        both = (said("a", Wish.STOPPED), said("b", Wish.STOPPED))
        assert heard(both) == both

    def test_a_rule_that_only_plans_neither_holds_up_nor_takes_down_beside_one_that_acts(self):
        """A rehearsed rule that kept a cluster running would be a rehearsal that costs money."""
        acts, plans = said("a", Wish.STOPPED), said("b", Wish.RUNNING, mode="plan")
        assert heard([acts, plans]) == (acts,)
        assert heard([said("a", None), plans]) == (plans,)


class TestSeveralRules:
    LATE = "  - {name: late-shift, match: {tags: {team: ops}}, hours: {schedule: late}}"

    def test_two_rules_are_a_union_of_hours(self):
        rules = policy(OFFICE, self.LATE)
        shared = cluster(tags={"team": "ops"})
        life = Life(shared, rules)
        life.until(at("Tue 23:00"), at("Mon 08:00"))
        assert life.did == [("Mon 22:00", "stop"), ("Tue 07:30", "start"), ("Tue 22:00", "stop")]
        assert life.said("stop_soon") == ["Mon 21:45", "Tue 21:45"]

    def test_a_list_of_schedules_is_their_union_too(self):
        both = "  - {name: sites, match: {environments: [dev]}, hours: {schedule: [office, bangalore]}}"
        life = Life(cluster(), policy(both))
        life.until(at("Tue 20:00"), at("Mon 12:00"))
        assert life.did == [("Mon 19:00", "stop"), ("Tue 05:00", "start"), ("Tue 19:00", "stop")]

    def test_the_decision_names_all_who_want_it(self):
        rules = policy(OFFICE, self.LATE)
        shared = cluster(tags={"team": "ops"})
        decision = decided(view(shared, adopted(rules, shared)), rules, at("Mon 13:00"))
        assert decision.rule == "office-hours, late-shift"

    def test_a_planned_rule_beside_an_acting_one_changes_nothing(self):
        planned = self.LATE.replace("hours:", "mode: plan, hours:")
        rules = policy(OFFICE, planned)
        life = Life(cluster(tags={"team": "ops"}), rules)
        life.until(at("Mon 23:00"), at("Mon 09:00"))
        assert life.did == [("Mon 19:00", "stop")]


class TestPeople:
    def test_keep_on_holds_up_against_every_rule(self):
        rules = policy(OFFICE)
        memory = replace(adopted(rules, cluster()), holds=(BY_COMMAND,))
        decision = decided(view(cluster(), memory), rules, NIGHT)
        assert (decision.verdict, decision.reason, decision.wish) == (Verdict.NONE, Reason.AS_WISHED, Wish.RUNNING)
        assert "kept on until Tue 8 Dec 01:00 (command by ana: demo)" in decision.message

    def test_keep_on_beats_keep_off(self):
        rules = policy(OFFICE)
        holds = (keep_off(at("Mon 18:00"), at("Tue 12:00")), BY_COMMAND)
        memory = replace(adopted(rules, stopped()), holds=holds)
        assert decided(view(stopped(), memory), rules, NIGHT).reason is Reason.KEEP_ON

    def test_keep_off_beats_a_rule_in_its_hours(self):
        rules = policy(OFFICE)
        memory = replace(adopted(rules, cluster()), holds=(keep_off(at("Mon 10:00"), at("Mon 18:00")),))
        life = Life(cluster(), rules, memory)
        life.until(at("Mon 19:00"), at("Mon 10:00"))
        assert life.did == [("Mon 10:15", "stop"), ("Mon 18:00", "start"), ("Mon 19:00", "stop")]

    def test_a_hold_that_is_over_says_nothing(self):
        rules = policy()
        memory = Memory(cluster().id, holds=(BY_COMMAND,))
        assert hear(view(cluster(), memory), rules, BY_COMMAND.until).proposals == ()
        assert len(hear(view(cluster(), memory), rules, BY_COMMAND.until - timedelta(seconds=1)).proposals) == 1

    @pytest.mark.parametrize(("guards", "ends"), [("", "Thu 18:00"), ("keep_on_at_most: 24h", "Tue 18:00")])
    def test_keep_on_lasts_at_most_so_long_from_when_it_was_first_seen(self, guards, ends):
        """A forgotten keep-on does not cost for ever: it counts from when it was first seen, not from each look."""
        rules = policy(OFFICE, guards=guards)
        forgotten = keep_on(at("Mon 18:00"), at("Mon+1 18:00"))
        memory = replace(adopted(rules, cluster()), holds=(forgotten,))
        before = decided(view(cluster(), memory), rules, at(ends) - timedelta(seconds=1))
        assert before.reason is Reason.AS_WISHED
        assert f"kept on until {at(ends):%a}" in before.message
        after = hear(view(cluster(), memory), rules, at(ends))
        assert [one.voice for one in after.proposals] == [Voice.RULE]

    def test_zero_is_no_limit(self):
        rules = policy(OFFICE, guards="keep_on_at_most: 0m")
        memory = Memory(cluster().id, holds=(keep_on(at("Mon 18:00"), at("Mon+1 18:00")),))
        assert hear(view(cluster(), memory), rules, at("Sun 18:00")).proposals[-1].until == at("Mon+1 18:00")

    def test_an_environment_and_a_rule_may_limit_it_otherwise(self):
        """Environment over file, rule over environment."""
        own = (
            "  - {name: r, match: {environments: [staging]}, guards: {keep_on_at_most: 48h}, hours: {schedule: office}}"
        )
        staging = cluster(env="staging")
        memory = Memory(staging.id, holds=(keep_on(at("Mon 18:00"), at("Mon+1 18:00")),))
        by_environment = hear(view(staging, memory), policy(), at("Mon 19:00"))
        by_rule = hear(view(staging, memory), policy(own), at("Mon 19:00"))
        assert by_environment.proposals[-1].until == at("Tue 18:00")
        assert by_rule.proposals[-1].until == at("Wed 18:00")

    def test_of_several_rules_the_longest_limit_holds_and_none_is_the_longest(self):
        rule = "  - {name: %s, match: {environments: [dev]}, guards: {keep_on_at_most: %s}, hours: {schedule: office}}"
        memory = Memory(cluster().id, holds=(keep_on(at("Mon 18:00"), at("Mon+1 18:00")),))

        def ends(*limits: str):
            rules = policy(*(rule % (f"r{number}", limit) for number, limit in enumerate(limits)))
            return hear(view(cluster(), memory), rules, at("Mon 19:00")).proposals[-1].until

        assert ends("24h", "48h") == at("Wed 18:00")
        assert ends("24h", "0m") == at("Mon+1 18:00")

    def test_an_exception_of_the_policy_lasts_as_long_as_it_says(self):
        """It is written in the policy, with an owner and a reason, and reviewed there."""
        extra = "exceptions:\n  - {cluster: we*, keep: running, until: 2026-12-18T18:00, owner: ml, reason: training}\n"
        rules = policy(OFFICE, extra=extra)
        assert decided(view(cluster(), adopted(rules, cluster())), rules, at("Thu+1 23:00")).reason is Reason.AS_WISHED
        assert decided(view(stopped(), adopted(rules, stopped())), rules, at("Thu+1 23:00")).reason is Reason.KEEP_ON
        over = at("Fri+1 19:30")
        assert decided(view(cluster(), adopted(rules, cluster())), rules, over).wish is Wish.STOPPED

    @pytest.mark.parametrize(("entry", "speaks"), [("web", True), ("WEB", True), ("web2", False), ("w?b", True)])
    def test_an_exception_names_a_cluster_or_a_glob(self, entry, speaks):
        extra = f'exceptions:\n  - {{cluster: "{entry}", keep: running, until: 2026-12-18, owner: o, reason: r}}\n'
        assert bool(hear(view(cluster()), policy(extra=extra), MIDDAY).proposals) is speaks

    def test_an_exception_may_name_a_whole_id(self):
        extra = f"exceptions:\n  - {{cluster: {cluster().id}, keep: stopped, until: 2026-12-18, owner: o, reason: r}}\n"
        rules = policy(extra=extra)
        assert [one.wish for one in hear(view(cluster()), rules, MIDDAY).proposals] == [Wish.STOPPED]
        assert hear(view(cluster("other")), rules, MIDDAY).proposals == ()

    def test_keep_on_means_the_whole_cluster_is_usable_its_pools_too(self):
        rules = policy(BATCH)
        seen = with_pool()
        memory = replace(adopted(rules, seen), holds=(BY_COMMAND,))
        assert reasons(decide(view(seen, memory), rules, NIGHT)) == [
            (None, Verdict.NONE, Reason.AS_WISHED),
            ("batch", Verdict.NONE, Reason.AS_WISHED),
        ]

    def test_keep_off_speaks_of_the_cluster_and_takes_its_pools_along(self):
        rules = policy(BATCH)
        memory = Memory(cluster().id, holds=(keep_off(at("Mon 10:00"), at("Mon 18:00")),))
        assert [one.pool for one in hear(view(with_pool(), memory), rules, MIDDAY).proposals] == ["batch", None]

    def test_a_hold_of_one_pool_speaks_of_that_pool_however_it_is_written(self):
        memory = Memory(cluster().id, holds=(replace(BY_COMMAND, pool="Batch"),))
        assert [one.pool for one in decide(view(with_pool(), memory), policy(), NIGHT)] == [None, "batch"]

    def test_in_a_file_that_only_plans_people_are_planned_too(self):
        rules = policy(OFFICE, mode="plan")
        memory = Memory(cluster().id, holds=(keep_on(at("Mon 18:00"), at("Tue 12:00")),))
        assert decided(view(stopped(), memory), rules, NIGHT).verdict is Verdict.PLAN


class TestTags:
    def test_a_keep_on_tag_counts_from_when_it_was_first_seen(self):
        """Azure does not tell when a tag was set."""
        tagged = cluster(tags={"lamplighter-keep-on-until": "2026-12-20"})
        life = Life(tagged, policy(OFFICE))
        life.until(at("Thu 20:00"), at("Mon 09:00"), every=15 * timedelta(minutes=1))
        assert life.did == [("Thu 19:00", "stop")]
        assert life.memory.holds[0].first_seen_at == at("Mon 09:00")

    def test_a_tag_set_anew_is_a_new_word(self):
        first = tag_holds(owner_of(cluster(tags={"lamplighter-keep-on-until": "2026-12-20"}), policy()).tags, NIGHT, ())
        later = owner_of(cluster(tags={"lamplighter-keep-on-until": "2026-12-21"}), policy()).tags
        assert [one.first_seen_at for one in tag_holds(later, NIGHT + DAY, first)] == [NIGHT + DAY]

    def test_the_owners_schedule_replaces_the_rules_own(self):
        life = Life(cluster(tags={"lamplighter-schedule": "Early"}), policy(OFFICE))
        life.until(at("Tue 07:00"), at("Mon 12:00"))
        assert life.did == [("Mon 15:00", "stop"), ("Tue 06:00", "start")]

    def test_the_owners_schedule_brings_its_zone_for_times_without_offset(self):
        tags = {"lamplighter-schedule": "bangalore", "lamplighter-keep-on-until": "2026-12-08T20:00"}
        owner = owner_of(cluster(tags=tags), policy(OFFICE))
        assert owner.zone == "Asia/Kolkata"
        assert owner.tags.keep_on == at("Tue 15:30")

    def test_a_schedule_tag_where_no_rule_has_a_schedule_changes_nothing(self):
        owner = owner_of(cluster(tags={"lamplighter-schedule": "early"}), policy())
        assert (owner.rules, owner.problems, owner.zone) == ((), (), "Europe/Berlin")

    def test_a_rule_that_looks_at_no_clock_is_not_changed_by_a_schedule_tag(self):
        rules = policy("  - {name: idle, match: {environments: [dev]}, idle: {after: 2h}}", OFFICE)
        tagged = owner_of(cluster(tags={"lamplighter-schedule": "early"}), rules).rules
        assert tagged[0] is rules.rules[0]
        assert tagged[1].schedules[0].name == "early"

    def test_the_owners_schedule_makes_another_wording_and_naming_the_same_one_does_not(self):
        """Adoption is bound to the wording: naming the rule's own schedule must not adopt it anew."""
        rules = policy(OFFICE)
        own = rules.rules[0].fingerprint
        other = owner_of(cluster(tags={"lamplighter-schedule": "early"}), rules).rules[0]
        same = owner_of(cluster(tags={"lamplighter-schedule": "office"}), rules).rules[0]
        assert other.fingerprint != own == same.fingerprint
        assert owner_of(cluster("b", tags={"lamplighter-schedule": "early"}), rules).rules[0] is other

    def test_an_edit_of_the_schedule_that_a_tag_names_is_another_wording(self):
        """Else an edit at 11:00 could stop at 11:00 what it moved to 9:30."""
        tagged = cluster(tags={"lamplighter-schedule": "early"})
        text = f"{HEAD.format(mode='act')}rules:\n{OFFICE}\n"
        before, edited, other = (
            owner_of(tagged, read_policy(one, "policy.yaml")).rules[0].fingerprint
            for one in (text, text.replace("06:00-15:00", "06:30-15:00"), text.replace("12:00-22:00", "13:00-22:00"))
        )
        assert edited != before == other

    @pytest.mark.parametrize(
        "tags",
        [
            {"lamplighter-schedule": "offfice"},
            {"lamplighter-exclude": "yes"},
            {"lamplighter-keep-on-until": "soon"},
            {"lamplighter-keepon": "2026-12-24"},
        ],
    )
    @pytest.mark.parametrize("moment", [MIDDAY, NIGHT])
    def test_a_tag_that_cannot_be_read_leads_to_no_action_and_is_shown(self, tags, moment):
        """Its owner meant something by it."""
        rules = policy(OFFICE)
        for seen in (cluster(tags=tags), stopped(tags=tags)):
            decision = decided(view(seen, adopted(rules, seen)), rules, moment)
            assert (decision.verdict, decision.reason) == (Verdict.REFUSE, Reason.UNREADABLE_TAG)
            assert next(iter(tags)) in decision.message

    @pytest.mark.parametrize(
        ("value", "excluded"), [("true", True), ("TRUE", True), ("false", False), ("False", False)]
    )
    def test_exclude_is_strictly_true_or_false(self, value, excluded):
        """In peers the text "false" was true, and clusters ran for months."""
        rules = policy(OFFICE)
        seen = cluster(tags={"lamplighter-exclude": value})
        decision = decided(view(seen, adopted(rules, seen)), rules, NIGHT)
        assert (decision.reason is Reason.EXCLUDED) is excluded

    def test_an_excluded_cluster_shows_when_somebody_would_have_wanted_something(self):
        rules = policy(OFFICE)
        seen = cluster(tags={"lamplighter-exclude": "true"})
        assert decided(view(seen), rules, NIGHT).verdict is Verdict.REFUSE
        assert decided(view(seen), rules, MIDDAY).verdict is Verdict.NONE


def test_asking_twice_gives_the_same_hearing():
    rules = policy(OFFICE)
    seen = view(cluster())
    assert hear(seen, rules, MIDDAY) == hear(seen, rules, MIDDAY, owner_of(seen.cluster, rules))
    assert hear(seen, rules, MIDDAY).owner.zone == "Europe/Berlin"
    assert hear(seen, rules, MIDDAY).tags == owner_of(seen.cluster, rules).tags
    assert hear(seen, rules, MIDDAY).environment.name == "dev"
    assert hear(seen, rules, MIDDAY).rules == rules.rules
    assert hear(seen, rules, MIDDAY).problems == ()


def test_a_lead_moves_the_start_and_only_the_start():
    led = OFFICE.replace("schedule: office", "schedule: office, lead: 20m")
    life = Life(cluster(), policy(led))
    life.until(at("Tue 20:00"), at("Mon 12:00"))
    assert life.did == [("Mon 19:00", "stop"), ("Tue 07:10", "start"), ("Tue 19:00", "stop")]


def test_a_full_queue_moves_the_start_earlier_still():
    """Starts leave one a second: the last of a hundred still has to be up in time."""
    rules = policy(OFFICE)
    lane = {(cluster().subscription, cluster().location): HOUR}
    assert (
        decided(view(stopped(), adopted(rules, stopped()), queue_lead=lane), rules, at("Tue 06:30")).verdict
        is Verdict.ACT
    )
    assert decided(view(stopped(), adopted(rules, stopped())), rules, at("Tue 06:30")).verdict is Verdict.NONE


def test_the_clock_asks_for_no_facts():
    """Power and states are in the inventory: hours cost no call."""
    rules = policy(OFFICE)
    assert needs(view(cluster()), rules.rules[0], MIDDAY) == frozenset()
