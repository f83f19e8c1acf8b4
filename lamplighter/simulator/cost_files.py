"""Cost exports as files, as Cost Management leaves them in a container: partitions with a header each, and a manifest.

    write_export(world, folder, Export("focus", "FocusCost", SUB), date(2026, 11, 1), date(2026, 11, 30))
        folder/focus/20261101-20261130/RUN/manifest.json, part_0_0001.csv

Columns and spellings are those of the exports themselves: FOCUS 1.0, and Enterprise Agreement actual and amortised.
https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/schema-index
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.cost_query import group_of, meter_of

if TYPE_CHECKING:
    from lamplighter.simulator.charges import Charge
    from lamplighter.simulator.world import World

UNUSED = "UnusedReservation"
FOCUS_PRICING = {"OnDemand": "Standard", "Spot": "Dynamic", "Reservation": "Committed"}
ROWS_A_PART = 5000


@dataclass(frozen=True, slots=True)
class Export:
    """One export. `subscription` '' is the whole billing account."""

    name: str
    kind: str
    """FocusCost | ActualCost | AmortizedCost"""
    subscription: str = ""
    compressed: bool = False


def write_export(world: World, folder: Path, export: Export, begin: date, last: date) -> Path:
    """One run over [begin, last] as known now; the folder of the run."""
    submitted = world.now()
    run = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{export.name}|{export.kind}|{begin}|{submitted.isoformat()}"))
    place = Path(export.name) / f"{begin:%Y%m%d}-{last:%Y%m%d}" / run
    (folder / place).mkdir(parents=True)
    columns = _FOCUS if export.kind == "FocusCost" else _ENTERPRISE
    lines = [
        [read(world, charge, export) for read in columns.values()]
        for charge in world.meter.charges(world, begin, last + timedelta(days=1))
        if export.subscription.casefold() in ("", charge.subscription)
    ]
    blobs = []
    for number in range(max(1, -(-len(lines) // ROWS_A_PART))):
        part = lines[number * ROWS_A_PART : (number + 1) * ROWS_A_PART]
        name = f"part_0_{number + 1:04}.csv" + (".gz" if export.compressed else "")
        content = _text(list(columns), part)
        (folder / place / name).write_bytes(gzip.compress(content) if export.compressed else content)
        blobs.append({"blobName": f"{place.as_posix()}/{name}", "byteCount": len(content), "dataRowCount": len(part)})
    scope = (
        f"/subscriptions/{export.subscription}"
        if export.subscription
        else "/providers/Microsoft.Billing/billingAccounts/1"
    )
    manifest = {
        "manifestVersion": "2024-04-01",
        "blobCount": len(blobs),
        "dataRowCount": len(lines),
        "exportConfig": {
            "exportName": export.name,
            "resourceId": f"{scope}/providers/Microsoft.CostManagement/exports/{export.name}",
            "type": export.kind,
            "timeFrame": "MonthToDate",
            "granularity": "Daily",
        },
        "deliveryConfig": {"fileFormat": "Csv", "compressionMode": "Gzip" if export.compressed else "None"},
        "runInfo": {
            "submittedTime": f"{submitted:%Y-%m-%dT%H:%M:%S.%f}0Z",
            "runId": run,
            "startDate": f"{begin}T00:00:00",
            "endDate": f"{last}T00:00:00Z",
        },
        "blobs": blobs,
    }
    (folder / place / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    return folder / place


def _text(header: list[str], lines: list[list[str]]) -> bytes:
    """With a byte order mark, as Azure writes it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows(lines)
    return out.getvalue().encode("utf-8-sig")


Column = Callable[["World", "Charge", Export], str]


def _plain(read: Callable[[Charge], Any]) -> Column:
    return lambda _world, charge, _export: str(read(charge))


def _actual(charge: Charge) -> Decimal:
    return charge.amount if charge.actual is None else charge.actual


def _cost(_world: World, charge: Charge, export: Export) -> str:
    return str(charge.amount if export.kind == "AmortizedCost" else _actual(charge))


def _currency(world: World, _charge: Charge, _export: Export) -> str:
    return world.meter.tariff.currency


def _tags(charge: Charge) -> str:
    return json.dumps(dict(charge.tags))


def _account(charge: Charge) -> str:
    """Unused commitments belong to no subscription."""
    return "" if charge.charge == UNUSED else charge.subscription


def _unit(charge: Charge) -> str:
    return "1 Hour" if charge.hours else "1/Day"


_FOCUS: dict[str, Column] = {
    "BilledCost": _plain(_actual),
    "EffectiveCost": _plain(lambda charge: charge.amount),
    "BillingCurrency": _currency,
    "ChargePeriodStart": _plain(lambda charge: f"{charge.day}T00:00:00Z"),
    "ChargeCategory": _plain(lambda charge: "Credit" if charge.amount < 0 else "Usage"),
    "CommitmentDiscountStatus": _plain(
        lambda charge: "" if charge.pricing != "Reservation" else "Unused" if charge.charge == UNUSED else "Used"
    ),
    "PricingCategory": _plain(lambda charge: FOCUS_PRICING[charge.pricing]),
    "ResourceId": _plain(lambda charge: charge.resource),
    "x_ResourceGroupName": _plain(lambda charge: group_of(charge.resource)),
    "SubAccountId": _plain(lambda charge: f"/subscriptions/{_account(charge)}" if _account(charge) else ""),
    "RegionId": _plain(lambda charge: charge.region),
    "ServiceName": _plain(lambda charge: charge.category),
    "ChargeDescription": _plain(meter_of),
    "ConsumedQuantity": _plain(lambda charge: charge.hours or 1),
    "ConsumedUnit": _plain(lambda charge: "Hours" if charge.hours else "Days"),
    "Tags": _plain(_tags),
}
_ENTERPRISE: dict[str, Column] = {
    "Date": _plain(lambda charge: f"{charge.day:%m/%d/%Y}"),
    "SubscriptionId": _plain(_account),
    "ResourceGroup": _plain(lambda charge: group_of(charge.resource).upper()),
    "ResourceId": _plain(lambda charge: charge.resource),
    "ResourceLocation": _plain(lambda charge: charge.region),
    "MeterCategory": _plain(lambda charge: charge.category),
    "MeterName": _plain(meter_of),
    "Quantity": _plain(lambda charge: charge.hours or 1),
    "UnitOfMeasure": _plain(_unit),
    "CostInBillingCurrency": _cost,
    "BillingCurrency": _currency,
    "ChargeType": _plain(lambda charge: "Refund" if charge.amount < 0 else charge.charge),
    "PricingModel": _plain(lambda charge: charge.pricing),
    "Tags": _plain(lambda charge: _tags(charge)[1:-1]),
}


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(name in a container, content) of everything below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()
