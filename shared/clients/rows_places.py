"""How the places of a rule of rings lie in a row of the journal."""

from __future__ import annotations

from shared.clients.rows import Section, instant_text, key_of, read_instant
from shared.clients.store import Row
from shared.model.places import Places

PLACES = "places"
"""Partition, in the table of the fleet."""

_PLACES = Section("places")


def places_row(places: Places, etag: str | None) -> Row:
    document = {"rule": places.rule, "held": {one: instant_text(until) for one, until in places.held.items()}}
    return Row(PLACES, key_of(places.rule), _PLACES.pack(document, f"the places of {places.rule}"), etag)


def read_places(row: Row) -> Places:
    document = _PLACES.unpack(row.properties)
    return Places(document["rule"], {one: read_instant(until) for one, until in document["held"].items()})
