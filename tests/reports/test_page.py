"""The pages behind a postpone link: they say what stops when, work without script, and take nobody's text for markup."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.reports import page

BUTTONS = [
    page.Button("1h", "1 hour", "until Mon 23 Nov 20:00"),
    page.Button("2h", "2 hours", "until Mon 23 Nov 21:00", is_first=True),
]
TOKEN = "a" * 64
STOPS = ["web stops Mon 23 Nov 19:00 (Europe/Berlin): outside office"]


class Reader(HTMLParser):
    """Tags with their attributes, and the text people see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.style = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["style"]:
            self.style += data
        else:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(self.words)


def test_the_offer_says_what_stops_when_and_asks_for_how_long() -> None:
    read = Reader(page.offer("Keep web on?", STOPS, BUTTONS, TOKEN))
    assert STOPS[0] in read.text
    assert read.all("form") == [{"method": "post", "action": "postpone"}]
    assert read.all("input") == [{"type": "hidden", "name": "t", "value": TOKEN}]
    assert [(one["name"], one["value"], one.get("class")) for one in read.all("button")] == [
        ("for", "1h", None),
        ("for", "2h", "first"),
    ]
    assert "until Mon 23 Nov 21:00" in read.text
    assert "Nothing happens until you press a button." in read.text
    assert read.open == []


def test_without_anything_to_offer_there_is_no_button() -> None:
    read = Reader(page.offer("Keep web on?", STOPS, [], TOKEN))
    assert read.all("button") == read.all("form") == []
    assert "Open this page again shortly before." in read.text


def test_a_page_needs_nothing_from_elsewhere_and_forbids_it() -> None:
    """The address holds a token: a font or a picture from another server would tell it the address."""
    html = page.told("Put off: web", "Kept on until Mon 23 Nov 21:00.")
    read = Reader(html)
    assert {tag for tag, _ in read.tags} & {"script", "link", "img", "iframe", "a"} == set()
    assert "url(" not in read.style
    assert "http" not in html
    policy = page.HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"'sha256-{b64encode(sha256(read.style.encode()).digest()).decode()}'" in policy
    assert page.HEADERS["Referrer-Policy"] == "no-referrer"


def test_it_is_made_for_a_phone_and_for_the_dark() -> None:
    read = Reader(page.told("t", "s"))
    assert {"name": "viewport", "content": "width=device-width,initial-scale=1"} in read.all("meta")
    assert read.all("html") == [{"lang": "en"}]
    assert "prefers-color-scheme:dark" in read.style


@pytest.mark.parametrize("number", [12, 13, 500])
def test_a_long_list_is_cut_and_says_so(number: int) -> None:
    read = Reader(page.offer("t", [f"web-{n} stops" for n in range(number)], BUTTONS, TOKEN))
    assert len(read.all("li")) == min(number, 13)
    assert (f"and {number - 12} more" in read.text) is (number > 12)


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_becomes_markup(title: str, sentence: str) -> None:
    """Names, reasons and tags are whatever somebody typed, a script included."""
    usual = Reader(page.offer("t", ["s"], BUTTONS, TOKEN)).tags
    assert Reader(page.offer(title, [sentence], BUTTONS, TOKEN)).tags == usual
    assert Reader(page.told(title, sentence)).all("script") == []


def test_a_quoted_script_is_text() -> None:
    read = Reader(page.told("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'))
    assert read.all("script") == read.all("img") == []
    assert "alert(1)" in read.text
