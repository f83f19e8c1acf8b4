"""A person's word over HTTP: keep it on, keep it off, wake it. The same words as on the command line.

Who calls is verified first, then the request, then what the policy allows. Nothing is decided here: the word is
written down, and the next plan hears it.
"""

from __future__ import annotations

import logging
from typing import Any

from shared.app import App
from shared.clients import clusters, entra
from shared.errors import CloudError, InputError, LamplighterError, NotFound, Superseded
from shared.handlers import inforce, web
from shared.handlers.look import look
from shared.model.fleet import Cluster
from shared.model.memory import Wish
from shared.policy import overrides
from shared.policy.overrides import VERBS, Word
from shared.policy.spoken import spoken

log = logging.getLogger("lamplighter")

LARGEST_BODY = 4096
ATTEMPTS = 6
EXAMPLE = '{"cluster": "web-dev", "for": "4h", "reason": "load test"}'
FOR = '"for": "{}"'
LISTED = 5


def override(app: App, verb: str, request: web.Request) -> web.Answer:
    """Answers every request: 200 with what was written down, or one sentence that says why not."""
    try:
        answer = web.expect_method(request, "POST") or _said(app, verb, request)
    except web.Refused as refused:
        answer = web.problem(refused.status, str(refused), refused.headers)
    except entra.NotAdmitted as refused:
        headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
        answer = web.problem(refused.status, str(refused), headers)
    except LamplighterError as trouble:
        log.warning("%s: %s", verb, trouble)
        answer = web.problem(503, "Lamplighter cannot look now, and nothing was changed; try again in a minute")
    log.info("%s: answered %d", verb, answer.status)
    return answer


def _said(app: App, verb: str, request: web.Request) -> web.Answer:
    gate = app.gate or entra.gate_of(app.settings, app.cloud)
    caller = gate.admit(request.headers.get("authorization"))
    now = app.clock()
    body = web.expect_body(request, "application/json", LARGEST_BODY)
    owner = overrides.one_line(caller.name)[: overrides.LONGEST_OWNER] or "somebody"
    try:
        wanted, word = overrides.read_word(VERBS[verb], web.read_json(body, EXAMPLE), owner, now)
    except InputError as problem:
        raise web.Refused(400, str(problem)) from None
    cluster = _read(app, _find(app, wanted))
    policy = inforce.policy_in_force(app, app.journal.fleet().value).policy
    why_not = overrides.objection(policy, cluster, word, now, FOR)
    if why_not:
        raise web.Refused(403 if word.wish is Wish.STOPPED else 400, why_not)
    write_down(app, cluster.id, word)
    kept = "on" if word.wish is Wish.RUNNING else "off"
    sentence = f"{cluster.name} is kept {kept} until {spoken(word.until, policy.timezone)} ({policy.timezone})"
    return web.document(
        200, {**_document(cluster, word), "message": f"{sentence}; {_next(app, cluster.id, word, policy.mode)}"}
    )


def _document(cluster: Cluster, word: Word) -> dict[str, Any]:
    return {
        "cluster": cluster.id,
        "wish": word.wish.value,
        "until": word.until.isoformat().replace("+00:00", "Z"),
        "owner": word.owner,
        "reason": word.reason,
    }


def _find(app: App, wanted: str) -> str:
    """The id of a cluster that the journal remembers; a name is looked for in what it remembers."""
    key = wanted.strip("/ ").casefold()
    if key.startswith("subscriptions/"):
        id_ = f"/{key}"
        if app.journal.memory(id_).etag is None:
            raise web.Refused(404, "Lamplighter does not know that cluster: expected one in the policy's scope")
        return id_
    parts = ((one.value.cluster, one.value.cluster.split("/")) for one in app.journal.memories(log.warning))
    found = [id_ for id_, part in parts if len(part) == 9 and key in (part[8], f"{part[4]}/{part[8]}")]
    if not found:
        raise web.Refused(404, f"no cluster {key!r} is known: expected the name or the id of one in the policy's scope")
    if len(found) > 1:
        some = ", ".join(sorted(found)[:LISTED])
        raise web.Refused(409, f"{key!r} is the name of {len(found)} clusters: give the whole id, one of {some}")
    return found[0]


def _read(app: App, cluster_id: str) -> Cluster:
    """As it is now: its tags say which environment it is in, and so how long it may be kept on."""
    try:
        return clusters.get(app.cloud, cluster_id)
    except (NotFound, InputError):
        raise web.Refused(404, "that cluster is gone, or Lamplighter may not read it") from None
    except CloudError as error:
        log.warning("a cluster cannot be read: %s", error)
        raise web.Refused(
            503, "Azure does not show that cluster now; try again in a minute", Retry_After="60"
        ) from None


def write_down(app: App, cluster_id: str, word: Word) -> None:
    """Raises LamplighterError when it could not be written."""
    now = app.clock()
    for _ in range(ATTEMPTS):
        stored = app.journal.memory(cluster_id)
        try:
            app.journal.swap(overrides.with_word(stored.value, word, now), stored.etag)
        except Superseded:
            continue
        app.journal.append([overrides.record(cluster_id, word, now)])
        return
    raise web.Refused(409, "somebody else keeps writing about that cluster; nothing was changed, try again")


def _next(app: App, cluster_id: str, word: Word, mode: str) -> str:
    """What follows. Who wants it up does not wait for the next tick."""
    if mode == "plan":
        return "the policy says mode: plan, so it is only written down"
    if word.wish is Wish.RUNNING:
        try:
            if look(app, {"subject": cluster_id}) == "started":
                return "its start is on its way"
        except LamplighterError as trouble:
            log.info("looking sooner failed, the next tick looks: %s", trouble)
    return "the next tick acts on it, usually within five minutes"
