"""Telling people: a real channel over loopback, and no address in any log, error or result."""

from __future__ import annotations

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.clients.notify import Sent, send

SECRET = "the-secret-token"


class Channel(HTTPServer):
    """Takes what apprise's json:// plugin posts."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.posts: list[dict] = []

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server_port}/{SECRET}"


class Handler(BaseHTTPRequestHandler):
    server: Channel

    def do_POST(self) -> None:
        self.server.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silence on stderr."""


@pytest.fixture
def channel():
    yield from serving(200)


@pytest.fixture
def broken_channel():
    yield from serving(500)


def serving(status: int):
    with Channel(status) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_message_arrives_as_it_was_written(channel):
    r"""Names of clusters go through as they are: no escapes, no mark-up."""
    assert send([channel.address], "Stops soon", "web_dev\n* <b>x</b> & \\n") == Sent(ok=True)
    [post] = channel.posts
    assert (post["title"], post["message"]) == ("Stops soon", "web_dev\n* <b>x</b> & \\n")


def test_one_channel_that_fails_keeps_no_other_from_being_told(channel, broken_channel):
    sent = send([broken_channel.address, "no address at all", channel.address], "t", "b")
    assert not sent.ok
    assert sent.problem == (
        "channel 1 of 3 did not take the message; channel 2 of 3 has an address that apprise does not understand; "
        "expected a URL such as mailtos://user:password@example.com or json://host/path"
    )
    assert len(channel.posts) == 1


def test_an_address_never_shows(broken_channel, caplog, capfd):
    """The address holds the token with which anybody may post there."""
    with caplog.at_level(logging.DEBUG):
        for address in (
            broken_channel.address,
            f"json://127.0.0.1:1/{SECRET}",
            f"nonsense://{SECRET}",
            f"discord://{SECRET}",
        ):
            assert SECRET not in str(send([address], "t", "b"))
    out, err = capfd.readouterr()
    assert SECRET not in caplog.text + out + err


def test_nobody_to_tell_is_a_problem():
    assert send([], "t", "b") == Sent(ok=False, problem="there is no address to send to")


def test_a_channel_that_breaks_is_a_problem_and_not_an_exception():
    """Plugins are other people's code: one that raises must not end the telling of the others."""
    from apprise.decorators import notify as plugin

    @plugin(on="breaks")
    def breaks(*_: object, **__: object) -> bool:
        raise RuntimeError("with the-secret-token inside")

    sent = send([f"breaks://{SECRET}"], "t", "b")
    assert not sent.ok
    assert SECRET not in str(sent)
