"""How many more nodes would fit: cores that the quota still has, addresses that subnets still have.

One call per subscription and region, one per virtual network. From: https://learn.microsoft.com/rest/api/compute/usage/list
and https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks/list-usage. What could not be read is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from shared.clients.azure import Cloud
from shared.errors import CloudError

if TYPE_CHECKING:
    from shared.clients.pipeline import Patience

COMPUTE_VERSION = "2024-07-01"
NETWORK_VERSION = "2024-05-01"
SPOT_CORES, ALL_CORES = "lowprioritycores", "cores"

_SIZE = re.compile(r"standard_([a-z]+)(\d+)(?:-\d+)?([a-z]*)(?:_(.*))?")

Usages = Mapping[str, int]
"""Lower-case name -> what is left of it."""


def quotas(cloud: Cloud, places: Iterable[tuple[str, str]], patience: Patience) -> Mapping[tuple[str, str], Usages]:
    """(subscription, region) -> cores left by lower-case name of the quota; absent where it could not be read."""
    found = {}
    for subscription, region in sorted(set(places)):
        url = f"/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/usages"
        rows = _listed(cloud, url, f"reading the quota in {region}", COMPUTE_VERSION, patience)
        if rows is not None:
            names = ((_name(row), row) for row in rows)
            found[subscription, region] = {name: left for name, row in names if (left := _left(row)) is not None}
    return found


def _name(row: Mapping[str, Any]) -> str:
    name = row.get("name")
    return str(name.get("value") if isinstance(name, Mapping) else name).casefold()


def _left(row: Mapping[str, Any]) -> int | None:
    used, limit = row.get("currentValue"), row.get("limit")
    return max(0, int(limit - used)) if isinstance(used, (int, float)) and isinstance(limit, (int, float)) else None


def nodes_left(usages: Usages | None, size: str, *, spot: bool) -> int | None:
    """Nodes of that size that the quota has room for; None while nothing of it is known.

    Spot has one quota for all sizes of a region; on-demand has one per family and one for all.
    https://learn.microsoft.com/azure/quotas/spot-quota

    >>> nodes_left({"lowprioritycores": 10, "cores": 3}, "Standard_D4s_v5", spot=True)
    2
    >>> nodes_left({"standarddsv5family": 20, "cores": 9}, "Standard_D4s_v5", spot=False)
    2
    >>> [nodes_left({"cores": 16}, size, spot=False) for size in ("Standard_DS4_v2", "Standard_D4s_v3")]
    [2, 4]
    """
    parts = _SIZE.fullmatch(size.casefold())
    if usages is None or parts is None:
        return None
    names = [SPOT_CORES] if spot else [ALL_CORES, _family(parts)]
    left = [usages[name] for name in names if name in usages]
    return min(left) // _cores(parts) if left else None


# Names of the first two generations count sizes, not cores: Standard_DS4_v2 has eight.
_COUNTED = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 11: 2, 12: 4, 13: 8, 14: 16, 15: 20}


def _cores(parts: re.Match[str]) -> int:
    """https://learn.microsoft.com/azure/virtual-machines/sizes/general-purpose/dv2-series"""
    number = int(parts[2])
    counted = parts[1] in ("d", "ds") and not parts[3] and (parts[4] or "v1") in ("v1", "v2", "v2_promo")
    return _COUNTED.get(number, number) if counted else max(1, number)


def _family(parts: re.Match[str]) -> str:
    """The name of its quota, as far as sizes are regular: Standard_D4as_v5 -> standarddasv5family, Standard_B2ms ->
    standardbsfamily.
    """
    kind = "s" if parts[1] == "b" and not parts[4] else parts[3]
    return f"standard{parts[1]}{kind}{(parts[4] or '').replace('_', '')}family"


def free_addresses(cloud: Cloud, subnets: Iterable[str], patience: Patience) -> Mapping[str, int]:
    """Lower-case subnet id -> addresses left; absent where it could not be read."""
    networks = sorted({subnet.casefold().rpartition("/subnets/")[0] for subnet in subnets} - {""})
    found: dict[str, int] = {}
    for network in networks:
        name = network.rpartition("/")[2]
        rows = _listed(cloud, f"{network}/usages", f"reading the addresses of {name}", NETWORK_VERSION, patience)
        found |= {str(row.get("id")).casefold(): left for row in rows or () if (left := _left(row)) is not None}
    return found


def _listed(cloud: Cloud, url: str, doing: str, version: str, patience: Patience) -> list[Mapping[str, Any]] | None:
    """All rows, or None when one page could not be read: half a list is none."""
    rows: list[Mapping[str, Any]] = []
    params = {"api-version": version}
    while url:
        try:
            page = cloud.call("GET", url, doing, params=params, patience=patience).document
        except CloudError:
            return None
        if not isinstance(page, Mapping) or not isinstance(page.get("value"), list):
            return None
        rows += [row for row in page["value"] if isinstance(row, Mapping)]
        url, params = page.get("nextLink") or "", {}
    return rows
