"""Days on which nothing special happens, and days on which only the calendar or the clock does."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.scenarios.stage import BERLIN, DAY, HOUR, MINUTE, MONDAY, Story, dev, policy, prod

QUARTER = timedelta(minutes=15)


def in_zone(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def test_an_ordinary_week():
    """On before people arrive, off after they left, off at the weekend; production and the unmatched never touched."""
    unmatched = {"name": "mystery", "resource_group": "rg"}
    with Story(dev("web"), prod("shop"), unmatched, tick_every=QUARTER) as story:
        story.later(7 * DAY)
        nights = ["Mon", "Tue", "Wed", "Thu", "Fri"]
        assert story.times("stop") == [f"{day} 19:00" for day in nights]
        assert story.times("start") == [f"{day} 07:15" for day in [*nights[1:], "Mon"]], "the first tick from 07:10 on"
        assert story.writes("shop") == story.writes("mystery") == []
        assert len(story.told("web", "stops soon")) == 5
        assert len(story.rehearsal.told) == 5, "people hear of nothing else"
        assert story.rehearsal.failures == []


def test_history_tells_the_whole_story_of_a_night():
    with Story(dev("web")) as story:
        story.until("Tue 08:00")
        acts = [(r.phase, r.body.get("kind")) for r in story.history("web", "claimed", "accepted", "succeeded")]
        assert acts == [
            ("claimed", "stop_cluster"),
            ("accepted", "stop_cluster"),
            ("succeeded", "stop_cluster"),
            ("claimed", "start_cluster"),
            ("accepted", "start_cluster"),
            ("succeeded", "start_cluster"),
        ]
        seen = [(story.local(r.at)[:3], r.body["power"]) for r in story.history("web", "observed")]
        assert seen == [("Mon", "Running"), ("Mon", "Stopped"), ("Tue", "Running")]
        assert {"off_hours", "in_hours"} <= story.reasons("web")


@pytest.mark.parametrize(
    ("zone", "begin", "starts", "stops"),
    [
        # Berlin: 29 March 2026 02:00 -> 03:00, 25 October 2026 03:00 -> 02:00
        ("Europe/Berlin", "2026-03-27T12:00", "05:10", "17:00"),
        ("Europe/Berlin", "2026-10-23T12:00", "06:10", "18:00"),
        # New York: 8 March 2026 02:00 -> 03:00, 1 November 2026 02:00 -> 01:00
        ("America/New_York", "2026-03-06T12:00", "11:10", "23:00"),
        ("America/New_York", "2026-10-30T12:00", "12:10", "00:00"),
    ],
)
def test_the_week_after_the_clocks_change_keeps_its_local_hours(zone, begin, starts, stops):
    """Monday after the change: the same hours on the wall, another hour in UTC."""
    text = policy(zone=zone)
    with Story(dev("web"), policy=text, begin=in_zone(begin, zone), tick_every=QUARTER) as story:
        story.later(3 * DAY + 12 * HOUR)
        assert story.times("stop") == ["Fri 19:00", "Mon 19:00"]
        assert story.times("start") == ["Mon 07:15"], "the first tick at or after 07:10"
        monday = [f"{write.at:%H:%M}" for write in story.writes()][1:]
        assert monday == [f"{starts[:3]}15", stops]


def shift_policy(zone: str) -> str:
    schedules = """
schedules:
  night: {running: [Mon-Sun 22:00-05:00]}
"""
    rules = """
rules:
  - {name: night, match: {environments: [dev]}, hours: {schedule: night}}
"""
    return policy(rules, schedules, zone=zone)


@pytest.mark.parametrize(
    ("zone", "begin", "hours"),
    [
        ("Europe/Berlin", "2026-03-28T20:00", 6),
        ("Europe/Berlin", "2026-10-24T20:00", 8),
        ("America/New_York", "2026-03-07T20:00", 6),
        ("America/New_York", "2026-10-31T20:00", 8),
    ],
)
def test_a_night_shift_lasts_an_hour_less_or_more_when_the_clocks_change(zone, begin, hours):
    """22:00 to 05:00 is six hours in spring and eight in autumn: one start and one stop, no flapping in between."""
    evening = in_zone(begin, zone)
    with Story(dev("web"), policy=shift_policy(zone), begin=evening) as story:
        story.rehearsal.run(story.at(f"{evening.date() + DAY} 12:00"))
        assert story.times("start") in ([], ["Sat 22:00"])
        assert story.times("stop")[-1] == "Sun 05:00"
        [stop] = story.writes(verb="stop")
        began = evening.replace(hour=22).timestamp()
        assert stop.at.timestamp() - began == hours * 3600


def test_a_public_holiday_is_a_sunday():
    """Christmas is on a Friday in 2026: nothing starts from Thursday's evening to Monday's morning."""
    schedules = """
calendars: {berlin: {country: DE, subdivision: BE}}
schedules:
  office: {running: [Mon-Fri 07:30-19:00], calendar: berlin}
"""
    begin = datetime(2026, 12, 24, 12, tzinfo=BERLIN)
    with Story(dev("web"), policy=policy(schedules=schedules), begin=begin, tick_every=QUARTER) as story:
        story.rehearsal.run(story.at("2026-12-28 12:00"))
        assert story.times("stop") == ["Thu 19:00"]
        assert story.times("start") == ["Mon 07:15"]


def test_an_overnight_batch_window_belongs_to_the_day_on_which_it_begins():
    """Friday's window ends on Saturday morning; Sunday night has none."""
    schedules = """
schedules:
  batch: {running: [Mon-Fri 22:00-04:00]}
"""
    rules = """
rules:
  - {name: batch, match: {environments: [dev]}, hours: {schedule: batch}}
"""
    begin = MONDAY.replace(day=26, hour=23)  # Thursday, inside
    with Story(dev("web"), policy=policy(rules, schedules), begin=begin, tick_every=QUARTER) as story:
        story.later(4 * DAY)
        assert story.times("stop") == ["Fri 04:00", "Sat 04:00"]
        assert story.times("start") == ["Fri 22:00", "Mon 22:00"], "none on Sunday"


# -- missed time


def test_a_missed_evening_tick_is_caught_up():
    """No timer from 18:50 to 20:30: a late stop is still a stop, and people were warned before it."""
    with Story(dev("web")) as story:
        story.until("Mon 18:50").outage("Mon 20:30").until("Mon 21:30")
        assert story.times("stop") == ["Mon 20:30"]
        [warning] = story.told("web", "stops soon")
        assert "19:00" in warning


def test_an_unwarned_late_stop_waits_for_its_warning():
    """The outage began before the warning: it is given first, and the stop follows a quarter of an hour later."""
    with Story(dev("web")) as story:
        story.until("Mon 18:00").outage("Mon 20:30").until("Mon 21:30")
        assert story.times("stop") == ["Mon 20:45"]
        assert len(story.told("web", "stops soon")) == 1


def test_an_outage_over_the_whole_night_stops_nothing_in_the_morning():
    """Back at 09:00 after an outage since the afternoon: the host says IsPastDue, and nothing is stopped late in
    the morning for an evening that is over."""
    with Story(dev("web")) as story:
        story.until("Mon 16:00").outage("Tue 09:00").until("Tue 18:30")
        assert story.writes() == []
        assert story.is_on("web")


def test_a_start_that_the_outage_swallowed_is_caught_up():
    with Story(dev("web")) as story:
        story.until("Mon 23:00").outage("Tue 09:40").until("Tue 10:30")
        assert story.times("start") == ["Tue 09:40"]
        assert story.is_on("web")


def test_a_stop_too_short_to_be_worth_it_is_left_out():
    """Back at 05:40 after an outage: 1 h 30 min until the start is less than min_off (2 h)."""
    with Story(dev("web")) as story:
        story.until("Mon 18:00").outage("Tue 05:40").until("Tue 08:00")
        assert story.writes() == []
        assert "min_off" in story.reasons("web")


def test_a_lost_message_costs_at_most_a_quarter_of_an_hour():
    with Story(dev("web")) as story:
        story.until("Mon 18:59")
        story.world.advance(MINUTE)
        story.rehearsal.tick()
        [lost] = story.app.queue.receive("act")
        story.app.queue.delete(lost)
        story.until("Mon 20:00")
        [stop] = story.writes()
        assert stop.at <= story.at("2026-11-23 19:20")


def test_an_empty_fleet_and_a_new_cluster():
    """A cluster that appears at 15:00 is adopted then, and goes with the others in the evening."""
    with Story(dev("web")) as story:
        story.until("Mon 15:00")
        from lamplighter.simulator.cluster_verbs import create
        from lamplighter.simulator.operations import Call
        from lamplighter.simulator.resources import Cluster

        sub = story.world.cluster("web").subscription
        new = Cluster(sub, "rg", "fresh", "westeurope")
        body = {
            "location": "westeurope",
            "tags": {"environment": "dev"},
            "properties": {"agentPoolProfiles": [{"name": "system", "mode": "System", "count": 1}]},
        }
        create(story.world, new, body, Call("PUT", new.id, "person", body))
        story.until("Mon 20:00")
        assert story.times("stop", "fresh") == ["Mon 19:00"]
        assert story.times("stop", "web") == ["Mon 19:00"]
