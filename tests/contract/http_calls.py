"""How clients speak to the HTTP functions, and what the journal holds afterwards."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.clients.entra_tokens import bearer

if TYPE_CHECKING:
    from shared.model.memory import Wish
    from tests.contract.conftest import House
    from tests.contract.functions_host import FunctionsHost, Reply

VERBS = ("keep_on", "keep_off", "wake")
FOUR_HOURS = {"cluster": "web-dev", "for": "4h", "reason": "load test"}
PUBLIC = {"OPERATORS_CHANNEL": "json://127.0.0.1/SECRET", "LAMPLIGHTER_PUBLIC_URL": "https://lamps.example.com"}
LINK = re.compile(r"https://lamps\.example\.com/api/clusters/postpone\?t=([0-9a-f]{64})")


def post(host: FunctionsHost, function: str, said: Any, authorization: str | None = None, **headers: str) -> Reply:
    """As a careful client would send it, unless said otherwise."""
    given_headers = {"Content-Type": "application/json", "Authorization": authorization or bearer(), **headers}
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return host.http(function, "POST", body, headers={k: v for k, v in given_headers.items() if v})


def holds(house: House, name: str = "web-dev") -> list[tuple[Wish, str, str, str]]:
    memory = house.app.journal.memory(house.world.cluster(name).id).value
    return [(one.wish, one.source, one.owner, one.reason) for one in memory.holds]


def warned(host: FunctionsHost, house: House) -> str:
    """Monday 19:00 in Berlin: the warning went out; the token of its link."""
    house.wait(hours=9)
    assert host.timer("tick").ok
    assert host.timer("tell").ok
    return LINK.findall(house.sent[-1])[0]


def pressed(host: FunctionsHost, token: str, key: str = "2h", **headers: str) -> Reply:
    """The button of the page."""
    known = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return host.http("postpone", "POST", urlencode({"t": token, "for": key}).encode(), headers=known)
