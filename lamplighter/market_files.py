"""Prices and eviction rates from files: what a laptop that is not connected knows of the market.

Three shapes are understood: an answer of the Retail Prices API, rows of SpotResources as `az graph query` prints them,
and a table with the columns region, sku, kind and usd_per_hour.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from shared.clients.market import CURRENCY, prices_in
from shared.clients.spot_offers import Offers, SpotOffer, offers_in
from shared.errors import InputError
from shared.model.money import ListPrice, Money, Prices

EXPECTED = (
    "expected an answer of https://prices.azure.com/api/retail/prices, rows of `az graph query -q spotresources "
    "-o json`, or a table with the columns region, sku, kind, usd_per_hour"
)
_COLUMNS = {"region", "sku", "kind", "usd_per_hour"}
_KINDS = {"ondemand": "on_demand", "on_demand": "on_demand", "spot": "spot"}


def read_market(files: Iterable[Path]) -> tuple[Prices, Offers]:
    """What all the files say together, later ones before earlier ones. Raises InputError with one sentence."""
    prices: dict[tuple[str, str], ListPrice] = {}
    offers: dict[tuple[str, str], SpotOffer] = {}
    for file in files:
        text = _text(file)
        if not text.lstrip().startswith(("[", "{")):
            prices |= _merged(prices, _table(text, file))
            continue
        rows = tuple(_rows(text, file))
        items, spot = prices_in(rows), offers_in(rows)
        if not items and not spot:
            raise InputError(f"{file} holds no price of a virtual machine: {EXPECTED}")
        prices |= _merged(prices, items)
        offers |= spot
    return prices, offers


def _merged(known: Prices, more: Prices) -> Prices:
    """Spot and on-demand prices may stand in different files."""
    none = ListPrice()
    return {
        key: ListPrice(one.on_demand or known.get(key, none).on_demand, one.spot or known.get(key, none).spot)
        for key, one in more.items()
    }


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
        return (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"--prices {file}: there is no such file; {EXPECTED}") from None
    except (OSError, EOFError, UnicodeDecodeError):
        raise InputError(f"--prices {file} cannot be read; {EXPECTED}") from None


def _rows(text: str, file: Path) -> Iterator[Mapping[str, Any]]:
    """Items and rows, whether one page was kept or a list of pages."""
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise InputError(f"--prices {file}: this is no JSON; {EXPECTED}") from None
    for part in document if isinstance(document, list) else [document]:
        inner = part.get("Items", part.get("data")) if isinstance(part, Mapping) else None
        yield from (one for one in (inner if isinstance(inner, list) else [part]) if isinstance(one, Mapping))


def _table(text: str, file: Path) -> Prices:
    reader = csv.DictReader(text.splitlines())
    columns = {(name or "").strip().casefold() for name in reader.fieldnames or ()}
    if not columns >= _COLUMNS:
        raise InputError(f"--prices {file} has no column {min(_COLUMNS - columns)}: {EXPECTED}")
    said: dict[tuple[str, str], dict[str, set[Decimal | None]]] = {}
    for row in reader:
        kind, product = _KINDS.get((row["kind"] or "").strip().casefold()), row.get("product") or ""
        if kind is not None and not product.endswith("Windows") and "Dedicated Host" not in product:
            where = ((row["region"] or "").replace(" ", "").casefold(), _size(row["sku"] or ""))
            said.setdefault(where, {}).setdefault(kind, set()).add(_amount(row["usd_per_hour"]))
    return {where: ListPrice(_one(kinds, "on_demand"), _one(kinds, "spot")) for where, kinds in said.items()}


def _size(sku: str) -> str:
    """The size as AKS spells it, in lower case.

    >>> _size("D4s v5"), _size("Standard_D4s_v5")
    ('standard_d4s_v5', 'standard_d4s_v5')
    """
    name = sku.strip().casefold().replace(" ", "_")
    return name if name.startswith("standard_") else f"standard_{name}"


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount > 0 else None


def _one(kinds: Mapping[str, set[Decimal | None]], kind: str) -> Money | None:
    """None where there is none, or where two disagree."""
    amounts = kinds.get(kind, set())
    amount = next(iter(amounts)) if len(amounts) == 1 else None
    return None if amount is None else Money(amount, CURRENCY)
