"""Rings: what a ring has proven, when the next one opens, and what halts it with all later ones. Pure.

    a ring has proven v   when every cluster of it that can move runs v or newer, healthy, for `days` and for
                          `running_hours`, and at least one does
    a cluster may go to v when every earlier ring has proven v or newer, its own ring has proven what it runs now
                          (where we brought it there), and no halt stands at its ring or an earlier one

So nothing ever runs a version that no earlier ring has lived with, and a train of patches cannot outrun its soak.
A cluster that sleeps, is excluded or is left to AKS holds no ring up; one that nobody could read does.
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
            ring = replace(
                ring,
                proof=_proven(ring.proof, mine, order.soak, now),
                image=_proven_image(ring.image, mine, now),
            )
        there, waiting = sum(map(_there, mine)), sum(map(_waits, mine))
        rings.append(replace(ring, clusters=len(mine), there=there, waiting=waiting))
    begun = tuple(sorted(one.cluster for one in known if one.past is not None and one.past.begun_at is not None))
    return replace(before, rings=tuple(rings), halt=halt, begun=begun, whole=whole)


def _first(order: Order, standing: Halt | None, new: Halt | None) -> Halt | None:
    """The halt of the earlier ring: it holds the later ones too. Of one ring the one that stands."""
    if standing is None or new is None:
        return standing or new
    return new if _place(order, new.ring) < _place(order, standing.ring) else standing


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
    return bool(past.goal) and _version(past.run.what) >= _version(past.goal)


def _waits(member: Member) -> bool:
    return member.past is not None and bool(member.past.waits)


def _behind(member: Member) -> bool:
    """It could move and has not: what its ring still waits for."""
    return not _waits(member) and not _there(member)


def _version(text: str) -> Version:
    return Version.read(text) or Version(0, 0)


def _proven(before: Proof | None, members: Sequence[Member], soak: Soak, now: datetime) -> Proof | None:
    runs = [(one, one.past.run if one.past is not None else None) for one in members]
    return _best(before, _Look(runs, _behind, _version), soak, now)


def _proven_image(before: Proof | None, members: Sequence[Member], now: datetime) -> Proof | None:
    """Images have no goal of their own: whoever can move is to have the image, or a newer one.

    AKS rolls nodes to its newest image only, a new one every week: one that had to soak would be old before the next
    ring may have it. So images go through the rings in order, and healthy, but without a soak.
    """
    runs = [(one, one.past.image if one.past is not None else None) for one in members]
    return _best(before, _Look(runs, lambda one: not _waits(one), _image), Soak(0, 0), now)


def _image(text: str) -> tuple[int, ...]:
    return image_release(text) or ()


@dataclass(frozen=True, slots=True)
class _Look:
    runs: Sequence[tuple[Member, Run | None]]
    needed: Callable[[Member], bool]
    """Whether a member that has not got there is waited for."""
    rank: _Rank


def _best(before: Proof | None, look: _Look, soak: Soak, now: datetime) -> Proof | None:
    """The newest thing that the ring has proven by now; never less than before."""
    candidates = {run.what for _, run in look.runs if run is not None and soak.done(run, now)}
    for what in sorted(candidates, key=look.rank, reverse=True):
        if before is not None and look.rank(what) <= look.rank(before.what):
            return before
        if _holds(what, look, soak, now):
            return _proof(what, look, now)
    return before


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
    came = sorted({str(_version(past.came_from).line) for past in pasts if past.came_from})
    falls = sum(past.fall is not None for past in pasts)
    return Proof(what, now, len(got), max(run.since for _, run in got), tuple(came), falls)


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a cluster of a ring may begin something, and if not, why."""

    open: bool
    sentence: str = ""
    halted: bool = False
    waits_for: str = ""
    """The earlier ring that has yet to prove it; '' where none has."""


OPEN = Gate(open=True)


def gate(rings: Rings, order: Order, past: UpgradePast, to: Version) -> Gate:
    """Whether a cluster with this past may begin an upgrade to `to`."""
    shut = _shut(rings, order, past.ring)
    if shut is not None:
        return shut
    for name in order.rings[: order.rings.index(past.ring)]:
        ring = rings.ring(name)
        if ring is not None and not ring.clusters:
            continue  # a ring without a cluster has nothing to show
        if ring is None or ring.proof is None or _version(ring.proof.what) < to:
            return Gate(open=False, sentence=f"ring {name} has yet to soak {to}", waits_for=name)
    own = rings.ring(past.ring)
    if past.came_from and past.begun_at is None and past.run is not None:
        soaked = own is not None and own.proof is not None and _version(own.proof.what) >= _version(past.run.what)
        if not soaked:
            return Gate(open=False, sentence=f"ring {past.ring} is still soaking {past.run.what}")
    return OPEN


def image_gate(rings: Rings, order: Order, ring: str, image: str) -> Gate:
    """Whether a cluster of that ring may begin to roll its nodes to `image`."""
    shut = _shut(rings, order, ring)
    if shut is not None:
        return shut
    for name in order.rings[: order.rings.index(ring)]:
        one = rings.ring(name)
        if one is not None and not one.clusters:
            continue
        if one is None or one.image is None or _image(one.image.what) < _image(image):
            text = f"ring {name} has yet to take node image {image.rpartition('-')[2]}"
            return Gate(open=False, sentence=text, waits_for=name)
    return OPEN


def _shut(rings: Rings, order: Order, ring: str) -> Gate | None:
    if ring not in order.rings:
        return Gate(open=False, sentence=f"environment {ring or '(none)'} is no ring of the rule")
    if not rings.rings:
        return Gate(open=False, sentence="the rings have not been looked at yet")
    halt = rings.halt
    if halt is not None and order.rings.index(ring) >= _place(order, halt.ring):
        text = f"ring {halt.ring} is halted since {halt.at:%Y-%m-%d %H:%M} UTC ({halt.why})"
        return Gate(open=False, sentence=text, halted=True)
    if not rings.whole:
        return Gate(open=False, sentence="some of the fleet could not be read, so no ring is opened")
    return None


def _place(order: Order, ring: str) -> int:
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
