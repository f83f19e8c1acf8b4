"""The breaker: it opens on failures or when the fleet jumps, holds disruptive actions only, half-opens, closes."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.model.memory import FleetMemory
from shared.policy.bound import BreakerLimit
from shared.policy.breaker import FAILURES_KEPT, after, probing, tripped
from shared.policy.facts import PROBE_AFTER, Headcount, fleet_facts
from tests.policy.builders import HOUR, MINUTE

NOW = datetime(2026, 12, 7, 18, 0, tzinfo=UTC)
LIMIT = BreakerLimit(3, HOUR)
TEN = Headcount(10, 2, 5, {})
CALM = FleetMemory(cluster_count=10, production_count=2)


def failing(*ago: int) -> FleetMemory:
    return FleetMemory(cluster_count=10, production_count=2, failures=tuple(NOW - one * MINUTE for one in ago))


def test_a_calm_fleet_stays_closed_and_is_counted():
    fleet = tripped(FleetMemory(), TEN, LIMIT, NOW)
    assert (fleet.breaker_open_at, fleet.cluster_count, fleet.production_count, fleet.last_tick_at) == (
        None,
        10,
        2,
        NOW,
    )


@pytest.mark.parametrize(("ago", "opens"), [((50, 30, 10), True), ((60, 30, 10), False), ((30, 10), False)])
def test_so_many_failures_within_so_long_open_it(ago, opens):
    fleet = tripped(failing(*ago), TEN, LIMIT, NOW)
    assert (fleet.breaker_open_at == NOW) is opens
    if opens:
        assert fleet.breaker_reason == "3 actions failed within 60 minutes"


def test_old_failures_are_forgotten():
    assert tripped(failing(90, 80, 10), TEN, LIMIT, NOW).failures == (NOW - 10 * MINUTE,)


def test_a_limit_beyond_what_is_kept_still_opens():
    fleet = FleetMemory(cluster_count=10, production_count=2, failures=(NOW,) * FAILURES_KEPT)
    assert tripped(fleet, TEN, BreakerLimit(1000, HOUR), NOW).breaker_open_at == NOW


def test_a_fleet_that_jumps_opens_it_and_the_new_size_is_the_normal_one_from_then_on():
    opened = tripped(CALM, Headcount(20, 2, 5, {}), LIMIT, NOW)
    assert opened.breaker_reason == "clusters went from 10 to 20 between two looks"
    closed = after(probing(opened, "one", NOW), 1, ())
    assert tripped(closed, Headcount(20, 2, 5, {}), LIMIT, NOW + HOUR).breaker_open_at is None


def test_a_fleet_that_could_not_be_read_whole_is_not_counted():
    """What is missing is unknown, not gone."""
    fleet = tripped(CALM, Headcount(1, 0, 0, {}), LIMIT, NOW, whole=False)
    assert (fleet.breaker_open_at, fleet.cluster_count) == (None, 10)


def test_while_open_it_stays_as_it_opened():
    opened = tripped(failing(3, 2, 1), TEN, LIMIT, NOW)
    later = tripped(opened, Headcount(30, 2, 5, {}), LIMIT, NOW + 10 * MINUTE)
    assert (later.breaker_open_at, later.breaker_reason) == (NOW, opened.breaker_reason)


class TestClosing:
    OPEN = FleetMemory(breaker_open_at=NOW, breaker_reason="x", failures=(NOW,))

    def test_a_success_without_a_try_closes_nothing(self):
        """Something that was under way when it opened may still succeed."""
        assert after(self.OPEN, 3, ()) == self.OPEN

    def test_a_try_that_succeeds_closes_it(self):
        closed = after(probing(self.OPEN, "one", NOW), 1, ())
        assert closed == FleetMemory()

    def test_a_try_that_fails_keeps_it_open(self):
        tried = after(probing(self.OPEN, "one", NOW), 0, [NOW])
        assert (tried.breaker_open_at, tried.failures) == (NOW, (NOW, NOW))

    def test_among_many_failures_one_more_is_noticed(self):
        """With a full list the number of failures does not grow: that must not look like success."""
        full = FleetMemory(breaker_open_at=NOW, failures=(NOW,) * FAILURES_KEPT, breaker_probe_at=NOW)
        assert after(full, 1, [NOW]).breaker_open_at == NOW

    def test_the_list_of_failures_stays_short(self):
        assert len(after(CALM, 0, (NOW,) * 200).failures) == FAILURES_KEPT


def test_the_whole_life_of_an_open_breaker():
    fleet, now = failing(3, 2, 1), NOW
    fleet = tripped(fleet, TEN, LIMIT, now)
    assert not fleet_facts(TEN, [], fleet, now).breaker_probe
    now += PROBE_AFTER
    assert fleet_facts(TEN, [], fleet, now).breaker_probe
    fleet = probing(fleet, "one", now)
    assert not fleet_facts(TEN, [], fleet, now + MINUTE).breaker_probe
    assert fleet.breaker_probe_id == "one"
    fleet = after(fleet, 1, ())
    assert fleet.breaker_probe_id == ""
    assert not fleet_facts(TEN, [], fleet, now + timedelta(days=1)).breaker_open
