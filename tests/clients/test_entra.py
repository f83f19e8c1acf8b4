"""Who is let in over HTTP: true tokens of our tenant, nothing else, and nobody at all when something is missing."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clients.azure import Cloud, Endpoint, endpoint_of
from shared.clients.entra import AGAIN_SECONDS, FRESH_SECONDS, RETRY_SECONDS, Gate, NotAdmitted, gate_of
from shared.settings import read_settings
from tests.clients import entra_tokens as tokens
from tests.clients.entra_tokens import AUDIENCE, FORGED, LOGIN, OTHER, ROLE, TENANT, V1, V2, Login, bearer, jwk


def refused(gate: Gate, authorization: str | None) -> tuple[int, str]:
    with pytest.raises(NotAdmitted) as caught:
        gate.admit(authorization)
    return caught.value.status, str(caught.value)


def test_a_true_token_is_let_in_and_says_who() -> None:
    assert Login().gate().admit(bearer()).name == "ana@example.com"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": V1, "aud": f"api://{AUDIENCE}", "ver": "1.0"},
        {"roles": None, "scp": f"openid {ROLE} profile"},
        {"roles": ["Other", ROLE], "scp": "Other"},
        {"aud": [AUDIENCE]},
        {"tid": TENANT.upper()},
    ],
)
def test_tokens_of_both_versions_with_a_role_or_a_scope_are_let_in(changes: dict) -> None:
    assert Login().gate().admit(bearer(**changes)).name


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"preferred_username": None}, "Ana"),
        ({"preferred_username": " ", "name": None, "appid": "app-1"}, "app-1"),
        ({"preferred_username": None, "name": 7, "azp": "app-2"}, "app-2"),
        ({"preferred_username": None, "name": None}, "somebody"),
    ],
)
def test_the_name_is_only_for_showing(changes: dict, name: str) -> None:
    assert Login().gate().admit(bearer(**changes)).name == name


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_or_foreign_token_is_refused_with_its_reason(name: str) -> None:
    made, status, words = FORGED[name]
    said = refused(Login().gate(), made())
    assert said[0] == status
    assert words in said[1]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer a.b",
        "Bearer a.b.c.d",
        f"Bearer {'a' * 20_000}.b.c",
        "é.b.c",
    ],
)
def test_what_is_no_token_is_anonymous(authorization: str | None) -> None:
    login = Login()
    assert refused(login.gate(), authorization)[0] == 401
    assert login.asked == []


def test_anonymous_is_refused_before_anybody_asks_what_is_set() -> None:
    """A misconfigured app lets in fewer people, never more."""
    gate = Login().gate(problem="LAMPLIGHTER_API_TENANT must be set")
    assert refused(gate, None)[0] == 401
    assert refused(gate, bearer()) == (503, "LAMPLIGHTER_API_TENANT must be set")


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, "LAMPLIGHTER_API_AUDIENCE and LAMPLIGHTER_API_TENANT"),
        ({"LAMPLIGHTER_API_AUDIENCE": AUDIENCE}, "LAMPLIGHTER_API_TENANT"),
        ({"LAMPLIGHTER_API_TENANT": TENANT}, "LAMPLIGHTER_API_AUDIENCE"),
    ],
)
def test_without_its_settings_the_gate_lets_nobody_in(environ: dict[str, str], missing: str) -> None:
    gate = gate_of(read_settings(environ), Cloud(endpoint_of("AzurePublicCloud")))
    assert refused(gate, bearer()) == (503, f"{missing} must be set before anybody is let in over HTTP")


@pytest.mark.parametrize(
    ("audience", "taken"),
    [(AUDIENCE, (AUDIENCE, f"api://{AUDIENCE}")), (f"api://{AUDIENCE}", (AUDIENCE, f"api://{AUDIENCE}")),
     ("https://lamplighter.example.com", ("https://lamplighter.example.com",))],
)  # fmt: skip
def test_a_client_id_stands_for_its_default_uri_too(audience: str, taken: tuple[str, ...]) -> None:
    """Entra puts the URI into tokens of version 1 and the client id into those of version 2."""
    known = read_settings({"LAMPLIGHTER_API_AUDIENCE": audience, "LAMPLIGHTER_API_TENANT": TENANT})
    assert gate_of(known, Cloud(endpoint_of("AzurePublicCloud"))).audiences == taken


@pytest.mark.parametrize(
    ("cloud", "authority"),
    [
        ("AzurePublicCloud", "https://login.microsoftonline.com"),
        ("AzureUSGovernment", "https://login.microsoftonline.us"),
    ],
)
def test_keys_come_from_the_login_service_of_the_cloud(cloud: str, authority: str) -> None:
    assert gate_of(read_settings({}), Cloud(endpoint_of(cloud))).tenant.authority == authority


# --- keys


def test_keys_are_read_once_and_kept() -> None:
    login = Login()
    gate = login.gate()
    for _ in range(3):
        gate.admit(bearer())
    assert len(login.asked) == 3


def test_a_rotated_key_is_found_without_a_restart() -> None:
    login = Login()
    gate = login.gate()
    gate.admit(bearer())
    login.keys = [jwk("second")]
    login.seconds += AGAIN_SECONDS
    assert gate.admit(bearer("second")).name
    assert refused(gate, bearer())[0] == 401


def test_invented_keys_do_not_make_us_ask_each_time() -> None:
    """Otherwise anybody could have the login service throttle us, and so lock everybody out."""
    login = Login()
    gate = login.gate()
    gate.admit(bearer())
    before = len(login.asked)
    for number in range(50):
        assert refused(gate, bearer(headers={"kid": f"invented-{number}"}))[0] == 401
    assert len(login.asked) == before
    login.seconds += AGAIN_SECONDS
    for number in range(50):
        refused(gate, bearer(headers={"kid": f"invented-{number}"}))
    assert len(login.asked) == before + 3


def test_a_withdrawn_key_stops_working_within_a_day() -> None:
    login = Login(keys=[jwk("first"), jwk("second")])
    gate = login.gate()
    gate.admit(bearer("second"))
    login.keys = [jwk("first")]
    login.seconds += FRESH_SECONDS + 1
    assert refused(gate, bearer("second"))[0] == 401


def test_a_login_service_that_is_down_changes_nothing_for_keys_that_are_known() -> None:
    login = Login()
    gate = login.gate()
    gate.admit(bearer())
    login.is_down = True
    login.seconds += FRESH_SECONDS + 1
    assert gate.admit(bearer()).name


def test_without_any_key_nobody_is_let_in_and_it_is_tried_again() -> None:
    login = Login(is_down=True)
    gate = login.gate()
    assert refused(gate, bearer())[0] == 503
    assert refused(gate, bearer())[0] == 503
    assert len(login.asked) == 1
    login.is_down = False
    login.seconds += RETRY_SECONDS
    assert gate.admit(bearer()).name


@pytest.mark.parametrize(
    "keys",
    [
        [],
        None,
        ["text"],
        [{"kty": "RSA", "kid": "first"}],
        [{"kty": "oct", "kid": "first", "k": "c2VjcmV0"}],
        [jwk("first", use="enc")],
        [jwk("first", n="!!")],
        [jwk("first", kid=None)],
        [jwk("small", 1024, kid="first")],
    ],
)
def test_keys_that_are_unfit_open_nothing(keys: list) -> None:
    assert refused(Login(keys=keys).gate(), bearer())[0] == 503


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"issuer": f"{LOGIN}/{OTHER}/v2.0", "jwks_uri": f"{LOGIN}/keys"},
        {"issuer": f"{LOGIN}/{{tenantid}}/v2.0", "jwks_uri": f"{LOGIN}/keys"},
        {"issuer": V2.replace("https", "http"), "jwks_uri": f"{LOGIN}/keys"},
        {"issuer": V2, "jwks_uri": "http://login.example/keys"},
        {"issuer": V2},
    ],
)
def test_metadata_of_another_tenant_or_without_tls_is_not_followed(document: object) -> None:
    login = Login(documents={f"{LOGIN}/{TENANT}/v2.0/.well-known/openid-configuration": document})
    assert refused(login.gate(), bearer())[0] == 503


@pytest.mark.parametrize(
    "body", [b"[" * 9000, b'{"exp":1e999,"nbf":1,"iat":1,"iss":"x","aud":"y","tid":"z"}', b'"text"', b"\xff"]
)
def test_what_exhausts_or_misleads_a_parser_is_no_way_in(body: bytes) -> None:
    """Nine thousand brackets, endless numbers, no text at all: in the header, and under a true signature."""
    head = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
    assert refused(Login().gate(), f"Bearer {head}.e30.AAAA")[0] == 401
    assert refused(Login().gate(), f"Bearer {tokens.signed_bytes(body)}") == (401, "the token cannot be read")


@settings(deadline=None)
@given(
    st.text(max_size=200)
    | st.from_regex(r"[Bb]earer [A-Za-z0-9_\-=]{0,80}\.[A-Za-z0-9_\-]{0,80}\.[A-Za-z0-9_\-]{0,40}")
)
def test_no_header_breaks_the_gate(authorization: str) -> None:
    assert refused(Login().gate(), authorization)[0] == 401


def outcome(gate: Gate, authorization: str) -> int:
    try:
        return 200 if gate.admit(authorization).name else 0
    except NotAdmitted as problem:
        return problem.status


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=20), lambda x: st.lists(x, max_size=3)))
def test_no_signed_claim_breaks_the_gate(value: object) -> None:
    """Whoever holds a key of the tenant still writes only claims; odd ones are a refusal, or somebody without a name."""
    gate = Login().gate()
    for name in ("aud", "iss", "tid", "exp", "nbf", "iat", "roles", "scp", "sub", "name"):
        changed = tokens.claims(**{name: value}) | {name: value}
        assert outcome(gate, f"Bearer {tokens.signed(changed)}") in (200, 401, 403)


# --- over TLS


def test_keys_are_read_over_tls_from_a_service_that_proves_who_it_is(tmp_path: Path) -> None:
    known = read_settings({"LAMPLIGHTER_API_AUDIENCE": AUDIENCE, "LAMPLIGHTER_API_TENANT": TENANT})
    with tokens.login_over_tls(tmp_path) as (url, ca_file):
        endpoint = Endpoint(url, f"{url}/.default")
        with Cloud(endpoint, ca_file=ca_file) as cloud:
            assert gate_of(known, cloud).admit(bearer()).name == "ana@example.com"
        with Cloud(endpoint) as cloud:  # without the CA it could be anybody
            assert refused(gate_of(known, cloud), bearer())[0] == 503
