"""Spot placement scores: how likely Azure finds room for spot nodes now. Advice only, and silence is no advice.

From: https://learn.microsoft.com/azure/virtual-machine-scale-sets/spot-placement-score: up to 8 regions and 5 sizes a
call, scarce quota, the role Compute Recommendations Role; to be kept for 15 to 30 minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.clients.azure import Cloud
from shared.clients.market import Cache
from shared.errors import CloudError

if TYPE_CHECKING:
    from shared.clients.pipeline import Patience

API_VERSION = "2025-06-05"
FRESH = timedelta(minutes=30)
SIZES_A_CALL = 5
CALLS_A_LOOK = 10
KNOWN = frozenset({"High", "Medium", "Low"})

Scores = Mapping[tuple[str, str, str, str], str]
"""(subscription, region, lower-case size, zone or '') -> High, Medium or Low"""


def placement_scores(
    cloud: Cloud, wanted: Iterable[tuple[str, str, str]], cache: Cache, now: datetime, patience: Patience
) -> Scores:
    """Scores for (subscription, region, size). Never raises: what could not be had is absent, for half an hour."""
    places: dict[tuple[str, str], set[str]] = {}
    for subscription, region, size in wanted:
        places.setdefault((subscription, region), set()).add(size)
    found: dict[tuple[str, str, str, str], str] = {}
    calls = 0
    for place, sizes in sorted(places.items()):
        known, asked = _kept(cache, place, now)
        missing = sorted(size for size in sizes if size.casefold() not in asked)
        for start in range(0, len(missing), SIZES_A_CALL):
            if calls == CALLS_A_LOOK:
                break
            calls += 1
            known |= _asked(cloud, place, missing[start : start + SIZES_A_CALL], patience)
            asked |= {size.casefold() for size in missing[start : start + SIZES_A_CALL]}
            _keep(cache, place, known, asked, now)
        found |= {(*place, *key.split("|")): score for key, score in known.items()}  # type: ignore[misc]
    return found


def _asked(cloud: Cloud, place: tuple[str, str], sizes: list[str], patience: Patience) -> dict[str, str]:
    subscription, region = place
    body = {
        "desiredLocations": [region],
        "desiredSizes": [{"sku": size} for size in sizes],
        "desiredCount": 1,
        "availabilityZones": True,
    }
    url = f"/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/placementScores/spot/generate"
    try:
        answer = cloud.call(
            "POST",
            url,
            f"asking for spot placement scores in {region}",
            params={"api-version": API_VERSION},
            body=body,
            patience=patience,
        ).document
    except CloudError:
        return {}
    rows = answer.get("placementScores") if isinstance(answer, Mapping) else None
    return {_key(row): row["score"] for row in rows or () if isinstance(row, Mapping) and row.get("score") in KNOWN}


def _key(row: Mapping[str, Any]) -> str:
    return f"{str(row.get('sku')).casefold()}|{row.get('availabilityZone') or ''}"


def _kept(cache: Cache, place: tuple[str, str], now: datetime) -> tuple[dict[str, str], set[str]]:
    """Scores, and the sizes that were asked for, whatever came of it."""
    try:
        kept = cache.prices("score~{}~{}".format(*place))
    except CloudError:
        return {}, set()
    if kept is None or now - kept[1] >= FRESH:
        return {}, set()
    return dict(kept[0].get("scores") or {}), set(kept[0].get("asked") or ())


def _keep(cache: Cache, place: tuple[str, str], known: Mapping[str, str], asked: set[str], now: datetime) -> None:
    try:
        cache.put_prices("score~{}~{}".format(*place), {"scores": dict(known), "asked": sorted(asked)}, now)
    except CloudError:
        return  # as with list prices
