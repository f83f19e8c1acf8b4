"""A tenant of our own: RSA keys, what its login service publishes, and tokens, true and forged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lamplighter.simulator.certificate import write_certificates
from shared.clients.entra import Gate, Tenant
from shared.errors import NoReply

TENANT = "9b6c1f0e-4a1d-4d2b-8f37-5c2e7f9d1a60"
OTHER = "00000000-1111-2222-3333-444444444444"
AUDIENCE = "2f1c7c5e-7d53-4c5c-9a83-3a3f0d6f5b11"
ROLE = "Clusters.Keep"
LOGIN = "https://login.example"
V2 = f"{LOGIN}/{TENANT}/v2.0"
V1 = f"https://sts.example/{TENANT}/"


_KEYS: dict[str, rsa.RSAPrivateKey] = {}


def private_key(name: str, size: int = 2048) -> rsa.RSAPrivateKey:
    """Made once per name: RSA takes a while."""
    if name not in _KEYS:
        _KEYS[name] = rsa.generate_private_key(public_exponent=65537, key_size=size)
    return _KEYS[name]


def jwk(name: str, size: int = 2048, **more: Any) -> dict[str, Any]:
    known = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private_key(name, size).public_key()))
    return {"kty": "RSA", "use": "sig", "kid": name, "n": known["n"], "e": known["e"], **more}


@dataclass
class Login:
    """A login service; `keys` and `documents` are what it publishes now."""

    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk("first")])
    documents: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_down: bool = False
    seconds: float = 0.0

    def fetch(self, url: str) -> Any:
        self.asked.append(url)
        if self.is_down:
            raise NoReply("reading the tenant's signing keys: no answer")
        published = {
            f"{LOGIN}/{TENANT}/v2.0/.well-known/openid-configuration": {"issuer": V2, "jwks_uri": f"{LOGIN}/keys"},
            f"{LOGIN}/{TENANT}/.well-known/openid-configuration": {"issuer": V1, "jwks_uri": f"{LOGIN}/keys"},
            f"{LOGIN}/keys": {"keys": self.keys},
            **self.documents,
        }
        return published[url]

    def clock(self) -> float:
        return self.seconds

    def gate(self, role: str = ROLE, problem: str = "") -> Gate:
        tenant = Tenant(LOGIN, TENANT, self.fetch, self.clock)
        return Gate((AUDIENCE, f"api://{AUDIENCE}"), role, tenant, problem)


def claims(**changes: Any) -> dict[str, Any]:
    """A good token's claims of version 2; a change to None leaves one out."""
    now = int(time.time())
    known = {
        "aud": AUDIENCE, "iss": V2, "iat": now, "nbf": now, "exp": now + 3600, "tid": TENANT, "ver": "2.0",
        "sub": "subject", "preferred_username": "ana@example.com", "name": "Ana", "roles": [ROLE],
    } | changes  # fmt: skip
    return {name: value for name, value in known.items() if value is not None}


def token(key: str = "first", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), private_key(key), algorithm="RS256", headers={"kid": key, **(headers or {})})


def bearer(key: str = "first", **changes: Any) -> str:
    return f"Bearer {token(key, **changes)}"


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(alg: str = "none", signature: str = "") -> str:
    """`alg: none`, with whatever stands where a signature would."""
    return f"{part({'alg': alg, 'typ': 'JWT', 'kid': 'first'})}.{part(claims())}.{signature}"


def signed_with_the_public_key() -> str:
    """HS256 with our public key as its secret: works wherever the token may choose the algorithm."""
    public = private_key("first").public_key()
    secret = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    said = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'first'})}.{part(claims())}"
    mac = hmac.new(secret, said.encode(), hashlib.sha256).digest()
    return f"{said}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def altered() -> str:
    """A true token whose claims were changed after it was signed."""
    head, _, signature = token().split(".")
    return f"{head}.{part(claims(roles=[ROLE, 'Admin']))}.{signature}"


def signed(said: dict[str, Any], key: str = "first") -> str:
    """Any claims at all, under a true signature."""
    return signed_bytes(json.dumps(said).encode(), key)


def signed_bytes(said: bytes, key: str = "first") -> str:
    """Anything at all, under a true signature."""
    return jwt.api_jws.encode(said, private_key(key), algorithm="RS256", headers={"kid": key, "typ": "JWT"})


def past(seconds: int) -> int:
    return int(time.time()) - seconds


FORGED = {
    "no algorithm": (lambda: f"Bearer {unsigned()}", 401, "Authorization header holds no access token"),
    "no algorithm, with a signature": (lambda: f"Bearer {unsigned(signature='AAAA')}", 401, "not signed with RS256"),
    "None in capitals": (lambda: f"Bearer {unsigned('NONE', 'AAAA')}", 401, "not signed with RS256"),
    "RS256 without a signature": (lambda: f"Bearer {unsigned('RS256', 'AAAA')}", 401, "signature is wrong"),
    "HS256 with our public key": (lambda: f"Bearer {signed_with_the_public_key()}", 401, "not signed with RS256"),
    "claims changed": (lambda: f"Bearer {altered()}", 401, "signature is wrong"),
    "somebody's own key under our kid": (lambda: bearer("mine", headers={"kid": "first"}), 401, "signature is wrong"),
    "an unknown key": (lambda: bearer("mine"), 401, "a key that the tenant does not have"),
    "no kid": (lambda: bearer(headers={"kid": ""}), 401, "a key that the tenant does not have"),
    "another audience": (lambda: bearer(aud=OTHER), 401, "another audience"),
    "Azure itself as the audience": (lambda: bearer(aud="https://management.azure.com"), 401, "another audience"),
    "no audience": (lambda: bearer(aud=None), 401, "lacks a claim"),
    "another issuer": (lambda: bearer(iss=f"{LOGIN}/{OTHER}/v2.0"), 401, "issued by somebody else"),
    "an issuer that begins like ours": (lambda: bearer(iss=f"{V2}.example"), 401, "issued by somebody else"),
    "no issuer": (lambda: bearer(iss=None), 401, "lacks a claim"),
    "another tenant": (lambda: bearer(tid=OTHER), 401, "of another tenant"),
    "no tenant": (lambda: bearer(tid=None), 401, "lacks a claim"),
    "expired": (lambda: bearer(exp=past(120)), 401, "has expired"),
    "never expires": (lambda: bearer(exp=None), 401, "lacks a claim"),
    "not valid yet": (lambda: bearer(nbf=past(-3600)), 401, "not valid yet"),
    "no begin": (lambda: bearer(nbf=None), 401, "lacks a claim"),
    "expires at a word": (lambda: bearer(exp="tomorrow"), 401, "cannot be read"),
    "no role": (lambda: bearer(roles=None), 403, f"neither the app role nor the scope {ROLE}"),
    "another role": (lambda: bearer(roles=["Clusters.Read"]), 403, "neither the app role"),
    "a role that contains ours": (lambda: bearer(roles=[f"{ROLE}.Not"], scp=f"x{ROLE}"), 403, "neither the app role"),
    "roles as one text": (lambda: bearer(roles=ROLE), 403, "neither the app role"),
    "an ID token, without roles": (lambda: bearer(roles=None, scp=None, nonce="n"), 403, "neither the app role"),
}  # fmt: skip
"""What is forged or foreign: how it is made, the status it is answered with, and words of the reason."""


@contextmanager
def login_over_tls(folder: Path) -> Iterator[tuple[str, str]]:
    """(URL, CA file) of a login service on this machine; it publishes what a `Login` does."""
    ca_file, server_file = write_certificates(folder)
    login = Login()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            here = f"https://127.0.0.1:{self.server.server_address[1]}"
            body = json.dumps(login.fetch(f"{LOGIN}{self.path}")).replace(f"{LOGIN}/keys", f"{here}/keys").encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}", str(ca_file)
    server.shutdown()
    thread.join()
    server.server_close()
