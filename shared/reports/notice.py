"""Notices that belong together -> one message: a title, and a plain-text body with a list in it.

Channels render text differently (Slack, Teams, e-mail, SMS), and the sentences quote what people typed into tags and
commands. So whatever a channel could take for markup, a link or a call to everybody is defused here, once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.model.decisions import Notice

LISTED = 20
"""Entries in a list before "and N more"."""
SENTENCE = 300
"""Characters of one sentence."""
BODY = 3_500
"""Characters of a body; the tightest of the common channels, Telegram, takes 4,096.
From: https://core.telegram.org/bots/api#sendmessage"""

FLEET = "fleet"

# kind -> (one cluster, several clusters, it is over). Over says no more than that: the cluster may be gone, too.
_CLUSTERS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "stop_soon": ("stops soon", "stop soon", "no longer about to stop"),
        "start_late": ("is late to start", "are late to start", "no longer late"),
        "nodes_late": ("runs without its nodes", "run without their nodes", "no longer without its nodes"),
        "no_capacity": ("found no capacity to start", "found no capacity to start", "no longer short of capacity"),
        "action_failed": ("has an action that failed", "have actions that failed", "no longer failing"),
        "stop_stuck": ("has been stopping for too long", "have been stopping for too long", "no longer stopping"),
        "size_differs": ("came back in another size", "came back in another size", "in the right size"),
        "alert": ("has an alert that fires", "have alerts that fire", "no longer under alert"),
        "alert_left": ("was changed by somebody since an alert", "were changed by somebody since an alert", "settled"),
        "alert_stays": ("stays as an alert made it", "stay as alerts made them", "no longer as an alert made it"),
        "ring_halted": ("halts its ring", "halt their rings", "no longer halting a ring"),
        "repair_escalated": ("stays Failed", "stay Failed", "no longer Failed"),
        "support_ending": ("runs out of support", "run out of support", "no longer running out of support"),
        "undone": ("is changed back by somebody else", "are changed back by somebody else", "no longer changed back"),
        "unreadable_tag": ("has a tag that cannot be read", "have tags that cannot be read", "no longer unreadable"),
    }
)
# kind -> (what happened, it is over)
_FLEET: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "unreadable_policy": ("the policy cannot be read", "the policy reads again"),
        "unreadable_fleet": ("part of the fleet cannot be read", "the whole fleet reads again"),
        "breaker_open": ("stops are paused by the breaker", "stops go on, the breaker has closed"),
        "hold": ("the emergency hold is on", "the emergency hold is off"),
        "poison": ("a queued message could not be handled", "queued messages are handled again"),
        "channel_unreachable": ("a channel cannot be reached", "the channel is reached again"),
    }
)
_HINTS: Mapping[str, str] = MappingProxyType(
    {"stop_soon": "To keep one on: lamplighter keep-on CLUSTER --for 4h --owner YOU --reason WHY"}
)

_CALLS = re.compile(r"@(?=everyone|here|channel|all\b|room\b)", re.IGNORECASE)
_BRACKETS = str.maketrans({"<": "\u2039", ">": "\u203a"})
_LINK = re.compile(r"\]\s*\(")


@dataclass(frozen=True, slots=True)
class Message:
    """What is handed to a channel: both are plain text."""

    title: str
    body: str


def plain(text: str, most: int = SENTENCE) -> str:
    """One line that no channel takes for markup, cut to `most` characters; angle brackets become quotation marks."""
    kept = "".join(" " if char.isspace() else char for char in text)
    kept = "".join(char for char in kept if not unicodedata.category(char).startswith("C"))
    kept = " ".join(kept.split()).translate(_BRACKETS)
    kept = _LINK.sub("] (", _CALLS.sub("@\u200b", kept))
    return kept if len(kept) <= most else f"{kept[: most - 1].rstrip()}…"


def shown(about: str) -> str:
    """The name of a cluster and its resource group, from its id; anything else as it is.

    >>> shown("/subscriptions/s/resourcegroups/rg-shop/providers/microsoft.containerservice/managedclusters/shop")
    'shop (rg-shop)'
    """
    parts = about.split("/")
    if len(parts) >= 9 and parts[3].casefold() == "resourcegroups":
        return plain(f"{parts[8]} ({parts[4]})")
    return plain(about)


def compose(
    kind: str, notices: Iterable[Notice], *, over: Iterable[str] = (), reminder: bool = False, link: str = ""
) -> Message:
    """One message about one matter.

    `notices` is the list as it stands, `over` what an earlier message listed and this one no longer does.
    `link` is where what is listed can be put off. Without notices it is the closing message. Never longer than BODY
    and a link, never raises.
    """
    listed = sorted(notices, key=lambda notice: (notice.about == FLEET, notice.about, notice.sentence))
    ended = sorted(over)
    if not listed:
        return Message(_title(kind, ended, closing=True), _body(kind, [], ended))
    title = _title(kind, [notice.about for notice in listed], closing=False)
    body = _body(kind, listed, ended)
    what = "it" if len(listed) == 1 else "all of these"
    body = f"{body}\n\nTo put {what} off by some hours: {link}" if link else body
    return Message(f"{title} (still)" if reminder else title, body)


def _title(kind: str, about: list[str], *, closing: bool) -> str:
    clusters = [one for one in about if one != FLEET]
    words = plain(kind.replace("_", " "))
    if kind in _FLEET or not clusters:
        happened, ended = _FLEET.get(kind, (words, f"{words}: over"))
        return f"Lamplighter: {ended if closing else happened}"
    one, several, ended = _CLUSTERS.get(kind, (f"- {words}", f"- {words}", f"{words}: over"))
    many = len(clusters) > 1
    who = f"{len(clusters)} clusters" if many else shown(clusters[0])
    if closing:
        return f"Lamplighter: {who} {'are' if many else 'is'} {ended}" if kind in _CLUSTERS else f"Lamplighter: {ended}"
    return f"Lamplighter: {who} {several if many else one}"


def _body(kind: str, listed: list[Notice], ended: list[str]) -> str:
    lines = _bullets([_entry(notice) for notice in listed], BODY * 2 // 3)
    if ended and not (not listed and ended == [FLEET]):
        lines += [*([""] if lines else []), "No longer:"] if listed else ["It is over for:"]
        lines += _bullets([shown(about) for about in ended], BODY // 4)
    elif not listed:
        lines = ["It is over."]
    if listed and kind in _HINTS:
        lines += ["", _HINTS[kind]]
    return "\n".join(lines)


def _entry(notice: Notice) -> str:
    """A sentence that begins with the cluster's name needs no name before it."""
    sentence = plain(notice.sentence)
    name = notice.about.rpartition("/")[2]
    if notice.about == FLEET or re.match(rf"{re.escape(name)}\b", sentence, re.IGNORECASE):
        return sentence
    return f"{shown(notice.about)}: {sentence}"


def _bullets(entries: list[str], room: int) -> list[str]:
    lines: list[str] = []
    for number, entry in enumerate(entries):
        if number == LISTED or sum(map(len, lines)) + len(entry) > room:
            return [*lines, f"and {len(entries) - number} more"]
        lines.append(f"- {entry}")
    return lines
