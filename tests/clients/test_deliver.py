"""A digest to each kind of channel: what arrives, over loopback, and no address anywhere else."""

from __future__ import annotations

import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from shared.clients.deliver import Parcel, deliver
from shared.clients.notify import Sent

SECRET = "the-secret-token"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
CARD = {"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": {}}]}
PARCEL = Parcel(
    title="AKS cost, week 47 of 2026",
    text="AKS cost 70.00 EUR <b> & {{app_title}}",
    html='<p>70.00 EUR</p><img src="cid:weeks-eur.png">',
    card=json.dumps(CARD).encode(),
    blocks=json.dumps({"blocks": [{"type": "divider"}]}).encode(),
    pictures={"weeks-eur.png": PNG},
    attachments={"digest.xlsx": b"PK\x03\x04", "data.csv": b"a,b\r\n"},
)


@dataclass
class Mailbox:
    port: int = 0
    mails: list[Message] = field(default_factory=list)


class Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as takes one mail."""

    def handle(self) -> None:
        self._say("220 ready")
        for raw in self.rfile:
            match raw.split(maxsplit=1)[0].upper() if raw.strip() else b"":
                case b"EHLO" | b"HELO":
                    self._say("250-here\r\n250 AUTH LOGIN PLAIN")
                case b"AUTH":
                    self._say("235 welcome")
                case b"DATA":
                    self._say("354 go on")
                    self._take()
                case b"QUIT":
                    return self._say("221 bye")
                case _:
                    self._say("250 ok")
        return None

    def _take(self) -> None:
        lines = []
        for raw in self.rfile:
            if raw == b".\r\n":
                break
            lines.append(raw[1:] if raw.startswith(b"..") else raw)
        self.server.box.mails.append(message_from_bytes(b"".join(lines)))
        self._say("250 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server:
        server.box = Mailbox(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.box
        server.shutdown()
        thread.join()


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict]]:
    """What apprise would post to services that speak https only."""
    found: list[tuple[str, dict]] = []

    def request(_, url, data=None, **__):
        found.append((url, json.loads(data)))
        answer = requests.Response()
        answer.status_code, answer._content = 200, b"ok"
        return answer

    monkeypatch.setattr(requests, "request", request)
    monkeypatch.setattr(requests, "post", lambda url, **options: request("POST", url, **options))
    return found


def test_a_mail_shows_its_chart_and_carries_workbook_and_data(mailbox):
    address = f"mailto://me:{SECRET}@127.0.0.1:{mailbox.port}?mode=insecure&from=l@example.com&to=finance@example.com"

    assert deliver(address, PARCEL) == Sent(ok=True)
    (mail,) = mailbox.mails
    parts = {part.get_filename() or part.get_content_type(): part for part in mail.walk()}
    assert mail["Subject"] == "AKS cost, week 47 of 2026"
    assert parts["text/html"].get_payload(decode=True).decode() == PARCEL.html
    assert "70.00 EUR" in parts["text/plain"].get_payload(decode=True).decode()
    assert parts["weeks-eur.png"]["Content-ID"] == "<weeks-eur.png>"
    assert parts["weeks-eur.png"]["Content-Disposition"].startswith("inline")
    assert parts["weeks-eur.png"].get_payload(decode=True) == PNG
    assert parts["digest.xlsx"].get_payload(decode=True) == b"PK\x03\x04"
    assert parts["digest.xlsx"]["Content-Disposition"].startswith("attachment")
    assert parts["data.csv"].get_payload(decode=True) == b"a,b\r\n"


def test_teams_gets_the_card_as_it_is(posted):
    assert deliver(f"workflows://example.com/WORKFLOW/{SECRET}", PARCEL) == Sent(ok=True)

    assert [body for _, body in posted] == [CARD]


def test_slack_gets_the_blocks_as_they_are(posted):
    token = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"

    assert deliver(f"slack://{token}/#finance?footer=no&image=no", PARCEL) == Sent(ok=True)
    ((_, body),) = posted
    assert body["attachments"][0]["blocks"] == [{"type": "divider"}]


class Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silence on stderr."""


@pytest.fixture(params=[200])
def channel(request: pytest.FixtureRequest) -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        server.posts, server.status = [], request.param
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_any_other_channel_gets_plain_text(channel):
    assert deliver(f"json://127.0.0.1:{channel.server_port}/{SECRET}", PARCEL) == Sent(ok=True)
    (post,) = channel.posts
    assert (post["title"], post["message"]) == (PARCEL.title, PARCEL.text)


@pytest.mark.parametrize("channel", [500], indirect=True)
def test_a_channel_that_refuses_is_told_without_its_address(channel, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        sent = deliver(f"json://127.0.0.1:{channel.server_port}/{SECRET}", PARCEL)

    assert sent == Sent(ok=False, problem="the channel did not take the message")
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


def test_an_address_that_is_none_says_what_was_expected_and_not_what_it_is():
    sent = deliver(f"{SECRET}", PARCEL)

    assert not sent.ok
    assert "apprise does not understand; expected" in sent.problem
    assert SECRET not in sent.problem


def test_a_plugin_that_breaks_is_one_sentence(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError(SECRET)

    monkeypatch.setattr(requests, "post", broken)

    assert deliver(f"workflows://example.com/WORKFLOW/{SECRET}", PARCEL).ok is False
