"""A week that was told while provisional, beside what it is now that it has settled, and where the difference lies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from shared.costs.figures import Asked, of_week
from shared.model.digest import ZERO, Restated
from shared.model.weeks import Week

REASONS = 3


@dataclass(frozen=True, slots=True)
class Told:
    """What an audience was told of a week: read back from the archive, whose sent versions never change."""

    week: Week
    at: datetime
    amounts: Mapping[str, Mapping[tuple[str, str], Decimal]] = field(default_factory=lambda: MappingProxyType({}))
    """Currency -> (cluster id, kind) -> amount in the week."""


def restated(asked: Asked, told: Told | None) -> Restated | None:
    """The week before, as told and as it is now; None when it was not told, or not read again."""
    before = asked.week.back()
    if told is None or told.week != before or not asked.covers(before):
        return None
    then = told.amounts.get(asked.currency, {})
    now: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line, days in asked.lines():
        now[line.cluster, line.kind.value] += of_week(days, before)
    changes = {key: now.get(key, ZERO) - then.get(key, ZERO) for key in {*then, *now}}
    ordered = sorted(((key, change) for key, change in changes.items() if change), key=lambda one: (-abs(one[1]), one))
    why = [
        f"{asked.costs.names.get(cluster, cluster.rpartition('/')[2])}, {kind.lower()}: {change:+,.2f}"
        for (cluster, kind), change in ordered[:REASONS]
    ]
    rest = sum((change for _, change in ordered[REASONS:]), ZERO)
    if rest:
        why.append(f"everything else: {rest:+,.2f}")
    return Restated(before, sum(then.values(), ZERO), sum(now.values(), ZERO), told.at, tuple(why))
