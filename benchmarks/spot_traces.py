"""Recorded spot capacity as windows of 30-second turns, whatever its gap and polarity.

From here on 1 or more means available. The windows of Can't Be Late say the opposite, and are turned around.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from spot_market import TURN, Window

DAY = 24 * 3600 // TURN
PLENTY = 16
OWN = Path(__file__).parent / "data" / "spot_synthetic.json"
COMBINED: Mapping[str, tuple[str, ...]] = {
    "cant-be-late 8 zones": ("k80", "v100"),
    "cant-be-late 4 zones": ("k80_8", "v100_1"),
    "cant-be-late v100": ("v100",),
    "cant-be-late scarce": ("v100_8", "b_k80_1"),
}
"""Name -> parts of the names of its zones. All pools of one region at the same moments."""


def windows(folder: Path | None, count: int, seed: int = 0) -> dict[str, list[Window]]:
    """Name -> days of that trace, begun at seeded moments. Without a folder: the synthetic trace that ships.

    Any folder below it that holds *.json files is a trace, one file a zone, as in the artifact of SpotHedge.
    """
    found = {"synthetic": list(_cut(_own(), count, seed))}
    if folder is None:
        return found
    for path in sorted({file.parent for file in folder.rglob("*.json")}):
        found[path.name] = list(_cut(_zones(path), count, seed))
    for archive in sorted(folder.rglob("*real_traces.tar.gz")):
        found |= _combined(archive, count)
    if len(found) == 1:
        raise SystemExit(f"{folder} holds no traces; expected folders with a JSON file per zone, such as aws1/")
    return found


def _own() -> list[list[int]]:
    document = json.loads(OWN.read_text(encoding="utf-8"))
    return [_turns(data, document["metadata"]["gap_seconds"]) for data in document["zones"].values()]


def _zones(path: Path) -> list[list[int]]:
    zones = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(path.glob("*.json"))]
    turns = [_turns(zone["data"], zone["metadata"]["gap_seconds"]) for zone in zones]
    shortest = min(map(len, turns))
    return [zone[:shortest] for zone in turns]


def _turns(data: list[int], gap: float) -> list[int]:
    length = int(len(data) * gap / TURN)
    return [int(data[min(len(data) - 1, int(turn * TURN / gap))]) for turn in range(length)]


def _cut(zones: list[list[int]], count: int, seed: int) -> Iterator[Window]:
    rng, last = Random(seed), max(0, len(zones[0]) - DAY)
    for _ in range(count):
        begin = rng.randint(0, last)
        yield [zone[begin : begin + DAY] for zone in zones]


def _combined(archive: Path, count: int) -> dict[str, list[Window]]:
    """Two days each of so many starts. The archive holds the same windows several times: one copy is read."""
    step = 600 // max(1, count)
    found: dict[int, dict[str, Any]] = {}
    with tarfile.open(archive) as members:
        for member in members:
            parts = member.name.split("/")
            if "overhead=0.02" not in member.name or ".json" not in parts[-1] or parts[-1].startswith("._"):
                continue
            if parts[-2] != "random_start" or int(parts[-1].removesuffix(".json")) % step:
                continue
            file = members.extractfile(member)
            document = json.load(file) if file is not None else {}
            found.setdefault(int(parts[-1].removesuffix(".json")), {})[parts[-4]] = document
    cut: dict[str, list[Window]] = {}
    for name, keep in COMBINED.items():
        for start in sorted(found):
            zones = [_available(one) for zone, one in sorted(found[start].items()) if any(k in zone for k in keep)]
            cut.setdefault(name, []).extend([zone[at : at + DAY] for zone in zones] for at in (0, 5000))
    return cut


def _available(document: dict[str, Any]) -> list[int]:
    """1 = NOT available in this archive."""
    return [0 if gone else PLENTY for gone in _turns(document["data"], document["metadata"]["gap_seconds"])]
