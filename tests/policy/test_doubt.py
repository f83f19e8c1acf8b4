"""When the inventory is not taken at its word: it contradicts what was noticed, or done, last."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.fleet import Power
from shared.model.memory import Memory, OpenAction, Phase, Seen, TargetMemory
from shared.policy.doubt import in_doubt, last_known, unconfirmed
from tests.policy.builders import at, cluster, pool

NOON = at("Mon 12:00")
HOUR = timedelta(hours=1)
UP, DOWN = Power.RUNNING, Power.STOPPED


def remembered(whole: TargetMemory, batch: TargetMemory | None = None, **more) -> Memory:
    targets = {"": whole} | ({"batch": batch} if batch is not None else {})
    return Memory(cluster().id, targets=targets, **more)


@pytest.mark.parametrize(
    ("target", "known"),
    [
        (TargetMemory(), None),
        (TargetMemory(seen=Seen(UP, NOON)), UP),
        (TargetMemory(seen=Seen(UP, NOON), stopped_at=NOON + HOUR), DOWN),
        (TargetMemory(seen=Seen(UP, NOON + HOUR), stopped_at=NOON), UP),
        (TargetMemory(stopped_at=NOON, started_at=NOON + HOUR), UP),
        (TargetMemory(stopped_at=NOON + HOUR, started_at=NOON), DOWN),
    ],
)
def test_what_was_known_last_is_what_was_noticed_or_done_last(target, known):
    assert last_known(target) is known


def test_an_old_picture_after_our_stop_is_doubted():
    ours = TargetMemory(seen=Seen(UP, NOON), stopped_at=NOON + HOUR)
    assert in_doubt(cluster(power=UP), remembered(ours))
    assert not in_doubt(cluster(power=DOWN), remembered(ours))


def test_a_pool_that_contradicts_is_doubted_too_but_only_in_a_running_cluster():
    """In a stopped cluster a pool says nothing about anybody's wish for it."""
    stopped_pool = TargetMemory(seen=Seen(DOWN, NOON))
    up, down = TargetMemory(seen=Seen(UP, NOON)), TargetMemory(seen=Seen(DOWN, NOON))
    pools = (pool("batch", power=UP),)
    assert in_doubt(cluster(power=UP, pools=pools), remembered(up, stopped_pool))
    assert not in_doubt(cluster(power=DOWN, pools=pools), remembered(down, stopped_pool))


def test_nothing_known_nothing_readable_and_nothing_settled_raise_no_doubt():
    up = TargetMemory(seen=Seen(UP, NOON))
    assert not in_doubt(cluster(power=DOWN), Memory(cluster().id))
    assert not in_doubt(cluster(power=DOWN), remembered(TargetMemory()))
    assert not in_doubt(cluster(power=Power.UNKNOWN), remembered(up))
    assert not in_doubt(cluster(power=DOWN, provisioning_state="Starting"), remembered(up))
    assert not in_doubt(replace(cluster(power=DOWN), problem="half a row"), remembered(up))


def test_an_open_action_is_settled_by_fresh_readings_anyway():
    open_ = OpenAction("1", "stop_cluster", None, Phase.ACCEPTED, "c", "r", "off_hours", NOON, NOON + HOUR)
    assert not in_doubt(cluster(power=DOWN), remembered(TargetMemory(seen=Seen(UP, NOON)), open=open_))


def test_what_could_not_be_confirmed_is_unknown():
    found = unconfirmed(cluster(power=UP))
    assert found.power is Power.UNKNOWN
    assert "could not be read afresh" in (found.problem or "")
