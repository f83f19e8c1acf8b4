"""Anything at all, sent to the HTTP functions inside the worker."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if sys.version_info < (3, 13):
    pytest.skip("azure-functions-runtime, the worker as a package, exists from Python 3.13 on", allow_module_level=True)

from tests.clients.entra_tokens import bearer, unsigned
from tests.contract.http_calls import VERBS, holds, warned

if TYPE_CHECKING:
    from tests.contract.conftest import House
    from tests.contract.functions_host import FunctionsHost

TRUE, FORGED = bearer(), f"Bearer {unsigned('RS256', 'AAAA')}"
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
HEADERS = st.dictionaries(
    st.sampled_from(["Accept", "X-MS-CLIENT-PRINCIPAL", "Content-Length", "X-Forwarded-For"]), WORDS
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from(["web-dev", "web-prod", "2h", "4h", "999d", "2026-11-24T08:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
DOCUMENTS = st.dictionaries(
    st.sampled_from(["cluster", "for", "until", "reason"]) | st.text(max_size=8), VALUES, max_size=5
)
NEARLY = st.fixed_dictionaries(
    {"cluster": st.sampled_from(["web-dev", "web-prod", "WEB-DEV", ""]), "reason": WORDS},
    optional={
        "for": WORDS | st.from_regex(r"\d{1,20}[smhdw]", fullmatch=True),
        "until": WORDS | st.datetimes().map(str),
    },
)
BODIES = (
    st.binary(max_size=200)
    | DOCUMENTS.map(lambda one: json.dumps(one).encode())
    | NEARLY.map(lambda one: json.dumps(one).encode())
    | st.integers(0, 6000).map(lambda size: b"[" * size)
)
FORMS = st.lists(
    st.tuples(st.sampled_from(["t", "for", "x"]), WORDS | st.just("TOKEN") | st.just("2h")), max_size=4
).map(lambda pairs: urlencode(pairs).encode())


@pytest.fixture
def link(host: FunctionsHost, open_house: House) -> str:
    """The token of a warning that went out."""
    return warned(host, open_house)


@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_breaks_anything(host: FunctionsHost, open_house: House, link: str, data: st.DataObject) -> None:
    """Status below 500, one sentence or a page, and no change by anything but a POST that was let in."""
    function = data.draw(st.sampled_from([*VERBS, "postpone", "postpone"]))
    method = data.draw(st.sampled_from(["POST", "POST", "POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "x"]))
    authorization = data.draw(st.sampled_from([TRUE, TRUE, TRUE, FORGED, ""]) | WORDS)
    media = data.draw(st.sampled_from(["application/json", "application/x-www-form-urlencoded"]) | WORDS)
    headers = {**data.draw(HEADERS), "Authorization": authorization, "Content-Type": media}
    query = data.draw(st.dictionaries(st.sampled_from(["t", "code", "cluster"]), WORDS | st.just(link), max_size=2))
    body = data.draw(FORMS if function == "postpone" else BODIES).replace(b"TOKEN", link.encode())
    before = holds(open_house), holds(open_house, "web-prod")
    answer = host.http(function, method, body, headers=headers, query=query)
    assert 200 <= answer.status < 500
    assert "Traceback" not in answer.text
    if answer.status >= 400 and function != "postpone":
        assert answer.json["detail"]
    let_in = method == "POST" and (function == "postpone" or authorization == TRUE) and answer.status == 200
    if not let_in:
        assert (holds(open_house), holds(open_house, "web-prod")) == before
