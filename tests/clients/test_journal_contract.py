"""One contract, three stores: what the journal promises holds on SQLite (file, memory) and on Azure Tables."""

from __future__ import annotations

import random
import string
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.clients.journal import Journal
from shared.clients.store import Row, Span
from shared.errors import Refused, Superseded
from shared.model.decisions import Notice
from shared.model.fleet import Power
from shared.model.memory import FleetMemory, Memory, PersonHold, Seen, Stored, TargetMemory, Wish
from shared.model.records import HistoryRecord, Told

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ALPHA = "/subscriptions/00000000-0000-0000-0000-00000000000a/resourcegroups/dev"
BETA = "/subscriptions/00000000-0000-0000-0000-00000000000b/resourcegroups/test"


def cluster(number: int = 1, group: str = ALPHA) -> str:
    return f"{group}/providers/microsoft.containerservice/managedclusters/c{number}"


@pytest.fixture
def journal(store) -> Journal:
    return Journal(store)


def record(at: datetime, about: str, phase: str = "decided", name: str = "1") -> HistoryRecord:
    return HistoryRecord(at, about, phase, name, {"reason": "off_hours"})


def noise(characters: int) -> str:
    """Text that no compression makes small."""
    return "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=characters))


# --- memory ---


def test_a_cluster_nobody_wrote_down_has_a_blank_memory_and_no_etag(journal):
    assert journal.memory(cluster()) == Stored(Memory(cluster()), None)
    assert list(journal.memories()) == []


def test_what_is_remembered_is_read_back_one_by_one_and_in_one_scan(journal):
    one = Memory(cluster(1), generation=3, targets={"": TargetMemory(seen=Seen(Power.RUNNING, NOON))})
    two = Memory(cluster(2, BETA), targets={"batch": TargetMemory(ran_at=NOON)})
    etags = {one.cluster: journal.swap(one, None), two.cluster: journal.swap(two, None)}
    assert journal.memory(one.cluster) == Stored(one, etags[one.cluster])
    assert {s.value.cluster: (s.value, s.etag) for s in journal.memories()} == {
        one.cluster: (one, etags[one.cluster]),
        two.cluster: (two, etags[two.cluster]),
    }


def test_ids_compare_without_case(journal):
    """ARM spells one id in several ways: the same cluster must never have two memories, and so two claims."""
    journal.swap(Memory(cluster(), generation=1), None)
    assert journal.memory(cluster().upper()).value == Memory(cluster(), generation=1)
    with pytest.raises(Superseded):
        journal.swap(Memory(cluster().upper(), generation=9), None)


def test_the_second_to_swap_loses_and_changes_nothing(journal):
    """Two instances claim the same cluster: one of them must be told that it may not act."""
    etag = journal.swap(Memory(cluster(), generation=1), None)
    journal.swap(Memory(cluster(), generation=2), etag)
    with pytest.raises(Superseded, match="Memory row"):
        journal.swap(Memory(cluster(), generation=3), etag)
    assert journal.memory(cluster()).value.generation == 2


def test_inserting_where_a_row_exists_loses(journal):
    journal.swap(Memory(cluster(), generation=1), None)
    with pytest.raises(Superseded):
        journal.swap(Memory(cluster(), generation=2), None)
    assert journal.memory(cluster()).value.generation == 1


def test_swapping_a_row_that_is_gone_loses(journal, store):
    etag = journal.swap(Memory(cluster(), generation=1), None)
    store.delete_all("Memory", list(store.scan("Memory")))
    with pytest.raises(Superseded):
        journal.swap(Memory(cluster(), generation=2), etag)


def test_a_row_deleted_and_written_anew_does_not_look_unchanged(journal, store):
    etag = journal.swap(Memory(cluster(), generation=1), None)
    store.delete_all("Memory", list(store.scan("Memory")))
    journal.swap(Memory(cluster(), generation=1), None)
    with pytest.raises(Superseded):
        journal.swap(Memory(cluster(), generation=2), etag)


def test_what_is_over_is_gone_from_the_row(journal):
    """A hold that ended must not come back because its section was left in the row."""
    hold = PersonHold(Wish.RUNNING, NOON, NOON + timedelta(hours=2), "command", "mia", "demo")
    etag = journal.swap(Memory(cluster(), holds=(hold,)), None)
    journal.swap(Memory(cluster()), etag)
    assert journal.memory(cluster()).value == Memory(cluster())


def test_many_are_swapped_and_only_those_that_lost_are_named(journal):
    """250 rows in two subscriptions are five transactions; one stale row must not take 99 others down with it."""
    memories = [Memory(cluster(n, ALPHA if n % 2 else BETA)) for n in range(250)]
    assert journal.swap_many(Stored(memory, None) for memory in memories) == ()
    read = {stored.value.cluster: stored for stored in journal.memories()}
    assert len(read) == 250
    stale = {cluster(n, ALPHA if n % 2 else BETA) for n in (3, 4, 5, 77, 99, 201, 203, 205, 249)}
    for about in stale:
        journal.swap(Memory(about, generation=50), read[about].etag)
    lost = journal.swap_many(Stored(replace(s.value, generation=7), s.etag) for s in read.values())
    assert set(lost) == stale
    assert len(lost) == len(stale)
    now = {stored.value.cluster: stored.value.generation for stored in journal.memories()}
    assert now == {about: 50 if about in stale else 7 for about in read}


def test_new_rows_that_exist_already_lose_in_a_bulk_write_too(journal):
    journal.swap(Memory(cluster(1), generation=1), None)
    lost = journal.swap_many([Stored(Memory(cluster(1)), None), Stored(Memory(cluster(2)), None)])
    assert lost == (cluster(1),)
    assert journal.memory(cluster(1)).value.generation == 1
    assert journal.memory(cluster(2)).etag is not None


def test_the_same_cluster_twice_in_one_bulk_write_wins_once(journal):
    first, second = Memory(cluster(), generation=1), Memory(cluster(), generation=2)
    assert journal.swap_many([Stored(first, None), Stored(second, None)]) == (cluster(),)
    assert journal.memory(cluster()).value == first


def test_a_scan_reads_more_than_a_page(journal):
    """Azure answers 1,000 rows a page: the 1,001st cluster must not look new at every tick."""
    assert journal.swap_many(Stored(Memory(cluster(n)), None) for n in range(1005)) == ()
    assert len({stored.value.cluster for stored in journal.memories()}) == 1005


def test_a_large_memory_survives_whole(journal):
    """A property of Azure Tables holds 64 KiB; what is larger is cut in pieces, never cut off."""
    hold = PersonHold(Wish.STOPPED, NOON, NOON + timedelta(days=1), "command", "mia", noise(300_000))
    memory = Memory(cluster(), holds=(hold,), targets={"": TargetMemory(ran_at=NOON)})
    etag = journal.swap(memory, None)
    assert journal.memory(cluster()) == Stored(memory, etag)


def test_what_no_row_can_hold_is_refused_and_nothing_is_written(journal):
    hold = PersonHold(Wish.STOPPED, NOON, NOON, "command", "mia", noise(2_000_000))
    with pytest.raises(Refused, match=r"the memory of /subscriptions/.* KiB compressed; .* at most 896 KiB"):
        journal.swap(Memory(cluster(), holds=(hold,)), None)
    assert journal.memory(cluster()).etag is None


def test_a_raced_counter_counts_every_win(journal):
    """Three workers, each swapping until it has won ten times: no win is lost, none is counted twice."""
    journal.swap(Memory(cluster()), None)

    def work() -> int:
        wins = 0
        while wins < 10:
            seen = journal.memory(cluster())
            try:
                journal.swap(replace(seen.value, generation=seen.value.generation + 1), seen.etag)
            except Superseded:
                continue
            wins += 1
        return wins

    with ThreadPoolExecutor(3) as pool:
        assert [done.result() for done in [pool.submit(work) for _ in range(3)]] == [10, 10, 10]
    assert journal.memory(cluster()).value.generation == 30


# --- history ---


def test_history_comes_in_time_order_across_days_and_subscriptions(journal):
    moments = [timedelta(hours=hours) for hours in (-30, -11, 0, 1, 13, 40)]
    records = [
        record(NOON + moment, cluster(number, group)) for moment in moments for number, group in ((1, BETA), (2, ALPHA))
    ]
    journal.append(reversed(records))
    found = list(journal.history(None, NOON - timedelta(days=9), NOON + timedelta(days=9)))
    assert [r.at for r in found] == sorted(r.at for r in records)
    assert {(r.at, r.cluster) for r in found} == {(r.at, r.cluster) for r in records}


@pytest.mark.parametrize("about", [None, cluster(1)], ids=["fleet", "one cluster"])
def test_history_holds_its_interval_to_the_microsecond(journal, about):
    """[since, until): what happens at the end of one report belongs to the next, and to it alone."""
    tick = timedelta(microseconds=1)
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    for number, at in enumerate((NOON - tick, NOON, midnight - tick, midnight, midnight + tick)):
        journal.append([record(at, cluster(1), name=str(number))])
    assert [r.id for r in journal.history(about, NOON, midnight)] == ["1", "2"]
    assert [r.id for r in journal.history(about, NOON, midnight + tick)] == ["1", "2", "3"]
    assert list(journal.history(about, midnight, NOON)) == []


def test_history_of_one_cluster_holds_no_other_of_its_subscription(journal):
    journal.append([record(NOON, cluster(n)) for n in range(5)])
    journal.append([record(NOON, "fleet")])
    since, until = NOON - timedelta(days=3), NOON + timedelta(days=3)
    assert [r.cluster for r in journal.history(cluster(3).upper(), since, until)] == [cluster(3)]
    assert [r.cluster for r in journal.history("fleet", since, until)] == ["fleet"]


def test_a_long_look_back_finds_the_same(journal):
    """Past 100 days one scan replaces a query a day; the answer stays."""
    journal.append([record(NOON - timedelta(days=days), cluster(days % 2), name=str(days)) for days in (0, 90, 400)])
    found = journal.history(cluster(0), datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
    assert [r.id for r in found] == ["400", "90", "0"]


def test_writing_a_record_twice_leaves_one(journal):
    """After a crash between acting and telling, the same record is appended again."""
    again = record(NOON, cluster())
    journal.append([again, again])
    journal.append([again])
    assert list(journal.history(cluster(), NOON, NOON + timedelta(seconds=1))) == [again]


def test_phases_of_one_instant_come_in_their_own_order(journal):
    """On a fast clock a claim and its acceptance share an instant; 'accepted' must not be read before 'claimed'."""
    phases = ["decided", "claimed", "accepted", "succeeded"]
    journal.append(record(NOON, cluster(), phase) for phase in reversed(phases))
    assert [r.phase for r in journal.history(cluster(), NOON, NOON + timedelta(seconds=1))] == phases


def test_an_id_may_hold_what_a_key_can_not(journal):
    """Azure Tables refuses / \\ # ? and control characters in keys, with a 400 or even a 500."""
    names = ["a/b", "a\\b", "#?", "tab\there", "null\x00", "per%cent", "quote'", "umlaut ü", "", "~", "x" * 2000]
    journal.append(record(NOON, cluster(), name=name) for name in names)
    found = journal.history(cluster(), NOON, NOON + timedelta(seconds=1))
    assert {r.id for r in found} == set(names)


def test_a_record_keeps_its_body(journal):
    body = {"count": 3, "sizes": [1, 2, {"pool": "batch"}], "who": "Zoë", "none": None, "long": noise(70_000)}
    kept = HistoryRecord(NOON, cluster(), "snapshot", "s", body)
    journal.append([kept])
    assert list(journal.history(cluster(), NOON, NOON + timedelta(seconds=1))) == [kept]


# --- fleet, notices, told, prices ---


def test_the_fleet_row_swaps_like_any_other(journal):
    assert journal.fleet() == Stored(FleetMemory(), None)
    policy = "version: 1\n" + noise(80_000)
    held = FleetMemory(hold_by="mia", hold_all=True, failures=(NOON,), good_policy=policy, cluster_count=0)
    etag = journal.swap_fleet(held, None)
    assert journal.fleet() == Stored(held, etag)
    journal.swap_fleet(FleetMemory(), etag)
    with pytest.raises(Superseded):
        journal.swap_fleet(held, etag)
    assert journal.fleet().value == FleetMemory()


def test_a_notice_is_posted_once_until_it_is_cleared(journal):
    first = Notice("start_late", cluster(), "2026-03-02", "not up yet", NOON)
    again = replace(first, at=NOON + timedelta(minutes=5), sentence="still not up")
    over = replace(again, resolved=True)
    journal.post([first])
    journal.post([again, over])
    assert sorted(journal.notices(), key=lambda n: n.resolved) == [first, over]
    journal.clear([again])
    journal.clear([first])
    assert list(journal.notices()) == [over]


def test_clearing_takes_down_what_is_left_of_many(journal):
    notices = [Notice("stop_soon", cluster(n), "tonight", "stops at 19:00", NOON) for n in range(130)]
    journal.clear(notices)
    journal.post(notices)
    assert len(list(journal.notices())) == 130
    journal.clear(notices[:3])
    journal.clear(notices)
    assert list(journal.notices()) == []


def test_what_was_told_is_not_a_pending_notice(journal):
    key = "#dev/team~stop_soon~2026-03-02T19:00:00Z?"
    assert journal.told(key) == Stored(None, None)
    told = Told(key, "abc", NOON, (cluster(1), cluster(2)), open=True)
    etag = journal.put_told(told, None)
    assert journal.told(key) == Stored(told, etag)
    with pytest.raises(Superseded):
        journal.put_told(told, None)
    journal.put_told(replace(told, open=False), etag)
    assert journal.told(key).value.open is False
    assert list(journal.notices()) == []


def test_history_older_than_a_day_is_forgotten_oldest_first(journal):
    days = [NOON + timedelta(days=number) for number in range(4)]
    journal.append([record(day, cluster(), name=str(number)) for number, day in enumerate(days)])
    assert journal.forget_history(days[0], 10) == 0
    assert journal.forget_history(days[3], 2) == 2
    left = journal.history(cluster(), days[0], days[3] + timedelta(days=1))
    assert [one.at for one in left] == days[2:]
    assert journal.forget_history(days[3], 10) == 1
    assert journal.forget_history(days[3], 10) == 0


def test_what_was_told_is_forgotten_once_it_is_over(journal):
    for number, (at, is_open) in enumerate([(NOON, True), (NOON, False), (NOON + timedelta(days=9), False)]):
        journal.put_told(Told(f"route~kind~{number}", "d", at, (cluster(),), is_open), None)
    assert journal.forget_told(NOON + timedelta(days=1), 10) == 1
    assert [n for n in range(3) if journal.told(f"route~kind~{n}").value is not None] == [0, 2]


def test_memory_of_a_cluster_that_is_no_more_is_forgotten(journal):
    journal.swap(Memory(cluster()), None)
    assert journal.forget_memory([cluster()]) == 1
    assert list(journal.memories()) == []
    assert journal.memory(cluster()).etag is None


def test_the_last_writer_of_prices_wins(journal):
    assert journal.prices("westeurope/linux") is None
    journal.put_prices("westeurope/linux", {"Standard_D4s_v5": "0.23"}, NOON)
    journal.put_prices("westeurope/linux", {"Standard_D4s_v5": "0.24"}, NOON + timedelta(days=1))
    assert journal.prices("westeurope/linux") == ({"Standard_D4s_v5": "0.24"}, NOON + timedelta(days=1))


def test_the_next_run_of_a_digest_has_a_place_of_its_own(journal):
    journal.forget_next_run()
    assert journal.next_run() is None
    journal.put_next_run(NOON)
    journal.put_next_run(NOON + timedelta(minutes=7, microseconds=1))
    assert journal.next_run() == NOON + timedelta(minutes=7, microseconds=1)
    journal.forget_prices("", "~", 100)
    assert journal.next_run() is not None, "no cached price, so it does not go with them"
    journal.forget_next_run()
    assert journal.next_run() is None
    assert journal.fleet().etag is None


def test_spans_select_exactly_their_rows(store):
    rows = [Row(partition, key, {"name": key}) for partition in "abc" for key in "123"]
    store.put_all("Things", rows)

    def found(span: Span) -> str:
        return " ".join(row.partition + row.key for row in store.scan("Things", span))

    assert found(Span()) == "a1 a2 a3 b1 b2 b3 c1 c2 c3"
    assert found(Span(partition="b")) == "b1 b2 b3"
    assert found(Span(partition_from="b")) == "b1 b2 b3 c1 c2 c3"
    assert found(Span(partition_to="b")) == "a1 a2 a3"
    assert found(Span(partition="c", key_from="2")) == "c2 c3"
    assert found(Span(partition_from="a", partition_to="c", key_from="2", key_to="3")) == "a2 b2"
    assert found(Span(where=("name", "3"))) == "a3 b3 c3"
    assert found(Span(partition="a", where=("name", "it's"))) == ""


def test_text_and_bytes_come_back_as_they_went(store):
    properties = {"text": "naïve \U0001f56f '", "bytes": bytes(range(256)), "most": b"\xff" * 65536}
    store.put_all("Things", [Row("p", "k", properties)])
    row = store.get("Things", "p", "k")
    assert dict(row.properties) == properties
    assert isinstance(row.properties["bytes"], bytes)


def test_putting_the_same_place_twice_keeps_the_later(store):
    store.put_all("Things", [Row("p", "k", {"n": "1"}), Row("p", "k", {"n": "2"})])
    assert [dict(row.properties) for row in store.scan("Things")] == [{"n": "2"}]
