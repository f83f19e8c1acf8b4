"""The inbox of alerts, on every store: a message lies in it once, is read back whole, and is forgotten in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.clients.journal import Journal
from shared.clients.rows_alert import INBOX_TABLE
from shared.clients.store import Row
from shared.model.alerts import Alert, Condition, Signal

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SCOPE = "/subscriptions/00000000-0000-0000-0000-00000000000a"
ALERT = Alert(
    f"{SCOPE}/providers/microsoft.alertsmanagement/alerts/1",
    "pending-pods",
    Condition.FIRED,
    Signal.METRIC,
    NOON,
    severity=2,
    targets=(f"{SCOPE}/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/web",),
    clusters=("web",),
    received_at=NOON,
)
OVER = replace(ALERT, condition=Condition.RESOLVED, resolved_at=NOON + timedelta(minutes=5))


@pytest.fixture
def journal(store) -> Journal:
    return Journal(store)


def test_a_message_is_read_back_whole_and_lies_there_once(journal):
    assert [journal.receive(one) for one in (ALERT, OVER, ALERT, OVER)] == [True, True, False, False]
    assert journal.receive(replace(ALERT, received_at=NOON + timedelta(hours=1))) is False, (
        "a delivery says nothing new"
    )
    assert sorted(journal.alerts(), key=lambda one: one.condition) == [ALERT, OVER]


def test_of_a_storm_of_the_same_message_one_is_new(journal):
    journal.receive(OVER)  # the table is there
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: journal.receive(ALERT), range(16))) == 1


def test_old_messages_are_forgotten(journal):
    later = replace(ALERT, id="/other", targets=(), received_at=NOON + timedelta(days=1))
    for one in (ALERT, OVER, later):
        journal.receive(one)
    journal.forget_alerts(NOON + timedelta(hours=1))
    assert list(journal.alerts()) == [later]


def test_a_row_that_cannot_be_read_costs_no_other(journal, store):
    journal.receive(ALERT)
    store.put_all(INBOX_TABLE, [Row("alerts", "broken", {"alert": "{}"})])
    problems: list[str] = []
    assert list(journal.alerts(problems.append)) == [ALERT]
    assert "Inbox row alerts broken can't be read" in problems[0]
    journal.forget_alerts(NOON + timedelta(days=9))
    assert list(journal.alerts(problems.append)) == []
    assert len(problems) == 2, "what another version wrote is not ours to delete"
