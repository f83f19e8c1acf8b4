"""One contract for both queues: SQLite on any clock, and Azure Storage queues on Azurite."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.clients.queue import MESSAGE_BYTES
from shared.errors import Refused

HOUR = timedelta(hours=1)


def test_a_message_arrives_as_it_was_sent(queue):
    message = {"id": "a1", "cluster": "/subscriptions/s/c", "who": "Zoë <b>&\U0001f56f", "n": [1, None, True]}
    queue.send(message)
    (received,) = queue.receive("act")
    assert received.message == message
    assert received.dequeue_count == 1
    assert received.queue == "act"


def test_senders_side_by_side_lose_nothing_and_double_nothing(queue):
    """A large fleet's starts leave through eight threads; a lost one would be a cluster that is not up in time."""
    queue.send({"n": 0})
    with ThreadPoolExecutor(8) as senders:
        list(senders.map(queue.send, [{"n": n} for n in range(1, 60)]))
    found = [received.message["n"] for _ in range(3) for received in queue.receive("act", 32)]
    assert sorted(found) == list(range(60))


def test_a_queue_nobody_sent_to_is_empty(queue):
    assert queue.receive("look") == ()


def test_queues_are_apart(queue):
    queue.send({"to": "look"}, queue="look")
    queue.send({"to": "tell"}, queue="tell")
    assert queue.receive("act") == ()
    assert [r.message for r in queue.receive("look")] == [{"to": "look"}]
    assert [r.message for r in queue.receive("tell")] == [{"to": "tell"}]


def test_what_is_received_is_hidden_from_others_until_it_is_deleted(queue):
    queue.send({"n": 1})
    (received,) = queue.receive("act", visibility=HOUR)
    assert queue.receive("act") == ()
    queue.delete(received)
    queue.delete(received)
    assert queue.receive("act") == ()


def test_a_delayed_message_is_not_seen_yet(queue):
    queue.send({"n": "later"}, HOUR)
    queue.send({"n": "now"})
    assert [r.message["n"] for r in queue.receive("act")] == ["now"]


@pytest.mark.parametrize("delay", [timedelta(days=7), timedelta(days=8), timedelta(days=400)])
def test_a_delay_longer_than_a_queue_can_keep_is_clipped(queue, delay):
    """Azure refuses more than 7 days; the message comes early and is decided anew."""
    queue.send({"n": 1}, delay)
    assert queue.receive("act") == ()


def test_a_delay_in_the_past_is_no_delay(queue):
    queue.send({"n": 1}, timedelta(seconds=-5))
    assert len(queue.receive("act")) == 1


def test_at_most_32_come_at_once(queue):
    for n in range(35):
        queue.send({"n": n})
    first, second = queue.receive("act", most=100), queue.receive("act", most=2)
    assert len(first) == 32
    assert len(second) == 2
    assert len({r.id for r in (*first, *second)}) == 34


def test_a_message_up_to_48_kib_fits_and_more_is_refused(queue):
    """64 KiB of base64: one byte more would be an error of Azure in the middle of a tick."""
    room = MESSAGE_BYTES - len('{"x":""}')
    queue.send({"x": "y" * room})
    with pytest.raises(Refused, match="at most 48 KiB"):
        queue.send({"x": "y" * (room + 1)})
    assert [len(r.message["x"]) for r in queue.receive("act")] == [room]


def test_what_is_no_json_is_the_writers_mistake(queue):
    with pytest.raises(TypeError):
        queue.send({"x": object()})
    assert queue.receive("act") == ()


def test_the_host_can_decode_what_is_sent(azurite):
    """The Functions host expects base64; plain text would end in the poison queue, five deliveries later."""
    from azure.storage.queue import QueueServiceClient

    queue = azurite.queue()
    queue.send({"n": 1})
    with QueueServiceClient(azurite.queues, credential=azurite.credential) as service:
        (name,) = [q.name for q in service.list_queues() if q.name.startswith(queue._prefix)]
        (raw,) = service.get_queue_client(name).peek_messages()
    queue.close()
    assert name.endswith("-act")
    assert base64.b64decode(raw.content) == b'{"n":1}'


def test_a_seven_day_delay_outlives_itself(azurite):
    """A message whose life ends with its delay would never be seen."""
    from azure.storage.queue import QueueServiceClient

    queue = azurite.queue()
    queue.send({"n": 1}, ttl=HOUR)
    with QueueServiceClient(azurite.queues, credential=azurite.credential) as service:
        (raw,) = service.get_queue_client(f"{queue._prefix}act").peek_messages()
    queue.close()
    assert raw.expires_on - raw.inserted_on == HOUR


# --- on a clock of one's own ---


def test_a_delay_ends_to_the_second(local_queue, clock):
    local_queue.send({"n": 1}, timedelta(minutes=5))
    assert local_queue.next_at() == clock.now + timedelta(minutes=5)
    clock.advance(minutes=4, seconds=59)
    assert local_queue.receive("act") == ()
    clock.advance(seconds=1)
    assert len(local_queue.receive("act")) == 1


def test_who_dies_while_working_leaves_the_message_for_the_next(local_queue, clock):
    """A crash: after the visibility timeout it comes again, counted, and the old receipt deletes nothing."""
    local_queue.send({"n": 1})
    (first,) = local_queue.receive("act", visibility=timedelta(minutes=10))
    clock.advance(minutes=10)
    (second,) = local_queue.receive("act")
    assert (second.id, second.dequeue_count) == (first.id, 2)
    local_queue.delete(first)
    assert local_queue.count("act") == 1
    local_queue.delete(second)
    assert local_queue.count("act") == 0


def test_a_message_that_fails_five_times_is_poison_and_is_kept(local_queue, clock):
    """maxDequeueCount 5, as in host.json: never a sixth try, never lost."""
    local_queue.send({"n": "bad"})
    local_queue.send({"n": "good"}, timedelta(minutes=1))
    for count in range(1, 6):
        (received,) = local_queue.receive("act")
        assert received.dequeue_count == count
        local_queue.release(received)
    assert local_queue.receive("act") == ()
    (poison,) = local_queue.receive("act-poison")
    assert poison.message == {"n": "bad"}
    clock.advance(days=30)
    assert local_queue.count("act-poison") == 1
    assert local_queue.count("act") == 0


def test_poison_is_not_poisoned_again(local_queue, clock):
    for _ in range(7):
        local_queue.send({"n": 1}, queue="act-poison")
        for received in local_queue.receive("act-poison"):
            local_queue.release(received)
    assert local_queue.count("act-poison") == 7
    assert local_queue.count("act-poison-poison") == 0


def test_a_message_is_gone_when_its_time_is_over(local_queue, clock):
    local_queue.send({"n": 1}, timedelta(minutes=1), "act", timedelta(hours=1))
    clock.advance(minutes=61)
    assert local_queue.receive("act") == ()
    assert local_queue.count("act") == 0


def test_a_delay_of_weeks_comes_after_seven_days(local_queue, clock):
    local_queue.send({"n": 1}, timedelta(days=21))
    clock.advance(days=7)
    assert len(local_queue.receive("act")) == 1


def test_nothing_waits_in_an_empty_queue(local_queue):
    assert local_queue.next_at() is None
    local_queue.send({"n": 1}, queue="act-poison")
    assert local_queue.next_at() is None


def test_a_message_lamplighter_did_not_write_is_a_value_error(local_queue):
    from shared.clients.queue import Received

    for body in ("hello", "[1]", '"x"', ""):
        with pytest.raises(ValueError, match=r"."):
            _ = Received("act", "1", "r", body, 1).message
