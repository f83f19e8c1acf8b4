"""How it lies in a row of the journal when a digest that waits for its bills goes on."""

from __future__ import annotations

from datetime import datetime

from shared.clients.rows import Section, instant_text, read_instant
from shared.clients.store import Row

DIGEST, NEXT_RUN = "digest", "next-run"
"""Partition, in the table of the fleet, and key."""

_NEXT_RUN = Section("next_run")


def next_run_row(at: datetime) -> Row:
    return Row(DIGEST, NEXT_RUN, _NEXT_RUN.pack({"at": instant_text(at)}, "the next run of the digest"))


def read_next_run(row: Row) -> datetime:
    return read_instant(_NEXT_RUN.unpack(row.properties)["at"])
