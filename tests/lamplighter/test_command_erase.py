"""erase: somebody's name goes out of everything that is kept, and what was decided stays."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lamplighter.erasing import erase, pattern_of
from lamplighter.keeping import Word, keep
from shared.clients import clusters
from shared.clients.journal import Journal
from shared.clients.store_sqlite import SqliteStore
from shared.errors import InputError
from shared.model.memory import Wish
from tests.scenarios.stage import HOUR, Story, dev, policy

TABLES = ("Memory", "History", "Notices", "Inbox", "Fleet", "Links", "Outbox", "Prices")
NAMES = ("Liskov", "Barbara", "Lovelace", "grace.hopper", "Edsger", "Dijkstra")
EXCEPTION = "exceptions: [{cluster: api, keep: running, until: 2026-11-24T08:00, owner: Edsger, reason: Dijkstra asks}]"
PEOPLE = {
    "lamplighter-reason": "Ada Lovelace trains a model", "owner": "grace.hopper@example.com",
    "lamplighter-keep-on-until": "2026-11-23T21:00",
}  # fmt: skip


def kept(journal: Journal) -> dict[str, str]:
    """Table -> everything that lies in it, unpacked, as whoever opens the account sees it."""
    store = journal._store
    return {
        table: "\n".join(
            zlib.decompress(one).decode() if isinstance(one, bytes) and one[:1] == b"x" else str(one)
            for row in store.scan(table)
            for one in (row.partition, row.key, *row.properties.values())
        )
        for table in TABLES
    }


def test_after_two_days_of_people_a_name_is_nowhere_but_in_the_policy_that_says_it():
    with Story(dev("web", tags=PEOPLE), dev("api"), dev("sbx"), policy=policy(more=EXCEPTION)) as story:
        story.until("Mon 09:00")
        cluster = clusters.get(story.app.cloud, story.id_of("sbx"))
        word = Word(Wish.RUNNING, story.world.now() + 48 * HOUR, "Barbara Liskov", "Liskov's night", "command")
        keep(story.journal, cluster, word, story.world.now())
        story.until("Tue 12:00")
        before = kept(story.journal)
        assert {name for name in NAMES if name in before["History"]} == set(NAMES)
        assert "Liskov" in before["Memory"]

        names, now = pattern_of(NAMES), story.world.now()
        counted = erase(story.journal, names, now - 48 * HOUR, now, do_it=False)
        assert kept(story.journal) == before, "counting changes nothing"
        done = erase(story.journal, names, now - 48 * HOUR, now, do_it=True)
        assert counted == done
        assert (done.memories, done.in_force) == (2, True)

        after = kept(story.journal)
        left = {(table, name) for table, text in after.items() for name in NAMES if name in text}
        assert left == {("Fleet", "Edsger"), ("Fleet", "Dijkstra")}, "the last good policy, until a new one is read"
        assert after["History"].count("\n") == before["History"].count("\n")
        [hold] = [one for one in story.journal.memory(story.id_of("sbx")).value.holds if one.source == "command"]
        assert (hold.owner, hold.reason) == ("(erased) (erased)", "(erased)'s night")
        assert erase(story.journal, names, now - 48 * HOUR, now, do_it=True).lines == 0
        story.until("Wed 08:00")


def test_the_command_counts_first_and_erases_with_yes(run):
    where = ("--journal", "sqlite:///journal.db", "--at", "2026-12-21T20:00Z")
    words = ("--for", "4h", "--owner", "Ada Lovelace", "--reason", "load test")
    assert run("keep-on", "web-dev", *words, "--fleet", "fleet.yaml", *where).code == 0
    later = ("--journal", "sqlite:///journal.db", "--at", "2026-12-21T20:01Z")

    counted = run("erase", "ada lovelace", *later)
    assert counted.out == ("Named in 1 line of history and what is remembered of 1 cluster.\nAdd --yes to erase it.\n")
    assert run("erase", "Ada Lovelace", "--yes", *later).code == 0
    assert run("erase", "Ada Lovelace", *later, "--json").json == {
        "done": False, "lines": 0, "memories": 0, "in_force": False,
    }  # fmt: skip
    store = SqliteStore(Path("journal.db"))
    [record] = Journal(store).history(None, datetime(2026, 12, 21, tzinfo=UTC), datetime(2026, 12, 22, tzinfo=UTC))
    store.close()
    assert (record.body["owner"], record.body["reason"]) == ("(erased)", "load test")


def test_a_name_is_a_whole_word_and_no_short_one():
    assert pattern_of(["Ada"]).sub("X", "Ada, adapter, ADA's") == "X, adapter, X's"
    with pytest.raises(InputError, match='"Al" is too short to erase'):
        pattern_of(["Al"])


def test_too_short_a_name_is_one_sentence(run):
    said = run("erase", "Al", "--journal", "sqlite:///journal.db")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith('lamplighter: "Al" is too short to erase: expected')


def test_since_reaches_as_far_back_as_anything_is_kept():
    from lamplighter.commands.erase import LONGEST
    from shared.settings import SETTINGS

    [setting] = [one for one in SETTINGS if one.name == "LAMPLIGHTER_KEEP_DAYS"]
    assert timedelta(days=int(setting.expected.split()[-1])) == LONGEST
