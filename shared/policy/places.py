"""At most `at_once` clusters of a rule are upgraded at the same time: a place is taken before an upgrade is claimed.

    read the places -> read who is half-way -> a place is free? -> swap the places -> claim the cluster -> write

Who is half-way stands in the memories, and a claim is seen there. Between two workers that look at the same moment
only the row of places decides: one swap wins, the other looks again and finds the place taken. A worker that dies
holds its place until `HELD` is over, longer than any worker lives. Pure.

From: the protocol is explored exhaustively in tests/faults/test_places_model.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from shared.model.places import Places
from shared.policy.claim import LEASE

HELD = LEASE
"""As long as a claim: a worker that took a place has claimed by then, or is no more."""


def reserved(places: Places, cluster: str, half_way: Collection[str], at_once: int, now: datetime) -> Places | None:
    """The places with one for `cluster`; None when all are taken. `half_way`: whose memory says so by now.

    >>> from datetime import UTC
    >>> now = datetime(2026, 12, 8, 20, 0, tzinfo=UTC)
    >>> reserved(Places("rings"), "web", {"api"}, 1, now) is None
    True
    """
    held = {one: until for one, until in places.held.items() if until > now}
    if len({*held, *half_way} - {cluster}) >= at_once:
        return None
    return replace(places, held={**held, cluster: now + HELD})
