"""The link in a warning: GET shows a page, POST puts the stops off. Whoever has the token may, and only once.

A GET changes nothing, since mail scanners and chat previews follow links. The token is random, of the journal's rows
only its digest is one, and the host does not log query strings (`enableQueryStringTracing` is off).
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from urllib.parse import parse_qs

from shared.app import App
from shared.errors import LamplighterError, Superseded
from shared.handlers import web
from shared.model.decisions import Notice
from shared.model.memory import Stored
from shared.model.records import Link
from shared.policy import overrides, postponing
from shared.policy.postponing import Choice, Standing
from shared.policy.spoken import spoken, spoken_length
from shared.reports import page
from shared.reports.notice import shown

log = logging.getLogger("lamplighter")

PATH = "/api/clusters/postpone"
LARGEST_FORM = 512
ATTEMPTS = 6
AGAIN = "Another warning comes before it stops."
_TOKEN = re.compile(r"[0-9a-f]{64}")


# --- making a link


def new_link(app: App, notices: Iterable[Notice], zone: str) -> str:
    """The address that goes into a message about exactly these stops; '' where there can be none.

    A warning without a link is worth more than no warning: what goes wrong here is logged, never raised.
    """
    listed = [one for one in notices if one.due_at is not None]
    if not app.settings.public_url or not listed:
        return ""
    # Hex, not URL-safe base64: a channel may take `_` for markup, and leave a closing `-` out of the link.
    now, token = app.clock(), secrets.token_hex(32)
    try:
        app.journal.forget_links(now - postponing.REMEMBERED)
        app.journal.put_link(postponing.link_for(_digest(token), listed, zone, now), None)
    except LamplighterError as trouble:
        log.warning("a warning goes out without its postpone link: %s", trouble)
        return ""
    return f"{app.settings.public_url}{PATH}?t={token}"


def _digest(token: str) -> str:
    return sha256(token.encode("ascii")).hexdigest()


# --- using it


def postpone(app: App, request: web.Request) -> web.Answer:
    """Answers every request with a page."""
    try:
        answer = web.expect_method(request, "GET", "HEAD", "POST")
        if answer is None:
            answer = _use(app, request) if request.method == "POST" else _look(app, request)
    except web.Refused as refused:
        answer = _page(refused.status, page.told("That did not work", str(refused)))
        answer = replace(answer, headers={**answer.headers, **refused.headers})
    except LamplighterError as trouble:
        log.warning("postpone: %s", trouble)
        answer = _page(503, page.told("Not now", "Lamplighter cannot look now. Please try again in a minute."))
    log.info("postpone: %s answered %d", request.method, answer.status)
    return replace(answer, body="") if request.method == "HEAD" else answer


def _page(status: int, html: str) -> web.Answer:
    return web.Answer(status, html, page.MEDIA, page.HEADERS)


def _look(app: App, request: web.Request) -> web.Answer:
    token = request.query.get("t", "")
    stored = _stored(app, token)
    link, now = stored.value, app.clock()
    state = postponing.standing(link, now)
    if link is None or state not in (Standing.OPEN, Standing.BROKEN_OFF):
        return _over(link, state)
    if state is Standing.BROKEN_OFF:
        return _page(200, page.offer(_title(link), link.sentences, [_unfinished(link)], token))
    buttons = [_button(one, link) for one in postponing.choices(link, now)]
    return _page(200, page.offer(_title(link), link.sentences, buttons, token))


def _button(choice: Choice, link: Link) -> page.Button:
    hint = f"until {spoken(choice.until, link.zone)}"
    return page.Button(choice.key, spoken_length(choice.length), hint, choice.is_default)


def _unfinished(link: Link) -> page.Button:
    return page.Button("again", "Finish", f"until {_until(link)}", is_first=True)


def _until(link: Link) -> str:
    """Until when a used link keeps its clusters on."""
    return f"{spoken(postponing.word_of(link).until, link.zone)} ({link.zone})"


def _title(link: Link) -> str:
    return f"Keep {_who(link)} on?"


def _who(link: Link) -> str:
    return shown(link.clusters[0]) if len(link.clusters) == 1 else f"{len(link.clusters)} clusters"


def _stored(app: App, token: str) -> Stored[Link | None]:
    """What cannot be a token is not looked for."""
    return app.journal.link(_digest(token)) if _TOKEN.fullmatch(token) else Stored(None, None)


def _over(link: Link | None, state: Standing) -> web.Answer:
    if link is None:
        text = "Nobody knows this link. It may have been cut short; open it from the message again."
        return _page(404, page.told("Unknown link", text))
    if state is Standing.EXPIRED:
        text = "The stop it was about is over. To have a cluster now, wake it: lamplighter wake CLUSTER"
        return _page(410, page.told("This link is over", text, link.sentences))
    text = f"Somebody did so: kept on until {_until(link)}. {AGAIN}"
    return _page(410, page.told("Already put off", text))


def _use(app: App, request: web.Request) -> web.Answer:
    token, key = _form(web.expect_body(request, "application/x-www-form-urlencoded", LARGEST_FORM))
    stored = _stored(app, token)
    link, now = stored.value, app.clock()
    state = postponing.standing(link, now)
    if link is None or state not in (Standing.OPEN, Standing.BROKEN_OFF):
        return _over(link, state)
    if state is Standing.OPEN:
        choice = next((one for one in postponing.choices(link, now) if one.key == key), None)
        if choice is None:
            raise web.Refused(400, "That length is not offered. Open the link from the message again.")
        link = postponing.used(link, choice, now)
        try:
            stored = Stored(link, app.journal.put_link(link, stored.etag))
        except Superseded:
            return _over(*_as_it_is(app, token))
    _keep_on(app, link)
    try:
        app.journal.put_link(replace(link, done=True), stored.etag)
    except Superseded:
        log.info("postpone: another request finished the same link")
    return _done(link)


def _as_it_is(app: App, token: str) -> tuple[Link | None, Standing]:
    """After somebody was faster: used, as far as this request is concerned."""
    return _stored(app, token).value, Standing.USED


def _form(body: bytes) -> tuple[str, str]:
    """(token, key of the choice). Raises Refused."""
    try:
        said = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=4)
    except ValueError:
        said = {}
    if set(said) != {"t", "for"} or any(len(values) != 1 for values in said.values()):
        raise web.Refused(400, "The form is not the one of the page. Open the link from the message again.")
    return said["t"][0], said["for"][0]


def _done(link: Link) -> web.Answer:
    text = f"Kept on until {_until(link)}. What has stopped already is started again within minutes. {AGAIN}"
    return _page(200, page.told(f"Put off: {_who(link)}", text))


def _keep_on(app: App, link: Link) -> None:
    """Says so for every cluster of the link; said twice, it is said once. Raises LamplighterError."""
    assert link.used_at is not None  # noqa: S101 - the caller used it
    word, at = postponing.word_of(link), link.used_at
    left = list(link.clusters)
    for _ in range(ATTEMPTS):
        before = [app.journal.memory(one) for one in left]
        after = [Stored(overrides.put_off(one.value, word, at), one.etag) for one in before]
        changed = [new for old, new in zip(before, after, strict=True) if new.value != old.value]
        left = list(app.journal.swap_many(changed))
        if not left:
            app.journal.append(overrides.record(one, word, at) for one in link.clusters)
            return
    raise web.Refused(503, "Somebody else keeps writing at the same moment. Please press the button again.")
