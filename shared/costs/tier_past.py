"""History's records -> which tier a control plane had, and when which decision kept it on a cheaper one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.model.past import Tiered
from shared.model.records import HistoryRecord

SET_TIER = "set_tier"
SETTLED = timedelta(minutes=10)
"""An inventory may still show the tier before for so long after the change was seen."""


@dataclass(slots=True)
class TierFold:
    tiers: list[tuple[datetime, str]] = field(default_factory=list)
    _before: dict[str, str] = field(default_factory=dict)
    """Decision -> the tier when Azure took it."""
    _holds: Tiered | None = None
    _over: list[Tiered] = field(default_factory=list)

    def take(self, record: HistoryRecord) -> None:
        body = record.body
        if record.phase == "snapshot" and not body.get("problem"):
            since = body.get("since")
            looked = datetime.fromisoformat(since) if isinstance(since, str) and since else record.at
            self._seen(str(body.get("tier") or ""), record.at, looked)
        elif body.get("kind") == SET_TIER and record.phase == "accepted" and self.tiers:
            self._before[record.id] = self.tiers[-1][1]
        elif body.get("kind") == SET_TIER and record.phase == "succeeded":
            self._changed(record.id, record.at, str(body.get("rule") or ""))

    def carry_on(self, before: Iterable[Tiered]) -> None:
        """What held when history begins."""
        self._holds = next(iter(before), None)

    def tiered(self, until: datetime) -> tuple[Tiered, ...]:
        held = () if self._holds is None or self._holds.begin >= until else (replace(self._holds, end=until),)
        return (*self._over, *held)

    def _seen(self, tier: str, at: datetime, looked: datetime) -> None:
        """`looked` is the latest instant at which it was surely as it was before."""
        if not tier:
            return
        holds = self._holds
        if holds is not None and tier.casefold() == holds.before.casefold():
            if at - holds.begin <= SETTLED:
                return
            self._end(max(holds.begin, looked))
        if not self.tiers or self.tiers[-1][1] != tier:
            self.tiers.append((at, tier))

    def _changed(self, decision: str, at: datetime, rule: str) -> None:
        """It was seen to have succeeded. What it had before is unknown for one that was taken before history begins."""
        before = self._before.pop(decision, "")
        if self._holds is not None and self._holds.decision == decision:
            return
        self._end(at)
        if before:
            self._holds = Tiered(at, at, decision, rule, before)

    def _end(self, at: datetime) -> None:
        if self._holds is not None and self._holds.begin < at:
            self._over.append(replace(self._holds, end=at))
        self._holds = None
