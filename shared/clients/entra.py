"""Who calls: an access token of Microsoft Entra, verified here and nowhere else.

The platform may verify callers too, but whether it does is a switch that somebody can turn off; a header that names a
principal is then anybody's to write. So only a token counts: RS256, signed by a key of our tenant, issued by it, meant
for us, valid now, with the role or scope that the settings name.
https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens and
https://learn.microsoft.com/entra/identity-platform/claims-validation
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.errors import LamplighterError

if TYPE_CHECKING:
    from shared.clients.azure import Cloud
    from shared.settings import Settings

log = logging.getLogger("lamplighter")

LONGEST_TOKEN = 16_384
LEEWAY = 60
"""Seconds that clocks may differ."""
FRESH_SECONDS = 24 * 3600.0
"""How long keys are taken as they were read; Entra rolls them at any time, and publishes new ones ahead.
https://learn.microsoft.com/entra/identity-platform/signing-key-rollover"""
AGAIN_SECONDS = 300.0
"""A key nobody knows is looked for at most this often: whoever invents keys does not make us ask Entra each time."""
RETRY_SECONDS = 30.0
SMALLEST_KEY = 2048
DOCUMENTS = ("/v2.0/.well-known/openid-configuration", "/.well-known/openid-configuration")
"""Of tokens of version 2 and of version 1; which one an API gets is a matter of its registration."""
REQUIRED = ("exp", "nbf", "iat", "iss", "aud", "tid")

_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.IGNORECASE)


class NotAdmitted(LamplighterError):
    """Nobody is let in; `status` is 401 (who are you?), 403 (not you) or 503 (nobody can be, now)."""

    def __init__(self, message: str, status: int = 401) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the token says: for showing to people, never for deciding."""

    name: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What the tenant published, and when that was read."""

    keys: Mapping[str, Any]
    issuers: tuple[str, ...]
    read_at: float


@dataclass(slots=True)
class Tenant:
    """The issuers and signing keys of one tenant, read when first needed and kept.

    `authority` is the https URL of the login service, `fetch` gets one JSON document and raises LamplighterError.
    """

    authority: str
    tenant: str
    fetch: Callable[[str], Any]
    clock: Callable[[], float] = time.monotonic
    _known: _Known | None = None
    _tried_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def key(self, kid: str) -> tuple[Any, tuple[str, ...]]:
        """(public key, issuers). Raises NotAdmitted for a key that the tenant does not have, or cannot show now."""
        with self._lock:
            now = self.clock()
            known = self._known
            stale = known is None or kid not in known.keys or now - known.read_at > FRESH_SECONDS
            if stale and self._may_ask(now):
                known = self._ask(now)
        if known is None:
            raise NotAdmitted("the tenant's signing keys cannot be read now, so nobody is let in; try again", 503)
        if kid not in known.keys:
            raise NotAdmitted("the token is signed by a key that the tenant does not have")
        return known.keys[kid], known.issuers

    def _may_ask(self, now: float) -> bool:
        wait = RETRY_SECONDS if self._known is None else AGAIN_SECONDS
        return self._tried_at is None or now - self._tried_at >= wait

    def _ask(self, now: float) -> _Known | None:
        """What is known now; the old keys stay where new ones cannot be read."""
        self._tried_at = now
        try:
            self._known = self._read(now)
        except LamplighterError as problem:
            log.warning("the tenant's signing keys cannot be read: %s", problem)
        return self._known

    def _read(self, now: float) -> _Known:
        documents = [_object(self.fetch(f"{self.authority}/{self.tenant}{path}")) for path in DOCUMENTS]
        issuers = tuple(str(one.get("issuer", "")) for one in documents)
        places = dict.fromkeys(str(one.get("jwks_uri", "")) for one in documents)
        if not all(one.startswith("https://") and self.tenant in one.casefold() for one in issuers):
            raise NotAdmitted("the login service names another issuer than the tenant", 503)
        if not all(one.startswith("https://") for one in places):
            raise NotAdmitted("the login service does not say where its keys are", 503)
        keys: dict[str, Any] = {}
        for place in places:
            for key in _object(self.fetch(place)).get("keys") or ():
                keys.update(_usable(key))
        if not keys:
            raise NotAdmitted("the login service shows no signing key", 503)
        return _Known(keys, issuers, now)


def _object(document: Any) -> Mapping[str, Any]:
    return document if isinstance(document, Mapping) else {}


def _usable(key: Any) -> dict[str, Any]:
    """{kid: public key} of an RSA signing key; nothing of any other."""
    import jwt  # noqa: PLC0415 - brings cryptography, which a cold start should not pay for

    if not isinstance(key, Mapping) or key.get("kty") != "RSA" or key.get("use", "sig") != "sig":
        return {}
    kid = key.get("kid")
    try:
        public = jwt.PyJWK.from_dict({"kty": "RSA", "n": key["n"], "e": key["e"]}, algorithm="RS256").key
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
        return {}
    return {kid: public} if isinstance(kid, str) and public.key_size >= SMALLEST_KEY else {}


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets in callers of one tenant with one role. `problem` is why nobody can be let in at all; '' otherwise."""

    audiences: tuple[str, ...]
    role: str
    tenant: Tenant
    problem: str = ""

    def admit(self, authorization: str | None) -> Caller:
        """Who calls, of the Authorization header. Raises NotAdmitted with one sentence for everything else.

        Anonymous is refused first, whatever the settings say.
        """
        token = _token(authorization)
        if self.problem:
            raise NotAdmitted(self.problem, 503)
        claims = self._claims(token)
        if str(claims.get("tid", "")).casefold() != self.tenant.tenant:
            raise NotAdmitted("the token is of another tenant")
        if self.role not in _granted(claims):
            raise NotAdmitted(f"the token carries neither the app role nor the scope {self.role}", 403)
        return Caller(_name(claims))

    def _claims(self, token: str) -> Mapping[str, Any]:
        import jwt  # noqa: PLC0415 - as above

        try:
            key, issuers = self.tenant.key(_kid(jwt.get_unverified_header(token)))
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self.audiences,
                issuer=issuers,
                leeway=LEEWAY,
                options={"require": list(REQUIRED)},
            )
        except jwt.PyJWTError as error:
            raise NotAdmitted(_said(error)) from None


def _kid(header: Mapping[str, Any]) -> str:
    """Which key is said to have signed; the algorithm is ours to choose, not the token's."""
    kid = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(kid, str):
        raise NotAdmitted("the token is not signed with RS256 by a named key")
    return kid


def gate_of(settings: Settings, cloud: Cloud) -> Gate:
    """The gate that the settings describe; where they do not, one that lets nobody in and says why. No network yet."""
    missing = [
        name
        for name, value in (
            ("LAMPLIGHTER_API_AUDIENCE", settings.api_audience),
            ("LAMPLIGHTER_API_TENANT", settings.api_tenant),
        )
        if not value
    ]
    problem = f"{' and '.join(missing)} must be set before anybody is let in over HTTP" if missing else ""
    host = cloud.endpoint.authority
    authority = f"https://{host}" if host else cloud.endpoint.arm

    def fetch(url: str) -> Any:
        return cloud.fetch(url, "reading the tenant's signing keys").document

    return Gate(
        _audiences(settings.api_audience), settings.api_role, Tenant(authority, settings.api_tenant, fetch), problem
    )


def _audiences(audience: str) -> tuple[str, ...]:
    """Tokens of version 2 are meant for the client id, those of version 1 for the URI: `api://` and it, by default."""
    client_id = audience.removeprefix("api://")
    if re.fullmatch(r"[0-9a-fA-F-]{36}", client_id):
        return client_id, f"api://{client_id}"
    return (audience,)


def _token(authorization: str | None) -> str:
    if not authorization:
        raise NotAdmitted("who are you? expected an Entra access token: Authorization: Bearer TOKEN")
    found = _BEARER.fullmatch(authorization.strip()) if len(authorization) <= LONGEST_TOKEN else None
    if found is None:
        raise NotAdmitted("the Authorization header holds no access token: expected Bearer and a signed JWT")
    return found[1]


def _said(error: Exception) -> str:
    import jwt  # noqa: PLC0415 - as above

    for kind, sentence in (
        (jwt.ExpiredSignatureError, "the token has expired: get a new one"),
        (jwt.ImmatureSignatureError, "the token is not valid yet"),
        (jwt.InvalidAudienceError, "the token is meant for another audience"),
        (jwt.InvalidIssuerError, "the token was issued by somebody else than the tenant"),
        (jwt.InvalidSignatureError, "the token's signature is wrong"),
        (jwt.MissingRequiredClaimError, f"the token lacks a claim: expected {', '.join(REQUIRED)}"),
    ):
        if isinstance(error, kind):
            return sentence
    return "the token cannot be read"


def _granted(claims: Mapping[str, Any]) -> frozenset[str]:
    """App roles, a list, and delegated scopes, words in one text."""
    roles, scopes = claims.get("roles"), claims.get("scp")
    listed = [one for one in roles if isinstance(one, str)] if isinstance(roles, list) else []
    return frozenset((*listed, *(scopes.split() if isinstance(scopes, str) else ())))


def _name(claims: Mapping[str, Any]) -> str:
    """What people are shown; an application without a name shows its id."""
    for name in ("preferred_username", "upn", "name", "app_displayname", "appid", "azp"):
        value = claims.get(name)
        if isinstance(value, str) and value.strip():
            return value
    return "somebody"
