"""How a link of a message lies in a row of the journal."""

from __future__ import annotations

from shared.clients.rows import Section, instant_text, key_of, read_instant, read_length, read_maybe
from shared.clients.store import Row
from shared.model.records import Link

LINKS_TABLE, LINKS = "Links", "links"

_LINK = Section("link")


def link_row(link: Link, etag: str | None) -> Row:
    """Raises Refused for a list that no row can hold."""
    document = {
        "digest": link.digest,
        "clusters": link.clusters,
        "sentences": link.sentences,
        "zone": link.zone,
        "due_at": instant_text(link.due_at),
        "expires_at": instant_text(link.expires_at),
        "keep_at_most": None if link.keep_at_most is None else link.keep_at_most.total_seconds(),
        "used_at": None if link.used_at is None else instant_text(link.used_at),
        "until": None if link.until is None else instant_text(link.until),
        "done": link.done,
    }
    return Row(LINKS, key_of(link.digest), _LINK.pack(document, f"a link for {len(link.clusters)} clusters"), etag)


def read_link(row: Row) -> Link:
    document = _LINK.unpack(row.properties)
    return Link(
        digest=document["digest"],
        clusters=tuple(document["clusters"]),
        sentences=tuple(document["sentences"]),
        zone=document["zone"],
        due_at=read_instant(document["due_at"]),
        expires_at=read_instant(document["expires_at"]),
        keep_at_most=read_length(document["keep_at_most"]),
        used_at=read_maybe(document["used_at"]),
        until=read_maybe(document["until"]),
        done=document["done"],
    )
