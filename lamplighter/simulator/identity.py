"""Managed identity: App Service's endpoint and the virtual machine's (IMDS), with JWT-shaped tokens.

Token times are wall time: a token that expires in the virtual past would be fetched on every call.
From: https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference and
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.refusals import Refusal
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

IDENTITY_PATH = "/msi/token"
IDENTITY_HEADER = "lamplighter-simulator"
PRINCIPAL = "00000000-0000-0000-0000-0000000000aa"
CLIENT = "00000000-0000-0000-0000-0000000000bb"
LIFETIME = 24 * 3600


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(tenant: str, audience: str) -> tuple[str, int]:
    """`(token, expires_on)`: three dot-separated parts that decode like a JWT; the signature proves nothing."""
    now = int(time.time())
    claims = {
        "aud": audience, "iss": f"https://sts.windows.net/{tenant}/", "iat": now, "nbf": now, "exp": now + LIFETIME,
        "appid": CLIENT, "oid": PRINCIPAL, "sub": PRINCIPAL, "tid": tenant, "idtyp": "app", "ver": "1.0",
        "xms_mirid": f"/subscriptions/{tenant}/resourcegroups/rg/providers/Microsoft.Web/sites/lamplighter",
    }  # fmt: skip
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}.c2ltdWxhdGVk", now + LIFETIME


def check_audience(request: Request, prefix: str) -> None:
    """Refusal 401 unless the token is for that service, or for the one place where all services are."""
    held = request.headers.get("authorization", "").removeprefix("Bearer ").split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(held[1] + "=="))
    except (IndexError, ValueError):
        claims = {}
    audience = str(claims.get("aud", "")).rstrip("/")
    if not audience.startswith(prefix) and audience != request.base_url:
        text = f"The access token has been obtained for wrong audience or resource '{audience}'."
        raise Refusal(401, "InvalidTokenError", text)


def app_service_token(world: World, request: Request) -> Response:
    """GET /msi/token?resource=...&api-version=2019-08-01 with X-IDENTITY-HEADER."""
    if request.headers.get("x-identity-header") != IDENTITY_HEADER:
        raise Refusal(401, "Unauthorized", "The X-IDENTITY-HEADER header is missing or wrong.")
    return _answer(world, request)


def imds_token(world: World, request: Request) -> Response:
    """GET /metadata/identity/oauth2/token?resource=... with Metadata: true."""
    if request.headers.get("metadata", "").lower() != "true":
        raise Refusal(400, "invalid_request", "Required metadata header not specified")
    return _answer(world, request)


def _answer(world: World, request: Request) -> Response:
    resource = request.query.get("resource")
    if not resource:
        raise Refusal(
            400, "invalid_resource", "The resource parameter is missing, such as https://management.azure.com"
        )
    value, expires_on = token(world.tenant, resource)
    return reply(
        200,
        {
            "access_token": value, "expires_on": str(expires_on), "resource": resource, "token_type": "Bearer",
            "client_id": CLIENT, "expires_in": str(LIFETIME), "not_before": str(expires_on - LIFETIME),
        },
    )  # fmt: skip
