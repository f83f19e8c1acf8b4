"""keep-on, keep-off, wake, hold, resume, restore, history: people's words, in a real journal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lamplighter.commands.history import sentence
from lamplighter.keeping import Word, keep
from lamplighter.remembered import change_fleet, change_memory
from shared.clients.journal import Journal
from shared.clients.store_sqlite import SqliteStore
from shared.errors import LamplighterError, Superseded
from shared.model.fleet import Cluster
from shared.model.memory import FleetMemory, Memory, PersonHold, TargetMemory, Wish
from shared.model.records import HistoryRecord

NOW = datetime(2026, 12, 21, 20, 0, tzinfo=UTC)
AT = ("--at", "2026-12-21T20:00Z")
FLEET = ("--fleet", "fleet.yaml")
JOURNAL = ("--journal", "sqlite:///journal.db")
WHERE = (*FLEET, *JOURNAL, *AT)
HOUR = timedelta(hours=1)
IDS = "/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg-{0}/providers/microsoft.containerservice/managedclusters/{0}"


@contextmanager
def opened() -> Iterator[Journal]:
    journal = Journal(SqliteStore(Path("journal.db")))
    yield journal
    journal.close()


def holds_of(name: str) -> tuple[PersonHold, ...]:
    with opened() as journal:
        return journal.memory(IDS.format(name)).value.holds


def phases_of(name: str) -> list[str]:
    about = name if name == "fleet" else IDS.format(name)
    with opened() as journal:
        return [one.phase for one in journal.history(about, NOW - HOUR, NOW + HOUR)]


# --- keep-on, keep-off, wake ---


def test_keep_on_is_written_with_owner_and_reason(run):
    said = run("keep-on", "web-dev", "--for", "4h", "--owner", "ml-team", "--reason", "load test", *WHERE)
    assert said.code == 0
    assert "web-dev: kept on until Tue 22 Dec 01:00 (Europe/Berlin), by ml-team: load test" in said.out
    expected = PersonHold(Wish.RUNNING, NOW, NOW + 4 * HOUR, "command", "ml-team", "load test")
    assert holds_of("web-dev") == (expected,)
    assert phases_of("web-dev") == ["hold"]


def test_the_engine_hears_it(run):
    """What the command writes is what the plan reads."""
    run("keep-on", "web-dev", "--for", "4h", "--reason", "load test", *WHERE)
    said = run("explain", "web-dev", *WHERE, "--json").json
    assert [(one["voice"], one["wish"]) for one in said["voices"]] == [("person", "running"), ("rule", "stopped")]
    assert any(one["what"] == "hold" for one in said["remembered"])


def test_until_an_instant(run):
    run("keep-off", "web-dev", "--until", "2026-12-24T18:00+01:00", "--owner", "ana", "--reason", "holidays", *WHERE)
    assert [(one.wish, one.until) for one in holds_of("web-dev")] == [
        (Wish.STOPPED, datetime(2026, 12, 24, 17, 0, tzinfo=UTC))
    ]


def test_the_newest_word_of_a_person_replaces_the_older_one(run):
    """Who says keep-off after keep-on means it, though keep-on is the louder voice."""
    run("keep-on", "web-dev", "--for", "4h", "--reason", "a", *WHERE)
    run("keep-off", "web-dev", "--for", "2h", "--reason", "b", *WHERE)
    assert [one.wish for one in holds_of("web-dev")] == [Wish.STOPPED]


def test_a_word_can_be_taken_back(run):
    run("keep-on", "web-dev", "--for", "4h", "--reason", "a", *WHERE)
    assert "taken back" in run("keep-on", "web-dev", "--end", *WHERE).out
    assert holds_of("web-dev") == ()
    assert "nothing was said" in run("keep-on", "web-dev", "--end", *WHERE).out


def test_what_a_tag_says_is_not_ours_to_replace(run):
    tag = PersonHold(Wish.RUNNING, NOW, NOW + HOUR, "tag", reason="training")
    over = PersonHold(Wish.RUNNING, NOW - 2 * HOUR, NOW - HOUR, "exception")
    with opened() as journal:
        journal.swap(Memory(IDS.format("web-dev"), holds=(tag, over)), None)
    run("keep-off", "web-dev", "--for", "2h", "--reason", "b", *WHERE)
    assert [one.source for one in holds_of("web-dev")] == ["tag", "command"]


@pytest.mark.parametrize(
    ("name", "length", "limit"), [("web-dev", "73h", "3d"), ("shop-stg", "25h", "1d"), ("shop-prod", "10d", "3d")]
)
def test_keep_on_is_limited_by_the_environment(run, name, length, limit):
    said = run("keep-on", name, "--for", length, "--reason", "x", *WHERE)
    assert said.code == 2
    assert f"expected at most --for {limit}" in said.err
    assert holds_of(name) == ()


def test_production_is_not_kept_off(run):
    said = run("keep-off", "orphan", "--for", "1h", "--reason", "x", *WHERE)
    assert (said.code, said.err) == (
        2,
        "lamplighter: orphan is production (no environment), which Lamplighter never stops\n",
    )


def test_wake_keeps_it_on_for_two_hours(run):
    said = run("wake", "api-dev", "--owner", "ana", *WHERE, "--json")
    assert said.json == {
        "cluster": IDS.format("api-dev"),
        "wish": "running",
        "until": "2026-12-21T22:00:00Z",
        "owner": "ana",
        "reason": "needed now",
    }
    assert [(one.source, one.until) for one in holds_of("api-dev")] == [("wake", NOW + 2 * HOUR)]


def test_a_word_survives_the_app_writing_at_the_same_time(tmp_path):
    """Compare-and-swap: the tick writes between our reading and our writing, and neither loses anything."""
    journal = Journal(SqliteStore(tmp_path / "j.db"))
    cluster = Cluster(IDS.format("web"), "web", "rg-web", "s")
    once: list[int] = []

    class Racing(Journal):
        def swap(self, memory, etag):
            if not once:
                once.append(1)
                stored = super().memory(memory.cluster)
                super().swap(Memory(memory.cluster, generation=7, targets={"": TargetMemory(ran_at=NOW)}), stored.etag)
            return super().swap(memory, etag)

    racing = Racing(journal._store)
    keep(racing, cluster, Word(Wish.RUNNING, NOW + HOUR, "ana", "x"), NOW)
    memory = journal.memory(cluster.id).value
    assert (memory.generation, memory.target(None).ran_at, len(memory.holds)) == (7, NOW, 1)
    journal.close()


@pytest.mark.parametrize("change", [change_memory, change_fleet])
def test_who_never_wins_says_so_and_changes_nothing(tmp_path, change: Callable):
    class Losing(Journal):
        def swap(self, memory, etag):
            raise Superseded("somebody was faster")

        swap_fleet = swap

    journal = Losing(SqliteStore(tmp_path / "j.db"))
    about = (IDS.format("web"),) if change is change_memory else ()
    with pytest.raises(LamplighterError, match="nothing was changed, try again"):
        change(journal, *about, lambda value: value)
    journal.close()


# --- hold and resume ---


@pytest.mark.parametrize(("option", "everything"), [((), False), (("--all",), True)])
def test_hold_is_in_force_until_resume(run, option, everything):
    said = run("hold", "--reason", "incident 7", "--owner", "ana", *option, *JOURNAL, *AT)
    assert (said.code, said.out.splitlines()[0]) == (0, "Held by ana: incident 7")
    with opened() as journal:
        held = journal.fleet().value
    assert (held.hold_by, held.hold_reason, held.hold_at, held.hold_all) == ("ana", "incident 7", NOW, everything)
    assert run("resume", "--owner", "bo", *JOURNAL, *AT).out == "Resumed by bo. It was held by ana: incident 7\n"
    with opened() as journal:
        assert journal.fleet().value == FleetMemory()
    assert phases_of("fleet") == ["hold", "hold"]


def test_hold_keeps_what_else_is_known_of_the_fleet(run):
    with opened() as journal:
        journal.swap_fleet(FleetMemory(good_policy="version: 1", cluster_count=12), None)
    run("hold", "--reason", "x", *JOURNAL, *AT)
    run("resume", *JOURNAL, *AT)
    with opened() as journal:
        assert journal.fleet().value == FleetMemory(good_policy="version: 1", cluster_count=12)


def test_resume_without_a_hold_is_no_error(run):
    said = run("resume", *JOURNAL, "--json", *AT)
    assert (said.code, said.json["resumed"]) == (0, False)


# --- restore ---


def record(name: str, kind: str, hours_ago: int, pool: str | None = None, phase: str = "succeeded") -> HistoryRecord:
    body = {"kind": kind, "rule": "dev-office-hours", "pool": pool}
    return HistoryRecord(NOW - hours_ago * HOUR, IDS.format(name), phase, f"{name}{kind}{hours_ago}", body)


@pytest.fixture
def night(run) -> None:
    """api-dev was stopped by us and is down; web-dev was, and runs again; a failed stop; one that a start followed."""
    with opened() as journal:
        journal.append(
            [
                record("api-dev", "stop_cluster", 3),
                record("web-dev", "stop_cluster", 3),
                record("kept-dev", "stop_cluster", 3, phase="failed"),
                record("shop-stg", "stop_pool", 4, pool="batch1"),
                record("shop-stg", "start_pool", 2, pool="batch1"),
            ]
        )


def test_restore_lists_what_we_stopped_and_is_still_down(run, night):
    said = run("restore", "--since", "6h", *WHERE)
    assert said.code == 0
    assert "1 cluster would be started. Add --yes to do it." in said.out
    assert "api-dev" in said.out
    assert "web-dev" not in said.out
    assert holds_of("api-dev") == ()


def test_restore_with_yes_wakes_it(run, night):
    run("restore", "--since", "6h", "--yes", *WHERE)
    assert [(one.wish, one.source, one.until) for one in holds_of("api-dev")] == [
        (Wish.RUNNING, "wake", NOW + 4 * HOUR)
    ]


def test_restore_looks_no_further_back_than_asked(run, night):
    assert run("restore", "--since", "2h", *WHERE, "--json").json == {"done": False, "clusters": []}


def test_restore_leaves_what_came_up_without_its_nodes_and_was_stopped_since(run, night):
    came = record("api-dev", "start_cluster", 1, phase="failed")
    with opened() as journal:
        journal.append([replace(came, body={**came.body, "runs": True})])
    assert run("restore", "--since", "6h", *WHERE, "--json").json == {"done": False, "clusters": []}


# --- history ---


def test_history_is_in_time_order_and_in_words(run, night):
    run("keep-on", "api-dev", "--for", "4h", "--owner", "ana", "--reason", "demo", *WHERE)
    said = run("history", "api-dev", *JOURNAL, *AT, "--zone", "Europe/Berlin")
    lines = [line.rstrip() for line in said.out.splitlines()]
    assert lines[0] == "api-dev (Europe/Berlin)"
    assert lines[2] == "Mon 21 Dec 18:00  succeeded  stop cluster"
    assert lines[3] == "Mon 21 Dec 21:00  hold       kept on until Tue 22 Dec 01:00, by ana: demo"


@pytest.mark.parametrize(
    ("good", "zone"),
    [("", "UTC"), ("version: 1\ntimezone: Asia/Kolkata", "Asia/Kolkata"), ("version: 9", "UTC"), ("version: 1", "UTC")],
)
def test_history_tells_times_in_the_policys_zone(run, night, good, zone):
    with opened() as journal:
        journal.swap_fleet(FleetMemory(good_policy=good), None)
    run("keep-on", "api-dev", "--for", "4h", "--owner", "ana", "--reason", "demo", *WHERE)
    lines = [line.rstrip() for line in run("history", "api-dev", *JOURNAL, *AT).out.splitlines()]
    assert lines[0] == f"api-dev ({zone})"
    assert (
        lines[3]
        == {
            "UTC": "Mon 21 Dec 20:00  hold       kept on until Tue 22 Dec 00:00, by ana: demo",
            "Asia/Kolkata": "Tue 22 Dec 01:30  hold       kept on until Tue 22 Dec 05:30, by ana: demo",
        }[zone]
    )


@pytest.mark.parametrize(
    ("phase", "body", "expected"),
    [
        ("gap", {"since": "2026-12-21T20:00:00+00:00"}, "nobody looked since Mon 21 Dec 20:00"),
        ("gap", {"since": "lately"}, "nobody looked since lately"),
        (
            "decided",
            {"action": "stop", "reason": "off_hours", "message": "stop: outside"},
            "stop (off_hours): stop: outside",
        ),
        ("failed", {"kind": "start_cluster", "message": "no quota", "took": 4}, "start cluster: no quota"),
        ("observed", {"power": "Stopped", "first": False}, "stopped"),
        ("observed", {"power": "Running", "pool": "batch1"}, "batch1: running"),
        ("told", {"kind": "stop_soon", "channel": "OPS", "occasion": "new"}, "stop soon, to OPS (new)"),
        ("hold", {"by": "ana", "reason": "x", "all": True}, "everything held by ana: x"),
        ("hold", {"by": "ana", "reason": "x", "all": False}, "stops held by ana: x"),
        ("hold", {"by": "bo"}, "resumed by bo"),
        ("hold", {"owner": "ana", "wish": None}, "taken back by ana"),
        (
            "snapshot",
            {"power": "Running", "pools": [{"name": "a", "count": 3}, {"name": "b", "count": None}]},
            "running; nodes: a 3, b ?",
        ),
        ("brand_new", {"note": "hello", "empty": None}, "note hello"),
    ],
)
def test_every_kind_of_record_reads_as_words(phase, body, expected):
    assert sentence(phase, body) == expected


def test_history_since_when(run, night):
    def count(since: str) -> int:
        return len(run("history", IDS.format("api-dev"), "--since", since, *JOURNAL, *AT, "--json").json["records"])

    with opened() as journal:
        journal.swap(Memory(IDS.format("api-dev")), None)
    assert [count("2h"), count("4h"), count("2026-12-21"), count("2026-12-21T18:00Z")] == [0, 1, 1, 0]


def test_history_of_the_fleet(run):
    run("hold", "--reason", "x", "--owner", "ana", *JOURNAL, *AT)
    assert [one["phase"] for one in run("history", "fleet", *JOURNAL, *AT, "--json").json["records"]] == ["hold"]


def test_history_of_a_quiet_time(run):
    assert "Nothing is on record" in run("history", "fleet", *JOURNAL, *AT).out
