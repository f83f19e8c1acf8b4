"""Telling people, through apprise: one message to some channels, and whether each took it.

Addresses hold tokens, so they never appear in a log, an error or a result: the loggers of apprise and of
urllib3's connections are silenced.
https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

SECONDS_A_CHANNEL = 20.0
"""Wall time for one channel; apprise connects and reads within 4 s each by itself."""

EXAMPLE = "such as mailtos://user:password@example.com or json://host/path"


@dataclass(frozen=True, slots=True)
class Sent:
    """`ok`: every address took the message. `problem`: one sentence that holds no address."""

    ok: bool
    problem: str | None = None


def send(addresses: Sequence[str], title: str, body: str) -> Sent:
    """Send plain text to every address; one that fails keeps no other from being told. Never raises.

    `addresses` are apprise URLs: https://github.com/caronc/apprise/wiki#notification-services
    """
    if not addresses:
        return Sent(ok=False, problem="there is no address to send to")
    quieted()
    problems = []
    for number, address in enumerate(addresses, 1):
        which = "the channel" if len(addresses) == 1 else f"channel {number} of {len(addresses)}"
        problem = _tell(address, title, body)
        if problem:
            problems.append(f"{which} {problem}")
    return Sent(ok=not problems, problem="; ".join(problems) or None)


def quieted() -> None:
    """Silence the loggers that would write an address."""
    logging.getLogger("apprise").disabled = True
    # At DEBUG it writes every path, and in a path is where many channels keep their token.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.WARNING)


def _tell(address: str, title: str, body: str) -> str | None:
    """None when it was taken, else what went wrong, without the address."""
    from apprise import Apprise, AppriseAsset, NotifyFormat  # noqa: PLC0415 - 0.09 s that only telling pays

    asset = AppriseAsset(async_mode=False, secure_logging=True, service_timeout=SECONDS_A_CHANNEL)
    asset.app_id = asset.app_desc = "Lamplighter"
    asset.app_url = ""
    channel = Apprise(asset=asset)
    if not channel.add(address):
        return f"has an address that apprise does not understand; expected a URL {EXAMPLE}"
    try:
        taken = channel.notify(
            body=body, title=title, body_format=NotifyFormat.TEXT, interpret_escapes=False, timeout=SECONDS_A_CHANNEL
        )
    except Exception as problem:  # noqa: BLE001 - a plugin may raise anything, and telling must not fail a tick
        return f"broke while sending ({type(problem).__name__})"
    return None if taken else "did not take the message"
