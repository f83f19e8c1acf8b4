"""Azure has no room, something hangs, a message is poison, two apps run at once, the journal is lost."""

from dataclasses import replace
from itertools import pairwise

import pytest

from lamplighter.simulator import Fault
from shared.clients.journal import Journal
from shared.clients.queue_sqlite import SqliteQueue
from shared.clients.store_sqlite import SqliteStore
from shared.handlers.act import act
from shared.handlers.tick import tick
from tests.scenarios.stage import DAY, HOUR, MINUTE, Story, dev

# -- starts


def test_a_start_without_capacity_is_tried_again_told_once_for_all_and_closed_when_up():
    """A region without room at 07:10: tries with back-off, one message for both clusters at 07:40, a closing one."""
    with Story(dev("web"), dev("api"), dev("fine")) as story:
        story.until("Tue 07:00")
        for name in ("web", "api"):
            story.world.inject(Fault.operation_fails(f"POST */{name}/start", "AksCapacityHeavyUsage", times=5))
        story.until("Tue 07:39")
        assert story.told("not up") == []
        story.until("Tue 07:50")
        [late] = story.told("not up")
        assert "web" in late
        assert "api" in late
        assert "fine" not in late
        assert "AksCapacityHeavyUsage" in late
        tries = [write.at for write in story.writes("web", "start")]
        assert len(tries) <= 3, "with back-off, not every five minutes"
        story.until("Tue 12:00")
        assert story.is_on("web")
        assert story.is_on("api")
        waits = [b - a for a, b in pairwise(tries)]
        assert all(wait >= 5 * MINUTE for wait in waits)
        closing = [text for text in story.told("web") if text != late and "late" in text.casefold()]
        assert closing, "people hear that it is up"
        assert story.world.unknown == []


def test_what_found_no_capacity_is_kept_running_for_a_week():
    with Story(dev("web"), tick_every=15 * MINUTE) as story:
        story.until("Tue 07:00")
        story.world.inject(Fault.operation_fails("POST */web/start", "AllocationFailed", times=1))
        story.until("2026-12-01 06:00")
        assert story.times("stop") == ["Mon 19:00"], "no stop for seven days"
        assert "no_capacity" in story.reasons("web")
        story.until("2026-12-02 06:00")
        assert story.times("stop") == ["Mon 19:00", "Tue 19:00"]


def test_a_start_refused_for_quota_is_a_failure_with_patience():
    with Story(dev("web")) as story:
        story.until("Tue 07:00")
        story.world.inject(Fault.refuse("POST */web/start", 400, "QuotaExceeded", times=2))
        story.until("Tue 09:00")
        assert story.is_on("web")
        assert [r.body["code"] for r in story.history("web", "failed")] == ["QuotaExceeded"] * 2


def test_a_start_that_nobody_may_make_is_told_and_does_not_end_in_poison():
    with Story(dev("web")) as story:
        story.until("Tue 07:00")
        story.world.inject(Fault.forbidden("POST */web/start", "start"))
        story.until("Tue 09:00")
        assert {r.body["code"] for r in story.history("web", "failed")} == {"AuthorizationFailed"}
        assert story.app.queue.count("act-poison") == 0
        assert story.told("web", "failed")


# -- things that hang


def test_stopping_for_over_an_hour_is_told_and_never_aborted():
    """A drain held up by a disruption budget: people look at it, nobody aborts."""
    with Story(dev("web")) as story:
        story.world.inject(Fault.operation_hangs("POST */web/stop"))
        story.until("Mon 19:55")
        assert story.told("stopping") == []
        story.until("Mon 23:00")
        [stuck] = story.told("stopping for over an hour")
        assert "web" in stuck
        assert len(story.writes()) == 1
        assert not [one for one in story.world.requests if "abort" in one]
        story.until("Tue 08:00")
        assert story.memory("web").open is not None, "it waits as long as Azure does"


def test_a_stop_that_ends_after_two_hours_is_a_success_and_closes_its_notice():
    with Story(dev("web")) as story:
        story.world.inject(Fault.operation_slow("POST */web/stop", 2 * 3600))
        story.until("Mon 22:00")
        assert [r.phase for r in story.history("web", "succeeded", "failed")] == ["succeeded"]
        assert len(story.told("web", "stopping for over an hour")) == 1
        closed = [n for n in story.journal.notices() if n.kind == "stop_stuck" and not n.resolved]
        assert closed == []


# -- messages


def test_poison_is_recorded_and_told():
    """A message that no handler can carry out: after five attempts people hear of it, and history shows it."""
    with Story(dev("web")) as story:
        story.later(5 * MINUTE)
        story.app.queue.send({"cluster": story.id_of("web"), "action": "stop_cluster", "rule": "dev-hours"})
        story.later(HOUR)
        assert len(story.rehearsal.failures) == 5
        assert [r.phase for r in story.history("web", "poisoned")] == ["poisoned"]
        [told] = story.told("web", "set aside")
        assert "stop_cluster" in told
        assert story.writes() == []


def test_an_old_message_is_dropped_not_believed():
    """A stop of yesterday evening, delivered this morning by a queue that was stuck."""
    with Story(dev("web")) as story:
        story.until("Mon 18:59")
        story.world.advance(MINUTE)
        story.rehearsal.tick()
        [stale] = story.app.queue.receive("act", visibility=14 * HOUR)
        story.until("Tue 08:30")
        assert story.is_on("web")
        before = len(story.writes())
        assert act(story.app, stale.message) == "dropped"
        story.later(10 * MINUTE)
        assert len(story.writes()) == before
        assert story.is_on("web")


def test_every_message_delivered_three_times_acts_once():
    with Story(dev("web"), dev("api")) as story:
        send = story.app.queue.send

        def thrice(message, *args, **kwargs):
            for _ in range(3):
                send(message, *args, **kwargs)

        story.app.queue.send = thrice
        story.until("Tue 08:00")
        assert len(story.writes("web")) == len(story.writes("api")) == 2
        assert story.is_on("web")


# -- two at once


class Meddling(SqliteStore):
    """A store in the middle of whose next batch write something else happens."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.meanwhile = None

    def swap_all(self, table, rows):
        if table == "Memory" and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return super().swap_all(table, rows)


@pytest.mark.parametrize("minute", ["18:45", "19:00"])
def test_two_ticks_at_once_act_once(tmp_path, minute):
    """Two apps, one journal, one queue: the second tick runs in the middle of the first. One warning, one stop."""
    with Story(dev("web"), dev("api")) as story:
        store = Meddling(str(tmp_path / "journal.db"))
        both = replace(story.app, journal=Journal(store))
        old = story.rehearsal.app.journal
        story.rehearsal.app = both
        old.close()
        story.until(f"Mon {minute}")
        store.meanwhile = lambda: tick(both)
        story.rehearsal.tick()
        assert store.meanwhile is None, "it did happen"
        story.until("Mon 20:00")
        assert story.times("stop", "web") == ["Mon 19:00"]
        assert story.times("stop", "api") == ["Mon 19:00"]
        assert len(story.told("stop soon")) == 1


def test_two_workers_with_the_same_message_write_once():
    """The queue delivers at least once, also at the same moment: the claim decides."""
    with Story(dev("web")) as story:
        story.until("Mon 18:59")
        story.world.advance(MINUTE)
        story.rehearsal.tick()
        [received] = story.app.queue.receive("act")
        seen = []

        def meanwhile(write):
            if not seen:
                seen.append(write)
                assert act(story.app, received.message) == "dropped"

        story.world.on_write = meanwhile
        assert act(story.app, received.message) == "accepted"
        assert len(story.writes()) == 1


# -- what is gone


def test_a_cluster_deleted_while_its_stop_is_under_way():
    with Story(dev("web"), dev("api")) as story:
        story.world.inject(Fault.operation_slow("POST */web/stop", 1200))
        story.until("Mon 19:05")
        gone = story.id_of("web")
        story.delete("web")
        story.until("Tue 08:00")
        assert [r.phase for r in story.history(None, "gone")] == ["gone"]
        assert story.journal.memory(gone).value.open is None
        assert story.times("start", "api") == ["Tue 07:10"]


def test_a_notice_about_a_cluster_that_is_gone_is_closed_not_repeated_every_day():
    with Story(dev("web"), dev("api"), tick_every=15 * MINUTE) as story:
        story.until("Tue 07:00")
        story.world.inject(Fault.operation_fails("POST */web/start", times=None))
        story.until("Tue 09:00")
        assert len(story.told("web", "not up")) == 1
        story.delete("web")
        story.later(3 * DAY)
        assert [n for n in story.journal.notices() if "web" in n.about and not n.resolved] == []
        assert len(story.told("web", "not up")) == 1


def test_a_lost_journal_stops_nothing_at_once_and_starts_nothing_wrongly():
    """Everything is as on the first day: adopted anew, what is down is parked and listed."""
    with Story(dev("web"), dev("attic", power="Stopped"), dev("late")) as story:
        story.until("Mon 20:00")
        assert not story.is_on("web")
        story.world.person_starts("late")
        story.later(10 * MINUTE)
        lose_journal(story)
        story.until("Tue 06:00")
        assert len(story.writes()) == 2, "two stops of the evening; nothing since, though `late` runs outside its hours"
        story.until("Tue 12:00")
        assert story.times("start") == []
        assert story.reason("web") == story.reason("attic") == "parked"
        story.until("Tue 20:00")
        assert story.times("stop", "late")[1:] == ["Tue 19:00"]


def lose_journal(story: Story) -> None:
    old = story.rehearsal.app
    fresh = replace(old, journal=Journal(SqliteStore(":memory:")))
    story.rehearsal.app = fresh
    old.journal.close()


def test_messages_of_a_lost_journal_are_dropped():
    with Story(dev("web")) as story:
        story.until("Mon 18:59")
        story.world.advance(MINUTE)
        story.rehearsal.tick()
        lose_journal(story)
        story.rehearsal.deliver()
        assert story.writes() == []


def test_a_lost_queue_costs_a_quarter_of_an_hour():
    with Story(dev("web")) as story:
        story.until("Mon 18:59")
        story.world.advance(MINUTE)
        story.rehearsal.tick()
        old = story.rehearsal.app
        queue = SqliteQueue(":memory:", story.world.now)
        story.rehearsal.app, story.rehearsal.queue = replace(old, queue=queue), queue
        old.queue.close()
        story.until("Mon 20:00")
        [stop] = story.writes()
        assert stop.at <= story.at("2026-11-23 19:20")


def test_one_cluster_that_breaks_the_engine_does_not_break_the_tick(monkeypatch):
    """A mistake of ours about one cluster: the others are decided, people are told, nothing is done to that one."""
    from shared.handlers import tick as handler

    real = handler.decide

    def decide(view, *args, **kwargs):
        if view.cluster.name == "odd":
            raise ZeroDivisionError
        return real(view, *args, **kwargs)

    monkeypatch.setattr(handler, "decide", decide)
    with Story(dev("odd"), dev("web")) as story:
        story.until("Mon 20:00")
        assert story.times("stop") == ["Mon 19:00"]
        assert story.writes("odd") == []
        [told] = story.told("odd", "could not be decided")
        assert "mistake" in told
