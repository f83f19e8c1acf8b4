"""Rings: what a ring has proven, and what halts it with all later ones. Pure.

A ring has proven a version when every cluster of it that can move runs that one or a newer one, healthy, for `days` and
for `running_hours`, and at least one does. A cluster that sleeps, is excluded or is left to AKS holds no ring up; one
that nobody could read does. What a proof opens is in ring_gates.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.model.upgrades import NO_TIME, Halt, Proof, Ring, Rings, Run, UpgradePast
from shared.model.versions import Version
from shared.policy.versions import image_release

UNSEEN = timedelta(hours=2)
"""A stretch longer than this between two looks is nobody's running time."""
COUNT_EVERY = timedelta(hours=1)
"""Running time is written down this often, so that a calm fleet is not written at every tick."""

IMAGES_KEPT = 8
"""About two months of them."""
PROOFS_KEPT = 8
"""AKS supports four minor versions at a time, and long-term support a few more."""

_Rank = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Soak:
    """How long a ring lives with a version before the next one may have it."""

    days: float = 7.0
    running_hours: float = 0.0

    def done(self, run: Run, now: datetime) -> bool:
        return self.days_left(run, now) <= NO_TIME and self.hours_left(run) <= NO_TIME

    def days_left(self, run: Run, now: datetime) -> timedelta:
        return timedelta(days=self.days) - (now - run.since)

    def hours_left(self, run: Run) -> timedelta:
        return timedelta(hours=self.running_hours) - run.ran


@dataclass(frozen=True, slots=True)
class Member:
    """One cluster of a ring."""

    cluster: str
    """Lower-case id."""
    name: str
    ring: str
    past: UpgradePast | None
    """None: it was never looked at."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a rule says of its rings."""

    rings: tuple[str, ...]
    soak: Soak
    zone: str = "UTC"
    """IANA name of the zone that times are told in."""


def folded(before: Rings, order: Order, members: Iterable[Member], now: datetime, *, whole: bool = True) -> Rings:
    """The rings after a look at all members. `whole`: whether all of the fleet could be read.

    A proof is never taken back, a halt stands until it is released, and what nobody saw proves nothing.
    """
    known = tuple(members)
    halt = _first(order, before.halt, _halt(order, known, before.released_at))
    rings = []
    for name in order.rings:
        mine = tuple(one for one in known if one.ring == name)
        ring = before.ring(name) or Ring(name)
        if whole:
            proof = _proven(ring.proof, mine, order.soak, now)
            ring = replace(
                ring,
                proof=proof,
                past_proofs=_past_proofs(ring, proof),
                image=_proven_image(ring.image, mine, now),
                images=_images(ring.images, mine, now),
            )
        there, waiting = sum(map(_there, mine)), sum(map(_waits, mine))
        rings.append(replace(ring, clusters=len(mine), there=there, waiting=waiting))
    begun = tuple(sorted(one.cluster for one in known if one.past is not None and one.past.begun_at is not None))
    return replace(before, rings=tuple(rings), halt=halt, begun=begun, whole=whole)


def _first(order: Order, standing: Halt | None, new: Halt | None) -> Halt | None:
    """The halt of the earlier ring: it holds the later ones too. Of one ring the one that stands."""
    if standing is None or new is None:
        return standing or new
    return new if place_of(order, new.ring) < place_of(order, standing.ring) else standing


def _halt(order: Order, members: Sequence[Member], released_at: datetime | None) -> Halt | None:
    """The first failure, in the order of the rings, that nobody has forgiven yet."""
    fallen = [one for one in members if one.past is not None and unforgiven(one.past, released_at)]
    for ring in order.rings:
        for one in sorted(fallen, key=lambda each: each.cluster):
            fall = one.past.fall if one.past is not None else None
            if one.ring == ring and fall is not None:
                where = one.name if not fall.pool else f"{one.name}/{fall.pool}"
                return Halt(ring, one.cluster, fall.at, f"{where}: {fall.code}: {fall.message}")
    return None


def unforgiven(past: UpgradePast, released_at: datetime | None) -> bool:
    return past.fall is not None and (released_at is None or past.fall.at > released_at)


def released(before: Rings, by: str, now: datetime) -> Rings:
    """After somebody looked: what failed up to now is forgiven."""
    return replace(before, halt=None, released_at=now, released_by=by)


def _there(member: Member) -> bool:
    """Where it should end, as far as that is known."""
    past = member.past
    if past is None or past.run is None:
        return False
    return bool(past.goal) and version_rank(past.run.what) >= version_rank(past.goal)


def _waits(member: Member) -> bool:
    return member.past is not None and bool(member.past.waits)


def _behind(member: Member) -> bool:
    """It could move and has not: what its ring still waits for."""
    return not _waits(member) and not _there(member)


def version_rank(text: str) -> Version:
    return Version.read(text) or Version(0, 0)


def _proven(before: Proof | None, members: Sequence[Member], soak: Soak, now: datetime) -> Proof | None:
    runs = [(one, one.past.run if one.past is not None else None) for one in members]
    return _best(before, _Look(runs, _behind, version_rank), soak, now)


def _past_proofs(ring: Ring, now_proven: Proof | None) -> tuple[Proof, ...]:
    """A ring that moves on has still tested how it came here."""
    before = ring.proof
    if before is None or before is now_proven or not before.came_from:
        return ring.past_proofs
    line = version_rank(before.what).line
    others = (
        one for one in ring.past_proofs if (version_rank(one.what).line, one.came_from) != (line, before.came_from)
    )
    return (*others, before)[-PROOFS_KEPT:]


def _proven_image(before: Proof | None, members: Sequence[Member], now: datetime) -> Proof | None:
    """Images have no goal of their own: whoever can move is to have the image, or a newer one."""
    runs = [(one, one.past.image if one.past is not None else None) for one in members]
    return _best(before, _Look(runs, lambda one: not _waits(one), image_rank), Soak(0, 0), now)


def _images(before: tuple[Run, ...], members: Sequence[Member], now: datetime) -> tuple[Run, ...]:
    """Since when all of the ring that can move has had which image, or a newer one. A fall begins it all anew."""
    if any(one.past is not None and one.past.fall is not None for one in members):
        return ()
    runs = [None if one.past is None else one.past.image for one in members if not _waits(one)]
    known = [run.what for run in runs if run is not None]
    if not known or len(known) < len(runs):
        return before
    oldest = min(known, key=image_rank)
    if before and image_rank(oldest) <= image_rank(before[-1].what):
        return before
    return (*before, Run(oldest, now))[-IMAGES_KEPT:]


def image_rank(text: str) -> tuple[int, ...]:
    return image_release(text) or ()


@dataclass(frozen=True, slots=True)
class _Look:
    runs: Sequence[tuple[Member, Run | None]]
    needed: Callable[[Member], bool]
    """Whether a member that has not got there is waited for."""
    rank: _Rank


def _best(before: Proof | None, look: _Look, soak: Soak, now: datetime) -> Proof | None:
    """The newest thing that the ring has proven by now; never less than before."""
    candidates = {run.what for _, run in look.runs if run is not None and _ran(run) and soak.done(run, now)}
    for what in sorted(candidates, key=look.rank, reverse=True):
        if before is not None and look.rank(what) <= look.rank(before.what):
            return before
        if _holds(what, look, soak, now):
            return _proof(what, look, now)
    return before


def _ran(run: Run) -> bool:
    """Who was only ever seen asleep with something shows nothing of it."""
    return run.counted_at is not None or run.ran > NO_TIME


def _holds(what: str, look: _Look, soak: Soak, now: datetime) -> bool:
    for member, run in look.runs:
        got_there = run is not None and look.rank(run.what) >= look.rank(what)
        if not got_there and look.needed(member):
            return False
        if got_there and not _waits(member) and run is not None and not soak.done(run, now):
            return False
    return True


def _proof(what: str, look: _Look, now: datetime) -> Proof:
    got = [(one, run) for one, run in look.runs if run is not None and look.rank(run.what) >= look.rank(what)]
    pasts = [one.past for one, _ in got if one.past is not None]
    came = sorted({str(version_rank(past.came_from).line) for past in pasts if past.came_from})
    falls = sum(past.fall is not None for past in pasts)
    return Proof(what, now, len(got), max(run.since for _, run in got), tuple(came), falls)


def place_of(order: Order, ring: str) -> int:
    """A ring that the rule no longer names halts them all."""
    return order.rings.index(ring) if ring in order.rings else 0


def counted(run: Run | None, what: str, now: datetime, *, running: bool) -> Run:
    """The run with this look at a healthy cluster taken in; another version or image begins anew.

    The same object where there is nothing to write: an hour of running is written once an hour.
    """
    if run is None or run.what != what:
        return Run(what, now, NO_TIME, now if running else None)
    if run.counted_at is None:
        return replace(run, counted_at=now) if running else run
    seen = now - run.counted_at
    if running and NO_TIME <= seen < COUNT_EVERY:
        return run
    ran = run.ran + seen if NO_TIME <= seen <= UNSEEN else run.ran
    return replace(run, ran=ran, counted_at=now if running else None)
