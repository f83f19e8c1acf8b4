"""A digest to one channel, through apprise, in the form that the channel reads best.

Mail gets HTML with its chart inside and the workbook and the data attached; Teams Workflows an Adaptive Card, Slack
blocks, everybody else plain text. Addresses hold tokens: they appear in no log, error or result.
https://appriseit.com/services/email/, https://appriseit.com/services/workflows/, https://appriseit.com/services/slack/
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.clients.notify import EXAMPLE, SECONDS_A_CHANNEL, Sent, quieted


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message in all its forms."""

    title: str
    text: str
    """For channels that know nothing else; short."""
    html: str
    """Pictures are named as cid:NAME."""
    card: bytes
    """JSON: a message with an Adaptive Card."""
    blocks: bytes
    """JSON: {"blocks": [...]}"""
    pictures: Mapping[str, bytes]
    attachments: Mapping[str, bytes]


def deliver(address: str, parcel: Parcel) -> Sent:
    """Never raises. `address` is an apprise URL: https://github.com/caronc/apprise/wiki#notification-services"""
    quieted()
    try:
        return _deliver(address, parcel)
    except Exception as problem:  # noqa: BLE001 - a plugin may raise anything, and one channel must not stop the others
        return Sent(ok=False, problem=f"the channel broke while sending ({type(problem).__name__})")


def _deliver(address: str, parcel: Parcel) -> Sent:
    from apprise import Apprise, AppriseAsset, NotifyFormat  # noqa: PLC0415 - only sending pays for it

    asset = AppriseAsset(async_mode=False, secure_logging=True, service_timeout=SECONDS_A_CHANNEL)
    asset.app_id = asset.app_desc = "Lamplighter"
    asset.app_url = ""
    plugin: Any = Apprise.instantiate(address, asset=asset)
    if plugin is None:
        return Sent(
            ok=False, problem=f"the channel has an address that apprise does not understand; expected {EXAMPLE}"
        )
    channel = Apprise(asset=asset)
    channel.add(plugin)
    form = type(plugin).__name__
    options: dict[str, Any] = {"title": parcel.title, "interpret_escapes": False, "timeout": SECONDS_A_CHANNEL}
    if "Email" in form:
        plugin.inline = True
        options |= {"body": parcel.html, "body_format": NotifyFormat.HTML, "attach": _attached(parcel)}
        return _taken(channel.notify(**options))
    options |= {"body": parcel.text, "body_format": NotifyFormat.TEXT}
    template = {"NotifyWorkflows": parcel.card, "NotifySlack": parcel.blocks}.get(form)
    if template is None:
        return _taken(channel.notify(**options))
    with _file(template) as path:
        plugin.template.add(str(path))
        if form == "NotifySlack":
            plugin.use_blocks = True
        return _taken(channel.notify(**options))


def _taken(taken: object) -> Sent:
    """Apprise answers with something that is true when every address took it."""
    return Sent(ok=True) if taken else Sent(ok=False, problem="the channel did not take the message")


def _attached(parcel: Parcel) -> Any:
    from apprise import AppriseAttachment  # noqa: PLC0415 - as above
    from apprise.attachment.memory import AttachMemory  # noqa: PLC0415

    attached = AppriseAttachment()
    for name, content in (*parcel.pictures.items(), *parcel.attachments.items()):
        media = _MEDIA.get(name.rpartition(".")[2])
        attached.add(AttachMemory(content=content, name=name, mimetype=media))  # type: ignore[no-untyped-call]
    return attached


_MEDIA = {
    "png": "image/png",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@contextmanager
def _file(content: bytes) -> Iterator[Path]:
    """Apprise takes a card, or blocks, from a file only."""
    with tempfile.TemporaryDirectory(prefix="lamplighter-") as folder:
        path = Path(folder) / "message.json"
        path.write_bytes(content)
        yield path
