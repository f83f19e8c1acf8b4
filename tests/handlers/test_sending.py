"""What a tick admitted reaches the queue, however much it is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lamplighter.rehearsal import Rehearsal
from lamplighter.simulator import World
from shared.clients.queue_sqlite import SqliteQueue
from shared.errors import Refused
from shared.handlers.sending import ONE_BY_ONE, Sending
from shared.model.actions import StartCluster
from shared.model.decisions import Decision, Reason, Verdict
from shared.model.facts import FleetFacts

NOW = datetime(2026, 12, 7, 6, 10, tzinfo=UTC)
MANY = 3 * ONE_BY_ONE
POLICY = "version: 1\nmode: act\ntimezone: Europe/Berlin\nscope: all\n"


class Wide(SqliteQueue):
    """A queue that gains from several senders, as Azure Storage does."""

    senders = 8


@pytest.fixture(params=[SqliteQueue, Wide])
def stage(request: pytest.FixtureRequest) -> Iterator[Rehearsal]:
    with Rehearsal(World.from_fleet({"clusters": []}, now=NOW), POLICY) as rehearsal:
        rehearsal.queue.close()
        rehearsal.queue = request.param(":memory:", rehearsal.world.now)
        rehearsal.app = replace(rehearsal.app, queue=rehearsal.queue, cache={})
        yield rehearsal


def start(number: int) -> Decision:
    cluster = f"/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/managedclusters/c-{number}"
    return Decision(
        id=f"id-{number}",
        cluster=cluster,
        target=cluster,
        action=StartCluster(cluster),
        verdict=Verdict.ACT,
        reason=Reason.IN_HOURS,
        message="start",
        rule="office-hours",
        cause="office-hours:running",
        not_before=NOW + timedelta(seconds=number) if number >= 50 else None,
        expires_at=NOW + timedelta(hours=1),
    )


def received(stage: Rehearsal) -> list[str]:
    ids: list[str] = []
    while found := stage.queue.receive("act", 32, timedelta(hours=1)):
        ids += [str(one.message["id"]) for one in found]
    return ids


def test_a_monday_morning_of_many_starts_is_sent_whole_and_each_once(stage: Rehearsal) -> None:
    """More than a hundred messages go out side by side; a lost one would be a cluster that is not up in time."""
    starts = tuple(map(start, range(MANY)))
    sent = Sending(stage.app, NOW, FleetFacts(), starts).go(lost=[starts[7].cluster, starts[-1].cluster])
    stage.world.advance(timedelta(seconds=MANY))
    ids = received(stage)
    assert sent == len(ids) == MANY - 2
    assert set(ids) == {one.id for one in starts} - {"id-7", f"id-{MANY - 1}"}


@pytest.mark.parametrize("stage", [SqliteQueue], indirect=True)
def test_a_queue_that_gains_nothing_from_it_gets_its_messages_in_order(stage: Rehearsal) -> None:
    """A rehearsed week repeats itself exactly, so its messages do."""
    starts = tuple(replace(start(number), not_before=None) for number in range(MANY))
    Sending(stage.app, NOW, FleetFacts(), starts).go()
    assert received(stage) == [one.id for one in starts]


def test_pacing_survives_sending_side_by_side(stage: Rehearsal) -> None:
    """Azure lets one write a second through: what may not leave yet is not seen in the queue yet."""
    Sending(stage.app, NOW, FleetFacts(), tuple(map(start, range(MANY)))).go()
    assert sorted(received(stage)) == sorted(f"id-{number}" for number in range(50))


def test_a_message_that_the_queue_refuses_is_no_silence(stage: Rehearsal) -> None:
    """The host records the failed tick; a later one sends the rest."""
    starts = list(map(start, range(MANY)))
    starts[200] = replace(starts[200], cause="c" * 60_000)
    with pytest.raises(Refused, match="queue message"):
        Sending(stage.app, NOW, FleetFacts(), tuple(starts)).go()
