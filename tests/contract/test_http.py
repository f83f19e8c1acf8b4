"""The HTTP functions inside Microsoft's own worker: who is let in, what may be asked, what is written down."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if sys.version_info < (3, 13):
    pytest.skip("azure-functions-runtime, the worker as a package, exists from Python 3.13 on", allow_module_level=True)

from lamplighter.simulator import Fault
from shared import app as composition
from shared.clients.azure import Cloud, Endpoint
from shared.clients.entra import gate_of
from shared.errors import InputError, NoReply
from shared.model.memory import Memory, Wish
from shared.settings import read_settings
from tests.clients.entra_tokens import AUDIENCE, FORGED, TENANT, V1, Login, bearer, login_over_tls, unsigned
from tests.contract.http_calls import FOUR_HOURS, VERBS, holds, post

if TYPE_CHECKING:
    from tests.contract.conftest import House
    from tests.contract.functions_host import FunctionsHost

# --- who is let in


def test_a_word_with_a_true_token_is_written_down(host: FunctionsHost, open_house: House) -> None:
    answer = post(host, "keep_on", FOUR_HOURS)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == {
        "cluster": open_house.world.cluster("web-dev").id.casefold(),
        "wish": "running",
        "until": "2026-11-23T13:00:00Z",
        "owner": "ana@example.com",
        "reason": "load test",
        "message": "web-dev is kept on until Mon 23 Nov 14:00 (Europe/Berlin); "
        "the next tick acts on it, usually within five minutes",
    }
    assert holds(open_house) == [(Wish.RUNNING, "command", "ana@example.com", "load test")]


@pytest.mark.parametrize("function", VERBS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "", "X-MS-CLIENT-PRINCIPAL": "eyJyb2xlcyI6WyJDbHVzdGVycy5LZWVwIl19", "X-MS-CLIENT-PRINCIPAL-NAME": "ana"},
        {"Authorization": "", "x-functions-key": "master", "X-MS-TOKEN-AAD-ACCESS-TOKEN": "a.b.c"},
    ],
)  # fmt: skip
def test_anonymous_is_refused_whatever_the_platform_says(
    host: FunctionsHost, open_house: House, function: str, headers: dict[str, str]
) -> None:
    """With platform authentication off, anybody can write a principal's header."""
    answer = post(host, function, FOUR_HOURS, **{"Authorization": "", **headers})
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert holds(open_house) == []


def test_a_forged_token_and_one_without_the_role_are_refused(host: FunctionsHost, open_house: House) -> None:
    assert post(host, "keep_off", FOUR_HOURS, f"Bearer {unsigned(signature='AAAA')}").status == 401
    answer = post(host, "keep_off", FOUR_HOURS, bearer(roles=["Clusters.Read"]))
    assert (answer.status, answer.json["detail"]) == (
        403,
        "the token carries neither the app role nor the scope Clusters.Keep",
    )
    assert holds(open_house) == []


def test_every_forged_token_is_refused_with_keys_that_come_over_tls(
    host: FunctionsHost, open_house: House, tmp_path: Path
) -> None:
    """The whole way: the worker, the settings, the tenant's documents and keys from a service that proves who it is."""
    known = read_settings({"LAMPLIGHTER_API_AUDIENCE": AUDIENCE, "LAMPLIGHTER_API_TENANT": TENANT})
    with login_over_tls(tmp_path) as (url, ca_file), Cloud(Endpoint(url, f"{url}/.default"), ca_file=ca_file) as cloud:
        composition.use(replace(open_house.app, gate=gate_of(known, cloud)))
        for name, (forge, status, words) in FORGED.items():
            answer = post(host, "keep_on", FOUR_HOURS, forge())
            assert (answer.status, words in answer.json["detail"]) == (status, True), name
        assert holds(open_house) == []
        for version in ({}, {"iss": V1, "aud": f"api://{AUDIENCE}", "ver": "1.0"}):
            assert post(host, "keep_on", FOUR_HOURS, bearer(**version)).status == 200
    assert holds(open_house) == [(Wish.RUNNING, "command", "ana@example.com", "load test")]


@pytest.mark.parametrize("function", VERBS)
def test_without_its_settings_nobody_gets_in(host: FunctionsHost, house: House, function: str) -> None:
    composition.use(replace(house.app, gate=None))
    assert host.timer("tick").ok
    assert host.http(function, "POST", b"{}").status == 401
    answer = post(host, function, FOUR_HOURS)
    assert answer.status == 503
    assert answer.json["detail"].startswith("LAMPLIGHTER_API_AUDIENCE and LAMPLIGHTER_API_TENANT must be set")
    assert holds(house) == []


def test_the_callers_name_is_shown_short_and_on_one_line(host: FunctionsHost, open_house: House) -> None:
    post(host, "wake", {"cluster": "web-dev"}, bearer(preferred_username="a\nb " + "x" * 500))
    [(_, source, owner, reason)] = holds(open_house)
    assert (source, owner[:4], len(owner), reason) == ("wake", "a b ", 100, "needed now")


def test_nothing_personal_is_logged(host: FunctionsHost, open_house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "lamplighter")
    post(host, "keep_on", {**FOUR_HOURS, "reason": "SECRET project"})
    post(host, "keep_on", {**FOUR_HOURS, "cluster": "SECRET"})
    said = "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("lamplighter"))
    assert "keep-on: answered 200" in said
    assert "ana@example.com" not in said
    assert "SECRET" not in said


# --- what may be asked


@pytest.mark.parametrize(
    ("function", "said", "status", "words"),
    [
        ("keep_on", {**FOUR_HOURS, "for": "73h"}, 400, 'expected at most "for": "3d"'),
        ("keep_on", {**FOUR_HOURS, "force": True}, 400, "unknown field 'force'"),
        ("keep_on", {**FOUR_HOURS, "cluster": "web-test"}, 404, "no cluster 'web-test' is known"),
        ("keep_on", {**FOUR_HOURS, "cluster": "/subscriptions/s/resourceGroups/rg"}, 404, "does not know that cluster"),
        ("keep_off", {**FOUR_HOURS, "cluster": "web-prod"}, 403, "web-prod is production"),
        ("keep_off", {"cluster": "web-dev", "for": "4h"}, 400, '"reason" is missing'),
        ("wake", b"[" * 4000, 400, "the body is no JSON"),
        ("wake", b'{"cluster": "web-dev", "cluster": "web-prod"}', 400, "the body is no JSON"),
        ("wake", b'{"cluster": NaN}', 400, "the body is no JSON"),
        ("wake", b"\xff\xfe", 400, "the body is no JSON"),
        ("wake", b"", 400, "the body is no JSON"),
        ("wake", b" " * 4097, 413, "expected at most 4,096"),
    ],
)
def test_what_may_not_be_asked_is_one_sentence(
    host: FunctionsHost, open_house: House, *, function: str, said: Any, status: int, words: str
) -> None:
    answer = post(host, function, said)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json["detail"]
    assert holds(open_house) == holds(open_house, "web-prod") == []


def test_a_body_of_another_type_is_refused(host: FunctionsHost, open_house: House) -> None:
    assert post(host, "wake", FOUR_HOURS, **{"Content-Type": "text/plain"}).status == 415
    assert (
        post(host, "wake", {"cluster": "web-dev"}, **{"Content-Type": "application/json; charset=utf-8"}).status == 200
    )


@pytest.mark.parametrize("function", VERBS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_only_post_says_something(host: FunctionsHost, open_house: House, function: str, method: str) -> None:
    answer = host.http(function, method, headers={"Authorization": bearer()})
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


def test_options_tells_what_there_is(host: FunctionsHost, open_house: House) -> None:
    for function, allowed in (("wake", "POST, OPTIONS"), ("postpone", "GET, HEAD, POST, OPTIONS")):
        answer = host.http(function, "OPTIONS")
        assert (answer.status, answer.headers["allow"], answer.body) == (204, allowed, b"")


def test_a_name_of_two_clusters_asks_for_the_whole_id(host: FunctionsHost, open_house: House) -> None:
    mine = open_house.app.journal.memory(open_house.world.cluster("web-dev").id)
    other = mine.value.cluster.replace("resourcegroups/", "resourcegroups/other-")
    open_house.app.journal.swap(replace(mine.value, cluster=other), None)
    answer = post(host, "wake", {"cluster": "WEB-DEV"})
    assert answer.status == 409
    assert other in answer.json["detail"]
    group = mine.value.cluster.split("/")[4]
    for exact in (mine.value.cluster.upper(), f"{group}/web-dev"):
        assert post(host, "wake", {"cluster": exact}).status == 200
    assert post(host, "wake", {"cluster": other}).status == 404  # remembered, but gone


def test_a_cluster_that_azure_does_not_show_now_is_tried_later(host: FunctionsHost, open_house: House) -> None:
    """Its environment is unknown, so nobody knows how long it may be kept on: unknown is not unlimited."""
    open_house.world.inject(Fault.refuse("GET */managedclusters/web-dev", 500, "InternalServerError", times=None))
    answer = post(host, "keep_on", FOUR_HOURS)
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    assert holds(open_house) == []


def test_a_policy_that_cannot_be_read_lets_nothing_be_said(host: FunctionsHost, house: House) -> None:
    def gone() -> tuple[str, str]:
        raise InputError("policy.yaml can't be read")

    assert host.timer("tick").ok
    fleet = house.app.journal.fleet()
    house.app.journal.swap_fleet(replace(fleet.value, good_policy="", good_policy_hash=""), fleet.etag)
    composition.use(replace(house.app, gate=Login().gate(), policy_text=gone))
    answer = post(host, "keep_on", FOUR_HOURS)
    assert answer.status == 503
    assert answer.json["detail"] == "Lamplighter cannot look now, and nothing was changed; try again in a minute"


def test_in_plan_mode_a_word_is_only_written_down(host: FunctionsHost, open_house: House) -> None:
    text, source = open_house.app.policy_text()
    planning = (text.replace("mode: act", "mode: plan"), source)
    composition.use(replace(open_house.app, policy_text=lambda: planning))
    assert "so it is only written down" in post(host, "wake", {"cluster": "web-dev"}).json["message"]


def test_waking_starts_at_once(host: FunctionsHost, open_house: House) -> None:
    """Somebody waits in front of it: five minutes more are five minutes more."""
    open_house.world.person_stops("web-dev")
    for minutes in (10, 40):
        open_house.wait(minutes=minutes)
        assert host.timer("tick").ok
    answer = post(host, "wake", {"cluster": "web-dev"})
    assert answer.json["message"].endswith("; its start is on its way")
    [received] = open_house.app.queue.receive("act")
    assert received.message["action"] == "start_cluster"


def test_a_word_survives_a_tick_that_writes_at_the_same_time(host: FunctionsHost, open_house: House) -> None:
    """Compare-and-swap: neither loses anything; and who never gets through is told, not left to wonder."""
    journal = open_house.app.journal
    swap, lose = journal.swap, [1]

    def raced(memory: Memory, etag: str | None) -> str:
        if lose:
            lose.pop()
            swap(replace(journal.memory(memory.cluster).value, generation=7), etag)
        return swap(memory, etag)

    journal.swap = raced
    assert post(host, "keep_on", FOUR_HOURS).status == 200
    memory = journal.memory(open_house.world.cluster("web-dev").id).value
    assert (memory.generation, [one.source for one in memory.holds]) == (7, ["command"])
    lose[:] = [1] * 20
    assert post(host, "keep_off", FOUR_HOURS).status == 409
    assert holds(open_house)[0][0] is Wish.RUNNING


def test_a_word_counts_although_looking_sooner_failed(host: FunctionsHost, open_house: House) -> None:
    """The queue is down: the word is on record all the same, and the answer says when it acts."""
    for minutes in (0, 10, 40):
        if minutes == 0:
            open_house.world.person_stops("web-dev")
        open_house.wait(minutes=minutes)
        assert host.timer("tick").ok

    def down(*_: object, **__: object) -> None:
        raise NoReply("the queue did not answer")

    open_house.app.queue.send = down
    answer = post(host, "wake", {"cluster": "web-dev"})
    assert (answer.status, "the next tick acts on it" in answer.json["message"]) == (200, True)
    assert holds(open_house)[0][:2] == (Wish.RUNNING, "wake")
