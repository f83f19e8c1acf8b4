"""A notice that nobody else would close is closed: people are not reminded for ever of what is over."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.model.decisions import Notice
from shared.policy.orphans import Standing, breaker_cause, orphans

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=5)
WEB, GONE = "/web", "/gone"
STANDING = Standing({WEB: ("start_late|c1", "no_capacity|batch")}, is_whole=True, breaker_open_at=LONG_AGO)


def notice(kind: str, about: str = WEB, cause: str = "c1", at: datetime = LONG_AGO, **more) -> Notice:
    return Notice(kind, about, cause, "as it was", at, **more)


def closed(pending: list[Notice], standing: Standing = STANDING) -> list[tuple[str, str]]:
    found = orphans(pending, standing, NOW)
    assert all(one.resolved and one.at == NOW for one in found)
    return [(one.kind, one.sentence) for one in found]


@pytest.mark.parametrize(
    ("one", "why"),
    [
        pytest.param(notice("start_late"), None, id="it stands"),
        pytest.param(notice("start_late", cause="c0"), "over", id="another occasion of its kind stands"),
        pytest.param(notice("no_capacity", cause="spot"), "over", id="another pool has no room"),
        pytest.param(notice("start_late", about=GONE), "the cluster is gone", id="its cluster was deleted"),
        pytest.param(notice("start_late", cause="c0", at=NOW), None, id="another tick may just be writing it"),
        pytest.param(notice("start_late", cause="c0", resolved=True), None, id="closed already"),
        pytest.param(notice("stop_soon", about=GONE), None, id="an announcement is over by itself"),
        pytest.param(notice("breaker_open", "fleet", breaker_cause(LONG_AGO)), None, id="the breaker is open"),
        pytest.param(
            notice("breaker_open", "fleet", "2026-01-01T00:00Z"), "an action succeeded again", id="another time"
        ),
    ],
)
def test_what_is_over_is_closed_and_nothing_else(one, why):
    assert closed([one]) == ([] if why is None else [(one.kind, why)])


def test_the_breaker_closed_in_a_pulse_is_told_by_the_next_tick():
    calm = Standing({}, is_whole=True, breaker_open_at=None)
    pending = [notice("breaker_open", "fleet", breaker_cause(LONG_AGO))]
    assert closed(pending, calm) == [("breaker_open", "an action succeeded again")]


def test_a_fleet_that_was_not_read_whole_buries_nobody():
    """A cluster that is missing from half an inventory is unknown, not gone."""
    partial = Standing({}, is_whole=False, breaker_open_at=None)
    assert closed([notice("start_late", about=GONE)], partial) == []
