"""Postponed by the link in the warning: the stop waits, and comes later with a warning of its own."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from shared.handlers.postpone import postpone
from shared.handlers.web import Request
from shared.model.memory import Wish
from tests.scenarios.stage import HOUR, MINUTE, Story, dev, policy

PUBLIC = {"LAMPLIGHTER_PUBLIC_URL": "https://lamps.example.com"}
LINK = re.compile(r"postpone\?t=([0-9a-f]{64})")
FORM = {"content-type": "application/x-www-form-urlencoded"}


def links(story: Story) -> list[str]:
    """Tokens of the warnings so far, oldest first."""
    return [token for text in story.told("stop") for token in LINK.findall(text)]


def press(story: Story, token: str, key: str = "2h") -> int:
    form = urlencode({"t": token, "for": key}).encode()
    return postpone(story.app, Request("POST", FORM, body=form)).status


def test_a_stop_waits_and_comes_later_with_a_new_warning():
    """Warned 18:45, put off at 18:50 by two hours, warned again 20:45, stopped 21:00."""
    with Story(dev("web"), environ=PUBLIC) as story:
        story.until("Mon 18:50")
        [token] = links(story)
        assert press(story, token) == 200
        story.until("Mon 20:40")
        assert story.is_on("web")
        assert len(links(story)) == 1
        story.until("Mon 20:55")
        assert len(links(story)) == 2
        assert "web stops Mon 23 Nov 21:00 (Europe/Berlin)" in story.told("stop")[-1]
        assert story.is_on("web")
        story.until("Tue 12:00")
        assert story.times("stop") == ["Mon 21:00"]
        assert story.is_on("web")


def test_it_can_be_put_off_again_and_every_stop_has_its_warning():
    with Story(dev("web"), environ=PUBLIC) as story:
        for hour in (18, 19, 20, 21):
            story.until(f"Mon {hour}:50")
            assert press(story, links(story)[-1], "1h") == 200
        story.until("Tue 06:00")
        assert story.times("stop") == ["Mon 23:00"]
        assert len(links(story)) == len(set(links(story))) == 5


def test_who_comes_a_little_late_gets_it_back():
    with Story(dev("web"), environ=PUBLIC) as story:
        story.until("Mon 19:40")
        assert not story.is_on("web")
        assert press(story, links(story)[0]) == 200
        story.until("Mon 20:20")
        assert story.is_on("web")
        story.until("Tue 06:00")
        assert story.times("stop") == ["Mon 19:00", "Mon 21:40"]


def test_one_message_has_one_link_for_exactly_its_list():
    """web and api stop together and are listed together; batch stops by another schedule, in a message of its own."""
    rules = """
rules:
  - {name: dev-hours, match: {names: [web, api]}, hours: {schedule: office}}
  - {name: late-hours, match: {names: [batch]}, hours: {schedule: late}}
"""
    schedules = """
schedules:
  office: {running: [Mon-Fri 07:30-19:00]}
  late: {running: [Mon-Fri 07:30-20:00]}
"""
    with Story(dev("web"), dev("api"), dev("batch"), policy=policy(rules, schedules), environ=PUBLIC) as story:
        story.until("Mon 18:50")
        [token] = links(story)
        assert press(story, token, "4h") == 200
        story.until("Mon 22:00")
        assert (story.is_on("web"), story.is_on("api"), story.is_on("batch")) == (True, True, False)


def test_a_link_shortens_nothing_that_somebody_asked_for():
    with Story(dev("web"), environ=PUBLIC) as story:
        story.until("Mon 18:50")
        story.say("web", Wish.RUNNING, 5 * HOUR)
        assert press(story, links(story)[0], "1h") == 200
        story.until("Mon 23:40")
        assert story.times("stop") == []
        story.until("Tue 06:00")
        assert story.times("stop") == ["Mon 23:50"]


def test_a_keep_off_that_is_put_off_is_heard_again():
    """Whoever presses has it two hours longer; the other person's word is not gone with that."""
    with Story(dev("web"), environ=PUBLIC) as story:
        story.until("Mon 09:50")
        story.say("web", Wish.STOPPED, 30 * HOUR)
        story.until("Mon 10:00")
        assert press(story, links(story)[0]) == 200
        story.until("Tue 14:00")
        assert story.times("stop") == ["Mon 12:05"]
        assert len(links(story)) == 2
        assert not story.is_on("web")


def test_every_channel_has_its_own_link_and_the_first_to_press_decides():
    routes = "notify:\n  routes: [{to: [OPERATORS_CHANNEL]}, {to: [SECOND_CHANNEL]}]\n"
    text = policy().replace("notify:\n  routes:\n    - {to: [OPERATORS_CHANNEL]}\n", routes)
    assert routes in text
    environ = {**PUBLIC, "SECOND_CHANNEL": "json://127.0.0.2"}
    with Story(dev("web"), policy=text, environ=environ) as story:
        story.until("Mon 18:50")
        first, second = links(story)
        assert first != second
        assert press(story, first, "4h") == 200
        assert press(story, second, "1h") == 200
        story.until("Tue 06:00")
        assert story.times("stop") == ["Mon 23:00"]


def test_a_tick_that_was_missed_leaves_no_stop_without_its_warning():
    """Nobody could tell at 20:45: what was put off is told when somebody can, and stops later still."""
    with Story(dev("web"), environ=PUBLIC) as story:
        story.until("Mon 18:50")
        assert press(story, links(story)[0]) == 200
        story.until("Mon 20:40").outage("Mon 21:02")
        story.later(10 * MINUTE)
        assert story.is_on("web")
        assert len(links(story)) == 2
        story.until("Tue 06:00")
        assert story.times("stop") == ["Mon 21:20"]


def test_the_history_tells_that_it_was_put_off():
    with Story(dev("web"), environ=PUBLIC) as story:
        story.until("Mon 18:50")
        press(story, links(story)[0])
        [record] = story.history("web", "hold")
        assert record.body["source"] == "postpone"
        assert record.body["until"] == "2026-11-23T20:00:00Z"
        story.until("Mon 19:10")
        assert "put off by the link in the warning" in story.history("web", "decided")[-1].body["message"]
