"""What is learned of a cluster survives the journal bit for bit, and stays small."""

import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.rows_memory import memory_row, read_memory
from shared.model.activity import BINS, HOURS, PLACES, SIZE, Activity, Stretch, floats
from shared.model.memory import Memory

CLUSTER = "/subscriptions/s/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/web"

instants = st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
amounts = st.floats(allow_nan=False, allow_infinity=False)


def packed(count):
    return st.binary(min_size=8, max_size=64).map(lambda some: (some * (4 * count))[: 4 * count])


activities = st.builds(
    Activity,
    use=st.sampled_from(Stretch),
    since=instants,
    through=instants,
    first_at=instants,
    quiet_at=instants,
    promised=instants,
    place=st.integers(0, 2**32 - 1),
    departures=st.integers(0, 2**32 - 1),
    spent=amounts,
    credit=amounts,
    hours=packed(2 * HOURS),
    spells=packed(PLACES * BINS),
)


@given(activities)
def test_what_is_written_is_read_back(activity):
    data = activity.to_bytes()

    assert Activity.from_bytes(data) == activity
    assert len(data) == SIZE < 3 * 1024


@given(activities)
def test_a_row_of_the_journal_keeps_it(activity):
    memory = Memory(CLUSTER, activity=activity)

    assert read_memory(memory_row(memory, None)) == memory


@pytest.mark.parametrize(
    "data",
    [b"", b"\x01" + Activity().to_bytes()[1:], Activity().to_bytes()[:-1], b"\x02\x09" + Activity().to_bytes()[2:]],
)
def test_bytes_of_another_version_are_refused_in_one_sentence(data):
    with pytest.raises(ValueError, match="bytes of activity in version 2"):
        Activity.from_bytes(data)


def test_a_row_with_another_versions_activity_is_read_and_learned_anew():
    """Two versions run side by side during an update; what is owed to a cluster must not hang on what is learned."""
    row = memory_row(Memory(CLUSTER, generation=7, activity=Activity(place=3)), None)
    data = row.properties["activity"]
    row.properties["activity"] = b"\x63" + data[1:]

    memory = read_memory(row)

    assert memory.activity is None
    assert memory.generation == 7


def test_what_the_first_version_wrote_is_learned_anew():
    """Version 1 had 28 borders of spells and hours of the UTC week: they would be read as something else."""
    head = struct.pack("<BBqqqqqIIdd", 1, 1, *[0] * 5, 3, 2, 0.5, 7.25)
    row = memory_row(Memory(CLUSTER, generation=7, activity=Activity()), None)
    row.properties["activity"] = head + bytes(4 * 2 * 168) + bytes(4 * 4 * 29)

    memory = read_memory(row)

    assert (memory.activity, memory.generation) == (None, 7)


def test_a_week_has_two_numbers_for_each_hour():
    assert len(floats(Activity().hours)) == 168 * 2


def test_instants_keep_their_microseconds():
    at = datetime(2026, 3, 2, 7, 30, 0, 1, tzinfo=UTC) + timedelta(microseconds=998)

    assert Activity.from_bytes(Activity(since=at).to_bytes()).since == at
