"""A tenant of our own: RSA keys, what its login service publishes, and tokens, true and forged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

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
