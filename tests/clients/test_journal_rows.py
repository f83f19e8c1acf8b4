"""Every memory that can be written can be read back, to the microsecond and the last letter."""

from __future__ import annotations

import json
import zlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.clients.journal import Journal
from shared.clients.rows import PROPERTY_BYTES, Section, UnreadableRow
from shared.clients.rows_memory import fleet_row, memory_row, read_fleet, read_memory
from shared.clients.store import Row
from shared.clients.store_sqlite import SqliteStore
from shared.model import memory as nouns
from shared.model import relief, repair, spot, upgrades
from shared.model.activity import Activity
from shared.model.fleet import Power
from shared.model.memory import FleetMemory, Memory, PersonHold, Phase, Seen, TargetMemory, Wish
from shared.model.records import HistoryRecord

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CLUSTER = "/subscriptions/s1/resourcegroups/g/providers/microsoft.containerservice/managedclusters/c"

offsets = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=9, minutes=30))])
instants = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=offsets)  # noqa: DTZ001  zones are drawn
utc = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  UTC is drawn
texts = st.text(max_size=30) | st.text("ab ", min_size=1100, max_size=1200)
counts = st.integers(0, 2**40)

VALUES = {
    "str": texts,
    "str | None": st.none() | texts,
    "int": counts,
    "int | None": st.none() | counts,
    "bool": st.booleans(),
    "float": st.floats(0, 1e6),
    "datetime": instants,
    "timedelta": st.timedeltas(timedelta(0), timedelta(days=999)),
    "Activity": st.builds(Activity, since=st.none() | utc, place=st.integers(0, 9), credit=st.floats(-9, 9)),
    "datetime | None": st.none() | instants,
    "tuple[datetime, ...]": st.lists(instants, max_size=3).map(tuple),
    "tuple[str, ...]": st.lists(texts, max_size=3).map(tuple),
    "tuple[int, ...]": st.lists(counts, max_size=3).map(tuple),
    "Any": st.none() | st.booleans() | counts | texts,
    "Wish": st.sampled_from(Wish),
    "Power": st.sampled_from(Power),
    "Phase": st.sampled_from(Phase),
}


def values(kind: str) -> st.SearchStrategy:
    """Values of a field by its annotation, so that a new field of the model is generated without asking."""
    if kind in VALUES:
        return VALUES[kind]
    if kind.endswith(" | None"):
        return st.none() | values(kind.removesuffix(" | None"))
    if kind.startswith("Mapping[str, "):
        return st.dictionaries(texts, values(kind[13:-1]), max_size=3).map(MappingProxyType)
    if kind.startswith("tuple["):
        return st.lists(values(kind[6:-6]), max_size=3).map(tuple)
    return every(next(vars(room)[kind] for room in (nouns, spot, upgrades, repair, relief) if kind in vars(room)))


def every(noun: type, **drawn: st.SearchStrategy) -> st.SearchStrategy:
    """The noun with every one of its fields drawn, none left at its default."""
    return st.builds(noun, **{f.name: drawn[f.name] if f.name in drawn else values(f.type) for f in fields(noun)})


ids = st.from_regex(r"/subscriptions/[a-f0-9-]{1,36}/resourcegroups/[a-z0-9_.()-]{1,40}", fullmatch=True)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(every(Memory, cluster=ids, steady=st.just(False), upgrade=st.none(), ailments=st.just({})))
def test_any_memory_survives_its_row(memory):
    row = memory_row(memory, "tag")
    assert read_memory(row) == memory
    assert row.etag == "tag"
    assert all(len(value) <= PROPERTY_BYTES for value in row.properties.values())


@given(every(FleetMemory, rings=st.just({})))
def test_any_fleet_memory_survives_its_row(fleet):
    assert read_fleet(fleet_row(fleet, None)) == fleet


@given(every(upgrades.UpgradePast), every(repair.Ailment))
def test_any_past_of_upgrades_and_repairs_survives_its_row(past, ailment):
    memory = Memory(CLUSTER, upgrade=past, ailments={"": ailment, "batch": ailment})
    assert read_memory(memory_row(memory, None)) == memory


@given(every(upgrades.Ring), every(upgrades.Halt), utc)
def test_any_rings_survive_their_row(ring, halt, at):
    rings = upgrades.Rings((ring, ring), halt, at, "ana", ("a", "b"), whole=False)
    fleet = FleetMemory(rings={"": upgrades.Rings(), "rings": rings})
    assert read_fleet(fleet_row(fleet, None)) == fleet


@given(every(TargetMemory))
def test_a_target_is_the_same_through_a_store(target):
    memory = Memory(CLUSTER, targets={"batch": target})
    journal = Journal(SqliteStore(":memory:"))
    try:
        etag = journal.swap(memory, None)
        assert journal.memory(CLUSTER) == nouns.Stored(memory, etag)
    finally:
        journal.close()


def test_steady_is_never_stored():
    """`plan` without a journal pretends that all is adopted; that pretence must not get into the journal."""
    assert read_memory(memory_row(Memory(CLUSTER, steady=True), None)).steady is False


def test_keys_hold_no_slash_and_tell_the_subscription():
    row = memory_row(Memory(CLUSTER), None)
    assert row.partition == "s1"
    assert len(row.key) == 32
    assert not set(row.key) & set("/\\#?")
    assert memory_row(Memory(CLUSTER.upper()), None).place == row.place


def test_an_ordinary_row_is_small_and_readable():
    """Support looks at rows with a table explorer: what is small is plain JSON. 10,000 rows are read at every tick."""
    target = TargetMemory(seen=Seen(Power.RUNNING, NOON, NOON), ran_at=NOON)
    properties = memory_row(Memory(CLUSTER, generation=2, targets={"": target}), None).properties
    assert json.loads(properties["targets"])[""]["seen"]["power"] == "Running"
    assert json.loads(properties["state"]) == {"generation": 2}
    assert set(properties) == {"cluster", "state", "targets"}
    assert sum(map(len, properties.values())) < 400


def test_instants_are_stored_in_utc():
    local = datetime(2026, 7, 1, 9, 0, tzinfo=timezone(timedelta(hours=2)))
    row = memory_row(Memory(CLUSTER, not_before=local), None)
    assert json.loads(row.properties["state"]) == {"not_before": "2026-07-01T07:00:00Z"}


def test_an_instant_without_a_zone_is_refused():
    """Written as if it were UTC it would be hours off, silently."""
    with pytest.raises(ValueError, match="has no time zone"):
        memory_row(Memory(CLUSTER, not_before=datetime(2026, 7, 1, 9, 0)), None)  # noqa: DTZ001  the point


def test_names_of_a_newer_version_are_passed_over():
    """While a deployment is under way, two versions read each other's rows."""
    memory = Memory(
        CLUSTER,
        generation=4,
        targets={"": TargetMemory(seen=Seen(Power.STOPPED, NOON), saved=nouns.SavedSize(3, 1, 5, True, NOON))},
        holds=(PersonHold(Wish.RUNNING, NOON, NOON, "tag"),),
    )
    row = memory_row(memory, None)
    newer = {n: t if n == "cluster" else json.dumps(_with_more(json.loads(t))) for n, t in row.properties.items()}
    assert read_memory(replace(row, properties={**newer, "activity": b"\x00\x01", "colour": "blue"})) == memory


def _with_more(document):
    match document:
        case dict():
            inner = {name: _with_more(value) for name, value in document.items()}
            return inner if "" in inner else {**inner, "tomorrow": {"x": 1}}
        case list():
            return [_with_more(value) for value in document]
    return document


DAMAGED = {
    "not JSON": {"state": "{"},
    "another shape": {"targets": "[1, 2]"},
    "a third wish": {"holds": '[{"wish":"paused","first_seen_at":"2026-03-02T12:00:00Z"}]'},
    "no such instant": {"state": '{"not_before":"yesterday"}'},
    "an instant without zone": {"state": '{"not_before":"2026-03-02T12:00:00"}'},
    "half a section": {"targets": zlib.compress(b'{"":{}}' * 100)[:20]},
    "no id": {"cluster": b"\x00"},
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_row_is_named_and_takes_no_other_cluster_with_it(damage):
    store = SqliteStore(":memory:")
    journal = Journal(store)
    try:
        journal.swap(Memory(CLUSTER), None)
        row = next(store.scan("Memory"))
        store.put_all("Memory", [replace(row, properties={**row.properties, **DAMAGED[damage]})])
        journal.swap(Memory(CLUSTER + "2"), None)
        with pytest.raises(UnreadableRow, match=f"Memory row s1 {row.key} .*can't be read"):
            list(journal.memories())
        with pytest.raises(UnreadableRow):
            journal.memory(CLUSTER)
        problems: list[str] = []
        assert [stored.value.cluster for stored in journal.memories(problems.append)] == [CLUSTER + "2"]
        assert len(problems) == 1
        assert "\n" not in problems[0]
    finally:
        journal.close()


def test_a_section_is_cut_and_joined_at_every_size():
    section = Section("s")
    for size in (0, 1000, 1024, 1025, 70_000):
        text = "".join(chr(33 + (i * i * 7919 + i // 3) % 90) for i in range(size))
        assert section.unpack(section.pack(text, "it")) == text


def test_a_body_may_hold_what_handlers_have_at_hand():
    """An amount or an instant in a record must not make appending fail after the deed was done."""
    journal = Journal(SqliteStore(":memory:"))
    body = MappingProxyType({"cost": Decimal("1.20"), "at": NOON, "inner": MappingProxyType({"wish": Wish.RUNNING})})
    try:
        journal.append([HistoryRecord(NOON, CLUSTER, "decided", "1", body)])
        (found,) = journal.history(CLUSTER, NOON, NOON + timedelta(seconds=1))
    finally:
        journal.close()
    assert found.body == {"cost": "1.20", "at": "2026-03-02T12:00:00Z", "inner": {"wish": "running"}}


def test_properties_can_not_be_told_apart_from_a_plain_row():
    """An empty memory is still a row: that it was written at all is what the claim compares."""
    assert read_memory(Row("s1", "k", {"cluster": CLUSTER})) == Memory(CLUSTER)
