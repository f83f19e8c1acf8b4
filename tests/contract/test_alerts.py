"""The functions that alerts come in by, inside Microsoft's own worker: who may report, what is taken, what is kept."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if sys.version_info < (3, 13):
    pytest.skip("azure-functions-runtime, the worker as a package, exists from Python 3.13 on", allow_module_level=True)

from shared import app as composition
from shared.errors import NoReply
from shared.settings import read_settings
from tests.clients.entra_tokens import bearer, unsigned
from tests.clients.test_alert_wire import SAMPLES, mutated

if TYPE_CHECKING:
    from tests.contract.conftest import House
    from tests.contract.functions_host import FunctionsHost, Reply

ROLE = {"roles": ["ActionGroupsSecureWebhook"]}
FIRED = SAMPLES["metric_static"]


def report(host: FunctionsHost, said: Any, function: str = "alert", **headers: str) -> Reply:
    """As an action group sends it, unless said otherwise."""
    known = {"Content-Type": "application/json; charset=utf-8", "Authorization": bearer(**ROLE), **headers}
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return host.http(function, "POST", body, headers={name: value for name, value in known.items() if value})


def inbox(house: House) -> list[tuple[str, str]]:
    return [(one.rule, one.condition.value) for one in house.app.journal.alerts()]


def test_an_alert_with_a_true_token_is_recorded_once(host: FunctionsHost, open_house: House) -> None:
    answers = [report(host, FIRED) for _ in range(3)]
    assert [one.status for one in answers] == [200, 200, 200]
    assert [one.json["recorded"] for one in answers] == [True, False, False]
    assert inbox(open_house) == [("pending-pods-web", "fired")]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_documented_type_is_taken(host: FunctionsHost, open_house: House, name: str) -> None:
    assert report(host, SAMPLES[name]).status == 200
    assert len(inbox(open_house)) == 1


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Basic YTpi", 401),
        (f"Bearer {unsigned()}", 401),
        (bearer(), 403),  # people's role reports no alerts
        (bearer(roles=None, scp="ActionGroupsSecureWebhook"), 200),
        (bearer(tid="00000000-1111-2222-3333-444444444444", **ROLE), 401),
    ],
)
def test_who_may_report(host: FunctionsHost, open_house: House, authorization: str, status: int) -> None:
    assert report(host, FIRED, Authorization=authorization).status == status
    assert len(inbox(open_house)) == (status == 200)


def test_a_webhooks_role_keeps_nothing_on(host: FunctionsHost, open_house: House) -> None:
    said = json.dumps({"cluster": "web-dev", "for": "4h", "reason": "x"}).encode()
    headers = {"Content-Type": "application/json", "Authorization": bearer(**ROLE)}
    assert host.http("keep_on", "POST", said, headers=headers).status == 403


def test_a_function_key_is_enough_only_where_the_settings_say_so(host: FunctionsHost, open_house: House) -> None:
    answer = report(host, FIRED, "alert_by_key", Authorization="")
    assert (answer.status, inbox(open_house)) == (403, [])
    assert "LAMPLIGHTER_ALERT_KEYS=allow" in answer.json["detail"]
    composition.use(replace(open_house.app, settings=read_settings({"LAMPLIGHTER_ALERT_KEYS": "allow"})))
    assert report(host, FIRED, "alert_by_key", Authorization="").status == 200
    assert host.functions["alert_by_key"].trigger["authLevel"] == "FUNCTION", "the platform asks for the key"


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({"schemaId": "Microsoft.Insights/LogAlert", "data": {}}, 400, "turn on the common alert schema"),
        ({"status": "Activated", "context": {}}, 400, "of no alert schema that is known"),
        (b"[" * 4000, 400, "the body is no JSON"),
        (b"", 400, "the body is no JSON"),
        (b" " * (256 * 1024 + 1), 413, "expected at most 262,144"),
    ],
)
def test_what_is_no_alert_is_one_sentence(
    host: FunctionsHost, open_house: House, said: Any, status: int, words: str
) -> None:
    answer = report(host, said)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json["detail"]
    assert inbox(open_house) == []


def test_an_inbox_that_does_not_answer_lets_azure_try_again(host: FunctionsHost, open_house: House) -> None:
    def down(_: object) -> bool:
        raise NoReply("the journal did not answer")

    open_house.app.journal.receive = down
    answer = report(host, FIRED)
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")


def test_nothing_personal_is_logged(host: FunctionsHost, open_house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "lamplighter")
    for name in SAMPLES:
        report(host, SAMPLES[name])
    said = "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("lamplighter"))
    assert "alert: pending-pods-web fired, signal metric, severity 2" in said
    assert "somebody@example.com" not in said
    assert "Somebody" not in said


@pytest.mark.parametrize("schema", ["EventGrid", "CloudEvents"])
def test_an_event_brings_an_alert_in_either_schema(host: FunctionsHost, open_house: House, schema: str) -> None:
    common = {"id": "1", "subject": "orders", "data": {"alert": "orders", "cluster": "web-dev", "id": "7"}}
    if schema == "EventGrid":
        more = {"eventType": "Lamplighter.AlertFired", "eventTime": "2026-11-23T08:59:00Z", "topic": "/t"}
        more |= {"dataVersion": "1", "metadataVersion": "1"}
    else:
        more = {"type": "Lamplighter.AlertFired", "time": "2026-11-23T08:59:00Z", "source": "/t", "specversion": "1.0"}
    for _ in range(2):
        assert host.event("look", {**common, **more}).ok
    assert inbox(open_house) == [("orders", "fired")]
    carried = {**common, **more, "data": FIRED, ("eventType" if schema == "EventGrid" else "type"): "Contoso.Alert"}
    assert host.event("look", carried).ok
    assert sorted(inbox(open_house)) == [("orders", "fired"), ("pending-pods-web", "fired")]


# --- anything at all

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
BODIES = st.one_of(
    mutated().map(lambda one: json.dumps(one).encode()),
    mutated().map(lambda one: json.dumps(one).encode()[:-7]),
    st.binary(max_size=200),
)


@settings(
    max_examples=10_000 if os.environ.get("LAMPLIGHTER_SOAK") else 500,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_no_payload_breaks_anything_or_acts(host: FunctionsHost, open_house: House, data: st.DataObject) -> None:
    """Status below 500, one sentence where it is refused, and nothing is sent to the queue or to Azure."""
    method = data.draw(st.sampled_from(["POST"] * 6 + ["GET", "PUT", "DELETE", "x"]))
    token = data.draw(st.sampled_from([bearer(**ROLE)] * 4 + ["", f"Bearer {unsigned()}"]) | WORDS)
    media = data.draw(st.sampled_from(["application/json"] * 4 + ["text/plain"]) | WORDS)
    function = data.draw(st.sampled_from(["alert", "alert", "alert_by_key"]))
    headers = {"Authorization": token, "Content-Type": media}
    answer = host.http(function, method, data.draw(BODIES), headers=headers)
    assert 200 <= answer.status < 500
    if answer.status >= 400:
        assert answer.json["detail"]
        assert "Traceback" not in answer.text
    assert open_house.app.queue.count("act") == 0
    assert open_house.world.writes() == []
