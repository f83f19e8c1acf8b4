"""The link in a warning, through the worker: a GET shows, a POST acts, once, and whatever breaks in between is finished."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if sys.version_info < (3, 13):
    pytest.skip("azure-functions-runtime, the worker as a package, exists from Python 3.13 on", allow_module_level=True)

from shared import app as composition
from shared.errors import NoReply
from shared.model.memory import Memory, Stored, Wish
from shared.model.records import Link
from shared.settings import read_settings
from tests.contract.http_calls import holds, pressed, warned

if TYPE_CHECKING:
    from tests.contract.conftest import House
    from tests.contract.functions_host import FunctionsHost


def test_following_the_link_changes_nothing_and_shows_what_stops_when(host: FunctionsHost, open_house: House) -> None:
    """Mail scanners and chat previews follow every link there is."""
    token = warned(host, open_house)
    for method in ("GET", "HEAD", "GET"):
        answer = host.http("postpone", method, query={"t": token})
        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "web-dev stops Mon 23 Nov 19:15 (Europe/Berlin): outside office" in answer.text
    assert '<form method="post" action="postpone">' in answer.text
    assert "until Mon 23 Nov 21:15" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert host.http("postpone", "HEAD", query={"t": token}).body == b""
    assert holds(open_house) == []


def test_the_button_puts_the_stop_off_once(host: FunctionsHost, open_house: House) -> None:
    token = warned(host, open_house)
    answer = pressed(host, token)
    assert answer.status == 200
    assert "Kept on until Mon 23 Nov 21:15 (Europe/Berlin)" in answer.text
    assert holds(open_house) == [(Wish.RUNNING, "postpone", "", "put off by the link in the warning")]
    again = pressed(host, token, "4h")
    assert again.status == 410
    assert "kept on until Mon 23 Nov 21:15" in again.text
    assert host.http("postpone", "GET", query={"t": token}).status == 410
    assert [
        one.until.hour for one in open_house.app.journal.memory(open_house.world.cluster("web-dev").id).value.holds
    ] == [20]


def test_only_a_digest_of_the_token_is_kept(host: FunctionsHost, open_house: House) -> None:
    token = warned(host, open_house)
    rows = [*open_house.app.journal._store.scan("Links"), *open_house.app.journal._store.scan("Notices")]
    assert rows
    assert token not in repr(rows)


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "0" * 63 + "g", "0" * 10_000, "../../Memory", "ü" * 64])
def test_an_unknown_token_finds_a_friendly_page(host: FunctionsHost, open_house: House, token: str) -> None:
    for answer in (host.http("postpone", query={"t": token}), host.http("postpone")):
        assert (answer.status, "Unknown link" in answer.text) == (404, True)
    assert pressed(host, token).status == (413 if len(token) > 512 else 404 if token else 400)


def test_a_link_is_over_an_hour_after_its_stop(host: FunctionsHost, open_house: House) -> None:
    token = warned(host, open_house)
    open_house.wait(minutes=64)
    assert host.http("postpone", query={"t": token}).status == 200
    open_house.wait(minutes=12)
    for answer in (host.http("postpone", query={"t": token}), pressed(host, token)):
        assert (answer.status, "This link is over" in answer.text) == (410, True)
    assert holds(open_house) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"t=",
        b"for=2h",
        b"t=TOKEN",
        b"t=TOKEN&for=2h&for=4h",
        b"t=TOKEN&for=2h&x=1",
        b"t=TOKEN&for=9h",
        b"\xff",
        b"t=TOKEN&for=again",
    ],
)
def test_a_form_that_is_not_ours_does_nothing(host: FunctionsHost, open_house: House, body: bytes) -> None:
    token = warned(host, open_house)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = host.http("postpone", "POST", body.replace(b"TOKEN", token.encode()), headers=headers)
    assert answer.status == 400
    assert pressed(host, token, **{"Content-Type": "application/json"}).status == 415
    assert holds(open_house) == []


def test_a_limit_of_the_policy_is_the_limit_of_the_link(host: FunctionsHost, open_house: House) -> None:
    text, source = open_house.app.policy_text()
    short = (text + "guards: {keep_on_at_most: 90m}\n", source)
    open_house.app = replace(open_house.app, policy_text=lambda: short)
    composition.use(open_house.app)
    token = warned(host, open_house)
    page = host.http("postpone", query={"t": token}).text
    assert re.findall(r'value="(\dh)"', page) == ["1h", "2h"]
    assert "until Mon 23 Nov 20:30" in page  # 19:00 and 90 minutes; the button of 4 hours would say the same


def test_a_use_that_broke_off_is_finished_by_the_next_one_and_not_made_longer(
    host: FunctionsHost, open_house: House
) -> None:
    """Killed between "used" and the clusters' rows: the person sees an error, presses again, and it is done."""
    token, journal = warned(host, open_house), open_house.app.journal
    whole = journal.swap_many

    def killed(_items: object) -> tuple[str, ...]:
        raise NoReply("the table did not answer")

    journal.swap_many = killed
    assert pressed(host, token, "1h").status == 503
    journal.swap_many = whole
    assert holds(open_house) == []
    assert "Finish" in host.http("postpone", query={"t": token}).text
    assert "until Mon 23 Nov 20:15" in pressed(host, token, "4h").text
    assert pressed(host, token, "4h").status == 410
    assert len(holds(open_house)) == 1


def test_a_button_survives_a_tick_that_writes_at_the_same_time(host: FunctionsHost, open_house: House) -> None:
    token, journal = warned(host, open_house), open_house.app.journal
    swap_many, lose = journal.swap_many, [1] * 20

    def raced(items: Iterable[Stored[Memory]]) -> tuple[str, ...]:
        listed = list(items)
        if lose:
            lose.pop()
            return tuple(one.value.cluster for one in listed)
        return swap_many(listed)

    journal.swap_many = raced
    answer = pressed(host, token)
    assert (answer.status, "Please press the button again" in answer.text) == (503, True)
    lose[:] = [1]
    assert pressed(host, token).status == 200
    assert len(holds(open_house)) == 1


def test_two_who_finish_the_same_use_are_one(host: FunctionsHost, open_house: House) -> None:
    token, journal = warned(host, open_house), open_house.app.journal
    put, calls = journal.put_link, [0]

    def overtaken(link: Link, etag: str | None) -> str:
        calls[0] += 1
        if calls[0] == 2:  # the second write says "done", and somebody else says so first
            put(link, etag)
        return put(link, etag)

    journal.put_link = overtaken
    assert pressed(host, token).status == 200
    assert pressed(host, token).status == 410
    assert len(holds(open_house)) == 1


def test_two_presses_at_once_are_one(host: FunctionsHost, open_house: House) -> None:
    """The other instance is faster by a moment: the slower one says so, and does nothing."""
    token, journal = warned(host, open_house), open_house.app.journal
    put = journal.put_link
    inside: list[int] = []

    def overtaken(link: Any, etag: str | None) -> str:
        if not inside:
            inside.append(1)
            assert pressed(host, token, "1h").status == 200
        return put(link, etag)

    journal.put_link = overtaken
    answer = pressed(host, token, "4h")
    assert (answer.status, "kept on until Mon 23 Nov 20:15" in answer.text) == (410, True)
    assert len(holds(open_house)) == 1


def test_without_a_public_address_there_is_no_link(host: FunctionsHost, house: House) -> None:
    house.app = replace(house.app, settings=read_settings({"OPERATORS_CHANNEL": "json://127.0.0.1/SECRET"}))
    composition.use(house.app)
    assert host.timer("tick").ok
    house.wait(hours=9)
    assert host.timer("tick").ok
    assert host.timer("tell").ok
    assert "stops" in house.sent[-1]
    assert "https://" not in house.sent[-1]


def test_a_link_that_cannot_be_kept_holds_up_no_warning(host: FunctionsHost, open_house: House) -> None:
    def broken(*_: object) -> str:
        raise NoReply("the table did not answer")

    open_house.app.journal.put_link = broken
    open_house.wait(hours=9)
    assert host.timer("tick").ok
    assert host.timer("tell").ok
    assert "web-dev stops" in open_house.sent[-1]
    assert "https://" not in open_house.sent[-1]
