"""The policy file changes under a running fleet: by a merge, by a mistake, by a tag, by an environment."""

from tests.scenarios.stage import DAY, HOUR, MINUTE, MONDAY, Story, dev, policy

EARLIER = """
schedules:
  office: {running: [Mon-Fri 12:00-19:00]}
"""


def test_an_edit_at_eleven_does_not_stop_what_it_moved_into_the_past():
    """At 11:00 the window is moved to begin at 12:00: what runs since the morning is not stopped for an hour."""
    with Story(dev("web")) as story:
        story.until("Mon 11:00")
        story.merge(policy(schedules=EARLIER))
        story.until("Mon 12:30")
        assert story.writes() == []
        assert "before_adoption" in story.reasons("web")
        story.until("Tue 13:00")
        assert story.times("stop") == ["Mon 19:00"]
        assert story.times("start") == ["Tue 11:40"]


def test_a_new_policy_on_a_running_fleet_waits_for_the_next_transition():
    """First deployed at 22:00: nothing is stopped at 22:00, everything the next evening."""
    with Story(dev("web"), begin=MONDAY.replace(hour=22)) as story:
        story.until("Tue 18:00")
        assert story.writes() == []
        story.until("Tue 20:00")
        assert story.times("stop") == ["Tue 19:00"]


def test_an_unreadable_policy_stops_nothing_starts_in_the_morning_and_is_told_once():
    """A merge at 17:00 broke the file. Nothing stops that night; what sleeps starts; people hear of it once, and once
    more when it reads again."""
    asleep = dev("asleep", tags={"lamplighter-keep-off-until": "2026-11-23T18:00"})
    with Story(dev("web"), asleep, tick_every=5 * MINUTE) as story:
        story.until("Mon 17:00")
        assert story.times("stop") == ["Mon 08:15"], "kept off by its tag, after a warning"
        good = story.rehearsal.policy
        story.merge("rules: [")
        story.until("Tue 08:00")
        assert story.times("stop") == ["Mon 08:15"]
        assert story.times("start") in (["Mon 18:00"], ["Tue 07:10"])
        assert story.is_on("asleep")
        assert "unreadable_policy" in story.reasons("web")
        assert len(story.told("policy")) == 1
        story.merge(good)
        story.until("Tue 20:00")
        broken, mended = story.told("policy")
        assert "policy.yaml" in broken
        assert broken != mended
        assert story.times("stop", "web") == ["Tue 19:00"]


def test_without_any_good_policy_nothing_is_done_and_the_tick_fails_loudly():
    with Story(dev("web"), policy="rules: [") as story:
        story.later(HOUR)
        assert story.writes() == []
        assert story.rehearsal.failures
        assert {where for _, where, _ in story.rehearsal.failures} == {"tick"}
        assert story.history("web") == []


def test_a_rule_that_is_removed_gives_back_what_it_stopped():
    """What we stopped we owe a start: once, though nobody else asks for it."""
    other = """
rules:
  - {name: something-else, match: {names: [nothing-*]}, hours: {schedule: office}}
"""
    with Story(dev("web"), dev("down", power="Stopped")) as story:
        story.until("Mon 21:00")
        story.merge(policy(other))
        story.until("Mon 22:00")
        assert story.times("start", "web") == ["Mon 21:00"]
        assert story.writes("down") == [], "what we did not stop we do not start"
        assert "released" in story.reasons("web")
        story.until("Tue 22:00")
        assert len(story.writes("web")) == 2, "given back once, then left alone"


def test_a_cluster_whose_environment_tag_is_removed_at_night_is_given_back():
    """Unmatched is production: never stopped again, and the start that is owed is given."""
    with Story(dev("web")) as story:
        story.until("Mon 21:00")
        story.retag("web", environment=None)
        story.until("Mon 22:00")
        assert story.is_on("web")
        story.until("Wed 12:00")
        assert story.times("stop", "web") == ["Mon 19:00"]


def test_a_cluster_that_becomes_production_while_stopped_is_started_and_kept():
    with Story(dev("web")) as story:
        story.until("Mon 23:00")
        story.retag("web", environment="prod")
        story.until("Wed 12:00")
        [start] = story.writes("web", "start")
        assert start.at < story.at("2026-11-23 23:20")
        assert len(story.writes("web", "stop")) == 1


def test_a_cluster_that_becomes_production_while_its_stop_is_queued_is_not_stopped():
    """The tick decided, then somebody tagged it: what the message says is decided anew."""
    with Story(dev("web")) as story:
        story.until("Mon 18:59")
        story.world.advance(MINUTE)
        story.rehearsal.tick()
        assert story.app.queue.count("act") == 1
        story.retag("web", environment="prod")
        story.until("Tue 12:00")
        assert story.writes() == []
        assert story.history("web", "dropped")


def test_plan_mode_never_writes_but_records_what_it_would_do():
    with Story(dev("web"), policy=policy(mode="plan"), tick_every=15 * MINUTE) as story:
        story.later(2 * DAY)
        assert story.writes() == []
        decided = {(r.body["action"], r.body["verdict"]) for r in story.history("web", "decided")}
        assert ("stop", "plan") in decided
        assert story.history("web", "snapshot")
        assert story.history("web", "observed")
        assert story.told("stops soon") == [], "nobody is warned of what will not happen"
        assert story.app.queue.count("act") == 0


def test_a_rule_in_plan_mode_in_a_file_that_acts():
    rules = """
rules:
  - {name: try-out, match: {names: [web]}, mode: plan, hours: {schedule: office}}
  - {name: dev-hours, match: {names: [api]}, hours: {schedule: office}}
"""
    with Story(dev("web"), dev("api"), policy=policy(rules)) as story:
        story.until("Mon 20:00")
        assert story.writes("web") == []
        assert story.times("stop", "api") == ["Mon 19:00"]


def test_switching_from_plan_to_act_at_night_stops_nothing_at_once():
    """Adoption happens when `act` mode first sees it."""
    with Story(dev("web"), policy=policy(mode="plan")) as story:
        story.until("Mon 21:00")
        story.merge(policy(mode="act"))
        story.until("Tue 18:00")
        assert story.writes() == []
        story.until("Tue 20:00")
        assert story.times("stop") == ["Tue 19:00"]


def test_inside_any_starts_when_the_window_begins_and_then_has_no_opinion():
    rules = """
rules:
  - {name: dev-hours, match: {environments: [dev]}, hours: {schedule: office, inside: any}}
"""
    with Story(dev("web"), policy=policy(rules)) as story:
        story.until("Tue 10:00")
        assert story.times("start") == ["Tue 07:30"]
        story.world.person_stops("web")
        story.until("Wed 12:00")
        assert story.times("start") == ["Tue 07:30", "Wed 07:30"]


def test_only_stop_never_starts_and_only_start_never_stops():
    rules = """
rules:
  - {name: off, match: {names: [web]}, hours: {schedule: office, only: stop}}
  - {name: up, match: {names: [api]}, hours: {schedule: office, only: start}}
"""
    with Story(dev("web"), dev("api"), policy=policy(rules)) as story:
        story.until("Mon 20:00")
        story.world.person_stops("api")
        story.until("Tue 12:00")
        assert story.times("stop") == ["Mon 19:00"]
        assert story.times("start") == ["Tue 07:30"]
        assert story.writes("web", "start") == story.writes("api", "stop") == []
