"""One message: what it says is never believed, and "later" is a normal return."""

from datetime import timedelta

import pytest

from lamplighter.simulator import Fault
from shared.handlers.act import act
from shared.handlers.sending import as_message
from shared.model.facts import FleetFacts
from shared.model.places import Places
from tests.scenarios.stage import HOUR, MINUTE, MONDAY, Story, dev, policy, prod


def due(story: Story) -> dict:
    """The message of the evening's stop, taken out of the queue."""
    story.until("Mon 18:59")
    story.world.advance(MINUTE)
    story.rehearsal.tick()
    [received] = story.app.queue.receive("act")
    story.app.queue.delete(received)
    return received.message


@pytest.mark.parametrize("message", [{}, {"id": "x"}, {"cluster": "/subscriptions/1"}, {"id": "x", "cluster": "web"}])
def test_a_message_that_names_nothing_fails_and_ends_as_poison(message):
    with Story(dev("web")) as story, pytest.raises(ValueError, match="names no decision"):
        act(story.app, message)


def test_a_message_about_another_action_than_was_decided_is_dropped():
    """Somebody writes into the queue: only a decision that the engine makes again, on a fresh reading, is carried out."""
    with Story(dev("web"), prod("shop")) as story:
        message = due(story)
        for forged in (
            {**message, "id": "0" * 32},
            {**message, "cluster": story.id_of("shop"), "target": story.id_of("shop")},
        ):
            assert act(story.app, forged) == "dropped"
        assert story.writes() == []
        assert act(story.app, {**message, "action": "start_cluster"}) == "accepted", "what is done is what was decided"
        assert story.times("stop") == ["Mon 19:00"]


def test_an_expired_message_is_dropped_and_an_early_one_is_sent_again():
    with Story(dev("web")) as story:
        message = due(story)
        now = story.world.now()
        early = {**message, "not_before": (now + 2 * MINUTE).isoformat()}
        assert act(story.app, early) == "later"
        assert story.app.queue.count("act") == 1
        story.world.advance(16 * MINUTE)
        assert act(story.app, message) == "dropped"
        assert "expired" in story.history("web", "dropped")[-1].body["message"]


def test_a_cluster_that_cannot_be_read_now_is_tried_again_later():
    with Story(dev("web")) as story:
        message = due(story)
        story.world.inject(Fault.throttled("GET */managedclusters/web", retry_after=900))
        assert act(story.app, message) == "later"
        assert story.app.queue.next_at() >= story.world.now() + 15 * MINUTE
        story.world.inject(Fault.forbidden("GET */managedclusters/web"))
        assert act(story.app, message) == "later"
        assert story.writes() == []


def test_a_cluster_that_is_gone_is_dropped():
    with Story(dev("web"), dev("api")) as story:
        message = due_of(story, "web")
        story.delete("web")
        story.world.advance(HOUR)
        assert act(story.app, {**message, "expires_at": None}) == "dropped"


def due_of(story: Story, name: str) -> dict:
    story.until("Mon 18:59")
    story.world.advance(MINUTE)
    story.rehearsal.tick()
    messages = [received.message for received in story.app.queue.receive("act")]
    return next(message for message in messages if message["cluster"].endswith(f"/{name}"))


def test_a_slow_azure_does_not_write_under_a_claim_that_is_nearly_over():
    """The claim was made, then the process was frozen for minutes: the write is not sent any more."""
    with Story(dev("web")) as story:
        message = due(story)
        swap = story.app.journal.swap

        def slow(memory, etag):
            tag = swap(memory, etag)
            if memory.open is not None:
                story.world.advance(8 * MINUTE)
            return tag

        story.app.journal.swap = slow
        assert act(story.app, message) == "too late to write"
        assert story.writes() == []
        del story.app.journal.swap
        story.until("Mon 20:00")
        assert len(story.writes("web", "stop")) == 1, "a later tick finds out by looking and tries again"


def test_a_paced_message_may_take_as_long_as_any_other():
    """The thousandth stop of a region leaves 16 minutes after the first: its quarter of an hour begins then."""
    with Story(dev("web")) as story:
        story.until("Mon 18:59")
        story.world.advance(MINUTE)
        plan = story.rehearsal.tick()
        [decision] = plan.admitted
        now = story.world.now()
        from dataclasses import replace

        late = replace(decision, not_before=now + timedelta(seconds=950))
        message = as_message(late, FleetFacts(), now)
        assert message["expires_at"] == (now + timedelta(seconds=950) + 15 * MINUTE).isoformat()


def test_the_breaker_stops_messages_that_were_sent_before_it_opened():
    from dataclasses import replace

    from lamplighter.remembered import change_fleet

    with Story(dev("web"), begin=MONDAY) as story:
        message = due(story)
        change_fleet(
            story.journal, lambda row: replace(row, breaker_open_at=story.world.now(), breaker_reason="a test")
        )
        assert act(story.app, message) == "dropped"
        assert "breaker" in story.history("web", "dropped")[-1].body["message"]


def test_while_the_breaker_is_open_only_the_one_that_is_tried_goes():
    from dataclasses import replace

    from lamplighter.remembered import change_fleet

    with Story(dev("web"), begin=MONDAY) as story:
        message = due(story)
        now = story.world.now()

        def trying(id_: str) -> None:
            change_fleet(
                story.journal,
                lambda row: replace(
                    row, breaker_open_at=now, breaker_reason="a test", breaker_probe_at=now, breaker_probe_id=id_
                ),
            )

        trying("another one")
        assert act(story.app, message) == "dropped"
        trying(message["id"])
        assert act(story.app, message) == "accepted"


def test_a_cluster_that_joined_a_fleet_meanwhile_is_left_to_it():
    """A single reading does not tell membership: what the last look at the whole fleet saw is remembered."""
    from lamplighter.simulator.world import Member

    with Story(dev("web"), begin=MONDAY) as story:
        message = due(story)
        key = story.id_of("web")
        story.world.members.append(Member(key.split("/")[2], "rg", "hub", key, "web"))
        story.retag("web", environment="dev", hub="yes")
        story.later(11 * MINUTE)
        assert story.memory("web").fleet.endswith("/fleets/hub")
        now = story.world.now()
        again = {**message, "expires_at": (now + HOUR).isoformat(), "not_before": None}
        assert act(story.app, again) == "dropped"
        assert "member of fleet hub" in story.history("web", "dropped")[-1].body["message"]
        assert story.writes() == []


def test_an_upgrade_begins_only_with_a_place_among_those_of_its_rule():
    """Another worker has taken the only place a moment ago, and its claim is nowhere to be seen yet."""
    text = policy(rules="\nrules:\n  - {name: rings, upgrades: {to: stable, rings: [dev]}}\n", schedules="")
    with Story(dev("web"), policy=text) as story:
        story.rehearsal.tick()
        [received] = story.app.queue.receive("act")
        other = Places("rings", {"another": story.world.now() + 9 * MINUTE})
        etag = story.journal.swap_places(other, None)

        assert act(story.app, received.message) == "dropped"
        assert "as at_once allows (1)" in story.history("web", "dropped")[-1].body["message"]
        assert story.writes() == []

        story.journal.swap_places(Places("rings"), etag)
        assert act(story.app, received.message) == "accepted"
        assert list(story.journal.places("rings").value.held) == [story.id_of("web")]
