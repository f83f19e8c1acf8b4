"""People start, stop, keep, wake, hold and undo; the app respects them, for as long as it said it would."""

from datetime import timedelta

import pytest

from shared.errors import InputError
from shared.model.memory import Wish
from tests.scenarios.stage import DAY, HOUR, MINUTE, MONDAY, Story, dev, policy

# -- by hand


def test_a_start_by_hand_at_night_is_respected_for_twelve_hours_then_warned_and_stopped():
    """Somebody needs it on Saturday at 09:00. It stays up until 21:00, with a warning before that."""
    with Story(dev("web"), begin=MONDAY.replace(day=27, hour=18)) as story:
        story.until("Sat 09:00")
        story.world.person_starts("web")
        story.until("Sun 12:00")
        friday, saturday = story.writes("web", "stop")
        assert story.local(friday.at) == "Fri 19:00"
        assert story.at("2026-11-28 20:59") < saturday.at < story.at("2026-11-28 21:16"), "12 hours after it was seen"
        warnings = story.told("web", "stops soon")
        assert len(warnings) == 2
        assert "outside its hours" in warnings[1]
        assert story.times("start") == [], "nobody but the person started it"


def test_a_stop_by_hand_in_its_hours_is_respected_until_the_next_morning():
    with Story(dev("web")) as story:
        story.until("Tue 11:00")
        story.world.person_stops("web")
        story.until("Wed 08:00")
        assert story.reason("web") == "as_wished"
        assert "manual_stop" in story.reasons("web")
        assert story.times("stop") == ["Mon 19:00"]
        assert story.times("start") == ["Tue 07:10", "Wed 07:10"]


def test_a_start_by_hand_just_before_the_window_is_nobodys_reversal():
    """At 06:50 somebody is early. The morning finds it up, the evening stops it: no hold, no lesson learnt."""
    with Story(dev("web")) as story:
        story.until("Tue 06:50")
        story.world.person_starts("web")
        story.until("Tue 20:00")
        assert story.times("start") == []
        assert story.times("stop") == ["Mon 19:00", "Tue 19:00"]


def test_enforce_repeats_the_rule_against_hands():
    rules = """
rules:
  - {name: dev-hours, match: {environments: [dev]}, hours: {schedule: office, lead: 20m, enforce: true}}
"""
    with Story(dev("web"), policy=policy(rules)) as story:
        story.until("Mon 22:00")
        story.world.person_starts("web")
        story.until("Tue 06:00")
        assert len(story.writes("web", "stop")) == 2, "stopped again, once min_uptime allows it"
        assert story.writes("web", "stop")[1].at < story.at("2026-11-23 23:30")


def test_undone_three_times_it_is_left_alone_for_a_day():
    """Whoever starts it again and again within minutes means it: after the third time nobody fights."""
    rules = """
rules:
  - {name: dev-hours, match: {environments: [dev]}, hours: {schedule: office, lead: 20m, enforce: true}}
"""
    guards = "\nguards: {stops: {at_most: 100%, within: 1h}, min_uptime: 5m, min_downtime: 5m, warn_before_stop: 0m}\n"
    with Story(dev("web"), policy=policy(rules, guards=guards), begin=MONDAY.replace(hour=18)) as story:
        story.until("Mon 19:00")
        for _ in range(80):
            story.later(5 * MINUTE)
            cluster = story.world.cluster("web")
            if cluster.power == "Stopped" and cluster.is_settled:
                story.world.person_starts("web")
        assert len(story.writes("web", "stop")) == 3
        assert story.is_on("web")
        assert story.reason("web") == "undone"
        [told] = story.told("web", "undid us")
        assert "3 times" in told


# -- words


def test_keep_on_through_the_night_and_off_when_it_ends():
    """A demo until 22:00: no stop at 19:00, a warning, a stop at 22:00."""
    with Story(dev("web")) as story:
        story.until("Mon 15:00")
        story.say("web", Wish.RUNNING, 7 * HOUR)
        story.until("Tue 06:00")
        assert story.times("stop") == ["Mon 22:00"]
        [warning] = story.told("web", "stops soon")
        assert "22:00" in warning
        assert any("kept on until Mon 23 Nov 22:00" in r.body["message"] for r in story.history("web", "decided"))


def test_keep_on_is_at_most_as_long_as_the_policy_allows():
    """`keep_on_at_most` is 4 hours; a tag that says 'for ever' counts four hours from when it was first seen."""
    guards = "\nguards: {stops: {at_most: 100%, within: 1h}, keep_on_at_most: 4h}\n"
    web = dev("web", tags={"lamplighter-keep-on-until": "2030-01-01"})
    with Story(web, policy=policy(guards=guards), begin=MONDAY.replace(hour=17)) as story:
        story.later(6 * HOUR)
        assert story.times("stop") == ["Mon 21:00"]


def test_a_keep_on_tag_expires_at_the_end_of_its_day():
    """A bare date means its end, in the schedule's zone."""
    web = dev("web", tags={"lamplighter-keep-on-until": "2026-11-23"})
    with Story(web) as story:
        story.until("Tue 06:00")
        assert story.times("stop") == ["Tue 00:00"]


def test_wake_starts_at_night_for_two_hours():
    with Story(dev("web")) as story:
        story.until("Mon 21:00")
        story.say("web", Wish.RUNNING, 2 * HOUR, source="wake")
        story.later(10 * MINUTE)
        assert story.is_on("web"), "up within minutes"
        story.until("Tue 06:00")
        assert story.times("start") == ["Mon 21:00"]
        assert story.times("stop") == ["Mon 19:00", "Mon 23:00"], "its own wake is not mistaken for a person's start"


def test_keep_off_through_a_working_day():
    with Story(dev("web")) as story:
        story.until("Mon 20:00")
        story.say("web", Wish.STOPPED, DAY)
        story.until("Tue 19:30")
        assert story.writes("web", "start") == []
        story.until("Wed 08:00")
        assert story.times("start") == ["Wed 07:10"]


def test_keep_off_stops_a_running_cluster_after_its_warning():
    with Story(dev("web")) as story:
        story.until("Mon 10:00")
        story.say("web", Wish.STOPPED, 5 * HOUR)
        story.until("Mon 11:00")
        [stop] = story.writes("web", "stop")
        assert len(story.told("web", "stops soon")) == 1
        assert stop.at >= story.at("2026-11-23 10:15")
        story.until("Mon 16:00")
        assert story.times("start") == ["Mon 15:00"], "the hours have it back"


def test_keep_on_beats_keep_off():
    """When wishes of equal voice collide, it keeps running."""
    web = dev("web", tags={"lamplighter-keep-off-until": "2026-11-25", "lamplighter-keep-on-until": "2026-11-25"})
    with Story(web) as story:
        story.until("Tue 06:00")
        assert story.writes() == []


def test_an_exception_in_the_policy_keeps_it_on_whatever_keep_on_at_most_says():
    more = """
exceptions:
  - {cluster: web, keep: running, until: 2026-11-28T12:00, owner: ml-team, reason: training}
"""
    with Story(dev("web"), policy=policy(more=more), tick_every=15 * MINUTE) as story:
        story.until("2026-11-29 12:00")
        assert story.times("stop") == ["Sat 12:00"]


# -- tags


def test_excluded_means_never_touched_and_an_unreadable_tag_too():
    odd = dev("odd", tags={"lamplighter-exclude": "maybe"})
    no = dev("no", tags={"lamplighter-exclude": "TRUE"})
    yes = dev("yes", tags={"lamplighter-exclude": "false"})
    with Story(odd, no, yes) as story:
        story.until("Tue 06:00")
        assert story.writes("odd") == story.writes("no") == []
        assert story.times("stop", "yes") == ["Mon 19:00"], '"false" is false'
        [told] = story.told("odd", "maybe")
        assert "lamplighter-exclude" in told


def test_an_unreadable_tag_is_told_once_and_closed_when_mended():
    with Story(dev("web", tags={"lamplighter-keep-on-until": "soon"})) as story:
        story.until("Mon 12:00")
        assert len(story.told("web")) == 1
        story.retag("web", lamplighter_keep_on_until=None)
        story.until("Mon 13:00")
        opened, closed = story.told("web")
        assert "soon" in opened
        assert "over" in closed.casefold() or "resolved" in closed.casefold()


def test_the_owners_schedule_replaces_the_rules_own():
    schedules = """
schedules:
  office: {running: [Mon-Fri 07:30-19:00]}
  late: {running: [Mon-Fri 09:00-21:00]}
"""
    web = dev("web", tags={"lamplighter-schedule": "LATE"})
    with Story(web, policy=policy(schedules=schedules)) as story:
        story.until("Tue 12:00")
        assert story.times("stop") == ["Mon 21:00"]
        assert story.times("start") == ["Tue 08:40"]


def test_an_exclude_tag_removed_at_night_is_caught_up_after_a_warning():
    """It ran through the evening's transition only because of the tag; without it the hours have it back."""
    with Story(dev("web", tags={"lamplighter-exclude": "true"})) as story:
        story.until("Mon 21:00")
        story.retag("web", lamplighter_exclude=None)
        story.until("Mon 21:10")
        assert story.writes() == []
        story.until("Tue 06:00")
        assert story.times("stop") == ["Mon 21:20"]
        assert len(story.told("web", "stops soon")) == 1


# -- emergency


def test_hold_kills_messages_that_are_queued_already_and_lets_starts_go_on():
    """`lamplighter hold` at the moment when the stops are in the queue: none of them is carried out."""
    with Story(dev("web"), dev("late", tags={"lamplighter-schedule": "late"}), policy=late_policy()) as story:
        story.until("Mon 18:59")
        story.world.advance(MINUTE)
        story.rehearsal.tick()
        assert story.app.queue.count("act") == 1
        story.hold()
        story.until("Mon 20:00")
        assert story.writes() == [], "the queued stop died, later ones were not sent"
        assert story.reason("web") == "hold"
        story.until("Tue 08:00")
        story.resume()
        story.until("Tue 20:00")
        assert story.times("stop", "web") == ["Tue 19:00"]


def late_policy() -> str:
    return policy(
        schedules="""
schedules:
  office: {running: [Mon-Fri 07:30-19:00]}
  late: {running: [Mon-Fri 09:00-21:00]}
"""
    )


@pytest.mark.parametrize(("everything", "started"), [(False, ["Tue 07:10"]), (True, [])])
def test_hold_all_holds_starts_too(everything, started):
    with Story(dev("web")) as story:
        story.until("Tue 05:00")
        story.hold(everything=everything)
        story.until("Tue 09:00")
        assert story.times("start") == started
        story.resume()
        story.until("Tue 10:00")
        assert story.is_on("web"), "and once resumed, what is due is done"


@pytest.mark.parametrize(("setting", "started"), [("on", ["Tue 07:10"]), ("all", [])])
def test_the_hold_can_be_an_app_setting(setting, started):
    with Story(dev("web"), dev("down", power="Stopped"), environ={"LAMPLIGHTER_HOLD": setting}) as story:
        story.until("Mon 22:00")
        assert story.writes() == []
        assert story.reason("web") == "hold"
        story.world.person_stops("web")
        story.until("Tue 09:00")
        assert story.times("start") == started


def test_a_keep_on_that_is_too_long_is_refused_in_one_sentence():
    from lamplighter.keeping import Word, allow
    from shared.clients import clusters

    with Story(dev("web")) as story:
        read = story.app.parse(*story.app.policy_text())
        cluster = clusters.get(story.app.cloud, story.id_of("web"))
        word = Word(Wish.RUNNING, story.world.now() + timedelta(days=9), "ana", "a demo")
        with pytest.raises(InputError, match="keep_on_at_most"):
            allow(read, cluster, word, story.world.now())
