"""Links of messages in the journal, on every store: kept as they are, used once, forgotten in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.clients.journal import Journal
from shared.errors import Superseded
from shared.model.decisions import Notice
from shared.model.memory import Stored
from shared.model.records import Link

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLUSTER = "/subscriptions/00000000-0000-0000-0000-00000000000a/resourcegroups/dev/providers/microsoft.containerservice/managedclusters/c{}"


@pytest.fixture
def journal(store) -> Journal:
    return Journal(store)


def link(digest: str = "a" * 64, **more) -> Link:
    known = {
        "clusters": (CLUSTER.format(1), CLUSTER.format(2)),
        "sentences": ("c1 stops Mon 2 Mar 19:00", "c2 stops Mon 2 Mar 19:00"),
        "zone": "Europe/Berlin",
        "due_at": NOON,
        "expires_at": NOON + HOUR,
    }
    return Link(digest, **(known | more))


def test_a_link_is_read_back_whole(journal):
    bare, used = link("a" * 64), link("b" * 64, keep_at_most=72 * HOUR, used_at=NOON, until=NOON + HOUR, done=True)
    for one in (bare, used):
        etag = journal.put_link(one, None)
        assert journal.link(one.digest) == Stored(one, etag)


def test_an_unknown_digest_finds_nothing(journal):
    assert journal.link("0" * 64) == Stored(None, None)


def test_of_all_who_use_a_link_at_once_one_has_used_it(journal):
    """Two people press the button in the same second, on two instances: it acts once."""
    etag = journal.put_link(link(), None)

    def use(number: int) -> bool:
        try:
            journal.put_link(replace(link(), used_at=NOON + number * HOUR, until=NOON + 9 * HOUR), etag)
        except Superseded:
            return False
        return True

    with ThreadPoolExecutor(8) as people:
        won = list(people.map(use, range(8)))
    assert won.count(True) == 1
    assert journal.link("a" * 64).value.used_at == NOON + won.index(True) * HOUR


def test_links_are_forgotten_when_they_are_long_over(journal):
    for number in range(4):
        journal.put_link(link(f"{number}" * 64, expires_at=NOON + number * HOUR), None)
    journal.forget_links(NOON + 2 * HOUR)
    journal.forget_links(NOON + 2 * HOUR)
    assert [number for number in range(4) if journal.link(f"{number}" * 64).value is not None] == [2, 3]


def test_a_link_for_a_large_list_fits(journal):
    """A thousand clusters with one schedule stop at the same minute, and one message lists them."""
    ids = tuple(CLUSTER.format(n) for n in range(1000))
    large = link(clusters=ids, sentences=tuple(f"{one} stops Mon 2 Mar 19:00 (Europe/Berlin)" for one in ids))
    journal.put_link(large, None)
    assert journal.link("a" * 64).value == large


def test_a_notice_keeps_when_its_stop_is_due(journal):
    about = Notice("stop_soon", CLUSTER.format(1), "c", "s", NOON, due_at=NOON + HOUR, keep_at_most=72 * HOUR)
    bare = Notice("start_late", CLUSTER.format(1), "c", "s", NOON)
    journal.post([about, bare])
    assert set(journal.notices()) == {about, bare}
