"""Which files of a container hold a period: the manifests of cost exports, and the newest run for each day.

    FOLDER/EXPORT/20261101-20261130/RUN/manifest.json, part_0_0001.csv, part_0_0002.csv.gz, ...

A daily export writes its month anew every day, and the month before once more in the first days of a month. What a run
consists of only its manifest tells. https://learn.microsoft.com/azure/cost-management-billing/costs/tutorial-improved-exports
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from shared.model.billing import Basis, Period

MANIFEST = "manifest.json"
KINDS: Mapping[Basis, tuple[str, ...]] = MappingProxyType(
    {
        Basis.AMORTISED: ("focuscost", "amortizedcost"),
        Basis.ACTUAL: ("focuscost", "actualcost", "usage"),
    }
)
"""What an export's type must be; the first that is there."""
_READABLE = (".csv", ".csv.gz")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one export: the days that it covers, both ends included, and its files."""

    export: str
    scope: str
    """Lower case, no leading slash: what the export is of."""
    kind: str
    """Lower case: focuscost, amortizedcost, ..."""
    begin: date
    last: date
    submitted_at: datetime
    blobs: tuple[str, ...]

    @property
    def amortised(self) -> bool:
        return self.kind == "amortizedcost"

    @property
    def is_wide(self) -> bool:
        """Of a billing account or management group, which holds its subscriptions."""
        return not self.scope.startswith("subscriptions/")


def read_manifest(text: str, path: str) -> Run | None:
    """The run that a manifest describes; None for data that are no costs. Raises ValueError for what is no manifest."""
    try:
        document = json.loads(text)
        config, info = document["exportConfig"], document["runInfo"]
        kind = str(config["type"]).casefold()
        if kind not in {one for kinds in KINDS.values() for one in kinds}:
            return None
        resource = str(config.get("resourceId") or "").strip("/").casefold()
        return Run(
            str(config.get("exportName") or path),
            resource.partition("/providers/microsoft.costmanagement/")[0],
            kind,
            _instant(info["startDate"]).date(),
            _instant(info["endDate"]).date(),
            _instant(info["submittedTime"]),
            tuple(str(blob["blobName"]).strip() for blob in document["blobs"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        msg = f"{path} is no manifest of a cost export: {error!r}"
        raise ValueError(msg) from None


def chosen(runs: Iterable[Run], period: Period, basis: Basis) -> tuple[dict[Run, frozenset[date]], str | None]:
    """Each run that is to be read, with the days that are taken from it; and why that is not all, in a sentence."""
    by_kind: dict[str, list[Run]] = {}
    for run in runs:
        by_kind.setdefault(run.kind, []).append(run)
    kind = next((one for one in KINDS[basis] if one in by_kind), None)
    if kind is None:
        wanted = " or ".join(KINDS[basis])
        return {}, f"the container holds no run of a cost export of the type {wanted}"
    found: dict[Run, frozenset[date]] = {}
    for scope, mine in _scopes(by_kind[kind]).items():
        days, lacking = _newest(mine, period)
        if lacking:
            about = f"{mine[0].export} of {scope or 'an unknown scope'}"
            return {}, f"the export {about} does not cover {min(lacking)} yet" if lacking else None
        for run, taken in days.items():
            strange = [blob for blob in run.blobs if not blob.casefold().endswith(_READABLE)]
            if strange:
                return {}, f"{strange[0]} is neither CSV nor compressed CSV; the export's format has to be CSV"
            found[run] = frozenset(taken)
    return found, None


def _scopes(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """By scope; where a wide one is there, only that: the others are parts of it."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.scope, []).append(run)
    wide = {scope: mine for scope, mine in found.items() if mine[0].is_wide and scope}
    if not wide:
        return found
    newest = max(wide, key=lambda scope: max(run.submitted_at for run in wide[scope]))
    return {newest: wide[newest]}


def _newest(runs: list[Run], period: Period) -> tuple[dict[Run, list[date]], list[date]]:
    """Days by the newest run that covers them, and the days that none covers."""
    newest_first = sorted(runs, key=lambda run: run.submitted_at, reverse=True)
    days: dict[Run, list[date]] = {}
    lacking = []
    for day in period.days:
        run = next((one for one in newest_first if one.begin <= day <= one.last), None)
        if run is None:
            lacking.append(day)
        else:
            days.setdefault(run, []).append(day)
    return days, lacking


def _instant(value: Any) -> datetime:
    at = datetime.fromisoformat(_micro(str(value)))
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _micro(text: str) -> str:
    """Azure writes seven digits of a second; ISO readers take six."""
    whole, dot, rest = text.partition(".")
    digits = rest.rstrip("Zz+-0123456789:") if dot else ""
    if not dot or digits:
        return text
    fraction = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return f"{whole}.{fraction[:6]}{rest[len(fraction) :]}"
