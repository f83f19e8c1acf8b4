"""The data behind a digest as CSV, in FOCUS's columns: what an auditor loads next to the export it came from.

Columns of our own begin with x_, as FOCUS asks: https://focus.finops.org/focus-specification/ - amounts keep all digits
that Azure gave. A text that a spreadsheet would run as a formula is defused with an apostrophe:
https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import io

from shared.model.billing import Basis
from shared.model.digest import Digest, Row

COLUMNS = (
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "BillingCurrency",
    "EffectiveCost",
    "BilledCost",
    "ProviderName",
    "SubAccountId",
    "ResourceId",
    "ResourceName",
    "x_CostType",
    "x_Team",
    "x_Environment",
    "x_Week",
    "x_Status",
)
"""EffectiveCost or BilledCost is filled, by the basis of the digest; the other stays empty, it was not asked for."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def data(digest: Digest) -> str:
    """Header and one line for each day, cluster, team and cost type; line ends as RFC 4180 wants them."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in digest.rows:
        writer.writerow(cells(row, digest.basis))
    return out.getvalue()


def cells(row: Row, basis: Basis) -> list[str]:
    """One line, in the order of COLUMNS."""
    line = row.line
    year, week, _ = row.on.isocalendar()
    amount = f"{row.amount:f}"
    return [
        row.on.isoformat(),
        row.end.isoformat(),
        line.currency,
        amount if basis is Basis.AMORTISED else "",
        amount if basis is Basis.ACTUAL else "",
        "Microsoft",
        line.cluster.split("/")[2] if line.cluster else "",
        line.cluster,
        defused(row.cluster_name),
        line.kind.value,
        defused(line.team),
        defused(row.environment),
        f"{year}-W{week:02}",
        "provisional" if row.provisional else "final",
    ]


def defused(text: str) -> str:
    """The text as a cell that stays text.

    >>> defused("=HYPERLINK(1)"), defused("web")
    ("'=HYPERLINK(1)", 'web')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
