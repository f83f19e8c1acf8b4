"""The nightly sweep: what is old goes, what is merely out of sight stays."""

from datetime import timedelta

import pytest

from lamplighter.simulator import Fault
from shared.clients.billing import Asked
from shared.errors import InputError
from shared.handlers.sweep import sweep
from shared.model.billing import Period, Question
from shared.settings import read_settings
from tests.scenarios.stage import DAY, Story, dev


def remembered(story):
    return {item.value.cluster.rpartition("/")[2] for item in story.journal.memories()}


def test_history_goes_after_its_days_and_not_before():
    with Story(dev("web"), environ={"LAMPLIGHTER_KEEP_DAYS": "60"}) as story:
        story.until("Tue 08:00")
        first = story.history("web")
        assert first
        story.world.advance(59 * DAY)
        assert sweep(story.app).history == 0
        story.world.advance(3 * DAY)
        assert sweep(story.app).history >= len(first)
        assert story.history("web") == []
        assert sweep(story.app).history == 0


def test_bills_that_no_digest_looks_back_to_go_and_nothing_else_of_what_is_cached():
    with Story(dev("web")) as story:
        now, week = story.world.now(), timedelta(weeks=1)
        for age in (1, 15, 17, 60):
            day = (now - age * week).date()
            bill = Asked("subscriptions/s", Period(day, day + week), Question.COSTS)
            story.journal.put_prices(bill.key, {"parts": 2}, now)
            story.journal.put_prices(f"{bill.key}.1", {}, now)
        story.journal.put_prices("baseline~s~1", {}, now - 60 * week)
        assert (sweep(story.app).bills, sweep(story.app).bills) == (4, 0)
        day = (now - 15 * week).date()
        assert story.journal.prices(Asked("subscriptions/s", Period(day, day + week), Question.COSTS).key)
        assert story.journal.prices("baseline~s~1")


def test_only_a_cluster_that_azure_says_is_no_more_is_forgotten():
    with Story(dev("web"), dev("api")) as story:
        story.later(timedelta(minutes=6))
        assert remembered(story) == {"web", "api"}
        story.delete("api")
        story.later(timedelta(minutes=30))
        assert [one.rpartition("/")[2] for one in sweep(story.app).clusters] == ["api"]
        assert remembered(story) == {"web"}
        assert sweep(story.app).clusters == ()


@pytest.mark.parametrize(
    "fault",
    [
        Fault.refuse("*/managedClusters/api", 404, "SubscriptionNotFound", "not found", times=None),
        Fault.refuse("*/managedClusters/api", 403, "AuthorizationFailed", "no", times=None),
        Fault.unavailable("*/managedClusters/api", times=None),
    ],
    ids=["subscription out of sight", "not allowed", "no answer"],
)
def test_a_cluster_that_cannot_be_read_is_kept(fault):
    with Story(dev("web"), dev("api")) as story:
        story.later(timedelta(minutes=6))
        story.delete("api")
        story.world.inject(fault)
        story.later(timedelta(minutes=30))
        assert sweep(story.app).clusters == ()
        assert remembered(story) == {"web", "api"}


@pytest.mark.parametrize("days", ["0", "59", "3651", "-400", "4e2", "abc"])
def test_history_is_kept_for_a_time_that_makes_sense(days):
    with pytest.raises(InputError, match="days between 60 and 3650"):
        read_settings({"LAMPLIGHTER_KEEP_DAYS": days})


@pytest.mark.parametrize("days", ["60", "99", "100", "999", "1000", "3650"])
def test_the_limits_themselves_are_taken(days):
    assert read_settings({"LAMPLIGHTER_KEEP_DAYS": days}).keep_days == int(days)
