"""When a cluster's next step comes, as far as that can be said today: never before a date, and nothing is promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.actions import UpgradeNodeImage
from shared.model.decisions import Reason
from shared.model.upgrades import Rings
from shared.model.versions import Version
from shared.policy.bound import BoundRule
from shared.policy.rings import Member
from shared.policy.schedule import hours
from shared.policy.upgrading import Step, order_of


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the soak of a ring is: of the cluster that has the longest way to go."""

    what: str
    days: float
    of_days: float
    hours: float
    of_hours: float

    def __str__(self) -> str:
        """Days, and running hours where they are asked for.

        >>> str(Progress("1.35.1", 4.25, 7, 31, 40))
        '1.35.1: 4.2 of 7 days, 31 of 40 running hours'
        """
        days = f"{self.what}: {min(self.days, self.of_days):.1f} of {self.of_days:g} days"
        if not self.of_hours:
            return days
        return f"{days}, {min(self.hours, self.of_hours):.0f} of {self.of_hours:g} running hours"


def soaking(rule: BoundRule, ring: str, members: Sequence[Member], rings: Rings, now: datetime) -> Progress | None:
    """What the ring soaks just now; None where nothing that it has not proven runs in it."""
    soak, seen = order_of(rule).soak, rings.ring(ring)
    proven = Version.read(seen.proof.what) if seen is not None and seen.proof is not None else None
    runs = [one.past.run for one in members if one.ring == ring and one.past is not None and one.past.run is not None]
    fresh = [run for run in runs if proven is None or (Version.read(run.what) or proven) > proven]
    if not fresh:
        return None
    newest = max(fresh, key=lambda run: Version.read(run.what) or Version(0, 0)).what
    mine = [run for run in fresh if run.what == newest]
    days = min((now - run.since).total_seconds() / 86400 for run in mine)
    ran = min(run.ran.total_seconds() / 3600 for run in mine)
    return Progress(newest, days, soak.days, ran, soak.running_hours)


def next_at(rule: BoundRule, step: Step, members: Sequence[Member], rings: Rings, now: datetime) -> datetime | None:
    """The instant (aware UTC) before which the step does not begin; `now` where it may; None where nobody can say."""
    gate = step.gate
    stopped = step.obstacle is not None and step.obstacle.reason is Reason.CLUSTER_STOPPED
    if step.action is None or stopped or (gate is not None and gate.halted):
        return None
    if gate is None or gate.open:
        return _window_from(rule, now)
    if isinstance(step.action, UpgradeNodeImage):
        return None if gate.opens_at is None else _window_from(rule, max(gate.opens_at, now))
    to = Version.read(getattr(step.action, "to", "")) or Version(0, 0)
    ready = _Ahead(rule, members, rings, now).ready(gate.waits_for or rule.environment, to)
    return None if ready is None else _window_from(rule, max(ready, now))


def _window_from(rule: BoundRule, at: datetime) -> datetime | None:
    if not rule.schedules:
        return at
    window = hours(rule.schedules, at)
    return at if window.inside else window.until


@dataclass(frozen=True, slots=True)
class _Ahead:
    rule: BoundRule
    members: Sequence[Member]
    rings: Rings
    now: datetime

    def ready(self, ring: str, to: Version) -> datetime | None:
        """When the ring can have soaked that version at the earliest. Running hours may make it later."""
        order, seen = order_of(self.rule), self.rings.ring(ring)
        if seen is not None and seen.proof is not None and (Version.read(seen.proof.what) or to) >= to:
            return self.now
        begin: datetime | None = self.now
        if ring in order.rings and order.rings.index(ring):
            begin = self.ready(order.rings[order.rings.index(ring) - 1], to)
        movers = [one for one in self.members if one.ring == ring and not (one.past is not None and one.past.waits)]
        ends = [self._soaked(one, to, begin) for one in movers]
        known = [end for end in ends if end is not None]
        return max(known, default=None) if len(known) == len(ends) else None

    def _soaked(self, one: Member, to: Version, begin: datetime | None) -> datetime | None:
        soak = order_of(self.rule).soak
        run = None if one.past is None else one.past.run
        version = None if run is None else Version.read(run.what)
        if run is not None and version is not None and version >= to:
            left = max(soak.hours_left(run), timedelta(0))
            return max(run.since + timedelta(days=soak.days), self.now + left)
        upgraded = None if begin is None else _window_from(self.rule, max(begin, self.now))
        return None if upgraded is None else upgraded + timedelta(days=soak.days)
