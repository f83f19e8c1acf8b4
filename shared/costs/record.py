"""What a digest told, in a few numbers that are kept: so that the next one can say what was restated, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.costs.restated import Told
from shared.errors import InputError
from shared.model.digest import Digest
from shared.model.weeks import Week

VERSION = 1


def record(digest: Digest) -> dict[str, Any]:
    """JSON values only; amounts as text, so that no digit is lost."""
    amounts: defaultdict[str, dict[tuple[str, str], Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in digest.rows:
        if row.on in digest.week and row.line.cluster:
            amounts[row.line.currency][row.line.cluster, row.line.kind.value] += row.amount
    return {
        "version": VERSION,
        "audience": digest.audience,
        "week": str(digest.week),
        "made_at": digest.made_at.isoformat(),
        "basis": digest.basis.value,
        "source": digest.source,
        "read_at": digest.read_at.isoformat(),
        "provisional": digest.provisional_until is not None,
        "missing": list(digest.missing),
        "amounts": {
            currency: [[cluster, kind, str(amount)] for (cluster, kind), amount in sorted(found.items())]
            for currency, found in sorted(amounts.items())
        },
    }


def told(document: Mapping[str, Any]) -> Told:
    """What a record says. Raises InputError for one that this version does not understand."""
    try:
        if document["version"] != VERSION:
            raise InputError(
                f"version {document['version']} of a digest's record is not understood; expected {VERSION}"
            )
        return Told(
            Week.parse(document["week"]),
            datetime.fromisoformat(document["made_at"]),
            {
                currency: {(cluster, kind): Decimal(amount) for cluster, kind, amount in found}
                for currency, found in document["amounts"].items()
            },
        )
    except (KeyError, TypeError, AttributeError, ValueError, InvalidOperation) as error:
        raise InputError(f"this is no record of a digest: {type(error).__name__}") from None
