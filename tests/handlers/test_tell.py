"""tell, end to end: a real journal, the real notifier, a real HTTP channel on this machine, Azure simulated."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lamplighter.simulator import Fault, SimulatorCredential, SimulatorTransport, World
from shared.app import App
from shared.clients import notify
from shared.clients.azure import Cloud, endpoint_of
from shared.clients.journal import Journal
from shared.clients.queue_sqlite import SqliteQueue
from shared.clients.store_sqlite import SqliteStore
from shared.errors import InputError
from shared.handlers.tell import tell
from shared.model.decisions import Notice
from shared.policy.routing import LEASE
from shared.settings import read_settings

NOW = datetime(2026, 12, 7, 17, 45, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

POLICY = """
version: 1
mode: plan
timezone: Europe/Berlin
scope: all
environments:
  - {name: dev, match: {tags: {environment: dev}}}
notify:
  routes:
    - {to: [OPERATORS_CHANNEL]}
    - {to: [CHECKOUT_CHANNEL], match: {tags: {team: checkout}}, reasons: [stop_soon, start_late]}
"""
FLEET = {
    "graph_lag": 0,
    "clusters": [
        {"name": "web", "tags": {"environment": "dev"}},
        {"name": "pay", "tags": {"environment": "dev", "team": "checkout"}},
    ],
}


@dataclass
class Channels:
    """An HTTP server that takes messages by path, and can be told to refuse."""

    port: int = 0
    taken: list[tuple[str, str, str]] = field(default_factory=list)
    refusing: set[str] = field(default_factory=set)

    def titles(self, path: str) -> list[str]:
        return [title for where, title, _ in self.taken if where == path]

    def body(self, path: str) -> str:
        return next(body for where, _, body in reversed(self.taken) if where == path)


@pytest.fixture
def http() -> Iterator[Channels]:
    channels = Channels()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            refused = self.path in channels.refusing
            if not refused:
                channels.taken.append((self.path, said["title"], said["message"]))
            self.send_response(503 if refused else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    channels.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield channels
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class House:
    """An app on a simulated Azure, whose clock and policy a test may change."""

    world: World
    now: datetime = NOW
    policy: str = POLICY
    app: App = None  # type: ignore[assignment]

    def post(self, *notices: Notice) -> None:
        self.app.journal.post(notices)

    def tell(self, after: timedelta = timedelta(0)) -> int:
        self.now += after
        return tell(self.app)

    def id_of(self, name: str) -> str:
        return self.world.cluster(name).id.casefold()

    def notice(self, name: str = "web", kind: str = "start_late", cause: str = "07:30", **more) -> Notice:
        about = name if name == "fleet" else self.id_of(name)
        return Notice(kind, about, cause, f"{name} is not up yet", self.now, **more)


@pytest.fixture
def house(http: Channels, tmp_path) -> Iterator[House]:
    world = World.from_fleet(FLEET, now=NOW)
    made = House(world)
    transport = SimulatorTransport(world)
    made.app = App(
        settings=read_settings(
            {
                "OPERATORS_CHANNEL": f"json://127.0.0.1:{http.port}/operators",
                "CHECKOUT_CHANNEL": f"json://127.0.0.1:{http.port}/checkout",
            }
        ),
        clock=lambda: made.now,
        cloud=Cloud(endpoint_of("AzurePublicCloud"), credential=SimulatorCredential(), transport=transport),
        journal=Journal(SqliteStore(tmp_path / "journal.db")),
        queue=SqliteQueue(":memory:", lambda: made.now),
        policy_text=lambda: (made.policy, "policy.yaml"),
        notify=notify.send,
    )
    yield made
    made.app.journal.close()
    made.app.queue.close()
    made.app.cloud.close()


# --- grouping and routing ---


def test_clusters_that_share_a_transition_come_in_one_message(house, http):
    house.post(house.notice("web"), house.notice("pay"))
    assert house.tell() == 2
    assert http.titles("/operators") == ["Lamplighter: 2 clusters are late to start"]
    assert http.body("/operators").splitlines() == ["- pay is not up yet", "- web is not up yet"]


def test_a_team_hears_of_its_own_clusters_only(house, http):
    """The tag that the route asks for is read from Azure, not from the notice."""
    house.post(house.notice("web"), house.notice("pay"), house.notice("pay", kind="undone", cause="x"))
    house.tell()
    assert http.titles("/checkout") == ["Lamplighter: pay (rg-pay) is late to start"]
    assert len(http.titles("/operators")) == 2


def test_a_fleet_that_cannot_be_read_has_its_operators_told_now_and_the_team_later(house, http):
    """Whose tags are not seen today may be heard tomorrow; the message does not wait for them, nor forget them."""
    unreadable = Fault.forbidden("POST */microsoft.resourcegraph/*")
    house.world.inject(unreadable)
    house.post(house.notice("pay"))
    assert house.tell() == 1
    assert http.titles("/operators") == ["Lamplighter: pay (rg-pay) is late to start"]
    house.world.faults.clear()
    assert house.tell(MINUTE) == 1
    assert http.titles("/checkout") == ["Lamplighter: pay (rg-pay) is late to start"]


# --- once, again, over ---


def test_a_matter_is_told_once_however_often_the_timer_fires(house, http):
    house.post(house.notice())
    assert [house.tell(MINUTE) for _ in range(5)] == [1, 0, 0, 0, 0]


def test_it_is_told_again_when_the_list_changes(house, http):
    house.post(house.notice("web"))
    house.tell()
    house.post(house.notice("pay"))
    house.tell(MINUTE)
    assert http.titles("/operators")[-1] == "Lamplighter: 2 clusters are late to start"


def test_it_is_told_again_after_a_day(house, http):
    house.post(house.notice())
    told = [house.tell(), house.tell(23 * HOUR), house.tell(HOUR), house.tell(HOUR)]
    assert told == [1, 0, 1, 0]
    assert http.titles("/operators")[-1].endswith("(still)")


def test_a_message_follows_when_it_is_over_and_then_nothing_is_kept(house, http):
    house.post(house.notice("web"), house.notice("pay"))
    house.tell()
    house.post(house.notice("web", resolved=True))
    house.tell(MINUTE)
    assert http.body("/operators").splitlines() == ["- pay is not up yet", "", "No longer:", "- web (rg-web)"]
    house.post(house.notice("pay", resolved=True))
    house.tell(MINUTE)
    assert http.titles("/operators")[-1] == "Lamplighter: pay (rg-pay) is no longer late"
    assert list(house.app.journal.notices()) == []


def test_what_was_over_before_anybody_was_told_is_told_to_nobody(house, http):
    house.post(house.notice(), house.notice(resolved=True))
    assert house.tell() == 0
    assert list(house.app.journal.notices()) == []


def test_the_same_matter_can_begin_again(house, http):
    for _ in range(2):
        house.post(house.notice())
        house.tell(MINUTE)
        house.post(house.notice(resolved=True))
        house.tell(MINUTE)
    assert len(http.titles("/operators")) == 4


def test_a_stop_that_was_announced_is_not_repeated_the_next_day(house, http):
    house.post(house.notice(kind="stop_soon"))
    assert [house.tell(), house.tell(25 * HOUR), house.tell(HOUR)] == [1, 0, 0]
    assert list(house.app.journal.notices()) == []


@pytest.mark.parametrize("routes", [POLICY, POLICY.partition("    - {to: [CHECKOUT")[0]], ids=["by team", "everything"])
def test_a_cluster_that_is_no_more_is_not_spoken_of_for_ever(house, http, routes):
    """No tick looks at a deleted cluster again, so nobody would ever close what stands about it."""
    house.policy = routes
    house.post(replace(house.notice(), about=house.id_of("web").replace("web", "gone")))
    assert [house.tell(), house.tell(25 * HOUR), house.tell(25 * HOUR)] == [1, 1, 0]
    assert http.titles("/operators")[-1] == "Lamplighter: gone (rg-gone) is no longer late"
    assert list(house.app.journal.notices()) == []


def test_a_policy_that_reads_again_closes_its_own_notice(house, http):
    house.post(house.notice("fleet", kind="unreadable_policy", cause="abc"))
    fleet = house.app.journal.fleet()
    house.app.journal.swap_fleet(replace(fleet.value, good_policy=POLICY, good_policy_hash="abc"), fleet.etag)
    house.policy = "version: one"
    house.tell()
    house.policy = POLICY
    house.tell(MINUTE)
    assert http.titles("/operators") == [
        "Lamplighter: the policy cannot be read",
        "Lamplighter: the policy reads again",
    ]


def test_without_any_policy_there_are_no_routes_and_nothing_is_lost(house, http):
    house.policy = "version: one"
    house.post(house.notice())
    with pytest.raises(InputError):
        house.tell()
    house.policy = POLICY
    assert house.tell() == 1


# --- two timers, crashes, channels that fail ---


def test_two_timers_at_once_send_it_once(house, http):
    """While the first is sending, the second fires: the claim is already in the journal."""
    house.post(house.notice())
    second: list[int] = []

    def sending(addresses, title, body):
        second.append(tell(house.app))
        return notify.send(addresses, title, body)

    app, house.app = house.app, replace(house.app, notify=sending)
    assert house.tell() == 1
    house.app = app
    assert second == [0]
    assert len(http.taken) == 1


def test_a_sender_that_died_is_followed_by_another_after_the_lease(house, http):
    """At least once: a warning that arrives twice is a nuisance, one that never does is a surprise."""

    def dying(addresses, title, body):
        notify.send(addresses, title, body)
        raise KeyboardInterrupt

    house.post(house.notice())
    app, house.app = house.app, replace(house.app, notify=dying)
    with pytest.raises(KeyboardInterrupt):
        house.tell()
    house.app = app
    assert house.tell(MINUTE) == 0
    assert house.tell(LEASE) == 1
    assert len(http.taken) == 2


def test_a_channel_that_fails_keeps_no_other_from_being_told_and_is_tried_again(house, http):
    http.refusing.add("/checkout")
    house.post(house.notice("pay"))
    assert house.tell() == 1
    assert http.titles("/operators") == ["Lamplighter: pay (rg-pay) is late to start"]
    assert house.tell(MINUTE) == 1
    assert http.titles("/operators")[-1] == "Lamplighter: a channel cannot be reached"
    assert "CHECKOUT_CHANNEL was not told" in http.body("/operators")
    http.refusing.clear()
    assert house.tell(MINUTE) == 1
    assert http.titles("/checkout") == ["Lamplighter: pay (rg-pay) is late to start"]
    assert house.tell(MINUTE) == 1
    assert http.titles("/operators")[-1] == "Lamplighter: the channel is reached again"


def test_a_failing_channel_is_no_flood(house, http):
    http.refusing.add("/checkout")
    house.post(house.notice("pay"))
    assert sum(house.tell(MINUTE) for _ in range(60)) == 2


def test_an_address_that_is_not_set_is_told_to_the_others_by_its_name(house, http):
    house.policy = POLICY.replace("CHECKOUT_CHANNEL", "NOWHERE_CHANNEL")
    house.post(house.notice("pay"))
    house.tell()
    house.tell(MINUTE)
    assert "NOWHERE_CHANNEL is named by the policy but is not set" in http.body("/operators")


def test_no_message_and_no_record_holds_an_address(house, http):
    http.refusing.add("/checkout")
    house.post(house.notice("pay"))
    house.tell()
    house.tell(MINUTE)
    kept = [str(one) for one in house.app.journal.history(None, NOW - DAY, NOW + DAY)]
    kept += [str(one) for one in house.app.journal.notices()] + [body for _, _, body in http.taken]
    assert kept
    assert not any("json://" in one or str(http.port) in one for one in kept)


# --- cost and record ---


def test_a_calm_minute_does_not_read_the_fleet(house, http):
    """A matter may stay open for days, and the timer fires every minute."""
    house.post(house.notice())
    house.tell()
    asked = house.world.requests.total()
    for _ in range(30):
        house.tell(MINUTE)
    assert house.world.requests.total() == asked


def test_nothing_pending_costs_nothing(house, http):
    assert house.tell() == 0
    assert house.world.requests.total() == 0


def test_history_says_who_was_told_what(house, http):
    house.post(house.notice("pay"))
    house.tell()
    records = [one for one in house.app.journal.history(house.id_of("pay"), NOW, NOW + HOUR) if one.phase == "told"]
    assert sorted(one.body["channel"] for one in records) == ["CHECKOUT_CHANNEL", "OPERATORS_CHANNEL"]
    assert {one.body["kind"] for one in records} == {"start_late"}
